# Kernels of instruction sets that the test machine may lack. The x86 kernels are compiled a second
# time against SIMDe's portable C, the NEON ones for arm64 and run under qemu-user. Where SIMDe, the
# cross compiler or qemu is missing, the program that stands there skips by name.

# The checks by kind, beside main in test_kernels.c.
CHECK_SOURCES := $(filter-out tests/kernels/test_%,$(wildcard tests/kernels/*.c))
$(BUILD)/tests/kernels/test_kernels: $(CHECK_SOURCES:%.c=$(BUILD)/obj/%.o)
-include $(CHECK_SOURCES:%.c=$(BUILD)/obj/%.d)

EMULATED := $(BUILD)/tests/kernels/emulated
# No sanitizer is built into them, so its suites would compile and run the same programs again.
ifeq ($(SANITIZE),)
EXTRA_TEST_PROGRAMS += $(EMULATED)/test_kernels_x86 $(EMULATED)/test_kernels_neon
endif

KERNEL_CHECK := tests/kernels/test_kernels.c $(CHECK_SOURCES) src/backend/cpu/dispatch.c \
                src/base/cpu.c src/base/error.c src/backend/cpu/kernels_scalar.c
KERNELS_X86  := $(wildcard src/backend/cpu/kernels_avx*.c)
KERNELS_NEON := src/backend/cpu/kernels_neon.c
KERNELS_DOT  := src/backend/cpu/kernels_neondot.c
KERNEL_FILES := $(KERNEL_CHECK) $(KERNELS_X86) $(KERNELS_NEON) $(KERNELS_DOT) \
                $(wildcard src/backend/cpu/*.h src/backend/cpu/*.inc src/base/*.h) \
                tests/kernels/check.h tests/kernels/rules.mk
# Neither sanitizers nor the machine's own vectors: SIMDE_NO_NATIVE makes it plain C.
KERNEL_FLAGS := -std=c17 -D_GNU_SOURCE -DSW_SLOW -Isrc $(WARN) -ffp-contract=off -fno-math-errno -Wno-psabi -O2

ARM64_CC   ?= aarch64-linux-gnu-gcc
QEMU_ARM64 ?= qemu-aarch64

# $(call skip,FILE,REASON): a program that skips.
skip = printf '%s\n' '\#!/bin/sh' 'echo "ok 1 - $(notdir $(1)) \# SKIP $(2)"; echo 1..1' > $(1); chmod +x $(1)

$(EMULATED)/test_kernels_x86: $(KERNEL_FILES) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC   kernels of x86 on SIMDe'
	@if echo '#include <simde/x86/avx512.h>' | $(CC) -E - >/dev/null 2>&1; then \
	    $(CC) $(KERNEL_FLAGS) -DSW_EMULATED -DSIMDE_NO_NATIVE $(KERNEL_CHECK) $(KERNELS_X86) -lm -o $@; \
	else $(call skip,$@,SIMDe is not installed); fi

$(EMULATED)/test_kernels_neon: $(KERNEL_FILES) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC   kernels of arm64 for qemu'
	@if ! command -v $(ARM64_CC) >/dev/null; then $(call skip,$@,$(ARM64_CC) is not installed); \
	elif ! command -v $(QEMU_ARM64) >/dev/null; then $(call skip,$@,$(QEMU_ARM64) is not installed); \
	else \
	    $(ARM64_CC) $(KERNEL_FLAGS) -march=armv8.2-a+dotprod -c $(KERNELS_DOT) -o $(@D)/dot.arm64.o && \
	    $(ARM64_CC) $(KERNEL_FLAGS) -static $(KERNEL_CHECK) $(KERNELS_NEON) $(@D)/dot.arm64.o -lm \
	        -o $(@D)/kernels.arm64 && \
	    printf '%s\n' '#!/bin/sh' 'exec $(QEMU_ARM64) -cpu max "$${0%/*}/kernels.arm64" "$$@"' > $@ && chmod +x $@; \
	fi
