#include "hub/http.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"

enum {
    MAX_REDIRECTS = 8,
    MAX_HEAD_BYTES = 65536,  /* all header lines of one response */
    MIN_WINDOW_BYTES = 1024, /* less than this in a stall window counts as a stall */
    POLL_MS = 100,
};

struct sw_http {
    CURLM *multi;
    CURL *easy;
    const struct sw_hub_settings *settings; /* borrowed */
    uint64_t received_bytes;
    bool has_connected; /* some response has arrived since sw_http_create */
};

/* One response under way. */
struct exchange {
    struct sw_http *http;
    const struct sw_http_request *request;
    struct sw_http_answer *answer;
    struct sw_error *err;
    uint64_t moved_bytes; /* header and body bytes, for the stall clock */
    size_t head_bytes;
    size_t body_bytes;
    bool has_left_host; /* what this response says about commit and etag does not count */
    bool has_failed;    /* err is filled by a callback, code is its code */
    enum sw_code code;
};

static bool has_global_init;

static void global_init(void)
{
    has_global_init = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* Length of a URL without query and fragment: those may hold a signature, and are not shown. */
static int shown_length(const char *url)
{
    return (int)strcspn(url, "?#");
}

static void copy_text(char out[SW_HTTP_TEXT_SIZE], const char *text, size_t size)
{
    if (size >= SW_HTTP_TEXT_SIZE)
        size = 0; /* no value of ours is that long: as if it were not there */
    memcpy(out, text, size);
    out[size] = 0;
}

static void copy_etag(char out[SW_HTTP_TEXT_SIZE], const char *text, size_t size)
{
    if (size >= 2 && text[0] == 'W' && text[1] == '/') {
        text += 2;
        size -= 2;
    }
    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
        text++;
        size -= 2;
    }
    copy_text(out, text, size);
}

static bool copy_number(uint64_t *out, const char *text, size_t size)
{
    char copy[SW_HTTP_TEXT_SIZE];
    copy_text(copy, text, size);
    return sw_parse_u64(out, copy, 0, INT64_MAX);
}

/* A new status line: what the last response (a 100, a redirect) said of itself is over. */
static void begin_response(struct sw_http_answer *answer)
{
    answer->etag[0] = answer->error_code[0] = answer->range[0] = 0;
    answer->has_length = false;
    answer->status = 0;
}

static void take_header(struct exchange *x, const char *name, size_t name_size, const char *value,
                        size_t size)
{
    struct sw_http_answer *answer = x->answer;
#define IS(text) (name_size == sizeof text - 1 && strncasecmp(name, text, name_size) == 0)
    if (IS("etag"))
        copy_etag(answer->etag, value, size);
    else if (IS("content-length"))
        answer->has_length = copy_number(&answer->length_bytes, value, size);
    else if (IS("content-range"))
        copy_text(answer->range, value, size);
    else if (IS("x-error-code"))
        copy_text(answer->error_code, value, size);
    else if (x->has_left_host)
        return;
    else if (IS("x-linked-etag") && answer->linked_etag[0] == 0)
        copy_etag(answer->linked_etag, value, size);
    else if (IS("x-repo-commit") && answer->repo_commit[0] == 0)
        copy_text(answer->repo_commit, value, size);
    else if (IS("x-linked-size") && !answer->has_linked_size)
        answer->has_linked_size = copy_number(&answer->linked_size_bytes, value, size);
#undef IS
}

static size_t on_header(char *line, size_t unit, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t size = unit * n;
    x->moved_bytes += size;
    x->head_bytes += size;
    if (x->head_bytes > MAX_HEAD_BYTES) {
        x->code = sw_fail(x->err, SW_EFORMAT, "%.*s: answer with more than %d bytes of header",
                          shown_length(x->request->url), x->request->url, MAX_HEAD_BYTES);
        x->has_failed = true;
        return 0;
    }
    size_t end = size;
    while (end > 0 && strchr("\r\n \t", line[end - 1]) != NULL)
        end--;
    if (end >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        begin_response(x->answer);
        const char *space = memchr(line, ' ', end);
        if (space != NULL)
            x->answer->status = strtol(space, NULL, 10);
        return size;
    }
    const char *colon = memchr(line, ':', end);
    if (colon == NULL)
        return size;
    const char *value = colon + 1;
    while (value < line + end && (*value == ' ' || *value == '\t'))
        value++;
    take_header(x, line, (size_t)(colon - line), value, (size_t)(line + end - value));
    return size;
}

