/*
 * The emulation of CUDA that every other test of this folder rests on: each function computes what
 * backend/cuda/device.h says, each kind of mistake is reported, and none where there is none.
 */
#include "gpu/gpu_test.h"

#include <math.h>
#include <unistd.h>

enum { MAX_SHARED = 227 * 1024 };

/* Reports are asked for: stderr would only hide what is not. */
static int clear(void **state)
{
    (void)state;
    sw_emulated_clear();
    sw_emulated_seed(0);
    sw_emulated_sms(4);
    sw_emulated_late(false);
    sw_emulated_capability(9, 0);
    sw_emulated_fail_allocation(0);
    return 0;
}

static uint32_t n_before;

static int begin(void **state)
{
    n_before = sw_emulated_n_allocations();
    return clear(state);
}

static int check_nothing_left(void **state)
{
    clear(state);
    assert_int_equal(sw_emulated_n_allocations(), n_before);
    return 0;
}

/* n items of the device, from host. */
template <class T> static T *on_device(const T *host, size_t n)
{
    T *device;
    GPU_OK(cudaMalloc(&device, n * sizeof(T)));
    GPU_OK(cudaMemcpy(device, host, n * sizeof(T), cudaMemcpyHostToDevice));
    return device;
}

template <class T> static void from_device(T *host, const T *device, size_t n)
{
    GPU_OK(cudaMemcpy(host, device, n * sizeof(T), cudaMemcpyDeviceToHost));
}

/* The last launch was reported as code, its line holds every one of the words, and the error stays
 * until it is cleared. */
static void check_report(cudaError_t got, cudaError_t code, const char *const *words,
                         size_t n_words)
{
    const char *report = sw_emulated_report();
    if (got != code)
        print_error("%s: \"%s\"\n", cudaGetErrorName(got), report);
    assert_int_equal(got, code);
    for (size_t i = 0; i < n_words; i++) {
        if (strstr(report, words[i]) == NULL)
            print_error("\"%s\" is not in \"%s\"\n", words[i], report);
        assert_non_null(strstr(report, words[i]));
    }
    assert_int_equal(cudaDeviceSynchronize(), code);
    sw_emulated_clear();
    assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
    assert_string_equal(sw_emulated_report(), "");
}
#define REPORTED(call, code, ...)                                                                  \
    do {                                                                                           \
        static const char *const reported_words[] = {__VA_ARGS__};                                 \
        check_report((call), (code), reported_words,                                               \
                     sizeof reported_words / sizeof *reported_words);                              \
    } while (0)

/* Threads, blocks, shared memory. */

static SW_KERNEL(256) void twice(float *x, uint32_t n)
{
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    sw_shared<float> own = sw_shared_take<float>(0);
    if (i < n)
        own[blockDim.x - 1 - threadIdx.x] = x[i];
    sw_sync_block();
    if (i < n)
        x[i] = 2 * own[blockDim.x - 1 - threadIdx.x] + static_cast<float>(gridDim.x);
}

static void test_blocks(void **state)
{
    (void)state;
    enum { N = 1000 };
    float host[N];
    for (int i = 0; i < N; i++)
        host[i] = static_cast<float>(i);
    float *x = on_device(host, N);
    GPU_OK(sw_launch(twice, 4, 256, 256 * sizeof(float), 0, SW_LAUNCH_PLAIN, x, N));
    GPU_OK(cudaDeviceSynchronize());
    from_device(host, x, N);
    for (int i = 0; i < N; i++)
        assert_true(host[i] == 2 * static_cast<float>(i) + 4);
    GPU_OK(cudaFree(x));
}

/* Every kind of item, the operators of an item, 16 bytes at once, and arrays in a row. */
static SW_KERNEL(64) void items(uint32_t *out)
{
    sw_shared<uint8_t> bytes = sw_shared_take<uint8_t>(0);     /* 64 */
    sw_shared<uint16_t> halves = sw_shared_take<uint16_t>(64); /* 64 */
    sw_shared<uint32_t> words = sw_shared_take<uint32_t>(192); /* 64 */
    sw_shared<uint64_t> longs = sw_shared_take<uint64_t>(448); /* 64 */
    uint32_t t = threadIdx.x;
    bytes[t] = static_cast<uint8_t>(t);
    halves[t] = static_cast<uint16_t>(3 * t);
    words[t] = t;
    words[t] += 5u;
    words[t] *= 2u;
    words[t] -= 1u;
    words[t] ^= 0x100u;
    words[t] |= 0x200u;
    words[t] &= 0xfffu;
    longs[t] = static_cast<uint64_t>(t) << 40;
    sw_sync_block();
    uint32_t other = 63 - t;
    uint32_t sum = bytes[other] + halves[other] + words[other];
    sum += static_cast<uint32_t>(longs[other] >> 40);
    sw_sync_block();
    if (t < 4) { /* 16 bytes of `bytes`, back behind themselves */
        sw_chunk chunk = sw_shared_load16(bytes, 16 * t);
        sw_shared_store16(longs, 2 * t, chunk);
    }
    sw_sync_block();
    sw_shared<uint8_t> copied = sw_shared_take<uint8_t>(448) + 1;
    if (t < 63)
        sum += copied[t] == t + 1 ? 1000000 : 0;
    out[t] = sum;
}

static void test_items(void **state)
{
    (void)state;
    uint32_t *out, host[64];
    GPU_OK(cudaMalloc(&out, sizeof host));
    GPU_OK(sw_launch(items, 1, 64, 960, 0, SW_LAUNCH_PLAIN, out));
    from_device(host, out, 64);
    for (uint32_t t = 0; t < 64; t++) {
        uint32_t o = 63 - t;
        uint32_t word = ((((o + 5) * 2 - 1) ^ 0x100u) | 0x200u) & 0xfffu;
        assert_int_equal(host[t], o + 3 * o + word + o + (t < 63 ? 1000000 : 0));
    }
    GPU_OK(cudaFree(out));
}

/* Warp functions. */

static SW_KERNEL(64) void warps(uint32_t *out, float *sums)
{
    uint32_t t = threadIdx.x;
    uint32_t x = sw_shuffle_xor(t * 10, 5);
    int32_t from_lane = sw_shuffle(static_cast<int32_t>(t), 31 - static_cast<int>(t % 32));
    uint32_t bits = sw_ballot(t % 3 == 0);
    sw_sync_warp();
    out[3 * t] = x;
    out[3 * t + 1] = static_cast<uint32_t>(from_lane);
    out[3 * t + 2] = bits;
    sums[2 * t] = sw_warp_sum(static_cast<float>(t));
    sums[2 * t + 1] = sw_warp_max(t % 32 == 7 ? 1000.0f + static_cast<float>(t) : -1.0f);
}

static void test_warps(void **state)
{
    (void)state;
    uint32_t host[192], *out;
    float host_sums[128], *sums;
    GPU_OK(cudaMalloc(&out, sizeof host));
    GPU_OK(cudaMalloc(&sums, sizeof host_sums));
    for (uint64_t seed = 0; seed < 4; seed++) {
        sw_emulated_seed(seed);
        GPU_OK(sw_launch(warps, 1, 64, 0, 0, SW_LAUNCH_PLAIN, out, sums));
        from_device(host, out, 192);
        from_device(host_sums, sums, 128);
        for (uint32_t t = 0; t < 64; t++) {
            uint32_t bits = 0;
            for (uint32_t lane = 0; lane < 32; lane++)
                bits |= ((t / 32 * 32 + lane) % 3 == 0 ? 1u : 0u) << lane;
            assert_int_equal(host[3 * t], (t ^ 5) * 10);
            assert_int_equal(host[3 * t + 1], t / 32 * 32 + 31 - t % 32);
            assert_int_equal(host[3 * t + 2], bits);
            assert_true(host_sums[2 * t] == (t < 32 ? 496.0f : 1520.0f));
            assert_true(host_sums[2 * t + 1] == (t < 32 ? 1007.0f : 1039.0f));
        }
    }
    GPU_OK(cudaFree(out));
    GPU_OK(cudaFree(sums));
}

