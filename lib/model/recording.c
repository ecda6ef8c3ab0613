/* SPDX-License-Identifier: MIT */
#include "recording_parts.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

static const char header[] = "{\"opro_exchanges\":1}\n";
#define HEADER_LEN (sizeof header - 1)

/* What is read at once, and kept allocated between calls. */
#define BLOCK ((size_t)256 << 10)
#define KEPT  ((size_t)1 << 20)

static opro_status no_memory(opro_error *err) {
    return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
}

/* Say in which line a fault is that err tells of. */
static opro_status in_line(const opro__recording *r, size_t number, opro_error *err) {
    return opro__fail(err, err->status, "%s, line %zu: %s",
                      opro__quote(r->file.path, strlen(r->file.path)).text, number, err->message);
}

static int make_room(opro__recording *r, size_t n) {
    void *text = r->text;
    int ok = opro__reserve(r->mem, &text, &r->text_capacity, n, 1);

    r->text = text;
    return ok;
}

static void drop_text(opro__recording *r) {
    opro__free(r->mem, r->text);
    r->text = NULL;
    r->text_capacity = 0;
}

/* ---- the index ------------------------------------------------------------------------------- */

uint64_t opro__request_hash(const char *path, size_t path_len, const char *body, size_t body_len) {
    return opro__hash_add_text(opro__hash_add_text(0, path, path_len), body, body_len);
}

static int same_hash(void *key, uint32_t index, const void *owner) {
    return ((const opro__recording *)owner)->places[index].hash == *(uint64_t *)key;
}

uint32_t opro__recording_chain(const opro__recording *r, uint64_t hash) {
    return opro__map_find(&r->map, hash, &hash, same_hash, r);
}

/* Make sure that one more exchange can be noted. */
static opro_status reserve_place(opro__recording *r, opro_error *err) {
    void *places = r->places;
    int ok;

    /* GCOVR_EXCL_START: takes a file of four thousand million lines */
    if (r->count >= OPRO__MAP_NONE - 1)
        return opro__fail(err, OPRO_ERR_LIMIT, "%s has too many exchanges",
                          opro__quote(r->file.path, strlen(r->file.path)).text);
    /* GCOVR_EXCL_STOP */
    if (!r->indexed) return OPRO_OK;
    ok = opro__reserve(r->mem, &places, &r->capacity, r->count + 1, sizeof *r->places);
    r->places = places;
    return ok && opro__map_reserve(&r->map) ? OPRO_OK : no_memory(err);
}

