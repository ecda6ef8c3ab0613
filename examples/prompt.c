/* SPDX-License-Identifier: MIT */
/*
 * Look for the instruction with which a model answers the questions of a dataset best: a language
 * model proposes instructions, another one (or the same) is examined with each of them.
 */
#include "prompt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"

#define START "Let's solve the problem."

const opro_run *prompt_run(const prompt_task *t) {
    return opro_driver_run_handle(t->p->driver);
}

const opro_trajectory *prompt_trajectory(const prompt_task *t) {
    return opro_driver_trajectory(t->p->driver);
}

const char *prompt_winner(const prompt_task *t) {
    return opro_trajectory_text(prompt_trajectory(t), t->winner, NULL);
}

/* ---- before the first call ------------------------------------------------------------------- */

/* The problem, and where the search starts. */
static int set_up(prompt_task *t) {
    const program *p = t->p;
    opro_status st = opro_problem_new_dataset(&t->problem, t->s.dataset, NULL);

    if (st == OPRO_ERR_INVALID)
        return program_fail(p, "%s: there are no training examples", p->input);
    if (program_check(p, st, NULL, "setting up")) return 1;
    if (!t->initial.n) t->initial.all[t->initial.n++] = START;
    for (size_t i = 0; i < t->initial.n && st == OPRO_OK; i++)
        st = opro_problem_add_initial(t->problem, t->initial.all[i], OPRO_ZT);
    if (st == OPRO_OK && t->description)
        st = opro_problem_set_description(t->problem, t->description, OPRO_ZT);
    return program_check(p, st, opro_problem_error(t->problem), "setting up");
}

/* Answers that are wanted when the search is over: at least, likely, at most. */
static void count_more(const prompt_task *t, double more[3]) {
    double test = t->test ? (double)split_count(t->s.dataset, OPRO_TEST) : 0;
    double validation = (double)split_count(t->s.dataset, OPRO_VALIDATION);
    double held = test > 0         ? test
                  : validation > 0 ? validation
                                   : (double)split_count(t->s.dataset, OPRO_TRAIN);

    more[ESTIMATE_LOW] = 0; /* it may be that the cache has them all */
    more[ESTIMATE_LIKELY] = test + (t->alone ? 0 : 2 * held);
    more[ESTIMATE_HIGH] = more[ESTIMATE_LIKELY] + validation; /* if the run did not validate it */
}

/* They are as long as those of the run. */
static void add_more(prompt_task *t) {
    double more[3];

    count_more(t, more);
    for (int k = 0; k < 3; k++) {
        double calls = (double)t->estimates[1].n[k];

        for (size_t i = 1; i < ESTIMATES && calls > 0 && calls < (double)INT64_MAX; i++)
            if (t->estimates[i].n[k] < INT64_MAX / 4)
                t->estimates[i].n[k] =
                    (int64_t)((double)t->estimates[i].n[k] * (1 + more[k] / calls));
    }
}

