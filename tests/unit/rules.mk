# Stand-ins for libraries that are loaded at run time, through SMOLWATT_NVML, SMOLWATT_AMD_SMI,
# SMOLWATT_ONNXRUNTIME and SMOLWATT_CUDA.
FAKE_LIBRARIES := $(patsubst %,$(BUILD)/tests/support/lib%.so, \
                    fake_nvml fake_amd_smi fake_onnxruntime fake_cuda)
EXTRA_TEST_PROGRAMS += $(FAKE_LIBRARIES)
$(BUILD)/tests/support/libfake_nvml.so: tests/support/fake_nvml/fake_nvml.c
$(BUILD)/tests/support/libfake_amd_smi.so: tests/support/fake_amd_smi/fake_amd_smi.c
$(BUILD)/tests/support/libfake_onnxruntime.so: tests/support/fake_onnxruntime/fake_onnxruntime.c
$(BUILD)/tests/support/libfake_cuda.so: tests/support/fake_cuda/fake_cuda.c \
    tests/support/fake_cuda/fake_cuda.h src/backend/cuda/plugin.h src/backend/cuda/formats.h \
    src/backend/backend.h
$(FAKE_LIBRARIES): tests/support/gpu_waveform.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q_LD)$(CC) -std=c17 -D_GNU_SOURCE -Isrc -Itests $(WARN) -shared -fPIC $(OPT) $(SANITIZE) $(filter %.c,$^) -lm -o $@
# The scalar definitions of base_gpu's arithmetic, which the kernels' tests use, too.
$(patsubst %,$(BUILD)/tests/%,unit/test_gpu_pack unit/test_gpu_definition golden/test_strategies): \
    $(patsubst %,$(BUILD)/obj/tests/gpu/%.o,definition definition_pass)
