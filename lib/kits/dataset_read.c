/* SPDX-License-Identifier: MIT */
/* Examples from files and from bytes in memory: a window, its lines, and which layout it is. */
#define _POSIX_C_SOURCE 200809L /* strerror_r */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_cursor.h"
#include "base/utf8.h"
#include "dataset.h"

#ifdef _WIN32
#define strerror_r(error, text, size) strerror_s(text, size, error)
#endif

#define WINDOW_MIN ((size_t)64 << 10)

/* ---- faults ---------------------------------------------------------------------------------- */

opro_status opro__bad_at(opro__reader *r, int64_t line, const char *format, ...) {
    char fault[400];
    va_list args;

    va_start(args, format);
    vsnprintf(fault, sizeof fault, format, args);
    va_end(args);
    return opro__fail(r->err, OPRO_ERR_PARSE, "line %lld: %s", (long long)line, fault);
}

opro_status opro__reader_text(opro__reader *r, int64_t line, const char *s, size_t len) {
    if (memchr(s, '\0', len)) return opro__bad_at(r, line, "a NUL byte");
    if (!opro__utf8_valid(s, len)) return opro__bad_at(r, line, "not valid UTF-8");
    return OPRO_OK;
}

static opro_status no_memory(opro__reader *r) {
    return opro__fail(r->err, OPRO_ERR_NOMEM, "out of memory");
}

static opro_status cannot(opro_error *err, const char *what, const char *path, int error) {
    char reason[128];

    if (strerror_r(error, reason, sizeof reason) != 0) strcpy(reason, "unknown error");
    return opro__fail(err, OPRO_ERR_FAILED, "cannot %s %s: %s", what,
                      opro__quote(path, strlen(path)).text, reason);
}

/* ---- the window ------------------------------------------------------------------------------ */

/* More bytes behind the window, at most n: how many. */
static size_t next_bytes(opro__reader *r, char *out, size_t n) {
    if (r->file) return fread(out, 1, n, r->file);
    if (n > r->left) n = r->left;
    if (n) memcpy(out, r->bytes, n);
    r->bytes += n;
    r->left -= n;
    return n;
}

/*
 * What is not consumed to the front; the window doubles if it is more than half full then, so that
 * no byte is moved more than a few times.
 */
static opro_status make_room(opro__reader *r) {
    size_t len = r->end - r->start, cap = r->cap ? r->cap : WINDOW_MIN;
    char *window = r->window;

    while (len > cap / 2)
        cap *= 2;
    if (len) memmove(window, window + r->start, len);
    r->start = 0;
    r->end = len;
    if (cap == r->cap) return OPRO_OK;
    window = opro__realloc(r->mem, window, cap);
    if (!window) return no_memory(r);
    r->window = window;
    r->cap = cap;
    return OPRO_OK;
}

static opro_status fill(opro__reader *r) {
    opro_status st;
    size_t n;

    if (r->ended) return OPRO_DONE;
    if (r->end == r->cap) {
        st = make_room(r);
        if (st != OPRO_OK) return st;
    }
    errno = 0;
    n = next_bytes(r, r->window + r->end, r->cap - r->end);
    if (n == 0 && r->file && ferror((FILE *)r->file)) return cannot(r->err, "read", r->path, errno);
    r->end += n;
    r->ended = n == 0;
    return n ? OPRO_OK : OPRO_DONE;
}

opro_status opro__reader_more(opro__reader *r, size_t i) {
    if (i >= OPRO__RECORD_MAX)
        return opro__bad_at(r, r->line, "longer than %zu bytes", OPRO__RECORD_MAX);
    while (r->end - r->start <= i) {
        opro_status st = fill(r);

        if (st != OPRO_OK) return st;
    }
    return OPRO_OK;
}

