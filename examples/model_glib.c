/* SPDX-License-Identifier: MIT */
/*
 * A run as a source of GLib's main loop: a language model proposes, threads of a GThreadPool score,
 * and the loop stays free for whatever else the program does. Ctrl-C ends the run.
 *
 *     cc model_glib.c $(pkg-config --cflags --libs libopro glib-2.0)
 *
 * model_glib BASE_URL MODEL [STEPS]; a key is taken from the environment.
 */
#include <glib-unix.h>
#include <opro/opro.h>
#include <stdio.h>

/* ---- a driver as a source -------------------------------------------------------------------- */

/* The client's descriptor becomes readable for answers of the model and for posts of threads. */
typedef struct driver_source {
    GSource base;
    opro_driver *driver;
    gpointer descriptor;
    gboolean more; /* it had something to do the last time, so ask again */
} driver_source;

/* Is it ready, without waiting; and in how many milliseconds will it be? */
static gboolean prepare(GSource *source, gint *timeout) {
    driver_source *s = (driver_source *)source;
    gint64 wait = s->more ? 0 : opro_driver_timeout(s->driver);

    *timeout = (gint)MIN(wait, G_MAXINT);
    return wait == 0;
}

/* Is it ready, after waiting? */
static gboolean check(GSource *source) {
    driver_source *s = (driver_source *)source;

    return g_source_query_unix_fd(source, s->descriptor) != 0 ||
           opro_driver_timeout(s->driver) == 0;
}

typedef void (*finished_fn)(opro_status st, gpointer user_data);

/* A little at a time, so that other sources get their turn. */
static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data) {
    driver_source *s = (driver_source *)source;
    opro_status st = opro_driver_poll(s->driver, 0);

    s->more = st == OPRO_OK;
    if (st == OPRO_OK || st == OPRO_WAIT) return G_SOURCE_CONTINUE;
    ((finished_fn)(void (*)(void))callback)(st, user_data);
    return G_SOURCE_REMOVE;
}

/* finished hears OPRO_DONE, or an error; then the source is gone. */
static void attach(opro_driver *driver, const opro_model *model, finished_fn finished,
                   gpointer user_data) {
    static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch};
    GSource *source = g_source_new(&functions, sizeof(driver_source));
    driver_source *s = (driver_source *)source;

    s->driver = driver;
    s->more = TRUE;
    s->descriptor = g_source_add_unix_fd(source, (gint)opro_model_fd(model), G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(finished), user_data, NULL);
    g_source_attach(source, NULL);
    g_source_unref(source);
}

/* ---- the program ----------------------------------------------------------------------------- */

typedef struct host {
    GMainLoop *loop;
    GThreadPool *pool;
    opro_model *model;
    opro_driver *driver;
    opro_status st;
} host;

typedef struct job {
    guint64 id;
    gdouble x, y;
} job;

/* In a thread of the pool: the distance to a place that the model does not know. */
static void measure(gpointer data, gpointer user_data) {
    const host *h = user_data;
    job *mine = data;
    double value = (mine->x - 17) * (mine->x - 17) + (mine->y + 4) * (mine->y + 4);

    if (opro_driver_post_scores(h->driver, mine->id, &value, 1) < 0) opro_driver_stop(h->driver);
    g_free(mine);
}

/* The scorer leaves candidates to the pool. */
static int32_t hand_on(opro_run *run, opro_request *request, const double *x, size_t n,
                       void *user_data) {
    const host *h = user_data;
    job *new_job = g_new(job, 1);

    (void)run, (void)n;
    *new_job = (job){opro_request_id(request), x[0], x[1]};
    g_thread_pool_push(h->pool, new_job, NULL);
    return OPRO_PENDING;
}

static void on_finished(opro_status st, gpointer user_data) {
    host *h = user_data;

    h->st = st;
    g_main_loop_quit(h->loop);
}

static gboolean on_interrupt(gpointer user_data) {
    const host *h = user_data;

    opro_driver_stop(h->driver); /* the source hears of it, and says OPRO_DONE */
    return G_SOURCE_CONTINUE;
}

static opro_status set_up_model(host *h, const opro_config *config, char **argv) {
    opro_status st = opro_model_new(&h->model, config, NULL);

    if (st == OPRO_OK) st = opro_model_set_from_env(h->model);
    if (st >= 0) st = opro_model_set_base_url(h->model, argv[1], OPRO_ZT);
    if (st == OPRO_OK) st = opro_model_set_name(h->model, argv[2], OPRO_ZT);
    return st;
}

static opro_status set_up(host *h, char **argv) {
    const double lower[] = {-100, -100}, upper[] = {100, 100};
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_status st;

    if ((st = opro_problem_new_vector(&problem, 2, lower, upper, 1, NULL)) < 0) goto out;
    if ((st = opro_problem_add_initial(problem, "0, 0", OPRO_ZT)) < 0) goto out;
    if ((st = opro_problem_add_initial(problem, "30, -30", OPRO_ZT)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set(config, "steps", OPRO_ZT, argv[3] ? argv[3] : "5", OPRO_ZT)) < 0)
        goto out;
    if ((st = set_up_model(h, config, argv)) < 0) goto out;
    if ((st = opro_optimizer_new_model(&optimizer, h->model, NULL)) < 0) goto out;
    if ((st = opro_scorer_new_vector(&scorer, hand_on, h, NULL, NULL)) < 0) goto out;
    if ((st = opro_driver_new(&h->driver, problem, config, NULL)) < 0) goto out;
    if ((st = opro_driver_set_optimizer(h->driver, optimizer)) < 0) goto out;
    st = opro_driver_set_scorer(h->driver, scorer);
out: /* the driver has its shares */
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st;
}

static void tell(const host *h) {
    const opro_run *run = opro_driver_run_handle(h->driver);
    const opro_trajectory *all = opro_run_trajectory(run);

    printf("best of %d: %s; stopped by %s\n", (int)opro_trajectory_scored(all),
           opro_trajectory_text(all, opro_trajectory_best(all), NULL),
           opro_stop_reason_name(opro_run_stop_reason(run)));
}

int main(int argc, char **argv) {
    host h = {.st = OPRO_ERR_INVALID};

    if (argc < 3) {
        fprintf(stderr, "usage: model_glib BASE_URL MODEL [STEPS]\n");
        return 2;
    }
    h.loop = g_main_loop_new(NULL, FALSE);
    h.pool = g_thread_pool_new(measure, &h, 4, FALSE, NULL);
    h.st = set_up(&h, argv);
    if (h.st == OPRO_OK) {
        attach(h.driver, h.model, on_finished, &h);
        g_unix_signal_add(SIGINT, on_interrupt, &h);
        g_main_loop_run(h.loop);
    }
    if (h.st == OPRO_DONE) tell(&h);
    if (h.st < 0)
        fprintf(stderr, "%s: %s %s\n", opro_status_name(h.st),
                h.model ? opro_error_message(opro_model_error(h.model), NULL) : "no model client",
                h.driver ? opro_error_message(opro_driver_error(h.driver), NULL) : "");
    g_thread_pool_free(h.pool, FALSE, TRUE); /* nobody may post when the driver is freed */
    opro_driver_free(h.driver);
    opro_model_free(h.model);
    g_main_loop_unref(h.loop);
    return h.st < 0;
}
