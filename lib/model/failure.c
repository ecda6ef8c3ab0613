/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h> /* snprintf() and its kin only: no streams */
#include <string.h>

#include "base/utf8.h"
#include "failure_parts.h"
#include "opro/model.h"
#include "text.h"

enum {
    READ_BYTES = 2048, /* of foreign words: enough, whatever is cut out of them */
    ID_BYTES = 64
};

static opro_status status_of(int32_t kind) {
    switch (kind) {
    case OPRO_FAILURE_TIMEOUT:
    case OPRO_FAILURE_DEADLINE: return OPRO_ERR_TIMEOUT;
    case OPRO_FAILURE_LIMIT: return OPRO_ERR_LIMIT;
    case OPRO_FAILURE_MEMORY: return OPRO_ERR_NOMEM;
    case OPRO_FAILURE_PREFIX: return OPRO_ERR_UNSUPPORTED;
    case OPRO_FAILURE_NOT_RECORDED: return OPRO_ERR_UNKNOWN;
    default: return OPRO_ERR_FAILED;
    }
}

static void begin(opro__failure *failure, int32_t kind, int retry) {
    *failure = (opro__failure){.kind = kind, .retry = retry, .wait_ms = -1};
}

void opro__failure_set(opro__failure *failure, int32_t kind, int retry, const char *format, ...) {
    char text[sizeof failure->err.message];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    begin(failure, kind, retry);
    opro__fail(&failure->err, status_of(kind), "%s", text);
}

/* ---- words of others ------------------------------------------------------------------------- */

/* Rows of blanks become one, those at the ends none. */
static size_t squeeze(char *s, size_t len) {
    size_t out = 0;

    for (size_t i = 0; i < len; i++)
        if (s[i] != ' ' || (out && s[out - 1] != ' ')) s[out++] = s[i];
    while (out && s[out - 1] == ' ')
        out--;
    return out;
}

opro__words opro__words_of(const opro__censor *censor, const char *s, size_t len) {
    const size_t most = sizeof((opro__words *)0)->text - 4;
    opro__words words = {""};
    opro__buf buf;
    size_t n;

    opro__buf_init(&buf, censor->mem, 4 * READ_BYTES);
    opro__redact(&buf, censor->secrets, censor->n, s, opro__utf8_cut(s, len, READ_BYTES));
    if (buf.status == OPRO_OK) {
        len = squeeze(buf.data, buf.len);
        n = opro__utf8_cut(buf.data, len, most);
        memcpy(words.text, buf.data, n);
        memcpy(words.text + n, n < len ? "..." : "", n < len ? 4 : 1);
    }
    opro__buf_free(&buf);
    return words;
}

void opro__failure_say(opro__failure *failure, int32_t kind, int retry, const char *what,
                       const char *words, const char *id, const char *advice) {
    int id_len = (int)opro__utf8_cut(id, strlen(id), ID_BYTES);

    begin(failure, kind, retry);
    opro__fail(&failure->err, status_of(kind), "%s%s%s%s%s%.*s%s%s%s", what, *words ? ": \"" : "",
               words, *words ? "\"" : "", *id ? " (request id " : "", id_len, id, *id ? ")" : "",
               *advice ? "; " : "", advice);
}

/* ---- an answer that makes no sense ----------------------------------------------------------- */

void opro__failure_answer(opro__failure *failure, const opro_error *why, const char *content_type,
                          const opro__secret *secrets, size_t n_secrets, opro__mem *mem) {
    opro__censor censor = {secrets, n_secrets, mem};
    opro__words words = opro__words_of(&censor, why->message, why->len);
    int json = !*content_type || opro__find_letters(content_type, strlen(content_type), "json");
    char what[sizeof words.text + 60];

    if (why->status == OPRO_ERR_NOMEM) {
        opro__failure_say(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory", "", "",
                          "");
    } else if (why->status == OPRO_ERR_LIMIT) {
        snprintf(what, sizeof what, "HTTP 200 with an answer beyond the limits: %s", words.text);
        opro__failure_say(failure, OPRO_FAILURE_LIMIT, OPRO__RETRY_NO, what, "", "", "");
    } else {
        snprintf(what, sizeof what, "HTTP 200 with an answer that makes no sense: %s", words.text);
        opro__failure_say(failure, OPRO_FAILURE_ANSWER, OPRO__RETRY_FEW, what, "", "",
                          json ? "" : "check the base URL");
    }
    failure->http_status = 200;
}
