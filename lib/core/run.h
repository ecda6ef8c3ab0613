/* SPDX-License-Identifier: MIT */
/*
 * The state of a run. A step is a batch: samples that are asked for, and the work on the candidates
 * found in their replies. Stepwise mode has one batch open at a time, steady mode several.
 *
 * Floors of the room, from the top down:
 *   run.c         making, freeing, asking about a run
 *   run_next.c    which request comes next
 *   run_answer.c  answers
 *   run_confirm.c what follows a search: the winner is confirmed, or the run stops
 *   admit.c       from a reply to candidates
 *   run_step.c    batches: begun, moved on, ended; the stop
 *   run_race.c    blocks of instances, and who is dropped
 *   tape.c        what comes in is kept, and put back
 *   run_open.c    requests that are out
 *   event.c       what an observer hears
 */
#ifndef OPRO_CORE_RUN_H
#define OPRO_CORE_RUN_H

#include "base/hook.h"
#include "budget.h"
#include "config.h"
#include "confirm.h"
#include "guard.h"
#include "meta_prompt.h"
#include "opro/run.h"
#include "problem.h"
#include "race.h"
#include "reply.h"
#include "request.h"
#include "tape.h"
#include "trajectory.h"

/* Where a sample of a batch stands. */
enum {
    OPRO__SAMPLE_WANTED,  /* to be asked for                       */
    OPRO__SAMPLE_ASKED,   /* in a request                          */
    OPRO__SAMPLE_OVER,    /* its reply came, or will not           */
    OPRO__SAMPLE_FRUITFUL /* ... and brought a new candidate       */
};

/* Where a candidate of a batch stands. */
enum {
    OPRO__WORK_SCORE,     /* to be scored, or being scored */
    OPRO__WORK_SCORED,    /* waits for validation          */
    OPRO__WORK_VALIDATE,  /* being validated               */
    OPRO__WORK_DECIDED,   /* its verdict is set            */
    OPRO__WORK_COMMITTED, /* it has its number             */
    OPRO__WORK_CONFIRM    /* ... and is validated further  */
};

/* Buffers of admit.c, each for one thing, so that none is overwritten while it is read. */
enum {
    OPRO__SCRATCH_REPLY,
    OPRO__SCRATCH_WHOLE, /* the assistant's first words and a reply */
    OPRO__SCRATCH_FOUND, /* a candidate as it was found */
    OPRO__SCRATCH_CANONICAL,
    OPRO__SCRATCH_OTHER, /* a reason */
    OPRO__SCRATCH_TIDY,
    OPRO__SCRATCH_ILLEGAL, /* what a repair began with */
    OPRO__SCRATCH_POLISHED,
    OPRO__SCRATCH
};

/* A candidate in a race, with its order of the training instances. */
typedef struct opro__racer {
    opro__race race;
    int64_t order[];
} opro__racer;

/* The confirm stage under way. */
typedef struct opro__confirming {
    opro__confirm confirm; /* of places in its batch's work */
    size_t n_wanted;       /* instances wanted so far, which stand behind the order */
    int64_t order[];       /* of the validation instances */
} opro__confirming;

struct opro__work {
    opro__candidate *candidate;
    opro_request *request; /* the one that is out for it, or NULL */
    opro__racer *racer;    /* NULL: no race, or its first request is yet to come */
    size_t sample;
    size_t at; /* where it stands in its batch */
    /* which of the sample's replies (upper half), which candidate in it (lower half) */
    uint64_t place;
    const int64_t *wanted; /* OPRO__WORK_CONFIRM: the instances it is to be scored on */
    size_t n_wanted;
    int state;
};

struct opro__batch {
    opro__batch *next;
    int64_t step;
    opro__prompt prompt;
    unsigned char *samples; /* OPRO__SAMPLE_... */
    size_t n_samples;
    size_t wanted;      /* samples that are OPRO__SAMPLE_WANTED    */
    size_t asked;       /* samples that are OPRO__SAMPLE_ASKED     */
    size_t barren;      /* samples that are OPRO__SAMPLE_OVER      */
    size_t next_wanted; /* no sample before this one is wanted     */
    size_t waves;       /* times it asked again                    */
    opro__work **work;  /* in the order of arrival; each stays where it is */
    size_t n_work, cap_work;
    const opro__candidate *reference; /* of races; NULL: none */
    opro__race_rules race_rules;
    opro__race_range race_range;
    opro__confirming *confirming; /* this is the confirm stage, no step; NULL: a step */
    size_t undecided;             /* of work                                 */
    size_t next_score;            /* no work before this one needs a request */
    int validates;                /* its candidates are validated            */
    int validating;               /* ... and that has begun                  */
    int answered[2];              /* PROPOSE, SCORE: an answer that was no failure came */
    int64_t failed[2];            /* ... and how many requests failed        */
    double temperature;
    opro__amounts reply; /* the most that one sample uses             */
    opro__amounts held;  /* reserved for what it has yet to ask for   */
    int64_t extra;       /* samples reserved for asking again         */
    int64_t proposals, rejected, duplicates, calls;
    int64_t unscored; /* candidates given up without a failed request */
    int64_t prompt_tokens, reply_tokens, cost;
};

