/* SPDX-License-Identifier: MIT */
/*
 * Random states for the bounds of meta-prompts, and what must come out: texts are put together the
 * slow way from the builder's own templates, with one part less at a time, until one is within the
 * bounds.
 */
#ifndef TESTS_PROMPT_STATES_H
#define TESTS_PROMPT_STATES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "core/exemplar.h"
#include "core/shown.h"
#include "core/trajectory.h"
#include "opro/opro.h"

#define STATE_PARTS 12    /* of each kind, at most */
#define STATE_TEXT  16384 /* bytes of a message    */

/* How tokens are counted. */
enum { COUNT_ESTIMATE, COUNT_BYTES, COUNT_WORDS, COUNT_ODD };

typedef struct prompt_state {
    opro__rng rng;
    opro_problem *problem;
    opro_config *config;
    opro_meta_prompt *mp;
    opro_trajectory *t;
    int counting;
    int joins; /* words of different parts may meet: the estimate then counts high */
    size_t max_bytes;
    int64_t max_tokens;
    size_t shown, exemplars, rejected;
    long refused, whole, cut; /* how many states of each kind there were */
} prompt_state;

static inline uint64_t draw(prompt_state *s, uint64_t n) {
    return opro__rng_below(&s->rng, n);
}

/* ---- counting -------------------------------------------------------------------------------- */

