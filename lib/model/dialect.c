/* SPDX-License-Identifier: MIT */
#include "dialect.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "json.h"
#include "opro/model.h"

/* ---- who speaks what ------------------------------------------------------------------------- */

static const opro__dialect *const dialects[] = {
    &opro__dialect_openai,    &opro__dialect_completions, &opro__dialect_responses,
    &opro__dialect_anthropic, &opro__dialect_gemini,      &opro__dialect_azure,
};

/* A name that begins with a dot is the end of a host's. */
typedef struct host {
    const char *name;
    int32_t dialect, prefix, sampling;
    const char *key_name; /* NULL: the dialect's                             */
    const char *seed;     /* what the seed is called there; NULL: as usual */
} host;

static const host hosts[] = {
    {"api.openai.com", OPRO_DIALECT_OPENAI, OPRO_PREFIX_NONE, OPRO_SAMPLING_AUTO, NULL, NULL},
    {".openai.azure.com", OPRO_DIALECT_AZURE, OPRO_PREFIX_NONE, OPRO_SAMPLING_AUTO, NULL, NULL},
    {".cognitiveservices.azure.com", OPRO_DIALECT_AZURE, OPRO_PREFIX_NONE, OPRO_SAMPLING_AUTO, NULL,
     NULL},
    {".services.ai.azure.com", OPRO_DIALECT_AZURE, OPRO_PREFIX_NONE, OPRO_SAMPLING_AUTO, NULL,
     NULL},
    {"api.anthropic.com", OPRO_DIALECT_ANTHROPIC, OPRO_PREFIX_TRAILING, OPRO_SAMPLING_SINGLY,
     "ANTHROPIC_API_KEY", NULL},
    {"generativelanguage.googleapis.com", OPRO_DIALECT_GEMINI, OPRO_PREFIX_NONE, OPRO_SAMPLING_AUTO,
     "GEMINI_API_KEY", NULL},
    {"openrouter.ai", OPRO_DIALECT_OPENAI, OPRO_PREFIX_TRAILING, OPRO_SAMPLING_SINGLY,
     "OPENROUTER_API_KEY", NULL},
    {"api.groq.com", OPRO_DIALECT_OPENAI, OPRO_PREFIX_TRAILING, OPRO_SAMPLING_SINGLY,
     "GROQ_API_KEY", NULL},
    {"api.deepseek.com", OPRO_DIALECT_OPENAI, OPRO_PREFIX_MARKED, OPRO_SAMPLING_SINGLY,
     "DEEPSEEK_API_KEY", NULL},
    {"api.mistral.ai", OPRO_DIALECT_OPENAI, OPRO_PREFIX_MARKED, OPRO_SAMPLING_AUTO,
     "MISTRAL_API_KEY", "random_seed"},
    {"api.together.xyz", OPRO_DIALECT_OPENAI, OPRO_PREFIX_TRAILING, OPRO_SAMPLING_AUTO,
     "TOGETHER_API_KEY", NULL},
};

static int ends_with(const char *s, const char *end) {
    size_t len = strlen(s), tail = strlen(end);

    return len >= tail && strcmp(s + len - tail, end) == 0;
}

static int host_is(const char *whole, const char *name) {
    return name[0] == '.' ? ends_with(whole, name) : strcmp(whole, name) == 0;
}

static const host *host_of(const opro__url *url) {
    for (size_t i = 0; url && i < sizeof hosts / sizeof *hosts; i++)
        if (host_is(url->host, hosts[i].name)) return &hosts[i];
    return NULL;
}

const opro__dialect *opro__dialect_find(int32_t id, const opro__url *url) {
    if (id == OPRO_DIALECT_AUTO) {
        const host *known = host_of(url);

        id = known ? known->dialect : OPRO_DIALECT_OPENAI;
        /* Google's other face */
        if (id == OPRO_DIALECT_GEMINI && ends_with(url->text, "/openai")) id = OPRO_DIALECT_OPENAI;
    }
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialects[i]->id == id) return dialects[i];
    return NULL;
}

