/* SPDX-License-Identifier: MIT */
#include "journal_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---------------------------------------------------------------------------------- */

static char *copy_of(const char *s, size_t len) {
    char *copy = malloc(len + 1);

    if (copy) memcpy(copy, s, len);
    if (copy) copy[len] = '\0';
    return copy;
}

/* Room for one more. 0: no memory. */
static int grow(void **array, size_t n, size_t *cap, size_t size) {
    size_t more = *cap ? 2 * *cap : 16;
    void *grown;

    if (n < *cap) return 1;
    grown = realloc(*array, more * size);
    if (!grown) return 0;
    *array = grown;
    *cap = more;
    return 1;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static counts *step_of(summary *s, int64_t step) {
    size_t place = step < 0 ? 0 : (size_t)step + 1;
    void *steps = s->steps;

    while (s->n_steps <= place) {
        if (!grow(&steps, s->n_steps, &s->cap_steps, sizeof *s->steps)) return NULL;
        s->steps = steps;
        s->steps[s->n_steps++] = (counts){{0, 0}, 0, 0, 0, {0, 0}, 0};
    }
    return &s->steps[place];
}

/* ---- requests that are out ------------------------------------------------------------------- */

static int ask(summary *s, const opro_journal *j) {
    int64_t step = opro_journal_entry_step(j);
    counts *of = step_of(s, step);
    size_t len;
    const char *text = opro_journal_entry_text(j, &len);
    void *open = s->open;
    asked *a;

    if (!of || !grow(&open, s->n_open, &s->cap_open, sizeof *a)) return 0;
    s->open = open;
    a = &s->open[s->n_open];
    *a = (asked){opro_journal_entry_id(j),    1,    opro_journal_entry_how(j),
                 opro_journal_entry_value(j), step, copy_of(text, len)};
    if (a->kind == OPRO_REQUEST_PROPOSE) a->missing = opro_journal_entry_wanted(j);
    s->n_open += a->text != NULL;
    s->all.requests[a->kind == OPRO_REQUEST_SCORE]++;
    of->requests[a->kind == OPRO_REQUEST_SCORE]++;
    return a->text != NULL;
}

static asked *find(summary *s, uint64_t id) {
    for (size_t i = s->n_open; i-- > 0;)
        if (s->open[i].id == id) return &s->open[i];
    return NULL;
}

static void done(summary *s, asked *a) {
    free(a->text);
    *a = s->open[--s->n_open];
}

/* ---- scores ---------------------------------------------------------------------------------- */

const char *set_name(int32_t set) {
    return set == OPRO_VALIDATION ? "validation" : "train";
}

double scored_mean(const scored *c) {
    return c->sum / (double)c->n;
}

int scored_whole(const summary *s, const scored *c) {
    return c->n >= s->instances[c->set == OPRO_VALIDATION];
}

int summary_better(const summary *s, const scored *a, const scored *b) {
    return s->minimizes ? scored_mean(a) < scored_mean(b) : scored_mean(a) > scored_mean(b);
}

const scored *summary_best(const summary *s) {
    const scored *best = NULL;

    for (size_t i = 0; i < s->n_scored; i++) {
        const scored *c = &s->scored[i];

        if (c->set == OPRO_VALIDATION || !scored_whole(s, c)) continue;
        if (!best || summary_better(s, c, best)) best = c;
    }
    return best;
}

/* What is known of this candidate on this set, which may be nothing yet. NULL: no memory. */
static scored *place_of(summary *s, const asked *a) {
    size_t len = strlen(a->text);
    char *key = malloc(len + 2);
    void *all = s->scored;
    json_t *place;
    scored *c = NULL;

    if (!key) return NULL;
    key[0] = a->set == OPRO_VALIDATION ? 'v' : 't';
    memcpy(key + 1, a->text, len + 1);
    place = json_object_get(s->places, key);
    if (place) {
        c = &s->scored[json_integer_value(place)];
    } else if (grow(&all, s->n_scored, &s->cap_scored, sizeof *c)) {
        s->scored = all;
        if (json_object_set_new(s->places, key, json_integer((json_int_t)s->n_scored)) == 0) {
            c = &s->scored[s->n_scored++];
            *c = (scored){.text = copy_of(a->text, len), .set = a->set, .step = a->step};
        }
    }
    free(key);
    return c && c->text ? c : NULL;
}

static int take_scores(summary *s, const asked *a) {
    scored *c = place_of(s, a);
    size_t n;
    const double *scores = opro_journal_entry_scores(s->journal, &n);

    if (!c) return 0;
    for (size_t i = 0; i < n; i++)
        c->sum += scores[i];
    c->n += n;
    c->record = (long)opro_journal_entry_record(s->journal);
    s->all.scores++;
    s->steps[a->step + 1].scores++;
    return 1;
}

/* ---- one entry ------------------------------------------------------------------------------- */

static void add_usage(counts *of, const opro_journal *j) {
    int64_t prompt, reply, cost;

    opro_journal_entry_usage(j, &prompt, &reply, &cost);
    of->tokens[0] += prompt;
    of->tokens[1] += reply;
    of->cost += cost;
}

static int take_header(summary *s, const char *text, size_t len) {
    json_t *problem;
    const char *direction;

    s->header = json_loadb(text, len, 0, NULL);
    s->places = json_object();
    problem = json_object_get(s->header, "problem");
    direction = json_string_value(json_object_get(problem, "direction"));
    s->minimizes = direction && strcmp(direction, "minimize") == 0;
    s->instances[0] = (size_t)json_integer_value(json_object_get(problem, "instances"));
    s->instances[1] = (size_t)json_integer_value(json_object_get(problem, "validation_instances"));
    return s->header && s->places;
}

/* What an answer to a request that is out says; a late one counts for nothing. */
static int take_answer(summary *s, asked *a) {
    const opro_journal *j = s->journal;
    counts *of = &s->steps[a->step + 1];
    int fine = 1;

    switch (opro_journal_entry(j)) {
    case OPRO_ENTRY_REPLY:
        s->all.replies++;
        of->replies++;
        if (--a->missing == 0) done(s, a);
        return 1;
    case OPRO_ENTRY_SCORES:
        fine = take_scores(s, a);
        done(s, a);
        return fine;
    case OPRO_ENTRY_ERROR:
        s->all.errors++;
        of->errors++;
        if (!*s->fault) snprintf(s->fault, sizeof s->fault, "%s", opro_journal_entry_text(j, NULL));
        done(s, a);
        return 1;
    case OPRO_ENTRY_USAGE:
        add_usage(&s->all, j);
        add_usage(of, j);
        return 1;
    default: return 1;
    }
}

static int go_on(summary *s, int fine) {
    s->stop = OPRO_STOP_NONE;
    *s->why = '\0';
    return fine;
}

int summary_take(summary *s) {
    const opro_journal *j = s->journal;
    asked *a = find(s, opro_journal_entry_id(j));
    size_t len;
    const char *text = opro_journal_entry_text(j, &len);

    s->closed = 0;
    switch (opro_journal_entry(j)) {
    case OPRO_ENTRY_HEADER: return take_header(s, text, len);
    case OPRO_ENTRY_REQUEST: return go_on(s, ask(s, j));
    case OPRO_ENTRY_AGAIN: s->again++; return go_on(s, 1);
    case OPRO_ENTRY_STEP: s->ended = opro_journal_entry_step(j) + 1; return 1;
    case OPRO_ENTRY_STOP:
        s->stop = opro_journal_entry_value(j);
        snprintf(s->why, sizeof s->why, "%s", text);
        return 1;
    case OPRO_ENTRY_RESUME: s->resumes++; return 1;
    case OPRO_ENTRY_CLOSE: s->closed = 1; return 1;
    default: return a ? take_answer(s, a) : 1;
    }
}

const char *summary_setting(const summary *s, const char *name) {
    const char *text = json_string_value(json_object_get(s->header, name));

    return text ? text : "?";
}

void summary_free(summary *s) {
    while (s->n_open)
        done(s, s->open);
    for (size_t i = 0; i < s->n_scored; i++)
        free(s->scored[i].text);
    free(s->open);
    free(s->scored);
    free(s->steps);
    json_decref(s->places);
    json_decref(s->header);
    opro_journal_free(s->journal);
}
