/* SPDX-License-Identifier: MIT */
#include "trajectory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "opro/config.h"
#include "opro/problem.h"
#include "problem.h"

#define BLOCK   1024               /* candidates in a block */
#define CHUNK   ((size_t)32 << 10) /* bytes of text in a chunk */
#define PENDING UINT32_MAX
#define FIGURES 65536 /* steps whose figures are kept */

/* Texts live in chunks, so they never move and need no block of memory each. */
struct opro__chunk {
    opro__chunk *before;
    size_t used;
    size_t size;
    char bytes[];
};

/* ---- lifetime -------------------------------------------------------------------------------- */

opro_status opro__trajectory_init(opro_trajectory *t, opro__mem *mem, int32_t direction,
                                  int32_t dedup, size_t top) {
    t->mem = mem;
    t->direction = direction;
    t->dedup = dedup;
    t->best = t->best_validated = -1;
    opro__map_init(&t->seen, mem);
    t->cap_top = top;
    if (top) {
        t->top = opro__alloc(mem, top * sizeof *t->top);
        if (!t->top) return OPRO_ERR_NOMEM;
    }
    return OPRO_OK;
}

static opro__candidate *by_index(const opro_trajectory *t, uint32_t index) {
    return &t->blocks[index / BLOCK][index % BLOCK];
}

/* One that there is: see opro__trajectory_at(). */
static opro__candidate *by_number(const opro_trajectory *t, int64_t number) {
    return by_index(t, t->order[number]);
}

static void free_extra(opro__mem *mem, opro__extra *extra) {
    if (!extra) return;
    opro__free(mem, extra->scores[0]);
    opro__free(mem, extra->scores[1]);
    opro__free(mem, extra->detail);
    opro__free(mem, extra->feedback);
    opro__free(mem, extra);
}

void opro__trajectory_clear(opro_trajectory *t) {
    opro__mem *mem = t->mem;

    for (uint32_t i = 0; i < t->met; i++)
        free_extra(mem, by_index(t, i)->extra);
    for (size_t i = 0; i < t->n_blocks; i++)
        opro__free(mem, t->blocks[i]);
    opro__free(mem, t->blocks);
    opro__free(mem, t->order);
    while (t->texts) {
        opro__chunk *before = t->texts->before;

        opro__free(mem, t->texts);
        t->texts = before;
    }
    opro__map_free(&t->seen);
    opro__free(mem, t->top);
    opro__free(mem, t->figures);
}

opro_status opro_trajectory_new(opro_trajectory **out, int32_t direction,
                                const opro_allocator *mem) {
    opro__mem own;
    opro_trajectory *t;
    opro_status st;

    if (!out || (direction != OPRO_MAXIMIZE && direction != OPRO_MINIMIZE)) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    t = opro__calloc(&own, 1, sizeof *t);
    if (!t) return OPRO_ERR_NOMEM;
    t->own = own;
    st = opro__trajectory_init(t, &t->own, direction, OPRO_DEDUP_EXACT, 100);
    if (st != OPRO_OK) {
        opro_trajectory_free(t);
        return st;
    }
    *out = t;
    return OPRO_OK;
}

void opro_trajectory_free(opro_trajectory *t) {
    opro__mem mem;

    if (!t || t->belongs_to_run) return;
    opro__trajectory_clear(t);
    mem = t->own;
    opro__free(&mem, t);
}

const opro_error *opro_trajectory_error(const opro_trajectory *t) {
    return &t->err;
}

/* ---- the seen set ---------------------------------------------------------------------------- */

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Reads a text as it counts for duplicates: runs of blanks are one, ASCII letters are lower case,
 * the ends are bare.
 */
typedef struct reader {
    const char *s;
    size_t len, at;
    int exact;
} reader;

static reader read_from(const char *s, size_t len, int exact) {
    while (!exact && len && is_blank(s[len - 1]))
        len--;
    while (!exact && len && is_blank(*s))
        s++, len--;
    return (reader){s, len, 0, exact};
}

