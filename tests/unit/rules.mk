# A stand-in for the GPU driver's library, loaded by test_nvml through SMOLWATT_NVML.
FAKE_NVML := $(BUILD)/tests/support/libfake_nvml.so
EXTRA_TEST_PROGRAMS += $(FAKE_NVML)
$(FAKE_NVML): tests/support/fake_nvml/fake_nvml.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q_LD)$(CC) -std=c17 $(WARN) -shared -fPIC $(OPT) $(SANITIZE) $< -o $@
