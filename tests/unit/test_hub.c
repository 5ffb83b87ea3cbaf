/*
 * The hub against tests/support/hub_server.py on loopback, which goes wrong as the model's name
 * says. Each test has a cache of its own; the server's log shows what was sent where.
 */
#include "support/skip.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "hub/hub.h"

#define COMMIT       "c0ffee0000000000000000000000000000000000"
#define TOKEN        "hf_secretSECRETsecret"
#define FIRST_PART   100000 /* bytes that a breaking server sends first */
#define WEIGHTS_SIZE 320000

static char root[256];  /* everything this program writes */
static char cache[320]; /* HF_HUB_CACHE of the running test */
static char log_path[320];
static int hub_port, cdn_port;
static pid_t server_pid;
static int server_stdin = -1;
static int n_progress_calls;
static uint64_t last_done;

static char *format_dup(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *format_dup(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    assert_true(vasprintf(&text, format, args) >= 0);
    va_end(args);
    return text;
}

static struct sw_buffer read_file(const char *path)
{
    struct sw_buffer text;
    struct sw_error err;
    if (sw_file_read(&text, path, 64 << 20, &err) != SW_OK)
        fail_msg("%s", err.text);
    sw_buffer_append(&text, "", 0);
    return text;
}

/* Lines of the server's log that hold all three texts. */
static int count_log(const char *a, const char *b, const char *c)
{
    struct sw_buffer text = read_file(log_path);
    int n = 0;
    for (char *line = text.data != NULL ? strtok(text.data, "\n") : NULL; line != NULL;
         line = strtok(NULL, "\n"))
        n += strstr(line, a) != NULL && strstr(line, b) != NULL && strstr(line, c) != NULL;
    sw_buffer_free(&text);
    return n;
}

static int start_server(void **state)
{
    (void)state;
    int in[2], out[2];
    char line[64] = "";
    const char *base = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/sw-hub-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(root) == NULL || pipe(in) != 0 || pipe(out) != 0)
        return -1;
    snprintf(log_path, sizeof log_path, "%s/log", root);
    server_pid = fork();
    if (server_pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("python3", "python3", "tests/support/hub_server.py", log_path, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server_stdin = in[1];
    fcntl(server_stdin, F_SETFD, FD_CLOEXEC);
    /* To the end of the line, which may come in parts: closing earlier would break the server. */
    FILE *first = fdopen(out[0], "r");
    if (first == NULL)
        return -1;
    if (fgets(line, sizeof line, first) == NULL ||
        sscanf(line, "%d %d\n", &hub_port, &cdn_port) != 2)
        hub_port = 0;
    fclose(first);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    char command[320];
    close(server_stdin);
    waitpid(server_pid, NULL, 0);
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* A cache folder of its own, and an environment that knows nothing else. */
static int fresh_cache(void **state)
{
    (void)state;
    static int n;
    static const char *const cleared[] = {
        "HF_HOME",        "HUGGINGFACE_HUB_CACHE",   "XDG_CACHE_HOME",
        "HF_TOKEN",       "HUGGING_FACE_HUB_TOKEN",  "HF_TOKEN_PATH",
        "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        "http_proxy",     "HF_HUB_DISABLE_SYMLINKS", "HF_HUB_DOWNLOAD_TIMEOUT"};
    char value[400];
    for (size_t i = 0; i < sizeof cleared / sizeof cleared[0]; i++)
        unsetenv(cleared[i]);
    snprintf(cache, sizeof cache, "%s/cache-%d", root, n++);
    setenv("HF_HUB_CACHE", cache, 1);
    snprintf(value, sizeof value, "%s/own", cache);
    setenv("SMOLWATT_CACHE", value, 1);
    snprintf(value, sizeof value, "%s/home", cache);
    setenv("HOME", value, 1);
    snprintf(value, sizeof value, "http://127.0.0.1:%d/", hub_port);
    setenv("HF_ENDPOINT", value, 1);
    setenv("SMOLWATT_ROWS_ENDPOINT", value, 1);
    snprintf(value, sizeof value, "http://127.0.0.1:%d/squad", hub_port);
    setenv("SMOLWATT_SQUAD_URL", value, 1);
    n_progress_calls = 0;
    last_done = 0;
    FILE *log = fopen(log_path, "w"); /* the server appends */
    if (log != NULL)
        fclose(log);
    return 0;
}

#define NEED_SERVER()                                                                              \
    do {                                                                                           \
        if (hub_port == 0)                                                                         \
            SW_SKIP("python3 could not start tests/support/hub_server.py");                        \
    } while (0)

static void count_progress(void *ctx, const char *file, uint64_t done, uint64_t total, double rate)
{
    (void)ctx;
    (void)file;
    assert_true(done <= total);
    assert_true(rate >= 0);
    n_progress_calls++;
    last_done = done;
}

/* Timeouts short enough for tests. */
static struct sw_hub_options quick(struct sw_hub_info *info)
{
    return (struct sw_hub_options){.connect_timeout_ms = 2000,
                                   .stall_timeout_ms = 300,
                                   .retry_wait_ms = 5,
                                   .n_tries = 4,
                                   .progress = count_progress,
                                   .info = info};
}

static char *snapshot_path(const char *model, const char *file)
{
    return format_dup("%s/models--t--%s/snapshots/" COMMIT "/%s", cache, model, file);
}

static void file_has_sha256(const char *path, const char *expected)
{
    char hex[65];
    struct sw_buffer text = read_file(path);
    sw_sha256_hex(hex, text.data, text.size);
    sw_buffer_free(&text);
    assert_string_equal(hex, expected);
}

/* SHA-256 of the server's WEIGHTS. */
#define WEIGHTS_SHA256 "6e7c5c387bd73e68ab1f1d1887a1ae0638987731ca9a4bd76a03c7963a802f1a"

static void pull_is_good(const char *fault)
{
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err = {0};
    char *folder;
    char *name = format_dup("t/%s", fault);
    if (sw_hub_model(&folder, name, &options, &err) != SW_OK)
        fail_msg("%s: %s", name, err.text);
    assert_false(info.from_cache);
    assert_string_equal(info.commit, COMMIT);
    char *weights = format_dup("%s/model.safetensors", folder);
    file_has_sha256(weights, WEIGHTS_SHA256);
    free(weights);
    free(folder);
    /* Again, with nothing but the cache. */
    options.offline = true;
    if (sw_hub_model(&folder, name, &options, &err) != SW_OK)
        fail_msg("%s: %s", name, err.text);
    assert_true(info.from_cache);
    assert_int_equal(info.downloaded_bytes, 0);
    free(folder);
    free(name);
}

/* The pull fails with this code, in one line that holds the text and never the token. */
static void pull_fails(const char *fault, enum sw_code code, const char *text)
{
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err = {0};
    char *folder;
    char *name = strchr(fault, '/') != NULL ? strdup(fault) : format_dup("t/%s", fault);
    enum sw_code got = sw_hub_model(&folder, name, &options, &err);
    if (got != code || strstr(err.text, text) == NULL)
        fail_msg("%s: got %d (%s), expected %d and \"%s\"", name, got, err.text, code, text);
    assert_null(folder);
    assert_null(strstr(err.text, TOKEN));
    assert_null(strchr(err.text, '\n'));
    assert_null(strstr(err.text, "Signature"));
    /* What failed left no name behind that leads to it. */
    char *ref = format_dup("%s/models--t--%s/refs/main", cache, fault);
    assert_false(sw_file_exists(ref));
    free(ref);
    free(name);
}

static void a_pull_has_the_layout_of_the_python_library(void **state)
{
    (void)state;
    NEED_SERVER();
    char target[256];
    pull_is_good("good");
    char *path = snapshot_path("good", "model.safetensors");
    ssize_t n = readlink(path, target, sizeof target - 1);
    assert_true(n > 0);
    target[n] = 0;
    assert_string_equal(target, "../../blobs/" WEIGHTS_SHA256);
    free(path);
    path = snapshot_path("good", "config.json");
    n = readlink(path, target, sizeof target - 1);
    assert_true(n > 0);
    target[n] = 0;
    /* git hash-object of the server's CONFIG */
    assert_string_equal(target, "../../blobs/c97e988f5f74f111bdeb9343f866e741f829986f");
    free(path);
    path = format_dup("%s/models--t--good/refs/main", cache);
    struct sw_buffer ref = read_file(path);
    assert_int_equal(ref.size, 40);
    assert_string_equal(ref.data, COMMIT);
    sw_buffer_free(&ref);
    free(path);
    path = format_dup("%s/.locks/models--t--good/" WEIGHTS_SHA256 ".lock", cache);
    assert_true(sw_file_exists(path));
    free(path);
    path = snapshot_path("good", "README.md");
    assert_false(sw_file_exists(path));
    free(path);
    assert_true(n_progress_calls >= 4); /* one per file at least */
}

static void the_token_stays_with_the_hub(void **state)
{
    (void)state;
    NEED_SERVER();
    setenv("HF_TOKEN", TOKEN, 1);
    setenv("http_proxy", "http://127.0.0.1:9", 1); /* would swallow a request that went there */
    pull_is_good("good");
    assert_int_equal(count_log("hub ", "GET /api/models/", "auth=Bearer " TOKEN), 1);
    assert_true(count_log("hub ", "", "auth=-") == 0);
    assert_int_equal(count_log("cdn ", "GET", "auth=-"), 1);
    assert_int_equal(count_log("cdn ", "", "Bearer"), 0);
}

static void the_token_file_is_read(void **state)
{
    (void)state;
    NEED_SERVER();
    char *path = format_dup("%s/hf/token", cache);
    char *folder = format_dup("%s/hf", cache);
    assert_int_equal(sw_folder_create(folder, NULL), SW_OK);
    assert_int_equal(sw_file_write_atomic(path, TOKEN "\n", strlen(TOKEN) + 1, NULL), SW_OK);
    setenv("HF_HOME", folder, 1);
    pull_is_good("good");
    assert_true(count_log("hub ", "", "auth=Bearer " TOKEN " ") > 0);
    free(path);
    free(folder);
}

static void a_token_goes_over_plain_http_to_loopback_only(void **state)
{
    (void)state;
    /* The rows service gets it over https only, loopback or not. */
    NEED_SERVER();
    setenv("HF_TOKEN", TOKEN, 1);
    struct sw_hub_options options = quick(NULL);
    struct sw_error err;
    char *path;
    assert_int_equal(sw_hub_dataset(&path, "t/data", "train", &options, &err), SW_OK);
    free(path);
    assert_int_equal(count_log("hub ", "GET /rows", "auth=-"), 3);
    assert_int_equal(count_log("", "", "Bearer"), 0);
}

static void broken_downloads_go_on(void **state)
{
    (void)state;
    NEED_SERVER();
    pull_is_good("truncate");
    assert_int_equal(count_log("cdn ", "truncate", "range=bytes=100000-"), 1);
    fresh_cache(NULL);
    pull_is_good("norange");
    assert_int_equal(count_log("cdn ", "norange", "range=bytes=100000-"), 1);
    fresh_cache(NULL);
    pull_is_good("badrange");
    assert_int_equal(count_log("cdn ", "badrange", "range=-"), 2);
    fresh_cache(NULL);
    pull_is_good("refused");
    assert_int_equal(count_log("cdn ", "refused", "range=-"), 2);
    fresh_cache(NULL);
    pull_is_good("stall");
    assert_true(count_log("cdn ", "stall", "") >= 2);
}

/* 20,000 bytes a try, four tries a call: each call goes on where the last one ended. */
static void the_next_call_resumes(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_options options = quick(NULL);
    struct sw_error err;
    char *folder;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sw_hub_model(&folder, "t/crumbs", &options, &err), SW_ENET);
        assert_non_null(strstr(err.text, "after 4 tries: "));
    }
    assert_int_equal(count_log("cdn ", "crumbs", "range=bytes=240000-"), 0);
    if (sw_hub_model(&folder, "t/crumbs", &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(count_log("cdn ", "crumbs", "range=bytes=240000-"), 1);
    assert_int_equal(count_log("cdn ", "crumbs", ""), 16);
    free(folder);
}

/* A partial file with wrong bytes shows at the end, and costs one more download, not a failure. */
static void a_spoiled_partial_file_is_replaced(void **state)
{
    (void)state;
    NEED_SERVER();
    char *blobs = format_dup("%s/models--t--good/blobs", cache);
    char *path = format_dup("%s/" WEIGHTS_SHA256 ".incomplete", blobs);
    char zeros[5000] = {0};
    assert_int_equal(sw_folder_create(blobs, NULL), SW_OK);
    assert_int_equal(sw_file_write_atomic(path, zeros, sizeof zeros, NULL), SW_OK);
    pull_is_good("good");
    assert_int_equal(count_log("cdn ", "good", "range=bytes=5000-"), 1);
    assert_int_equal(count_log("cdn ", "good", "range=-"), 1);
    assert_false(sw_file_exists(path));
    free(path);
    free(blobs);
}

static void wrong_content_is_refused(void **state)
{
    (void)state;
    NEED_SERVER();
    pull_fails("badhash", SW_EFORMAT, "expected " WEIGHTS_SHA256);
    char *path = format_dup("%s/models--t--badhash/blobs/" WEIGHTS_SHA256, cache);
    assert_false(sw_file_exists(path));
    free(path);
    path = format_dup("%s/models--t--badhash/blobs/" WEIGHTS_SHA256 ".incomplete", cache);
    assert_false(sw_file_exists(path));
    free(path);
    pull_fails("badblob", SW_EFORMAT, "config.json: git blob id is ");
    pull_fails("toolong", SW_EFORMAT, "sends more than the 319000 bytes expected");
    pull_fails("othercommit", SW_EFORMAT, "asked for " COMMIT);
    pull_fails("oddetag", SW_EFORMAT, "neither a SHA-256 nor a git blob id");
}

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    NEED_SERVER();
    pull_fails("private", SW_EABSENT, "does not exist or is private; no token was sent");
    pull_fails("gated", SW_ENET, "terms must be accepted");
    pull_fails("missing", SW_EABSENT, "/api/models/t/missing/revision/main: not found (HTTP 404)");
    pull_fails("binonly", SW_EUNSUPPORTED, "only PyTorch (pickled) weights (pytorch_model.bin)");
    pull_fails("notokenizer", SW_EUNSUPPORTED, "has no tokenizer.json");
    pull_fails("lostshard", SW_EABSENT, "names shard \"parts/model-2.safetensors\"");
    setenv("HF_TOKEN", TOKEN, 1);
    pull_fails("private", SW_EABSENT, "the token sent has no access");
    setenv("HF_TOKEN", "two words", 1);
    pull_fails("good", SW_EUSAGE, "HF_TOKEN: holds no token");
    setenv("HF_TOKEN", "a\r\nHost: evil", 1);
    pull_fails("good", SW_EUSAGE, "HF_TOKEN: holds no token");
}

static void hostile_answers_are_refused(void **state)
{
    (void)state;
    NEED_SERVER();
    pull_fails("garbage", SW_EFORMAT, "/api/models/t/garbage/revision/main: line 1, column");
    pull_fails("nosha", SW_EFORMAT, "\"sha\" is not a commit");
    pull_fails("escape", SW_EFORMAT, "file name \"../../../evil\" is not a path inside");
    pull_fails("evilindex", SW_EFORMAT, "\"../../evil\" is not a path inside");
    pull_fails("huge", SW_EFORMAT, "larger than the 4194304 bytes allowed");
    pull_fails("bighead", SW_EFORMAT, "more than 65536 bytes of header");
    pull_fails("loop", SW_ENET, "more than 8 redirects");
    pull_fails("scheme", SW_EUSAGE, "only http and https");
}

static void a_busy_server_gets_another_chance(void **state)
{
    (void)state;
    NEED_SERVER();
    uint64_t began_ns = sw_clock_ns();
    pull_is_good("busy");
    assert_true(sw_clock_ns() - began_ns >= 1000000000u); /* Retry-After: 1 */
    fresh_cache(NULL);
    pull_is_good("flaky");
    assert_int_equal(count_log("hub ", "GET /api/models/t/flaky", ""), 3);
    fresh_cache(NULL);
    pull_fails("down", SW_ENET, "after 4 tries: ");
    assert_int_equal(count_log("hub ", "GET /api/models/t/down", ""), 4);
    pull_fails("patience", SW_ENET, "asks to come back in 86400 s");
    pull_fails("deaf", SW_ENET, "the server stalls: 0 bytes");
}

static void revisions_are_names_or_commits(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_options options = quick(NULL);
    struct sw_error err;
    char *folder;
    options.revision = "refs/pr/1";
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_OK);
    free(folder);
    char *ref = format_dup("%s/models--t--good/refs/refs/pr/1", cache);
    assert_true(sw_file_exists(ref));
    free(ref);
    options.revision = COMMIT;
    options.offline = true; /* the same commit: already there */
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_OK);
    free(folder);
    options.revision = "v1.0";
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_EABSENT);
    assert_non_null(strstr(err.text, "t/good is not in the cache, and offline nothing is fetched"));
    options.offline = false;
    options.revision = "nonesuch";
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_EABSENT);
    assert_non_null(strstr(err.text, "no such revision"));
    static const char *const bad[] = {"../../x", "", "/etc", "a//b", "a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        options.revision = bad[i];
        assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_EUSAGE);
        assert_non_null(strstr(err.text, "not a branch, tag or commit"));
    }
}

