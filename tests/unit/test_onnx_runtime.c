/*
 * ONNX Runtime's library: found, refused with one line each where it is absent, cut off, something
 * else or too old; and the table of functions against the runtime's own header where one is
 * installed.
 */
#include "support/skip.h"

#include <string.h>

#include "backend/onnx/library.h"
#include "backend/onnx/session.h"
#include "backend/onnx/slots.h"
#include "base/file.h"
#include "support/folder.h"

#if __has_include(<onnxruntime/onnxruntime_c_api.h>)
#include <onnxruntime/onnxruntime_c_api.h>
#define HAS_HEADER 1
#elif __has_include(<onnxruntime/core/session/onnxruntime_c_api.h>)
#include <onnxruntime/core/session/onnxruntime_c_api.h>
#define HAS_HEADER 1
#elif __has_include(<onnxruntime_c_api.h>)
#include <onnxruntime_c_api.h>
#define HAS_HEADER 1
#endif

static char fake[4096]; /* path of the stand-in */

static void places_are_the_headers(void **state)
{
    (void)state;
#ifdef HAS_HEADER
#define X(theirs, ours, place)                                                                     \
    assert_int_equal(offsetof(OrtApi, theirs), offsetof(struct sw_ort_api, ours));
    SW_ORT_SLOTS(X)
#undef X
#else
    SW_SKIP("no onnxruntime_c_api.h is installed");
#endif
}

static void refused(const char *library, enum sw_code code, const char *format, ...)
    SW_PRINTF(3, 4);

