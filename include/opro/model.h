/* SPDX-License-Identifier: MIT */
/*
 * A client for one language model behind HTTP: asynchronous, on one thread, with any number of
 * calls under way, inside a program that keeps its own loop.
 *
 *     opro_model_new(&model, config, NULL);
 *     opro_model_set_base_url(model, "http://127.0.0.1:8080/v1", OPRO_ZT);
 *     opro_model_set_name(model, "gemma", OPRO_ZT);
 *     opro_optimizer_new_model(&optimizer, model, NULL);
 *     opro_driver_set_optimizer(driver, optimizer);    ... and the driver does the rest
 *
 * or, without a driver: opro_call_new(), opro_call_add_message(), opro_call_submit(), and one of
 *     opro_model_poll(model, 1000)                     the client waits by itself
 *     opro_model_fd(), opro_model_timeout()            one descriptor in a loop of the host's
 *     opro_model_set_socket_fn(), ..._set_timer_fn()   each socket and the timer in such a loop
 * The three give the same results.
 *
 * Options (opro_config) begin with "model_": which protocol is spoken, limits, time-outs, retries.
 * Times are counted by the monotonic clock; a time-out counts from the start of a transfer, not
 * from the submission. (A wait until a date, from an endpoint that does not say what time it is, is
 * counted from the system's time.)
 *
 * When requests fail. What may pass is tried again: model_attempts times in all, with a wait before
 * each that doubles from model_backoff_ms, and within a budget for all (model_retry_percent).
 * - An endpoint that is overloaded or says how long to wait is asked by nobody until then. If that
 *   is longer than model_retry_after_max_ms, calls fail at once until then.
 * - One whose connections fail is left alone (circuit breaker: model_breaker_...), then one request
 *   tries. Attempts that come due meanwhile pass without a request, so that calls end as soon as
 *   they would if every attempt were made.
 * - A key that is refused (and so is that of the key function, asked once more), quota that is used
 *   up, and a model or path that is not there do not pass by themselves: nothing more is sent, and
 *   all calls fail at once with the same message, until the host sets the base URL, the name, the
 *   key, the key function or a header (the same again will do). Once the endpoint has answered, a
 *   status 403 or 404 concerns its own call alone.
 *
 * What it never does: follow a redirect; send a key to another scheme, host or port than that of
 * the base URL it was set for; speak plain http to anything but this machine (option
 * model_allow_http); log a key, or a prompt above debug level; read the environment (unless
 * opro_model_set_from_env() is called); block in a function other than opro_model_poll() (closing
 * may wait for a name look-up that is under way).
 *
 * A child of the process that made a client has to leave it alone: what changes it or its calls is
 * OPRO_ERR_STATE there, and freeing them frees nothing.
 *
 * A build without the client (opro_has_feature(OPRO_FEATURE_HTTP) is 0) has the same functions;
 * opro_model_new() is OPRO_ERR_UNSUPPORTED then.
 */
#ifndef OPRO_MODEL_H
#define OPRO_MODEL_H

#include "config.h"
#include "optimizer.h"
#include "run.h"

OPRO_BEGIN_DECLS

/* A client for one endpoint and one model there. */
typedef struct opro_model opro_model;

/* One question to a model, and its replies. */
typedef struct opro_call opro_call;

/* ---- the endpoint ---- */

/*
 * A client without an endpoint yet. config NULL: defaults; its log hears the client. Errors:
 * OPRO_ERR_UNSUPPORTED (this build has no client), OPRO_ERR_NOMEM, OPRO_ERR_FAILED (libcurl or the
 * system refuse). Since 0.1.
 */
OPRO_API opro_status opro_model_new(opro_model **out, const opro_config *config,
                                    const opro_allocator *mem);

/*
 * Give up your share; NULL is fine. The client closes its connections when the last share goes:
 * yours, those of optimizers, and those of calls that are not freed yet. Refused inside its
 * callbacks. Since 0.1.
 */
OPRO_API void opro_model_free(opro_model *model);

/* Detail of the last failed call on the model. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_model_error(const opro_model *model);

/*
 * The endpoint's address up to and with its version ("https://api.openai.com/v1"); paths such as
 * "/chat/completions" are added to it. OPRO_ERR_INVALID: not http or https, plain http to another
 * machine, a user name, a query (except for Azure), a fragment, or control characters in it. Key
 * and headers that were set for another scheme, host or port are forgotten. Not while calls are
 * under way (OPRO_ERR_STATE). Since 0.1.
 */
