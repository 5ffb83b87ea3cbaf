/*
 * The last run of any journal: what is kept of its samples has a place, no place twice, and blocks
 * are marked as far as they were kept.
 */
#include <stdint.h>
#include <stdlib.h>

#include "input_file.h"
#include "record/resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_QUESTIONS = 3, N_BLOCKS = 4 };

static void check(struct sw_resume *resume)
{
    bool is_done[N_QUESTIONS];
    size_t n_kept = sw_resume_keep(resume, N_QUESTIONS), n_marked = 0, n_expected = 0;
    must(n_kept == json_array_size(resume->samples));
    size_t i;
    json_t *sample;
    json_array_foreach(resume->samples, i, sample)
    {
        json_int_t index = json_integer_value(json_object_get(sample, "index"));
        json_int_t block = json_integer_value(json_object_get(sample, "block"));
        must(index >= 0 && index < N_QUESTIONS && block >= 0);
        n_expected += block < N_BLOCKS;
    }
    for (size_t block = 0; block < N_BLOCKS; block++) {
        size_t n = sw_resume_mark(resume, block, is_done, N_QUESTIONS);
        for (size_t k = 0; k < N_QUESTIONS; k++)
            n_marked += is_done[k];
        must(n <= N_QUESTIONS);
    }
    must(n_marked == n_expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_resume resume;
    put_input_file(data, size);
    if (sw_resume_find(&resume, input_path, NULL) == SW_OK) {
        must(resume.run == NULL || json_is_array(resume.samples));
        check(&resume);
    }
    sw_resume_free(&resume);
    return 0;
}
