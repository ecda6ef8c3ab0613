/* SPDX-License-Identifier: MIT */
/*
 * Answer matching: one case a line, with a reply, the answer that is wanted, and what the published
 * program makes of them; and, beside it, what the writer of the case meant, which the strict metric
 * is compared with.
 */
#include "metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "opro/opro.h"

/* A share of the cases that the strict metric must judge as they are meant. */
#define STRICT_SHARE 0.99

typedef struct metrics {
    opro__mem mem;
    opro__reference ref;
    tally reference;
    tally strict;
} metrics;

opro__piece piece_of_json(const json_t *line, const char *name) {
    const json_t *value = json_object_get(line, name);

    return (opro__piece){json_string_value(value), json_string_length(value)};
}

static int flag(const json_t *line, const char *name) {
    return json_is_true(json_object_get(line, name));
}

opro__reference_mode mode_of_json(const json_t *line) {
    return (opro__reference_mode){
        .number = flag(line, "treat_as_number"),
        .boolean = flag(line, "treat_as_bool"),
        .boxed = flag(line, "is_gpt_model"),
        .decimals = (int)json_number_value(json_object_get(line, "num_decimals")),
    };
}

/* ---- the published program ------------------------------------------------------------------- */

/* What the reference rules make of a case. */
typedef struct outcome {
    char *normalized; /* for free(); NULL: none */
    char *parsed;
    size_t normalized_len, parsed_len;
    int right; /* 0, 1, -1: it crashes */
    opro_error err;
} outcome;

