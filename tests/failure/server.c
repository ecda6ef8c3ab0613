/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "server.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "play.h"

#ifndef HAVE_HTTP

void server_prepare(void) {
}

void server_start(void) {
}

void server_stop(void) {
}

#else

#include <curl/curl.h>
#include <jansson.h>

enum { CONNECTIONS = 32, MOST = 1 << 20 /* bytes of a request */ };

static char url[64], nowhere[64];
static pid_t server;
static int stop;

const char *server_url(void) {
    return url;
}

const char *server_nowhere(void) {
    return nowhere;
}

void server_prepare(void) {
    json_set_alloc_funcs(memory_alloc, memory_free);
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_alloc, memory_free, memory_realloc,
                             memory_strdup, memory_calloc))
        wrong("libcurl does not begin");
}

/* ---- what it says ---------------------------------------------------------------------------- */

typedef struct answer {
    int status;
    char body[8192];
    size_t len;
} answer;

static void add(answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(answer *a, const char *format, ...) {
    va_list args;

    va_start(args, format);
    a->len += (size_t)vsnprintf(a->body + a->len, sizeof a->body - a->len, format, args);
    va_end(args);
}

/* Of the text that is wanted, without what stands in every body. */
static void words(const char *body, size_t i, char text[128]) {
    const char *item = strstr(body, "item ");
    uint32_t h = 2166136261u;

    for (const char *s = body; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    if (strstr(body, "right answer"))
        strcpy(text, "yes");
    else if (item && !strstr(body, "<INS>"))
        snprintf(text, 128, "The answer is %ld.", atol(item + 5) + (h % 5 == 0));
    else
        snprintf(text, 128, "<INS>idea %x %d</INS>", (unsigned)h, (int)i);
}

static void say_chat(answer *a, const char *body) {
    const char *n = strstr(body, "\"n\":");
    size_t count = n ? (size_t)atol(n + 4) : 1;
    char text[128];

    add(a, "{\"id\":\"x\",\"choices\":[");
    for (size_t i = 0; i < count; i++) {
        words(body, i, text);
        add(a,
            "%s{\"index\":%zu,\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\","
            "\"content\":\"%s\",\"reasoning_content\":\"because\"}}",
            i ? "," : "", i, text);
    }
    add(a, "],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,"
           "\"prompt_tokens_details\":{\"cached_tokens\":4}}}");
}

static void say(answer *a, const char *path, const char *body) {
    char text[128];

    a->status = 200;
    words(body, 0, text);
    if (strstr(body, "please fail") ||
        (strstr(body, "old style") && !strstr(body, "max_completion_tokens"))) {
        a->status = 400;
        add(a, "{\"error\":{\"message\":\"no\",\"param\":\"%s\",\"code\":\"%s\"}}",
            strstr(body, "please fail") ? "messages" : "max_tokens",
            strstr(body, "please fail") ? "bad" : "unsupported_parameter");
    } else if (strstr(path, "/chat/completions")) {
        say_chat(a, body);
    } else if (strstr(path, "/completions")) {
        add(a,
            "{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"text\":\"%s\"}],"
            "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}",
            text);
    } else if (strstr(path, "/responses")) {
        add(a,
            "{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
            "\"content\":[{\"type\":\"output_text\",\"text\":\"%s\"}]}],"
            "\"usage\":{\"input_tokens\":10,\"output_tokens\":5}}",
            text);
    } else if (strstr(path, "/messages")) {
        add(a,
            "{\"type\":\"message\",\"role\":\"assistant\",\"stop_reason\":\"end_turn\","
            "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],"
            "\"usage\":{\"input_tokens\":10,\"output_tokens\":5}}",
            text);
    } else if (strstr(path, ":generateContent")) {
        add(a,
            "{\"candidates\":[{\"finishReason\":\"STOP\",\"content\":{\"role\":\"model\","
            "\"parts\":[{\"text\":\"%s\"}]}}],"
            "\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":5}}",
            text);
    } else {
        a->status = 404;
        add(a, "{\"error\":{\"message\":\"no such path\"}}");
    }
}

