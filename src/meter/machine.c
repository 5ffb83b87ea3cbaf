#include "meter/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/number.h"
#include "meter/control_group.h"

/* A thousand logical CPUs with all their flags take about 2 MB. */
enum { PROC_BYTES = 16 << 20, SMALL_BYTES = 1 << 16, MAX_SOCKETS = 1024 };

/* The value of "key<spaces>: value" if the line has that key, else NULL. */
static const char *value_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0)
        return NULL;
    line += length;
    line += strspn(line, " \t");
    if (*line != ':')
        return NULL;
    line++;
    return line + strspn(line, " \t");
}

/* Copies to the end of the line, without control characters and trailing space. */
static void copy_line(char *out, size_t size, const char *text)
{
    size_t n = strcspn(text, "\n");
    if (n >= size)
        n = size - 1;
    memcpy(out, text, n);
    out[n] = 0;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = '?';
    while (n > 0 && out[n - 1] == ' ')
        out[--n] = 0;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word), end = strcspn(text, "\n");
    for (size_t i = 0; i < end;) {
        size_t n = strcspn(text + i, " \n");
        if (n == length && strncmp(text + i, word, length) == 0)
            return true;
        i += n + 1;
    }
    return false;
}

static void copy_number(unsigned *out, const char *value)
{
    char number[24];
    uint64_t parsed;
    copy_line(number, sizeof number, value);
    if (sw_parse_u64(&parsed, number, 0, 4095))
        *out = (unsigned)parsed;
}

void sw_machine_parse_cpuinfo(struct sw_machine *out, const char *text)
{
    unsigned char seen[MAX_SOCKETS] = {0};
    unsigned sockets = 0;
    for (const char *line = text; line != NULL && *line != 0;) {
        const char *value;
        char number[24];
        if ((value = value_of(line, "processor")) != NULL) {
            if (*value >= '0' && *value <= '9')
                out->logical++;
        } else if ((value = value_of(line, "model name")) != NULL) {
            if (out->cpu_name[0] == 0)
                copy_line(out->cpu_name, sizeof out->cpu_name, value);
        } else if ((value = value_of(line, "vendor_id")) != NULL) {
            copy_line(out->cpu_vendor, sizeof out->cpu_vendor, value);
        } else if ((value = value_of(line, "cpu family")) != NULL) {
            copy_number(&out->cpu_family, value);
        } else if ((value = value_of(line, "model")) != NULL) {
            copy_number(&out->cpu_model, value);
        } else if ((value = value_of(line, "physical id")) != NULL) {
            uint64_t id;
            copy_line(number, sizeof number, value);
            if (sw_parse_u64(&id, number, 0, MAX_SOCKETS - 1) && !seen[id]) {
                seen[id] = 1;
                sockets++;
            }
        } else if ((value = value_of(line, "flags")) != NULL) {
            out->virtual_machine = out->virtual_machine || has_word(value, "hypervisor");
        } else if (value_of(line, "CPU implementer") != NULL) {
            out->arm = true;
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    out->sockets = sockets > 0 ? sockets : 1;
}

bool sw_machine_parse_meminfo(uint64_t *bytes, const char *text)
{
    for (const char *line = text; line != NULL && *line != 0;) {
        const char *value = value_of(line, "MemTotal");
        if (value != NULL) {
            char number[24];
            size_t digits = strspn(value, "0123456789");
            if (digits == 0 || digits >= sizeof number || strncmp(value + digits, " kB", 3) != 0)
                return false;
            memcpy(number, value, digits);
            number[digits] = 0;
            uint64_t kib;
            /* An exbibyte is more than any address bus has. */
            if (!sw_parse_u64(&kib, number, 1, UINT64_C(1) << 50))
                return false;
            *bytes = kib * 1024;
            return true;
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return false;
}

char *sw_machine_text_dup(const char *root, const char *path, size_t max_bytes, size_t *size)
{
    char *full = sw_path_join_dup(root, path);
    if (full == NULL)
        return NULL;
    struct sw_buffer text = {0};
    char *out = NULL;
    struct stat info;
    /* A pipe in a replayed tree would wait for its writer. */
    if (stat(full, &info) == 0 && S_ISREG(info.st_mode) &&
        sw_file_read(&text, full, max_bytes, NULL) == SW_OK)
        out = sw_buffer_take(&text, size);
    sw_buffer_free(&text);
    free(full);
    return out;
}

void sw_machine_read(struct sw_machine *out, const char *root)
{
    *out = (struct sw_machine){.sockets = 1};
    char *text = sw_machine_text_dup(root, "/proc/cpuinfo", PROC_BYTES, NULL);
    if (text != NULL)
        sw_machine_parse_cpuinfo(out, text);
    free(text);
    text = sw_machine_text_dup(root, "/proc/meminfo", SMALL_BYTES, NULL);
    if (text == NULL || !sw_machine_parse_meminfo(&out->memory_bytes, text))
        out->memory_bytes = 0;
    free(text);
    sw_control_group_read(out, root);
    size_t size = 0;
    text = sw_machine_text_dup(root, "/proc/self/environ", PROC_BYTES, &size);
    sw_job_parse(&out->job, text != NULL ? text : "", size, out->logical, out->memory_bytes);
    free(text);
}
