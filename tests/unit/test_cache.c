/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/rng.h"
#include "failing.h"
#include "model/cache.h"
#include "model/recording_parts.h"
#include "recording_world.h"

#define ORIGIN "https://api.example.com:443"
#define PATH   "/v1/chat/completions"

static opro_status put_at(world *w, opro__cache *c, const char *origin, const char *body,
                          const char *answer) {
    return opro__cache_put(c, origin, PATH, strlen(PATH), body, strlen(body), answer,
                           strlen(answer), &w->err);
}

static void put(world *w, opro__cache *c, const char *body, const char *answer) {
    assert_int_equal(put_at(w, c, ORIGIN, body, answer), OPRO_OK);
}

static const char *find_at(opro__cache *c, const char *origin, const char *body) {
    size_t len = 12345;
    const char *s = opro__cache_find(c, origin, PATH, strlen(PATH), body, strlen(body), &len);

    if (s) assert_int_equal(strlen(s), len);
    return s;
}

static const char *find(opro__cache *c, const char *body) {
    return find_at(c, ORIGIN, body);
}

static opro__cache *make(world *w, size_t max_bytes, int with_file) {
    opro__cache *c = NULL;

    assert_int_equal(opro__cache_new(&c, &w->mem, max_bytes), OPRO_OK);
    if (with_file) assert_int_equal(opro__cache_set_file(c, w->file, &w->err), OPRO_OK);
    return c;
}

static size_t lines(world *w) {
    opro__recording *r = NULL;
    size_t n;

    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 0), OPRO_OK);
    n = opro__recording_count(r);
    opro__recording_close(r);
    return n;
}

/* ---- in memory ------------------------------------------------------------------------------- */

static void test_memory(void **state) {
    world *w = *state;
    opro__cache *c = make(w, 1 << 20, 0);
    size_t len;

    assert_null(find(c, "{}"));
    put(w, c, "{}", "one");
    put(w, c, "{ }", "");
    assert_string_equal(find(c, "{}"), "one");
    assert_string_equal(find(c, "{ }"), "");
    assert_null(find(c, "{}\n"));
    assert_null(find(c, ""));
    assert_null(find_at(c, "https://api.example.com:444", "{}"));
    assert_null(opro__cache_find(c, ORIGIN, "/v1", 3, "{}", 2, &len));
    /* where origin, path and body end counts */
    assert_null(opro__cache_find(c, ORIGIN, PATH "{", strlen(PATH) + 1, "}", 1, &len));
    put(w, c, "{}", "two");
    assert_string_equal(find(c, "{}"), "two");
    opro__cache_free(c);
    opro__cache_free(NULL);
}

/* Bytes of any kind are keys and answers. */
static void test_bytes(void **state) {
    world *w = *state;

    for (int with_file = 0; with_file < 2; with_file++) {
        opro__cache *c = make(w, with_file ? 0 : 1 << 20, with_file);
        size_t len;
        const char *s;

        assert_int_equal(opro__cache_put(c, ORIGIN, PATH, 3, "a\0b\xff", 4, "x\0y\xfe", 4, &w->err),
                         OPRO_OK);
        s = opro__cache_find(c, ORIGIN, PATH, 3, "a\0b\xff", 4, &len);
        assert_non_null(s);
        assert_int_equal(len, 4);
        assert_memory_equal(s, "x\0y\xfe", 5);
        assert_null(opro__cache_find(c, ORIGIN, PATH, 3, "a\0c\xff", 4, &len));
        opro__cache_free(c);
    }
}

/* A cache that is simple and slow, to compare with: the newest first. */
enum { KEYS = 40 };

typedef struct slow {
    struct {
        int key;
        size_t len;
    } kept[KEYS];
    int n;
} slow;

static int slow_take(slow *s, int key, size_t *len) {
    for (int i = 0; i < s->n; i++) {
        if (s->kept[i].key != key) continue;
        *len = s->kept[i].len;
        memmove(&s->kept[i], &s->kept[i + 1], (size_t)(--s->n - i) * sizeof *s->kept);
        return 1;
    }
    return 0;
}

