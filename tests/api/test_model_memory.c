/* SPDX-License-Identifier: MIT */
/*
 * Calls without memory: every allocation of the client fails once, from their submission on. They
 * come to all their replies or to a failure that says so, and nothing leaks.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

#define KEY "sk-canary-41"

enum { CALLS = 4 }; /* as many as make the list of alarms grow */

/* ---- an allocator that fails once ------------------------------------------------------------ */

typedef struct memory {
    long left; /* allocations until the one that fails; negative: none does */
    long live; /* blocks that are handed out                                */
} memory;

static void *take_more(void *p, size_t n, void *user_data) {
    memory *m = user_data;
    void *more = m->left-- ? realloc(p, n) : NULL;

    m->live += more && !p;
    return more;
}

static void *take(size_t n, void *user_data) {
    return take_more(NULL, n, user_data);
}

static void give(void *p, void *user_data) {
    ((memory *)user_data)->live -= p != NULL;
    free(p);
}

/* ---- scenarios ------------------------------------------------------------------------------- */

typedef struct scene {
    const char *options[6];
    mock_handler handler;
    size_t calls; /* 0: CALLS */
    size_t samples;
    double temperature;
    const char *reasoning;
    /* on the file at path, before the call; NULL: none */
    opro_status (*open)(opro_model *model, const char *path, size_t len);
    char path[32];
} scene;

/* A client of its own for the server of the world. */
static opro_model *make(const world *w, const scene *s, memory *m) {
    const opro_allocator a = {sizeof a, take, take_more, give, m};
    opro_model *model;

    assert_int_equal(opro_model_new(&model, w->config, &a), OPRO_OK);
    assert_int_equal(opro_model_set_base_url(model, w->url, OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_name(model, "m", OPRO_ZT), OPRO_OK);
    assert_int_equal(opro_model_set_key(model, KEY, OPRO_ZT), OPRO_OK);
    if (s->open) assert_int_equal(s->open(model, s->path, OPRO_ZT), OPRO_OK);
    return model;
}

/* How many samples of the call failed; all others are whole. */
static size_t failed(const opro_call *call, const scene *s) {
    size_t n = 0;

    for (size_t i = 0; i < s->samples; i++) {
        int32_t outcome = opro_call_outcome(call, i);

        if (outcome == OPRO_OUTCOME_FAILED) {
            n++;
            continue;
        }
        assert_int_equal(outcome, OPRO_OUTCOME_WHOLE);
        assert_true(has(opro_call_reply(call, i, NULL), "hi"));
        assert_string_equal(opro_call_reasoning(call, i, NULL), s->reasoning);
        for (size_t k = 0; k < i && s->temperature > 0; k++) /* no reply is there twice */
            assert_string_not_equal(opro_call_reply(call, i, NULL), opro_call_reply(call, k, NULL));
    }
    return n;
}

/* What failed says why. */
static void check(const opro_call *call, const scene *s) {
    const char *why = opro_error_message(opro_call_error(call), NULL);

    if (!failed(call, s)) return;
    if (!has(why, "memory")) fail_msg("%s", why);
    assert_int_equal(opro_call_failure(call), s->open == opro_model_record && has(why, "recording")
                                                  ? OPRO_FAILURE_FILE
                                                  : OPRO_FAILURE_MEMORY);
}

/* Calls at once, with so many allocations before the one that fails. 0: none has failed. */
static int play_once(world *w, const scene *s, long left) {
    memory m = {-1, 0};
    opro_model *old = w->model;
    opro_call *calls[CALLS];
    opro_status st[CALLS];
    size_t n = s->calls ? s->calls : CALLS;

    w->model = make(w, s, &m);
    for (size_t i = 0; i < n; i++)
        calls[i] = ask(w, "hello", s->samples, s->temperature);
    m.left = left;
    for (size_t i = 0; i < n; i++) {
        st[i] = opro_call_submit(calls[i], NULL, NULL, NULL);
        assert_true(st[i] == OPRO_OK || st[i] == OPRO_ERR_NOMEM);
    }
    run(w);
    for (size_t i = 0; i < n; i++) {
        if (m.left >= 0) assert_true(st[i] == OPRO_OK && !failed(calls[i], s));
        if (st[i] == OPRO_OK) check(calls[i], s);
        opro_call_free(calls[i]);
    }
    opro_model_free(w->model);
    w->model = old;
    assert_int_equal(m.live, 0);
    return m.left < 0;
}

/* What is recorded is whole, but for the key; then it is forgotten. */
static void check_recording(const scene *s) {
    FILE *f = fopen(s->path, "r");
    char line[2048];

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        assert_false(has(line, KEY));
        if (has(line, "\"status\":500") && !has(line, "\"met\":"))
            assert_true(has(line, "not again, [key]"));
    }
    fclose(f);
    unlink(s->path);
}

