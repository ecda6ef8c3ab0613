/* SPDX-License-Identifier: MIT */
/*
 * The client. A call becomes legs: a leg is a range of samples of one call, and while it is sent,
 * one HTTP request. Legs wait in a queue of our own, so that libcurl's time-outs count transfers
 * only.
 *
 * Floors of the room, from the top down:
 *   model_optimizer.c   the optimizer "model"
 *   engine.c            what the rooms above need beside public functions
 *   drive.c             poll, socket and timer functions; callbacks of calls
 *   model.c             making, freeing, asking about a client
 *   settings.c, headers.c, members.c, model_env.c    what it is told
 *   prepare.c           what sending needs, made from that
 *   call.c              calls: what they ask, what came of them
 *   schedule.c          which leg is sent next, and when
 *   outcome.c           what came of a leg
 *   leg.c               one leg: sent, answered from elsewhere, its answer understood
 *   replay.c            what a recording says of its endpoint
 *   profile.c           what is known of endpoints, and what they have taught
 *   transport, recording, cache, dialects, failure, pace, alarm, url, secret, json
 */
#ifndef OPRO_MODEL_MODEL_H
#define OPRO_MODEL_MODEL_H

#include "alarm.h"
#include "answer.h"
#include "ask.h"
#include "base/hook.h"
#include "cache.h"
#include "core/config.h"
#include "core/guard.h"
#include "dialect.h"
#include "engine.h"
#include "failure.h"
#include "opro/model.h"
#include "pace.h"
#include "process.h"
#include "recording.h"
#include "transport.h"
#include "url.h"

/* ---- what is known of endpoints ---- */

typedef struct opro__profile {
    uint64_t key;          /* digest of base URL, dialect and model name */
    int32_t prefix;        /* OPRO_PREFIX_..., if no option says otherwise */
    const char *seed_name; /* NULL: the dialect's */
    int32_t sampling;      /* OPRO_SAMPLING_...; AUTO: not known yet */
    unsigned dropped;      /* OPRO__DROP_... */
    int completion_tokens;
    double bytes_per_token; /* of prompts, as seen so far */
    unsigned version;       /* changes with what will be said */
} opro__profile;

/* ---- legs ---- */

enum {
    OPRO__LEG_READY,   /* in the queue                                    */
    OPRO__LEG_DELAYED, /* its alarm is set                                */
    OPRO__LEG_HELD,    /* waits for what another leg brings               */
    OPRO__LEG_SENT,    /* under way                                       */
    OPRO__LEG_SETTLED, /* answered from elsewhere: that is to be understood */
    OPRO__LEG_LOOSE    /* in no list                                      */
};

typedef struct opro__leg {
    opro__exchange exchange;
    opro_call *call;
    struct opro__queue *queue;             /* NULL: none */
    struct opro__leg *next, *prev;         /* of the queue */
    struct opro__leg *next_leg, *prev_leg; /* of the call        */
    opro__alarm alarm;                     /* of a retry         */
    size_t first, n;                       /* samples it is to bring    */
    size_t asked;                          /* by the request; 0: not built */
    int state;
    int alone;        /* others of its call wait for it      */
    int tries;        /* requests that count as attempts     */
    int spared;       /* attempts that were not made: the endpoint was left alone */
    int few;          /* of these, failed as OPRO__RETRY_FEW */
    int new_key;      /* the key function was asked again    */
    unsigned adapted; /* 1 << OPRO__ADAPT_...                */
    int n_adapted;
    int64_t loading_since; /* INT64_MIN: it is not */
    int64_t reserved;      /* tokens, for the pace */
    int paced;             /* counted by the pace  */
    int cached;            /* answered from the cache */
    unsigned version;      /* of the profile, when the body was written */
    unsigned said;         /* 1 << OPRO__ADAPT_... of what the body says */
    uint64_t id;           /* for jitter */
    opro__buf body;
    struct opro__headerset *headers;
} opro__leg;

typedef struct opro__queue {
    opro__leg *first, *last;
    size_t n;
} opro__queue;

/* The headers of requests, shared by those under way: a new key makes a new set. */
typedef struct opro__headerset {
    struct curl_slist *list;
    size_t users;
} opro__headerset;

/* ---- calls ---- */

struct opro_call {
    opro_model *model;
    struct opro_call *next, *prev; /* all that are under way */
    /* what is asked */
    opro__part *parts;
    size_t n_parts, cap_parts;
    opro__part stops[4];
    size_t n_stops;
    size_t samples;
    double temperature;
    int64_t max_tokens;
    uint64_t seed;
    int has_seed;
    int64_t deadline_ms;
    /* under way */
    int submitted, over, freed;
    opro__hook hook;
    opro__leg *legs;
    opro__alarm deadline;
    int answered;    /* a leg brought replies: the endpoint knows the prompt */
    opro__leg *held; /* the rest of the samples, until the first leg is answered */
    /* what came of it */
    opro__reply_text *replies; /* [samples] */
    size_t *fresh;             /* [samples] in the order in which they got their outcome */
    size_t n_fresh, n_told;
    int done_told;
    struct opro_call *next_news, *prev_news;
    int has_news;
    opro_error err;
    int32_t failure;
    opro__usage usage;
    int64_t cost;
    int64_t requests, retries, cache_hits, http_status, wait_ms;
};