/* The next byte, or -1. */
static int next_byte(reader *r) {
    if (r->at == r->len) return -1;
    if (r->exact) return (unsigned char)r->s[r->at++];
    if (!is_blank(r->s[r->at])) return (unsigned char)opro__lower(r->s[r->at++]);
    while (is_blank(r->s[r->at]))
        r->at++; /* the last byte is none */
    return ' ';
}

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define SPACES    (0x20 * EACH_BYTE)
#define TOP_BITS  (0x80 * EACH_BYTE)

static uint64_t load(const char *s) {
    uint64_t w;

    memcpy(&w, s, sizeof w);
    return w;
}

/*
 * Copy, by eight, the bytes at s that count as they are: no blank among them and behind them but "
 * ", and no two side by side. Stops early rather than late (a byte borrows from its neighbour). All
 * get the bit that tells a small letter from a capital one, which is quicker than to change the
 * letters alone; what becomes the same by that is told apart later.
 */
static size_t fold_words(const char *s, size_t len, char *out) {
    size_t n = 0;

    for (; n + 9 <= len; n += 8) {
        uint64_t here = load(s + n), next = load(s + n + 1);
        uint64_t others = ((here - SPACES) & ~here) | ((next - SPACES) & ~next);
        uint64_t pairs = (here | next) ^ SPACES; /* 0: both are blank, or have no other bits */

        pairs = (pairs - EACH_BYTE) & ~pairs;
        if ((others | pairs) & TOP_BITS) break;
        here |= SPACES;
        memcpy(out + n, &here, sizeof here);
    }
    return n;
}

/* The next bytes as they count for a hash, n of them or all that are left. */
static size_t fold(reader *r, char *out, size_t n) {
    size_t done = 0;
    int c;

    while (done < n) {
        size_t left = r->len - r->at < n - done ? r->len - r->at : n - done;
        size_t words = fold_words(r->s + r->at, left, out + done);

        r->at += words;
        done += words;
        if ((c = next_byte(r)) < 0) break;
        out[done++] = (char)(c | ' ');
    }
    return done;
}

static uint64_t key_hash(const opro_trajectory *t, const char *text, size_t len) {
    reader r = read_from(text, len, t->dedup == OPRO_DEDUP_EXACT);
    char part[256];
    uint64_t hash = 0;
    size_t n = sizeof part;

    if (r.exact) return opro__hash_bytes(text, len);
    while (n == sizeof part) {
        n = fold(&r, part, sizeof part);
        hash = opro__hash_add(hash, opro__hash_bytes(part, n));
    }
    return hash;
}

/*
 * What is looked for. A candidate that is pending counts as the same only if its text is: which of
 * two spellings comes first depends on the order of answers, and nothing else may.
 */
typedef struct key {
    const char *text;
    size_t len;
    uint32_t like; /* the oldest committed candidate that differs in blanks and case only */
} key;

static int same_letters(const key *k, const opro__candidate *c) {
    reader a = read_from(k->text, k->len, 0);
    reader b = read_from(c->text, c->len, 0);
    int x;

    do {
        x = next_byte(&a);
        if (x != next_byte(&b)) return 0;
    } while (x >= 0);
    return 1;
}

/* Stops at the very text; notes others that count as the same, and lets the search go on. */
static int same_key(void *wanted, uint32_t index, const void *owner) {
    const opro_trajectory *t = owner;
    const opro__candidate *c = by_index(t, index);
    key *k = wanted;

    if (k->len == c->len && memcmp(k->text, c->text, k->len) == 0) return 1;
    if (t->dedup == OPRO_DEDUP_EXACT || c->number == PENDING || !same_letters(k, c)) return 0;
    if (k->like == OPRO__MAP_NONE || c->number < by_index(t, k->like)->number) k->like = index;
    return 0;
}

static opro__candidate *look_up(const opro_trajectory *t, const char *text, size_t len,
                                uint64_t hash) {
    key k = {text, len, OPRO__MAP_NONE};
    uint32_t index = opro__map_find(&t->seen, hash, &k, same_key, t);

    if (index == OPRO__MAP_NONE) index = k.like;
    return index == OPRO__MAP_NONE ? NULL : by_index(t, index);
}

opro__candidate *opro__trajectory_lookup(const opro_trajectory *t, const char *text, size_t len) {
    return look_up(t, text, len, key_hash(t, text, len));
}

