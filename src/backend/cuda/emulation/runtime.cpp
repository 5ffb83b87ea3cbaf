#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <map>
#include <memory>
#include <new>
#include <set>
#include <vector>

#include "backend/cuda/emulation/grid.h"
#include "backend/cuda/emulation/memory.h"
#include "backend/cuda/launch.h"

/* Written by g++ for each kernel: where the no-ops in front of it begin (device.h). */
extern "C" {
extern const unsigned char *__start___patchable_function_entries[] __attribute__((weak));
extern const unsigned char *__stop___patchable_function_entries[] __attribute__((weak));
}

namespace
{

enum {
    MAX_BLOCK = 1024,
    MAX_GRID = 0x7fffffff,
    SHARED_PLAIN = 48 * 1024,
    REGISTERS = 65536,
    VERSION = 13000,
    N_AHEAD = 3,
    SW_WARP_THREADS = 32,
    NOP_BYTES =
#ifdef __aarch64__
        4,
#else
        1,
#endif
};
const size_t MEMORY_BYTES = size_t(80) << 30;

/* CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"; the L2 of a T4,
 * A100, A10, L4 and H100. */
struct limits {
    int capability;                                       /* and above */
    uint32_t shared_optin, shared_of_sm, shared_reserved; /* reserved: of each block */
    uint32_t threads_of_sm, blocks_of_sm;
    int l2_bytes, l2_persisting_bytes;
};
const limits LIMITS[] = {
    {90, 227 << 10, 228 << 10, 1024, 2048, 32, 50 << 20, 32 << 20},
    {89, 99 << 10, 100 << 10, 1024, 1536, 24, 48 << 20, 33 << 20},
    {86, 99 << 10, 100 << 10, 1024, 1536, 16, 6 << 20, 4 << 20},
    {80, 163 << 10, 164 << 10, 1024, 2048, 32, 40 << 20, 30 << 20},
    {0, 64 << 10, 64 << 10, 0, 1024, 16, 4 << 20, 0},
};

struct settings {
    int major, minor;
    uint32_t sms, n_devices, fail_in;
    uint64_t seed;
    bool late;
};

/* One launch, copy or event, kept by a graph or by a stream. */
struct node {
    std::function<cudaError_t()> run;
    bool is_kernel = false;
    sw_grid_launch launch;
};
typedef std::vector<node> nodes;

settings *chosen;
cudaError_t last, sticky;
std::map<const void *, int> shared_limits; /* of kernels, as set */
std::set<cudaEvent_t> events;
std::set<cudaStream_t> streams;

} // namespace

struct CUstream_st {
    bool is_capturing, is_invalid, is_blocking;
    cudaStreamCaptureMode mode;
    nodes captured;
    nodes pending; /* where streams are late */
};
struct CUevent_st {
    bool is_recorded, has_time, is_pending;
    cudaStream_t stream; /* where it is pending */
    uint64_t at_ns;
};
struct CUgraph_st {
    nodes kept;
};
struct CUgraphExec_st {
    std::shared_ptr<const nodes> kept; /* a pending launch outlives the graph */
};

namespace
{

CUstream_st default_stream;

uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return otherwise;
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    return *end == '\0' ? value : otherwise;
}

settings *now()
{
    static settings s;
    if (chosen == NULL) {
        s.major = 9, s.minor = 0;
        const char *capability = getenv("SMOLWATT_EMULATED_CAPABILITY");
        if (capability != NULL)
            sscanf(capability, "%d.%d", &s.major, &s.minor);
        s.sms = static_cast<uint32_t>(number_of("SMOLWATT_EMULATED_SMS", 4));
        if (s.sms < 1 || s.sms > 1024)
            s.sms = 4;
        s.n_devices = static_cast<uint32_t>(number_of("SMOLWATT_EMULATED_DEVICES", 1));
        s.fail_in = static_cast<uint32_t>(number_of("SMOLWATT_EMULATED_FAIL", 0));
        s.seed = number_of("SMOLWATT_EMULATED_SEED", 0);
        s.late = number_of("SMOLWATT_EMULATED_LATE", 0) != 0;
        chosen = &s;
    }
    return chosen;
}

