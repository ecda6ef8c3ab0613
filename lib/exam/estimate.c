/* SPDX-License-Identifier: MIT */
/*
 * What a run will use, before it does, reckoned three times. LOW: every proposal was met before,
 * and replies are one token long. HIGH: every proposal is new, every candidate is scored on all
 * examples, replies are as long as they may be. LIKELY: by the figures below.
 *
 * Proposals and scorer calls are between LOW and HIGH whatever the models say, if the run comes to
 * its end; so are tokens, as far as tokenizers are of the usual kind. Calls that fail and are sent
 * again come on top, and what a cache answers is not paid.
 */
#include "estimate.h"

#include <math.h>

#include "core/confirm.h"
#include "core/race.h"

/* What is likely. */
#define BARREN      0.25 /* share of replies without a new candidate       */
#define WHOLE       0.15 /* share of candidates that no race drops         */
#define INSTRUCTION 30   /* tokens of an instruction                       */
#define PROPOSAL    60   /* tokens of a reply with one                     */
#define ANSWER      150  /* tokens of an answer                            */
#define VERDICT     10   /* tokens of an answer to a second question       */
#define SUFFIX      10   /* tokens of the second question itself           */
#define TEMPLATE    40   /* most tokens that an endpoint adds to a request */

enum { LOW, LIKELY, HIGH, LEVELS };
enum { PROPOSALS, CALLS, PROMPT, REPLY, COST, FIGURES };

typedef struct usage {
    double of[FIGURES];
} usage;

/* Millionths per million tokens; cached: of those that an endpoint has read before. */
typedef struct prices {
    int64_t prompt, reply, cached;
} prices;

typedef struct plan {
    opro__options options, exam;
    opro__sizes sizes;
    double train, validation, initial; /* how many */
    double samples;                    /* of a step */
    int sampled, proposes, judges;
    prices optimizer, scorer, judge;
    usage fixed[LEVELS]; /* before the first step and after the last */
    usage step[LEVELS];  /* in each of them */
    double steps[LEVELS];
} plan;

