/* SPDX-License-Identifier: MIT */
/*
 * A server on loopback that says what a test wants, right or wrong: one thread, plain sockets. What
 * it does with a request is the scene of its path.
 */
#ifndef TESTS_RAW_SERVER_H
#define TESTS_RAW_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RAW_KEEP,    /* say it, and keep the connection                     */
    RAW_CLOSE,   /* say it, and close                                   */
    RAW_RESET,   /* say it, and reset the connection                    */
    RAW_AT_ONCE, /* reset as soon as the head of the request has come   */
    RAW_EARLY,   /* say it as soon as the head of the request has come  */
    RAW_REPEAT,  /* say it, and then `more` for ever                    */
    RAW_ECHO,    /* say the whole request                               */
    RAW_HOLD,    /* say it when as many as server.crowd wait for it     */
    RAW_SILENT   /* say nothing                                         */
};

typedef struct raw_scene {
    const char *path;
    int then;
    const char *say, *more;
} raw_scene;

typedef struct raw_conn {
    int fd;
    char *in;
    size_t len, room;
    const raw_scene *scene; /* it is playing; NULL: none */
} raw_conn;

typedef struct raw_server {
    const raw_scene *scenes; /* until path is NULL */
    atomic_int crowd;        /* RAW_HOLD */
    atomic_int accepts, requests, open;
    atomic_int drop; /* 1: close connections without a request; -1: stop */
    int port, listener, poke[2];
    pthread_t thread;
    raw_conn *conns;
    size_t n_conns;
} raw_server;

static inline void raw_close(raw_server *s, raw_conn *c, int reset) {
    struct linger at_once = {1, 0};

    if (reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->fd);
    free(c->in);
    *c = (raw_conn){.fd = -1};
    s->open--;
}

/* 0: the other end has gone. */
static inline int raw_say(const raw_conn *c, const char *text, size_t len) {
    while (len) {
        ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

        if (n <= 0) return 0;
        text += n;
        len -= (size_t)n;
    }
    return 1;
}

static inline void raw_echo(raw_server *s, raw_conn *c, size_t len) {
    char head[100];
    int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);

    if (!raw_say(c, head, (size_t)n) || !raw_say(c, c->in, len)) raw_close(s, c, 0);
}

static inline void raw_release_held(raw_server *s) {
    int held = 0;

    for (size_t i = 0; i < s->n_conns; i++)
        held += s->conns[i].scene && s->conns[i].scene->then == RAW_HOLD;
    if (held < s->crowd) return;
    for (size_t i = 0; i < s->n_conns; i++) {
        raw_conn *c = &s->conns[i];

        if (!c->scene || c->scene->then != RAW_HOLD) continue;
        raw_say(c, c->scene->say, strlen(c->scene->say));
        c->scene = NULL;
    }
}

static inline void raw_play(raw_server *s, raw_conn *c, const raw_scene *scene, size_t len) {
    s->requests++;
    if (scene->then == RAW_ECHO) {
        raw_echo(s, c, len);
        if (c->fd < 0) return;
    }
    memmove(c->in, c->in + len, c->len - len);
    c->len -= len;
    if (scene->say && scene->then != RAW_HOLD) raw_say(c, scene->say, strlen(scene->say));
    if (scene->then == RAW_CLOSE || scene->then == RAW_RESET)
        raw_close(s, c, scene->then == RAW_RESET);
    else if (scene->then != RAW_KEEP && scene->then != RAW_ECHO)
        c->scene = scene;
}

/* Is there a whole request? */
static inline void raw_read(raw_server *s, raw_conn *c) {
    const char *end = c->len ? strstr(c->in, "\r\n\r\n") : NULL;
    const char *length = end ? strstr(c->in, "Content-Length: ") : NULL;
    const char *path = c->len ? strchr(c->in, ' ') : NULL;
    size_t head = end ? (size_t)(end - c->in) + 4 : 0;
    size_t len = head + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
    const raw_scene *scene = s->scenes;

    if (!end || !path) return;
    while (scene->path && (strncmp(path + 1, scene->path, strlen(scene->path)) != 0 ||
                           path[1 + strlen(scene->path)] != ' '))
        scene++;
    if (!scene->path || scene->then == RAW_AT_ONCE) {
        s->requests++;
        raw_close(s, c, 1);
    } else if (scene->then == RAW_EARLY) {
        raw_play(s, c, scene, c->len);
    } else if (c->len >= len) {
        raw_play(s, c, scene, len);
    }
}

