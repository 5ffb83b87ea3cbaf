# One program per tests/fuzz/fuzz_<noun>.c; only tests/fuzz/run.sh asks for them, with clang.
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/%)

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
$(FUZZ_PROGRAMS): $(BUILD)/%: $(BUILD)/obj/tests/fuzz/%.o $(LIBRARY)
	$(Q_LD)$(CC) $^ -o $@ $(ALL_LIBS) -fsanitize=fuzzer
-include $(FUZZ_SOURCES:%.c=$(BUILD)/obj/%.d)
