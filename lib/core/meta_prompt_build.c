/* SPDX-License-Identifier: MIT */
/*
 * Composing. As a rule everything fits, and is written straight into the message. Only if not is
 * it written part by part, in the order in which parts would be dropped last: the best solution,
 * the exemplars, the other solutions from better to worse, feedback, rejections. As soon as one
 * does not fit, it and all that come after it are what is dropped. Bytes and estimated tokens are
 * added up on the way; a host's tokenizer is asked about whole texts, and how many parts fit is
 * searched for.
 */
#include "meta_prompt_parts.h"

#include "tokens.h"

#define JOINER     "\n\n" /* between two parts of a list */
#define JOINER_LEN 2

typedef struct build {
    opro_meta_prompt *mp;
    const opro_trajectory *t;
    size_t planned[OPRO__LISTS]; /* how many parts there would be of each list */
    size_t max_bytes;
    int64_t max_tokens; /* INT64_MAX: no bound */
    /* when not everything fits */
    int estimates; /* tokens are estimated, and bounded      */
    size_t bytes;  /* so far */
    int64_t tokens;
    size_t uses[OPRO__LISTS]; /* how often LAYOUT has the placeholder  */
    size_t lead[OPRO__LISTS]; /* bytes of literal text in front of it  */
    int64_t lead_tokens[OPRO__LISTS];
    int begun[OPRO__LISTS]; /* there is a part with text in it       */
    int full;
} build;

static opro_status nomem(opro_meta_prompt *mp) {
    return opro__fail(&mp->err, OPRO_ERR_NOMEM, "out of memory");
}

/* ---- blocks that are always there ------------------------------------------------------------ */

static int is_fixed(int slot) {
    return slot == OPRO__SLOT_INTRO || slot == OPRO__SLOT_REQUEST;
}

static opro__span fixed_text(const opro_meta_prompt *mp, int slot) {
    return opro__block_fixed(mp,
                             slot == OPRO__SLOT_INTRO ? OPRO__BLOCK(INTRO) : OPRO__BLOCK(REQUEST));
}

static opro__span prefix_text(const opro_meta_prompt *mp) {
    return opro__block_fixed(mp, OPRO__BLOCK(PREFIX));
}

static const opro__template *layout_of(const opro_meta_prompt *mp) {
    return &mp->blocks[OPRO__BLOCK(LAYOUT)].template;
}

static opro_status ask_fixed(build *b) {
    static const int32_t ids[] = {OPRO_BLOCK_INTRO, OPRO_BLOCK_REQUEST, OPRO_BLOCK_PREFIX};
    opro_status st = OPRO_OK;

    for (size_t i = 0; i < sizeof ids / sizeof *ids && st == OPRO_OK; i++) {
        opro__block *block = &b->mp->blocks[ids[i] / 10 - 1];

        if (block->hook.fn) st = opro__block_ask(b->mp, b->t, ids[i], -1, &block->answer);
    }
    return st;
}

/* ---- the plan: all parts there would be ------------------------------------------------------ */

static int in_layout(const opro_meta_prompt *mp, int slot) {
    const opro__template *layout = layout_of(mp);

    for (size_t i = 0; i < layout->n; i++)
        if (layout->pieces[i].slot == slot) return 1;
    return 0;
}

static opro_status plan_feedback(build *b) {
    opro_meta_prompt *mp = b->mp;
    void *spoken = mp->spoken;
    int ok;

    mp->n_spoken = 0;
    if (!OPRO__INT(&mp->options, SHOW_FEEDBACK) || !in_layout(mp, OPRO__SLOT_FEEDBACK))
        return OPRO_OK;
    ok = opro__reserve(&mp->mem, &spoken, &mp->cap_spoken, mp->shown.n, sizeof *mp->spoken);
    mp->spoken = spoken;
    if (!ok) return nomem(mp);
    for (size_t i = 0; i < mp->shown.n; i++) {
        const opro__candidate *c = opro__trajectory_at(b->t, mp->shown.numbers[i]);

        if (c->extra && c->extra->feedback_len) mp->spoken[mp->n_spoken++] = mp->shown.numbers[i];
    }
    b->planned[OPRO__SLOT_FEEDBACK] = mp->n_spoken;
    return OPRO_OK;
}

