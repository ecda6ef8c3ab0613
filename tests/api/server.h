/* SPDX-License-Identifier: MIT */
/*
 * The fault server (tests/server) as a child of the test: started, asked what it has seen, and
 * ended by closing its stdin. OPRO_SERVER in the environment is the path of fault_server.py. Who
 * includes this has included cmocka.h and its kin, and links jansson.
 */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

typedef struct server {
    pid_t pid;
    int in;        /* closing it ends the server */
    json_t *ready; /* the line that it began with */
} server;

/* In the child. The parent's ends close by themselves (O_CLOEXEC). */
static inline void server_exec(const char *path, int in, int out, int tls) {
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1)
        execlp("python3", "python3", path, tls ? "--tls" : NULL, (char *)NULL);
    _exit(127);
}

static inline void server_start(server *s, int tls) {
    const char *path = getenv("OPRO_SERVER");
    int in[2], out[2], c;
    json_error_t err;
    FILE *f;

    if (!path) fail_msg("OPRO_SERVER is not set: the path of fault_server.py");
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    fcntl(in[1], F_SETFD, FD_CLOEXEC);
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) server_exec(path, in[0], out[1], tls);
    close(in[0]);
    close(out[1]);
    s->in = in[1];
    f = fdopen(out[0], "r");
    assert_non_null(f);
    s->ready = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);
    while (s->ready && (c = fgetc(f)) != '\n' && c != EOF) /* or its print() meets a closed pipe */
        continue;
    fclose(f);
    if (!s->ready) fail_msg("%s has not started: %s", path, err.text);
}

/* It must have ended well. */
static inline void server_stop(server *s) {
    int status = -1;

    json_decref(s->ready);
    close(s->in);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    assert_int_equal(status, 0);
}

/* A port by its name: "plain", "tls", "other", ... */
static inline int server_port(const server *s, const char *name) {
    json_t *port = json_object_get(json_object_get(s->ready, "ports"), name);

    if (!port) fail_msg("the server has no port %s", name);
    return (int)json_integer_value(port);
}

/* A file by its name: "ca". Lives as long as the server. */
static inline const char *server_file(const server *s, const char *name) {
    return json_string_value(json_object_get(json_object_get(s->ready, "files"), name));
}

static inline int server_connect(const server *s) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)server_port(s, "plain")),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The answer to a control request ("/_seen/ok~1"): JSON, to be json_decref()ed. */
static inline json_t *server_ask(const server *s, const char *target) {
    static const char end[] = " HTTP/1.1\r\nConnection: close\r\n\r\n";
    int fd = server_connect(s);
    FILE *f = fdopen(fd, "r+");
    char line[512];
    json_t *found;

    assert_non_null(f);
    fprintf(f, "GET %s%s", target, end);
    fflush(f);
    do
        assert_non_null(fgets(line, sizeof line, f));
    while (strcmp(line, "\r\n") != 0);
    found = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
    fclose(f);
    if (!found) fail_msg("no answer to %s", target);
    return found;
}

#endif
