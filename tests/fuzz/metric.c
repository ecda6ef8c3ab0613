/* SPDX-License-Identifier: MIT */
/*
 * Answer matching. The first line: digits for the kind, the task, decimals, boxed, and the
 * tolerance. Then parts: the reply, the answer, the question, and the pattern (for those kinds
 * that have one).
 */
#include "fuzz.h"
#include "opro/metric.h"

typedef struct matter {
    int32_t kind, task, decimals, boxed;
    double absolute, relative;
    fuzz_text reply, answer, question, pattern;
    int failing;
} matter;

/* What a judgement came to, kept beyond the next one. */
typedef struct judged {
    opro_status st;
    double score;
    char *extracted, *rule;
    size_t len;
} judged;

static void forget(judged *j) {
    free(j->extracted);
    free(j->rule);
}

static char *copy_of(const char *s, size_t len) {
    char *copy = malloc(len + 1);

    if (!copy) abort();
    memcpy(copy, s, len + 1);
    return copy;
}

static int may_fail(const matter *m, opro_status st) {
    switch (st) {
    case OPRO_ERR_NOMEM: return m->failing;
    case OPRO_ERR_FAILED: return m->kind == OPRO_METRIC_REFERENCE;
    case OPRO_ERR_INVALID:
        return m->kind == OPRO_METRIC_NUMBER || m->kind == OPRO_METRIC_CHOICE ||
               m->kind == OPRO_METRIC_CONTAINS;
    default: return 0;
    }
}

static judged judge(opro_metric *metric, const matter *m) {
    const opro_verdict *verdict = NULL;
    judged j = {.score = -1};
    const char *text;

    j.st = opro_metric_judge(metric, m->reply.s, m->reply.len, m->answer.s, m->answer.len,
                             m->question.s, m->question.len, &verdict);
    fuzz_require_error(opro_metric_error(metric), j.st);
    if (j.st != OPRO_OK) {
        REQUIRE(may_fail(m, j.st));
        return j;
    }
    j.score = opro_verdict_score(verdict);
    REQUIRE(j.score >= 0 && j.score <= 1);
    text = opro_verdict_extracted(verdict, &j.len);
    fuzz_require_text(text, j.len);
    j.extracted = copy_of(text, j.len);
    text = opro_verdict_rule(verdict);
    fuzz_require_text(text, strlen(text));
    j.rule = copy_of(text, strlen(text));
    return j;
}

/* The host's own: right when reply and answer are equally long. */
static int32_t host(const opro_metric *metric, const char *reply, size_t reply_len,
                    const char *answer, size_t answer_len, opro_verdict *verdict, void *user_data) {
    (void)metric;
    (void)user_data;
    REQUIRE(reply[reply_len] == '\0' && answer[answer_len] == '\0');
    return opro_verdict_set(verdict, reply_len == answer_len, reply, reply_len, "length");
}

/* NULL: a pattern that is none, or out of memory. */
static opro_metric *make(const matter *m, const opro_allocator *allocator) {
    opro_metric *metric = NULL;
    opro_status st = opro_metric_new(&metric, m->kind, m->task, allocator);

    if (st == OPRO_OK) st = opro_metric_set_tolerance(metric, m->absolute, m->relative);
    if (st == OPRO_OK) st = opro_metric_set_decimals(metric, m->decimals);
    if (st == OPRO_OK) st = opro_metric_set_boxed(metric, m->boxed);
    REQUIRE(st == OPRO_OK || (m->failing && st == OPRO_ERR_NOMEM));
    if (st == OPRO_OK && m->kind == OPRO_METRIC_HOST)
        REQUIRE(opro_metric_set_fn(metric, host, NULL, NULL) == OPRO_OK);
    if (st == OPRO_OK && (m->kind == OPRO_METRIC_REGEX || m->kind == OPRO_METRIC_JSON_FIELD)) {
        st = opro_metric_set_pattern(metric, m->pattern.s, m->pattern.len);
        fuzz_require_error(opro_metric_error(metric), st);
        REQUIRE(st == OPRO_OK || st == OPRO_ERR_PARSE || st == OPRO_ERR_INVALID ||
                (m->failing && st == OPRO_ERR_NOMEM));
    }
    if (st == OPRO_OK) return metric;
    opro_metric_free(metric);
    return NULL;
}

static void require_same(const judged *a, const judged *b) {
    REQUIRE(a->st == b->st && a->score == b->score);
    if (a->st != OPRO_OK) return;
    REQUIRE(fuzz_same(a->extracted, a->len, b->extracted, b->len));
    REQUIRE(strcmp(a->rule, b->rule) == 0);
}

/* A verdict depends on what is judged, and not on what was judged before. */
static void check_again(opro_metric *metric, const matter *m, const judged *first) {
    matter other = *m;
    judged between, again;

    other.reply = m->answer;
    other.answer = m->reply;
    between = judge(metric, &other);
    again = judge(metric, m);
    require_same(first, &again);
    forget(&between);
    forget(&again);
}

/* Whatever it is, it is itself. */
static void check_itself(opro_metric *metric, const matter *m) {
    matter same = *m;
    judged j;

    same.reply = m->answer;
    j = judge(metric, &same);
    if (opro__utf8_valid(m->answer.s, m->answer.len)) REQUIRE(j.score == 1);
    forget(&j);
}

static void check_matter(const matter *m, const opro_allocator *allocator) {
    opro_metric *metric = make(m, allocator);
    judged first;

    if (!metric) return;
    first = judge(metric, m);
    if (!m->failing) check_again(metric, m, &first);
    if (!m->failing && m->kind == OPRO_METRIC_EXACT) check_itself(metric, m);
    forget(&first);
    opro_metric_free(metric);
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    static const double tolerances[][2] = {{0, 1e-9}, {0.5, 0}, {0, 0.1}};
    matter m = {.failing = in->failing};
    size_t tolerance;

    m.kind = OPRO_METRIC_STRICT + 10 * (int32_t)fuzz_digit(in, 9);
    m.task = OPRO_TASK_TEXT + 10 * (int32_t)fuzz_digit(in, 4);
    m.decimals = (int32_t)fuzz_digit(in, 18);
    m.boxed = (int32_t)fuzz_digit(in, 2);
    tolerance = fuzz_digit(in, 3);
    m.absolute = tolerances[tolerance][0];
    m.relative = tolerances[tolerance][1];
    fuzz_line(in);
    m.reply = fuzz_part(in);
    m.answer = fuzz_part(in);
    m.question = fuzz_part(in);
    m.pattern = fuzz_rest(in);
    check_matter(&m, allocator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
