/* SPDX-License-Identifier: MIT */
/*
 * Requests that are answered later. An optimizer or a scorer that does so has a desk, with a ticket
 * for each request it works on: work on a request that anybody else closes ends with it.
 */
#ifndef OPRO_CORE_TICKET_H
#define OPRO_CORE_TICKET_H

#include "base/mem.h"
#include "request.h"

typedef struct opro__desk opro__desk;

typedef struct opro__ticket {
    struct opro__ticket *next, *prev;
    opro__desk *desk;
    opro__watch watch;
    opro_run *run; /* NULL: nobody wants the answer any more */
    uint64_t id;
    void *work;                  /* a call, an exam; NULL: none yet                        */
    int answering;               /* the run is taking an answer: it may end all this       */
    int64_t prompt, reply, cost; /* what the run was told of; the work's figures go on     */
    opro_status unused;          /* why the run did not take an answer; OPRO_OK: it took all */
} opro__ticket;

/* What is behind a desk. */
typedef struct opro__trade {
    int (*may_end)(void *with); /* 0: no work can be ended now; its next news will end it */
    void (*end)(void *work);    /* NULL is fine */
    void (*release)(void *with);
} opro__trade;

struct opro__desk {
    opro__mem mem;
    size_t users; /* the optimizer or scorer, and tickets */
    const opro__trade *trade;
    void *with; /* the trade's */
    opro__ticket *tickets;
};

/* The desk takes with over; when this fails it stays the caller's. */
opro_status opro__desk_new(opro__desk **out, const opro__trade *trade, void *with,
                           const opro_allocator *mem);

/* All its work ends. The argument is the desk: this is the destroy function of the callback. */
void opro__desk_close(void *desk);

/* A ticket for a request, still without work. NULL: no memory. */
opro__ticket *opro__ticket_new(opro__desk *desk, opro_run *run, uint64_t id);

/* Its work is under way: from now on it ends with the request, an open one of the run. */
void opro__ticket_open(opro__ticket *ticket, opro_request *request);

/* The work is over, or never began. */
void opro__ticket_free(opro__ticket *ticket);

/* The open request; NULL: there is nothing left to answer. */
opro_request *opro__ticket_request(const opro__ticket *ticket);

/*
 * Around answers. An answer may close the request, and much else; after the end the ticket is gone
 * if that was so, or over.
 */
void opro__ticket_begin_answer(opro__ticket *ticket);
void opro__ticket_end_answer(opro__ticket *ticket, int over);

/* Tell the run what is new of these sums. Before the answer: after the last one nobody takes it. */
void opro__ticket_tell_usage(opro__ticket *ticket, int64_t prompt, int64_t reply, int64_t cost);

/* Tell it what went wrong. Words that are not UTF-8 are left out. */
void opro__ticket_tell_error(const opro__ticket *ticket, opro_status status, const char *message,
                             size_t len);

#endif
