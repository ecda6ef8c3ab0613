/* SPDX-License-Identifier: MIT */
/* What scenarios with a model share: a client of the server, and calls that come to their end. */
#ifndef TESTS_FAILURE_CLIENT_H
#define TESTS_FAILURE_CLIENT_H

#include "server.h"
#include "world.h"

/* A client of the server that tries again at once. settings: more of them. */
opro_model *make_client(const char *settings);

opro_call *make_call(opro_model *model, const char *text, size_t samples, double temperature);

/* Poll until it is over. */
void wait_for(opro_model *model, const opro_call *call);

/* One that has failed, has failed because of what was made to fail. */
void check_failed(const opro_call *call);

/* Note what came of a call that is over. 1: all its replies; 0: it has failed, as it has to. */
int call_is_whole(const opro_call *call, size_t samples);

/* Ask; again, with another call to the same client, if memory or the system failed meanwhile. */
void ask(opro_model *model, const char *text, size_t samples, double temperature);

/* The same, once: 1: it was answered. */
int ask_once(opro_model *model, const char *text, size_t samples, double temperature);

#endif
