/* SPDX-License-Identifier: MIT */
#include "prompt_story.h"

#include <stdlib.h>
#include <string.h>

#define PROMPT_MAX ((size_t)24 << 10)
#define REPLY_MAX  ((size_t)4 << 10)
#define BYTES_MAX  ((size_t)6 << 20)
#define TEXTS_MOST 20000

/* The first bytes of a text, up to the end of a letter. */
static char *copy(const char *text, size_t *len, size_t most) {
    char *kept;

    if (*len > most)
        for (*len = most; *len && ((unsigned char)text[*len] & 0xc0) == 0x80; --*len)
            continue;
    kept = malloc(*len + 1);
    if (!kept) return NULL;
    memcpy(kept, text, *len);
    kept[*len] = '\0';
    return kept;
}

static int reserve(prompt_story *story) {
    size_t cap = story->cap ? 2 * story->cap : 256;
    heard *grown;

    if (story->n < story->cap) return 1;
    if (story->n >= TEXTS_MOST) return 0;
    grown = realloc(story->all, cap * sizeof *grown);
    if (!grown) return 0;
    story->all = grown;
    story->cap = cap;
    return 1;
}

void prompt_story_hear(prompt_story *story, const opro_event *event) {
    int32_t kind = opro_event_kind(event);
    size_t len;
    const char *text = opro_event_text(event, &len);
    heard *h;

    if (kind != OPRO_EVENT_META_PROMPT && kind != OPRO_EVENT_REPLY) return;
    if (!reserve(story)) {
        story->dropped++;
        return;
    }
    h = &story->all[story->n++];
    *h = (heard){.kind = kind,
                 .step = opro_event_step(event),
                 .sample = opro_event_sample(event),
                 .len = len,
                 .whole = len};
    if (story->bytes < BYTES_MAX)
        h->text = copy(text, &h->len, kind == OPRO_EVENT_REPLY ? REPLY_MAX : PROMPT_MAX);
    story->bytes += h->text ? h->len : 0;
}

void prompt_story_free(prompt_story *story) {
    for (size_t i = 0; i < story->n; i++)
        free(story->all[i].text);
    free(story->all);
}