static double least(double a, double b) {
    return a < b ? a : b;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* An English word with its blank has five bytes, a Chinese letter three; both are about a token. */
static double tokens_of(opro__size s, int level) {
    return level == LOW ? s.bytes / 8 : level == LIKELY ? s.bytes / 4 : s.tokens * 1.1;
}

/* ... with what an endpoint puts around messages. */
static double request_of(opro__size s, int level) {
    if (level == LOW) return tokens_of(s, level);
    return tokens_of(s, level) + (level == LIKELY ? 4 * s.messages : 8 * s.messages + TEMPLATE);
}

static double reply_of(int level, double likely, double most) {
    return level == LOW ? 1 : level == LIKELY ? least(likely, most) : most;
}

/* Of an instruction that is yet to be found. */
static double instruction_of(const plan *p, int level) {
    double letters = (double)OPRO__INT(&p->options, MAX_LENGTH);
    double most = (double)OPRO__INT(&p->options, MAX_REPLY_TOKENS);

    return reply_of(level, INSTRUCTION, letters > 0 ? least(letters, most) : most);
}

/* n requests; what they cost is rounded up. */
static void add_requests(usage *u, int level, double n, double prompt, double reply, prices price) {
    double read = (double)(level == LOW ? price.cached : price.prompt);
    double cost = (prompt * read + reply * (double)price.reply) / 1e6;

    u->of[PROMPT] += n * prompt;
    u->of[REPLY] += n * reply;
    u->of[COST] += n * (cost + (level == HIGH && cost > 0));
}

/* ---- scoring --------------------------------------------------------------------------------- */

/* Scorer calls on examples of a set, with an instruction of so many tokens. */
static void add_calls(const plan *p, usage *u, int level, double n, int set, double instruction) {
    const opro__sizes *s = &p->sizes;
    double most = (double)OPRO__INT(&p->exam, EXAM_SECOND_TOKENS);
    double prompt = request_of(s->question[set], level) + s->occurrences * instruction;
    double reply = reply_of(level, ANSWER, (double)OPRO__INT(&p->exam, EXAM_MAX_TOKENS));
    double second = reply_of(level, VERDICT, most);

    u->of[CALLS] += n;
    add_requests(u, level, n, prompt, reply, p->scorer);
    if (OPRO__INT(&p->exam, EXAM_SECOND_QUESTION))
        add_requests(u, level, n, prompt + reply + (level == LOW ? 0 : SUFFIX), second, p->scorer);
    if (p->judges)
        add_requests(u, level, n, request_of(s->judged[set], level) + reply, second, p->judge);
}

static int races(const plan *p) {
    int64_t race = OPRO__INT(&p->options, RACE);

    return race != OPRO_RACE_OFF && (race != OPRO_RACE_AUTO || p->sampled) && p->train >= 2;
}

/*
 * The share of the training examples on which a candidate is scored, by simulation with several
 * kinds of candidates; between the rows in proportion.
 */
static double race_share(const plan *p) {
    static const struct {
        double examples, recommended, cautious, exact;
    } rows[] = {{20, 0.5, 0.7, 0.57},
                {50, 0.41, 0.62, 0.57},
                {200, 0.36, 0.6, 0.69},
                {1000, 0.21, 0.46, 0.73}};
    int64_t race = OPRO__INT(&p->options, RACE);
    double at[sizeof rows / sizeof *rows], n = p->train;
    size_t i = 0, last = sizeof rows / sizeof *rows - 1;
    int exact = OPRO__REAL(&p->options, RACE_ALPHA) == 0 || n < OPRO__RACE_FEW;

    if (!races(p)) return 1;
    for (size_t k = 0; k <= last; k++)
        at[k] = exact || race == OPRO_RACE_EXACT ? rows[k].exact
                : race == OPRO_RACE_CAUTIOUS     ? rows[k].cautious
                                                 : rows[k].recommended;
    while (i < last && rows[i + 1].examples < n)
        i++;
    if (n <= rows[0].examples || i == last) return at[n <= rows[0].examples ? 0 : last];
    return at[i] +
           (at[i + 1] - at[i]) * (n - rows[i].examples) / (rows[i + 1].examples - rows[i].examples);
}

/* Candidates of a step that are scored, and of them those scored on all training examples. */
static double candidates_of(const plan *p, int level) {
    double again = (double)OPRO__INT(&p->options, RESAMPLE_LIMIT);
    double most = p->samples * (double)OPRO__INT(&p->options, CANDIDATES_PER_REPLY);

    if (level == LOW) return 0;
    return level == HIGH ? most : most * (1 - BARREN * (again > 0 ? BARREN : 1));
}

static double whole_of(const plan *p, int level) {
    return candidates_of(p, level) * (level == LIKELY && races(p) ? WHOLE : 1);
}

/* Candidates of every so many-th step are validated, if they are scored on all. */
static double validated(const plan *p) {
    int64_t interval = OPRO__INT(&p->options, EVAL_INTERVAL);

    return interval && p->validation > 0 ? 1 / (double)interval : 0;
}

static void add_scoring(const plan *p, usage *u, int level) {
    double share = level == LIKELY ? race_share(p) : 1;

    add_calls(p, u, level, candidates_of(p, level) * share * p->train, 0, instruction_of(p, level));
    add_calls(p, u, level, whole_of(p, level) * validated(p) * p->validation, 1,
              instruction_of(p, level));
}

/* Initial solutions; some may be the same. */
static void add_initial(const plan *p, usage *u, int level) {
    double n = level == LOW ? least(p->initial, 1) : p->initial;
    double instruction = level == LOW ? 0 : tokens_of(p->sizes.initial, level);

    add_calls(p, u, level, n * p->train, 0, instruction);
    if (validated(p) > 0) add_calls(p, u, level, n * p->validation, 1, instruction);
    if (level == HIGH) /* of the steps that are validated there may be one more than the share */
        add_calls(p, u, level, whole_of(p, level) * ceil(validated(p)) * p->validation, 1,
                  instruction_of(p, level));
}

static void add_confirm(const plan *p, usage *u, int level) {
    int64_t confirm = OPRO__INT(&p->options, CONFIRM);

    if (confirm == OPRO_CONFIRM_OFF || (confirm == OPRO_CONFIRM_AUTO && !p->sampled)) return;
    if (level == LOW) return; /* it may be that there is but one, and that it was validated */
    add_calls(p, u, level, (double)opro__confirm_most(OPRO__CONFIRM_MOST, (size_t)p->validation), 1,
              instruction_of(p, level));
}

/* ---- proposing ------------------------------------------------------------------------------- */

static double samples_of(const plan *p, int level) {
    double more = level == LIKELY ? BARREN : level == HIGH ? 1 : 0, n = p->samples;
    double share = n;

    for (int64_t i = OPRO__INT(&p->options, RESAMPLE_LIMIT); i > 0 && share >= 0.01; i--)
        n += share *= more;
    return n;
}

/* Several replies by one request, if the endpoint can do that. */
static double requests_of(const plan *p, int level) {
    double together = (double)OPRO__INT(&p->options, SAMPLES_PER_REQUEST);
    double most = (double)OPRO__INT(&p->options, MODEL_MOST_SAMPLES);

    together = least(together > 0 ? least(together, p->samples) : p->samples, most);
    if (level == HIGH || OPRO__INT(&p->options, MODEL_SAMPLES) == OPRO_SAMPLING_SINGLY)
        return samples_of(p, level);
    return ceil(p->samples / together) +
           (level == LIKELY && OPRO__INT(&p->options, RESAMPLE_LIMIT) > 0);
}

/* Solutions that a meta-prompt shows: half of all that there will be, up to the limit. */
static double shown_of(const plan *p, int level) {
    double most = (double)OPRO__INT(&p->options, SHOWN_SOLUTIONS);
    double steps = (double)OPRO__INT(&p->options, STEPS);

    if (level == LOW) return 0;
    if (steps <= 0) return most;
    return least(most,
                 p->initial + candidates_of(p, level) * (level == LIKELY ? steps / 2 : steps));
}

static double prompt_of(const plan *p, int level) {
    double entry = tokens_of(p->sizes.entry, level) + instruction_of(p, level);
    double n = request_of(level == HIGH ? p->sizes.most : p->sizes.meta, level);
    double most = (double)OPRO__INT(&p->options, MAX_PROMPT_TOKENS);

    if (level != LOW) {
        n += (double)OPRO__INT(&p->options, SHOW_REJECTED) * entry;
        entry += (double)OPRO__INT(&p->options, SHOW_FEEDBACK) / 4;
    }
    n += shown_of(p, level) * entry;
    return most > 0 ? least(n, most + TEMPLATE) : n;
}

static void add_proposals(const plan *p, usage *u, int level) {
    double n = samples_of(p, level), requests = requests_of(p, level);
    double reply = reply_of(level, PROPOSAL, (double)OPRO__INT(&p->options, MAX_REPLY_TOKENS));

    u->of[PROPOSALS] += n;
    if (!p->proposes) return;
    add_requests(u, level, requests, prompt_of(p, level), n / requests * reply, p->optimizer);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A budget, and the figures that it limits together. */
static const struct {
    int row;
    int figures[2];
    int exact; /* it is never overshot */
} budgets[] = {{OPRO__ROW_MAX_PROPOSALS, {PROPOSALS, PROPOSALS}, 1},
               {OPRO__ROW_MAX_SCORER_CALLS, {CALLS, CALLS}, 1},
               {OPRO__ROW_MAX_TOKENS, {PROMPT, REPLY}, 0},
               {OPRO__ROW_MAX_COST, {COST, COST}, 0}};

#define BUDGETS (sizeof budgets / sizeof *budgets)

static double sum_of(const usage *u, const int figures[2]) {
    return u->of[figures[0]] + (figures[1] != figures[0] ? u->of[figures[1]] : 0);
}

/* At the LOW level each step uses as much of the budgets as it can, and the other way round. */
static double steps_of(const plan *p, int level) {
    int64_t limit = OPRO__INT(&p->options, STEPS), patience = OPRO__INT(&p->options, PATIENCE);
    double steps = limit ? (double)limit : INFINITY;
    int other = HIGH - level;

    if (level == LOW && patience) steps = least(steps, (double)patience);
    if (level == LOW &&
        (!isnan(OPRO__REAL(&p->options, TARGET_SCORE)) || OPRO__INT(&p->options, MAX_TIME_MS)))
        return 0;
    for (size_t i = 0; i < BUDGETS; i++) {
        double max = (double)p->options.values[budgets[i].row].i;
        double room = max - sum_of(&p->fixed[other], budgets[i].figures);
        double each = sum_of(&p->step[other], budgets[i].figures);

        if (max > 0 && each > 0) steps = least(steps, room > 0 ? room / each : 0);
    }
    return level == LOW ? floor(steps) : steps;
}

static void reckon(plan *p) {
    for (int level = 0; level < LEVELS; level++) {
        add_initial(p, &p->fixed[level], level);
        add_confirm(p, &p->fixed[level], level);
        add_proposals(p, &p->step[level], level);
        add_scoring(p, &p->step[level], level);
    }
    for (int level = 0; level < LEVELS; level++)
        p->steps[level] = steps_of(p, level);
    for (size_t i = 0; i < BUDGETS; i++) { /* it may be too small for a beginning */
        double max = (double)p->options.values[budgets[i].row].i;

        if (max > 0 && max < sum_of(&p->fixed[HIGH], budgets[i].figures))
            p->fixed[LOW] = (usage){{0}};
    }
}

/*
 * A budget is the most there can be; but for scorer calls that nothing was reserved for: those of
 * the steps that are under way when it is used up.
 */
static double within_budget(const plan *p, int level, int figure, double n) {
    double under_way = OPRO__INT(&p->options, MODE) == OPRO_MODE_STEADY
                           ? (double)OPRO__INT(&p->options, STEADY_CANDIDATES)
                           : 1;

    for (size_t i = 0; i < BUDGETS; i++) {
        double max = (double)p->options.values[budgets[i].row].i;

        if (max <= 0 || (budgets[i].figures[0] != figure && budgets[i].figures[1] != figure))
            continue;
        if (level == HIGH && !budgets[i].exact)
            max += sum_of(&p->fixed[level], budgets[i].figures) +
                   under_way * sum_of(&p->step[level], budgets[i].figures);
        n = least(n, max);
    }
    return n;
}

static double total(const plan *p, int level, int figure) {
    double each = p->step[level].of[figure];
    double n = p->fixed[level].of[figure] + (each > 0 ? p->steps[level] * each : 0);

    return within_budget(p, level, figure, n);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static opro_status check(opro_examiner *examiner, const opro_problem *problem, const plan *p) {
    size_t train, validation;
    int ends = OPRO__INT(&p->options, STEPS) > 0;

    opro_dataset_split_of(examiner->dataset, OPRO_TRAIN, &train);
    opro_dataset_split_of(examiner->dataset, OPRO_VALIDATION, &validation);
    if (train != problem->train || validation != problem->validation)
        return opro__fail(&examiner->err, OPRO_ERR_INVALID,
                          "the problem has %zu training and %zu validation instances, the "
                          "examiner's dataset %zu and %zu examples: it is another one",
                          problem->train, problem->validation, train, validation);
    for (size_t i = 0; i < BUDGETS; i++)
        ends |= p->options.values[budgets[i].row].i > 0;
    if (!ends)
        return opro__fail(&examiner->err, OPRO_ERR_INVALID,
                          "a run without a number of steps, and without a budget of proposals, "
                          "scorer calls, tokens or money, has no end that can be reckoned with");
    return OPRO_OK;
}

static prices prices_of(const plan *p, const opro_model *model) {
    int64_t cached = OPRO__INT(&p->options, MODEL_CACHED_PRICE);
    prices price = {0};

    if (!model) return price;
    opro__model_prices(model, &price.prompt, &price.reply);
    price.cached = cached >= 0 && cached < price.prompt ? cached : price.prompt;
    return price;
}

static opro_status open_plan(plan *p, opro_examiner *examiner, opro_problem *problem,
                             const opro_model *optimizer, const opro_config *config) {
    opro_status st = opro__form_ready(&examiner->form, &examiner->err);

    if (st != OPRO_OK) return st;
    *p = (plan){.exam = examiner->options,
                .train = (double)problem->train,
                .validation = (double)problem->validation,
                .initial = (double)problem->n_initial,
                .sampled = problem->sampled,
                .proposes = optimizer != NULL,
                .judges = examiner->judge != NULL};
    opro__options_copy(&p->options, config);
    p->samples = (double)(OPRO__INT(&p->options, MODE) == OPRO_MODE_STEADY
                              ? OPRO__INT(&p->options, STEADY_SAMPLES)
                              : OPRO__INT(&p->options, SAMPLES_PER_STEP));
    st = check(examiner, problem, p);
    if (st != OPRO_OK) return st;
    p->optimizer = prices_of(p, optimizer);
    p->scorer = prices_of(p, examiner->model);
    p->judge = prices_of(p, examiner->judge);
    return opro__estimate_sizes(&p->sizes, examiner, problem, config);
}

static int64_t whole_number(double n) {
    return n < 9.2e18 ? (int64_t)n : INT64_MAX;
}

opro_status opro_examiner_estimate(opro_examiner *examiner, opro_problem *problem,
                                   const opro_model *optimizer, const opro_config *config,
                                   int32_t figure, int64_t *low, int64_t *likely, int64_t *high) {
    static const int32_t figures[FIGURES] = {OPRO_ESTIMATE_PROPOSALS, OPRO_ESTIMATE_SCORER_CALLS,
                                             OPRO_ESTIMATE_PROMPT_TOKENS,
                                             OPRO_ESTIMATE_REPLY_TOKENS, OPRO_ESTIMATE_COST};
    int which = 0;
    double least_n, most_n;
    plan p;
    opro_status st;

    if (!examiner || !problem || !low || !likely || !high) return OPRO_ERR_INVALID;
    st = opro__enter(&examiner->guard, &examiner->err, OPRO__CALL_opro_examiner_estimate);
    if (st != OPRO_OK) return st;
    while (which < FIGURES && figures[which] != figure)
        which++;
    if (which == FIGURES)
        return opro__fail(&examiner->err, OPRO_ERR_INVALID, "there is no figure %d to estimate",
                          (int)figure);
    st = open_plan(&p, examiner, problem, optimizer, config);
    if (st != OPRO_OK && examiner->err.status != st)
        opro__fail(&examiner->err, st, "%s", st == OPRO_ERR_NOMEM ? "out of memory" : "failed");
    if (st != OPRO_OK) return st;
    reckon(&p);
    least_n = floor(total(&p, LOW, which));
    most_n = ceil(total(&p, HIGH, which));
    *low = whole_number(least_n);
    *high = whole_number(most_n);
    *likely = whole_number(fmin(fmax(floor(total(&p, LIKELY, which) + 0.5), least_n), most_n));
    return st;
}
