/* SPDX-License-Identifier: MIT */
/*
 * From a reply to candidates: cut out, made canonical, checked, repaired, filtered, polished,
 * compared with all before.
 */
#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "run.h"

/* A candidate on its way. text points into a buffer of the run. */
typedef struct entrant {
    const char *text;
    size_t len;
    int32_t reason; /* OPRO_REASON_NONE while it is legal */
    const char *detail;
    size_t detail_len;
    int flags;
} entrant;

static void refuse(entrant *e, int32_t reason, const char *detail, size_t len) {
    e->reason = reason;
    e->detail = detail;
    e->detail_len = len;
}

/* ---- the problem's steps --------------------------------------------------------------------- */

/* Run a step of the problem; its text, or its reason, goes to out. */
static opro_status run_step(opro_run *run, int step, const char *text, size_t len, opro__buf *out,
                            int *rejected) {
    opro_sink sink;
    opro_status st;

    opro__callback_begin(&run->guard, opro__problem_step_name(step));
    st = opro__problem_step(run->problem, step, text, len, &sink, out, rejected, &run->err);
    opro__callback_end(&run->guard);
    opro__sink_free(&sink);
    return st;
}

/*
 * canonical, then check: e->text becomes canonical, in run->scratch[OPRO__SCRATCH_CANONICAL]; a
 * reason is in run->scratch[OPRO__SCRATCH_OTHER].
 */
static opro_status judge(opro_run *run, entrant *e) {
    opro__buf *canonical = &run->scratch[OPRO__SCRATCH_CANONICAL],
              *reason = &run->scratch[OPRO__SCRATCH_OTHER];
    int rejected = 0;
    opro_status st = OPRO_OK;

    if (opro__problem_has(run->problem, OPRO__STEP_CANONICAL)) {
        st = run_step(run, OPRO__STEP_CANONICAL, e->text, e->len, canonical, &rejected);
        if (st != OPRO_OK) return st;
        if (rejected) {
            opro__buf_clear(reason);
            opro__buf_add(reason, opro__buf_text(canonical), canonical->len);
            refuse(e, OPRO_REASON_NOT_LEGAL, opro__buf_text(reason), reason->len);
            return reason->status;
        }
        e->text = opro__buf_text(canonical);
        e->len = canonical->len;
    }
    if (!opro__problem_has(run->problem, OPRO__STEP_CHECK)) return OPRO_OK;
    st = run_step(run, OPRO__STEP_CHECK, e->text, e->len, reason, &rejected);
    if (st == OPRO_OK && rejected)
        refuse(e, OPRO_REASON_NOT_LEGAL, opro__buf_text(reason), reason->len);
    return st;
}

/* Put a text where judge() will not overwrite it. */
static opro_status move_to(opro_run *run, int scratch, entrant *e) {
    opro__buf *to = &run->scratch[scratch];

    opro__buf_clear(to);
    opro__buf_add(to, e->text, e->len);
    e->text = opro__buf_text(to);
    return to->status;
}

/* A rejected candidate, if the problem can repair it and the option says so. */
static opro_status repair(opro_run *run, entrant *e) {
    entrant fixed = {.flags = OPRO_FLAG_REPAIRED};
    opro__buf text;
    int rejected = 0;
    opro_status st;

    if (!OPRO__INT(&run->options, REPAIR) || !opro__problem_has(run->problem, OPRO__STEP_REPAIR))
        return OPRO_OK;
    st = move_to(run, OPRO__SCRATCH_ILLEGAL, e);
    if (st != OPRO_OK) return st;
    opro__buf_init(&text, &run->mem, OPRO__REPLY_MAX);
    st = run_step(run, OPRO__STEP_REPAIR, e->text, e->len, &text, &rejected);
    if (st != OPRO_OK || rejected) goto out;
    fixed.text = opro__buf_text(&text);
    fixed.len = text.len;
    st = judge(run, &fixed);
    if (st != OPRO_OK) goto out;
    if (fixed.reason == OPRO_REASON_NONE) {
        st = fixed.text == opro__buf_text(&text) ? move_to(run, OPRO__SCRATCH_CANONICAL, &fixed)
                                                 : OPRO_OK;
        *e = fixed;
    } else {
        refuse(e, OPRO_REASON_NOT_LEGAL, fixed.detail, fixed.detail_len);
    }
out:
    opro__buf_free(&text);
    return st;
}

