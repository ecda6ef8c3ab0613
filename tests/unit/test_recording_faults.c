/* SPDX-License-Identifier: MIT */
/*
 * Recordings when things go wrong: files that end anywhere, damaged bytes, a system that fails, no
 * memory, other processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/rng.h"
#include "failing.h"
#include "model/cache.h"
#include "model/recording_parts.h"
#include "recording_world.h"

#define HEADER_LEN 21

/* A small recording, and what is in it. */
enum { EXCHANGES = 5 };

static const char *const bodies[EXCHANGES] = {
    "{\"n\":1,\"text\":\"a\\\"b\"}", "[]", "not JSON", "\xff\xfe", "{\"n\":1,\"text\":\"a\\\"b\"}",
};
static const char *const answers[EXCHANGES] = {"{\"id\":\"x\\ny\"}", "", "\x01\xff", "plain", "2"};

static opro__recorded outcome(int i) {
    opro__recorded what = {.status = 200 + i, .answer = answers[i], .len = strlen(answers[i])};

    strcpy(what.kept.date, "Sat, 01 Aug 2026 00:00:00 GMT");
    if (i == 3) strcpy(what.kept.location, "\xe9");
    if (i % 2) what.detail = "Timeout was reached";
    return what;
}

static opro_status add(opro__recording *r, int i, opro_error *err) {
    opro__recorded what = outcome(i);

    return opro__recording_add(r, "/p", 2, bodies[i], strlen(bodies[i]), &what, err);
}

static opro_status find(opro__recording *r, int i, int use, opro__recorded *what, opro_error *err) {
    return opro__recording_find(r, "/p", 2, bodies[i], strlen(bodies[i]), use, what, err);
}

static int as_was_put(const opro__recorded *what, int i) {
    opro__recorded was = outcome(i);

    return what->status == was.status && what->code == 0 && what->met == 0 &&
           what->len == was.len && memcmp(what->answer, was.answer, was.len) == 0 &&
           strcmp(what->detail, was.detail ? was.detail : "") == 0 &&
           memcmp(&what->kept, &was.kept, sizeof was.kept) == 0;
}

/* The first n exchanges are there, and no others. */
static void assert_whole(opro__recording *r, int n) {
    opro__recorded what;
    opro_error err;

    assert_int_equal(opro__recording_count(r), n);
    for (int i = 0; i < EXCHANGES; i++) {
        opro_status st = find(r, i, 1, &what, &err);

        assert_int_equal(st, i < n ? OPRO_OK : OPRO_ERR_UNKNOWN);
        if (i < n) assert_true(as_was_put(&what, i));
    }
}

/* Make the small recording. ends[i]: the length of the file with i exchanges. */
static char *make_small(world *w, size_t *len, size_t ends[EXCHANGES + 1]) {
    opro__recording *r = NULL;

    unlink(w->file);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 0), OPRO_OK);
    for (int i = 0; i <= EXCHANGES; i++) {
        if (ends) ends[i] = (size_t)r->end;
        if (i < EXCHANGES) assert_int_equal(add(r, i, &w->err), OPRO_OK);
    }
    opro__recording_close(r);
    return read_file(w->file, len);
}

/* ---- damaged files --------------------------------------------------------------------------- */

static void test_truncation(void **state) {
    world *w = *state;
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);

    assert_int_equal(ends[0], HEADER_LEN);
    for (size_t n = 0; n <= len; n++) {
        opro__recording *r = NULL;
        int whole = 0;

        while (whole < EXCHANGES && ends[whole + 1] <= n)
            whole++;
        write_file(w->file, s, n);
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 1), OPRO_OK);
        assert_whole(r, whole);
        opro__recording_close(r);
        /* cut, and go on from there */
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, n % 2 == 0),
                         OPRO_OK);
        assert_int_equal(opro__recording_count(r), whole);
        for (int i = whole; i < EXCHANGES; i++)
            assert_int_equal(add(r, i, &w->err), OPRO_OK);
        opro__recording_close(r);
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 1), OPRO_OK);
        assert_whole(r, EXCHANGES);
        opro__recording_close(r);
    }
    free(s);
}

/* Zeros at the end: what a file system may leave of a line when the power goes. */
static void test_zeros(void **state) {
    world *w = *state;
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);
    opro__recording *r = NULL;

    memset(s + ends[4], 0, len - ends[4]);
    write_file(w->file, s, len);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_whole(r, 4);
    opro__recording_close(r);
    free(s);
}

