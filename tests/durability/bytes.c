/* SPDX-License-Identifier: MIT */
/*
 * A run's journal that ends after any of its bytes, or has any of its bits flipped: the run goes on
 * from the last whole record, or is refused with the number of the record, and then the file is as
 * it was. Refused it has to be if a later record says that the damaged one had been on the disk.
 */
#include "story.h"

enum { LINES = 512, FINISHED = 8 };

/* A journal, and what is in it. */
typedef struct image {
    char *s;
    size_t len, lines, at[LINES + 1];
    size_t vouched; /* records that some line knows to be on the disk */
    story_answer given[STORY_GIVEN];
    size_t n_given, answers[LINES + 1]; /* ... in the first so many lines */
} image;

typedef struct tally {
    long cuts, flips, refused, finished, torn;
} tally;

/* ---- journals -------------------------------------------------------------------------------- */

static void find_lines(image *m) {
    const char *durable = NULL;

    m->lines = 0;
    for (size_t i = 0; i < m->len; i++)
        if (i == 0 || m->s[i - 1] == '\n') {
            KEPT_MUST(m->lines < LINES);
            m->at[m->lines++] = i;
            durable = strstr(m->s + i, "\"d\":");
        }
    m->at[m->lines] = m->len;
    KEPT_MUST(durable != NULL);
    m->vouched = strtoul(durable + 4, NULL, 10);
}

/* Which answers are in which lines. */
static void find_answers(disk *d, const story *s, image *m) {
    opro_journal *journal = story_journal(s, KEPT_PATH, &d->files);

    memset(m->answers, 0, sizeof m->answers);
    m->n_given = 0;
    for (size_t line = 0; opro_journal_next(journal) == OPRO_OK; line++) {
        int32_t entry = opro_journal_entry(journal);

        for (; line < (size_t)opro_journal_entry_record(journal); line++)
            m->answers[line + 1] = m->n_given; /* of parts nothing is told */
        if (entry >= OPRO_ENTRY_REPLY && entry <= OPRO_ENTRY_USAGE)
            m->given[m->n_given++] =
                (story_answer){.id = opro_journal_entry_id(journal),
                               .index = (uint32_t)opro_journal_entry_index(journal),
                               .entry = entry};
        m->answers[line + 1] = m->n_given;
    }
    opro_journal_free(journal);
}

/* The journal of a run that came to its end; closed, or not. */
static void make_image(disk *d, size_t scenario, int policy, int closed, image *m) {
    const disk_file *f;
    story s;

    disk_clear(d);
    story_begin(&s, scenario, policy, 0);
    KEPT_MUST(story_live(&s, KEPT_PATH, &d->files, 1) == OPRO_DONE);
    f = disk_look(d, KEPT_PATH);
    m->len = f->len;
    m->s = malloc(m->len + 1);
    KEPT_MUST(m->s != NULL);
    memcpy(m->s, f->cache, m->len);
    m->s[m->len] = '\0';
    find_lines(m);
    if (!closed) {
        m->len = m->at[m->lines - 1];
        m->s[m->len] = '\0';
        find_lines(m);
    }
    find_answers(d, &s, m);
}

/* ---- one of them, changed -------------------------------------------------------------------- */

static void put(disk *d, story *s, const image *m, size_t len, size_t scenario, int policy) {
    disk_clear(d);
    disk_write_file(d, KEPT_PATH, m->s, len);
    d->changes = 0;
    story_begin(s, scenario, policy, 0);
    memcpy(s->given, m->given, m->n_given * sizeof *m->given);
    s->n_given = m->n_given;
}

/* The first so many lines are whole. What follows them was cut off, and is beside the journal. */
static void goes_on(disk *d, story *s, const image *m, size_t len, size_t lines, tally *t) {
    static const char close[] = "\"r\":{\"t\":\"close\"}}\n";
    char path[DISK_PATH], *tail;
    size_t torn = len - m->at[lines];
    const disk_file *f;

    story_verify(s, KEPT_PATH, &d->files, m->answers[lines], 0);
    if (s->n_given != m->answers[lines]) story_fail("there are %zu answers too many", s->n_given);
    for (size_t k = 0; k < STORY_ASKS; k++) { /* the one who wrote it has seen them */
        s->seen[k] = s->known[k];
        s->n_seen += s->seen[k];
    }
    if (d->changes) story_fail("a reader has changed the file");
    tail = malloc(torn + 1);
    KEPT_MUST(tail != NULL);
    memcpy(tail, disk_look(d, KEPT_PATH)->cache + m->at[lines], torn);
    if (story_live(s, KEPT_PATH, &d->files, 0) != OPRO_DONE) story_fail("it does not go on");
    snprintf(path, sizeof path, KEPT_PATH ".torn-%zu", lines);
    f = disk_look(d, path);
    if (!f != !torn || (f && (f->held_len != torn || memcmp(f->held, tail, torn) != 0)))
        story_fail("there is no copy of what was cut off");
    free(tail);
    f = disk_look(d, KEPT_PATH);
    if (f->len < sizeof close ||
        memcmp(f->cache + f->len - sizeof close + 1, close, sizeof close - 1))
        story_fail("something is behind the last record");
    t->finished++;
    t->torn += torn > 0;
}

