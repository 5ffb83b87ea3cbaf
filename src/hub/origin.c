#include "hub/origin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool copy_lower(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size)
        return false;
    for (size_t i = 0; i <= length; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    return true;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != 0;
    curl_free(text);
    return found;
}

enum sw_code sw_origin_parse(struct sw_origin *out, const char *text, const char *what,
                             struct sw_error *err)
{
    enum sw_code code = SW_OK;
    char *scheme = NULL, *host = NULL, *port = NULL;
    int shown = (int)strcspn(text, "?#");
    *out = (struct sw_origin){0};
    CURLU *url = curl_url();
    if (url == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", what);
    /* No default scheme: "hub.example" alone would silently become plain http. */
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        code = sw_fail(err, SW_EUSAGE, "%s: not a URL", what);
        goto done;
    }
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
        code = sw_fail(err, SW_EUSAGE, "%s: a URL with a user name or password is refused", what);
        goto done;
    }
    out->is_https = strcasecmp(scheme, "https") == 0;
    if (!out->is_https && strcasecmp(scheme, "http") != 0) {
        code =
            sw_fail(err, SW_EUSAGE, "%s: %.*s: only http and https are allowed", what, shown, text);
        goto done;
    }
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        !copy_lower(out->host, sizeof out->host, host) ||
        !copy_lower(out->port, sizeof out->port, port))
        code = sw_fail(err, SW_EUSAGE, "%s: not a URL", what);
done:
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return code;
}

bool sw_origin_equal(const struct sw_origin *a, const struct sw_origin *b)
{
    return a->is_https == b->is_https && strcmp(a->host, b->host) == 0 &&
           strcmp(a->port, b->port) == 0;
}

bool sw_origin_is_loopback(const struct sw_origin *origin)
{
    struct in_addr v4;
    if (strcmp(origin->host, "localhost") == 0 || strcmp(origin->host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, origin->host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

void sw_url_append_escaped(struct sw_buffer *out, const char *text, bool keep_slash)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if ((*c < 0x80 && isalnum(*c)) || strchr("-._~", *c) != NULL || (keep_slash && *c == '/'))
            sw_buffer_append(out, c, 1);
        else
            sw_buffer_printf(out, "%%%02X", (unsigned)*c);
    }
}
