/* SPDX-License-Identifier: MIT */
/*
 * From an instruction and a question to messages. What the option position says and what a host
 * writes itself are the same thing here: a template a message, and another one for prompts without
 * an instruction.
 */
#include <string.h>

#include "base/utf8.h"
#include "exam.h"
#include "opro/meta_prompt.h"

#define INSTRUCTION "{instruction}"

static opro_status no_memory(opro_error *err) {
    return opro__fail(err, OPRO_ERR_NOMEM, "out of memory");
}

/* ---- templates ------------------------------------------------------------------------------- */

static const struct {
    int32_t role;
    const char *name; /* in messages */
} roles[OPRO__PHRASES] = {
    {OPRO_ROLE_SYSTEM, "system"},
    {OPRO_ROLE_USER, "user"},
    {OPRO_ROLE_ASSISTANT, "assistant"},
};

static void free_phrase(opro__phrase *phrase, opro__mem *mem) {
    opro__template_free(&phrase->with, mem);
    opro__template_free(&phrase->without, mem);
}

/* What was there is replaced; it stays when this fails. */
static opro_status set_phrase(opro__phrase *phrase, opro__mem *mem, size_t role, opro__span with,
                              opro__span without, opro_error *err) {
    const opro__slots slots = {
        .what = roles[role].name,
        .allowed = OPRO__SLOT_BIT(INSTRUCTION) | OPRO__SLOT_BIT(QUESTION),
    };
    opro__phrase made = {0};
    opro_status st = opro__template_compile(&made.with, mem, with.s, with.len, &slots, err);

    if (st == OPRO_OK)
        st = opro__template_compile(&made.without, mem, without.s, without.len, &slots, err);
    if (st != OPRO_OK) {
        free_phrase(&made, mem);
        return st;
    }
    free_phrase(phrase, mem);
    *phrase = made;
    return OPRO_OK;
}

static int has_slot(const opro__phrase *phrase, int slot) {
    for (size_t i = 0; i < phrase->with.n; i++)
        if (phrase->with.pieces[i].slot == slot) return 1;
    return 0;
}

static int has_own(const opro__form *form) {
    for (size_t i = 0; i < OPRO__PHRASES; i++)
        if (form->own[i].with.pieces) return 1;
    return 0;
}

/* Those that count: the host's, if there are any. */
static const opro__phrase *phrases_of(const opro__form *form) {
    return has_own(form) ? form->own : form->by_position;
}

/* ---- by position ----------------------------------------------------------------------------- */

/* The user's message with an instruction: plain, and with question marks. NULL: not possible. */
static const struct {
    int32_t position;
    const char *name, *texts[2];
} positions[] = {
    {OPRO_POSITION_BEFORE_Q, "before_q", {NULL, "{instruction}\nQ: {question}\n\nA:"}},
    {OPRO_POSITION_Q_BEGIN,
     "q_begin",
     {"{instruction}\n{question}", "Q: {instruction}\n{question}\n\nA:"}},
    {OPRO_POSITION_Q_END,
     "q_end",
     {"{question}\n{instruction}", "Q: {question}\n{instruction}\n\nA:"}},
    {OPRO_POSITION_A_BEGIN, "a_begin", {NULL, "Q: {question}\n\nA: {instruction}"}},
    {OPRO_POSITION_SYSTEM, "system", {"{question}", "Q: {question}\n\nA:"}},
};

/* ... and without one. */
static const char *const bare[2] = {"{question}", "Q: {question}\n\nA:"};

static opro__span span(const char *text) {
    return (opro__span){text, strlen(text)};
}

opro_status opro__form_init(opro__form *form, opro__mem *mem, int32_t position, int question_marks,
                            opro_error *err) {
    const int marks = question_marks != 0;
    opro__form made = {0};
    const char *text;
    opro_status st;
    size_t i = 0;

    while (positions[i].position != position)
        i++;
    text = positions[i].texts[marks];
    if (!text)
        return opro__fail(err, OPRO_ERR_INVALID,
                          "option \"position\" is \"%s\", which says where among Q: and A: an "
                          "instruction stands; set \"question_marks\" to 1 as well",
                          positions[i].name);
    st = set_phrase(&made.by_position[OPRO__USER], mem, OPRO__USER, span(text), span(bare[marks]),
                    err);
    if (st == OPRO_OK && position == OPRO_POSITION_SYSTEM)
        st = set_phrase(&made.by_position[OPRO__SYSTEM], mem, OPRO__SYSTEM, span(INSTRUCTION),
                        span(""), err);
    if (st != OPRO_OK) {
        opro__form_free(&made, mem);
        return st;
    }
    *form = made;
    return OPRO_OK;
}

static void free_shot(opro__exemplar *shot, opro__mem *mem) {
    opro__free(mem, shot->input.s);
    opro__free(mem, shot->target.s);
}