/* Tensor cores: matrices by rows in, the product by rows out; the fragments are made of the rules
 * in device.h. One warp. K is the depth of one product in elements, B their bytes. */
enum form { F16, BF16, TF32, S8 };

template <int FORM>
static SW_KERNEL(32) void product(const unsigned char *a, const unsigned char *b, const uint32_t *c,
                                  uint32_t *out)
{
    enum { BYTES = FORM == TF32 ? 4 : FORM == S8 ? 1 : 2, ROW = 32, PER_WORD = 4 / BYTES };
    uint32_t g = threadIdx.x / 4, t = threadIdx.x % 4;
    uint32_t fa[4], fb[2];
    for (int i = 0; i < 4; i++) { /* 16 bytes further is 8 halves, 16 bytes or 4 floats */
        uint32_t row = g + i % 2 * 8;
        memcpy(&fa[i], a + row * ROW + t * 4 + i / 2 * 16, 4);
    }
    for (int i = 0; i < 2; i++)
        memcpy(&fb[i], b + g * ROW + t * 4 + i * 16, 4);
    uint32_t start[4];
    for (uint32_t i = 0; i < 4; i++)
        start[i] = c[(g + i / 2 * 8) * 8 + t * 2 + i % 2];
    if (FORM == S8) {
        sw_tile_s32 tile;
        memcpy(tile.v, start, sizeof start);
        sw_mma_s8(tile, fa, fb);
        memcpy(start, tile.v, sizeof start);
    } else {
        sw_tile_f32 tile;
        memcpy(tile.v, start, sizeof start);
        if (FORM == F16)
            sw_mma_f16(tile, fa, fb);
        else if (FORM == BF16)
            sw_mma_bf16(tile, fa, fb);
        else
            sw_mma_tf32(tile, fa, fb);
        memcpy(start, tile.v, sizeof start);
    }
    for (uint32_t i = 0; i < 4; i++)
        out[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = start[i];
}

static float number(int form, const unsigned char *at, uint32_t k)
{
    uint16_t half;
    uint32_t word;
    switch (form) {
    case F16:
        memcpy(&half, at + 2 * k, 2);
        return sw_f16_to_float(half);
    case BF16:
        memcpy(&half, at + 2 * k, 2);
        return sw_bf16_to_float(half);
    case TF32:
        memcpy(&word, at + 4 * k, 4);
        return sw_float_of_bits(word & 0xffffe000);
    default:
        return static_cast<float>(static_cast<int8_t>(at[k]));
    }
}

/* Numbers of few bits, so that every sum is exact in whatever order; each place of a and b its own.
 */
static void fill(int form, unsigned char *at, uint32_t n, uint32_t seed)
{
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        int value = static_cast<int>(seed >> 16) % 61 - 30;
        float x = static_cast<float>(value) * 0.25f;
        uint16_t half = form == F16 ? sw_float_to_f16(x) : sw_float_to_bf16(x);
        /* Low bits that no tensor core looks at. */
        uint32_t word = sw_bits_of_float(x) | (seed & 0x1fff);
        if (form == S8)
            at[i] = static_cast<unsigned char>(static_cast<int>(seed >> 16) % 255 - 127);
        else if (form == TF32)
            memcpy(at + 4 * i, &word, 4);
        else
            memcpy(at + 2 * i, &half, 2);
    }
}

template <int FORM> static void check_product()
{
    const uint32_t depth = FORM == S8 ? 32 : FORM == TF32 ? 8 : 16;
    unsigned char a[16 * 32], b[8 * 32];
    uint32_t c[128], out[128];
    fill(FORM, a, 16 * depth, 1 + FORM);
    fill(FORM, b, 8 * depth, 100 + FORM);
    for (uint32_t i = 0; i < 128; i++)
        c[i] = FORM == S8 ? i * 1000 : sw_bits_of_float(static_cast<float>(i) * 0.5f);
    unsigned char *device_a = on_device(a, sizeof a), *device_b = on_device(b, sizeof b);
    uint32_t *device_c = on_device(c, 128), *device_out;
    GPU_OK(cudaMalloc(&device_out, sizeof out));
    GPU_OK(sw_launch(product<FORM>, 1, 32, 0, 0, SW_LAUNCH_PLAIN, device_a, device_b, device_c,
                     device_out));
    from_device(out, device_out, 128);
    for (uint32_t row = 0; row < 16; row++) {
        for (uint32_t col = 0; col < 8; col++) {
            double sum = FORM == S8 ? (row * 8 + col) * 1000.0 : (row * 8 + col) * 0.5;
            for (uint32_t k = 0; k < depth; k++)
                sum += static_cast<double>(number(FORM, a + row * 32, k)) *
                       static_cast<double>(number(FORM, b + col * 32, k));
            uint32_t bits = out[row * 8 + col];
            double got = FORM == S8 ? static_cast<double>(static_cast<int32_t>(bits))
                                    : static_cast<double>(sw_float_of_bits(bits));
            assert_true(got == sum);
        }
    }
    GPU_OK(cudaFree(device_a));
    GPU_OK(cudaFree(device_b));
    GPU_OK(cudaFree(device_c));
    GPU_OK(cudaFree(device_out));
}

static void test_tensor_cores(void **state)
{
    (void)state;
    check_product<F16>();
    check_product<BF16>();
    check_product<TF32>();
    check_product<S8>();
    /* A T4 has two of them. */
    sw_emulated_capability(7, 5);
    check_product<F16>();
    check_product<S8>();
    unsigned char *operand;
    GPU_OK(cudaMalloc(&operand, 512));
    uint32_t *sums = reinterpret_cast<uint32_t *>(operand);
    REPORTED(sw_launch(product<BF16>, 1, 32, 0, 0, SW_LAUNCH_PLAIN, operand, operand, sums, sums),
             cudaErrorLaunchFailure, "kernel product<", "sw_mma_bf16", "sm_80");
    REPORTED(sw_launch(product<TF32>, 1, 32, 0, 0, SW_LAUNCH_PLAIN, operand, operand, sums, sums),
             cudaErrorLaunchFailure, "sw_mma_tf32");
    GPU_OK(cudaFree(operand));
}

/* Conversions and bytes: one thread a case. */
static SW_KERNEL(32) void conversions(const uint32_t *in, uint32_t *out)
{
    uint32_t bits = in[threadIdx.x];
    float x = sw_as_float(bits);
    uint32_t *own = out + 6 * threadIdx.x;
    own[0] = sw_to_bf16(x);
    own[1] = sw_as_bits(sw_from_bf16(sw_to_bf16(x)));
    own[2] = sw_to_f16(x);
    own[3] = sw_as_bits(sw_from_f16(sw_to_f16(x)));
    own[4] = static_cast<uint32_t>(sw_dot4(bits, bits ^ 0x80808080u, -5));
    own[5] = static_cast<uint32_t>(sw_dot4(0x80808080u, 0x80808080u, 0x7fffffff));
}

static void test_conversions(void **state)
{
    (void)state;
    uint32_t in[32], out[192], *device_out;
    for (uint32_t i = 0; i < 32; i++)
        in[i] = sw_bits_of_float(
                    ldexpf(1.0f + static_cast<float>(i) / 37.0f, static_cast<int>(i) * 2 - 30)) |
                (i % 2 << 31);
    in[30] = 0x7f800000;
    in[31] = 0x3f808000; /* half way between two bf16 numbers */
    uint32_t *device_in = on_device(in, 32);
    GPU_OK(cudaMalloc(&device_out, sizeof out));
    GPU_OK(sw_launch(conversions, 1, 32, 0, 0, SW_LAUNCH_PLAIN, device_in, device_out));
    from_device(out, device_out, 192);
    for (uint32_t i = 0; i < 32; i++) {
        float x = sw_float_of_bits(in[i]);
        int32_t dot = -5;
        for (int k = 0; k < 4; k++)
            dot += static_cast<int8_t>(in[i] >> 8 * k) *
                   static_cast<int8_t>((in[i] ^ 0x80808080u) >> 8 * k);
        assert_int_equal(out[6 * i], sw_float_to_bf16(x));
        assert_int_equal(out[6 * i + 1], static_cast<uint32_t>(sw_float_to_bf16(x)) << 16);
        assert_int_equal(out[6 * i + 2], sw_float_to_f16(x));
        assert_int_equal(out[6 * i + 3], sw_bits_of_float(sw_f16_to_float(sw_float_to_f16(x))));
        assert_int_equal(out[6 * i + 4], static_cast<uint32_t>(dot));
        assert_int_equal(out[6 * i + 5], 0x8000ffffu); /* wraps: 2^31 - 1 + 4 * 2^14 */
    }
    assert_int_equal(out[6 * 31], 0x3f80); /* ties go to the even one */
    GPU_OK(cudaFree(device_in));
    GPU_OK(cudaFree(device_out));
}

