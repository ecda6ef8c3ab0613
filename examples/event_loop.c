/* 3. Somebody else's event loop: epoll waits, threads score. For Linux; link with -pthread. */
#include <opro/opro.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct job {
    uint64_t id;
    double x, y;
} job;

static opro_driver *driver;
static int jobs[2]; /* a pipe: candidates go in at 1 and come out at 0 */
static int posted;  /* an eventfd: the driver has mail                 */

/* A worker. Posting an answer is what any thread may do at any time. */
static void *work(void *unused) {
    job mine;

    while (read(jobs[0], &mine, sizeof mine) == sizeof mine) {
        double score = (mine.x - 3) * (mine.x - 3) + (mine.y + 2) * (mine.y + 2);

        if (opro_driver_post_scores(driver, mine.id, &score, 1) < 0) opro_driver_stop(driver);
    }
    return unused;
}

/* The scorer hands the candidate on and says: later. */
static int32_t hand_on(opro_run *run, opro_request *request, const double *x, size_t n,
                       void *user_data) {
    job mine = {opro_request_id(request), x[0], x[1]};

    (void)run, (void)n, (void)user_data;
    return write(jobs[1], &mine, sizeof mine) == sizeof mine ? OPRO_PENDING : OPRO_ERR_FAILED;
}

/* Runs on the thread that posts: makes epoll_wait() return. */
static void wake_up(void *user_data) {
    uint64_t one = 1;

    (void)user_data;
    if (write(posted, &one, sizeof one) < 0) perror("eventfd");
}

/* The loop of the host, with whatever else it waits for. */
static opro_status loop(int epoll) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = posted};
    uint64_t count;
    opro_status st;

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, posted, &event) < 0) return OPRO_ERR_FAILED;
    for (;;) {
        while ((st = opro_driver_poll(driver, 0)) == OPRO_OK)
            continue;
        if (st != OPRO_WAIT) return st; /* OPRO_DONE, or an error */
        if (epoll_wait(epoll, &event, 1, -1) == 1 && read(posted, &count, sizeof count) < 0)
            return OPRO_ERR_FAILED;
    }
}

int main(void) {
    const double lower[] = {-10, -10}, upper[] = {10, 10};
    int epoll = epoll_create1(0);
    int workers = 0;
    pthread_t worker[4];
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_status st;

    if (epoll < 0 || pipe(jobs) < 0 || (posted = eventfd(0, 0)) < 0) return 1;
    if ((st = opro_problem_new_vector(&problem, 2, lower, upper, 0, NULL)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set_int(config, OPRO_OPT_STEPS, 20)) < 0) goto out;
    if ((st = opro_optimizer_new_local(&optimizer, problem, config, NULL)) < 0) goto out;
    if ((st = opro_scorer_new_vector(&scorer, hand_on, NULL, NULL, NULL)) < 0) goto out;
    if ((st = opro_driver_new(&driver, problem, config, NULL)) < 0) goto out;
    if ((st = opro_driver_set_optimizer(driver, optimizer)) < 0) goto out;
    if ((st = opro_driver_set_scorer(driver, scorer)) < 0) goto out;
    if ((st = opro_driver_set_wakeup_fn(driver, wake_up, NULL, NULL)) < 0) goto out;

    while (workers < 4 && pthread_create(&worker[workers], NULL, work, NULL) == 0)
        workers++;
    if ((st = workers > 0 ? loop(epoll) : OPRO_ERR_FAILED) < 0) goto out;

    const opro_trajectory *all = opro_driver_trajectory(driver);
    printf("best of %d: %s\n", (int)opro_trajectory_scored(all),
           opro_trajectory_text(all, opro_trajectory_best(all), NULL));
out:
    if (st < 0) fprintf(stderr, "%s\n", opro_status_name(st));
    close(jobs[1]); /* the workers read to the end and leave */
    while (workers > 0)
        pthread_join(worker[--workers], NULL);
    opro_driver_free(driver); /* after the last thread that posts */
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st < 0;
}
