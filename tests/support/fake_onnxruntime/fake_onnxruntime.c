/*
 * A library that is ONNX Runtime by its one exported function. The test steers it through the
 * environment:
 *
 *   FAKE_ONNXRUNTIME_VERSION   what it calls itself (default 1.15.1)
 *   FAKE_ONNXRUNTIME_API       "none" (default): older than any version asked for; "fails": every
 *                              function of its table gives a status whose message has two lines
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { N_SLOTS = 400, GET_ERROR_CODE = 1, GET_ERROR_MESSAGE = 2, RELEASE_STATUS = 93 };

typedef void *slot(void);

struct base {
    slot *const *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

const struct base *OrtGetApiBase(void);

static char status[] = "the first line\nand the second\n";

static void *fail(void)
{
    return status;
}

static void *give_nothing(void)
{
    return NULL;
}

static slot *const *get_api(uint32_t version)
{
    static slot *slots[N_SLOTS];
    const char *kind = getenv("FAKE_ONNXRUNTIME_API");
    (void)version;
    if (kind == NULL || strcmp(kind, "fails") != 0)
        return NULL;
    for (size_t i = 0; i < N_SLOTS; i++)
        slots[i] = fail;
    slots[RELEASE_STATUS] = give_nothing;
    return slots;
}

static const char *get_version(void)
{
    const char *text = getenv("FAKE_ONNXRUNTIME_VERSION");
    return text != NULL ? text : "1.15.1";
}

const struct base *OrtGetApiBase(void)
{
    static const struct base base = {get_api, get_version};
    return &base;
}
