/* SPDX-License-Identifier: MIT */
/* The transport as its owner sees it: settings, and the life of an exchange. */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport_parts.h"

/* ---- lists ---- */

void opro__exchange_append(opro__exchange_list *list, opro__exchange *x) {
    x->list = list;
    x->next = NULL;
    x->prev = list->last;
    *(x->prev ? &x->prev->next : &list->first) = x;
    list->last = x;
}

void opro__exchange_unlink(opro__exchange *x) {
    assert(x->list);
    *(x->prev ? &x->prev->next : &x->list->first) = x->next;
    *(x->next ? &x->next->prev : &x->list->last) = x->prev;
    x->list = NULL;
    x->next = x->prev = NULL;
}

void opro__exchange_moved(opro__exchange *x) {
    opro__transport *t = x->multi->transport;

    x->moved_at = t->now;
    if (x->list != &t->waiting || t->waiting.last == x) return;
    opro__exchange_unlink(x);
    opro__exchange_append(&t->waiting, x);
}

/* ---- multi handles ---- */

static int is_https(const char *url) {
    static const char scheme[] = "https:";

    for (size_t i = 0; scheme[i]; i++)
        if ((url[i] | 0x20) != (scheme[i] | 0x20)) return 0;
    return 1;
}

static void multi_free(opro__multi *multi) {
    opro__transport *t = multi->transport;

    (void)curl_multi_cleanup(multi->handle);
    opro__free(t->mem, multi);
}

/* Each connection may carry many exchanges at once, as far as is known. */
static int has_streams(const opro__transport *t) {
    return t->settings.http2 && t->tls && !t->one_each;
}

static opro__multi *multi_new(opro__transport *t) {
    void *multis = t->multis;
    long connections = has_streams(t) ? OPRO__HOST_STREAMS : 0;
    opro__multi *multi = NULL;

    if (!opro__reserve(t->mem, &multis, &t->cap_multis, t->n_multis + 1, sizeof *t->multis))
        return NULL;
    t->multis = multis;
    multi = opro__alloc(t->mem, sizeof *multi);
    if (!multi) return NULL;
    *multi = (opro__multi){t, curl_multi_init(), 0, INT64_MAX, INT64_MAX, 0};
    if (!multi->handle) {
        opro__free(t->mem, multi);
        return NULL;
    }
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, opro__loop_socket);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, opro__loop_timer);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(multi->handle, CURLMOPT_MAXCONNECTS, 2L * OPRO__MULTI_LOAD_TLS);
    curl_multi_setopt(multi->handle, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
    t->multis[t->n_multis++] = multi;
    return multi;
}

static size_t multi_load(const opro__transport *t) {
    if (!t->tls) return OPRO__MULTI_LOAD;
    return has_streams(t) ? OPRO__MULTI_LOAD_STREAMS : OPRO__MULTI_LOAD_TLS;
}

/*
 * The one with the least work among the first so many as are needed for all that is under way: few
 * exchanges stay where connections are open. NULL: no memory.
 */
static opro__multi *multi_for_one_more(opro__transport *t) {
    size_t needed = t->in_flight / multi_load(t) + 1, seen = 0;
    opro__multi *least = NULL;

    for (size_t i = 0; i < t->n_multis && seen < needed; i++) {
        opro__multi *multi = t->multis[i];

        if (multi->retired) continue;
        seen++;
        if (!least || multi->in_flight < least->in_flight) least = multi;
    }
    return seen < needed ? multi_new(t) : least;
}

int64_t opro__multi_keep(const opro__transport *t) {
    return 1000 * (t->settings.local ? OPRO__KEEP_LOCAL : OPRO__KEEP);
}

void opro__multi_retire(opro__multi *multi) {
    if (!multi->retired) multi->transport->n_retired++;
    multi->retired = 1;
}

void opro__multi_sweep(opro__transport *t) {
    size_t kept = 0;

    if (!t->n_retired) return;
    for (size_t i = 0; i < t->n_multis; i++) {
        opro__multi *multi = t->multis[i];

        if (!multi->retired || multi->in_flight) {
            t->multis[kept++] = multi;
        } else {
            t->n_retired--;
            multi_free(multi);
        }
    }
    t->n_multis = kept;
}

/* The endpoint does not speak HTTP/2: a limit that is meant for it would be in the way. */
static void note_version(opro__transport *t, const opro__exchange *x) {
    long version = 0;

    if (!t->settings.http2 || t->one_each) return;
    (void)curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_1_1 && version != CURL_HTTP_VERSION_1_0) return;
    t->one_each = 1;
    for (size_t i = 0; i < t->n_multis; i++)
        curl_multi_setopt(t->multis[i]->handle, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
}

/* ---- an exchange ---- */