const limits *limits_now()
{
    const limits *l = LIMITS;
    while (l->capability > now()->major * 10 + now()->minor)
        l++;
    return l;
}

cudaError_t fail(cudaError_t code)
{
    if (code != cudaSuccess)
        last = code;
    return code;
}

uint64_t now_ns()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

/* Memory. */

bool allocation_fails()
{
    return now()->fail_in > 0 && --now()->fail_in == 0;
}

cudaError_t allocate(void **out, size_t bytes, bool of_device)
{
    *out = NULL;
    if (bytes == 0)
        return cudaSuccess;
    if (!allocation_fails() && bytes <= MEMORY_BYTES &&
        (!of_device || bytes <= MEMORY_BYTES - sw_memory_device_bytes()))
        *out = sw_memory_take(bytes, of_device);
    return *out != NULL ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}

bool is_of_device(const void *address, size_t bytes)
{
    const sw_memory_block *b = sw_memory_around(address, bytes);
    return b != NULL && b->of_device;
}

bool is_pinned(const void *address, size_t bytes)
{
    const sw_memory_block *b = sw_memory_around(address, bytes);
    return b != NULL && !b->of_device;
}

/* Whether the ends of a copy are what its kind says. */
bool ends_are_right(const void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    bool to_device = is_of_device(to, bytes), from_device = is_of_device(from, bytes);
    if (bytes == 0)
        return true;
    /* A block that begins on the device and does not hold all of it is an overrun. */
    if ((!to_device && is_of_device(to, 0)) || (!from_device && is_of_device(from, 0)))
        return false;
    switch (kind) {
    case cudaMemcpyHostToHost:
        return !to_device && !from_device;
    case cudaMemcpyHostToDevice:
        return to_device && !from_device;
    case cudaMemcpyDeviceToHost:
        return !to_device && from_device;
    case cudaMemcpyDeviceToDevice:
        return to_device && from_device;
    case cudaMemcpyDefault:
        return true;
    }
    return false;
}

/* Kernels. */

/* The largest block of SW_KERNEL; 0: unknown. */
uint32_t bound_of(const void *kernel)
{
    const unsigned char *at = static_cast<const unsigned char *>(kernel);
    const unsigned char *best = NULL;
    if (__start___patchable_function_entries == NULL)
        return 0;
    for (const unsigned char **p = __start___patchable_function_entries;
         p < __stop___patchable_function_entries; p++) {
        if (*p < at && at - *p <= MAX_BLOCK / SW_WARP_THREADS * NOP_BYTES &&
            (best == NULL || *p > best))
            best = *p;
    }
    return best == NULL ? 0 : static_cast<uint32_t>(at - best) / NOP_BYTES * SW_WARP_THREADS;
}

uint32_t blocks_of_sm(uint32_t block, size_t shared_bytes)
{
    const limits *l = limits_now();
    size_t n = l->threads_of_sm / block;
    size_t one = shared_bytes + l->shared_reserved;
    size_t by_shared = one == 0 ? n : l->shared_of_sm / one;
    n = by_shared < n ? by_shared : n;
    return n < l->blocks_of_sm ? static_cast<uint32_t>(n) : l->blocks_of_sm;
}

size_t shared_limit_of(const void *kernel)
{
    auto set = shared_limits.find(kernel);
    size_t limit = set == shared_limits.end() ? 0 : static_cast<size_t>(set->second);
    return limit > SHARED_PLAIN ? limit : size_t(SHARED_PLAIN);
}

sw_grid *begin_grid(const sw_grid_launch *launch, bool is_ahead)
{
    sw_grid_options options = {
        now()->seed, now()->sms * blocks_of_sm(launch->block, launch->shared_bytes),
        now()->sms * limits_now()->threads_of_sm, is_ahead, now()->major * 10 + now()->minor};
    return sw_grid_begin(launch, &options);
}

