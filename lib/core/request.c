/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static int proposes(const opro_request *request) {
    return request->kind == OPRO_REQUEST_PROPOSE;
}

/* ---- prompts --------------------------------------------------------------------------------- */

static opro_status add_message(opro__prompt *prompt, int32_t role, const char *text, size_t len,
                               opro__mem *mem) {
    char *copy = opro__memdup(mem, text, len);

    if (!copy) return OPRO_ERR_NOMEM;
    prompt->messages[prompt->n++] = (opro__message){role, copy, len};
    return OPRO_OK;
}

opro_status opro__prompt_copy(opro__prompt *prompt, const opro_meta_prompt *from, opro__mem *mem) {
    size_t n = opro_meta_prompt_messages(from);
    opro_status st = OPRO_OK;

    *prompt = (opro__prompt){opro__calloc(mem, n, sizeof *prompt->messages), 0};
    if (!prompt->messages) return n ? OPRO_ERR_NOMEM : OPRO_OK;
    for (size_t i = 0; i < n && st == OPRO_OK; i++) {
        size_t len;
        const char *text = opro_meta_prompt_text(from, i, &len);

        st = add_message(prompt, opro_meta_prompt_role(from, i), text, len, mem);
    }
    if (st != OPRO_OK) opro__prompt_free(prompt, mem);
    return st;
}

void opro__prompt_free(opro__prompt *prompt, opro__mem *mem) {
    for (size_t i = 0; i < prompt->n; i++)
        opro__free(mem, prompt->messages[i].text);
    opro__free(mem, prompt->messages);
    *prompt = (opro__prompt){NULL, 0};
}

const char *opro__prompt_text(const opro__prompt *prompt, size_t *len) {
    for (size_t i = prompt->n; i-- > 0;) {
        const opro__message *m = &prompt->messages[i];

        if (m->role != OPRO_ROLE_USER && !(i == 0 && prompt->n == 1)) continue;
        if (len) *len = m->len;
        return m->text;
    }
    if (len) *len = 0;
    return "";
}

/* ---- getters --------------------------------------------------------------------------------- */

int32_t opro_request_kind(const opro_request *request) {
    return request->kind;
}

uint64_t opro_request_id(const opro_request *request) {
    return request->id;
}

int64_t opro_request_step(const opro_request *request) {
    return request->step;
}

const char *opro_request_text(const opro_request *request, size_t *len) {
    if (proposes(request)) return opro__prompt_text(request->prompt, len);
    if (len) *len = request->text_len;
    return request->text;
}

size_t opro_request_messages(const opro_request *request) {
    return proposes(request) ? request->prompt->n : 0;
}

static const opro__message *message(const opro_request *request, size_t index) {
    return index < opro_request_messages(request) ? &request->prompt->messages[index] : NULL;
}

int32_t opro_request_message_role(const opro_request *request, size_t index) {
    const opro__message *m = message(request, index);

    return m ? m->role : 0;
}

const char *opro_request_message_text(const opro_request *request, size_t index, size_t *len) {
    const opro__message *m = message(request, index);

    if (len) *len = m ? m->len : 0;
    return m ? m->text : NULL;
}

size_t opro_request_samples(const opro_request *request) {
    return request->samples;
}

size_t opro_request_first_sample(const opro_request *request) {
    return request->first;
}

double opro_request_temperature(const opro_request *request) {
    return proposes(request) ? request->temperature : NAN;
}

int64_t opro_request_max_tokens(const opro_request *request) {
    return request->max_tokens;
}

uint64_t opro_request_seed(const opro_request *request) {
    return request->seed;
}

int32_t opro_request_set(const opro_request *request) {
    return request->set;
}

