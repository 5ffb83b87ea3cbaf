#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct sw_digest {
    EVP_MD_CTX *context;
};

enum sw_code sw_digest_create(struct sw_digest **out, enum sw_digest_kind kind,
                              struct sw_error *err)
{
    *out = NULL;
    struct sw_digest *digest = calloc(1, sizeof *digest);
    if (digest == NULL)
        return sw_fail(err, SW_ENOMEM, "digest: out of memory");
    digest->context = EVP_MD_CTX_new();
    const EVP_MD *method = kind == SW_SHA1 ? EVP_sha1() : EVP_sha256();
    if (digest->context == NULL || EVP_DigestInit_ex(digest->context, method, NULL) != 1) {
        sw_digest_destroy(digest);
        return sw_fail(err, SW_ESYSTEM, "digest: the OpenSSL library offers no %s",
                       kind == SW_SHA1 ? "SHA-1" : "SHA-256");
    }
    *out = digest;
    return SW_OK;
}

void sw_digest_update(struct sw_digest *digest, const void *bytes, size_t size)
{
    EVP_DigestUpdate(digest->context, bytes, size);
}

static void write_hex(char hex[65], const unsigned char *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)bytes[i]);
}

void sw_digest_hex(struct sw_digest *digest, char hex[65])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    hex[0] = 0;
    EVP_DigestFinal_ex(digest->context, bytes, &size);
    write_hex(hex, bytes, size <= 32 ? size : 32);
}

void sw_digest_destroy(struct sw_digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

void sw_sha256_hex(char hex[65], const void *bytes, size_t size)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    hex[0] = 0;
    EVP_Digest(bytes, size, digest, &digest_size, EVP_sha256(), NULL);
    write_hex(hex, digest, digest_size <= 32 ? digest_size : 32);
}
