# For scripts/strategy-quality; not a test.
STRATEGY_QUALITY := $(BUILD)/tests/tools/strategy_quality
$(STRATEGY_QUALITY): $(BUILD)/obj/tests/tools/strategy_quality.o \
                     $(BUILD)/obj/tests/support/quality.o $(BUILD)/obj/tests/gpu/definition.o \
                     $(BUILD)/obj/tests/gpu/definition_pass.o $(LIBRARY)
	@mkdir -p $(@D)
	$(Q_LD)$(CC) $^ -o $@ $(ALL_LIBS)
# For tests/checks/onnx_graphs.sh: writes graphs that Python then loads.
ONNX_WRITE := $(BUILD)/tests/tools/onnx_write
EXTRA_TEST_PROGRAMS += $(ONNX_WRITE)
$(ONNX_WRITE): $(BUILD)/obj/tests/tools/onnx_write.o $(LIBRARY)
	@mkdir -p $(@D)
	$(Q_LD)$(CC) $^ -o $@ $(ALL_LIBS)
