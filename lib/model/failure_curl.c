/* SPDX-License-Identifier: MIT */
/* What the transport met instead of an answer. */
#include <curl/curl.h>
#include <stdio.h> /* snprintf() only: no streams */
#include <string.h>

#include "failure_parts.h"
#include "opro/model.h"
#include "text.h"

typedef struct verdict {
    int32_t kind;
    int retry, broken;
    const char *what, *advice;
} verdict;

#define NET(what, advice)                                                                          \
    { OPRO_FAILURE_NET, OPRO__RETRY, 1, what, advice }
#define PROTOCOL(retry, what)                                                                      \
    { OPRO_FAILURE_PROTOCOL, retry, 0, what, "" }
#define TLS(what, advice)                                                                          \
    { OPRO_FAILURE_TLS, OPRO__RETRY_NO, 0, what, advice }
#define LIMIT(what, advice)                                                                        \
    { OPRO_FAILURE_LIMIT, OPRO__RETRY_NO, 0, what, advice }
#define PROXY(retry, what)                                                                         \
    { OPRO_FAILURE_PROXY, retry, 1, what, "check the proxy's address" }

static const char trust[] = "an authority of your own is set with opro_model_set_ca_file()";
/* Followed by the address. */
static const char is_it_up[] = "check the base URL, and that a server is running at ";

static const struct row {
    int code;
    verdict verdict;
} table[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, PROTOCOL(OPRO__RETRY_NO, "an answer that is not HTTP")},
    {CURLE_FAILED_INIT, {OPRO_FAILURE_NET, OPRO__RETRY_NO, 0, "libcurl refuses", ""}},
    {CURLE_URL_MALFORMAT, PROTOCOL(OPRO__RETRY_NO, "libcurl does not understand the URL")},
    {CURLE_NOT_BUILT_IN, {OPRO_FAILURE_NET, OPRO__RETRY_NO, 0, "libcurl cannot do that", ""}},
    {CURLE_COULDNT_RESOLVE_PROXY, PROXY(OPRO__RETRY_FEW, "the proxy's name is not known")},
    {CURLE_COULDNT_RESOLVE_HOST,
     {OPRO_FAILURE_NET, OPRO__RETRY_FEW, 1, "the host's name is not known",
      "check the base URL's host"}},
    {CURLE_COULDNT_CONNECT, NET("no connection", is_it_up)},
    {CURLE_WEIRD_SERVER_REPLY, PROTOCOL(OPRO__RETRY_FEW, "an answer that is not HTTP")},
    {CURLE_HTTP2, NET("HTTP/2 broke", "")},
    {CURLE_PARTIAL_FILE, NET("the answer broke off", "")},
    {CURLE_WRITE_ERROR, PROTOCOL(OPRO__RETRY_FEW, "the answer cannot be taken")},
    {CURLE_OUT_OF_MEMORY, LIMIT("a line of the answer's headers is too long for libcurl, or it "
                                "has no memory",
                                "")},
    {CURLE_SSL_CONNECT_ERROR, TLS("no common ground for TLS", "")},
    {CURLE_BAD_FUNCTION_ARGUMENT, {OPRO_FAILURE_NET, OPRO__RETRY_NO, 0, "libcurl refuses", ""}},
    {CURLE_UNKNOWN_OPTION, {OPRO_FAILURE_NET, OPRO__RETRY_NO, 0, "libcurl cannot do that", ""}},
    {CURLE_GOT_NOTHING, NET("closed without an answer", "")},
    {CURLE_SSL_ENGINE_NOTFOUND, TLS("TLS cannot be used", "")},
    {CURLE_SSL_ENGINE_SETFAILED, TLS("TLS cannot be used", "")},
    {CURLE_SEND_ERROR, NET("the connection broke", "")},
    {CURLE_RECV_ERROR, NET("the connection broke", "")},
    {CURLE_SSL_CERTPROBLEM, TLS("our own certificate is not good", "")},
    {CURLE_SSL_CIPHER, TLS("no common ground for TLS", "")},
    {CURLE_PEER_FAILED_VERIFICATION, TLS("the certificate is not accepted", trust)},
    {CURLE_BAD_CONTENT_ENCODING,
     PROTOCOL(OPRO__RETRY_FEW, "the answer's content encoding is broken")},
    {CURLE_FILESIZE_EXCEEDED, LIMIT("the answer is too large", "see model_max_body")},
    {CURLE_SSL_CACERT_BADFILE,
     TLS("the certificates to trust cannot be read", "check the file or directory that was set")},
    {CURLE_SSL_SHUTDOWN_FAILED, NET("the connection broke", "")},
    {CURLE_SSL_CRL_BADFILE, TLS("the certificates to trust cannot be read", "")},
    {CURLE_SSL_ISSUER_ERROR, TLS("the certificate is not accepted", trust)},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, TLS("the certificate is not accepted", "")},
    {CURLE_SSL_INVALIDCERTSTATUS, TLS("the certificate is not accepted", "")},
    {CURLE_HTTP2_STREAM, NET("HTTP/2 broke", "")},
    {CURLE_HTTP3, NET("HTTP/3 broke", "")},
    {CURLE_QUIC_CONNECT_ERROR, NET("no connection", is_it_up)},
    {CURLE_PROXY, PROXY(OPRO__RETRY, "the proxy failed")},
    {CURLE_SSL_CLIENTCERT, TLS("the endpoint wants a certificate of ours", "")},
};

