/* SPDX-License-Identifier: MIT */
/* Making, freeing, setting and asking about a client. */
#include "model.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/utf8.h"
#include "core/sink.h"
#include "json.h"
#include "opro/version.h"

#define MOST_HEADERS 64
#define MOST_TEXT    ((size_t)16 << 10)

/* ---- making and freeing ---------------------------------------------------------------------- */

opro_status opro_model_new(opro_model **out, const opro_config *config, const opro_allocator *mem) {
    opro__mem own;
    opro_model *model;
    int64_t cache_bytes;
    opro_status st;

    if (!out) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    model = opro__calloc(&own, 1, sizeof *model);
    if (!model) return OPRO_ERR_NOMEM;
    model->mem = own;
    model->pid = getpid();
    atomic_init(&model->refs.count, 1);
    opro__options_copy(&model->options, config);
    model->log = opro__config_log(config);
    opro__buf_init(&model->more, &model->mem, (size_t)1 << 20);
    opro__alarms_init(&model->alarms, &model->mem);
    opro__pace_init(&model->pace, &model->options, opro__transport_now());
    model->told_at = INT64_MAX;
    model->settings_changed = 1;
    st = opro__transport_new(&model->transport, &model->mem, &model->err);
    cache_bytes = OPRO__INT(&model->options, MODEL_CACHE_BYTES);
    if (st == OPRO_OK && cache_bytes)
        st = opro__cache_new(&model->cache, &model->mem, (size_t)cache_bytes);
    if (st == OPRO_OK)
        *out = model;
    else
        opro_model_free(model);
    return st;
}

opro_model *opro__model_share(opro_model *model) {
    opro__ref(&model->refs);
    return model;
}

static void wipe_headers(opro_model *model) {
    if (model->headers) opro__headerset_release(model, model->headers);
    model->headers = NULL;
}

static void free_paths(opro_model *model) {
    opro__free(&model->mem, model->path);
    opro__free(&model->mem, model->request_url);
    opro__free(&model->mem, model->recorded_path);
    model->path = model->request_url = model->recorded_path = NULL;
}

static void free_endpoint(opro_model *model) {
    opro__mem *mem = &model->mem;

    opro__url_free(&model->url, mem);
    opro__free(mem, model->name);
    free_paths(model);
    opro__free(mem, model->replayed_base);
    for (size_t i = 0; i < model->n_secrets; i++) {
        opro__secret_clear(&model->secrets[i], mem);
        opro__free(mem, model->header_names[i]);
    }
    opro__free(mem, model->secrets);
    opro__free(mem, model->header_names);
    for (size_t i = 0; i < model->n_members; i++) {
        opro__free(mem, model->member_names[i]);
        opro__free(mem, model->member_values[i]);
    }
    opro__free(mem, model->member_names);
    opro__free(mem, model->member_values);
    opro__buf_free(&model->more);
    opro__free(mem, model->ca_file);
    opro__free(mem, model->ca_dir);
    opro__free(mem, model->proxy);
    opro__free(mem, model->profiles);
}

static void free_legs(opro_model *model) {
    while (model->spare) {
        opro__leg *leg = model->spare;

        model->spare = leg->next;
        opro__buf_free(&leg->body);
        opro__buf_free(&leg->exchange.answer);
        opro__free(&model->mem, leg);
    }
}

void opro_model_free(opro_model *model) {
    opro__mem mem;

    if (!model || model->pid != getpid()) return;
    if (!opro__may_free(&model->guard, OPRO__CALL_opro_model_free) || !opro__unref(&model->refs))
        return;
    wipe_headers(model);
    opro__transport_free(model->transport);
    opro__recording_close(model->recording);
    opro__recording_close(model->replay);
    opro__cache_free(model->cache);
    opro__alarms_free(&model->alarms);
    free_legs(model);
    free_endpoint(model);
    opro__hook_clear(&model->key_fn);
    opro__hook_clear(&model->socket_fn);
    opro__hook_clear(&model->timer_fn);
    opro__log_free(model->log);
    mem = model->mem;
    opro__free(&mem, model);
}

