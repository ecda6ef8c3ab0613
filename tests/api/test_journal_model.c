/* SPDX-License-Identifier: MIT */
/*
 * Runs of a model optimizer and an exam scorer whose processes die: what the model is asked again,
 * and what is paid twice. The server lives on in the test and counts over both lives.
 *
 * With the cache in a file, of the questions to be scored only those are asked twice that were
 * under way: sent, and their answers not there when the process died. Without it, those of the
 * exams that were open. Proposals are not cached, since they are not the same twice (temperature
 * 1): a request for proposals that was open is asked again as a whole, with the same seed. With
 * samples_per_request=1 that is one reply; else also replies that had come are paid again, and left
 * aside.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "exam_run.h"

#define TRAINING   6 /* questions of an exam: more than the validation set has */
#define STEPWISE   "journal_sync=none steps=2 samples_per_step=3 race=off confirm=off "
#define ONE_BY_ONE "model_in_flight=1 model_max_in_flight=1 model_adaptive=0 "

static char folder[] = "/tmp/opro-journal-model-XXXXXX";
static char journal_path[96], cache_path[96];

/* ---- a life ---------------------------------------------------------------------------------- */

typedef struct plan {
    const char *settings;
    int cached;
    size_t at_request; /* the process dies when the server gets this one; SIZE_MAX: it lives */
    long at_event;     /* ... when it has heard this one; -1: it lives */
    const char *life;
    _Atomic pid_t pid;
    long heard;
} plan;

typedef struct outcome {
    uint64_t trajectory;
    int64_t again;
    long events;
} outcome;

static void check(opro_status st, const opro_error *error) {
    if (st == OPRO_OK) return;
    fprintf(stderr, "%s: %s\n", opro_status_name(st), error ? opro_error_message(error, NULL) : "");
    abort();
}

static void say_and_kill(exam_world *w, size_t n, const char *body, mock_reply *reply) {
    plan *p = w->more;

    if (n == p->at_request) {
        while (!p->pid)
            continue; /* the parent has yet to hear of its child */
        kill(p->pid, SIGKILL);
    }
    say_all(w, n, body, reply);
}

static int32_t hear(opro_run *run, const opro_event *event, void *user_data) {
    plan *p = user_data;

    (void)run, (void)event;
    if (p->heard++ == p->at_event) raise(SIGKILL);
    return OPRO_OK;
}

/* Everything is made anew but the server: no client knows of the one before. */
static outcome live(exam_world *server, plan *p) {
    world t = {.w = *server};
    opro_journal *journal;
    outcome out;

    t.w.config = config_of(SETTINGS);
    for (const char *s = p->settings; *s; s += strspn(s, " ")) {
        size_t len = strcspn(s, " "), name = strcspn(s, "=");

        check(opro_config_set(t.w.config, s, name, s + name + 1, len - name - 1), NULL);
        s += len;
    }
    t.w.dataset = exam_dataset(10);
    check(opro_dataset_split(t.w.dataset, 0.6, 0.2, 0.2, 1), NULL);
    t.w.model = exam_model(&t.w, t.w.config);
    if (p->cached)
        check(opro_model_set_cache_file(t.w.model, cache_path, OPRO_ZT),
              opro_model_error(t.w.model));
    check(opro_model_set_header(t.w.model, "X-Life", OPRO_ZT, p->life, OPRO_ZT),
          opro_model_error(t.w.model));
    exam_make(&t.w);
    check(opro_problem_new_dataset(&t.problem, t.w.dataset, NULL), NULL);
    check(opro_optimizer_new_model(&t.optimizer, t.w.model, NULL), NULL);
    make_driver(&t);
    p->heard = 0;
    check(opro_driver_set_observer(t.driver, hear, p, NULL), opro_driver_error(t.driver));
    check(opro_journal_new(&journal, journal_path, OPRO_ZT, t.w.config, NULL), NULL);
    check(opro_driver_set_journal(t.driver, journal), opro_driver_error(t.driver));
    check(opro_driver_run(t.driver), opro_driver_error(t.driver));
    out = (outcome){opro_trajectory_hash(opro_driver_trajectory(t.driver)),
                    opro_journal_count(journal, OPRO_JOURNAL_AGAIN), p->heard};
    check(opro_journal_close(journal), opro_journal_error(journal));
    opro_journal_free(journal);
    opro_driver_free(t.driver);
    opro_scorer_free(t.scorer);
    opro_optimizer_free(t.optimizer);
    opro_problem_free(t.problem);
    opro_examiner_free(t.w.examiner);
    opro_dataset_free(t.w.dataset);
    opro_model_free(t.w.model);
    opro_config_free(t.w.config);
    return out;
}