static void slow_push(slow *s, int key, size_t len) {
    memmove(&s->kept[1], &s->kept[0], (size_t)s->n++ * sizeof *s->kept);
    s->kept[0].key = key;
    s->kept[0].len = len;
}

/* How many bytes a cache of one entry needs, with this answer. */
static size_t cost_of(world *w, const char *body, const char *answer) {
    size_t low = 0, high = 1 << 20;

    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        opro__cache *c = make(w, middle, 0);

        put(w, c, body, answer);
        *(find(c, body) ? &high : &low) = middle;
        opro__cache_free(c);
    }
    return high;
}

/* The least recently used go, and only when there is no room. */
static void test_eviction(void **state) {
    world *w = *state;
    static char answer[400];
    const size_t cost = cost_of(w, "{00}", ""), max_bytes = 10 * cost + 2000;
    opro__rng rng = opro__rng_make(7, 7, 7);
    opro__cache *c = make(w, max_bytes, 0);
    slow s = {.n = 0};
    int hits = 0, misses = 0;

    memset(answer, 'x', sizeof answer - 1);
    assert_int_equal(cost_of(w, "{00}", "0123456789"), cost + 10);
    assert_int_equal(cost_of(w, "{0001}", ""), cost + 2);
    for (int k = 0; k < 20000; k++) {
        int key = (int)opro__rng_below(&rng, KEYS);
        size_t len = (size_t)opro__rng_below(&rng, sizeof answer), known;
        char body[16];
        const char *got;
        int there = slow_take(&s, key, &known);

        snprintf(body, sizeof body, "{%02d}", key);
        if (opro__rng_below(&rng, 2)) {
            got = find(c, body);
            assert_int_equal(got != NULL, there);
            if (there) assert_int_equal(strlen(got), known);
            if (there) slow_push(&s, key, known);
            *(there ? &hits : &misses) += 1;
        } else {
            size_t used = 0;

            put(w, c, body, answer + sizeof answer - 1 - len);
            slow_push(&s, key, len);
            for (int i = 0; i < s.n; i++) {
                used += cost + s.kept[i].len;
                if (used > max_bytes) s.n = i;
            }
        }
        assert_true(w->mem.used < max_bytes + 1000);
    }
    assert_true(hits > 1000 && misses > 1000);
    opro__cache_free(c);
}

/* What is too large for the memory takes nothing else's place, but for what it replaces. */
static void test_too_large(void **state) {
    world *w = *state;
    static char answer[3000];
    opro__cache *c = make(w, 2000, 0);

    memset(answer, 'x', sizeof answer - 1);
    put(w, c, "a", "1");
    put(w, c, "b", "2");
    put(w, c, "c", answer);
    put(w, c, "b", answer);
    assert_string_equal(find(c, "a"), "1");
    assert_null(find(c, "b"));
    assert_null(find(c, "c"));
    opro__cache_free(c);
    c = make(w, 0, 0);
    put(w, c, "a", "1");
    assert_null(find(c, "a"));
    opro__cache_free(c);
}