/*
 * A better solution nearby, if the problem has one. It is legal, or the callback is wrong; it need
 * not be canonical.
 */
static opro_status polish(opro_run *run, entrant *e) {
    opro__buf *out = &run->scratch[OPRO__SCRATCH_POLISHED];
    entrant better = {.flags = e->flags | OPRO_FLAG_POLISHED};
    int rejected;
    opro_status st;

    if (!OPRO__INT(&run->options, POLISH) || !opro__problem_has(run->problem, OPRO__STEP_POLISH))
        return OPRO_OK;
    st = run_step(run, OPRO__STEP_POLISH, e->text, e->len, out, &rejected);
    if (st != OPRO_OK) return st;
    if (out->len == e->len && memcmp(opro__buf_text(out), e->text, e->len) == 0) return OPRO_OK;
    better.text = opro__buf_text(out);
    better.len = out->len;
    st = judge(run, &better);
    if (st != OPRO_OK) return st;
    if (better.reason != OPRO_REASON_NONE)
        return opro__fail(&run->err, OPRO_ERR_CALLBACK,
                          "the problem's polish callback delivered %s, which is not legal: %s",
                          opro__quote(opro__buf_text(out), out->len).text, better.detail);
    *e = better;
    return OPRO_OK;
}

/* ---- filters for texts ----------------------------------------------------------------------- */

/*
 * As the published program does it: blanks off the ends, no "**", first letter upper case. In
 * run->scratch[OPRO__SCRATCH_TIDY].
 */
static opro_status tidy(opro_run *run, entrant *e) {
    opro__buf *out = &run->scratch[OPRO__SCRATCH_TIDY];

    opro__buf_clear(out);
    while (e->len && strchr(" \t\n\r\v\f", e->text[e->len - 1]))
        e->len--;
    while (e->len && strchr(" \t\n\r\v\f", *e->text))
        e->text++, e->len--;
    for (size_t i = 0; i < e->len; i++) {
        if (i + 1 < e->len && e->text[i] == '*' && e->text[i + 1] == '*')
            i++;
        else
            opro__buf_addc(out, e->text[i]);
    }
    if (out->status != OPRO_OK) return out->status;
    if (out->len > 1 && out->data[0] >= 'a' && out->data[0] <= 'z')
        out->data[0] = (char)(out->data[0] - 'a' + 'A');
    e->text = opro__buf_text(out);
    e->len = out->len;
    return OPRO_OK;
}

static int contains(const char *s, size_t len, const char *word) {
    size_t n = strlen(word);

    for (const char *at = s; len >= n && (at = memchr(at, word[0], len - n + 1 - (size_t)(at - s)));
         at++)
        if (memcmp(at, word, n) == 0) return 1;
    return 0;
}

static int has_digit(const char *s, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (s[i] >= '0' && s[i] <= '9') return 1;
    return 0;
}

/* The filters of the published program, for texts only. */
static void filter(const opro_run *run, entrant *e) {
    size_t max = OPRO__SIZE(&run->options, MAX_LENGTH);

    if (run->problem->space.kind != OPRO__SPACE_TEXT || e->reason != OPRO_REASON_NONE) return;
    if (max && e->len > max && opro__utf8_count(e->text, e->len) > max)
        refuse(e, OPRO_REASON_TOO_LONG, "too long", 8);
    else if (OPRO__INT(&run->options, FORBID_DIGITS) && has_digit(e->text, e->len))
        refuse(e, OPRO_REASON_DIGITS, "contains digits", 15);
    else if (OPRO__INT(&run->options, FORBID_PLACEHOLDER) && contains(e->text, e->len, "INS"))
        refuse(e, OPRO_REASON_PLACEHOLDER, "contains the placeholder INS", 28);
}

/* ---- one candidate --------------------------------------------------------------------------- */

/*
 * Everything that does not depend on other candidates. Callbacks read it, so it is moved to where
 * it ends with a NUL.
 */
