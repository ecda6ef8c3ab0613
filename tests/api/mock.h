/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server on loopback, in a thread of the test: a handler sees each request and says
 * what is answered, and when. Every request is kept, to be looked at.
 *
 * A test may fork: it waits until the servers' threads are at rest. A child has no such threads,
 * and what one held at that moment, as AddressSanitizer's locks of memory, is never let go there.
 */
#ifndef TESTS_MOCK_H
#define TESTS_MOCK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOCK_CONNECTIONS 512
#define MOCK_REQUESTS    8192

typedef struct mock_reply {
    int status;        /* 0: the connection is closed without an answer */
    char headers[512]; /* further lines, each with \r\n */
    char body[8192];
    int delay_ms;
} mock_reply;

typedef struct mock mock;

/* n: how many requests came before this one. Runs on the server's thread, under its lock. */
typedef void (*mock_handler)(mock *server, size_t n, const char *head, const char *body,
                             mock_reply *reply, void *ctx);

typedef struct mock_connection {
    int fd;
    char *in;
    size_t len;
    long long due; /* when the answer goes out; 0: none waits */
    mock_reply reply;
} mock_connection;

struct mock {
    int listener, port, stop[2];
    pthread_t thread;
    sem_t began;
    pthread_mutex_t lock;
    mock_handler handler;
    void *ctx;
    mock_connection connections[MOCK_CONNECTIONS];
    size_t accepted;
    char *heads[MOCK_REQUESTS], *bodies[MOCK_REQUESTS]; /* what came */
    size_t n;
    size_t now, most; /* requests that wait for their answer */
};

static pthread_mutex_t mock_work = PTHREAD_MUTEX_INITIALIZER; /* held by who is not at rest */

static inline void mock_hold(void) {
    pthread_mutex_lock(&mock_work);
}

static inline void mock_release(void) {
    pthread_mutex_unlock(&mock_work);
}

static inline void mock_prepare_forks(void) {
    pthread_atfork(mock_hold, mock_release, mock_release);
}

