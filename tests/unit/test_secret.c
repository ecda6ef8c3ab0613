/* SPDX-License-Identifier: MIT */
/* Secrets: wiped, and cut out of what others say, whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "failing.h"
#include "model/secret.h"

#define KEY "sk-proj-ABCDEFGHIJKLMNOPQRSTUVWX"

static opro__mem mem;

static opro__secret secret_of(const char *s) {
    opro__secret secret = {0};

    assert_true(opro__secret_set(&secret, &mem, s, strlen(s)));
    return secret;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static void test_set(void **state) {
    opro__secret secret = {0};

    (void)state;
    assert_true(opro__secret_set(&secret, &mem, "abc\0def", 7));
    assert_int_equal(secret.len, 7);
    assert_memory_equal(secret.text, "abc\0def", 8);
    assert_true(opro__secret_set(&secret, &mem, secret.text + 4, 3)); /* a piece of itself */
    assert_string_equal(secret.text, "def");
    assert_true(opro__secret_set(&secret, &mem, "", 0));
    assert_null(secret.text);
    assert_int_equal(secret.len, 0);
    opro__secret_clear(&secret, &mem);
    opro__secret_clear(&secret, &mem);
    assert_int_equal(mem.used, 0);
}

/* An allocator that looks at what is given back. */
static char seen[64];

static void *look_alloc(size_t n, void *user_data) {
    (void)user_data;
    return calloc(1, n + 64); /* room to look for where the text begins */
}

static void *look_realloc(void *p, size_t n, void *user_data) {
    (void)user_data;
    return realloc(p, n + 64);
}

static void look_free(void *p, void *user_data) {
    size_t before = *(size_t *)user_data;

    if (p) memcpy(seen, (char *)p + before, 20);
    free(p);
}

static void test_wiped(void **state) {
    static const char zeros[20];
    size_t before = 0;
    opro_allocator allocator = {sizeof allocator, look_alloc, look_realloc, look_free, &before};
    opro__mem own;
    opro__secret secret = {0};
    char *block;

    (void)state;
    assert_int_equal(opro__mem_init(&own, &allocator), OPRO_OK);
    block = opro__memdup(&own, KEY, 31);
    opro__free(&own, block); /* what is not a secret is not wiped: the test can see it */
    while (before < 64 && memcmp(seen, "sk-", 3) != 0) {
        before++;
        block = opro__memdup(&own, KEY, 31);
        opro__free(&own, block);
    }
    assert_memory_equal(seen, KEY, 20);
    assert_true(opro__secret_set(&secret, &own, KEY, 31));
    assert_true(opro__secret_set(&secret, &own, "another secret, which is longer", 31));
    assert_memory_equal(seen, zeros, 20);
    memset(seen, 1, sizeof seen);
    opro__secret_clear(&secret, &own);
    assert_memory_equal(seen, zeros, 20);
}

static void test_wipe(void **state) {
    char text[] = "secret";

    (void)state;
    opro__wipe(text, 3);
    assert_memory_equal(text, "\0\0\0ret", 7);
    opro__wipe(text, 0);
    opro__wipe(NULL, 0);
    assert_memory_equal(text, "\0\0\0ret", 7);
}

/* ---- what is cut out ------------------------------------------------------------------------- */

