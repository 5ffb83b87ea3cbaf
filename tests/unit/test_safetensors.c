/* The safetensors container: good files, every malformed one with its message, failing memory. */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "model/safetensors.h"
#include "support/alloc.h"
#include "support/folder.h"

/* A whole file in memory: length, header, then n_data bytes that count up. */
struct image {
    _Alignas(8) unsigned char bytes[4096];
    size_t size;
};

/* The header is padded with spaces so that the data begins at a multiple of 8. */
static void make(struct image *image, const char *header, size_t n_data)
{
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    memset(image, 0, sizeof *image);
    for (int i = 0; i < 8; i++)
        image->bytes[i] = (unsigned char)(padded >> (8 * i));
    memset(image->bytes + 8, ' ', padded);
    memcpy(image->bytes + 8, header, length);
    for (size_t i = 0; i < n_data; i++)
        image->bytes[8 + padded + i] = (unsigned char)i;
    image->size = 8 + padded + n_data;
}

static enum sw_code parse(struct sw_safetensors *file, const struct image *image,
                          struct sw_error *err)
{
    return sw_safetensors_parse(file, image->bytes, image->size, "m", err);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"
#define B "\"b\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[24,32]}"

static void tensors_are_found_by_name(void **state)
{
    (void)state;
    struct image image;
    struct sw_safetensors file;
    struct sw_error err = {0};
    make(&image, "{\"__metadata__\":{\"format\":\"pt\"}," B "," A "}", 32);
    if (parse(&file, &image, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(file.n_entries, 2);
    struct sw_safetensors_entry *a = sw_safetensors_find(&file, "a");
    struct sw_safetensors_entry *b = sw_safetensors_find(&file, "b");
    assert_true(a != NULL && b != NULL);
    assert_null(sw_safetensors_find(&file, "c"));
    assert_int_equal(a->n_dims, 2);
    assert_int_equal(a->tensor.n_rows, 2);
    assert_int_equal(a->tensor.n_cols, 3);
    assert_int_equal(a->tensor.dtype, SW_F32);
    assert_int_equal(*(const unsigned char *)a->tensor.data_view, 0);
    assert_int_equal(b->n_dims, 1);
    assert_int_equal(b->tensor.n_rows, 1);
    assert_int_equal(b->tensor.n_cols, 4);
    assert_int_equal(b->tensor.dtype, SW_BF16);
    assert_int_equal(*(const unsigned char *)b->tensor.data_view, 24);
    sw_safetensors_close(&file);
}

static void empty_file_of_tensors_is_a_file(void **state)
{
    (void)state;
    struct image image;
    struct sw_safetensors file;
    make(&image, "{}", 0);
    assert_int_equal(parse(&file, &image, NULL), SW_OK);
    assert_null(sw_safetensors_find(&file, "a"));
    sw_safetensors_close(&file);
}

struct refusal {
    const char *header;
    size_t n_data;
    enum sw_code code;
    const char *message;
};

#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const struct refusal refusals[] = {
    {"{", 0, SW_EFORMAT, "m: line 1, column 8: string or '}' expected near end of file"},
    {"[]", 0, SW_EFORMAT, "m: the header is not a JSON object"},
    {"{" A "," A "}", 24, SW_EFORMAT, "m: line 1, column 60: duplicate object key near '\"a\"'"},
    {"{\"a\":7}", 0, SW_EFORMAT, "m: tensor \"a\" is not an object"},
    {"{\"\\n\":7}", 0, SW_EFORMAT, "m: tensor \"?\" is not an object"},
    {"{\"__metadata__\":[]}", 0, SW_EFORMAT, "m: \"__metadata__\" is not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, SW_EFORMAT, "m: \"__metadata__\": \"k\" is not a string"},
    {ONE("7", "[1]", "[0,4]"), 4, SW_EFORMAT, "m: tensor \"a\": \"dtype\" is not a string"},
    {ONE("\"I8\"", "[4]", "[0,4]"), 4, SW_EUNSUPPORTED,
     "m: tensor \"a\": dtype \"I8\" is not supported, only F32, F16 and BF16"},
    {ONE("\"F32\"", "7", "[0,4]"), 4, SW_EFORMAT, "m: tensor \"a\": \"shape\" is not a list"},
    {ONE("\"F32\"", "[]", "[0,4]"), 4, SW_EUNSUPPORTED,
     "m: tensor \"a\" has 0 dimensions; only vectors and matrices are supported"},
    {ONE("\"F32\"", "[1,1,1]", "[0,4]"), 4, SW_EUNSUPPORTED,
     "m: tensor \"a\" has 3 dimensions; only vectors and matrices are supported"},
    {ONE("\"F32\"", "[-1]", "[0,4]"), 4, SW_EFORMAT,
     "m: tensor \"a\": a size in \"shape\" is not a whole number from 0"},
    {ONE("\"F32\"", "[1.0]", "[0,4]"), 4, SW_EFORMAT,
     "m: tensor \"a\": a size in \"shape\" is not a whole number from 0"},
    {ONE("\"F32\"", "[NaN]", "[0,4]"), 4, SW_EFORMAT,
     "m: line 1, column 32: invalid token near 'NaN'"},
    {ONE("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, SW_EFORMAT,
     "m: tensor \"a\": the product of its shape [4294967296, 4294967296] overflows"},
    {ONE("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, SW_EFORMAT,
     "m: tensor \"a\": the product of its shape [1, 4611686018427387904] overflows"},
    {ONE("\"F32\"", "[18446744073709551617]", "[0,4]"), 4, SW_EFORMAT,
     "m: line 1, column 49: too big integer near '18446744073709551617'"},
    {ONE("\"F32\"", "[1]", "[4,0]"), 4, SW_EFORMAT,
     "m: tensor \"a\": \"data_offsets\" is not a list of two rising offsets"},
    {ONE("\"F32\"", "[1]", "[-4,0]"), 4, SW_EFORMAT,
     "m: tensor \"a\": \"data_offsets\" is not a list of two rising offsets"},
    {ONE("\"F32\"", "[1]", "[0,4,8]"), 4, SW_EFORMAT,
     "m: tensor \"a\": \"data_offsets\" is not a list of two rising offsets"},
    {ONE("\"F32\"", "[2]", "[0,8]"), 4, SW_EFORMAT,
     "m: tensor \"a\" ends at byte 8 of the data, which has 4 (is the file cut short?)"},
    {ONE("\"F32\"", "[2]", "[0,4]"), 4, SW_EFORMAT,
     "m: tensor \"a\": its shape needs 8 bytes, its offsets span 4"},
    {ONE("\"F32\"", "[1]", "[4,8]"), 8, SW_EFORMAT,
     "m: 4 bytes before tensor \"a\" belong to no tensor"},
    {ONE("\"F32\"", "[1]", "[2,6]"), 8, SW_EFORMAT,
     "m: tensor \"a\" is misaligned: byte 2 of the data is no multiple of its element's 4 bytes "
     "in the file"},
    {ONE("\"F32\"", "[1]", "[0,4]"), 5, SW_EFORMAT, "m: the last 1 bytes belong to no tensor"},
    {"{" A ",\"c\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[20,24]}}", 24, SW_EFORMAT,
     "m: tensors \"a\" and \"c\" overlap at byte 20"},
};

static void what_is_wrong_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct image image;
        struct sw_safetensors file;
        struct sw_error err = {0};
        make(&image, refusals[i].header, refusals[i].n_data);
        enum sw_code code = parse(&file, &image, &err);
        if (code != refusals[i].code || strcmp(err.text, refusals[i].message) != 0)
            fail_msg("%s\n  gives %d \"%s\"\n  not   %d \"%s\"", refusals[i].header, (int)code,
                     err.text, (int)refusals[i].code, refusals[i].message);
        assert_null(file.entries);
    }
}

static void header_length_is_checked(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        unsigned char length[8];
        const char *message;
    } cases[] = {
        {0, {0}, "m: 0 bytes are too few for a safetensors file"},
        {7, {0}, "m: 7 bytes are too few for a safetensors file"},
        {8, {1}, "m: the header's length 1 is past the file's end at 8"},
        {12,
         {255, 255, 255, 255, 255, 255, 255, 255},
         "m: the header's length 18446744073709551615 is past the file's end at 12"},
        {8, {0}, "m: line 1, column 0: unexpected token near end of file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image image = {.size = cases[i].size};
        struct sw_safetensors file;
        struct sw_error err = {0};
        memcpy(image.bytes, cases[i].length, 8);
        assert_int_equal(parse(&file, &image, &err), SW_EFORMAT);
        assert_string_equal(err.text, cases[i].message);
    }
    size_t size = (size_t)SW_SAFETENSORS_MAX_HEADER_BYTES + 64;
    unsigned char *bytes = calloc(1, size);
    struct sw_safetensors file;
    struct sw_error err = {0};
    assert_non_null(bytes);
    bytes[0] = 1;
    bytes[3] = 1;
    assert_int_equal(sw_safetensors_parse(&file, bytes, size, "m", &err), SW_EFORMAT);
    assert_string_equal(err.text,
                        "m: the header's length 16777217 is above the 16777216 bytes allowed");
    free(bytes);
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    struct image image;
    struct sw_safetensors file;
    make(&image, "{" A "," B "}", 32);
    for (size_t size = image.size; image.size-- > 0;) {
        struct sw_error err = {0};
        if (parse(&file, &image, &err) == SW_OK)
            fail_msg("cut from %zu to %zu bytes, it is accepted", size, image.size);
        assert_true(strlen(err.text) > 0);
    }
}

static void opened_file_is_mapped(void **state)
{
    (void)state;
    struct image image;
    struct sw_safetensors file;
    struct sw_error err = {0};
    char *folder = sw_test_folder_create();
    char path[1024], expected[1200];
    make(&image, "{" A "," B "}", 32);
    sw_test_folder_write(folder, "m.safetensors", image.bytes, image.size);
    sw_test_folder_write(folder, "cut.safetensors", image.bytes, image.size - 1);
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    assert_int_equal(sw_safetensors_open(&file, path, &err), SW_OK);
    assert_int_equal(file.map.size, image.size);
    assert_non_null(sw_safetensors_find(&file, "b"));
    sw_safetensors_close(&file);
    assert_null(file.map.data);

    snprintf(path, sizeof path, "%s/cut.safetensors", folder);
    assert_int_equal(sw_safetensors_open(&file, path, &err), SW_EFORMAT);
    snprintf(expected, sizeof expected,
             "%s: tensor \"b\" ends at byte 32 of the data, which has 31 (is the file cut short?)",
             path);
    assert_string_equal(err.text, expected);
    assert_int_equal(sw_safetensors_open(&file, folder, &err), SW_EFILE);
    snprintf(expected, sizeof expected, "%s: not a regular file", folder);
    assert_string_equal(err.text, expected);
    sw_test_folder_remove(folder);
}

static void each_failing_allocation_is_an_error(void **state)
{
    (void)state;
    struct image image;
    long n = 0;
    make(&image, "{\"__metadata__\":{\"k\":\"v\"}," A "," B "}", 32);
    for (bool failed = true; failed; n++) {
        struct sw_safetensors file;
        struct sw_error err = {0};
        sw_test_alloc_fail_from(n);
        enum sw_code code = parse(&file, &image, &err);
        failed = sw_test_alloc_normal();
        assert_int_equal(code != SW_OK, failed);
        if (code == SW_OK)
            sw_safetensors_close(&file);
        else
            assert_true(strlen(err.text) > 0);
    }
    assert_true(n > 10);
}

static void elements_widen_exactly(void **state)
{
    (void)state;
    static const uint16_t f16[] = {0x3c00, 0xc000, 0x0001, 0x83ff, 0x7bff, 0x7c00, 0xfc00, 0x0000};
    static const float expected[] = {1.0f,     -2.0f,    0x1p-24f,  -0x1.ff8p-15f,
                                     65504.0f, INFINITY, -INFINITY, 0.0f};
    struct sw_tensor halves = {f16, 1, 8, SW_F16};
    for (size_t i = 0; i < 8; i++)
        assert_true(sw_tensor_at(&halves, i) == expected[i]);
    static const uint16_t nan_bits = 0x7e01;
    struct sw_tensor not_a_number = {&nan_bits, 1, 1, SW_F16};
    assert_true(sw_tensor_at(&not_a_number, 0) != sw_tensor_at(&not_a_number, 0));
    static const uint16_t bf16[] = {0x3f80, 0xc049};
    struct sw_tensor brains = {bf16, 1, 2, SW_BF16};
    float two[2];
    sw_tensor_read(two, &brains, 0, 2);
    assert_true(two[0] == 1.0f && two[1] == -3.140625f);
}

int main(void)
{
    sw_test_alloc_count_json();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_by_name),
        cmocka_unit_test(empty_file_of_tensors_is_a_file),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
        cmocka_unit_test(header_length_is_checked),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(opened_file_is_mapped),
        cmocka_unit_test(each_failing_allocation_is_an_error),
        cmocka_unit_test(elements_widen_exactly),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
