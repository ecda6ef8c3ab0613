/* SPDX-License-Identifier: MIT */
/* Requests that are out: their ids, opened, found, closed. */

#include "base/hash.h"
#include "run.h"

void opro__batch_free(opro_run *run, opro__batch *batch) {
    opro__prompt_free(&batch->prompt, &run->mem);
    for (size_t i = 0; i < batch->n_work; i++) {
        opro__free(&run->mem, batch->work[i]->racer);
        opro__free(&run->mem, batch->work[i]);
    }
    opro__free(&run->mem, batch->work);
    opro__free(&run->mem, batch->samples);
    opro__free(&run->mem, batch->confirming);
    opro__free(&run->mem, batch);
}

static int same_id(void *key, uint32_t index, const void *owner) {
    return ((const opro_run *)owner)->open[index]->id == *(const uint64_t *)key;
}

opro_request *opro__run_find(const opro_run *run, uint64_t id) {
    uint32_t index = opro__map_find(&run->open_ids, opro__mix(id), &id, same_id, run);

    return index == OPRO__MAP_NONE ? NULL : run->open[index];
}

static int same_issued(void *key, uint32_t index, const void *owner) {
    return ((const opro_run *)owner)->issued_ids[index] == *(const uint64_t *)key;
}

/*
 * Scores are asked for by an id that is made of what is scored, so it does not depend on the
 * order of answers. The first bit keeps it apart from the ids of proposals.
 */
static uint64_t score_id(const opro__candidate *candidate, int32_t set, size_t taken) {
    uint64_t digest =
        opro__hash_add(opro__hash_bytes(candidate->text, candidate->len), (uint64_t)set);

    if (taken) digest = opro__hash_add(digest, taken);
    return digest | UINT64_C(1) << 63;
}

/* Two candidates could share a digest: the later one moves on to the next free id. */
opro_status opro__run_issue_score_id(opro_run *run, const opro__candidate *candidate, int32_t set,
                                     size_t taken, uint64_t *id) {
    void *ids = run->issued_ids;

    if (!opro__reserve(&run->mem, &ids, &run->cap_issued, run->n_issued + 1,
                       sizeof *run->issued_ids))
        return OPRO_ERR_NOMEM;
    run->issued_ids = ids;
    if (!opro__map_reserve(&run->issued)) return OPRO_ERR_NOMEM;
    *id = score_id(candidate, set, taken);
    while (opro__map_find(&run->issued, opro__mix(*id), id, same_issued, run) != OPRO__MAP_NONE)
        *id = opro__mix(*id) | UINT64_C(1) << 63;
    run->issued_ids[run->n_issued] = *id;
    opro__map_insert(&run->issued, opro__mix(*id), (uint32_t)run->n_issued++);
    return OPRO_OK;
}

/* A new open request; NULL without memory. */
opro_request *opro__run_open(opro_run *run, opro__batch *batch, int32_t kind, uint64_t id) {
    int64_t timeout = OPRO__INT(&run->options, REQUEST_TIMEOUT_MS);
    void *open = run->open;
    opro_request *request;

    if (!opro__reserve(&run->mem, &open, &run->cap_open, run->n_open + 1, sizeof(opro_request *)))
        return NULL;
    run->open = open;
    if (!opro__map_reserve(&run->open_ids)) return NULL;
    request = opro__calloc(&run->mem, 1, sizeof *request);
    if (!request) return NULL;
    request->mem = &run->mem;
    request->kind = kind;
    request->id = id;
    request->turn = ++run->turns;
    request->step = batch->step;
    request->batch = batch;
    request->deadline = timeout && run->now <= INT64_MAX - timeout ? run->now + timeout : INT64_MAX;
    opro__map_insert(&run->open_ids, opro__mix(id), (uint32_t)run->n_open);
    run->open[run->n_open++] = request;
    return request;
}

/* Charge what it used, free what was reserved. */
static void settle(opro_run *run, const opro_request *request) {
    opro__amounts used = {0, 0, opro__sum(request->prompt_tokens, request->reply_tokens),
                          request->cost};
    opro__batch *batch = request->batch;

    opro__budget_release(&run->budget, request->reserved);
    run->budget.used = opro__amounts_add(run->budget.used, used, 1);
    batch->prompt_tokens = opro__sum(batch->prompt_tokens, request->prompt_tokens);
    batch->reply_tokens = opro__sum(batch->reply_tokens, request->reply_tokens);
    batch->cost = opro__sum(batch->cost, request->cost);
    run->prompt_tokens = opro__sum(run->prompt_tokens, request->prompt_tokens);
    run->reply_tokens = opro__sum(run->reply_tokens, request->reply_tokens);
}

void opro__run_close(opro_run *run, opro_request *request) {
    size_t last = run->n_open - 1, place = 0;

    while (run->open[place] != request)
        place++;
    settle(run, request);
    if (request->work) request->work->request = NULL;
    opro__map_remove(&run->open_ids, opro__mix(request->id), (uint32_t)place);
    if (place != last) {
        opro__map_remove(&run->open_ids, opro__mix(run->open[last]->id), (uint32_t)last);
        run->open[place] = run->open[last];
        opro__map_insert(&run->open_ids, opro__mix(run->open[place]->id), (uint32_t)place);
    }
    run->n_open--;
    request->next = run->closed;
    run->closed = request;
    opro__callback_begin(&run->guard, "the end of a request");
    opro__request_tell(request);
    opro__callback_end(&run->guard);
}

void opro__run_sweep(opro_run *run) {
    while (run->closed) {
        opro_request *next = run->closed->next;

        opro__request_free(run->closed);
        run->closed = next;
    }
    while (run->ended) {
        opro__batch *next = run->ended->next;

        opro__batch_free(run, run->ended);
        run->ended = next;
    }
}

int opro__run_issued(const opro_run *run, uint64_t id) {
    if (!(id >> 63)) return id >= 1 && id < run->next_id;
    return opro__map_find(&run->issued, opro__mix(id), &id, same_issued, run) != OPRO__MAP_NONE;
}