/* It is under way no more. */
static void take_out(opro__transport *t, opro__exchange *x) {
    opro__multi *multi = x->multi;

    (void)curl_multi_remove_handle(multi->handle, x->easy);
    opro__easy_give(t, x->easy, x->generation == t->generation && !x->doomed);
    opro__exchange_unlink(x);
    if (t->scout == x) t->scout = NULL;
    multi->in_flight--;
    t->in_flight--;
    if (!multi->in_flight) /* libcurl counts whole seconds */
        multi->over = opro__transport_now() + opro__multi_keep(t) + 1000;
    x->easy = NULL;
    x->multi = NULL;
}

/*
 * Has all of an answer come, though sending the request failed? Who refuses a request need not read
 * it to its end first.
 */
static int is_whole(const opro__exchange *x, int code) {
    curl_off_t len = -1;

    if (code != CURLE_SEND_ERROR && code != CURLE_HTTP2_STREAM) return 0;
    (void)curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
    return x->status >= 200 && len >= 0 && (uint64_t)len == x->answer.len;
}

void opro__exchange_finish(opro__transport *t, opro__exchange *x, int code) {
    long status = 0;

    (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    note_version(t, x);
    x->status = (int32_t)status;
    x->code = is_whole(x, code) ? CURLE_OK : code;
    take_out(t, x);
    if (x->code == CURLE_OK) x->detail[0] = '\0';
    if (x->code != CURLE_OK && !*x->detail)
        snprintf(x->detail, sizeof x->detail, "%s", curl_easy_strerror((CURLcode)code));
    opro__exchange_append(&t->finished, x);
}

void opro__exchange_doom(opro__transport *t, opro__exchange *x, int met, int code,
                         const char *why) {
    if (!x || x->doomed) return;
    x->doomed = 1;
    x->met = met;
    x->code = code;
    snprintf(x->detail, sizeof x->detail, "%s", why);
    t->doomed = 1;
}

opro_status opro__transport_start(opro__transport *t, opro__exchange *x) {
    opro_status st = OPRO_ERR_NOMEM;
    opro__multi *multi;
    CURLMcode code;

    assert(!x->list && !x->easy);
    x->code = x->met = x->status = 0;
    memset(&x->kept, 0, sizeof x->kept);
    if (!x->answer.mem) opro__buf_init(&x->answer, t->mem, 0);
    opro__buf_clear(&x->answer);
    x->answer.max = t->settings.max_body;
    x->detail[0] = '\0';
    x->header_bytes = x->header_lines = 0;
    x->generation = t->generation;
    x->doomed = 0;
    x->sent = 0;
    x->sent_at = x->moved_at = opro__transport_now();
    if (is_https(x->url)) t->tls = 1;

    multi = multi_for_one_more(t);
    if (!multi) goto out;
    x->easy = opro__easy_take(t, &st, x->detail);
    if (!x->easy) goto out;
    st = opro__easy_load(x->easy, x);
    if (st != OPRO_OK) goto out;
    x->multi = multi;
    code = curl_multi_add_handle(multi->handle, x->easy);
    if (code != CURLM_OK) {
        st = code == CURLM_OUT_OF_MEMORY ? OPRO_ERR_NOMEM : OPRO_ERR_FAILED;
        snprintf(x->detail, sizeof x->detail, "curl_multi_add_handle: %s",
                 curl_multi_strerror(code));
        goto out;
    }
    multi->in_flight++;
    multi->over = INT64_MAX;
    t->in_flight++;
    opro__exchange_append(&t->starting, x);
    if (!t->scout && x->sent_at >= t->known_until) t->scout = x;
out:
    if (st != OPRO_OK && x->easy) {
        curl_easy_cleanup(x->easy);
        x->easy = NULL;
        x->multi = NULL;
    }
    return st;
}

void opro__transport_cancel(opro__transport *t, opro__exchange *x) {
    opro__pipe pipe;

    if (!x->list) return;
    if (!x->easy) {
        opro__exchange_unlink(x); /* over, and not fetched */
        return;
    }
    opro__pipe_hold(&pipe, t);
    take_out(t, x);
    opro__multi_sweep(t);
    opro__pipe_release(&pipe);
}

opro__exchange *opro__transport_finished(opro__transport *t) {
    opro__exchange *x = t->finished.first;

    if (x) opro__exchange_unlink(x);
    return x;
}

size_t opro__transport_in_flight(const opro__transport *t) {
    return t->in_flight;
}

int opro__transport_resolved(const opro__transport *t) {
    return !t->scout;
}

/* ---- settings ---- */

static void settings_free(opro__transport_settings *s, opro__mem *mem) {
    const char *texts[] = {s->request_id, s->ca_file, s->ca_dir, s->proxy};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        opro__free(mem, (void *)(uintptr_t)texts[i]);
    *s = (opro__transport_settings){0};
}

/* 0: no memory. */
static int settings_copy(opro__transport_settings *to, const opro__transport_settings *from,
                         opro__mem *mem) {
    const char *texts[] = {from->request_id, from->ca_file, from->ca_dir, from->proxy};
    const char **copies[] = {&to->request_id, &to->ca_file, &to->ca_dir, &to->proxy};

    *to = *from;
    to->request_id = to->ca_file = to->ca_dir = to->proxy = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!texts[i]) continue;
        *copies[i] = opro__memdup(mem, texts[i], strlen(texts[i]));
        if (*copies[i]) continue;
        settings_free(to, mem);
        return 0;
    }
    return 1;
}