void opro__model_release(opro_model *model) {
    if (model->guard.depth || model->guard.serving)
        opro__unref(&model->refs);
    else
        opro_model_free(model);
}

const opro_error *opro_model_error(const opro_model *model) {
    return &model->err;
}

opro_status opro__model_enter(opro_model *model, int call) {
    opro_status st = opro__enter(&model->guard, &model->err, call);

    if (st != OPRO_OK) return st;
    if (model->pid == getpid()) return OPRO_OK;
    return opro__fail(&model->err, OPRO_ERR_STATE,
                      "the model was made in another process (%ld); make one in this process",
                      (long)model->pid);
}

/* ---- setting --------------------------------------------------------------------------------- */

static opro_status no_memory(opro_model *model) {
    return opro__fail(&model->err, OPRO_ERR_NOMEM, "out of memory");
}

/* Settings that a request in flight depends on. */
static opro_status enter_idle(opro_model *model, int call) {
    opro_status st;

    if (!model) return OPRO_ERR_INVALID;
    st = opro__model_enter(model, call);
    if (st == OPRO_OK && model->n_calls)
        return opro__fail(&model->err, OPRO_ERR_STATE,
                          "%zu calls are under way; wait for them, or free them, before this is "
                          "changed",
                          model->n_calls);
    return st;
}

/* What follows from the endpoint is made anew when it is needed. */
static void endpoint_changed(opro_model *model) {
    free_paths(model);
    model->profile = NULL;
    model->dialect = NULL;
    model->settings_changed = 1;
    wipe_headers(model);
}

static opro_status check_text(opro_model *model, const char **s, size_t *len, const char *what) {
    if (!opro__arg(s, len) || !opro__utf8_valid(*s, *len))
        return opro__fail(&model->err, OPRO_ERR_INVALID, "%s is NULL, or not UTF-8 without NUL",
                          what);
    if (*len > MOST_TEXT)
        return opro__fail(&model->err, OPRO_ERR_INVALID, "%s of %zu bytes; at most %zu", what, *len,
                          MOST_TEXT);
    for (size_t i = 0; i < *len; i++)
        if ((unsigned char)(*s)[i] < 0x20 || (*s)[i] == 0x7f)
            return opro__fail(&model->err, OPRO_ERR_INVALID,
                              "%s has a control character at byte %zu", what, i);
    return OPRO_OK;
}

opro_status opro_model_set_base_url(opro_model *model, const char *url, size_t len) {
    int azure, plain;
    opro__url parsed;
    opro_status st = enter_idle(model, OPRO__CALL_opro_model_set_base_url);

    if (st != OPRO_OK) return st;
    if (!opro__arg(&url, &len))
        return opro__fail(&model->err, OPRO_ERR_INVALID, "the base URL is NULL");
    azure = OPRO__INT(&model->options, MODEL_DIALECT) == OPRO_DIALECT_AZURE ||
            OPRO__INT(&model->options, MODEL_DIALECT) == OPRO_DIALECT_AUTO;
    plain = OPRO__INT(&model->options, MODEL_ALLOW_HTTP) != 0;
    st = opro__url_parse(&parsed, &model->mem, &model->err, url, len, plain, azure);
    if (st != OPRO_OK) return st;
    if (model->n_secrets && model->url.text && !opro__url_same_origin(&model->url, &parsed))
        opro__secret_clear(&model->secrets[0], &model->mem);
    opro__url_free(&model->url, &model->mem);
    model->url = parsed;
    model->replayed_dialect = 0;
    endpoint_changed(model);
    return OPRO_OK;
}

/* Replace a text of the model's; "" is none if it may be. */
static opro_status set_text(opro_model *model, char **to, const char *s, size_t len, int may_go) {
    char *copy = NULL;

    if (len || !may_go) {
        copy = opro__memdup(&model->mem, s, len);
        if (!copy) return no_memory(model);
    }
    opro__free(&model->mem, *to);
    *to = copy;
    return OPRO_OK;
}

