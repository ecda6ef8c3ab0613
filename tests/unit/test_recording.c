/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "model/recording_parts.h"
#include "recording_world.h"

#define PATH "/chat/completions"

typedef struct text {
    const char *s;
    size_t len;
} text;

#define TEXT(literal)                                                                              \
    (text) {                                                                                       \
        literal, sizeof(literal) - 1                                                               \
    }

static opro__recording *open_it(world *w, int append, int index) {
    opro__recording *r = NULL;
    opro_status st = opro__recording_open(&r, &w->mem, &w->err, w->file, append, index);

    if (st != OPRO_OK) print_message("%s\n", w->err.message);
    assert_int_equal(st, OPRO_OK);
    return r;
}

static void add(world *w, opro__recording *r, const char *path, text body, const char *answer) {
    opro__recorded what = {.status = 200, .answer = answer, .len = strlen(answer)};

    assert_int_equal(opro__recording_add(r, path, strlen(path), body.s, body.len, &what, &w->err),
                     OPRO_OK);
}

static opro_status find(world *w, opro__recording *r, const char *path, text body, int use,
                        opro__recorded *what) {
    return opro__recording_find(r, path, strlen(path), body.s, body.len, use, what, &w->err);
}

static void assert_answer(world *w, opro__recording *r, text body, int use, const char *answer) {
    opro__recorded what;

    assert_int_equal(find(w, r, PATH, body, use, &what), OPRO_OK);
    assert_string_equal(what.answer, answer);
    assert_int_equal(what.len, strlen(answer));
}

/* The message of a request that is not there. */
static const char *unknown(world *w, opro__recording *r, const char *path, text body) {
    opro__recorded what;

    assert_int_equal(find(w, r, path, body, 1, &what), OPRO_ERR_UNKNOWN);
    assert_int_equal(w->err.status, OPRO_ERR_UNKNOWN);
    return w->err.message;
}

/* ---- writing and reading --------------------------------------------------------------------- */

static void test_format(void **state) {
    world *w = *state;
    opro__recording *r = open_it(w, 1, 0);
    opro__recorded what = {.status = 429,
                           .kept = {.retry_after = "1", .request_id = "req \xff"},
                           .answer = "slow \"down\"\n",
                           .len = 12};
    opro__recorded broken = {.code = 28, .met = 2, .detail = "Timeout was reached"};
    const char *const lines[] = {
        "{\"opro_exchanges\":1}\n",
        "{\"path\":\"/a\",\"request\":{\"n\": [1, 2]},\"status\":429,\"headers\":{\"retry-after\":"
        "\"1\",\"request-id64\":\"cmVxIP8=\"},\"answer\":\"slow \\\"down\\\"\\n\"",
        "{\"path\":\"/b\",\"request\":\"x\",\"code\":28,\"met\":2,\"detail\":\"Timeout was "
        "reached\"",
    };
    char *s, *at;
    size_t len;

    assert_int_equal(opro__recording_add(r, "/a", 2, "{\"n\": [1, 2]}", 13, &what, &w->err), 0);
    assert_int_equal(opro__recording_add(r, "/b", 2, "x", 1, &broken, &w->err), 0);
    assert_int_equal(opro__recording_count(r), 2);
    opro__recording_close(r);
    at = s = read_file(w->file, &len);
    for (int i = 0; i < 3; i++) {
        char seal[40];
        size_t n = strlen(lines[i]);

        assert_memory_equal(at, lines[i], n);
        at += n;
        if (i == 0) continue;
        snprintf(seal, sizeof seal, ",\"sum\":\"%016llx\"}\n",
                 (unsigned long long)opro__hash_bytes(at - n, n));
        assert_memory_equal(at, seal, strlen(seal));
        at += strlen(seal);
    }
    assert_int_equal(at - s, len);
    free(s);
}

