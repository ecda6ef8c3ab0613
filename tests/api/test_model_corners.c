/* SPDX-License-Identifier: MIT */
/* The client where its decisions are close: what is tried again and until when, what is counted. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "model_world.h"

/* What is answered, one after the other; the last one again and again. */
typedef struct script {
    struct {
        int status;
        const char *headers, *body;
        int delay_ms;
    } answers[4];
    size_t n;
} script;

static void play(mock *server, size_t n, const char *head, const char *body, mock_reply *reply,
                 void *ctx) {
    const script *s = ctx;
    size_t i = n < s->n ? n : s->n - 1;

    (void)server, (void)head, (void)body;
    reply->status = s->answers[i].status;
    reply->delay_ms = s->answers[i].delay_ms;
    strcpy(reply->headers, s->answers[i].headers ? s->answers[i].headers : "");
    strcpy(reply->body, s->answers[i].body);
}

#define CHOICE(i, text)                                                                            \
    "{\"index\":" i ",\"finish_reason\":\"stop\",\"message\":{\"content\":\"" text "\"}}"
#define GOOD "{\"choices\":[" CHOICE("0", "hi") "]}"
#define BUSY "{\"error\":{\"message\":\"overloaded\"}}"

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* One call comes to this failure after so many requests. */
static void fails_after(script *s, const char *const *options, int64_t deadline, int32_t failure,
                        size_t requests, const char *words) {
    world w;
    opro_call *call;

    begin(&w, play, s, options);
    call = ask(&w, "hello", 1, 1);
    if (deadline) assert_int_equal(opro_call_set_deadline(call, deadline), OPRO_OK);
    submit(call);
    run(&w);
    assert_int_equal(opro_call_outcome(call, 0), OPRO_OUTCOME_FAILED);
    assert_int_equal(opro_call_failure(call), failure);
    assert_int_equal(w.server->n, requests);
    if (!has(opro_error_message(opro_call_error(call), NULL), words))
        fail_msg("%s", opro_error_message(opro_call_error(call), NULL));
    opro_call_free(call);
    end(&w);
}

/* ---- again, and until when ------------------------------------------------------------------- */

/* What was left out once already is not left out again. */
static void the_same_adaptation_is_made_once(void **state) {
    script s = {{{400, NULL, "{\"error\":{\"message\":\"system role not supported\"}}", 0}}, 1};

    (void)state;
    fails_after(&s, NULL, 0, OPRO_FAILURE_REFUSED, 2, "system role");
    fails_after(&s, OPTIONS("model_max_adaptations", "0"), 0, OPRO_FAILURE_REFUSED, 1, "system");
}

static void loading_has_an_end(void **state) {
    script s = {{{503, NULL, "{\"error\":{\"message\":\"model is loading\"}}", 0}}, 1};

    (void)state;
    fails_after(&s, OPTIONS("model_loading_ms", "0"), 0, OPRO_FAILURE_UNAVAILABLE, 1, "loading");
}

/* A wait that ends after the deadline is not begun. */
static void a_wait_beyond_the_deadline(void **state) {
    script s = {{{503, "Retry-After: 60\r\n", BUSY, 0}}, 1};

    (void)state;
    fails_after(&s, NULL, 30000, OPRO_FAILURE_UNAVAILABLE, 1, "overloaded");
}

/* A call without a deadline waits; who frees it meanwhile ends that. */
static void a_wait_is_cancelled(void **state) {
    script s = {{{503, "Retry-After: 60\r\n", BUSY, 0}, {200, NULL, GOOD, 0}}, 2};
    world w;
    opro_call *call;

    (void)state;
    begin(&w, play, &s, OPTIONS("model_deadline_ms", "0"));
    call = ask(&w, "hello", 1, 1);
    submit(call);
    while (!opro_model_figure(w.model, OPRO_MODEL_FAILURES))
        opro_model_poll(w.model, 1000);
    assert_false(opro_call_done(call));
    assert_int_equal(opro_model_poll(w.model, 0), OPRO_WAIT);
    opro_call_free(call);
    assert_int_equal(opro_model_poll(w.model, 0), OPRO_DONE);
    assert_int_equal(w.server->n, 1);
    end(&w);
}