cudaError_t check_margins(const sw_grid_launch *launch)
{
    const sw_memory_block *b = sw_memory_damaged();
    if (b == NULL)
        return cudaSuccess;
    char text[128];
    snprintf(text, sizeof text, "wrote beside a block of %zu bytes of %s memory", b->bytes,
             b->of_device ? "device" : "pinned host");
    sw_grid_report_fault(cudaErrorIllegalAddress, launch, text);
    return cudaErrorIllegalAddress;
}

/* Kernels that may overlap go up to their wait before the kernel in front has begun: the earliest
 * that a device might run them, so that what they must not read yet is not there. One behind such a
 * kernel does, too, if that lets it before its own wait; no more than N_AHEAD. */
cudaError_t run_ahead(const nodes &list, size_t i, std::vector<sw_grid *> *begun)
{
    cudaError_t code = cudaSuccess;
    for (size_t n = 1; code == cudaSuccess && n <= N_AHEAD && i + n < list.size(); n++) {
        const node *next = &list[i + n];
        if (!next->is_kernel || !next->launch.is_overlapped || now()->major < 9)
            break;
        if (n < begun->size())
            continue;
        if (n > 1 && !sw_grid_lets_next_begin((*begun)[n - 1]))
            break;
        sw_grid *grid = begin_grid(&next->launch, true);
        if (grid == NULL)
            return cudaErrorMemoryAllocation;
        begun->push_back(grid);
        code = sw_grid_run_ahead(grid);
    }
    return code;
}

cudaError_t run_nodes(const nodes &list)
{
    std::vector<sw_grid *> begun; /* the kernel at hand, and those that run ahead */
    cudaError_t code = cudaSuccess;
    sw_grid_catch_faults();
    sw_memory_open();
    for (size_t i = 0; i < list.size() && code == cudaSuccess; i++) {
        if (!list[i].is_kernel) {
            code = list[i].run();
            continue;
        }
        if (begun.empty()) {
            sw_grid *grid = begin_grid(&list[i].launch, false);
            if (grid == NULL) {
                code = cudaErrorMemoryAllocation;
                break;
            }
            begun.push_back(grid);
        }
        code = run_ahead(list, i, &begun);
        if (code == cudaSuccess)
            code = sw_grid_run(begun.front());
        sw_grid_end(begun.front());
        begun.erase(begun.begin());
        if (code == cudaSuccess)
            code = check_margins(&list[i].launch);
    }
    for (sw_grid *grid : begun)
        sw_grid_end(grid);
    sw_memory_close();
    if (code != cudaSuccess)
        sticky = code;
    return code;
}

/* Streams. */

CUstream_st *stream_of(cudaStream_t stream)
{
    if (stream == NULL)
        return &default_stream;
    return streams.count(stream) != 0 ? stream : NULL;
}

/* What CUDA forbids while a stream records, except in relaxed mode: what waits or allocates. */
bool forbids_now()
{
    bool any = false;
    for (cudaStream_t s : streams) {
        if (s->is_capturing && s->mode != cudaStreamCaptureModeRelaxed) {
            s->is_invalid = true;
            any = true;
        }
    }
    return any;
}

/* All that waits in the stream. */
cudaError_t drain(CUstream_st *s)
{
    while (!s->pending.empty() && sticky == cudaSuccess) {
        nodes list;
        list.swap(s->pending);
        run_nodes(list);
    }
    s->pending.clear();
    return sticky;
}

cudaError_t drain_all(bool only_blocking)
{
    drain(&default_stream);
    for (cudaStream_t s : streams) {
        if (s->is_blocking || !only_blocking)
            drain(s);
    }
    return sticky;
}

/* At once, late, or into the stream's graph. What a call waits for is never late. */
cudaError_t submit(cudaStream_t stream, node n, bool waits = false)
{
    CUstream_st *s = stream_of(stream);
    if (s == NULL)
        return fail(cudaErrorInvalidResourceHandle);
    if (s->is_capturing) {
        s->captured.push_back(std::move(n));
        return cudaSuccess;
    }
    if (sticky != cudaSuccess)
        return fail(sticky);
    /* The default stream and those that do not ask to be left out wait for each other. */
    if (s == &default_stream)
        drain_all(true);
    else if (s->is_blocking)
        drain(&default_stream);
    if (sticky != cudaSuccess)
        return fail(sticky);
    s->pending.push_back(std::move(n));
    return now()->late && !waits ? cudaSuccess : fail(drain(s));
}