/* The file is damaged in this line, which is said, and is left alone. */
static void is_refused(disk *d, story *s, size_t len, size_t line, tally *t) {
    opro_journal *journal = story_journal(s, KEPT_PATH, &d->files);
    const disk_file *f = disk_look(d, KEPT_PATH);
    uint64_t before = opro__hash_bytes(f->cache, len);
    char record[32];
    kept_host h;

    snprintf(record, sizeof record, "record %zu,", line);
    kept_begin(&h, s->golden->scenario, "");
    if (kept_resume(&h, journal) != OPRO_ERR_PARSE) story_fail("the damage was not noticed");
    if (!strstr(opro_error_message(opro_journal_error(journal), NULL), record))
        story_fail("%s; it is record %zu", opro_error_message(opro_journal_error(journal), NULL),
                   line);
    kept_free(&h);
    opro_journal_free(journal);
    f = disk_look(d, KEPT_PATH);
    if (d->changes || f->len != len || opro__hash_bytes(f->cache, len) != before)
        story_fail("a file that is refused was changed");
    if (disk_open_files(d)) story_fail("a file is left open");
    t->refused++;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static size_t line_of(const image *m, size_t at) {
    size_t n = 0;

    while (n < m->lines && m->at[n + 1] <= at)
        n++;
    return n;
}

static void name_case(const image *m, size_t scenario, int policy, const char *what, size_t at) {
    snprintf(story_point, sizeof story_point, "%s, sync %s, %zu records: %s %zu",
             story_golden_run(scenario)->scenario->name, story_policies[policy], m->lines, what,
             at);
}

static void cut_all(disk *d, size_t scenario, int policy, image *m, size_t stride, story_pick *pick,
                    tally *t) {
    static story s;

    for (size_t len = 0; len <= m->len; len += stride) {
        size_t lines = line_of(m, len);

        if (!story_picks(pick, "bytes")) continue;
        name_case(m, scenario, policy, "cut after byte", len);
        put(d, &s, m, len, scenario, policy);
        if (lines)
            goes_on(d, &s, m, len, lines, t);
        else
            is_refused(d, &s, len, 0, t);
        t->cuts++;
    }
}

static void flip_all(disk *d, size_t scenario, int policy, image *m, size_t stride,
                     story_pick *pick, tally *t) {
    static story s;

    for (size_t bit = 0; bit < 8 * m->len; bit += stride) {
        size_t line = line_of(m, bit / 8);

        if (!story_picks(pick, "bytes")) continue;
        name_case(m, scenario, policy, "flipped bit", bit);
        m->s[bit / 8] ^= (char)(1 << bit % 8);
        put(d, &s, m, m->len, scenario, policy);
        if (line < m->vouched || line == 0)
            is_refused(d, &s, m->len, line, t);
        else
            goes_on(d, &s, m, m->len, line, t);
        m->s[bit / 8] ^= (char)(1 << bit % 8);
        t->flips++;
    }
}

/* Every cut and every flip in journals of the first scenario, some in the others. */
static void everything(disk *d, story_pick *pick, tally *t) {
    static image m;

    for (size_t k = 0; k < story_scenarios(); k++) {
        int is_long = story_golden_run(k)->scenario->does & KEPT_LONG;
        size_t cuts = is_long ? 4999 : k ? 7 : 1, flips = is_long ? 99991 : k ? 101 : 1;

        for (int closed = 0; closed <= 1; closed++) {
            make_image(d, k, STORY_RECORD, closed, &m);
            if (closed) cut_all(d, k, STORY_RECORD, &m, cuts, pick, t);
            flip_all(d, k, STORY_RECORD, &m, closed ? flips : flips * 7, pick, t);
            free(m.s);
            make_image(d, k, STORY_NONE, closed, &m);
            flip_all(d, k, STORY_NONE, &m, flips * 19, pick, t);
            free(m.s);
        }
    }
}

void bytes(long count, uint64_t seed, long first) {
    story_pick pick = {.seed = seed};
    tally t = {0};
    disk d;

    disk_begin(&d, seed);
    everything(&d, &pick, &t); /* how many there are */
    story_pick_some(&pick, count, first);
    everything(&d, &pick, &t);
    disk_end(&d);
    printf("bytes: %ld cuts and %ld flipped bits, of %ld; %ld refused by name of the record, %ld "
           "gone on with from the last whole one (%ld with a copy of what was cut off), 0 answers "
           "lost in silence, 0 runs differ\n",
           t.cuts, t.flips, pick.all, t.refused, t.finished, t.torn);
}
