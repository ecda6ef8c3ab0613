/* SPDX-License-Identifier: MIT */
#include "story.h"

#include <unistd.h>

char story_point[1024], story_repeat[128];

const char *const story_policies[STORY_POLICIES] = {"record", "step", "time", "none"};

/* Short ones: what matters is how many kinds of moments there are, not how often they come. */
static const kept_scenario scenarios[] = {
    {"plain", "steps=2 samples_per_step=3 resample_limit=1", 1, 0, 0},
    {"one by one", "steps=2 samples_per_step=3 samples_per_request=1 max_in_flight=3", 1, 0,
     KEPT_USAGE | KEPT_FEEDBACK},
    {"texts", "steps=2 samples_per_step=3", 1, 0, KEPT_USAGE | KEPT_NEXT_TEXT},
    {"failures", "steps=3 samples_per_step=3 samples_per_request=2 max_failures=0", 1, 0,
     KEPT_FAILS | KEPT_USAGE},
    {"too many failures", "steps=50 samples_per_step=2 max_failures=2", 1, 0, KEPT_FAILS},
    {"late", "steps=3 samples_per_step=3 samples_per_request=1 request_timeout_ms=50", 1, 0,
     KEPT_LATE},
    {"validation", "steps=3 samples_per_step=2 eval_interval=2", 4, 3, KEPT_FEEDBACK},
    {"races and confirming",
     "steps=2 samples_per_step=3 race=recommended race_block=5 confirm=on max_scorer_calls=400", 24,
     12, KEPT_USAGE},
    {"budget", "steps=0 samples_per_step=2 max_tokens=2500 max_reply_tokens=50 score_tokens=4", 1,
     0, KEPT_USAGE},
    {"steady", "mode=steady steps=5 steady_samples=2 samples_per_request=1 steady_candidates=5", 2,
     0, KEPT_FEEDBACK | KEPT_FAILS},
    {"steady race",
     "mode=steady steps=4 steady_samples=2 samples_per_request=1 steady_candidates=4 "
     "race=recommended race_block=8 confirm=on",
     24, 10, 0},
    {"stopped by its observer", "steps=9 samples_per_step=2", 1, 0, KEPT_STOPS},
    {"vectors", "steps=3 samples_per_step=3", 1, 0, KEPT_VECTOR | KEPT_USAGE},
    {"driven", "steps=3 samples_per_step=2", 3, 0, KEPT_DRIVEN | KEPT_USAGE | KEPT_FEEDBACK},
    {"posted", "steps=2 samples_per_step=4 samples_per_request=1 max_in_flight=4 max_failures=0", 1,
     0, KEPT_DRIVEN | KEPT_POSTED | KEPT_USAGE | KEPT_FAILS},
    {"local", "steps=4 samples_per_step=2", 1, 0, KEPT_DRIVEN | KEPT_LOCAL | KEPT_VECTOR},
    {"long replies", "steps=2 samples_per_step=3", 1, 0, KEPT_LONG | KEPT_USAGE},
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

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

/* ---- cases ----------------------------------------------------------------------------------- */

static long common(long a, long b) {
    return b ? common(b, a % b) : a;
}

/* The stride has nothing in common with the small numbers that the cases are made of. */
void story_pick_some(story_pick *pick, long count, long first) {
    pick->all = pick->number;
    pick->number = 0;
    pick->first = first;
    pick->left = count;
    pick->stride = count < pick->all ? pick->all / count : 1;
    while (pick->stride > 1 && common(pick->stride, 2 * 3 * 5 * 7 * 11) != 1)
        pick->stride++;
}

int story_picks(story_pick *pick, const char *mode) {
    long n = pick->number++;

    if (!pick->left || n < pick->first || (n - pick->first) % pick->stride) return 0;
    pick->left--;
    snprintf(story_repeat, sizeof story_repeat, "durability %s 1 %llu %ld", mode,
             (unsigned long long)pick->seed, n);
    return 1;
}

/* ---- requests -------------------------------------------------------------------------------- */

static uint64_t digest_of(const opro_request *r) {
    size_t len, n;
    const char *text = opro_request_text(r, &len);
    const int64_t *instances = opro_request_instances(r, &n);
    uint64_t d = opro__hash_add(opro__hash_bytes(text, len), (uint64_t)opro_request_step(r));

    d = opro__hash_add(opro__hash_add(d, opro_request_seed(r)), (uint64_t)opro_request_set(r));
    d = opro__hash_add(opro__hash_add(d, opro_request_samples(r)), opro_request_first_sample(r));
    d = opro__hash_add(d, (uint64_t)opro_request_max_tokens(r));
    for (size_t i = 0; i < opro_request_messages(r); i++) {
        text = opro_request_message_text(r, i, &len);
        d = opro__hash_add_text(d, text, len);
    }
    for (size_t i = 0; i < n; i++)
        d = opro__hash_add(d, (uint64_t)instances[i]);
    return d;
}

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
    if (digest_of(r) != g->asks[k].digest) story_fail("request %llu (%zu) is another one", id, k);
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

/* ---- the run that was not cut off ------------------------------------------------------------ */

static void note_asked(void *user, const opro_request *r) {
    story_golden *g = user;
    size_t n;

    KEPT_MUST(g->n_asks < STORY_ASKS);
    opro_request_instances(r, &n);
    g->asks[g->n_asks++] = (story_ask){.id = opro_request_id(r),
                                       .digest = digest_of(r),
                                       .wanted = n ? 1 : opro_request_samples(r),
                                       .scores = n > 0};
}

static void ignore_gives(void *user, int32_t entry, uint64_t id, size_t index) {
    (void)user, (void)entry, (void)id, (void)index;
}

static void ignore_event(void *user, int32_t event) {
    (void)user, (void)event;
}

static void ignore_taken(void *user) {
    (void)user;
}

static void ignore_passed(void *user, int64_t now) {
    (void)user, (void)now;
}

size_t story_scenarios(void) {
    return SCENARIOS;
}

const story_golden *story_golden_run(size_t scenario) {
    static story_golden all[SCENARIOS];
    story_golden *g = &all[scenario];
    const kept_watch watch = {
        g, note_asked, ignore_gives, ignore_event, ignore_taken, ignore_passed};
    kept_host h;

    if (g->scenario) return g;
    g->scenario = &scenarios[scenario];
    kept_begin(&h, g->scenario, "");
    h.watch = &watch;
    KEPT_MUST(kept_go(&h) == OPRO_DONE);
    g->end = kept_end_of(h.run);
    kept_free(&h);
    return g;
}

void story_begin(story *s, size_t scenario, int policy, uint64_t seed) {
    memset(s, 0, sizeof *s);
    s->golden = story_golden_run(scenario);
    s->policy = policy;
    s->random = seed;
}

/* ---- one life -------------------------------------------------------------------------------- */

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
