/* SPDX-License-Identifier: MIT */
/*
 * Journals of drivers, in files: processes that die while other threads post answers, and what the
 * next one makes of it.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"

static char folder[] = "/tmp/opro-journal-XXXXXX";
static char path[64];

/* ---- somebody else who answers --------------------------------------------------------------- */

/* What is to be answered by another thread. */
typedef struct job {
    uint64_t id, seed;
    size_t n;     /* replies or scores                 */
    int scores;   /* it asks for scores ...            */
    double score; /* ... all of which are this         */
} job;

typedef struct other {
    opro_driver *driver;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    job jobs[1024];
    size_t head, tail;
    int over;
    long left; /* answers until the process dies; negative: it lives */
    long asked;
} other;

static void post_one(other *o, const job *j) {
    double scores[16];
    char reply[64];

    if (o->left == 0) raise(SIGKILL); /* nothing is written, closed or synced */
    if (o->left > 0) o->left--;
    for (size_t i = 0; i < j->n && i < 16; i++)
        scores[i] = j->score;
    opro_driver_post_usage(o->driver, j->id, 5, 6, 7);
    if (j->scores) {
        opro_driver_post_scores(o->driver, j->id, scores, j->n);
        return;
    }
    for (size_t i = 0; i < j->n; i++) {
        snprintf(reply, sizeof reply, CANDIDATE("idea %llx"), (unsigned long long)(j->seed + i));
        opro_driver_post_reply(o->driver, j->id, i, OPRO_ORIGIN_MODEL, reply, OPRO_ZT);
    }
}

static void *work(void *data) {
    other *o = data;

    pthread_mutex_lock(&o->lock);
    while (!o->over) {
        job j;

        if (o->head == o->tail) {
            pthread_cond_wait(&o->news, &o->lock);
            continue;
        }
        j = o->jobs[o->head++ % 1024];
        pthread_mutex_unlock(&o->lock);
        post_one(o, &j);
        pthread_mutex_lock(&o->lock);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

static int32_t hand_over(other *o, job j) {
    pthread_mutex_lock(&o->lock);
    o->jobs[o->tail++ % 1024] = j;
    o->asked++;
    pthread_cond_signal(&o->news);
    pthread_mutex_unlock(&o->lock);
    return OPRO_PENDING;
}

static int32_t propose(opro_run *run, opro_request *r, void *user_data) {
    (void)run;
    return hand_over(
        user_data, (job){opro_request_id(r), opro_request_seed(r), opro_request_samples(r), 0, 0});
}

static int32_t score(opro_run *run, opro_request *r, void *user_data) {
    size_t n, len;
    const char *text = opro_request_text(r, &len);

    (void)run;
    opro_request_instances(r, &n);
    return hand_over(user_data, (job){opro_request_id(r), 0, n, 1, score_of_text(text, len)});
}

/* ---- a life ---------------------------------------------------------------------------------- */

typedef struct outcome {
    uint64_t trajectory, state;
    int64_t proposals, calls, tokens, cost;
    long asked;       /* requests that reached somebody */
    int64_t replayed; /* records that were there        */
    int64_t again;
} outcome;

static void check(opro_status st, opro_status expected, const opro_error *error) {
    if (st == expected) return;
    fprintf(stderr, "%s: %s\n", opro_status_name(st), opro_error_message(error, NULL));
    abort();
}

/* A driven run with a journal, until it is done or the process dies. */
static outcome live(long left, const char *sync) {
    opro_config *config = config_of("steps=6 samples_per_step=3 samples_per_request=1 "
                                    "max_in_flight=4");
    opro_problem *problem = text_problem();
    other *o = calloc(1, sizeof *o);
    opro_optimizer *optimizer;
    opro_scorer *scorer;
    opro_journal *journal;
    outcome out;
    opro_run *run;

    o->left = left;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->news, NULL);
    check(opro_config_set(config, "journal_sync", OPRO_ZT, sync, OPRO_ZT), OPRO_OK,
          opro_config_error(config));
    check(opro_driver_new(&o->driver, problem, config, NULL), OPRO_OK, opro_problem_error(problem));
    check(opro_journal_new(&journal, path, OPRO_ZT, config, NULL), OPRO_OK, NULL);
    check(opro_optimizer_new(&optimizer, propose, o, NULL, NULL), OPRO_OK, NULL);
    check(opro_scorer_new(&scorer, score, o, NULL, NULL), OPRO_OK, NULL);
    check(opro_driver_set_optimizer(o->driver, optimizer), OPRO_OK, NULL);
    check(opro_driver_set_scorer(o->driver, scorer), OPRO_OK, NULL);
    check(opro_driver_set_journal(o->driver, journal), OPRO_OK, opro_driver_error(o->driver));
    pthread_create(&o->thread, NULL, work, o);
    check(opro_driver_run(o->driver), OPRO_OK, opro_driver_error(o->driver));
    run = opro_driver_run_handle(o->driver);
    out = (outcome){opro_trajectory_hash(opro_run_trajectory(run)),
                    opro_run_state_hash(run),
                    opro_run_count(run, OPRO_COUNT_PROPOSALS),
                    opro_run_count(run, OPRO_COUNT_SCORER_CALLS),
                    opro_run_count(run, OPRO_COUNT_TOKENS),
                    opro_run_count(run, OPRO_COUNT_COST),
                    0,
                    opro_journal_count(journal, OPRO_JOURNAL_REPLAYED),
                    opro_journal_count(journal, OPRO_JOURNAL_AGAIN)};
    pthread_mutex_lock(&o->lock);
    o->over = 1;
    pthread_cond_signal(&o->news);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    out.asked = o->asked;
    check(opro_journal_close(journal), OPRO_OK, opro_journal_error(journal));
    check(opro_journal_count(journal, OPRO_JOURNAL_DURABLE) ==
                  opro_journal_count(journal, OPRO_JOURNAL_RECORDS)
              ? OPRO_OK
              : OPRO_ERR_FAILED,
          OPRO_OK, opro_journal_error(journal));
    opro_journal_free(journal);
    opro_driver_free(o->driver);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_config_free(config);
    opro_problem_free(problem);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->news);
    free(o);
    return out;
}