struct opro_event {
    int32_t kind, reason, set, origin;
    int64_t step, sample;
    double score;
    const char *text;
    size_t len;
    const char *detail;
    size_t detail_len;
};

struct opro_run {
    opro__mem mem;
    opro_error err;
    opro__guard guard;
    opro__log *log;
    opro__options options;
    opro_problem *problem;
    opro_meta_prompt *meta_prompt;
    opro__hook observer;
    opro_trajectory trajectory;
    opro__budget budget;
    opro__amounts to_confirm; /* reserved for the confirm stage until it begins */
    int64_t *instances;       /* 0, 1, 2, ... */
    opro__batch *batches;     /* open ones, oldest first */
    int64_t next_step;
    size_t samples_under_way; /* of all batches: wanted or asked */
    size_t undecided;         /* of all batches */
    opro_request **open;      /* handed out and not answered */
    size_t n_open, cap_open;
    opro__map open_ids; /* id -> place in open */
    uint64_t missed;    /* made by a call that failed all the same; 0: none */
    uint64_t turns;     /* requests opened so far */
    opro__taping taping;
    opro_request *closed;
    opro__batch *ended; /* closed requests and their batches, until the next opro_run_next() */
    /* ids of SCORE requests ever handed out -> work number, to tell late from unknown */
    opro__map issued;
    uint64_t *issued_ids;
    size_t n_issued, cap_issued;
    uint64_t next_id;     /* of PROPOSE requests */
    int64_t now, started; /* INT64_MIN: no request yet */
    int64_t replies, rejected, duplicates, failures;
    int64_t stale; /* answers that came too late; decides nothing */
    int64_t prompt_tokens, reply_tokens;
    int64_t failures_in_a_row[2]; /* PROPOSE, SCORE */
    int64_t best_step;            /* newest step that brought a new best */
    int64_t steps_ended;          /* not counting step -1 */
    int64_t winner;               /* number; if confirmed */
    int64_t confirmed;            /* among so many; 0: no winner was confirmed */
    int32_t search_over;          /* why it is, OPRO_STOP_NONE while it goes on */
    int32_t stop_reason;
    int stop_wanted;                  /* OPRO_STOP_... asked for inside a callback */
    int graded;                       /* a training score was neither worst nor best */
    int begun;                        /* opro_run_next() was called */
    int driven;                       /* a driver owns it: only the driver may call next */
    opro_status dead;                 /* OPRO_ERR_NOMEM once memory ran out */
    opro_error failure;               /* what stopped it, for OPRO_STOP_ERROR */
    opro__buf scratch[OPRO__SCRATCH]; /* for admit.c */
    opro__reply reply;
};

/* ---- run.c ---- */

/* What "auto" means for a problem. */
void opro__options_settle(opro__options *options, const opro_problem *problem);

/* ---- event.c ---- */

opro_event opro__run_event(int32_t kind, int64_t step);
opro_event opro__candidate_event(int32_t kind, const opro__work *work);

/* Tell the observer. Its failure is the status. */
opro_status opro__run_tell(opro_run *run, const opro_event *event);

/* ---- run_open.c ---- */

void opro__batch_free(opro_run *run, opro__batch *batch);

/* A new open request; NULL without memory. */
opro_request *opro__run_open(opro_run *run, opro__batch *batch, int32_t kind, uint64_t id);

/* An open request by its id; NULL. */
opro_request *opro__run_find(const opro_run *run, uint64_t id);

/* 1 if this id was ever handed out. */
int opro__run_issued(const opro_run *run, uint64_t id);

/*
 * The id of a request for the scores of a candidate on a set, of which so many instances are scored
 * already. OPRO_ERR_NOMEM.
 */
opro_status opro__run_issue_score_id(opro_run *run, const opro__candidate *candidate, int32_t set,
                                     size_t taken, uint64_t *id);

/*
 * It is answered or cancelled: settle its reservation, forget it, and tell who watches it. Who
 * answers may still look at it (to see how many samples it wanted, say), so it is freed later.
 */
void opro__run_close(opro_run *run, opro_request *request);

/* Free what was closed. */
void opro__run_sweep(opro_run *run);

/* ---- run_step.c ---- */

/* Scorer calls for one candidate of a step. */
int64_t opro__step_calls(const opro_run *run, int64_t step);

