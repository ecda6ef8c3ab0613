/* SPDX-License-Identifier: MIT */
/* What scenarios share: things made in a line, runs played to their end, and all that is noted. */
#ifndef TESTS_FAILURE_WORLD_H
#define TESTS_FAILURE_WORLD_H

#include "memory.h"
#include "play.h"
#include "scenarios.h"

/* "name=value name=value" */
opro_config *make_config(const char *settings);

/* Texts, two to start from, four instances and two for validation. */
opro_problem *make_text_problem(void);

/* Answers everything in some way: candidates of all kinds, refusals, failures, scores. */
opro_status answer_some(opro_run *run, opro_request *request);

/* The same as an optimizer and a scorer of the host's. */
int32_t answer_at_once(opro_run *run, opro_request *request, void *user_data);

/* A score for any text. */
double score_of(const char *text, size_t len);

/* A run that has met a failure says so for ever, and can be looked at. */
void check_dead(opro_run *run, opro_status st);

/* Take requests and answer them. 1: until it has stopped; 0: it is dead, as it has to be. */
int play_out(opro_run *run);

/*
 * A run from its beginning to its end; made anew, with the same problem and config, when it dies.
 * prepare: before it begins, 0 if it is dead then; NULL: nothing.
 */
void whole_run(opro_problem *problem, opro_config *config, int (*prepare)(opro_run *run));

/* The same with a driver. optimizer, scorer NULL: the host's, as above. */
void whole_drive(opro_problem *problem, opro_config *config, opro_optimizer *optimizer,
                 opro_scorer *scorer, int (*prepare)(opro_driver *driver));

/* With both set. */
opro_driver *make_driver(opro_problem *problem, opro_config *config, opro_optimizer *optimizer,
                         opro_scorer *scorer);

/*
 * With an optimizer or a scorer of a model's: when something fails the run goes on without an
 * answer, as when an endpoint fails, and another one has to come to the same end. warned: set when
 * the log was told that something is left out; NULL: nothing is.
 */
void unharmed_drive(opro_problem *problem, opro_config *config, opro_optimizer *optimizer,
                    opro_scorer *scorer, int *warned);

/* All that can be asked. */
void note_config(const opro_config *config);
void note_problem(opro_problem *problem);
void note_request(const opro_request *request);
void note_trajectory(const opro_trajectory *trajectory);
void note_run(const opro_run *run);

#endif
