/* SPDX-License-Identifier: MIT */
#include "meta_prompt.h"

#include <math.h>

#include "meta_prompt_parts.h"
#include "reply.h"

/* ---- blocks ---------------------------------------------------------------------------------- */

#define BIT(slot) OPRO__SLOT_BIT(slot)

/* Their names in messages, and the placeholders they may have. */
static const struct {
    const char *name;
    uint32_t allowed;
} rules[OPRO__BLOCKS] = {
    {"LAYOUT",
     BIT(INTRO) | BIT(TRAJECTORY) | BIT(EXEMPLARS) | BIT(FEEDBACK) | BIT(REJECTED) | BIT(REQUEST)},
    {"INTRO", BIT(DESCRIPTION) | BIT(SCORE_NAME) | BIT(BEST_WORD) | BIT(LOW) | BIT(HIGH) |
                  BIT(OPEN) | BIT(CLOSE)},
    {"ENTRY", BIT(SOLUTION) | BIT(SCORE) | BIT(SCORE_NAME)},
    {"EXEMPLAR", BIT(INPUT) | BIT(TARGET) | BIT(OPEN) | BIT(CLOSE)},
    {"FEEDBACK", BIT(SOLUTION) | BIT(FEEDBACK)},
    {"REJECTED", BIT(SOLUTION) | BIT(REASON)},
    {"REQUEST", BIT(DESCRIPTION) | BIT(SCORE_NAME) | BIT(BEST_WORD) | BIT(OPEN) | BIT(CLOSE)},
    {"PREFIX", BIT(OPEN)},
};

/* The place of a block, or OPRO__BLOCKS. */
static size_t find_block(int32_t block) {
    return block >= 10 && block <= 80 && block % 10 == 0 ? (size_t)block / 10 - 1 : OPRO__BLOCKS;
}

/* What is the same in all builds: it depends on the problem and the options alone. */
#define CONSTANT                                                                                   \
    (BIT(DESCRIPTION) | BIT(SCORE_NAME) | BIT(BEST_WORD) | BIT(LOW) | BIT(HIGH) | BIT(OPEN) |      \
     BIT(CLOSE))

static opro_status set_block(opro_meta_prompt *mp, size_t i, const char *text, size_t len) {
    opro__slots slots = {rules[i].name, rules[i].allowed, CONSTANT, mp->values};

    return opro__template_compile(&mp->blocks[i].template, &mp->mem, text, len, &slots, &mp->err);
}

/* The library's own words. */
static opro_status set_builtin(opro_meta_prompt *mp, size_t i) {
    opro__buf words;
    opro_status st;

    opro__buf_init(&words, &mp->mem, OPRO__PROMPT_MAX);
    opro__wording_block(&mp->wording, (int32_t)(i + 1) * 10, &words);
    st = words.status;
    if (st == OPRO_OK)
        st = set_block(mp, i, opro__buf_text(&words), words.len);
    else
        opro__fail(&mp->err, st, "out of memory");
    opro__buf_free(&words);
    return st;
}

/* ---- lifetime -------------------------------------------------------------------------------- */

static void set_value(opro_meta_prompt *mp, int slot, const char *s, size_t len) {
    mp->values[slot] = (opro__span){s, len};
}

/* The ends of the scale, as scores are shown; empty without a range. */
static void set_range(opro_meta_prompt *mp) {
    size_t low = 0, high = 0;

    if (mp->scale.display == OPRO_DISPLAY_BUCKETS) {
        low = opro__int_format(0, mp->low);
        high = opro__int_format((int64_t)mp->scale.buckets, mp->high);
    } else if (!isnan(mp->scale.low)) {
        low = opro__num_format(mp->scale.low, mp->low);
        high = opro__num_format(mp->scale.high, mp->high);
    }
    set_value(mp, OPRO__SLOT_LOW, mp->low, low);
    set_value(mp, OPRO__SLOT_HIGH, mp->high, high);
}

