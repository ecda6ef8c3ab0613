/* SPDX-License-Identifier: MIT */
/* The text of one block: an entry, an exemplar, feedback, a rejection. */
#include "meta_prompt_parts.h"

#include "base/utf8.h"
#include "sink.h"

#define REJECTED_MAX 500 /* bytes of a rejected text that are shown: it may be as long as a reply */
#define ELLIPSIS     "..."

opro_status opro__block_ask(opro_meta_prompt *mp, const opro_trajectory *t, int32_t block,
                            int64_t number, opro__buf *buf) {
    const opro__hook *hook = &mp->blocks[block / 10 - 1].hook;
    opro_sink sink;
    opro_status st;
    int32_t returned;

    opro__sink_init(&sink, OPRO__SINK_TEXT, buf);
    opro__callback_begin(&mp->guard, "a block callback");
    returned = ((opro_block_fn)hook->fn)(mp, t, block, number, &sink, hook->user_data);
    opro__callback_end(&mp->guard);
    st = opro__sink_close(&sink, returned, OPRO__SINK_TEXT);
    if (st != OPRO_OK)
        opro__fail(&mp->err, st,
                   "the callback of block %d %s for number %lld: it must deliver one text",
                   (int)block, st == OPRO_ERR_CALLBACK ? "broke its contract" : "failed",
                   (long long)number);
    opro__sink_free(&sink);
    return st;
}

opro__span opro__block_fixed(const opro_meta_prompt *mp, size_t i) {
    const opro__block *block = &mp->blocks[i];

    if (block->hook.fn) return (opro__span){opro__buf_text(&block->answer), block->answer.len};
    return block->template.pieces[0].literal; /* all that it may have is constant */
}

/* ---- values ---------------------------------------------------------------------------------- */

/* The i-th value of a part: the text, or a harmless one instead. */
static opro__span harmless(opro_meta_prompt *mp, unsigned harms, opro__span text, int i) {
    opro__buf *safe = &mp->safe[i];

    if (opro__harmless_plain(&mp->harmless, harms, text.s, text.len)) return text;
    opro__buf_clear(safe);
    opro__harmless_add(&mp->harmless, harms, text.s, text.len, safe);
    return (opro__span){opro__buf_text(safe), safe->len};
}

static opro__span text_of(const opro__buf *buf) {
    return (opro__span){opro__buf_text(buf), buf->len};
}

static opro_status render(opro_meta_prompt *mp, const opro__candidate *c) {
    opro_sink sink;
    opro_status st;
    int rejected;

    opro__callback_begin(&mp->guard, opro__problem_step_name(OPRO__STEP_RENDER));
    st = opro__problem_step(mp->problem, OPRO__STEP_RENDER, c->text, c->len, &sink, &mp->raw[0],
                            &rejected, &mp->err);
    opro__callback_end(&mp->guard);
    opro__sink_free(&sink);
    return st;
}

/* A solution as it is shown. */
static opro_status show_solution(opro_meta_prompt *mp, const opro__candidate *c) {
    opro__span text = {c->text, c->len};

    if (mp->shows == OPRO__SHOWS_RENDERED) {
        opro_status st = render(mp, c);

        if (st != OPRO_OK) return st;
        text = text_of(&mp->raw[0]);
    } else if (mp->shows == OPRO__SHOWS_NAMED) {
        opro__buf_clear(&mp->raw[0]);
        opro__show_vector(&mp->problem->space, c->text, c->len, &mp->raw[0]);
        text = text_of(&mp->raw[0]);
    }
    mp->values[OPRO__SLOT_SOLUTION] = harmless(mp, mp->harms, text, 0);
    return OPRO_OK;
}