static size_t on_body(char *bytes, size_t unit, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    const struct sw_http_request *request = x->request;
    size_t size = unit * n;
    x->moved_bytes += size;
    x->body_bytes += size;
    x->http->received_bytes += size;
    bool is_success = x->answer->status == 200 || x->answer->status == 206;
    if (is_success && request->sink != NULL) {
        if (request->sink(request->ctx, x->answer, bytes, size, x->err))
            return size;
        x->has_failed = true;
        x->code = x->err->code;
        return 0;
    }
    /* The body of an error or a redirect is not read, but it must end some time too. */
    size_t max_bytes = is_success ? request->max_bytes : MAX_HEAD_BYTES;
    if (x->body_bytes > max_bytes) {
        if (!is_success)
            return 0;
        x->code = sw_fail(x->err, SW_EFORMAT, "%.*s: answer larger than the %zu bytes allowed",
                          shown_length(request->url), request->url, max_bytes);
        x->has_failed = true;
        return 0;
    }
    if (is_success)
        sw_buffer_append(&x->answer->body, bytes, size);
    return size;
}

enum sw_code sw_http_create(struct sw_http **out, const struct sw_hub_settings *settings,
                            struct sw_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    pthread_once(&once, global_init);
    struct sw_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return sw_fail(err, SW_ENOMEM, "download: out of memory");
    http->settings = settings;
    if (has_global_init) {
        http->easy = curl_easy_init();
        http->multi = curl_multi_init();
    }
    if (http->easy == NULL || http->multi == NULL) {
        sw_http_destroy(http);
        return sw_fail(err, SW_ENOMEM, "download: libcurl cannot be started");
    }
    *out = http;
    return SW_OK;
}

void sw_http_destroy(struct sw_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    free(http);
}

const struct sw_hub_settings *sw_http_settings_view(const struct sw_http *http)
{
    return http->settings;
}

uint64_t sw_http_received_bytes(const struct sw_http *http)
{
    return http->received_bytes;
}

void sw_http_answer_free(struct sw_http_answer *answer)
{
    sw_buffer_free(&answer->body);
}

/* "Authorization: Bearer ..." as a list for libcurl; NULL if out of memory. */
static struct curl_slist *token_header(const char *token)
{
    struct sw_buffer line = {0};
    sw_buffer_printf(&line, "Authorization: Bearer %s", token);
    struct curl_slist *list = line.failed ? NULL : curl_slist_append(NULL, line.data);
    if (line.data != NULL)
        explicit_bzero(line.data, line.size);
    sw_buffer_free(&line);
    return list;
}

static void set_options(struct exchange *x, const char *url, bool is_loopback,
                        struct curl_slist *headers, char *error_text)
{
    CURL *easy = x->http->easy;
    const struct sw_http_request *request = x->request;
    const struct sw_hub_options *options = &x->http->settings->options;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "smolwatt");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_NOBODY, request->is_head ? 1L : 0L);
    /* A proxy must not read a token that goes over plain http because it stays on this machine. */
    if (is_loopback)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (request->from_bytes > 0) {
        char range[32];
        snprintf(range, sizeof range, "%" PRIu64 "-", request->from_bytes);
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    }
}

/* Moves bytes until the response is complete (SW_OK, *result libcurl's verdict), the person
 * interrupts, or it stalls. */