/* Room for one more candidate, and for its number. */
static int reserve_record(opro_trajectory *t) {
    void *blocks = t->blocks, *order = t->order;
    opro__candidate *block;

    if (t->met == PENDING - 1) return 0;
    if (!opro__reserve(t->mem, &order, &t->cap_order, t->met + (size_t)1, sizeof *t->order))
        return 0;
    t->order = order;
    if (t->met < t->n_blocks * BLOCK) return 1;
    if (!opro__reserve(t->mem, &blocks, &t->cap_blocks, t->n_blocks + 1, sizeof *t->blocks))
        return 0;
    t->blocks = blocks;
    block = opro__alloc(t->mem, BLOCK * sizeof *block);
    if (!block) return 0;
    t->blocks[t->n_blocks++] = block;
    return 1;
}

/* A copy of a text in the chunks; long ones get a chunk of their own behind the one in use. */
static const char *keep_text(opro_trajectory *t, const char *text, size_t len) {
    opro__chunk *chunk = t->texts;
    int alone = len + 1 > CHUNK / 4;
    char *copy;

    if (alone || !chunk || chunk->size - chunk->used < len + 1) {
        size_t size = alone ? len + 1 : CHUNK;
        opro__chunk *fresh = opro__alloc(t->mem, sizeof *fresh + size);

        if (!fresh) return NULL;
        fresh->used = 0;
        fresh->size = size;
        if (alone && chunk) {
            fresh->before = chunk->before;
            chunk->before = fresh;
        } else {
            fresh->before = chunk;
            t->texts = fresh;
        }
        chunk = fresh;
    }
    copy = chunk->bytes + chunk->used;
    if (len) memcpy(copy, text, len);
    copy[len] = '\0';
    chunk->used += len + 1;
    return copy;
}

opro__candidate *opro__trajectory_meet(opro_trajectory *t, const char *text, size_t len,
                                       int *fresh) {
    uint64_t hash = key_hash(t, text, len);
    opro__candidate *c = look_up(t, text, len, hash);
    const char *kept;

    *fresh = 0;
    if (c) return c;
    if (len >= UINT32_MAX || !opro__map_reserve(&t->seen) || !reserve_record(t)) return NULL;
    kept = keep_text(t, text, len);
    if (!kept) return NULL;
    *fresh = 1;
    c = by_index(t, t->met);
    *c = (opro__candidate){.text = kept,
                           .len = (uint32_t)len,
                           .score = NAN,
                           .validation = NAN,
                           .hash = hash,
                           .number = PENDING,
                           .proposals = 1};
    opro__map_insert(&t->seen, hash, t->met++);
    return c;
}

/* ---- what few candidates have ---------------------------------------------------------------- */

static opro__extra *extra_of(opro_trajectory *t, opro__candidate *c) {
    if (!c->extra) c->extra = opro__calloc(t->mem, 1, sizeof *c->extra);
    return c->extra;
}

opro_status opro__candidate_scores(opro_trajectory *t, opro__candidate *c, int set, size_t n) {
    opro__extra *extra = extra_of(t, c);
    double *scores;

    if (!extra) return OPRO_ERR_NOMEM;
    if (extra->scores[set]) return OPRO_OK;
    scores = opro__alloc(t->mem, n * sizeof *scores);
    if (!scores) return OPRO_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        scores[i] = NAN;
    extra->scores[set] = scores;
    extra->n[set] = n;
    return OPRO_OK;
}

static opro_status set_words(opro_trajectory *t, char **to, size_t *to_len, const char *s,
                             size_t len) {
    char *copy = opro__memdup(t->mem, s, len);

    if (!copy) return OPRO_ERR_NOMEM;
    opro__free(t->mem, *to);
    *to = copy;
    *to_len = len;
    return OPRO_OK;
}

opro_status opro__candidate_detail(opro_trajectory *t, opro__candidate *c, const char *s,
                                   size_t len) {
    opro__extra *extra = extra_of(t, c);

    return extra ? set_words(t, &extra->detail, &extra->detail_len, s, len) : OPRO_ERR_NOMEM;
}

