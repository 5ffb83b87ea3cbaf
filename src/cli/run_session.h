/*
 * One configuration under measurement: a model that is loaded, its questions, its meters and its
 * record. run has one, from open to close; what compares two in turns has two, and takes a block of
 * the one, then a block of the other:
 *
 *     open     names checked, journal opened, weights loaded, the `run` line written
 *     blocks   all questions once or more often, a `sample` line each
 *     finish   what is looked at afterwards, the record
 *     store    the record into the journal
 *     close
 */
#ifndef SW_CLI_RUN_SESSION_H
#define SW_CLI_RUN_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "carbon/carbon.h"
#include "cli/engine_options.h"
#include "cli/meter_options.h"
#include "cli/place_options.h"
#include "cli/quality_options.h"
#include "dataset/dataset.h"
#include "record/blocks.h"

/* What a run is asked for; texts are borrowed and outlive the session. */
struct sw_run_options {
    struct sw_engine_choice engine;
    struct sw_meter_choice meter;
    struct sw_carbon_options place;
    struct sw_dataset_options fields;
    struct sw_quality_choice quality;
    const char *profile, *dataset_name, *dataset_split, *prompt_template, *journal;
    struct sw_texts stops;
    uint64_t samples, seed, max_new_tokens, batch;
    /* Where given, in place of the profile's. blocks: as many, without looking at the interval. */
    uint64_t blocks, warm_up;
    double idle_s, time_limit_s;
    bool blocks_given, warm_up_given, idle_given, time_limit_given;
    bool seed_given, samples_given, ignore_eos, resume, quiet;
};

#define SW_RUN_OPTIONS_DEFAULT                                                                     \
    {                                                                                              \
        .engine = SW_ENGINE_CHOICE_DEFAULT, .meter = SW_METER_CHOICE_DEFAULT,                      \
        .place = {.g_per_kwh = -1}, .profile = "study", .dataset_split = "test",                   \
        .prompt_template = "study", .journal = "smolwatt.jsonl", .samples = 50,                    \
        .max_new_tokens = 50, .batch = 1                                                           \
    }

struct sw_run_session;

/* What it takes over options is a copy. On failure *out is NULL. */
enum sw_code sw_run_session_open(struct sw_run_session **out, const struct sw_run_options *options,
                                 struct sw_error *err);

/* Blocks from the first, until the profile says that it is enough; of a profile without blocks, all
 * questions once. A run that is resumed goes on where it was. */
enum sw_code sw_run_session_blocks(struct sw_run_session *session, struct sw_error *err);

/* One block: all questions once, in the order that seed and block give. For a caller who decides
 * when to stop; its profile should be one with blocks, so that lines say which they are of.
 * SW_EINTERRUPTED on Ctrl-C: the samples so far are kept. */
enum sw_code sw_run_session_block(struct sw_run_session *session, size_t block,
                                  struct sw_error *err);

/* How sure the complete blocks so far are. */
enum sw_code sw_run_session_precision(const struct sw_run_session *session,
                                      struct sw_precision *out, struct sw_error *err);

/* Samples that are in the record; how many there are in all, or in each block. */
void sw_run_session_progress(const struct sw_run_session *session, size_t *n_done,
                             size_t *n_planned, bool *has_blocks);

/* Idle afterwards, what takes the engine again, and the record (an `end` line), the caller's to
 * json_decref. Fails if no sample was finished. */
enum sw_code sw_run_session_finish(struct sw_run_session *session, bool interrupted,
                                   json_t **record, struct sw_error *err);

/* The record into the journal, and the journal to disk: apart from finish, since a record is
 * printed first, and a disk that is full now does not take the figures along. */
enum sw_code sw_run_session_store(struct sw_run_session *session, const json_t *record,
                                  struct sw_error *err);

/* NULL is fine. */
void sw_run_session_close(struct sw_run_session *session);

#endif