static opro_status plan(build *b, int64_t step) {
    opro_meta_prompt *mp = b->mp;
    size_t rejections = (size_t)OPRO__INT(&mp->options, SHOW_REJECTED);
    opro_status st = plan_feedback(b);

    if (st != OPRO_OK) return st;
    if (in_layout(mp, OPRO__SLOT_TRAJECTORY)) b->planned[OPRO__SLOT_TRAJECTORY] = mp->shown.n;
    if (in_layout(mp, OPRO__SLOT_EXEMPLARS)) {
        st = opro__exemplars_choose(&mp->exemplars, mp->problem, &mp->options, b->t,
                                    mp->shown.numbers, mp->shown.n, step);
        b->planned[OPRO__SLOT_EXEMPLARS] = mp->exemplars.n;
    }
    if (st == OPRO_OK && rejections && in_layout(mp, OPRO__SLOT_REJECTED)) {
        st = opro__rejected_update(&mp->rejected, b->t, rejections);
        b->planned[OPRO__SLOT_REJECTED] = mp->rejected.n;
    }
    return st == OPRO_OK ? st : nomem(mp);
}

/* Write the i-th part of a list, what is dropped last first. */
static opro_status write_part(build *b, int slot, size_t i, opro__buf *out, int *fits) {
    opro_meta_prompt *mp = b->mp;

    switch (slot) {
    case OPRO__SLOT_TRAJECTORY:
        return opro__write_part(mp, b->t, OPRO_BLOCK_ENTRY, mp->shown.numbers[i], out, fits);
    case OPRO__SLOT_EXEMPLARS:
        return opro__write_part(mp, b->t, OPRO_BLOCK_EXEMPLAR, (int64_t)mp->exemplars.chosen[i],
                                out, fits);
    case OPRO__SLOT_FEEDBACK:
        return opro__write_part(mp, b->t, OPRO_BLOCK_FEEDBACK, mp->spoken[i], out, fits);
    default:
        return opro__write_part(mp, b->t, OPRO_BLOCK_REJECTED, opro__rejected_at(&mp->rejected, i),
                                out, fits);
    }
}

/*
 * The index of the i-th part in the order of the text, of a list of count: the best, the newest
 * stands last.
 */
static size_t in_text(const opro_meta_prompt *mp, int slot, size_t i, size_t count) {
    if (slot == OPRO__SLOT_TRAJECTORY) return mp->shown.order[i];
    return slot == OPRO__SLOT_EXEMPLARS ? i : count - 1 - i;
}

/* ---- the message ----------------------------------------------------------------------------- */

/* Puts a list into the message, with lead in front of it if there is anything in it. */
typedef opro_status (*put_list)(build *b, int slot, opro__span lead);

static opro_status put_layout(build *b, put_list list) {
    opro_meta_prompt *mp = b->mp;
    const opro__template *layout = layout_of(mp);
    opro_status st = OPRO_OK;

    opro__buf_clear(&mp->message);
    for (size_t i = 0; i < layout->n && st == OPRO_OK; i++) {
        opro__span literal = layout->pieces[i].literal, text = {NULL, 0};
        int slot = layout->pieces[i].slot;

        if (slot != OPRO__SLOT_NONE && !is_fixed(slot)) {
            st = list(b, slot, literal);
            continue;
        }
        if (slot != OPRO__SLOT_NONE) text = fixed_text(mp, slot);
        if (slot != OPRO__SLOT_NONE && !text.len) continue;
        opro__put(&mp->message, literal.s, literal.len);
        opro__put(&mp->message, text.s, text.len);
    }
    if (st != OPRO_OK) return st;
    if (mp->message.status == OPRO_ERR_NOMEM) return nomem(mp);
    if (mp->message.status == OPRO_ERR_LIMIT) b->full = 1;
    opro__buf_cut(&mp->message, mp->message.len);
    mp->skip = 0;
    while (mp->skip < mp->message.len && mp->message.data[mp->skip] == '\n')
        mp->skip++;
    return OPRO_OK;
}

