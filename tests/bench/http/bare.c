/* SPDX-License-Identifier: MIT */
/*
 * Bare libcurl loops with nothing of ours, to compare ours with: a fixed body of 2 KB, replies
 * read with jansson. contender.h has the command line. Modes:
 *
 *   poll  curl_multi_perform() and curl_multi_poll()
 *   sal   curl_multi_socket_action() and epoll, which is told only of changes that matter: a
 *         connection that is idle between two requests stays in the set; -m multi handles
 */
#define _GNU_SOURCE

#include "contender.h"
#include "machine.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_ONCE 1e-9

typedef struct group {
    CURLM *multi;
    double timer; /* when libcurl wants to be called; 0: not */
} group;

typedef struct slot {
    CURL *easy;
    group *group;
    double began;
    char *reply;
    size_t len, room;
} slot;

/* A socket by its number: what libcurl wants to hear of it, and what epoll was told. */
typedef struct watched {
    group *group;
    uint32_t wanted, told;
} watched;

static struct {
    contender c;
    group *groups;
    slot *slots;
    watched *sockets;
    size_t sockets_room;
    int epoll;
    size_t to_start, open; /* of the phase that is under way */
    bool counts;           /* it is not the warm-up */
    char body[2048];
    struct curl_slist *headers;
} bare;

static void die(const char *what) {
    fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void make_body(void) {
    static const char begin[] =
        "{\"model\":\"bench\",\"messages\":[{\"role\":\"user\",\"content\":\"";
    static const char end[] = "\"}],\"temperature\":0,\"max_tokens\":1024}";
    size_t fill = sizeof bare.body - sizeof begin - sizeof end + 1;

    memcpy(bare.body, begin, sizeof begin - 1);
    for (size_t i = 0; i < fill; i++)
        bare.body[sizeof begin - 1 + i] = "Work through the case in small steps. "[i % 38];
    memcpy(bare.body + sizeof begin - 1 + fill, end, sizeof end);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data) {
    slot *s = data;

    if (s->len + n > s->room) {
        s->room = 2 * (s->len + n);
        s->reply = realloc(s->reply, s->room);
        if (!s->reply) die("out of memory");
    }
    memcpy(s->reply + s->len, bytes, n);
    s->len += n;
    return n * size;
}

static int on_close(void *data, curl_socket_t fd) {
    (void)data;
    if ((size_t)fd < bare.sockets_room) bare.sockets[fd].told = bare.sockets[fd].wanted = 0;
    return close(fd);
}

static void slot_init(slot *s, group *g) {
    const contender *c = &bare.c;
    CURL *e = curl_easy_init();

    if (!e) die("curl_easy_init");
    s->easy = e;
    s->group = g;
    curl_easy_setopt(e, CURLOPT_URL, c->url);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                     c->h2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
    if (c->h2) curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, bare.body);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)strlen(bare.body));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, bare.headers);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(e, CURLOPT_PRIVATE, s);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    if (c->ca) curl_easy_setopt(e, CURLOPT_CAINFO, c->ca);
    if (!c->defaults) curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
}

static void slot_start(slot *s) {
    s->len = 0;
    s->began = machine_now();
    bare.to_start--;
    bare.open++;
    if (curl_multi_add_handle(s->group->multi, s->easy) != CURLM_OK) die("curl_multi_add_handle");
}

/* Does the reply have a text and a usage? */
static bool reply_fine(const slot *s) {
    json_t *root = json_loadb(s->reply, s->len, 0, NULL);
    json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    json_t *text = json_object_get(json_object_get(choice, "message"), "content");
    json_t *usage = json_object_get(root, "usage");
    bool fine = json_string_length(text) > 0 &&
                json_integer_value(json_object_get(usage, "prompt_tokens")) > 0 &&
                json_integer_value(json_object_get(usage, "completion_tokens")) > 0;

    json_decref(root);
    return fine;
}

/* Those that are done make room for the next ones. */
static void collect(group *g) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(g->multi, &left))) {
        CURL *e = message->easy_handle;
        CURLcode result = message->data.result;
        long status = 0;
        slot *s = NULL;
        bool fine;

        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(e, CURLINFO_PRIVATE, &s);
        curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(g->multi, e);
        fine = result == CURLE_OK && status == 200 && reply_fine(s);
        if (!fine) fprintf(stderr, "bare: %s, status %ld\n", curl_easy_strerror(result), status);
        if (bare.counts) contender_done(&bare.c, s->began, fine);
        bare.open--;
        if (bare.to_start > 0) slot_start(s);
    }
}

/* ---- poll ------------------------------------------------------------------------------------ */

