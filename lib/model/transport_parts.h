/* SPDX-License-Identifier: MIT */
/* What the files of the transport share. */
#ifndef OPRO_MODEL_TRANSPORT_PARTS_H
#define OPRO_MODEL_TRANSPORT_PARTS_H

#include <signal.h>

#include "transport.h"

enum {
    /* Exchanges for each multi handle: its work grows with them; each reads certificates anew. */
    OPRO__MULTI_LOAD = 128,
    OPRO__MULTI_LOAD_TLS = 256,
    OPRO__MULTI_LOAD_STREAMS = 1600, /* HTTP/2: as many as its connections carry at once */
    OPRO__DNS_SECONDS = 60,          /* how long a name that was looked up is known             */
    OPRO__RECEIVE_BYTES = 3072,      /* of libcurl's buffer, one for each exchange under way    */
    OPRO__HOST_STREAMS = 16,         /* connections of a multi handle, each for many exchanges  */
    /* Seconds after which a connection is not used again: servers close them, small ones soon. */
    OPRO__KEEP_LOCAL = 4,
    OPRO__KEEP = 118
};

/* A multi handle of libcurl's. */
typedef struct opro__multi {
    opro__transport *transport;
    CURLM *handle;
    size_t in_flight;
    int64_t due;  /* when libcurl wants to be called; INT64_MAX: it does not               */
    int64_t over; /* when its connections are of no use any more; INT64_MAX: not known yet */
    int retired;  /* for other settings, broken, or over: nothing new starts here          */
} opro__multi;

/*
 * A socket, found by its descriptor. Between two requests on a connection libcurl wants nothing of
 * it; the kernel is not told, since the next request wants the same again.
 */
typedef struct opro__socket {
    opro__multi *multi;
    uint32_t generation; /* tells its events from those of an earlier one with its number */
    uint8_t wanted;      /* OPRO_POLL_... that libcurl wants                              */
    uint8_t watched;     /* OPRO_POLL_... that epoll or the watch function were told      */
    uint8_t ours;        /* opened by us: we hear when it is closed                       */
} opro__socket;

typedef struct opro__exchange_list {
    opro__exchange *first, *last;
} opro__exchange_list;

struct opro__transport {
    opro__mem *mem;
    int epoll, wake;
    CURLSH *share; /* names that were looked up, for all multi handles */
    opro__watch_fn watch;
    void *watch_ctx;
    opro__transport_settings settings; /* its texts are ours */
    unsigned generation;               /* of the settings    */
    opro__multi **multis;
    size_t n_multis, cap_multis;
    size_t n_retired;
    opro__socket *sockets; /* [n_sockets], by descriptor */
    size_t n_sockets;
    CURL **easies; /* without work; all have the present settings */
    size_t n_easies, cap_easies;
    opro__exchange_list starting; /* under way, request not sent yet              */
    opro__exchange_list waiting;  /* sent, in the order in which they last moved  */
    opro__exchange_list finished;
    size_t in_flight;
    opro__exchange *scout; /* may be about to look up the name */
    int64_t now;           /* when the present work began      */
    int64_t looked_up_at;  /* when the last look-up began      */
    int64_t known_until;   /* names need no look-up until then */
    int tls;               /* some connection may write by way of a TLS library          */
    int doomed;            /* some exchange under way has to end (opro__exchange.doomed) */
    int one_each;          /* the endpoint was asked for HTTP/2, and speaks 1.1          */
    int woken;
};

/* ---- transport.c ---- */

void opro__exchange_append(opro__exchange_list *list, opro__exchange *exchange);
void opro__exchange_unlink(opro__exchange *exchange);

/*
 * libcurl has done with an exchange, or has to be: take it out, and put it where
 * opro__transport_finished() finds it. Not in callbacks of libcurl's.
 */
void opro__exchange_finish(opro__transport *transport, opro__exchange *exchange, int code);

/* Bytes came for it. */
void opro__exchange_moved(opro__exchange *exchange);

/* In callbacks: it is to end with this code as soon as libcurl has returned. */
void opro__exchange_doom(opro__transport *transport, opro__exchange *exchange, int met, int code,
                         const char *why);

/* How long a connection without work is kept, in ms. */
int64_t opro__multi_keep(const opro__transport *transport);

/* Nothing new starts in it. */
void opro__multi_retire(opro__multi *multi);

/* Multi handles that are retired and have nothing under way go. */
void opro__multi_sweep(opro__transport *transport);

/* ---- transport_easy.c ---- */

/*
 * A handle with all options that are the same for every exchange, from the store or made anew.
 * NULL: see *st, and detail.
 */
CURL *opro__easy_take(opro__transport *transport, opro_status *st, char detail[CURL_ERROR_SIZE]);
CURL *opro__easy_make(opro__transport *transport, opro_status *st, char detail[CURL_ERROR_SIZE]);

/* All that is an exchange's own. */
opro_status opro__easy_load(CURL *easy, opro__exchange *exchange);

/* To the store, if it is of use for others. */
void opro__easy_give(opro__transport *transport, CURL *easy, int useful);
void opro__easy_clear(opro__transport *transport);

/* ---- transport_receive.c: callbacks of libcurl's ---- */

size_t opro__receive_body(char *data, size_t size, size_t n, void *exchange);
size_t opro__receive_header(char *data, size_t size, size_t n, void *exchange);

/* It has a connection, and its request goes out now. */
int opro__receive_turn(void *exchange, char *to_ip, char *from_ip, int to_port, int from_port);

/* ---- transport_loop.c ---- */

/* Callbacks of libcurl's. */
int opro__loop_socket(CURL *easy, curl_socket_t fd, int what, void *multi, void *unused);
int opro__loop_timer(CURLM *handle, long timeout_ms, void *multi);
int opro__loop_look_up(void *resolver, void *reserved, void *transport);
curl_socket_t opro__loop_open(void *transport, curlsocktype purpose, struct curl_sockaddr *address);
int opro__loop_close(void *transport, curl_socket_t fd);

/* Nobody is to watch any socket any more. */
void opro__loop_forget(opro__transport *transport);

/* ---- transport_pipe.c ---- */

/*
 * A TLS library may write to a connection that the other end has closed, and the signal for that
 * kills programs that do not expect it. Around calls that may do so it is blocked for this thread;
 * the handler of the process stays what it is.
 */
typedef struct opro__pipe {
    int blocked; /* by us */
    sigset_t before;
} opro__pipe;

void opro__pipe_hold(opro__pipe *pipe, const opro__transport *transport);
void opro__pipe_release(opro__pipe *pipe);

#endif
