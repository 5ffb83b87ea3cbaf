# The CUDA plug-in of base_gpu (docs/gpu.md), where nvcc is. Nothing else needs it: the program loads
# it at run time. tests/gpu/rules.mk builds the same source for the host.
#
#   make            builds it, too; a remark on standard error where it cannot be built (make test
#                   looks into it if it is there)
#   make CUDA=no    leaves it out, without a remark
#   make cuda       builds it, or fails
#   make gpu-tests  the kernels' tests for a GPU, into build/gpu-tests (scripts/gpu-check)
#
# Variables: NVCC, NVCCFLAGS, CUDA_ARCHITECTURES (compute capabilities; "native": the GPU here).

CUDA_ARCHITECTURES ?= 75 80 86 89 90
NVCC ?= $(shell command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
# Not part of sanitized builds: their programs load the plug-in of the host.
CUDA ?= $(if $(SANITIZE),no,auto)

CUDA_PLUGIN  := $(BUILD)/libsmolwatt_cuda.so
CUDA_SOURCES := $(sort $(wildcard src/backend/cuda/*.cu))
CUDA_OBJECTS := $(CUDA_SOURCES:%.cu=$(BUILD)/obj/%.cu.o)

# Machine code for each, and for GPUs to come the newest one's PTX, which their driver compiles. The
# sources ask for 8.0 and 9.0 only, so what nvcc makes for 8.0 is assembled for 8.6 and 8.9 as well:
# two fifths of its first half are spared.
CUDA_NEWEST  := $(lastword $(CUDA_ARCHITECTURES))
CUDA_VIRTUAL_86 := 80
CUDA_VIRTUAL_89 := 80
CUDA_TARGETS := $(if $(filter native,$(CUDA_ARCHITECTURES)),-arch=native, \
    $(foreach sm,$(CUDA_ARCHITECTURES),-gencode=arch=compute_$(or $(CUDA_VIRTUAL_$(sm)),$(sm)),code=sm_$(sm)) \
    -gencode=arch=compute_$(CUDA_NEWEST),code=compute_$(CUDA_NEWEST))
# As in all of our arithmetic, contraction is off: an fma is asked for by name. With -lineinfo,
# profiler and compute-sanitizer name lines.
CUDA_FLAGS = -std=c++17 -Isrc -fmad=false -lineinfo --threads $(shell nproc) $(CUDA_TARGETS) \
    -Xcompiler=-fPIC,-fvisibility=hidden,-ffp-contract=off,-Wall,-Wextra \
    $(if $(WERROR),-Werror=all-warnings -Xcompiler=-Werror) $(NVCCFLAGS)

# The compiler's own process of make: where it fails, the program is built all the same.
.PHONY: cuda cuda-if-possible gpu-tests
cuda-if-possible:
ifneq ($(CUDA),no)
ifeq ($(CUDA_SOURCES),)
else ifeq ($(NVCC),)
	@echo 'make: no nvcc here: base_gpu is built without its plug-in (docs/gpu.md; CUDA=no leaves this out)' >&2
else
	@$(MAKE) --no-print-directory $(CUDA_PLUGIN) || \
	    echo 'make: base_gpu is built without its plug-in, which failed (CUDA=no leaves it out)' >&2
endif
endif

ifeq ($(NVCC),)
cuda gpu-tests:
	@echo "make: nvcc was not found: install NVIDIA's CUDA toolkit, or name it: make $@ NVCC=FILE" >&2; exit 1
else
cuda: $(CUDA_PLUGIN)
endif

$(BUILD)/cuda-flags: FORCE
	@mkdir -p $(@D)
	@echo '$(NVCC) $(CUDA_FLAGS)' > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/obj/%.cu.o: %.cu $(BUILD)/cuda-flags
	@mkdir -p $(@D)
	$(if $(Q_CC),@echo '  NVCC $<';)$(NVCC) $(CUDA_FLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
-include $(CUDA_OBJECTS:.o=.d)

# CUDA's runtime is inside, so that the driver's library alone is looked for, when it is needed; and
# one symbol is outside.
$(CUDA_PLUGIN): $(CUDA_OBJECTS)
	@echo '{ global: sw_cuda_plugin; local: *; };' > $(BUILD)/cuda.map
	$(if $(Q_LD),@echo '  LD   $@';)$(NVCC) -shared -cudart=static $(CUDA_TARGETS) $^ -o $@.new \
	    -Xlinker=--version-script=$(BUILD)/cuda.map && mv $@.new $@

# Tests of kernels, and what measures a GPU; what is about the emulation stays on the host.
CUDA_TESTS := $(filter-out tests/gpu/test_emulation.cpp,$(sort \
    $(wildcard tests/gpu/test_*.cpp tests/gpu/measure_*.cpp)))
CUDA_TEST_PROGRAMS := $(CUDA_TESTS:tests/gpu/%.cpp=$(BUILD)/gpu-tests/%)
CUDA_TEST_SUPPORT  := $(filter-out tests/gpu/test_% tests/gpu/measure_%, \
    $(sort $(wildcard tests/gpu/*.cpp)))
CUDA_TEST_OBJECTS  := $(CUDA_TESTS:%.cpp=$(BUILD)/gpu-tests/obj/%.o) \
    $(CUDA_TEST_SUPPORT:%.cpp=$(BUILD)/gpu-tests/obj/%.o)
CUDA_TEST_C := $(sort $(wildcard tests/gpu/*.c))
$(BUILD)/gpu-tests/obj/%.o: %.cpp $(BUILD)/cuda-flags
	@mkdir -p $(@D)
	$(if $(Q_CC),@echo '  NVCC $<';)$(NVCC) -x cu $(CUDA_FLAGS) -Itests \
	    $(shell pkg-config --cflags cmocka 2>/dev/null) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
-include $(CUDA_TEST_OBJECTS:.o=.d)

$(CUDA_TEST_PROGRAMS): $(BUILD)/gpu-tests/%: $(BUILD)/gpu-tests/obj/tests/gpu/%.o \
    $(CUDA_TEST_SUPPORT:%.cpp=$(BUILD)/gpu-tests/obj/%.o) $(CUDA_TEST_C:%.c=$(BUILD)/obj/%.o) \
    $(CUDA_OBJECTS) $(SUPPORT_OBJECTS) $(LIBRARY)
	$(if $(Q_LD),@echo '  LD   $@';)$(NVCC) -cudart=static $(CUDA_TARGETS) $^ -o $@ \
	    $(foreach f,malloc calloc realloc strdup,-Xlinker=--wrap=$(f)) \
	    $(shell pkg-config --libs cmocka 2>/dev/null) $(PKG_LIBS) -lm -ldl -lpthread
ifneq ($(NVCC),)
gpu-tests: $(CUDA_TEST_PROGRAMS)
endif
