/* SPDX-License-Identifier: MIT */
/* The runs that are played, as they are when nothing happens to them; which cases are played. */
#include "story.h"

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

uint64_t story_digest(const opro_request *r) {
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

/* ---- the run that was not cut off ------------------------------------------------------------ */

static void note_asked(void *user, const opro_request *r) {
    story_golden *g = user;
    size_t n;

    KEPT_MUST(g->n_asks < STORY_ASKS);
    opro_request_instances(r, &n);
    g->asks[g->n_asks++] = (story_ask){.id = opro_request_id(r),
                                       .digest = story_digest(r),
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
