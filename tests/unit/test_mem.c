/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "failing.h"

/* A struct of a later version. */
typedef struct newer {
    opro_allocator known;
    void *unknown[4];
} newer;

static newer make_newer(failing *f) {
    newer n;

    memset(&n, 0, sizeof n);
    n.known = failing_allocator(f);
    n.known.size = sizeof n;
    return n;
}

static void test_default_allocator(void **state) {
    opro__mem mem;
    char *p;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    assert_int_equal(mem.used, 0);
    assert_int_equal(mem.limit, 0);
    p = opro__alloc(&mem, 10);
    assert_non_null(p);
    memset(p, 7, 10);
    p = opro__realloc(&mem, p, 100000);
    assert_non_null(p);
    for (int i = 0; i < 10; i++)
        assert_int_equal(p[i], 7);
    assert_int_equal(mem.used, 100000);
    opro__free(&mem, p);
    assert_int_equal(mem.used, 0);
}

static void test_struct_size(void **state) {
    failing f = {-1, 0};
    newer n = make_newer(&f);
    opro__mem mem;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &n.known), OPRO_OK);
    assert_int_equal(mem.allocator.size, sizeof(opro_allocator)); /* the copy has no tail */
    for (size_t i = 0; i < sizeof n.unknown; i++) { /* no byte of the tail is overlooked */
        n = make_newer(&f);
        ((unsigned char *)n.unknown)[i] = 1;
        assert_int_equal(opro__mem_init(&mem, &n.known), OPRO_ERR_ABI);
    }
    n = make_newer(&f);
    n.known.size = sizeof(opro_allocator) - 1;
    assert_int_equal(opro__mem_init(&mem, &n.known), OPRO_ERR_INVALID);
    n.known.size = 0;
    assert_int_equal(opro__mem_init(&mem, &n.known), OPRO_ERR_INVALID);
    n.known.size = SIZE_MAX; /* was never set: not looked at that far */
    assert_int_equal(opro__mem_init(&mem, &n.known), OPRO_ERR_INVALID);
}

static void test_missing_functions(void **state) {
    failing f = {-1, 0};
    opro_allocator a = failing_allocator(&f);
    opro__mem mem, before;

    (void)state;
    memset(&mem, 0x55, sizeof mem);
    before = mem;
    a.alloc = NULL;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_ERR_INVALID);
    a = failing_allocator(&f);
    a.realloc = NULL;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_ERR_INVALID);
    a = failing_allocator(&f);
    a.free = NULL;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_ERR_INVALID);
    assert_memory_equal(&mem, &before, sizeof mem);
}

/* ---- what an allocator is called with -------------------------------------------------------- */

typedef struct strict {
    void *live[64];
    size_t n;
    int broken;
} strict;

static size_t find_live(const strict *s, const void *p) {
    for (size_t i = 0; i < s->n; i++)
        if (s->live[i] == p) return i;
    return SIZE_MAX;
}

static void *strict_alloc(size_t n, void *user_data) {
    strict *s = user_data;

    s->broken |= n == 0 || s->n == 64;
    return s->live[s->n++] = malloc(n);
}

static void *strict_realloc(void *p, size_t n, void *user_data) {
    strict *s = user_data;
    size_t i = find_live(s, p);

    s->broken |= n == 0 || i == SIZE_MAX;
    return s->live[i] = realloc(p, n);
}

static void strict_free(void *p, void *user_data) {
    strict *s = user_data;
    size_t i = find_live(s, p);

    s->broken |= i == SIZE_MAX;
    s->live[i] = s->live[--s->n];
    free(p);
}

static void test_calls(void **state) {
    strict s = {{NULL}, 0, 0};
    const opro_allocator a = {sizeof a, strict_alloc, strict_realloc, strict_free, &s};
    opro__mem mem;
    void *p, *q;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
    assert_null(opro__alloc(&mem, 0));
    assert_null(opro__calloc(&mem, 0, 8));
    assert_null(opro__calloc(&mem, 8, 0));
    p = opro__realloc(&mem, NULL, 5);
    assert_non_null(p);
    assert_null(opro__realloc(&mem, p, 0));
    q = opro__alloc(&mem, 1);
    p = opro__realloc(&mem, p, 5000);
    p = opro__realloc(&mem, p, 1);
    opro__free(&mem, NULL);
    assert_int_equal(s.n, 2);
    opro__free(&mem, p);
    opro__free(&mem, q);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.broken, 0);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void test_alignment(void **state) {
    opro__mem mem;
    void *blocks[40];

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    for (size_t i = 0; i < 40; i++) {
        blocks[i] = opro__alloc(&mem, i + 1);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        blocks[i] = opro__realloc(&mem, blocks[i], 3 * i + 1);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
    }
    for (size_t i = 0; i < 40; i++)
        opro__free(&mem, blocks[i]);
}