OPRO_API opro_status opro_model_set_base_url(opro_model *model, const char *url, size_t len);

/* The model's name as the endpoint knows it. Not while calls are under way. Since 0.1. */
OPRO_API opro_status opro_model_set_name(opro_model *model, const char *name, size_t len);

/*
 * The secret key, sent to the present base URL alone (set that first: OPRO_ERR_STATE); "" for
 * none. Copied, and wiped from memory when it is replaced or the client goes. Since 0.1.
 */
OPRO_API opro_status opro_model_set_key(opro_model *model, const char *key, size_t len);

/*
 * Where the key comes from, instead: asked before the first request, and once more after the
 * endpoint refused a key. It delivers with opro_sink_text(). Since 0.1.
 */
typedef int32_t (*opro_key_fn)(opro_model *model, opro_sink *sink, void *user_data);
OPRO_API opro_status opro_model_set_key_fn(opro_model *model, opro_key_fn fn, void *user_data,
                                           opro_destroy_fn destroy);

/*
 * A header for every request, replacing an earlier one of that name; value NULL removes it. Names
 * that the client writes itself (Content-Type, Content-Length, Host, that of the key, ...) and
 * control characters are OPRO_ERR_INVALID. Values are treated as secrets. At most 64 headers.
 * Since 0.1.
 */
OPRO_API opro_status opro_model_set_header(opro_model *model, const char *name, size_t name_len,
                                           const char *value, size_t value_len);

/*
 * A member of every request's JSON body: "top_k", "40"; "reasoning_effort", "\"low\"". json NULL
 * removes it. OPRO_ERR_PARSE: not JSON; OPRO_ERR_INVALID: a member that the client writes itself.
 * Not while calls are under way. Since 0.1.
 */
OPRO_API opro_status opro_model_set_parameter(opro_model *model, const char *name, size_t name_len,
                                              const char *json, size_t json_len);

/*
 * Trust the certificates of this file (PEM), or of this directory (hashed names), instead of the
 * system's. Since 0.1.
 */
OPRO_API opro_status opro_model_set_ca_file(opro_model *model, const char *path, size_t len);
OPRO_API opro_status opro_model_set_ca_dir(opro_model *model, const char *path, size_t len);

/*
 * Go through a proxy ("http://proxy:3128", "socks5h://127.0.0.1:1080"); "" for none, which is the
 * default whatever the environment says. Since 0.1.
 */
OPRO_API opro_status opro_model_set_proxy(opro_model *model, const char *url, size_t len);

/*
 * Take from the environment what it has, and keep the rest: base URL, key, organization and
 * project by the names that are usual for the dialect (OPENAI_BASE_URL, OPENAI_API_KEY,
 * ANTHROPIC_API_KEY, GEMINI_API_KEY, AZURE_OPENAI_API_KEY, ...), the proxy (HTTPS_PROXY and its
 * kin). A provider that is known by its host gets the key of its own name alone (GROQ_API_KEY,
 * MISTRAL_API_KEY, ...), unless the base URL came from the environment too. No other thread may
 * change the environment meanwhile. OPRO_WAIT: nothing was found. Since 0.1.
 */
OPRO_API opro_status opro_model_set_from_env(opro_model *model);

/* ---- recordings and the cache ---- */

/*
 * Append every exchange to a file, as one line of JSON each, without keys: the request's path and
 * body, and what came of it. Since 0.1. OPRO_ERR_FAILED: the file cannot be written; an error
 * while recording fails the call that met it. Lines are handed to the system as they come and not
 * synced: a process that dies loses none but the one it was writing, a machine that loses power may
 * lose the last ones.
 */
OPRO_API opro_status opro_model_record(opro_model *model, const char *path, size_t len);

/*
 * Answer from such a file and never use the network, nor wait: the n-th request of a kind gets what
 * the n-th of that kind got. Base URL, model and dialect are taken from the file where they were
 * not set. A request that is not in the file (any more) fails with OPRO_FAILURE_NOT_RECORDED, and
 * the message shows the nearest one. OPRO_ERR_FAILED: cannot be read; OPRO_ERR_PARSE: not a
 * recording (names the line), or an empty one. Not while calls are under way. Since 0.1.
 */
OPRO_API opro_status opro_model_replay(opro_model *model, const char *path, size_t len);

/*
 * Keep the cache of answers (option model_cache_bytes: calls at temperature 0 only) in a file as
 * well, and know what it holds already. A torn last line is dropped. Since 0.1.
 */
