/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "recording.h"

/* Origin and path are one text here. It is short. */
#define PATH_MAX_LEN ((size_t)1 << 20)

typedef struct request {
    const char *path, *body;
    size_t path_len, body_len;
    uint64_t hash;
} request;

/* A request and its answer, in one block of memory. */
typedef struct entry {
    struct entry *newer, *older; /* by when they were used */
    uint64_t hash;
    size_t path_len, body_len, len;
    uint32_t index; /* in cache->entries */
    char text[];    /* path, body, answer, NUL */
} entry;

/*
 * What an entry costs beside its text: itself, what allocators add, and its share of the array and
 * the map, which double when they are full.
 */
#define OVERHEAD (sizeof(entry) + 64)

struct opro__cache {
    opro__mem *mem;
    size_t max_bytes, bytes;
    entry **entries;
    size_t count, capacity;
    opro__map map;
    entry *newest, *oldest;
    opro__buf path; /* origin and path of the present request */
    opro__recording *file;
};

static size_t cost(const entry *e) {
    return OVERHEAD + e->path_len + e->body_len + e->len + 1;
}

static const char *answer_of(const entry *e) {
    return e->text + e->path_len + e->body_len;
}

opro_status opro__cache_new(opro__cache **out, opro__mem *mem, size_t max_bytes) {
    opro__cache *cache = opro__calloc(mem, 1, sizeof *cache);

    if (!cache) return OPRO_ERR_NOMEM;
    cache->mem = mem;
    cache->max_bytes = max_bytes;
    opro__map_init(&cache->map, mem);
    opro__buf_init(&cache->path, mem, PATH_MAX_LEN);
    *out = cache;
    return OPRO_OK;
}

void opro__cache_free(opro__cache *cache) {
    if (!cache) return;
    for (size_t i = 0; i < cache->count; i++)
        opro__free(cache->mem, cache->entries[i]);
    opro__free(cache->mem, cache->entries);
    opro__map_free(&cache->map);
    opro__buf_free(&cache->path);
    opro__recording_close(cache->file);
    opro__free(cache->mem, cache);
}

opro_status opro__cache_set_file(opro__cache *cache, const char *path, opro_error *err) {
    opro__recording *file;
    opro_status st = opro__recording_open(&file, cache->mem, err, path, 1, 1);

    if (st != OPRO_OK) return st;
    opro__recording_close(cache->file);
    cache->file = file;
    return OPRO_OK;
}

/* ---- the memory ------------------------------------------------------------------------------ */

static void unlink_entry(opro__cache *cache, entry *e) {
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
}

