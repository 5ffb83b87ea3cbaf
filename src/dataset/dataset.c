#include "dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/random.h"
#include "base/utf8.h"
#include "dataset/builtin_questions.h"
#include "dataset/reader.h"
#include "dataset/text.h"

/* SQuAD v1.1's dev-v1.1.json as its authors publish it (md5 3e85deb501d4e538b6bc56f786231552),
 * which is the validation split. */
static const char squad_validation_hash[] =
    "sha256:95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9";

static const struct format {
    const char *extension;
    enum sw_code (*read)(struct sw_reader *reader, const char *bytes, size_t size);
} formats[] = {
    {".json", sw_reader_read_squad},
    {".jsonl", sw_reader_read_jsonl},
    {".csv", sw_reader_read_csv},
    {".txt", sw_reader_read_txt},
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static enum sw_code find_format(const struct format **out, const char *name, struct sw_error *err)
{
    const char *dot = strrchr(base_name(name), '.');
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (dot != NULL && strcasecmp(dot, formats[i].extension) == 0) {
            *out = &formats[i];
            return SW_OK;
        }
    }
    return sw_fail(err, SW_EUNSUPPORTED,
                   "%s: %s%.32s is not a data-set format; known are .json (SQuAD v1.1), .jsonl, "
                   ".csv and .txt",
                   name, dot != NULL ? "" : "no extension", dot != NULL ? dot : "");
}

static size_t line_of(const char *bytes, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset; i++)
        line += bytes[i] == '\n';
    return line;
}

/* Text is UTF-8 without NUL. It is not repaired: what was measured must be what the file says. */
static enum sw_code check_text(const char *bytes, size_t size, const char *name,
                               struct sw_error *err)
{
    if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return sw_fail(err, SW_EFORMAT, "%s: begins like UTF-16; only UTF-8 is read", name);
    const char *nul = memchr(bytes, 0, size);
    size_t end = nul != NULL ? (size_t)(nul - bytes) : size;
    size_t length;
    for (size_t i = 0; i < end; i += length) {
        if (sw_utf8_decode((const unsigned char *)bytes + i, end - i, &length) < 0)
            return sw_fail(err, SW_EFORMAT, "%s: line %zu: invalid UTF-8 (byte 0x%02x)", name,
                           line_of(bytes, i), (unsigned)(unsigned char)bytes[i]);
    }
    if (nul != NULL)
        return sw_fail(err, SW_EFORMAT, "%s: line %zu: a NUL byte; this is no text", name,
                       line_of(bytes, end));
    return SW_OK;
}

static enum sw_code set_labels(struct sw_dataset *out, const char *name, const char *source,
                               const char *split, struct sw_error *err)
{
    out->name = strdup(name);
    out->source = strdup(source);
    out->split = strdup(split);
    if (out->name == NULL || out->source == NULL || out->split == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    return SW_OK;
}

static void set_hash(char hash[72], const void *bytes, size_t size)
{
    char hex[65];
    sw_sha256_hex(hex, bytes, size);
    snprintf(hash, 72, "sha256:%s", hex);
}

static enum sw_code parse(struct sw_dataset *out, const char *bytes, size_t size, const char *name,
                          const struct format *format, const struct sw_dataset_options *options,
                          struct sw_error *err)
{
    static const struct sw_dataset_options defaults = {0};
    struct sw_reader reader = {
        .dataset = out,
        .name = name,
        .options = options != NULL ? options : &defaults,
        .err = err,
    };
    set_hash(out->hash, bytes, size);
    bool is_squad = strcmp(out->hash, squad_validation_hash) == 0;
    enum sw_code code = set_labels(out, is_squad ? "squad" : base_name(name), name,
                                   is_squad ? "validation" : "all", err);
    if (code == SW_OK)
        code = check_text(bytes, size, name, err);
    if (code != SW_OK)
        return code;
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        size -= 3;
    }
    code = format->read(&reader, bytes, size);
    if (code == SW_OK && out->n_questions == 0)
        code = sw_fail(err, SW_EFORMAT, "%s: holds no question", name);
    return code;
}

enum sw_code sw_dataset_parse(struct sw_dataset *out, const char *bytes, size_t size,
                              const char *name, const struct sw_dataset_options *options,
                              struct sw_error *err)
{
    struct sw_error ignored;
    const struct format *format;
    if (err == NULL)
        err = &ignored;
    *out = (struct sw_dataset){0};
    enum sw_code code = find_format(&format, name, err);
    if (code == SW_OK && size > SW_DATASET_MAX_FILE_BYTES)
        code = sw_fail(err, SW_EFORMAT, "%s: larger than the %zu bytes allowed", name,
                       SW_DATASET_MAX_FILE_BYTES);
    if (code == SW_OK)
        code = parse(out, size > 0 ? bytes : "", size, name, format, options, err);
    if (code != SW_OK)
        sw_dataset_free(out);
    return code;
}

