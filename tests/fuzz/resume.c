/* SPDX-License-Identifier: MIT */
/*
 * Runs that go on from a journal which somebody has been at. The first digit chooses the run; its
 * journal is written by the target itself. Each line of the input is one change of it, with two
 * digits for the record that is meant:
 *
 *   d  it is gone                      2  it is there twice          s  it changes places with the
 *      next
 *   e  its payload is the text         i  a record with that payload is put in before it
 *   r  in its payload, "a|b" puts b in place of the first a
 *   t  the file ends in it, after a digit's share of its bytes
 *
 * All checksums are right. A run that was only cut off goes on to where it would have come; of any
 * other, something is said, or it goes on somehow.
 */
#include "../unit/disk.h"
#include "base/buf.h"
#include "fuzz.h"
#include "journal/journal.h"
#include "opro/opro.h"

enum { RUNS = 4, RECORDS = 400, ROUNDS = 300, SCORES = 8, BYTES = 1 << 20 };

typedef struct record {
    const char *s;
    size_t len;
} record;

/* A run that came to its end. */
typedef struct golden {
    record records[RECORDS];
    size_t n;
    uint64_t state;
} golden;

/* ---- runs ------------------------------------------------------------------------------------ */

static opro_problem *new_problem(size_t which) {
    const double lower[] = {-5, 0}, upper[] = {5, 1};
    opro_problem *problem = NULL;
    opro_status st = which == 2 ? opro_problem_new_vector(&problem, 2, lower, upper, 0, NULL)
                                : opro_problem_new(&problem, NULL);

    if (st == OPRO_OK && which == 0) st = opro_problem_set_instances(problem, 3, 2);
    if (st == OPRO_OK && which == 3) st = opro_problem_set_instances(problem, 6, 4);
    if (st == OPRO_OK && which != 2) st = opro_problem_add_initial(problem, "a start", OPRO_ZT);
    REQUIRE(st == OPRO_OK);
    return problem;
}

static opro_config *new_config(size_t which) {
    static const char *const settings[RUNS][6][2] = {
        {{"steps", "3"},
         {"samples_per_step", "3"},
         {"show_feedback", "50"},
         {"show_rejected", "3"}},
        {{"mode", "steady"}, {"steps", "3"}, {"max_proposals", "20"}, {"max_failures", "3"}},
        {{"steps", "4"}, {"samples_per_step", "2"}, {"repair", "1"}, {"candidates_per_reply", "2"}},
        {{"steps", "2"}, {"race", "recommended"}, {"race_block", "1"}, {"confirm", "on"}}};
    opro_config *config = NULL;

    if (opro_config_new(&config, NULL) != OPRO_OK) abort();
    for (size_t i = 0; i < 6 && settings[which][i][0]; i++)
        REQUIRE(opro_config_set(config, settings[which][i][0], OPRO_ZT, settings[which][i][1],
                                OPRO_ZT) == OPRO_OK);
    return config;
}

static opro_run *new_run(size_t which, int failing, const opro_allocator *allocator) {
    static opro_problem *problems[RUNS];
    static opro_config *configs[RUNS];
    opro_run *run = NULL;
    opro_status st;

    if (!problems[which]) problems[which] = new_problem(which);
    if (!configs[which]) configs[which] = new_config(which);
    st = opro_run_new(&run, problems[which], configs[which], allocator);
    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    return run;
}

/* ---- a host whose answers depend on nothing but the request ---------------------------------- */

static uint64_t random_of(const opro_request *request, uint64_t what) {
    size_t len;
    const char *text = opro_request_text(request, &len);

    return opro__mix(opro__hash_bytes(text, len) + opro__mix(opro_request_id(request) + what));
}

static opro_status propose(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request);
    opro_status st = opro_run_answer_usage(run, id, 100, 10, 1);

    for (size_t i = 0; st == OPRO_OK && i < opro_request_samples(request); i++) {
        uint64_t random = random_of(request, i);
        char text[100];

        snprintf(text, sizeof text, "<INS>idea %u</INS> [%u, 0.%u] <INS>more</INS>",
                 (unsigned)(random % 30), (unsigned)(random % 6), (unsigned)(random % 7));
        st = random % 11 == 0   ? opro_run_answer_truncated(run, id, i, 1, text, OPRO_ZT)
             : random % 13 == 0 ? opro_run_answer_error(run, id, OPRO_ERR_TIMEOUT, "late", OPRO_ZT)
                                : opro_run_answer_reply(run, id, i, 1, text, OPRO_ZT);
        if (random % 13 == 0 && random % 11) break;
    }
    return st;
}

