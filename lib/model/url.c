/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

enum { LONGEST = 4096 };

/* What libcurl reads out of a URL; strings are libcurl's. */
typedef struct parts {
    CURLU *url;
    char *scheme, *host, *zone, *port, *path, *query;
} parts;

static void free_parts(parts *p) {
    curl_free(p->scheme);
    curl_free(p->host);
    curl_free(p->zone);
    curl_free(p->port);
    curl_free(p->path);
    curl_free(p->query);
    curl_url_cleanup(p->url);
}

/* ---- what libcurl would let pass ------------------------------------------------------------- */

static const char *find_byte(const char *s, size_t len, const char *set) {
    for (size_t i = 0; i < len; i++)
        if (strchr(set, s[i])) return s + i;
    return NULL;
}

/* Where the host and port begin, and how long they are. NULL: no "://". */
static const char *authority(const char *s, size_t len, size_t *n) {
    const char *colon = memchr(s, ':', len);
    const char *start = colon ? colon + 3 : NULL, *stop;

    if (!colon || (size_t)(s + len - colon) < 3 || colon[1] != '/' || colon[2] != '/') return NULL;
    *n = (size_t)(s + len - start);
    stop = find_byte(start, *n, "/?#");
    if (stop) *n = (size_t)(stop - start);
    return start;
}

/* "http://" or "https://", in any case of letters. */
static int is_http(const char *s, size_t len) {
    static const char http[] = "http", https[] = "https";
    const char *want = len == sizeof http + 2 ? http : https;

    if (len != strlen(want) + 3) return 0;
    for (; *want; want++, s++)
        if ((*s | 0x20) != *want) return 0;
    return 1;
}

/*
 * Faults of the text itself, before anybody interprets it. No message quotes more than a scheme: a
 * base URL that is refused may have a password in it.
 */
static opro_status check_text(opro_error *err, const char *s, size_t len) {
    const char *host;
    size_t n = 0;

    if (!len) return opro__fail(err, OPRO_ERR_INVALID, "the base URL is empty");
    if (len > LONGEST)
        return opro__fail(err, OPRO_ERR_INVALID, "the base URL is longer than %d bytes", LONGEST);
    if (!opro__utf8_valid(s, len))
        return opro__fail(err, OPRO_ERR_INVALID, "the base URL is not valid UTF-8, or has a NUL");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c <= 0x20 || c == 0x7F || c == '\\')
            return opro__fail(err, OPRO_ERR_INVALID,
                              "the base URL has a %s in it (byte %zu): remove it",
                              c == '\\'  ? "backslash"
                              : c == ' ' ? "blank"
                                         : "control character",
                              i);
    }
    host = authority(s, len, &n);
    if (!host)
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the base URL has no scheme: begin it with https://, or with http:// for "
                          "this machine");
    if (!is_http(s, (size_t)(host - s)))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the base URL's scheme is %s: only https and http are spoken",
                          opro__quote(s, (size_t)(host - s) - 3).text);
    if (!n) return opro__fail(err, OPRO_ERR_INVALID, "the base URL has no host");
    if (memchr(host, '@', n))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the base URL has a user name or a password in it: remove it, and set "
                          "the key by itself");
    if (memchr(s, '#', len))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the base URL has a fragment: remove it, from the # on");
    return OPRO_OK;
}

/* ---- libcurl's reading ----------------------------------------------------------------------- */

static opro_status url_status(opro_error *err, CURLUcode code) {
    switch (code) {
    case CURLUE_OK: return OPRO_OK;
    case CURLUE_OUT_OF_MEMORY: return opro__fail(err, OPRO_ERR_NOMEM, "no memory for a URL");
    case CURLUE_BAD_PORT_NUMBER:
        return opro__fail(err, OPRO_ERR_INVALID, "the base URL's port is not one of 1 to 65535");
    default:
        return opro__fail(err, OPRO_ERR_INVALID, "the base URL cannot be understood: %s",
                          curl_url_strerror(code));
    }
}

