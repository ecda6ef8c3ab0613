/* SPDX-License-Identifier: MIT */
/* What runs are made of, by itself: which line differs says where to look. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "base/portable.h"
#include "base/rng.h"
#include "golden.h"

#define MANY 4000

/* A double of any bits, finite. */
static double any_real(uint64_t i) {
    uint64_t bits = opro__mix(i);
    double value;

    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : 0;
}

/* A double of everyday size. */
static double plain_real(uint64_t i) {
    return ((double)(opro__mix(i) >> 11) / 4503599627370496.0 - 1) * 1000;
}

static uint64_t numbers_to_text(void) {
    char text[OPRO__NUM_SIZE];
    uint64_t digest = 0;

    for (uint64_t i = 0; i < MANY; i++) {
        digest = opro__hash_add_text(digest, text, opro__num_format(any_real(i), text));
        digest = opro__hash_add_text(digest, text, opro__num_format(plain_real(i), text));
        digest =
            opro__hash_add_text(digest, text, opro__num_fixed(plain_real(i), (int)(i % 18), text));
    }
    return digest;
}

/* Of 15 to 30 digits, where a careless strtod() is wrong in the last bit. */
static uint64_t text_to_numbers(void) {
    uint64_t digest = 0;

    for (uint64_t i = 0; i < MANY; i++) {
        char text[80];
        double value = 0;
        int len =
            snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)opro__mix(i),
                     (unsigned long long)(opro__mix(i + MANY) >> (i % 60)), (int)(i % 600) - 330);

        digest = opro__hash_add(digest, opro__num_parse(text, (size_t)len, &value));
        digest = opro__hash_add_real(digest, value);
    }
    return digest;
}

static uint64_t random_numbers(void) {
    opro__rng rng = opro__rng_make(7, 8, 9);
    uint64_t digest = 0;

    for (int i = 0; i < MANY; i++) {
        digest = opro__hash_add(digest, opro__rng_below(&rng, 1000003));
        digest = opro__hash_add_real(digest, opro__rng_normal(&rng));
    }
    return digest;
}

static uint64_t portable_functions(void) {
    uint64_t digest = 0;

    for (uint64_t i = 0; i < MANY; i++) {
        double x = plain_real(i);

        digest = opro__hash_add_real(digest, opro__portable_exp(x));
        digest = opro__hash_add_real(digest, opro__portable_log(fabs(x) + 1e-9));
        digest = opro__hash_add_real(digest, opro__round_even(x));
    }
    return digest;
}

static uint64_t function_values(int32_t function) {
    uint64_t digest = 0;

    for (uint64_t i = 0; i < MANY; i++) {
        const double x[] = {plain_real(i) / 200, plain_real(i + 1) / 200};

        digest = opro__hash_add_real(digest, opro_function_value(function, x, 2));
    }
    return digest;
}

static void print_function(FILE *out, int32_t function) {
    char name[40];

    snprintf(name, sizeof name, "value of %s", opro_function_name(function));
    golden_print(out, name, function_values(function));
}

static uint64_t weights(int32_t metric) {
    double x[200], y[200];
    uint64_t digest = 0;
    opro_tour *tour;

    for (uint64_t i = 0; i < 200; i++) {
        x[i] = plain_real(i) / 12;
        y[i] = plain_real(i + 500) / 12;
    }
    MUST(opro_tour_new(&tour, NULL));
    MUST(opro_tour_set_points(tour, metric, x, y, 200));
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < 200; j++)
            digest = opro__hash_add_real(digest, opro_tour_weight(tour, i, j));
    opro_tour_free(tour);
    return digest;
}

static uint64_t intervals(void) {
    uint64_t digest = 0;

    for (uint64_t i = 0; i < 500; i++) {
        double scores[20], low, high;

        for (uint64_t k = 0; k < 20; k++)
            scores[k] = i % 2 ? (double)(opro__mix(i * 20 + k) % 2) : plain_real(i * 20 + k);
        MUST(opro_interval(scores, 20, &low, &high));
        digest = opro__hash_add_real(opro__hash_add_real(digest, low), high);
    }
    return digest;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static uint64_t verdicts(int32_t kind, int32_t task) {
    static const char *const replies[] = {"The answer is $1,234.50.",
                                          "#### 1234.5",
                                          "(B)",
                                          "the correct option is (a).",
                                          "\\boxed{7/2} is it",
                                          "Yes, İSTANBUL is \xff Valid",
                                          "1.2345e3 - 1e-9",
                                          "-.5%",
                                          "Between 3 and 4",
                                          "So the final answer is B) Rome",
                                          "True",
                                          ""};
    static const char *const answers[] = {"1234.5", "(B)", "yes", "B", "-0.5", "İstanbul is"};
    uint64_t digest = 0;
    opro_metric *metric;

    MUST(opro_metric_new(&metric, kind, task, NULL));
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        for (size_t k = 0; k < sizeof answers / sizeof *answers; k++) {
            const opro_verdict *verdict = NULL;
            opro_status st = opro_metric_judge(metric, replies[i], OPRO_ZT, answers[k], OPRO_ZT,
                                               "Which? (A) Paris (B) Rome", OPRO_ZT, &verdict);
            size_t len;
            const char *extracted;

            digest = opro__hash_add(digest, (uint64_t)st);
            if (st != OPRO_OK) continue;
            extracted = opro_verdict_extracted(verdict, &len);
            digest = opro__hash_add_text(digest, extracted, len);
            digest = opro__hash_add_real(digest, opro_verdict_score(verdict));
        }
    opro_metric_free(metric);
    return digest;
}

static void print_verdicts(FILE *out) {
    static const int32_t kinds[] = {OPRO_METRIC_STRICT, OPRO_METRIC_REFERENCE, OPRO_METRIC_EXACT,
                                    OPRO_METRIC_CONTAINS};
    static const int32_t tasks[] = {OPRO_TASK_TEXT, OPRO_TASK_NUMBER, OPRO_TASK_BOOL,
                                    OPRO_TASK_CHOICE};
    uint64_t digest = verdicts(OPRO_METRIC_NUMBER, OPRO_TASK_NUMBER);

    digest = opro__hash_add(digest, verdicts(OPRO_METRIC_CHOICE, OPRO_TASK_CHOICE));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t k = 0; k < sizeof tasks / sizeof *tasks; k++)
            digest = opro__hash_add(digest, verdicts(kinds[i], tasks[k]));
    golden_print(out, "verdicts", digest);
}

void golden_values(FILE *out) {
    static const struct {
        const char *name;
        int32_t metric;
    } metrics[] = {
        {"weights, EUC_2D", OPRO_METRIC_EUC_2D},
        {"weights, CEIL_2D", OPRO_METRIC_CEIL_2D},
        {"weights, ATT", OPRO_METRIC_ATT},
        {"weights, GEO", OPRO_METRIC_GEO},
        {"weights, not rounded", OPRO_METRIC_EUCLIDEAN},
        {"weights, great circle", OPRO_METRIC_GREAT_CIRCLE},
    };

    golden_print(out, "numbers to text", numbers_to_text());
    golden_print(out, "text to numbers", text_to_numbers());
    golden_print(out, "random numbers", random_numbers());
    golden_print(out, "exp and log", portable_functions());
    golden_print(out, "intervals", intervals());
    for (int32_t f = OPRO_FUNCTION_SPHERE; opro_function_name(f); f += 10)
        print_function(out, f);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        golden_print(out, metrics[i].name, weights(metrics[i].metric));
    print_verdicts(out);
}
