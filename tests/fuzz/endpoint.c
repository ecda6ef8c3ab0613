/* SPDX-License-Identifier: MIT */
/*
 * What a client is told of its endpoint, and what it sends there. Lines, each of which begins with
 * a letter:
 *
 *   O  "name=value", an option; counts when it comes first
 *   U  the base URL                  K  the key                  N  the model's name
 *   H  "name:value", a header        P  "name=json", a member of bodies; without value: none
 *   X  the proxy
 *   S, M, A  a message of the system's, the user's, the assistant's
 *
 * Then the request is written, and must be one: the URL of the origin that the key was set for,
 * headers of one line each, a body of JSON with no member twice. A secret that was a key, a header,
 * or in a URL is in no message.
 */
#include <curl/curl.h>

#include "fuzz.h"
#include "model/json.h"
#include "model/model.h"

#define SECRET "canary-0123456789"

typedef struct world {
    opro_config *config;
    opro_model *model;
    opro_call *call;
    const opro_allocator *allocator;
    int failing;
} world;

static void no_secret(const char *s) {
    REQUIRE(!strstr(s, SECRET));
}

static void hear(int32_t level, const char *domain, const char *message, size_t len,
                 void *user_data) {
    (void)level;
    (void)domain;
    (void)user_data;
    fuzz_require_text(message, len);
    no_secret(message);
}

static void said(const world *w, opro_status st) {
    REQUIRE(st == OPRO_OK || st == OPRO_ERR_INVALID || st == OPRO_ERR_PARSE ||
            st == OPRO_ERR_LIMIT || st == OPRO_ERR_STATE || st == OPRO_ERR_NOMEM);
    fuzz_require_error(opro_model_error(w->model), st);
}

/* ... of what may be a secret. */
static void said_nothing(const world *w, opro_status st) {
    said(w, st);
    no_secret(opro_error_message(opro_model_error(w->model), NULL));
}

/* ---- telling --------------------------------------------------------------------------------- */

static int make_model(world *w) {
    opro_status st = OPRO_OK;

    if (!w->model) st = opro_model_new(&w->model, w->config, w->allocator);
    if (st == OPRO_OK && !w->call) st = opro_call_new(&w->call, w->model);
    REQUIRE(st == OPRO_OK || (w->failing && st == OPRO_ERR_NOMEM));
    return st == OPRO_OK;
}

/* The two sides of the first such byte; 0: it is not there, and right is nothing. */
static int split(fuzz_text line, char c, fuzz_text *left, fuzz_text *right) {
    const char *at = line.len ? memchr(line.s, c, line.len) : NULL;

    *left = (fuzz_text){line.s, at ? (size_t)(at - line.s) : line.len};
    *right = (fuzz_text){at ? at + 1 : NULL, at ? line.len - left->len - 1 : 0};
    return at != NULL;
}

static void set_option(world *w, fuzz_text line) {
    fuzz_text name, value;

    if (!w->model && split(line, '=', &name, &value))
        opro_config_set(w->config, name.s, name.len, value.s, value.len);
}

static int holds(const char *s, size_t len, const char *what) {
    size_t n = strlen(what);

    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(s + i, what, n) == 0) return 1;
    return 0;
}

/* A user's password. Schemes and hosts are quoted. */
static int has_password(fuzz_text line) {
    fuzz_text scheme, rest;

    split(line, ':', &scheme, &rest);
    return holds(rest.s, rest.len, SECRET "@") && !holds(scheme.s, scheme.len, SECRET);
}

static void set_url(world *w, fuzz_text line) {
    const opro__url *url = &w->model->url;
    opro__url again;
    opro__mem mem;
    opro_error err;
    opro_status st;

    st = opro_model_set_base_url(w->model, line.s, line.len);
    said(w, st);
    if (has_password(line)) no_secret(opro_error_message(opro_model_error(w->model), NULL));
    if (st != OPRO_OK) return;
    for (const char *s = url->text; *s; s++)
        REQUIRE((unsigned char)*s > 0x20 && *s != 0x7f && *s != '#' && *s != '?' && *s != '\\');
    REQUIRE(strncmp(url->text, url->tls ? "https://" : "http://", 8 - !url->tls) == 0);
    REQUIRE(opro__mem_init(&mem, NULL) == OPRO_OK);
    REQUIRE(opro__url_parse(&again, &mem, &err, url->text, strlen(url->text), 1, 0) == OPRO_OK);
    REQUIRE(strcmp(again.text, url->text) == 0 && opro__url_same_origin(&again, url));
    opro__url_free(&again, &mem);
}

static void set_header(world *w, fuzz_text line) {
    fuzz_text name, value;

    split(line, ':', &name, &value);
    said_nothing(w, opro_model_set_header(w->model, name.s, name.len, value.s, value.len));
}

static void set_parameter(world *w, fuzz_text line) {
    fuzz_text name, value;

    split(line, '=', &name, &value);
    said(w, opro_model_set_parameter(w->model, name.s, name.len, value.s, value.len));
}

static void tell(world *w, char letter, fuzz_text line) {
    switch (letter) {
    case 'U': set_url(w, line); return;
    case 'K': said_nothing(w, opro_model_set_key(w->model, line.s, line.len)); return;
    case 'N': said(w, opro_model_set_name(w->model, line.s, line.len)); return;
    case 'X': said_nothing(w, opro_model_set_proxy(w->model, line.s, line.len)); return;
    case 'H': set_header(w, line); return;
    case 'P': set_parameter(w, line); return;
    case 'S': opro_call_add_message(w->call, OPRO_ROLE_SYSTEM, line.s, line.len); return;
    case 'M': opro_call_add_message(w->call, OPRO_ROLE_USER, line.s, line.len); return;
    case 'A': opro_call_add_message(w->call, OPRO_ROLE_ASSISTANT, line.s, line.len); return;
    default: return;
    }
}