OPRO_API opro_status opro_model_set_cache_file(opro_model *model, const char *path, size_t len);

/* ---- calls ---- */

/*
 * A call: messages in, one or more replies (samples) out. It takes a share of the model. Since
 * 0.1.
 */
OPRO_API opro_status opro_call_new(opro_call **out, opro_model *model);

/*
 * A call for what a PROPOSE asks for: its messages, samples, temperature, limit, seed. Since 0.1.
 */
OPRO_API opro_status opro_call_new_propose(opro_call **out, opro_model *model,
                                           const opro_request *request);

/*
 * Free a call; NULL is fine. One that is under way is cancelled: its callback will not run, its
 * transfer ends at once. Allowed inside the callbacks of calls, also of this one, and nowhere else
 * inside callbacks. Since 0.1.
 */
OPRO_API void opro_call_free(opro_call *call);

/*
 * The messages in order; role: OPRO_ROLE_SYSTEM, OPRO_ROLE_USER, OPRO_ROLE_ASSISTANT. A last
 * message of the assistant's is continued by the reply (which does not repeat it); an endpoint that
 * cannot do that fails the call with OPRO_FAILURE_PREFIX. Before the submission. Since 0.1.
 */
OPRO_API opro_status opro_call_add_message(opro_call *call, int32_t role, const char *text,
                                           size_t len);

/*
 * What to ask for: samples, 1 .. 65536 (default 1); temperature, 0 .. 100, NaN (default) leaves it
 * to the endpoint; at most max_tokens for each reply (default 1024); a seed (the i-th reply has
 * seed + i; default none); texts that end a reply (it is cut before the first of them, at most 4).
 * At temperature 0 one reply is asked for and copied. Before the submission. Since 0.1.
 */
OPRO_API opro_status opro_call_set_samples(opro_call *call, size_t samples);
OPRO_API opro_status opro_call_set_temperature(opro_call *call, double temperature);
OPRO_API opro_status opro_call_set_max_tokens(opro_call *call, int64_t max_tokens);
OPRO_API opro_status opro_call_set_seed(opro_call *call, uint64_t seed);
OPRO_API opro_status opro_call_add_stop(opro_call *call, const char *text, size_t len);

/* How long the call may take, with waiting and retries: option model_deadline_ms. Since 0.1. */
OPRO_API opro_status opro_call_set_deadline(opro_call *call, int64_t ms);

/* What a call's callback hears. */
enum {
    OPRO_CALL_REPLY = 10, /* the sample index has its outcome: opro_call_outcome() */
    OPRO_CALL_DONE = 20   /* all have; the last event of the call */
};

/*
 * Hears of a call, from inside opro_model_poll() and its kin, never from inside opro_call_submit().
 * It may submit and free calls. A value other than OPRO_OK is logged and has no effect.
 */
typedef int32_t (*opro_call_fn)(opro_call *call, int32_t event, size_t index, void *user_data);

/*
 * Put the call in the queue. The call must have a message. OPRO_ERR_STATE: no base URL or name, or
 * submitted before; OPRO_ERR_LIMIT: model_max_waiting calls wait already. fn NULL: look at
 * opro_call_done(). Allowed inside callbacks of calls. destroy runs with opro_call_free(). When
 * this fails user_data stays the caller's. Since 0.1.
 */
OPRO_API opro_status opro_call_submit(opro_call *call, opro_call_fn fn, void *user_data,
                                      opro_destroy_fn destroy);

/* 1 when all samples have their outcome. Since 0.1. */
OPRO_API int32_t opro_call_done(const opro_call *call);

/* What became of a sample. */
enum {
    OPRO_OUTCOME_NONE = 0,       /* nothing yet */
    OPRO_OUTCOME_WHOLE = 10,     /* a reply that ended by itself or at a stop text */
    OPRO_OUTCOME_TRUNCATED = 20, /* a reply that was cut off at the limit of tokens */
    OPRO_OUTCOME_REFUSED = 30,   /* the model refused, or a filter stepped in; reply: why */
    OPRO_OUTCOME_FAILED = 40     /* no reply: opro_call_error() says why */
};

/*
 * A sample's outcome; its reply (valid UTF-8 without NUL, "" if there is none), the model's
 * reasoning where the endpoint gives it apart, and how the endpoint says it ended ("stop"). Strings
 * live as long as the call. Since 0.1.
 */
OPRO_API int32_t opro_call_outcome(const opro_call *call, size_t index);
OPRO_API const char *opro_call_reply(const opro_call *call, size_t index, size_t *len);
OPRO_API const char *opro_call_reasoning(const opro_call *call, size_t index, size_t *len);
OPRO_API const char *opro_call_finish(const opro_call *call, size_t index);