opro_status opro__candidate_feedback(opro_trajectory *t, opro__candidate *c, const char *s,
                                     size_t len) {
    opro__extra *extra = extra_of(t, c);

    return extra ? set_words(t, &extra->feedback, &extra->feedback_len, s, len) : OPRO_ERR_NOMEM;
}

const double *opro__candidate_known(const opro__candidate *c, int set, size_t *n) {
    const double *single = set ? &c->validation : &c->score;

    *n = c->extra ? c->extra->n[set] : 0;
    if (*n) return c->extra->scores[set];
    if (!isnan(*single)) *n = 1;
    return single;
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* Put a scored candidate among the best that are kept: behind better ones, before equal ones. */
static void rank(opro_trajectory *t, uint32_t number, double score) {
    size_t low = 0, high = t->n_top;

    if (t->n_top == t->cap_top &&
        (!t->cap_top || opro__better(t->direction, t->top[t->n_top - 1].score, score)))
        return;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (opro__better(t->direction, t->top[middle].score, score))
            low = middle + 1;
        else
            high = middle;
    }
    if (t->n_top < t->cap_top) t->n_top++;
    memmove(t->top + low + 1, t->top + low, (t->n_top - 1 - low) * sizeof *t->top);
    t->top[low] = (opro__ranked){score, number};
}

/* What few candidates have, and prompts show. */
static uint64_t add_extra(uint64_t digest, const opro__extra *extra) {
    for (int set = 0; set < 2; set++)
        for (size_t i = 0; i < extra->n[set]; i++)
            digest = opro__hash_add_real(digest, extra->scores[set][i]);
    return opro__hash_add_text(digest, extra->feedback ? extra->feedback : "", extra->feedback_len);
}

uint64_t opro__candidate_digest(const opro__candidate *c) {
    uint64_t rest = (uint64_t)(uint32_t)c->step << 32 | (uint64_t)c->verdict << 16 |
                    (uint64_t)c->reason << 8 | c->flags;
    uint64_t digest = opro__hash_add(opro__hash_bytes(c->text, c->len), rest);

    digest = opro__hash_add_real(opro__hash_add_real(digest, c->score), c->validation);
    return c->extra ? add_extra(digest, c->extra) : digest;
}

/* Pending candidates are few and young: look from the end for the index of one. */
static uint32_t index_of(const opro_trajectory *t, const opro__candidate *c) {
    for (size_t b = t->n_blocks; b-- > 0;)
        if (c >= t->blocks[b] && c < t->blocks[b] + BLOCK)
            return (uint32_t)(b * BLOCK + (size_t)(c - t->blocks[b]));
    assert(0 && "a candidate of another trajectory");
    return 0;
}

/* Is it the best of those that are validated? Of equal ones the first is. */
static void rank_validated(opro_trajectory *t, const opro__candidate *c) {
    const opro__candidate *best = opro__trajectory_at(t, t->best_validated);

    if (c->verdict != OPRO_VERDICT_SCORED || c->flags & OPRO_FLAG_PARTIAL || isnan(c->validation))
        return;
    if (!best || opro__better(t->direction, c->validation, best->validation) ||
        (c->validation == best->validation && c->number < best->number))
        t->best_validated = c->number;
}

void opro__trajectory_commit(opro_trajectory *t, opro__candidate *c) {
    uint32_t index = index_of(t, c);

    assert(c->number == PENDING && c->verdict && (size_t)t->count < t->cap_order);
    c->number = (uint32_t)t->count;
    t->order[t->count++] = index;
    t->digest = opro__hash_add(t->digest, opro__candidate_digest(c));
    if (c->verdict != OPRO_VERDICT_SCORED) return;
    t->scored++;
    rank(t, c->number, c->score);
    if (c->flags & OPRO_FLAG_PARTIAL) return; /* an estimate is not the best */
    if (t->best < 0 || opro__better(t->direction, c->score, by_number(t, t->best)->score))
        t->best = c->number;
    rank_validated(t, c);
}

/* A difference is added, so the order of changes does not count. */
void opro__trajectory_unfix(opro_trajectory *t, const opro__candidate *c) {
    if (c->number != PENDING) t->digest -= opro__candidate_digest(c);
}

