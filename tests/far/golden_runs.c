/* SPDX-License-Identifier: MIT */
/* The golden runs: texts, races, budgets, vectors, permutations, tours, datasets. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "golden.h"

/* ---- scripts --------------------------------------------------------------------------------- */

/* Mostly a new instruction, with all that a model may do wrong, and bytes that are not UTF-8. */
static void say_text(uint64_t key, char reply[REPLY_SIZE]) {
    static const char *const verbs[] = {"Think", "Read", "Count", "Résume", "数える", "Draw"};
    static const char *const manners[] = {"slowly", "twice", "step by step",
                                          "aloud",  "<INS>", "as a child would"};
    const char *verb = verbs[key % 6], *manner = manners[key / 6 % 6];
    unsigned number = (unsigned)(key / 36 % 40);

    switch (key / 1440 % 16) {
    case 0: strcpy(reply, "I have no idea."); break;
    case 1: snprintf(reply, REPLY_SIZE, "<INS>%s</INS>", verb); break;
    case 2: snprintf(reply, REPLY_SIZE, "<INS>%s \xff\xc3 %s</INS>", verb, manner); break;
    case 3: snprintf(reply, REPLY_SIZE, "[%s %s, %u times]", verb, manner, number); break;
    default:
        snprintf(reply, REPLY_SIZE, "Here:\n<INS>%s %s, then the %u other ways.</INS>\nOr not.",
                 verb, manner, number);
    }
}

static void say_vector(uint64_t key, char reply[REPLY_SIZE]) {
    int w = (int)(key % 61) - 20, b = (int)(key / 61 % 61) - 20;

    if (key % 11 == 0)
        snprintf(reply, REPLY_SIZE, "w=%d.5, b = %de1 or so: [%d.5, %de1]", w, b, w, b);
    else
        snprintf(reply, REPLY_SIZE, "Try [1, 2], no, [%d, %d.25]", w, b);
}

/* Eight nodes, not always each once. */
static void say_permutation(uint64_t key, char reply[REPLY_SIZE]) {
    int nodes[8];
    size_t n = (size_t)snprintf(reply, REPLY_SIZE, "<trace>");

    for (int i = 0; i < 8; i++)
        nodes[i] = i;
    for (int i = 7; i > 0; i--) {
        int j = (int)(key % (uint64_t)(i + 1)), swapped = nodes[i];

        key = opro__mix(key);
        nodes[i] = nodes[j];
        nodes[j] = swapped;
    }
    if (key % 5 == 0) nodes[3] = nodes[5];
    for (int i = 0; i < 8; i++)
        n += (size_t)snprintf(reply + n, REPLY_SIZE - n, "%s%d", i ? "," : "", nodes[i]);
    snprintf(reply + n, REPLY_SIZE - n, "</trace>");
}

static uint64_t digest_on(const char *text, size_t len, int32_t set, int64_t instance) {
    uint64_t digest = opro__hash_add(opro__hash_bytes(text, len), (uint64_t)set);

    return opro__hash_add(digest, (uint64_t)instance);
}

/* A thousandth's fraction, whose sums are rounded. */
static double score_any(const char *text, size_t len, int32_t set, int64_t instance) {
    return (double)(digest_on(text, len, set, instance) % 1001) / 1000;
}

/* Right or wrong; some texts are right more often than others. */
static double score_right(const char *text, size_t len, int32_t set, int64_t instance) {
    uint64_t level = 200 + opro__hash_bytes(text, len) % 600;

    return digest_on(text, len, set, instance) % 1000 < level;
}

