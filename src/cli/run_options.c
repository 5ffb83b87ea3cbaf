#include "cli/run_options.h"

#include <string.h>

#include "bench/profile.h"
#include "cli/sources.h"

size_t sw_run_options_list(struct sw_option list[SW_RUN_OPTIONS_ROOM], struct sw_run_options *o)
{
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "What runs"},
        SW_MODEL_OPTION(o->engine, SW_DEFAULT_MODEL),
        SW_ENGINE_OPTIONS(o->engine),
        {.kind = SW_OPTION_COUNT,
         .name = "max_new_tokens",
         .letter = 'n',
         .value = &o->max_new_tokens,
         .argument = "N",
         .help = "most tokens generated per question (50)",
         .min = 1,
         .max = 1 << 20},
        {.kind = SW_OPTION_FLAG,
         .name = "ignore_eos",
         .value = &o->ignore_eos,
         .help = "go on after the end-of-sequence token"},
        {.kind = SW_OPTION_COUNT,
         .name = "batch",
         .letter = 'b',
         .value = &o->batch,
         .argument = "N",
         .help = "questions answered at once (1); the answers are the same, and the joules belong "
                 "to the batch, not to an answer",
         .min = 1,
         .max = 4096},
        {.kind = SW_OPTION_TEXT,
         .name = "profile",
         .value = &o->profile,
         .argument = "NAME",
         .help =
             "study: one pass (default); quick: 8 blocks of 2 questions; standard: blocks of 10 "
             "until the 95 % interval of J/token (where nothing measures joules, of s/token) is "
             "within 2 %; strict: the same with 50 questions and more blocks"},
        {.kind = SW_OPTION_COUNT,
         .name = "blocks",
         .value = &o->blocks,
         .argument = "N",
         .help = "blocks, each of all questions once in random order, however wide the interval is",
         .min = 1,
         .max = SW_MAX_BLOCKS,
         .given = &o->blocks_given},
        {.kind = SW_OPTION_REAL,
         .name = "time_limit",
         .value = &o->time_limit_s,
         .argument = "S",
         .help =
             "no block that would end later than this after the first began (quick 60, standard "
             "900, strict 7200; 0: no limit)",
         .max = 1e7,
         .given = &o->time_limit_given},
        {.kind = SW_OPTION_COUNT,
         .name = "warm_up",
         .value = &o->warm_up,
         .argument = "N",
         .help = "most answers beforehand that do not count, until five agree within 5 % (0: none; "
                 "study 0, "
                 "quick 10, standard 50, strict 100)",
         .max = 10000,
         .given = &o->warm_up_given},
        {.kind = SW_OPTION_GROUP, .name = "Questions"},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_name",
         .value = &o->dataset_name,
         .argument = "NAME",
         .help = "squad (default), builtin, a hub data set, or a .json (SQuAD), .jsonl, .csv or "
                 ".txt file"},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_split",
         .value = &o->dataset_split,
         .argument = "NAME",
         .help = "split of a named data set (test; SQuAD has none, its validation split is read)"},
        {.kind = SW_OPTION_COUNT,
         .name = "samples",
         .value = &o->samples,
         .argument = "N",
         .help = "questions to ask, in each block (study and strict 50, quick 2, standard 10), the "
                 "first "
                 "of the data set unless --seed is given",
         .min = 1,
         .max = 1e9,
         .given = &o->samples_given},
        {.kind = SW_OPTION_COUNT,
         .name = "seed",
         .value = &o->seed,
         .argument = "N",
         .help = "ask a random subset, the same for the same seed; blocks are in an order that it "
                 "gives "
                 "(0)",
         .max = 1e15,
         .given = &o->seed_given},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_field",
         .value = &o->fields.question_field,
         .argument = "NAME",
         .help = "field of a JSONL or CSV file that holds the question (question, text or "
                 "prompt)"},
        {.kind = SW_OPTION_TEXT,
         .name = "answers_field",
         .value = &o->fields.answers_field,
         .argument = "NAME",
         .help = "field that holds the reference answers (answers or answer)"},
        {.kind = SW_OPTION_TEXT,
         .name = "context_field",
         .value = &o->fields.context_field,
         .argument = "NAME",
         .help = "field that holds the context (context)"},
        {.kind = SW_OPTION_TEXT,
         .name = "prompt_template",
         .value = &o->prompt_template,
         .argument = "T",
         .help = "study: the question alone (default); squad: context, question and \"Answer:\"; "
                 "or a text with {question} and {context}"},
        {.kind = SW_OPTION_TEXTS,
         .name = "stop",
         .value = &o->stops,
         .argument = "TEXT",
         .help = "end an answer at this text; may be given again"},
        {.kind = SW_OPTION_GROUP, .name = "Quality"},
        SW_QUALITY_OPTIONS(o->quality),
        {.kind = SW_OPTION_GROUP, .name = "Energy"},
        SW_METER_OPTIONS(o->meter),
        SW_SAMPLING_OPTION(o->meter),
        {.kind = SW_OPTION_REAL,
         .name = "idle_seconds",
         .value = &o->idle_s,
         .argument = "S",
         .help = "measure the loaded, idle machine this long before and after (study 0, quick 1, "
                 "standard 10, strict 30)",
         .max = 3600,
         .given = &o->idle_given},
        {.kind = SW_OPTION_GROUP, .name = "Carbon"},
        SW_PLACE_OPTIONS(o->place),
    };
    _Static_assert(sizeof options / sizeof options[0] <= SW_RUN_OPTIONS_ROOM, "the list has room");
    memcpy(list, options, sizeof options);
    return sizeof options / sizeof options[0];
}