/* At most max bytes of a text, with an ellipsis if that is not all; cut is where it then is. */
static opro__span shorten(opro__span text, size_t max, opro__buf *cut) {
    size_t room = max > strlen(ELLIPSIS) ? max - strlen(ELLIPSIS) : max;

    if (text.len <= max) return text;
    opro__buf_clear(cut);
    opro__buf_add(cut, text.s, opro__utf8_cut(text.s, text.len, room));
    if (room < max) opro__buf_addz(cut, ELLIPSIS);
    return text_of(cut);
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Why what a part is made of is not whole: no memory, or else no room; OPRO_OK: it is. */
static opro_status why_incomplete(const opro_meta_prompt *mp) {
    const opro__buf *const bufs[] = {&mp->raw[0], &mp->raw[1], &mp->safe[0], &mp->safe[1]};
    opro_status st = OPRO_OK;

    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        if (st != OPRO_ERR_NOMEM && bufs[i]->status != OPRO_OK) st = bufs[i]->status;
    return st;
}

static opro_status no_bucket(opro_meta_prompt *mp, const opro__candidate *c) {
    return opro__fail(&mp->err, OPRO_ERR_INVALID,
                      "candidate %lu has the score %s, outside the range of its problem, %s to %s; "
                      "state the right range, or show decimals",
                      (unsigned long)c->number, opro__quote_real(c->score).text,
                      opro__quote_real(mp->scale.low).text, opro__quote_real(mp->scale.high).text);
}

/*
 * An entry with a solution that is shown as it is, which nearly all are: one look, one copy. 0 if
 * it is another, or the buffer must grow first.
 */
static int write_plain(opro_meta_prompt *mp, const opro__candidate *c, opro__span score,
                       opro__buf *out) {
    const opro__template *t = &mp->blocks[OPRO__BLOCK(ENTRY)].template;
    size_t need = t->fixed + (t->n - 1) * (c->len > score.len ? c->len : score.len);
    char *to = opro__room(out, need);

    if (!to) return 0;
    for (const opro__template_piece *piece = t->pieces;; piece++) {
        to = opro__copy_literal(to, piece->literal);
        if (piece->slot == OPRO__SLOT_NONE) break;
        if (piece->slot == OPRO__SLOT_SCORE) {
            to = opro__copy_literal(to, score);
        } else {
            if (!opro__harmless_copy(&mp->harmless, mp->harms, c->text, c->len, to)) return 0;
            to += c->len;
        }
    }
    out->len = (size_t)(to - out->data);
    return 1;
}

opro_status opro__write_entry(opro_meta_prompt *mp, const opro__candidate *c, opro__buf *out) {
    char text[1 + OPRO__NUM_SIZE] = "~"; /* marks an estimate */
    int estimated = (c->flags & OPRO_FLAG_PARTIAL) != 0;
    opro__span score = {text + !estimated, 0};
    opro_status st;

    if (mp->scale.display != OPRO_DISPLAY_NONE) {
        score.len = opro__scale_write(&mp->scale, c->score, text + 1);
        if (!score.len) return no_bucket(mp, c);
        score.len += (size_t)estimated;
    }
    if (mp->shows == OPRO__SHOWS_TEXT && write_plain(mp, c, score, out)) return OPRO_OK;
    st = show_solution(mp, c);
    if (st != OPRO_OK) return st;
    mp->values[OPRO__SLOT_SCORE] = score;
    opro__template_fill(&mp->blocks[OPRO__BLOCK(ENTRY)].template, mp->values, out);
    return why_incomplete(mp); /* the next entry begins with empty buffers */
}

/* Its brackets stay: a task may be about brackets. */
static opro_status write_exemplar(opro_meta_prompt *mp, size_t index, opro__buf *out) {
    opro__span input, target;
    size_t input_len = 0;
    opro_status st;

    opro__buf_clear(&mp->raw[0]);
    opro__callback_begin(&mp->guard, "the exemplar callback");
    st = opro__problem_exemplar(mp->problem, index, &mp->raw[0], &input_len, &mp->err);
    opro__callback_end(&mp->guard);
    if (st != OPRO_OK) return st;
    input = target = text_of(&mp->raw[0]);
    input.len = input_len;
    target.s += input_len;
    target.len -= input_len;
    mp->values[OPRO__SLOT_INPUT] =
        harmless(mp, mp->harms & ~(unsigned)OPRO__HARM_BRACKETS, input, 0);
    mp->values[OPRO__SLOT_TARGET] =
        harmless(mp, mp->harms & ~(unsigned)OPRO__HARM_BRACKETS, target, 1);
    opro__template_fill(&mp->blocks[OPRO__BLOCK(EXEMPLAR)].template, mp->values, out);
    return OPRO_OK;
}

static opro_status write_feedback(opro_meta_prompt *mp, const opro__candidate *c, opro__buf *out) {
    opro__span words = {c->extra->feedback, c->extra->feedback_len};
    opro_status st = show_solution(mp, c);

    if (st != OPRO_OK) return st;
    words = shorten(words, (size_t)OPRO__INT(&mp->options, SHOW_FEEDBACK), &mp->raw[1]);
    mp->values[OPRO__SLOT_FEEDBACK] = harmless(mp, mp->harms, words, 1);
    opro__template_fill(&mp->blocks[OPRO__BLOCK(FEEDBACK)].template, mp->values, out);
    return OPRO_OK;
}

/* It may not be legal, so it is not rendered. */
static opro_status write_rejected(opro_meta_prompt *mp, const opro__candidate *c, opro__buf *out) {
    opro__span text = {c->text, c->len};

    text = shorten(text, REJECTED_MAX, &mp->raw[0]);
    mp->values[OPRO__SLOT_SOLUTION] = harmless(mp, mp->harms, text, 0);
    opro__buf_clear(&mp->raw[1]);
    opro__rejected_words(c, &mp->raw[1]);
    mp->values[OPRO__SLOT_REASON] = harmless(mp, mp->harms, text_of(&mp->raw[1]), 1);
    opro__template_fill(&mp->blocks[OPRO__BLOCK(REJECTED)].template, mp->values, out);
    return OPRO_OK;
}

static opro_status write_block(opro_meta_prompt *mp, const opro_trajectory *t, int32_t block,
                               int64_t number, opro__buf *out) {
    opro_status st;

    if (mp->blocks[block / 10 - 1].hook.fn) {
        st = opro__block_ask(mp, t, block, number, &mp->raw[0]);
        if (st == OPRO_OK) opro__put(out, mp->raw[0].data, mp->raw[0].len);
        return st;
    }
    switch (block) {
    case OPRO_BLOCK_EXEMPLAR: return write_exemplar(mp, (size_t)number, out);
    case OPRO_BLOCK_FEEDBACK: return write_feedback(mp, opro__trajectory_at(t, number), out);
    case OPRO_BLOCK_REJECTED: return write_rejected(mp, opro__trajectory_at(t, number), out);
    default: return opro__write_entry(mp, opro__trajectory_at(t, number), out);
    }
}

/* Some buffer is not as it should be: why, and begin anew. */
static opro_status why_failed(opro_meta_prompt *mp, opro__buf *out) {
    opro_status st = why_incomplete(mp);

    if (st != OPRO_ERR_NOMEM && out->status != OPRO_OK) st = out->status;
    mp->raw[0].status = mp->raw[1].status = OPRO_OK;
    mp->safe[0].status = mp->safe[1].status = out->status = OPRO_OK;
    return st;
}

opro_status opro__write_done(opro_meta_prompt *mp, opro_status st, opro__buf *out, int *fits) {
    opro_status buffers = mp->raw[0].status | mp->raw[1].status | mp->safe[0].status |
                          mp->safe[1].status | out->status;

    *fits = 1;
    if (st == OPRO_OK && buffers == OPRO_OK) return OPRO_OK;
    *fits = 0;
    buffers = why_failed(mp, out);
    if (mp->err.status != OPRO_OK) return st; /* a callback failed */
    if (st == OPRO_OK) st = buffers;
    if (st == OPRO_ERR_NOMEM) return opro__fail(&mp->err, st, "out of memory");
    return st == OPRO_ERR_LIMIT ? OPRO_OK : st;
}

opro_status opro__write_part(opro_meta_prompt *mp, const opro_trajectory *t, int32_t block,
                             int64_t number, opro__buf *out, int *fits) {
    return opro__write_done(mp, write_block(mp, t, block, number, out), out, fits);
}