static void set_values(opro_meta_prompt *mp) {
    const opro_problem *problem = mp->wording.problem;
    const char *open = opro__wording_open(&mp->wording);
    const char *close = opro__wording_close(&mp->wording);
    const char *best = problem->direction == OPRO_MAXIMIZE ? "higher" : "lower";
    size_t len;
    const char *name = opro__wording_score_name(&mp->wording, &len);

    set_value(mp, OPRO__SLOT_SCORE_NAME, name, len);
    set_value(mp, OPRO__SLOT_DESCRIPTION, problem->description.s, problem->description.len);
    set_value(mp, OPRO__SLOT_BEST_WORD, best, strlen(best));
    set_value(mp, OPRO__SLOT_OPEN, open, strlen(open));
    set_value(mp, OPRO__SLOT_CLOSE, close, strlen(close));
    set_range(mp);
}

static void set_harmless(opro_meta_prompt *mp) {
    int32_t format = opro__wording_format(&mp->wording);

    mp->harmless.tag = opro__wording_tag(&mp->wording);
    mp->harmless.score_name = mp->values[OPRO__SLOT_SCORE_NAME];
    mp->harms = OPRO__HARM_TAGS | OPRO__HARM_LINES;
    if (format == OPRO__FORMAT_SQUARE || format == OPRO__FORMAT_VECTOR)
        mp->harms |= OPRO__HARM_BRACKETS;
}

static void init_buffers(opro_meta_prompt *mp) {
    size_t max = (size_t)OPRO__INT(&mp->options, MAX_PROMPT_BYTES);

    opro__shown_init(&mp->shown, &mp->mem);
    opro__exemplars_init(&mp->exemplars, &mp->mem);
    opro__rejected_init(&mp->rejected, &mp->mem);
    opro__buf_init(&mp->texts, &mp->mem, max);
    opro__buf_init(&mp->message, &mp->mem, OPRO__PROMPT_MAX);
    for (int i = 0; i < 2; i++) {
        opro__buf_init(&mp->raw[i], &mp->mem, OPRO__PROMPT_MAX);
        opro__buf_init(&mp->safe[i], &mp->mem, max);
    }
    for (size_t i = 0; i < OPRO__BLOCKS; i++)
        opro__buf_init(&mp->blocks[i].answer, &mp->mem, OPRO__PROMPT_MAX);
}

static opro_status set_up(opro_meta_prompt *mp, const opro_problem *problem) {
    opro_status st = opro__scale_make(&mp->scale, problem, &mp->options, &mp->err);

    if (st == OPRO_OK) st = opro__wording_make(&mp->wording, problem, &mp->options, &mp->err);
    if (st != OPRO_OK) return st;
    mp->wording.scores = mp->scale.display != OPRO_DISPLAY_NONE;
    mp->wording.range = !isnan(mp->scale.low);
    mp->shows = opro__problem_has(problem, OPRO__STEP_RENDER) ? OPRO__SHOWS_RENDERED
                : problem->space.kind == OPRO__SPACE_VECTOR   ? OPRO__SHOWS_NAMED
                                                              : OPRO__SHOWS_TEXT;
    set_values(mp);
    set_harmless(mp);
    for (size_t i = 0; i < OPRO__BLOCKS && st == OPRO_OK; i++)
        st = set_builtin(mp, i);
    return st;
}

