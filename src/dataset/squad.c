/*
 * SQuAD v1.1 JSON (Rajpurkar et al. 2016):
 *
 *   {"data": [{"title": ..., "paragraphs": [{"context": ..., "qas":
 *       [{"id": ..., "question": ..., "answers": [{"text": ..., "answer_start": ...}]}]}]}]}
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "dataset/reader.h"

/* Where in the file the walk stands, from 1; 0 is outside. */
struct place {
    size_t article;
    size_t paragraph;
    size_t question;
};

static void set_place(struct sw_reader *reader, const struct place *at)
{
    size_t size = sizeof reader->place;
    if (at->question > 0)
        snprintf(reader->place, size, "article %zu, paragraph %zu, question %zu", at->article,
                 at->paragraph, at->question);
    else if (at->paragraph > 0)
        snprintf(reader->place, size, "article %zu, paragraph %zu", at->article, at->paragraph);
    else if (at->article > 0)
        snprintf(reader->place, size, "article %zu", at->article);
    else
        reader->place[0] = 0;
}

/* The array under key of an object; a value that is no object fails like a missing key. */
static enum sw_code array_member(const struct sw_reader *reader, const json_t **out,
                                 const json_t *object, const char *what, const char *key)
{
    if (!json_is_object(object))
        return sw_reader_fail(reader, SW_EFORMAT, "%s is %s, not an object", what,
                              sw_reader_type_name(object));
    *out = json_object_get(object, key);
    if (*out == NULL)
        return sw_reader_fail(reader, SW_EFORMAT, "\"%s\" is missing", key);
    if (!json_is_array(*out))
        return sw_reader_fail(reader, SW_EFORMAT, "\"%s\" is %s, not an array", key,
                              sw_reader_type_name(*out));
    return SW_OK;
}

static enum sw_code read_question(struct sw_reader *reader, const json_t *qa, char *context)
{
    const json_t *answers;
    struct sw_question *question;
    enum sw_code code = array_member(reader, &answers, qa, "the question", "answers");
    if (code == SW_OK)
        code = sw_reader_add(reader, &question);
    if (code != SW_OK)
        return code;
    question->context = context;
    const json_t *id = json_object_get(qa, "id");
    code = sw_reader_string(reader, &question->id, id, "\"id\"");
    if (code == SW_OK && question->id[0] == 0)
        code = sw_reader_fail(reader, SW_EFORMAT, "\"id\" is empty");
    const json_t *text = json_object_get(qa, "question");
    if (code == SW_OK)
        code = sw_reader_string(reader, &question->question, text, "\"question\"");
    if (code == SW_OK && question->question[0] == 0)
        code = sw_reader_fail(reader, SW_EFORMAT, "\"question\" is empty");
    if (code == SW_OK)
        code = sw_reader_set_answers(reader, question, answers, "answers");
    return code;
}

static enum sw_code read_paragraph(struct sw_reader *reader, const json_t *paragraph,
                                   struct place *at)
{
    const json_t *qas;
    char *context = NULL;
    enum sw_code code = array_member(reader, &qas, paragraph, "the paragraph", "qas");
    if (code == SW_OK)
        code = sw_reader_string(reader, &context, json_object_get(paragraph, "context"),
                                "\"context\"");
    for (size_t i = 0; code == SW_OK && i < json_array_size(qas); i++) {
        at->question = i + 1;
        set_place(reader, at);
        code = read_question(reader, json_array_get(qas, i), context);
    }
    at->question = 0;
    return code;
}

static enum sw_code read_article(struct sw_reader *reader, const json_t *article, struct place *at)
{
    const json_t *paragraphs;
    enum sw_code code = array_member(reader, &paragraphs, article, "the article", "paragraphs");
    for (size_t i = 0; code == SW_OK && i < json_array_size(paragraphs); i++) {
        at->paragraph = i + 1;
        set_place(reader, at);
        code = read_paragraph(reader, json_array_get(paragraphs, i), at);
    }
    at->paragraph = 0;
    return code;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Predictions and records are matched by id. */
static enum sw_code check_ids_unique(const struct sw_reader *reader)
{
    enum sw_code code = SW_OK;
    size_t n = reader->dataset->n_questions;
    size_t size;
    char **ids = sw_size_mul(&size, n, sizeof *ids) ? malloc(size + 1) : NULL;
    if (ids == NULL)
        return sw_reader_fail(reader, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        ids[i] = reader->dataset->questions[i].id;
    qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t i = 1; i < n && code == SW_OK; i++) {
        if (strcmp(ids[i - 1], ids[i]) == 0)
            code =
                sw_reader_fail(reader, SW_EFORMAT, "two questions have the id \"%.100s\"", ids[i]);
    }
    free(ids);
    return code;
}

enum sw_code sw_reader_read_squad(struct sw_reader *reader, const char *bytes, size_t size)
{
    json_t *root = NULL;
    const json_t *articles;
    struct place at = {0};
    enum sw_code code = sw_json_parse(&root, bytes, size, reader->name, reader->err);
    if (code != SW_OK)
        return code;
    code = array_member(reader, &articles, root, "the text", "data");
    for (size_t i = 0; code == SW_OK && i < json_array_size(articles); i++) {
        at.article = i + 1;
        set_place(reader, &at);
        code = read_article(reader, json_array_get(articles, i), &at);
    }
    if (code == SW_OK) {
        reader->place[0] = 0;
        code = check_ids_unique(reader);
    }
    json_decref(root);
    return code;
}