/*
 * A file that was changed somewhere is refused, or means what it meant; without the last newline
 * the last exchange is torn. Appending to it or refusing it leaves all whole lines as they are.
 */
static void check_damaged(world *w, const char *s, size_t len, int torn) {
    opro__recording *r = NULL;
    opro_status st;

    write_file(w->file, s, len);
    st = opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 1);
    if (st != OPRO_OK) {
        assert_int_equal(st, OPRO_ERR_PARSE);
        assert_non_null(strstr(w->err.message, ", line "));
        return;
    }
    assert_whole(r, EXCHANGES - torn);
    opro__recording_close(r);
}

static void test_flipped_bits(void **state) {
    world *w = *state;
    size_t len;
    char *s = make_small(w, &len, NULL);
    int refused = 0;

    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            opro__recording *r = NULL;

            s[i] = (char)(s[i] ^ 1 << bit);
            check_damaged(w, s, len, i == len - 1);
            refused += opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 0) != OPRO_OK;
            opro__recording_close(r);
            s[i] = (char)(s[i] ^ 1 << bit);
        }
    }
    assert_int_equal(refused, (len - 1) * 8); /* every one of them is noticed */
    free(s);
}

static void test_random_damage(void **state) {
    world *w = *state;
    size_t len;
    char *s = make_small(w, &len, NULL), *t = malloc(len);
    opro__rng rng = opro__rng_make(1, 2, 3);

    assert_non_null(t);
    for (int k = 0; k < 1500; k++) {
        uint64_t n = 1 + opro__rng_below(&rng, 6);

        memcpy(t, s, len);
        for (uint64_t i = 0; i < n; i++)
            t[opro__rng_below(&rng, len)] = (char)opro__rng_next(&rng);
        check_damaged(w, t, len, t[len - 1] != '\n');
    }
    free(t);
    free(s);
}

/* Lines without a sum, changed at random: refused or read, and nothing worse. */
static void test_lines_by_hand(void **state) {
    static const char line[] =
        "{\"path\":\"/a\\u00e9\\n\",\"request\":{\"a\":[1,-2.5e3,true,null,\"x\\\"y\"],\"b\":{}},"
        "\"status\":200,\"headers\":{\"date\":\"x\",\"location64\":\"/"
        "+8=\"},\"answer64\":\"AAEC\"}";
    static const char letters[] = "{}[]\",:\\u0123eE+-.tfn/ \t64=\xc3";
    opro__rng rng = opro__rng_make(4, 5, 6);
    char *s = malloc(sizeof line); /* ends where the line does, so that reading on is noticed */
    int read = 0;

    (void)state;
    assert_non_null(s);
    for (int k = 0; k < 20000; k++) {
        uint64_t n = opro__rng_below(&rng, 5);
        size_t len = sizeof line - 1;
        opro__line got;
        opro_error err;

        memcpy(s, line, sizeof line);
        for (uint64_t i = 0; i < n; i++)
            s[opro__rng_below(&rng, len)] = letters[opro__rng_below(&rng, sizeof letters - 1)];
        if (opro__rng_below(&rng, 4) == 0) len = (size_t)opro__rng_below(&rng, len);
        read += opro__line_read(&got, s, len, 1, &err) == OPRO_OK;
    }
    assert_true(read > 1500);
    free(s);
}

/* ---- a system that fails --------------------------------------------------------------------- */

enum { OPEN, FSTAT, FLOCK, PREAD, WRITE, FTRUNCATE, CLOSE, NONE };

/*
 * The fault-th call (from 0 on; of that kind, if only is not NONE) fails with this error. half: of
 * a read or write, half is done, and it does not fail.
 */
static struct {
    long calls, fault;
    int only, error, half;
    int missed; /* the call that failed */
    int opened, closed;
} faulty;

static void set_fault(long n, int only, int error, int half) {
    memset(&faulty, 0, sizeof faulty);
    faulty.fault = n;
    faulty.only = only;
    faulty.error = error;
    faulty.half = half;
    faulty.missed = NONE;
}

static int fails(int kind) {
    if (faulty.only != NONE && faulty.only != kind) return 0;
    if (faulty.calls++ != faulty.fault) return 0;
    faulty.missed = kind;
    errno = faulty.error;
    return 1;
}

