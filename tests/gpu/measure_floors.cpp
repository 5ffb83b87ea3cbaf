/*
 * What the ways to go from one phase of a token to the next cost with no work in them: one JSON
 * object, microseconds each. scripts/gpu-check runs it; its figures are the floor under a token's
 * time: phases times the cheapest way.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backend/cuda/device.h"
#include "backend/cuda/launch.h"

enum {
    THREADS = 256,
    N_KERNELS = 151, /* a token of SmolLM-135M: five a layer and the head */
    N_TOKENS = 20,
    N_NUMBERS = 576,  /* of an exchange: one row of the residual stream */
    N_PHASES = 3000,
};

static void check(cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return;
    fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
    exit(1);
}

static SW_KERNEL(THREADS) void nothing(uint32_t *sink)
{
    sw_dependents_launch();
    sw_dependency_wait();
    if (sink == nullptr)
        sw_sync_block();
}

/* Every block adds one, and waits until all have. */
static SW_KERNEL(THREADS) void barriers(uint32_t *counter, uint32_t n)
{
    for (uint32_t i = 1; i <= n; i++) {
        sw_sync_block();
        if (threadIdx.x == 0) {
            sw_fence();
            sw_atomic_add(counter, 1);
            while (sw_load_acquire(counter) < i * gridDim.x)
                sw_relax();
        }
        sw_sync_block();
    }
}

/* Every block writes its share of the numbers and reads all of them, two buffers in turn: a block
 * that writes phase i has read all of i - 1, so all blocks have read i - 2, whose buffer this is. */
static SW_KERNEL(THREADS) void exchanges(uint64_t *numbers, uint32_t n, float *sink)
{
    float sum = 0;
    for (uint32_t i = 1; i <= n; i++) {
        uint64_t *buffer = numbers + i % 2 * N_NUMBERS;
        for (uint32_t at = blockIdx.x + gridDim.x * threadIdx.x; at < N_NUMBERS;
             at += gridDim.x * blockDim.x)
            sw_store_flagged(buffer + at, sum, i);
        for (uint32_t at = threadIdx.x; at < N_NUMBERS; at += blockDim.x) {
            uint64_t word;
            do
                word = sw_load_flagged(buffer + at);
            while (word >> 32 != i && (sw_relax(), true));
            sum += sw_as_float((uint32_t)word);
        }
        sw_sync_block();
    }
    if (sum == 1.5f)
        *sink = sum;
}

struct bench {
    cudaStream_t stream;
    cudaEvent_t begin, end;
    uint32_t n_sms;
    void *memory;
};

static void start(const bench &b)
{
    check(cudaEventRecord(b.begin, b.stream), "cudaEventRecord");
}

static double stop_us(const bench &b)
{
    float ms = 0;
    check(cudaEventRecord(b.end, b.stream), "cudaEventRecord");
    check(cudaEventSynchronize(b.end), "cudaEventSynchronize");
    check(cudaEventElapsedTime(&ms, b.begin, b.end), "cudaEventElapsedTime");
    return ms * 1e3;
}

static void clear(const bench &b)
{
    check(cudaMemsetAsync(b.memory, 0, 1 << 16, b.stream), "cudaMemsetAsync");
}

static void launch_chain(const bench &b, sw_launch_kind kind)
{
    for (int i = 0; i < N_KERNELS; i++)
        check(sw_launch(nothing, b.n_sms, THREADS, 0, b.stream, kind, (uint32_t *)b.memory),
              "launch");
}

static double launches_us(const bench &b, sw_launch_kind kind)
{
    launch_chain(b, kind);
    start(b);
    for (int i = 0; i < N_TOKENS; i++)
        launch_chain(b, kind);
    return stop_us(b) / N_TOKENS / N_KERNELS;
}

static double graph_us(const bench &b, sw_launch_kind kind)
{
    cudaGraph_t graph;
    cudaGraphExec_t step;
    check(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeThreadLocal), "begin capture");
    launch_chain(b, kind);
    check(cudaStreamEndCapture(b.stream, &graph), "end capture");
    check(cudaGraphInstantiate(&step, graph, 0), "cudaGraphInstantiate");
    check(cudaGraphLaunch(step, b.stream), "cudaGraphLaunch");
    start(b);
    for (int i = 0; i < N_TOKENS; i++)
        check(cudaGraphLaunch(step, b.stream), "cudaGraphLaunch");
    double us = stop_us(b) / N_TOKENS / N_KERNELS;
    cudaGraphExecDestroy(step);
    cudaGraphDestroy(graph);
    return us;
}

static double barrier_us(const bench &b, uint32_t n)
{
    double us = 0;
    for (int warm = 0; warm < 2; warm++) {
        clear(b);
        start(b);
        check(sw_launch(barriers, b.n_sms, THREADS, 0, b.stream, SW_LAUNCH_COOPERATIVE,
                        (uint32_t *)b.memory, n),
              "barriers");
        us = stop_us(b) / n;
    }
    return us;
}

static double exchange_us(const bench &b, uint32_t n)
{
    double us = 0;
    for (int warm = 0; warm < 2; warm++) {
        clear(b);
        start(b);
        check(sw_launch(exchanges, b.n_sms, THREADS, 0, b.stream, SW_LAUNCH_COOPERATIVE,
                        (uint64_t *)b.memory, n, (float *)((char *)b.memory + (1 << 15))),
              "exchanges");
        us = stop_us(b) / n;
    }
    return us;
}

int main(void)
{
    bench b = {};
    int n_sms = 0;
    check(cudaDeviceGetAttribute(&n_sms, cudaDevAttrMultiProcessorCount, 0), "no GPU");
    b.n_sms = (uint32_t)n_sms;
    check(cudaStreamCreate(&b.stream), "cudaStreamCreate");
    check(cudaEventCreate(&b.begin), "cudaEventCreate");
    check(cudaEventCreate(&b.end), "cudaEventCreate");
    check(cudaMalloc(&b.memory, 1 << 16), "cudaMalloc");
#ifdef SW_EMULATED
    const uint32_t n_phases = N_PHASES / 100;
#else
    const uint32_t n_phases = N_PHASES;
#endif
    printf("{\"launch\": %.4f, \"launch, overlapped\": %.4f, ", launches_us(b, SW_LAUNCH_PLAIN),
           launches_us(b, SW_LAUNCH_OVERLAPPED));
    printf("\"node of a graph\": %.4f, \"node of a graph, overlapped\": %.4f, ",
           graph_us(b, SW_LAUNCH_PLAIN), graph_us(b, SW_LAUNCH_OVERLAPPED));
    printf("\"barrier of all blocks\": %.4f, \"exchange of %d numbers\": %.4f}\n",
           barrier_us(b, n_phases), N_NUMBERS, exchange_us(b, n_phases));
    cudaFree(b.memory);
    cudaEventDestroy(b.begin);
    cudaEventDestroy(b.end);
    cudaStreamDestroy(b.stream);
    return 0;
}