static void test_sizes(void **state) {
    const size_t root = (size_t)1 << 4 * sizeof(size_t); /* of SIZE_MAX + 1 */
    opro__mem mem;
    char *p;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    assert_null(opro__alloc(&mem, SIZE_MAX));
    assert_null(opro__alloc(&mem, SIZE_MAX - 8));
    assert_null(opro__calloc(&mem, SIZE_MAX / 2, 3));
    assert_null(opro__calloc(&mem, root, root));
    p = opro__calloc(&mem, 30, 3);
    for (int i = 0; i < 90; i++)
        assert_int_equal(p[i], 0);
    assert_null(opro__realloc(&mem, p, SIZE_MAX));
    assert_int_equal(mem.used, 90);
    opro__free(&mem, p);
    assert_null(opro__memdup(&mem, "x", SIZE_MAX));
}

static void test_memdup(void **state) {
    opro__mem mem;
    char *p;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    p = opro__memdup(&mem, "ab\0cd", 5);
    assert_memory_equal(p, "ab\0cd", 6);
    opro__free(&mem, p);
    p = opro__memdup(&mem, NULL, 0);
    assert_string_equal(p, "");
    opro__free(&mem, p);
    assert_int_equal(mem.used, 0);
}

static void test_limit(void **state) {
    opro__mem mem;
    char *p, *q;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    mem.limit = 100;
    assert_null(opro__alloc(&mem, 101));
    p = opro__alloc(&mem, 100); /* all of it at once */
    assert_non_null(p);
    opro__free(&mem, p);
    p = opro__alloc(&mem, 60);
    assert_null(opro__alloc(&mem, 41));
    q = opro__alloc(&mem, 40);
    assert_non_null(q);
    assert_null(opro__alloc(&mem, 1));
    memset(p, 9, 60);
    assert_null(opro__realloc(&mem, p, 61));
    assert_int_equal(p[59], 9); /* as it was */
    p = opro__realloc(&mem, p, 50);
    assert_non_null(p);
    assert_int_equal(mem.used, 90);
    p = opro__realloc(&mem, p, 60);
    assert_non_null(p);
    mem.limit = 10; /* lowered under what is used: nothing more, but less is fine */
    assert_null(opro__realloc(&mem, p, 61));
    p = opro__realloc(&mem, p, 5);
    assert_non_null(p);
    opro__free(&mem, p);
    opro__free(&mem, q);
    assert_int_equal(mem.used, 0);
}

static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro__mem mem;
    char *p;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
    assert_null(opro__alloc(&mem, 10));
    assert_null(opro__calloc(&mem, 2, 5));
    assert_null(opro__memdup(&mem, "x", 1));
    assert_null(opro__realloc(&mem, NULL, 10));
    assert_int_equal(mem.used, 0);
    f.left = 1;
    p = opro__alloc(&mem, 10);
    memset(p, 3, 10);
    assert_null(opro__realloc(&mem, p, 20));
    assert_int_equal(p[9], 3);
    assert_int_equal(mem.used, 10);
    opro__free(&mem, p);
    assert_int_equal(mem.used, 0);
    assert_int_equal(f.live, 0);
}

static void test_reserve(void **state) {
    failing f = {-1, 0};
    opro_allocator a = failing_allocator(&f);
    opro__mem mem;
    void *array = NULL, *before;
    size_t capacity = 0, grown = 0;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
    assert_true(opro__reserve(&mem, &array, &capacity, 0, 4));
    assert_null(array);
    assert_true(opro__reserve(&mem, &array, &capacity, 1, 4));
    assert_true(capacity >= 1);
    for (size_t need = 1; need < 5000; need++) {
        size_t before_it = capacity;

        assert_true(opro__reserve(&mem, &array, &capacity, need, 4));
        grown += capacity != before_it;
        assert_true(capacity >= need && capacity < 2 * need + 16);
        ((uint32_t *)array)[need - 1] = (uint32_t)need;
    }
    assert_true(grown <= 10); /* by doubling: time is linear in the length */
    for (size_t i = 0; i < 4999; i++)
        assert_int_equal(((uint32_t *)array)[i], i + 1);
    before = array;
    f.left = 0;
    assert_false(opro__reserve(&mem, &array, &capacity, capacity + 1, 4));
    assert_ptr_equal(array, before);
    f.left = -1;
    assert_false(opro__reserve(&mem, &array, &capacity, SIZE_MAX / 4 + 1, 4));
    assert_false(opro__reserve(&mem, &array, &capacity, SIZE_MAX, 1));
    assert_ptr_equal(array, before);
    opro__free(&mem, array);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_allocator),
        cmocka_unit_test(test_struct_size),
        cmocka_unit_test(test_missing_functions),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_memdup),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_reserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