/* What stands in front of a part: the list's lead, or what joins it to the one before. */
static void put_front(opro__buf *out, int any, opro__span lead) {
    if (any)
        opro__put(out, JOINER, JOINER_LEN);
    else
        opro__put(out, lead.s, lead.len);
}

/* Straight from where the parts come from. */
static opro_status put_through(build *b, int slot, opro__span lead) {
    opro__buf *out = &b->mp->message;
    size_t count = b->planned[slot];
    int any = 0, fits;

    for (size_t i = 0; i < count && !b->full; i++) {
        size_t before = out->len, begin;
        opro_status st;

        put_front(out, any, lead);
        begin = out->len;
        st = write_part(b, slot, in_text(b->mp, slot, i, count), out, &fits);
        if (st != OPRO_OK) return st;
        if (!fits) b->full = 1;
        if (out->len == begin)
            opro__buf_cut(out, before); /* nothing to join */
        else
            any = 1;
    }
    return OPRO_OK;
}

#define AHEAD 8

/*
 * The candidate that is AHEAD places behind i in the text: its record is fetched, it is needed
 * soon.
 */
static const opro__candidate *fetch(const build *b, size_t i) {
    const opro__shown *shown = &b->mp->shown;
    const opro__candidate *c;

    if (i >= shown->n) return NULL;
    c = opro__trajectory_at(b->t, shown->numbers[shown->order[i]]);
    __builtin_prefetch(c);
    return c;
}

/*
 * The same for entries, the bulk of a message, by their template, which is not empty. Candidates
 * and their texts lie all over the memory: they are fetched in time.
 */
static opro_status put_entries(build *b, opro__span lead) {
    opro__buf *out = &b->mp->message;
    const opro__candidate *ring[2 * AHEAD];
    opro_status st = OPRO_OK;
    int fits;

    for (size_t i = 0; i < 2 * AHEAD; i++)
        ring[i] = fetch(b, i);
    for (size_t i = 0; i < b->mp->shown.n && st == OPRO_OK && out->status == OPRO_OK; i++) {
        const opro__candidate *c = ring[i % (2 * AHEAD)], *soon = ring[(i + AHEAD) % (2 * AHEAD)];

        if (soon) __builtin_prefetch(soon->text);
        if (soon) __builtin_prefetch(soon->text + 64);
        ring[i % (2 * AHEAD)] = fetch(b, i + 2 * AHEAD);
        put_front(out, i > 0, lead);
        st = opro__write_entry(b->mp, c, out);
    }
    st = opro__write_done(b->mp, st, out, &fits);
    if (!fits) b->full = 1;
    return st;
}

static opro_status put_all(build *b, int slot, opro__span lead) {
    const opro__block *entry = &b->mp->blocks[OPRO__BLOCK(ENTRY)];

    return slot == OPRO__SLOT_TRAJECTORY && !entry->hook.fn && entry->template.fixed
               ? put_entries(b, lead)
               : put_through(b, slot, lead);
}