/* ---- the client ---- */

struct opro_model {
    opro__mem mem;
    opro_error err;
    opro__guard guard;
    opro__refs refs;
    opro__process process; /* that made it */
    opro__log *log;
    opro__options options;
    /* the endpoint */
    opro__url url; /* text NULL: not set */
    char *name;
    size_t name_len;
    const opro__dialect *dialect; /* of the URL and options */
    char *path, *request_url;     /* NULL: to be made */
    size_t path_len;
    char *recorded_path; /* as it stands in recordings: the URL without a query */
    size_t recorded_path_len;
    char *replayed_base;      /* the base URL of the recording that is replayed; NULL: none */
    int32_t replayed_dialect; /* what is spoken there, if nobody else says it; 0 */
    opro__hook key_fn;
    opro__secret *secrets; /* [0] is the key, then the values of headers */
    char **header_names;   /* [0] is NULL */
    size_t n_secrets, cap_secrets;
    opro__headerset *headers; /* NULL: to be made */
    char **member_names;
    char **member_values;
    size_t n_members, cap_members;
    opro__buf more; /* of the bodies */
    char *ca_file, *ca_dir, *proxy;
    int settings_changed; /* the transport is to be told */
    opro__profile *profiles;
    size_t n_profiles, cap_profiles;
    opro__profile *profile; /* of the endpoint; NULL: to be found */
    /* what is known of its health */
    int served;           /* it has answered since it was set */
    opro__failure broken; /* the last connection failure; kind NONE: it has spoken since      */
    opro__failure barred; /* why nothing is sent, since all would meet the same; NONE: it is  */
    int64_t barred_until; /* INT64_MAX: until the host changes something                      */
    /* at work */
    opro__transport *transport;
    opro__recording *recording, *replay;
    opro__cache *cache;
    opro__pace pace;
    opro__alarms alarms;
    opro__queue ready;
    opro__queue held;    /* while a probe is out */
    opro__leg *probe;    /* its answer shows what the endpoint can do */
    opro__queue settled; /* answered without the transport */
    int64_t next_start;  /* the pace says: not before; INT64_MIN: at once */
    size_t n_legs;       /* of all calls */
    opro_call *calls;    /* under way */
    size_t n_calls;
    opro_call *news, *last_news;
    opro_call *telling; /* whose callback is running */
    opro__leg *spare;   /* for reuse, with their buffers */
    size_t n_spare;
    opro__hook socket_fn, timer_fn;
    int64_t told_at; /* when the timer was told to end; INT64_MAX: never */
    int timing;      /* the timer function is running */
    uint64_t next_leg_id;
    int64_t requests, retries, adaptations, cache_hits, failures;
    opro__usage usage;
    int64_t cost;
};

/* ---- profile.c ---- */

/* What is known of the present endpoint; NULL without memory. */
opro__profile *opro__profile_find(opro_model *model);

/* Learn that a parameter has to go. 1 if that changes what will be said. */
int opro__profile_adapt(opro__profile *profile, int adapt);

/* ---- leg.c ---- */

/* NULL without memory. It is put among the legs of the call. */
opro__leg *opro__leg_new(opro_call *call, size_t first, size_t n);

/* Out of every list, and its transfer ended. */
void opro__leg_free(opro__leg *leg);

/*
 * Write the request for the first `asked` of its samples. OPRO_ERR_NOMEM, or a failure in
 * *failure.
 */
opro_status opro__leg_build(opro__leg *leg, size_t asked, opro__failure *failure);

/* About how many tokens the request may use. */
int64_t opro__leg_tokens(const opro__leg *leg);

/*
 * 1 if the cache or the recording that is replayed has to do with it: it is answered, and in
 * model->settled, or *st and *failure say what is wrong.
 */
int opro__leg_answered_here(opro__leg *leg, opro__failure *failure, opro_status *st);

/* Send it. Or what is wrong, in *failure. */
opro_status opro__leg_send(opro__leg *leg, opro__failure *failure);

/* It is answered: OPRO_OK and the answer; else what is wrong, in *failure. */
opro_status opro__leg_understand(opro__leg *leg, opro__answer *answer, opro__failure *failure);

/* ---- outcome.c ---- */

/* 1 while nothing is sent, since every request would meet the same. */
int opro__model_is_barred(opro_model *model, int64_t now);

/* Why a request is not sent, or was not when this was recorded, in *failure; 0: for no reason. */
int opro__model_why_not_sent(const opro_model *model, opro__failure *failure);

/* The endpoint is left alone for a while: an attempt passes without a request. */
void opro__leg_spare(opro__leg *leg, int64_t now);

