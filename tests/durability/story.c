/* SPDX-License-Identifier: MIT */
#include "story.h"

#include <unistd.h>

char story_point[1024], story_repeat[128];

const char *const story_policies[STORY_POLICIES] = {"record", "step", "time", "none"};

void story_fail(const char *format, ...) {
    va_list args;

    fflush(stdout);
    fprintf(stderr, "DIFFERENT: %s: ", story_point);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nto see it again: %s\n", story_repeat);
    fflush(stderr);
    _exit(1);
}

uint64_t story_random(story *s, uint64_t n) {
    return opro__mix(s->random += UINT64_C(0x9e3779b97f4a7c15)) % n;
}

/* ---- requests -------------------------------------------------------------------------------- */

static size_t find_ask(const story_golden *g, uint64_t id) {
    size_t k = 0;

    while (k < g->n_asks && g->asks[k].id != id)
        k++;
    return k;
}

/* Nothing is missing to it any more. */
static int is_answered(const story *s, const story_ask *ask) {
    size_t replies = 0;

    for (size_t i = 0; i < s->n_given; i++) {
        const story_answer *a = &s->given[i];

        if (a->id != ask->id) continue;
        if (a->entry == OPRO_ENTRY_ERROR || a->entry == OPRO_ENTRY_SCORES) return 1;
        replies += a->entry == OPRO_ENTRY_REPLY;
    }
    return !ask->scores && replies == ask->wanted;
}

/* Where no answer waits for another the requests come in one order alone. */
static int in_order(const story *s) {
    return !(s->golden->scenario->does & (KEPT_LATE | KEPT_POSTED));
}

static void hear_asked(void *user, const opro_request *r) {
    story *s = user;
    const story_golden *g = s->golden;
    unsigned long long id = opro_request_id(r);
    size_t k = find_ask(g, id);

    if (k == g->n_asks) story_fail("request %llu was never asked for", id);
    if (story_digest(r) != g->asks[k].digest)
        story_fail("request %llu (%zu) is another one", id, k);
    if (is_answered(s, &g->asks[k])) story_fail("request %llu is asked again, answered", id);
    s->again += s->seen[k] && s->asked[k];
    s->asked[k] = 1;
    if (s->seen[k]) return;
    if (in_order(s) && k != s->n_seen) story_fail("request %zu comes as number %zu", k, s->n_seen);
    s->seen[k] = 1;
    s->n_seen++;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A reply that is there from an earlier life is left aside when it comes again. */
static int is_there(const story *s, int32_t entry, uint64_t id, size_t index) {
    for (size_t i = 0; entry == OPRO_ENTRY_REPLY && i < s->n_given; i++)
        if (s->given[i].entry == entry && s->given[i].id == id && s->given[i].index == index)
            return 1;
    return 0;
}

static void hear_gives(void *user, int32_t entry, uint64_t id, size_t index) {
    story *s = user;

    if (is_there(s, entry, id, index)) return;
    KEPT_MUST(s->n_given < STORY_GIVEN);
    s->given[s->n_given] = (story_answer){.id = id, .index = (uint32_t)index, .entry = entry};
    s->n_given++;
}

/*
 * What an answer does is seen when it is in the journal, and with `record` on the disk; what time
 * does when it is in the journal. A driver takes several at a time.
 */
static void hear_event(void *user, int32_t event) {
    const story *s = user;
    int64_t records = opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS);
    int answers = s->n_given > s->n_taken;

    if (s->host->driver) return;
    if (event != OPRO_EVENT_FAILED &&
        (!answers || (event != OPRO_EVENT_REPLY && event != OPRO_EVENT_SCORED)))
        return;
    if (records == s->records) story_fail("event %d comes before its cause is kept", (int)event);
    if (answers && s->policy == STORY_RECORD &&
        opro_journal_count(s->journal, OPRO_JOURNAL_DURABLE) != records)
        story_fail("event %d comes before its cause is on the disk", (int)event);
}

/* What failed behind an answer that was taken, while the run stopped, is said of the journal. */
static int is_sound(const story *s) {
    return opro_error_status(opro_journal_error(s->journal)) == OPRO_OK;
}

/* A step has ended in this call, or in one before. */
static int step_ended(story *s) {
    int ended = s->host->steps != s->steps;

    s->steps = s->host->steps;
    return ended;
}

