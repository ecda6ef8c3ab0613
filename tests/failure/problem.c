/* SPDX-License-Identifier: MIT */
/* Problems of all kinds, set up; and their solutions as numbers. */
#include <stdio.h>
#include <string.h>

#include "world.h"

static int32_t as_it_is(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                        void *user_data) {
    (void)problem, (void)user_data;
    return opro_sink_text(sink, text, len);
}

static int32_t exemplar(const opro_problem *problem, size_t index, opro_sink *sink,
                        void *user_data) {
    (void)problem, (void)index, (void)user_data;
    return opro_sink_text(sink, "in", OPRO_ZT);
}

static void texts(void) {
    static opro_status (*const set[])(opro_problem *, opro_text_fn, void *, opro_destroy_fn) = {
        opro_problem_set_parse_fn,  opro_problem_set_canonical_fn, opro_problem_set_check_fn,
        opro_problem_set_repair_fn, opro_problem_set_polish_fn,    opro_problem_set_render_fn,
    };
    opro_problem *p = make_text_problem();
    const opro_error *error = opro_problem_error(p);

    TRY(error, opro_problem_set_description(p, "say it even better", OPRO_ZT));
    TRY(error, opro_problem_set_direction(p, OPRO_MINIMIZE));
    TRY(error, opro_problem_set_score_range(p, -1, 1));
    TRY(error, opro_problem_set_score_display(p, OPRO_DISPLAY_DECIMALS, 3));
    for (int i = 0; i < 20; i++) {
        char text[32];

        snprintf(text, sizeof text, "start %d", i);
        TRY(error, opro_problem_add_initial(p, text, OPRO_ZT));
    }
    for (int i = 0; i < 12; i++)
        TRY(error, opro_problem_add_exemplar(p, "what?", OPRO_ZT, "that", OPRO_ZT));
    note_problem(p);
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < sizeof set / sizeof *set; i++)
            TRY(error, set[i](p, as_it_is, lend(), returned));
    TRY(error, opro_problem_set_exemplar_fn(p, 5, exemplar, lend(), returned));
    note_problem(p);
}

static void vectors(void) {
    static const double lower[3] = {-5, 0, 2}, upper[3] = {5, 1, 9};
    static const char *const names[3] = {"width", "depth", "n"};
    opro_problem *p;
    double x[3];
    char text[100];
    size_t needed;

    MAKE(problem, p, NULL, opro_problem_new_vector(&p, 3, lower, upper, 0, &scarce));
    TRY(opro_problem_error(p), opro_vector_set_names(p, names, 3));
    TRY_OUT(x, NULL, opro_vector_parse(p, "[width = 1.5, 0.25, 3]", OPRO_ZT, x, 3));
    TRY_OUT(text, NULL, opro_vector_format(p, x, 3, text, sizeof text, &needed));
    note_text(text, needed);
    note_int((int64_t)opro_vector_dimension(p));
    note_problem(p);
}

static void permutations(void) {
    opro_problem *p;
    int32_t nodes[6];
    char text[64];
    size_t needed;

    MAKE(problem, p, NULL, opro_problem_new_permutation(&p, 6, OPRO_PERMUTATION_TOUR, &scarce));
    TRY_OUT(nodes, NULL, opro_permutation_parse(p, "3,1,0,5,2,4", OPRO_ZT, nodes, 6));
    TRY_OUT(text, NULL, opro_permutation_format(p, nodes, 6, text, sizeof text, &needed));
    note_text(text, needed);
    note_int((int64_t)opro_permutation_size(p));
    note_problem(p);
}

static void of_kits(void) {
    static const double x[3] = {1, 2, 3}, y[3] = {2, 4, 6};
    opro_problem *p;
    opro_scorer *scorer;

    MAKE(problem, p, NULL, opro_problem_new_regression(&p, -10, 10, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new_regression(&scorer, x, y, 3, &scarce));
    note_problem(p);
    MAKE(problem, p, NULL, opro_problem_new_function(&p, OPRO_FUNCTION_SPHERE, 4, &scarce));
    MAKE(scorer, scorer, NULL, opro_scorer_new_function(&scorer, OPRO_FUNCTION_SPHERE, &scarce));
    note_problem(p);
}

const scenario problem_scenarios[] = {
    {"a problem of texts", MEMORY, texts},
    {"a problem of vectors", MEMORY, vectors},
    {"a problem of permutations", MEMORY, permutations},
    {"problems of kits", MEMORY, of_kits},
    {NULL, 0, NULL},
};
