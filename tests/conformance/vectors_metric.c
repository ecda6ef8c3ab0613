/* SPDX-License-Identifier: MIT */
/* Vectors of answer matching. */
#include "base/num.h"
#include "metrics.h"
#include "vectors.h"

typedef struct judge {
    opro__mem mem;
    opro__reference ref;
    opro_error err;
} judge;

static int open_judge(judge *j) {
    if (opro__mem_init(&j->mem, NULL) != OPRO_OK) return 0;
    opro__reference_init(&j->ref, &j->mem, (size_t)1 << 28);
    return 1;
}

static json_t *text_of(opro__piece piece) {
    return json_stringn(piece.len ? piece.s : "", piece.len);
}

json_t *vector_normalize(const json_t *in) {
    const opro__reference_mode mode = mode_of_json(in);
    opro__piece normalized;
    json_t *out = NULL;
    judge j;

    if (!open_judge(&j)) return NULL;
    if (opro__reference_normalize(&j.ref, piece_of_json(in, "raw"), &mode, &normalized, &j.err) ==
        OPRO_OK)
        out = text_of(normalized);
    opro__reference_free(&j.ref);
    return out;
}

static json_t *accuracy(judge *j, const json_t *in, opro__piece guess, int include) {
    const json_t *given = json_object_get(in, "true");
    opro__piece truth = piece_of_json(in, "true");
    char digits[OPRO__NUM_SIZE];
    const char *rule;
    int right;

    if (json_is_number(given))
        truth = (opro__piece){digits, opro__num_format(json_number_value(given), digits)};
    if (opro__reference_accuracy(&j->ref, truth, guess, piece_of_json(in, "input_text"), include,
                                 &right, &rule, &j->err) != OPRO_OK)
        return NULL;
    return json_real(right);
}

json_t *vector_accuracy(const json_t *in) {
    json_t *out;
    judge j;

    if (!open_judge(&j)) return NULL;
    out = accuracy(&j, in, piece_of_json(in, "pred"), json_is_true(json_object_get(in, "include")));
    opro__reference_free(&j.ref);
    return out;
}

/* One round: normalised, then cleaned. Two: the second reply is cleaned, then normalised. */
static json_t *verdict(const json_t *in, int rounds) {
    const opro__reference_mode mode = mode_of_json(in);
    opro__piece reply = piece_of_json(in, rounds == 1 ? "raw" : "second_raw"), parsed;
    json_t *out = NULL, *right;
    judge j;

    if (!open_judge(&j)) return NULL;
    if (rounds == 2) reply = opro__reference_clean(reply);
    if (opro__reference_normalize(&j.ref, reply, &mode, &parsed, &j.err) == OPRO_OK) {
        if (rounds == 1) parsed = opro__reference_clean(parsed);
        right = accuracy(&j, in, parsed, !mode.number);
        if (right) out = json_pack("{s:o, s:o}", "parsed", text_of(parsed), "acc", right);
    }
    opro__reference_free(&j.ref);
    return out;
}

json_t *vector_verdict_one_round(const json_t *in) {
    return verdict(in, 1);
}

json_t *vector_verdict_two_round(const json_t *in) {
    return verdict(in, 2);
}