static void refused(const char *library, enum sw_code code, const char *format, ...)
{
    struct sw_error err = {0};
    struct sw_ort *ort;
    char expected[sizeof err.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(expected, sizeof expected, format, arguments);
    va_end(arguments);
    setenv("SMOLWATT_ONNXRUNTIME", library, 1);
    assert_int_equal(sw_ort_open(&ort, &err), code);
    assert_null(ort);
    assert_string_equal(err.text, expected);
    unsetenv("SMOLWATT_ONNXRUNTIME");
}

static void what_is_named_has_to_be_there(void **state)
{
    (void)state;
    char *folder = sw_test_folder_create();
    refused("/no/such/library.so", SW_EABSENT,
            "SMOLWATT_ONNXRUNTIME: /no/such/library.so: No such file or directory");
    refused(folder, SW_EABSENT, "SMOLWATT_ONNXRUNTIME: %s: holds no libonnxruntime.so", folder);
    sw_test_folder_remove(folder);
}

static void write_file(char *path, size_t size, const char *folder, const char *name,
                       const void *data, size_t n_bytes)
{
    struct sw_error err = {0};
    snprintf(path, size, "%s/%s", folder, name);
    if (sw_file_write_atomic(path, data, n_bytes, &err) != SW_OK)
        fail_msg("%s", err.text);
}

static void files_that_are_no_library(void **state)
{
    (void)state;
    char path[4096], foreign[4096];
    char *folder = sw_test_folder_create();
    struct sw_map map;
    struct sw_error err = {0};
    write_file(path, sizeof path, folder, "text.so", "hello", 5);
    refused(path, SW_EFORMAT, "%s: no shared library (5 bytes, no ELF header)", path);

    /* Every cut of a real library is told before the loader maps what is not there. */
    if (sw_map_open(&map, fake, &err) != SW_OK)
        fail_msg("%s", err.text);
    for (size_t size = 64; size < map.size; size += size < 4096 ? 61 : 997) {
        write_file(path, sizeof path, folder, "cut.so", map.data, size);
        refused(path, SW_EFORMAT, "%s: truncated: %zu bytes, its header names %zu", path, size,
                map.size);
    }
    unsigned char *other = malloc(map.size);
    assert_non_null(other);
    memcpy(other, map.data, map.size);
    other[18] ^= 0xff; /* e_machine */
    write_file(path, sizeof path, folder, "other.so", other, map.size);
    refused(path, SW_EFORMAT, "%s: no shared library of this machine", path);
    memcpy(other, map.data, map.size);
    memset(other + 32, 0xff, 8); /* e_phoff */
    write_file(path, sizeof path, folder, "wild.so", other, map.size);
    refused(path, SW_EFORMAT, "%s: truncated: %zu bytes, its header names 18446744073709551615",
            path, map.size);
    free(other);
    sw_map_close(&map);

    snprintf(foreign, sizeof foreign, "%s", fake);
    memcpy(strstr(foreign, "libfake_onnxruntime"), "libfake_nvml.so", sizeof "libfake_nvml.so");
    refused(foreign, SW_EFORMAT, "%s: not ONNX Runtime: it has no OrtGetApiBase", foreign);
    sw_test_folder_remove(folder);
}

static void old_and_odd_versions(void **state)
{
    (void)state;
    refused(fake, SW_EUNSUPPORTED,
            "%s: ONNX Runtime 1.15.1 is too old: 1.21 or newer is needed "
            "(scripts/setup-onnxruntime gets one)",
            fake);
    static const char *const odd[] = {"", "1", "one.two", "1.x", "1.2beta", "-1.30.0"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        setenv("FAKE_ONNXRUNTIME_VERSION", odd[i], 1);
        refused(fake, SW_EFORMAT, "%s: its version, \"%s\", is not understood", fake, odd[i]);
    }
    unsetenv("FAKE_ONNXRUNTIME_VERSION");
}

static void its_errors_become_ours_on_one_line(void **state)
{
    (void)state;
    setenv("FAKE_ONNXRUNTIME_API", "fails", 1);
    refused(fake, SW_ESYSTEM, "%s: ONNX Runtime: the first line and the second", fake);
    unsetenv("FAKE_ONNXRUNTIME_API");
}

/* The newest of several, and a wheel's folder; the folder's name is no pattern. */
static void the_newest_in_a_folder_is_taken(void **state)
{
    (void)state;
    char path[4096], inner[4096], *found;
    char *folder = sw_test_folder_create();
    struct sw_error err = {0};
    snprintf(inner, sizeof inner, "%s/[a]*/onnxruntime/capi", folder);
    assert_int_equal(sw_folder_create(inner, &err), SW_OK);
    write_file(path, sizeof path, inner, "libonnxruntime.so.1.9.0", "a", 1);
    write_file(path, sizeof path, inner, "libonnxruntime.so.1.32.0", "b", 1);
    snprintf(inner, sizeof inner, "%s/[a]*", folder);
    setenv("SMOLWATT_ONNXRUNTIME", inner, 1);
    assert_int_equal(sw_ort_library_find(&found, &err), SW_OK);
    unsetenv("SMOLWATT_ONNXRUNTIME");
    assert_string_equal(found, path);
    free(found);
    snprintf(path, sizeof path, "rm -r '%s'/*", folder);
    assert_int_equal(system(path), 0);
    sw_test_folder_remove(folder);
}

static struct sw_ort *open_or_skip(void)
{
    struct sw_ort *ort;
    struct sw_error err = {0};
    enum sw_code code = sw_ort_open(&ort, &err);
    if (code == SW_EABSENT)
        SW_SKIP("%s", err.text);
    if (code != SW_OK)
        fail_msg("%s", err.text);
    return ort;
}

static void real_library_says_what_it_is(void **state)
{
    (void)state;
    struct sw_error err = {0};
    struct sw_ort *ort = open_or_skip();
    assert_int_equal(sw_ort_need(ort, 1, 21, "API 21", &err), SW_OK);
    assert_int_equal(sw_ort_need(ort, 9, 1, "time travel", &err), SW_EUNSUPPORTED);
    char expected[sizeof err.text];
    snprintf(expected, sizeof expected,
             "ONNX Runtime %s (%s) lacks time travel: 9.1 or newer is needed "
             "(scripts/setup-onnxruntime gets one)",
             sw_ort_version_view(ort), sw_ort_path_view(ort));
    assert_string_equal(err.text, expected);
    assert_true(sw_ort_has_provider(ort, "CPUExecutionProvider"));
    assert_false(sw_ort_has_provider(ort, "AbacusExecutionProvider"));
    sw_ort_close(ort);
}

static void graphs_that_are_none(void **state)
{
    (void)state;
    char path[4096];
    struct sw_error err = {0};
    struct sw_ort *ort = open_or_skip();
    struct sw_ort_session *session;
    struct sw_ort_session_options options = {.n_threads = 2};
    char *folder = sw_test_folder_create();
    snprintf(path, sizeof path, "%s/absent.onnx", folder);
    assert_int_equal(sw_ort_session_open(&session, ort, path, &options, &err), SW_ESYSTEM);
    assert_null(session);
    assert_ptr_equal(strstr(err.text, path), err.text);
    assert_non_null(strstr(err.text, "File doesn't exist"));
    write_file(path, sizeof path, folder, "noise.onnx", "\x08\xff\xff no graph", 12);
    assert_int_equal(sw_ort_session_open(&session, ort, path, &options, &err), SW_ESYSTEM);
    assert_ptr_equal(strstr(err.text, path), err.text);
    assert_null(strchr(err.text, '\n'));
    sw_test_folder_remove(folder);
    sw_ort_close(ort);
}

int main(void)
{
    const char *build = getenv("BUILD");
    char relative[512];
    snprintf(relative, sizeof relative, "%s/tests/support/libfake_onnxruntime.so",
             build != NULL ? build : "build");
    if (realpath(relative, fake) == NULL)
        fake[0] = 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_the_headers),
        cmocka_unit_test(what_is_named_has_to_be_there),
        cmocka_unit_test(files_that_are_no_library),
        cmocka_unit_test(old_and_odd_versions),
        cmocka_unit_test(its_errors_become_ours_on_one_line),
        cmocka_unit_test(the_newest_in_a_folder_is_taken),
        cmocka_unit_test(real_library_says_what_it_is),
        cmocka_unit_test(graphs_that_are_none),
    };
    return cmocka_run_group_tests_name("onnx_runtime", tests, NULL, NULL);
}