static enum sw_code pump(struct exchange *x, CURLcode *result, struct sw_error *err)
{
    struct sw_http *http = x->http;
    const struct sw_hub_options *options = &http->settings->options;
    const char *url = x->request->url;
    uint64_t window_began_ns = sw_clock_ns();
    uint64_t window_bytes = x->moved_bytes;
    const uint64_t window_ns = (uint64_t)options->stall_timeout_ms * 1000000;
    for (;;) {
        int n_running = 0, n_messages = 0;
        CURLMcode failure = curl_multi_perform(http->multi, &n_running);
        if (failure != CURLM_OK)
            return sw_fail(err, SW_ENET, "%.*s: %s", shown_length(url), url,
                           curl_multi_strerror(failure));
        CURLMsg *message = curl_multi_info_read(http->multi, &n_messages);
        if (message != NULL && message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return SW_OK;
        }
        if (sw_hub_is_interrupted(http->settings))
            return sw_fail(err, SW_EINTERRUPTED,
                           "%.*s: interrupted; what has arrived is kept for the next time",
                           shown_length(url), url);
        uint64_t now_ns = sw_clock_ns();
        curl_off_t connected_us = 0; /* until then libcurl's connect timeout counts */
        curl_easy_getinfo(http->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
        if (connected_us == 0 || x->moved_bytes - window_bytes >= MIN_WINDOW_BYTES) {
            window_bytes = x->moved_bytes;
            window_began_ns = now_ns;
        } else if (now_ns - window_began_ns > window_ns) {
            x->answer->is_transient = true;
            return sw_fail(err, SW_ENET,
                           "%.*s: the server stalls: %" PRIu64 " bytes in the last %.1f s",
                           shown_length(url), url, x->moved_bytes - window_bytes,
                           (double)(now_ns - window_began_ns) * 1e-9);
        }
        curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
    }
}

/* One response of one URL. */
static enum sw_code perform(struct exchange *x, const char *url, bool is_loopback,
                            const char *token, struct sw_error *err)
{
    struct sw_http *http = x->http;
    const char *shown = x->request->url;
    char error_text[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    CURLcode result = CURLE_OK;
    if (token != NULL && (headers = token_header(token)) == NULL)
        return sw_fail(err, SW_ENOMEM, "download: out of memory");
    x->head_bytes = x->body_bytes = 0;
    begin_response(x->answer);
    sw_buffer_clear(&x->answer->body);
    set_options(x, url, is_loopback, headers, error_text);
    enum sw_code code = SW_OK;
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
        code = sw_fail(err, SW_ENOMEM, "download: libcurl takes no request");
    else
        code = pump(x, &result, err);
    curl_multi_remove_handle(http->multi, http->easy);
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(http->easy, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    if (x->answer->status != 0)
        http->has_connected = true;
    if (code != SW_OK)
        return code;
    if (x->has_failed)
        return x->code;
    if (x->answer->body.failed)
        return sw_fail(err, SW_ENOMEM, "%.*s: out of memory after %zu bytes", shown_length(shown),
                       shown, x->body_bytes);
    bool is_success = x->answer->status == 200 || x->answer->status == 206;
    if (result == CURLE_OK || (x->answer->status != 0 && !is_success))
        return SW_OK; /* the endless page of a 404 does not hide the 404 */
    const char *reason = error_text[0] != 0 ? error_text : curl_easy_strerror(result);
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: {
        struct sw_origin origin;
        /* Without a network, waiting changes nothing; in the middle of a download, it may. */
        x->answer->is_transient = http->has_connected && result != CURLE_COULDNT_RESOLVE_HOST &&
                                  result != CURLE_COULDNT_RESOLVE_PROXY;
        if (sw_origin_parse(&origin, url, "URL", NULL) != SW_OK)
            origin.host[0] = 0;
        return sw_fail(err, SW_ENET, "%.*s: cannot reach %s: %s", shown_length(shown), shown,
                       origin.host, reason);
    }
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP3:
        x->answer->is_transient = true;
        break;
    default:
        break;
    }
    return sw_fail(err, SW_ENET, "%.*s: %s", shown_length(shown), shown, reason);
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

enum sw_code sw_http_try(struct sw_http *http, const struct sw_http_request *request,
                         struct sw_http_answer *answer, struct sw_error *err)
{
    struct sw_error unused;
    err = err != NULL ? err : &unused; /* callbacks return their code through it */
    *answer = (struct sw_http_answer){0};
    struct exchange x = {.http = http, .request = request, .answer = answer, .err = err};
    struct sw_origin first = {0}, here;
    const char *token = request->token;
    char *url = strdup(request->url);
    enum sw_code code = url != NULL ? sw_origin_parse(&first, url, "URL", err)
                                    : sw_fail(err, SW_ENOMEM, "download: out of memory");
    here = first;
    for (int n_redirects = 0; code == SW_OK; n_redirects++) {
        code = perform(&x, url, sw_origin_is_loopback(&here), token, err);
        char *next_view = NULL; /* libcurl's, gone with the next exchange */
        if (code != SW_OK || !is_redirect(answer->status) ||
            curl_easy_getinfo(http->easy, CURLINFO_REDIRECT_URL, &next_view) != CURLE_OK ||
            next_view == NULL)
            break;
        struct sw_origin next;
        code = sw_origin_parse(&next, next_view, "redirect", err);
        if (code != SW_OK) {
            code = sw_fail_prefix(err, "%.*s", shown_length(request->url), request->url);
        } else if (n_redirects == MAX_REDIRECTS) {
            code = sw_fail(err, SW_ENET, "%.*s: more than %d redirects", shown_length(request->url),
                           request->url, MAX_REDIRECTS);
        } else if (here.is_https && !next.is_https) {
            code = sw_fail(err, SW_ENET, "%.*s: redirect from https to plain http (%s) refused",
                           shown_length(request->url), request->url, next.host);
        }
        if (code != SW_OK)
            break;
        if (!sw_origin_equal(&first, &next)) {
            if (request->is_head)
                break;
            x.has_left_host = true;
            token = NULL; /* and it stays away, even where a later redirect leads back */
        }
        here = next;
        free(url);
        url = strdup(next_view);
        if (url == NULL)
            code = sw_fail(err, SW_ENOMEM, "download: out of memory");
    }
    if (code == SW_OK &&
        (answer->status == 429 || answer->status >= 500 || answer->status == 408)) {
        curl_off_t seconds = 0;
        answer->is_transient = answer->status != 501 && answer->status != 505;
        if (curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK &&
            seconds > 0)
            answer->retry_after_s = (uint64_t)seconds;
    }
    free(url);
    return code;
}
