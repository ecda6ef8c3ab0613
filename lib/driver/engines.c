/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "engines.h"

#include <limits.h>
#ifndef _WIN32
#include <poll.h>
#endif

static int is_there(const opro__engines *engines, const opro__engine *engine) {
    for (size_t i = 0; i < engines->n; i++)
        if (engines->all[i]->ctx == engine->ctx) return 1;
    return 0;
}

void opro__engines_add(opro__engines *engines, const opro__engine *const *each) {
    for (size_t i = 0; i < OPRO__ENGINES_EACH; i++)
        if (each[i] && !is_there(engines, each[i])) engines->all[engines->n++] = each[i];
}

opro_status opro__engines_work(const opro__engines *engines, int *did, opro_error *err) {
    for (size_t i = 0; i < engines->n; i++) {
        const opro__engine *engine = engines->all[i];
        opro_status st = engine->work(engine->ctx, err);

        if (st < 0) return st;
        if (st == OPRO_OK) *did = 1;
    }
    return OPRO_OK;
}

int64_t opro__engines_timeout(const opro__engines *engines) {
    int64_t shortest = -1;

    for (size_t i = 0; i < engines->n; i++) {
        int64_t ms = engines->all[i]->timeout(engines->all[i]->ctx);

        if (ms >= 0 && (shortest < 0 || ms < shortest)) shortest = ms;
    }
    return shortest;
}

#ifdef _WIN32
/* The client alone has descriptors, and there is none here. */
int opro__engines_wait(const opro__engines *engines, int64_t ms) {
    (void)engines;
    (void)ms;
    return 0;
}
#else
int opro__engines_wait(const opro__engines *engines, int64_t ms) {
    struct pollfd fds[2 * OPRO__ENGINES_EACH];
    nfds_t n = 0;

    for (size_t i = 0; i < engines->n; i++) {
        int fd = engines->all[i]->fd(engines->all[i]->ctx);

        if (fd >= 0) fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    if (!n) return 0;
    poll(fds, n,
         ms < 0         ? -1
         : ms > INT_MAX ? INT_MAX
                        : (int)ms); /* who waits looks, and waits on */
    return 1;
}
#endif

void opro__engines_wake(void *engines) {
    const opro__engines *list = engines;

    for (size_t i = 0; i < list->n; i++)
        list->all[i]->wake(list->all[i]->ctx);
}