cudaError_t wait_for(cudaStream_t stream)
{
    CUstream_st *s = stream_of(stream);
    if (s == NULL)
        return fail(cudaErrorInvalidResourceHandle);
    if (s->is_capturing) {
        s->is_invalid = true;
        return fail(cudaErrorStreamCaptureUnsupported);
    }
    return fail(s == &default_stream ? drain_all(true) : drain(s));
}

/* One step of what is pending, as if time passed. */
cudaError_t look_at(CUstream_st *s)
{
    if (sticky != cudaSuccess)
        return fail(sticky);
    if (s->pending.empty())
        return cudaSuccess;
    nodes first(1);
    std::swap(first[0], s->pending.front());
    s->pending.erase(s->pending.begin());
    run_nodes(first);
    return sticky != cudaSuccess ? fail(sticky) : cudaErrorNotReady;
}

/* Up to the first comma that is not between brackets. */
std::string first_argument(const char *text)
{
    int depth = 0;
    const char *end = text;
    for (; *end != '\0' && !(*end == ',' && depth == 0); end++)
        depth += *end == '<' || *end == '(' ? 1 : *end == '>' || *end == ')' ? -1 : 0;
    return std::string(text, end);
}

} // namespace

void sw_emulated_seed(uint64_t seed)
{
    now()->seed = seed;
}

void sw_emulated_sms(uint32_t n)
{
    now()->sms = n < 1 ? 1 : n;
}

void sw_emulated_capability(int major, int minor)
{
    now()->major = major;
    now()->minor = minor;
}

void sw_emulated_fail_allocation(uint32_t n)
{
    now()->fail_in = n;
}

void sw_emulated_late(bool late)
{
    now()->late = late;
}

const char *sw_emulated_report(void)
{
    return sw_grid_report();
}

void sw_emulated_clear(void)
{
    sw_grid_clear_report();
    last = sticky = cudaSuccess;
    default_stream.pending.clear();
    for (cudaStream_t s : streams)
        s->pending.clear();
}

uint32_t sw_emulated_n_allocations(void)
{
    return static_cast<uint32_t>(sw_memory_n_blocks());
}

cudaError_t sw_emulated_launch(const char *text, const void *kernel, std::function<void()> body,
                               uint32_t grid, uint32_t block, size_t shared_bytes,
                               cudaStream_t stream, sw_launch_kind kind)
{
    uint32_t bound = bound_of(kernel);
    if (block == 0 || block % SW_WARP_THREADS != 0 || block > MAX_BLOCK || grid == 0 ||
        grid > MAX_GRID)
        return fail(cudaErrorInvalidConfiguration);
    if (bound != 0 && block > bound)
        return fail(cudaErrorLaunchFailure);
    if (shared_bytes > shared_limit_of(kernel))
        return fail(cudaErrorInvalidValue);
    if (kind == SW_LAUNCH_COOPERATIVE && grid > now()->sms * blocks_of_sm(block, shared_bytes))
        return fail(cudaErrorCooperativeLaunchTooLarge);
    node n;
    n.is_kernel = true;
    n.launch = {first_argument(text),         kernel,         grid, block, shared_bytes,
                kind == SW_LAUNCH_OVERLAPPED, std::move(body)};
    return submit(stream, std::move(n));
}