static void link_newest(opro__cache *cache, entry *e) {
    e->newer = NULL;
    e->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

static int is_entry(void *key, uint32_t index, const void *owner) {
    const entry *e = ((const opro__cache *)owner)->entries[index];
    const request *q = key;

    return e->path_len == q->path_len && e->body_len == q->body_len &&
           memcmp(e->text, q->path, q->path_len) == 0 &&
           memcmp(e->text + e->path_len, q->body, q->body_len) == 0;
}

static entry *find_entry(const opro__cache *cache, request *q) {
    uint32_t index = opro__map_find(&cache->map, q->hash, q, is_entry, cache);

    return index == OPRO__MAP_NONE ? NULL : cache->entries[index];
}

/* The last of the array takes its place. */
static void drop(opro__cache *cache, entry *e) {
    entry *last = cache->entries[--cache->count];

    opro__map_remove(&cache->map, e->hash, e->index);
    if (last != e) {
        opro__map_remove(&cache->map, last->hash, last->index);
        opro__map_insert(&cache->map, last->hash, e->index);
        cache->entries[e->index] = last;
        last->index = e->index;
    }
    unlink_entry(cache, e);
    cache->bytes -= cost(e);
    opro__free(cache->mem, e);
}

/*
 * Make what keep() puts in, and room for it. *out NULL: it is too large. 0: no memory.
 */
static int make_entry(opro__cache *cache, const request *q, const char *answer, size_t len,
                      entry **out) {
    size_t text = q->path_len + q->body_len + 1;
    void *entries = cache->entries;
    entry *e;
    int ok;

    *out = NULL;
    if (text > cache->max_bytes || len > cache->max_bytes - text ||
        OVERHEAD > cache->max_bytes - text - len)
        return 1;
    if (cache->count >= OPRO__MAP_NONE - 1) /* GCOVR_EXCL_BR_LINE: takes 400 GB of memory */
        return 1;                           /* GCOVR_EXCL_LINE: takes 400 GB of memory */
    ok = opro__reserve(cache->mem, &entries, &cache->capacity, cache->count + 1, sizeof e);
    cache->entries = entries;
    if (!ok || !opro__map_reserve(&cache->map)) return 0;
    e = opro__alloc(cache->mem, sizeof *e + text + len);
    if (!e) return 0;
    *e = (entry){.hash = q->hash, .path_len = q->path_len, .body_len = q->body_len, .len = len};
    memcpy(e->text, q->path, q->path_len);
    memcpy(e->text + q->path_len, q->body, q->body_len);
    memcpy(e->text + q->path_len + q->body_len, answer, len);
    e->text[text - 1 + len] = '\0';
    *out = e;
    return 1;
}

/* Put it in the place of an earlier answer to that request, and of old ones. NULL: too large. */
static void keep(opro__cache *cache, request *q, entry *e) {
    entry *old = find_entry(cache, q);

    if (old) drop(cache, old);
    if (!e) return;
    e->index = (uint32_t)cache->count;
    cache->entries[cache->count++] = e;
    opro__map_insert(&cache->map, e->hash, e->index);
    link_newest(cache, e);
    cache->bytes += cost(e);
    while (cache->bytes > cache->max_bytes)
        drop(cache, cache->oldest);
}

/* ---- finding and putting --------------------------------------------------------------------- */

/* 0: no memory. */
static int make_request(opro__cache *cache, const char *origin, const char *path, size_t path_len,
                        const char *body, size_t body_len, request *q) {
    opro__buf_clear(&cache->path);
    opro__buf_addz(&cache->path, origin);
    opro__buf_add(&cache->path, path, path_len);
    *q = (request){opro__buf_text(&cache->path), body, cache->path.len, body_len, 0};
    q->hash = opro__hash_add_text(opro__hash_add_text(0, q->path, q->path_len), body, body_len);
    return cache->path.status == OPRO_OK;
}

/* What the file has; 0: it is not there, or cannot be read. */
static int find_in_file(opro__cache *cache, const request *q, opro__recorded *what) {
    return cache->file &&
           opro__recording_find(cache->file, q->path, q->path_len, q->body, q->body_len, 0, what,
                                NULL) == OPRO_OK &&
           what->status == 200 && !what->code && !what->met;
}

const char *opro__cache_find(opro__cache *cache, const char *origin, const char *path,
                             size_t path_len, const char *body, size_t body_len, size_t *len) {
    opro__recorded what;
    request q;
    entry *e;

    if (!make_request(cache, origin, path, path_len, body, body_len, &q)) return NULL;
    e = find_entry(cache, &q);
    if (e) {
        unlink_entry(cache, e);
        link_newest(cache, e);
        *len = e->len;
        return answer_of(e);
    }
    if (!find_in_file(cache, &q, &what)) return NULL;
    if (make_entry(cache, &q, what.answer, what.len, &e) && e) keep(cache, &q, e);
    *len = what.len;
    return what.answer; /* of the recording, until its next call */
}

/* Append it to the file, unless that is what is there already. */
static opro_status put_in_file(opro__cache *cache, const request *q, const char *answer, size_t len,
                               opro_error *err) {
    opro__recorded what;
    opro_status st;

    if (!cache->file) return OPRO_OK;
    if (find_in_file(cache, q, &what) && what.len == len && memcmp(what.answer, answer, len) == 0)
        return OPRO_OK;
    what = (opro__recorded){.status = 200, .answer = answer, .len = len};
    st = opro__recording_add(cache->file, q->path, q->path_len, q->body, q->body_len, &what, err);
    return st == OPRO_ERR_LIMIT ? OPRO_OK : st;
}

opro_status opro__cache_put(opro__cache *cache, const char *origin, const char *path,
                            size_t path_len, const char *body, size_t body_len, const char *answer,
                            size_t len, opro_error *err) {
    entry *e = NULL;
    request q;
    opro_status st;

    if (!make_request(cache, origin, path, path_len, body, body_len, &q) ||
        !make_entry(cache, &q, answer, len, &e))
        return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
    st = put_in_file(cache, &q, answer, len, err);
    if (st == OPRO_OK)
        keep(cache, &q, e);
    else
        opro__free(cache->mem, e);
    return st;
}