/* In a process of its own, which dies as planned, or at its end. */
static void live_and_die(exam_world *server, plan *p) {
    pid_t pid;
    int status;

    p->pid = 0;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        live(server, p);
        raise(SIGKILL);
    }
    p->pid = pid;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void open_server(exam_world *server, plan *p) {
    *server =
        (exam_world){.say = say_and_kill, .more = p, .server = malloc(sizeof *server->server)};
    assert_int_equal(mock_start(server->server, exam_answer, server, server->url), 0);
    remove(journal_path);
    remove(cache_path);
}

static void close_server(exam_world *server) {
    mock_stop(server->server);
    free(server->server);
}

/* ---- what was asked twice -------------------------------------------------------------------- */

/* The candidates whose scores were asked for and had not come, by the journal. */
typedef struct open_list {
    struct {
        uint64_t id;
        char text[64];
    } all[64];
    size_t n;
    size_t proposals; /* replies wanted by requests that are open */
    size_t wanted[64];
} open_list;

static void read_open(open_list *open) {
    opro_journal *journal;

    memset(open, 0, sizeof *open);
    assert_int_equal(opro_journal_new(&journal, journal_path, OPRO_ZT, NULL, NULL), OPRO_OK);
    while (opro_journal_next(journal) == OPRO_OK) {
        int32_t kind = opro_journal_entry(journal);
        uint64_t id = opro_journal_entry_id(journal);
        size_t i = 0;

        while (i < open->n && open->all[i].id != id)
            i++;
        if (kind == OPRO_ENTRY_REQUEST) {
            assert_true(open->n < 64);
            open->all[i].id = id;
            open->wanted[i] = opro_journal_entry_how(journal) == OPRO_REQUEST_SCORE
                                  ? 0
                                  : opro_journal_entry_wanted(journal);
            snprintf(open->all[i].text, sizeof open->all[i].text, "%s",
                     opro_journal_entry_text(journal, NULL));
            open->n++;
        }
        if (i < open->n && kind == OPRO_ENTRY_REPLY && --open->wanted[i]) continue;
        if (i < open->n && (kind == OPRO_ENTRY_REPLY || kind == OPRO_ENTRY_SCORES)) {
            open->all[i] = open->all[--open->n];
            open->wanted[i] = open->wanted[open->n];
        }
    }
    opro_journal_free(journal);
}

static int is_open(const open_list *open, const char *body) {
    for (size_t i = 0; i < open->n; i++)
        if (*open->all[i].text && strstr(body, open->all[i].text)) return 1;
    return 0;
}

/* What came in both lives: questions, proposals. */
typedef struct twice {
    size_t questions, proposals;
} twice;

static int in_second_life(const mock *server, size_t i) {
    return strstr(server->heads[i], "X-Life: second") != NULL;
}

/* Of requests that the first process had sent some may be read after its death. */
static twice asked_twice(const mock *server, const open_list *open) {
    twice n = {0, 0};

    for (size_t i = 0; i < server->n; i++)
        for (size_t k = 0; k < i; k++) {
            if (strcmp(server->bodies[i], server->bodies[k]) != 0) continue;
            assert_true(in_second_life(server, i) != in_second_life(server, k)); /* once in each */
            if (!of_exam(server->bodies[i])) {
                n.proposals++;
                continue;
            }
            n.questions++;
            assert_true(is_open(open, server->bodies[i]));
        }
    return n;
}

