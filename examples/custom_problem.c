/*
 * A kind of solution of your own: gap sequences for Shell's sort, of any length, scored by counting
 * comparisons.
 */
#include <opro/opro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N        1000 /* numbers to be sorted ...          */
#define ARRAYS   8    /* ... so many times                 */
#define GAPS_MAX 16

/* A solution in memory: falling gaps, the last of them 1. */
typedef struct gaps {
    int n;
    long gap[GAPS_MAX];
} gaps;

static unsigned long next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned long)(*state >> 33);
}

/* ---- a solution as text ---------------------------------------------------------------------- */

static int falling(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* All numbers of a text, in falling order, each once. 0: too many or too large. */
static int read_gaps(const char *text, gaps *g) {
    int n = 0;

    g->n = 0;
    while (*(text += strcspn(text, "0123456789"))) {
        char *end;
        long value = strtol(text, &end, 10);

        if (g->n == GAPS_MAX || value > 1000000 || end - text > 7) return 0;
        if (value > 0) g->gap[g->n++] = value;
        text = end;
    }
    qsort(g->gap, (size_t)g->n, sizeof g->gap[0], falling);
    for (int i = 0; i < g->n; i++)
        if (n == 0 || g->gap[i] != g->gap[n - 1]) g->gap[n++] = g->gap[i];
    g->n = n;
    return 1;
}

static void write_gaps(const gaps *g, const char *between, char text[256]) {
    size_t len = 0;

    text[0] = '\0';
    for (int i = 0; i < g->n; i++)
        len += (size_t)snprintf(text + len, 256 - len, "%s%ld", i > 0 ? between : "", g->gap[i]);
}

/* ---- the way of a reply ---------------------------------------------------------------------- */

/* What follows "gaps:" in a line is a candidate. */
static int32_t parse(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    int32_t st = OPRO_OK;

    (void)problem, (void)len, (void)user_data;
    while (st == OPRO_OK && (text = strstr(text, "gaps:")) != NULL) {
        text += strlen("gaps:");
        st = opro_sink_text(sink, text, strcspn(text, "\n"));
    }
    return st;
}

/* One text for all ways to write the same sequence. */
static int32_t canonical(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                         void *user_data) {
    gaps g;
    char out[256];

    (void)problem, (void)len, (void)user_data;
    if (!read_gaps(text, &g))
        return opro_sink_reject(sink, "more than 16 gaps, or one over 1000000", OPRO_ZT);
    write_gaps(&g, " ", out);
    return opro_sink_text(sink, out, OPRO_ZT);
}

static int32_t check(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    gaps g;

    (void)problem, (void)len, (void)user_data;
    read_gaps(text, &g);
    if (g.n == 0 || g.gap[g.n - 1] != 1)
        return opro_sink_reject(sink, "the last gap must be 1, or not all is sorted", OPRO_ZT);
    if (g.gap[0] >= N) return opro_sink_reject(sink, "a gap must be less than 1000", OPRO_ZT);
    return opro_sink_count(sink, 0);
}

/* What the sequence was probably meant to be. */
static int32_t repair(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    gaps g, good = {0, {0}};
    char out[256];

    (void)problem, (void)len, (void)user_data;
    read_gaps(text, &g);
    for (int i = 0; i < g.n && good.n < GAPS_MAX - 1; i++)
        if (g.gap[i] > 1 && g.gap[i] < N) good.gap[good.n++] = g.gap[i];
    good.gap[good.n++] = 1;
    write_gaps(&good, " ", out);
    return opro_sink_text(sink, out, OPRO_ZT);
}

/* How a solution is shown to the model. */
static int32_t render(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                      void *user_data) {
    gaps g;
    char out[256];

    (void)problem, (void)len, (void)user_data;
    read_gaps(text, &g);
    write_gaps(&g, ", then ", out);
    return opro_sink_text(sink, out, OPRO_ZT);
}

/* ---- the score ------------------------------------------------------------------------------- */

/* Shell's sort; returns how many comparisons it needed. */
static long shell_sort(unsigned long *a, const gaps *g) {
    long comparisons = 0;

    for (int k = 0; k < g->n; k++) {
        for (long i = g->gap[k]; i < N; i++) {
            unsigned long value = a[i];
            long at = i;

            for (; at >= g->gap[k]; at -= g->gap[k]) {
                comparisons++;
                if (a[at - g->gap[k]] <= value) break;
                a[at] = a[at - g->gap[k]];
            }
            a[at] = value;
        }
    }
    return comparisons;
}

/* The same random arrays for everybody. */
static double comparisons(const char *text) {
    uint64_t state = 20230907;
    double sum = 0;
    gaps g;

    read_gaps(text, &g);
    for (int i = 0; i < ARRAYS; i++) {
        unsigned long a[N];

        for (int k = 0; k < N; k++)
            a[k] = next_random(&state);
        sum += (double)shell_sort(a, &g);
    }
    return sum / ARRAYS;
}

static int32_t score(opro_run *run, opro_request *request, void *user_data) {
    double value = comparisons(opro_request_text(request, NULL));

    (void)user_data;
    return opro_run_answer_scores(run, opro_request_id(request), &value, 1);
}

/* ---- the proposals --------------------------------------------------------------------------- */

/*
 * Change one gap, drop one, or put one in; a reply as a talkative model would write it, now and
 * then without the 1.
 */
static void invent(const char *parent, uint64_t *state, char reply[512]) {
    gaps g;
    char text[256];
    int at;

    read_gaps(parent, &g);
    at = (int)(next_random(state) % (unsigned long)g.n);
    switch (next_random(state) % 5) {
    case 0:
        if (at < g.n - 1) memmove(g.gap + at, g.gap + at + 1, (size_t)(--g.n - at) * sizeof *g.gap);
        break;
    case 1:
        if (g.n < GAPS_MAX) g.gap[g.n++] = 1 + (long)(next_random(state) % (N / 2));
        break;
    default: g.gap[at] = g.gap[at] * (70 + (long)(next_random(state) % 60)) / 100 + 1;
    }
    write_gaps(&g, ", ", text);
    snprintf(reply, 512, "Fewer passes may help. I would try this:\ngaps: %s\n", text);
}

/* In the place of a language model: opro_request_text(request) is the prompt that it would get. */
static int32_t propose(opro_run *run, opro_request *request, void *user_data) {
    const opro_trajectory *all = opro_run_trajectory(run);
    uint64_t state = opro_request_seed(request);
    int64_t top[5];
    size_t n = opro_trajectory_top(all, top, 5);

    (void)user_data;
    for (size_t i = opro_request_samples(request); i > 0; i--) {
        const char *parent = opro_trajectory_text(all, top[next_random(&state) % n], NULL);
        char reply[512];
        opro_status st;

        invent(parent, &state, reply);
        st = opro_run_answer_text(run, opro_request_id(request), reply, OPRO_ZT);
        if (st < 0) return st;
    }
    return OPRO_OK;
}

/* ---- putting it together --------------------------------------------------------------------- */

static opro_status make_problem(opro_problem **out) {
    opro_problem *p;
    opro_status st = opro_problem_new(&p, NULL);

    if (st < 0) return st;
    opro_problem_set_description(p, "sort 1000 numbers by Shell's sort with few comparisons",
                                 OPRO_ZT);
    opro_problem_set_direction(p, OPRO_MINIMIZE);
    opro_problem_set_score_name(p, "comparisons", OPRO_ZT);
    opro_problem_set_score_range(p, 0, 1e6);
    opro_problem_set_score_display(p, OPRO_DISPLAY_DECIMALS, 0);
    opro_problem_set_parse_fn(p, parse, NULL, NULL);
    opro_problem_set_canonical_fn(p, canonical, NULL, NULL);
    opro_problem_set_check_fn(p, check, NULL, NULL);
    opro_problem_set_repair_fn(p, repair, NULL, NULL);
    opro_problem_set_render_fn(p, render, NULL, NULL);
    st = opro_problem_add_initial(p, "500 250 125 62 31 15 7 3 1", OPRO_ZT); /* Shell, 1959 */
    if (st < 0)
        opro_problem_free(p);
    else
        *out = p;
    return st;
}

/* The wording of the request is ours, since the form of the replies is. */
static opro_status set_wording(opro_driver *driver, opro_problem *problem,
                               const opro_config *config) {
    opro_meta_prompt *wording = NULL;
    opro_status st = opro_meta_prompt_new(&wording, problem, config, NULL);

    if (st == OPRO_OK)
        st = opro_meta_prompt_set_template(
            wording, OPRO_BLOCK_REQUEST,
            "Write a new sequence of gaps with {best_word} {score_name}.\n"
            "The last line of your reply must read \"gaps: \" and the gaps.\n",
            OPRO_ZT);
    if (st == OPRO_OK) st = opro_run_set_meta_prompt(opro_driver_run_handle(driver), wording);
    opro_meta_prompt_free(wording); /* the run has its share */
    return st;
}

static void show(const opro_driver *driver) {
    const opro_trajectory *all = opro_driver_trajectory(driver);
    int64_t best = opro_trajectory_best(all), repaired = 0;

    for (int64_t i = 0; i < opro_trajectory_count(all); i++)
        repaired += (opro_trajectory_flags(all, i) & OPRO_FLAG_REPAIRED) != 0;
    printf("Shell, 1959       %6.0f comparisons\n", comparisons("500 250 125 62 31 15 7 3 1"));
    printf("Hibbard, 1963     %6.0f\n", comparisons("511 255 127 63 31 15 7 3 1"));
    printf("Ciura, 2001       %6.0f\n", comparisons("701 301 132 57 23 10 4 1"));
    printf("found here        %6.0f   with the gaps %s\n", opro_trajectory_score(all, best),
           opro_trajectory_text(all, best, NULL));
    printf("%lld sequences scored, %lld of them repaired; no language model took part\n",
           (long long)opro_trajectory_scored(all), (long long)repaired);
}

int main(void) {
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_optimizer *optimizer = NULL;
    opro_scorer *scorer = NULL;
    opro_driver *driver = NULL;
    opro_status st;

    if ((st = make_problem(&problem)) < 0) goto out;
    if ((st = opro_config_new(&config, NULL)) < 0) goto out;
    if ((st = opro_config_set_int(config, OPRO_OPT_STEPS, 60)) < 0) goto out;
    if ((st = opro_config_set_int(config, OPRO_OPT_REPAIR, 1)) < 0) goto out;
    if ((st = opro_optimizer_new(&optimizer, propose, NULL, NULL, NULL)) < 0) goto out;
    if ((st = opro_scorer_new(&scorer, score, NULL, NULL, NULL)) < 0) goto out;
    if ((st = opro_driver_new(&driver, problem, config, NULL)) < 0) goto out;
    if ((st = opro_driver_set_optimizer(driver, optimizer)) < 0) goto out;
    if ((st = opro_driver_set_scorer(driver, scorer)) < 0) goto out;
    if ((st = set_wording(driver, problem, config)) < 0) goto out;
    if ((st = opro_driver_run(driver)) < 0) goto out;
    show(driver);
out:
    if (st < 0)
        fprintf(stderr, "%s %s\n", opro_status_name(st),
                driver ? opro_error_message(opro_driver_error(driver), NULL) : "");
    opro_driver_free(driver);
    opro_scorer_free(scorer);
    opro_optimizer_free(optimizer);
    opro_config_free(config);
    opro_problem_free(problem);
    return st < 0;
}
