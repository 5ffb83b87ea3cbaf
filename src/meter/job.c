/*
 * SLURM tells a job its share of a node in the environment (sbatch's and srun's manual pages):
 *
 *   SLURM_JOB_ID, SLURM_JOBID         the job
 *   SLURM_CPUS_ON_NODE                "8"
 *   SLURM_JOB_CPUS_PER_NODE           "8(x2),4": of each node; the first stands for this one
 *   SLURM_MEM_PER_NODE                "16384", MiB; 0: all of the node
 *   SLURM_MEM_PER_CPU, .._PER_GPU     for each CPU, each GPU (SLURM_GPUS_ON_NODE)
 *
 * CodeCarbon runs "scontrol show job" in their place, which prints the same amounts in the largest
 * unit that holds them exactly. No program is run here.
 */
#include "meter/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

static const uint64_t mib = UINT64_C(1) << 20;
/* An exbibyte is more than any address bus has. */
static const uint64_t most_mib = UINT64_C(1) << 40;
enum { MOST_CPUS = 1 << 20, VALUE_BYTES = 48 };

static void note(struct sw_job *job, const char *format, ...) SW_PRINTF(2, 3);

static void note(struct sw_job *job, const char *format, ...)
{
    if (job->note[0] != 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(job->note, sizeof job->note, format, arguments);
    va_end(arguments);
    for (char *c = job->note; *c != 0; c++)
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
}

/* False where the variable is not set, or empty. A value that is too long is cut: it then makes no
 * sense, and is told as far as it goes. */
static bool value_of(char out[VALUE_BYTES], const char *environment, size_t size, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < size;) {
        size_t n = strnlen(environment + i, size - i);
        if (n > length && environment[i + length] == '=' &&
            memcmp(environment + i, name, length) == 0) {
            snprintf(out, VALUE_BYTES, "%.*s", (int)(n - length - 1), environment + i + length + 1);
            return out[0] != 0;
        }
        i += n + 1;
    }
    return false;
}

bool sw_job_parse_memory(uint64_t *bytes, double *codecarbon_gb, const char *text)
{
    static const struct {
        char unit;
        uint64_t bytes, most;
        double gb;
    } units[] = {{'T', UINT64_C(1) << 40, UINT64_C(1) << 20, 1000},
                 {'G', UINT64_C(1) << 30, UINT64_C(1) << 30, 1},
                 {'M', UINT64_C(1) << 20, UINT64_C(1) << 40, 1e-3},
                 {'K', UINT64_C(1) << 10, UINT64_C(1) << 50, 1e-6}};
    enum { N_UNITS = sizeof units / sizeof units[0], MEBI = 2 };
    char number[24];
    uint64_t amount;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = 0;
    for (size_t i = 0; i < N_UNITS; i++) {
        bool is_plain = i == MEBI && text[digits] == 0;
        if (!is_plain && (text[digits] != units[i].unit || text[digits + 1] != 0))
            continue;
        if (!sw_parse_u64(&amount, number, 0, units[i].most))
            return false;
        *bytes = amount * units[i].bytes;
        *codecarbon_gb = (double)amount * units[i].gb;
        /* scontrol would print it in the largest unit. */
        for (size_t k = 0; k < MEBI && is_plain && amount > 0; k++)
            if (*bytes % units[k].bytes == 0) {
                *codecarbon_gb = (double)(*bytes / units[k].bytes) * units[k].gb;
                break;
            }
        return true;
    }
    return false;
}

/* "8" or "8(x2),4": the first number. */
static bool parse_cpus(unsigned *out, const char *text)
{
    char number[16];
    uint64_t cpus;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof number || strchr("(,", text[digits]) == NULL)
        return false;
    memcpy(number, text, digits);
    number[digits] = 0;
    if (!sw_parse_u64(&cpus, number, 1, MOST_CPUS))
        return false;
    *out = (unsigned)cpus;
    return true;
}

static void take_cpus(struct sw_job *job, const char *environment, size_t size, unsigned n_logical)
{
    static const char *const names[] = {"SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE"};
    char value[VALUE_BYTES];
    for (size_t i = 0; i < 2 && job->cpus == 0; i++) {
        unsigned cpus;
        if (!value_of(value, environment, size, names[i]))
            continue;
        if (!parse_cpus(&cpus, value))
            note(job, "%s: \"%s\" is no number of CPUs", names[i], value);
        else if (n_logical > 0 && cpus > n_logical)
            note(job, "%s: %u CPUs, but the machine has %u", names[i], cpus, n_logical);
        else
            job->cpus = cpus;
    }
}

static void take_memory(struct sw_job *job, const char *environment, size_t size,
                        uint64_t memory_bytes)
{
    static const struct {
        const char *name, *of; /* of: how many there are */
    } kinds[] = {{"SLURM_MEM_PER_NODE", NULL},
                 {"SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"},
                 {"SLURM_MEM_PER_GPU", "SLURM_GPUS_ON_NODE"}};
    char value[VALUE_BYTES], count_text[VALUE_BYTES];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && job->memory_bytes == 0; i++) {
        uint64_t bytes;
        double gb;
        unsigned count = 1;
        if (!value_of(value, environment, size, kinds[i].name))
            continue;
        if (!sw_job_parse_memory(&bytes, &gb, value)) {
            note(job, "%s: \"%s\" is no amount of memory", kinds[i].name, value);
            continue;
        }
        if (kinds[i].of != NULL && (!value_of(count_text, environment, size, kinds[i].of) ||
                                    !parse_cpus(&count, count_text))) {
            note(job, "%s: %s does not tell how many", kinds[i].name, kinds[i].of);
            continue;
        }
        if (bytes == 0) /* all that the node has */
            return;
        if (bytes / mib > most_mib / count || (memory_bytes > 0 && bytes * count > memory_bytes)) {
            note(job, "%s: %s is more than the machine has", kinds[i].name, value);
            continue;
        }
        job->memory_bytes = bytes * count;
        job->memory_from = kinds[i].name;
        if (count > 1) {
            char text[24];
            snprintf(text, sizeof text, "%llu", (unsigned long long)(job->memory_bytes / mib));
            (void)sw_job_parse_memory(&bytes, &gb, text);
        }
        job->codecarbon_gb = gb;
    }
}

void sw_job_parse(struct sw_job *out, const char *environment, size_t size, unsigned n_logical,
                  uint64_t memory_bytes)
{
    char value[VALUE_BYTES];
    *out = (struct sw_job){.memory_from = ""};
    if (!value_of(value, environment, size, "SLURM_JOB_ID") &&
        !value_of(value, environment, size, "SLURM_JOBID"))
        return;
    /* "1234", "1234_5": what is no id is told as one all the same, as far as it can be shown. */
    for (char *c = value; *c != 0; c++)
        if (*c < ' ' || *c == 0x7f)
            *c = '?';
    snprintf(out->id, sizeof out->id, "%.23s", value);
    take_cpus(out, environment, size, n_logical);
    take_memory(out, environment, size, memory_bytes);
}
