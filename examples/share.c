/* SPDX-License-Identifier: MIT */
#include "share.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

share share_of(const double *scores, size_t n) {
    share s = {NAN, NAN, NAN, 0, n};
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (isnan(scores[i])) continue;
        sum += scores[i];
        s.known++;
    }
    if (s.known) s.value = sum / (double)s.known;
    opro_interval(scores, n, &s.low, &s.high); /* as it was, if it cannot say */
    return s;
}

double *share_exam_scores(const opro_exam *exam) {
    size_t n = opro_exam_count(exam);
    double *scores = malloc((n ? n : 1) * sizeof *scores);

    for (size_t i = 0; scores && i < n; i++)
        scores[i] = opro_exam_score(exam, i);
    return scores;
}

share share_of_exam(const opro_exam *exam) {
    share s = {opro_exam_mean(exam), NAN, NAN, opro_exam_known(exam), opro_exam_count(exam)};

    opro_exam_interval(exam, &s.low, &s.high);
    return s;
}

double *share_candidate_scores(const opro_trajectory *t, int64_t number, int32_t set, size_t *n) {
    double *scores;

    *n = opro_trajectory_scores(t, number, set, NULL, 0);
    scores = malloc((*n ? *n : 1) * sizeof *scores);
    if (scores) opro_trajectory_scores(t, number, set, scores, *n);
    return scores;
}

share share_of_candidate(const opro_trajectory *t, int64_t number, int32_t set) {
    size_t n;
    double *scores = share_candidate_scores(t, number, set, &n);
    share s = {NAN, NAN, NAN, 0, 0};

    if (scores) s = share_of(scores, n);
    free(scores);
    return s;
}

share share_difference(const double *a, const double *b, size_t n) {
    share s = {NAN, NAN, NAN, 0, n};
    double sum = 0, squares = 2; /* one won, one lost */
    double mean, error;

    for (size_t i = 0; i < n; i++) {
        double d = b[i] - a[i];

        if (isnan(d)) continue;
        sum += d;
        squares += d * d;
        s.known++;
    }
    if (!s.known) return s;
    s.value = sum / (double)s.known;
    mean = sum / ((double)s.known + 2);
    error =
        1.959964 * sqrt((squares / ((double)s.known + 2) - mean * mean) / ((double)s.known + 2));
    s.low = fmax(mean - error, -1);
    s.high = fmin(mean + error, 1);
    return s;
}

void share_print(share s) {
    char of[48];

    if (isnan(s.value))
        printf("%8s   %14s", "-", "");
    else if (isnan(s.low))
        printf("%6.1f %%   %14s", 100 * s.value, "");
    else
        printf("%6.1f %%   %5.1f to %5.1f", 100 * s.value, 100 * s.low, 100 * s.high);
    snprintf(of, sizeof of, s.known == s.n ? "%zu" : "%zu/%zu", s.known, s.n);
    printf("  %9s", of);
}

static void put(json_t *object, const char *name, double value) {
    json_object_set_new(object, name, isnan(value) ? json_null() : json_real(value));
}

json_t *share_json(share s) {
    json_t *object = isnan(s.value) ? json_null() : json_object();

    if (isnan(s.value)) return object;
    put(object, "value", s.value);
    put(object, "low", s.low);
    put(object, "high", s.high);
    json_object_set_new(object, "known", json_integer((json_int_t)s.known));
    json_object_set_new(object, "examples", json_integer((json_int_t)s.n));
    return object;
}
