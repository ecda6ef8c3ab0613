/* SPDX-License-Identifier: MIT */
/*
 * The client against a server that does everything wrong: tests/server/expected.json says what must
 * come of each case. Rows are played side by side, each by a client of its own with an allocator of
 * its own, in one loop over the clients' descriptors.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opro/opro.h"
#include "server.h"

#define KEY    "sk-canary-7f3a9c51e2d84b60-end"
#define PROMPT "Tell me of the harbour."
#define BATCH  48
#define MOST   ((size_t)48 << 20) /* bytes that a client may hold at any time; 8 MiB is its cap */

typedef struct heap {
    size_t now, most;
} heap;

typedef struct row {
    const json_t *spec;
    char name[64]; /* CASE~TAG */
    char log[8192];
    size_t log_len;
    heap heap;
    opro_model *model;
    opro_call *call;
    long calls;
    int64_t tries; /* of all calls */
    int over;
} row;

static server the_server;
static long complaints;

/* ---- an allocator that counts ---------------------------------------------------------------- */

static void *count_realloc(void *p, size_t n, void *user_data) {
    heap *h = user_data;
    size_t *block = p ? (size_t *)p - 2 : NULL;
    size_t before = block ? block[0] : 0;

    block = realloc(block, n + 2 * sizeof *block);
    if (!block) return NULL;
    block[0] = n;
    h->now += n - before;
    if (h->now > h->most) h->most = h->now;
    return block + 2;
}

static void *count_alloc(size_t n, void *user_data) {
    return count_realloc(NULL, n, user_data);
}

static void count_free(void *p, void *user_data) {
    heap *h = user_data;

    if (!p) return;
    h->now -= ((size_t *)p - 2)[0];
    free((size_t *)p - 2);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *spec, const char *name, const char *otherwise) {
    const char *text = json_string_value(json_object_get(spec, name));

    return text ? text : otherwise;
}

