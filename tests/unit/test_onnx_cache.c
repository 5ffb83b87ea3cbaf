/* The cache of graphs: found again, never trusted, whole or not there. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/onnx/cache.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/random.h"
#include "support/alloc.h"
#include "support/folder.h"
#include "support/skip.h"

static struct sw_error err;

static void assert_ok(enum sw_code code)
{
    if (code != SW_OK)
        fail_msg("%s", err.text);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info, (void)kind, (void)ftw;
    return remove(path);
}

static char *cache; /* $SMOLWATT_CACHE of the test under way */

static int begin(void **state)
{
    (void)state;
    cache = sw_test_folder_create();
    return setenv("SMOLWATT_CACHE", cache, 1);
}

static int end(void **state)
{
    (void)state;
    nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(cache);
    return 0;
}

/* Copies the three files of a golden model, so that a test can change its weights. */
static void copy_model(const char *name, const char *folder)
{
    static const char *const files[] = {"config.json", "model.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        struct sw_buffer bytes;
        snprintf(path, sizeof path, "golden/%s/%s", name, files[i]);
        assert_ok(sw_file_read(&bytes, sw_fixture_path(path), 1 << 24, &err));
        sw_test_folder_write(folder, files[i], bytes.data, bytes.size);
        sw_buffer_free(&bytes);
    }
}

static enum sw_code get(char **path, struct sw_onnx_outcome *outcome, const char *model_name,
                        enum sw_strategy strategy)
{
    struct sw_model *model;
    struct sw_onnx_variant variant;
    assert_ok(sw_model_open(&model, model_name, NULL, NULL, &err));
    assert_ok(sw_onnx_variant_choose(&variant, sw_model_config(model), strategy, SW_ONNX_DEFAULT,
                                     false, &err));
    enum sw_code code = sw_onnx_cache_get(path, outcome, model, &variant, NULL, &err);
    sw_model_close(model);
    return code;
}

static const char *golden(void)
{
    return sw_fixture_path("golden/rope-llama3");
}

/* Path of the graph, and whether it was built now. The caller frees. */
static char *get_good(const char *model, enum sw_strategy strategy, bool was_built, const char *why)
{
    char *path;
    struct sw_onnx_outcome outcome;
    assert_ok(get(&path, &outcome, model, strategy));
    assert_int_equal(outcome.was_built, was_built);
    assert_string_equal(outcome.why, why);
    assert_true(outcome.ns > 0 && outcome.sizes.data_bytes > 0);
    assert_true(sw_file_exists(path));
    return path;
}

/* Entries of CACHE/onnx, "." and ".." left out. */
static size_t n_entries(void)
{
    char path[1024];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/onnx", cache);
    DIR *list = opendir(path);
    if (list == NULL)
        return 0;
    for (const struct dirent *f = readdir(list); f != NULL; f = readdir(list))
        n += f->d_name[0] != '.';
    closedir(list);
    return n;
}

static void built_once(void **state)
{
    (void)state;
    char *first = get_good(golden(), SW_STRATEGY_NONE, true, "not there yet");
    char *again = get_good(golden(), SW_STRATEGY_NONE, false, "");
    char *other = get_good(golden(), SW_STRATEGY_8BIT, true, "not there yet");
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_int_equal(n_entries(), 2); /* no lock, no draft */
    free(first);
    free(again);
    free(other);
}

/* The file beside the graph, changed by fn. */
static void damage(const char *graph, const char *name, void (*fn)(const char *path))
{
    char path[1024];
    snprintf(path, sizeof path, "%.*s%s", (int)(strrchr(graph, '/') + 1 - graph), graph, name);
    fn(path);
}

static void flip_middle(const char *path)
{
    struct stat info;
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &info) == 0);
    assert_int_equal(pread(fd, &byte, 1, info.st_size / 2), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, info.st_size / 2), 1);
    close(fd);
}

static void flip_last(const char *path)
{
    struct stat info;
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &info) == 0);
    assert_int_equal(pread(fd, &byte, 1, info.st_size - 1), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, info.st_size - 1), 1);
    close(fd);
}