static void a_renamed_model_and_shards_are_followed(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_options options = quick(NULL);
    struct sw_error err;
    char *folder, target[256];
    pull_is_good("renamed");
    if (sw_hub_model(&folder, "t/sharded", &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    char *shard = format_dup("%s/parts/model-2.safetensors", folder);
    ssize_t n = readlink(shard, target, sizeof target - 1);
    assert_true(n > 0);
    assert_memory_equal(target, "../../../blobs/", 15);
    struct sw_buffer bytes = read_file(shard);
    assert_int_equal(bytes.size, 50000);
    sw_buffer_free(&bytes);
    options.offline = true;
    char *again;
    assert_int_equal(sw_hub_model(&again, "t/sharded", &options, &err), SW_OK);
    assert_string_equal(again, folder);
    free(again);
    /* A shard that is gone is missed. */
    assert_int_equal(unlink(shard), 0);
    assert_int_equal(sw_hub_model(&again, "t/sharded", &options, &err), SW_EABSENT);
    assert_non_null(strstr(err.text, "parts/model-2.safetensors is missing"));
    free(shard);
    free(folder);
}

static void without_links_the_files_are_real(void **state)
{
    (void)state;
    NEED_SERVER();
    struct stat info;
    setenv("HF_HUB_DISABLE_SYMLINKS", "1", 1);
    pull_is_good("good");
    char *path = snapshot_path("good", "model.safetensors");
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    free(path);
}

static void refresh_asks_the_server(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err;
    char *folder;
    pull_is_good("good");
    int before = count_log("hub ", "", "");
    options.refresh = true;
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_OK);
    free(folder);
    assert_false(info.from_cache);
    /* One question for the commit; its files are there. */
    assert_int_equal(count_log("hub ", "", ""), before + 1);
}

static void two_processes_share_one_download(void **state)
{
    (void)state;
    NEED_SERVER();
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct sw_hub_options options = quick(NULL);
            struct sw_error err;
            char *folder;
            if (sw_hub_model(&folder, "t/slow", &options, &err) != SW_OK)
                _exit(1);
            free(folder);
            _exit(0);
        }
    }
    for (int i = 0; i < 3; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(count_log("cdn ", "GET /slow", ""), 1);
    char *path = snapshot_path("slow", "model.safetensors");
    file_has_sha256(path, WEIGHTS_SHA256);
    free(path);
}