static int same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int same_settings(const opro__transport_settings *a, const opro__transport_settings *b) {
    return a->connect_timeout_ms == b->connect_timeout_ms &&
           a->idle_timeout_ms == b->idle_timeout_ms && a->max_body == b->max_body &&
           a->max_header == b->max_header && a->max_header_lines == b->max_header_lines &&
           a->http2 == b->http2 && a->allow_http == b->allow_http && a->local == b->local &&
           same_text(a->request_id, b->request_id) && same_text(a->ca_file, b->ca_file) &&
           same_text(a->ca_dir, b->ca_dir) && same_text(a->proxy, b->proxy);
}

opro_status opro__transport_set(opro__transport *t, const opro__transport_settings *settings,
                                opro_error *err) {
    opro__transport_settings own, old = t->settings;
    char detail[CURL_ERROR_SIZE] = "";
    opro_status st = OPRO_OK;
    opro__pipe pipe;
    CURL *easy;

    if (t->generation && same_settings(settings, &t->settings)) return OPRO_OK;
    if (!settings_copy(&own, settings, t->mem))
        return opro__fail(err, OPRO_ERR_NOMEM, "no memory for the settings of the transport");
    t->settings = own;
    easy = opro__easy_make(t, &st, detail);
    if (!easy) {
        t->settings = old;
        settings_free(&own, t->mem);
        return opro__fail(err, st, "libcurl: %s", detail);
    }
    settings_free(&old, t->mem);
    opro__pipe_hold(&pipe, t);
    opro__easy_clear(t);
    for (size_t i = 0; i < t->n_multis; i++)
        opro__multi_retire(t->multis[i]);
    opro__multi_sweep(t);
    opro__pipe_release(&pipe);
    t->generation++;
    t->known_until = 0;
    t->one_each = 0;
    if (own.proxy && is_https(own.proxy)) t->tls = 1;
    opro__easy_give(t, easy, 1);
    return OPRO_OK;
}

void opro__transport_set_watch(opro__transport *t, opro__watch_fn watch, void *ctx) {
    assert(t->in_flight == 0);
    opro__loop_forget(t);
    if (t->watch) t->watch(t->watch_ctx, t->wake, OPRO_POLL_NONE);
    t->watch = watch;
    t->watch_ctx = ctx;
    if (t->watch) t->watch(t->watch_ctx, t->wake, OPRO_POLL_IN);
}

/* ---- life ---- */

opro_status opro__transport_new(opro__transport **out, opro__mem *mem, opro_error *err) {
    struct epoll_event wakes = {.events = EPOLLIN};
    opro__transport *t = NULL;
    opro_status st;

    /* Counted by libcurl, and never undone: others in the process may use it too. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return opro__fail(err, OPRO_ERR_FAILED, "libcurl cannot be initialized");
    t = opro__calloc(mem, 1, sizeof *t);
    if (!t) return opro__fail(err, OPRO_ERR_NOMEM, "no memory for the transport");
    t->mem = mem;
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->share = curl_share_init();
    wakes.data.u64 = (uint32_t)t->wake;
    st = OPRO_ERR_FAILED;
    if (t->epoll < 0 || t->wake < 0 || epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->wake, &wakes) != 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): no buffer, of an error that has a name */
        opro__fail(err, st, "the system has no descriptor for the transport: %s", strerror(errno));
        goto out;
    }
    st = OPRO_ERR_NOMEM;
    if (!t->share ||
        curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK) {
        opro__fail(err, st, "no memory for the transport");
        goto out;
    }
    *out = t;
    t = NULL;
    st = OPRO_OK;
out:
    opro__transport_free(t);
    return st;
}

void opro__transport_free(opro__transport *t) {
    opro__pipe pipe;
    opro__mem *mem;

    if (!t) return;
    mem = t->mem;
    assert(t->in_flight == 0);
    while (opro__transport_finished(t))
        ;
    opro__pipe_hold(&pipe, t);
    opro__easy_clear(t);
    while (t->n_multis)
        multi_free(t->multis[--t->n_multis]);
    (void)curl_share_cleanup(t->share);
    opro__pipe_release(&pipe);
    if (t->watch) t->watch(t->watch_ctx, t->wake, OPRO_POLL_NONE);
    if (t->epoll >= 0) close(t->epoll);
    if (t->wake >= 0) close(t->wake);
    settings_free(&t->settings, mem);
    opro__free(mem, t->multis);
    opro__free(mem, t->sockets);
    opro__free(mem, t->easies);
    opro__free(mem, t);
}

int opro__transport_fd(const opro__transport *t) {
    return t->epoll;
}

void opro__transport_wake(opro__transport *t) {
    static const uint64_t one = 1;

    if (write(t->wake, &one, sizeof one) < 0) return; /* it is full: the waiting ends anyway */
}
