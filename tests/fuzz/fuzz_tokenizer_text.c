/* Any text through the embedded tokenizer and one of SentencePiece's kind; where every byte has a
 * token, decoding gives the text back. */
#include "check_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char pieces_json[] =
    "{\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true,\"lstrip\":true,\"rstrip\":"
    "true,"
    "\"single_word\":false,\"normalized\":false},{\"id\":9,\"content\":\"word\",\"special\":false,"
    "\"lstrip\":false,\"rstrip\":false,\"single_word\":true,\"normalized\":true}],\"normalizer\":"
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"},{"
    "\"type\":\"Replace\",\"pattern\":{\"String\":\" "
    "\"},\"content\":\"\xe2\x96\x81\"}]},\"pre_tokenizer\":"
    "{\"type\":\"Split\",\"behavior\":\"MergedWithNext\",\"invert\":false,\"pattern\":{\"Regex\":"
    "\"(?i:'s|'t)|[^\\\\s\\\\p{L}]?\\\\p{L}+|\\\\s+(?!\\\\S)\"}},\"decoder\":{\"type\":"
    "\"Sequence\",\"decoders\":"
    "[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":\" \"},{\"type\":"
    "\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" "
    "\",\"start\":1,\"stop\":0}]},"
    "\"model\":{\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,\"vocab\":{\"<unk>"
    "\":0,"
    "\"<s>\":1,\"<0xC3>\":2,\"<0xA9>\":3,\"\xe2\x96\x81\":4,\"a\":5,\"\xe2\x96\x81"
    "a\":6,\"aa\":7,\"aaa\":8},"
    "\"merges\":[\"\xe2\x96\x81 a\",\"a a\",\"aa a\"]}}";

static struct sw_tokenizer *builtin, *pieces;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sw_error err;
    struct sw_buffer decoded = {0}, repaired = {0};
    const char *text = (const char *)bytes;
    if (builtin == NULL &&
        (sw_tokenizer_builtin(&builtin, &err) != SW_OK ||
         sw_tokenizer_parse(&pieces, pieces_json, strlen(pieces_json), "pieces", &err) != SW_OK))
        abort();
    check_tokenizer(builtin, text, size, &decoded);
    sw_utf8_append_repaired(&repaired, text, size);
    /* The one special token of the embedded tokenizer is skipped when decoding. */
    if (size > 0 && memmem(repaired.data, repaired.size, "<|endoftext|>", 13) == NULL &&
        (decoded.size != repaired.size || memcmp(decoded.data, repaired.data, decoded.size) != 0))
        abort();
    sw_buffer_clear(&decoded);
    check_tokenizer(pieces, text, size, &decoded);
    sw_buffer_free(&decoded);
    sw_buffer_free(&repaired);
    return 0;
}