static int faulty_open(const char *path, int flags, mode_t mode) {
    int fd = fails(OPEN) ? -1 : open(path, flags, mode);

    faulty.opened += fd >= 0;
    return fd;
}

static int faulty_fstat(int fd, struct stat *st) {
    return fails(FSTAT) ? -1 : fstat(fd, st);
}

static int faulty_flock(int fd, int operation) {
    return fails(FLOCK) ? -1 : opro__file_system.flock(fd, operation);
}

static ssize_t faulty_pread(int fd, void *p, size_t n, off_t at) {
    if (!fails(PREAD)) return pread(fd, p, n, at);
    return faulty.half ? pread(fd, p, (n + 1) / 2, at) : -1;
}

static ssize_t faulty_write(int fd, const void *p, size_t n) {
    if (!fails(WRITE)) return write(fd, p, n);
    if (faulty.half) return write(fd, p, n / 2);
    return faulty.error ? -1 : 0;
}

static int faulty_ftruncate(int fd, off_t len) {
    return fails(FTRUNCATE) ? -1 : ftruncate(fd, len);
}

static int faulty_close(int fd) {
    int failed = fails(CLOSE);

    faulty.closed++;
    close(fd);
    return failed ? -1 : 0;
}

static const opro__file_calls faulty_calls = {
    faulty_open,  faulty_fstat,     faulty_flock, faulty_pread,
    faulty_write, faulty_ftruncate, faulty_close,
};

/*
 * Open a file with three exchanges and a torn one, add a fourth and a fifth, and look at some. How
 * many were added; *st: the first failure.
 */
static int use_faulty(world *w, const char *s, size_t len, opro_status *st) {
    opro__recording *r = NULL;
    opro__recorded what;
    opro_error err;
    int added = 0;

    write_file(w->file, s, len);
    *st = opro__recording_open_by(&faulty_calls, &r, &w->mem, &w->err, w->file, 1, 1);
    if (*st != OPRO_OK) return 0;
    for (int i = 3; i < EXCHANGES; i++) {
        opro_status now = add(r, i, &err);

        added += now == OPRO_OK;
        if (now != OPRO_OK && *st == OPRO_OK) {
            *st = now;
            w->err = err;
            assert_int_equal(add(r, 4, &err), now); /* for ever */
            assert_string_equal(err.message, w->err.message);
        }
    }
    for (int i = 0; i < 3 + added; i++) {
        opro_status now = find(r, i, 1, &what, &err);

        if (now != OPRO_OK) { /* it was not used up */
            *st = now;
            w->err = err;
            assert_int_equal(find(r, i, 1, &what, &err), OPRO_OK);
        }
        assert_true(as_was_put(&what, i));
    }
    opro__recording_close(r);
    return added;
}

static void after_fault(world *w, int added) {
    opro__recording *r = NULL;

    assert_int_equal(faulty.opened, faulty.closed);
    assert_int_equal(w->mem.used, 0);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_whole(r, 3 + added);
    opro__recording_close(r);
}

/* Fail one call after the other in this way. */
static void run_faults(world *w, int error, int half, opro_status expected) {
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);
    unsigned missed = 0;

    for (long n = 0;; n++) {
        opro_status st;
        int added;

        assert_true(n < 100);
        set_fault(n, NONE, error, half);
        added = use_faulty(w, s, ends[3] + 30, &st);
        if (faulty.missed == NONE) break; /* no call was the n-th any more */
        missed |= 1u << faulty.missed;
        assert_int_equal(st, faulty.missed == CLOSE ? OPRO_OK : expected);
        if (st == OPRO_ERR_FAILED) assert_non_null(strstr(w->err.message, strerror(error)));
        if (st == OPRO_ERR_FAILED) assert_non_null(strstr(w->err.message, w->file));
        if (st == OPRO_OK) assert_int_equal(added, 2);
        after_fault(w, added);
    }
    assert_int_equal(missed, (1u << NONE) - 1); /* each kind of them */
    free(s);
}

static void test_io_errors(void **state) {
    run_faults(*state, EIO, 0, OPRO_ERR_FAILED);
    run_faults(*state, ENOSPC, 0, OPRO_ERR_FAILED);
}