static opro_status score(opro_run *run, opro_request *request) {
    uint64_t id = opro_request_id(request), random = random_of(request, 99);
    double scores[SCORES];
    size_t n;

    opro_request_instances(request, &n);
    if (random % 17 == 0) return opro_run_answer_error(run, id, OPRO_ERR_FAILED, "no", 2);
    if (random % 3 == 0) opro_run_answer_feedback(run, id, "why not\n<INS>", OPRO_ZT);
    for (size_t i = 0; i < SCORES; i++)
        scores[i] = (double)(random_of(request, i) % 11) / 10;
    return n <= SCORES ? opro_run_answer_scores(run, id, scores, n)
                       : opro_run_answer_error(run, id, OPRO_ERR_FAILED, "many", 4);
}

/* To the end. Whatever is said on the way is known. */
static opro_status drive(opro_run *run) {
    opro_request *request;
    opro_status st = OPRO_OK;

    for (int i = 0; i < ROUNDS && st == OPRO_OK; i++) {
        st = opro_run_next(run, 0, &request);
        if (st != OPRO_OK) break;
        st = opro_request_kind(request) == OPRO_REQUEST_PROPOSE ? propose(run, request)
                                                                : score(run, request);
        if (st == OPRO_ERR_STALE) st = OPRO_OK; /* it was answered before */
        fuzz_require_error(opro_run_error(run), opro_error_status(opro_run_error(run)));
    }
    return st;
}

/* ---- journals -------------------------------------------------------------------------------- */

static opro_journal *new_journal(disk *d, int failing, const opro_allocator *allocator) {
    opro_journal *journal = NULL;
    opro_status st = opro_journal_new(&journal, "j", 1, NULL, allocator);

    REQUIRE(st == OPRO_OK || (failing && st == OPRO_ERR_NOMEM));
    if (journal) opro__journal_set_files(journal, &d->files);
    return journal;
}

static void take_records(golden *g, const disk_file *file) {
    static opro__journal_line line;
    char *bytes = malloc(file->len);

    if (!bytes) abort();
    memcpy(bytes, file->cache, file->len); /* kept for ever */
    for (const char *s = bytes, *end = bytes + file->len; s < end;) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));

        REQUIRE(stop && g->n < RECORDS);
        REQUIRE(opro__journal_line_read(&line, s, (size_t)(stop - s)));
        g->records[g->n++] = (record){line.payload, line.len};
        s = stop + 1;
    }
}

static const golden *golden_of(size_t which) {
    static golden all[RUNS];
    golden *g = &all[which];
    opro_journal *journal;
    opro_run *run;
    disk d;

    if (g->n) return g;
    disk_begin(&d, 1);
    journal = new_journal(&d, 0, NULL);
    run = new_run(which, 0, NULL);
    REQUIRE(opro_run_resume(run, journal) == OPRO_OK);
    REQUIRE(drive(run) == OPRO_DONE);
    REQUIRE(opro_journal_close(journal) == OPRO_OK);
    g->state = opro_run_state_hash(run);
    take_records(g, disk_look(&d, "j"));
    opro_run_free(run);
    opro_journal_free(journal);
    disk_end(&d);
    return g;
}

/* ---- changes --------------------------------------------------------------------------------- */

typedef struct file {
    record records[RECORDS];
    size_t n;
    size_t torn_at, share; /* the file ends in this one; RECORDS: in none */
    int changed;           /* it is not just cut off                      */
    void *made[FUZZ_PIECES];
    size_t n_made;
} file;

static void put_in(file *f, size_t at, record r) {
    if (f->n == RECORDS) return;
    memmove(f->records + at + 1, f->records + at, (f->n - at) * sizeof r);
    f->records[at] = r;
    f->n++;
}

static void take_out(file *f, size_t at) {
    f->n--;
    memmove(f->records + at, f->records + at + 1, (f->n - at) * sizeof(record));
}

/* In a payload, b for the first a. */
static void replace(file *f, size_t at, fuzz_text what) {
    const char *bar = what.len ? memchr(what.s, '|', what.len) : NULL;
    size_t a = bar ? (size_t)(bar - what.s) : 0, b = bar ? what.len - a - 1 : 0, i = 0;
    const record *old = &f->records[at];
    char *s;

    if (!a || a > old->len || f->n_made == FUZZ_PIECES) return;
    while (i + a <= old->len && memcmp(old->s + i, what.s, a) != 0)
        i++;
    if (i + a > old->len) return;
    s = f->made[f->n_made++] = malloc(old->len - a + b + 1);
    if (!s) abort();
    memcpy(s, old->s, i);
    if (b) memcpy(s + i, bar + 1, b);
    memcpy(s + i + b, old->s + i + a, old->len - i - a);
    f->records[at] = (record){s, old->len - a + b};
}

