/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include "base/err.h"
#include "base/hook.h"
#include "base/utf8.h"

void opro__sink_init(opro_sink *sink, unsigned allows, opro__buf *buf) {
    *sink = (opro_sink){.allows = allows, .buf = buf, .status = OPRO_OK};
    opro__buf_clear(buf);
}

void opro__sink_free(opro_sink *sink) {
    opro__free(sink->buf->mem, sink->ends);
    sink->ends = NULL;
    sink->n = sink->cap = 0;
}

const char *opro__sink_get(const opro_sink *sink, size_t i, size_t *len) {
    size_t begin = i > 0 ? sink->ends[i - 1] : 0;

    *len = sink->ends[i] - begin;
    return opro__buf_text(sink->buf) + begin;
}

opro_status opro__sink_close(const opro_sink *sink, int32_t returned, unsigned want) {
    opro_status st = opro__callback_status(returned);

    if (st == OPRO_PENDING) return OPRO_ERR_CALLBACK; /* a sink does not outlive its callback */
    if (st != OPRO_OK) return st;
    if (sink->status != OPRO_OK) return sink->status;
    return want == 0 || (sink->got & want) != 0 ? OPRO_OK : OPRO_ERR_CALLBACK;
}

/* Only the first failure counts. */
static opro_status failed(opro_sink *sink, opro_status st) {
    if (sink->status == OPRO_OK) sink->status = st;
    return st;
}

/* May this be delivered now? One kind of thing, and only texts more than once. */
static opro_status admit(opro_sink *sink, unsigned what) {
    if (sink->status != OPRO_OK) return sink->status;
    if ((sink->allows & what) == 0) return failed(sink, OPRO_ERR_CALLBACK);
    if (sink->got != 0 && (sink->got != what || what != OPRO__SINK_TEXTS))
        return failed(sink, OPRO_ERR_CALLBACK);
    return OPRO_OK;
}

static opro_status append(opro_sink *sink, const char *s, size_t len) {
    if (!opro__arg(&s, &len) || !opro__utf8_valid(s, len)) return failed(sink, OPRO_ERR_INVALID);
    opro__buf_add(sink->buf, s, len);
    return sink->buf->status == OPRO_OK ? OPRO_OK : failed(sink, sink->buf->status);
}

static opro_status mark_end(opro_sink *sink) {
    void *ends = sink->ends;

    if (!opro__reserve(sink->buf->mem, &ends, &sink->cap, sink->n + 1, sizeof *sink->ends))
        return failed(sink, OPRO_ERR_NOMEM);
    sink->ends = ends;
    sink->ends[sink->n++] = sink->buf->len;
    return OPRO_OK;
}

opro_status opro_sink_text(opro_sink *sink, const char *text, size_t len) {
    unsigned what;
    opro_status st;

    if (!sink) return OPRO_ERR_INVALID;
    what = sink->allows & OPRO__SINK_TEXTS ? OPRO__SINK_TEXTS : OPRO__SINK_TEXT;
    st = admit(sink, what);
    if (st == OPRO_OK) st = append(sink, text, len);
    if (st == OPRO_OK && what == OPRO__SINK_TEXTS) st = mark_end(sink);
    if (st != OPRO_OK) return st;
    sink->got = what;
    if (what == OPRO__SINK_TEXT) sink->n = 1;
    return OPRO_OK;
}

opro_status opro_sink_reject(opro_sink *sink, const char *reason, size_t len) {
    opro_status st;

    if (!sink) return OPRO_ERR_INVALID;
    st = admit(sink, OPRO__SINK_REJECT);
    if (st == OPRO_OK) st = append(sink, reason, len);
    if (st == OPRO_OK) sink->got = OPRO__SINK_REJECT;
    return st;
}

opro_status opro_sink_count(opro_sink *sink, int64_t count) {
    opro_status st;

    if (!sink) return OPRO_ERR_INVALID;
    st = admit(sink, OPRO__SINK_COUNT);
    if (st == OPRO_OK && count < 0) st = failed(sink, OPRO_ERR_INVALID);
    if (st != OPRO_OK) return st;
    sink->got = OPRO__SINK_COUNT;
    sink->count = count;
    return OPRO_OK;
}