/* The next line is of an exchange with this digest; its place was reserved. */
static void note_place(opro__recording *r, uint64_t hash, size_t len) {
    uint32_t index = (uint32_t)r->count, first;

    if (r->indexed) {
        r->places[index] = (opro__place){r->end, hash, OPRO__MAP_NONE, index, index, 0};
        first = opro__recording_chain(r, hash);
        if (first == OPRO__MAP_NONE) {
            opro__map_insert(&r->map, hash, index);
        } else {
            r->places[r->places[first].last].next = index;
            r->places[first].last = index;
            if (r->places[first].unused == OPRO__MAP_NONE) r->places[first].unused = index;
        }
    }
    r->count++;
    r->end += len;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* A pass over the file. What was read and is not done with is text[from .. to). */
typedef struct scan {
    opro__recording *r;
    size_t from, to;
    size_t searched; /* of it, without a newline */
    int at_end;
} scan;

static opro_status read_more(scan *s, opro_error *err) {
    opro__recording *r = s->r;
    size_t got;
    opro_status st;

    if (s->from) memmove(r->text, r->text + s->from, s->to - s->from);
    s->to -= s->from;
    s->from = 0;
    if (s->to > OPRO__LINE_MAX) {
        opro__fail(err, OPRO_ERR_PARSE, "expected a newline within 64 MiB");
        return in_line(r, r->count + 2, err);
    }
    if (s->to == r->text_capacity && !make_room(r, s->to + 1)) return no_memory(err);
    st = opro__file_read(&r->file, r->end + s->to, r->text + s->to, r->text_capacity - s->to, &got,
                         err);
    if (st != OPRO_OK) return st;
    s->to += got;
    s->at_end = got == 0;
    return OPRO_OK;
}

/* The next line, with *len its bytes and the newline's; NULL: there is no whole line any more. */
static opro_status next_line(scan *s, char **line, size_t *len, opro_error *err) {
    *line = NULL;
    while (!s->at_end) {
        char *start = s->r->text + s->from;
        size_t have = s->to - s->from;
        char *end =
            have > s->searched ? memchr(start + s->searched, '\n', have - s->searched) : NULL;
        opro_status st;

        if (end) {
            *line = start;
            *len = (size_t)(end - start) + 1;
            s->from += *len;
            s->searched = 0;
            return OPRO_OK;
        }
        s->searched = have;
        st = read_more(s, err);
        if (st != OPRO_OK) return st;
    }
    return OPRO_OK;
}

/* Any beginning of the header is a file that was just begun. What is not ours is left alone. */
static opro_status scan_header(scan *s, opro_error *err) {
    opro__recording *r = s->r;
    char *line;
    size_t len;
    opro_status st = next_line(s, &line, &len, err);

    if (st != OPRO_OK) return st;
    if (!line) {
        line = r->text;
        len = s->to;
    }
    if (len <= HEADER_LEN && memcmp(line, header, len) == 0) {
        if (len == HEADER_LEN) r->end = len;
        return OPRO_OK;
    }
    opro__fail(err, OPRO_ERR_PARSE, "this is no recording: expected %.*s", (int)HEADER_LEN - 1,
               header);
    return in_line(r, 1, err);
}

static opro_status scan_line(opro__recording *r, char *s, size_t len, opro_error *err) {
    opro__line line;
    opro_status st = reserve_place(r, err);

    if (st != OPRO_OK) return st;
    st = opro__line_read(&line, s, len - 1, 0, err);
    if (st != OPRO_OK) return in_line(r, r->count + 2, err);
    note_place(
        r, r->indexed ? opro__request_hash(line.path, line.path_len, line.body, line.body_len) : 0,
        len);
    return OPRO_OK;
}

/* Read the file; *torn: how many bytes of a last line without a newline. */
static opro_status scan_file(opro__recording *r, size_t *torn, opro_error *err) {
    scan s = {.r = r};
    char *line;
    size_t len;
    opro_status st = make_room(r, BLOCK) ? scan_header(&s, err) : no_memory(err);

    while (st == OPRO_OK && r->end) {
        st = next_line(&s, &line, &len, err);
        if (st != OPRO_OK || !line) break;
        st = scan_line(r, line, len, err);
    }
    *torn = s.to - s.from;
    drop_text(r);
    return st;
}

static opro_status begin_appending(opro__recording *r, size_t torn, opro_error *err) {
    opro_status st = torn ? opro__file_cut(&r->file, r->end, err) : OPRO_OK;

    if (st != OPRO_OK || r->end) return st;
    r->end = HEADER_LEN;
    return opro__file_append(&r->file, header, HEADER_LEN, err);
}

opro_status opro__recording_open_by(const opro__file_calls *calls, opro__recording **out,
                                    opro__mem *mem, opro_error *err, const char *path, int append,
                                    int index) {
    opro__recording *r = opro__calloc(mem, 1, sizeof *r);
    size_t torn;
    opro_status st;

    if (!r) return no_memory(err);
    r->mem = mem;
    r->append = append;
    r->indexed = index;
    r->file.fd = -1;
    opro__map_init(&r->map, mem);
    opro__buf_init(&r->out, mem, OPRO__LINE_MAX + 1);
    st = opro__file_open(&r->file, mem, err, calls, path, append);
    if (st == OPRO_OK) st = scan_file(r, &torn, err);
    if (st == OPRO_OK && append) st = begin_appending(r, torn, err);
    if (st != OPRO_OK) goto out;
    *out = r;
    r = NULL;
out:
    opro__recording_close(r);
    return st;
}

opro_status opro__recording_open(opro__recording **out, opro__mem *mem, opro_error *err,
                                 const char *path, int append, int index) {
    return opro__recording_open_by(&opro__file_system, out, mem, err, path, append, index);
}

void opro__recording_close(opro__recording *r) {
    if (!r) return;
    opro__file_close(&r->file, r->mem);
    opro__free(r->mem, r->places);
    opro__map_free(&r->map);
    opro__buf_free(&r->out);
    drop_text(r);
    opro__free(r->mem, r);
}

size_t opro__recording_count(const opro__recording *r) {
    return r->count;
}

/* ---- appending ------------------------------------------------------------------------------- */

opro_status opro__recording_add(opro__recording *r, const char *path, size_t path_len,
                                const char *body, size_t body_len, const opro__recorded *what,
                                opro_error *err) {
    opro_status st;

    assert(r->append);
    if (r->broken.status != OPRO_OK) return opro__err_copy(err, &r->broken);
    st = reserve_place(r, err);
    if (st != OPRO_OK) return st;
    opro__buf_clear(&r->out);
    opro__line_write(&r->out, path, path_len, body, body_len, what);
    if (r->out.status != OPRO_OK) {
        st = r->out.status == OPRO_ERR_NOMEM
                 ? no_memory(err)
                 : opro__fail(err, OPRO_ERR_LIMIT,
                              "an exchange of more than 64 MiB is not recorded");
    } else {
        st = opro__file_append(&r->file, r->out.data, r->out.len, err);
        if (st != OPRO_OK)
            opro__err_copy(&r->broken, err);
        else
            note_place(r, r->indexed ? opro__request_hash(path, path_len, body, body_len) : 0,
                       r->out.len);
    }
    if (r->out.cap > KEPT) opro__buf_free(&r->out);
    return st;
}

/* ---- looking up ------------------------------------------------------------------------------ */

int opro__same_request(const opro__line *a, const opro__line *b) {
    assert(a->path && a->body && b->path && b->body);
    return a->path_len == b->path_len && a->body_len == b->body_len &&
           memcmp(a->path, b->path, a->path_len) == 0 && memcmp(a->body, b->body, a->body_len) == 0;
}

size_t opro__recording_line_len(const opro__recording *r, uint32_t index) {
    uint64_t end = index + 1 < r->count ? r->places[index + 1].offset : r->end;

    return (size_t)(end - r->places[index].offset) - 1;
}

opro_status opro__recording_line(opro__recording *r, uint32_t index, int whole, opro__line *line,
                                 opro_error *err) {
    size_t len = opro__recording_line_len(r, index), got;
    opro_status st;

    if (r->text_capacity > KEPT && len < KEPT) drop_text(r);
    if (!make_room(r, len + 1)) return no_memory(err);
    st = opro__file_read(&r->file, r->places[index].offset, r->text, len + 1, &got, err);
    if (st != OPRO_OK) return st;
    if (got < len + 1 || r->text[len] != '\n')
        st = opro__fail(err, OPRO_ERR_PARSE, "the file has been changed since it was opened");
    else
        st = opro__line_read(line, r->text, len, whole, err);
    return st == OPRO_OK ? st : in_line(r, (size_t)index + 2, err);
}

/* The first of the chain that is this request and was not handed out. */
static opro_status find_unused(opro__recording *r, uint32_t first, const opro__line *wanted,
                               uint32_t *found, opro__line *line, opro_error *err) {
    for (uint32_t i = r->places[first].unused; i != OPRO__MAP_NONE; i = r->places[i].next) {
        opro_status st;

        if (r->places[i].used) continue;
        st = opro__recording_line(r, i, 1, line, err);
        if (st != OPRO_OK) return st;
        if (!opro__same_request(line, wanted)) continue;
        *found = i;
        return OPRO_OK;
    }
    return OPRO_OK;
}

static void use_up(opro__recording *r, uint32_t first, uint32_t found) {
    uint32_t *unused = &r->places[first].unused;

    r->recent = found;
    r->places[found].used = 1;
    while (*unused != OPRO__MAP_NONE && r->places[*unused].used)
        *unused = r->places[*unused].next;
}

/* The last of the chain that is this request: its last one, but for collisions of digests. */
static opro_status find_last(opro__recording *r, uint32_t first, const opro__line *wanted,
                             uint32_t *found, opro__line *line, opro_error *err) {
    uint32_t i = r->places[first].last;
    opro_status st = opro__recording_line(r, i, 1, line, err);

    if (st == OPRO_OK && opro__same_request(line, wanted)) {
        *found = i;
        return OPRO_OK;
    }
    for (i = first; st == OPRO_OK && i != OPRO__MAP_NONE; i = r->places[i].next) {
        st = opro__recording_line(r, i, 0, line, err);
        if (st == OPRO_OK && opro__same_request(line, wanted)) *found = i;
    }
    if (st == OPRO_OK && *found != OPRO__MAP_NONE)
        st = opro__recording_line(r, *found, 1, line, err);
    return st;
}

opro_status opro__recording_find(opro__recording *r, const char *path, size_t path_len,
                                 const char *body, size_t body_len, int use, opro__recorded *what,
                                 opro_error *err) {
    const opro__line wanted = {
        .path = path, .path_len = path_len, .body = body, .body_len = body_len};
    uint32_t first, found = OPRO__MAP_NONE;
    opro_error unheard = {0};
    opro__line line = {0};
    opro_status st = OPRO_OK;

    assert(r->indexed);
    first = opro__recording_chain(r, opro__request_hash(path, path_len, body, body_len));
    if (first != OPRO__MAP_NONE)
        st =
            (use ? find_unused : find_last)(r, first, &wanted, &found, &line, err ? err : &unheard);
    if (st != OPRO_OK) return st;
    if (found == OPRO__MAP_NONE)
        return err ? opro__recording_unknown(r, &wanted, err) : OPRO_ERR_UNKNOWN;
    if (use) use_up(r, first, found);
    *what = line.what;
    return OPRO_OK;
}