static void cut(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - 1), 0);
}

static void empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void grow(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size + 1), 0);
}

static void drop(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void damaged_is_rebuilt(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        void (*fn)(const char *path);
        const char *why;
    } cases[] = {
        {SW_ONNX_FILE, flip_middle, "model.onnx was damaged or missing"},
        {SW_ONNX_FILE, flip_last, "model.onnx was damaged or missing"},
        {SW_ONNX_FILE, cut, "model.onnx was damaged or missing"},
        {SW_ONNX_FILE, grow, "model.onnx was damaged or missing"},
        {SW_ONNX_FILE, drop, "model.onnx was damaged or missing"},
        {SW_ONNX_DATA_FILE, flip_middle, "model.onnx.data did not match its checksum"},
        {SW_ONNX_DATA_FILE, flip_last, "model.onnx.data did not match its checksum"},
        {SW_ONNX_DATA_FILE, cut, "model.onnx.data did not match its checksum"},
        {SW_ONNX_DATA_FILE, empty, "model.onnx.data did not match its checksum"},
        {SW_ONNX_DATA_FILE, grow, "model.onnx.data did not match its checksum"},
        {SW_ONNX_DATA_FILE, drop, "model.onnx.data was missing or could not be read"},
        {"manifest.json", flip_middle, "model.onnx.data did not match its checksum"},
        {"manifest.json", empty, "model.onnx.data did not match its checksum"},
        {"manifest.json", drop, "model.onnx.data did not match its checksum"},
    };
    char *path = get_good(golden(), SW_STRATEGY_NONE, true, "not there yet");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        damage(path, cases[i].file, cases[i].fn);
        free(get_good(golden(), SW_STRATEGY_NONE, true, cases[i].why));
        free(get_good(golden(), SW_STRATEGY_NONE, false, ""));
        assert_int_equal(n_entries(), 1);
    }
    free(path);
}

/* Other values under the same shapes, sizes and times: another graph. */
static void changed_weights_are_seen(void **state)
{
    (void)state;
    char path[1024], *folder = sw_test_folder_create();
    struct stat before;
    copy_model("rope-llama3", folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    char *first = get_good(folder, SW_STRATEGY_NONE, true, "not there yet");
    assert_int_equal(stat(path, &before), 0);
    flip_last(path);
    struct timespec times[] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    char *second = get_good(folder, SW_STRATEGY_NONE, true, "not there yet");
    assert_string_not_equal(first, second);
    free(first);
    free(second);
    sw_test_folder_remove(folder);
}

/* What a process left that did not come to its end is cleared away. */
static void drafts_are_removed(void **state)
{
    (void)state;
    char name[1100], *path = get_good(golden(), SW_STRATEGY_NONE, true, "not there yet");
    path[strlen(path) - strlen("/" SW_ONNX_FILE)] = 0;
    snprintf(name, sizeof name, "%s.new", path);
    assert_int_equal(rename(path, name), 0);
    free(get_good(golden(), SW_STRATEGY_NONE, true, "not there yet"));
    assert_int_equal(n_entries(), 1);
    free(path);
}

static int n_left(const char *folder)
{
    char path[1100];
    int n = 0;
    static const char *const ends[] = {"new", "old", "lock"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s.%s", folder, ends[i]);
        n += sw_file_exists(path);
    }
    return n;
}

/* A killed process's files are cleared away when any other graph is made, but not those of one
 * that is still at work. */
static void drafts_of_other_graphs_are_removed(void **state)
{
    (void)state;
    char dead[1024], busy[1024], path[1100];
    int lock;
    snprintf(dead, sizeof dead, "%s/onnx/0123456789abcdef0123456789abcdef", cache);
    snprintf(busy, sizeof busy, "%s/onnx/fedcba9876543210fedcba9876543210", cache);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s.%s", i < 2 ? dead : busy, i % 2 == 0 ? "new" : "old");
        assert_ok(sw_folder_create(path, &err));
        sw_test_folder_write(path, "." SW_ONNX_DATA_FILE ".x5Yz0p", "half", 4);
    }
    snprintf(path, sizeof path, "%s.lock", dead);
    assert_ok(sw_file_write_atomic(path, "", 0, &err));
    snprintf(path, sizeof path, "%s.lock", busy);
    assert_ok(sw_lock_take(&lock, path, NULL, NULL, &err));
    free(get_good(golden(), SW_STRATEGY_NONE, true, "not there yet"));
    assert_int_equal(n_left(dead), 0);
    assert_int_equal(n_left(busy), 3);
    sw_lock_release(lock);
    free(get_good(golden(), SW_STRATEGY_8BIT, true, "not there yet"));
    assert_int_equal(n_left(busy), 0);
    assert_int_equal(n_entries(), 2);
}

