/* SPDX-License-Identifier: MIT */
/*
 * Sockets and time: what libcurl wants to hear of, who is told to watch it, and what to do when
 * something happens.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "transport_parts.h"

/* One number for the wish, whoever hears it. */
static_assert(OPRO_POLL_IN == CURL_POLL_IN && OPRO_POLL_OUT == CURL_POLL_OUT, "wishes of libcurl");
static_assert(OPRO_POLL_IN == CURL_CSELECT_IN && OPRO_POLL_OUT == CURL_CSELECT_OUT, "events");

enum { EVENTS = 256 /* of one wait */ };

int64_t opro__transport_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t later(int64_t now, int64_t ms) {
    return ms > INT64_MAX - now ? INT64_MAX : now + ms;
}

/* ---- who watches a socket ---- */

/* The entry of a socket; NULL: no memory. */
static opro__socket *entry_of(opro__transport *t, int fd) {
    void *sockets = t->sockets;
    size_t capacity = t->n_sockets;

    if ((size_t)fd >= t->n_sockets) {
        if (!opro__reserve(t->mem, &sockets, &capacity, (size_t)fd + 1, sizeof *t->sockets))
            return NULL;
        t->sockets = sockets;
        memset(t->sockets + t->n_sockets, 0, (capacity - t->n_sockets) * sizeof *t->sockets);
        t->n_sockets = capacity;
    }
    return &t->sockets[fd];
}

