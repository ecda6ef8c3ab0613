/* SPDX-License-Identifier: MIT */
/*
 * One life of a scenario, in which something fails. What a scenario calls stands in TRY() and its
 * kin: a call that fails although memory is there has failed the test; one that fails because
 * something was made to fail has to say so and to leave all as it was, and is made again. If it
 * failed once it has to succeed then; if all fails from then on it has to fail again, and the life
 * ends there. What comes of the calls is noted, and has to be the same whatever failed.
 */
#ifndef TESTS_FAILURE_PLAY_H
#define TESTS_FAILURE_PLAY_H

#include <stddef.h>
#include <stdint.h>

#include "opro/opro.h"

/* ---- saying that something is wrong ---------------------------------------------------------- */

/* The end of this process: printed, and counted by its parent. */
_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) wrong("%s:%d: not so: %s", __FILE__, __LINE__, #condition);              \
    } while (0)

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct attempt {
    opro_status st, expected;
    long failed; /* what had failed before it                                 */
    int tries;
    void *out; /* of size bytes: left alone by a call that fails         */
    size_t size;
    size_t n_lent; /* callbacks lent before it                               */
} attempt;

attempt attempt_begin(void *out, size_t size, opro_status expected);

/* After the call: is it to be made again? error: where it tells, or NULL. */
int attempt_again(attempt *a, const char *call, const opro_error *error);

#define ATTEMPT(out, size, expected, error, call)                                                  \
    do {                                                                                           \
        attempt a_ = attempt_begin(out, size, expected);                                           \
        do                                                                                         \
            a_.st = (call);                                                                        \
        while (attempt_again(&a_, #call, (error)));                                                \
    } while (0)

/* A call that succeeds: any status that is no error, which is noted. */
#define TRY(error, call) ATTEMPT(NULL, 0, OPRO_OK, error, call)

/* The same, with a variable that it writes to. */
#define TRY_OUT(out, error, call) ATTEMPT(&(out), sizeof(out), OPRO_OK, error, call)

/* A call that is refused for a reason of its own. */
#define TRY_REFUSED(status, error, call) ATTEMPT(NULL, 0, status, error, call)

/* A handle, to be freed in the end: MAKE(config, c, NULL, opro_config_new(&c, &scarce)). */
#define MAKE(type, var, error, call)                                                               \
    do {                                                                                           \
        TRY_OUT(var, error, call);                                                                 \
        keep_##type(var);                                                                          \
    } while (0)

/* What is NULL, or 0, when there is no memory. */
#define TRY_VALUE(var, error, call)                                                                \
    ATTEMPT(NULL, 0, OPRO_OK, error, ((var) = (call)) ? OPRO_OK : OPRO_ERR_NOMEM)

/*
 * A handle is dead of what failed. Returns if that is over: then it can be made anew, and what was
 * noted since mark, which noted() gave, is forgotten.
 */
void died(uint64_t mark);

/* What a call says that stands in no TRY(): a failure, in the way that is documented. */
void check_status(opro_status st, const opro_error *error);

/* Has anything been made to fail so far? */
int something_failed(void);

/* ---- handles --------------------------------------------------------------------------------- */

void keep_call(opro_call *call);
void keep_config(opro_config *config);
void keep_dataset(opro_dataset *dataset);
void keep_driver(opro_driver *driver);
void keep_exam(opro_exam *exam);
void keep_examiner(opro_examiner *examiner);
void keep_journal(opro_journal *journal);
void keep_meta_prompt(opro_meta_prompt *meta_prompt);
void keep_metric(opro_metric *metric);
void keep_model(opro_model *model);
void keep_optimizer(opro_optimizer *optimizer);
void keep_problem(opro_problem *problem);
void keep_request(opro_request *request);
void keep_run(opro_run *run);
void keep_scorer(opro_scorer *scorer);
void keep_tour(opro_tour *tour);
void keep_trajectory(opro_trajectory *trajectory);

/* Free one of them now. */
void drop(void *handle);

/* ---- what came of it ------------------------------------------------------------------------- */

void note_bytes(const void *bytes, size_t n);
void note_text(const char *text, size_t len); /* NULL is noted too */
void note_int(int64_t value);
void note_real(double value);

/* Noted so far; and back to it. */
uint64_t noted(void);
void note_again(uint64_t mark);

/* ---- callbacks that are to be let go of ------------------------------------------------------ */

/*
 * User data for a callback whose destroy function is returned(): which has to run once before the
 * life ends, and not when the setter fails.
 */
void *lend(void);
void returned(void *user_data);

/* ---- files ----------------------------------------------------------------------------------- */

/* The path of a file that is not there when a life begins. Lives on. */
const char *file_path(const char *name);

/* Write it; all of it, whatever fails. */
void file_put(const char *name, const char *bytes, size_t len);

/* Remove it. */
void file_remove(const char *name);

/* ---- lives ----------------------------------------------------------------------------------- */

/* Live it. 1: to its end. hash: of what was noted. */
int play(void (*what)(void), uint64_t *hash);

/* A folder for files; gone with what is in it at the end. 0: it is there. */
int play_begin(void);
void play_end(void);

#endif