void opro__reader_consume(opro__reader *r, size_t n) {
    const char *s = r->window + r->start, *end = s + n;

    r->start += n;
    while (s < end && (s = memchr(s, '\n', (size_t)(end - s)))) {
        r->line++;
        s++;
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

opro_status opro__reader_drop_line(opro__reader *r) {
    opro_status st = OPRO_OK;

    while (st == OPRO_OK) {
        size_t len = r->end - r->start;
        const char *s = r->window + r->start, *lf = len ? memchr(s, '\n', len) : NULL;

        opro__reader_consume(r, lf ? (size_t)(lf - s) + 1 : len);
        if (lf) return OPRO_OK;
        st = fill(r);
    }
    return st == OPRO_DONE ? OPRO_OK : st;
}

/* The line at hand: how long with its end. OPRO_DONE: there is none. */
static opro_status measure(opro__reader *r, size_t *len) {
    size_t seen = 0;
    opro_status st;

    for (;;) {
        const char *s, *lf;

        st = opro__reader_need(r, seen);
        if (st != OPRO_OK) break;
        s = r->window + r->start;
        lf = memchr(s + seen, '\n', r->end - r->start - seen);
        seen = lf ? (size_t)(lf - s) : r->end - r->start;
        if (lf) break;
    }
    *len = seen + (st == OPRO_OK);
    if (st == OPRO_DONE && seen) st = OPRO_OK; /* a last line without an end */
    if (st == OPRO_OK && *len > OPRO__RECORD_MAX)
        st = opro__bad_at(r, r->line, "longer than %zu bytes", OPRO__RECORD_MAX);
    return st;
}

opro_status opro__reader_line(opro__reader *r, char **s, size_t *len, int64_t *line) {
    size_t n;
    opro_status st;

    do {
        *line = r->line;
        st = measure(r, &n);
        if (st == OPRO_ERR_PARSE) {
            opro_status dropped = opro__reader_drop_line(r);

            return dropped == OPRO_OK ? st : dropped;
        }
        if (st != OPRO_OK) return st;
        *s = r->window + r->start;
        opro__reader_consume(r, n);
        if (n && (*s)[n - 1] == '\n') n--;
        if (n && (*s)[n - 1] == '\r') n--;
    } while (n == 0);
    *len = n;
    return opro__reader_text(r, *line, *s, n);
}

/* ---- which layout ---------------------------------------------------------------------------- */

/* The ending of a name, after its last dot, in lower case. */
static void ending_of(const char *path, char out[8]) {
    const char *dot = path ? strrchr(path, '.') : NULL;
    size_t n = 0;

    for (; dot && dot[1 + n] && n < 7; n++)
        out[n] = (char)(dot[1 + n] >= 'A' && dot[1 + n] <= 'Z' ? dot[1 + n] | 32 : dot[1 + n]);
    out[n] = '\0';
}

static int is(const char *s, size_t len, const char *word) {
    return strlen(word) == len && memcmp(s, word, len) == 0;
}

/* By the members of the first object, as far as they are in the window. */
static int32_t json_layout(const opro__reader *r) {
    opro__cursor c = {.s = r->window + r->start, .len = r->end - r->start, .newlines = 1};
    const char *name, *value;
    size_t len, value_len;
    int options = 0, correct = 0;

    if (!opro__cursor_take(&c, '{', "'{'")) return OPRO_LAYOUT_JSONL;
    while (opro__cursor_peek(&c) == '"' && opro__cursor_skip(&c, &name, &len)) {
        if (is(name, len, "\"examples\"") || is(name, len, "\"canary\"")) return OPRO_LAYOUT_BBH;
        options |= is(name, len, "\"options\"");
        correct |= is(name, len, "\"correct\"");
        if (!opro__cursor_take(&c, ':', "':'") || !opro__cursor_skip(&c, &value, &value_len) ||
            !opro__cursor_take(&c, ',', "','"))
            break;
    }
    return options && correct ? OPRO_LAYOUT_AQUA : OPRO_LAYOUT_JSONL;
}

/* 1 if this is a field of the line, between tabs. */
static int has_field(const char *line, size_t len, const char *name) {
    const char *end = line + len;

    while (line) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));

        if (is(line, (size_t)((tab ? tab : end) - line), name)) return 1;
        line = tab ? tab + 1 : NULL;
    }
    return 0;
}

/* A header, or the first example. */
static int32_t tab_layout(const opro__reader *r, const char *line, size_t len) {
    char *const *columns = r->dataset->columns;

    if (len && line[len - 1] == '\r') len--;
    if (r->dataset->columns_set || (has_field(line, len, columns[OPRO__COLUMN_QUESTION]) &&
                                    has_field(line, len, columns[OPRO__COLUMN_ANSWER])))
        return OPRO_LAYOUT_TSV;
    return OPRO_LAYOUT_GSM8K;
}

static int32_t guess_layout(const opro__reader *r) {
    const char *s = r->window + r->start;
    size_t len = r->end - r->start, first = 0;
    const char *lf = len ? memchr(s, '\n', len) : NULL;
    size_t line = lf ? (size_t)(lf - s) : len;
    char ending[8];

    ending_of(r->path, ending);
    while (first < len && strchr(" \t\r\n", s[first]) && s[first])
        first++;
    if (strcmp(ending, "csv") == 0) return OPRO_LAYOUT_CSV;
    if (strcmp(ending, "tsv") == 0) return tab_layout(r, s, line);
    if (strncmp(ending, "json", 4) == 0 || strcmp(ending, "ndjson") == 0 ||
        (first < len && s[first] == '{'))
        return r->dataset->columns_set ? OPRO_LAYOUT_JSONL : json_layout(r);
    return line && memchr(s, '\t', line) ? tab_layout(r, s, line) : OPRO_LAYOUT_CSV;
}

/* ---- all records ----------------------------------------------------------------------------- */

static opro__next_fn next_of(int32_t layout) {
    switch (layout) {
    case OPRO_LAYOUT_BBH: return opro__next_bbh;
    case OPRO_LAYOUT_AQUA:
    case OPRO_LAYOUT_JSONL: return opro__next_json_line;
    case OPRO_LAYOUT_CSV: return opro__next_csv;
    case OPRO_LAYOUT_GSM8K:
    case OPRO_LAYOUT_TSV: return opro__next_tsv;
    default: return NULL;
    }
}