static inline int64_t count_text(int counting, const char *text, size_t len) {
    int64_t words = 0;

    switch (counting) {
    case COUNT_ESTIMATE: return opro_estimate_tokens(text, len);
    case COUNT_BYTES: return (int64_t)len;
    case COUNT_WORDS:
        for (size_t i = 0; i < len; i++)
            words += text[i] != ' ' && text[i] != '\n' &&
                     (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n');
        return words;
    default: return (int64_t)(len * 2654435761u % 997); /* less text may have more */
    }
}

static inline int32_t count_fn(const opro_meta_prompt *mp, const char *text, size_t len,
                               opro_sink *sink, void *user_data) {
    (void)mp;
    opro_sink_count(sink, count_text(((prompt_state *)user_data)->counting, text, len));
    return OPRO_OK;
}

/* ---- making states --------------------------------------------------------------------------- */

static const char *const state_layouts[] = {
    NULL, /* the built-in one */
    "{intro}\n\nTried:\n{trajectory}\n\nExamples:\n{exemplars}\n{feedback}\n{rejected}\n\n{"
    "request}",
    "{trajectory}\n{request}",
    "{exemplars}{intro}\n{feedback} and {trajectory} again {trajectory}",
    "{intro}{trajectory}{exemplars}{rejected}{request}.",
};

static inline void set_number(prompt_state *s, const char *name, uint64_t value) {
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    if (opro_config_set(s->config, name, OPRO_ZT, text, OPRO_ZT) != OPRO_OK) abort();
}

static inline void set_name(prompt_state *s, const char *name, const char *value) {
    if (opro_config_set(s->config, name, OPRO_ZT, value, OPRO_ZT) != OPRO_OK) abort();
}

static inline void random_options(prompt_state *s) {
    static const char *const kinds[] = {"chat", "square", "pretrained"};
    static const char *const orders[] = {"ascending", "descending", "random"};

    s->shown = (size_t)draw(s, 7);
    s->exemplars = (size_t)draw(s, 4);
    s->rejected = draw(s, 2) ? (size_t)draw(s, 5) : 0;
    s->counting = (int)draw(s, 4);
    s->max_bytes = draw(s, 2) ? 1 + (size_t)draw(s, 2500) : 100000;
    s->max_tokens = draw(s, 4) ? 1 + (int64_t)draw(s, s->counting == COUNT_BYTES ? 2500 : 900) : 0;
    set_number(s, "shown_solutions", s->shown);
    set_number(s, "exemplars", s->exemplars);
    set_number(s, "show_rejected", s->rejected);
    set_number(s, "show_feedback", draw(s, 2) ? 1 + draw(s, 40) : 0);
    set_number(s, "max_prompt_bytes", s->max_bytes);
    set_number(s, "max_prompt_tokens", (uint64_t)s->max_tokens);
    set_name(s, "meta_prompt", kinds[draw(s, 3)]);
    set_name(s, "order", orders[draw(s, 3)]);
    set_name(s, "exemplar_choice", draw(s, 2) ? "random" : "accumulated_wrong");
    if (draw(s, 3) == 0) set_name(s, "score_display", "none");
}

static inline void random_word(prompt_state *s, char *text, size_t letters) {
    size_t n = 1 + (size_t)draw(s, letters);

    for (size_t i = 0; i < n; i++)
        text[i] = i && draw(s, 6) == 0 ? ' ' : (char)('a' + draw(s, 26));
    text[n] = '\0';
}

static inline void prompt_state_begin(prompt_state *s) {
    const char *layout;
    char text[128];

    if (opro_problem_new(&s->problem, NULL) != OPRO_OK ||
        opro_config_new(&s->config, NULL) != OPRO_OK ||
        opro_trajectory_new(&s->t, OPRO_MAXIMIZE, NULL) != OPRO_OK)
        abort();
    random_options(s);
    random_word(s, text, 60);
    opro_problem_set_description(s->problem, text, OPRO_ZT);
    for (size_t i = (size_t)draw(s, 5); i > 0; i--) {
        random_word(s, text, 80);
        opro_problem_add_exemplar(s->problem, text, OPRO_ZT, "42", 2);
    }
    if (opro_meta_prompt_new(&s->mp, s->problem, s->config, NULL) != OPRO_OK) abort();
    layout = state_layouts[draw(s, sizeof state_layouts / sizeof *state_layouts)];
    s->joins = layout && layout[strlen(layout) - 1] != '}';
    s->joins |= layout == state_layouts[3];
    if (layout &&
        opro_meta_prompt_set_template(s->mp, OPRO_BLOCK_LAYOUT, layout, OPRO_ZT) != OPRO_OK)
        abort();
    if (draw(s, 2) && opro_meta_prompt_set_template(s->mp, OPRO_BLOCK_ENTRY, "{solution}{score}",
                                                    OPRO_ZT) != OPRO_OK)
        abort();
    if (s->counting != COUNT_ESTIMATE &&
        opro_meta_prompt_set_token_fn(s->mp, count_fn, s, NULL) != OPRO_OK)
        abort();
}

static inline void prompt_state_end(prompt_state *s) {
    opro_meta_prompt_free(s->mp);
    opro_trajectory_free(s->t);
    opro_config_free(s->config);
    opro_problem_free(s->problem);
}

/* A few more candidates: scored, some with feedback; rejected, with a reason. */
static inline void prompt_state_grow(prompt_state *s) {
    for (size_t k = (size_t)draw(s, 3); k > 0; k--) {
        char text[256];
        opro__candidate *c;
        int fresh;

        random_word(s, text, draw(s, 10) ? 40 : 200);
        c = opro__trajectory_meet(s->t, text, strlen(text), &fresh);
        if (!c) abort();
        if (!fresh) continue;
        c->verdict = draw(s, 4) ? OPRO_VERDICT_SCORED : OPRO_VERDICT_REJECTED;
        c->reason = c->verdict == OPRO_VERDICT_SCORED ? 0 : OPRO_REASON_DIGITS;
        if (c->verdict == OPRO_VERDICT_SCORED) c->score = (double)draw(s, 101) / 100;
        random_word(s, text, 60);
        if (draw(s, 2) && opro__candidate_feedback(s->t, c, text, strlen(text)) != OPRO_OK) abort();
        opro__trajectory_commit(s->t, c);
    }
}

/* ---- what must come out ---------------------------------------------------------------------- */

/* The parts of the lists of LAYOUT: what is dropped last first. */
enum { TRAJECTORY, EXEMPLARS, FEEDBACK, REJECTED, LISTS };

typedef struct oracle {
    char parts[LISTS][STATE_PARTS][STATE_TEXT / 16];
    size_t n[LISTS];
    size_t order[STATE_PARTS]; /* of the trajectory's parts, in the text */
    char texts[LISTS][STATE_TEXT];
    char text[STATE_TEXT];
    char intro[STATE_TEXT / 8], request[STATE_TEXT / 8], prefix[64];
} oracle;

typedef struct named {
    const char *name, *text;
} named;

static const char *const list_names[LISTS] = {"trajectory", "exemplars", "feedback", "rejected"};

static inline const char *state_template(const prompt_state *s, int32_t block) {
    return opro_meta_prompt_template(s->mp, block, NULL);
}

/* The text of the placeholder whose "{" is at t. */
static inline const char *value_of(const prompt_state *s, const char *t, const named *values,
                                   size_t n) {
    int pretrained = strstr(state_template(s, OPRO_BLOCK_PREFIX), "open") != NULL;
    int square = strstr(state_template(s, OPRO_BLOCK_REQUEST), "square") != NULL;
    const named common[] = {{"description", opro_problem_description(s->problem, NULL)},
                            {"score_name", pretrained ? "Precision" : "score"},
                            {"best_word", "higher"},
                            {"low", "0"},
                            {"high", "100"},
                            {"open", pretrained ? "<TEXT>"
                                     : square   ? "["
                                                : "<INS>"},
                            {"close", pretrained ? "</TEXT>"
                                      : square   ? "]"
                                                 : "</INS>"}};
    size_t len = strcspn(t + 1, "}");

    for (size_t i = 0; i < n; i++)
        if (strlen(values[i].name) == len && memcmp(values[i].name, t + 1, len) == 0)
            return values[i].text;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strlen(common[i].name) == len && memcmp(common[i].name, t + 1, len) == 0)
            return common[i].text;
    abort();
}