/* Requests of which a half of the digest, or all of it, is the same are told apart. */
static void test_collisions(void **state) {
    static const struct {
        const char *path, *body;
    } same[][2] = {{{"/p", "long198604"}, {"/p", "b163027"}},
                   {{"/b270823", "x"}, {"/long125292", "x"}}};
    world *w = *state;
    char texts[2][17] = {"", ""};
    opro__cache *c = make(w, 1 << 20, 0);
    size_t len;

    for (size_t i = 0; i < 2; i++) {
        uint64_t hash[2];

        for (int k = 0; k < 2; k++) {
            const char *path = same[i][k].path, *body = same[i][k].body;
            char whole[40];

            snprintf(whole, sizeof whole, "o%s", path);
            hash[k] = opro__request_hash(whole, strlen(whole), body, strlen(body));
            assert_int_equal(opro__cache_put(c, "o", path, strlen(path), body, strlen(body),
                                             k ? "1" : "0", 1, &w->err),
                             OPRO_OK);
        }
        assert_true((uint32_t)hash[0] == (uint32_t)hash[1]);
        for (int k = 0; k < 2; k++) {
            const char *path = same[i][k].path, *body = same[i][k].body;

            assert_string_equal(
                opro__cache_find(c, "o", path, strlen(path), body, strlen(body), &len),
                k ? "1" : "0");
        }
    }
    collide(texts[0], texts[1]);
    assert_true(opro__request_hash("", 0, texts[0], 16) == opro__request_hash("", 0, texts[1], 16));
    for (int i = 0; i < 4; i++) /* two bodies, then two paths */
        assert_int_equal(opro__cache_put(c, "", i < 2 ? "p" : texts[i - 2], i < 2 ? 1 : 16,
                                         i < 2 ? texts[i] : "b", i < 2 ? 16 : 1,
                                         (const char *[]){"0", "1", "2", "3"}[i], 1, &w->err),
                         OPRO_OK);
    assert_string_equal(opro__cache_find(c, "", "p", 1, texts[0], 16, &len), "0");
    assert_string_equal(opro__cache_find(c, "", "p", 1, texts[1], 16, &len), "1");
    assert_string_equal(opro__cache_find(c, "", texts[0], 16, "b", 1, &len), "2");
    assert_string_equal(opro__cache_find(c, "", texts[1], 16, "b", 1, &len), "3");
    opro__cache_free(c);
}

/* ---- with a file ----------------------------------------------------------------------------- */

static void test_file(void **state) {
    world *w = *state;
    opro__cache *c = make(w, 1 << 20, 0);

    put(w, c, "early", "in memory alone");
    assert_int_equal(opro__cache_set_file(c, w->file, &w->err), OPRO_OK);
    put(w, c, "{\"a\":1}", "one");
    put(w, c, "{\"a\":1}", "one"); /* is there already */
    put(w, c, "{\"b\":1}", "two");
    put(w, c, "{\"b\":1}", "six"); /* as long, and another one */
    put(w, c, "{\"b\":1}", "three");
    assert_string_equal(find(c, "early"), "in memory alone");
    opro__cache_free(c);
    assert_int_equal(lines(w), 4);
    for (int max_bytes = 0; max_bytes < 5000; max_bytes += 4000) {
        c = make(w, (size_t)max_bytes, 1);
        assert_null(find(c, "early"));
        assert_string_equal(find(c, "{\"a\":1}"), "one");
        assert_string_equal(find(c, "{\"b\":1}"), "three");
        assert_string_equal(find(c, "{\"a\":1}"), "one");
        assert_null(find_at(c, "https://other:443", "{\"a\":1}"));
        put(w, c, "{\"a\":1}", "one");
        opro__cache_free(c);
        assert_int_equal(lines(w), 4);
    }
}

/* What has gone from memory is found in the file; what the file has is not in memory unasked. */
static void test_file_and_memory(void **state) {
    world *w = *state;
    static char answer[500];
    opro__cache *c = make(w, 5000, 1);
    size_t empty;

    for (int i = 0; i < 200; i++) {
        char body[16];

        snprintf(body, sizeof body, "%d", i);
        memset(answer, 'a' + i % 26, sizeof answer - 1);
        put(w, c, body, answer);
    }
    assert_true(w->mem.used < 5000 + 200 * 80 + 5000);
    for (int i = 0; i < 200; i++) {
        char body[16];
        const char *got;

        snprintf(body, sizeof body, "%d", i);
        got = find(c, body);
        assert_non_null(got);
        assert_int_equal(strlen(got), sizeof answer - 1);
        assert_int_equal(got[0], 'a' + i % 26);
    }
    opro__cache_free(c);
    assert_int_equal(lines(w), 200);
    c = make(w, 1 << 20, 1);
    empty = w->mem.used;
    assert_true(empty < 200 * 80 + 5000);
    assert_non_null(find(c, "7"));
    assert_true(w->mem.used > empty + sizeof answer); /* asked for: now it is */
    assert_int_equal(truncate(w->file, 30), 0);
    assert_non_null(find(c, "7"));
    assert_null(find(c, "8"));
    opro__cache_free(c);
}