opro_status opro_model_set_name(opro_model *model, const char *name, size_t len) {
    opro_status st = enter_idle(model, OPRO__CALL_opro_model_set_name);

    if (st == OPRO_OK) st = check_text(model, &name, &len, "the model's name");
    if (st == OPRO_OK && !len)
        st = opro__fail(&model->err, OPRO_ERR_INVALID, "the model's name is empty");
    if (st == OPRO_OK) st = set_text(model, &model->name, name, len, 0);
    if (st != OPRO_OK) return st;
    model->name_len = len;
    endpoint_changed(model);
    return OPRO_OK;
}

/* Room for one more secret with its name. */
static opro_status reserve_secret(opro_model *model) {
    size_t cap = model->cap_secrets;
    void *secrets = model->secrets, *names = model->header_names;

    if (!opro__reserve(&model->mem, &names, &cap, model->n_secrets + 1, sizeof(char *)))
        return no_memory(model);
    model->header_names = names;
    cap = model->cap_secrets;
    if (!opro__reserve(&model->mem, &secrets, &cap, model->n_secrets + 1, sizeof(opro__secret)))
        return no_memory(model);
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
    opro_status st = check_text(model, &key, &len, "the key");

    if (st == OPRO_OK) st = make_key_place(model);
    if (st != OPRO_OK) return st;
    if (!opro__secret_set(&model->secrets[0], &model->mem, key, len)) return no_memory(model);
    wipe_headers(model);
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
    opro_status st = enter_idle(model, OPRO__CALL_opro_model_set_key_fn);

    if (st != OPRO_OK) return st;
    opro__hook_set(&model->key_fn, (opro__fn)fn, user_data, destroy);
    return OPRO_OK;
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
    opro__buf_init(&text, &model->mem, MOST_TEXT);
    opro__buf_add(&text, room, sizeof room); /* so that no piece is left behind when it grows */
    opro__buf_clear(&text);
    opro__sink_init(&sink, OPRO__SINK_TEXT, &text);
    opro__callback_begin(&model->guard);
    returned = ((opro_key_fn)model->key_fn.fn)(model, &sink, model->key_fn.user_data);
    opro__callback_end(&model->guard);
    st = opro__sink_close(&sink, returned, OPRO__SINK_TEXT);
    if (st == OPRO_OK) st = keep_key(model, opro__buf_text(&text), text.len);
    if (text.data) opro__wipe(text.data, text.len);
    opro__buf_free(&text);
    return st;
}

static int is_token(const char *s, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (!s[i] || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "!#$%&'*+-.^_`|~",
                             s[i]))
            return 0;
    return len > 0;
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
        return no_memory(model);
    }
    model->header_names[model->n_secrets++] = copy;
    return OPRO_OK;
}

opro_status opro_model_set_header(opro_model *model, const char *name, size_t name_len,
                                  const char *value, size_t value_len) {
    opro_status st = enter_idle(model, OPRO__CALL_opro_model_set_header);
    size_t at;

    if (st != OPRO_OK) return st;
    if (!opro__arg(&name, &name_len) || !is_token(name, name_len) || is_ours(name, name_len))
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "%s is no name of a header that can be set here",
                          opro__quote(name ? name : "", name ? name_len : 0).text);
    if (value) st = check_text(model, &value, &value_len, "the header's value");
    if (st != OPRO_OK) return st;
    at = find_header(model, name, name_len);
    if (!value && at) remove_header(model, at);
    if (value && at && !opro__secret_set(&model->secrets[at], &model->mem, value, value_len))
        return no_memory(model);
    if (value && !at) st = add_header(model, name, name_len, value, value_len);
    if (st == OPRO_OK) wipe_headers(model);
    return st;
}

/* ---- members of the body --------------------------------------------------------------------- */

static int written_by_us(const opro_model *model, const char *name, size_t len) {
    const opro__dialect *dialect = opro__dialect_find(
        (int32_t)OPRO__INT(&model->options, MODEL_DIALECT), model->url.text ? &model->url : NULL);

    for (const char *const *word = dialect->members; *word; word++)
        if (strlen(*word) == len && memcmp(*word, name, len) == 0) return 1;
    return 0;
}