/* ---- the request ----------------------------------------------------------------------------- */

static void require_part(CURLU *url, CURLUPart part, const char *expected) {
    char *text = NULL;

    REQUIRE(curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
    REQUIRE(strcmp(text, expected) == 0);
    curl_free(text);
}

/* As libcurl reads it, the URL goes where the base URL does, below its path. */
static void check_request_url(const opro_model *model) {
    CURLU *base = curl_url(), *url = curl_url();
    static const CURLUPart same[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    char *path = NULL, *base_path = NULL, *query = NULL;
    size_t len;

    if (!base || !url) abort();
    REQUIRE(curl_url_set(base, CURLUPART_URL, model->url.text, 0) == CURLUE_OK);
    REQUIRE(curl_url_set(url, CURLUPART_URL, model->request_url, 0) == CURLUE_OK);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *text = NULL;

        REQUIRE(curl_url_get(base, same[i], &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
        require_part(url, same[i], text);
        curl_free(text);
    }
    REQUIRE(curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK);
    REQUIRE(curl_url_get(base, CURLUPART_PATH, &base_path, 0) == CURLUE_OK);
    len = strlen(base_path);
    if (len && base_path[len - 1] == '/') len--; /* of the host alone */
    REQUIRE(strncmp(path, base_path, len) == 0);
    if (curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK)
        REQUIRE(model->url.query && strcmp(query, model->url.query) == 0);
    curl_free(path);
    curl_free(base_path);
    curl_free(query);
    curl_url_cleanup(base);
    curl_url_cleanup(url);
}

static void check_headers(const opro_model *model) {
    for (const struct curl_slist *line = model->headers->list; line; line = line->next)
        for (const char *s = line->data; *s; s++)
            REQUIRE((unsigned char)*s >= 0x20 && *s != 0x7f);
}

/* No member of an object twice, as it is written; the value of a member (NULL: none). */
static const char *check_members(const char *s, size_t len, const json_t *object, const char *of,
                                 size_t *of_len) {
    char *copy = malloc(len), *name;
    opro__cursor cursor = {.s = copy, .len = len, .newlines = 1};
    const char *value, *found = NULL;
    size_t n = 0;

    if (!copy) abort();
    memcpy(copy, s, len);
    REQUIRE(opro__cursor_take(&cursor, '{', "{"));
    while (opro__cursor_peek(&cursor) != '}') {
        REQUIRE(!n++ || opro__cursor_take(&cursor, ',', ","));
        REQUIRE(opro__cursor_string(&cursor, &name, &len));
        REQUIRE(opro__cursor_take(&cursor, ':', ":"));
        if (strcmp(name, of) == 0) found = s + cursor.at;
        REQUIRE(opro__cursor_skip(&cursor, &value, &len));
        if (strcmp(name, of) == 0) *of_len = len;
    }
    REQUIRE(n == json_object_size(object));
    free(copy);
    return found;
}

static void check_body(const opro_model *model, const opro__buf *body) {
    const char *text = opro__buf_text(body), *settings, *name;
    json_t *root = NULL;
    opro_error err;
    opro__mem mem;
    size_t len;
    opro_status st;

    if (opro__mem_init(&mem, NULL) != OPRO_OK) abort();
    st = opro__json_parse(&root, &mem, &err, text, body->len);
    if (st == OPRO_ERR_LIMIT)
        return; /* a parameter is as deep as may be, and a level deeper there */
    REQUIRE(st == OPRO_OK && json_is_object(root));
    name = opro__json_text(root, "model", NULL);
    settings = check_members(text, body->len, root, "generationConfig", &len);
    if (model->dialect->id == OPRO_DIALECT_GEMINI)
        check_members(settings, len, json_object_get(root, "generationConfig"), "", &len);
    else
        REQUIRE(name && strcmp(name, model->name) == 0);
    json_decref(root);
}

static void check_request(world *w) {
    opro__failure failure = {.kind = OPRO_FAILURE_NONE};
    opro__leg *leg = NULL;

    if (!w->model->url.text || !w->model->name || !w->call->n_parts) return;
    if (opro__model_prepare(w->model, &failure) == OPRO_OK) {
        check_request_url(w->model);
        check_headers(w->model);
        leg = opro__leg_new(w->call, 0, 1);
        REQUIRE(leg || w->failing);
        if (leg && opro__leg_build(leg, 1, &failure) == OPRO_OK) check_body(w->model, &leg->body);
        if (leg) opro__leg_free(leg);
    }
    if (failure.kind == OPRO_FAILURE_NONE) return;
    REQUIRE(failure.kind == OPRO_FAILURE_PREFIX || failure.kind == OPRO_FAILURE_NET ||
            failure.kind == OPRO_FAILURE_REFUSED || failure.kind == OPRO_FAILURE_MEMORY);
    fuzz_require_error(&failure.err, failure.err.status);
    no_secret(failure.err.message);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    world w = {.allocator = allocator, .failing = in->failing};

    if (opro_config_new(&w.config, NULL) != OPRO_OK ||
        opro_config_set_log(w.config, OPRO_LOG_DEBUG, hear, NULL, NULL) != OPRO_OK)
        abort();
    while (fuzz_more(in)) {
        char letter = *in->s;
        fuzz_text line;

        in->s++;
        in->len--;
        line = fuzz_line(in);
        if (letter == 'O')
            set_option(&w, line);
        else if (make_model(&w))
            tell(&w, letter, line);
    }
    if (w.call) check_request(&w);
    opro_call_free(w.call);
    opro_model_free(w.model);
    opro_config_free(w.config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