/* ---- how it is reached ----------------------------------------------------------------------- */

static struct connection {
    int fd;
    size_t len;
    char *in;
} connections[CONNECTIONS];

static void hang_up(struct connection *c) {
    close(c->fd);
    c->fd = -1;
    c->len = 0;
}

static void respond(struct connection *c, const char *path, const char *body) {
    char head[256];
    answer *a = calloc(1, sizeof *a);
    int n;

    say(a, path, body);
    n = snprintf(head, sizeof head,
                 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nx-request-id: r-1\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 a->status, a->len);
    if (send(c->fd, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE) != n ||
        send(c->fd, a->body, a->len, MSG_NOSIGNAL) != (ssize_t)a->len)
        hang_up(c);
    free(a);
}

/* Whole requests, one after the other. */
static void receive(struct connection *c) {
    ssize_t n;

    if (!c->in) c->in = malloc(MOST + 1);
    n = recv(c->fd, c->in + c->len, MOST - c->len, 0);
    if (n <= 0) {
        hang_up(c);
        return;
    }
    c->len += (size_t)n;
    if (c->in[0] == 0x16) hang_up(c); /* it wants TLS */
    while (c->fd >= 0) {
        char *end, *length, *path, *space, body_end;
        size_t head, body;

        c->in[c->len] = '\0';
        end = strstr(c->in, "\r\n\r\n");
        if (!end) return;
        head = (size_t)(end - c->in) + 4;
        length = strcasestr(c->in, "content-length:");
        body = length && length < end ? (size_t)atol(length + 15) : 0;
        if (c->len < head + body) return;
        path = strchr(c->in, ' ');
        space = path ? strchr(path + 1, ' ') : NULL;
        if (!space || space > end) {
            hang_up(c);
            return;
        }
        *space = '\0';
        body_end = c->in[head + body];
        c->in[head + body] = '\0';
        respond(c, path + 1, c->in + head);
        c->in[head + body] = body_end;
        if (c->fd < 0) return;
        c->len -= head + body;
        memmove(c->in, c->in + head + body, c->len);
    }
}

static void accept_one(int listener) {
    int fd = accept(listener, NULL, NULL);

    for (size_t i = 0; i < CONNECTIONS && fd >= 0; i++)
        if (connections[i].fd < 0) {
            connections[i].fd = fd;
            return;
        }
    if (fd >= 0) close(fd);
}

/* Until the other end of the pipe is closed. */
static _Noreturn void serve(int listener, int until) {
    for (size_t i = 0; i < CONNECTIONS; i++)
        connections[i].fd = -1;
    for (;;) {
        struct pollfd fds[CONNECTIONS + 2] = {{listener, POLLIN, 0}, {until, POLLIN, 0}};

        for (size_t i = 0; i < CONNECTIONS; i++)
            fds[i + 2] = (struct pollfd){connections[i].fd, POLLIN, 0};
        poll(fds, CONNECTIONS + 2, -1);
        if (fds[1].revents) _exit(0);
        for (size_t i = 0; i < CONNECTIONS; i++)
            if (fds[i + 2].revents) receive(&connections[i]);
        if (fds[0].revents) accept_one(listener);
    }
}

/* A socket on loopback with a port of its own, and its URL. */
static int make_socket(char *text, size_t size) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(text, size, "http://127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

void server_start(void) {
    int listener = make_socket(url, sizeof url), both[2];

    make_socket(nowhere, sizeof nowhere); /* bound, and nobody listens: it stays refused */
    CHECK(listen(listener, CONNECTIONS) == 0 && pipe(both) == 0);
    fflush(stdout);
    server = fork();
    CHECK(server >= 0);
    if (server == 0) {
        close(both[1]);
        serve(listener, both[0]);
    }
    close(listener);
    close(both[0]);
    stop = both[1];
}

void server_stop(void) {
    close(stop);
    while (waitpid(server, NULL, 0) < 0)
        continue;
}

#endif