static char *copy_of(opro__piece text) {
    char *copy = malloc(text.len + 1);

    if (copy) {
        if (text.len) memcpy(copy, text.s, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

static int same_text(const json_t *expected, const char *got, size_t len) {
    const char *text = json_string_value(expected);

    if (!text || !got) return !text && !got;
    return opro__piece_same((opro__piece){text, json_string_length(expected)},
                            (opro__piece){got, len});
}

static void by_pipeline(metrics *m, const json_t *line, outcome *o) {
    opro__reference_mode mode = mode_of_json(line);
    opro__piece normalized, parsed;
    const char *rule;

    if (opro__reference_normalize(&m->ref, piece_of_json(line, "raw_answer"), &mode, &normalized,
                                  &o->err) != OPRO_OK)
        return;
    parsed = opro__reference_clean(normalized);
    o->normalized = copy_of(normalized);
    o->normalized_len = normalized.len;
    o->parsed = copy_of(parsed);
    o->parsed_len = parsed.len;
    if (opro__reference_accuracy(&m->ref, piece_of_json(line, "truth"), parsed,
                                 piece_of_json(line, "input_text"), !mode.number, &o->right, &rule,
                                 &o->err) != OPRO_OK)
        o->right = -1;
}

/*
 * The program's other entrance, for results of other programs: the reply and the truth, which may
 * stand behind a marker, are compared as numbers, or else as texts.
 */
static void by_number_included(metrics *m, const json_t *line, outcome *o) {
    opro__reference_mode mode = mode_of_json(line);
    opro__piece truth = piece_of_json(line, "normalized_truth"), got;
    double a, b;

    if (opro__reference_normalize(&m->ref, piece_of_json(line, "raw_answer"), &mode, &got,
                                  &o->err) != OPRO_OK)
        return;
    o->normalized = copy_of(got);
    o->parsed = copy_of(got);
    o->normalized_len = o->parsed_len = got.len;
    if (mode.number)
        o->right = opro__piece_float(got, &a) && opro__piece_float(truth, &b) && fabs(a - b) < 1e-6;
    else
        o->right = opro__piece_same(got, truth);
}

/* What comes out is valid text without NUL. */
static int same_extracted(opro__mem *mem, const opro_verdict *verdict, const outcome *o) {
    opro__buf repaired;
    int same;

    opro__buf_init(&repaired, mem, (size_t)1 << 28);
    opro__utf8_repair(&repaired, o->parsed, o->parsed_len);
    same = strcmp(opro_verdict_extracted(verdict, NULL), opro__buf_text(&repaired)) == 0;
    opro__buf_free(&repaired);
    return same;
}

/* The same case through the public functions, as far as they can say it. */
static int public_agrees(metrics *m, const json_t *line, const outcome *o) {
    const opro__reference_mode mode = mode_of_json(line);
    const opro__piece question = piece_of_json(line, "input_text");
    const opro__piece truth = piece_of_json(line, "truth"), raw = piece_of_json(line, "raw_answer");
    const int32_t task = mode.number        ? OPRO_TASK_NUMBER
                         : mode.boolean     ? OPRO_TASK_BOOL
                         : question.len > 0 ? OPRO_TASK_CHOICE
                                            : OPRO_TASK_TEXT;
    const opro_verdict *verdict;
    opro_metric *metric;
    opro_status st;
    int agrees;

    if (mode.number && mode.boolean) return 1;
    if (opro_metric_new(&metric, OPRO_METRIC_REFERENCE, task, NULL) != OPRO_OK) return 0;
    opro_metric_set_decimals(metric, mode.decimals);
    opro_metric_set_boxed(metric, mode.boxed);
    st = opro_metric_judge(metric, raw.s, raw.len, truth.s, truth.len, question.s, question.len,
                           &verdict);
    if (st == OPRO_OK)
        agrees = opro_verdict_score(verdict) == o->right && same_extracted(&m->mem, verdict, o);
    else
        agrees = st == OPRO_ERR_FAILED && o->right < 0;
    opro_metric_free(metric);
    return agrees;
}

static int reference_agrees(metrics *m, const json_t *line) {
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *api = json_string_value(json_object_get(line, "api"));
    const json_t *verdict = json_object_get(line, "verdict");
    const int right = json_is_string(verdict) ? -1 : (int)json_number_value(verdict);
    const int pipeline = api && strcmp(api, "pipeline") == 0;
    outcome o = {.right = -1};
    int agrees;

    if (!json_is_null(json_object_get(line, "raw_answer")))
        (pipeline ? by_pipeline : by_number_included)(m, line, &o);
    agrees = same_text(json_object_get(line, "normalized"), o.normalized, o.normalized_len) &&
             same_text(json_object_get(line, "parsed"), o.parsed, o.parsed_len) && o.right == right;
    if (!agrees)
        printf("%s: normalized \"%s\", parsed \"%s\", verdict %d, not \"%s\", \"%s\", %d\n",
               id ? id : "?", o.normalized ? o.normalized : "(none)",
               o.parsed ? o.parsed : "(none)", o.right,
               json_string_value(json_object_get(line, "normalized")),
               json_string_value(json_object_get(line, "parsed")), right);
    if (agrees && pipeline && !public_agrees(m, line, &o)) {
        printf("%s: the public functions disagree\n", id ? id : "?");
        agrees = 0;
    }
    free(o.normalized);
    free(o.parsed);
    return agrees;
}

/* ---- what is meant --------------------------------------------------------------------------- */

static int32_t task_of(const json_t *line) {
    if (flag(line, "treat_as_number")) return OPRO_TASK_NUMBER;
    if (flag(line, "treat_as_bool")) return OPRO_TASK_BOOL;
    return flag(line, "multiple_choice") ? OPRO_TASK_CHOICE : OPRO_TASK_TEXT;
}

static int strict_agrees(const json_t *line, double intended) {
    const opro__piece raw = piece_of_json(line, "raw_answer"), truth = piece_of_json(line, "truth"),
                      question = piece_of_json(line, "input_text");
    const opro_verdict *verdict;
    opro_metric *metric;
    int agrees = 0;

    if (opro_metric_new(&metric, OPRO_METRIC_STRICT, task_of(line), NULL) != OPRO_OK) return 0;
    if (opro_metric_judge(metric, raw.s, raw.len, truth.s, truth.len, question.s, question.len,
                          &verdict) == OPRO_OK)
        agrees = opro_verdict_score(verdict) == intended;
    if (!agrees)
        printf(
            "%s: strict took \"%.60s\" by \"%s\"; wanted is \"%.60s\", meant is %d, the reply is "
            "\"%.100s\"\n",
            json_string_value(json_object_get(line, "id")), opro_verdict_extracted(verdict, NULL),
            opro_verdict_rule(verdict), truth.s, (int)intended, raw.s);
    opro_metric_free(metric);
    return agrees;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void count(tally *t, int agrees) {
    if (agrees)
        t->agree++;
    else
        t->disagree++;
}

static void compare(void *data, const json_t *line) {
    metrics *m = data;
    const json_t *intended = json_object_get(line, "intended");

    count(&m->reference, reference_agrees(m, line));
    if (intended) count(&m->strict, strict_agrees(line, json_number_value(intended)));
}

int each_line(const char *path, line_fn fn, void *data) {
    size_t len, number = 1;
    char *text = read_file(path, &len);
    int bad = 0;

    if (!text) return -1;
    for (char *line = text; line && *line; number++) {
        char *end = strchr(line, '\n');
        json_error_t error;
        json_t *json;

        if (end) *end++ = '\0';
        json = json_loads(line, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
        if (json) {
            fn(data, json);
        } else {
            printf("line %zu: %s\n", number, error.text);
            bad++;
        }
        json_decref(json);
        line = end;
    }
    free(text);
    return bad;
}

int conformance_metrics(const char *path) {
    metrics m = {.reference = {0, 0}};
    int bad, few;
    size_t meant;

    if (opro__mem_init(&m.mem, NULL) != OPRO_OK) return CONFORMANCE_TROUBLE;
    opro__reference_init(&m.ref, &m.mem, (size_t)1 << 28);
    bad = each_line(path, compare, &m);
    opro__reference_free(&m.ref);
    if (bad < 0) return CONFORMANCE_TROUBLE;
    m.reference.disagree += (size_t)bad;
    meant = m.strict.agree + m.strict.disagree;
    few = (double)m.strict.agree < STRICT_SHARE * (double)meant;
    printf("strict: %zu of %zu as they are meant, %.2f %% (at least %.0f %%)%s\n", m.strict.agree,
           meant, meant ? 100.0 * (double)m.strict.agree / (double)meant : 100, 100 * STRICT_SHARE,
           few ? ": too few" : "");
    return tally_print(&m.reference) == CONFORMANCE_AGREE && !few ? CONFORMANCE_AGREE
                                                                  : CONFORMANCE_DISAGREE;
}