/* From the parts in texts. */
static opro_status put_kept(build *b, int slot, opro__span lead) {
    opro_meta_prompt *mp = b->mp;
    size_t count = b->planned[slot];
    size_t all = slot == OPRO__SLOT_TRAJECTORY ? mp->shown.n : count;
    int any = 0;

    for (size_t i = 0; i < all; i++) {
        size_t k = in_text(mp, slot, i, count);
        opro__part part = k < count ? mp->lists[slot].parts[k] : (opro__part){0, 0};

        if (!part.len) continue;
        put_front(&mp->message, any, lead);
        opro__put(&mp->message, mp->texts.data + part.at, part.len);
        any = 1;
    }
    return OPRO_OK;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* Of the message as it is now, and of the prefix. */
static opro_status count_tokens(opro_meta_prompt *mp, int64_t *tokens) {
    const char *text = opro__buf_text(&mp->message) + mp->skip;
    size_t len = mp->message.len - mp->skip;
    opro__span prefix = prefix_text(mp);
    int64_t behind = 0;
    opro_status st;

    if (!mp->tokens.fn) {
        *tokens = opro_estimate_tokens(text, len) + opro_estimate_tokens(prefix.s, prefix.len);
        return OPRO_OK;
    }
    opro__callback_begin(&mp->guard, "the token callback");
    st = opro__tokens_ask(&mp->tokens, mp, text, len, &mp->raw[0], tokens, &mp->err);
    if (st == OPRO_OK && prefix.len)
        st =
            opro__tokens_ask(&mp->tokens, mp, prefix.s, prefix.len, &mp->raw[0], &behind, &mp->err);
    opro__callback_end(&mp->guard);
    if (st != OPRO_OK) return st;
    *tokens = behind > INT64_MAX - *tokens ? INT64_MAX : *tokens + behind;
    mp->counted = *tokens;
    return OPRO_OK;
}

/* Count only if anybody wants to know. */
static opro_status fits_tokens(build *b, int *fits) {
    int64_t tokens = 0;
    opro_status st = OPRO_OK;

    if (b->mp->tokens.fn || b->max_tokens != INT64_MAX) st = count_tokens(b->mp, &tokens);
    *fits = tokens <= b->max_tokens;
    return st;
}

static opro_status too_long(opro_meta_prompt *mp, const char *unit, uint64_t need,
                            const char *option, uint64_t bound) {
    return opro__fail(&mp->err, OPRO_ERR_LIMIT,
                      "the meta-prompt has %llu %s without any solution or exemplar, but option "
                      "\"%s\" is %llu; raise it, or shorten the description and the templates",
                      (unsigned long long)need, unit, option, (unsigned long long)bound);
}

static opro_status too_many_tokens(const build *b, int64_t need) {
    return too_long(b->mp, "tokens", (uint64_t)need, "max_prompt_tokens", (uint64_t)b->max_tokens);
}

static opro_status too_many_bytes(const build *b, size_t need) {
    return too_long(b->mp, "bytes", need, "max_prompt_bytes", b->max_bytes);
}

/* ---- when everything fits -------------------------------------------------------------------- */

/* Write all there is into the message. *done: 0 if that does not fit. */
static opro_status compose_all(build *b, int *done) {
    size_t prefix = prefix_text(b->mp).len;
    opro_status st;

    *done = 0;
    if (prefix > b->max_bytes) return OPRO_OK;
    b->mp->message.max = b->max_bytes - prefix;
    st = put_layout(b, put_all);
    if (st != OPRO_OK || b->full) return st;
    return fits_tokens(b, done);
}

/* The whole text is a callback's. */
static opro_status compose_whole(build *b) {
    opro_meta_prompt *mp = b->mp;
    int64_t tokens = 0;
    size_t bytes;
    opro_status st = opro__block_ask(mp, b->t, OPRO_BLOCK_LAYOUT, -1, &mp->message);

    if (st != OPRO_OK) return st;
    mp->skip = 0;
    bytes = mp->message.len + prefix_text(mp).len;
    if (bytes > b->max_bytes) return too_many_bytes(b, bytes);
    if (b->mp->tokens.fn || b->max_tokens != INT64_MAX) st = count_tokens(mp, &tokens);
    return st == OPRO_OK && tokens > b->max_tokens ? too_many_tokens(b, tokens) : st;
}

/* ---- what fits ------------------------------------------------------------------------------- */

/* In which order parts are taken: of which list, how many at most. */
static const struct {
    int slot;
    size_t most;
} turns[] = {{OPRO__SLOT_TRAJECTORY, 1},
             {OPRO__SLOT_EXEMPLARS, SIZE_MAX},
             {OPRO__SLOT_TRAJECTORY, SIZE_MAX},
             {OPRO__SLOT_FEEDBACK, SIZE_MAX},
             {OPRO__SLOT_REJECTED, SIZE_MAX}};

#define TURNS (sizeof turns / sizeof *turns)

static int64_t estimate(const build *b, const char *s, size_t len) {
    return b->estimates ? opro_estimate_tokens(s, len) : 0;
}

static void spend(build *b, opro__span text) {
    b->bytes += text.len;
    b->tokens += estimate(b, text.s, text.len);
}

/* The cost of what is always there, and what it costs to begin a list. */
static void measure_layout(build *b) {
    const opro__template *layout = layout_of(b->mp);

    spend(b, prefix_text(b->mp));
    for (size_t i = 0; i < layout->n; i++) {
        opro__span literal = layout->pieces[i].literal, text = {NULL, 0};
        int slot = layout->pieces[i].slot;

        if (slot != OPRO__SLOT_NONE && !is_fixed(slot)) {
            b->uses[slot]++;
            b->lead[slot] += literal.len;
            b->lead_tokens[slot] += estimate(b, literal.s, literal.len);
            continue;
        }
        if (slot != OPRO__SLOT_NONE) text = fixed_text(b->mp, slot);
        if (slot != OPRO__SLOT_NONE && !text.len) continue;
        spend(b, literal);
        spend(b, text);
    }
}

static int grow(opro_meta_prompt *mp, opro__parts *list) {
    void *parts = list->parts;
    int ok = opro__reserve(&mp->mem, &parts, &list->cap, list->n + 1, sizeof *list->parts);

    list->parts = parts;
    return ok;
}

/* What was appended to texts is a part of a list, if it fits. */
static opro_status keep_part(build *b, int slot, size_t at) {
    opro_meta_prompt *mp = b->mp;
    opro__parts *list = &mp->lists[slot];
    size_t len = mp->texts.len - at, uses = b->uses[slot];
    int begins = !b->begun[slot];
    size_t bytes = uses * len + (begins ? b->lead[slot] : uses * JOINER_LEN);
    int64_t tokens = (int64_t)uses * estimate(b, mp->texts.data + at, len);

    tokens += begins ? b->lead_tokens[slot] : (int64_t)uses * estimate(b, JOINER, JOINER_LEN);
    if (!len) bytes = 0, tokens = 0;
    if (bytes > b->max_bytes - b->bytes || tokens > b->max_tokens - b->tokens) {
        b->full = 1;
        return OPRO_OK;
    }
    if (list->n == list->cap && !grow(mp, list)) return nomem(mp);
    list->parts[list->n++] = (opro__part){at, len};
    b->bytes += bytes;
    b->tokens += tokens;
    if (len) b->begun[slot] = 1;
    return OPRO_OK;
}

/* Write a part and keep it, or else be full. */
static opro_status add_part(build *b, int slot, size_t i) {
    opro__buf *texts = &b->mp->texts;
    size_t at = texts->len;
    int fits;
    opro_status st = write_part(b, slot, i, texts, &fits);

    if (st != OPRO_OK) return st;
    if (fits) st = keep_part(b, slot, at);
    if (!fits) b->full = 1;
    if (b->full) opro__buf_cut(texts, at);
    return st;
}

/* As many parts as fit, by bytes and by the estimate. */
static opro_status add_parts(build *b) {
    opro_status st = OPRO_OK;

    opro__buf_clear(&b->mp->texts);
    for (size_t k = 0; k < TURNS; k++) {
        const opro__parts *list = &b->mp->lists[turns[k].slot];
        size_t end = b->planned[turns[k].slot];

        if (end > turns[k].most) end = turns[k].most;
        while (list->n < end && !b->full && st == OPRO_OK)
            st = add_part(b, turns[k].slot, list->n);
    }
    return st;
}

static size_t count_parts(const opro_meta_prompt *mp) {
    size_t n = 0;

    for (int slot = 0; slot < OPRO__LISTS; slot++)
        n += mp->lists[slot].n;
    return n;
}

/* Make the message of the first parts. */
static opro_status assemble(build *b, size_t kept) {
    memset(b->planned, 0, sizeof b->planned);
    for (size_t k = 0; k < TURNS; k++) {
        size_t *count = &b->planned[turns[k].slot];
        size_t take = b->mp->lists[turns[k].slot].n - *count;

        if (take > turns[k].most) take = turns[k].most;
        if (take > kept) take = kept;
        *count += take;
        kept -= take;
    }
    return put_layout(b, put_kept);
}

static opro_status try_parts(build *b, size_t kept, int64_t *tokens) {
    opro_status st = assemble(b, kept);

    return st == OPRO_OK ? count_tokens(b->mp, tokens) : st;
}

/* One part less at a time, down to none: also for a callback that finds less text longer. */
static opro_status step_down(build *b, size_t kept) {
    int64_t tokens;

    for (;;) {
        opro_status st = try_parts(b, kept, &tokens);

        if (st != OPRO_OK || tokens <= b->max_tokens) return st;
        if (kept-- == 0) return too_many_tokens(b, tokens);
    }
}

/*
 * Find the most parts that fit, by the callback's count of the whole. What is taken has been
 * counted.
 */
static opro_status search(build *b) {
    size_t good = 0, bad = count_parts(b->mp), all = bad;
    int64_t most, tokens;
    opro_status st = try_parts(b, all, &most);

    if (st != OPRO_OK || most <= b->max_tokens) return st;
    st = try_parts(b, 0, &tokens);
    if (st != OPRO_OK) return st;
    if (tokens > b->max_tokens)
        return tokens <= most ? too_many_tokens(b, tokens) : step_down(b, all);
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2;

        st = try_parts(b, middle, &tokens);
        if (st != OPRO_OK) return st;
        if (tokens <= b->max_tokens)
            good = middle;
        else
            bad = middle;
    }
    return step_down(b, good); /* fits at once, if it is counted as before */
}