static void destroy(opro_meta_prompt *mp) {
    opro__mem mem;

    opro__guard_close(&mp->guard);
    for (size_t i = 0; i < OPRO__BLOCKS; i++) {
        opro__hook_clear(&mp->blocks[i].hook);
        opro__template_free(&mp->blocks[i].template, &mp->mem);
        opro__buf_free(&mp->blocks[i].answer);
    }
    opro__hook_clear(&mp->sort);
    opro__hook_clear(&mp->tokens);
    for (int slot = 0; slot < OPRO__LISTS; slot++)
        opro__free(&mp->mem, mp->lists[slot].parts);
    for (int i = 0; i < 2; i++) {
        opro__buf_free(&mp->raw[i]);
        opro__buf_free(&mp->safe[i]);
    }
    opro__free(&mp->mem, mp->spoken);
    opro__buf_free(&mp->message);
    opro__buf_free(&mp->texts);
    opro__rejected_free(&mp->rejected);
    opro__exemplars_free(&mp->exemplars);
    opro__shown_free(&mp->shown);
    opro_problem_free(mp->problem);
    opro__log_free(mp->log);
    mem = mp->mem;
    opro__free(&mem, mp);
}

opro_status opro__meta_prompt_new(opro_meta_prompt **out, opro_problem *problem,
                                  const opro_config *config, const opro_allocator *mem,
                                  opro_error *why) {
    opro__mem own;
    opro_meta_prompt *mp;
    opro_status st;

    if (!out || !problem) return OPRO_ERR_INVALID;
    st = opro__mem_init(&own, mem);
    if (st != OPRO_OK) return st;
    mp = opro__calloc(&own, 1, sizeof *mp);
    if (!mp) return OPRO_ERR_NOMEM;
    mp->mem = own;
    atomic_init(&mp->refs.count, 1);
    atomic_init(&mp->frozen, 0);
    opro__options_copy(&mp->options, config);
    mp->log = opro__config_log(config);
    init_buffers(mp);
    st = set_up(mp, problem);
    if (st != OPRO_OK) {
        opro__log_say(mp->log, OPRO_LOG_ERROR, "meta_prompt", "%s", mp->err.message);
        opro__err_copy(why, &mp->err);
        destroy(mp);
        return st;
    }
    mp->problem = opro__problem_share(problem);
    *out = mp;
    return OPRO_OK;
}

opro_status opro_meta_prompt_new(opro_meta_prompt **out, opro_problem *problem,
                                 const opro_config *config, const opro_allocator *mem) {
    opro_error why;

    return opro__meta_prompt_new(out, problem, config, mem, &why);
}

void opro_meta_prompt_free(opro_meta_prompt *mp) {
    if (!mp || !opro__may_free(&mp->guard, OPRO__CALL_opro_meta_prompt_free)) return;
    opro__meta_prompt_release(mp);
}

void opro__meta_prompt_release(opro_meta_prompt *mp) {
    if (mp && opro__unref(&mp->refs)) destroy(mp);
}

const opro_error *opro_meta_prompt_error(const opro_meta_prompt *mp) {
    return &mp->err;
}

opro_meta_prompt *opro__meta_prompt_share(opro_meta_prompt *mp) {
    opro__ref(&mp->refs);
    atomic_store(&mp->frozen, 1);
    return mp;
}

const opro_problem *opro__meta_prompt_problem(const opro_meta_prompt *mp) {
    return mp->problem;
}

int32_t opro__meta_prompt_format(const opro_meta_prompt *mp) {
    return opro__wording_format(&mp->wording);
}

/* ---- setting up ------------------------------------------------------------------------------ */

/* At the start of every setter. */
static opro_status begin(opro_meta_prompt *mp, int call) {
    opro_status st;

    if (!mp) return OPRO_ERR_INVALID;
    st = opro__enter(&mp->guard, &mp->err, call);
    if (st != OPRO_OK || !atomic_load(&mp->frozen)) return st;
    return opro__fail(&mp->err, OPRO_ERR_STATE,
                      "a run uses this builder; change it before it is handed over");
}

static opro_status unknown_block(opro_meta_prompt *mp, int32_t block) {
    return opro__fail(&mp->err, OPRO_ERR_INVALID, "there is no block %d; see OPRO_BLOCK_...",
                      (int)block);
}