static void change(file *f, char how, size_t at, fuzz_input *rest) {
    const record text = {rest->s, rest->len};

    if (how == 't') {
        f->torn_at = at;
        f->share = fuzz_digit(rest, 10);
        return;
    }
    f->changed = 1;
    switch (how) {
    case 'd': take_out(f, at); break;
    case '2': put_in(f, at, f->records[at]); break;
    case 's':
        if (at + 1 < f->n) put_in(f, at, f->records[at + 1]), take_out(f, at + 2);
        break;
    case 'e': f->records[at] = text; break;
    case 'i': put_in(f, at, text); break;
    case 'r': replace(f, at, (fuzz_text){rest->s, rest->len}); break;
    default: break;
    }
}

static void change_all(file *f, fuzz_input *in) {
    while (fuzz_more(in) && f->n) {
        fuzz_text text = fuzz_line(in);
        fuzz_input line = {.s = text.s, .len = text.len};
        char how = text.len ? *text.s : 0;
        size_t at;

        if (!text.len || !strchr("d2seirt", how)) continue;
        line.s++;
        line.len--;
        at = 10 * fuzz_digit(&line, 40);
        at += fuzz_digit(&line, 10);
        change(f, how, at % f->n, &line);
    }
}

/* The lines, all sealed. */
static void write_file(const file *f, disk *d) {
    static char bytes[2 * BYTES];
    opro__journal_line line = {.crc = 0};
    size_t len = 0;

    for (size_t i = 0; i < f->n && i <= f->torn_at; i++) {
        size_t n;

        if (f->records[i].len > 8192 || len > BYTES) continue;
        line.payload = f->records[i].s;
        line.len = f->records[i].len;
        line.durable = line.seq;
        n = opro__journal_line_write(bytes + len, &line);
        line.previous = line.crc;
        line.seq++;
        len += i == f->torn_at ? n * f->share / 10 : n;
    }
    disk_write_file(d, "j", bytes, len);
}

/* ---- going on -------------------------------------------------------------------------------- */

/* What an entry that cannot be put back is refused with, a run may say too. */
static int may_say(opro_status st, int failing) {
    switch (st) {
    case OPRO_OK:
    case OPRO_DONE:
    case OPRO_WAIT:
    case OPRO_ERR_INVALID:
    case OPRO_ERR_STALE:
    case OPRO_ERR_UNKNOWN:
    case OPRO_ERR_STATE:
    case OPRO_ERR_LIMIT:
    case OPRO_ERR_PARSE:
    case OPRO_ERR_FAILED: return 1;
    case OPRO_ERR_NOMEM: return failing;
    default: return 0;
    }
}

/* Whoever looks at the file sees what it says, or that it says nothing. */
static void look_at(disk *d) {
    opro_journal *journal = new_journal(d, 0, NULL);
    opro_status st = OPRO_OK;
    size_t len, n;

    while (st == OPRO_OK) {
        const char *text;

        st = opro_journal_next(journal);
        text = opro_journal_entry_text(journal, &len);
        if (opro_journal_entry(journal) == OPRO_ENTRY_HEADER)
            REQUIRE(opro__utf8_valid(text, len)); /* counted, and in the middle of its line */
        else
            fuzz_require_text(text, len);
        opro_journal_entry_scores(journal, &n);
        fuzz_require_error(opro_journal_error(journal), st);
    }
    REQUIRE(st == OPRO_DONE || st == OPRO_ERR_PARSE);
    opro_journal_free(journal);
}

static void go_on(const file *f, const golden *g, size_t which, int failing, disk *d,
                  const opro_allocator *allocator) {
    opro_run *run = new_run(which, failing, allocator);
    opro_journal *journal = run ? new_journal(d, failing, allocator) : NULL;
    opro_status st;

    if (journal) {
        st = opro_run_resume(run, journal);
        REQUIRE(may_say(st, failing));
        fuzz_require_error(opro_run_error(run), st);
        if (!f->changed && !failing && (f->torn_at > 0 || f->share > 0)) {
            REQUIRE(st == OPRO_OK || (f->torn_at == 0 && st == OPRO_ERR_PARSE));
        }
        if (st == OPRO_OK) {
            st = drive(run);
            REQUIRE(may_say(st, failing));
            if (!f->changed && !failing && which != 1)
                REQUIRE(st == OPRO_DONE && opro_run_state_hash(run) == g->state);
        }
    }
    opro_run_free(run);
    opro_journal_free(journal);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    size_t which = fuzz_digit(in, RUNS);
    const golden *g = golden_of(which);
    file f = {.n = g->n, .torn_at = RECORDS};
    disk d;

    fuzz_line(in);
    memcpy(f.records, g->records, g->n * sizeof(record));
    change_all(&f, in);
    disk_begin(&d, 1);
    write_file(&f, &d);
    if (!in->failing) look_at(&d);
    go_on(&f, g, which, in->failing, &d, allocator);
    disk_end(&d);
    while (f.n_made)
        free(f.made[--f.n_made]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