/*
 * Nothing but what is always there. The sums count high: empty lines in front do not count, nor
 * words that meet.
 */
static opro_status compose_bare(build *b) {
    int64_t tokens;
    size_t bytes;
    opro_status st = try_parts(b, 0, &tokens);

    if (st != OPRO_OK) return st;
    bytes = b->mp->message.len - b->mp->skip + prefix_text(b->mp).len;
    if (bytes > b->max_bytes) return too_many_bytes(b, bytes);
    return tokens > b->max_tokens ? too_many_tokens(b, tokens) : OPRO_OK;
}

static opro_status fit(build *b) {
    opro_status st;

    measure_layout(b);
    if (b->bytes > b->max_bytes || b->tokens > b->max_tokens) return compose_bare(b);
    st = add_parts(b);
    if (st != OPRO_OK) return st;
    return b->mp->tokens.fn ? search(b) : assemble(b, count_parts(b->mp));
}

static opro_status compose_some(build *b) {
    opro_status st;

    b->full = 0;
    b->mp->message.max = OPRO__PROMPT_MAX;
    b->estimates = !b->mp->tokens.fn && b->max_tokens != INT64_MAX;
    for (int slot = 0; slot < OPRO__LISTS; slot++)
        b->mp->lists[slot].n = 0;
    st = fit(b);
    if (st == OPRO_OK)
        opro__say(&b->mp->guard, b->mp->log, OPRO_LOG_INFO, "meta_prompt",
                  "not everything fits into max_prompt_tokens and max_prompt_bytes; %zu "
                  "solutions and %zu exemplars do",
                  b->planned[OPRO__SLOT_TRAJECTORY], b->planned[OPRO__SLOT_EXEMPLARS]);
    return st;
}

opro_status opro__meta_prompt_compose(opro_meta_prompt *mp, const opro_trajectory *t,
                                      int64_t step) {
    int64_t bound = OPRO__INT(&mp->options, MAX_PROMPT_TOKENS);
    build b = {.mp = mp,
               .t = t,
               .max_bytes = (size_t)OPRO__INT(&mp->options, MAX_PROMPT_BYTES),
               .max_tokens = bound ? bound : INT64_MAX};
    opro_status st = ask_fixed(&b);
    int done = 0;

    if (st != OPRO_OK) return st;
    if (mp->blocks[OPRO__BLOCK(LAYOUT)].hook.fn) return compose_whole(&b);
    st = plan(&b, step);
    if (st == OPRO_OK) st = compose_all(&b, &done);
    return st == OPRO_OK && !done ? compose_some(&b) : st;
}