opro_status opro_meta_prompt_set_template(opro_meta_prompt *mp, int32_t block, const char *text,
                                          size_t len) {
    opro_status st = begin(mp, OPRO__CALL_opro_meta_prompt_set_template);
    size_t i = find_block(block);

    if (st != OPRO_OK) return st;
    if (i == OPRO__BLOCKS) return unknown_block(mp, block);
    if (!opro__arg(&text, &len))
        return opro__fail(&mp->err, OPRO_ERR_INVALID, "the %s template is NULL", rules[i].name);
    st = set_block(mp, i, text, len);
    if (st == OPRO_OK) mp->blocks[i].custom = 1;
    return st;
}

const char *opro_meta_prompt_template(const opro_meta_prompt *mp, int32_t block, size_t *len) {
    size_t i = find_block(block);

    if (len) *len = i == OPRO__BLOCKS ? 0 : mp->blocks[i].template.source_len;
    return i == OPRO__BLOCKS ? NULL : mp->blocks[i].template.source;
}

opro_status opro_meta_prompt_set_block_fn(opro_meta_prompt *mp, int32_t block, opro_block_fn fn,
                                          void *user_data, opro_destroy_fn destroy_data) {
    opro_status st = begin(mp, OPRO__CALL_opro_meta_prompt_set_block_fn);
    size_t i = find_block(block);

    if (st != OPRO_OK) return st;
    if (i == OPRO__BLOCKS) return unknown_block(mp, block);
    return opro__guard_set(&mp->guard, &mp->err, &mp->blocks[i].hook, (opro__fn)fn, user_data,
                           destroy_data);
}

/* The built-in words say how the list is ordered: only while that is so. */
static opro_status reword_layout(opro_meta_prompt *mp, int sorted) {
    int32_t before = mp->wording.order;
    opro_status st = OPRO_OK;

    mp->wording.order = sorted ? 0 : (int32_t)OPRO__INT(&mp->options, ORDER);
    if (!mp->blocks[OPRO__BLOCK(LAYOUT)].custom) st = set_builtin(mp, OPRO__BLOCK(LAYOUT));
    if (st != OPRO_OK) mp->wording.order = before;
    return st;
}

opro_status opro_meta_prompt_set_sort_fn(opro_meta_prompt *mp, opro_sort_fn fn, void *user_data,
                                         opro_destroy_fn destroy_data) {
    opro_status st = begin(mp, OPRO__CALL_opro_meta_prompt_set_sort_fn);

    if (st == OPRO_OK) st = reword_layout(mp, fn != NULL);
    if (st != OPRO_OK) return st;
    return opro__guard_set(&mp->guard, &mp->err, &mp->sort, (opro__fn)fn, user_data, destroy_data);
}

opro_status opro_meta_prompt_set_token_fn(opro_meta_prompt *mp, opro_token_fn fn, void *user_data,
                                          opro_destroy_fn destroy_data) {
    opro_status st = begin(mp, OPRO__CALL_opro_meta_prompt_set_token_fn);

    if (st != OPRO_OK) return st;
    return opro__guard_set(&mp->guard, &mp->err, &mp->tokens, (opro__fn)fn, user_data,
                           destroy_data);
}

/* ---- building -------------------------------------------------------------------------------- */

static opro_status ask_sort(opro_meta_prompt *mp, const opro_trajectory *t, int64_t *numbers,
                            size_t *count) {
    opro_sink sink;
    opro_status st;
    int32_t returned;

    opro__sink_init(&sink, OPRO__SINK_COUNT, &mp->raw[0]);
    opro__callback_begin(&mp->guard, "the sort callback");
    returned = ((opro_sort_fn)mp->sort.fn)(mp, t, numbers, mp->shown.n, &sink, mp->sort.user_data);
    opro__callback_end(&mp->guard);
    st = opro__sink_close(&sink, returned, OPRO__SINK_COUNT);
    if (st == OPRO_OK && (uint64_t)sink.count > mp->shown.n) st = OPRO_ERR_CALLBACK;
    if (st == OPRO_OK) *count = (size_t)sink.count;
    opro__sink_free(&sink);
    return st;
}