#define NAMES(X)                                                                                   \
    X(cudaSuccess, "no error")                                                                     \
    X(cudaErrorInvalidValue, "invalid argument")                                                   \
    X(cudaErrorMemoryAllocation, "out of memory")                                                  \
    X(cudaErrorInitializationError, "initialization error")                                        \
    X(cudaErrorInvalidConfiguration, "invalid configuration argument")                             \
    X(cudaErrorInvalidDevicePointer, "invalid device pointer")                                     \
    X(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy")                        \
    X(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version") \
    X(cudaErrorInvalidDeviceFunction, "invalid device function")                                   \
    X(cudaErrorNoDevice, "no CUDA-capable device is detected")                                     \
    X(cudaErrorInvalidDevice, "invalid device ordinal")                                            \
    X(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device") \
    X(cudaErrorInvalidResourceHandle, "invalid resource handle")                                   \
    X(cudaErrorNotReady, "device not ready")                                                       \
    X(cudaErrorIllegalAddress, "an illegal memory access was encountered")                         \
    X(cudaErrorLaunchOutOfResources, "too many resources requested for launch")                    \
    X(cudaErrorLaunchTimeout, "the launch timed out and was terminated")                           \
    X(cudaErrorMisalignedAddress, "misaligned address")                                            \
    X(cudaErrorLaunchFailure, "unspecified launch failure")                                        \
    X(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch")                 \
    X(cudaErrorNotSupported, "operation not supported")                                            \
    X(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")       \
    X(cudaErrorStreamCaptureInvalidated,                                                           \
      "operation failed due to a previous error during capture")                                   \
    X(cudaErrorStreamCaptureUnmatched, "capture was not initiated in this stream")                 \
    X(cudaErrorUnknown, "unknown error")

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return #name;
        NAMES(X)
#undef X
    }
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        NAMES(X)
#undef X
    }
    return "unrecognized error code";
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t code = last;
    last = cudaSuccess;
    return code;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = static_cast<int>(now()->n_devices);
    return *count > 0 ? cudaSuccess : fail(cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int *device)
{
    *device = 0;
    return now()->n_devices > 0 ? cudaSuccess : fail(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    if (now()->n_devices == 0)
        return fail(cudaErrorNoDevice);
    return device >= 0 && device < static_cast<int>(now()->n_devices)
               ? cudaSuccess
               : fail(cudaErrorInvalidDevice);
}

cudaError_t cudaSetDeviceFlags(unsigned flags)
{
    return flags < 0x20 ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *out, int device)
{
    cudaError_t code = cudaSetDevice(device);
    if (code != cudaSuccess)
        return code;
    *out = cudaDeviceProp();
    snprintf(out->name, sizeof out->name, "emulated");
    out->totalGlobalMem = MEMORY_BYTES;
    out->sharedMemPerBlock = SHARED_PLAIN;
    out->sharedMemPerBlockOptin = limits_now()->shared_optin;
    out->sharedMemPerMultiprocessor = limits_now()->shared_of_sm;
    out->reservedSharedMemPerBlock = limits_now()->shared_reserved;
    out->regsPerBlock = out->regsPerMultiprocessor = REGISTERS;
    out->warpSize = SW_WARP_THREADS;
    out->maxThreadsPerBlock = MAX_BLOCK;
    out->maxThreadsPerMultiProcessor = static_cast<int>(limits_now()->threads_of_sm);
    out->maxBlocksPerMultiProcessor = static_cast<int>(limits_now()->blocks_of_sm);
    out->multiProcessorCount = static_cast<int>(now()->sms);
    out->major = now()->major;
    out->minor = now()->minor;
    out->l2CacheSize = limits_now()->l2_bytes;
    out->persistingL2CacheMaxSize = limits_now()->l2_persisting_bytes;
    out->accessPolicyMaxWindowSize = 128 << 20;
    out->memoryBusWidth = 5120;
    out->canMapHostMemory = out->concurrentKernels = out->unifiedAddressing = 1;
    out->cooperativeLaunch = out->ECCEnabled = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    cudaDeviceProp p;
    cudaError_t code = cudaGetDeviceProperties(&p, device);
    if (code != cudaSuccess)
        return code;
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = p.maxThreadsPerBlock;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(p.sharedMemPerBlock);
        return cudaSuccess;
    case cudaDevAttrWarpSize:
        *value = p.warpSize;
        return cudaSuccess;
    case cudaDevAttrClockRate:
        *value = 1980000; /* kHz */
        return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
        *value = p.multiProcessorCount;
        return cudaSuccess;
    case cudaDevAttrIntegrated:
        *value = p.integrated;
        return cudaSuccess;
    case cudaDevAttrCanMapHostMemory:
        *value = p.canMapHostMemory;
        return cudaSuccess;
    case cudaDevAttrMemoryClockRate:
        *value = 2619000;
        return cudaSuccess;
    case cudaDevAttrGlobalMemoryBusWidth:
        *value = p.memoryBusWidth;
        return cudaSuccess;
    case cudaDevAttrL2CacheSize:
        *value = p.l2CacheSize;
        return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = p.maxThreadsPerMultiProcessor;
        return cudaSuccess;
    case cudaDevAttrUnifiedAddressing:
        *value = p.unifiedAddressing;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
        *value = p.major;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
        *value = p.minor;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(p.sharedMemPerMultiprocessor);
        return cudaSuccess;
    case cudaDevAttrCooperativeLaunch:
        *value = p.cooperativeLaunch;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(p.sharedMemPerBlockOptin);
        return cudaSuccess;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
        *value = p.maxBlocksPerMultiProcessor;
        return cudaSuccess;
    case cudaDevAttrMaxPersistingL2CacheSize:
        *value = p.persistingL2CacheMaxSize;
        return cudaSuccess;
    case cudaDevAttrMaxAccessPolicyWindowSize:
        *value = p.accessPolicyMaxWindowSize;
        return cudaSuccess;
    case cudaDevAttrReservedSharedMemoryPerBlock:
        *value = static_cast<int>(p.reservedSharedMemPerBlock);
        return cudaSuccess;
    }
    return fail(cudaErrorInvalidValue);
}

cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value)
{
    if (limit == cudaLimitPersistingL2CacheSize &&
        value > static_cast<size_t>(limits_now()->l2_persisting_bytes))
        return fail(cudaErrorInvalidValue);
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    if (forbids_now())
        return fail(cudaErrorStreamCaptureUnsupported);
    return fail(drain_all(false));
}

cudaError_t cudaDeviceReset(void)
{
    sw_emulated_clear();
    shared_limits.clear();
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    *free_bytes = MEMORY_BYTES - sw_memory_device_bytes();
    *total_bytes = MEMORY_BYTES;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **out, size_t bytes)
{
    *out = NULL;
    if (forbids_now())
        return fail(cudaErrorStreamCaptureUnsupported);
    return allocate(out, bytes, true);
}

/* Waits for the device first, as CUDA does. */
static cudaError_t release(void *address, bool of_device)
{
    if (forbids_now())
        return fail(cudaErrorStreamCaptureUnsupported);
    if (address == NULL)
        return cudaSuccess;
    drain_all(false);
    return sw_memory_release(address, of_device) ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaFree(void *address)
{
    return release(address, true);
}

cudaError_t cudaMallocHost(void **out, size_t bytes, unsigned flags)
{
    return cudaHostAlloc(out, bytes, flags);
}

cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned flags)
{
    *out = NULL;
    if (flags > 0x07)
        return fail(cudaErrorInvalidValue);
    if (forbids_now())
        return fail(cudaErrorStreamCaptureUnsupported);
    return allocate(out, bytes, false);
}

cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned flags)
{
    *device = NULL;
    if (flags != 0 || !is_pinned(host, 0))
        return fail(cudaErrorInvalidValue);
    *device = host;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *address)
{
    return release(address, false);
}

static node copy_of(void *to, const void *from, size_t bytes)
{
    node n;
    n.run = [to, from, bytes] {
        if (bytes > 0)
            memcpy(to, from, bytes);
        return cudaSuccess;
    };
    return n;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    if (forbids_now())
        return fail(cudaErrorStreamCaptureUnsupported);
    if (!ends_are_right(to, from, bytes, kind))
        return fail(cudaErrorInvalidValue);
    return submit(NULL, copy_of(to, from, bytes), true);
}

