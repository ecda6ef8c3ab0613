/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/rng.h"
#include "failing.h"

/* The owner's array: what an index stands for. */
typedef struct owner {
    uint64_t keys[4096];
} owner;

static int same(void *key, uint32_t index, const void *owner_) {
    return ((const owner *)owner_)->keys[index] == *(uint64_t *)key;
}

static uint32_t find(const opro__map *map, const owner *o, uint64_t hash, uint64_t key) {
    return opro__map_find(map, hash, &key, same, o);
}

static void insert(opro__map *map, uint64_t hash, uint32_t index) {
    assert_true(opro__map_reserve(map));
    opro__map_insert(map, hash, index);
}

static void test_empty(void **state) {
    opro__mem mem;
    opro__map map;
    owner o = {{0}};

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__map_init(&map, &mem);
    assert_int_equal(find(&map, &o, 0, 0), OPRO__MAP_NONE);
    opro__map_remove(&map, 0, 0);
    assert_int_equal(map.count, 0);
    opro__map_free(&map);
    opro__map_free(&map); /* twice is fine */
    assert_int_equal(mem.used, 0);
}

static void test_ends(void **state) {
    opro__mem mem;
    opro__map map;
    owner o = {{0}};

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__map_init(&map, &mem);
    o.keys[0] = 7;
    insert(&map, 0, 0); /* the smallest of hashes and indices */
    insert(&map, UINT64_MAX, 1);
    o.keys[1] = 8;
    assert_int_equal(find(&map, &o, 0, 7), 0);
    assert_int_equal(find(&map, &o, UINT64_MAX, 8), 1);
    assert_int_equal(find(&map, &o, UINT64_MAX, 7), OPRO__MAP_NONE);
    opro__map_remove(&map, 0, 5); /* another index under this hash: not there */
    assert_int_equal(map.count, 2);
    opro__map_remove(&map, 0, 0);
    assert_int_equal(find(&map, &o, 0, 7), OPRO__MAP_NONE);
    assert_int_equal(map.count, 1);
    insert(&map, 5, UINT32_MAX - 1); /* the largest index */
    opro__map_remove(&map, 5, UINT32_MAX - 1);
    assert_int_equal(map.count, 1);
    opro__map_free(&map);
    assert_int_equal(mem.used, 0);
}

/* Several indices under one hash are all seen, until one is said to be it. */
typedef struct seen {
    uint32_t wanted;
    uint32_t mask; /* bit i: index i was seen */
} seen;

static int note(void *key, uint32_t index, const void *owner_) {
    seen *s = key;

    (void)owner_;
    s->mask |= 1u << index;
    return index == s->wanted;
}

static void test_same_hash(void **state) {
    opro__mem mem;
    opro__map map;
    seen s = {99, 0};

    (void)state;
    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__map_init(&map, &mem);
    for (uint32_t i = 0; i < 10; i++)
        insert(&map, i < 8 ? 12345 : 12346, i);
    assert_int_equal(opro__map_find(&map, 12345, &s, note, NULL), OPRO__MAP_NONE);
    assert_int_equal(s.mask, 0xff);
    s = (seen){8, 0};
    assert_int_equal(opro__map_find(&map, 12346, &s, note, NULL), 8);
    assert_int_equal(s.mask & 0xff, 0);
    opro__map_remove(&map, 12345, 3);
    s = (seen){99, 0};
    opro__map_find(&map, 12345, &s, note, NULL);
    assert_int_equal(s.mask, 0xf7);
    opro__map_free(&map);
}

/* ---- a model --------------------------------------------------------------------------------- */

#define KEYS 3000

/*
 * Hashes of three kinds: spread, crowded into few values, and at the very end of the table, so that
 * probes wrap.
 */
static uint64_t hash_of(uint64_t key, int kind) {
    if (kind == 0) return key * UINT64_C(0x9e3779b97f4a7c15);
    if (kind == 1) return key % 61 << 33 | key % 61;
    return UINT32_MAX - key % 5;
}

static void check_all(const opro__map *map, const owner *o, const unsigned char *in, int kind) {
    size_t count = 0;

    for (uint64_t key = 0; key < KEYS; key++) {
        uint32_t found = find(map, o, hash_of(key, kind), key);

        assert_int_equal(found, in[key] ? (uint32_t)key : OPRO__MAP_NONE);
        count += in[key];
    }
    assert_int_equal(map->count, count);
}

static void run_model(int kind, int ops, uint64_t keys) {
    opro__rng rng = opro__rng_make(1, kind, 0);
    unsigned char in[KEYS] = {0};
    opro__mem mem;
    opro__map map;
    owner o;

    assert_int_equal(opro__mem_init(&mem, NULL), OPRO_OK);
    opro__map_init(&map, &mem);
    for (uint64_t i = 0; i < KEYS; i++)
        o.keys[i] = i;
    for (int i = 0; i < ops; i++) {
        uint64_t key = opro__rng_below(&rng, keys);
        /* growing and shrinking by turns */
        int adds = opro__rng_below(&rng, 4) < (i / 8000 % 2 ? 1u : 3u);
        uint64_t hash = hash_of(key, kind);

        assert_int_equal(find(&map, &o, hash, key), in[key] ? (uint32_t)key : OPRO__MAP_NONE);
        if (adds && !in[key]) insert(&map, hash, (uint32_t)key);
        if (!adds) opro__map_remove(&map, hash, (uint32_t)key);
        in[key] = (unsigned char)adds;
        if (i % 5000 == 0) check_all(&map, &o, in, kind);
    }
    check_all(&map, &o, in, kind);
    opro__map_free(&map);
    assert_int_equal(mem.used, 0);
}

static void test_spread(void **state) {
    (void)state;
    run_model(0, 200000, KEYS);
}

static void test_crowded(void **state) {
    (void)state;
    run_model(1, 60000, 600);
}

static void test_wrapping(void **state) {
    (void)state;
    run_model(2, 40000, 100);
}

static void test_no_memory(void **state) {
    failing f = {0, 0};
    opro_allocator a = failing_allocator(&f);
    opro__mem mem;
    opro__map map;
    owner o;
    uint32_t n = 0;

    (void)state;
    assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
    opro__map_init(&map, &mem);
    assert_false(opro__map_reserve(&map));
    for (int grown = 1; grown < 5; grown++) { /* what is in it stays when it cannot grow */
        f.left = 1;
        while (opro__map_reserve(&map)) {
            o.keys[n] = n;
            opro__map_insert(&map, n * 77, n);
            n++;
        }
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(find(&map, &o, i * 77, i), i);
    }
    assert_true(n > 50);
    opro__map_free(&map);
    assert_int_equal(f.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_ends),
        cmocka_unit_test(test_same_hash), cmocka_unit_test(test_spread),
        cmocka_unit_test(test_crowded),   cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