/* Races: which of them a kernel of two warps has. */
enum race {
    OWN_ONLY,        /* none: each thread its own */
    BARRIER,         /* none */
    WARP_BARRIER,    /* none: within a warp */
    READ_BY_ALL,     /* none: many read what one wrote before a barrier */
    BYTES_OF_A_WORD, /* none: four threads write a byte each of a word, read as a word */
    DISTANT_BUFFERS, /* none: two buffers in turn, one barrier a round */
    NEVER_WRITTEN,
    READ_AFTER_WRITE,
    WARP_ONLY_ACROSS, /* a warp's barrier between threads of two warps */
    SHUFFLE_BETWEEN,  /* a shuffle is no barrier */
    WRITE_AFTER_READ,
    WRITE_AFTER_OLD_READ, /* a reader of the warp and one of another warp */
    WRITE_AFTER_WRITE,
    BYTE_IN_A_WORD, /* a word is written, one byte of it is another thread's */
    CHUNK,          /* 16 bytes over another thread's */
    SAME_VALUE,     /* two threads write the same */
    NEXT_ROUND,     /* as DISTANT_BUFFERS with one buffer */
};

static SW_KERNEL(64) void races(int kind, uint32_t *out)
{
    sw_shared<uint32_t> words = sw_shared_take<uint32_t>(0); /* 64 */
    sw_shared<uint8_t> bytes = sw_shared_take<uint8_t>(0);
    uint32_t t = threadIdx.x, got = 0;
    switch (kind) {
    case OWN_ONLY:
        for (uint32_t i = 0; i < 3; i++) {
            words[t] = t + i;
            got += words[t];
        }
        break;
    case BARRIER:
        words[t] = t;
        sw_sync_block();
        got = words[63 - t];
        sw_sync_block();
        words[t] = got;
        sw_sync_block();
        got += words[63 - t];
        break;
    case WARP_BARRIER:
        words[t] = t;
        sw_sync_warp();
        got = words[t ^ 31];
        sw_sync_warp();
        words[t] = got;
        sw_sync_warp();
        got += words[t ^ 31];
        break;
    case READ_BY_ALL:
        if (t == 3)
            words[7] = 99;
        sw_sync_block();
        for (uint32_t i = 0; i < 4; i++)
            got += words[7];
        break;
    case BYTES_OF_A_WORD:
        bytes[t] = static_cast<uint8_t>(t);
        sw_sync_block();
        if (t < 16)
            got = words[t];
        sw_sync_block();
        bytes[63 - t] = static_cast<uint8_t>(got);
        break;
    case DISTANT_BUFFERS:
        for (uint32_t round = 0; round < 4; round++) {
            if (t < 32)
                words[round % 2 * 32 + t] = t + round;
            sw_sync_block();
            got += words[round % 2 * 32 + (t ^ 5) % 32];
        }
        break;
    case NEVER_WRITTEN:
        if (t > 0)
            words[t] = t;
        sw_sync_block();
        if (t == 40)
            got = words[0];
        break;
    case READ_AFTER_WRITE:
        words[t] = t;
        if (t == 50)
            got = words[20];
        break;
    case WARP_ONLY_ACROSS:
        words[t] = t;
        sw_sync_warp();
        got = words[t ^ 32];
        break;
    case SHUFFLE_BETWEEN:
        words[t] = t;
        got = sw_shuffle_xor(t, 1);
        got += words[t ^ 1];
        break;
    case WRITE_AFTER_READ:
        words[t] = t;
        sw_sync_block();
        got = words[t / 2];
        if (t == 40)
            words[10] = got;
        break;
    case WRITE_AFTER_OLD_READ:
        if (t == 0)
            words[0] = 1;
        sw_sync_block();
        if (t == 5 || t == 37)
            got = words[0];
        sw_sync_warp(); /* orders 5 before 6, not 37 */
        if (t == 6)
            words[0] = 2;
        break;
    case WRITE_AFTER_WRITE:
        words[t / 2] = t;
        break;
    case BYTE_IN_A_WORD:
        if (t == 0)
            words[3] = 7;
        if (t == 33)
            bytes[14] = 1;
        break;
    case CHUNK:
        words[t] = t;
        if (t == 12) {
            sw_chunk chunk = {{1, 2, 3, 4}};
            sw_shared_store16(words, 8, chunk);
        }
        break;
    case SAME_VALUE:
        if (t % 32 == 0)
            words[0] = 5;
        break;
    case NEXT_ROUND:
        for (uint32_t round = 0; round < 4; round++) {
            if (t < 32)
                words[t] = t + round;
            sw_sync_block();
            got += words[(t ^ 5) % 32];
        }
        break;
    }
    out[t] = got;
}

static void test_races(void **state)
{
    (void)state;
    uint32_t *out;
    GPU_OK(cudaMalloc(&out, 256));
    for (uint64_t seed = 0; seed < 6; seed++) {
        sw_emulated_seed(seed);
        for (int kind = OWN_ONLY; kind <= DISTANT_BUFFERS; kind++)
            GPU_OK(sw_launch(races, 2, 64, 256, 0, SW_LAUNCH_PLAIN, kind, out));
        for (int kind = NEVER_WRITTEN; kind <= NEXT_ROUND; kind++)
            REPORTED(sw_launch(races, 1, 64, 256, 0, SW_LAUNCH_PLAIN, kind, out),
                     cudaErrorLaunchFailure, "kernel races, block 0, thread ", "shared memory");
    }
    sw_emulated_seed(0);
#define RACE(kind, ...)                                                                            \
    REPORTED(sw_launch(races, 1, 64, 256, 0, SW_LAUNCH_PLAIN, int(kind), out),                     \
             cudaErrorLaunchFailure, "kernel races, block 0", __VA_ARGS__)
    RACE(NEVER_WRITTEN, "thread 40: byte 0 of shared memory is read before any thread wrote it");
    RACE(READ_AFTER_WRITE, "thread 50: race: byte 80 of shared memory, written by thread 20, is "
                           "read with no barrier between");
    RACE(WARP_ONLY_ACROSS, "shared memory is read before any thread wrote it"); /* in turn */
    RACE(SHUFFLE_BETWEEN, "race: byte ", "is read with no barrier");
    RACE(WRITE_AFTER_READ, "thread 40: race: byte 40 of shared memory, read by thread 20, is "
                           "written with no barrier between");
    RACE(WRITE_AFTER_OLD_READ, "race: byte 0");
    RACE(WRITE_AFTER_WRITE, "thread 1: race: byte 0", "written by thread 0, is written");
    RACE(BYTE_IN_A_WORD, "thread 33: race: byte 14", "written by thread 0, is written");
    RACE(CHUNK, "race: byte ", "is written");
    RACE(SAME_VALUE, "race: byte 0", "is written");
    RACE(NEXT_ROUND, "race: byte ");
#undef RACE
    GPU_OK(cudaFree(out));
}

/* Bounds of shared memory. */
static SW_KERNEL(32) void places(int kind, uint32_t n)
{
    sw_shared<float> floats = sw_shared_take<float>(0);
    sw_shared<uint8_t> bytes = sw_shared_take<uint8_t>(0);
    sw_chunk chunk = {{0, 0, 0, 0}};
    if (threadIdx.x != 9)
        return;
    switch (kind) {
    case 0:
        floats[n] = 1;
        break;
    case 1:
        sw_shared_store16(bytes, n, chunk);
        break;
    case 2:
        floats = floats + n;
        floats[0] = 1;
        break;
    case 3:
        sw_shared_take<uint16_t>(n)[0] = 1;
        break;
    }
}