/* Fill in a template of the builder's, the slow way. No template here has literal braces. */
static inline void expand(const prompt_state *s, int32_t block, const named *values, size_t n,
                          char *out) {
    for (const char *t = state_template(s, block); *t; t++) {
        if (*t != '{') {
            *out++ = *t;
            continue;
        }
        strcpy(out, value_of(s, t, values, n));
        out += strlen(out);
        t = strchr(t, '}');
    }
    *out = '\0';
}

static inline int has_list(const prompt_state *s, int list) {
    char name[32];

    snprintf(name, sizeof name, "{%s}", list_names[list]);
    return strstr(state_template(s, OPRO_BLOCK_LAYOUT), name) != NULL;
}

static inline void add_part(const prompt_state *s, oracle *o, int list, int32_t block,
                            const named *values, size_t n) {
    if (has_list(s, list)) expand(s, block, values, n, o->parts[list][o->n[list]++]);
}

static inline void oracle_solution(const prompt_state *s, oracle *o, int64_t number) {
    const char *words = opro_trajectory_feedback(s->t, number, NULL);
    char score[32], cut[128];
    named values[] = {{"solution", opro_trajectory_text(s->t, number, NULL)},
                      {"score", score},
                      {"feedback", cut}};
    int64_t most = 0, display = 0;

    opro_config_get_int(s->config, OPRO_OPT_SHOW_FEEDBACK, &most);
    opro_config_get_int(s->config, OPRO_OPT_SCORE_DISPLAY, &display);
    snprintf(score, sizeof score, "%.0f", rint(opro_trajectory_score(s->t, number) * 100));
    if (display == OPRO_DISPLAY_NONE) *score = '\0';
    snprintf(cut, sizeof cut, "%.*s", (int)most, words);
    if (strlen(words) > (size_t)most && most > 3) strcpy(cut + most - 3, "...");
    add_part(s, o, TRAJECTORY, OPRO_BLOCK_ENTRY, values, 2);
    if (*cut) add_part(s, o, FEEDBACK, OPRO_BLOCK_FEEDBACK, values, 3);
}

static inline void oracle_exemplars(const prompt_state *s, oracle *o, const opro__shown *shown,
                                    opro__mem *mem, int64_t step) {
    opro__exemplars e;

    opro__exemplars_init(&e, mem);
    if (opro__exemplars_choose(&e, s->problem, &s->config->options, s->t, shown->numbers, shown->n,
                               step) != OPRO_OK)
        abort();
    for (size_t i = 0; i < e.n; i++) {
        named values[] = {{"input", s->problem->exemplars[e.chosen[i]].input.s},
                          {"target", s->problem->exemplars[e.chosen[i]].target.s}};

        add_part(s, o, EXEMPLARS, OPRO_BLOCK_EXEMPLAR, values, 2);
    }
    opro__exemplars_free(&e);
}