/* Memory of the host that is not pinned is read before the call returns, and written before, too.
 */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    if (!ends_are_right(to, from, bytes, kind))
        return fail(cudaErrorInvalidValue);
    bool to_pageable = sw_memory_around(to, bytes) == NULL;
    bool from_pageable = sw_memory_around(from, bytes) == NULL;
    if (from_pageable && !to_pageable && bytes > 0) {
        const unsigned char *first = static_cast<const unsigned char *>(from);
        std::shared_ptr<const std::vector<unsigned char>> staged =
            std::make_shared<std::vector<unsigned char>>(first, first + bytes);
        node n;
        n.run = [to, staged] {
            memcpy(to, staged->data(), staged->size());
            return cudaSuccess;
        };
        return submit(stream, std::move(n));
    }
    return submit(stream, copy_of(to, from, bytes), to_pageable);
}

static node fill_of(void *to, int value, size_t bytes)
{
    node n;
    n.run = [to, value, bytes] {
        if (bytes > 0)
            memset(to, value, bytes);
        return cudaSuccess;
    };
    return n;
}

cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
    if (forbids_now())
        return fail(cudaErrorStreamCaptureUnsupported);
    return cudaMemsetAsync(to, value, bytes, NULL);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    if (bytes > 0 && sw_memory_around(to, bytes) == NULL)
        return fail(cudaErrorInvalidValue);
    return submit(stream, fill_of(to, value, bytes));
}

cudaError_t cudaStreamCreate(cudaStream_t *out)
{
    return cudaStreamCreateWithFlags(out, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags)
{
    *out = NULL;
    if (flags > cudaStreamNonBlocking)
        return fail(cudaErrorInvalidValue);
    *out = new (std::nothrow) CUstream_st();
    if (*out == NULL)
        return fail(cudaErrorMemoryAllocation);
    (*out)->is_blocking = (flags & cudaStreamNonBlocking) == 0;
    streams.insert(*out);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    if (stream == NULL || streams.count(stream) == 0)
        return fail(cudaErrorInvalidResourceHandle);
    drain(stream);
    streams.erase(stream);
    for (cudaEvent_t event : events) {
        if (event->stream == stream)
            event->stream = NULL;
    }
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    return wait_for(stream);
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    CUstream_st *s = stream_of(stream);
    if (s == NULL)
        return fail(cudaErrorInvalidResourceHandle);
    return s->is_capturing ? wait_for(stream) : look_at(s);
}

/* What the event stands behind runs before what the stream gets next. Capturing more streams than
 * one into a graph is not emulated. */
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    CUstream_st *s = stream_of(stream);
    if (flags != 0 || s == NULL || events.count(event) == 0)
        return fail(cudaErrorInvalidResourceHandle);
    if (s->is_capturing)
        return fail(cudaErrorNotSupported);
    if (!event->is_pending || stream_of(event->stream) == s)
        return cudaSuccess;
    cudaStream_t other = event->stream;
    node n;
    n.run = [other] { return stream_of(other) == NULL ? cudaSuccess : drain(stream_of(other)); };
    return submit(stream, std::move(n));
}