/* A signal in each of them. close() is not called again. */
static void test_interrupted(void **state) {
    world *w = *state;
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);

    for (int kind = 0; kind <= FTRUNCATE; kind++) {
        for (long n = 0;; n++) {
            opro_status st;
            int added;

            if (kind == FSTAT) break; /* is not interrupted */
            set_fault(n, kind, EINTR, 0);
            added = use_faulty(w, s, ends[3] + 30, &st);
            if (faulty.missed == NONE) break;
            assert_int_equal(st, OPRO_OK);
            assert_int_equal(added, 2);
            after_fault(w, added);
        }
    }
    free(s);
}

/* Half of what was to be read or written: the rest follows. */
static void test_short_calls(void **state) {
    world *w = *state;
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);

    for (int kind = PREAD; kind <= WRITE; kind++) {
        long n = 0;

        for (;; n++) {
            opro_status st;
            int added;

            set_fault(n, kind, 0, 1);
            added = use_faulty(w, s, ends[3] + 30, &st);
            if (faulty.missed == NONE) break;
            assert_int_equal(st, OPRO_OK);
            assert_int_equal(added, 2);
            after_fault(w, added);
        }
        assert_true(n >= 2);
    }
    free(s);
}

/* Nothing is taken, and no reason is given. */
static void test_write_of_nothing(void **state) {
    world *w = *state;
    opro__recording *r = NULL;

    set_fault(0, WRITE, 0, 0); /* of the header */
    assert_int_equal(opro__recording_open_by(&faulty_calls, &r, &w->mem, &w->err, w->file, 1, 0),
                     OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "cannot write"));
    assert_null(r);
}

/* An error that has no name. */
static void test_unknown_error(void **state) {
    world *w = *state;
    opro__recording *r = NULL;

    set_fault(0, OPEN, 99999, 0);
    assert_int_equal(opro__recording_open_by(&faulty_calls, &r, &w->mem, &w->err, w->file, 1, 0),
                     OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "nknown error"));
    assert_null(r);
}

/*
 * Two requests with one digest, twice each, and another one: whatever is looked for, a read that
 * fails is said, and the next one finds it.
 */