static void no_reply_and_no_reason(void **state) {
    script s = {
        {{200, NULL, "{\"choices\":[{\"finish_reason\":\"abort\",\"message\":{\"content\":\"\"}}]}",
          0}},
        1};

    (void)state;
    fails_after(&s, OPTIONS("model_retry_few", "1"), 0, OPRO_FAILURE_UNAVAILABLE, 2,
                "does not say why");
}

/* One of several replies is missing, with a reason that quotes the key. */
static void no_reply_and_a_reason(void **state) {
    script s = {
        {{200, NULL,
          "{\"choices\":[" CHOICE("0", "hi") ",{\"index\":1,\"error\":{\"message\":"
                                             "\"sk-canary-42 has no share in the expert\"}}]}",
          0}},
        1};
    world w;
    opro_call *call;

    (void)state;
    begin(&w, play, &s, OPTIONS("model_samples", "together", "model_retry_few", "0"));
    assert_int_equal(opro_model_set_key(w.model, "sk-canary-42", OPRO_ZT), OPRO_OK);
    call = ask(&w, "hello", 2, 1);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 1);
    assert_string_equal(opro_call_reply(call, 0, NULL), "hi");
    assert_int_equal(opro_call_outcome(call, 1), OPRO_OUTCOME_FAILED);
    assert_int_equal(opro_call_failure(call), OPRO_FAILURE_UNAVAILABLE);
    assert_string_equal(opro_error_message(opro_call_error(call), NULL),
                        "no reply: [key] has no share in the expert");
    opro_call_free(call);
    end(&w);
}

/* What dooms a call leaves the replies that are there. */
static void replies_stay(void **state) {
    script s = {{{200, NULL, GOOD, 0}, {400, NULL, "{\"error\":{\"message\":\"no\"}}", 200}}, 2};
    world w;
    opro_call *call;

    (void)state;
    begin(&w, play, &s, OPTIONS("model_samples", "singly", "model_first_alone", "1"));
    call = ask(&w, "hello", 3, 1);
    submit(call);
    run(&w);
    assert_int_equal(opro_call_outcome(call, 0), OPRO_OUTCOME_WHOLE);
    assert_string_equal(opro_call_reply(call, 0, NULL), "hi");
    assert_int_equal(opro_call_outcome(call, 1), OPRO_OUTCOME_FAILED);
    assert_int_equal(opro_call_outcome(call, 2), OPRO_OUTCOME_FAILED);
    opro_call_free(call);
    end(&w);
}

/* ---- what is counted ------------------------------------------------------------------------- */

/* llama.cpp counts the first of several replies: that times their number is the estimate. */
static void usage_of_the_first(void **state) {
    script s = {{{200, NULL,
                  "{\"choices\":[" CHOICE("0", "a") "," CHOICE(
                      "1", "b") "],\"timings\":{},"
                                "\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":5}}",
                  0}},
                1};
    world w;
    opro_call *call;

    (void)state;
    begin(&w, play, &s, OPTIONS("model_samples", "together"));
    call = ask(&w, "hello", 2, 1);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 1);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_REPLY_TOKENS), 10);
    assert_int_equal(opro_call_figure(call, OPRO_CALL_PROMPT_TOKENS), 0);
    opro_call_free(call);
    end(&w);
}

/* Absurd counts, and then none: the estimate is no more tokens than there were bytes. */
static void claims_too_much(mock *server, size_t n, const char *head, const char *body,
                            mock_reply *reply, void *ctx) {
    (void)server, (void)head, (void)body, (void)ctx;
    sprintf(reply->body, "{\"choices\":[" CHOICE("0", "hi") "]%s}",
            n < 30 ? ",\"usage\":{\"prompt_tokens\":1000000,\"completion_tokens\":1}" : "");
}

static void estimates_stay_sane(void **state) {
    world w;

    (void)state;
    begin(&w, claims_too_much, NULL, NULL);
    for (size_t i = 0; i < 31; i++) {
        opro_call *call = ask(&w, "hello", 1, 1);

        submit(call);
        run(&w);
        if (i == 30)
            assert_in_range(opro_call_figure(call, OPRO_CALL_PROMPT_TOKENS), 1,
                            strlen(w.server->bodies[i]));
        opro_call_free(call);
    }
    end(&w);
}