static uint32_t epoll_bits(int events) {
    return (events & OPRO_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (events & OPRO_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

/* What the kernel knows may be out of date where somebody else has closed the socket. */
static int tell_epoll(opro__transport *t, int fd, const opro__socket *s, int events) {
    struct epoll_event e = {.events = epoll_bits(events)};
    int how = events == 0 ? EPOLL_CTL_DEL : s->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    e.data.u64 = (uint64_t)s->generation << 32 | (uint32_t)fd;
    if (epoll_ctl(t->epoll, how, fd, &e) == 0 || events == 0) return 1;
    if (errno == ENOENT) return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
    if (errno == EEXIST) return epoll_ctl(t->epoll, EPOLL_CTL_MOD, fd, &e) == 0;
    return 0;
}

/* Have it watched for these events, and no others. */
static int have_watched(opro__transport *t, int fd, opro__socket *s, int events) {
    int fine = 1;

    if (events == s->watched) return 1;
    if (t->watch)
        t->watch(t->watch_ctx, fd, events);
    else
        fine = tell_epoll(t, fd, s, events);
    if (fine) s->watched = (uint8_t)events;
    return fine;
}

void opro__loop_forget(opro__transport *t) {
    for (size_t i = 0; i < t->n_sockets; i++)
        have_watched(t, (int)i, &t->sockets[i], OPRO_POLL_NONE);
}

/* ---- what libcurl wants ---- */

static opro__exchange *exchange_of(CURL *easy) {
    char *exchange = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    return (opro__exchange *)(void *)exchange;
}

int opro__loop_socket(CURL *easy, curl_socket_t fd, int what, void *multi_, void *unused) {
    opro__multi *multi = multi_;
    opro__transport *t = multi->transport;
    opro__socket *s = entry_of(t, fd);
    int wanted = what == CURL_POLL_REMOVE ? OPRO_POLL_NONE : what & CURL_POLL_INOUT;

    (void)unused;
    if (!s) {
        if (wanted) opro__exchange_doom(t, exchange_of(easy), OPRO__MET_NOMEM, 0, "");
        return 0;
    }
    s->multi = multi;
    s->wanted = (uint8_t)wanted;
    /* Less than what is watched can wait until it happens, if we hear when the socket is closed. */
    if (s->ours && !(wanted & ~s->watched)) return 0;
    if (!have_watched(t, fd, s, wanted))
        opro__exchange_doom(t, exchange_of(easy), OPRO__MET_CURL, CURLE_FAILED_INIT,
                            "a socket cannot be watched");
    return 0;
}

int opro__loop_timer(CURLM *handle, long timeout_ms, void *multi_) {
    opro__multi *multi = multi_;
    int64_t now = opro__transport_now();

    (void)handle;
    if (timeout_ms < 0)
        multi->due = INT64_MAX;
    else if (timeout_ms == 0)
        multi->due = now;
    else
        multi->due = later(now + 1, timeout_ms); /* our clock may be behind by part of a ms */
    return 0;
}

int opro__loop_look_up(void *resolver, void *reserved, void *transport) {
    opro__transport *t = transport;

    (void)resolver;
    (void)reserved;
    t->looked_up_at = opro__transport_now();
    return 0;
}

/* A connection is being made: the name is known. */
curl_socket_t opro__loop_open(void *transport, curlsocktype purpose,
                              struct curl_sockaddr *address) {
    opro__transport *t = transport;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    opro__socket *s;

    (void)purpose;
    t->known_until = t->looked_up_at + (int64_t)(OPRO__DNS_SECONDS - 5) * 1000;
    t->scout = NULL;
    if (fd < 0) return CURL_SOCKET_BAD;
    s = entry_of(t,
                 fd); /* without memory it will be found out when libcurl wants something of it */
    if (s) *s = (opro__socket){.generation = s->generation + 1, .ours = 1};
    return fd;
}

int opro__loop_close(void *transport, curl_socket_t fd) {
    opro__transport *t = transport;
    opro__socket *s = (size_t)fd < t->n_sockets ? &t->sockets[fd] : NULL;

    if (s) {
        have_watched(t, fd, s, OPRO_POLL_NONE);
        *s = (opro__socket){.generation = s->generation + 1};
    }
    return close(fd);
}

/* ---- work ---- */

/* libcurl cannot go on with this handle (its memory, most likely): nothing may wait for it. */
static void give_up(opro__multi *multi, CURLMcode why) {
    opro__transport *t = multi->transport;
    opro__exchange_list *lists[] = {&t->starting, &t->waiting};
    int code = why == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;

    for (size_t i = 0; i < 2; i++)
        for (opro__exchange *x = lists[i]->first; x; x = x->next)
            if (x->multi == multi)
                opro__exchange_doom(t, x, OPRO__MET_CURL, code, curl_multi_strerror(why));
    opro__multi_retire(multi);
}

/* End those that cannot go on. */
static void bury(opro__transport *t) {
    opro__exchange_list *lists[] = {&t->starting, &t->waiting};
    opro__exchange *next;

    if (!t->doomed) return;
    t->doomed = 0;
    for (size_t i = 0; i < 2; i++)
        for (opro__exchange *x = lists[i]->first; x; x = next) {
            next = x->next;
            if (x->doomed) opro__exchange_finish(t, x, x->code);
        }
}

/* Let libcurl work, and take what is ready. */
static void act(opro__multi *multi, curl_socket_t fd, int events) {
    int running, left;
    CURLMcode why = curl_multi_socket_action(multi->handle, fd, events, &running);
    CURLMsg *m;

    while ((m = curl_multi_info_read(multi->handle, &left)))
        if (m->msg == CURLMSG_DONE)
            opro__exchange_finish(multi->transport, exchange_of(m->easy_handle),
                                  (int)m->data.result);
    if (why != CURLM_OK) give_up(multi, why);
    bury(multi->transport);
}

/* Nothing has been heard of an exchange for too long; unless its request is still being sent. */
static void end_idle(opro__transport *t) {
    int64_t most = t->settings.idle_timeout_ms;
    opro__exchange *x;

    while (most > 0 && (x = t->waiting.first) && later(x->moved_at, most) <= t->now) {
        curl_off_t sent = 0;

        (void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
        if (sent != x->sent && (size_t)sent < x->body_len) {
            x->sent = sent;
            opro__exchange_moved(x);
        } else {
            snprintf(x->detail, sizeof x->detail, "nothing came for %lld ms", (long long)most);
            opro__exchange_finish(t, x, CURLE_OPERATION_TIMEDOUT);
        }
    }
}

/* When time has something to do; INT64_MAX: never. */
static int64_t next_due(const opro__transport *t) {
    int64_t due = INT64_MAX;

    if (t->waiting.first && t->settings.idle_timeout_ms > 0)
        due = later(t->waiting.first->moved_at, t->settings.idle_timeout_ms);
    for (size_t i = 0; i < t->n_multis; i++) {
        if (t->multis[i]->due < due) due = t->multis[i]->due;
        if (t->multis[i]->over < due) due = t->multis[i]->over;
    }
    return due;
}

static void run_due(opro__transport *t) {
    t->now = opro__transport_now();
    if (next_due(t) > t->now) return;
    for (size_t i = 0; i < t->n_multis; i++) {
        opro__multi *multi = t->multis[i];

        if (multi->over <= t->now) {
            opro__multi_retire(multi);
            opro__easy_clear(t); /* there was more to do once than there is now */
        } else if (multi->due <= t->now) {
            multi->due = INT64_MAX; /* libcurl says when it wants to be called again */
            act(multi, CURL_SOCKET_TIMEOUT, 0);
        }
    }
    end_idle(t);
}

static void on_socket(opro__transport *t, int fd, int events) {
    opro__socket *s = (size_t)fd < t->n_sockets ? &t->sockets[fd] : NULL;
    uint64_t wakes;

    if (fd == t->wake) {
        t->woken = 1;
        if (read(fd, &wakes, sizeof wakes) < 0) return; /* nothing to read, and no harm */
    }
    if (!s) return;
    if (events & OPRO_POLL_ERROR) events |= OPRO_POLL_IN | OPRO_POLL_OUT; /* libcurl will see */
    if (events & ~s->wanted) (void)have_watched(t, fd, s, s->wanted);
    events &= s->wanted;
    if (events) act(s->multi, fd, events);
}

static void on_epoll(opro__transport *t, const struct epoll_event *e) {
    int fd = (int)(uint32_t)e->data.u64;
    int events = (e->events & EPOLLIN ? OPRO_POLL_IN : 0) |
                 (e->events & EPOLLOUT ? OPRO_POLL_OUT : 0) |
                 (e->events & (EPOLLERR | EPOLLHUP) ? OPRO_POLL_ERROR : 0);

    if ((size_t)fd < t->n_sockets && t->sockets[fd].generation != e->data.u64 >> 32) return;
    on_socket(t, fd, events);
}

/* How long to wait for events. */
static int patience(const opro__transport *t, int64_t ms) {
    int64_t left = opro__transport_timeout(t);

    if (t->finished.first) return 0;
    if (left >= 0 && (ms < 0 || left < ms)) ms = left;
    return ms < 0 ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
}

int opro__transport_work(opro__transport *t, int64_t ms) {
    struct epoll_event events[EVENTS];
    opro__pipe pipe;
    int n;

    assert(!t->watch);
    t->woken = 0;
    opro__transport_time(t);
    n = epoll_wait(t->epoll, events, EVENTS, patience(t, ms));
    opro__pipe_hold(&pipe, t);
    t->now = opro__transport_now();
    for (int i = 0; i < n; i++)
        on_epoll(t, &events[i]);
    run_due(t);
    opro__multi_sweep(t);
    opro__pipe_release(&pipe);
    return t->woken;
}

void opro__transport_socket(opro__transport *t, int fd, int events) {
    opro__pipe pipe;

    opro__pipe_hold(&pipe, t);
    t->now = opro__transport_now();
    on_socket(t, fd, events);
    opro__multi_sweep(t);
    opro__pipe_release(&pipe);
}

void opro__transport_time(opro__transport *t) {
    opro__pipe pipe;

    if (opro__transport_timeout(t) != 0) return;
    opro__pipe_hold(&pipe, t);
    run_due(t);
    opro__multi_sweep(t);
    opro__pipe_release(&pipe);
}

int64_t opro__transport_timeout(const opro__transport *t) {
    int64_t due = next_due(t), now;

    if (due == INT64_MAX) return -1;
    now = opro__transport_now();
    return due > now ? due - now : 0;
}