/* It was answered, or its transfer failed: its samples are settled, asked again, or failed. */
void opro__leg_over(opro__leg *leg, int64_t now);

/* It failed: again, later, otherwise, or not at all. */
void opro__leg_met(opro__leg *leg, opro__failure *failure, int64_t now);

/* ---- schedule.c ---- */

/* Behind the last leg of a queue. */
void opro__queue_push(opro__queue *queue, opro__leg *leg);

/* Kinds of alarms. */
enum { OPRO__ALARM_LEG, OPRO__ALARM_CALL };

/* To the front of the queue. */
void opro__schedule_first(opro__leg *leg);

/* The samples of a call that waited for its first leg. */
void opro__schedule_release_rest(opro_call *call);

/* Others need not wait any longer for what this leg brings. */
void opro__schedule_end_waiting(opro__leg *leg);

/* What went wrong with a call last. */
void opro__schedule_note(opro_call *call, const opro__failure *failure);

/* The call is over when all its samples are. */
void opro__schedule_end_if_over(opro_call *call);

/* A sample, those of a leg, those of all legs that are not under way will not come. */
void opro__schedule_fail_sample(opro_call *call, size_t i);
void opro__schedule_fail_leg(opro__leg *leg, const opro__failure *failure);
void opro__schedule_fail_waiting(opro_model *model, const opro__failure *failure);

/* Legs that are held until this one is answered will not come either. */
void opro__schedule_fail_held(opro__leg *leg, const opro__failure *failure);

/* A call that is submitted enters the queue. OPRO_ERR_NOMEM. */
opro_status opro__schedule_call(opro_call *call);

/* Everything that can be done now: take what came, what is due, send. 1 if anything was done. */
int opro__schedule_run(opro_model *model, int64_t now);

/* When there will be something to do without the network: now or later; INT64_MAX: never. */
int64_t opro__schedule_next(const opro_model *model);

/* The leg leaves the queues. */
void opro__schedule_remove(opro__leg *leg);

/* A call is over, or cancelled: its legs end, and it is no longer under way. */
void opro__schedule_end_call(opro_call *call);

/* What is missing of a call fails. */
void opro__schedule_fail_call(opro_call *call, const opro__failure *failure);

/* ---- call.c ---- */

/* Sample i has its outcome. */
void opro__call_settle(opro_call *call, size_t i);

/* There is something to tell of it. */
void opro__call_news(opro_call *call);

/* Out of the list of news. */
void opro__call_no_news(opro_call *call);

/* ---- replay.c ---- */

/*
 * Take from a recording what the client was not told: address, dialect, model. OPRO_ERR_PARSE: it
 * does not say.
 */
opro_status opro__replay_endpoint(opro_model *model, opro__recording *recording);

/* ---- model.c ---- */

/*
 * At the start of every call of the public interface. OPRO_ERR_STATE in a child of the process that
 * made it.
 */
opro_status opro__model_enter(opro_model *model, int call);

/* 1 in such a child. */
int opro__model_is_parents(const opro_model *model);

/* ---- settings.c: what the setters have in common ---- */

#define OPRO__MODEL_TEXT ((size_t)16 << 10) /* most bytes of a text that is set */

opro_status opro__model_no_memory(opro_model *model);

/* opro__model_enter(), for what requests in flight depend on: OPRO_ERR_STATE if there are any. */
opro_status opro__model_enter_idle(opro_model *model, int call);

/* What follows from the endpoint is made anew when it is needed. */
void opro__model_endpoint_changed(opro_model *model);

/* Settle (s, len); no control characters, not too long. */
opro_status opro__model_check_text(opro_model *model, const char **s, size_t *len,
                                   const char *what);

/* Replace a text of the model's; "" is none if it may go. */
opro_status opro__model_set_text(opro_model *model, char **to, const char *s, size_t len,
                                 int may_go);

/* ---- members.c ---- */

/* A further member that the client writes itself, now that it is known what is spoken; NULL. */
const char *opro__model_written_twice(const opro_model *model);

/* ---- prepare.c ---- */

void opro__model_free_paths(opro_model *model);

/* Make what sending needs and is not made yet: dialect, path, headers, transport's settings. */
opro_status opro__model_prepare(opro_model *model, opro__failure *failure);

/* ---- headers.c ---- */

/* OPRO_ERR_NOMEM. */
opro_status opro__model_make_headers(opro_model *model);
void opro__model_wipe_headers(opro_model *model);

/* The key and the headers of the host's go. */
void opro__model_forget_secrets(opro_model *model);

/* Ask the key function (again). OPRO_OK: there is a new key. */
opro_status opro__model_ask_key(opro_model *model, int again);

void opro__headerset_release(opro_model *model, opro__headerset *set);

/* The client's own log. */
#define OPRO__MODEL_DOMAIN "model"

/* ---- drive.c ---- */

/* Tell the host's timer when to call back. At the end of public calls. */
void opro__drive_retime(opro_model *model);

#endif
