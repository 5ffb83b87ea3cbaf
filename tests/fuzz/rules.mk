# One program per tests/fuzz/fuzz_<noun>.c; only tests/fuzz/run.sh asks for them, with clang.
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/%)
# Without what parses no input, whose kernels are the longest to compile.
FUZZ_LIBRARY := $(BUILD)/libfuzzed.a
$(FUZZ_LIBRARY): $(filter-out $(addprefix $(BUILD)/obj/src/,backend/% engine/% cli/%),$(OBJECTS))
	@rm -f $@
	@$(AR) rcs $@ $^

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
$(FUZZ_PROGRAMS): $(BUILD)/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_LIBRARY)
	$(Q_LD)$(CC) $^ -o $@ $(ALL_LIBS) -fsanitize=fuzzer
-include $(FUZZ_SOURCES:%.c=$(BUILD)/obj/%.d)
