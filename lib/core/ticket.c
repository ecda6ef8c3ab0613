/* SPDX-License-Identifier: MIT */
#include "ticket.h"

#include "run.h"

/* ---- desks ----------------------------------------------------------------------------------- */

opro_status opro__desk_new(opro__desk **out, const opro__trade *trade, void *with,
                           const opro_allocator *mem) {
    opro__mem own;
    opro__desk *desk;
    opro_status st = opro__mem_init(&own, mem);

    if (st != OPRO_OK) return st;
    desk = opro__calloc(&own, 1, sizeof *desk);
    if (!desk) return OPRO_ERR_NOMEM;
    desk->mem = own;
    desk->users = 1;
    desk->trade = trade;
    desk->with = with;
    *out = desk;
    return OPRO_OK;
}

static void release(opro__desk *desk) {
    opro__mem mem;

    if (--desk->users) return;
    desk->trade->release(desk->with);
    mem = desk->mem;
    opro__free(&mem, desk);
}

/* Nobody wants the answer. Where the work cannot be ended now, its next news will do it. */
static void cancel(void *ctx) {
    opro__ticket *ticket = ctx;
    const opro__desk *desk = ticket->desk;

    opro__watch_off(&ticket->watch);
    ticket->run = NULL;
    if (!ticket->answering && desk->trade->may_end(desk->with)) opro__ticket_free(ticket);
}

void opro__desk_close(void *user_data) {
    opro__desk *desk = user_data;

    for (opro__ticket *t = desk->tickets, *next; t; t = next) {
        next = t->next;
        cancel(t);
    }
    release(desk);
}

/* ---- tickets --------------------------------------------------------------------------------- */

opro__ticket *opro__ticket_new(opro__desk *desk, opro_run *run, uint64_t id) {
    opro__ticket *ticket = opro__calloc(&desk->mem, 1, sizeof *ticket);

    if (!ticket) return NULL;
    ticket->desk = desk;
    ticket->run = run;
    ticket->id = id;
    desk->users++;
    ticket->next = desk->tickets;
    if (ticket->next) ticket->next->prev = ticket;
    desk->tickets = ticket;
    return ticket;
}

void opro__ticket_open(opro__ticket *ticket, opro_request *request) {
    opro__request_watch(request, &ticket->watch, cancel, ticket);
}

void opro__ticket_free(opro__ticket *ticket) {
    opro__desk *desk = ticket->desk;

    if (ticket->prev) ticket->prev->next = ticket->next;
    if (!ticket->prev) desk->tickets = ticket->next;
    if (ticket->next) ticket->next->prev = ticket->prev;
    opro__watch_off(&ticket->watch);
    desk->trade->end(ticket->work);
    opro__free(&desk->mem, ticket);
    release(desk);
}

/* ---- answers --------------------------------------------------------------------------------- */

opro_request *opro__ticket_request(const opro__ticket *ticket) {
    return ticket->run ? opro__run_find(ticket->run, ticket->id) : NULL;
}

void opro__ticket_begin_answer(opro__ticket *ticket) {
    opro__watch_off(&ticket->watch); /* an answer may close the request, and that is no news */
    ticket->answering = 1;
}

void opro__ticket_end_answer(opro__ticket *ticket, int over) {
    opro_request *request = opro__ticket_request(ticket);

    ticket->answering = 0;
    if (request && !over)
        opro__ticket_open(ticket, request);
    else
        opro__ticket_free(ticket);
}

void opro__ticket_tell_usage(opro__ticket *ticket, int64_t prompt, int64_t reply, int64_t cost) {
    if (!ticket->run) return;
    if (prompt == ticket->prompt && reply == ticket->reply && cost == ticket->cost) return;
    opro_run_answer_usage(ticket->run, ticket->id, prompt - ticket->prompt, reply - ticket->reply,
                          cost - ticket->cost);
    ticket->prompt = prompt;
    ticket->reply = reply;
    ticket->cost = cost;
}

void opro__ticket_tell_error(const opro__ticket *ticket, opro_status status, const char *message,
                             size_t len) {
    if (opro_run_answer_error(ticket->run, ticket->id, status, message, len) == OPRO_ERR_INVALID)
        opro_run_answer_error(ticket->run, ticket->id, status, "", 0);
}
