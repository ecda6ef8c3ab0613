/* SPDX-License-Identifier: MIT */
/* The key and the headers: secrets, and the lines of requests that carry them. */
#include <stdio.h> /* snprintf() only: no streams */
#include <string.h>
#include <strings.h>

#include "core/sink.h"
#include "model.h"

#define MOST_HEADERS 64

/* ---- the key --------------------------------------------------------------------------------- */

/* Room for one more secret with its name. */
static opro_status reserve_secret(opro_model *model) {
    size_t cap = model->cap_secrets;
    void *secrets = model->secrets, *names = model->header_names;

    if (!opro__reserve(&model->mem, &names, &cap, model->n_secrets + 1, sizeof(char *)))
        return opro__model_no_memory(model);
    model->header_names = names;
    cap = model->cap_secrets;
    if (!opro__reserve(&model->mem, &secrets, &cap, model->n_secrets + 1, sizeof(opro__secret)))
        return opro__model_no_memory(model);
    model->secrets = secrets;
    model->cap_secrets = cap;
    return OPRO_OK;
}

/* The place of the key, which is the first of the secrets. */
static opro_status make_key_place(opro_model *model) {
    opro_status st;

    if (model->n_secrets) return OPRO_OK;
    st = reserve_secret(model);
    if (st != OPRO_OK) return st;
    model->secrets[0] = (opro__secret){NULL, 0};
    model->header_names[0] = NULL;
    model->n_secrets = 1;
    return OPRO_OK;
}

static opro_status keep_key(opro_model *model, const char *key, size_t len) {
    opro_status st = opro__model_check_text(model, &key, &len, "the key");

    if (st == OPRO_OK) st = make_key_place(model);
    if (st != OPRO_OK) return st;
    if (!opro__secret_set(&model->secrets[0], &model->mem, key, len))
        return opro__model_no_memory(model);
    opro__model_wipe_headers(model);
    return OPRO_OK;
}

opro_status opro_model_set_key(opro_model *model, const char *key, size_t len) {
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, OPRO__CALL_opro_model_set_key);
    if (st != OPRO_OK) return st;
    if (!model->url.text)
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "a key belongs to a base URL: call opro_model_set_base_url() first");
    return keep_key(model, key, len);
}

opro_status opro_model_set_key_fn(opro_model *model, opro_key_fn fn, void *user_data,
                                  opro_destroy_fn destroy) {
    opro_status st = opro__model_enter_idle(model, OPRO__CALL_opro_model_set_key_fn);

    if (st != OPRO_OK) return st;
    opro__model_wipe_headers(model);
    return opro__guard_set(&model->guard, &model->err, &model->key_fn, (opro__fn)fn, user_data,
                           destroy);
}

static int has_key(const opro_model *model) {
    return model->n_secrets && model->secrets[0].text;
}

opro_status opro__model_ask_key(opro_model *model, int again) {
    const char room[1024] = {0};
    opro__buf text;
    opro_sink sink;
    int32_t returned;
    opro_status st;

    if (!model->key_fn.fn) return again ? OPRO_ERR_UNKNOWN : OPRO_OK;
    if (!again && has_key(model)) return OPRO_OK;
    opro__buf_init(&text, &model->mem, OPRO__MODEL_TEXT);
    opro__buf_add(&text, room, sizeof room); /* so that no piece is left behind when it grows */
    opro__buf_clear(&text);
    opro__sink_init(&sink, OPRO__SINK_TEXT, &text);
    opro__callback_begin(&model->guard, "the key function");
    returned = ((opro_key_fn)model->key_fn.fn)(model, &sink, model->key_fn.user_data);
    opro__callback_end(&model->guard);
    st = opro__sink_close(&sink, returned, OPRO__SINK_TEXT);
    if (st == OPRO_OK) st = keep_key(model, opro__buf_text(&text), text.len);
    if (text.data) opro__wipe(text.data, text.len);
    opro__buf_free(&text);
    return st;
}

void opro__model_forget_secrets(opro_model *model) {
    while (model->n_secrets) {
        size_t last = --model->n_secrets;

        opro__secret_clear(&model->secrets[last], &model->mem);
        opro__free(&model->mem, model->header_names[last]);
    }
}

/* ---- headers of the host's ------------------------------------------------------------------- */

/* How much of it is as a name has to be. */
static size_t token(const char *s, size_t len) {
    size_t i = 0;

    while (i < len && s[i] &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~",
                  s[i]))
        i++;
    return i;
}

static int same_word(const char *a, size_t len, const char *b) {
    return strlen(b) == len && strncasecmp(a, b, len) == 0;
}

/* Headers that say how the body travels, or carry the key. */
static int is_ours(const char *name, size_t len) {
    static const char *const ours[] = {
        "accept",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "upgrade",
        "transfer-encoding",
        "authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "keep-alive",
        "accept-encoding",
        "user-agent",
        "anthropic-version",
        "cookie",
        "proxy-authorization",
    };

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (same_word(name, len, ours[i])) return 1;
    return 0;
}

static size_t find_header(const opro_model *model, const char *name, size_t len) {
    for (size_t i = 1; i < model->n_secrets; i++)
        if (same_word(name, len, model->header_names[i])) return i;
    return 0;
}

