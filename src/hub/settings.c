#include "hub/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/number.h"

enum { MAX_TOKEN_BYTES = 1024 };

/* The values that the Python library takes for true. */
static bool environment_is_true(const char *name)
{
    static const char *const truths[] = {"1", "on", "yes", "true"};
    const char *value = sw_environment_view(name);
    for (size_t i = 0; value != NULL && i < sizeof truths / sizeof truths[0]; i++) {
        if (strcasecmp(value, truths[i]) == 0)
            return true;
    }
    return false;
}

static enum sw_code read_folders(struct sw_hub_settings *out, char **hf_home, struct sw_error *err)
{
    static const char *const home_names[] = {"HF_HOME", NULL};
    static const char *const hub_names[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", NULL};
    *hf_home = sw_environment_folder_dup(home_names, "XDG_CACHE_HOME", "huggingface", "~/.cache");
    if (*hf_home != NULL)
        out->hub_cache = sw_environment_folder_dup(hub_names, "", "hub", *hf_home);
    out->own_cache = sw_own_cache_dup();
    if (out->hub_cache == NULL || out->own_cache == NULL)
        return sw_fail(err, SW_EUSAGE,
                       "no place for a cache: set HOME, or HF_HOME and SMOLWATT_CACHE");
    return SW_OK;
}

/* variable or fallback, without slashes at its end, checked to be an http or https URL. */
static enum sw_code read_url(char **out, const char *variable, const char *fallback,
                             struct sw_error *err)
{
    const char *value = sw_environment_view(variable);
    struct sw_origin origin;
    *out = strdup(value != NULL ? value : fallback);
    if (*out == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", variable);
    for (size_t n = strlen(*out); n > 0 && (*out)[n - 1] == '/'; n--)
        (*out)[n - 1] = 0;
    return sw_origin_parse(&origin, *out, variable, err);
}

/* Takes text without white space around it as the token; a header cannot hold other characters. */
static enum sw_code set_token(struct sw_hub_settings *out, const char *text, const char *where,
                              struct sw_error *err)
{
    text += strspn(text, " \t\r\n");
    size_t size = strcspn(text, " \t\r\n");
    if (size == 0)
        return SW_OK;
    bool good = size <= MAX_TOKEN_BYTES && text[size + strspn(text + size, " \t\r\n")] == 0;
    for (size_t i = 0; good && i < size; i++)
        good = text[i] > 0x20 && text[i] < 0x7f;
    if (!good)
        return sw_fail(err, SW_EUSAGE, "%s: holds no token: one word of ASCII is expected", where);
    out->token = strndup(text, size);
    return out->token != NULL ? SW_OK : sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
}

static enum sw_code read_token(struct sw_hub_settings *out, const char *hf_home,
                               struct sw_error *err)
{
    static const char *const variables[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
    for (size_t i = 0; i < 2; i++) {
        if (sw_environment_view(variables[i]) != NULL)
            return set_token(out, sw_environment_view(variables[i]), variables[i], err);
    }
    if (environment_is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        return SW_OK;
    char *path = sw_environment_view("HF_TOKEN_PATH") != NULL
                     ? sw_home_expand_dup(sw_environment_view("HF_TOKEN_PATH"))
                     : sw_path_join_dup(hf_home, "token");
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "token: out of memory");
    struct sw_buffer text = {0};
    enum sw_code code = sw_file_read(&text, path, 2 * MAX_TOKEN_BYTES, err);
    if (code == SW_EABSENT)
        code = SW_OK; /* most people have none */
    else if (code == SW_OK && text.data != NULL)
        code = set_token(out, text.data, path, err);
    if (text.data != NULL)
        explicit_bzero(text.data, text.size);
    sw_buffer_free(&text);
    free(path);
    return code;
}

static enum sw_code fill_defaults(struct sw_hub_options *options, struct sw_error *err)
{
    const char *timeout = sw_environment_view("HF_HUB_DOWNLOAD_TIMEOUT");
    uint64_t seconds = 10;
    if (timeout != NULL && !sw_parse_u64(&seconds, timeout, 1, 86400))
        return sw_fail(err, SW_EUSAGE, "HF_HUB_DOWNLOAD_TIMEOUT: \"%s\" is not 1 to 86400 seconds",
                       timeout);
    if (options->stall_timeout_ms == 0)
        options->stall_timeout_ms = (unsigned)seconds * 1000;
    if (options->connect_timeout_ms == 0)
        options->connect_timeout_ms = 5000;
    if (options->retry_wait_ms == 0)
        options->retry_wait_ms = 1000;
    if (options->max_retry_after_s == 0)
        options->max_retry_after_s = 120;
    if (options->n_tries == 0)
        options->n_tries = 5;
    if (options->revision == NULL)
        options->revision = "main";
    return SW_OK;
}

enum sw_code sw_hub_settings_read(struct sw_hub_settings *out, const struct sw_hub_options *options,
                                  struct sw_error *err)
{
    *out = (struct sw_hub_settings){0};
    char *hf_home = NULL;
    if (options != NULL)
        out->options = *options;
    enum sw_code code = fill_defaults(&out->options, err);
    if (code == SW_OK)
        code = read_folders(out, &hf_home, err);
    if (code == SW_OK)
        code = read_url(&out->endpoint, "HF_ENDPOINT", "https://huggingface.co", err);
    if (code == SW_OK)
        code = read_url(&out->rows_endpoint, "SMOLWATT_ROWS_ENDPOINT",
                        "https://datasets-server.huggingface.co", err);
    if (code == SW_OK)
        code = read_url(&out->squad_url, "SMOLWATT_SQUAD_URL",
                        "https://rajpurkar.github.io/SQuAD-explorer/dataset", err);
    out->offline = out->options.offline || environment_is_true("HF_HUB_OFFLINE") ||
                   environment_is_true("TRANSFORMERS_OFFLINE");
    if (code == SW_OK && !out->offline)
        code = read_token(out, hf_home, err);
    out->no_symlinks = environment_is_true("HF_HUB_DISABLE_SYMLINKS");
    free(hf_home);
    if (code != SW_OK)
        sw_hub_settings_free(out);
    return code;
}

void sw_hub_settings_free(struct sw_hub_settings *settings)
{
    if (settings->token != NULL)
        explicit_bzero(settings->token, strlen(settings->token));
    free(settings->token);
    free(settings->hub_cache);
    free(settings->own_cache);
    free(settings->endpoint);
    free(settings->rows_endpoint);
    free(settings->squad_url);
    *settings = (struct sw_hub_settings){0};
}

bool sw_hub_is_interrupted(const struct sw_hub_settings *settings)
{
    return settings->options.is_interrupted != NULL &&
           settings->options.is_interrupted(settings->options.ctx);
}

const char *sw_hub_token_for_view(const struct sw_hub_settings *settings, const char *url,
                                  bool allow_loopback)
{
    struct sw_origin origin;
    if (sw_origin_parse(&origin, url, "URL", NULL) != SW_OK)
        return NULL;
    if (origin.is_https || (allow_loopback && sw_origin_is_loopback(&origin)))
        return settings->token;
    return NULL;
}