static void play(scene *s) {
    world w;

    begin(&w, s->handler, s, s->options);
    for (long left = 0; play_once(&w, s, left); left++)
        if (s->open == opro_model_record) check_recording(s);
    end(&w);
}

static void open_file(scene *s) {
    int fd;

    strcpy(s->path, "/tmp/opro-memory-XXXXXX");
    fd = mkstemp(s->path);
    assert_true(fd >= 0);
    close(fd);
}

/* ---- what is answered ------------------------------------------------------------------------ */

static void thinks(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                   void *ctx) {
    (void)server, (void)n, (void)head, (void)body, (void)ctx;
    strcpy(reply->body, "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\","
                        "\"reasoning\":\"hm\"}}]}");
}

/* The last of several replies is missing. */
static void lacks_one(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                      void *ctx) {
    size_t asked = asked_for(body);
    char text[32];

    (void)server, (void)head, (void)ctx;
    snprintf(text, sizeof text, "hi %zu", n);
    mock_choices(reply, asked > 1 ? asked - 1 : 1, text);
}

/* It shows the key to whoever asks for the first time. */
static void shows_the_key(mock *server, size_t n, const char *head, const char *body,
                          mock_reply *reply, void *ctx) {
    static size_t times;

    (void)server, (void)n, (void)head, (void)body, (void)ctx;
    mock_choices(reply, 1, "hi");
    if (times++ % 2) return;
    reply->status = 500;
    strcpy(reply->body, "{\"error\":{\"message\":\"not again, " KEY "\"}}");
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void copies_of_one_reply(void **state) {
    scene s = {.handler = thinks, .samples = 3, .reasoning = "hm"};

    (void)state;
    play(&s);
}

static void several_at_a_time(void **state) {
    scene s = {.options = {"model_samples", "together", "model_most_samples", "2"},
               .handler = lacks_one,
               .samples = 3,
               .temperature = 1,
               .reasoning = ""};

    (void)state;
    play(&s);
    s.calls = 1; /* of several, which allocation is whose depends on when answers come */
    s.samples = 2;
    play(&s);
}

/* A short exchange before all others: those need more memory to be read. */
static void put_first(const scene *s) {
    static char text[65536];
    FILE *f = fopen(s->path, "r+");
    size_t len = fread(text, 1, sizeof text - 1, f);
    char *line = strchr(text, '\n') + 1, *rest = strstr(line, ",\"request\"");

    assert_true(len > 0 && rest);
    rewind(f);
    fprintf(f, "%.*s,\"request\":{}}\n%s", (int)(rest - text), text, line);
    assert_int_equal(fclose(f), 0);
}

static void recordings(void **state) {
    scene s = {.handler = shows_the_key, .samples = 1, .reasoning = "", .open = opro_model_record};

    (void)state;
    open_file(&s);
    play(&s);
    put_first(&s); /* into the last one, which is whole */
    s.open = opro_model_replay;
    play(&s);
    unlink(s.path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_of_one_reply),
        cmocka_unit_test(several_at_a_time),
        cmocka_unit_test(recordings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