static void test_faults_of_finding(void **state) {
    static const struct {
        const char *path;
        int body; /* of the two, or neither */
        int use;
        opro_status expected;
    } wanted[] = {
        {"/p", 0, 0, OPRO_OK},          {"/p", 1, 0, OPRO_OK},
        {"/p", 0, 1, OPRO_OK},          {"/p", 2, 1, OPRO_ERR_UNKNOWN},
        {"/q", 0, 1, OPRO_ERR_UNKNOWN}, {"/p", 3, 1, OPRO_ERR_UNKNOWN},
    };
    world *w = *state;
    char texts[4][17] = {"", "", "neither of them.", ""};
    opro__recording *r = NULL;
    opro__recorded what = {.status = 200, .answer = "", .len = 0};

    collide(texts[0], texts[1]);
    texts[0][16] = texts[1][16] = '\0';
    memcpy(texts[3], texts[0], 15); /* and not the last byte */
    set_fault(-1, NONE, 0, 0);
    assert_int_equal(opro__recording_open_by(&faulty_calls, &r, &w->mem, &w->err, w->file, 1, 1),
                     OPRO_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(opro__recording_add(r, "/p", 2, texts[i % 2], 16, &what, &w->err),
                         OPRO_OK);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        size_t len = wanted[i].body == 3 ? 15 : 16;
        long n = 0;

        for (;; n++) {
            opro_status st;

            set_fault(n, PREAD, EIO, 0);
            st = opro__recording_find(r, wanted[i].path, 2, texts[wanted[i].body], len,
                                      wanted[i].use, &what, &w->err);
            if (faulty.missed == NONE) {
                assert_int_equal(st, wanted[i].expected);
                break;
            }
            assert_int_equal(st, OPRO_ERR_FAILED);
            assert_non_null(strstr(w->err.message, strerror(EIO)));
        }
        assert_true(n > 0);
    }
    /* asked for more often than it is there, of two with one digest */
    set_fault(-1, NONE, 0, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(opro__recording_find(r, "/p", 2, texts[1], 16, 1, &what, &w->err),
                         i < 2 ? OPRO_OK : OPRO_ERR_UNKNOWN);
    assert_non_null(strstr(w->err.message, "more often"));
    for (long n = 0; n < 3; n++) { /* one to look for it, one to say that it is used up */
        set_fault(n, PREAD, EIO, 0);
        assert_int_equal(opro__recording_find(r, "/p", 2, texts[1], 16, 1, &what, &w->err),
                         n < 2 ? OPRO_ERR_FAILED : OPRO_ERR_UNKNOWN);
    }
    opro__recording_close(r);
}

/* Of the nearest exchange less is there than when it was compared. */
static const char *shorter;
static int reads_left;

static ssize_t changing_pread(int fd, void *p, size_t n, off_t at) {
    ssize_t got = pread(fd, p, n, at);

    if (reads_left-- == 0 && got == (ssize_t)strlen(shorter)) memcpy(p, shorter, strlen(shorter));
    return got;
}

static void test_changed_while_compared(void **state) {
    static const char line[] = "{\"path\":\"/p\",\"request\":[\"abcdefgh\"],\"answer\":\"\"}\n";
    world *w = *state;
    opro__file_calls calls = opro__file_system;
    opro__recording *r = NULL;
    opro__recorded what;
    char file[200];

    shorter = "{\"path\":\"/p\",\"request\":[],\"answer\":\"0123456789\"}\n";
    assert_int_equal(strlen(shorter), strlen(line));
    snprintf(file, sizeof file, "{\"opro_exchanges\":1}\n%s", line);
    write_file(w->file, file, strlen(file));
    calls.pread = changing_pread;
    reads_left = 1000;
    assert_int_equal(opro__recording_open_by(&calls, &r, &w->mem, &w->err, w->file, 0, 1), OPRO_OK);
    reads_left = 1; /* once to compare, then to show it */
    assert_int_equal(opro__recording_find(r, "/p", 2, "[\"abcdefXX", 10, 1, &what, &w->err),
                     OPRO_ERR_UNKNOWN);
    assert_non_null(strstr(w->err.message, "differs from byte 2 on"));
    opro__recording_close(r);
}

/* A line whose first half was written, then the disk is full: the next opening cuts it off. */
static void test_full_disk(void **state) {
    world *w = *state;
    opro__recording *r = NULL;
    opro__recorded what;

    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_int_equal(add(r, 0, &w->err), OPRO_OK);
    for (int half = 1; half >= 0; half--) {
        opro__recording *again = NULL;
        struct rlimit old, limit;
        struct stat st;

        assert_int_equal(stat(w->file, &st), 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        limit = old;
        limit.rlim_cur = (rlim_t)st.st_size + (half ? 20 : 0);
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(add(r, 1, &w->err), OPRO_ERR_FAILED);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_non_null(strstr(w->err.message, "cannot write \"/tmp/"));
        assert_non_null(strstr(w->err.message, "File too large"));
        assert_int_equal(add(r, 1, &w->err), OPRO_ERR_FAILED); /* though there is room again */
        assert_non_null(strstr(w->err.message, "File too large"));
        assert_int_equal(find(r, 0, 0, &what, &w->err), OPRO_OK);
        assert_true(as_was_put(&what, 0));
        opro__recording_close(r);
        assert_int_equal(opro__recording_open(&again, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
        assert_whole(again, 1);
        r = again;
    }
    opro__recording_close(r);
}

/* The file changes while it is open for reading. */
static void test_changed_meanwhile(void **state) {
    world *w = *state;
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);
    opro__recording *r = NULL;
    opro__recorded what;
    int fd;

    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 1), OPRO_OK);
    fd = open(w->file, O_WRONLY);
    assert_true(fd >= 0);
    s[ends[1] + 12] ^= 1;
    assert_int_equal(pwrite(fd, s, ends[3], 0), ends[3]);
    assert_int_equal(ftruncate(fd, (off_t)ends[3] + 5), 0);
    close(fd);
    assert_int_equal(find(r, 0, 1, &what, &w->err), OPRO_OK);
    assert_int_equal(find(r, 1, 1, &what, &w->err), OPRO_ERR_PARSE);
    assert_non_null(strstr(w->err.message, "line 3: "));
    assert_int_equal(find(r, 3, 1, &what, &w->err), OPRO_ERR_PARSE);
    assert_non_null(
        strstr(w->err.message, "line 5: the file has been changed since it was opened"));
    assert_int_equal(find(r, 2, 1, &what, &w->err), OPRO_OK);
    /* as long as it was, but no line any more */
    fd = open(w->file, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, (off_t)ends[3] - 1), 1);
    close(fd);
    assert_int_equal(find(r, 2, 0, &what, &w->err), OPRO_ERR_PARSE);
    assert_non_null(
        strstr(w->err.message, "line 4: the file has been changed since it was opened"));
    opro__recording_close(r);
    free(s);
}