/* Runs fn in a process of its own; it returns its exit code. */
static int in_child(int (*fn)(void))
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int build_in_race(void)
{
    char *path;
    struct sw_onnx_outcome outcome;
    if (get(&path, &outcome, "synthetic:2,256,512,4,2,2000,64", SW_STRATEGY_NONE) != SW_OK)
        return 9;
    free(path);
    return outcome.was_built;
}

static void processes_at_once(void **state)
{
    (void)state;
    enum { N = 4 };
    pid_t pids[N];
    int n_built = 0, status;
    fflush(NULL);
    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(build_in_race());
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        n_built += WEXITSTATUS(status);
    }
    assert_int_equal(n_built, 1);
    assert_int_equal(n_entries(), 1);
}

static int expect_failure(const char *text)
{
    char *path;
    struct sw_onnx_outcome outcome;
    enum sw_code code = get(&path, &outcome, golden(), SW_STRATEGY_NONE);
    if (code == SW_EFILE && strstr(err.text, text) != NULL && strchr(err.text, '\n') == NULL)
        return 0;
    fprintf(stderr, "# got %d: %s\n", (int)code, err.text);
    return 1;
}

static int with_small_files(void)
{
    struct rlimit limit = {16384, 16384};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    return expect_failure("model.onnx.data: no room for ");
}

/* The limit stands for a disk that is full before the weights are written. */
static void full_disk(void **state)
{
    (void)state;
    assert_int_equal(in_child(with_small_files), 0);
    assert_int_equal(n_entries(), 0);
    free(get_good(golden(), SW_STRATEGY_NONE, true, "not there yet"));
}

static int as_nobody(void)
{
    struct sw_model *model; /* opened before: nobody may not be able to read it */
    struct sw_onnx_variant variant;
    struct sw_onnx_outcome outcome;
    char *path;
    assert_ok(sw_model_open(&model, golden(), NULL, NULL, &err));
    assert_ok(sw_onnx_variant_choose(&variant, sw_model_config(model), SW_STRATEGY_NONE,
                                     SW_ONNX_DEFAULT, false, &err));
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    enum sw_code code = sw_onnx_cache_get(&path, &outcome, model, &variant, NULL, &err);
    if (code == SW_OK) {
        free(path);
        sw_model_close(model);
        return outcome.was_built ? 3 : 10;
    }
    sw_model_close(model);
    bool good =
        code == SW_EFILE &&
        strncmp(err.text, "cache of ONNX graphs (another folder: SMOLWATT_CACHE): ", 55) == 0 &&
        strstr(err.text, "Permission denied") != NULL;
    if (!good)
        fprintf(stderr, "# got %d: %s\n", (int)code, err.text);
    return good ? 0 : 1;
}

static void read_only_folder(void **state)
{
    (void)state;
    assert_int_equal(chmod(cache, 0555), 0);
    assert_int_equal(in_child(as_nobody), 0);
    assert_int_equal(n_entries(), 0);
    assert_int_equal(chmod(cache, 0755), 0);
    /* What is there already serves all the same. */
    free(get_good(golden(), SW_STRATEGY_NONE, true, "not there yet"));
    char path[1024];
    snprintf(path, sizeof path, "%s/onnx", cache);
    assert_int_equal(chmod(path, 0555), 0);
    assert_int_equal(in_child(as_nobody), 10);
    assert_int_equal(chmod(path, 0755), 0);
}

