/* SPDX-License-Identifier: MIT */
/*
 * A kept run over several lives, the last of which comes to its end: what was asked and answered in
 * all of them, what of it has to be in the journal when one of them has ended somehow, and whether
 * the run is the one that was never cut off.
 */
#ifndef TESTS_DURABILITY_STORY_H
#define TESTS_DURABILITY_STORY_H

#include <stddef.h>

/* Say what differs, and how to see it again; exit code 1. */
_Noreturn void story_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define kept_fail story_fail

#include "../unit/kept_world.h"

enum { STORY_ASKS = 256, STORY_GIVEN = 1024, STORY_SYNC_MS = 10 };

/* journal_sync; in this order its guarantees get weaker. */
enum { STORY_RECORD, STORY_STEP, STORY_TIME, STORY_NONE, STORY_POLICIES };

typedef struct story_ask {
    uint64_t id, digest;
    size_t wanted; /* replies; of a request for scores 1 */
    int scores;
} story_ask;

/* A run that was not cut off. */
typedef struct story_golden {
    const kept_scenario *scenario;
    kept_end end;
    story_ask asks[STORY_ASKS];
    size_t n_asks;
} story_golden;

/* One answer: OPRO_ENTRY_... */
typedef struct story_answer {
    uint64_t id;
    uint32_t index;
    int32_t entry;
    int64_t at; /* when it was acknowledged, by the host's clock */
} story_answer;

/* What a process is about. */
enum { STORY_STARTS, STORY_RESUMES, STORY_GOES_ON, STORY_CLOSES, STORY_OVER };

typedef struct story {
    const story_golden *golden;
    int policy;
    uint64_t random;
    long lives;
    int phase;
    story_answer given[STORY_GIVEN];
    size_t n_given; /* may be in the journal                         */
    size_t n_taken; /* acknowledged: are there if only processes die */
    size_t n_safe;  /* are there whatever happens                    */
    /* of the golden run's requests: ever handed out; not to be forgotten; found in the journal */
    unsigned char seen[STORY_ASKS], asked[STORY_ASKS], known[STORY_ASKS];
    size_t n_seen;
    size_t n_open; /* requests in the journal that are not answered there         */
    long open;     /* ... at all ends of lives together                           */
    long again;    /* requests asked again in all lives                           */
    const kept_host *host;
    const opro_journal *journal;
    int64_t records; /* in it when the last call was over */
    int64_t steps;   /* of those the host had seen end when all so far was made safe */
    void (*acknowledged)(struct story *s); /* and when it resumes; NULL: nobody */
} story;

/* Where the test is, and the command that plays this case again. */
extern char story_point[1024], story_repeat[128];

/* The golden runs, by number. */
size_t story_scenarios(void);
uint64_t story_digest(const opro_request *request);
const story_golden *story_golden_run(size_t scenario);
extern const char *const story_policies[STORY_POLICIES];

void story_begin(story *s, size_t scenario, int policy, uint64_t seed);
uint64_t story_random(story *s, uint64_t n);

/* How it is said in the journal's settings. */
opro_journal *story_journal(const story *s, const char *path, const opro__files *files);

/*
 * One process: the run is resumed and goes on. OPRO_DONE: it came to its end, and that was right;
 * else the failure that ended it. close: the journal is closed in order then.
 */
opro_status story_live(story *s, const char *path, const opro__files *files, int close);

/*
 * A life has ended: look at what is in the journal. So many of the answers given have to be there
 * at least, and nothing else may be. Of requests that were handed out the journal knows.
 */
void story_verify(story *s, const char *path, const opro__files *files, size_t at_least,
                  int knows_requests);

/* After all processes died, and after the power went. */
void story_after_kill(story *s, const char *path, const opro__files *files);
void story_after_power_loss(story *s, const char *path, const opro__files *files);

/*
 * Which of many cases are played, all of which are counted first. A case asks story_picks() when it
 * is its turn; from there on it is the one that story_repeat plays.
 */
typedef struct story_pick {
    uint64_t seed;
    long all;    /* how many there are */
    long number; /* of the next one    */
    long first, stride, left;
} story_pick;

/* So many of them, evenly, from this one on. */
void story_pick_some(story_pick *pick, long count, long first);
int story_picks(story_pick *pick, const char *mode);

/* What the command does. Numbers: how many, the seed, the first one. */
void kills(long count, uint64_t seed, long first);
void power(long count, uint64_t seed, long first);
void writes(long count, uint64_t seed, long first);
void bytes(long count, uint64_t seed, long first);

#endif