static void remove_header(opro_model *model, size_t i) {
    opro__secret_clear(&model->secrets[i], &model->mem);
    opro__free(&model->mem, model->header_names[i]);
    model->n_secrets--;
    for (; i < model->n_secrets; i++) {
        model->secrets[i] = model->secrets[i + 1];
        model->header_names[i] = model->header_names[i + 1];
    }
}

static opro_status add_header(opro_model *model, const char *name, size_t name_len,
                              const char *value, size_t len) {
    opro_status st = make_key_place(model);
    char *copy;

    if (st == OPRO_OK && model->n_secrets > MOST_HEADERS)
        return opro__fail(&model->err, OPRO_ERR_LIMIT, "at most %d headers", MOST_HEADERS);
    if (st == OPRO_OK) st = reserve_secret(model);
    if (st != OPRO_OK) return st;
    copy = opro__memdup(&model->mem, name, name_len);
    model->secrets[model->n_secrets] = (opro__secret){NULL, 0};
    if (!copy || !opro__secret_set(&model->secrets[model->n_secrets], &model->mem, value, len)) {
        opro__free(&model->mem, copy);
        return opro__model_no_memory(model);
    }
    model->header_names[model->n_secrets++] = copy;
    return OPRO_OK;
}

opro_status opro_model_set_header(opro_model *model, const char *name, size_t name_len,
                                  const char *value, size_t value_len) {
    opro_status st = opro__model_enter_idle(model, OPRO__CALL_opro_model_set_header);
    size_t at, known;

    if (st != OPRO_OK) return st;
    if (!opro__arg(&name, &name_len))
        return opro__fail(&model->err, OPRO_ERR_INVALID, "the header's name is NULL");
    known = token(name, name_len);
    if (known < name_len) /* not quoted: there may be a secret in it */
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "the header's name has a byte that no name has (byte %zu); its value is "
                          "an argument of its own",
                          known);
    if (!name_len || is_ours(name, name_len))
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "%s is no name of a header that can be set here",
                          opro__quote(name, name_len).text);
    if (value) st = opro__model_check_text(model, &value, &value_len, "the header's value");
    if (st != OPRO_OK) return st;
    at = find_header(model, name, name_len);
    if (!value && at) remove_header(model, at);
    if (value && at && !opro__secret_set(&model->secrets[at], &model->mem, value, value_len))
        return opro__model_no_memory(model);
    if (value && !at) st = add_header(model, name, name_len, value, value_len);
    if (st == OPRO_OK) opro__model_wipe_headers(model);
    return st;
}

/* ---- the lines of requests ------------------------------------------------------------------- */

void opro__headerset_release(opro_model *model, opro__headerset *set) {
    if (--set->users) return;
    for (struct curl_slist *line = set->list; line; line = line->next)
        opro__wipe(line->data, strlen(line->data));
    curl_slist_free_all(set->list);
    opro__free(&model->mem, set);
}

/* 0: no memory. */
static int add_line(opro__headerset *set, const char *line) {
    struct curl_slist *list = curl_slist_append(set->list, line);

    if (!list) return 0;
    set->list = list;
    return 1;
}

/* "Name: prefix secret", in one block that is wiped. */
static int add_secret_line(opro_model *model, opro__headerset *set, const char *name,
                           const char *prefix, const opro__secret *secret) {
    size_t size = strlen(name) + 2 + strlen(prefix) + secret->len + 1;
    char *line = opro__alloc(&model->mem, size);
    int ok;

    if (!line) return 0;
    /* libcurl: a header without a value ends in a semicolon */
    snprintf(line, size, "%s%s%s%.*s", name, secret->len ? ": " : ";", prefix, (int)secret->len,
             secret->len ? secret->text : "");
    ok = add_line(set, line);
    opro__wipe(line, size);
    opro__free(&model->mem, line);
    return ok;
}

static int add_lines(opro_model *model, opro__headerset *set) {
    const opro__dialect *dialect = model->dialect;
    int ok = add_line(set, "Content-Type: application/json") &&
             add_line(set, "Accept: application/json") && add_line(set, "Expect:");
    char agent[32];

    snprintf(agent, sizeof agent, "User-Agent: libopro/%s", opro_version_string());
    ok = ok && add_line(set, agent);

    if (ok && dialect->fixed_header) ok = add_line(set, dialect->fixed_header);
    if (ok && has_key(model))
        ok = add_secret_line(model, set, dialect->key_header, dialect->key_prefix,
                             &model->secrets[0]);
    for (size_t i = 1; ok && i < model->n_secrets; i++)
        ok = add_secret_line(model, set, model->header_names[i], "", &model->secrets[i]);
    return ok;
}

opro_status opro__model_make_headers(opro_model *model) {
    opro__headerset *set = opro__calloc(&model->mem, 1, sizeof *set);

    if (!set) return OPRO_ERR_NOMEM;
    set->users = 1;
    if (!add_lines(model, set)) {
        opro__headerset_release(model, set);
        return OPRO_ERR_NOMEM;
    }
    model->headers = set;
    return OPRO_OK;
}

/* Who asks, or what, has changed: what came of it before need not come again. */
void opro__model_wipe_headers(opro_model *model) {
    if (model->headers) opro__headerset_release(model, model->headers);
    model->headers = NULL;
    model->served = 0;
    model->barred.kind = OPRO_FAILURE_NONE;
}
