/* From what the user named (or did not name) to a model folder and a data set. */
#ifndef SW_CLI_SOURCES_H
#define SW_CLI_SOURCES_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/terminal.h"
#include "dataset/dataset.h"

#define SW_DEFAULT_MODEL     "HuggingFaceTB/SmolLM-135M"
#define SW_FALLBACK_MODEL    "synthetic:smollm-135m"
#define SW_BUILTIN_QUESTIONS "builtin"

/* *resolved becomes a folder or a synthetic name, *name what records call the model; both are the
 * caller's to free. A name that is an existing folder is that folder, else a hub id. With name NULL
 * the default model is tried, and the synthetic one taken, with a remark, if it cannot be had. */
enum sw_code sw_resolve_model(char **resolved, char **name, const char *named, const char *revision,
                              struct sw_progress *progress, struct sw_error *err);

/* Loads the data set. named is NULL (SQuAD, or the built-in questions for a synthetic model and
 * where SQuAD cannot be had, with a remark), "builtin", a file, "squad", or a hub id. */
enum sw_code sw_resolve_dataset(struct sw_dataset *out, const char *named, const char *split,
                                const struct sw_dataset_options *options, bool model_is_synthetic,
                                struct sw_progress *progress, struct sw_error *err);

/* What `pull` does: asks the server even where the cache would do. *path is the caller's. */
enum sw_code sw_pull(char **path, const char *name, bool is_dataset, const char *revision,
                     const char *split, struct sw_progress *progress, struct sw_error *err);

#endif