static bool has_some_weights(void *ctx)
{
    (void)ctx;
    return last_done > 20000;
}

static void an_interrupted_pull_resumes(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err;
    char *folder;
    options.is_interrupted = has_some_weights;
    uint64_t began_ns = sw_clock_ns();
    assert_int_equal(sw_hub_model(&folder, "t/slow", &options, &err), SW_EINTERRUPTED);
    assert_non_null(strstr(err.text, "interrupted"));
    assert_true(sw_clock_ns() - began_ns < 2000000000u);
    char *path = format_dup("%s/models--t--slow/blobs/" WEIGHTS_SHA256 ".incomplete", cache);
    struct stat part;
    assert_int_equal(stat(path, &part), 0);
    assert_true(part.st_size > 20000 && part.st_size < WEIGHTS_SIZE);
    free(path);
    options.is_interrupted = NULL;
    assert_int_equal(sw_hub_model(&folder, "t/slow", &options, &err), SW_OK);
    free(folder);
    assert_int_equal(count_log("cdn ", "slow", "range=bytes="), 1);
    path = snapshot_path("slow", "model.safetensors");
    file_has_sha256(path, WEIGHTS_SHA256);
    free(path);
}

static void a_killed_pull_resumes(void **state)
{
    (void)state;
    NEED_SERVER();
    struct stat part = {0};
    char *path = format_dup("%s/models--t--slow/blobs/" WEIGHTS_SHA256 ".incomplete", cache);
    pid_t child = fork();
    if (child == 0) {
        struct sw_hub_options options = quick(NULL);
        char *folder;
        _exit(sw_hub_model(&folder, "t/slow", &options, NULL) == SW_OK ? 0 : 1);
    }
    uint64_t deadline_ns = sw_clock_ns() + 5000000000u;
    while ((stat(path, &part) != 0 || part.st_size < 20000) && sw_clock_ns() < deadline_ns)
        sw_clock_sleep_until(sw_clock_ns() + 5000000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    free(path);
    pull_is_good("slow");
    assert_int_equal(count_log("cdn ", "slow", "range=bytes="), 1);
}

static void offline_nothing_is_asked(void **state)
{
    (void)state;
    NEED_SERVER();
    setenv("HF_HUB_OFFLINE", "1", 1);
    pull_fails("good", SW_EABSENT, "t/good is not in the cache, and offline nothing is fetched");
    struct sw_error err;
    char *path;
    assert_int_equal(sw_hub_dataset(&path, "squad", "test", NULL, &err), SW_EABSENT);
    assert_non_null(strstr(err.text, "offline nothing is fetched (data set squad)"));
    assert_int_equal(sw_hub_dataset(&path, "t/data", "test", NULL, &err), SW_EABSENT);
    assert_non_null(strstr(err.text, "t/data is not in the cache, and offline nothing is fetched"));
    assert_int_equal(count_log("", "", ""), 0);
}

static void without_a_network_it_fails_at_once(void **state)
{
    (void)state;
    struct sw_error err;
    char *folder;
    struct sw_hub_options options = {.connect_timeout_ms = 2000};
    uint64_t began_ns = sw_clock_ns();
    setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1); /* nobody listens there */
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_ENET);
    assert_non_null(strstr(err.text, "cannot reach 127.0.0.1: "));
    setenv("HF_ENDPOINT", "https://no-such-host.invalid", 1); /* RFC 6761: never resolves */
    assert_int_equal(sw_hub_model(&folder, "t/good", &options, &err), SW_ENET);
    assert_non_null(strstr(err.text, "cannot reach no-such-host.invalid: "));
    assert_true(sw_clock_ns() - began_ns < 4500000000u);
}