/* Bodies and answers of all kinds come back byte for byte. */
static void test_round_trip(void **state) {
    world *w = *state;
    char bytes[256], deep[200] = "", too_deep[200] = "";
    static const char *const plain[] = {
        "{}",
        "[]",
        "{\"a\":1,\"b\":[true,false,null,-0.5e+3,\"\\u00e9\\\\\\\"\"]}",
        "{ \"a\" : 1 }",
        " {}",
        "{} ",
        "{}{}",
        "[1,]",
        "{\"a\"}",
        "[1",
        "[01]",
        "[\"\\x\"]",
        "{\n}",
        "{\"a\":\"\t\"}",
        "true",
        "17",
        "\"text\"",
        "",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc3\xa9 \xf0\x9f\x98\x80\"}",
        "a\nb",
    };
    enum { N = sizeof plain / sizeof *plain };
    text bodies[N + 3];
    opro__recording *r = open_it(w, 1, 1);

    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (int i = 0; i < 64; i++)
        strcat(deep, "["), strcat(too_deep, "[");
    strcat(too_deep, "[]");
    for (int i = 0; i < 64; i++)
        strcat(deep, "]"), strcat(too_deep, "]");
    for (int i = 0; i < N; i++)
        bodies[i] = (text){plain[i], strlen(plain[i])};
    bodies[N] = (text){bytes, sizeof bytes};
    bodies[N + 1] = (text){deep, strlen(deep)};
    bodies[N + 2] = (text){too_deep, strlen(too_deep)};
    for (int again = 0; again < 3; again++) {
        for (int i = 0; i < N + 3; i++) {
            const text *b = &bodies[i], *a = &bodies[(i + 5) % (N + 3)];
            opro__recorded what = {.status = 100 + i, .answer = a->s, .len = a->len}, got;

            if (!again)
                assert_int_equal(opro__recording_add(r, b->s, b->len, b->s, b->len, &what, &w->err),
                                 OPRO_OK);
            assert_int_equal(opro__recording_find(r, b->s, b->len, b->s, b->len, 0, &got, &w->err),
                             OPRO_OK);
            assert_int_equal(got.status, 100 + i);
            assert_int_equal(got.len, a->len);
            assert_memory_equal(got.answer, a->s, a->len);
            assert_int_equal(got.answer[got.len], 0);
        }
        opro__recording_close(r);
        r = open_it(w, again, 1);
    }
    opro__recording_close(r);
}