cudaError_t cudaEventCreate(cudaEvent_t *out)
{
    return cudaEventCreateWithFlags(out, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags)
{
    *out = new (std::nothrow) CUevent_st();
    if (*out == NULL)
        return fail(cudaErrorMemoryAllocation);
    (*out)->has_time = (flags & cudaEventDisableTiming) == 0;
    events.insert(*out);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    if (events.erase(event) == 0)
        return fail(cudaErrorInvalidResourceHandle);
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    if (events.count(event) == 0 || stream_of(stream) == NULL)
        return fail(cudaErrorInvalidResourceHandle);
    node n;
    n.run = [event] {
        if (events.count(event) != 0) {
            event->is_recorded = true;
            event->is_pending = false;
            event->at_ns = now_ns();
        }
        return cudaSuccess;
    };
    if (!stream_of(stream)->is_capturing) {
        event->is_pending = true;
        event->stream = stream;
    }
    return submit(stream, std::move(n));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    if (events.count(event) == 0)
        return fail(cudaErrorInvalidResourceHandle);
    return event->is_pending ? wait_for(event->stream) : fail(sticky);
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    if (events.count(event) == 0)
        return fail(cudaErrorInvalidResourceHandle);
    return event->is_pending ? look_at(stream_of(event->stream)) : fail(sticky);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    if (events.count(from) == 0 || events.count(to) == 0 || !from->has_time || !to->has_time)
        return fail(cudaErrorInvalidResourceHandle);
    if (from->is_pending || to->is_pending)
        return fail(cudaErrorNotReady);
    if (!from->is_recorded || !to->is_recorded)
        return fail(cudaErrorInvalidResourceHandle);
    *ms = static_cast<float>(static_cast<double>(to->at_ns) - static_cast<double>(from->at_ns)) *
          1e-6f;
    return fail(sticky);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    /* The default stream cannot be captured. */
    if (stream == NULL || streams.count(stream) == 0)
        return fail(stream == NULL ? cudaErrorStreamCaptureUnsupported
                                   : cudaErrorInvalidResourceHandle);
    if (stream->is_capturing)
        return fail(cudaErrorInvalidValue);
    stream->is_capturing = true;
    stream->is_invalid = false;
    stream->mode = mode;
    stream->captured.clear();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    *out = NULL;
    if (streams.count(stream) == 0 || !stream->is_capturing)
        return fail(cudaErrorStreamCaptureUnmatched);
    stream->is_capturing = false;
    if (stream->is_invalid)
        return fail(cudaErrorStreamCaptureInvalidated);
    *out = new (std::nothrow) CUgraph_st();
    if (*out == NULL)
        return fail(cudaErrorMemoryAllocation);
    (*out)->kept = std::move(stream->captured);
    stream->captured.clear();
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    CUstream_st *s = stream_of(stream);
    if (s == NULL)
        return fail(cudaErrorInvalidResourceHandle);
    *status = !s->is_capturing ? cudaStreamCaptureStatusNone
              : s->is_invalid  ? cudaStreamCaptureStatusInvalidated
                               : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags)
{
    *out = NULL;
    if (graph == NULL || flags != 0)
        return fail(cudaErrorInvalidValue);
    *out = new (std::nothrow) CUgraphExec_st();
    if (*out == NULL)
        return fail(cudaErrorMemoryAllocation);
    (*out)->kept = std::make_shared<nodes>(graph->kept);
    return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t graph, cudaStream_t stream)
{
    return graph != NULL && stream_of(stream) != NULL ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    if (graph == NULL)
        return fail(cudaErrorInvalidValue);
    std::shared_ptr<const nodes> kept = graph->kept;
    node n;
    n.run = [kept] { return run_nodes(*kept); };
    return submit(stream, std::move(n));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value)
{
    if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) {
        if (value < 0 || value > static_cast<int>(limits_now()->shared_optin))
            return fail(cudaErrorInvalidValue);
        shared_limits[kernel] = value;
        return cudaSuccess;
    }
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout && value >= -1 && value <= 100)
        return cudaSuccess;
    return fail(cudaErrorInvalidValue);
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *out, const void *kernel)
{
    uint32_t bound = bound_of(kernel);
    *out = cudaFuncAttributes();
    out->maxThreadsPerBlock = bound != 0 ? static_cast<int>(bound) : int(MAX_BLOCK);
    out->maxDynamicSharedSizeBytes = static_cast<int>(shared_limit_of(kernel));
    out->ptxVersion = out->binaryVersion = now()->major * 10 + now()->minor;
    return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *out, const void *kernel, int block,
                                                          size_t shared_bytes)
{
    *out = 0;
    if (block <= 0)
        return fail(cudaErrorInvalidValue);
    if (block <= MAX_BLOCK && shared_bytes <= shared_limit_of(kernel))
        *out = static_cast<int>(
            blocks_of_sm(static_cast<uint32_t>(block + 31) / 32 * 32, shared_bytes));
    return cudaSuccess;
}
