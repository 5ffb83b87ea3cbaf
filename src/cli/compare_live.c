#include "cli/compare_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cli/run_options.h"
#include "cli/terminal.h"

/* One of the two; words are what its options point into. */
struct side {
    struct sw_run_options options;
    struct sw_words words;
    struct sw_run_session *session;
};

static const char *const names[2] = {"a", "b"};

bool sw_compare_live_a_is_first(uint64_t seed, size_t block)
{
    bool coin = (sw_random_at(seed, block / 2) & 1) != 0;
    return block % 2 == 0 ? coin : !coin;
}

/* The common options with those of --a or --b on top. */
static enum sw_code set_options(struct side *side, const char *words, struct sw_error *err)
{
    struct sw_option list[SW_RUN_OPTIONS_ROOM];
    size_t n = sw_run_options_list(list, &side->options), n_positionals = 0;
    bool help = false;
    if (words[strspn(words, " \t\n")] == 0) /* as it is */
        return SW_OK;
    enum sw_code code = sw_words_split(&side->words, words, err);
    if (code != SW_OK)
        return code;
    char **argv = calloc(side->words.n + 2, sizeof *argv);
    const char **positionals = calloc(side->words.n + 1, sizeof *positionals);
    if (argv == NULL || positionals == NULL) {
        code = sw_fail(err, SW_ENOMEM, "out of memory");
    } else {
        memcpy(argv + 1, side->words.items, side->words.n * sizeof *argv);
        code = sw_options_parse(list, n, (int)side->words.n + 1, argv, positionals, &n_positionals,
                                &help, err);
        if (code == SW_OK && help)
            code = sw_fail(err, SW_EUSAGE, "--help: no option of a run");
        if (code == SW_OK && n_positionals > 0)
            code = sw_fail(err, SW_EUSAGE, "%s: not an option", positionals[0]);
    }
    free(argv);
    free(positionals);
    return code;
}

/* Threads that spin while the other has its turn would be measured with it. */
static enum sw_code check(const struct side *side, const struct sw_run_options *common,
                          struct sw_error *err)
{
    const struct sw_run_options *o = &side->options;
    if (strcmp(o->engine.wait, "spin") == 0)
        return sw_fail(err, SW_EUSAGE, "--wait spin: its threads would go on in the other's turn");
    if (strcmp(o->profile, "study") == 0)
        return sw_fail(err, SW_EUSAGE, "--profile study: has no blocks to take turns with");
    if (o->time_limit_given)
        return sw_fail(err, SW_EUSAGE, "--time_limit: turns end after --blocks");
    if (o->blocks != common->blocks || o->seed != common->seed)
        return sw_fail(err, SW_EUSAGE, "--blocks and --seed are the same for both");
    return SW_OK;
}

static enum sw_code take_turns(struct side sides[2], const struct sw_run_options *common,
                               struct sw_error *err)
{
    enum sw_code code = SW_OK;
    for (size_t block = 0; block < common->blocks && code == SW_OK; block++)
        for (size_t turn = 0; turn < 2 && code == SW_OK; turn++) {
            size_t i = (turn == 0) == sw_compare_live_a_is_first(common->seed, block) ? 0 : 1;
            if (!common->quiet)
                sw_say("block %zu of %llu of %s", block + 1, (unsigned long long)common->blocks,
                       i == 0 ? "A" : "B");
            code = sw_run_session_block(sides[i].session, block, err);
        }
    return code;
}

static enum sw_code finish(struct side *side, bool interrupted, char run_id[17],
                           struct sw_error *err)
{
    json_t *record = NULL;
    enum sw_code code = sw_run_session_finish(side->session, interrupted, &record, err);
    if (code == SW_OK) {
        const char *id = json_string_value(json_object_get(record, "run_id"));
        snprintf(run_id, 17, "%s", id != NULL ? id : "");
        code = sw_run_session_store(side->session, record, err);
    }
    json_decref(record);
    return code;
}

enum sw_code sw_compare_live_run(const struct sw_compare_live *live, char run_ids[2][17],
                                 bool *interrupted, struct sw_error *err)
{
    struct side sides[2] = {{.options = live->common}, {.options = live->common}};
    enum sw_code code = SW_OK;
    *interrupted = false;
    for (size_t i = 0; i < 2 && code == SW_OK; i++) {
        sides[i].options.journal = live->journals[i];
        code = set_options(&sides[i], live->words[i], err);
        if (code == SW_OK)
            code = check(&sides[i], &live->common, err);
        if (code != SW_OK)
            sw_fail_prefix(err, "--%s", names[i]);
    }
    for (size_t i = 0; i < 2 && code == SW_OK; i++)
        code = sw_run_session_open(&sides[i].session, &sides[i].options, err);
    if (code == SW_OK)
        code = take_turns(sides, &live->common, err);
    *interrupted = code == SW_EINTERRUPTED;
    if (*interrupted && sides[1].session != NULL)
        code = SW_OK;
    for (size_t i = 0; i < 2 && code == SW_OK; i++)
        code = finish(&sides[i], *interrupted, run_ids[i], err);
    for (size_t i = 0; i < 2; i++) {
        sw_run_session_close(sides[i].session);
        sw_words_free(&sides[i].words);
    }
    return code;
}
