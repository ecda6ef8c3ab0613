/* SPDX-License-Identifier: MIT */
/*
 * Ranks of MPI that score: rank 0 asks and tells the run, the others simulate. Whatever their
 * number, one rank alone among them, the run is the same.
 *
 *     mpicc mpi.c $(pkg-config --cflags --libs libopro)
 *     mpirun -n 3 ./a.out
 */
#include <inttypes.h>
#include <mpi.h>
#include <opro/opro.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIMENSION = 4 };
enum { TAG_SCORE = 1, TAG_END = 2 };

/* What rank 0 knows of the others. */
typedef struct team {
    int size;
    int busy;      /* how many are at work             */
    uint64_t *job; /* by rank: the request; 0: it idles */
} team;

/* Your simulation, which takes hours. */
static double simulate(const double *x) {
    double sum = 0;

    for (int i = 0; i + 1 < DIMENSION; i++) {
        double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];

        sum += a * a + 100 * b * b;
    }
    return sum;
}

/* ---- ranks 1, 2, ... ------------------------------------------------------------------------- */

static void follow(void) {
    double x[DIMENSION], score;
    MPI_Status status;

    for (;;) {
        MPI_Recv(x, DIMENSION, MPI_DOUBLE, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
        if (status.MPI_TAG == TAG_END) return;
        score = simulate(x);
        MPI_Send(&score, 1, MPI_DOUBLE, 0, TAG_SCORE, MPI_COMM_WORLD);
    }
}

/* ---- rank 0 ---------------------------------------------------------------------------------- */

static int somebody_idles(const team *t) {
    return t->size == 1 || t->busy < t->size - 1;
}

/* Give a candidate to a rank that idles; who is alone works. */
static opro_status hand_out(team *t, opro_run *run, const opro_request *request) {
    uint64_t id = opro_request_id(request);
    double x[DIMENSION], score;
    int rank = 1;
    size_t len;
    const char *text = opro_request_text(request, &len);
    opro_status st = opro_vector_parse(opro_run_problem(run), text, len, x, DIMENSION);

    if (st != OPRO_OK) return st;
    if (t->size == 1) {
        score = simulate(x);
        return opro_run_answer_scores(run, id, &score, 1);
    }
    while (t->job[rank] != 0)
        rank++;
    t->job[rank] = id;
    t->busy++;
    MPI_Send(x, DIMENSION, MPI_DOUBLE, rank, TAG_SCORE, MPI_COMM_WORLD);
    return OPRO_OK;
}

/* Wait for whichever rank has a score first. */
static uint64_t receive(team *t, double *score) {
    MPI_Status status;
    uint64_t id;

    MPI_Recv(score, 1, MPI_DOUBLE, MPI_ANY_SOURCE, TAG_SCORE, MPI_COMM_WORLD, &status);
    id = t->job[status.MPI_SOURCE];
    t->job[status.MPI_SOURCE] = 0;
    t->busy--;
    return id;
}

static opro_status take(team *t, opro_run *run) {
    double score;
    uint64_t id = receive(t, &score);

    return opro_run_answer_scores(run, id, &score, 1);
}

static opro_status lead(team *t, opro_run *run, opro_optimizer *optimizer) {
    opro_request *request;
    opro_status st = OPRO_OK;

    while (st >= 0) {
        st = somebody_idles(t) ? opro_run_next(run, 0, &request) : OPRO_WAIT;
        if (st == OPRO_DONE) break;
        if (st == OPRO_WAIT)
            st = take(t, run);
        else if (st == OPRO_OK && opro_request_kind(request) == OPRO_REQUEST_SCORE)
            st = hand_out(t, run, request);
        else if (st == OPRO_OK)
            st = opro_optimizer_propose(optimizer, run, request);
    }
    return st;
}

/* A run may stop while candidates are being scored: nobody needs those scores. */
static void dismiss(team *t) {
    double unused;

    while (t->busy > 0)
        receive(t, &unused);
    for (int rank = 1; rank < t->size; rank++)
        MPI_Send(NULL, 0, MPI_DOUBLE, rank, TAG_END, MPI_COMM_WORLD);
}

static void tell(const opro_run *run, int size) {
    const opro_trajectory *all = opro_run_trajectory(run);
    int64_t best = opro_trajectory_best(all);

    printf("%d ranks, %d candidates scored\nbest: %s: %g\ntrajectory %016" PRIx64 "\n", size,
           (int)opro_trajectory_scored(all), opro_trajectory_text(all, best, NULL),
           opro_trajectory_score(all, best), opro_trajectory_hash(all));
}

static opro_status optimize(team *t) {
    const double lower[] = {-5, -5, -5, -5}, upper[] = {5, 5, 5, 5};
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_run *run = NULL;
    opro_status st;

    if ((st = opro_problem_new_vector(&problem, DIMENSION, lower, upper, 0, NULL)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set_int(config, OPRO_OPT_STEPS, 30)) < 0) goto out;
    if ((st = opro_optimizer_new_local(&optimizer, problem, config, NULL)) < 0) goto out;
    if ((st = opro_run_new(&run, problem, config, NULL)) < 0) goto out;
    if ((st = lead(t, run, optimizer)) == OPRO_DONE) tell(run, t->size);
out:
    if (st < 0)
        fprintf(stderr, "%s %s\n", opro_status_name(st),
                run ? opro_error_message(opro_run_error(run), NULL) : "");
    opro_run_free(run);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st;
}

int main(int argc, char **argv) {
    opro_status st = OPRO_OK;
    team t = {.size = 0};
    int rank;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &t.size);
    if (rank == 0) {
        t.job = calloc((size_t)t.size, sizeof *t.job);
        st = t.job ? optimize(&t) : OPRO_ERR_NOMEM;
        dismiss(&t);
        free(t.job);
    } else {
        follow();
    }
    MPI_Finalize();
    return st < 0;
}