static void test_bounds(void **state)
{
    (void)state;
    const cudaError_t outside = cudaErrorIllegalAddress, odd = cudaErrorMisalignedAddress;
#define PLACE(kind, n) sw_launch(places, 1, 32, 103, 0, SW_LAUNCH_PLAIN, kind, n)
    GPU_OK(PLACE(0, 24)); /* bytes 96 to 99 of 103 */
    REPORTED(PLACE(0, 25), outside, "thread 9: 4 bytes at byte 100", "the launch gave 103");
    REPORTED(PLACE(0, 0x40000000), outside, "thread 9");
    GPU_OK(PLACE(1, 80));
    REPORTED(PLACE(1, 96), outside, "16 bytes at byte 96");
    REPORTED(PLACE(1, 8), odd, "byte 8 of shared memory is no multiple of 16");
    GPU_OK(PLACE(2, 24));
    REPORTED(PLACE(2, 25), outside, "4 bytes at byte 100");
    REPORTED(PLACE(2, 26), outside, "at byte 104");
    REPORTED(PLACE(3, 5), odd, "byte 5 of shared memory is no multiple of 2");
    REPORTED(PLACE(3, 104), outside, "at byte 104");
#undef PLACE
}

/* Asynchronous copies: four groups a thread, then what is read of which. */
static SW_KERNEL(64) void copies(int kind, const uint32_t *from, uint32_t *out)
{
    sw_shared<uint32_t> to = sw_shared_take<uint32_t>(0); /* (4, 64, 4) */
    uint32_t t = threadIdx.x, got = 0;
    for (uint32_t i = 0; i < 4; i++) {
        sw_copy16(to, (i * 64 + t) * 4, from + (i * 64 + t) * 4);
        if (!(kind == 3 && i == 3))
            sw_copy_commit();
    }
    switch (kind) {
    case 0: /* right: what was waited for is there */
        sw_copy_wait<3>();
        got = to[t * 4];
        sw_copy_wait<1>();
        got += to[(64 + t) * 4] + to[(128 + t) * 4 + 3];
        sw_copy_wait<0>();
        sw_sync_block();
        got += to[(192 + (t ^ 33)) * 4 + 1];
        break;
    case 1: /* the newest is under way */
        sw_copy_wait<1>();
        got = to[(192 + t) * 4];
        break;
    case 2: /* another thread's, no barrier */
        sw_copy_wait<0>();
        got = to[(t ^ 33) * 4];
        break;
    case 3: /* never committed */
        sw_copy_wait<0>();
        got = to[(192 + t) * 4];
        break;
    case 4: /* written while under way */
        to[t * 4] = 1;
        break;
    case 5: /* over what another thread reads */
        sw_copy_wait<0>();
        sw_sync_block();
        got = to[(t ^ 1) * 4];
        sw_copy16(to, t * 4, from);
        sw_copy_commit();
        sw_copy_wait<0>();
        break;
    }
    out[t] = got;
}

static void test_copies(void **state)
{
    (void)state;
    uint32_t host[1024], got[64], *out;
    for (uint32_t i = 0; i < 1024; i++)
        host[i] = i * i;
    uint32_t *from = on_device(host, 1024);
    GPU_OK(cudaMalloc(&out, 256));
#define COPIES(kind) sw_launch(copies, 1, 64, 4096, 0, SW_LAUNCH_PLAIN, kind, from, out)
    GPU_OK(COPIES(0));
    from_device(got, out, 64);
    for (uint32_t t = 0; t < 64; t++)
        assert_int_equal(got[t], host[t * 4] + host[(64 + t) * 4] + host[(128 + t) * 4 + 3] +
                                     host[(192 + (t ^ 33)) * 4 + 1]);
    REPORTED(COPIES(1), cudaErrorLaunchFailure, "thread 0: byte 3072",
             "read while a copy of thread 0 that was not waited for");
    REPORTED(COPIES(2), cudaErrorLaunchFailure, "shared memory");
    REPORTED(COPIES(3), cudaErrorLaunchFailure, "read while a copy");
    REPORTED(COPIES(4), cudaErrorLaunchFailure, "written while a copy");
    REPORTED(COPIES(5), cudaErrorLaunchFailure, "race");
#undef COPIES
    GPU_OK(cudaFree(from));
    GPU_OK(cudaFree(out));
}

/* Threads that part. */
static SW_KERNEL(64) void parting(int kind)
{
    uint32_t t = threadIdx.x;
    switch (kind) {
    case 0: /* fine: all of a warp leave early, no barrier follows */
        if (t >= 32)
            return;
        sw_sync_warp();
        break;
    case 1: /* one has ended, the others are at the barrier */
        if (t == 10)
            return;
        sw_sync_block();
        break;
    case 2: /* the same, late */
        if (t != 10)
            sw_sync_block();
        break;
    case 3: /* half a warp shuffles */
        if (t % 32 < 16)
            sw_shuffle_xor(t, 1);
        break;
    case 4: /* two functions of a warp at once */
        if (t % 2 == 0)
            sw_shuffle_xor(t, 2);
        else
            sw_ballot(true);
        break;
    case 5: /* a warp's function and the barrier */
        if (t == 40)
            sw_sync_warp();
        else
            sw_sync_block();
        break;
    case 6: /* shuffles with different masks */
        sw_shuffle_xor(t, t < 5 ? 1 : 2);
        break;
    case 7: /* one warp is at one barrier, the other at two */
        sw_sync_block();
        if (t >= 32)
            sw_sync_block();
        break;
    }
}

static void test_divergence(void **state)
{
    (void)state;
    const cudaError_t failure = cudaErrorLaunchFailure;
#define PARTING(kind) sw_launch(parting, 1, 64, 0, 0, SW_LAUNCH_PLAIN, kind)
    for (uint64_t seed = 0; seed < 5; seed++) {
        sw_emulated_seed(seed);
        GPU_OK(PARTING(0));
        REPORTED(PARTING(1), failure, "kernel parting, block 0, thread ", "sw_sync_block");
        REPORTED(PARTING(2), failure, "kernel parting, block 0, thread ");
        REPORTED(PARTING(3), failure, "sw_shuffle_xor");
        REPORTED(PARTING(4), failure, "sw_shuffle_xor", "sw_ballot");
        REPORTED(PARTING(5), failure, "sw_sync_warp", "sw_sync_block");
        REPORTED(PARTING(6), failure, "sw_shuffle_xor", "mask");
        REPORTED(PARTING(7), failure, "kernel parting, block 0, thread ");
    }
    sw_emulated_seed(0);
    REPORTED(PARTING(1), failure,
             "thread 10: ended while 10 of the block's threads are at sw_sync");
    REPORTED(PARTING(3), failure, "thread 16: ended while thread 0 of its warp is at sw_shuffle");
#undef PARTING
}

/* Waiting for what never comes; and for what does, from every block at once. */
static SW_KERNEL(64) void waits(int kind, uint32_t *flag)
{
    if (kind == 0 && threadIdx.x == 3) {
        while (sw_load_acquire(flag) == 0)
            sw_relax();
    }
    if (kind == 1) { /* without sw_relax */
        while (sw_load_relaxed(flag) == 0)
            continue;
    }
    if (kind == 2) { /* what the next block would send, which is never resident */
        if (threadIdx.x == 0 && blockIdx.x + 1 < gridDim.x) {
            while (sw_load_acquire(flag + blockIdx.x + 1) == 0)
                sw_relax();
        }
        sw_sync_block();
        if (threadIdx.x == 0)
            sw_store_release(flag + blockIdx.x, 1);
    }
}