static opro_status examine(opro_run *run, entrant *e) {
    int tidies = OPRO__INT(&run->options, TIDY) && run->problem->space.kind == OPRO__SPACE_TEXT;
    opro_status st = move_to(run, OPRO__SCRATCH_FOUND, e);

    if (st == OPRO_OK && tidies) st = tidy(run, e);
    if (st == OPRO_OK && tidies && !e->len) {
        refuse(e, OPRO_REASON_NO_CANDIDATE, "nothing is left of it", 21);
        return OPRO_OK;
    }
    if (st == OPRO_OK) st = judge(run, e);
    if (st == OPRO_OK && e->reason != OPRO_REASON_NONE) st = repair(run, e);
    if (st == OPRO_OK) filter(run, e);
    if (st == OPRO_OK && e->reason == OPRO_REASON_NONE) st = polish(run, e);
    return st;
}

static opro_status tell_rejected(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                                 const entrant *e) {
    opro_event event = opro__run_event(OPRO_EVENT_REJECTED, batch->step);

    event.sample = (int64_t)sample;
    event.origin = origin;
    event.reason = e->reason;
    event.text = e->text;
    event.len = e->len;
    event.detail = e->detail;
    event.detail_len = e->detail_len;
    batch->rejected++;
    run->rejected++;
    return opro__run_tell(run, &event);
}

/* The work on a candidate in a batch that it is new in; NULL if it came from elsewhere. */
static opro__work *find_work(const opro__batch *batch, const opro__candidate *c) {
    for (size_t i = 0; i < batch->n_work; i++)
        if (batch->work[i]->candidate == c) return batch->work[i];
    return NULL;
}

/*
 * Met before. If that was in the same batch, the candidate belongs to the earliest sample that
 * proposed it, whichever reply came first.
 */
static opro_status duplicate(opro_run *run, opro__batch *batch, size_t sample, uint64_t place,
                             int32_t origin, entrant *e, opro__candidate *c) {
    opro__work *work = c->number == UINT32_MAX ? find_work(batch, c) : NULL;

    c->proposals++;
    if (work && sample < work->sample) {
        size_t other = work->sample;
        int32_t other_origin = c->origin;

        work->sample = sample;
        work->place = place;
        c->origin = (uint16_t)origin;
        c->flags =
            (uint8_t)(e->flags | (c->flags & OPRO_FLAG_PARTIAL)); /* it may be scored already */
        if (c->verdict != OPRO_VERDICT_REJECTED) {
            opro__sample_fruitful(batch, sample);
            opro__sample_deprive(batch, other);
        }
        sample = other;
        origin = other_origin;
    }
    batch->duplicates++;
    run->duplicates++;
    refuse(e, OPRO_REASON_DUPLICATE, "met before", 10);
    return tell_rejected(run, batch, sample, origin, e);
}

/* It is new: put it to work. */
static opro_status enter(opro_run *run, opro__batch *batch, size_t sample, uint64_t place,
                         int32_t origin, const entrant *e, opro__candidate *c) {
    int legal = e->reason == OPRO_REASON_NONE;
    opro__work *work;
    opro_event event;
    opro_status st = OPRO_OK;

    c->step = (int32_t)batch->step;
    c->origin = (uint16_t)origin;
    c->flags = (uint8_t)e->flags;
    c->reason = (unsigned char)(e->reason & 0x7f);
    if (!legal) st = opro__candidate_detail(&run->trajectory, c, e->detail, e->detail_len);
    if (st == OPRO_OK) st = opro__batch_add(run, batch, c, sample, place, OPRO__WORK_SCORE, &work);
    if (st != OPRO_OK) return st;
    if (!legal) {
        opro__work_decide(run, batch, work, OPRO_VERDICT_REJECTED);
        return tell_rejected(run, batch, sample, origin, e);
    }
    opro__sample_fruitful(batch, sample);
    event = opro__candidate_event(OPRO_EVENT_ACCEPTED, work);
    return opro__run_tell(run, &event);
}

static opro_status admit_one(opro_run *run, opro__batch *batch, size_t sample, uint64_t place,
                             int32_t origin, entrant *e) {
    int fresh;
    opro__candidate *c = opro__trajectory_meet(&run->trajectory, e->text, e->len, &fresh);

    if (!c) return OPRO_ERR_NOMEM;
    place |= (uint64_t)batch->waves << 32;
    return fresh ? enter(run, batch, sample, place, origin, e, c)
                 : duplicate(run, batch, sample, place, origin, e, c);
}

/* ---- replies --------------------------------------------------------------------------------- */