static int make_estimates(prompt_task *t) {
    static const estimate names[ESTIMATES] = {
        {"proposals", "proposals", OPRO_ESTIMATE_PROPOSALS, {0}},
        {"scorer_calls", "answers to score", OPRO_ESTIMATE_SCORER_CALLS, {0}},
        {"prompt_tokens", "tokens read", OPRO_ESTIMATE_PROMPT_TOKENS, {0}},
        {"reply_tokens", "tokens written", OPRO_ESTIMATE_REPLY_TOKENS, {0}},
        {"cost_millionths", "cost", OPRO_ESTIMATE_COST, {0}}};
    const program *p = t->p;
    const opro_model *optimizer = p->by.at.kind == PROPOSER_LOCAL ? NULL : p->by.at.model;

    memcpy(t->estimates, names, sizeof names);
    for (size_t i = 0; i < ESTIMATES; i++) {
        estimate *e = &t->estimates[i];
        opro_status st = opro_examiner_estimate(t->s.examiner, t->problem, optimizer, p->config,
                                                e->figure, &e->n[0], &e->n[1], &e->n[2]);

        if (program_check(p, st, opro_examiner_error(t->s.examiner), "the estimate")) return 1;
    }
    add_more(t);
    return 0;
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void hear(const opro_event *event, void *data) {
    prompt_task *t = data;

    if (t->p->report) prompt_story_hear(&t->story, event);
}

static void write_line(void *data) {
    const prompt_task *t = data;
    const opro_trajectory *all = prompt_trajectory(t);
    double best = opro_trajectory_score(all, opro_trajectory_best(all));

    fprintf(stderr, "step %lld", (long long)opro_trajectory_steps(all));
    if (t->p->steps) fprintf(stderr, "/%lld", (long long)t->p->steps);
    if (!isnan(best)) fprintf(stderr, "   best %.1f %%", 100 * best);
    fputs("   ", stderr);
    scoring_line(&t->s, t->estimates[1].n[ESTIMATE_LIKELY]);
}

/* ---- after the search ------------------------------------------------------------------------ */

/* Training examples that candidates were scored on, and on all of which that would have been. */
static void count_training(prompt_task *t) {
    const opro_trajectory *all = prompt_trajectory(t);

    for (int64_t i = 0; i < opro_trajectory_count(all); i++) {
        if (opro_trajectory_verdict(all, i) != OPRO_VERDICT_SCORED) continue;
        t->train_calls += (int64_t)share_of_candidate(all, i, OPRO_TRAIN).known;
        t->train_calls_full += (int64_t)split_count(t->s.dataset, OPRO_TRAIN);
    }
}

static int is_known(share s) {
    return s.n && s.known == s.n;
}

static void find_winner(prompt_task *t) {
    const opro_trajectory *all = prompt_trajectory(t);

    t->winner = opro_run_winner(prompt_run(t));
    t->train = share_of_candidate(all, t->winner, OPRO_TRAIN);
    t->validation = share_of_candidate(all, t->winner, OPRO_VALIDATION);
    if (!t->validation.n) t->validation.n = split_count(t->s.dataset, OPRO_VALIDATION);
    t->test_share = (share){NAN, NAN, NAN, 0, split_count(t->s.dataset, OPRO_TEST)};
    t->gap[0] = t->gap[1] = t->gap[2] = NAN;
    opro_run_gap(prompt_run(t), &t->gap[0], &t->gap[1], &t->gap[2]);
    t->held = t->test && t->test_share.n ? OPRO_TEST
              : t->validation.n          ? OPRO_VALIDATION
                                         : OPRO_TRAIN;
    count_training(t);
}

static int is_initial(const prompt_task *t, const char *instruction) {
    for (size_t i = 0; i < t->initial.n; i++)
        if (strcmp(t->initial.all[i], instruction) == 0) return 1;
    return 0;
}

/* With what the winner is compared: no instruction at all, and the first start. */
static void choose_comparisons(prompt_task *t) {
    if (t->alone) return;
    if (!is_initial(t, ""))
        t->compared[t->n_compared++] = (comparison){.name = "no instruction", .instruction = ""};
    if (strcmp(t->initial.all[0], prompt_winner(t)) != 0)
        t->compared[t->n_compared++] =
            (comparison){.name = "the start", .instruction = t->initial.all[0]};
}

/* Scores of the winner on the examples that tell: from the run, if it has them. */
static double *winner_scores(const prompt_task *t, size_t *n) {
    opro_exam *exam = t->winner_exam[t->held == OPRO_TEST ? 2 : t->held == OPRO_VALIDATION];

    if (!exam) return share_candidate_scores(prompt_trajectory(t), t->winner, t->held, n);
    *n = opro_exam_count(exam);
    return share_exam_scores(exam);
}

static void compare(prompt_task *t) {
    size_t n;
    double *winner = winner_scores(t, &n);

    for (size_t i = 0; winner && i < t->n_compared; i++) {
        comparison *c = &t->compared[i];
        double *scores = share_exam_scores(c->exam);

        c->right = share_of_exam(c->exam);
        if (scores) c->better = share_difference(scores, winner, n);
        free(scores);
    }
    free(winner);
}

static opro_exam *begin_exam(prompt_task *t, const char *instruction, int32_t set) {
    size_t n;
    const int64_t *examples = opro_dataset_split_of(t->s.dataset, set, &n);

    return scoring_begin(t->p, &t->s, instruction, examples, n);
}

/* Whether the client still has the answers: only those at temperature 0 are kept. */
static int is_cached(const prompt_task *t) {
    const opro_config *config = t->s.config ? t->s.config : t->p->config;
    double temperature = 0;
    int64_t bytes = 0;

    opro_config_get_real(t->p->config, OPRO_OPT_EXAM_TEMPERATURE, &temperature);
    opro_config_get_int(config, OPRO_OPT_MODEL_CACHE_BYTES, &bytes);
    return temperature <= 0 && bytes > 0;
}

/*
 * The winner on what it was not scored on yet, and what it is compared with. For a report the
 * winner is examined on everything, if that need not be paid again.
 */
static int examine(prompt_task *t) {
    static const int32_t sets[] = {OPRO_TRAIN, OPRO_VALIDATION, OPRO_TEST};
    const share known[] = {t->train, t->validation, t->test_share};
    int again = t->p->report && is_cached(t);
    opro_exam *exams[3 + COMPARISONS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        int wanted = (again || !is_known(known[i])) && (sets[i] != OPRO_TEST || t->test);

        if (!known[i].n || !wanted) continue;
        exams[n] = t->winner_exam[i] = begin_exam(t, prompt_winner(t), sets[i]);
        if (!exams[n++]) return 1;
    }
    for (size_t i = 0; i < t->n_compared; i++) {
        exams[n] = t->compared[i].exam = begin_exam(t, t->compared[i].instruction, t->held);
        if (!exams[n++]) return 1;
    }
    if (scoring_wait(t->p, &t->s, exams, n)) return 1;
    if (!is_known(t->validation) && t->winner_exam[1])
        t->validation = share_of_exam(t->winner_exam[1]);
    if (t->winner_exam[2]) t->test_share = share_of_exam(t->winner_exam[2]);
    compare(t);
    return 0;
}

const char *prompt_verdict(const comparison *c) {
    if (!c->better.known) return "not compared with";
    if (c->better.value < 0) return "NOT as good as";
    return c->better.low > 0 ? "better than" : "at least as good as";
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int look_for_it(prompt_task *t) {
    program *p = t->p;
    opro_status st;

    if (set_up(t) || make_estimates(t)) return 1;
    scoring_show_estimates(t->estimates, ESTIMATES);
    if (t->s.dry) return 0;
    st = opro_scorer_new_exam(&t->scorer, t->s.examiner, NULL);
    if (program_check(p, st, opro_examiner_error(t->s.examiner), "starting the scorer")) return 1;
    if (program_run(p, t->problem, t->scorer)) return 1;
    find_winner(t);
    if (program_interrupted()) return 0;
    choose_comparisons(t);
    return examine(t);
}

static void free_task(prompt_task *t) {
    for (size_t i = 0; i < 3; i++)
        opro_exam_free(t->winner_exam[i]);
    for (size_t i = 0; i < t->n_compared; i++)
        opro_exam_free(t->compared[i].exam);
    opro_scorer_free(t->scorer);
    opro_problem_free(t->problem);
    prompt_story_free(&t->story);
    scoring_close(&t->s);
}

int main(int argc, char **argv) {
    /* Answers of the winner are looked at again for a report: they should still be there. */
    static const char *const settings[] = {"model_cache_bytes", "268435456", NULL};
    prompt_task t = {.winner = -1};
    option options[SCORING_OPTIONS + 4];
    program p = {
        .name = "prompt",
        .about = "Look for the instruction with which a language model answers the questions of a\n"
                 "dataset best: one model proposes, the same or another one answers.",
        .options = options,
        .steps = 50,
        .settings = settings,
        .hear = hear,
        .line = write_line,
        .data = &t,
        .by = {.at = {.kind = ENDPOINT_MODEL}, .shared = 1}};
    size_t n = scoring_options(&t.s, &p, options);
    int status;

    options[n++] = (option){"initial", "TEXT",
                            "an instruction to start from; may be repeated\n"
                            "                     (default: \"" START "\")",
                            OPTION_LIST, &t.initial};
    options[n++] = (option){"description", "TEXT", "what the task is, for who proposes",
                            OPTION_TEXT, &t.description};
    options[n++] = (option){"test", NULL, "score the winner on the test examples, once, at the end",
                            OPTION_FLAG, &t.test};
    options[n++] = (option){"no-baseline", NULL,
                            "do not compare the winner with no instruction and with the start",
                            OPTION_FLAG, &t.alone};
    p.n_options = n;
    t.p = &p;
    status = program_open(&p, argc, argv);
    if (status == 0) status = scoring_open(&p, &t.s, t.test);
    if (status == 0) status = look_for_it(&t);
    if (status == 0 && t.winner >= 0) status = prompt_report(&t);
    if (status == 0 && p.json) status = prompt_print_json(&t);
    if (status == 0 && !p.json && t.winner >= 0) prompt_print(&t);
    free_task(&t);
    return program_close(&p, status);
}