static void test_redact(void **state) {
    static const struct {
        const char *secret, *text, *want;
    } cases[] = {
        {KEY, "", ""},
        {KEY, "nothing here", "nothing here"},
        {KEY, KEY, "[key]"},
        {KEY, "bad key " KEY ".", "bad key [key]."},
        {KEY, KEY KEY, "[key]"}, /* one row of marked bytes */
        {KEY, KEY " " KEY, "[key] [key]"},
        {KEY, "x" KEY "y", "x[key]y"},
        /* pieces of the beginning and of the end */
        {KEY, "sk-proj-", "[key]"},
        {KEY, "sk-proj", "sk-proj"},
        {KEY, "sk-proj-ABCD...", "[key]..."},
        {KEY, "sk-proj-*****UVWX", "[key]*****UVWX"},
        {KEY, "...QRSTUVWX", "...[key]"},
        {KEY, "...RSTUVWX", "...RSTUVWX"},
        {KEY, "sk-proj-ABC QRSTUVWX", "[key] [key]"},
        {KEY, "sk-proj-ABCQRSTUVWX", "[key]"},
        {KEY, "ABCDEFGHIJ", "ABCDEFGHIJ"}, /* out of the middle: no piece of an end */
        {KEY, "Incorrect API key provided: sk-pr***WX.", "Incorrect API key provided: sk-pr***WX."},
        /* short ones */
        {"abc", "abc abc", "abc abc"},
        {"abcd", "abcd abc abcde", "[key] abc [key]e"},
        {"1234567", "123456 1234567", "123456 [key]"},
        {"12345678", "1234567 12345678", "1234567 [key]"},
        /* pieces that overlap themselves */
        {"aaaaaaaaaa", "aaaaaaa", "aaaaaaa"},
        {"aaaaaaaaaa", "baaaaaaaab", "b[key]b"},
        {"aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "[key]"},
        {"abababababc", "abababababababababc", "[key]"},
        {"abcdefghabcdefgX", "abcdefghabcdefghabcdefgX", "[key]"},
        /* what is left is one line */
        {KEY, "a\r\nb\tc\x01", "a  b c "},
        {KEY, "a\x7F\xC2\x85\xE2\x80\xA8\xE2\x80\xAE\xE2\x81\xA6z", "a     z"},
        {KEY, "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82",
         "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82"},
        {KEY, "a\xFF\xFE\xFD z", "a\xEF\xBF\xBD z"},
        {KEY, "a\xE2\x82", "a\xEF\xBF\xBD"},
        {KEY, "\x1B[31m" KEY "\x1B[0m", " [31m[key] [0m"},
        {"gr\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", "\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", "[key]"},
        {"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBCo", "\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC!",
         "[key]!"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        opro__secret secret = secret_of(cases[i].secret);
        size_t len = strlen(cases[i].text);
        char *copy = malloc(len + 1); /* exactly as long: a read beyond shows */
        opro__buf out;

        memcpy(copy, cases[i].text, len);
        copy = realloc(copy, len ? len : 1);
        opro__buf_init(&out, &mem, 1000);
        opro__redact(&out, &secret, 1, copy, len);
        assert_int_equal(out.status, OPRO_OK);
        assert_string_equal(opro__buf_text(&out), cases[i].want);
        opro__buf_free(&out);
        opro__secret_clear(&secret, &mem);
        free(copy);
    }
    assert_int_equal(mem.used, 0);
}

static void test_several(void **state) {
    opro__secret secrets[3] = {secret_of("first-secret"), {0}, secret_of("other-secret")};
    opro__buf out;

    (void)state;
    opro__buf_init(&out, &mem, 1000);
    opro__buf_addz(&out, "> ");
    opro__redact(&out, secrets, 3, "a first-secret, an other-secret, other-se", 41);
    assert_string_equal(opro__buf_text(&out), "> a [key], an [key], [key]");
    opro__buf_clear(&out);
    opro__redact(&out, NULL, 0, "first-secret", 12);
    assert_string_equal(opro__buf_text(&out), "first-secret");
    opro__buf_free(&out);
    opro__secret_clear(&secrets[0], &mem);
    opro__secret_clear(&secrets[2], &mem);
}

/* The same by trying everything: no 8 bytes of either end are left. */
static int holds_piece(const char *text, size_t len, const opro__secret *secret) {
    size_t n = secret->len < 8 ? secret->len : 8;

    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(text + i, secret->text, n) == 0 ||
            memcmp(text + i, secret->text + secret->len - n, n) == 0)
            return 1;
    return 0;
}

static void test_random(void **state) {
    (void)state;
    for (int round = 0; round < 3000; round++) {
        opro__rng rng = opro__rng_make(7, round, 1);
        char key[24], text[200];
        size_t key_len = 4 + (size_t)opro__rng_below(&rng, sizeof key - 4);
        size_t len = (size_t)opro__rng_below(&rng, sizeof text), kept = 0;
        opro__secret secret = {key, key_len};
        opro__buf out;
        const char *got;

        for (size_t i = 0; i < key_len; i++)
            key[i] = "ab"[opro__rng_below(&rng, 2)];
        for (size_t i = 0; i < len;) { /* letters, and pieces of the key */
            size_t n = opro__rng_below(&rng, 3) ? 1 : (size_t)opro__rng_below(&rng, key_len) + 1;
            size_t from = (size_t)opro__rng_below(&rng, key_len - n + 1);

            if (n > len - i) n = len - i;
            memcpy(text + i, key + from, n);
            i += n;
        }
        opro__buf_init(&out, &mem, 2000);
        opro__redact(&out, &secret, 1, text, len);
        got = opro__buf_text(&out);
        assert_false(holds_piece(got, out.len, &secret));
        if (!holds_piece(text, len, &secret)) assert_memory_equal(got, text, len);
        /* what is left of it is what was there, in its order */
        for (size_t i = 0; i < out.len; i++) {
            if (strncmp(got + i, "[key]", 5) == 0) {
                i += 4;
                continue;
            }
            while (kept < len && text[kept] != got[i])
                kept++;
            assert_true(kept < len);
            kept++;
        }
        opro__buf_free(&out);
    }
}

/* Every letter begins the key anew: quadratic work would take minutes here. */
static void test_linear(void **state) {
    enum { N = 1 << 20 };
    opro__secret secret;
    char *key = malloc(N / 2), *text = malloc(N);
    opro__buf out;

    (void)state;
    memset(key, 'a', N / 2);
    key[N / 2 - 1] = 'b';
    memset(text, 'a', N);
    text[N - 1] = 'c';
    secret = (opro__secret){key, N / 2};
    opro__buf_init(&out, &mem, 4 * N);
    opro__redact(&out, &secret, 1, text, N);
    assert_string_equal(opro__buf_text(&out), "[key]c");
    opro__buf_free(&out);
    free(key);
    free(text);
}

static void test_no_memory(void **state) {
    failing f = {.left = -1};
    opro_allocator allocator = failing_allocator(&f);
    opro__mem own;
    opro__secret secret = {0};
    opro__buf out;
    long n = 0;

    (void)state;
    assert_int_equal(opro__mem_init(&own, &allocator), OPRO_OK);
    f.left = 0;
    assert_false(opro__secret_set(&secret, &own, KEY, strlen(KEY)));
    assert_null(secret.text);
    f.left = 1;
    assert_true(opro__secret_set(&secret, &own, KEY, strlen(KEY)));
    assert_false(opro__secret_set(&secret, &own, "another", 7));
    assert_string_equal(secret.text, KEY);
    for (;; n++) {
        f.left = n;
        opro__buf_init(&out, &own, 1000);
        opro__redact(&out, &secret, 1, "bad key " KEY, 8 + strlen(KEY));
        if (out.status == OPRO_OK) break;
        assert_int_equal(out.status, OPRO_ERR_NOMEM);
        assert_null(strstr(opro__buf_text(&out), "sk-"));
        opro__buf_free(&out);
        assert_int_equal(f.live, 1);
    }
    assert_true(n >= 3);
    assert_string_equal(opro__buf_text(&out), "bad key [key]");
    opro__buf_free(&out);
    opro__secret_clear(&secret, &own);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),     cmocka_unit_test(test_wiped),
        cmocka_unit_test(test_wipe),    cmocka_unit_test(test_redact),
        cmocka_unit_test(test_several), cmocka_unit_test(test_random),
        cmocka_unit_test(test_linear),  cmocka_unit_test(test_no_memory),
    };

    opro__mem_init(&mem, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