static inline void raw_on_bytes(raw_server *s, raw_conn *c) {
    ssize_t n;

    if (c->room - c->len < 70000) {
        c->room = c->room * 2 + 140000;
        c->in = realloc(c->in, c->room);
        if (!c->in) abort();
    }
    n = recv(c->fd, c->in + c->len, 65536, 0);
    if (n <= 0) {
        raw_close(s, c, 0);
        return;
    }
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    if (!c->scene) raw_read(s, c);
}

static inline void raw_repeat(raw_server *s, raw_conn *c) {
    const char *more = c->scene->more;

    if (send(c->fd, more, strlen(more), MSG_NOSIGNAL) <= 0) raw_close(s, c, 0);
}

static inline void raw_accept(raw_server *s) {
    int one = 1, fd = accept(s->listener, NULL, NULL);
    size_t i = 0;

    if (fd < 0) return;
    while (i < s->n_conns && s->conns[i].fd >= 0)
        i++;
    if (i == s->n_conns) {
        s->conns = realloc(s->conns, ++s->n_conns * sizeof *s->conns);
        if (!s->conns) abort();
    }
    s->conns[i] = (raw_conn){.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->accepts++;
    s->open++;
}

static inline void raw_poked(raw_server *s) {
    char bytes[64];

    (void)!read(s->poke[0], bytes, sizeof bytes);
    if (s->drop <= 0) return;
    s->drop = 0;
    for (size_t i = 0; i < s->n_conns; i++)
        if (s->conns[i].fd >= 0 && !s->conns[i].scene) raw_close(s, &s->conns[i], 0);
}

static inline void *raw_main(void *server) {
    raw_server *s = server;
    struct pollfd *fds = NULL;

    for (;;) {
        size_t n = s->n_conns;

        fds = realloc(fds, (n + 2) * sizeof *fds);
        if (!fds) abort();
        fds[0] = (struct pollfd){s->poke[0], POLLIN, 0};
        fds[1] = (struct pollfd){s->listener, POLLIN, 0};
        for (size_t i = 0; i < n; i++) {
            const raw_conn *c = &s->conns[i];
            int repeats = c->scene && c->scene->then == RAW_REPEAT;

            fds[i + 2] = (struct pollfd){c->fd, repeats ? POLLIN | POLLOUT : POLLIN, 0};
        }
        if (poll(fds, n + 2, -1) < 0) continue;
        if (fds[0].revents) raw_poked(s);
        if (s->drop < 0) break;
        for (size_t i = 0; i < n; i++) {
            raw_conn *c = &s->conns[i];

            if (c->fd >= 0 && fds[i + 2].revents & (POLLIN | POLLHUP | POLLERR)) raw_on_bytes(s, c);
            if (c->fd >= 0 && fds[i + 2].revents & POLLOUT) raw_repeat(s, c);
        }
        raw_release_held(s);
        if (fds[1].revents) raw_accept(s);
    }
    for (size_t i = 0; i < s->n_conns; i++)
        if (s->conns[i].fd >= 0) raw_close(s, &s->conns[i], 0);
    free(s->conns);
    free(fds);
    return NULL;
}

/* 0: the system refuses. */
static inline int raw_start(raw_server *s, const raw_scene *scenes) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    memset(s, 0, sizeof *s);
    s->scenes = scenes;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (s->listener < 0 || pipe(s->poke) != 0) return 0;
    if (bind(s->listener, (struct sockaddr *)&address, sizeof address) != 0) return 0;
    if (listen(s->listener, 1024) != 0) return 0;
    if (getsockname(s->listener, (struct sockaddr *)&address, &len) != 0) return 0;
    s->port = ntohs(address.sin_port);
    return pthread_create(&s->thread, NULL, raw_main, s) == 0;
}

static inline void raw_poke(raw_server *s, int drop) {
    s->drop = drop;
    (void)!write(s->poke[1], "", 1);
}

static inline void raw_stop(raw_server *s) {
    raw_poke(s, -1);
    pthread_join(s->thread, NULL);
    close(s->listener);
    close(s->poke[0]);
    close(s->poke[1]);
}

#endif
