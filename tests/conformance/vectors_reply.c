/* SPDX-License-Identifier: MIT */
/*
 * Vectors of replies: what becomes of one in a run. All that is compared goes through the public
 * functions, with the options by which a run is nearest to the published program.
 */
#include "opro/opro.h"
#include "vectors.h"

/* ---- a run for one reply --------------------------------------------------------------------- */

static int set_all(opro_config *config, const char *const (*options)[2]) {
    static const char *const always[][2] = {
        {"samples_per_step", "1"},
        {"resample_limit", "0"},
        {"max_length", "0"},
        {"forbid_placeholder", "0"},
        {"dedup", "exact"},
        {"polish", "0"},
        {NULL, NULL},
    };

    for (const char *const(*o)[2] = always; (*o)[0]; o++)
        if (opro_config_set(config, (*o)[0], OPRO_ZT, (*o)[1], OPRO_ZT) != OPRO_OK) return 0;
    for (const char *const(*o)[2] = options; (*o)[0]; o++)
        if (opro_config_set(config, (*o)[0], OPRO_ZT, (*o)[1], OPRO_ZT) != OPRO_OK) return 0;
    return 1;
}

/* The candidate that a reply gives: what is to be scored next. */
static json_t *candidate_of(opro_run *run, const json_t *reply) {
    opro_request *request = NULL;
    const char *text;
    size_t len;

    if (opro_run_next(run, 0, &request) != OPRO_OK ||
        opro_run_answer_text(run, opro_request_id(request), json_string_value(reply),
                             json_string_length(reply)) != OPRO_OK)
        return NULL;
    request = NULL;
    if (opro_run_next(run, 0, &request) < 0) return NULL;
    if (!request || opro_request_kind(request) != OPRO_REQUEST_SCORE) return json_null();
    text = opro_request_text(request, &len);
    return json_stringn(text, len);
}

/* null: the reply has none. */
static json_t *read_reply(opro_problem *problem, const char *const (*options)[2],
                          const json_t *reply) {
    opro_config *config = NULL;
    opro_run *run = NULL;
    json_t *out = NULL;

    if (opro_config_new(&config, NULL) == OPRO_OK && set_all(config, options) &&
        opro_run_new(&run, problem, config, NULL) == OPRO_OK)
        out = candidate_of(run, reply);
    opro_run_free(run);
    opro_config_free(config);
    return out;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static json_t *read_text(const json_t *in, const char *kind) {
    const char *const options[][2] = {{"meta_prompt", kind}, {NULL, NULL}};
    opro_problem *problem = NULL;
    json_t *out;

    if (opro_problem_new(&problem, NULL) != OPRO_OK) return NULL;
    out = read_reply(problem, options, json_object_get(in, "reply"));
    opro_problem_free(problem);
    return out;
}

json_t *vector_ins_reply(const json_t *in) {
    return read_text(in, "chat");
}

json_t *vector_bracket_reply(const json_t *in) {
    return read_text(in, "square");
}

/* A list of at most one. */
json_t *vector_text_tag_reply(const json_t *in) {
    json_t *text = read_text(in, "pretrained"), *list;

    if (!text) return NULL;
    list = json_array();
    if (json_is_null(text))
        json_decref(text);
    else
        json_array_append_new(list, text);
    return list;
}

/* The candidate is the text as it is, and then the option tidy. */
static int32_t whole(const opro_problem *problem, const char *text, size_t len, opro_sink *sink,
                     void *user_data) {
    (void)problem, (void)user_data;
    return opro_sink_text(sink, text, len);
}

json_t *vector_polish(const json_t *in) {
    static const char *const options[][2] = {{"tidy", "1"}, {NULL, NULL}};
    opro_problem *problem = NULL;
    json_t *out;

    if (opro_problem_new(&problem, NULL) != OPRO_OK) return NULL;
    opro_problem_set_parse_fn(problem, whole, NULL, NULL);
    out = read_reply(problem, options, json_object_get(in, "text"));
    opro_problem_free(problem);
    return out;
}

/* ---- pairs and tours ------------------------------------------------------------------------- */

static const char *const no_options[][2] = {{NULL, NULL}};

json_t *vector_linreg_reply(const json_t *in) {
    static const char *const names[] = {"w", "b"};
    static const double lower[] = {-100, -100}, upper[] = {100, 100};
    opro_problem *problem = NULL;
    json_t *text, *out = NULL;
    double x[2];

    if (opro_problem_new_vector(&problem, 2, lower, upper, 0, NULL) != OPRO_OK) return NULL;
    opro_vector_set_names(problem, names, 2);
    text = read_reply(problem, no_options, json_object_get(in, "reply"));
    if (json_is_null(text))
        out = json_null();
    else if (text && opro_vector_parse(problem, json_string_value(text), OPRO_ZT, x, 2) == OPRO_OK)
        out = json_pack("[f, f]", x[0], x[1]);
    json_decref(text);
    opro_problem_free(problem);
    return out;
}

json_t *vector_tsp_reply(const json_t *in) {
    opro_tour *tour = vector_places(in);
    opro_problem *problem = NULL;
    json_t *text = NULL, *out = NULL;
    int32_t nodes[VECTOR_PLACES];

    if (!tour || opro_problem_new_tour(&problem, tour, NULL) != OPRO_OK) goto out;
    text = read_reply(problem, no_options, json_object_get(in, "reply"));
    if (json_is_null(text))
        out = json_null();
    else if (text && opro_permutation_parse(problem, json_string_value(text), OPRO_ZT, nodes,
                                            opro_tour_size(tour)) == OPRO_OK)
        out = vector_tour(tour, nodes);
out:
    json_decref(text);
    opro_problem_free(problem);
    opro_tour_free(tour);
    return out;
}