/* ---- no memory ------------------------------------------------------------------------------- */

static void test_no_memory(void **state) {
    world *w = *state;
    size_t len, ends[EXCHANGES + 1];
    char *s = make_small(w, &len, ends);
    int done = 0;

    for (long n = 0; !done; n++) {
        failing f = {n, 0};
        opro_allocator a = failing_allocator(&f);
        opro__recording *r = NULL;
        opro__mem mem;
        opro_error err;
        opro__recorded what;
        opro_status st;
        int added = 3;

        write_file(w->file, s, ends[3] + 30);
        assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
        st = opro__recording_open(&r, &mem, &err, w->file, 1, 1);
        while (st == OPRO_OK && added < EXCHANGES) {
            st = add(r, added, &err);
            added += st == OPRO_OK;
        }
        if (st == OPRO_OK) st = find(r, 0, 1, &what, &err);
        if (st == OPRO_OK) st = find(r, 0, 0, &what, &err);
        done = st == OPRO_OK;
        if (!done) assert_int_equal(st, OPRO_ERR_NOMEM);
        if (!done) assert_string_equal(err.message, "out of memory");
        f.left = -1;
        if (r) { /* as it was: it goes on as if nothing had been */
            while (added < EXCHANGES)
                assert_int_equal(add(r, added++, &err), OPRO_OK);
            assert_int_equal(find(r, 0, 0, &what, &err), OPRO_OK);
            assert_true(as_was_put(&what, 4));
        }
        opro__recording_close(r);
        assert_int_equal(f.live, 0);
        assert_int_equal(mem.used, 0);
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
        assert_whole(r, added == EXCHANGES ? EXCHANGES : 3);
        opro__recording_close(r);
        assert_true(n < 60);
    }
    free(s);
}

/* A line that is longer than what is read at once, and no memory for the rest of it. */
static void test_no_memory_for_a_line(void **state) {
    world *w = *state;
    static const char end[] = "\"path\":\"/p\",\"request\":[1,2,3]}\n";
    const size_t len = 400000;
    char *s = malloc(len);
    opro_status st = OPRO_ERR_NOMEM;

    assert_non_null(s);
    memset(s, ' ', len);
    memcpy(s, "{\"opro_exchanges\":1}\n{", HEADER_LEN + 1);
    memcpy(s + len - strlen(end), end, strlen(end));
    write_file(w->file, s, len);
    for (long n = 0; st != OPRO_OK; n++) {
        failing f = {n, 0};
        opro_allocator a = failing_allocator(&f);
        opro__recording *r = NULL;
        opro__mem mem;
        opro_error err;

        assert_true(n < 20);
        assert_int_equal(opro__mem_init(&mem, &a), OPRO_OK);
        st = opro__recording_open(&r, &mem, &err, w->file, 0, 1);
        if (st != OPRO_OK) assert_int_equal(st, OPRO_ERR_NOMEM);
        if (st == OPRO_OK) assert_int_equal(opro__recording_count(r), 1);
        opro__recording_close(r);
        assert_int_equal(f.live, 0);
    }
    free(s);
}

/* What one long line took is kept for the next long one, and given back before a short one. */
static void test_kept_between_lines(void **state) {
    world *w = *state;
    const size_t n = (size_t)2 << 20;
    char *answer = malloc(n);
    opro__recording *r = NULL;
    opro__recorded what = {.status = 200, .answer = answer, .len = n}, got;

    assert_non_null(answer);
    memset(answer, 'x', n);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_int_equal(opro__recording_add(r, "/p", 2, "1", 1, &what, &w->err), OPRO_OK);
    assert_int_equal(opro__recording_add(r, "/p", 2, "2", 1, &what, &w->err), OPRO_OK);
    assert_int_equal(add(r, 0, &w->err), OPRO_OK);
    assert_int_equal(opro__recording_find(r, "/p", 2, "1", 1, 0, &got, &w->err), OPRO_OK);
    assert_int_equal(opro__recording_find(r, "/p", 2, "2", 1, 0, &got, &w->err), OPRO_OK);
    assert_int_equal(got.len, n);
    assert_true(w->mem.used > n);
    assert_int_equal(find(r, 0, 0, &got, &w->err), OPRO_OK);
    assert_true(as_was_put(&got, 0));
    assert_true(w->mem.used < 10000);
    opro__recording_close(r);
    free(answer);
}