/* In a process of its own, which dies after so many answers. */
static void die_after(long answers, const char *sync) {
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        live(answers, sync);
        raise(SIGKILL); /* an exit would be a leak in valgrind's eyes */
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void processes_that_die(void **state) {
    static const char *const syncs[] = {"record", "step", "time", "none"};
    outcome whole;

    (void)state;
    remove(path);
    whole = live(-1, "none");
    assert_int_equal(whole.replayed, 0);
    for (long n = 0; n < 48; n += n < 12 ? 1 : 5) {
        outcome out;

        remove(path);
        die_after(n, syncs[n % 4]);
        die_after(n / 2, syncs[n % 4]); /* and once more, before it is done */
        out = live(-1, "record");
        assert_true(out.trajectory == whole.trajectory);
        assert_true(out.state == whole.state);
        assert_int_equal(out.proposals, whole.proposals);
        assert_int_equal(out.calls, whole.calls);
        assert_int_equal(out.tokens, whole.tokens);
        assert_int_equal(out.cost, whole.cost);
        assert_true(out.again <= 4);
        assert_true(out.asked <= whole.asked);
        assert_true(out.replayed > 0);
    }
}

/* For its owner's eyes only; a run that is over asks nobody. */
static void the_file(void **state) {
    struct stat st;
    outcome out;

    (void)state;
    remove(path);
    live(-1, "record");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    out = live(-1, "record");
    assert_int_equal(out.asked, 0);
    assert_int_equal(out.again, 0);
}

/* What a reader sees. */
static void reading(void **state) {
    long n[16] = {0};
    opro_journal *journal;
    opro_status st;
    int64_t prompt, reply, cost;

    (void)state;
    remove(path);
    live(-1, "step");
    assert_int_equal(opro_journal_new(&journal, path, OPRO_ZT, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_journal_entry(journal), 0);
    while ((st = opro_journal_next(journal)) == OPRO_OK) {
        int32_t kind = opro_journal_entry(journal);
        size_t count;

        n[kind / 10]++;
        opro_journal_entry_usage(journal, &prompt, &reply, &cost);
        if (kind == OPRO_ENTRY_USAGE)
            assert_true(prompt == 5 && reply == 6 && cost == 7);
        else
            assert_true(prompt == 0 && reply == 0 && cost == 0);
        if (kind == OPRO_ENTRY_REPLY) {
            assert_int_equal(opro_journal_entry_value(journal), OPRO_ORIGIN_MODEL);
            assert_int_equal(opro_journal_entry_how(journal), 0);
            assert_non_null(strstr(opro_journal_entry_text(journal, NULL), "idea"));
        }
        assert_int_equal(opro_journal_entry_scores(journal, &count) != NULL,
                         kind == OPRO_ENTRY_SCORES);
        assert_int_equal(count, kind == OPRO_ENTRY_SCORES);
        assert_int_equal(opro_journal_entry_wanted(journal), kind == OPRO_ENTRY_REQUEST);
    }
    assert_int_equal(st, OPRO_DONE);
    assert_int_equal(n[OPRO_ENTRY_HEADER / 10], 1);
    assert_int_equal(n[OPRO_ENTRY_STEP / 10], 6);
    assert_int_equal(n[OPRO_ENTRY_STOP / 10], 1);
    assert_int_equal(n[OPRO_ENTRY_CLOSE / 10], 1);
    assert_int_equal(n[OPRO_ENTRY_REQUEST / 10],
                     n[OPRO_ENTRY_REPLY / 10] + n[OPRO_ENTRY_SCORES / 10]);
    assert_int_equal(opro_journal_next(journal), OPRO_DONE);
    opro_journal_free(journal);
    assert_int_equal(opro_journal_new(&journal, "/nowhere/at all", OPRO_ZT, NULL, NULL), OPRO_OK);
    assert_int_equal(opro_journal_next(journal), OPRO_ERR_FAILED);
    assert_message(opro_journal_error(journal), OPRO_ERR_FAILED);
    opro_journal_free(journal);
    assert_int_equal(opro_journal_new(&journal, "", 0, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_journal_new(&journal, "a\0b", 3, NULL, NULL), OPRO_ERR_INVALID);
    assert_int_equal(opro_journal_new(NULL, "a", 1, NULL, NULL), OPRO_ERR_INVALID);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/run.journal", folder);
    return 0;
}

static int remove_folder(void **state) {
    char command[96];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_that_die),
        cmocka_unit_test(the_file),
        cmocka_unit_test(reading),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