static void names_and_addresses_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "/x",   "a/b/c", "../x", "a/..", "a--b",  "a b",
                                      "-x/y", "x/.y", "x/y\n", "a/",   "a\\b", "x..y/z"};
    struct sw_error err;
    char *path;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sw_hub_model(&path, bad[i], NULL, &err), SW_EUSAGE);
        assert_non_null(strstr(err.text, "neither an existing folder nor a hub name"));
        assert_int_equal(sw_hub_dataset(&path, bad[i], "test", NULL, &err), SW_EUSAGE);
    }
    setenv("HF_ENDPOINT", "ftp://example.org", 1);
    assert_int_equal(sw_hub_model(&path, "t/good", NULL, &err), SW_EUSAGE);
    assert_string_equal(err.text,
                        "HF_ENDPOINT: ftp://example.org: only http and https are allowed");
    setenv("HF_ENDPOINT", "https://me:" TOKEN "@example.org", 1);
    assert_int_equal(sw_hub_model(&path, "t/good", NULL, &err), SW_EUSAGE);
    assert_string_equal(err.text, "HF_ENDPOINT: a URL with a user name or password is refused");
    setenv("HF_ENDPOINT", "example.org", 1);
    assert_int_equal(sw_hub_model(&path, "t/good", NULL, &err), SW_EUSAGE);
    assert_string_equal(err.text, "HF_ENDPOINT: not a URL");
}