/* Memory does not grow with the texts, and not much with the number of exchanges. */
static void test_memory(void **state) {
    world *w = *state;
    enum { N = 20000 };
    opro__recording *r = NULL;
    opro__recorded what = {.status = 200, .len = 600};
    char body[1000], answer[600];

    memset(answer, 'a', sizeof answer);
    memset(body, 'b', sizeof body);
    what.answer = answer;
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 0), OPRO_OK);
    for (int i = 0; i < N; i++) {
        memcpy(body, &i, sizeof i);
        assert_int_equal(opro__recording_add(r, "/p", 2, body, sizeof body, &what, &w->err),
                         OPRO_OK);
    }
    assert_true(w->mem.used < 20000);
    opro__recording_close(r);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 0, 1), OPRO_OK);
    assert_int_equal(opro__recording_count(r), N);
    assert_true(w->mem.used < N * 80 + 2000);
    for (int i = 0; i < N; i += 997) {
        memcpy(body, &i, sizeof i);
        assert_int_equal(opro__recording_find(r, "/p", 2, body, sizeof body, 1, &what, &w->err),
                         OPRO_OK);
        assert_int_equal(what.len, sizeof answer);
    }
    assert_true(w->mem.used < N * 80 + 10000);
    opro__recording_close(r);
}

/* What the cache's file cannot hold is in its memory alone. */
static void check_cache_of_long_ones(world *w, const char *answer, size_t len) {
    opro__cache *cache = NULL;

    unlink(w->file);
    assert_int_equal(opro__cache_new(&cache, &w->mem, 100), OPRO_OK);
    assert_int_equal(opro__cache_set_file(cache, w->file, &w->err), OPRO_OK);
    assert_int_equal(opro__cache_put(cache, "o", "/p", 2, "b", 1, answer, len, &w->err), OPRO_OK);
    assert_null(opro__cache_find(cache, "o", "/p", 2, "b", 1, &len));
    opro__cache_free(cache);
}

/* As long as a line may be, and one byte more. */
static void test_long_lines(void **state) {
    world *w = *state;
    const size_t most = OPRO__LINE_MAX;
    size_t rest = strlen("{\"path\":\"\",\"request\":[],\"status\":200,\"answer\":\"\",\"sum\":"
                         "\"0123456789abcdef\"}");
    char *answer = malloc(most);
    opro__recording *r = NULL;
    opro__recorded what = {.status = 200, .answer = answer, .len = most - rest};

    assert_non_null(answer);
    memset(answer, 'x', most);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_int_equal(opro__recording_add(r, "", 0, "[]", 2, &what, &w->err), OPRO_OK);
    what.len++;
    assert_int_equal(opro__recording_add(r, "", 0, "[]", 2, &what, &w->err), OPRO_ERR_LIMIT);
    assert_non_null(strstr(w->err.message, "more than 64 MiB"));
    assert_int_equal(add(r, 0, &w->err), OPRO_OK); /* nothing has happened */
    assert_int_equal(opro__recording_count(r), 2);
    assert_true(w->mem.used < 10000); /* what it took is given back */
    opro__recording_close(r);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_true(w->mem.used < 10000);
    assert_int_equal(opro__recording_find(r, "", 0, "[]", 2, 1, &what, &w->err), OPRO_OK);
    assert_int_equal(what.len, most - rest);
    assert_memory_equal(what.answer, answer, what.len);
    assert_int_equal(find(r, 0, 1, &what, &w->err), OPRO_OK);
    assert_true(w->mem.used < 10000);
    /* so many bytes are not read to find the nearest: the second one is not looked at */
    assert_int_equal(opro__recording_find(r, "/p", 2, "[", 1, 1, &what, &w->err), OPRO_ERR_UNKNOWN);
    assert_non_null(strstr(w->err.message, "no request to \"/p\""));
    opro__recording_close(r);
    check_cache_of_long_ones(w, answer, most);
    /* and somebody else's, that never ends */
    write_file(w->file, answer, most);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_ERR_PARSE);
    assert_int_equal(truncate(w->file, 0), 0);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    opro__recording_close(r);
    r = NULL;
    assert_int_equal(truncate(w->file, (off_t)(HEADER_LEN + most + 1)), 0); /* zeros */
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_ERR_PARSE);
    assert_non_null(strstr(w->err.message, "line 2: expected a newline within 64 MiB"));
    assert_null(r);
    free(answer);
}