static opro_status write_members(opro_model *model) {
    opro__buf_clear(&model->more);
    for (size_t i = 0; i < model->n_members; i++) {
        if (i) opro__buf_addc(&model->more, ',');
        opro__buf_add_json(&model->more, model->member_names[i], strlen(model->member_names[i]));
        opro__buf_addc(&model->more, ':');
        opro__buf_addz(&model->more, model->member_values[i]);
    }
    return model->more.status == OPRO_OK ? OPRO_OK : no_memory(model);
}

static void remove_member(opro_model *model, size_t i) {
    opro__free(&model->mem, model->member_names[i]);
    opro__free(&model->mem, model->member_values[i]);
    model->n_members--;
    for (; i < model->n_members; i++) {
        model->member_names[i] = model->member_names[i + 1];
        model->member_values[i] = model->member_values[i + 1];
    }
}

static opro_status add_member(opro_model *model, const char *name, size_t name_len,
                              const char *json, size_t len) {
    size_t cap = model->cap_members;
    void *names = model->member_names, *values = model->member_values;
    char *name_copy, *copy;

    if (!opro__reserve(&model->mem, &names, &cap, model->n_members + 1, sizeof(char *)))
        return no_memory(model);
    model->member_names = names;
    cap = model->cap_members;
    if (!opro__reserve(&model->mem, &values, &cap, model->n_members + 1, sizeof(char *)))
        return no_memory(model);
    model->member_values = values;
    model->cap_members = cap;
    name_copy = opro__memdup(&model->mem, name, name_len);
    copy = opro__memdup(&model->mem, json, len);
    if (!name_copy || !copy) {
        opro__free(&model->mem, name_copy);
        opro__free(&model->mem, copy);
        return no_memory(model);
    }
    model->member_names[model->n_members] = name_copy;
    model->member_values[model->n_members++] = copy;
    return OPRO_OK;
}

opro_status opro_model_set_parameter(opro_model *model, const char *name, size_t name_len,
                                     const char *json, size_t json_len) {
    opro_status st = enter_idle(model, OPRO__CALL_opro_model_set_parameter);

    if (st == OPRO_OK) st = check_text(model, &name, &name_len, "the parameter's name");
    if (st != OPRO_OK) return st;
    if (!name_len || written_by_us(model, name, name_len))
        return opro__fail(&model->err, OPRO_ERR_INVALID,
                          "%s is written by the client itself; see the functions of calls",
                          opro__quote(name, name_len).text);
    if (json) {
        if (!opro__arg(&json, &json_len)) return OPRO_ERR_INVALID;
        st = opro__json_check(&model->mem, &model->err, json, json_len);
        if (st == OPRO_OK) st = add_member(model, name, name_len, json, json_len);
        if (st != OPRO_OK) return st;
    }
    for (size_t i = 0; i + (json != NULL) < model->n_members; i++)
        if (strlen(model->member_names[i]) == name_len &&
            memcmp(model->member_names[i], name, name_len) == 0) {
            remove_member(model, i);
            break;
        }
    return write_members(model);
}

/* ---- the way there --------------------------------------------------------------------------- */

static opro_status set_way(opro_model *model, int call, char **to, const char *s, size_t len,
                           const char *what) {
    opro_status st = enter_idle(model, call);

    if (st == OPRO_OK) st = check_text(model, &s, &len, what);
    if (st == OPRO_OK) st = set_text(model, to, s, len, 1);
    if (st == OPRO_OK) model->settings_changed = 1;
    return st;
}

opro_status opro_model_set_ca_file(opro_model *model, const char *path, size_t len) {
    return set_way(model, OPRO__CALL_opro_model_set_ca_file, model ? &model->ca_file : NULL, path,
                   len, "the path");
}

