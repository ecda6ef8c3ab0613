/* SPDX-License-Identifier: MIT */
/* The meta-prompts of a run and the replies to them, kept for a report: as much as is sensible. */
#ifndef EXAMPLES_PROMPT_STORY_H
#define EXAMPLES_PROMPT_STORY_H

#include <opro/opro.h>

/* A text that was heard; text NULL: there was no room for it any more. */
typedef struct heard {
    int32_t kind; /* OPRO_EVENT_META_PROMPT, OPRO_EVENT_REPLY */
    int64_t step, sample;
    char *text;
    size_t len, whole; /* bytes that are kept, and that there were */
} heard;

typedef struct prompt_story {
    heard *all;
    size_t n, cap;
    size_t bytes;    /* kept */
    int64_t dropped; /* texts that are not even listed */
} prompt_story;

/* Note an event, if it is one of these. */
void prompt_story_hear(prompt_story *story, const opro_event *event);
void prompt_story_free(prompt_story *story);

#endif