static void test_waiting(void **state)
{
    (void)state;
    uint32_t *flags;
    GPU_OK(cudaMalloc(&flags, 4096));
    for (uint64_t seed = 0; seed < 3; seed++) {
        sw_emulated_seed(seed);
        for (int kind = 0; kind < 2; kind++) {
            GPU_OK(cudaMemset(flags, 0, 4096));
            REPORTED(sw_launch(waits, 2, 64, 0, 0, SW_LAUNCH_PLAIN, kind, flags),
                     cudaErrorLaunchTimeout, "kernel waits", "waits without end", "block 0");
        }
        /* 64 blocks are resident on one multiprocessor of 32 at most. */
        GPU_OK(cudaMemset(flags, 0, 4096));
        sw_emulated_sms(2);
        GPU_OK(sw_launch(waits, 64, 64, 0, 0, SW_LAUNCH_PLAIN, 2, flags));
        GPU_OK(cudaMemset(flags, 0, 4096));
        sw_emulated_sms(1);
        REPORTED(sw_launch(waits, 64, 64, 0, 0, SW_LAUNCH_PLAIN, 2, flags), cudaErrorLaunchTimeout,
                 "kernel waits");
        assert_int_equal(sw_launch(waits, 64, 64, 0, 0, SW_LAUNCH_COOPERATIVE, 2, flags),
                         cudaErrorCooperativeLaunchTooLarge);
    }
    GPU_OK(cudaFree(flags));
}

