/*
 * The part of CUDA's runtime that an engine needs, on the host: same names, same signatures, same
 * refusals. Kernels run as emulation/device.h says, at once when they are launched; captured ones
 * when their graph is launched.
 *
 * What differs: a report (below) is returned by the launch already, and like CUDA's own faults it
 * is returned by every later call that launches, copies or waits, until sw_emulated_clear.
 *
 * Environment, read at first use (the functions below change it):
 *   SMOLWATT_EMULATED_CAPABILITY   "9.0"
 *   SMOLWATT_EMULATED_SMS          4
 *   SMOLWATT_EMULATED_SEED         0: threads run in turn; else another order for each number
 *   SMOLWATT_EMULATED_FAIL         n: the n-th allocation fails; 0: none
 *   SMOLWATT_EMULATED_LATE         1: see sw_emulated_late
 *   SMOLWATT_EMULATED_DEVICES      1; 0: none, as on a machine without a GPU
 */
#ifndef SW_BACKEND_CUDA_LAUNCH_H
#include "backend/cuda/launch.h" /* which includes this behind what it defines */
#elif !defined(SW_BACKEND_CUDA_EMULATION_RUNTIME_H)
#define SW_BACKEND_CUDA_EMULATION_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <tuple>
#include <type_traits>

/* Tests: how threads are ordered, what fails, what was found. */

void sw_emulated_seed(uint64_t seed);
void sw_emulated_sms(uint32_t n);
void sw_emulated_capability(int major, int minor);
void sw_emulated_fail_allocation(uint32_t n); /* the n-th from now on; 0: none */
/* Whether a stream does nothing until someone waits for it (or asks, which lets it do one thing):
 * the latest that a device might. A result that the host reads too early is not there then. */
void sw_emulated_late(bool late);
/* The first report since the last clear: kernel, block, thread, what; "" if there is none. */
const char *sw_emulated_report(void);
/* Forgets report, sticky error and last error. */
void sw_emulated_clear(void);
uint32_t sw_emulated_n_allocations(void); /* that were not freed, of device and pinned memory */

/* CUDA's numbers. */
enum cudaError {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInitializationError = 3,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInvalidDevicePointer = 17,
    cudaErrorInvalidMemcpyDirection = 21,
    cudaErrorInsufficientDriver = 35,
    cudaErrorInvalidDeviceFunction = 98,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorInvalidResourceHandle = 400,
    cudaErrorNotReady = 600,
    cudaErrorIllegalAddress = 700,
    cudaErrorLaunchOutOfResources = 701,
    cudaErrorLaunchTimeout = 702,
    cudaErrorMisalignedAddress = 716,
    cudaErrorLaunchFailure = 719,
    cudaErrorCooperativeLaunchTooLarge = 720,
    cudaErrorNotSupported = 801,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901,
    cudaErrorStreamCaptureUnmatched = 903,
    cudaErrorUnknown = 999,
};
typedef enum cudaError cudaError_t;

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUgraph_st *cudaGraph_t;
typedef struct CUgraphExec_st *cudaGraphExec_t;

enum cudaMemcpyKind {
    cudaMemcpyHostToHost = 0,
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3,
    cudaMemcpyDefault = 4,
};

enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal = 0,
    cudaStreamCaptureModeThreadLocal = 1,
    cudaStreamCaptureModeRelaxed = 2,
};

enum cudaStreamCaptureStatus {
    cudaStreamCaptureStatusNone = 0,
    cudaStreamCaptureStatusActive = 1,
    cudaStreamCaptureStatusInvalidated = 2,
};

enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9,
};

enum cudaDeviceAttr {
    cudaDevAttrMaxThreadsPerBlock = 1,
    cudaDevAttrMaxSharedMemoryPerBlock = 8,
    cudaDevAttrWarpSize = 10,
    cudaDevAttrClockRate = 13,
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrIntegrated = 18,
    cudaDevAttrCanMapHostMemory = 19,
    cudaDevAttrMemoryClockRate = 36,
    cudaDevAttrGlobalMemoryBusWidth = 37,
    cudaDevAttrL2CacheSize = 38,
    cudaDevAttrMaxThreadsPerMultiProcessor = 39,
    cudaDevAttrUnifiedAddressing = 41,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
    cudaDevAttrCooperativeLaunch = 95,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
    cudaDevAttrMaxBlocksPerMultiprocessor = 106,
    cudaDevAttrMaxPersistingL2CacheSize = 108,
    cudaDevAttrMaxAccessPolicyWindowSize = 109,
    cudaDevAttrReservedSharedMemoryPerBlock = 111,
};

enum cudaLimit {
    cudaLimitStackSize = 0,
    cudaLimitPersistingL2CacheSize = 6,
};

