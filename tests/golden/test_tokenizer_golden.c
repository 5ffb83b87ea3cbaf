/* Every kind of step and setting: ids and decoded text equal the reference library's, whole and
 * piece by piece. The fixtures and what made them: scripts/make-tokenizer-fixtures.py. */
#include "support/skip.h"

#include <glob.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

static struct sw_error err;

static size_t from_hex(char *out, const char *hex)
{
    size_t n = 0;
    for (; hex[0] != 0; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[n++] = (char)strtoul(digits, NULL, 16);
    }
    out[n] = 0;
    return n;
}

static void ids_equal(const struct sw_ids *ids, const json_t *expected, const char *place)
{
    bool equal = ids->n == json_array_size(expected);
    for (size_t i = 0; equal && i < ids->n; i++)
        equal = ids->data[i] == json_integer_value(json_array_get(expected, i));
    if (equal)
        return;
    char *wanted = json_dumps(expected, JSON_COMPACT);
    printf("# %s: expected %s, got [", place, wanted);
    for (size_t i = 0; i < ids->n; i++)
        printf("%s%d", i > 0 ? "," : "", ids->data[i]);
    printf("]\n");
    free(wanted);
    fail_msg("%s: ids differ", place);
}

static void stream_equals(const struct sw_tokenizer *t, const struct sw_ids *ids)
{
    struct sw_text_stream *stream;
    struct sw_buffer pieces = {0}, whole = {0};
    assert_int_equal(sw_text_stream_create(&stream, t, &err), SW_OK);
    for (int round = 0; round < 2; round++) { /* after its end, a stream begins anew */
        sw_buffer_clear(&pieces);
        for (size_t i = 0; i <= ids->n; i++) {
            size_t before = pieces.size;
            int32_t id = i < ids->n ? ids->data[i] : -1;
            assert_int_equal(sw_text_stream_push(stream, id, &pieces, &err), SW_OK);
            if (pieces.size > before)
                assert_true(sw_utf8_valid(pieces.data + before, pieces.size - before));
        }
    }
    assert_int_equal(sw_tokenizer_decode(t, ids->data, ids->n, false, &whole, &err), SW_OK);
    assert_int_equal(pieces.size, whole.size);
    if (whole.size > 0)
        assert_memory_equal(pieces.data, whole.data, whole.size);
    sw_buffer_free(&pieces);
    sw_buffer_free(&whole);
    sw_text_stream_destroy(stream);
}

static void decoded_equals(const struct sw_tokenizer *t, const struct sw_ids *ids,
                           const char *expected_hex, const char *place)
{
    struct sw_buffer decoded = {0};
    char *expected = malloc(strlen(expected_hex) / 2 + 1);
    size_t n = from_hex(expected, expected_hex);
    assert_int_equal(sw_tokenizer_decode(t, ids->data, ids->n, true, &decoded, &err), SW_OK);
    if (decoded.size != n || (n > 0 && memcmp(decoded.data, expected, n) != 0))
        fail_msg("%s: decoded \"%s\" instead of \"%s\"", place,
                 decoded.data != NULL ? decoded.data : "", expected);
    sw_buffer_free(&decoded);
    free(expected);
}

static void case_holds(const struct sw_tokenizer *t, const json_t *item, const char *place)
{
    const char *hex = json_string_value(json_array_get(item, 0));
    const char *decoded_hex = json_string_value(json_array_get(item, 3));
    char *text = malloc(strlen(hex) / 2 + 1);
    struct sw_ids ids = {0};
    size_t size = from_hex(text, hex);
    assert_int_equal(sw_tokenizer_encode(t, text, size, SW_ENCODE_BARE, &ids, &err), SW_OK);
    ids_equal(&ids, json_array_get(item, 1), place);
    ids.n = 0;
    assert_int_equal(sw_tokenizer_encode(t, text, size, SW_ENCODE_PLAIN, &ids, &err), SW_OK);
    ids_equal(&ids, json_array_get(item, 2), place);
    free(text);
    if (decoded_hex != NULL)
        decoded_equals(t, &ids, decoded_hex, place);
    stream_equals(t, &ids);
    sw_ids_free(&ids);
}

static void fixtures_hold(void **state)
{
    (void)state;
    glob_t files;
    size_t n_cases = 0;
    assert_int_equal(glob(sw_fixture_path("tokenizer/*.json"), 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *fixture;
        struct sw_tokenizer *t;
        assert_int_equal(sw_json_load(&fixture, files.gl_pathv[i], 1 << 20, &err), SW_OK);
        const json_t *file = json_object_get(fixture, "tokenizer");
        if (sw_tokenizer_parse(&t, json_string_value(file), json_string_length(file),
                               files.gl_pathv[i], &err) != SW_OK)
            fail_msg("%s", err.text);
        size_t index;
        json_t *item;
        json_array_foreach(json_object_get(fixture, "cases"), index, item)
        {
            char place[4200];
            snprintf(place, sizeof place, "%s: case %zu", files.gl_pathv[i], index);
            case_holds(t, item, place);
            n_cases++;
        }
        sw_tokenizer_destroy(t);
        json_decref(fixture);
    }
    printf("# %zu tokenizers, %zu cases\n", (size_t)files.gl_pathc, n_cases);
    assert_true(files.gl_pathc >= 35);
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixtures_hold)};
    return cmocka_run_group_tests_name("tokenizer golden", tests, NULL, NULL);
}
