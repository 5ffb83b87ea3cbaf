/* SHA-256 and SHA-1 (git blob ids of small hub files), through OpenSSL. */
#ifndef SW_BASE_DIGEST_H
#define SW_BASE_DIGEST_H

#include <stddef.h>

#include "base/error.h"

enum sw_digest_kind { SW_SHA256, SW_SHA1 };

struct sw_digest; /* a hash under way */

enum sw_code sw_digest_create(struct sw_digest **out, enum sw_digest_kind kind,
                              struct sw_error *err);
void sw_digest_update(struct sw_digest *digest, const void *bytes, size_t size);

/* Lower-case hexadecimal, 64 or 40 characters and NUL; the digest can only be destroyed then. */
void sw_digest_hex(struct sw_digest *digest, char hex[65]);
void sw_digest_destroy(struct sw_digest *digest);

/* SHA-256 of one piece of memory. */
void sw_sha256_hex(char hex[65], const void *bytes, size_t size);

#endif
