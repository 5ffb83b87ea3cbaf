# The CUDA sources on the host: kernels and runtime against src/backend/cuda/emulation, compiled by
# g++ (clang++ where CC is clang). Each tests/gpu/test_*.cpp is one cmocka program over the library,
# the plug-in's objects, the emulation, tests/support and the other files of this folder.
#
# A thread of a kernel is a fiber there, and one runs at a time: the thread sanitizer has nothing to
# see and knows nothing of the switches, so that under it the programs are skipped by name. So they
# are where there is no g++.

ifeq ($(origin CXX),default)
CXX := $(if $(findstring clang,$(CC)),clang++,g++)
endif
GPU_EMULATION := $(sort $(wildcard src/backend/cuda/emulation/*.cpp))
GPU_TESTS     := $(sort $(wildcard tests/gpu/test_*.cpp))
# measure_*.cpp are programs of their own, for a machine with a GPU.
GPU_SUPPORT   := $(filter-out $(GPU_TESTS) tests/gpu/measure_%,$(sort $(wildcard tests/gpu/*.cpp tests/gpu/*.c)))
PLUGIN_SOURCES := $(sort $(wildcard src/backend/cuda/*.cu))
PLUGIN_OBJECTS := $(patsubst %,$(BUILD)/obj/%.emulated.o,$(basename $(PLUGIN_SOURCES)))
GPU_PROGRAMS  := $(GPU_TESTS:%.cpp=$(BUILD)/%)
GPU_OBJECTS   := $(patsubst %,$(BUILD)/obj/%.o,$(basename $(GPU_EMULATION) $(GPU_TESTS) $(GPU_SUPPORT)))
EXTRA_TEST_PROGRAMS += $(GPU_PROGRAMS)

# Unrolling is nvcc's.
GPU_WARN := -Wall -Wextra -Wshadow -Wno-unknown-pragmas
ifdef WERROR
GPU_WARN += -Werror
endif
# As the kernels' own arithmetic, contraction is off: an fma is asked for by name.
GPU_CXXFLAGS = -std=c++17 -D_GNU_SOURCE -DSW_EMULATED -Isrc -Itests $(GPU_WARN) -ffp-contract=off \
               -fno-math-errno -fPIC -pthread $(OPT) $(GPU_SANITIZE) $(CXXFLAGS)
GPU_SANITIZE = $(filter-out -fsanitize=thread,$(SANITIZE))

$(BUILD)/cxx-flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CXX) $(GPU_CXXFLAGS)' > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/obj/%.o: %.cpp $(BUILD)/cxx-flags
	@mkdir -p $(@D)
	$(if $(Q_CC),@echo '  CXX  $<';)$(CXX) $(GPU_CXXFLAGS) -MMD -MP -c $< -o $@
-include $(GPU_OBJECTS:.o=.d)

# $(call skip,FILE,REASON) as in tests/kernels/rules.mk.
ifneq ($(findstring -fsanitize=thread,$(SANITIZE)),)
GPU_SKIP := fibers are not run under the thread sanitizer
else ifeq ($(shell command -v $(CXX) 2>/dev/null),)
GPU_SKIP := $(CXX) is not installed
endif
ifdef GPU_SKIP
$(GPU_PROGRAMS): $(BUILD)/tests/gpu/%: tests/gpu/%.cpp
	@mkdir -p $(@D)
	@$(call skip,$@,$(GPU_SKIP))
else
# Allocations can fail as in the other tests (tests/support/alloc.h). The plug-in's objects, not the
# plug-in, so that a test can call every kernel and steer the emulation under it.
$(GPU_PROGRAMS): LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
$(GPU_PROGRAMS): $(BUILD)/tests/gpu/%: $(BUILD)/obj/tests/gpu/%.o \
    $(patsubst %,$(BUILD)/obj/%.o,$(basename $(GPU_SUPPORT) $(GPU_EMULATION))) \
    $(PLUGIN_OBJECTS) $(SUPPORT_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(if $(Q_LD),@echo '  LD   $@';)$(CXX) $^ -o $@ $(shell pkg-config --libs cmocka 2>/dev/null) $(ALL_LIBS)
endif

# The whole plug-in for the host: SMOLWATT_CUDA=$(BUILD)/libsmolwatt_cuda_emulated.so smolwatt ...
# --backend base_gpu. It exports what the one for a GPU does, and nothing else of it meets the
# program's own symbols.
EMULATED_PLUGIN := $(BUILD)/libsmolwatt_cuda_emulated.so
ifneq ($(PLUGIN_SOURCES),)
ifneq ($(shell command -v $(CXX) 2>/dev/null),)
EXTRA_TEST_PROGRAMS += $(EMULATED_PLUGIN)
endif
endif

# Lines suffice to find a place in a kernel: names of variables are a third of the time to compile.
$(BUILD)/obj/%.emulated.o: %.cu $(BUILD)/cxx-flags
	@mkdir -p $(@D)
	$(if $(Q_CC),@echo '  CXX  $<';)$(CXX) -x c++ $(GPU_CXXFLAGS) $(if $(filter -g,$(OPT)),-g1) -MMD -MP -c $< -o $@
-include $(PLUGIN_OBJECTS:.o=.d)

.PHONY: cuda-emulated gpu-tests-emulated
cuda-emulated: $(EMULATED_PLUGIN)
gpu-tests-emulated: $(GPU_PROGRAMS)
$(EMULATED_PLUGIN): $(PLUGIN_OBJECTS) $(GPU_EMULATION:%.cpp=$(BUILD)/obj/%.o)
	@echo '{ global: sw_cuda_plugin; local: *; };' > $(@D)/cuda_emulated.map
	$(if $(Q_LD),@echo '  LD   $@';)$(CXX) -shared $^ -o $@ -Wl,--version-script=$(@D)/cuda_emulated.map \
	    -lm -pthread $(LDFLAGS) $(GPU_SANITIZE)