/* ---- other processes ------------------------------------------------------------------------- */

static void test_one_writer(void **state) {
    world *w = *state;
    opro__recording *r = NULL, *second = NULL, *reader = NULL;

    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 0), OPRO_OK);
    assert_int_equal(add(r, 0, &w->err), OPRO_OK);
    assert_int_equal(opro__recording_open(&second, &w->mem, &w->err, w->file, 1, 1),
                     OPRO_ERR_FAILED);
    assert_non_null(strstr(w->err.message, "is being written by another process"));
    assert_null(second);
    assert_int_equal(opro__recording_open(&reader, &w->mem, &w->err, w->file, 0, 1), OPRO_OK);
    assert_int_equal(add(r, 1, &w->err), OPRO_OK);
    assert_int_equal(opro__recording_count(reader), 1); /* as it was when it was opened */
    assert_whole(reader, 1);
    opro__recording_close(reader);
    opro__recording_close(r);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
    assert_whole(r, 2);
    opro__recording_close(r);
}

/* Write until somebody kills this process; a byte is sent for each exchange that was added. */
static void write_for_ever(const char *file, int to) {
    opro__recording *r = NULL;
    opro_error err;
    opro__mem mem;

    if (opro__mem_init(&mem, NULL) != OPRO_OK) _exit(1);
    if (opro__recording_open(&r, &mem, &err, file, 1, 0) != OPRO_OK) _exit(2);
    for (int i = 0; add(r, i % EXCHANGES, &err) == OPRO_OK; i++)
        if (write(to, "x", 1) != 1) _exit(3);
    _exit(4);
}

static void test_killed_writer(void **state) {
    world *w = *state;
    size_t told = 0;

    for (int k = 0; k < 20; k++) {
        opro__recording *r = NULL;
        int ends[2], status;
        char bytes[4096];
        ssize_t n;
        pid_t pid;

        assert_int_equal(pipe(ends), 0);
        pid = fork();
        if (pid == 0) write_for_ever(w->file, ends[1]);
        assert_true(pid > 0);
        close(ends[1]);
        for (size_t want = told + (size_t)k * 7 + 1; told < want; told += (size_t)n) {
            n = read(ends[0], bytes, want - told < sizeof bytes ? want - told : sizeof bytes);
            assert_true(n > 0);
        }
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 0),
                         OPRO_ERR_FAILED); /* it holds the lock */
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
            told += (size_t)n;
        close(ends[0]);
        assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 1), OPRO_OK);
        assert_true(opro__recording_count(r) >= told); /* none that was told of is lost */
        told = opro__recording_count(r);
        opro__recording_close(r);
    }
}

static void test_descriptors(void **state) {
    world *w = *state;
    int before = open_files();
    opro__recording *r = NULL;

    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 0), OPRO_OK);
    assert_int_equal(open_files(), before + 1);
    opro__recording_close(r);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->folder, 0, 0), OPRO_ERR_FAILED);
    write_file(w->file, "x", 1);
    assert_int_equal(opro__recording_open(&r, &w->mem, &w->err, w->file, 1, 0), OPRO_ERR_PARSE);
    assert_int_equal(open_files(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_truncation),
        TEST(test_zeros),
        TEST(test_flipped_bits),
        TEST(test_random_damage),
        cmocka_unit_test(test_lines_by_hand),
        TEST(test_io_errors),
        TEST(test_interrupted),
        TEST(test_short_calls),
        TEST(test_full_disk),
        TEST(test_write_of_nothing),
        TEST(test_unknown_error),
        TEST(test_faults_of_finding),
        TEST(test_changed_while_compared),
        TEST(test_changed_meanwhile),
        TEST(test_no_memory),
        TEST(test_memory),
        TEST(test_no_memory_for_a_line),
        TEST(test_kept_between_lines),
        TEST(test_long_lines),
        TEST(test_one_writer),
        TEST(test_killed_writer),
        TEST(test_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