/* Let the host choose and order what is shown. */
static opro_status sort_shown(opro_meta_prompt *mp, const opro_trajectory *t) {
    size_t bytes = mp->shown.n * sizeof *mp->shown.numbers, count = 0;
    int64_t *numbers;
    opro_status st;

    if (!mp->sort.fn || !mp->shown.n) return OPRO_OK;
    numbers = opro__alloc(&mp->mem, bytes);
    if (!numbers) return opro__fail(&mp->err, OPRO_ERR_NOMEM, "out of memory");
    memcpy(numbers, mp->shown.numbers, bytes);
    st = ask_sort(mp, t, numbers, &count);
    if (st == OPRO_OK) st = opro__shown_replace(&mp->shown, numbers, count);
    if (st != OPRO_OK)
        opro__fail(&mp->err, st,
                   st == OPRO_ERR_CALLBACK
                       ? "the sort callback broke its contract: it must deliver how many of the "
                         "numbers it was given, from the first, are shown"
                   : st == OPRO_ERR_NOMEM ? "out of memory"
                                          : "the sort callback failed");
    opro__free(&mp->mem, numbers);
    return st;
}

static opro_status build(opro_meta_prompt *mp, const opro_trajectory *t, int64_t step) {
    opro_status st;

    if (t->direction != mp->problem->direction)
        return opro__fail(&mp->err, OPRO_ERR_INVALID,
                          "the trajectory has another direction than the problem");
    if (step < 0)
        return opro__fail(&mp->err, OPRO_ERR_INVALID, "step %lld: from 0", (long long)step);
    st = opro__shown_select(&mp->shown, &mp->options, t, step);
    if (st != OPRO_OK) return opro__fail(&mp->err, st, "out of memory");
    st = sort_shown(mp, t);
    return st == OPRO_OK ? opro__meta_prompt_compose(mp, t, step) : st;
}

opro_status opro_meta_prompt_build(opro_meta_prompt *mp, const opro_trajectory *t, int64_t step) {
    opro_status st;

    if (!mp || !t) return OPRO_ERR_INVALID;
    st = opro__enter(&mp->guard, &mp->err, OPRO__CALL_opro_meta_prompt_build);
    if (st != OPRO_OK) return st;
    mp->n_messages = 0;
    st = opro__leave(&mp->guard, &mp->err, build(mp, t, step));
    if (st == OPRO_OK) mp->n_messages = opro__block_fixed(mp, OPRO__BLOCK(PREFIX)).len ? 2 : 1;
    return st;
}

size_t opro_meta_prompt_messages(const opro_meta_prompt *mp) {
    return mp->n_messages;
}

int32_t opro_meta_prompt_role(const opro_meta_prompt *mp, size_t index) {
    if (index >= mp->n_messages) return 0;
    return index ? OPRO_ROLE_ASSISTANT : OPRO_ROLE_USER;
}

const char *opro_meta_prompt_text(const opro_meta_prompt *mp, size_t index, size_t *len) {
    opro__span text = {NULL, 0};

    if (index >= mp->n_messages) {
        if (len) *len = 0;
        return NULL;
    }
    if (index)
        text = opro__block_fixed(mp, OPRO__BLOCK(PREFIX));
    else
        text = (opro__span){opro__buf_text(&mp->message) + mp->skip, mp->message.len - mp->skip};
    if (len) *len = text.len;
    return text.s;
}

int64_t opro_meta_prompt_tokens(const opro_meta_prompt *mp) {
    int64_t tokens = 0;

    if (mp->n_messages && mp->tokens.fn) return mp->counted;
    for (size_t i = 0; i < mp->n_messages; i++) {
        size_t len;
        const char *text = opro_meta_prompt_text(mp, i, &len);

        tokens += opro_estimate_tokens(text, len);
    }
    return tokens;
}
