/*
 * Answers requests, one a line, with the tokenizer of a folder, for scripts/check-tokenizer.py:
 *
 *   e HEX    ids of the text        p HEX    the same as the plain call
 *   d IDS    hex of the text        k IDS    the same with special tokens
 *   s IDS    the same piece by piece; "!" in front if a piece is no valid UTF-8
 *   t HEX    ids, and on stderr the processor time it took
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "text/tokenizer.h"

static struct sw_error err;

/* Processor time of this thread: what other programs do at the time does not count. */
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fail(void)
{
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static void encode(const struct sw_tokenizer *t, const char *hex, enum sw_encode_mode mode,
                   bool timed)
{
    struct sw_ids ids = {0};
    size_t n = strspn(hex, "0123456789abcdef") / 2;
    char *text = malloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        text[i] = (char)strtoul(digits, NULL, 16);
    }
    uint64_t best = UINT64_MAX;
    for (int k = 0; k < (timed ? 5 : 1); k++) {
        ids.n = 0;
        uint64_t start = cpu_ns();
        if (sw_tokenizer_encode(t, text, n, mode, &ids, &err) != SW_OK)
            fail();
        uint64_t took = cpu_ns() - start;
        if (took < best)
            best = took;
    }
    if (timed)
        fprintf(stderr, "%zu bytes, %zu ids, %.4f s, %.1f MB/s\n", n, ids.n, (double)best * 1e-9,
                (double)n * 1e3 / (double)best);
    printf("[");
    for (size_t i = 0; i < ids.n; i++)
        printf(i ? ",%d" : "%d", ids.data[i]);
    printf("]\n");
    sw_ids_free(&ids);
    free(text);
}

static void put_hex(const struct sw_buffer *text)
{
    for (size_t i = 0; i < text->size; i++)
        printf("%02x", (unsigned char)text->data[i]);
    printf("\n");
}

static void decode(const struct sw_tokenizer *t, const char *list, char how)
{
    struct sw_ids ids = {0};
    struct sw_buffer text = {0};
    char *end;
    ids.data = malloc((strlen(list) + 2) * sizeof *ids.data);
    for (;; list = end) {
        long id = strtol(list, &end, 10);
        if (end == list)
            break;
        ids.data[ids.n++] = (int32_t)id;
    }
    if (how != 's') {
        if (sw_tokenizer_decode(t, ids.data, ids.n, how == 'k', &text, &err) != SW_OK)
            fail();
    } else {
        struct sw_text_stream *stream;
        if (sw_text_stream_create(&stream, t, &err) != SW_OK)
            fail();
        for (size_t i = 0; i <= ids.n; i++) {
            size_t before = text.size;
            if (sw_text_stream_push(stream, i < ids.n ? ids.data[i] : -1, &text, &err) != SW_OK)
                fail();
            if (text.size > before && !sw_utf8_valid(text.data + before, text.size - before))
                printf("!");
        }
        sw_text_stream_destroy(stream);
    }
    put_hex(&text);
    sw_buffer_free(&text);
    free(ids.data);
}

int main(int argc, char **argv)
{
    struct sw_tokenizer *t;
    char *line = NULL;
    size_t capacity = 0;
    uint64_t start = cpu_ns();
    if ((argc < 2 ? sw_tokenizer_builtin(&t, &err) : sw_tokenizer_load(&t, argv[1], &err)) != SW_OK)
        fail();
    if (getenv("SHOW_LOAD") != NULL)
        fprintf(stderr, "load: %.1f ms\n", (double)(cpu_ns() - start) * 1e-6);
    while (getline(&line, &capacity, stdin) > 1) {
        if (strchr("ept", line[0]) != NULL)
            encode(t, line + 2, line[0] == 'p' ? SW_ENCODE_PLAIN : SW_ENCODE_BARE, line[0] == 't');
        else
            decode(t, line + 2, line[0]);
    }
    free(line);
    sw_tokenizer_destroy(t);
    return 0;
}
