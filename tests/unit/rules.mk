# Stand-ins for libraries that are loaded at run time, through SMOLWATT_NVML, SMOLWATT_AMD_SMI and
# SMOLWATT_ONNXRUNTIME.
FAKE_LIBRARIES := $(patsubst %,$(BUILD)/tests/support/lib%.so,fake_nvml fake_amd_smi fake_onnxruntime)
EXTRA_TEST_PROGRAMS += $(FAKE_LIBRARIES)
$(BUILD)/tests/support/libfake_nvml.so: tests/support/fake_nvml/fake_nvml.c
$(BUILD)/tests/support/libfake_amd_smi.so: tests/support/fake_amd_smi/fake_amd_smi.c
$(BUILD)/tests/support/libfake_onnxruntime.so: tests/support/fake_onnxruntime/fake_onnxruntime.c
$(FAKE_LIBRARIES): tests/support/gpu_waveform.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q_LD)$(CC) -std=c17 -D_GNU_SOURCE $(WARN) -shared -fPIC $(OPT) $(SANITIZE) $(filter %.c,$^) -o $@