static inline long long mock_ms(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void mock_close(mock *server, mock_connection *c) {
    if (c->due) server->now--;
    close(c->fd);
    free(c->in);
    *c = (mock_connection){.fd = -1};
}

static inline void mock_send(mock *server, mock_connection *c) {
    static const char format[] =
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s";
    char *text;
    size_t size = sizeof format + 64 + sizeof c->reply, len, sent = 0;

    c->due = 0;
    server->now--;
    if (!c->reply.status) {
        mock_close(server, c);
        return;
    }
    text = malloc(size);
    len = (size_t)snprintf(text, size, format, c->reply.status, strlen(c->reply.body),
                           c->reply.headers, c->reply.body);
    while (sent < len) {
        ssize_t n = send(c->fd, text + sent, len - sent, MSG_NOSIGNAL);

        if (n <= 0) break;
        sent += (size_t)n;
    }
    free(text);
}

/* Take a whole request out of what came, if there is one. */
static inline void mock_read(mock *server, mock_connection *c) {
    char *end, *length;
    size_t head, body;
    ssize_t n;

    c->in = realloc(c->in, c->len + 65536 + 1);
    n = recv(c->fd, c->in + c->len, 65536, 0);
    if (n <= 0) {
        mock_close(server, c);
        return;
    }
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    end = strstr(c->in, "\r\n\r\n");
    if (!end) return;
    length = strcasestr(c->in, "content-length:");
    head = (size_t)(end - c->in) + 4;
    body = length && length < end ? (size_t)atol(length + 15) : 0;
    if (c->len < head + body) return;
    pthread_mutex_lock(&server->lock);
    if (server->n < MOCK_REQUESTS) {
        server->heads[server->n] = strndup(c->in, head);
        server->bodies[server->n] = strndup(c->in + head, body);
        memset(&c->reply, 0, sizeof c->reply);
        c->reply.status = 200;
        server->handler(server, server->n, server->heads[server->n], server->bodies[server->n],
                        &c->reply, server->ctx);
        server->n++;
    }
    if (++server->now > server->most) server->most = server->now;
    pthread_mutex_unlock(&server->lock);
    memmove(c->in, c->in + head + body, c->len - head - body);
    c->len -= head + body;
    c->due = mock_ms() + c->reply.delay_ms;
    if (!c->reply.delay_ms) mock_send(server, c);
}

static inline void mock_accept(mock *server) {
    int fd = accept(server->listener, NULL, NULL);

    for (size_t i = 0; i < MOCK_CONNECTIONS && fd >= 0; i++)
        if (server->connections[i].fd < 0) {
            server->connections[i].fd = fd;
            server->accepted++;
            return;
        }
    if (fd >= 0) close(fd);
}

static inline void *mock_serve(void *arg) {
    mock *server = arg;

    mock_hold();
    sem_post(&server->began);
    for (;;) {
        struct pollfd fds[MOCK_CONNECTIONS + 2];
        size_t which[MOCK_CONNECTIONS + 2], n = 2;
        long long now = mock_ms();
        int wait = -1;

        fds[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = server->stop[0], .events = POLLIN};
        for (size_t i = 0; i < MOCK_CONNECTIONS; i++) {
            mock_connection *c = &server->connections[i];

            if (c->fd >= 0 && c->due && c->due <= now) mock_send(server, c);
            if (c->fd < 0) continue;
            if (c->due && (wait < 0 || c->due - now < wait)) wait = (int)(c->due - now);
            which[n] = i;
            fds[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
        }
        mock_release();
        poll(fds, n, wait);
        if (fds[1].revents) return NULL;
        mock_hold();
        for (size_t i = 2; i < n; i++)
            if (fds[i].revents) mock_read(server, &server->connections[which[i]]);
        if (fds[0].revents) mock_accept(server);
    }
}

/* The base URL goes into url (64 bytes). 0: it runs. */
static inline int mock_start(mock *server, mock_handler handler, void *ctx, char *url) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    memset(server, 0, sizeof *server);
    for (size_t i = 0; i < MOCK_CONNECTIONS; i++)
        server->connections[i].fd = -1;
    server->handler = handler;
    server->ctx = ctx;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) ||
        listen(server->listener, 512) ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) || pipe(server->stop))
        return -1;
    server->port = ntohs(address.sin_port);
    snprintf(url, 64, "http://127.0.0.1:%d/v1", server->port);
    pthread_mutex_init(&server->lock, NULL);
    pthread_once(&once, mock_prepare_forks);
    sem_init(&server->began, 0, 0);
    if (pthread_create(&server->thread, NULL, mock_serve, server)) return -1;
    while (sem_wait(&server->began)) /* a thread that begins is not at rest */
        continue;
    return 0;
}

static inline void mock_stop(mock *server) {
    if (write(server->stop[1], "x", 1) == 1) pthread_join(server->thread, NULL);
    for (size_t i = 0; i < MOCK_CONNECTIONS; i++)
        if (server->connections[i].fd >= 0) mock_close(server, &server->connections[i]);
    for (size_t i = 0; i < server->n; i++) {
        free(server->heads[i]);
        free(server->bodies[i]);
    }
    close(server->listener);
    close(server->stop[0]);
    close(server->stop[1]);
    sem_destroy(&server->began);
    pthread_mutex_destroy(&server->lock);
}

/* An answer with n choices, "<text> 0", "<text> 1", ... */
static inline void mock_choices(mock_reply *reply, size_t n, const char *text) {
    size_t at = 0;

    at += (size_t)snprintf(reply->body, sizeof reply->body, "{\"id\":\"x\",\"choices\":[");
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(reply->body + at, sizeof reply->body - at,
                               "%s{\"index\":%zu,\"finish_reason\":\"stop\",\"message\":"
                               "{\"role\":\"assistant\",\"content\":\"%s %zu\"}}",
                               i ? "," : "", i, text, i);
    snprintf(reply->body + at, sizeof reply->body - at,
             "],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
             "\"prompt_tokens_details\":{\"cached_tokens\":4}}}",
             5 * n, 10 + 5 * n);
}

#endif
