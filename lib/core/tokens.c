/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include "base/ascii.h"
#include "sink.h"

int64_t opro_estimate_tokens(const char *text, size_t len) {
    int64_t tokens = 0;
    size_t i = 0;

    if (!opro__arg(&text, &len)) return 0;
    while (i < len) {
        size_t begin = i;

        if (text[i] == ' ') i++;
        while (i < len && opro__is_letter(text[i]))
            i++;
        if (i == begin) i++; /* neither a word nor a blank */
        tokens += (int64_t)(i - begin + 3) / 4;
    }
    return tokens;
}

opro_status opro__tokens_ask(const opro__hook *hook, const opro_meta_prompt *meta_prompt,
                             const char *text, size_t len, opro__buf *buf, int64_t *tokens,
                             opro_error *err) {
    opro_sink sink;
    opro_status st;
    int32_t returned;

    opro__sink_init(&sink, OPRO__SINK_COUNT, buf);
    returned = ((opro_token_fn)hook->fn)(meta_prompt, text, len, &sink, hook->user_data);
    st = opro__sink_close(&sink, returned, OPRO__SINK_COUNT);
    if (st == OPRO_OK) *tokens = sink.count;
    if (st != OPRO_OK)
        opro__fail(err, st, "the token callback %s on a text of %zu bytes: it must deliver a count",
                   st == OPRO_ERR_CALLBACK ? "broke its contract" : "failed", len);
    opro__sink_free(&sink);
    return st;
}