static void loop_poll(void) {
    CURLM *multi = bare.groups[0].multi;
    int running;

    while (bare.open > 0) {
        if (curl_multi_perform(multi, &running) != CURLM_OK) die("curl_multi_perform");
        collect(&bare.groups[0]);
        if (bare.open > 0) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

/* ---- sal ------------------------------------------------------------------------------------- */

static watched *socket_at(curl_socket_t fd) {
    size_t room = bare.sockets_room, index = (size_t)fd;

    if (index >= room) {
        while (index >= room)
            room = room ? 2 * room : 1024;
        bare.sockets = realloc(bare.sockets, room * sizeof *bare.sockets);
        if (!bare.sockets) die("out of memory");
        memset(bare.sockets + bare.sockets_room, 0,
               (room - bare.sockets_room) * sizeof *bare.sockets);
        bare.sockets_room = room;
    }
    return &bare.sockets[index];
}

static void tell_epoll(curl_socket_t fd, watched *w, uint32_t events) {
    struct epoll_event e = {.events = events, .data.fd = fd};
    int what = !events ? EPOLL_CTL_DEL : w->told ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    w->told = events;
    if (epoll_ctl(bare.epoll, what, fd, &e) != 0) die(strerror(errno));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data) {
    watched *w = socket_at(fd);

    (void)easy;
    (void)socket_data;
    w->group = data;
    w->wanted = what == CURL_POLL_IN      ? EPOLLIN
                : what == CURL_POLL_OUT   ? EPOLLOUT
                : what == CURL_POLL_INOUT ? EPOLLIN | EPOLLOUT
                                          : 0;
    /* The next request on this connection wants the same again: leave it. */
    if (w->wanted && w->wanted != w->told) tell_epoll(fd, w, w->wanted);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *data) {
    group *g = data;

    (void)multi;
    g->timer = timeout_ms < 0    ? 0
               : timeout_ms == 0 ? AT_ONCE
                                 : machine_now() + (double)timeout_ms / 1e3;
    return 0;
}

static void act(group *g, curl_socket_t fd, int mask) {
    int running;

    if (curl_multi_socket_action(g->multi, fd, mask, &running) != CURLM_OK)
        die("curl_multi_socket_action");
}

/* Timers that are due; returns how long, in milliseconds, to wait for the next, -1: for ever. */
static int run_timers(void) {
    double now = machine_now(), first = 0;

    for (size_t i = 0; i < bare.c.multis; i++) {
        group *g = &bare.groups[i];

        while (g->timer > 0 && g->timer <= now) {
            g->timer = 0;
            act(g, CURL_SOCKET_TIMEOUT, 0);
            collect(g);
        }
        if (g->timer > 0 && (first == 0 || g->timer < first)) first = g->timer;
    }
    return first == 0 ? -1 : (int)ceil((first - now) * 1e3);
}

static void on_event(const struct epoll_event *e) {
    curl_socket_t fd = e->data.fd;
    watched *w = socket_at(fd);
    int mask = 0;

    if (!w->told) return; /* closed in this round */
    if (!w->wanted) {     /* idle: the server has closed it */
        tell_epoll(fd, w, 0);
        return;
    }
    if (e->events & EPOLLIN) mask |= CURL_CSELECT_IN;
    if (e->events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
    if (e->events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
    act(w->group, fd, mask);
    collect(w->group);
}

static void loop_sal(void) {
    struct epoll_event events[256];

    while (bare.open > 0) {
        int timeout = run_timers();
        int n = bare.open > 0 ? epoll_wait(bare.epoll, events, 256, timeout) : 0;

        for (int i = 0; i < n; i++)
            on_event(&events[i]);
    }
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void phase(size_t requests, void (*loop)(void)) {
    bare.to_start = requests;
    for (size_t i = 0; i < bare.c.in_flight && bare.to_start > 0; i++)
        slot_start(&bare.slots[i]);
    loop();
}

static void set_up(void) {
    const contender *c = &bare.c;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    make_body();
    bare.headers = curl_slist_append(NULL, "Content-Type: application/json");
    bare.headers = curl_slist_append(bare.headers, "Accept: application/json");
    bare.headers = curl_slist_append(bare.headers, "Authorization: Bearer sk-bench");
    bare.headers = curl_slist_append(bare.headers, "Expect:");
    bare.epoll = epoll_create1(EPOLL_CLOEXEC);
    bare.groups = calloc(c->multis, sizeof *bare.groups);
    bare.slots = calloc(c->in_flight, sizeof *bare.slots);
    if (!bare.headers || bare.epoll < 0 || !bare.groups || !bare.slots) die("out of memory");
    for (size_t i = 0; i < c->multis; i++) {
        CURLM *multi = bare.groups[i].multi = curl_multi_init();

        if (!multi) die("curl_multi_init");
        /* By default four for each handle that is inside: idle ones would go between phases. */
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)c->in_flight);
        if (c->h2) curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 16L);
        if (strcmp(c->mode, "poll") == 0) continue;
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, &bare.groups[i]);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &bare.groups[i]);
    }
}

static void tear_down(void) {
    for (size_t i = 0; i < bare.c.in_flight; i++) {
        curl_easy_cleanup(bare.slots[i].easy);
        free(bare.slots[i].reply);
    }
    for (size_t i = 0; i < bare.c.multis; i++)
        curl_multi_cleanup(bare.groups[i].multi);
    curl_slist_free_all(bare.headers);
    free(bare.groups);
    free(bare.slots);
    free(bare.sockets);
    close(bare.epoll);
    curl_global_cleanup();
}

int main(int argc, char **argv) {
    void (*loop)(void) = NULL;
    int status;

    contender_init(&bare.c, argc, argv);
    if (strcmp(bare.c.mode, "sal") == 0) loop = loop_sal;
    if (strcmp(bare.c.mode, "poll") == 0 && bare.c.multis == 1) loop = loop_poll;
    if (!loop) die("the modes are poll, with one multi handle, and sal");
    set_up();
    contender_ready(&bare.c);
    for (size_t i = 0; i < bare.c.in_flight; i++)
        slot_init(&bare.slots[i], &bare.groups[i % bare.c.multis]);
    if (bare.c.warm) phase(bare.c.in_flight, loop);
    bare.counts = true;
    contender_begin(&bare.c);
    phase(bare.c.requests, loop);
    status = contender_end(&bare.c, "bare");
    tear_down();
    return status;
}