/* A part; one that is not there stays NULL if missing says so. */
static opro_status get(opro_error *err, CURLU *url, CURLUPart part, CURLUcode missing,
                       unsigned flags, char **out) {
    CURLUcode code = curl_url_get(url, part, out, flags);

    return code == missing ? OPRO_OK : url_status(err, code);
}

static opro_status take_apart(parts *p, opro_error *err, const char *text) {
    opro_status st;

    p->url = curl_url();
    if (!p->url) return opro__fail(err, OPRO_ERR_NOMEM, "no memory for a URL");
    st = url_status(err, curl_url_set(p->url, CURLUPART_URL, text, CURLU_URLENCODE));
    if (st == OPRO_OK) st = get(err, p->url, CURLUPART_SCHEME, CURLUE_OK, 0, &p->scheme);
    if (st == OPRO_OK) st = get(err, p->url, CURLUPART_HOST, CURLUE_OK, 0, &p->host);
    if (st == OPRO_OK) st = get(err, p->url, CURLUPART_ZONEID, CURLUE_NO_ZONEID, 0, &p->zone);
    if (st == OPRO_OK)
        st = get(err, p->url, CURLUPART_PORT, CURLUE_OK, CURLU_DEFAULT_PORT, &p->port);
    if (st == OPRO_OK) st = get(err, p->url, CURLUPART_PATH, CURLUE_OK, 0, &p->path);
    if (st == OPRO_OK) st = get(err, p->url, CURLUPART_QUERY, CURLUE_NO_QUERY, 0, &p->query);
    return st;
}

static void lower(char *s) {
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z') *s = (char)(*s - 'A' + 'a');
}

/* ---- which machine it is --------------------------------------------------------------------- */

static int ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcmp(s + n - m, end) == 0;
}

/* libcurl answers for these names by itself. */
static int is_localhost(const char *host) {
    return strcmp(host, "localhost") == 0 || ends_with(host, ".localhost");
}

static void classify(opro__url *url) {
    static const unsigned char loopback6[16] = {[15] = 1};
    unsigned char v4[4], v6[16];
    int is4 = inet_pton(AF_INET, url->host, v4) == 1;
    int is6 = inet_pton(AF_INET6, url->host, v6) == 1;
    int name = is_localhost(url->host);

    url->local = name || (is4 && v4[0] == 127) || (is6 && memcmp(v6, loopback6, 16) == 0);
    url->literal = name || is4 || is6;
}

/* ---- policy ---------------------------------------------------------------------------------- */

/* One "api-version=2024-10-21", and nothing else: a query lands in logs, keys in it as well. */
static int is_api_version(const char *query) {
    static const char name[] = "api-version=";
    size_t n = sizeof name - 1;

    if (strncmp(query, name, n) != 0 || !query[n]) return 0;
    for (query += n; *query; query++)
        if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_", *query))
            return 0;
    return 1;
}

static opro_status check_policy(opro_error *err, const opro__url *url, const parts *p,
                                int allow_http, int allow_query) {
    if (strcmp(p->port, "0") == 0)
        return opro__fail(err, OPRO_ERR_INVALID, "the base URL's port is not one of 1 to 65535");
    if (!url->tls && !url->local && !allow_http)
        return opro__fail(err, OPRO_ERR_INVALID,
                          "plain http to %s, which is another machine, shows the key and the "
                          "prompts to everybody on the way: use https, or set the option "
                          "model_allow_http",
                          opro__quote(url->host, strlen(url->host)).text);
    if (p->query && !allow_query)
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the base URL has a query: remove it, from the ? on; keys have a "
                          "setting of their own, and api-version needs the dialect azure");
    if (p->query && !is_api_version(p->query))
        return opro__fail(err, OPRO_ERR_INVALID,
                          "the base URL has a query other than api-version=...: remove it");
    return OPRO_OK;
}

/* ---- our reading ----------------------------------------------------------------------------- */

