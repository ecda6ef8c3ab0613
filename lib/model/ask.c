/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include <math.h>

#include "opro/meta_prompt.h"

const opro__part *opro__ask_begun(const opro__ask *ask) {
    const opro__part *last = &ask->parts[ask->n_parts - 1]; /* there is one */

    return last->role == OPRO_ROLE_ASSISTANT ? last : NULL;
}

static int has_role(const opro__ask *ask, int32_t role) {
    for (size_t i = 0; i < ask->n_parts; i++)
        if (ask->parts[i].role == role) return 1;
    return 0;
}

int opro__ask_has_system(const opro__ask *ask) {
    return has_role(ask, OPRO_ROLE_SYSTEM) && has_role(ask, OPRO_ROLE_USER) &&
           !(ask->dropped & OPRO__DROP_SYSTEM);
}

size_t opro__trimmed(const char *s, size_t len) {
    while (len && (s[len - 1] == ' ' || (s[len - 1] >= '\t' && s[len - 1] <= '\r')))
        len--;
    return len;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void add_system(opro__buf *out, const opro__ask *ask) {
    int n = 0;

    for (size_t i = 0; i < ask->n_parts; i++) {
        if (ask->parts[i].role != OPRO_ROLE_SYSTEM) continue;
        if (n++) opro__buf_addz(out, "\\n\\n");
        opro__buf_add_escaped(out, ask->parts[i].text, ask->parts[i].len);
    }
}

void opro__body_system(opro__buf *out, const opro__ask *ask) {
    opro__buf_addc(out, '"');
    add_system(out, ask);
    opro__buf_addc(out, '"');
}

static const char *word_of(const opro__turn_words *words, int32_t role) {
    if (role == OPRO_ROLE_SYSTEM) return words->system;
    return role == OPRO_ROLE_USER ? words->user : words->assistant;
}

/*
 * A system text that cannot be said as such becomes the beginning of the first user message, or
 * that message if there is none.
 */
void opro__body_turns(opro__buf *out, const opro__ask *ask, const opro__turn_words *words) {
    int inside = words->system && !(ask->dropped & OPRO__DROP_SYSTEM), n = 0;
    int fold =
        has_role(ask, OPRO_ROLE_SYSTEM) && !inside && (words->system || !opro__ask_has_system(ask));

    opro__buf_addc(out, '[');
    if (fold && !has_role(ask, OPRO_ROLE_USER)) {
        opro__buf_addz(out, words->user);
        opro__body_system(out, ask);
        opro__buf_addz(out, words->end);
        fold = 0;
        n = 1;
    }
    for (size_t i = 0; i < ask->n_parts; i++) {
        const opro__part *part = &ask->parts[i];
        size_t len = part->len;

        if (part->role == OPRO_ROLE_SYSTEM && !inside) continue;
        if (words->tight && part == opro__ask_begun(ask)) len = opro__trimmed(part->text, len);
        if (part->len && !len) continue;
        if (n++) opro__buf_addc(out, ',');
        opro__buf_addz(out, word_of(words, part->role));
        opro__buf_addc(out, '"');
        if (fold && part->role == OPRO_ROLE_USER) {
            add_system(out, ask);
            opro__buf_addz(out, "\\n\\n");
            fold = 0;
        }
        opro__buf_add_escaped(out, part->text, len);
        opro__buf_addc(out, '"');
        opro__buf_addz(out, words->end);
    }
    opro__buf_addc(out, ']');
}

/* ---- members --------------------------------------------------------------------------------- */

void opro__body_name(opro__buf *out, const char *name) {
    opro__buf_addz(out, ",\"");
    opro__buf_addz(out, name);
    opro__buf_addz(out, "\":");
}

void opro__body_int(opro__buf *out, const char *name, int64_t value) {
    opro__body_name(out, name);
    opro__buf_add_int(out, value);
}

void opro__body_temperature(opro__buf *out, const char *name, const opro__ask *ask) {
    if (isnan(ask->temperature) || ask->dropped & OPRO__DROP_TEMPERATURE) return;
    opro__body_name(out, name);
    opro__buf_add_real(out, ask->temperature);
}

void opro__body_seed(opro__buf *out, const char *name, const opro__ask *ask) {
    if (!ask->has_seed || ask->dropped & OPRO__DROP_SEED) return;
    opro__body_int(out, name, (int64_t)(ask->seed & 0x7fffffff));
}

void opro__body_stops(opro__buf *out, const char *name, const opro__ask *ask, int all_blank) {
    int n = 0;

    if (ask->dropped & OPRO__DROP_STOP) return;
    for (size_t i = 0; i < ask->n_stops; i++) {
        const opro__part *stop = &ask->stops[i];

        if (!stop->len || (!all_blank && !opro__trimmed(stop->text, stop->len))) continue;
        if (!n++) {
            opro__body_name(out, name);
            opro__buf_addc(out, '[');
        } else {
            opro__buf_addc(out, ',');
        }
        opro__buf_add_json(out, stop->text, stop->len);
    }
    if (n) opro__buf_addc(out, ']');
}

void opro__body_end(opro__buf *out, const opro__ask *ask) {
    if (ask->more_len) opro__buf_addc(out, ',');
    opro__buf_add(out, ask->more, ask->more_len);
    opro__buf_addc(out, '}');
}