opro_status opro_model_set_ca_dir(opro_model *model, const char *path, size_t len) {
    return set_way(model, OPRO__CALL_opro_model_set_ca_dir, model ? &model->ca_dir : NULL, path,
                   len, "the path");
}

opro_status opro_model_set_proxy(opro_model *model, const char *url, size_t len) {
    return set_way(model, OPRO__CALL_opro_model_set_proxy, model ? &model->proxy : NULL, url, len,
                   "the proxy");
}

/* ---- recordings and the cache ---------------------------------------------------------------- */

static opro_status open_recording(opro_model *model, int call, opro__recording **to,
                                  const char *path, size_t len, int append) {
    opro__recording *recording = NULL;
    char *copy;
    opro_status st = enter_idle(model, call);

    if (st == OPRO_OK) st = check_text(model, &path, &len, "the path");
    if (st != OPRO_OK) return st;
    copy = opro__memdup(&model->mem, path, len);
    if (!copy) return no_memory(model);
    st = opro__recording_open(&recording, &model->mem, &model->err, copy, append, !append);
    opro__free(&model->mem, copy);
    if (st == OPRO_OK && !append) st = opro__replay_endpoint(model, recording);
    if (st != OPRO_OK) {
        opro__recording_close(recording);
        return st;
    }
    if (!append) endpoint_changed(model);
    opro__recording_close(*to);
    *to = recording;
    return OPRO_OK;
}

opro_status opro_model_record(opro_model *model, const char *path, size_t len) {
    return open_recording(model, OPRO__CALL_opro_model_record, model ? &model->recording : NULL,
                          path, len, 1);
}

opro_status opro_model_replay(opro_model *model, const char *path, size_t len) {
    return open_recording(model, OPRO__CALL_opro_model_replay, model ? &model->replay : NULL, path,
                          len, 0);
}

opro_status opro_model_set_cache_file(opro_model *model, const char *path, size_t len) {
    char *copy;
    opro_status st = enter_idle(model, OPRO__CALL_opro_model_set_cache_file);

    if (st == OPRO_OK) st = check_text(model, &path, &len, "the path");
    if (st != OPRO_OK) return st;
    if (!model->cache)
        return opro__fail(&model->err, OPRO_ERR_STATE, "there is no cache: model_cache_bytes is 0");
    copy = opro__memdup(&model->mem, path, len);
    if (!copy) return no_memory(model);
    st = opro__cache_set_file(model->cache, copy, &model->err);
    opro__free(&model->mem, copy);
    return st;
}

/* ---- what sending needs ---------------------------------------------------------------------- */

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