int32_t opro__known_prefix(const opro__dialect *dialect, const opro__url *url) {
    const host *known = host_of(url);

    if (!(dialect->can & OPRO__CAN_PREFIX)) return OPRO_PREFIX_NONE;
    if (dialect->id == OPRO_DIALECT_COMPLETIONS || !known) return OPRO_PREFIX_TRAILING;
    return known->prefix;
}

int32_t opro__known_sampling(const opro__dialect *dialect, const opro__url *url) {
    const host *known = host_of(url);

    assert(url);
    if (!(dialect->can & OPRO__CAN_SAMPLES)) return OPRO_SAMPLING_SINGLY;
    if (ends_with(url->origin, ":11434")) return OPRO_SAMPLING_SINGLY; /* Ollama */
    return known ? known->sampling : OPRO_SAMPLING_AUTO;
}

const char *opro__known_key_name(const opro__url *url) {
    const host *known = host_of(url);

    return known ? known->key_name : NULL;
}

const char *opro__known_seed(const opro__dialect *dialect, const opro__url *url) {
    const host *known = host_of(url);

    return known && dialect->id == known->dialect ? known->seed : NULL;
}

/* ---- errors instead of an answer ------------------------------------------------------------- */

/* The error of the first choice, if all have one. */
static json_t *error_of_choices(const json_t *root) {
    const json_t *choices = json_object_get(root, "choices");
    size_t n = json_array_size(choices);

    for (size_t i = 0; i < n; i++)
        if (!opro__error_in(json_array_get(choices, i))) return NULL;
    return n ? opro__error_in(json_array_get(choices, 0)) : NULL;
}

/* Also where it is a list of one, or has no envelope. */
static json_t *find_error(json_t *root) {
    const char *kind;
    json_t *error;

    if (json_array_size(root) == 1) root = json_array_get(root, 0);
    error = opro__error_in(root);
    if (error) return error;
    kind = opro__json_text(root, "object", NULL);
    if (!kind) kind = opro__json_text(root, "type", NULL);
    if (kind && strcmp(kind, "error") == 0) return root;
    return error_of_choices(root);
}

/* ---- what all replies need ------------------------------------------------------------------- */

/* Where the text begins in s, or len. */
static size_t find(const char *s, size_t len, const char *text, size_t text_len) {
    size_t i = 0;

    while (i < len && len - i >= text_len) {
        const char *next = memchr(s + i, text[0], len - i - text_len + 1);

        if (!next) break;
        i = (size_t)(next - s);
        if (memcmp(next, text, text_len) == 0) return i;
        i++;
    }
    return len;
}

static size_t blanks(const char *s, size_t len) {
    size_t n = 0;

    while (n < len && (s[n] == ' ' || (s[n] >= '\t' && s[n] <= '\r')))
        n++;
    return n;
}

static void drop_head(opro__reply_text *reply, size_t n) {
    reply->len -= n;
    memmove(reply->text, reply->text + n, reply->len + 1);
}

/* Move the text's bytes from .. to to the reasoning, unless that is known. */
static opro_status keep_thought(opro__answer *answer, opro__reply_text *reply, size_t from,
                                size_t to) {
    if (reply->reasoning) return OPRO_OK;
    reply->reasoning = opro__memdup(answer->mem, reply->text + from, to - from);
    if (!reply->reasoning) return OPRO_ERR_NOMEM;
    reply->reasoning_len = to - from;
    return OPRO_OK;
}