/* Memory that runs out at any place: an error, and nothing left behind. */
static void out_of_memory(void **state)
{
    (void)state;
    struct sw_model *model;
    struct sw_onnx_variant variant;
    long n = 0;
    bool failed = true;
    assert_ok(sw_model_open(&model, golden(), NULL, NULL, &err));
    assert_ok(sw_onnx_variant_choose(&variant, sw_model_config(model), SW_STRATEGY_8BIT,
                                     SW_ONNX_DEFAULT, false, &err));
    for (; failed; n++) {
        char *path;
        struct sw_onnx_outcome outcome;
        sw_test_alloc_fail_from(n);
        enum sw_code code = sw_onnx_cache_get(&path, &outcome, model, &variant, NULL, &err);
        failed = sw_test_alloc_normal();
        if (code == SW_OK) {
            free(path);
        } else {
            /* Without HOME's text there is no place, either. */
            assert_true(code == SW_ENOMEM || code == SW_EUSAGE);
            assert_null(path);
            assert_in_range(n_entries(), 0, 1); /* 1: whole, only its path could not be told */
        }
        nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        assert_int_equal(mkdir(cache, 0755), 0);
    }
    assert_in_range(n, 20, 100000);
    sw_model_close(model);
}

/* One word anywhere changes the sum, and so does the length. */
static void checksum_sees_changes(void **state)
{
    (void)state;
    struct sw_random random = {.seed = 5};
    unsigned char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)sw_random_next(&random);
    uint64_t sum = sw_checksum_block(bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(sw_checksum_block(bytes, sizeof bytes) != sum);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_true(sw_checksum_block(bytes, sizeof bytes) == sum);
    memset(bytes, 0, sizeof bytes);
    for (size_t size = 1; size < sizeof bytes; size++)
        assert_true(sw_checksum_block(bytes, size) != sw_checksum_block(bytes, size - 1));
}

/* A file and the memory of the same bytes give one sum, on any number of threads. */
static void checksum_of_a_file(void **state)
{
    (void)state;
    size_t size = 3 * SW_CHECKSUM_BLOCK + 77;
    unsigned char *bytes = malloc(size);
    char path[1024], memory[65], file[65];
    uint64_t n;
    struct sw_pool *pool;
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)sw_random_at(9, i);
    sw_test_folder_write(cache, "bytes", bytes, size);
    snprintf(path, sizeof path, "%s/bytes", cache);
    assert_ok(
        sw_pool_create(&pool, &(struct sw_pool_options){.n_threads = 3, .no_pinning = true}, &err));
    struct sw_checksum_span span = {bytes, size};
    assert_ok(sw_checksum_memory(memory, &span, 1, NULL, &err));
    assert_ok(sw_checksum_file(file, &n, path, pool, &err));
    assert_string_equal(memory, file);
    assert_int_equal(n, size);
    bytes[2 * SW_CHECKSUM_BLOCK + 5] ^= 4;
    assert_ok(sw_checksum_memory(memory, &span, 1, pool, &err));
    assert_string_not_equal(memory, file);
    assert_int_equal(sw_checksum_file(file, &n, cache, pool, &err), SW_EFILE);
    sw_pool_destroy(pool);
    free(bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(built_once),
        TEST(damaged_is_rebuilt),
        TEST(changed_weights_are_seen),
        TEST(drafts_are_removed),
        TEST(drafts_of_other_graphs_are_removed),
        TEST(processes_at_once),
        TEST(full_disk),
        TEST(read_only_folder),
        TEST(out_of_memory),
        TEST(checksum_sees_changes),
        TEST(checksum_of_a_file),
    };
    return cmocka_run_group_tests_name("onnx_cache", tests, NULL, NULL);
}
