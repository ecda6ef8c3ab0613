/* SPDX-License-Identifier: MIT */
/*
 * Templates: text with named placeholders in braces, "{{" and "}}" for literal braces. Compiled
 * once, so that filling one in is nothing but copying.
 */
#ifndef OPRO_CORE_TEMPLATE_H
#define OPRO_CORE_TEMPLATE_H

#include <string.h>

#include "base/buf.h"
#include "base/err.h"

/* A text that belongs to somebody else. */
typedef struct opro__span {
    const char *s;
    size_t len;
} opro__span;

/* Every placeholder there is: {intro} is OPRO__SLOT_INTRO. */
#define OPRO__SLOTS_LIST(X)                                                                        \
    X(INTRO, "intro")                                                                              \
    X(TRAJECTORY, "trajectory")                                                                    \
    X(EXEMPLARS, "exemplars")                                                                      \
    X(FEEDBACK, "feedback")                                                                        \
    X(REJECTED, "rejected")                                                                        \
    X(REQUEST, "request")                                                                          \
    X(DESCRIPTION, "description")                                                                  \
    X(SCORE_NAME, "score_name")                                                                    \
    X(BEST_WORD, "best_word")                                                                      \
    X(LOW, "low")                                                                                  \
    X(HIGH, "high")                                                                                \
    X(OPEN, "open")                                                                                \
    X(CLOSE, "close")                                                                              \
    X(SOLUTION, "solution")                                                                        \
    X(SCORE, "score")                                                                              \
    X(INPUT, "input")                                                                              \
    X(TARGET, "target")                                                                            \
    X(REASON, "reason")                                                                            \
    X(INSTRUCTION, "instruction")                                                                  \
    X(QUESTION, "question")                                                                        \
    X(ANSWER, "answer")                                                                            \
    X(REPLY, "reply")

enum {
#define OPRO__SLOT(id, name) OPRO__SLOT_##id,
    OPRO__SLOTS_LIST(OPRO__SLOT)
#undef OPRO__SLOT
        OPRO__SLOTS,
    OPRO__SLOT_NONE = -1
};

/* Some literal text, and the placeholder behind it. */
typedef struct opro__template_piece {
    opro__span literal;
    int slot; /* OPRO__SLOT_NONE in the last piece */
} opro__template_piece;

typedef struct opro__template {
    char *source; /* as it was given; NULL: never compiled */
    size_t source_len;
    char *literals; /* with OPRO__SLACK readable bytes behind them */
    opro__template_piece *pieces;
    size_t n;     /* at least 1 */
    size_t fixed; /* bytes of literal text */
} opro__template;

/*
 * What may be read behind a literal, and written behind what is put together, to copy without
 * calls.
 */
#define OPRO__SLACK 16

/* A placeholder in a mask. */
#define OPRO__SLOT_BIT(slot) (UINT32_C(1) << OPRO__SLOT_##slot)

/* What a template may have. */
typedef struct opro__slots {
    const char *what;  /* the block, for messages                                             */
    uint32_t allowed;  /* bit 1 << slot for each placeholder that may stand there             */
    uint32_t constant; /* those that always stand for the same: they become literal text      */
    const opro__span
        *values; /* what they stand for: values[slot]                                   */
} opro__slots;

/*
 * Compile a text into *out, whose old contents are freed; *out is as before on failure.
 * OPRO_ERR_PARSE, OPRO_ERR_INVALID (not UTF-8), OPRO_ERR_LIMIT (over 1 MiB, or 1 GiB with what it
 * stands for), OPRO_ERR_NOMEM.
 */
opro_status opro__template_compile(opro__template *out, opro__mem *mem, const char *text,
                                   size_t len, const opro__slots *slots, opro_error *err);
void opro__template_free(opro__template *t, opro__mem *mem);

/*
 * Append the text with its placeholders filled in: values[slot]. No NUL is written; see
 * opro__put().
 */
void opro__template_fill(const opro__template *t, const opro__span *values, opro__buf *out);

/*
 * A literal, which is short as a rule: a copy of a known size needs no call. To: with OPRO__SLACK
 * bytes of room behind.
 */
static inline char *opro__copy_literal(char *to, opro__span literal) {
    if (literal.len <= OPRO__SLACK)
        memcpy(to, literal.s, OPRO__SLACK);
    else
        memcpy(to, literal.s, literal.len);
    return to + literal.len;
}

/*
 * Room for len more bytes and the slack behind them: where they go, or NULL if the buffer must
 * grow first.
 */
static inline char *opro__room(const opro__buf *out, size_t len) {
    if (out->status != OPRO_OK || len > out->max - out->len) return NULL;
    return len + OPRO__SLACK < out->cap - out->len ? out->data + out->len : NULL;
}

/*
 * Append, without a NUL behind it: opro__buf_cut(out, out->len) writes one in the end. Most
 * appends need no call.
 */
static inline void opro__put(opro__buf *out, const char *s, size_t len) {
    if (out->status == OPRO_OK && len < out->cap - out->len && len <= out->max - out->len) {
        if (len) memcpy(out->data + out->len, s, len);
        out->len += len;
    } else {
        opro__buf_add(out, s, len);
    }
}

#endif
