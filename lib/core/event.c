/* SPDX-License-Identifier: MIT */
/* What an observer hears. */
#include <math.h>

#include "run.h"

opro_event opro__run_event(int32_t kind, int64_t step) {
    return (opro_event){
        .kind = kind, .step = step, .sample = -1, .score = NAN, .text = "", .detail = ""};
}

opro_event opro__candidate_event(int32_t kind, const opro__work *work) {
    const opro__candidate *c = work->candidate;
    opro_event event = opro__run_event(kind, c->step);

    event.sample = (int64_t)work->sample;
    event.origin = c->origin;
    event.text = c->text;
    event.len = c->len;
    event.score = c->score;
    return event;
}

opro_status opro__run_tell(opro_run *run, const opro_event *event) {
    int32_t returned;
    opro_status st;

    if (!run->observer.fn) return OPRO_OK;
    opro__callback_begin(&run->guard, "the observer");
    returned = ((opro_observer_fn)run->observer.fn)(run, event, run->observer.user_data);
    opro__callback_end(&run->guard);
    st = opro__callback_status(returned);
    if (st == OPRO_OK) return st;
    if (st == OPRO_PENDING) st = OPRO_ERR_CALLBACK; /* there is nothing to wait for */
    return opro__fail(&run->err, st,
                      "the observer returned %d; OPRO_OK goes on, an error stops the run",
                      (int)returned);
}

int32_t opro_event_kind(const opro_event *event) {
    return event->kind;
}

int64_t opro_event_step(const opro_event *event) {
    return event->step;
}

int64_t opro_event_sample(const opro_event *event) {
    return event->sample;
}

int32_t opro_event_reason(const opro_event *event) {
    return event->reason;
}

int32_t opro_event_set(const opro_event *event) {
    return event->set;
}

int32_t opro_event_origin(const opro_event *event) {
    return event->origin;
}

double opro_event_score(const opro_event *event) {
    return event->score;
}

const char *opro_event_text(const opro_event *event, size_t *len) {
    if (len) *len = event->len;
    return event->text;
}

const char *opro_event_detail(const opro_event *event, size_t *len) {
    if (len) *len = event->detail_len;
    return event->detail;
}