/* The first bytes; *next by the layout. */
static opro_status start(opro__reader *r, int32_t layout, opro__next_fn *next) {
    opro_status st;

    do /* a pipe gives a few at a time */
        st = fill(r);
    while (st == OPRO_OK && r->end < WINDOW_MIN);
    if (st != OPRO_OK && st != OPRO_DONE) return st;
    if (r->end >= 3 && memcmp(r->window, "\xef\xbb\xbf", 3) == 0) r->start = 3;
    r->layout = layout == OPRO_LAYOUT_AUTO ? guess_layout(r) : layout;
    *next = next_of(r->layout);
    return OPRO_OK;
}

/* One record; *skipped is counted up if it is bad and may be. */
static opro_status read_one(opro__reader *r, opro__next_fn next, int64_t *skipped) {
    opro__example came = {.options = ""};
    opro_error fault;
    opro_status st;

    st = next(r, &came);
    if (st == OPRO_OK) {
        st = opro__dataset_append(r->dataset, &r->scratch, &came, &fault);
        if (st == OPRO_ERR_INVALID)
            st = opro__bad_at(r, r->record, "%s", opro_error_message(&fault, NULL));
        else if (st != OPRO_OK)
            opro__err_copy(r->err, &fault);
    }
    if (st != OPRO_ERR_PARSE || r->fatal || !r->dataset->skip_bad) return st;
    ++*skipped;
    return OPRO_OK;
}

static opro_status read_all(opro__reader *r, int32_t layout) {
    opro_dataset *dataset = r->dataset;
    opro__store store = dataset->store;
    size_t n = dataset->n;
    int64_t skipped = 0;
    opro__next_fn next;
    opro_status st = start(r, layout, &next);

    while (st == OPRO_OK)
        st = read_one(r, next, &skipped);
    if (st == OPRO_DONE && dataset->n == n)
        st = opro__fail(r->err, OPRO_ERR_PARSE, "no example in it (%lld bad ones)",
                        (long long)skipped);
    if (st == OPRO_DONE) {
        opro__err_clear(r->err); /* of what was skipped */
        dataset->skipped += skipped;
        return OPRO_OK;
    }
    dataset->n = n;
    opro__split_reset(dataset, n);
    opro__store_back(&dataset->store, &dataset->mem, &store);
    return st;
}

static opro_status read_with(opro__reader *r, opro_dataset *dataset, int32_t layout) {
    opro_status st;

    r->dataset = dataset;
    r->mem = &dataset->mem;
    r->err = &dataset->err;
    r->line = 1;
    opro__buf_init(&r->scratch, r->mem, OPRO__EXAMPLE_MAX);
    st = read_all(r, layout);
    opro__buf_free(&r->scratch);
    opro__free(r->mem, r->window);
    return st;
}

/* ---- the functions --------------------------------------------------------------------------- */

static opro_status check_layout(opro_dataset *dataset, int32_t layout) {
    if (layout == OPRO_LAYOUT_AUTO || next_of(layout)) return OPRO_OK;
    return opro__fail(&dataset->err, OPRO_ERR_INVALID, "%d is no layout", (int)layout);
}

opro_status opro_dataset_read(opro_dataset *dataset, const char *bytes, size_t len,
                              int32_t layout) {
    opro_status st = opro__dataset_begin_append(dataset, OPRO__CALL_opro_dataset_read);
    opro__reader r = {.bytes = NULL};

    if (st == OPRO_OK) st = check_layout(dataset, layout);
    if (st != OPRO_OK) return st;
    if (!opro__arg(&bytes, &len))
        return opro__fail(&dataset->err, OPRO_ERR_INVALID, "bytes is NULL");
    r.bytes = bytes;
    r.left = len;
    return read_with(&r, dataset, layout);
}

opro_status opro_dataset_load(opro_dataset *dataset, const char *path, size_t len, int32_t layout) {
    opro_status st = opro__dataset_begin_append(dataset, OPRO__CALL_opro_dataset_load);
    opro__reader r = {.bytes = NULL};
    char *copy;

    if (st == OPRO_OK) st = check_layout(dataset, layout);
    if (st != OPRO_OK) return st;
    if (!opro__arg(&path, &len) || memchr(path, '\0', len))
        return opro__fail(&dataset->err, OPRO_ERR_INVALID, "the path is NULL, or has a NUL in it");
    copy = opro__memdup(&dataset->mem, path, len);
    if (!copy) return opro__fail(&dataset->err, OPRO_ERR_NOMEM, "out of memory");
    r.path = copy;
    r.file = fopen(copy, "rb");
    if (r.file) {
        setvbuf(r.file, NULL, _IONBF, 0); /* the window is the buffer */
        st = read_with(&r, dataset, layout);
        fclose(r.file);
    } else {
        st = cannot(&dataset->err, "open", copy, errno);
    }
    opro__free(&dataset->mem, copy);
    return st;
}
