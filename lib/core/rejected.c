/* SPDX-License-Identifier: MIT */
#include "rejected.h"

void opro__rejected_init(opro__rejected *rejected, opro__mem *mem) {
    *rejected = (opro__rejected){.mem = mem};
}

void opro__rejected_free(opro__rejected *rejected) {
    opro__free(rejected->mem, rejected->ring);
    opro__rejected_init(rejected, rejected->mem);
}

opro_status opro__rejected_update(opro__rejected *rejected, const opro_trajectory *t, size_t size) {
    int64_t from = opro__follow_from(&rejected->follow, t);

    if (!rejected->ring) {
        rejected->ring = opro__calloc(rejected->mem, size, sizeof *rejected->ring);
        if (!rejected->ring) return OPRO_ERR_NOMEM;
        rejected->size = size;
    }
    if (from == 0) rejected->n = rejected->next = 0;
    for (int64_t i = from; i < t->count; i++) {
        if (opro__trajectory_at(t, i)->verdict == OPRO_VERDICT_SCORED) continue;
        rejected->ring[rejected->next] = i;
        rejected->next = (rejected->next + 1) % size;
        if (rejected->n < size) rejected->n++;
    }
    opro__follow_done(&rejected->follow, t);
    return OPRO_OK;
}

int64_t opro__rejected_at(const opro__rejected *rejected, size_t i) {
    return rejected->ring[(rejected->next + rejected->size - 1 - i) % rejected->size];
}

static const char *reason_words(const opro__candidate *c) {
    switch (c->reason) {
    case OPRO_REASON_NO_CANDIDATE: return "no answer in the expected form";
    case OPRO_REASON_DUPLICATE: return "tried before";
    case OPRO_REASON_TOO_LONG: return "too long";
    case OPRO_REASON_DIGITS: return "has digits in it";
    case OPRO_REASON_PLACEHOLDER: return "has the placeholder in it";
    case OPRO_REASON_NOT_LEGAL: return "not allowed";
    case OPRO_REASON_TRUNCATED: return "cut off before its end";
    case OPRO_REASON_REFUSED: return "refused";
    case OPRO_REASON_NOT_SCORED: return "could not be scored";
    case OPRO_REASON_NO_REPLY: return "no reply";
    default: return c->verdict == OPRO_VERDICT_FAILED ? "could not be scored" : "not allowed";
    }
}

void opro__rejected_words(const opro__candidate *c, opro__buf *out) {
    int detail = c->extra && c->extra->detail_len;
    int failed = c->verdict == OPRO_VERDICT_FAILED;

    if (failed || !detail) opro__buf_addz(out, reason_words(c));
    if (failed && detail) opro__buf_addz(out, ": ");
    if (detail) opro__buf_add(out, c->extra->detail, c->extra->detail_len);
}