/* Lines that are not answers with status 200 count for nothing. */
static void test_other_lines(void **state) {
    static const char s[] =
        "{\"opro_exchanges\":1}\n"
        "{\"path\":\"" ORIGIN PATH "\",\"request\":\"a\",\"status\":500,\"answer\":\"x\"}\n"
        "{\"path\":\"" ORIGIN PATH "\",\"request\":\"b\",\"status\":200,\"code\":18,"
        "\"answer\":\"x\"}\n"
        "{\"path\":\"" ORIGIN PATH "\",\"request\":\"c\",\"status\":200,\"met\":1,"
        "\"answer\":\"x\"}\n"
        "{\"path\":\"" PATH "\",\"request\":\"d\",\"status\":200,\"answer\":\"x\"}\n"
        "{\"path\":\"" ORIGIN PATH "\",\"request\":\"e\",\"status\":200,\"answer\":\"x\"}\n"
        "{\"path\":\"" ORIGIN PATH "\",\"request\":\"torn";
    world *w = *state;
    opro__cache *c;

    write_file(w->file, s, sizeof s - 1);
    c = make(w, 1 << 20, 1);
    assert_null(find(c, "a"));
    assert_null(find(c, "b"));
    assert_null(find(c, "c"));
    assert_null(find(c, "d"));
    assert_string_equal(find(c, "e"), "x");
    put(w, c, "a", "y"); /* replaces the failure */
    put(w, c, "d", "z");
    opro__cache_free(c);
    c = make(w, 0, 1);
    assert_string_equal(find(c, "a"), "y");
    assert_string_equal(find(c, "d"), "z");
    opro__cache_free(c);
}

static void test_cannot_open(void **state) {
    world *w = *state;
    opro__cache *c = make(w, 1 << 20, 1);
    char other[120];

    put(w, c, "a", "1");
    assert_int_equal(opro__cache_set_file(c, w->folder, &w->err), OPRO_ERR_FAILED);
    assert_int_equal(opro__cache_set_file(c, w->file, &w->err), OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "is being written"));
    snprintf(other, sizeof other, "%s/other", w->folder);
    write_file(other, "hello\n", 6);
    assert_int_equal(opro__cache_set_file(c, other, &w->err), OPRO_ERR_PARSE);
    put(w, c, "b", "2"); /* the first file is still in use */
    unlink(other);
    assert_int_equal(opro__cache_set_file(c, other, &w->err), OPRO_OK);
    put(w, c, "c", "3"); /* and now it is not */
    opro__cache_free(c);
    assert_int_equal(lines(w), 2);
    unlink(other);
}

