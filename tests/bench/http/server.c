/* SPDX-License-Identifier: MIT */
/*
 * server [--port P] [--delay D] [--proposals D] [--seed S] [--capped N] [--warm N] [--choices]
 *        [--tls]
 *
 * A server of chat completions with a settable delay, for benches: one thread, epoll, loopback.
 * Prints a line of JSON at start (its port, with --tls the folder of its certificates) and one at
 * the end (SIGTERM or SIGINT): what it has served. GET /_stats?slots=C&follow=F&skip=N says the
 * same at any time, with the ideal makespan over C slots (each proposal lets F others in), and the
 * figures of the delays without the first N; GET /_delays lists the delays.
 *
 *   --delay D      none, fixed:MS, lognormal:MEAN:P99
 *   --proposals D  another delay for requests with "[[proposal]]" in them
 *   --capped N     at most N requests in service, the others wait
 *   --warm N       hold the first N requests until all of them are there, then answer them at once:
 *                  connections are open before what is measured begins; they are not counted
 *   --choices      as many choices as a request's "n" says, not just one
 */
#define _GNU_SOURCE

#include "delays.h"
#include "http.h"
#include "machine.h"
#include "tls.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define REQUEST_MAX (16u << 20)

typedef struct conn {
    int fd;
    bool busy;   /* its request is held, queued, or in service: no other is taken from it */
    bool closed; /* freed when nothing refers to it any more */
    bool wants_out;
    void *session; /* TLS, or NULL */
    http_request request;
    char *in;
    size_t in_len, in_room;
    char *out; /* what could not be written at once */
    size_t out_len, out_pos;
    delays *book; /* where its delay stands, at this index */
    size_t index;
    double due;        /* end of service, in milliseconds */
    struct conn *next; /* in the queue, among the held, or among the closed */
} conn;

typedef struct queue {
    conn *first, **end;
    size_t count;
} queue;

static struct {
    int epoll, listener, timer, signals;
    tls *tls;
    delays jobs, proposals;
    bool with_proposals, choices;
    size_t cap, warm;
    conn **heap; /* in service, by due */
    size_t in_service, heap_room, most;
    double timer_at; /* what the timer is set to; 0: nothing */
    queue waiting, held, closed;
    size_t served, connections;
    double late; /* greatest lateness of a reply, in milliseconds */
} server;

static double now_ms(void) {
    return machine_now() * 1e3;
}