/* What there would be without bounds. */
static inline void oracle_parts(const prompt_state *s, oracle *o, int64_t step) {
    opro__shown shown;
    opro__mem mem;

    memset(o->n, 0, sizeof o->n);
    opro__mem_init(&mem, NULL);
    opro__shown_init(&shown, &mem);
    if (opro__shown_select(&shown, &s->config->options, s->t, step) != OPRO_OK) abort();
    for (size_t i = 0; i < shown.n; i++) {
        oracle_solution(s, o, shown.numbers[i]);
        o->order[i] = shown.order[i];
    }
    oracle_exemplars(s, o, &shown, &mem, step);
    opro__shown_free(&shown);
    for (int64_t i = opro_trajectory_count(s->t); i-- > 0 && o->n[REJECTED] < s->rejected;) {
        named values[] = {{"solution", opro_trajectory_text(s->t, i, NULL)},
                          {"reason", "has digits in it"}};

        if (opro_trajectory_verdict(s->t, i) != OPRO_VERDICT_SCORED)
            add_part(s, o, REJECTED, OPRO_BLOCK_REJECTED, values, 2);
    }
    expand(s, OPRO_BLOCK_INTRO, NULL, 0, o->intro);
    expand(s, OPRO_BLOCK_REQUEST, NULL, 0, o->request);
    expand(s, OPRO_BLOCK_PREFIX, NULL, 0, o->prefix);
}

static inline void join(char *out, const char *part) {
    if (!*part) return;
    if (*out) {
        out += strlen(out);
        memcpy(out, "\n\n", 2);
        out += 2;
    }
    memcpy(out, part, strlen(part) + 1);
}

/* How many parts of each list are left when so many are. */
static inline void oracle_counts(const oracle *o, size_t kept, size_t counts[LISTS]) {
    static const int turns[] = {TRAJECTORY, EXEMPLARS, TRAJECTORY, FEEDBACK, REJECTED};

    memset(counts, 0, LISTS * sizeof *counts);
    for (size_t k = 0; k < 5; k++)
        while (kept && counts[turns[k]] < o->n[turns[k]] && !(k == 0 && counts[TRAJECTORY])) {
            counts[turns[k]]++;
            kept--;
        }
}

/* The text with so many parts. */
static inline void oracle_text(const prompt_state *s, oracle *o, size_t kept) {
    size_t counts[LISTS], skip;
    named values[] = {{"intro", o->intro},
                      {"request", o->request},
                      {"trajectory", o->texts[TRAJECTORY]},
                      {"exemplars", o->texts[EXEMPLARS]},
                      {"feedback", o->texts[FEEDBACK]},
                      {"rejected", o->texts[REJECTED]}};
    const char *t = state_template(s, OPRO_BLOCK_LAYOUT), *literal = t;
    char *out = o->text;

    oracle_counts(o, kept, counts);
    for (int list = 0; list < LISTS; list++)
        *o->texts[list] = '\0';
    for (size_t i = 0; i < o->n[TRAJECTORY]; i++)
        if (o->order[i] < counts[TRAJECTORY])
            join(o->texts[TRAJECTORY], o->parts[TRAJECTORY][o->order[i]]);
    for (size_t i = 0; i < counts[EXEMPLARS]; i++)
        join(o->texts[EXEMPLARS], o->parts[EXEMPLARS][i]);
    for (size_t i = counts[FEEDBACK]; i-- > 0;)
        join(o->texts[FEEDBACK], o->parts[FEEDBACK][i]);
    for (size_t i = counts[REJECTED]; i-- > 0;)
        join(o->texts[REJECTED], o->parts[REJECTED][i]);
    for (; *t; t++) { /* what stands before an empty list goes with it */
        const char *text;

        if (*t != '{') continue;
        text = value_of(s, t, values, 6);
        if (*text) {
            memcpy(out, literal, (size_t)(t - literal));
            out += t - literal;
            strcpy(out, text);
            out += strlen(text);
        }
        literal = strchr(t, '}') + 1;
        t = literal - 1;
    }
    strcpy(out, literal);
    skip = strspn(o->text, "\n");
    memmove(o->text, o->text + skip, strlen(o->text + skip) + 1);
}