/* A file that cannot be written: the cache is as it was, and says so each time. */
static void test_full_disk(void **state) {
    world *w = *state;
    opro__cache *c = make(w, 1 << 20, 1);
    struct rlimit old, limit;

    put(w, c, "a", "1");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 160;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(put_at(w, c, ORIGIN, "b", "2"), OPRO_ERR_FAILED);
    assert_int_equal(put_at(w, c, ORIGIN, "a", "new"), OPRO_ERR_FAILED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_non_null(strstr(w->err.message, "File too large"));
    assert_int_equal(put_at(w, c, ORIGIN, "c", "3"), OPRO_ERR_FAILED);
    assert_null(find(c, "b"));
    assert_null(find(c, "c"));
    assert_string_equal(find(c, "a"), "1");
    opro__cache_free(c);
    c = make(w, 1 << 20, 1);
    assert_string_equal(find(c, "a"), "1");
    assert_null(find(c, "b"));
    put(w, c, "b", "2");
    opro__cache_free(c);
    assert_int_equal(lines(w), 2);
}

/* ---- no memory ------------------------------------------------------------------------------- */

/* Put some, find some; *done: puts that succeeded. */
static opro_status work(opro__cache *c, int *done) {
    opro_error err;
    size_t len;

    for (int i = 0; i < 40; i++) {
        char body[16];
        opro_status st;

        snprintf(body, sizeof body, "%d", i);
        st = opro__cache_put(c, ORIGIN, PATH, 3, body, strlen(body), body, strlen(body), &err);
        if (st != OPRO_OK) return st;
        *done += 1;
    }
    return opro__cache_find(c, ORIGIN, PATH, 3, "0", 1, &len) ? OPRO_OK : OPRO_ERR_NOMEM;
}

static void run_no_memory(world *w, int with_file) {
    int whole = 0;

    for (long n = 0; !whole; n++) {
        failing f = {n, 0};
        opro_allocator a = failing_allocator(&f);
        opro__cache *c = NULL;
        opro__mem mem;
        int done = 0;
        opro_status st;

        unlink(w->file);
        assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
        st = opro__cache_new(&c, &mem, 3000);
        if (st == OPRO_OK && with_file) st = opro__cache_set_file(c, w->file, &w->err);
        if (st == OPRO_OK) st = work(c, &done);
        whole = st == OPRO_OK;
        if (with_file || done < 40) assert_int_equal(st, whole ? OPRO_OK : OPRO_ERR_NOMEM);
        if (!with_file && done == 40) whole = 1; /* the first of them has gone by then */
        f.left = -1;
        if (c && done) { /* as it was */
            char body[16];
            size_t len;
            const char *s;

            snprintf(body, sizeof body, "%d", done - 1);
            s = opro__cache_find(c, ORIGIN, PATH, 3, body, strlen(body), &len);
            assert_non_null(s);
            assert_string_equal(s, body);
            snprintf(body, sizeof body, "%d", done);
            assert_null(opro__cache_find(c, ORIGIN, PATH, 3, body, strlen(body), &len));
        }
        opro__cache_free(c);
        assert_int_equal(f.live, 0);
        assert_int_equal(mem.used, 0);
        if (done) assert_true(!with_file || lines(w) == (size_t)done);
        assert_true(n < 400);
    }
}

static void test_no_memory(void **state) {
    run_no_memory(*state, 0);
    run_no_memory(*state, 1);
}

/* An answer of the file's that memory cannot take is given all the same. */
static void test_find_without_memory(void **state) {
    world *w = *state;
    failing f = {-1, 0};
    opro_allocator a = failing_allocator(&f);
    opro__cache *c = make(w, 1 << 20, 1);
    opro__mem mem;
    int found = 0;

    put(w, c, "a", "answer");
    opro__cache_free(c);
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
    for (long n = 0; n < 6; n++) {
        const char *s;

        f.left = -1;
        assert_int_equal(opro__cache_new(&c, &mem, 1 << 20), OPRO_OK);
        assert_int_equal(opro__cache_set_file(c, w->file, &w->err), OPRO_OK);
        f.left = n;
        s = find(c, "a");
        if (s) assert_string_equal(s, "answer");
        found += s != NULL;
        f.left = -1;
        assert_string_equal(find(c, "a"), "answer");
        opro__cache_free(c);
        assert_int_equal(f.live, 0);
    }
    assert_true(found > 1 && found < 6); /* room for the key and for the line is needed */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_memory),          TEST(test_bytes),       TEST(test_eviction),
        TEST(test_too_large),       TEST(test_collisions),  TEST(test_file),
        TEST(test_file_and_memory), TEST(test_other_lines), TEST(test_cannot_open),
        TEST(test_full_disk),       TEST(test_no_memory),   TEST(test_find_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