static json_int_t count_of(const json_t *spec, const char *name, json_int_t otherwise) {
    const json_t *value = json_object_get(spec, name);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void complain(const row *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(const row *r, const char *format, ...) {
    char *spec = json_dumps(r->spec, JSON_PRESERVE_ORDER);
    va_list args;

    complaints++;
    fprintf(stderr, "%s\n    ", spec);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    free(spec);
}

/* One of those that the row allows: a value or a list of values. */
static int among(const json_t *allowed, const char *word) {
    for (size_t i = 0; i < json_array_size(allowed); i++)
        if (among(json_array_get(allowed, i), word)) return 1;
    return json_is_string(allowed) && strcmp(json_string_value(allowed), word) == 0;
}

/* A number, or [least, most] with null for any. */
static int within(const json_t *allowed, int64_t n) {
    const json_t *most = json_array_get(allowed, 1);

    if (json_is_integer(allowed)) return n == json_integer_value(allowed);
    return n >= json_integer_value(json_array_get(allowed, 0)) &&
           (!json_is_integer(most) || n <= json_integer_value(most));
}

static void hear(int32_t level, const char *domain, const char *message, size_t len,
                 void *user_data) {
    row *r = user_data;

    (void)domain;
    if (strstr(message, KEY)) complain(r, "the key is in the log: %s", message);
    if (level > OPRO_LOG_DEBUG && strstr(message, PROMPT))
        complain(r, "the prompt is in the log: %s", message);
    if (r->log_len + len + 2 > sizeof r->log) return;
    memcpy(r->log + r->log_len, message, len);
    r->log_len += len;
    r->log[r->log_len++] = '\n';
}

static void set_ms(opro_config *config, const char *name, long n) {
    char text[24];

    snprintf(text, sizeof text, "%ld", n);
    assert_int_equal(opro_config_set(config, name, OPRO_ZT, text, OPRO_ZT), OPRO_OK);
}

static opro_config *config_of(row *r) {
    int hurry = json_is_true(json_object_get(r->spec, "hurry"));
    opro_config *config;
    const char *name;
    json_t *value;

    assert_int_equal(opro_config_new(&config, NULL), OPRO_OK);
    opro_config_set_log(config, OPRO_LOG_DEBUG, hear, r, NULL);
    set_ms(config, "model_connect_timeout_ms", hurry ? 1000 : 60000);
    set_ms(config, "model_idle_timeout_ms", hurry ? 1000 : 60000);
    set_ms(config, "model_timeout_ms", hurry ? 1500 : 60000);
    assert_int_equal(opro_config_set(config, "model_attempts", OPRO_ZT, "3", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_config_set(config, "model_backoff_ms", OPRO_ZT, "5", OPRO_ZT), OPRO_OK);
    json_object_foreach(json_object_get(r->spec, "options"), name, value) {
        char text[64];

        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        if (json_is_string(value)) snprintf(text, sizeof text, "%s", json_string_value(value));
        if (opro_config_set(config, name, OPRO_ZT, text, OPRO_ZT) != OPRO_OK)
            complain(r, "no option %s = %s", name, text);
    }
    return config;
}

static void set_proxy(row *r) {
    const json_t *proxy = json_object_get(r->spec, "proxy");
    char url[128];

    if (!proxy) return;
    snprintf(url, sizeof url, "%s://127.0.0.1:%d", json_string_value(json_array_get(proxy, 0)),
             server_port(&the_server, json_string_value(json_array_get(proxy, 1))));
    assert_int_equal(opro_model_set_proxy(r->model, url, OPRO_ZT), OPRO_OK);
}

static void open_model(row *r) {
    const char *port = text_of(r->spec, "port", "plain");
    int tls = strncmp(port, "tls", 3) == 0 || strcmp(port, "h2") == 0;
    const char *ca = server_file(&the_server, "ca");
    const opro_allocator mem = {sizeof mem, count_alloc, count_realloc, count_free, &r->heap};
    opro_config *config = config_of(r);
    char url[256];

    assert_int_equal(opro_model_new(&r->model, config, &mem), OPRO_OK);
    opro_config_free(config);
    snprintf(url, sizeof url, "%s://%s:%d/%s/v1",
             text_of(r->spec, "scheme", tls ? "https" : "http"),
             text_of(r->spec, "host", "127.0.0.1"), server_port(&the_server, port), r->name);
    if (opro_model_set_base_url(r->model, url, OPRO_ZT) != OPRO_OK)
        fail_msg("%s: %s", url, opro_error_message(opro_model_error(r->model), NULL));
    assert_int_equal(opro_model_set_name(r->model, "test-model", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_key(r->model, KEY, OPRO_ZT), OPRO_OK);
    if (ca && !json_is_false(json_object_get(r->spec, "ca")))
        assert_int_equal(opro_model_set_ca_file(r->model, ca, OPRO_ZT), OPRO_OK);
    set_proxy(r);
}

static void add_message(opro_call *call, int32_t role, const char *text) {
    if (text) assert_int_equal(opro_call_add_message(call, role, text, OPRO_ZT), OPRO_OK);
}

static void submit(row *r) {
    const json_t *ask = json_object_get(r->spec, "ask");
    opro_call *call;

    assert_int_equal(opro_call_new(&call, r->model), OPRO_OK);
    r->call = call;
    add_message(call, OPRO_ROLE_SYSTEM, text_of(ask, "system", NULL));
    add_message(call, OPRO_ROLE_USER, text_of(ask, "prompt", PROMPT));
    add_message(call, OPRO_ROLE_ASSISTANT, text_of(ask, "prefix", NULL));
    opro_call_set_samples(call, (size_t)count_of(ask, "samples", 1));
    opro_call_set_temperature(call, 0.7);
    opro_call_set_max_tokens(call, 200);
    opro_call_set_seed(call, 17);
    opro_call_add_stop(call, "</TEXT>", OPRO_ZT);
    assert_int_equal(opro_call_submit(call, NULL, NULL, NULL), OPRO_OK);
    r->calls++;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static const char *outcome_name(int32_t outcome) {
    switch (outcome) {
    case OPRO_OUTCOME_WHOLE: return "whole";
    case OPRO_OUTCOME_TRUNCATED: return "truncated";
    case OPRO_OUTCOME_REFUSED: return "refused";
    case OPRO_OUTCOME_FAILED: return "failed";
    default: return "none";
    }
}

/* The status that goes with a class of failure. */
static opro_status status_of(int32_t failure) {
    switch (failure) {
    case OPRO_FAILURE_NONE: return OPRO_OK;
    case OPRO_FAILURE_TIMEOUT:
    case OPRO_FAILURE_DEADLINE: return OPRO_ERR_TIMEOUT;
    case OPRO_FAILURE_LIMIT: return OPRO_ERR_LIMIT;
    case OPRO_FAILURE_MEMORY: return OPRO_ERR_NOMEM;
    case OPRO_FAILURE_PREFIX: return OPRO_ERR_UNSUPPORTED;
    case OPRO_FAILURE_NOT_RECORDED: return OPRO_ERR_UNKNOWN;
    default: return OPRO_ERR_FAILED;
    }
}

static void check_outcomes(const row *r, size_t samples) {
    const json_t *is = json_object_get(r->spec, "is"), *each = json_object_get(r->spec, "each");

    for (size_t i = 0; i < samples; i++) {
        const char *word = outcome_name(opro_call_outcome(r->call, i));
        const json_t *allowed = each ? json_array_get(each, i) : is;

        if (getenv("OPRO_SHOW") && i == 0)
            fprintf(stderr, "SHOW %s %s %s %lld\n", r->name, word,
                    opro_failure_name(opro_call_failure(r->call)), (long long)r->tries);
        if (allowed ? !among(allowed, word) : strcmp(word, "whole") != 0)
            complain(r, "sample %zu is %s: %s", i, word,
                     opro_error_message(opro_call_error(r->call), NULL));
    }
}

static void check_failure(const row *r) {
    const json_t *allowed = json_object_get(r->spec, "class");
    int32_t failure = opro_call_failure(r->call);
    const char *name = failure ? opro_failure_name(failure) : "none";
    const opro_error *error = opro_call_error(r->call);
    const char *message = opro_error_message(error, NULL), *says = text_of(r->spec, "says", "");

    if (allowed ? !among(allowed, name) : failure != OPRO_FAILURE_NONE)
        complain(r, "the class is %s: %s", name, message);
    if (opro_error_status(error) != status_of(failure))
        complain(r, "the status of %s is %s", name, opro_status_name(opro_error_status(error)));
    if (!message[0] != !failure) complain(r, "the class is %s, the message: %s", name, message);
    if (!strstr(message, says)) complain(r, "no \"%s\" in the message: %s", says, message);
    if (atoi(says) && opro_call_figure(r->call, OPRO_CALL_HTTP_STATUS) != atoi(says))
        complain(r, "the HTTP status is %" PRId64,
                 opro_call_figure(r->call, OPRO_CALL_HTTP_STATUS));
    for (const char *c = message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            complain(r, "control character %d in the message: %s", *c, message);
    if (strlen(message) > 1024) complain(r, "a message of %zu bytes", strlen(message));
}

/* The key, and the longest pieces of it that a server may echo, must have been cut out. */
static void check_secret(const row *r, const char *text, const char *what) {
    char head[13], tail[13];

    memcpy(head, KEY, 12);
    memcpy(tail, &KEY[sizeof KEY - 13], 12);
    head[12] = tail[12] = '\0';
    if (strstr(text, head) || strstr(text, tail)) complain(r, "the key is in %s: %s", what, text);
}

static int find_reply(const row *r, size_t samples, const char *wanted) {
    for (size_t i = 0; i < samples; i++)
        if (strcmp(opro_call_reply(r->call, i, NULL), wanted) == 0) return 1;
    return 0;
}

static void check_replies(const row *r, size_t samples) {
    const json_t *replies = json_object_get(r->spec, "replies");
    int unordered = json_is_true(json_object_get(r->spec, "unordered"));

    for (size_t i = 0; i < samples; i++) {
        const char *wanted = json_string_value(json_array_get(replies, i));
        size_t len;
        const char *reply = opro_call_reply(r->call, i, &len);

        if (strlen(reply) != len) complain(r, "NUL in reply %zu", i);
        if (len > ((size_t)8 << 20)) complain(r, "a reply of %zu bytes", len);
        check_secret(r, reply, "a reply");
        if (wanted && (unordered ? !find_reply(r, samples, wanted) : strcmp(reply, wanted) != 0))
            complain(r, "no reply \"%s\" but \"%.100s\"", wanted, reply);
    }
}

static void check_text(const row *r, const char *name, const char *found) {
    const char *wanted = text_of(r->spec, name, NULL);

    if (wanted && strcmp(wanted, found) != 0)
        complain(r, "%s: \"%.100s\" in place of \"%s\"", name, found, wanted);
}

static void check_usage(const row *r) {
    static const struct {
        const char *name;
        int32_t figure;
    } known[] = {{"prompt", OPRO_CALL_PROMPT_TOKENS},
                 {"reply", OPRO_CALL_REPLY_TOKENS},
                 {"cached", OPRO_CALL_CACHED_TOKENS},
                 {"reasoning", OPRO_CALL_REASONING_TOKENS}};
    const json_t *usage = json_object_get(r->spec, "usage");

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int64_t found = opro_call_figure(r->call, known[i].figure);
        json_int_t wanted = count_of(usage, known[i].name, found);

        if (strcmp(text_of(usage, known[i].name, ""), "estimated") == 0 && found == 0)
            complain(r, "no estimate of %s tokens", known[i].name);
        if (found < 0 || found != wanted)
            complain(r, "%s tokens: %" PRId64 " in place of %" JSON_INTEGER_FORMAT, known[i].name,
                     found, wanted);
    }
    if (opro_call_failure(r->call) &&
        count_of(r->spec, "wait", 0) != (opro_call_figure(r->call, OPRO_CALL_WAIT_MS) > 0))
        complain(r, "a wish to wait %" PRId64 " ms", opro_call_figure(r->call, OPRO_CALL_WAIT_MS));
}

/* What the server has seen: how many requests, and what no request may have. */
static void check_seen(const row *r) {
    static const char *const never[] = {"Expect", "Cookie", "Referer"};
    const json_t *wanted = json_object_get(r->spec, "requests"), *all, *one, *header;
    json_t *one_request = json_integer(count_of(r->spec, "repeat", 1));
    char target[96];
    json_t *seen;
    size_t i, j;

    snprintf(target, sizeof target, "/_seen/%s", r->name);
    seen = server_ask(&the_server, target);
    if (!wanted) wanted = one_request;
    if (!within(wanted, count_of(seen, "requests", -1)))
        complain(r, "the server saw %" JSON_INTEGER_FORMAT " requests",
                 count_of(seen, "requests", -1));
    if (json_object_get(r->spec, "tries")) wanted = json_object_get(r->spec, "tries");
    if (!within(wanted, r->tries) && !json_is_array(wanted))
        complain(r, "the client counts %" PRId64 " requests", r->tries);
    all = json_object_get(seen, "headers");
    json_array_foreach(all, i, one) json_array_foreach(one, j, header) {
        const char *name = json_string_value(json_array_get(header, 0));

        for (size_t k = 0; k < sizeof never / sizeof *never; k++)
            if (strcasecmp(name, never[k]) == 0) complain(r, "a header %s was sent", name);
    }
    json_decref(one_request);
    json_decref(seen);
}

static void check_row(const row *r) {
    size_t samples = (size_t)count_of(json_object_get(r->spec, "ask"), "samples", 1);

    check_outcomes(r, samples);
    check_failure(r);
    check_secret(r, opro_error_message(opro_call_error(r->call), NULL), "the message");
    check_secret(r, r->log, "the log");
    check_replies(r, samples);
    check_text(r, "reasoning", opro_call_reasoning(r->call, 0, NULL));
    check_text(r, "finish", opro_call_finish(r->call, 0));
    check_usage(r);
    check_seen(r);
    if (r->heap.most > MOST) complain(r, "%zu bytes were held", r->heap.most);
}

/* ---- playing --------------------------------------------------------------------------------- */

/* A call of the row has ended: the next one, or the end. */
static void go_on(row *r) {
    r->tries += opro_call_figure(r->call, OPRO_CALL_REQUESTS);
    if (r->calls < count_of(r->spec, "repeat", 1)) {
        if (opro_call_outcome(r->call, 0) != OPRO_OUTCOME_WHOLE)
            complain(r, "call %ld is %s: %s", r->calls, outcome_name(opro_call_outcome(r->call, 0)),
                     opro_error_message(opro_call_error(r->call), NULL));
        opro_call_free(r->call);
        submit(r);
        return;
    }
    r->over = 1;
    check_row(r);
    opro_call_free(r->call);
    opro_model_free(r->model);
    r->call = NULL;
    r->model = NULL;
    if (r->heap.now) complain(r, "%zu bytes are lost", r->heap.now);
}

/* Do what can be done now. */
static void work(row *r) {
    while (!r->over && opro_model_poll(r->model, 0) == OPRO_OK)
        continue;
    if (!r->over && opro_call_done(r->call)) {
        go_on(r);
        work(r);
    }
}

static int sooner(int64_t a, int b) {
    return a >= 0 && (b < 0 || a < b) ? (int)(a > 1000 ? 1000 : a) : b;
}

/* Side by side, by the one descriptor and the time that each client gives. */
static void play(row *rows, size_t n) {
    struct pollfd fds[BATCH];
    size_t left = n;

    for (size_t i = 0; i < n; i++) {
        open_model(&rows[i]);
        submit(&rows[i]);
    }
    while (left) {
        int wait = 1000;

        left = 0;
        for (size_t i = 0; i < n; i++) {
            work(&rows[i]);
            if (rows[i].over) continue;
            wait = sooner(opro_model_timeout(rows[i].model), wait);
            fds[left++] = (struct pollfd){(int)opro_model_fd(rows[i].model), POLLIN, 0};
        }
        if (left) poll(fds, left, wait);
    }
}

static size_t open_files(void) {
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir) closedir(dir);
    return n;
}

/* Rows with these specifications, in batches. They are given names of their own. */
static void play_all(const json_t *specs, const char *only) {
    row *rows = calloc(BATCH, sizeof *rows);
    size_t n = 0, i;
    const json_t *spec;

    assert_non_null(rows);
    json_array_foreach(specs, i, spec) {
        const char *name = text_of(spec, "case", "");

        if (!only || strcmp(only, name) == 0) {
            rows[n].spec = spec;
            snprintf(rows[n].name, sizeof rows[n].name, "%s~%zu", name, i);
            n++;
        }
        if (n == BATCH || (n && i + 1 == json_array_size(specs))) {
            size_t files = open_files();

            play(rows, n);
            if (open_files() != files) complain(&rows[0], "files stay open after this and others");
            memset(rows, 0, BATCH * sizeof *rows);
            n = 0;
        }
    }
    free(rows);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* expected.json is beside the server. */
static json_t *expected(void) {
    const char *script = getenv("OPRO_SERVER"), *slash = strrchr(script, '/');
    char path[4096];
    json_error_t err;
    json_t *specs;

    snprintf(path, sizeof path, "%.*sexpected.json", slash ? (int)(slash - script + 1) : 0, script);
    specs = json_load_file(path, 0, &err);
    if (!specs) fail_msg("%s, line %d: %s", path, err.line, err.text);
    return specs;
}

static void every_case_ends_as_expected(void **state) {
    json_t *specs = expected();

    (void)state;
    assert_true(json_array_size(specs) > 400);
    play_all(specs, getenv("OPRO_CASE"));
    json_decref(specs);
    assert_int_equal(complaints, 0);
}

/* A reply that breaks after k bytes, by RST or by an orderly end: all of it or nothing. */
static json_t *breaking(const char *way, int k) {
    static const char format[] = "{\"case\": \"%s-%d\", \"is\": [\"whole\", \"failed\"],"
                                 " \"class\": [\"none\", \"net\", \"answer\"],"
                                 " \"options\": {\"model_attempts\": 1}, \"requests\": [1, null]}";
    char text[sizeof format + 32];

    snprintf(text, sizeof text, format, way, k);
    return json_loads(text, 0, NULL);
}

static void a_reply_may_break_at_any_byte(void **state) {
    json_t *specs = json_array();

    (void)state;
    for (int k = 0; k < 700; k++) {
        assert_int_equal(json_array_append_new(specs, breaking("reset", k)), 0);
        assert_int_equal(json_array_append_new(specs, breaking("cut", k)), 0);
    }
    complaints = 0;
    play_all(specs, NULL);
    json_decref(specs);
    assert_int_equal(complaints, 0);
}

/* Calls that wait for a silent server, queued ones behind them, and a client that goes. */
static void giving_up_in_the_middle_leaves_nothing(void **state) {
    static const char spec[] = "{\"case\": \"hang\", \"options\":"
                               " {\"model_max_in_flight\": 20, \"model_in_flight\": 20}}";
    json_t *hang = json_loads(spec, 0, NULL);
    size_t files = open_files();
    row r = {.spec = hang, .name = "hang~middle"};
    opro_call *calls[40];

    (void)state;
    complaints = 0;
    open_model(&r);
    for (size_t i = 0; i < 40; i++) {
        submit(&r);
        calls[i] = r.call;
    }
    while (opro_model_figure(r.model, OPRO_MODEL_IN_FLIGHT) < 20)
        opro_model_poll(r.model, 10);
    opro_model_free(r.model);
    for (size_t i = 0; i < 40; i++)
        opro_call_free(calls[(i * 7) % 40]);
    assert_int_equal(r.heap.now, 0);
    assert_int_equal(open_files(), files);
    assert_int_equal(complaints, 0);
    json_decref(hang);
}

static void no_key_went_astray(void **state) {
    json_t *found = server_ask(&the_server, "/_canary?text=" KEY);
    char *ports = json_dumps(found, 0);

    (void)state;
    if (!json_is_false(json_object_get(found, "found"))) fail_msg("the key arrived: %s", ports);
    free(ports);
    json_decref(found);
}

static int start(void **state) {
    (void)state;
    server_start(&the_server, 1);
    return 0;
}

static int stop(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_ends_as_expected),
        cmocka_unit_test(a_reply_may_break_at_any_byte),
        cmocka_unit_test(giving_up_in_the_middle_leaves_nothing),
        cmocka_unit_test(no_key_went_astray),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