static void hear_taken(void *user) {
    story *s = user;
    size_t before = s->n_taken;

    s->records = opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS);
    for (; s->n_taken < s->n_given; s->n_taken++)
        s->given[s->n_taken].at = s->host->now;
    if (s->policy == STORY_RECORD) s->n_safe = s->n_taken;
    if (s->policy == STORY_STEP && step_ended(s) && is_sound(s))
        s->n_safe = s->host->driver ? before : s->n_taken; /* a driver takes several at a time */
    if (s->acknowledged && s->n_taken > before) s->acknowledged(s);
}

static void hear_passed(void *user, int64_t now) {
    story *s = user;

    s->records = opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS);
    if (!is_sound(s)) return;
    if (s->policy == STORY_STEP && step_ended(s)) s->n_safe = s->n_taken;
    while (s->policy == STORY_TIME && s->n_safe < s->n_taken &&
           s->given[s->n_safe].at <= now - STORY_SYNC_MS)
        s->n_safe++;
}

/* ---- one life -------------------------------------------------------------------------------- */

void story_begin(story *s, size_t scenario, int policy, uint64_t seed) {
    memset(s, 0, sizeof *s);
    s->golden = story_golden_run(scenario);
    s->policy = policy;
    s->random = seed;
}

opro_journal *story_journal(const story *s, const char *path, const opro__files *files) {
    opro_config *config;
    opro_journal *journal;
    char settings[64];

    snprintf(settings, sizeof settings, "journal_sync=%s journal_sync_ms=%d",
             story_policies[s->policy], STORY_SYNC_MS);
    config = kept_config(settings);
    KEPT_MUST(opro_journal_new(&journal, path, OPRO_ZT, config, NULL) == OPRO_OK);
    opro__journal_set_files(journal, files);
    opro_config_free(config);
    return journal;
}

/* The run stands where the journal ends. */
static void check_resumed(story *s, const kept_host *h, const opro_journal *journal) {
    int64_t again = opro_journal_count(journal, OPRO_JOURNAL_AGAIN), replies = 0;

    for (size_t i = 0; i < s->n_given; i++)
        replies += s->given[i].entry == OPRO_ENTRY_REPLY;
    if (opro_run_count(h->run, OPRO_COUNT_REPLIES) != replies)
        story_fail("%d replies are put back, not %d",
                   (int)opro_run_count(h->run, OPRO_COUNT_REPLIES), (int)replies);
    if (again != opro_run_count(h->run, OPRO_COUNT_IN_FLIGHT) || again > (int64_t)s->n_open)
        story_fail("%d requests are asked again, %zu were open", (int)again, s->n_open);
    /* what resuming has found it has brought to the disk */
    s->n_safe = s->n_taken = s->n_given;
    memcpy(s->asked, s->known, sizeof s->asked);
}

static void check_end(const story *s, const kept_host *h) {
    const kept_end *expected = &s->golden->end;
    kept_end end = kept_end_of(h->run);

    if (end.trajectory != expected->trajectory) story_fail("another trajectory");
    for (int i = 0; i < 13; i++)
        if (end.counts[i] != expected->counts[i])
            story_fail("counter %d is %lld, not %lld", (i + 1) * 10, (long long)end.counts[i],
                       (long long)expected->counts[i]);
    if (memcmp(&end, expected, sizeof end) != 0)
        story_fail("stopped for %s, winner %lld; not %s, %lld", opro_stop_reason_name(end.reason),
                   (long long)end.winner, opro_stop_reason_name(expected->reason),
                   (long long)expected->winner);
    if (s->n_seen != s->golden->n_asks)
        story_fail("%zu requests, not %zu", s->n_seen, s->golden->n_asks);
}

/* A failure says what could not be done, to the run and to the journal alike. */
static void check_failure(const kept_host *h, const opro_journal *journal, opro_status st) {
    const opro_error *error = h->driver ? opro_driver_error(h->driver) : opro_run_error(h->run);

    if (st != OPRO_ERR_FAILED || !strstr(opro_error_message(error, NULL), "cannot ") ||
        strcmp(opro_error_message(opro_journal_error(journal), NULL),
               opro_error_message(error, NULL)) != 0)
        story_fail("%s: %s; the journal says %s", opro_status_name(st),
                   opro_error_message(error, NULL),
                   opro_error_message(opro_journal_error(journal), NULL));
    /* the run has stopped; for another reason if its observer had stopped it again by then */
    if (opro_run_count(h->run, OPRO_COUNT_PROPOSALS) &&
        opro_run_stop_reason(h->run) == OPRO_STOP_NONE)
        story_fail("a failure has not stopped the run");
}