/* "https://host:port" */
static void add_origin(opro__buf *out, const parts *p, int port) {
    size_t n = strlen(p->host);
    int zone = p->zone && n && p->host[n - 1] == ']';

    opro__buf_addz(out, p->scheme);
    opro__buf_addz(out, "://");
    opro__buf_add(out, p->host, zone ? n - 1 : n);
    if (zone) {
        opro__buf_addz(out, "%25");
        opro__buf_addz(out, p->zone);
        opro__buf_addc(out, ']');
    }
    if (!port) return;
    opro__buf_addc(out, ':');
    opro__buf_addz(out, p->port);
}

static int usual_port(const opro__url *url, const char *port) {
    return strcmp(port, url->tls ? "443" : "80") == 0;
}

static opro_status put_together(opro__url *url, opro__mem *mem, const parts *p) {
    size_t host_len = strlen(p->host), path_len = strlen(p->path);
    int brackets = host_len >= 2 && p->host[0] == '[';
    opro__buf buf;

    url->tls = strcmp(p->scheme, "https") == 0;
    url->host = opro__memdup(mem, p->host + brackets, host_len - (brackets ? 2 : 0));
    if (!url->host) return OPRO_ERR_NOMEM;
    opro__buf_init(&buf, mem, 4 * LONGEST);
    add_origin(&buf, p, 1);
    url->origin = opro__buf_take(&buf, NULL);
    add_origin(&buf, p, !usual_port(url, p->port));
    while (path_len && p->path[path_len - 1] == '/')
        path_len--;
    opro__buf_add(&buf, p->path, path_len);
    url->text = opro__buf_take(&buf, NULL);
    opro__buf_free(&buf);
    if (p->query) url->query = opro__memdup(mem, p->query, strlen(p->query));
    if (!url->origin || !url->text || (p->query && !url->query)) return OPRO_ERR_NOMEM;
    classify(url);
    return OPRO_OK;
}

/*
 * Escapes in a host are undone, and libcurl reads what comes out anew when it connects: as a
 * number, an address, or escapes again.
 */
static opro_status check_host(opro_error *err, const opro__url *url, const parts *p) {
    int plain = opro__utf8_valid(p->host, strlen(p->host));
    parts again = {0};
    opro_status st = OPRO_OK;

    for (const char *s = p->host; *s; s++)
        plain &= (unsigned char)*s > 0x20 && *s != 0x7F && *s != '%';
    if (plain) st = take_apart(&again, err, url->text);
    if (again.host) lower(again.host);
    if (st != OPRO_ERR_NOMEM && (!again.host || strcmp(again.host, p->host) != 0))
        st = opro__fail(err, OPRO_ERR_INVALID,
                        "the base URL's host has a %% in it that makes it another one: write it as "
                        "it is meant");
    free_parts(&again);
    return st;
}

opro_status opro__url_parse(opro__url *out, opro__mem *mem, opro_error *err, const char *s,
                            size_t len, int allow_http, int allow_query) {
    parts p = {0};
    opro__url url = {0};
    char *text = NULL;
    opro_status st;

    st = check_text(err, s, len);
    if (st != OPRO_OK) return st;
    text = opro__memdup(mem, s, len); /* libcurl wants a NUL at the end */
    if (!text) return opro__fail(err, OPRO_ERR_NOMEM, "no memory for a URL");
    st = take_apart(&p, err, text);
    if (st != OPRO_OK) goto out;
    lower(p.scheme);
    lower(p.host);
    st = put_together(&url, mem, &p);
    if (st != OPRO_OK) {
        opro__fail(err, st, "no memory for a URL");
        goto out;
    }
    st = check_policy(err, &url, &p, allow_http, allow_query);
    if (st == OPRO_OK) st = check_host(err, &url, &p);
    if (st != OPRO_OK) goto out;
    *out = url;
    url = (opro__url){0};
out:
    opro__url_free(&url, mem);
    opro__free(mem, text);
    free_parts(&p);
    return st;
}

void opro__url_free(opro__url *url, opro__mem *mem) {
    opro__free(mem, url->text);
    opro__free(mem, url->query);
    opro__free(mem, url->origin);
    opro__free(mem, url->host);
    *url = (opro__url){0};
}

int opro__url_same_origin(const opro__url *a, const opro__url *b) {
    return a->origin && b->origin && strcmp(a->origin, b->origin) == 0;
}
