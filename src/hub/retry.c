/* Whether to try again, how long to wait first, and what a final status means. Method: exponential
 * back-off, the server's own Retry-After (RFC 9110, 10.2.3) before it. */
#include "hub/http.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

enum { MAX_BACKOFF_STEPS = 4, SLEEP_MS = 50 };

enum sw_code sw_http_fail_status(const struct sw_http_request *request,
                                 const struct sw_http_answer *answer, struct sw_error *err)
{
    const char *url = request->url;
    int shown = (int)strcspn(url, "?#");
    const char *refused = request->token != NULL ? "the token sent has no access to it"
                                                 : "no token was sent; set HF_TOKEN";
    switch (answer->status) {
    case 401:
    case 403:
        if (strcmp(answer->error_code, "GatedRepo") == 0)
            return sw_fail(err, SW_ENET,
                           "%.*s: gated: its owner's terms must be accepted on its page first, and "
                           "%s (HTTP %ld)",
                           shown, url, refused, answer->status);
        /* The hub answers 401 for what does not exist, so as not to tell what is private. */
        if (strcmp(answer->error_code, "RepoNotFound") == 0)
            return sw_fail(err, SW_EABSENT, "%.*s: does not exist or is private; %s (HTTP %ld)",
                           shown, url, refused, answer->status);
        return sw_fail(err, SW_ENET, "%.*s: access refused; %s (HTTP %ld)", shown, url, refused,
                       answer->status);
    case 404:
        if (strcmp(answer->error_code, "RevisionNotFound") == 0)
            return sw_fail(err, SW_EABSENT, "%.*s: no such revision (HTTP 404)", shown, url);
        if (strcmp(answer->error_code, "EntryNotFound") == 0)
            return sw_fail(err, SW_EABSENT, "%.*s: no such file there (HTTP 404)", shown, url);
        return sw_fail(err, SW_EABSENT, "%.*s: not found (HTTP 404)", shown, url);
    case 429:
        return sw_fail(err, SW_ENET, "%.*s: too many requests for this server (HTTP 429)", shown,
                       url);
    default:
        return sw_fail(err, SW_ENET, "%.*s: the server answers HTTP %ld", shown, url,
                       answer->status);
    }
}

/* Sleeps in steps, so that a person can interrupt. */
static bool sleep_ms(struct sw_http *http, uint64_t wait_ms)
{
    uint64_t end_ns = sw_clock_ns() + wait_ms * 1000000;
    for (uint64_t now_ns = sw_clock_ns(); now_ns < end_ns; now_ns = sw_clock_ns()) {
        uint64_t step_ns = end_ns - now_ns;
        if (step_ns > SLEEP_MS * UINT64_C(1000000))
            step_ns = SLEEP_MS * UINT64_C(1000000);
        if (sw_hub_is_interrupted(sw_http_settings_view(http)))
            return false;
        sw_clock_sleep_until(now_ns + step_ns);
    }
    return true;
}

bool sw_http_wait_retry(struct sw_http *http, const struct sw_http_request *request,
                        const struct sw_http_answer *answer, unsigned *n_failed, enum sw_code *code,
                        struct sw_error *err)
{
    const struct sw_hub_options *options = &sw_http_settings_view(http)->options;
    int shown = (int)strcspn(request->url, "?#");
    if (!answer->is_transient)
        return false;
    unsigned n = (*n_failed)++;
    if (*n_failed >= options->n_tries) {
        if (*code == SW_OK)
            *code = sw_http_fail_status(request, answer, err);
        if (options->n_tries > 1)
            *code = sw_fail_prefix(err, "after %u tries", *n_failed);
        return false;
    }
    uint64_t wait_ms = (uint64_t)options->retry_wait_ms
                       << (n < MAX_BACKOFF_STEPS ? n : MAX_BACKOFF_STEPS);
    if (answer->retry_after_s > options->max_retry_after_s) {
        *code =
            sw_fail(err, SW_ENET, "%.*s: the server asks to come back in %" PRIu64 " s (HTTP %ld)",
                    shown, request->url, answer->retry_after_s, answer->status);
        return false;
    }
    if (answer->retry_after_s > 0)
        wait_ms = answer->retry_after_s * 1000;
    if (!sleep_ms(http, wait_ms)) {
        *code = sw_fail(err, SW_EINTERRUPTED,
                        "%.*s: interrupted; what has arrived is kept for the next time", shown,
                        request->url);
        return false;
    }
    return true;
}

enum sw_code sw_http_fetch(struct sw_http *http, const struct sw_http_request *request,
                           struct sw_http_answer *answer, struct sw_error *err)
{
    unsigned n_failed = 0;
    enum sw_code code;
    for (;;) {
        code = sw_http_try(http, request, answer, err);
        if ((code == SW_OK && answer->status == 200) ||
            !sw_http_wait_retry(http, request, answer, &n_failed, &code, err))
            break;
        sw_http_answer_free(answer);
    }
    bool is_stopped = request->is_head && answer->status >= 300 && answer->status < 400;
    if (code == SW_OK && answer->status != 200 && !is_stopped)
        code = sw_http_fail_status(request, answer, err);
    return code;
}