static void tokens_from_a_cache_have_their_price(void **state) {
    script s = {
        {{200, NULL,
          "{\"choices\":[" CHOICE(
              "0", "a") "],\"usage\":{\"prompt_tokens\":10,"
                        "\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":4}}}",
          0}},
        1};
    world w;
    opro_call *call;

    (void)state;
    for (int own = 0; own < 2; own++) {
        begin(
            &w, play, &s,
            OPTIONS("model_prompt_price", "7000000", "model_cached_price", own ? "2000000" : "-1"));
        call = ask(&w, "hello", 1, 1);
        submit(call);
        run(&w);
        assert_int_equal(opro_call_figure(call, OPRO_CALL_COST), own ? 6 * 7 + 4 * 2 : 70);
        opro_call_free(call);
        end(&w);
    }
}

/* At temperature 0 one reply is that of all samples, with what was thought of it. */
static void copies_have_the_reasoning(void **state) {
    script s = {{{200, NULL,
                  "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\","
                  "\"reasoning\":\"hm\"}}]}",
                  0}},
                1};
    world w;
    opro_call *call;

    (void)state;
    begin(&w, play, &s, NULL);
    call = ask(&w, "hello", 3, 0);
    submit(call);
    run(&w);
    assert_int_equal(w.server->n, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(opro_call_reply(call, i, NULL), "hi");
        assert_string_equal(opro_call_reasoning(call, i, NULL), "hm");
    }
    opro_call_free(call);
    end(&w);
}

/* ---- how many at once ------------------------------------------------------------------------ */

static void many_requests_and_long_ones(void **state) {
    script s = {{{200, NULL, GOOD, 0}}, 1};
    static char text[100000];
    world w;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    begin(&w, play, &s,
          OPTIONS("model_samples", "singly", "model_first_alone", "0", "model_in_flight", "100",
                  "model_max_in_flight", "100"));
    for (int round = 0; round < 2; round++) {
        opro_call *call = ask(&w, round ? "short" : text, 90, 1);

        submit(call);
        run(&w);
        for (size_t i = 0; i < 90; i++)
            assert_int_equal(opro_call_outcome(call, i), OPRO_OUTCOME_WHOLE);
        opro_call_free(call);
    }
    assert_int_equal(w.server->n, 180);
    assert_true(has(w.server->bodies[0], "xxxx"));
    assert_false(has(w.server->bodies[179], "xxxx"));
    end(&w);
}

static void gives_candidates(mock *server, size_t n, const char *head, const char *body,
                             mock_reply *reply, void *ctx) {
    const char *count = strstr(body, "\"candidateCount\":");
    int wanted = count ? atoi(count + 17) : 1;

    (void)server, (void)n, (void)head, (void)ctx;
    reply->status = 200;
    strcpy(reply->body, "{\"candidates\":[");
    for (int i = 0; i < wanted; i++)
        sprintf(
            strchr(reply->body, '\0'),
            "%s{\"index\":%d,\"finishReason\":\"STOP\",\"content\":{\"parts\":[{\"text\":\"x\"}]}}",
            i ? "," : "", i);
    strcat(reply->body, "]}");
}

/* The protocol says how many one request may ask for, or the host, whichever is less. */
static void the_most_of_a_protocol(void **state) {
    static const char *const most[] = {"4", "16"};
    static const size_t requests[] = {3, 2}; /* 4 4 2, 8 2 */

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world w;
        opro_call *call;

        begin(&w, gives_candidates, NULL,
              OPTIONS("model_dialect", "gemini", "model_samples", "together", "model_most_samples",
                      most[i]));
        call = ask(&w, "hello", 10, 1);
        submit(call);
        run(&w);
        assert_int_equal(w.server->n, requests[i]);
        for (size_t k = 0; k < 10; k++)
            assert_int_equal(opro_call_outcome(call, k), OPRO_OUTCOME_WHOLE);
        opro_call_free(call);
        end(&w);
    }
}

/* All that is asked for, but the second time. */
static void gives_less(mock *server, size_t n, const char *head, const char *body,
                       mock_reply *reply, void *ctx) {
    (void)server, (void)head, (void)ctx;
    mock_choices(reply, n == 1 ? 1 : asked_for(body), "x");
    reply->delay_ms = n == 2 ? 100 : 0;
}

