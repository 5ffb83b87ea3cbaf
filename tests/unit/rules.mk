# Stand-ins for the libraries of GPU drivers, loaded through SMOLWATT_NVML and SMOLWATT_AMD_SMI.
FAKE_GPUS := $(patsubst %,$(BUILD)/tests/support/lib%.so,fake_nvml fake_amd_smi)
EXTRA_TEST_PROGRAMS += $(FAKE_GPUS)
$(BUILD)/tests/support/libfake_nvml.so: tests/support/fake_nvml/fake_nvml.c
$(BUILD)/tests/support/libfake_amd_smi.so: tests/support/fake_amd_smi/fake_amd_smi.c
$(FAKE_GPUS): tests/support/gpu_waveform.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q_LD)$(CC) -std=c17 -D_GNU_SOURCE $(WARN) -shared -fPIC $(OPT) $(SANITIZE) $(filter %.c,$^) -o $@
