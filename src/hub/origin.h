/* Where a URL leads, and who may be sent the token. */
#ifndef SW_HUB_ORIGIN_H
#define SW_HUB_ORIGIN_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

/* Scheme, host and port: what must be equal for a header to be carried along. */
struct sw_origin {
    bool is_https;
    char host[256]; /* lower case; IPv6 in brackets */
    char port[8];   /* explicit or the scheme's own */
};

/* Only http and https, without a user name in it. what names the URL in messages ("HF_ENDPOINT");
 * the URL itself is shown without its query, which may carry a signature. */
enum sw_code sw_origin_parse(struct sw_origin *out, const char *url, const char *what,
                             struct sw_error *err);

bool sw_origin_equal(const struct sw_origin *a, const struct sw_origin *b);

/* 127.0.0.0/8, [::1] or localhost. */
bool sw_origin_is_loopback(const struct sw_origin *origin);

/* Percent-encodes all but RFC 3986's unreserved characters (and '/' where kept). */
void sw_url_append_escaped(struct sw_buffer *out, const char *text, bool keep_slash);

#endif