static opro_status take_thought(opro__answer *answer, opro__reply_text *reply) {
    static const char open[] = "<think>", close[] = "</think>";
    size_t from = blanks(reply->text, reply->len), end;
    opro_status st;

    if (reply->len - from < sizeof open - 1 || memcmp(reply->text + from, open, sizeof open - 1))
        return OPRO_OK;
    from += sizeof open - 1;
    end = from + find(reply->text + from, reply->len - from, close, sizeof close - 1);
    if (end == reply->len && reply->outcome != OPRO_OUTCOME_TRUNCATED) return OPRO_OK;
    st = keep_thought(answer, reply, from, end);
    if (st != OPRO_OK) return st;
    if (end < reply->len) end += sizeof close - 1;
    end += blanks(reply->text + end, reply->len - end);
    drop_head(reply, end);
    return OPRO_OK;
}

static void take_repeated(opro__reply_text *reply, const opro__ask *ask) {
    const opro__part *begun = opro__ask_begun(ask);

    if (begun && begun->len <= reply->len && memcmp(reply->text, begun->text, begun->len) == 0)
        drop_head(reply, begun->len);
}

/* Endpoints that know no stop texts, and those that return them, shall not differ from others. */
static void cut_at_stop(opro__reply_text *reply, const opro__ask *ask) {
    for (size_t i = 0; i < ask->n_stops; i++) {
        const opro__part *stop = &ask->stops[i];
        size_t at = stop->len ? find(reply->text, reply->len, stop->text, stop->len) : reply->len;

        if (at == reply->len) continue;
        reply->len = at;
        reply->text[at] = '\0';
        reply->outcome = OPRO_OUTCOME_WHOLE;
    }
}

static opro_status polish(opro__answer *answer, const opro__ask *ask) {
    for (size_t i = 0; i < answer->n_replies; i++) {
        opro__reply_text *reply = &answer->replies[i];
        opro_status st;

        if (reply->outcome != OPRO_OUTCOME_WHOLE && reply->outcome != OPRO_OUTCOME_TRUNCATED)
            continue;
        st = take_thought(answer, reply);
        if (st != OPRO_OK) return st;
        take_repeated(reply, ask);
        cut_at_stop(reply, ask);
    }
    return OPRO_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void keep_id(opro__answer *answer, const json_t *root) {
    size_t len = 0;
    const char *id = opro__json_text(root, "id", &len);

    if (!id) id = opro__json_text(root, "responseId", &len);
    if (!id) return;
    len = opro__utf8_cut(id, len, sizeof answer->id - 1);
    memcpy(answer->id, id, len);
    answer->id[len] = '\0';
}

static int none_given(const opro__answer *answer) {
    for (size_t i = 0; i < answer->n_replies; i++)
        if (answer->replies[i].outcome != OPRO_OUTCOME_NONE) return 0;
    return 1;
}

static opro_status read_root(const opro__dialect *dialect, opro__answer *answer, const json_t *root,
                             const opro__ask *ask, opro_error *err) {
    opro_status st;

    if (json_typeof(root) != JSON_OBJECT)
        return opro__fail(err, OPRO_ERR_PARSE, "the answer is no object");
    keep_id(answer, root);
    st = dialect->read(answer, root, ask, err);
    if (st == OPRO_OK) st = polish(answer, ask);
    if (st == OPRO_OK && none_given(answer))
        st = opro__fail(err, OPRO_ERR_PARSE, "none of the replies that were asked for is there");
    return st;
}

opro_status opro__dialect_read(const opro__dialect *dialect, opro__answer *answer, json_t **error,
                               const opro__ask *ask, const char *body, size_t len,
                               opro_error *err) {
    json_t *root = NULL, *instead;
    opro_status st = opro__json_parse(&root, answer->mem, err, body, len);

    if (st != OPRO_OK) return st;
    assert(root);
    instead = find_error(root);
    if (instead) {
        *error = json_incref(instead);
        st = opro__fail(err, OPRO_ERR_FAILED, "the answer is an error");
    } else {
        st = read_root(dialect, answer, root, ask, err);
    }
    if (st == OPRO_ERR_PARSE)
        opro__fail(err, st, "%s: %s", err->message, opro__quote(body, len).text);
    if (st == OPRO_ERR_NOMEM) opro__fail(err, st, "out of memory");
    json_decref(root);
    return st;
}