opro_status story_live(story *s, const char *path, const opro__files *files, int close) {
    const kept_watch watch = {s, hear_asked, hear_gives, hear_event, hear_taken, hear_passed};
    opro_journal *journal = story_journal(s, path, files);
    kept_host h;
    opro_status st;

    kept_begin(&h, s->golden->scenario, "");
    h.watch = &watch;
    h.now = s->lives++ ? 5 : 1000; /* each process has a clock of its own */
    s->host = &h;
    s->journal = journal;
    s->steps = 0;
    s->phase = STORY_RESUMES;
    if (s->acknowledged) s->acknowledged(s);
    st = kept_resume(&h, journal);
    if (st == OPRO_OK) {
        check_resumed(s, &h, journal);
        s->phase = STORY_GOES_ON;
        st = kept_go(&h);
    }
    if (st < 0) check_failure(&h, journal, st);
    if (st == OPRO_DONE) {
        check_end(s, &h);
        if (s->policy != STORY_NONE && is_sound(s)) s->n_safe = s->n_taken; /* a stop waits */
        s->phase = STORY_CLOSES;
        if (close && opro_journal_close(journal) == OPRO_OK) s->n_safe = s->n_taken;
        s->phase = STORY_OVER;
    }
    kept_free(&h);
    opro_journal_free(journal);
    return st;
}

/* ---- what is left of it ---------------------------------------------------------------------- */

static int is_answer(int32_t entry) {
    return entry >= OPRO_ENTRY_REPLY && entry <= OPRO_ENTRY_USAGE;
}

static void check_answer(const story *s, size_t n, const opro_journal *journal) {
    const story_answer *a = &s->given[n];

    if (n >= s->n_given) story_fail("answer %zu in the journal was never given", n);
    if (a->entry != opro_journal_entry(journal) || a->id != opro_journal_entry_id(journal) ||
        a->index != opro_journal_entry_index(journal))
        story_fail("answer %zu in the journal is not the one that was given", n);
}

void story_verify(story *s, const char *path, const opro__files *files, size_t at_least,
                  int knows_requests) {
    opro_journal *journal = story_journal(s, path, files);
    size_t n = 0;
    opro_status st;

    memset(s->known, 0, sizeof s->known);
    while ((st = opro_journal_next(journal)) == OPRO_OK) {
        int32_t entry = opro_journal_entry(journal);

        if (is_answer(entry)) check_answer(s, n++, journal);
        if (entry == OPRO_ENTRY_REQUEST) {
            size_t k = find_ask(s->golden, opro_journal_entry_id(journal));

            if (k == s->golden->n_asks) story_fail("a request in the journal was never made");
            s->known[k] = 1;
        }
    }
    if (st != OPRO_DONE && !(st == OPRO_ERR_FAILED && at_least == 0)) /* it is not there yet */
        story_fail("%s", opro_error_message(opro_journal_error(journal), NULL));
    opro_journal_free(journal);
    if (n < at_least)
        story_fail("%zu acknowledged answers are lost of %zu", at_least - n, at_least);
    s->n_given = n; /* those behind the acknowledged ones may still go, until the run is resumed */
    if (s->n_taken > n) s->n_taken = n;
    if (s->n_safe > n) s->n_safe = n;
    s->n_open = 0;
    for (size_t k = 0; k < s->golden->n_asks; k++) {
        if (!knows_requests) s->asked[k] &= s->known[k];
        if (s->asked[k] && !s->known[k]) story_fail("request %zu is forgotten", k);
        s->n_open += s->known[k] && !is_answered(s, &s->golden->asks[k]);
    }
    s->open += (long)s->n_open;
}

void story_after_kill(story *s, const char *path, const opro__files *files) {
    story_verify(s, path, files, s->n_taken, 1);
}

void story_after_power_loss(story *s, const char *path, const opro__files *files) {
    story_verify(s, path, files, s->n_safe, s->policy == STORY_RECORD);
    s->n_safe = s->n_taken = s->n_given;
}
