# smolwatt: GNU make, no configure step. Everything is built under build/.
#
#   make            the program, build/smolwatt, and where nvcc is, the CUDA plug-in of base_gpu
#   make cuda       that plug-in alone, build/libsmolwatt_cuda.so (src/backend/cuda/rules.mk)
#   make test       every test that needs no sanitizer; last line: N passed, N failed, N skipped
#   make asan tsan  the same suite under AddressSanitizer + UBSan, and under ThreadSanitizer
#   make fuzz       bounded run of every fuzzer (clang); FUZZ_SECONDS=10 each
#   make bench      speed of this machine: tokens/s beside the machine's own limits
#   make install    program, plug-in, man page, completion; DESTDIR and PREFIX as usual
#   make format     clang-format over src and tests
#
# Variables: CC, OPT (default -O2 -g), WERROR=1 (as in CI), BUILD (default build), CUDA=no.

VERSION := $(shell cat VERSION)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$(shell \
             git diff --quiet HEAD 2>/dev/null || echo +changes)
PREFIX  ?= /usr/local
BUILD   ?= build
OPT     ?= -O2 -g
CC      ?= cc

MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

PACKAGES := jansson libpcre2-8 libcurl libcrypto hwloc
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
ifdef WERROR
WARN += -Werror
endif

# Contraction is off so that a*b+c rounds the same on every machine; kernels ask for fma by name.
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -Isrc -I$(BUILD)/gen $(WARN) -ffp-contract=off -fno-math-errno \
             -fvisibility=hidden -pthread $(PKG_CFLAGS) $(OPT) $(SANITIZE) $(CFLAGS)
ALL_LIBS   = $(PKG_LIBS) -lm -ldl -pthread $(LDFLAGS) $(SANITIZE)

