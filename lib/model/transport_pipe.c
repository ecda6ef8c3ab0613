/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "transport_parts.h"

#include <time.h>

void opro__pipe_hold(opro__pipe *pipe, const opro__transport *transport) {
    sigset_t set;

    pipe->blocked = 0;
    if (!transport->tls) return; /* libcurl's own writes raise no signal */
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    if (pthread_sigmask(SIG_BLOCK, &set, &pipe->before) != 0) return;
    pipe->blocked = !sigismember(&pipe->before, SIGPIPE);
}

void opro__pipe_release(opro__pipe *pipe) {
    static const struct timespec at_once = {0, 0};
    sigset_t set;

    if (!pipe->blocked) return;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    (void)sigtimedwait(&set, NULL, &at_once); /* one that came meanwhile is ours */
    (void)pthread_sigmask(SIG_SETMASK, &pipe->before, NULL);
    pipe->blocked = 0;
}