/* A batch of so many samples, not among the open ones yet; NULL without memory. Put it there. */
opro__batch *opro__batch_new(opro_run *run, int64_t step, size_t samples);
void opro__batch_enqueue(opro_run *run, opro__batch *batch);

/* The batch of the initial solutions. */
opro_status opro__batch_begin_initial(opro_run *run);

/* Begin another batch if there is to be one. *begun says if. The search may be over instead. */
opro_status opro__batch_begin(opro_run *run, int *begun);

/* A sample is over, with a new candidate or (until one comes) without. */
void opro__sample_over(opro_run *run, opro__batch *batch, size_t sample);
void opro__sample_fruitful(opro__batch *batch, size_t sample);

/* A candidate of a sample turned out to be that of an earlier one. */
void opro__sample_deprive(opro__batch *batch, size_t sample);

/* Put a candidate to work in a batch. */
opro_status opro__batch_add(opro_run *run, opro__batch *batch, opro__candidate *candidate,
                            size_t sample, uint64_t place, int state, opro__work **out);

/* A candidate's verdict: OPRO_VERDICT_..., with score and reason set before. */
void opro__work_decide(opro_run *run, opro__batch *batch, opro__work *work, int verdict);

/* Move batches on, end those that are done. The search may be over then. */
opro_status opro__batches_advance(opro_run *run);

/* A batch is over: count failures in a row; 1 if there are too many of them. */
void opro__failures_count(opro_run *run, const opro__batch *batch);
int opro__failures_too_many(const opro_run *run);

/* End all batches at once: cancel open requests, commit what is decided. An observer may fail. */
opro_status opro__batches_wind_up(opro_run *run);

/* Stop for a reason: end all batches, tell. Nothing if it has stopped. */
void opro__run_halt(opro_run *run, int32_t reason);

/*
 * At the end of every call that changes the run: a failure stops it; a stop that was asked for
 * inside a callback is carried out. Returns st, or what became of it.
 */
opro_status opro__run_finish(opro_run *run, opro_status st);

/* ---- run_race.c ---- */

/*
 * The best candidates that are scored in full, best first; of equal ones the first met.
 * by_instance: only those whose scores of all instances are known. Returns how many, at most most.
 */
size_t opro__run_best(const opro_run *run, int by_instance, const opro__candidate **best,
                      size_t most);

/* What the candidates of a new batch race against, if they do. */
void opro__batch_open_races(opro_run *run, opro__batch *batch);

/* The instances that the next request for scores of a set is about. OPRO_ERR_NOMEM. */
opro_status opro__work_instances(opro_run *run, opro__batch *batch, opro__work *work, int32_t set,
                                 const int64_t **instances, size_t *n);

/* What tells the next request from others for the same candidate and set: how far it has come. */
size_t opro__work_taken(const opro__batch *batch, const opro__work *work);

/* Take a block of scores. OPRO__RACE_ON, _LOST or _WHOLE, which it is without a race. */
int opro__work_take(opro__work *work, const opro_request *request, const double *scores);

/* A scored candidate is in the trajectory: look at which scores there are. */
void opro__run_see_scores(opro_run *run, const opro__candidate *c);

/* ---- run_confirm.c ---- */

/* Reserve what the confirm stage takes at most. OPRO_ERR_INVALID: there is no room for it. */
opro_status opro__confirm_reserve(opro_run *run);

/*
 * After anything was answered, or when there is nothing to ask for: move batches on; when the
 * search is over, confirm the winner, or stop.
 */
opro_status opro__run_advance(opro_run *run);

/* ---- admit.c ---- */

/* What is answered with. */
enum {
    OPRO__ANSWER_REPLY,     /* candidates are cut out of it */
    OPRO__ANSWER_TRUNCATED, /* rejected as a whole          */
    OPRO__ANSWER_REFUSED,   /* the same                     */
    OPRO__ANSWER_SOLUTION   /* it is one candidate          */
};

/* Admit the candidates of an answer to a sample. */
opro_status opro__admit(opro_run *run, opro__batch *batch, size_t sample, int32_t origin,
                        const char *text, size_t len, int how);

/* Admit a start, which may be there already; OPRO_ERR_REJECTED if it is not legal. */
opro_status opro__admit_start(opro_run *run, const char *text, size_t len, int flag,
                              opro__candidate **out);

/* ---- run_answer.c ---- */

/* A request has failed; it is closed. */
opro_status opro__run_fail_request(opro_run *run, opro_request *request, opro_status status,
                                   const char *message, size_t len);

/* ---- run_next.c ---- */

/* The run begins, or a deadline is reached: what that does. */
opro_status opro__run_take_time(opro_run *run, int64_t now);

/* opro_run_next() for the driver. */
opro_status opro__run_next(opro_run *run, int64_t now_ms, opro_request **request);

#endif