static opro_status reject_reply(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                                const char *reply, size_t len, int32_t reason, const char *detail) {
    entrant e = {.text = reply, .len = len};

    refuse(&e, reason, detail, strlen(detail));
    return tell_rejected(run, batch, sample, origin, &e);
}

/*
 * The texts that a reply holds: by the problem's own parser, or by the format of the meta-prompt.
 */
typedef struct texts {
    opro_sink sink;
    opro__buf buf;
    int own; /* sink is in use */
} texts;

/*
 * A model that was given the first words of its answer goes on from there: they belong to what it
 * says.
 */
static opro_status put_prefix(opro_run *run, const opro__prompt *prompt, const char **reply,
                              size_t *len) {
    const opro__message *last = prompt->n ? &prompt->messages[prompt->n - 1] : NULL;
    opro__buf *whole = &run->scratch[OPRO__SCRATCH_WHOLE];

    if (!last || last->role != OPRO_ROLE_ASSISTANT || last->len > OPRO__REPLY_MAX - *len)
        return OPRO_OK;
    opro__buf_clear(whole);
    opro__buf_add(whole, last->text, last->len);
    opro__buf_add(whole, *reply, *len);
    *reply = opro__buf_text(whole);
    *len = whole->len;
    return whole->status;
}

static opro_status cut_by_format(opro_run *run, const opro__prompt *prompt, const char *reply,
                                 size_t len, size_t *n) {
    opro_status st = put_prefix(run, prompt, &reply, &len);

    if (st == OPRO_OK)
        st = opro__reply_parse(&run->reply, opro__meta_prompt_format(run->meta_prompt),
                               &run->problem->space, reply, len);
    *n = run->reply.n;
    if (st == OPRO_OK) return st;
    return opro__fail(&run->err, st, "the reply could not be read: %s", opro_status_name(st));
}

static opro_status cut_out(opro_run *run, const opro__prompt *prompt, const char *reply, size_t len,
                           texts *t, size_t *n) {
    opro_status st;
    int rejected;

    t->own = opro__problem_has(run->problem, OPRO__STEP_PARSE);
    if (!t->own) return cut_by_format(run, prompt, reply, len, n);
    opro__buf_init(&t->buf, &run->mem, OPRO__REPLY_MAX);
    opro__callback_begin(&run->guard, opro__problem_step_name(OPRO__STEP_PARSE));
    st = opro__problem_step(run->problem, OPRO__STEP_PARSE, reply, len, &t->sink, &t->buf,
                            &rejected, &run->err);
    opro__callback_end(&run->guard);
    *n = t->sink.n;
    if (st == OPRO_OK) return st;
    /* messages are logged, replies are not: no excerpt here */
    return opro__fail(&run->err, st,
                      "the problem's parse callback failed on a reply of %zu bytes: %s", len,
                      opro_status_name(st));
}

static const char *get_text(const opro_run *run, const texts *t, size_t i, size_t *len) {
    if (t->own) return opro__sink_get(&t->sink, i, len);
    *len = run->reply.found[i].len;
    return opro__buf_text(&run->reply.text) + run->reply.found[i].at;
}

static void free_texts(texts *t) {
    if (!t->own) return;
    opro__sink_free(&t->sink);
    opro__buf_free(&t->buf);
}

/* Of numeric solutions the last legal ones count: models show their work before they answer. */
static int last_counts(const opro_run *run, const texts *t) {
    int32_t format = opro__meta_prompt_format(run->meta_prompt);

    return !t->own && (format == OPRO__FORMAT_TRACE || format == OPRO__FORMAT_VECTOR);
}

/*
 * Admit up to the option's number of candidates; if none is legal, one of them is rejected with its
 * reason.
 */
static opro_status admit_found(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                               const texts *t, size_t n) {
    size_t most = (size_t)OPRO__INT(&run->options, CANDIDATES_PER_REPLY);
    int backwards = last_counts(run, t);
    size_t taken = 0;
    opro_status st = OPRO_OK;
    entrant e;

    for (size_t k = 0; k < n && taken < most && st == OPRO_OK; k++) {
        e = (entrant){0};
        e.text = get_text(run, t, backwards ? n - 1 - k : k, &e.len);
        st = examine(run, &e);
        if (st != OPRO_OK || (backwards && e.reason != OPRO_REASON_NONE)) continue;
        st = admit_one(run, batch, sample, taken++, origin, &e);
    }
    if (st != OPRO_OK || taken) return st;
    e = (entrant){0};
    e.text = get_text(run, t, n - 1, &e.len);
    st = examine(run, &e);
    return st == OPRO_OK ? admit_one(run, batch, sample, 0, origin, &e) : st;
}

