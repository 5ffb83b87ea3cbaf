/*
 * One HTTP exchange at a time over libcurl. Redirects are followed here, not by libcurl, so that
 * the token stays with the host it was meant for; a server that stalls, a person who interrupts and
 * a body without end all stop an exchange.
 */
#ifndef SW_HUB_HTTP_H
#define SW_HUB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "hub/settings.h"

enum { SW_HTTP_TEXT_SIZE = 200 };

struct sw_http; /* a libcurl handle that keeps its connections, and the settings */

struct sw_http_answer {
    long status;                         /* of the last response */
    char etag[SW_HTTP_TEXT_SIZE];        /* of the last response, without W/ and quotes */
    char linked_etag[SW_HTTP_TEXT_SIZE]; /* X-Linked-Etag: first seen before leaving the host */
    char repo_commit[SW_HTTP_TEXT_SIZE]; /* X-Repo-Commit: the same */
    char error_code[SW_HTTP_TEXT_SIZE];  /* X-Error-Code of the last response */
    char range[SW_HTTP_TEXT_SIZE];       /* Content-Range of the last response */
    uint64_t linked_size_bytes;          /* X-Linked-Size, first seen; valid if has_linked_size */
    uint64_t length_bytes;               /* Content-Length; valid if has_length */
    bool has_linked_size, has_length;
    uint64_t retry_after_s; /* 0 where the server did not ask */
    bool is_transient;      /* a failure that another try may not meet */
    struct sw_buffer body;  /* owned; empty where a sink took it */
};

/* Takes a part of the body of a 200 or 206; false ends the exchange, with err filled. */
typedef bool sw_http_sink(void *ctx, const struct sw_http_answer *answer, const void *bytes,
                          size_t size, struct sw_error *err);

struct sw_http_request {
    const char *url;
    const char *token;   /* NULL: none; sent to url's host only */
    bool is_head;        /* stops at a redirect that leaves the host, and answers with that */
    uint64_t from_bytes; /* Range: bytes=N-; 0: none */
    size_t max_bytes;    /* of a body without a sink */
    sw_http_sink *sink;  /* NULL: the body is collected in the answer */
    void *ctx;
};

enum sw_code sw_http_create(struct sw_http **out, const struct sw_hub_settings *settings,
                            struct sw_error *err);
void sw_http_destroy(struct sw_http *http);

/* One try, redirects included. SW_OK with any HTTP status; else answer->is_transient says whether
 * trying again makes sense. The answer is always to be freed. */
enum sw_code sw_http_try(struct sw_http *http, const struct sw_http_request *request,
                         struct sw_http_answer *answer, struct sw_error *err);
void sw_http_answer_free(struct sw_http_answer *answer);

/* Decides about another try after failures (code and answer as sw_http_try gave them), and sleeps
 * before it. *n_failed counts failures so far, from 0. True: try again. False: err says why not;
 * *code is what to return, SW_OK for a status that is final. */
bool sw_http_wait_retry(struct sw_http *http, const struct sw_http_request *request,
                        const struct sw_http_answer *answer, unsigned *n_failed, enum sw_code *code,
                        struct sw_error *err);

/* sw_http_try with retries, for a small body or a HEAD; a final status other than 200 becomes an
 * error through sw_http_fail_status, except redirects that a HEAD stopped at. */
enum sw_code sw_http_fetch(struct sw_http *http, const struct sw_http_request *request,
                           struct sw_http_answer *answer, struct sw_error *err);

/* One line on a status that is no success: gated, absent, refused token. */
enum sw_code sw_http_fail_status(const struct sw_http_request *request,
                                 const struct sw_http_answer *answer, struct sw_error *err);

const struct sw_hub_settings *sw_http_settings_view(const struct sw_http *http);

/* Body bytes received so far by all exchanges. */
uint64_t sw_http_received_bytes(const struct sw_http *http);

#endif