/* What JSON cannot hold as it is, or would not give back, is not embedded. */
static void test_embeds(void **state) {
    static const char *const yes[] = {"{}",       "[]",   "[1,-2.5E-7,\"\\ud83d\",{\"a\":{}}]",
                                      "[ 1\x20]", "[\t]", "[[],1,{},[{}],\"\"]"};
    static const char *const no[] = {
        "",           "1",          "\"a\"", " {}",      "{} ",           "[1 2]",
        "[[]1]",      "[{}{}]",     "[1,]",  "{,}",      "[+1]",          "[.5]",
        "[1.]",       "[1e]",       "[-]",   "[\"]",     "[\"\\u12g4\"]", "[\n]",
        "[\"\x01\"]", "[\"\xc3\"]", "{1:2}", "{\"a\":}", "{\"a\" 1}",     "[}",
        "{]",         "[nul]",      "[\"\\"};

    char deep[200];

    (void)state;
    for (size_t depth = 64; depth < 66; depth++) { /* objects in arrays */
        char *at = deep;

        for (size_t i = 1; i < depth; i++)
            *at++ = '[';
        *at++ = '{';
        *at++ = '}';
        for (size_t i = 1; i < depth; i++)
            *at++ = ']';
        assert_int_equal(opro__embeds(deep, 2 * depth), depth == 64);
    }
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(opro__embeds(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(opro__embeds(no[i], strlen(no[i])));
}

static void test_base64(void **state) {
    world *w = *state;
    static const char *const wrong[] = {
        "A", "AA", "AAA", "A===", "====", "AB==", "AAB=", "AA=A", "A-AA", "AA==AAAA", "AAA\n"};
    opro__buf out;

    opro__buf_init(&out, &w->mem, 10000);
    for (size_t n = 0; n < 70; n++) {
        char s[70], got[100];
        size_t len;

        for (size_t i = 0; i < n; i++)
            s[i] = (char)(opro__mix(n * 100 + i) & 255);
        opro__buf_clear(&out);
        opro__base64_add(&out, s, n);
        assert_int_equal(out.len, (n + 2) / 3 * 4);
        len = out.len;
        memcpy(got, opro__buf_text(&out), len + 1);
        assert_true(opro__base64_decode(got, &len));
        assert_int_equal(len, n);
        assert_memory_equal(got, s, n);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char s[20];
        size_t len = strlen(wrong[i]);

        strcpy(s, wrong[i]);
        assert_false(opro__base64_decode(s, &len));
    }
    opro__buf_clear(&out);
    opro__base64_add(&out, "foobar?>\xff", 9); /* RFC 4648 has the first six */
    assert_string_equal(out.data, "Zm9vYmFyPz7/");
    opro__buf_free(&out);
}

/* Every kept header, as long as it can be. */
static void test_headers(void **state) {
    world *w = *state;
    opro__recording *r = open_it(w, 1, 1);
    opro__recorded what = {.status = 503}, got;
    char *kept = (char *)&what.kept;

    memset(kept, 'x', sizeof what.kept);
#define END(member) what.kept.member[sizeof what.kept.member - 1] = '\0'
    END(retry_after);
    END(retry_after_ms);
    END(should_retry);
    END(date);
    END(request_id);
    END(location);
    END(content_type);
    END(reset_requests);
    END(reset_tokens);
    END(remaining_requests);
    END(remaining_tokens);
#undef END
    memcpy(what.kept.location, "\xfe\"\\\r\n", 5);
    assert_int_equal(opro__recording_add(r, PATH, 3, "{}", 2, &what, &w->err), OPRO_OK);
    assert_int_equal(opro__recording_find(r, PATH, 3, "{}", 2, 0, &got, &w->err), OPRO_OK);
    assert_memory_equal(&got.kept, &what.kept, sizeof got.kept);
    assert_int_equal(got.status, 503);
    assert_int_equal(got.len, 0);
    assert_string_equal(got.answer, "");
    assert_string_equal(got.detail, "");
    opro__recording_close(r);
}

/* What lies behind the ends of the texts in the structs is not written. */
static void test_canary(void **state) {
    world *w = *state;
    opro__recording *r = open_it(w, 1, 1);
    opro__recorded what = {
        .status = 200, .answer = "{}sk-canary", .len = 2, .detail = "x\0sk-canary"};
    char *s;
    size_t len;

    memcpy(what.kept.retry_after, "1\0sk-canary", 11);
    memcpy(what.kept.location, "\0sk-canary", 10);
    assert_int_equal(
        opro__recording_add(r, PATH "sk-canary", sizeof PATH - 1, "[]sk-canary", 2, &what, &w->err),
        OPRO_OK);
    opro__recording_close(r);
    s = read_file(w->file, &len);
    assert_int_equal(strlen(s), len);
    assert_null(strstr(s, "canary"));
    free(s);
}

static void test_file(void **state) {
    world *w = *state;
    opro__recording *r;
    struct stat st;

    umask(022);
    r = open_it(w, 1, 0);
    assert_int_equal(stat(w->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fcntl(r->file.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(r->file.fd, F_GETFL) & O_APPEND, O_APPEND);
    opro__recording_close(r);
    opro__recording_close(NULL);
    r = open_it(w, 0, 1);
    assert_int_equal(fcntl(r->file.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(opro__recording_count(r), 0);
    opro__recording_close(r);
}

/* A host that has closed its standard streams does not get them back from us. */
static void test_low_descriptors(void **state) {
    world *w = *state;
    int saved = fcntl(STDIN_FILENO, F_DUPFD, 10);
    opro__recording *r;

    close(STDIN_FILENO);
    r = open_it(w, 1, 0);
    assert_true(r->file.fd > STDERR_FILENO);
    assert_int_equal(fcntl(r->file.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    opro__recording_close(r);
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
}

/* ---- looking up ------------------------------------------------------------------------------ */

static void test_order(void **state) {
    world *w = *state;
    const text a = TEXT("{\"a\":1}"), b = TEXT("{\"b\":1}");
    opro__recording *r = open_it(w, 1, 1);

    add(w, r, PATH, a, "a1");
    add(w, r, PATH, b, "b1");
    add(w, r, PATH, a, "a2");
    add(w, r, "/other", a, "other");
    add(w, r, PATH, a, "a3");
    for (int again = 0; again < 2; again++) {
        assert_answer(w, r, a, 0, "a3");
        assert_answer(w, r, a, 1, "a1");
        assert_answer(w, r, a, 0, "a3");
        assert_answer(w, r, a, 1, "a2");
        assert_answer(w, r, b, 1, "b1");
        assert_answer(w, r, a, 1, "a3");
        assert_answer(w, r, a, 0, "a3"); /* looking at the last one uses nothing up */
        assert_non_null(strstr(unknown(w, r, PATH, a), "asked for more often than it is in"));
        assert_non_null(strstr(w->err.message, ": 3 times, last in line 6"));
        assert_non_null(strstr(unknown(w, r, PATH, b), ": 1 time, last in line 3"));
        opro__recording_close(r);
        r = open_it(w, again == 0 ? 0 : 1, 1);
    }
    add(w, r, PATH, b, "b2");
    assert_answer(w, r, b, 1, "b1");
    assert_answer(w, r, b, 1, "b2");
    add(w, r, PATH, b, "b3"); /* after all were handed out */
    assert_answer(w, r, b, 1, "b3");
    opro__recording_close(r);
}

static void test_collision(void **state) {
    world *w = *state;
    char bytes[2][17];
    const text a = {bytes[0], 16}, b = {bytes[1], 16};
    opro__recording *r;
    opro__recorded what;

    collide(bytes[0], bytes[1]);
    assert_memory_not_equal(a.s, b.s, 16);
    assert_true(opro__hash_bytes(a.s, 16) == opro__hash_bytes(b.s, 16));
    r = open_it(w, 1, 1);
    add(w, r, PATH, a, "a1");
    assert_non_null(strstr(unknown(w, r, PATH, b), "differs from byte 7 on"));
    assert_int_equal(find(w, r, PATH, b, 0, &what), OPRO_ERR_UNKNOWN);
    add(w, r, PATH, b, "b1");
    add(w, r, PATH, a, "a2");
    add(w, r, PATH, b, "b2");
    add(w, r, PATH, b, "b3");
    assert_answer(w, r, a, 0, "a2");
    assert_answer(w, r, b, 0, "b3");
    assert_answer(w, r, b, 1, "b1");
    assert_answer(w, r, b, 1, "b2");
    assert_answer(w, r, a, 1, "a1");
    assert_answer(w, r, b, 1, "b3");
    assert_answer(w, r, a, 1, "a2");
    unknown(w, r, PATH, a);
    unknown(w, r, PATH, b);
    opro__recording_close(r);
}

static void test_nearest(void **state) {
    world *w = *state;
    opro__recording *r = open_it(w, 1, 1);
    opro__recorded what;

    assert_non_null(strstr(unknown(w, r, PATH, TEXT("{}")), "there are no exchanges in \"/tmp/"));
    add(w, r, PATH, TEXT("{\"a\":1}"), "");
    add(w, r, "/other", TEXT("{\"a\":\"the very same\"}"), "");
    add(w, r, PATH, TEXT("{\"model\":\"gemma\",\"temperature\":0.5,\"messages\":[\"One\"]}"), "");
    add(w, r, PATH, TEXT("{\"model\":\"gemma\",\"temperature\":1,\"messages\":[\"One\"]}"), "");
    unknown(w, r, PATH, TEXT("{\"model\":\"gemma\",\"temperature\":0.7,\"messages\":['\n"));
    assert_string_equal(strchr(w->err.message, ';'),
                        "; the nearest, line 4, differs from byte 33 on: "
                        "'...ma\",\"temperature\":0.5,\"messages\":[\"One\"]...' there, "
                        "'...ma\",\"temperature\":0.7,\"messages\":[\\'\\x0a' here");
    unknown(w, r, PATH, TEXT("{\"a\":1}x")); /* the recorded one is a beginning */
    assert_non_null(strstr(w->err.message, "line 2, differs from byte 7 on: '{\"a\":1}' "
                                           "there, '{\"a\":1}x' here"));
    unknown(w, r, PATH, TEXT("zzz"));
    assert_non_null(strstr(w->err.message, "line 2, differs from byte 0 on"));
    unknown(w, r, "/other", TEXT("{\"a\":1}"));
    assert_non_null(strstr(w->err.message, "line 3, differs from byte 5 on"));
    unknown(w, r, "/nowhere", TEXT("{}"));
    assert_non_null(strstr(w->err.message, "no request to \"/nowhere\" is in \"/tmp/"));
    assert_non_null(strstr(w->err.message, "the first one there is to \"" PATH "\""));
    assert_int_equal(opro__recording_find(r, PATH, 1, "", 0, 1, &what, NULL), OPRO_ERR_UNKNOWN);
    /* as long a path, and another one */
    unknown(w, r, "/OTHER", TEXT("{\"a\":\"the very same\"}"));
    assert_non_null(strstr(w->err.message, "no request to \"/OTHER\""));
    opro__recording_close(r);
}

/* Paths and bodies are compared each by itself. */
static void test_same_request(void **state) {
    const opro__line a = {.path = "/p", .path_len = 2, .body = "ab", .body_len = 2};
    opro__line b = a;

    (void)state;
    assert_true(opro__same_request(&a, &b));
    b.path = "/q";
    assert_false(opro__same_request(&a, &b));
    b.path_len = 1;
    assert_false(opro__same_request(&a, &b));
    b = a;
    b.body = "aB";
    assert_false(opro__same_request(&a, &b));
    b.body_len = 1;
    assert_false(opro__same_request(&a, &b));
}

/* Excerpts are of whole letters, escaped, and fit whatever the bytes are. */
static void test_excerpt(void **state) {
    world *w = *state;
    opro__recording *r = open_it(w, 1, 1);
    char a[3000], b[3000];

    memset(a, 1, sizeof a);
    memcpy(b, a, sizeof b);
    b[1500] = 2;
    a[1502] = b[1502] = 0x7f;
    add(w, r, PATH, (text){a, sizeof a}, "");
    unknown(w, r, PATH, (text){b, sizeof b});
    assert_non_null(strstr(w->err.message, "byte 1500 on: '...\\x01\\x01"));
    assert_non_null(strstr(w->err.message, "\\x01...' there, '...\\x01"));
    assert_non_null(strstr(w->err.message, "\\x02\\x01\\x7f"));
    assert_non_null(strstr(w->err.message, "\\x01...' here"));
    for (size_t shift = 0; shift < 4; shift++) {
        for (size_t i = 0; i + 3 <= sizeof a; i += 3)
            memcpy(a + i, "\xe2\x82\xac", 3);
        memcpy(b, a, sizeof b);
        a[300 + shift] = '<';
        b[300 + shift] = '>';
        add(w, r, PATH, (text){a, sizeof a}, "");
        unknown(w, r, PATH, (text){b, sizeof b});
        assert_non_null(strstr(w->err.message, "'...\xe2\x82\xac"));
        assert_non_null(strstr(w->err.message, ">"));
    }
    opro__recording_close(r);
}

/* In a large one, what comes next is looked at, and what is spread over the whole. */
static void test_nearest_of_many(void **state) {
    world *w = *state;
    opro__recording *r = open_it(w, 1, 1);
    char body[40];

    for (int i = 0; i < 10000; i++) {
        int n = snprintf(body, sizeof body, "{\"n\":\"%05d\",\"x\":1}", i);

        add(w, r, PATH, (text){body, (size_t)n}, "");
    }
    unknown(w, r, PATH, TEXT("{\"n\":\"06543\",\"x\":2}"));
    assert_non_null(strstr(w->err.message, "nearest, line 6542, differs from byte 10 on"));
    assert_answer(w, r, TEXT("{\"n\":\"06001\",\"x\":1}"), 1, "");
    unknown(w, r, PATH, TEXT("{\"n\":\"06543\",\"x\":2}"));
    assert_non_null(strstr(w->err.message, "nearest, line 6545, differs from byte 17 on"));
    opro__recording_close(r);
}

/* ---- files of others ------------------------------------------------------------------------- */

#define HEADER "{\"opro_exchanges\":1}\n"

static void test_by_hand(void **state) {
    world *w = *state;
    const char *s = HEADER
        "{ \"request\" : {\"a\": 1} ,\t\"path\":\"\\/chat\\/completions\", \"answer\":"
        "\"\\u20ac\\ud83d\\ude00\\u0000\\b\\f\\r\\t\\/\", \"status\": 200 }  \n"
        "{\"answer64\":\"/w==\",\"headers\":{\"retry-after\":\"1\",\"date64\":\"eA==\"},\"path64\":"
        "\"L2E=\",\"request64\":\"gA==\"}\n"
        "{\"path\":\"/a\",\"request\":\"\\u007b}\"}\n";
    opro__recording *r;
    opro__recorded what;

    write_file(w->file, s, strlen(s));
    r = open_it(w, 1, 1);
    assert_int_equal(opro__recording_count(r), 3);
    assert_int_equal(find(w, r, PATH, TEXT("{\"a\": 1}"), 1, &what), OPRO_OK);
    assert_int_equal(what.len, 13);
    assert_memory_equal(what.answer, "\xe2\x82\xac\xf0\x9f\x98\x80\0\b\f\r\t/", 13);
    assert_int_equal(what.status, 200);
    assert_int_equal(find(w, r, "/a", TEXT("\x80"), 1, &what), OPRO_OK);
    assert_string_equal(what.answer, "\xff");
    assert_string_equal(what.kept.retry_after, "1");
    assert_string_equal(what.kept.date, "x");
    assert_int_equal(find(w, r, "/a", TEXT("{}"), 1, &what), OPRO_OK);
    opro__recording_close(r);
}

/* s as line 3 of a file: the message. */
static const char *fault(world *w, const char *s, size_t len) {
    static const char begin[] = HEADER "{\"path\":\"/a\",\"request\":{}}\n";
    char file[1000];
    opro__recording *r = NULL;
    size_t n;
    char *now;

    memcpy(file, begin, sizeof begin - 1);
    memcpy(file + sizeof begin - 1, s, len);
    write_file(w->file, file, sizeof begin - 1 + len);
    for (int how = 1; how < 4; how++) {
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, how & 1, how >> 1),
                         OPRO_ERR_PARSE);
        assert_null(r);
        assert_int_equal(w->err.status, OPRO_ERR_PARSE);
        assert_non_null(strstr(w->err.message, w->file));
        assert_non_null(strstr(w->err.message, ", line 3: "));
    }
    now = read_file(w->file, &n); /* left alone */
    assert_int_equal(n, sizeof begin - 1 + len);
    assert_memory_equal(now, file, n);
    free(now);
    return strstr(w->err.message, ", line 3: ") + 10;
}

static void test_faults_of_lines(void **state) {
    static const struct {
        const char *line, *message;
    } faults[] = {
        {"\n", "at byte 0: expected '{'"},
        {"[]\n", "at byte 0: expected '{'"},
        {"{}\n", "at byte 1: expected a string"},
        {"{\"path\":\"/a\"}\n", "at byte 12: expected the members \"path\" and \"request\""},
        {"{\"request\":{}}\n", "at byte 13: expected the members \"path\" and \"request\""},
        {"{\"path\":\"/a\",\"request\":{}\n", "at byte 25: expected ',' or '}'"},
        {"{\"path\":\"/a\",\"request\":{}}}\n", "at byte 26: expected the end of the line"},
        {"{\"path\":\"/a\",\"request\":{}}{}\n", "at byte 26: expected the end of the line"},
        {"{\"path\":\"/a\",\"request\":1}\n",
         "at byte 23: expected an object, an array, or a string"},
        {"{\"path\":\"/a\",\"request64\":{}}\n", "at byte 25: expected a string"},
        {"{\"path\":\"/a\",\"request\":{\"a\"}}\n", "at byte 27: expected ':'"},
        {"{\"path\":\"/a\",\"request\":[1}}\n", "at byte 25: expected ',' or ']'"},
        {"{\"path\":\"/a\",\"request\":[x]}\n", "at byte 24: expected a value"},
        {"{\"path\":\"/a\",\"request\":[\"\\x\"]}\n", "at byte 25: expected the rest of a string"},
        {"{\"path\":7,\"request\":{}}\n", "at byte 8: expected a string"},
        {"{\"path\":\"a\\q\",\"request\":{}}\n", "at byte 10: expected the rest of a string"},
        {"{\"path\":\"\\ud800\",\"request\":{}}\n", "at byte 9: expected the rest of a string"},
        {"{\"path\":\"\\udc00\",\"request\":{}}\n", "at byte 9: expected the rest of a string"},
        {"{\"path\":\"\\ud800\\u0041\",\"request\":{}}\n",
         "at byte 9: expected the rest of a string"},
        {"{\"path64\":\"/a\",\"request\":{}}\n", "at byte 10: expected base64"},
        {"{\"path64\":\"L{E=\",\"request\":{}}\n", "at byte 10: expected base64"},
        {"{\"path\":\"/a\",\"path\":\"/a\",\"request\":{}}\n",
         "at byte 13: expected a member that was not there before"},
        {"{\"path\":\"/a\",\"path64\":\"/w==\",\"request\":{}}\n",
         "at byte 13: expected a member that was not there before"},
        {"{\"path\":\"/a\",\"request\":{},\"key\":\"x\"}\n",
         "at byte 26: expected the name of a member that is known"},
        {"{\"path\":\"/a\",\"request\":{},\"64\":\"\"}\n",
         "at byte 26: expected the name of a member that is known"},
        {"{\"path\":\"/a\",\"request\":{},\"status64\":200}\n",
         "at byte 26: expected the name of a member that is known"},
        {"{\"path\":\"/a\",\"request\":{},\"status\":\"200\"}\n",
         "at byte 35: expected an integer from 0 to 2147483647"},
        {"{\"path\":\"/a\",\"request\":{},\"status\":-1}\n",
         "at byte 35: expected an integer from 0 to 2147483647"},
        {"{\"path\":\"/a\",\"request\":{},\"status\":2.0}\n",
         "at byte 35: expected an integer from 0 to 2147483647"},
        {"{\"path\":\"/a\",\"request\":{},\"status\":2147483648}\n",
         "at byte 35: expected an integer from 0 to 2147483647"},
        {"{\"path\":\"/a\",\"request\":{},\"headers\":[]}\n", "at byte 36: expected '{'"},
        {"{\"path\":\"/a\",\"request\":{},\"headers\":{\"authorization\":\"\"}}\n",
         "at byte 37: expected the name of a header that is kept"},
        {"{\"path\":\"/a\",\"request\":{},\"headers\":{\"should-retry\":\"12345678\"}}\n",
         "at byte 52: expected a header that is shorter, and without NUL"},
        {"{\"path\":\"/a\",\"request\":{},\"headers\":{\"date\":\"a\",\"date\":\"b\"}}\n",
         "at byte 48: expected a header that was not there before"},
        {"{\"path\":\"/a\",\"request\":{},\"headers\":{\"date\":\"\\u0000\"}}\n",
         "at byte 44: expected a header that is shorter, and without NUL"},
        {"{\"path\":\"/a\",\"request\":{},\"detail\":\"\\u0000\"}\n",
         "at byte 35: expected a text without NUL"},
        {"{\"path\":\"/\xff\",\"request\":{}}\n", "this is not UTF-8, or has a NUL"},
        {"{\"path\":\"/a\",\"request\":{},\"sum\":\"0123456789abcdef\"}\n",
         "at byte 32: expected the sum of this line (it is damaged; or was changed by hand, then "
         "remove the member \"sum\")"},
        {"{\"path\":\"/a\",\"request\":{}}\r\n", "at byte 26: expected the end of the line"},
        {HEADER, "at byte 1: expected the name of a member that is known"},
    };
    world *w = *state;

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        assert_string_equal(fault(w, faults[i].line, strlen(faults[i].line)), faults[i].message);
    assert_string_equal(fault(w, "{\"path\":\"\0\"}\n", 13), "this is not UTF-8, or has a NUL");
}

/* What is not a recording is refused and left alone, also if it has no newline. */
static void test_foreign_files(void **state) {
    static const char *const files[] = {
        "\n",
        "hello",
        "hello\n",
        "{}",
        "{\"opro_exchanges\":2}\n",
        "{\"opro_exchanges\":1}",
        ("\xef\xbb\xbf" HEADER),
        "{\"opro_exchanges\":1}\r\n",
        "{\"opro_exchanges\":10}\n",
    };
    world *w = *state;
    opro__recording *r = NULL;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t len;
        char *now;

        if (i == 5) continue; /* the beginning of one */
        write_file(w->file, files[i], strlen(files[i]));
        for (int append = 0; append < 2; append++) {
            assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, append, 1),
                             OPRO_ERR_PARSE);
            assert_non_null(strstr(w->err.message, ", line 1: this is no recording: expected "
                                                   "{\"opro_exchanges\":1}"));
        }
        now = read_file(w->file, &len);
        assert_string_equal(now, files[i]);
        free(now);
    }
}

static void test_cannot_open(void **state) {
    world *w = *state;
    opro__recording *r = NULL;

    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 1), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "cannot open \"/tmp/"));
    assert_non_null(strstr(w->err.message, "No such file"));
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->folder, 0, 1), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "is not a regular file"));
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->folder, 1, 1), OPRO_ERR_FAILED);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, "", 1, 1), OPRO_ERR_FAILED);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, "/dev/full", 1, 1),
                     OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "\"/dev/full\" is not a regular file"));
    assert_int_equal(mkfifo(w->file, 0600), 0); /* nobody at its other end: we do not wait */
    for (int append = 0; append < 2; append++) {
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, append, 1),
                         OPRO_ERR_FAILED);
        assert_non_null(strstr(w->err.message, "is not a regular file"));
    }
    assert_null(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_format),
        TEST(test_round_trip),
        cmocka_unit_test(test_embeds),
        TEST(test_base64),
        TEST(test_headers),
        TEST(test_canary),
        TEST(test_file),
        TEST(test_low_descriptors),
        TEST(test_order),
        TEST(test_collision),
        TEST(test_nearest),
        cmocka_unit_test(test_same_request),
        TEST(test_excerpt),
        TEST(test_nearest_of_many),
        TEST(test_by_hand),
        TEST(test_faults_of_lines),
        TEST(test_foreign_files),
        TEST(test_cannot_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