static opro_status make_headers(opro_model *model) {
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

/* A base URL with the dialect's path and the query, if there is one. */
static char *make_url(opro_model *model, const char *base, const char *query, size_t *len) {
    opro__buf url;
    char *text = NULL;

    opro__buf_init(&url, &model->mem, 8 * MOST_TEXT);
    opro__buf_addz(&url, base);
    model->dialect->write_path(&url, model->name, model->name_len);
    if (query) {
        opro__buf_addc(&url, '?');
        opro__buf_addz(&url, query);
    }
    if (url.status == OPRO_OK) text = opro__buf_take(&url, len);
    opro__buf_free(&url);
    return text;
}

static opro_status make_paths(opro_model *model) {
    const char *recorded = model->replay ? model->replayed_base : model->url.text;
    size_t len;

    model->path = make_url(model, "", NULL, &model->path_len);
    model->request_url = make_url(model, model->url.text, model->url.query, &len);
    model->recorded_path = make_url(model, recorded, NULL, &model->recorded_path_len);
    if (model->path && model->request_url && model->recorded_path) return OPRO_OK;
    free_paths(model);
    return OPRO_ERR_NOMEM;
}

static opro_status set_transport(opro_model *model) {
    const opro__options *options = &model->options;
    opro__transport_settings settings = {
        .connect_timeout_ms = OPRO__INT(options, MODEL_CONNECT_TIMEOUT_MS),
        .idle_timeout_ms = OPRO__INT(options, MODEL_IDLE_TIMEOUT_MS),
        .max_body = (size_t)OPRO__INT(options, MODEL_MAX_BODY),
        .max_header = (size_t)OPRO__INT(options, MODEL_MAX_HEADER),
        .http2 = OPRO__INT(options, MODEL_HTTP) == 2,
        .allow_http = OPRO__INT(options, MODEL_ALLOW_HTTP) != 0,
        .local = model->url.local,
        .request_id = model->dialect->request_id,
        .ca_file = model->ca_file,
        .ca_dir = model->ca_dir,
        .proxy = model->proxy,
    };
    opro_status st = opro__transport_set(model->transport, &settings, &model->err);

    if (st == OPRO_OK) model->settings_changed = 0;
    return st;
}

/* What the option says, the recording, or the host's name; in this order. */
static const opro__dialect *find_dialect(const opro_model *model) {
    int32_t id = (int32_t)OPRO__INT(&model->options, MODEL_DIALECT);

    if (id == OPRO_DIALECT_AUTO && model->replayed_dialect) {
        const opro__dialect *known = opro__dialect_find(id, &model->url);

        if (known->id != OPRO_DIALECT_OPENAI) return known; /* Azure's paths look like OpenAI's */
        id = model->replayed_dialect;
    }
    return opro__dialect_find(id, &model->url);
}

opro_status opro__model_prepare(opro_model *model, opro__failure *failure) {
    opro_status st = OPRO_OK;

    if (model->headers && model->profile && model->path && !model->settings_changed) return OPRO_OK;
    if (!model->dialect) model->dialect = find_dialect(model);
    if (!model->profile) model->profile = opro__profile_find(model);
    if (!model->profile) st = OPRO_ERR_NOMEM;
    if (st == OPRO_OK && !model->path) st = make_paths(model);
    if (st == OPRO_OK && model->settings_changed) st = set_transport(model);
    if (st == OPRO_OK && !model->headers) {
        st = opro__model_ask_key(model, 0);
        if (st != OPRO_OK && st != OPRO_ERR_NOMEM) {
            opro__failure_set(failure, OPRO_FAILURE_AUTH, OPRO__RETRY_NO,
                              "the key function failed: %s", opro_status_name(st));
            return failure->err.status;
        }
        if (st == OPRO_OK) st = make_headers(model);
    }
    if (st == OPRO_OK) return st;
    if (st == OPRO_ERR_NOMEM)
        opro__failure_set(failure, OPRO_FAILURE_MEMORY, OPRO__RETRY_NO, "out of memory");
    else
        opro__failure_set(failure, OPRO_FAILURE_NET, OPRO__RETRY_NO, "%s", model->err.message);
    return failure->err.status;
}

/* ---- figures --------------------------------------------------------------------------------- */

int64_t opro_model_figure(const opro_model *model, int32_t figure) {
    if (!model) return 0;
    switch (figure) {
    case OPRO_MODEL_WAITING: return (int64_t)(model->ready.n + model->held.n + model->alarms.n);
    case OPRO_MODEL_IN_FLIGHT: return (int64_t)opro__transport_in_flight(model->transport);
    case OPRO_MODEL_CONCURRENCY: return opro__pace_window(&model->pace);
    case OPRO_MODEL_REQUESTS: return model->requests;
    case OPRO_MODEL_RETRIES: return model->retries;
    case OPRO_MODEL_ADAPTATIONS: return model->adaptations;
    case OPRO_MODEL_CACHE_HITS: return model->cache_hits;
    case OPRO_MODEL_FAILURES: return model->failures;
    case OPRO_MODEL_PROMPT_TOKENS: return model->usage.prompt;
    case OPRO_MODEL_REPLY_TOKENS: return model->usage.reply;
    case OPRO_MODEL_CACHED_TOKENS: return model->usage.cached;
    case OPRO_MODEL_REASONING_TOKENS: return model->usage.reasoning;
    case OPRO_MODEL_COST: return model->cost;
    case OPRO_MODEL_MEMORY: return (int64_t)model->mem.used;
    default: return 0;
    }
}