/* Lines of a JSONL file. */
static int count_lines(const char *path)
{
    struct sw_buffer text = read_file(path);
    int n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += text.data[i] == '\n';
    sw_buffer_free(&text);
    return n;
}

static void rows_become_lines(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err;
    char *path, *again;
    if (sw_hub_dataset(&path, "t/data", "test", &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    char *expected = format_dup("%s/own/datasets/t--data/default/validation.jsonl", cache);
    assert_string_equal(path, expected);
    assert_string_equal(info.config, "default");
    assert_string_equal(info.split, "validation");
    assert_string_equal(info.note, "data set t/data has no split \"test\"; \"validation\" is read");
    assert_int_equal(count_lines(path), 250);
    struct sw_buffer text = read_file(path);
    const char *first = "{\"question\":\"q\xc3\xa9 0 & more\",\"n\":0}\n";
    assert_memory_equal(text.data, first, strlen(first));
    sw_buffer_free(&text);
    assert_int_equal(
        count_log("GET /rows?dataset=t%2Fdata&config=default&split=validation", "", ""), 3);
    int before = count_log("", "", "");
    options.offline = true;
    assert_int_equal(sw_hub_dataset(&again, "t/data", "test", &options, &err), SW_OK);
    assert_string_equal(again, path);
    assert_true(info.from_cache);
    assert_string_equal(info.split, "validation");
    assert_int_equal(count_log("", "", ""), before);
    free(again);
    free(path);
    free(expected);
}

static void rows_are_bounded_and_say_so(void **state)
{
    (void)state;
    NEED_SERVER();
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err;
    char *path;
    for (int i = 0; i < 2; i++) { /* from the service, then from the cache */
        if (sw_hub_dataset(&path, "t/big", "train", &options, &err) != SW_OK)
            fail_msg("%s", err.text);
        assert_string_equal(info.note, "the first 10000 of 12000 rows are read");
        assert_int_equal(count_lines(path), 10000);
        free(path);
    }
    assert_true(info.from_cache);
    assert_int_equal(sw_hub_dataset(&path, "t/cut", "train", &options, &err), SW_OK);
    assert_string_equal(info.note, "1 rows have cells cut by it");
    free(path);
    assert_int_equal(sw_hub_dataset(&path, "t/lagging", "train", &options, &err), SW_OK);
    assert_int_equal(count_lines(path), 30);
    free(path);
    /* A configuration's name is data: escaped, it stays inside our folder. */
    assert_int_equal(sw_hub_dataset(&path, "t/odd", "test", &options, &err), SW_OK);
    assert_non_null(strstr(path, "/t--odd/..%2Fx/test.jsonl"));
    free(path);
    options.dataset_config = "b";
    assert_int_equal(sw_hub_dataset(&path, "t/multi", "train", &options, &err), SW_OK);
    assert_string_equal(info.config, "b");
    free(path);
}

static void bad_rows_are_refused(void **state)
{
    (void)state;
    NEED_SERVER();
    static const struct {
        const char *name, *split;
        enum sw_code code;
        const char *text;
    } cases[] = {
        {"t/missing", "train", SW_EABSENT, "data set t/missing: "},
        {"t/garbage", "train", SW_EFORMAT, "data set t/garbage: list of splits: line 1"},
        {"t/pagegarbage", "train", SW_EFORMAT, "\"rows\" is not an array"},
        {"t/order", "train", SW_EFORMAT, "rows[0]: \"row_idx\" is not 0"},
        {"t/short", "train", SW_EFORMAT, "30 rows, where the service promises 35"},
        {"t/dots", "test", SW_EFORMAT, "cannot name a file"},
        {"t/data", "dessert", SW_EABSENT,
         "no split \"dessert\" in \"default\"; there is: train, validation"},
        {"t/multi", "train", SW_EUSAGE, "several configurations, name one of: a, b"},
        {"squad", "dessert", SW_EABSENT, "no split \"dessert\"; there is: train, validation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_hub_options options = quick(NULL);
        struct sw_error err = {0};
        char *path;
        enum sw_code code = sw_hub_dataset(&path, cases[i].name, cases[i].split, &options, &err);
        if (code != cases[i].code || strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: got %d (%s)", cases[i].name, code, err.text);
        assert_null(path);
    }
}

static void squad_is_checked_against_its_known_hash(void **state)
{
    (void)state;
    NEED_SERVER();
    char url[64];
    struct sw_hub_options options = quick(NULL);
    struct sw_error err;
    char *path;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/squad-bad", hub_port);
    setenv("SMOLWATT_SQUAD_URL", url, 1);
    assert_int_equal(sw_hub_dataset(&path, "squad", "validation", &options, &err), SW_EFORMAT);
    /* Both hashes: of 4,854,279 times 'x', and the known one. */
    assert_non_null(strstr(
        err.text, "dev-v1.1.json: SHA-256 is "
                  "2d8357294716d7f7bfab611f66bde54149a5c7b70fecf8af0fef729fe4e4f6b2, expected "
                  "95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9"));
    assert_null(path);
}

static void squad_comes_from_its_home_site(void **state)
{
    (void)state;
    NEED_SERVER();
    if (sw_shared_path("data/squad/dev-v1.1.json") == NULL)
        SW_SKIP("data/squad/dev-v1.1.json is not among the shared data");
    struct sw_hub_info info;
    struct sw_hub_options options = quick(&info);
    struct sw_error err;
    char *path;
    setenv("HF_TOKEN", TOKEN, 1);
    if (sw_hub_dataset(&path, "squad", "test", &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(info.split, "validation");
    assert_string_equal(info.note, "data set squad has no split \"test\"; \"validation\" is read");
    file_has_sha256(path, "95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9");
    assert_int_equal(count_log("", "", "Bearer"), 0);
    free(path);
    options.offline = true;
    assert_int_equal(sw_hub_dataset(&path, "rajpurkar/squad", "dev", &options, &err), SW_OK);
    assert_true(info.from_cache);
    assert_string_equal(info.note, "");
    free(path);
}

/* The environment's places for the cache, in the order of the Python library. */
static void the_cache_is_where_the_environment_says(void **state)
{
    (void)state;
    struct sw_hub_options options = {.offline = true};
    struct sw_error err;
    char *folder;
    unsetenv("HF_HUB_CACHE");
    setenv("HOME", "/h", 1);
    static const struct {
        const char *variable, *value, *expected;
    } steps[] = {
        {"LANG", "C", "/h/.cache/huggingface/hub/models--t--x/refs/main"},
        {"XDG_CACHE_HOME", "/xdg", "/xdg/huggingface/hub/models--t--x/refs/main"},
        {"HF_HOME", "~/hf", "/h/hf/hub/models--t--x/refs/main"},
        {"HUGGINGFACE_HUB_CACHE", "/old", "/old/models--t--x/refs/main"},
        {"HF_HUB_CACHE", "/new", "/new/models--t--x/refs/main"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        setenv(steps[i].variable, steps[i].value, 1);
        assert_int_equal(sw_hub_model(&folder, "t/x", &options, &err), SW_EABSENT);
        if (strstr(err.text, steps[i].expected) == NULL)
            fail_msg("%s: %s", steps[i].variable, err.text);
    }
    unsetenv("HOME");
    unsetenv("HF_HUB_CACHE");
    unsetenv("HUGGINGFACE_HUB_CACHE");
    unsetenv("HF_HOME");
    unsetenv("XDG_CACHE_HOME");
    assert_int_equal(sw_hub_model(&folder, "t/x", &options, &err), SW_EUSAGE);
    assert_non_null(strstr(err.text, "no place for a cache"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh_cache)
    const struct CMUnitTest tests[] = {
        TEST(a_pull_has_the_layout_of_the_python_library),
        TEST(the_token_stays_with_the_hub),
        TEST(the_token_file_is_read),
        TEST(a_token_goes_over_plain_http_to_loopback_only),
        TEST(broken_downloads_go_on),
        TEST(the_next_call_resumes),
        TEST(a_spoiled_partial_file_is_replaced),
        TEST(wrong_content_is_refused),
        TEST(refusals_say_what_to_do),
        TEST(hostile_answers_are_refused),
        TEST(a_busy_server_gets_another_chance),
        TEST(revisions_are_names_or_commits),
        TEST(a_renamed_model_and_shards_are_followed),
        TEST(without_links_the_files_are_real),
        TEST(refresh_asks_the_server),
        TEST(two_processes_share_one_download),
        TEST(an_interrupted_pull_resumes),
        TEST(a_killed_pull_resumes),
        TEST(offline_nothing_is_asked),
        TEST(without_a_network_it_fails_at_once),
        TEST(names_and_addresses_are_checked),
        TEST(rows_become_lines),
        TEST(rows_are_bounded_and_say_so),
        TEST(bad_rows_are_refused),
        TEST(squad_is_checked_against_its_known_hash),
        TEST(squad_comes_from_its_home_site),
        TEST(the_cache_is_where_the_environment_says),
    };
    return cmocka_run_group_tests_name("hub", tests, start_server, stop_server);
}
