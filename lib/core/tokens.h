/* SPDX-License-Identifier: MIT */
/*
 * Counting tokens. The estimate (opro_estimate_tokens()): an ASCII word, with one blank before
 * it, costs a quarter of its letters, rounded up; every other ASCII character costs one; every
 * other letter as many as it has bytes in UTF-8. Tokenizers in use make fewer of nearly every
 * text. Never more than the bytes; and never more for two texts put together than for both alone,
 * so that the costs of blocks may be added up.
 */
#ifndef OPRO_CORE_TOKENS_H
#define OPRO_CORE_TOKENS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hook.h"
#include "opro/meta_prompt.h"

/* Count by the host's callback (an opro_token_fn). buf: for its sink. */
opro_status opro__tokens_ask(const opro__hook *hook, const opro_meta_prompt *meta_prompt,
                             const char *text, size_t len, opro__buf *buf, int64_t *tokens,
                             opro_error *err);

#endif