/* All blocks exchange numbers, round after round: flagged words, an own barrier, atomics. */
static SW_KERNEL(64) void exchange(uint64_t *words, uint32_t *barrier, uint64_t *largest,
                                   uint32_t *out, uint32_t n_rounds)
{
    sw_shared<float> seen = sw_shared_take<float>(0);
    uint32_t sum = 0;
    for (uint32_t round = 1; round <= n_rounds; round++) {
        if (threadIdx.x == 0)
            sw_store_flagged(&words[blockIdx.x], static_cast<float>(blockIdx.x * 100 + round),
                             round);
        if (threadIdx.x < gridDim.x) {
            uint64_t word = sw_load_flagged(&words[threadIdx.x]);
            while (static_cast<uint32_t>(word >> 32) != round) {
                sw_relax();
                word = sw_load_flagged(&words[threadIdx.x]);
            }
            seen[threadIdx.x] = sw_as_float(static_cast<uint32_t>(word));
        }
        sw_sync_block();
        for (uint32_t i = 0; i < gridDim.x; i++)
            sum += static_cast<uint32_t>(seen[i]);
        sw_sync_block();
        if (threadIdx.x == 0) {
            sw_fence();
            sw_atomic_add(barrier, 1);
            sw_atomic_max(largest, static_cast<uint64_t>(round) << 32 | blockIdx.x);
            while (sw_load_acquire(barrier) < round * gridDim.x)
                sw_relax();
        }
        sw_sync_block();
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

static void test_exchange(void **state)
{
    (void)state;
    enum { BLOCKS = 8, ROUNDS = 20 };
    uint64_t *words, *largest, largest_host;
    uint32_t *barrier, *out, host[BLOCKS * 64], arrived;
    GPU_OK(cudaMalloc(&words, BLOCKS * sizeof *words));
    GPU_OK(cudaMalloc(&largest, sizeof *largest));
    GPU_OK(cudaMalloc(&barrier, sizeof *barrier));
    GPU_OK(cudaMalloc(&out, sizeof host));
    uint32_t expected = 0;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (uint32_t b = 0; b < BLOCKS; b++)
            expected += b * 100 + round;
    }
    for (uint64_t seed = 0; seed < 5; seed++) {
        sw_emulated_seed(seed);
        GPU_OK(cudaMemset(words, 0, BLOCKS * sizeof *words));
        GPU_OK(cudaMemset(barrier, 0, sizeof *barrier));
        GPU_OK(cudaMemset(largest, 0, sizeof *largest));
        GPU_OK(sw_launch(exchange, BLOCKS, 64, 64 * sizeof(float), 0, SW_LAUNCH_COOPERATIVE, words,
                         barrier, largest, out, ROUNDS));
        from_device(host, out, BLOCKS * 64);
        from_device(&arrived, barrier, 1);
        from_device(&largest_host, largest, 1);
        for (int i = 0; i < BLOCKS * 64; i++)
            assert_int_equal(host[i], expected);
        assert_int_equal(arrived, BLOCKS * ROUNDS);
        assert_true(largest_host == (static_cast<uint64_t>(ROUNDS) << 32 | (BLOCKS - 1)));
    }
    GPU_OK(cudaFree(words));
    GPU_OK(cudaFree(largest));
    GPU_OK(cudaFree(barrier));
    GPU_OK(cudaFree(out));
}

/* The order in which threads come: in turn without a seed, another with each. */
static SW_KERNEL(64) void order(uint32_t *next, uint32_t *out)
{
    uint32_t place = sw_atomic_add(next, 1);
    out[place] = blockIdx.x * blockDim.x + threadIdx.x;
}

static void test_seeds(void **state)
{
    (void)state;
    enum { N = 256 };
    uint32_t *next, *out, first[N], again[N];
    GPU_OK(cudaMalloc(&next, 4));
    GPU_OK(cudaMalloc(&out, sizeof first));
    int n_differ = 0;
    for (uint64_t seed = 0; seed < 4; seed++) {
        for (int i = 0; i < 2; i++) {
            sw_emulated_seed(seed);
            GPU_OK(cudaMemset(next, 0, 4));
            GPU_OK(sw_launch(order, 4, 64, 0, 0, SW_LAUNCH_PLAIN, next, out));
            from_device(again, out, N);
            if (i == 0)
                memcpy(first, again, sizeof first);
        }
        assert_memory_equal(first, again, sizeof first); /* a seed is one order */
        bool is_in_turn = true, is_there[N] = {false};
        for (uint32_t k = 0; k < N; k++) {
            is_in_turn = is_in_turn && first[k] == k;
            assert_true(first[k] < N && !is_there[first[k]]);
            is_there[first[k]] = true;
        }
        if (seed == 0)
            assert_true(is_in_turn);
        else
            n_differ += !is_in_turn;
    }
    assert_int_equal(n_differ, 3);
    GPU_OK(cudaFree(next));
    GPU_OK(cudaFree(out));
}

/* Global memory: what the functions check, what the margins and the pages between blocks find. */
static SW_KERNEL(32) void touches(int kind, uint32_t *p, uint32_t n)
{
    if (threadIdx.x != 2)
        return;
    switch (kind) {
    case 0:
        p[n] = sw_load_weights(p + n).w[3];
        break;
    case 1:
        sw_store_release(p + n, 1);
        break;
    case 2:
        sw_prefetch_l2(p + n);
        break;
    case 3:
        p[n] = 5;
        break;
    case 4:
        sw_copy16(sw_shared_take<uint32_t>(0), 0, p + n);
        break;
    }
}

/* Weights that are none: written before they are loaded, or after, by whichever block. */
static SW_KERNEL(32) void writes_weights(uint32_t *p, int kind)
{
    if (threadIdx.x == 0 && kind == 1 && blockIdx.x == 0)
        p[5] = 7;
    sw_sync_block();
    uint32_t sum = sw_load_weights(p + 4).w[0];
    sw_sync_block();
    if (threadIdx.x == 0 && blockIdx.x == 1)
        p[kind == 2 ? 6 : 8] = sum + 1;
    sw_sync_block();
    sum += sw_load_weights(p + 4).w[3];
    p[32 + threadIdx.x] = sum;
}

static void test_weights(void **state)
{
    (void)state;
    uint32_t host[64] = {0}, *p = on_device(host, 64);
    for (uint64_t seed = 0; seed < 3; seed++) {
        sw_emulated_seed(seed);
        GPU_OK(sw_launch(writes_weights, 2, 32, 0, 0, SW_LAUNCH_PLAIN, p, 0));
        REPORTED(sw_launch(writes_weights, 2, 32, 0, 0, SW_LAUNCH_PLAIN, p, 1),
                 cudaErrorLaunchFailure, "sw_load_weights at byte 16 of a block of 256 bytes",
                 "written since the kernel began");
        GPU_OK(cudaMemset(p, 0xee, 256));
        REPORTED(sw_launch(writes_weights, 2, 32, 0, 0, SW_LAUNCH_PLAIN, p, 2),
                 cudaErrorLaunchFailure, "sw_load_weights at byte 16");
        GPU_OK(cudaMemset(p, 0, 256));
    }
    GPU_OK(cudaFree(p));
}

/* Compiled without the sanitizer, which would end the test itself. */
static SW_KERNEL(32) __attribute__((no_sanitize("address"))) void tramples(uint32_t *p, uint32_t n)
{
    if (threadIdx.x == 2)
        p[n] = 5;
}

static void test_global(void **state)
{
    (void)state;
    uint32_t host[64] = {0};
    uint32_t *p = on_device(host, 61), *other = on_device(host, 61);
    const cudaError_t outside = cudaErrorIllegalAddress, odd = cudaErrorMisalignedAddress;
#define TOUCH(kind, at, n) sw_launch(touches, 1, 32, 64, 0, SW_LAUNCH_PLAIN, kind, at, n)
    GPU_OK(TOUCH(0, p, 56));
    REPORTED(TOUCH(0, p, 60), outside, "thread 2: sw_load_weights at byte 240 of a block of 244");
    REPORTED(TOUCH(0, p, 57), odd, "sw_load_weights", "no multiple of 16");
    REPORTED(TOUCH(0, host, 0), outside, "sw_load_weights"); /* the host's */
    GPU_OK(TOUCH(1, p, 60));
    REPORTED(TOUCH(1, p, 61), outside, "sw_store_release at byte 244");
    GPU_OK(TOUCH(2, p, 1000)); /* a prefetch may miss */
    GPU_OK(TOUCH(4, p, 4));
    REPORTED(TOUCH(4, p, 2), odd, "sw_copy16");
    GPU_OK(TOUCH(3, p, 60));
    /* Within the margin, which is found at the end; and beyond, which faults. */
    REPORTED(sw_launch(tramples, 1, 32, 0, 0, SW_LAUNCH_PLAIN, p, 61), outside,
             "kernel tramples: wrote beside a block of 244 bytes");
    REPORTED(sw_launch(tramples, 1, 32, 0, 0, SW_LAUNCH_PLAIN, p, 0xffffffffu), outside,
             "kernel tramples, block 0, thread 2: access to");
    REPORTED(sw_launch(tramples, 1, 32, 0, 0, SW_LAUNCH_PLAIN, p, 64), outside,
             "kernel tramples, block 0, thread 2: access to byte 256 of a block of 244 bytes");
    GPU_OK(cudaFree(p));
    REPORTED(sw_launch(tramples, 1, 32, 0, 0, SW_LAUNCH_PLAIN, p, 0), outside, "thread 2: access");
#undef TOUCH
    GPU_OK(cudaFree(other));
}

/* A deep stack, and one too deep. */
static SW_KERNEL(32) __attribute__((no_sanitize("address"))) void stacks(uint32_t *out, uint32_t n)
{
    if (threadIdx.x != 1)
        return;
    volatile uint32_t *deep = static_cast<volatile uint32_t *>(__builtin_alloca(n));
    deep[0] = 7; /* the lowest */
    out[0] = deep[0];
}

static void test_stacks(void **state)
{
    (void)state;
    uint32_t *out, host;
    GPU_OK(cudaMalloc(&out, 4));
    GPU_OK(sw_launch(stacks, 1, 32, 0, 0, SW_LAUNCH_PLAIN, out, 100000));
    from_device(&host, out, 1);
    assert_int_equal(host, 7);
    REPORTED(sw_launch(stacks, 1, 32, 0, 0, SW_LAUNCH_PLAIN, out, 262144), cudaErrorLaunchFailure,
             "thread 1: overruns its stack");
    GPU_OK(cudaFree(out));
}

/* Launches that CUDA refuses. */
static SW_KERNEL(128) void bounded(uint32_t *out)
{
    if (threadIdx.x == 0)
        out[0] = 1;
}

static void test_refusals(void **state)
{
    (void)state;
    uint32_t *out;
    GPU_OK(cudaMalloc(&out, 4));
#define LAUNCH(grid, block, shared, kind) sw_launch(bounded, grid, block, shared, 0, kind, out)
    GPU_OK(LAUNCH(1, 128, 0, SW_LAUNCH_PLAIN));
    assert_int_equal(LAUNCH(1, 2048, 0, SW_LAUNCH_PLAIN), cudaErrorInvalidConfiguration);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    assert_int_equal(LAUNCH(1, 33, 0, SW_LAUNCH_PLAIN), cudaErrorInvalidConfiguration);
    assert_int_equal(LAUNCH(0, 32, 0, SW_LAUNCH_PLAIN), cudaErrorInvalidConfiguration);
    assert_int_equal(LAUNCH(0x80000000u, 32, 0, SW_LAUNCH_PLAIN), cudaErrorInvalidConfiguration);
#ifndef __clang__ /* which leaves no note of a kernel's bound */
    assert_int_equal(LAUNCH(1, 160, 0, SW_LAUNCH_PLAIN), cudaErrorLaunchFailure);
    cudaFuncAttributes attributes;
    GPU_OK(cudaFuncGetAttributes(&attributes, bounded));
    assert_int_equal(attributes.maxThreadsPerBlock, 128);
    GPU_OK(cudaFuncGetAttributes(&attributes, product<S8>));
    assert_int_equal(attributes.maxThreadsPerBlock, 32);
#endif
    GPU_OK(LAUNCH(1, 32, 48 * 1024, SW_LAUNCH_PLAIN));
    assert_int_equal(LAUNCH(1, 32, 48 * 1024 + 1, SW_LAUNCH_PLAIN), cudaErrorInvalidValue);
    assert_int_equal(
        cudaFuncSetAttribute(bounded, cudaFuncAttributeMaxDynamicSharedMemorySize, MAX_SHARED + 1),
        cudaErrorInvalidValue);
    GPU_OK(cudaFuncSetAttribute(bounded, cudaFuncAttributeMaxDynamicSharedMemorySize, MAX_SHARED));
    GPU_OK(LAUNCH(1, 32, MAX_SHARED, SW_LAUNCH_PLAIN));
    assert_int_equal(LAUNCH(1, 32, MAX_SHARED + 1, SW_LAUNCH_PLAIN), cudaErrorInvalidValue);
    /* The attribute is the kernel's alone. */
    assert_int_equal(sw_launch(places, 1, 32, MAX_SHARED, 0, SW_LAUNCH_PLAIN, 0, 0),
                     cudaErrorInvalidValue);
    int n;
    GPU_OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, bounded, 128, MAX_SHARED));
    assert_int_equal(n, 1);
    GPU_OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, bounded, 128, 0));
    assert_int_equal(n, 16);
    GPU_OK(LAUNCH(4, 128, MAX_SHARED, SW_LAUNCH_COOPERATIVE));
    assert_int_equal(LAUNCH(5, 128, MAX_SHARED, SW_LAUNCH_COOPERATIVE),
                     cudaErrorCooperativeLaunchTooLarge);
    GPU_OK(LAUNCH(5, 128, MAX_SHARED, SW_LAUNCH_PLAIN));
    /* A smaller device. */
    sw_emulated_capability(7, 5);
    GPU_OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&n, bounded, 128, 0));
    assert_int_equal(n, 8);
    assert_int_equal(
        cudaFuncSetAttribute(bounded, cudaFuncAttributeMaxDynamicSharedMemorySize, 65537),
        cudaErrorInvalidValue);
    assert_string_equal(sw_emulated_report(), "");
#undef LAUNCH
    GPU_OK(cudaFree(out));
}