#define cudaHostAllocDefault           0x00
#define cudaHostAllocPortable          0x01
#define cudaHostAllocMapped            0x02
#define cudaHostAllocWriteCombined     0x04
#define cudaStreamDefault              0x00
#define cudaStreamNonBlocking          0x01
#define cudaEventDefault               0x00
#define cudaEventBlockingSync          0x01
#define cudaEventDisableTiming         0x02
#define cudaDeviceScheduleAuto         0x00
#define cudaDeviceScheduleSpin         0x01
#define cudaDeviceScheduleYield        0x02
#define cudaDeviceScheduleBlockingSync 0x04
#define cudaDeviceMapHost              0x08

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor,
        reservedSharedMemPerBlock;
    int regsPerBlock, regsPerMultiprocessor, warpSize, maxThreadsPerBlock;
    int maxThreadsPerMultiProcessor, maxBlocksPerMultiProcessor, multiProcessorCount;
    int major, minor, l2CacheSize, persistingL2CacheMaxSize, accessPolicyMaxWindowSize;
    int memoryBusWidth, integrated, canMapHostMemory, concurrentKernels, unifiedAddressing;
    int cooperativeLaunch, ECCEnabled, pciBusID, pciDeviceID, pciDomainID;
};

struct cudaFuncAttributes {
    size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
    int maxThreadsPerBlock, numRegs, ptxVersion, binaryVersion, maxDynamicSharedSizeBytes;
};

const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);

cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaSetDeviceFlags(unsigned flags);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *out, int device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaDeviceReset(void);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes);

/* Filled with 0xff, which is NaN in every form of float; more in memory.h. */
cudaError_t cudaMalloc(void **out, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **out, size_t bytes, unsigned flags = cudaHostAllocDefault);
cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned flags);
cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned flags);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream = 0);
cudaError_t cudaMemset(void *to, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream = 0);

cudaError_t cudaStreamCreate(cudaStream_t *out);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);

cudaError_t cudaEventCreate(cudaEvent_t *out);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = 0);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph,
                                 unsigned long long flags = 0);
cudaError_t cudaGraphUpload(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);

cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value);
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *out, const void *kernel);
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *out, const void *kernel, int block,
                                                          size_t shared_bytes);

/* As CUDA's C++ header has them. */
template <class T> static inline cudaError_t cudaMalloc(T **out, size_t bytes)
{
    void *memory = NULL;
    cudaError_t code = cudaMalloc(&memory, bytes);
    *out = static_cast<T *>(memory);
    return code;
}
template <class T>
static inline cudaError_t cudaMallocHost(T **out, size_t bytes, unsigned flags = 0)
{
    void *memory = NULL;
    cudaError_t code = cudaHostAlloc(&memory, bytes, flags);
    *out = static_cast<T *>(memory);
    return code;
}
template <class T> static inline cudaError_t cudaHostAlloc(T **out, size_t bytes, unsigned flags)
{
    void *memory = NULL;
    cudaError_t code = cudaHostAlloc(&memory, bytes, flags);
    *out = static_cast<T *>(memory);
    return code;
}
template <class T>
static inline cudaError_t cudaHostGetDevicePointer(T **device, void *host, unsigned flags)
{
    void *memory = NULL;
    cudaError_t code = cudaHostGetDevicePointer(&memory, host, flags);
    *device = static_cast<T *>(memory);
    return code;
}
template <class... P>
static inline cudaError_t cudaFuncSetAttribute(void (*kernel)(P...),
                                               enum cudaFuncAttribute attribute, int value)
{
    return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), attribute, value);
}
template <class... P>
static inline cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *out,
                                                void (*kernel)(P...))
{
    return cudaFuncGetAttributes(out, reinterpret_cast<const void *>(kernel));
}
template <class... P>
static inline cudaError_t
cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *out, void (*kernel)(P...), int block,
                                              size_t shared_bytes)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(
        out, reinterpret_cast<const void *>(kernel), block, shared_bytes);
}

/* The kernel and its arguments are in body, by value. text: how the launch names it. */
cudaError_t sw_emulated_launch(const char *text, const void *kernel, std::function<void()> body,
                               uint32_t grid, uint32_t block, size_t shared_bytes,
                               cudaStream_t stream, sw_launch_kind kind);

template <class... P, class... A>
static inline cudaError_t
sw_emulated_launch(const char *text, void (*kernel)(P...), uint32_t grid, uint32_t block,
                   size_t shared_bytes, cudaStream_t stream, sw_launch_kind kind, A... arguments)
{
    static_assert(sizeof...(P) == sizeof...(A), "one argument for each parameter");
    static_assert((std::is_trivially_copyable<P>::value && ...), "parameters are plain data");
    static_assert((sizeof(P) + ... + 0) <= 4096, "CUDA before 12.1 takes 4 KiB of parameters");
    std::tuple<P...> values(static_cast<P>(arguments)...);
    return sw_emulated_launch(
        text, reinterpret_cast<const void *>(kernel),
        [kernel, values] { std::apply(kernel, values); }, grid, block, shared_bytes, stream, kind);
}

#define sw_launch(...) sw_emulated_launch(#__VA_ARGS__, __VA_ARGS__)

#endif
