/* SPDX-License-Identifier: MIT */
/* Easy handles: what is set once for all exchanges, and a store of those without work. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "transport_parts.h"

/* Remember the first option that libcurl refuses. */
static void note(CURLcode *first, const char **refused, CURLcode code, const char *option) {
    if (code == CURLE_OK || *first != CURLE_OK) return;
    *first = code;
    *refused = option;
}

#define SET(option, value) note(&code, refused, curl_easy_setopt(easy, option, value), #option)

static long as_long(int64_t ms) {
    return ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : (long)ms;
}

/* libcurl 7.87.0 crashes without its cache of TLS sessions, others may with it (out of memory). */
static long session_cache(void) {
    return curl_version_info(CURLVERSION_NOW)->version_num == 0x075700;
}

static CURLcode set_callbacks(CURL *easy, opro__transport *t, const char **refused) {
    CURLcode code = CURLE_OK;

    SET(CURLOPT_WRITEFUNCTION, opro__receive_body);
    SET(CURLOPT_HEADERFUNCTION, opro__receive_header);
    SET(CURLOPT_PREREQFUNCTION, opro__receive_turn);
    SET(CURLOPT_RESOLVER_START_FUNCTION, opro__loop_look_up);
    SET(CURLOPT_RESOLVER_START_DATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, opro__loop_open);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, opro__loop_close);
    SET(CURLOPT_CLOSESOCKETDATA, t);
    return code;
}

/* HTTP and nothing else: no redirects, no files of the user's, nothing from the environment. */
static CURLcode set_protocol(CURL *easy, const opro__transport_settings *s, const char **refused) {
    CURLcode code = CURLE_OK;

    SET(CURLOPT_PROTOCOLS_STR, s->allow_http || s->local ? "http,https" : "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PROXY, s->proxy ? s->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    if (s->http2) {
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        SET(CURLOPT_PIPEWAIT, 1L);
    } else {
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    }
    SET(CURLOPT_POST, 1L);
    return code;
}

/*
 * Whom to trust. libcurl keeps what it read of a file of certificates, but only if it has no
 * directory of them to look into as well; without that, every connection costs 20 ms and 900 KB.
 */
static CURLcode set_trust(CURL *easy, const opro__transport_settings *s, const char **refused) {
    char *bundle = NULL;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_SESSIONID_CACHE, session_cache());
    if (s->ca_file || s->ca_dir) {
        SET(CURLOPT_CAINFO, s->ca_file);
        SET(CURLOPT_CAPATH, s->ca_dir);
        SET(CURLOPT_PROXY_CAINFO, s->ca_file);
        SET(CURLOPT_PROXY_CAPATH, s->ca_dir);
    } else if (curl_easy_getinfo(easy, CURLINFO_CAINFO, &bundle) == CURLE_OK && bundle) {
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    return code;
}

static CURLcode set_connection(CURL *easy, const opro__transport *t, const char **refused) {
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SHARE, t->share);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)OPRO__DNS_SECONDS);
    SET(CURLOPT_CONNECTTIMEOUT_MS, as_long(t->settings.connect_timeout_ms));
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 30L);
    SET(CURLOPT_TCP_KEEPINTVL, 15L);
    SET(CURLOPT_MAXAGE_CONN, (long)(opro__multi_keep(t) / 1000));
    SET(CURLOPT_MAXLIFETIME_CONN, 600L);
    SET(CURLOPT_BUFFERSIZE, (long)OPRO__RECEIVE_BYTES);
    return code;
}

static opro_status status_of(CURLcode code) {
    return code == CURLE_OUT_OF_MEMORY ? OPRO_ERR_NOMEM : OPRO_ERR_FAILED;
}

CURL *opro__easy_make(opro__transport *t, opro_status *st, char detail[CURL_ERROR_SIZE]) {
    const char *refused = "curl_easy_init";
    CURLcode code = CURLE_OUT_OF_MEMORY;
    CURL *easy;

    easy = curl_easy_init();
    if (easy) code = set_callbacks(easy, t, &refused);
    if (code == CURLE_OK) code = set_protocol(easy, &t->settings, &refused);
    if (code == CURLE_OK) code = set_trust(easy, &t->settings, &refused);
    if (code == CURLE_OK) code = set_connection(easy, t, &refused);
    if (code == CURLE_OK) return easy;
    *st = status_of(code);
    snprintf(detail, CURL_ERROR_SIZE, "%s: %s", refused, curl_easy_strerror(code));
    curl_easy_cleanup(easy);
    return NULL;
}

CURL *opro__easy_take(opro__transport *t, opro_status *st, char detail[CURL_ERROR_SIZE]) {
    return t->n_easies ? t->easies[--t->n_easies] : opro__easy_make(t, st, detail);
}

opro_status opro__easy_load(CURL *easy, opro__exchange *exchange) {
    const char *unused = NULL, **refused = &unused;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_ERRORBUFFER, exchange->detail);
    SET(CURLOPT_URL, exchange->url);
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body_len);
    SET(CURLOPT_POSTFIELDS, exchange->body);
    SET(CURLOPT_TIMEOUT_MS, as_long(exchange->timeout_ms));
    SET(CURLOPT_FRESH_CONNECT, exchange->fresh ? 1L : 0L);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_PREREQDATA, exchange);
    SET(CURLOPT_PRIVATE, exchange);
    if (code == CURLE_OK) return OPRO_OK;
    snprintf(exchange->detail, sizeof exchange->detail, "%s: %s", unused, curl_easy_strerror(code));
    return status_of(code);
}

void opro__easy_give(opro__transport *t, CURL *easy, int useful) {
    void *easies = t->easies;
    int kept = useful &&
               opro__reserve(t->mem, &easies, &t->cap_easies, t->n_easies + 1, sizeof *t->easies);

    t->easies = easies;
    if (kept) {
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
        t->easies[t->n_easies++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

void opro__easy_clear(opro__transport *t) {
    while (t->n_easies)
        curl_easy_cleanup(t->easies[--t->n_easies]);
}
