/* SPDX-License-Identifier: MIT */
/*
 * What comes into a run, as entries that can be kept and put back. A run depends on its problem,
 * its options, and these alone; so one that was made in the same way and is given the entries again
 * stands where the first one stood. Who keeps them is not known here.
 *
 * An entry is kept when all checks are passed and before it takes effect, so what was acknowledged
 * has been kept. Where that fails, the entry has no effect, and the run stops with the failure. A
 * request is kept after it was made and before it is handed out.
 *
 * A stop by the host, or by an error, is not put back: a run that was stopped goes on.
 */
#ifndef OPRO_CORE_TAPE_H
#define OPRO_CORE_TAPE_H

#include "base/err.h"
#include "opro/run.h"

/* Kinds of entries. */
enum {
    OPRO__ENTRY_TIME = 1, /* the run begins, or a deadline is reached                   */
    OPRO__ENTRY_REQUEST,  /* a request is handed out                                    */
    OPRO__ENTRY_AGAIN,    /* ... once more, since it was open when the process ended    */
    OPRO__ENTRY_REPLY,    /* what is answered ...                                       */
    OPRO__ENTRY_SCORES,
    OPRO__ENTRY_ERROR,
    OPRO__ENTRY_FEEDBACK,
    OPRO__ENTRY_USAGE,
    OPRO__ENTRY_STEP,   /* a step has ended: the state that should have been reached    */
    OPRO__ENTRY_STOP,   /* the run has stopped; the same                                */
    OPRO__ENTRY_RESUME, /* it goes on in another process: what is open is asked again   */
    OPRO__ENTRIES
};

typedef struct opro__entry {
    int kind;
    int how;        /* REPLY: OPRO__ANSWER_...; REQUEST: OPRO_REQUEST_...         */
    int32_t origin; /* REPLY                                                      */
    int32_t number; /* ERROR: the status; STOP: the reason; REQUEST to score: the set */
    uint64_t id;
    uint64_t digest;      /* REQUEST: of all of it; STEP, STOP: of the run */
    size_t index;         /* REPLY: the sample; REQUEST: the first of them */
    int64_t step;         /* REQUEST, STEP                                 */
    int64_t now;          /* TIME, REQUEST, AGAIN, STOP                    */
    int64_t usage[3];     /* prompt tokens, reply tokens, cost             */
    const char *text;     /* REPLY, ERROR, FEEDBACK; REQUEST: the candidate, STOP: why */
    size_t len;           /* REPLY: may be anything; else UTF-8 */
    const double *scores; /* SCORES */
    size_t n;             /* ... of them; REQUEST: samples or instances wanted */
} opro__entry;

typedef struct opro__tape {
    /*
     * Keep an entry. soon: opro__run_flush() will be called before anything is done with it, so
     * there need be no wait for the disk.
     */
    opro_status (*write)(void *ctx, const opro__entry *entry, int soon, opro_error *err);
    /* It is so late by the run's clock: what has waited too long for the disk waits no more. */
    opro_status (*tick)(void *ctx, int64_t now, opro_error *err);
    /* What was kept soon is kept for good. */
    opro_status (*flush)(void *ctx, opro_error *err);
    void (*release)(void *ctx); /* the run will not write any more */
    void *ctx;                  /* NULL: there is no tape          */
} opro__tape;

/* Where a run stands with its tape. */
typedef struct opro__taping {
    opro__tape tape;
    int replaying;
    int wrote;         /* this call has kept an entry                                      */
    int64_t marked;    /* steps that had ended at the last STEP                            */
    int32_t last_stop; /* the reason of a STOP behind which there is nothing               */
    uint64_t *again;   /* ids of requests that were open at the RESUME, in the order of asking */
    size_t n_again, next_again;
    int shifted;         /* clock_shift is known                             */
    int resumed;         /* ... and needed: times were put back              */
    int64_t clock_shift; /* from the host's clock to the run's             */
} opro__taping;

/* ---- from the parts of the run, each of which does nothing without a tape -------------------- */

/* Keep what comes in. Answers: soon in runs with a driver, which will flush. */
opro_status opro__run_write(opro_run *run, const opro__entry *entry);
opro_status opro__run_write_request(opro_run *run, const opro_request *request);

/* At the end of a call: a step that has ended; a stop. */
opro_status opro__run_write_step(opro_run *run);
void opro__run_write_stop(opro_run *run);

/* At the beginning of each opro_run_next(). */
opro_status opro__run_tick(opro_run *run, int64_t now);

opro_status opro__run_flush(opro_run *run);

/* The time of the run for that of the host; the first one after times were put back joins them. */
int64_t opro__run_clock(opro_run *run, int64_t now_ms);
int64_t opro__run_clock_peek(const opro_run *run, int64_t now_ms);

/* The next request to be asked again; NULL. It is kept, and its time begins anew. */
opro_status opro__run_ask_again(opro_run *run, opro_request **out);

/* 1 if this was open when the run was resumed. */
int opro__run_asked_again(const opro_run *run, uint64_t id);

/* ---- from the keeper ------------------------------------------------------------------------- */

/*
 * Put an entry back, between these two. OPRO_ERR_FAILED: the run has come out otherwise. After a
 * failure it is stopped.
 */
void opro__run_replay_begin(opro_run *run);
opro_status opro__run_replay(opro_run *run, const opro__entry *entry);
void opro__run_replay_end(opro_run *run);

/*
 * Keep entries from now on; before the first opro_run_next(), or after a replay. Nothing that
 * decides can be set any more. If there was a replay and requests are open, RESUME is kept first.
 */
opro_status opro__run_set_tape(opro_run *run, const opro__tape *tape);

/* A digest of the state without the options. */
uint64_t opro__run_state(const opro_run *run);

#endif
