/* SPDX-License-Identifier: MIT */
/*
 * What endpoints answer. The first line: digits for the dialect, and for how many replies were
 * asked for. Three parts: the begun answer and a stop text (nothing: there is none), and the body.
 */
#include <math.h>

#include "fuzz.h"
#include "model/dialect.h"
#include "model/failure.h"
#include "model/json.h"
#include "opro/model.h"

enum { REPLIES = 4 };

static const int32_t dialects[] = {OPRO_DIALECT_OPENAI,    OPRO_DIALECT_COMPLETIONS,
                                   OPRO_DIALECT_RESPONSES, OPRO_DIALECT_ANTHROPIC,
                                   OPRO_DIALECT_GEMINI,    OPRO_DIALECT_AZURE};

typedef struct question {
    const opro__dialect *dialect;
    opro__part parts[2], stop;
    opro__ask ask;
    fuzz_text body;
    int failing;
} question;

/* ---- what came out --------------------------------------------------------------------------- */

static int contains(const char *s, size_t len, const opro__part *text) {
    for (size_t i = 0; text->len && i + text->len <= len; i++)
        if (memcmp(s + i, text->text, text->len) == 0) return 1;
    return 0;
}

static void check_reply(const question *q, const opro__reply_text *reply) {
    fuzz_require_text(reply->finish, strlen(reply->finish));
    if (reply->outcome == OPRO_OUTCOME_NONE) {
        REQUIRE(!reply->text && !reply->reasoning && !*reply->finish);
        return;
    }
    REQUIRE(reply->outcome > 0 && reply->outcome <= OPRO_OUTCOME_FAILED);
    fuzz_require_text(reply->text, reply->len);
    if (reply->reasoning) fuzz_require_text(reply->reasoning, reply->reasoning_len);
    if (reply->outcome <= OPRO_OUTCOME_TRUNCATED)
        REQUIRE(!contains(reply->text, reply->len, &q->stop));
}

static void check_usage(const opro__usage *usage) {
    const int64_t most = INT64_C(1) << 53;

    REQUIRE(usage->prompt >= 0 && usage->prompt <= most);
    REQUIRE(usage->reply >= 0 && usage->reply <= most);
    REQUIRE(usage->cached >= 0 && usage->cached <= usage->prompt);
    REQUIRE(usage->reasoning >= 0 && usage->reasoning <= usage->reply);
    if (!usage->known) REQUIRE(usage->prompt == 0 && usage->reply == 0);
}

static void check_answer(const question *q, const opro__answer *answer) {
    size_t given = 0;

    REQUIRE(answer->n_replies == q->ask.samples);
    for (size_t i = 0; i < answer->n_replies; i++) {
        check_reply(q, &answer->replies[i]);
        given += answer->replies[i].outcome != OPRO_OUTCOME_NONE;
    }
    REQUIRE(given > 0 && answer->n_given >= 1);
    check_usage(&answer->usage);
    fuzz_require_text(answer->id, strlen(answer->id));
}

/* An error with status 200 is one like others. */
static void check_error(const question *q, const json_t *error, opro__mem *mem) {
    const opro__headers headers = {.date = ""};
    opro__failure failure;

    opro__failure_http(&failure, 200, &headers, error, q->body.s, q->body.len, ~0u, 1, 0, NULL, 0,
                       mem);
    REQUIRE(failure.kind != OPRO_FAILURE_NONE && failure.wait_ms >= -1);
    fuzz_require_error(&failure.err, failure.err.status);
    REQUIRE(failure.err.status < 0);
}

/* ---- twice the same -------------------------------------------------------------------------- */

static uint64_t digest_of(const opro__answer *answer) {
    const opro__usage *usage = &answer->usage;
    uint64_t digest = opro__hash_add_text(answer->n_given, answer->id, strlen(answer->id));

    for (size_t i = 0; i < answer->n_replies; i++) {
        const opro__reply_text *reply = &answer->replies[i];

        digest = opro__hash_add(digest, (uint64_t)reply->outcome);
        digest = opro__hash_add_text(digest, reply->text, reply->len);
        digest = opro__hash_add_text(digest, reply->reasoning, reply->reasoning_len);
        digest = opro__hash_add_text(digest, reply->finish, strlen(reply->finish));
    }
    digest = opro__hash_add(digest, (uint64_t)usage->prompt);
    return opro__hash_add(digest, (uint64_t)usage->reply);
}