static int says(const char *detail, const char *word) {
    return opro__find_letters(detail, strlen(detail), word) != NULL;
}

static verdict timeout(const char *detail, int proxied) {
    if (says(detail, "resolving") || says(detail, "connect"))
        return (verdict){OPRO_FAILURE_TIMEOUT, OPRO__RETRY, 1, "no connection in time",
                         proxied ? "check the proxy, and the base URL" : is_it_up};
    return (verdict){OPRO_FAILURE_TIMEOUT, OPRO__RETRY, 0, "no whole answer in time",
                     "see model_timeout_ms and model_idle_timeout_ms"};
}

/* Code 56 stands for much. */
static verdict receiving(verdict v, const char *detail, int proxied) {
    if (says(detail, "from proxy after connect") || says(detail, "connect tunnel failed"))
        return (verdict)PROXY(says(detail, "code 5") || says(detail, "response 5") ? OPRO__RETRY
                                                                                   : OPRO__RETRY_NO,
                              "the proxy refuses");
    if (proxied && says(detail, "proxy"))
        return (verdict)PROXY(OPRO__RETRY, "the connection to the proxy broke");
    if (says(detail, "too large") || says(detail, "out of memory")) /* a server can do that, too */
        return (verdict)LIMIT("the answer's headers or trailers are too large", "");
    if (says(detail, "chunk"))
        return (verdict)PROTOCOL(OPRO__RETRY_FEW, "the answer's chunks are broken");
    return v;
}

/* A handshake may break like any connection; what both sides say in it will be said again. */
static verdict handshake(verdict v, const char *detail) {
    if (says(detail, "syscall") || says(detail, "reset") || says(detail, "unexpected eof") ||
        says(detail, "closed") || says(detail, "timed out"))
        return (verdict){OPRO_FAILURE_TLS, OPRO__RETRY, 1, "the connection broke in TLS", ""};
    return v;
}

static verdict by_code(int code, const char *detail, int proxied) {
    verdict v = {OPRO_FAILURE_NET, OPRO__RETRY_FEW, 1, "the transfer failed", ""};

    if (code == CURLE_OPERATION_TIMEDOUT) return timeout(detail, proxied);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code) v = table[i].verdict;
    if (code == CURLE_RECV_ERROR) return receiving(v, detail, proxied);
    if (code == CURLE_SSL_CONNECT_ERROR) return handshake(v, detail);
    if (code == CURLE_COULDNT_CONNECT && proxied)
        return (verdict)PROXY(OPRO__RETRY, "no connection to the proxy");
    return v;
}

static verdict by_met(int met) {
    switch (met) {
    case OPRO__MET_BODY:
        return (verdict)LIMIT("the answer is larger than model_max_body", "it is not read on");
    case OPRO__MET_HEADER:
        return (verdict)LIMIT("the answer's headers are larger than model_max_header, or have "
                              "more lines than model_max_header_lines",
                              "they are not read on");
    default: return (verdict){OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, 0, "out of memory", ""};
    }
}

void opro__failure_curl(opro__failure *failure, int code, int met, const char *detail,
                        const char *where, int proxied, const opro__secret *secrets,
                        size_t n_secrets, opro__mem *mem) {
    opro__censor censor = {secrets, n_secrets, mem};
    verdict v = met == OPRO__MET_CURL ? by_code(code, detail, proxied) : by_met(met);
    opro__words words = {""};
    char advice[400];

    if (met == OPRO__MET_CURL) {
        const char *text = *detail ? detail : curl_easy_strerror((CURLcode)code);

        words = opro__words_of(&censor, text, strlen(text));
    }
    snprintf(advice, sizeof advice, "%s%s", v.advice, v.advice == is_it_up ? where : "");
    opro__failure_say(failure, v.kind, v.retry, v.what, words.text, "", advice);
    failure->broken = v.broken;
}