void opro__form_free(opro__form *form, opro__mem *mem) {
    for (size_t i = 0; i < OPRO__PHRASES; i++) {
        free_phrase(&form->by_position[i], mem);
        free_phrase(&form->own[i], mem);
    }
    for (size_t i = 0; i < form->n_shots; i++)
        free_shot(&form->shots[i], mem);
    opro__free(mem, form->shots);
    *form = (opro__form){0};
}

/* ---- the host's own -------------------------------------------------------------------------- */

static int is_line_end(char c) {
    return c == '\n' || c == '\r';
}

/* 1 if a line is nothing but {instruction}. */
static int is_instruction(const char *line, size_t len) {
    const size_t token = strlen(INSTRUCTION);

    while (len && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    return len >= token && memcmp(line, INSTRUCTION, token) == 0 &&
           opro__is_blank(line + token, len - token);
}

static size_t line_length(const char *s, size_t len) {
    const char *end = len ? memchr(s, '\n', len) : NULL;

    return end ? (size_t)(end - s) + 1 : len;
}

/*
 * Append a template without the lines that are nothing but {instruction}. Of the empty lines around
 * one only those on one side stay, and none at the ends of the text.
 */
static void add_without(opro__buf *out, const char *text, size_t len) {
    int gap = 1; /* at the beginning, or behind an empty line */

    for (size_t at = 0, n; at < len; at += n) {
        n = line_length(text + at, len - at);
        if (!is_instruction(text + at, n)) {
            gap = opro__is_blank(text + at, n);
            opro__buf_add(out, text + at, n);
            continue;
        }
        for (size_t m; gap && (m = line_length(text + at + n, len - at - n)) > 0; n += m)
            if (!opro__is_blank(text + at + n, m)) break;
        if (at + n < len) continue;
        while (out->len && is_line_end(out->data[out->len - 1]))
            opro__buf_cut(out, out->len - 1);
        if (out->len && text[len - 1] == '\n') opro__buf_addc(out, '\n');
    }
}

opro_status opro__form_set_text(opro__form *form, opro__mem *mem, int32_t role, const char *text,
                                size_t len, opro_error *err) {
    opro__buf without;
    opro_status st;
    size_t i = 0;

    while (i < OPRO__PHRASES && roles[i].role != role)
        i++;
    if (i == OPRO__PHRASES)
        return opro__fail(err, OPRO_ERR_INVALID, "%d is no role: OPRO_ROLE_...", (int)role);
    if (!text) {
        free_phrase(&form->own[i], mem);
        return OPRO_OK;
    }
    opro__arg(&text, &len);
    opro__buf_init(&without, mem, len);
    add_without(&without, text, len);
    st = without.status == OPRO_OK
             ? set_phrase(&form->own[i], mem, i, (opro__span){text, len},
                          (opro__span){opro__buf_text(&without), without.len}, err)
             : no_memory(err);
    opro__buf_free(&without);
    return st;
}

/* ---- shown examples -------------------------------------------------------------------------- */

opro_status opro__form_add_shot(opro__form *form, opro__mem *mem, const char *question,
                                size_t question_len, const char *answer, size_t answer_len,
                                opro_error *err) {
    opro__exemplar shot = {{NULL, 0}, {NULL, 0}};
    void *shots = form->shots;
    opro_status st;

    if (form->n_shots == OPRO__SHOTS_MAX)
        return opro__fail(err, OPRO_ERR_LIMIT, "%d examples are shown already, which is the most",
                          OPRO__SHOTS_MAX);
    st = opro__text_set(mem, &shot.input, question, question_len, OPRO__RECORD_MAX,
                        "the question of the shown example", err);
    if (st == OPRO_OK)
        st = opro__text_set(mem, &shot.target, answer, answer_len, OPRO__RECORD_MAX,
                            "the answer of the shown example", err);
    if (st != OPRO_OK) goto out;
    st = opro__fail(err, OPRO_ERR_INVALID,
                    "the question or the answer of the shown example is empty");
    if (opro__is_blank(shot.input.s, shot.input.len)) goto out;
    if (opro__is_blank(shot.target.s, shot.target.len)) goto out;
    st = no_memory(err);
    if (!opro__reserve(mem, &shots, &form->cap_shots, form->n_shots + 1, sizeof shot)) goto out;
    form->shots = shots;
    form->shots[form->n_shots++] = shot;
    opro__err_clear(err);
    return OPRO_OK;
out:
    free_shot(&shot, mem);
    return st;
}

/* ---- what is said of a form ------------------------------------------------------------------ */

opro_status opro__form_ready(const opro__form *form, opro_error *err) {
    const opro__phrase *phrases = phrases_of(form);
    int questions = 0;

    for (size_t i = 0; i < OPRO__PHRASES; i++)
        questions += has_slot(&phrases[i], OPRO__SLOT_QUESTION);
    if (!questions)
        return opro__fail(err, OPRO_ERR_STATE,
                          "no template has {question} in it, so the model would not see the "
                          "questions; put it into the user's");
    if (form->n_shots && !has_slot(&phrases[OPRO__USER], OPRO__SLOT_QUESTION))
        return opro__fail(err, OPRO_ERR_STATE,
                          "examples are to be shown, but the template of the user's has no "
                          "{question}, so theirs would not be seen; put it there");
    return OPRO_OK;
}

/*
 * What a prompt meets first of what changes: 1 an instruction, 0 a question (shown says that it is
 * one that is always there), -1 neither.
 */
static int first_of(const opro__phrase *phrase, int shown) {
    for (size_t i = 0; i < phrase->with.n; i++) {
        if (phrase->with.pieces[i].slot == OPRO__SLOT_INSTRUCTION) return 1;
        if (phrase->with.pieces[i].slot == OPRO__SLOT_QUESTION && !shown) return 0;
    }
    return -1;
}

int opro__form_instruction_first(const opro__form *form) {
    const opro__phrase *phrases = phrases_of(form);
    int first = first_of(&phrases[OPRO__SYSTEM], 0);

    if (form->n_shots) {
        if (first < 0) first = first_of(&phrases[OPRO__USER], 1);
        if (first < 0) first = first_of(&phrases[OPRO__BEGUN], 1);
    }
    if (first < 0) first = first_of(&phrases[OPRO__USER], 0);
    if (first < 0) first = first_of(&phrases[OPRO__BEGUN], 0);
    return first == 1;
}

/* ---- messages -------------------------------------------------------------------------------- */

void opro__messages_init(opro__messages *m, opro__mem *mem) {
    opro__buf_init(&m->text, mem, OPRO__MESSAGES_MAX);
    m->n = 0;
}

void opro__messages_free(opro__messages *m) {
    opro__buf_free(&m->text);
    m->n = 0;
}

/* A form that is written. */
typedef struct writer {
    const opro__phrase *phrases;
    opro__span values[OPRO__SLOTS];
    opro__messages *out;
    size_t from; /* where the message at hand begins */
} writer;

static void fill(writer *w, size_t role) {
    const opro__phrase *phrase = &w->phrases[role];
    const int with = w->values[OPRO__SLOT_INSTRUCTION].len > 0;

    w->from = w->out->text.len;
    opro__template_fill(with ? &phrase->with : &phrase->without, w->values, &w->out->text);
}

/* What was filled in is a message, if it is anything. */
static void finish(writer *w, size_t role) {
    opro__messages *m = w->out;

    if (m->text.len == w->from || m->text.status != OPRO_OK) return;
    m->all[m->n].role = roles[role].role;
    m->all[m->n].from = w->from;
    m->all[m->n++].len = m->text.len - w->from;
    opro__buf_addc(&m->text, '\0');
}

/* A shown answer stands behind its beginning, if that is given, as a model goes on from there. */
static void add_answer(writer *w, const opro__text *answer) {
    opro__buf *text = &w->out->text;

    if (text->len > w->from && !opro__is_blank(text->data + text->len - 1, 1) &&
        !opro__is_blank(answer->s, 1))
        opro__buf_addc(text, ' ');
    opro__buf_add(text, answer->s, answer->len);
}

static void write_shot(writer *w, const opro__exemplar *shot) {
    w->values[OPRO__SLOT_QUESTION] = (opro__span){shot->input.s, shot->input.len};
    fill(w, OPRO__USER);
    finish(w, OPRO__USER);
    fill(w, OPRO__BEGUN);
    add_answer(w, &shot->target);
    finish(w, OPRO__BEGUN);
}

opro_status opro__form_write(const opro__form *form, const char *instruction, size_t len,
                             const char *question, size_t question_len, opro__messages *out,
                             opro_error *err) {
    const opro__span asked = {question, question_len};
    writer w = {.phrases = phrases_of(form), .out = out};

    opro__buf_clear(&out->text);
    out->n = 0;
    w.values[OPRO__SLOT_INSTRUCTION] = (opro__span){instruction, len};
    w.values[OPRO__SLOT_QUESTION] = asked;
    fill(&w, OPRO__SYSTEM);
    finish(&w, OPRO__SYSTEM);
    for (size_t i = 0; i < form->n_shots; i++)
        write_shot(&w, &form->shots[i]);
    w.values[OPRO__SLOT_QUESTION] = asked;
    for (size_t role = OPRO__USER; role < OPRO__PHRASES; role++) {
        fill(&w, role);
        finish(&w, role);
    }
    if (out->text.status == OPRO_OK) return OPRO_OK;
    out->n = 0;
    return out->text.status == OPRO_ERR_LIMIT
               ? opro__fail(err, OPRO_ERR_LIMIT,
                            "the messages for a question have more than %zu bytes in all; "
                            "the question alone has %zu",
                            OPRO__MESSAGES_MAX, question_len)
               : no_memory(err);
}
