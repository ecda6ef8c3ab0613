/* SPDX-License-Identifier: MIT */
/*
 * Recordings played back: to clients that are told nothing but the file, whatever is spoken in it,
 * and when it ends before the calls do.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

#define HEADER "{\"opro_exchanges\":1}\n"

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static char file[] = "/tmp/opro-replay-XXXXXX";

static int make_file(void **state) {
    int fd = mkstemp(file);

    (void)state;
    if (fd < 0) return -1;
    return close(fd);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(file);
}

static void write_file(const char *s) {
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_true(fputs(s, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Another client in the place of the world's, which is told nothing. */
static void forget_all(world *w) {
    opro_model_free(w->model);
    assert_int_equal(opro_model_new(&w->model, w->config, NULL), OPRO_OK);
}

/* One call, whose exchanges go into the file, or come from there. */
static opro_call *asked(world *w, int replays) {
    opro_call *call;

    if (!replays) write_file("");
    assert_int_equal((replays ? opro_model_replay : opro_model_record)(w->model, file, OPRO_ZT),
                     OPRO_OK);
    call = ask(w, "hello", 1, 1);
    submit(call);
    run(w);
    return call;
}

/* ---- what is told by the file alone ---------------------------------------------------------- */

static const char *const says[][2] = {
    {"/chat/completions",
     "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\"}}]}"},
    {"/completions", "{\"choices\":[{\"finish_reason\":\"stop\",\"text\":\"hi\"}]}"},
    {"/responses",
     "{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","
     "\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}]}"},
    {"/messages", "{\"type\":\"message\",\"role\":\"assistant\",\"stop_reason\":\"end_turn\","
                  "\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}"},
    {":generateContent",
     "{\"candidates\":[{\"finishReason\":\"STOP\",\"content\":{\"parts\":[{\"text\":\"hi\"}]}}]}"},
};

static void in_any_dialect(mock *server, size_t n, const char *head, const char *body,
                           mock_reply *reply, void *ctx) {
    const char *const *path = ctx;
    size_t i = 0;

    (void)server, (void)n, (void)body;
    while (!has(head, says[i][0]))
        i++;
    strcpy(reply->body, says[i][1]);
    reply->status = has(head, *path) ? 200 : 404;
}

