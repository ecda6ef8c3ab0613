/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the meta-prompt builder share: meta_prompt.c (the object),
 * meta_prompt_write.c (the text of one block), meta_prompt_build.c (what fits, put together).
 */
#ifndef OPRO_CORE_META_PROMPT_PARTS_H
#define OPRO_CORE_META_PROMPT_PARTS_H

#include "exemplar.h"
#include "guard.h"
#include "harmless.h"
#include "meta_prompt.h"
#include "rejected.h"
#include "shown.h"
#include "template.h"
#include "wording.h"

#define OPRO__BLOCKS 8

/* The place of a block in an array: OPRO_BLOCK_LAYOUT, 10, is first. */
#define OPRO__BLOCK(id) ((size_t)(OPRO_BLOCK_##id) / 10 - 1)

/*
 * The most bytes of a text before it is known whether it fits: as the option max_prompt_bytes
 * allows.
 */
#define OPRO__PROMPT_MAX ((size_t)1 << 30)

typedef struct opro__block {
    opro__template template;
    int custom; /* the template is the host's */
    opro__hook hook;
    opro__buf answer; /* INTRO, REQUEST, PREFIX: what the callback delivered in this build */
} opro__block;

/* The text of an entry, an exemplar, ... */
typedef struct opro__part {
    size_t at; /* in texts */
    size_t len;
} opro__part;

/* The parts of a placeholder of LAYOUT, what is dropped last first. */
typedef struct opro__parts {
    opro__part *parts;
    size_t n, cap;
} opro__parts;

enum {
    OPRO__LISTS = OPRO__SLOT_REJECTED + 1
}; /* lists by slot; those of fixed blocks stay empty */

/* How a solution's text becomes what is shown. */
enum {
    OPRO__SHOWS_TEXT,    /* as it is                            */
    OPRO__SHOWS_NAMED,   /* a vector, with its coordinates' names */
    OPRO__SHOWS_RENDERED /* by the problem's render step        */
};

struct opro_meta_prompt {
    opro__mem mem;
    opro_error err;
    opro__refs refs;
    atomic_int frozen;
    opro__guard guard;
    opro_problem *problem;
    opro__options options;
    opro__log *log;
    opro__wording wording;
    opro__scale scale;
    opro__harmless harmless;
    int shows;      /* OPRO__SHOWS_... */
    unsigned harms; /* OPRO__HARM_... of data in this format */
    opro__block blocks[OPRO__BLOCKS];
    opro__hook sort;
    opro__hook tokens;
    opro__span values[OPRO__SLOTS]; /* what placeholders stand for */
    char low[OPRO__NUM_SIZE], high[OPRO__NUM_SIZE];
    /* chosen for this build, with what is remembered from one to the next */
    opro__shown shown;
    opro__exemplars exemplars;
    opro__rejected rejected;
    int64_t *spoken; /* candidates shown that have feedback, best first */
    size_t n_spoken, cap_spoken;
    /* this build */
    opro__buf message; /* the user's */
    size_t skip;       /* empty lines in front that are not part of it */
    size_t n_messages;
    int64_t counted;   /* tokens, if the callback counted them */
    opro__buf raw[2];  /* values that had to be made, or come from callbacks */
    opro__buf safe[2]; /* values that had to be made harmless */
    /* when not everything fits */
    opro__buf texts; /* of all parts that might */
    opro__parts lists[OPRO__LISTS];
};

/* ---- meta_prompt_write.c --------------------------------------------------------------------- */

/* Ask a block's callback; the text is in buf then. */
opro_status opro__block_ask(opro_meta_prompt *mp, const opro_trajectory *t, int32_t block,
                            int64_t number, opro__buf *buf);

/*
 * The text of INTRO, REQUEST or PREFIX, which is the same for all parts: opro__block_ask() must
 * have been done.
 */
opro__span opro__block_fixed(const opro_meta_prompt *mp, size_t block);

/*
 * Append one of the parts to out. *fits: 0 if it, or a value in it, is longer than the buffers
 * may be; what was appended is of no use then, and the buffers' states are good again. number:
 * the candidate, or the index of the exemplar.
 */
opro_status opro__write_part(opro_meta_prompt *mp, const opro_trajectory *t, int32_t block,
                             int64_t number, opro__buf *out, int *fits);

/*
 * Append an entry (the block has no callback). Afterwards, or after many, the same of all
 * buffers: *fits, and OPRO_OK or what st is.
 */
opro_status opro__write_entry(opro_meta_prompt *mp, const opro__candidate *c, opro__buf *out);
opro_status opro__write_done(opro_meta_prompt *mp, opro_status st, opro__buf *out, int *fits);

/* ---- meta_prompt_build.c --------------------------------------------------------------------- */

/* Build with the solutions in shown. */
opro_status opro__meta_prompt_compose(opro_meta_prompt *mp, const opro_trajectory *t, int64_t step);

#endif