/* What went wrong with a call, as a class. */
enum {
    OPRO_FAILURE_NONE = 0,           /* nothing */
    OPRO_FAILURE_NET = 10,           /* no connection, or it broke */
    OPRO_FAILURE_TIMEOUT = 20,       /* connecting, waiting or the transfer took too long */
    OPRO_FAILURE_TLS = 30,           /* the certificate or the handshake is not acceptable */
    OPRO_FAILURE_PROXY = 40,         /* the proxy failed */
    OPRO_FAILURE_PROTOCOL = 50,      /* not HTTP as it should be */
    OPRO_FAILURE_LIMIT = 60,         /* more bytes than the limits allow */
    OPRO_FAILURE_ANSWER = 70,        /* an answer that makes no sense: not JSON, no choices */
    OPRO_FAILURE_REDIRECT = 80,      /* a redirect, which is not followed */
    OPRO_FAILURE_REFUSED = 90,       /* the endpoint refused the request (400 and its kin) */
    OPRO_FAILURE_AUTH = 100,         /* the key was refused */
    OPRO_FAILURE_QUOTA = 110,        /* money or quota are used up */
    OPRO_FAILURE_NOT_FOUND = 120,    /* no such model or path */
    OPRO_FAILURE_CONTEXT = 130,      /* the prompt is too long for the model */
    OPRO_FAILURE_FILTER = 140,       /* a content filter refused the prompt */
    OPRO_FAILURE_RATE = 150,         /* too many requests */
    OPRO_FAILURE_UNAVAILABLE = 160,  /* the endpoint is overloaded or broken (5xx) */
    OPRO_FAILURE_PREFIX = 170,       /* the endpoint cannot continue a begun answer */
    OPRO_FAILURE_DEADLINE = 180,     /* the call's deadline passed */
    OPRO_FAILURE_NOT_RECORDED = 190, /* not in the recording */
    OPRO_FAILURE_MEMORY = 200,       /* out of memory here */
    OPRO_FAILURE_FILE = 210          /* the recording or the cache could not be written */
};

/*
 * Why samples failed: status, message (with HTTP status and the endpoint's request id, if there
 * were any) and class of the last failure; OPRO_OK, "" and OPRO_FAILURE_NONE if none did. Statuses:
 * OPRO_ERR_TIMEOUT (time-outs, deadline), OPRO_ERR_LIMIT, OPRO_ERR_NOMEM, OPRO_ERR_UNSUPPORTED
 * (prefix), OPRO_ERR_UNKNOWN (not recorded), OPRO_ERR_FAILED (all else). Since 0.1.
 */
OPRO_API const opro_error *opro_call_error(const opro_call *call);
OPRO_API int32_t opro_call_failure(const opro_call *call);

/* A short name of a class ("rate"), "" for unknown ones. Static. Since 0.1. */
OPRO_API const char *opro_failure_name(int32_t failure);

/* Figures of a call. Where an endpoint does not count tokens they are estimated. */
enum {
    OPRO_CALL_PROMPT_TOKENS = 10,    /* as the endpoint counts, over all requests of the call */
    OPRO_CALL_REPLY_TOKENS = 20,     /* with those of reasoning */
    OPRO_CALL_CACHED_TOKENS = 30,    /* of the prompt's, those read from the endpoint's cache */
    OPRO_CALL_REASONING_TOKENS = 40, /* of the reply's */
    OPRO_CALL_COST = 50,             /* millionths, by model_..._price */
    OPRO_CALL_REQUESTS = 60,         /* HTTP requests; 0 if none was sent: see the error */
    OPRO_CALL_RETRIES = 70,          /* of these, repeats after a failure */
    OPRO_CALL_CACHE_HITS = 80,       /* answers from the client's own cache */
    OPRO_CALL_HTTP_STATUS = 90,      /* of the last answer, 0: none */
    OPRO_CALL_WAIT_MS = 100          /* how long a new try is not worth while (rate, quota) */
};

/* A figure; 0 for unknown ones. Since 0.1. */
OPRO_API int64_t opro_call_figure(const opro_call *call, int32_t figure);

/* ---- driving it ---- */

/*
 * Do what can be done; if that is nothing, wait at most timeout_ms (0: not at all; -1: for ever).
 * OPRO_OK: something was done, call again; OPRO_WAIT: nothing came in time, or opro_model_wakeup();
 * OPRO_DONE: no call is under way. Not inside callbacks. With socket and timer functions set:
 * OPRO_ERR_STATE. Since 0.1.
 */