/*
 * The reply as others may see it: bytes that are not UTF-8 are replaced, and where a callback will
 * read it, it ends with a NUL, which the host's own memory need not.
 */
static opro_status mend(opro_run *run, const char **text, size_t *len) {
    opro__buf *out = &run->scratch[OPRO__SCRATCH_REPLY];
    int valid = opro__utf8_valid(*text, *len);

    if (valid && !run->observer.fn && !opro__problem_has(run->problem, OPRO__STEP_PARSE))
        return OPRO_OK;
    opro__buf_clear(out);
    if (valid)
        opro__buf_add(out, *text, *len);
    else
        opro__utf8_repair(out, *text, *len);
    *text = opro__buf_text(out);
    *len = out->len;
    return out->status;
}

static opro_status tell_reply(opro_run *run, const opro__batch *batch, size_t sample,
                              int32_t origin, const char *text, size_t len) {
    opro_event event = opro__run_event(OPRO_EVENT_REPLY, batch->step);

    event.sample = (int64_t)sample;
    event.origin = origin;
    event.text = text;
    event.len = len;
    return opro__run_tell(run, &event);
}

static opro_status admit_solution(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                                  const char *text, size_t len) {
    entrant e = {.text = text, .len = len};
    opro_status st = examine(run, &e);

    return st == OPRO_OK ? admit_one(run, batch, sample, 0, origin, &e) : st;
}

static opro_status admit_reply(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                               const char *text, size_t len) {
    texts t = {.own = 0};
    size_t n = 0;
    opro_status st = cut_out(run, &batch->prompt, text, len, &t, &n);

    if (st == OPRO_OK && n == 0)
        st = reject_reply(run, batch, sample, origin, text, len, OPRO_REASON_NO_CANDIDATE,
                          "no candidate in the reply");
    else if (st == OPRO_OK)
        st = admit_found(run, batch, sample, origin, &t, n);
    free_texts(&t);
    return st;
}

opro_status opro__admit(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                        const char *text, size_t len, int how) {
    opro_status st = mend(run, &text, &len);

    if (st == OPRO_OK) st = tell_reply(run, batch, sample, origin, text, len);
    if (st != OPRO_OK) return st;
    if (how == OPRO__ANSWER_TRUNCATED)
        return reject_reply(run, batch, sample, origin, text, len, OPRO_REASON_TRUNCATED,
                            "the reply was cut off");
    if (how == OPRO__ANSWER_REFUSED)
        return reject_reply(run, batch, sample, origin, text, len, OPRO_REASON_REFUSED,
                            "the model refused");
    if (how == OPRO__ANSWER_SOLUTION && len)
        return admit_solution(run, batch, sample, origin, text, len);
    if (how == OPRO__ANSWER_SOLUTION)
        return reject_reply(run, batch, sample, origin, text, len, OPRO_REASON_NO_CANDIDATE,
                            "no candidate in the reply");
    return admit_reply(run, batch, sample, origin, text, len);
}

/* ---- starts ---------------------------------------------------------------------------------- */

opro_status opro__admit_start(opro_run *run, const char *text, size_t len, int flag,
                              opro__candidate **out) {
    entrant e = {.text = text, .len = len};
    opro__candidate *c;
    int fresh;
    opro_status st = judge(run, &e);

    if (st == OPRO_OK && e.reason != OPRO_REASON_NONE) st = repair(run, &e);
    if (st != OPRO_OK) return st;
    if (e.reason != OPRO_REASON_NONE)
        return opro__fail(&run->err, OPRO_ERR_REJECTED, "the start %s is not legal: %s",
                          opro__quote(text, len).text, e.detail);
    c = opro__trajectory_meet(&run->trajectory, e.text, e.len, &fresh);
    if (!c) return opro__fail(&run->err, OPRO_ERR_NOMEM, "out of memory");
    *out = c;
    if (!fresh) return OPRO_OK;
    c->step = -1;
    c->flags = (uint8_t)(e.flags | flag);
    return OPRO_OK;
}