/* Who has failed to give several replies once is not believed again. */
static void several_replies_are_given_up(void **state) {
    opro_call *calls[4];
    world w;

    (void)state;
    begin(&w, gives_less, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        calls[i] = ask(&w, "hello", 2, 1);
        submit(calls[i]);
        if (i != 1) run(&w);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(opro_call_outcome(calls[i], 0), OPRO_OUTCOME_WHOLE);
        assert_int_equal(opro_call_outcome(calls[i], 1), OPRO_OUTCOME_WHOLE);
        opro_call_free(calls[i]);
    }
    assert_int_equal(w.server->n, 1 + 2 + 1 + 2);
    for (size_t i = 3; i < 6; i++)
        assert_int_equal(asked_for(w.server->bodies[i]), 1);
    end(&w);
}

/* While a name is looked up, which a proxy may do, others wait; this machine's is known. */
static void a_name_is_looked_up_once(void **state) {
    static const char *const hosts[] = {"localhost", "model.test"};
    script s = {{{200, NULL, GOOD, 0}}, 1};

    (void)state;
    for (int looks = 0; looks < 2; looks++) {
        opro_call *calls[3];
        char url[64];
        world w;

        begin(&w, play, &s, OPTIONS("model_allow_http", "1"));
        if (looks)
            assert_int_equal(opro_model_set_proxy(w.model, w.url, strlen(w.url) - 3), OPRO_OK);
        snprintf(url, sizeof url, "http://%s:%d", hosts[looks], w.server->port);
        assert_int_equal(opro_model_set_base_url(w.model, url, OPRO_ZT), OPRO_OK);
        for (int i = 0; i < 3; i++) {
            calls[i] = ask(&w, "hello", 1, 1);
            submit(calls[i]);
        }
        assert_int_equal(opro_model_poll(w.model, 0), OPRO_OK);
        assert_int_equal(opro_model_figure(w.model, OPRO_MODEL_IN_FLIGHT), looks ? 1 : 3);
        run(&w);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(opro_call_outcome(calls[i], 0), OPRO_OUTCOME_WHOLE);
            opro_call_free(calls[i]);
        }
        assert_int_equal(w.server->n, 3);
        assert_int_equal(has(w.server->heads[0], "POST http://model.test"), looks);
        end(&w);
    }
}

/* ---- files that cannot be written ------------------------------------------------------------ */

/* What was paid and cannot be kept is a failure that says so. */
static void files_that_are_full(void **state) {
    script s = {{{200, NULL, GOOD, 0}}, 1};

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (int cache = 0; cache < 2; cache++) {
        char file[] = "/tmp/opro-corners-XXXXXX";
        int fd = mkstemp(file);
        struct rlimit old, limit;
        opro_call *call;
        world w;

        assert_true(fd >= 0);
        close(fd);
        begin(&w, play, &s, NULL);
        call = ask(&w, "hello", 1, 0);
        assert_int_equal(
            (cache ? opro_model_set_cache_file : opro_model_record)(w.model, file, OPRO_ZT),
            OPRO_OK);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        limit = old;
        limit.rlim_cur = 30;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        submit(call);
        run(&w);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(opro_call_failure(call), OPRO_FAILURE_FILE);
        assert_true(has(opro_error_message(opro_call_error(call), NULL),
                        cache ? "the cache's file cannot be written: cannot write"
                              : "the recording cannot be written: cannot write"));
        assert_int_equal(w.server->n, 1);
        opro_call_free(call);
        end(&w);
        unlink(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_adaptation_is_made_once),
        cmocka_unit_test(loading_has_an_end),
        cmocka_unit_test(a_wait_beyond_the_deadline),
        cmocka_unit_test(a_wait_is_cancelled),
        cmocka_unit_test(no_reply_and_no_reason),
        cmocka_unit_test(no_reply_and_a_reason),
        cmocka_unit_test(replies_stay),
        cmocka_unit_test(usage_of_the_first),
        cmocka_unit_test(estimates_stay_sane),
        cmocka_unit_test(tokens_from_a_cache_have_their_price),
        cmocka_unit_test(copies_have_the_reasoning),
        cmocka_unit_test(many_requests_and_long_ones),
        cmocka_unit_test(the_most_of_a_protocol),
        cmocka_unit_test(several_replies_are_given_up),
        cmocka_unit_test(a_name_is_looked_up_once),
        cmocka_unit_test(files_that_are_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