OPRO_API opro_status opro_model_poll(opro_model *model, int32_t timeout_ms);

/*
 * End the waiting of opro_model_poll(), from any thread. OPRO_ERR_STATE in a child of the process
 * that made the client. Since 0.1.
 */
OPRO_API opro_status opro_model_wakeup(opro_model *model);

/*
 * One descriptor that becomes readable when opro_model_poll(model, 0) has something to do; the same
 * all the time. And in how many milliseconds it is due in any case; -1: no need. Ask for the time
 * again after each opro_model_poll() and opro_call_submit(). Since 0.1.
 */
OPRO_API int64_t opro_model_fd(const opro_model *model);
OPRO_API int64_t opro_model_timeout(const opro_model *model);

/* What is waited for on a socket; what happened on it. */
enum {
    OPRO_POLL_NONE = 0, /* as a wish: watch it no more */
    OPRO_POLL_IN = 1,   /* it can be read from */
    OPRO_POLL_OUT = 2,  /* it can be written to */
    OPRO_POLL_ERROR = 4 /* happened only */
};

/*
 * Be told which sockets to watch for what (events replaces what was wished before; OPRO_POLL_NONE
 * comes before a socket is closed), and when to call back: in timeout_ms milliseconds, once,
 * replacing what was said before; -1: not at all. They run inside functions of the model and may
 * not call any. Set both before the first submission. Since 0.1.
 */
typedef int32_t (*opro_socket_fn)(opro_model *model, int64_t fd, int32_t events, void *user_data);
typedef int32_t (*opro_timer_fn)(opro_model *model, int64_t timeout_ms, void *user_data);
OPRO_API opro_status opro_model_set_socket_fn(opro_model *model, opro_socket_fn fn, void *user_data,
                                              opro_destroy_fn destroy);
OPRO_API opro_status opro_model_set_timer_fn(opro_model *model, opro_timer_fn fn, void *user_data,
                                             opro_destroy_fn destroy);

/* Tell what happened on a socket, or that the time has come. Calls' callbacks run. Since 0.1. */
OPRO_API opro_status opro_model_socket_action(opro_model *model, int64_t fd, int32_t events);
OPRO_API opro_status opro_model_timer_action(opro_model *model);

/* Figures of a client. */
enum {
    OPRO_MODEL_WAITING = 10,        /* requests that wait for a place, their time, or a limit */
    OPRO_MODEL_IN_FLIGHT = 20,      /* requests sent and not answered */
    OPRO_MODEL_CONCURRENCY = 30,    /* how many may be in flight now */
    OPRO_MODEL_REQUESTS = 40,       /* HTTP requests sent so far */
    OPRO_MODEL_RETRIES = 50,        /* of these, repeats */
    OPRO_MODEL_ADAPTATIONS = 60,    /* parameters renamed or dropped because the endpoint wants */
    OPRO_MODEL_CACHE_HITS = 70,     /* answers from the client's own cache */
    OPRO_MODEL_FAILURES = 80,       /* requests that failed, those tried again among them */
    OPRO_MODEL_PROMPT_TOKENS = 90,  /* tokens read */
    OPRO_MODEL_REPLY_TOKENS = 100,  /* tokens written, with those of reasoning */
    OPRO_MODEL_CACHED_TOKENS = 110, /* of those read, from the endpoint's cache */
    OPRO_MODEL_REASONING_TOKENS = 120, /* of those written */
    OPRO_MODEL_COST = 130,             /* millionths */
    OPRO_MODEL_MEMORY = 140            /* bytes held now, without libcurl's */
};

/* A figure; 0 for unknown ones. Since 0.1. */
OPRO_API int64_t opro_model_figure(const opro_model *model, int32_t figure);

/* ---- proposing ---- */

/*
 * An optimizer that asks the model for the replies of each PROPOSE, and answers the run as they
 * come, with what they used. It takes a share of the model. A truncated reply is rejected as
 * truncated unless model_accept_truncated is set; a refusal is rejected as refused. A driver drives
 * the model by itself; who drives a run without one calls opro_model_poll() or its kin as well.
 * A request that is cancelled cancels its transfers. Since 0.1.
 */
OPRO_API opro_status opro_optimizer_new_model(opro_optimizer **out, opro_model *model,
                                              const opro_allocator *mem);

OPRO_END_DECLS

#endif