const int64_t *opro_request_instances(const opro_request *request, size_t *count) {
    if (count) *count = request->n_instances;
    return request->instances;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Numbers over 2^53 are strings: most readers of JSON would round them. */
static void add_number(opro__buf *out, const char *name, uint64_t value) {
    char digits[24];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    opro__buf_addz(out, ",\"");
    opro__buf_addz(out, name);
    opro__buf_addz(out, "\":\"");
    opro__buf_add(out, digits + at, sizeof digits - at);
    opro__buf_addc(out, '"');
}

static void add_int(opro__buf *out, const char *name, int64_t value) {
    opro__buf_addz(out, ",\"");
    opro__buf_addz(out, name);
    opro__buf_addz(out, "\":");
    opro__buf_add_int(out, value);
}

static void add_propose(opro__buf *out, const opro_request *request) {
    static const char *const roles[] = {"system", "user", "assistant"};

    add_int(out, "samples", (int64_t)request->samples);
    add_int(out, "first_sample", (int64_t)request->first);
    opro__buf_addz(out, ",\"temperature\":");
    opro__buf_add_real(out, request->temperature);
    add_int(out, "max_tokens", request->max_tokens);
    add_number(out, "seed", request->seed);
    opro__buf_addz(out, ",\"messages\":[");
    for (size_t i = 0; i < request->prompt->n; i++) {
        const opro__message *m = &request->prompt->messages[i];

        opro__buf_addz(out, i ? ",{\"role\":\"" : "{\"role\":\"");
        opro__buf_addz(out, roles[m->role / 10 - 1]);
        opro__buf_addz(out, "\",\"content\":");
        opro__buf_add_json(out, m->text, m->len);
        opro__buf_addc(out, '}');
    }
    opro__buf_addc(out, ']');
}

static void add_score(opro__buf *out, const opro_request *request) {
    opro__buf_addz(out, ",\"set\":");
    opro__buf_addz(out, request->set == OPRO_TRAIN ? "\"train\"" : "\"validation\"");
    opro__buf_addz(out, ",\"candidate\":");
    opro__buf_add_json(out, request->text, request->text_len);
    opro__buf_addz(out, ",\"instances\":[");
    for (size_t i = 0; i < request->n_instances; i++) {
        if (i) opro__buf_addc(out, ',');
        opro__buf_add_int(out, request->instances[i]);
    }
    opro__buf_addc(out, ']');
}

const char *opro_request_json(opro_request *request, size_t *len) {
    opro__buf out;

    if (!request->json) {
        opro__buf_init(&out, request->mem, SIZE_MAX / 4);
        opro__buf_addz(&out, proposes(request) ? "{\"kind\":\"propose\"" : "{\"kind\":\"score\"");
        add_number(&out, "id", request->id);
        add_int(&out, "step", request->step);
        if (proposes(request))
            add_propose(&out, request);
        else
            add_score(&out, request);
        opro__buf_addc(&out, '}');
        request->json = opro__buf_take(&out, &request->json_len);
        opro__buf_free(&out);
    }
    if (len) *len = request->json ? request->json_len : 0;
    return request->json;
}

/* ---- clones ---------------------------------------------------------------------------------- */

static opro_status copy_parts(opro_request *clone, const opro_request *from) {
    opro__mem *mem = clone->mem;
    opro_status st = OPRO_OK;
    int64_t *instances;

    if (proposes(from)) {
        clone->prompt = &clone->own_prompt;
        clone->own_prompt.messages = opro__calloc(mem, from->prompt->n, sizeof(opro__message));
        if (from->prompt->n && !clone->own_prompt.messages) return OPRO_ERR_NOMEM;
        for (size_t i = 0; i < from->prompt->n && st == OPRO_OK; i++) {
            const opro__message *m = &from->prompt->messages[i];

            st = add_message(&clone->own_prompt, m->role, m->text, m->len, mem);
        }
        return st;
    }
    clone->text = opro__memdup(mem, from->text, from->text_len);
    instances = opro__alloc(mem, from->n_instances * sizeof *instances);
    clone->instances = instances;
    if (!clone->text || !instances) return OPRO_ERR_NOMEM;
    memcpy(instances, from->instances, from->n_instances * sizeof *instances);
    return OPRO_OK;
}

opro_status opro_request_clone(opro_request **out, const opro_request *request,
                               const opro_allocator *mem) {
    opro__mem own;
    opro_request *clone;
    opro_status st;

    if (!out || !request) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    clone = opro__calloc(&own, 1, sizeof *clone);
    if (!clone) return OPRO_ERR_NOMEM;
    *clone = *request;
    clone->own = own;
    clone->mem = &clone->own;
    clone->batch = NULL;
    clone->work = NULL;
    clone->watches = NULL;
    clone->prompt = NULL;
    clone->own_prompt = (opro__prompt){NULL, 0};
    clone->text = clone->json = NULL;
    clone->instances = NULL;
    st = copy_parts(clone, request);
    if (st != OPRO_OK) {
        opro_request_free(clone);
        return st;
    }
    *out = clone;
    return OPRO_OK;
}

/* A clone's parts are its own to write: the const is for readers. */
static void *writable(const void *p) {
    union {
        const void *in;
        void *out;
    } u = {p};

    return u.out;
}

void opro_request_free(opro_request *request) {
    opro__mem mem;

    if (!request || request->batch) return;
    opro__prompt_free(&request->own_prompt, request->mem);
    opro__free(request->mem, writable(request->text));
    opro__free(request->mem, writable(request->instances));
    opro__free(request->mem, request->json);
    mem = request->own;
    opro__free(&mem, request);
}

/* ---- watches --------------------------------------------------------------------------------- */

void opro__request_watch(opro_request *request, opro__watch *watch, void (*fn)(void *ctx),
                         void *ctx) {
    assert(request->batch && !watch->at);
    *watch = (opro__watch){fn, ctx, request->watches, &request->watches};
    if (watch->next) watch->next->at = &watch->next;
    request->watches = watch;
}

void opro__watch_off(opro__watch *watch) {
    if (!watch->at) return;
    *watch->at = watch->next;
    if (watch->next) watch->next->at = watch->at;
    watch->at = NULL;
    watch->next = NULL;
}

void opro__request_tell(opro_request *request) {
    while (request->watches) {
        opro__watch *watch = request->watches;

        opro__watch_off(watch);
        watch->fn(watch->ctx);
    }
}

void opro__request_free(opro_request *request) {
    opro__mem *mem = request->mem;

    opro__free(mem, request->json);
    opro__free(mem, request);
}