static void die(const char *what) {
    fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void queue_put(queue *q, conn *c) {
    if (!q->first) q->end = &q->first;
    c->next = NULL;
    *q->end = c;
    q->end = &c->next;
    q->count++;
}

static conn *queue_take(queue *q) {
    conn *c = q->first;

    if (!c) return NULL;
    q->first = c->next;
    q->count--;
    return c;
}

static void heap_put(conn *c) {
    size_t i = server.in_service++;

    if (i == server.heap_room) {
        server.heap_room = server.heap_room ? 2 * server.heap_room : 1024;
        server.heap = realloc(server.heap, server.heap_room * sizeof *server.heap);
        if (!server.heap) die("realloc");
    }
    for (; i > 0 && server.heap[(i - 1) / 2]->due > c->due; i = (i - 1) / 2)
        server.heap[i] = server.heap[(i - 1) / 2];
    server.heap[i] = c;
    if (server.in_service > server.most) server.most = server.in_service;
}

static conn *heap_take(void) {
    conn *first = server.heap[0], *last = server.heap[--server.in_service];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < server.in_service) {
        if (child + 1 < server.in_service && server.heap[child + 1]->due < server.heap[child]->due)
            child++;
        if (server.heap[child]->due >= last->due) break;
        server.heap[i] = server.heap[child];
        i = child;
    }
    server.heap[i] = last;
    return first;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void watch(conn *c, bool out) {
    struct epoll_event e = {.events = out ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};

    if (c->wants_out == out) return;
    c->wants_out = out;
    epoll_ctl(server.epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static void conn_free(conn *c) {
    tls_close(c->session);
    free(c->in);
    free(c->out);
    free(c);
}

static void conn_close(conn *c) {
    if (c->closed) return;
    c->closed = true;
    close(c->fd);
    if (!c->busy) queue_put(&server.closed, c); /* events of this round may still name it */
}

static ssize_t conn_write(conn *c, const char *text, size_t len) {
    if (c->session) return tls_write(c->session, text, len);
    return send(c->fd, text, len, MSG_NOSIGNAL);
}

/* Write what can be written, keep the rest. */
static void conn_send(conn *c, const char *text, size_t len) {
    while (len > 0 && !c->out) {
        ssize_t n = conn_write(c, text, len);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text += n;
        len -= (size_t)n;
    }
    if (len == 0) return;
    if (!c->out && errno != EAGAIN) {
        conn_close(c);
        return;
    }
    c->out = realloc(c->out, c->out_len + len);
    if (!c->out) die("realloc");
    memcpy(c->out + c->out_len, text, len);
    c->out_len += len;
    watch(c, true);
}

static void on_writable(conn *c) {
    while (c->out_pos < c->out_len) {
        ssize_t n = conn_write(c, c->out + c->out_pos, c->out_len - c->out_pos);

        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            conn_close(c);
            return;
        }
        c->out_pos += (size_t)n;
    }
    free(c->out);
    c->out = NULL;
    c->out_len = c->out_pos = 0;
    watch(c, false);
}

/* ---- service --------------------------------------------------------------------------------- */

static void serve(conn *c);

/* The request is answered: its bytes go, and the next one, if it has come already, is taken. */
static void answer(conn *c, const char *text, size_t len) {
    c->busy = false;
    if (c->closed) { /* the client has gone meanwhile */
        queue_put(&server.closed, c);
        return;
    }
    memmove(c->in, c->in + c->request.len, c->in_len - c->request.len);
    c->in_len -= c->request.len;
    conn_send(c, text, len);
}

static void answer_completion(conn *c) {
    size_t len;
    const char *text = http_completion(server.choices ? c->request.choices : 1, &len);

    server.served++;
    answer(c, text, len);
}

static void begin(conn *c) {
    bool proposal = server.with_proposals && c->request.proposal;
    double delay;

    c->book = proposal ? &server.proposals : &server.jobs;
    c->index = c->book->count;
    delay = delays_next(c->book);
    if (delay > 0) {
        c->due = now_ms() + delay;
        heap_put(c);
        return;
    }
    if (server.in_service + 1 > server.most) server.most = server.in_service + 1;
    answer_completion(c);
}

static void release_held(void) {
    conn *c;
    size_t len;

    server.warm = 0;
    while ((c = queue_take(&server.held))) {
        const char *text = http_completion(1, &len);

        answer(c, text, len);
    }
}

static void on_completion(conn *c) {
    c->busy = true;
    if (server.warm > 0) {
        queue_put(&server.held, c);
        if (server.held.count == server.warm) release_held();
    } else if (server.cap && server.in_service >= server.cap) {
        queue_put(&server.waiting, c);
    } else {
        begin(c);
    }
}

static void expire(void) {
    double now = now_ms();

    while (server.in_service && server.heap[0]->due <= now) {
        conn *c = heap_take(), *next = queue_take(&server.waiting);

        c->book->ms[c->index] += now - c->due; /* what it was in truth */
        if (now - c->due > server.late) server.late = now - c->due;
        if (next) begin(next);
        answer_completion(c);
        serve(c);
        now = now_ms();
    }
}

static void set_timer(void) {
    double at = server.in_service ? server.heap[0]->due : 0;
    struct itimerspec t = {.it_value = {.tv_sec = (time_t)(at / 1e3)}};

    if (at == server.timer_at) return;
    server.timer_at = at;
    t.it_value.tv_nsec = (long)((at - (double)t.it_value.tv_sec * 1e3) * 1e6);
    timerfd_settime(server.timer, TFD_TIMER_ABSTIME, &t, NULL);
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void write_stats(FILE *to, size_t slots, size_t follow, size_t skip) {
    const delays *d = &server.jobs;

    fprintf(to, "{\"served\":%zu,\"connections\":%zu,\"most_in_service\":%zu,", server.served,
            server.connections, server.most);
    fprintf(to, "\"late_ms\":%.3f,\"delays\":%zu,\"proposals\":%zu,", server.late, d->count,
            server.proposals.count);
    delays_write_figures(to, d, skip);
    if (slots) fprintf(to, ",\"ideal_s\":%.6f", delays_ideal(d, &server.proposals, follow, slots));
    fputs("}\n", to);
}

static void write_delays(FILE *to) {
    fputc('{', to);
    delays_write(to, "delays", &server.jobs);
    fputc(',', to);
    delays_write(to, "proposals", &server.proposals);
    fputs("}\n", to);
}

static void on_control(conn *c) {
    char *body = NULL, *text;
    size_t len;
    FILE *to = open_memstream(&body, &len);

    if (!to) die("open_memstream");
    if (c->request.kind == HTTP_STATS)
        write_stats(to, c->request.slots, c->request.follow, c->request.skip);
    if (c->request.kind == HTTP_DELAYS) write_delays(to);
    if (c->request.kind == HTTP_UNKNOWN) fputs("{\"error\":{\"message\":\"no such path\"}}", to);
    fclose(to);
    text = http_reply(c->request.kind == HTTP_UNKNOWN ? "404 Not Found" : "200 OK", body, &len);
    answer(c, text, len);
    free(text);
    free(body);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void serve(conn *c) {
    while (!c->closed && !c->busy && c->in_len > 0) {
        int whole = http_parse(&c->request, c->in, c->in_len);

        if (whole < 0 || c->request.len > REQUEST_MAX) {
            conn_close(c);
            return;
        }
        if (whole == 0) {
            if (c->request.expect && c->in_len == c->request.head)
                conn_send(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
            return;
        }
        if (c->request.kind == HTTP_COMPLETION)
            on_completion(c);
        else
            on_control(c);
    }
}

static void on_readable(conn *c) {
    for (;;) {
        size_t room = c->in_room - c->in_len;
        ssize_t n;

        if (room < 2048) {
            c->in_room = c->in_room ? 2 * c->in_room : 8192;
            c->in = realloc(c->in, c->in_room);
            if (!c->in) die("realloc");
            continue;
        }
        n = c->session ? tls_read(c->session, c->in + c->in_len, room)
                       : recv(c->fd, c->in + c->in_len, room, 0);
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0 || c->in_len > 2 * REQUEST_MAX) {
            conn_close(c);
            return;
        }
        c->in_len += (size_t)n;
        if (!c->session && (size_t)n < room) break;
    }
    serve(c);
}

static void on_connections(void) {
    for (;;) {
        int one = 1, fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        conn *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

        if (fd < 0 && errno == EMFILE) die("accept");
        if (!c) return;
        c->fd = fd;
        c->session = server.tls ? tls_open(server.tls, fd) : NULL;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &e) != 0) die("epoll_ctl");
        server.connections++;
    }
}

static void on_event(const struct epoll_event *e) {
    conn *c = e->data.ptr;
    uint64_t ticks;

    if (e->data.ptr == &server.listener) {
        on_connections();
    } else if (e->data.ptr == &server.timer) {
        if (read(server.timer, &ticks, sizeof ticks) > 0) server.timer_at = 0;
    } else {
        if (!c->closed && e->events & EPOLLOUT) on_writable(c);
        if (!c->closed && e->events & ~(uint32_t)EPOLLOUT) on_readable(c);
    }
}

static void loop(void) {
    struct epoll_event events[512];

    for (;;) {
        int n = epoll_wait(server.epoll, events, 512, -1);
        conn *c;

        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &server.signals) return;
            on_event(&events[i]);
        }
        expire();
        set_timer();
        while ((c = queue_take(&server.closed)))
            conn_free(c);
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

static void add(int fd, void *data) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = data};

    if (fd < 0 || epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &e) != 0) die("epoll_ctl");
}

