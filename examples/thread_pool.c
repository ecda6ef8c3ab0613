/* SPDX-License-Identifier: MIT */
/*
 * Threads that score, and no event loop: the main thread sleeps in opro_driver_step() until they
 * have posted their scores. However many they are, the run is the same.
 *
 *     cc thread_pool.c $(pkg-config --cflags --libs libopro) -pthread
 *
 * thread_pool [THREADS]
 */
#include <inttypes.h>
#include <opro/opro.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 64 };

/* A candidate that waits for a thread. */
typedef struct job {
    struct job *next;
    uint64_t id; /* of the request that it answers */
    double stiffness, damping;
} job;

typedef struct pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    job *jobs;
    int closed;
    opro_driver *driver;
    pthread_t threads[MOST_THREADS];
    int count;
} pool;

/* ---- the threads ----------------------------------------------------------------------------- */

/* Your simulation. A weight on a spring is let go: how far is it from its place, and how long? */
static double simulate(double stiffness, double damping) {
    const double dt = 0.001;
    double place = 1, speed = 0, sum = 0;

    for (int i = 0; i < 10000; i++) {
        speed -= (stiffness * place + damping * speed) * dt;
        place += speed * dt;
        sum += place * place * dt;
    }
    return sum + stiffness / 100; /* stiff springs cost money */
}

/* The next job; NULL: there will be none. */
static job *take(pool *p) {
    job *mine;

    pthread_mutex_lock(&p->lock);
    while (!p->jobs && !p->closed)
        pthread_cond_wait(&p->changed, &p->lock);
    mine = p->jobs;
    if (mine) p->jobs = mine->next;
    pthread_mutex_unlock(&p->lock);
    return mine;
}

static void *work(void *user_data) {
    pool *p = user_data;
    job *mine;

    while ((mine = take(p))) {
        double score = simulate(mine->stiffness, mine->damping);

        /* Any thread may post; this wakes the main thread. */
        if (opro_driver_post_scores(p->driver, mine->id, &score, 1) < 0)
            opro_driver_stop(p->driver);
        free(mine);
    }
    return NULL;
}

static opro_status open_pool(pool *p, int count, opro_driver *driver) {
    p->driver = driver;
    while (p->count < count && pthread_create(&p->threads[p->count], NULL, work, p) == 0)
        p->count++;
    return p->count > 0 ? OPRO_OK : OPRO_ERR_FAILED;
}

/* Before the driver is freed: nobody may post to it then. */
static void close_pool(pool *p) {
    pthread_mutex_lock(&p->lock);
    p->closed = 1;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    while (p->count > 0)
        pthread_join(p->threads[--p->count], NULL);
}

/* ---- the main thread ------------------------------------------------------------------------- */

/* The scorer, called by opro_driver_step(): leave the candidate to the pool and say "later". */
static int32_t hand_on(opro_run *run, opro_request *request, const double *x, size_t n,
                       void *user_data) {
    pool *p = user_data;
    job *new_job = malloc(sizeof *new_job);

    (void)run, (void)n;
    if (!new_job) return OPRO_ERR_NOMEM;
    *new_job = (job){.id = opro_request_id(request), .stiffness = x[0], .damping = x[1]};
    pthread_mutex_lock(&p->lock);
    new_job->next = p->jobs;
    p->jobs = new_job;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return OPRO_PENDING;
}

int main(int argc, char **argv) {
    const double lower[] = {0, 0}, upper[] = {100, 100};
    const char *const names[] = {"stiffness", "damping"};
    pool p = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    long threads = argc > 1 ? strtol(argv[1], NULL, 10) : 4;
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_driver *driver = NULL;
    opro_status st;

    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: thread_pool [THREADS], 1 to %d\n", MOST_THREADS);
        return 2;
    }
    if ((st = opro_problem_new_vector(&problem, 2, lower, upper, 0, NULL)) < 0) goto out;
    if ((st = opro_vector_set_names(problem, names, 2)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set_int(config, OPRO_OPT_STEPS, 20)) < 0) goto out;
    if ((st = opro_optimizer_new_local(&optimizer, problem, config, NULL)) < 0) goto out;
    if ((st = opro_scorer_new_vector(&scorer, hand_on, &p, NULL, NULL)) < 0) goto out;
    if ((st = opro_driver_new(&driver, problem, config, NULL)) < 0) goto out;
    if ((st = opro_driver_set_optimizer(driver, optimizer)) < 0) goto out;
    if ((st = opro_driver_set_scorer(driver, scorer)) < 0) goto out;
    if ((st = open_pool(&p, (int)threads, driver)) < 0) goto out;

    const opro_trajectory *all = opro_driver_trajectory(driver);
    while ((st = opro_driver_step(driver)) == OPRO_OK)
        printf("step %d: %d scored, best %g\n", (int)opro_trajectory_steps(all),
               (int)opro_trajectory_scored(all),
               opro_trajectory_score(all, opro_trajectory_best(all)));
    if (st == OPRO_DONE)
        printf("best: %s\ntrajectory %016" PRIx64 "\n",
               opro_trajectory_text(all, opro_trajectory_best(all), NULL),
               opro_trajectory_hash(all));
out:
    if (st < 0)
        fprintf(stderr, "%s %s\n", opro_status_name(st),
                driver ? opro_error_message(opro_driver_error(driver), NULL) : "");
    close_pool(&p);
    opro_driver_free(driver);
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st < 0;
}