void opro__trajectory_fix(opro_trajectory *t, const opro__candidate *c) {
    if (c->number == PENDING) return;
    t->digest += opro__candidate_digest(c);
    rank_validated(t, c);
}

opro__candidate *opro__trajectory_met(const opro_trajectory *t, uint32_t i) {
    return by_index(t, i);
}

opro__candidate *opro__trajectory_at(const opro_trajectory *t, int64_t number) {
    return number >= 0 && number < t->count ? by_number(t, number) : NULL;
}

/*
 * There may be any number of steps. When there is no room for the figures of all, those of every
 * second one go, or of three in four, and so on; step -1 stays.
 */
static void thin(opro_trajectory *t) {
    uint64_t last = (uint64_t)(t->figures[t->n_figures - 1].step + 1), stride = 2;
    size_t kept = 0;

    while (last / stride >= FIGURES / 2)
        stride *= 2;
    for (size_t i = 0; i < t->n_figures; i++)
        if ((uint64_t)(t->figures[i].step + 1) % stride == 0) t->figures[kept++] = t->figures[i];
    t->n_figures = kept;
}

opro__figures *opro__trajectory_figures(opro_trajectory *t, int64_t step) {
    opro__figures none = {.step = step, .best = NAN, .best_so_far = NAN, .temperature = NAN};
    void *figures = t->figures;

    for (size_t i = t->n_figures; i-- > 0 && t->figures[i].step >= step;)
        if (t->figures[i].step == step) return &t->figures[i];
    t->gone = none;
    if (t->n_figures && t->figures[t->n_figures - 1].step > step) return &t->gone;
    if (t->n_figures == FIGURES) thin(t);
    if (!opro__reserve(t->mem, &figures, &t->cap_figures, t->n_figures + 1, sizeof *t->figures))
        return NULL;
    t->figures = figures;
    t->figures[t->n_figures] = none;
    return &t->figures[t->n_figures++];
}

/* ---- public: adding -------------------------------------------------------------------------- */

static opro_status check_scores(opro_trajectory *t, const double *scores, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(scores[i]))
            return opro__fail(&t->err, OPRO_ERR_INVALID, "score %zu is %s; scores must be finite",
                              i, opro__quote_real(scores[i]).text);
    return OPRO_OK;
}

static double mean_of(const double *scores, size_t n) {
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += scores[i];
    return sum / (double)n;
}

opro_status opro_trajectory_add(opro_trajectory *t, const char *text, size_t len,
                                const double *scores, size_t n, int64_t *number) {
    opro__candidate *c;
    int fresh = 0;
    opro_status st;

    if (!t) return OPRO_ERR_INVALID;
    opro__err_clear(&t->err);
    if (!opro__arg(&text, &len) || !scores || n < 1)
        return opro__fail(&t->err, OPRO_ERR_INVALID,
                          "a solution needs a text and at least one score");
    if (t->belongs_to_run)
        return opro__fail(&t->err, OPRO_ERR_STATE,
                          "this trajectory belongs to a run, which alone adds to it");
    if (!opro__utf8_valid(text, len))
        return opro__fail(&t->err, OPRO_ERR_INVALID,
                          "%s is not valid UTF-8, or has a NUL byte in it",
                          opro__quote(text, len).text);
    st = check_scores(t, scores, n);
    if (st != OPRO_OK) return st;
    c = opro__trajectory_meet(t, text, len, &fresh);
    if (c && !fresh)
        return opro__fail(&t->err, OPRO_ERR_INVALID, "%s is in the trajectory already",
                          opro__quote(text, len).text);
    if (!c || (n > 1 && opro__candidate_scores(t, c, 0, n) != OPRO_OK)) goto nomem;
    if (n > 1) memcpy(c->extra->scores[0], scores, n * sizeof *scores);
    c->score = mean_of(scores, n);
    c->step = -1;
    c->verdict = OPRO_VERDICT_SCORED;
    opro__trajectory_commit(t, c);
    if (number) *number = c->number;
    return OPRO_OK;
nomem:
    if (c) { /* the last one met: forget it again */
        free_extra(t->mem, c->extra);
        opro__map_remove(&t->seen, c->hash, --t->met);
    }
    return opro__fail(&t->err, OPRO_ERR_NOMEM, "out of memory");
}