static void start(uint16_t port) {
    sigset_t ends;

    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it shall not outlive a bench that was killed */
    machine_files();
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    server.listener = machine_listen(&port);
    if (server.listener < 0) die("no port");
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    server.signals = signalfd(-1, &ends, SFD_CLOEXEC);
    add(server.listener, &server.listener);
    add(server.timer, &server.timer);
    add(server.signals, &server.signals);
    printf("{\"port\":%d", port);
    if (server.tls)
        printf(",\"folder\":\"%s\",\"certificates\":%d", tls_folder(server.tls),
               tls_certificates(server.tls));
    puts("}");
    fflush(stdout);
}

static void need(bool fine, const char *option) {
    if (fine) return;
    fprintf(stderr, "server: what is %s to be?\n", option);
    exit(2);
}

static uint16_t options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", 1, NULL, 'p'},    {"delay", 1, NULL, 'd'},  {"proposals", 1, NULL, 'r'},
        {"seed", 1, NULL, 's'},    {"capped", 1, NULL, 'c'}, {"warm", 1, NULL, 'w'},
        {"choices", 0, NULL, 'n'}, {"tls", 0, NULL, 't'},    {NULL, 0, NULL, 0},
    };
    long port = 0;
    int o;

    server.jobs.seed = 4;
    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (o == 'p') port = strtol(optarg, NULL, 10);
        need(port >= 0 && port <= 65535, "--port");
        if (o == 'd') need(distribution_parse(&server.jobs.what, optarg) == 0, "--delay");
        if (o == 'r') {
            need(distribution_parse(&server.proposals.what, optarg) == 0, "--proposals");
            server.with_proposals = true;
        }
        if (o == 's') server.jobs.seed = strtoul(optarg, NULL, 10);
        if (o == 'c') server.cap = strtoul(optarg, NULL, 10);
        if (o == 'w') server.warm = strtoul(optarg, NULL, 10);
        if (o == 'n') server.choices = true;
        if (o == 't') need((server.tls = tls_new()) != NULL, "--tls");
        if (o == '?') exit(2);
    }
    server.proposals.seed = server.jobs.seed + 1000003;
    return (uint16_t)port;
}

int main(int argc, char **argv) {
    start(options(argc, argv));
    loop();
    write_stats(stdout, 0, 0, 0);
    delays_free(&server.jobs);
    delays_free(&server.proposals);
    http_free();
    tls_free(server.tls);
    free(server.heap);
    return 0;
}
