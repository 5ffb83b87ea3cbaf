#include "record/quality.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

static void keep_reason(char reason[SW_QUALITY_REASON_BYTES], const char *text)
{
    if (reason[0] != 0)
        return;
    snprintf(reason, SW_QUALITY_REASON_BYTES, "%s", text[0] != 0 ? text : "not recorded");
    size_t length = strlen(reason);
    reason[length - sw_utf8_incomplete_tail(reason, length)] = 0;
}

/* A member that is null, absent or a number from least to most; NaN for the first two. */
static enum sw_code number_or_nan(double *out, const json_t *object, const char *key, double least,
                                  double most, const char *where, struct sw_error *err)
{
    return sw_json_double_or(out, object, key, NAN, least, most, where, err);
}

enum sw_code sw_quality_add(struct sw_quality *q, const json_t *sample, struct sw_error *err)
{
    static const char where[] = "sample: quality";
    const json_t *object = json_object_get(sample, "quality");
    double exact_match = NAN, f1 = NAN, contains = NAN;
    const char *reason = "";
    if (object != NULL && !json_is_object(object))
        return sw_fail(err, SW_EFORMAT, "%s: not an object", where);
    enum sw_code code = number_or_nan(&exact_match, object, "exact_match", 0, 1, where, err);
    if (code == SW_OK)
        code = number_or_nan(&f1, object, "f1", 0, 1, where, err);
    if (code == SW_OK)
        code = number_or_nan(&contains, object, "contains", 0, 1, where, err);
    if (code == SW_OK)
        code = sw_json_string_or(&reason, object, "reason", "", where, err);
    if (code != SW_OK)
        return code;
    q->n_samples++;
    if (isnan(exact_match) || isnan(f1) || isnan(contains)) {
        keep_reason(q->no_score, reason);
        return SW_OK;
    }
    q->n_scored++;
    q->exact_match += exact_match;
    q->f1 += f1;
    q->contains += contains;
    return SW_OK;
}

enum sw_code sw_quality_add_line(struct sw_quality *q, const json_t *line, struct sw_error *err)
{
    static const char where[] = "quality";
    const uint64_t most = UINT64_C(1) << 32;
    double nll, kl;
    uint64_t n_reference, n_compared, n_agreeing;
    const char *reason, *agreement_reason;
    enum sw_code code = number_or_nan(&nll, line, "reference_nll", 0, 1e12, where, err);
    if (code == SW_OK)
        code = sw_json_u64_or(&n_reference, line, "n_reference_tokens", 0, 0, most, where, err);
    if (code == SW_OK)
        code = sw_json_string_or(&reason, line, "reference_reason", "", where, err);
    if (code == SW_OK)
        code = number_or_nan(&kl, line, "kl_sum", 0, 1e12, where, err);
    if (code == SW_OK)
        code = sw_json_u64_or(&n_compared, line, "n_compared_tokens", 0, 0, most, where, err);
    if (code == SW_OK)
        code = sw_json_u64_or(&n_agreeing, line, "first_difference", n_compared, 0, n_compared,
                              where, err);
    if (code == SW_OK)
        code = sw_json_string_or(&agreement_reason, line, "agreement_reason", "", where, err);
    if (code != SW_OK)
        return code;
    if (isnan(nll) || n_reference == 0) {
        keep_reason(q->no_reference, reason);
    } else {
        q->n_references++;
        q->n_reference_tokens += n_reference;
        q->reference_nll += nll;
    }
    if (isnan(kl) || n_compared == 0) {
        keep_reason(q->no_agreement, agreement_reason);
    } else {
        q->n_compared++;
        q->n_equal += n_agreeing == n_compared;
        q->n_compared_tokens += n_compared;
        q->n_agreeing_tokens += n_agreeing;
        q->kl += kl;
    }
    return SW_OK;
}

static json_t *text(const char *reason, const char *fallback)
{
    json_t *value = json_string(reason[0] != 0 ? reason : fallback);
    return value != NULL ? value : json_string(fallback);
}

/* Joules of all answers over how many were right. */
static json_t *joules_per_correct(const struct sw_quality *q, const json_t *total, json_t *reasons)
{
    const json_t *joules = json_object_get(total, "value");
    const double n_right[] = {q->exact_match, q->contains};
    static const char *const names[] = {"exact_match", "contains"};
    char reason[128] = "";
    json_t *out = json_object();
    for (size_t i = 0; i < 2; i++) {
        bool has_value = q->n_scored > 0 && q->n_scored == q->n_samples && json_is_number(joules) &&
                         n_right[i] > 0;
        json_object_set_new(out, names[i],
                            has_value ? json_real(json_number_value(joules) / n_right[i])
                                      : json_null());
    }
    if (q->n_scored < q->n_samples || q->n_scored == 0)
        snprintf(reason, sizeof reason, "%zu of %zu answers could be scored", q->n_scored,
                 q->n_samples);
    else if (!json_is_number(joules))
        snprintf(reason, sizeof reason, "the run has no joules");
    else if (q->exact_match <= 0 || q->contains <= 0)
        snprintf(reason, sizeof reason, "of %zu answers none %s", q->n_scored,
                 q->contains <= 0 ? "was right" : "matches exactly");
    if (reason[0] != 0)
        json_object_set_new(reasons, "joules_per_correct", json_string(reason));
    return out;
}

static json_t *agreement(const struct sw_quality *q, json_t *reasons)
{
    if (q->n_compared == 0) {
        json_object_set_new(reasons, "agreement",
                            text(q->no_agreement, "not asked for: --agreement"));
        return json_null();
    }
    return json_pack("{s:I, s:I, s:I, s:f, s:f}", "n", (json_int_t)q->n_compared, "n_equal",
                     (json_int_t)q->n_equal, "n_tokens", (json_int_t)q->n_compared_tokens,
                     "agreeing_tokens_mean", (double)q->n_agreeing_tokens / (double)q->n_compared,
                     "kl_mean", q->kl / (double)q->n_compared_tokens);
}

json_t *sw_quality_to_json(const struct sw_quality *q, const json_t *total)
{
    json_t *reasons = json_object();
    json_t *out = json_pack("{s:I}", "n", (json_int_t)q->n_scored);
    const double sums[] = {q->exact_match, q->f1, q->contains};
    static const char *const names[] = {"exact_match", "f1", "contains"};
    for (size_t i = 0; i < 3; i++) {
        json_object_set_new(out, names[i],
                            q->n_scored > 0 ? json_real(sums[i] / (double)q->n_scored)
                                            : json_null());
        if (q->n_scored == 0)
            json_object_set_new(reasons, names[i], text(q->no_score, "not recorded"));
    }
    bool has_references = q->n_reference_tokens > 0;
    double perplexity =
        has_references ? exp(q->reference_nll / (double)q->n_reference_tokens) : NAN;
    json_object_set_new(out, "perplexity",
                        isfinite(perplexity) ? json_real(perplexity) : json_null());
    if (!isfinite(perplexity))
        json_object_set_new(reasons, "perplexity",
                            has_references ? json_string("too large for a number")
                                           : text(q->no_reference, "not asked for: --perplexity"));
    json_object_set_new(out, "n_reference_tokens", json_integer((json_int_t)q->n_reference_tokens));
    json_object_set_new(out, "agreement", agreement(q, reasons));
    json_object_set_new(out, "joules_per_correct", joules_per_correct(q, total, reasons));
    json_object_set_new(out, "reasons", reasons);
    return out;
}