static inline size_t oracle_bytes(const oracle *o) {
    return strlen(o->text) + strlen(o->prefix);
}

static inline int64_t oracle_tokens(const prompt_state *s, const oracle *o) {
    int64_t tokens = count_text(s->counting, o->text, strlen(o->text));

    return *o->prefix ? tokens + count_text(s->counting, o->prefix, strlen(o->prefix)) : tokens;
}

static inline int oracle_fits(const prompt_state *s, const oracle *o) {
    return oracle_bytes(o) <= s->max_bytes &&
           (!s->max_tokens || oracle_tokens(s, o) <= s->max_tokens);
}

/* ---- the comparison -------------------------------------------------------------------------- */

/* What was built has so many parts, and is within the bounds. NULL, or what is wrong. */
static inline const char *check_built(const prompt_state *s, const oracle *o) {
    size_t len, prefix = 0;
    const char *text = opro_meta_prompt_text(s->mp, 0, &len);

    opro_meta_prompt_text(s->mp, 1, &prefix);
    if (opro_meta_prompt_messages(s->mp) != (*o->prefix ? 2u : 1u)) return "number of messages";
    if (opro_meta_prompt_role(s->mp, 0) != OPRO_ROLE_USER) return "role";
    if (*o->prefix && opro_meta_prompt_role(s->mp, 1) != OPRO_ROLE_ASSISTANT) return "role";
    if (len + prefix > s->max_bytes) return "bytes";
    if (opro_meta_prompt_tokens(s->mp) != oracle_tokens(s, o)) return "tokens";
    if (s->max_tokens && oracle_tokens(s, o) > s->max_tokens) return "tokens over the bound";
    return len == strlen(o->text) && memcmp(text, o->text, len) == 0 ? NULL : "text";
}

/* Build for a step and compare. NULL, or what is wrong. */
static inline const char *prompt_state_check(prompt_state *s, oracle *o, int64_t step) {
    opro_status st = opro_meta_prompt_build(s->mp, s->t, step);
    size_t all = 0, kept;
    const char *wrong;

    oracle_parts(s, o, step);
    for (int list = 0; list < LISTS; list++)
        all += o->n[list];
    for (kept = all + 1; kept-- > 0;) {
        oracle_text(s, o, kept);
        if (oracle_fits(s, o)) break;
    }
    if (kept == SIZE_MAX) {
        s->refused++;
        return st == OPRO_ERR_LIMIT && opro_meta_prompt_messages(s->mp) == 0 ? NULL : "refusal";
    }
    if (s->counting == COUNT_ODD && st == OPRO_ERR_LIMIT) {
        oracle_text(s, o, 0); /* more may fit, but who would expect that */
        return oracle_fits(s, o) ? "refused" : NULL;
    }
    s->whole += kept == all;
    s->cut += kept < all;
    if (st != OPRO_OK) return opro_error_message(opro_meta_prompt_error(s->mp), NULL);
    wrong = check_built(s, o);
    if (!wrong || (s->counting != COUNT_ODD && !s->joins)) return wrong;
    while (wrong &&
           kept-- > 0) { /* others may be found then, with fewer parts, but within the bounds */
        oracle_text(s, o, kept);
        wrong = check_built(s, o);
    }
    return wrong;
}

/* So many states. NULL, or what is wrong with one of them. */
static inline const char *check_prompt_states(uint64_t seed, long states, prompt_state *s) {
    oracle *o = malloc(sizeof *o);
    const char *wrong = NULL;

    if (!o) abort();
    memset(s, 0, sizeof *s);
    s->rng = opro__rng_make(seed, 0, 0);
    for (long i = 0; i < states && !wrong;) {
        prompt_state_begin(s);
        for (int64_t step = 0; step < 20 && i < states && !wrong; step++, i++) {
            prompt_state_grow(s);
            wrong = prompt_state_check(s, o, step);
            if (wrong) printf("state %ld, step %lld: %s\n", i, (long long)step, wrong);
        }
        prompt_state_end(s);
    }
    free(o);
    return wrong;
}

#endif
