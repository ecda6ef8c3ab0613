/* SPDX-License-Identifier: MIT */
/* One golden run, from its first request to its last digest. */
#include "golden.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"

#define MOST_OPEN      64
#define MOST_INSTANCES 256

typedef struct play {
    const golden_game *game;
    opro_run *run;
    uint64_t digest; /* of all requests, as they came */
    int64_t requests;
} play;

/* ---- making ---------------------------------------------------------------------------------- */

static opro_config *config_of(const char *settings) {
    opro_config *config;

    MUST(opro_config_new(&config, NULL));
    while (*settings) {
        size_t len = strcspn(settings, " "), name = strcspn(settings, "=");

        MUST(opro_config_set(config, settings, name, settings + name + 1, len - name - 1));
        settings += len;
        settings += strspn(settings, " ");
    }
    return config;
}

/* ---- answering ------------------------------------------------------------------------------- */

static uint64_t key_of(const opro_request *request, size_t sample) {
    uint64_t key = opro__hash_add(0, (uint64_t)opro_request_step(request));

    return opro__hash_add(key, opro_request_first_sample(request) + sample);
}

static opro_status answer_sample(const play *p, uint64_t id, uint64_t key, size_t sample) {
    char reply[REPLY_SIZE];

    p->game->reply(key, reply);
    if (p->game->troubles && key % 23 == 0)
        return opro_run_answer_truncated(p->run, id, sample, OPRO_ORIGIN_MODEL, reply, OPRO_ZT);
    if (p->game->troubles && key % 29 == 0)
        return opro_run_answer_refused(p->run, id, sample, OPRO_ORIGIN_MODEL, "no", OPRO_ZT);
    return opro_run_answer_reply(p->run, id, sample, OPRO_ORIGIN_MODEL, reply, OPRO_ZT);
}

static void propose(const play *p, opro_request *request) {
    uint64_t id = opro_request_id(request), key = key_of(request, 1000);
    size_t n = opro_request_samples(request);

    if (p->game->optimizer) {
        MUST(opro_optimizer_propose(p->game->optimizer, p->run, request));
        return;
    }
    MUST(opro_run_answer_usage(p->run, id, 500 + (int64_t)(key % 50), 300, 7000));
    if (p->game->troubles && key % 7 == 0) {
        MUST(opro_run_answer_error(p->run, id, OPRO_ERR_TIMEOUT, "too slow", OPRO_ZT));
        return;
    }
    for (size_t i = 0; i < n; i++)
        MUST(answer_sample(p, id, key_of(request, i), i));
}

static void score(const play *p, opro_request *request) {
    double scores[MOST_INSTANCES];
    uint64_t id = opro_request_id(request), key;
    size_t n, len;
    const int64_t *instances = opro_request_instances(request, &n);
    const char *text = opro_request_text(request, &len);

    if (p->game->scorer) {
        MUST(opro_scorer_score(p->game->scorer, p->run, request));
        return;
    }
    key = opro__hash_bytes(text, len);
    if (p->game->troubles && key % 19 == 0) {
        MUST(opro_run_answer_error(p->run, id, OPRO_ERR_FAILED, "cannot say", OPRO_ZT));
        return;
    }
    if (p->game->troubles && key % 3 == 0)
        MUST(opro_run_answer_feedback(p->run, id, "it lost <b>points</b>", OPRO_ZT));
    for (size_t i = 0; i < n; i++)
        scores[i] = p->game->score(text, len, opro_request_set(request), instances[i]);
    MUST(opro_run_answer_scores(p->run, id, scores, n));
}

static void answer(play *p, opro_request *request) {
    size_t len;
    const char *json = opro_request_json(request, &len);

    p->digest = opro__hash_add_text(p->digest, json, len);
    p->requests++;
    if (opro_request_kind(request) == OPRO_REQUEST_PROPOSE)
        propose(p, request);
    else
        score(p, request);
}

/* ---- playing --------------------------------------------------------------------------------- */

static void play_in_order(play *p) {
    opro_request *request;
    opro_status st;

    while ((st = opro_run_next(p->run, 0, &request)) == OPRO_OK)
        answer(p, request);
    if (st != OPRO_DONE) MUST(st);
}

static void play_last_first(play *p) {
    opro_request *open[MOST_OPEN];
    opro_status st;

    do {
        size_t n = 0;

        while (n < MOST_OPEN && (st = opro_run_next(p->run, 0, &open[n])) == OPRO_OK)
            n++;
        if (st < 0) MUST(st);
        while (n > 0)
            answer(p, open[--n]);
    } while (st != OPRO_DONE);
}

static void report(FILE *out, const play *p) {
    const opro_trajectory *trajectory = opro_run_trajectory(p->run);
    uint64_t results = opro_trajectory_hash(trajectory);

    for (int64_t i = 0; i < opro_trajectory_count(trajectory); i++) {
        size_t len;
        const char *detail = opro_trajectory_detail(trajectory, i, &len);

        results = opro__hash_add_text(results, detail, len);
        results = opro__hash_add(results, (uint64_t)opro_trajectory_origin(trajectory, i));
    }
    for (int64_t step = -1; step < opro_trajectory_steps(trajectory); step++)
        for (int32_t figure = 10; figure <= OPRO_FIGURE_SCORER_CALLS; figure += 10)
            results =
                opro__hash_add_real(results, opro_trajectory_figure(trajectory, step, figure));
    fprintf(out,
            "%-24s %-12s %5" PRId64 " requests %016" PRIx64 " trajectory %016" PRIx64
            " results %016" PRIx64 " state %016" PRIx64 "\n",
            p->game->name, opro_stop_reason_name(opro_run_stop_reason(p->run)), p->requests,
            p->digest, opro_trajectory_hash(trajectory), results, opro_run_state_hash(p->run));
}

void golden_play(FILE *out, golden_game game) {
    opro_config *config = config_of(game.settings);
    play p = {.game = &game};

    MUST(opro_run_new(&p.run, game.problem, config, NULL));
    if (game.start) MUST(opro_run_warm_start(p.run, game.start));
    if (game.last_first)
        play_last_first(&p);
    else
        play_in_order(&p);
    report(out, &p);
    opro_run_free(p.run);
    opro_trajectory_free(game.start);
    opro_scorer_free(game.scorer);
    opro_optimizer_free(game.optimizer);
    opro_problem_free(game.problem);
    opro_config_free(config);
}