SOURCES := $(sort $(wildcard src/*/*.c src/*/*/*.c))
# Kernel files name the CPU they need; those of another architecture are left out.
ifeq ($(filter x86_64,$(MACHINE)),)
SOURCES := $(filter-out %_avx2.c %_avxvnni.c %_avx512.c %_avx512vnni.c %_avx512bf16.c,$(SOURCES))
endif
ifeq ($(filter aarch64,$(MACHINE)),)
SOURCES := $(filter-out %_neon.c %_neondot.c,$(SOURCES))
endif
# Not part of the library: main itself.
LIBRARY_SOURCES := $(filter-out src/cli/main.c,$(SOURCES))

OBJECTS := $(LIBRARY_SOURCES:%.c=$(BUILD)/obj/%.o)
LIBRARY := $(BUILD)/libsmolwatt.a
PROGRAM := $(BUILD)/smolwatt

.PHONY: all test check unit asan tsan fuzz fuzz-build bench install uninstall format clean
all: $(PROGRAM) cuda-if-possible

# V=1 shows whole command lines.
ifndef V
Q_CC = @echo '  CC   $<';
Q_LD = @echo '  LD   $@';
endif

# Instruction sets per file name, never globally.
$(BUILD)/obj/%_avx2.o:   ISA_FLAGS = -mavx2 -mfma -mf16c
$(BUILD)/obj/%_avxvnni.o: ISA_FLAGS = -mavx2 -mfma -mf16c -mavxvnni
AVX512_FLAGS = -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl
$(BUILD)/obj/%_avx512.o: ISA_FLAGS = $(AVX512_FLAGS)
$(BUILD)/obj/%_avx512vnni.o: ISA_FLAGS = $(AVX512_FLAGS) -mavx512vnni
$(BUILD)/obj/%_avx512bf16.o: ISA_FLAGS = $(AVX512_FLAGS) -mavx512vnni -mavx512bf16
$(BUILD)/obj/%_neondot.o: ISA_FLAGS = -march=armv8.2-a+dotprod
# Packing is loops over millions of weights, which the compiler turns into vectors only at -O3.
$(BUILD)/obj/src/backend/cuda/pack.o: ISA_FLAGS = -O3

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q_CC)$(CC) $(ALL_CFLAGS) $(ISA_FLAGS) $(TEST_FLAGS) -MMD -MP -c $< -o $@

# What the build must say of itself in every record.
$(BUILD)/gen/build_info.h: FORCE
	@mkdir -p $(@D)
	@printf '#define SW_VERSION "%s"\n#define SW_COMMIT "%s"\n#define SW_CFLAGS "%s"\n' \
	    '$(VERSION)' '$(COMMIT)' '$(strip $(OPT) $(SANITIZE) $(CFLAGS))' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# A change of compiler or flags rebuilds.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:

$(OBJECTS) $(BUILD)/obj/src/cli/main.o: | $(BUILD)/gen/build_info.h

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(PROGRAM): $(BUILD)/obj/src/cli/main.o $(LIBRARY)
	$(Q_LD)$(CC) $^ -o $@ $(ALL_LIBS)

# Tests. Each tests/<kind>/test_*.c is one cmocka program over the library and tests/support/*.c.
TEST_SOURCES := $(sort $(wildcard tests/unit/test_*.c tests/kernels/test_*.c tests/golden/test_*.c))
SUPPORT_SOURCES := $(sort $(wildcard tests/support/*.c))
SUPPORT_OBJECTS := $(SUPPORT_SOURCES:%.c=$(BUILD)/obj/%.o)
SUPPORT_LIBRARY := $(BUILD)/libsupport.a
TEST_PROGRAMS := $(TEST_SOURCES:%.c=$(BUILD)/%)

# Apart from ALL_CFLAGS: prerequisites inherit a target's variables, and $(BUILD)/flags must not.
$(BUILD)/obj/tests/%.o: TEST_FLAGS = -Itests $(shell pkg-config --cflags cmocka 2>/dev/null)
# A library, so that a program holds only what it uses: without pthread_create it is not run under
# the thread sanitizer (tests/run.sh). Each of the two may need the other.
$(SUPPORT_LIBRARY): $(SUPPORT_OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT_LIBRARY) $(LIBRARY)
	@mkdir -p $(@D)
	$(Q_LD)$(CC) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -o $@ \
	    $(shell pkg-config --libs cmocka 2>/dev/null) $(ALL_LIBS)
.PRECIOUS: $(BUILD)/obj/tests/%.o $(BUILD)/obj/%.o

test-programs: $(TEST_PROGRAMS)
# Further test rules (emulated instruction sets, other architectures) live beside their tests.
-include $(wildcard tests/*/rules.mk)
include src/backend/cuda/rules.mk

test: $(PROGRAM) $(TEST_PROGRAMS) $(EXTRA_TEST_PROGRAMS)
	BUILD=$(BUILD) tests/run.sh $(TESTS)
check: test

# Kernels are minutes to compile with what is left out: places of variables for debuggers, and three
# checks of pointers that come before an access which the address sanitizer sees (and which the
# fuzzers have on all that parses).
SANITIZED := -O1 -g -fno-var-tracking
ASAN := -fsanitize=address,undefined -fno-sanitize=null,object-size,pointer-overflow \
    -fno-sanitize-recover=all
asan:
	$(MAKE) BUILD=build/asan OPT='$(SANITIZED) -fno-omit-frame-pointer' SANITIZE='$(ASAN)' test
# Without the plug-in for the host, whose fibers this sanitizer does not know.
tsan:
	$(MAKE) BUILD=build/tsan OPT='$(SANITIZED)' SANITIZE='-fsanitize=thread' PLUGIN_SOURCES= test

FUZZ_SECONDS ?= 10
fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh

bench: $(PROGRAM)
	$(PROGRAM) bench

# Reading RAPL without root: examples, put in force by the administrator (docs/measuring.md).
EXAMPLES := udev/70-smolwatt-rapl.rules sysusers.d/smolwatt.conf tmpfiles.d/smolwatt-rapl.conf
install: $(PROGRAM)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/smolwatt
	install -D -m 644 docs/man/smolwatt.1 $(DESTDIR)$(PREFIX)/share/man/man1/smolwatt.1
	install -D -m 644 share/completion/smolwatt.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/smolwatt
	if [ -e $(CUDA_PLUGIN) ]; then install -D -m 755 $(CUDA_PLUGIN) \
	    $(DESTDIR)$(PREFIX)/lib/smolwatt/libsmolwatt_cuda.so; fi
	for file in record measure comparison; do install -D -m 644 docs/$$file.schema.json \
	    $(DESTDIR)$(PREFIX)/share/smolwatt/$$file.schema.json || exit 1; done
	for file in $(EXAMPLES); do install -D -m 644 share/$$file \
	    $(DESTDIR)$(PREFIX)/share/smolwatt/examples/$$file || exit 1; done
uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/share/smolwatt/examples $(DESTDIR)$(PREFIX)/lib/smolwatt
	rm -f $(DESTDIR)$(PREFIX)/bin/smolwatt $(DESTDIR)$(PREFIX)/share/man/man1/smolwatt.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/smolwatt \
	    $(DESTDIR)$(PREFIX)/share/smolwatt/record.schema.json \
	    $(DESTDIR)$(PREFIX)/share/smolwatt/measure.schema.json \
	    $(DESTDIR)$(PREFIX)/share/smolwatt/comparison.schema.json

format:
	clang-format -i $(wildcard src/*/*.[ch] src/*/*/*.[ch] tests/*/*.[ch] src/*/*/*.cu* src/*/*/*/*.h \
	    src/*/*/*/*.cpp tests/*/*.cpp)
clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(BUILD)/obj/src/cli/main.d $(TEST_SOURCES:%.c=$(BUILD)/obj/%.d) \
    $(SUPPORT_SOURCES:%.c=$(BUILD)/obj/%.d)
