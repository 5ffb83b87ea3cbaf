/* Memory for the texts of a data set: many small strings in few blocks, freed together. */
#ifndef SW_DATASET_TEXT_H
#define SW_DATASET_TEXT_H

#include <stddef.h>

#include "dataset/dataset.h"

/* A NUL-terminated copy of size bytes; NULL if out of memory. */
char *sw_dataset_text_add(struct sw_dataset_text **texts, const char *bytes, size_t size);

/* Room for n pointers, all NULL; NULL if out of memory. */
char **sw_dataset_text_add_pointers(struct sw_dataset_text **texts, size_t n);

void sw_dataset_text_free(struct sw_dataset_text *texts);

#endif