/* The cost of going through the numbers of a text in their order: for permutations seen blindly. */
static double score_way(const char *text, size_t len, int32_t set, int64_t instance) {
    double sum = 0;
    long last = 0;

    (void)len;
    for (char *end; *text; text = *end ? end + 1 : end) {
        long node = strtol(text, &end, 10);

        sum += (double)(opro__mix((uint64_t)(last < node ? last * 97 + node : node * 97 + last)) %
                        1000) /
               7;
        last = node;
    }
    return sum + set + (double)instance;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static opro_problem *text_problem(size_t train, size_t validation) {
    opro_problem *problem;

    MUST(opro_problem_new(&problem, NULL));
    MUST(opro_problem_set_description(problem, "count the vowels of a word", OPRO_ZT));
    MUST(opro_problem_set_instances(problem, train, validation));
    MUST(opro_problem_add_initial(problem, "Let's think step by step.", OPRO_ZT));
    MUST(opro_problem_add_initial(problem, "", OPRO_ZT));
    for (size_t i = 0; i < train; i++) {
        char input[32], target[32];
        int in = snprintf(input, sizeof input, "word %u", (unsigned)i * 7);
        int to = snprintf(target, sizeof target, "%u", (unsigned)i % 5);

        MUST(opro_problem_add_exemplar(problem, input, (size_t)in, target, (size_t)to));
    }
    return problem;
}

static opro_optimizer *local(opro_problem *problem) {
    opro_optimizer *optimizer;

    MUST(opro_optimizer_new_local(&optimizer, problem, NULL, NULL));
    return optimizer;
}

/* A game of texts, to be changed in a few words. */
static golden_game texts(const char *name, const char *settings, size_t train, size_t validation) {
    return (golden_game){.name = name,
                         .settings = settings,
                         .problem = text_problem(train, validation),
                         .reply = say_text,
                         .score = score_any};
}

static void play_texts(FILE *out) {
    static const char shown[] =
        "steps=14 samples_per_request=3 show_rejected=3 show_feedback=20 "
        "exemplar_choice=current_wrong wrong_score=0.5 temperature_schedule=linear "
        "temperature_end=0.3 position=a_begin question_marks=1 score_display=decimals";
    static const char tight[] = "steps=9 order=random exemplar_choice=accumulated_wrong "
                                "meta_prompt=pretrained max_prompt_tokens=400 tidy=1 "
                                "forbid_digits=1 score_buckets=20 seed=77 max_length=4294967297";
    golden_game game = texts("texts", shown, 12, 4);

    game.troubles = 1;
    golden_play(out, game);
    game = texts("texts, last first", shown, 12, 4);
    game.troubles = 1;
    game.last_first = 1;
    golden_play(out, game);
    golden_play(out, texts("texts, tight", tight, 5, 0));
    game = texts("texts, steady", "mode=steady steps=10 dedup=exact eval_interval=1", 6, 3);
    game.troubles = 1;
    golden_play(out, game);
    game = texts("texts, local", "steps=25 patience=15 max_length=4294967297", 10, 0);
    game.optimizer = local(game.problem);
    golden_play(out, game);
}

static void play_warm_start(FILE *out) {
    golden_game game = texts("texts, warm", "steps=4 target_score=0.95", 3, 0);

    MUST(opro_trajectory_new(&game.start, OPRO_MAXIMIZE, NULL));
    for (int i = 0; i < 30; i++) {
        const double scores[] = {i / 30.0, 1 - i / 31.0, (i * 7 % 11) / 11.0};
        char text[32];
        int len = snprintf(text, sizeof text, "Way %d.", i);

        MUST(opro_trajectory_add(game.start, text, (size_t)len, scores, 3, NULL));
    }
    golden_play(out, game);
}

static void play_races(FILE *out) {
    static const char *const races[][2] = {
        {"race, recommended", "steps=12 race=recommended confirm=on"},
        {"race, cautious", "steps=12 race=cautious race_alpha=0.05 race_block=7"},
        {"race, exact", "steps=12 race=exact confirm=on seed=5"},
    };

    for (size_t i = 0; i < sizeof races / sizeof *races; i++) {
        golden_game game = texts(races[i][0], races[i][1], 100, 40);

        game.score = score_right;
        game.last_first = i == 1;
        golden_play(out, game);
    }
}

static void play_budgets(FILE *out) {
    static const char *const budgets[][2] = {
        {"budget of calls", "max_scorer_calls=500 race=recommended"},
        {"budget of replies", "max_proposals=51 mode=steady"},
        {"budget of tokens", "max_tokens=30000 max_reply_tokens=200"},
        {"budget of money", "max_cost=90000 prompt_price=900000 reply_price=3000000 score_cost=3"},
        {"failures", "max_failures=2 steps=40"},
    };

    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        golden_game game = texts(budgets[i][0], budgets[i][1], 30, 0);

        game.troubles = i > 1;
        golden_play(out, game);
    }
}

/* ---- datasets -------------------------------------------------------------------------------- */

static void play_dataset(FILE *out) {
    golden_game game = {.name = "dataset",
                        .settings =
                            "steps=6 exemplar_choice=random_published max_scorer_calls=4000",
                        .reply = say_text,
                        .score = score_right};
    opro_dataset *dataset;

    MUST(opro_dataset_new(&dataset, NULL));
    for (int i = 0; i < 120; i++) {
        char line[200];
        int len = snprintf(line, sizeof line,
                           "{\"question\": \"What is %d + \\u00e9?\", \"answer\": %d.50, "
                           "\"options\": [\"A)%d\", \"B)none\"]}\n",
                           i, i, i);

        MUST(opro_dataset_read(dataset, line, (size_t)len, OPRO_LAYOUT_JSONL));
    }
    MUST(opro_dataset_split_published(dataset, 0.4, 0.3));
    MUST(opro_problem_new_dataset(&game.problem, dataset, NULL));
    MUST(opro_problem_add_initial(game.problem, "Add.", OPRO_ZT));
    golden_print(out, "dataset, digest", opro_dataset_digest(dataset));
    opro_dataset_free(dataset);
    golden_play(out, game);
}