/* ---- one death ------------------------------------------------------------------------------- */

typedef struct whole {
    uint64_t trajectory;
    size_t requests;
    long events;
} whole;

static whole live_once(plan *p) {
    exam_world server;
    outcome out;
    whole w;

    p->at_request = SIZE_MAX;
    p->at_event = -1;
    p->life = "whole";
    open_server(&server, p);
    out = live(&server, p);
    w = (whole){out.trajectory, server.server->n, out.events};
    assert_true(w.requests > 25 && out.again == 0);
    close_server(&server);
    return w;
}

/* Die as planned, and go on. The same comes of it as if nothing had happened. */
static twice die_and_go_on(plan *p, const whole *expected) {
    exam_world server;
    open_list open;
    outcome out;
    twice n;

    p->life = "first";
    open_server(&server, p);
    live_and_die(&server, p);
    read_open(&open);
    p->life = "second";
    pthread_mutex_lock(&server.server->lock); /* requests of the first life may still come */
    p->at_request = SIZE_MAX;
    pthread_mutex_unlock(&server.server->lock);
    p->at_event = -1;
    out = live(&server, p);
    assert_true(out.trajectory == expected->trajectory);
    assert_int_equal(out.again, open.n);
    pthread_mutex_lock(&server.server->lock);
    n = asked_twice(server.server, &open);
    assert_int_equal(server.server->n, expected->requests + n.questions + n.proposals);
    pthread_mutex_unlock(&server.server->lock);
    close_server(&server);
    return n;
}

/* One request at a time: what was under way is the only one that the server sees twice. */
static void dies_at_a_request(void **state) {
    plan p = {.settings = STEPWISE ONE_BY_ONE "samples_per_request=1", .cached = 1};
    whole expected = live_once(&p);

    (void)state;
    for (size_t n = 0; n < expected.requests; n += 2) {
        twice t;

        p.at_request = n;
        t = die_and_go_on(&p, &expected);
        assert_int_equal(t.questions + t.proposals, 1);
    }
}

/* Whatever it was doing, in the middle of answers. */
static void dies_at_an_event(void **state) {
    plan p = {.settings = STEPWISE ONE_BY_ONE "samples_per_request=1", .cached = 1};
    whole expected = live_once(&p);

    (void)state;
    for (long n = 0; n < expected.events; n += 3) {
        twice t;

        p.at_event = n;
        t = die_and_go_on(&p, &expected);
        assert_true(t.questions + t.proposals <= 1);
    }
}

/* Four at a time, and replies that come together. */
static void dies_with_several_under_way(void **state) {
    plan p = {.settings = STEPWISE "model_max_in_flight=4", .cached = 1};
    whole expected = live_once(&p);

    (void)state;
    for (size_t n = 0; n < expected.requests; n += 5) {
        twice t;

        p.at_request = n;
        t = die_and_go_on(&p, &expected);
        assert_true(t.questions <= 4 && t.proposals <= 3);
        assert_true(t.questions + t.proposals >= 1);
    }
}

/* Without the file: the exams that were open, and no others. */
static void dies_without_a_cache(void **state) {
    plan p = {.settings = STEPWISE "samples_per_request=1"};
    whole expected = live_once(&p);
    size_t most = 0;

    (void)state;
    for (size_t n = 0; n < expected.requests; n += 5) {
        twice t;

        p.at_request = n;
        t = die_and_go_on(&p, &expected);
        assert_true(t.questions <= 3 * TRAINING && t.proposals <= 3);
        if (t.questions > most) most = t.questions;
    }
    assert_true(most > 4); /* more than with the file: this is what it saves */
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(journal_path, sizeof journal_path, "%s/run.journal", folder);
    snprintf(cache_path, sizeof cache_path, "%s/cache.jsonl", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    remove(journal_path);
    remove(cache_path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dies_at_a_request),
        cmocka_unit_test(dies_at_an_event),
        cmocka_unit_test(dies_with_several_under_way),
        cmocka_unit_test(dies_without_a_cache),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
