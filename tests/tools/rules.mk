# For scripts/strategy-quality; not a test.
STRATEGY_QUALITY := $(BUILD)/tests/tools/strategy_quality
$(STRATEGY_QUALITY): $(BUILD)/obj/tests/tools/strategy_quality.o \
                     $(BUILD)/obj/tests/support/quality.o $(LIBRARY)
	@mkdir -p $(@D)
	$(Q_LD)$(CC) $^ -o $@ $(ALL_LIBS)