/* ---- vectors --------------------------------------------------------------------------------- */

static void play_regression(FILE *out) {
    static const double x[] = {1, 2, 3.5, 4, 5.25, -6, 7.125}, y[] = {18, 33, 55, 64, 82, -85, 110};
    static const char *const names[] = {"w", "b"};
    golden_game game = {.name = "regression",
                        .settings = "steps=12 repair=1 candidates_per_reply=2",
                        .reply = say_vector};

    MUST(opro_problem_new_regression(&game.problem, -20, 20, NULL));
    MUST(opro_vector_set_names(game.problem, names, 2));
    MUST(opro_scorer_new_regression(&game.scorer, x, y, sizeof x / sizeof *x, NULL));
    golden_play(out, game);
}

static void play_function(FILE *out, const char *name, int32_t function, size_t n,
                          const char *settings) {
    golden_game game = {.name = name, .settings = settings};

    MUST(opro_problem_new_function(&game.problem, function, n, NULL));
    MUST(opro_scorer_new_function(&game.scorer, function, NULL));
    game.optimizer = local(game.problem);
    golden_play(out, game);
}

/* ---- permutations ---------------------------------------------------------------------------- */

static void play_permutations(FILE *out) {
    golden_game game = {.name = "permutation",
                        .settings = "steps=15 repair=1",
                        .reply = say_permutation,
                        .score = score_way};

    MUST(opro_problem_new_permutation(&game.problem, 8, OPRO_PERMUTATION_CYCLE, NULL));
    golden_play(out, game);
    game = (golden_game){.name = "permutation, local", .settings = "steps=30", .score = score_way};
    MUST(opro_problem_new_permutation(&game.problem, 14, OPRO_PERMUTATION_TOUR, NULL));
    game.optimizer = local(game.problem);
    golden_play(out, game);
    game = (golden_game){.name = "sequence, local", .settings = "steps=20", .score = score_way};
    MUST(opro_problem_new_permutation(&game.problem, 30, OPRO_PERMUTATION_ORDER, NULL));
    game.optimizer = local(game.problem);
    golden_play(out, game);
}

/* ---- tours ----------------------------------------------------------------------------------- */

/* n places, coordinates with two decimals, none of them larger than 90. */
static opro_tour *tour_of(size_t n, int32_t metric) {
    double x[400], y[400];
    opro_tour *tour;

    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(opro__mix(2 * i) % 16000) / 100 - 80;
        y[i] = (double)(opro__mix(2 * i + 1) % 16000) / 100 - 80;
    }
    MUST(opro_tour_new(&tour, NULL));
    MUST(opro_tour_set_points(tour, metric, x, y, n));
    return tour;
}

static void play_tour(FILE *out, const char *name, size_t n, int32_t metric, const char *settings) {
    golden_game game = {.name = name, .settings = settings};
    opro_tour *tour = tour_of(n, metric);

    MUST(opro_problem_new_tour(&game.problem, tour, NULL));
    MUST(opro_scorer_new_tour(&game.scorer, tour, NULL));
    opro_tour_free(tour);
    game.optimizer = local(game.problem);
    golden_play(out, game);
}

static void play_tours(FILE *out) {
    play_tour(out, "tour, EUC_2D", 90, OPRO_METRIC_EUC_2D, "steps=3");
    play_tour(out, "tour, CEIL_2D, blind", 40, OPRO_METRIC_CEIL_2D, "steps=25 polish=0");
    play_tour(out, "tour, ATT", 35, OPRO_METRIC_ATT, "steps=8");
    play_tour(out, "tour, GEO", 35, OPRO_METRIC_GEO, "steps=8");
    play_tour(out, "tour, not rounded", 50, OPRO_METRIC_EUCLIDEAN, "steps=6");
    play_tour(out, "tour, great circle", 35, OPRO_METRIC_GREAT_CIRCLE, "steps=8");
}

void golden_runs(FILE *out) {
    play_texts(out);
    play_warm_start(out);
    play_races(out);
    play_budgets(out);
    play_dataset(out);
    play_regression(out);
    play_function(out, "sphere", OPRO_FUNCTION_SPHERE, 12, "steps=30");
    play_function(out, "rosenbrock", OPRO_FUNCTION_ROSENBROCK, 5, "steps=60 local_restart=8");
    play_function(out, "rosenbrock, paper", OPRO_FUNCTION_ROSENBROCK_PAPER, 2, "steps=30 seed=3");
    play_function(out, "ackley", OPRO_FUNCTION_ACKLEY, 6, "steps=30");
    play_function(out, "rastrigin", OPRO_FUNCTION_RASTRIGIN, 6, "steps=30");
    play_permutations(out);
    play_tours(out);
}