static void the_file_says_it_all(void **state) {
    static const struct {
        const char *dialect, *model, *path;
    } cases[] = {
        {"openai", "m", "/v1/chat/completions HTTP"},
        {"openai", "100%25", "/v1/chat/completions HTTP"},
        {"completions", "m", "/v1/completions HTTP"},
        {"responses", "m", "/v1/responses HTTP"},
        {"anthropic", "m", "/v1/messages HTTP"},
        {"azure", "m", "/v1/chat/completions?api-version=2024-10-21 HTTP"},
        {"gemini", "m", "/v1/models/m:generateContent HTTP"},
        {"gemini", "models/m", "/v1/models/m:generateContent HTTP"},
        {"gemini", "my/\xc3\xa4 100%", "/v1/models/my%2F%C3%A4%20100%25:generateContent HTTP"},
        {"gemini", "tunedModels/m", "/v1/tunedModels/m:generateContent HTTP"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = cases[i].path;

        for (int replays = 0; replays < 2; replays++) {
            opro_call *call;
            world w;

            begin(&w, in_any_dialect, &path,
                  replays ? NULL : OPTIONS("model_dialect", cases[i].dialect));
            if (strcmp(cases[i].dialect, "azure") == 0) strcat(w.url, "?api-version=2024-10-21");
            assert_int_equal(opro_model_set_base_url(w.model, w.url, OPRO_ZT), OPRO_OK);
            assert_int_equal(opro_model_set_name(w.model, cases[i].model, OPRO_ZT), OPRO_OK);
            if (replays) forget_all(&w);
            call = asked(&w, replays);
            if (opro_call_failure(call))
                fail_msg("%s, %s: %s", cases[i].dialect, cases[i].model,
                         opro_error_message(opro_call_error(call), NULL));
            assert_string_equal(opro_call_reply(call, 0, NULL), "hi");
            assert_int_equal(w.server->n, !replays);
            opro_call_free(call);
            end(&w);
        }
    }
}

/* What it does not say it is asked for, and what it says is not half taken. */
static void files_that_say_too_little(void **state) {
    static const struct {
        const char *lines;
        opro_status status;
        const char *words;
    } cases[] = {
        {"", OPRO_ERR_PARSE, "holds no exchange"},
        {"{\"path\":\"http://x/v1/embeddings\",\"request\":{}}\n", OPRO_ERR_PARSE,
         "\"http://x/v1/embeddings\", is of no dialect"},
        {"{\"path\":\"/chat/completions\",\"request\":{}}\n", OPRO_ERR_INVALID, "base URL"},
        {"{\"path\":\"generateContent\",\"request\":{}}\n", OPRO_ERR_PARSE, "no dialect"},
        {"{\"path\":\":generateContent\",\"request\":{}}\n", OPRO_ERR_INVALID, "base URL"},
        {"{\"path\":\"m:generateContent\",\"request\":{}}\n", OPRO_ERR_INVALID, "base URL"},
        {"{\"path\":\"http://x/v1/chat/completions\",\"request\":{}}\n", OPRO_ERR_PARSE,
         "names no model; set it before"},
        {"{\"path\":\"http://x/v1/chat/completions\",\"request\":\"hello\"}\n", OPRO_ERR_PARSE,
         "not JSON"},
        {"{\"path\":\"http://x/v1/chat/completions\",\"request\":{\"model\":\"a\\nb\"}}\n",
         OPRO_ERR_INVALID, "the recording's model has a control character"},
        {"{\"path\":\"http://x/models/a%00b:generateContent\",\"request\":{}}\n", OPRO_ERR_INVALID,
         "the recording's model is NULL, or not UTF-8 without NUL"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256] = HEADER;
        opro_call *call;
        world w;

        begin(&w, in_any_dialect, NULL, NULL);
        forget_all(&w);
        write_file(strcat(text, cases[i].lines));
        assert_int_equal(opro_model_replay(w.model, file, OPRO_ZT), cases[i].status);
        if (!has(opro_error_message(opro_model_error(w.model), NULL), cases[i].words))
            fail_msg("%s: %s", cases[i].lines, opro_error_message(opro_model_error(w.model), NULL));
        assert_int_equal(opro_call_new(&call, w.model), OPRO_OK);
        assert_int_equal(opro_call_add_message(call, OPRO_ROLE_USER, "x", 1), OPRO_OK);
        assert_int_equal(opro_call_submit(call, NULL, NULL, NULL), OPRO_ERR_STATE);
        assert_true(has(opro_error_message(opro_model_error(w.model), NULL), "base URL"));
        opro_call_free(call);
        end(&w);
    }
}

/* A name of a path is read, and written as the client writes it. */
static void names_in_paths(void **state) {
    static const struct {
        const char *name, *words;
    } cases[] = {
        {"a-b", "to \"http://x/models/a-b:generateContent\" is not in"},
        {"a%2Fb", "to \"http://x/models/a%2Fb:generateContent\" is not in"},
        {"%C3%A4", "to \"http://x/models/%C3%A4:generateContent\" is not in"},
        {"a%2fb", "no request to \"http://x/models/a%2Fb:generateContent\""},
        {"%41-b", "no request to \"http://x/models/A-b:generateContent\""},
        {"50%", "no request to \"http://x/models/50%25:generateContent\""},
        {"5%2", "no request to \"http://x/models/5%252:generateContent\""},
        {"%2g", "no request to \"http://x/models/%252g:generateContent\""},
        {"%g2", "no request to \"http://x/models/%25g2:generateContent\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        opro_call *call;
        world w;

        snprintf(text, sizeof text,
                 HEADER "{\"path\":\"http://x/models/%s:generateContent\",\"request\":{}}\n",
                 cases[i].name);
        write_file(text);
        begin(&w, in_any_dialect, NULL, NULL);
        forget_all(&w);
        call = asked(&w, 1);
        assert_int_equal(opro_call_failure(call), OPRO_FAILURE_NOT_RECORDED);
        if (!has(opro_error_message(opro_call_error(call), NULL), cases[i].words))
            fail_msg("%s", opro_error_message(opro_call_error(call), NULL));
        opro_call_free(call);
        end(&w);
    }
}

/* ---- files that end early -------------------------------------------------------------------- */

/* Busy with this the first time. */
static void fails_first(mock *server, size_t n, const char *head, const char *body,
                        mock_reply *reply, void *ctx) {
    (void)server, (void)head, (void)body;
    mock_choices(reply, 1, "hi");
    if (n) return;
    reply->status = has(ctx, "loading") ? 503 : 400;
    strcpy(reply->headers, "Retry-After-Ms: 1\r\n");
    sprintf(reply->body, "{\"error\":{\"message\":\"%s\"}}", (const char *)ctx);
}

/* Leave the header and the first exchange. */
static void cut_file(void) {
    char text[8192] = "";
    FILE *f = fopen(file, "r");
    char *end;

    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    end = strchr(strchr(text, '\n') + 1, '\n');
    assert_non_null(end);
    end[1] = '\0';
    write_file(text);
}

static void what_failed_before_the_end(void **state) {
    static char loading[] = "model is loading", refusing[] = "system role not supported";
    char *const words[] = {loading, refusing};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (int life = 0; life < 3; life++) {
            opro_call *call;
            world w;

            begin(&w, fails_first, words[i], NULL);
            if (life) forget_all(&w);
            if (life == 2) cut_file();
            call = asked(&w, life > 0);
            assert_int_equal(opro_call_failure(call), life < 2 ? OPRO_FAILURE_NONE
                                                      : i      ? OPRO_FAILURE_NOT_RECORDED
                                                               : OPRO_FAILURE_UNAVAILABLE);
            if (life == 2 && !i)
                assert_true(has(opro_error_message(opro_call_error(call), NULL), loading));
            assert_int_equal(w.server->n, life ? 0 : 2);
            opro_call_free(call);
            end(&w);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_says_it_all),
        cmocka_unit_test(files_that_say_too_little),
        cmocka_unit_test(names_in_paths),
        cmocka_unit_test(what_failed_before_the_end),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