/* Memory and copies of the runtime. */
static void test_memory(void **state)
{
    (void)state;
    unsigned char host[300], *device, *pinned, *mapped, back[300];
    memset(host, 3, sizeof host);
    GPU_OK(cudaMalloc(&device, 300));
    GPU_OK(cudaHostAlloc(&pinned, 300, cudaHostAllocMapped));
    GPU_OK(cudaHostGetDevicePointer(&mapped, pinned, 0));
    assert_int_equal(sw_emulated_n_allocations(), n_before + 2);
    assert_true(reinterpret_cast<uintptr_t>(device) % 256 == 0);
    GPU_OK(cudaMemcpy(back, device, 300, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 300; i++)
        assert_true(back[i] == 0xff && pinned[i] == 0xff); /* NaN as any float */
    GPU_OK(cudaMemcpy(device, host, 300, cudaMemcpyHostToDevice));
    GPU_OK(cudaMemset(device + 100, 9, 50));
    GPU_OK(cudaMemcpy(pinned, device, 300, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 300; i++)
        assert_int_equal(pinned[i], i >= 100 && i < 150 ? 9 : 3);
    /* Ends that are not what the kind says, and overruns. */
    assert_int_equal(cudaMemcpy(device, host, 301, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(device, host, 300, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(back, host, 300, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(back, device + 1, 300, cudaMemcpyDeviceToHost),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(device, host, 300, cudaMemcpyDeviceToDevice),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaMemset(device + 1, 0, 300), cudaErrorInvalidValue);
    assert_int_equal(cudaMemset(host, 0, 300), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(pinned), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(device + 1), cudaErrorInvalidValue);
    assert_int_equal(cudaFreeHost(device), cudaErrorInvalidValue);
    assert_int_equal(cudaHostGetDevicePointer(&mapped, host, 0), cudaErrorInvalidValue);
    GPU_OK(cudaFree(NULL));
    GPU_OK(cudaFreeHost(NULL));
    size_t before, after, total;
    GPU_OK(cudaMemGetInfo(&before, &total));
    GPU_OK(cudaFree(device));
    GPU_OK(cudaMemGetInfo(&after, &total));
    assert_true(after == before + 300 && after <= total);
    GPU_OK(cudaFreeHost(pinned));
    assert_int_equal(cudaMalloc(&device, total + 1), cudaErrorMemoryAllocation);
    assert_null(device);
    /* The n-th allocation from now on. */
    sw_emulated_fail_allocation(2);
    GPU_OK(cudaMalloc(&device, 8));
    assert_int_equal(cudaMallocHost(&pinned, 8), cudaErrorMemoryAllocation);
    assert_null(pinned);
    GPU_OK(cudaMallocHost(&pinned, 8));
    GPU_OK(cudaFree(device));
    GPU_OK(cudaFreeHost(pinned));
}

/* A graph keeps kernels, copies and their arguments as they were. */
struct big {
    uint32_t add;
    float rest[30];
};

static SW_KERNEL(32) void adds(uint32_t *x, big by)
{
    x[threadIdx.x] += by.add + static_cast<uint32_t>(by.rest[29]);
}

static void test_graphs(void **state)
{
    (void)state;
    uint32_t *x, *pinned;
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t ready;
    cudaEvent_t event;
    cudaStreamCaptureStatus status;
    GPU_OK(cudaMalloc(&x, 128));
    GPU_OK(cudaMallocHost(&pinned, 128));
    GPU_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    GPU_OK(cudaEventCreate(&event));
    memset(pinned, 0, 128);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureUnmatched);
    assert_int_equal(cudaStreamBeginCapture(0, cudaStreamCaptureModeGlobal),
                     cudaErrorStreamCaptureUnsupported);
    GPU_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    GPU_OK(cudaStreamIsCapturing(stream, &status));
    assert_int_equal(status, cudaStreamCaptureStatusActive);
    GPU_OK(cudaMemsetAsync(x, 0, 128, stream));
    for (uint32_t i = 1; i <= 3; i++) {
        big by = {};
        by.add = i;
        by.rest[29] = 100;
        GPU_OK(sw_launch(adds, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, by));
        by.add = 77; /* too late */
    }
    GPU_OK(cudaMemcpyAsync(pinned, x, 128, cudaMemcpyDeviceToHost, stream));
    GPU_OK(cudaEventRecord(event, stream));
    GPU_OK(cudaStreamEndCapture(stream, &graph));
    GPU_OK(cudaGraphInstantiate(&ready, graph));
    GPU_OK(cudaGraphDestroy(graph));
    assert_int_equal(pinned[5], 0); /* nothing has run */
    for (int i = 0; i < 3; i++) {
        pinned[5] = 0;
        GPU_OK(cudaGraphLaunch(ready, stream));
        GPU_OK(cudaStreamSynchronize(stream));
        assert_int_equal(pinned[5], 306);
    }
    GPU_OK(cudaGraphExecDestroy(ready));
    /* What waits breaks a capture. */
    GPU_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    assert_int_equal(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    assert_null(graph);
    GPU_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    uint32_t *y;
    assert_int_equal(cudaMalloc(&y, 4), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    GPU_OK(cudaEventDestroy(event));
    GPU_OK(cudaStreamDestroy(stream));
    GPU_OK(cudaFree(x));
    GPU_OK(cudaFreeHost(pinned));
}

/* Kernels that overlap: what comes before the wait runs first. */
static SW_KERNEL(32) void makes(uint32_t *x, uint32_t value)
{
    sw_dependents_launch();
    sw_dependency_wait();
    x[threadIdx.x] = value;
}

static SW_KERNEL(32) void takes(const uint32_t *x, uint32_t *out, int waits)
{
    uint32_t early = 0;
    if (waits == 0)
        early = x[threadIdx.x];
    if (waits != 2)
        sw_dependency_wait();
    if (waits == 1)
        early = x[threadIdx.x];
    out[threadIdx.x] = early;
}

/* The kernel between lets the one behind begin before its own wait, or not. */
static SW_KERNEL(32) void between(int early)
{
    if (early != 0)
        sw_dependents_launch();
    sw_dependency_wait();
}

static void test_overlap(void **state)
{
    (void)state;
    uint32_t *x, *out, host[32];
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t ready;
    GPU_OK(cudaMalloc(&x, 128));
    GPU_OK(cudaMalloc(&out, 128));
    GPU_OK(cudaStreamCreate(&stream));
    for (int waits = 0; waits < 2; waits++) {
        for (int major = 8; major <= 9; major++) {
            sw_emulated_capability(major, 0);
            GPU_OK(cudaMemset(x, 0, 128));
            GPU_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
            GPU_OK(sw_launch(makes, 1, 32, 0, stream, SW_LAUNCH_OVERLAPPED, x, 8));
            GPU_OK(sw_launch(takes, 1, 32, 0, stream, SW_LAUNCH_OVERLAPPED, x, out, waits));
            GPU_OK(cudaStreamEndCapture(stream, &graph));
            GPU_OK(cudaGraphInstantiate(&ready, graph, 0));
            GPU_OK(cudaGraphLaunch(ready, stream));
            GPU_OK(cudaStreamSynchronize(stream));
            from_device(host, out, 32);
            /* Read before the wait, on a device that overlaps: the kernel in front had not run. */
            for (int i = 0; i < 32; i++)
                assert_int_equal(host[i], waits == 1 || major == 8 ? 8 : 0);
            GPU_OK(cudaGraphExecDestroy(ready));
            GPU_OK(cudaGraphDestroy(graph));
        }
    }
    /* Over a kernel between: what must not be read is all that any before may write. */
    sw_emulated_capability(9, 0);
    for (int early = 0; early < 2; early++) {
        GPU_OK(cudaMemset(x, 0, 128));
        GPU_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
        GPU_OK(sw_launch(makes, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, 8));
        GPU_OK(sw_launch(between, 6, 32, 0, stream, SW_LAUNCH_OVERLAPPED, early));
        GPU_OK(sw_launch(takes, 2, 32, 0, stream, SW_LAUNCH_OVERLAPPED, x, out, 0));
        GPU_OK(cudaStreamEndCapture(stream, &graph));
        GPU_OK(cudaGraphInstantiate(&ready, graph, 0));
        GPU_OK(cudaGraphLaunch(ready, stream));
        GPU_OK(cudaStreamSynchronize(stream));
        from_device(host, out, 32);
        assert_int_equal(host[31], early != 0 ? 0 : 8);
        GPU_OK(cudaGraphExecDestroy(ready));
        GPU_OK(cudaGraphDestroy(graph));
    }
    REPORTED(sw_launch(takes, 1, 32, 0, stream, SW_LAUNCH_OVERLAPPED, x, out, 2),
             cudaErrorLaunchFailure, "kernel takes", "no thread calls sw_dependency_wait");
    GPU_OK(sw_launch(takes, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, out, 2));
    GPU_OK(cudaStreamDestroy(stream));
    GPU_OK(cudaFree(x));
    GPU_OK(cudaFree(out));
}

/* Late streams: a result is there once it was waited for, and not before. */
static void test_late(void **state)
{
    (void)state;
    uint32_t *x, *pinned, pageable[32];
    cudaStream_t stream, second;
    cudaEvent_t event;
    big by = {};
    by.add = 4;
    GPU_OK(cudaMalloc(&x, 128));
    GPU_OK(cudaMallocHost(&pinned, 128));
    GPU_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    GPU_OK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
    GPU_OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    memset(pinned, 0, 128);
    memset(pageable, 0, sizeof pageable);
    sw_emulated_late(true);
    GPU_OK(cudaMemcpyAsync(x, pageable, 128, cudaMemcpyHostToDevice, stream));
    pageable[3] = 50; /* the copy has it already */
    GPU_OK(sw_launch(adds, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, by));
    GPU_OK(cudaMemcpyAsync(pinned, x, 128, cudaMemcpyDeviceToHost, stream));
    assert_int_equal(pinned[3], 0);
    GPU_OK(cudaStreamSynchronize(second)); /* of another stream */
    assert_int_equal(pinned[3], 0);
    int n = 0;
    for (cudaError_t code; (code = cudaStreamQuery(stream)) != cudaSuccess; n++)
        assert_int_equal(code, cudaErrorNotReady);
    assert_int_equal(n, 3);
    assert_int_equal(pinned[3], 4);
    /* An event orders two streams; a copy to memory that is not pinned waits by itself. */
    GPU_OK(sw_launch(adds, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, by));
    GPU_OK(cudaEventRecord(event, stream));
    GPU_OK(sw_launch(adds, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, by));
    GPU_OK(cudaStreamWaitEvent(second, event));
    GPU_OK(cudaMemcpyAsync(pageable, x, 128, cudaMemcpyDeviceToHost, second));
    assert_true(pageable[3] == 8 || pageable[3] == 12);
    GPU_OK(cudaEventSynchronize(event));
    /* The default stream does not wait for those that ask to be left out. */
    GPU_OK(sw_launch(adds, 1, 32, 0, stream, SW_LAUNCH_PLAIN, x, by));
    GPU_OK(cudaMemcpy(pageable, x, 128, cudaMemcpyDeviceToHost));
    assert_int_equal(pageable[3], 12);
    GPU_OK(cudaDeviceSynchronize());
    GPU_OK(cudaMemcpy(pageable, x, 128, cudaMemcpyDeviceToHost));
    assert_int_equal(pageable[3], 16);
    /* A fault comes out where it is waited for. */
    GPU_OK(sw_launch(parting, 1, 64, 0, stream, SW_LAUNCH_PLAIN, 1));
    assert_string_equal(sw_emulated_report(), "");
    REPORTED(cudaStreamSynchronize(stream), cudaErrorLaunchFailure, "kernel parting");
    sw_emulated_late(false);
    GPU_OK(cudaEventDestroy(event));
    GPU_OK(cudaStreamDestroy(stream));
    GPU_OK(cudaStreamDestroy(second));
    GPU_OK(cudaFree(x));
    GPU_OK(cudaFreeHost(pinned));
}

/* Events, versions, properties, names. */
static void test_runtime(void **state)
{
    (void)state;
    cudaEvent_t from, to;
    cudaDeviceProp p;
    float ms = -1;
    int n, version;
    GPU_OK(cudaEventCreate(&from));
    GPU_OK(cudaEventCreate(&to));
    assert_int_equal(cudaEventElapsedTime(&ms, from, to), cudaErrorInvalidResourceHandle);
    GPU_OK(cudaEventRecord(from));
    usleep(2000);
    GPU_OK(cudaEventRecord(to));
    GPU_OK(cudaEventSynchronize(to));
    GPU_OK(cudaEventQuery(to));
    GPU_OK(cudaEventElapsedTime(&ms, from, to));
    assert_true(ms >= 1.9f && ms < 10000);
    GPU_OK(cudaEventDestroy(from));
    GPU_OK(cudaEventDestroy(to));
    assert_int_equal(cudaEventDestroy(to), cudaErrorInvalidResourceHandle);
    GPU_OK(cudaDriverGetVersion(&version));
    assert_true(version >= 12000);
    GPU_OK(cudaRuntimeGetVersion(&version));
    GPU_OK(cudaGetDeviceCount(&n));
    assert_int_equal(n, 1);
    assert_int_equal(cudaSetDevice(1), cudaErrorInvalidDevice);
    sw_emulated_capability(7, 5);
    sw_emulated_sms(3);
    GPU_OK(cudaGetDeviceProperties(&p, 0));
    assert_string_equal(p.name, "emulated");
    assert_int_equal(p.major * 10 + p.minor, 75);
    assert_int_equal(p.multiProcessorCount, 3);
    assert_int_equal(p.sharedMemPerBlockOptin, 64 * 1024); /* a T4's */
    sw_emulated_capability(9, 0);
    GPU_OK(cudaDeviceGetAttribute(&n, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
    assert_int_equal(n, MAX_SHARED);
    assert_string_equal(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress");
    assert_string_equal(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

/* The device's clock goes on, and the host's sight of a kernel's store. */
static SW_KERNEL(32) void clocks(uint64_t *out, uint32_t *mapped)
{
    if (threadIdx.x != 0)
        return;
    out[0] = sw_device_ns();
    for (int i = 0; i < 1000; i++)
        sw_relax();
    out[1] = sw_device_ns();
    sw_store_release_system(mapped, sw_load_acquire_system(mapped) + 1);
}

static void test_clock(void **state)
{
    (void)state;
    uint64_t *out, host[2];
    uint32_t *mapped, *seen;
    GPU_OK(cudaMalloc(&out, 16));
    GPU_OK(cudaHostAlloc(&mapped, 4, cudaHostAllocMapped));
    GPU_OK(cudaHostGetDevicePointer(&seen, mapped, 0));
    *mapped = 6;
    GPU_OK(sw_launch(clocks, 1, 32, 0, 0, SW_LAUNCH_PLAIN, out, seen));
    from_device(host, out, 2);
    assert_true(host[1] > host[0]);
    assert_int_equal(*mapped, 7);
    GPU_OK(cudaFree(out));
    GPU_OK(cudaFreeHost(mapped));
}

/* Many barriers: what a phase of a persistent kernel costs here. */
static SW_KERNEL(256) void barriers(uint32_t *out, uint32_t n)
{
    sw_shared<uint32_t> own = sw_shared_take<uint32_t>(0);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        own[threadIdx.x] = i + threadIdx.x;
        sw_sync_block();
        sum += own[(threadIdx.x + 1) % 256];
        sw_sync_block();
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

static void test_many_barriers(void **state)
{
    (void)state;
    enum { ROUNDS = 150 };
    uint32_t *out, host[2048];
    GPU_OK(cudaMalloc(&out, sizeof host));
    GPU_OK(sw_launch(barriers, 8, 256, 1024, 0, SW_LAUNCH_COOPERATIVE, out, ROUNDS));
    from_device(host, out, 2048);
    for (uint32_t t = 0; t < 2048; t++)
        assert_int_equal(host[t], ROUNDS * ((t + 1) % 256) + ROUNDS * (ROUNDS - 1) / 2);
    GPU_OK(cudaFree(out));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, check_nothing_left)
    const struct CMUnitTest tests[] = {
        TEST(test_blocks),       TEST(test_items),         TEST(test_warps),
        TEST(test_tensor_cores), TEST(test_conversions),   TEST(test_races),
        TEST(test_bounds),       TEST(test_copies),        TEST(test_divergence),
        TEST(test_waiting),      TEST(test_exchange),      TEST(test_seeds),
        TEST(test_global),       TEST(test_weights),       TEST(test_stacks),
        TEST(test_refusals),     TEST(test_memory),        TEST(test_graphs),
        TEST(test_overlap),      TEST(test_late),          TEST(test_runtime),
        TEST(test_clock),        TEST(test_many_barriers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