static opro_status read_once(const question *q, const opro_allocator *allocator, uint64_t *digest) {
    opro__answer answer;
    json_t *error = NULL;
    opro_error err;
    opro__mem mem;
    opro_status st;

    opro__err_clear(&err);
    REQUIRE(opro__mem_init(&mem, allocator) == OPRO_OK);
    st = opro__answer_init(&answer, &mem, q->ask.samples);
    if (st != OPRO_OK) return st;
    st = opro__dialect_read(q->dialect, &answer, &error, &q->ask, q->body.s, q->body.len, &err);
    fuzz_require_error(&err, st);
    REQUIRE((error != NULL) == (st == OPRO_ERR_FAILED));
    *digest = (uint64_t)st;
    if (st == OPRO_OK) {
        check_answer(q, &answer);
        *digest = digest_of(&answer);
    } else if (error) {
        check_error(q, error, &mem);
    }
    json_decref(error);
    opro__answer_free(&answer);
    REQUIRE(mem.used == 0);
    return st;
}

static void check_question(const question *q, const opro_allocator *allocator) {
    uint64_t digest = 0, again = 0;
    opro_status st = read_once(q, allocator, &digest);

    REQUIRE(st == OPRO_OK || st == OPRO_ERR_FAILED || st == OPRO_ERR_PARSE ||
            st == OPRO_ERR_LIMIT || (q->failing && st == OPRO_ERR_NOMEM));
    if (q->failing) return;
    REQUIRE(read_once(q, NULL, &again) == st && again == digest);
}

/* ---- JSON, read in two ways ------------------------------------------------------------------ */

/* What is JSON for jansson is so for the cursor, which reads in place. */
static void check_cursor(fuzz_text body) {
    char *copy = malloc(body.len + 1);
    opro__cursor cursor = {.s = copy, .len = body.len, .newlines = 1};
    opro_error err;
    opro__mem mem;
    const char *value;
    size_t len;

    if (!copy || opro__mem_init(&mem, NULL) != OPRO_OK) abort();
    if (body.len) memcpy(copy, body.s, body.len);
    if (opro__json_check(&mem, &err, body.s, body.len) == OPRO_OK) {
        REQUIRE(opro__cursor_skip(&cursor, &value, &len));
        REQUIRE(opro__cursor_peek(&cursor) == 0 && cursor.at >= cursor.len);
        REQUIRE(value >= copy && value + len <= copy + body.len);
    }
    free(copy);
}

static opro__part part_of(int32_t role, fuzz_text text) {
    return (opro__part){role, (char *)(uintptr_t)text.s, text.len};
}

static void check(fuzz_input *in, const opro_allocator *allocator) {
    question q = {.failing = in->failing};
    fuzz_text begun, stop;

    q.dialect = opro__dialect_find(dialects[fuzz_digit(in, 6)], NULL);
    q.ask.samples = 1 + fuzz_digit(in, REPLIES);
    fuzz_line(in);
    begun = fuzz_part(in);
    stop = fuzz_part(in);
    q.body = fuzz_rest(in);
    if (!opro__utf8_valid(begun.s, begun.len)) begun.len = 0; /* a call would not take it */
    if (!opro__utf8_valid(stop.s, stop.len)) stop.len = 0;
    q.parts[0] = part_of(OPRO_ROLE_USER, (fuzz_text){"hi", 2});
    q.parts[1] = part_of(OPRO_ROLE_ASSISTANT, begun);
    q.stop = part_of(0, stop);
    q.ask.model = "m";
    q.ask.model_len = 1;
    q.ask.more = "";
    q.ask.temperature = (double)NAN;
    q.ask.parts = q.parts;
    q.ask.n_parts = begun.len ? 2 : 1;
    q.ask.stops = &q.stop;
    q.ask.n_stops = stop.len ? 1 : 0;
    check_question(&q, allocator);
    if (!in->failing) check_cursor(q.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_run(check, data, size);
}
