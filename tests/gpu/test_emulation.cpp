/* The emulation of CUDA that every other test of this folder rests on. */
#include "gpu/gpu_test.h"

static SW_KERNEL(256) void twice(float *x, uint32_t n)
{
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    sw_shared<float> own = sw_shared_take<float>(0);
    if (i < n)
        own[threadIdx.x] = x[i];
    sw_sync_block();
    if (i < n)
        x[i] = 2 * own[threadIdx.x];
}

static void test_plain(void **state)
{
    (void)state;
    enum { N = 1000 };
    float *x, host[N];
    assert_int_equal(cudaMalloc(&x, sizeof host), cudaSuccess);
    for (int i = 0; i < N; i++)
        host[i] = (float)i;
    assert_int_equal(cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice), cudaSuccess);
    assert_int_equal(sw_launch(twice, 4, 256, 256 * sizeof(float), 0, SW_LAUNCH_PLAIN, x, N),
                     cudaSuccess);
    assert_int_equal(cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost), cudaSuccess);
    for (int i = 0; i < N; i++)
        assert_true(host[i] == 2 * (float)i);
    assert_int_equal(cudaFree(x), cudaSuccess);
}

static SW_KERNEL(64) void racing(float *x)
{
    sw_shared<float> own = sw_shared_take<float>(0);
    own[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = own[threadIdx.x ^ 1];
}

static void test_race(void **state)
{
    (void)state;
    float *x;
    assert_int_equal(cudaMalloc(&x, 256), cudaSuccess);
    assert_int_not_equal(sw_launch(racing, 1, 64, 256, 0, SW_LAUNCH_PLAIN, x), cudaSuccess);
    printf("%s\n", sw_emulated_report());
    assert_non_null(strstr(sw_emulated_report(), "kernel racing"));
    assert_int_not_equal(cudaDeviceSynchronize(), cudaSuccess);
    sw_emulated_clear();
    assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
    assert_int_equal(cudaFree(x), cudaSuccess);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