enum sw_code sw_dataset_load(struct sw_dataset *out, const char *path,
                             const struct sw_dataset_options *options, struct sw_error *err)
{
    struct sw_buffer text = {0};
    struct stat info;
    const struct format *format;
    *out = (struct sw_dataset){0};
    /* Before reading: a folder or a pipe would fail later with a worse message, or never. */
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return sw_fail(err, SW_EFILE, "%s: %s", path,
                       S_ISDIR(info.st_mode) ? "a folder, not a file" : "not a regular file");
    enum sw_code code = find_format(&format, path, err);
    if (code == SW_OK)
        code = sw_file_read(&text, path, SW_DATASET_MAX_FILE_BYTES, err);
    if (code == SW_OK)
        code = sw_dataset_parse(out, text.data, text.size, path, options, err);
    sw_buffer_free(&text);
    return code;
}

/* Adds the texts to hashed as well, each with its NUL. */
static enum sw_code add_builtin(struct sw_reader *reader, const struct sw_builtin_paragraph *from,
                                struct sw_buffer *hashed)
{
    char *context;
    enum sw_code code =
        sw_reader_text(reader, &context, from->context, strlen(from->context), "the context");
    sw_buffer_append(hashed, from->context, strlen(from->context) + 1);
    for (size_t i = 0;
         code == SW_OK && i < SW_BUILTIN_PER_PARAGRAPH && from->questions[i].question != NULL;
         i++) {
        const char *text = from->questions[i].question;
        const char *const *answers = from->questions[i].answers;
        struct sw_question *question;
        size_t n = 0;
        while (n < SW_BUILTIN_ANSWERS && answers[n] != NULL)
            n++;
        code = sw_reader_add(reader, &question);
        if (code == SW_OK)
            code = sw_reader_set_question(reader, question, text, strlen(text));
        if (code == SW_OK)
            code = sw_reader_set_n_answers(reader, question, n);
        sw_buffer_append(hashed, text, strlen(text) + 1);
        for (size_t k = 0; k < n && code == SW_OK; k++) {
            code = sw_reader_text(reader, &question->answers[k], answers[k], strlen(answers[k]),
                                  "the answer");
            sw_buffer_append(hashed, answers[k], strlen(answers[k]) + 1);
        }
        if (code == SW_OK) {
            char id[32];
            int size = snprintf(id, sizeof id, "builtin-%zu", reader->dataset->n_questions);
            question->context = context;
            code = sw_reader_set_id(reader, question, id, (size_t)size);
        }
    }
    return code;
}

enum sw_code sw_dataset_builtin(struct sw_dataset *out, struct sw_error *err)
{
    struct sw_error ignored;
    struct sw_reader reader = {
        .dataset = out, .name = "built-in questions", .err = err != NULL ? err : &ignored};
    struct sw_buffer hashed = {0};
    *out = (struct sw_dataset){0};
    enum sw_code code = set_labels(out, "builtin", "embedded", "all", err);
    for (size_t i = 0; i < SW_BUILTIN_PARAGRAPHS && code == SW_OK; i++)
        code = add_builtin(&reader, &sw_builtin_paragraphs[i], &hashed);
    if (code == SW_OK && hashed.failed)
        code = sw_fail(err, SW_ENOMEM, "built-in questions: out of memory");
    if (code == SW_OK)
        set_hash(out->hash, hashed.data, hashed.size);
    else
        sw_dataset_free(out);
    sw_buffer_free(&hashed);
    return code;
}

enum sw_code sw_dataset_label(struct sw_dataset *dataset, const char *name, const char *split,
                              struct sw_error *err)
{
    char *new_name = strdup(name != NULL ? name : dataset->name);
    char *new_split = strdup(split != NULL ? split : dataset->split);
    if (new_name == NULL || new_split == NULL) {
        free(new_name);
        free(new_split);
        return sw_fail(err, SW_ENOMEM, "data set: out of memory");
    }
    free(dataset->name);
    free(dataset->split);
    dataset->name = new_name;
    dataset->split = new_split;
    return SW_OK;
}

void sw_dataset_free(struct sw_dataset *dataset)
{
    free(dataset->name);
    free(dataset->source);
    free(dataset->split);
    free(dataset->questions);
    sw_dataset_text_free(dataset->texts);
    *dataset = (struct sw_dataset){0};
}

/* Selection sampling (Knuth, The Art of Computer Programming 2, algorithm S): in one pass each
 * question is taken with probability wanted / left, which gives every subset the same chance. */
void sw_dataset_select(size_t *indices, size_t n, size_t n_questions, bool random, uint64_t seed)
{
    struct sw_random stream = {.seed = seed};
    size_t taken = 0;
    for (size_t i = 0; taken < n && i < n_questions; i++) {
        if (!random || sw_random_below(&stream, n_questions - i) < n - taken)
            indices[taken++] = i;
    }
}
