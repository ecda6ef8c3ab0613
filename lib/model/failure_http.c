/* SPDX-License-Identifier: MIT */
/* What an HTTP status and the endpoint's words mean. */
#include <curl/curl.h>
#include <stdio.h> /* snprintf() only: no streams */
#include <string.h>

#include "base/utf8.h"
#include "failure_parts.h"
#include "hint.h"
#include "json.h"
#include "opro/model.h"
#include "text.h"

/* All that a decision rests on. */
typedef struct scene {
    int32_t status;    /* of HTTP                             */
    int32_t effective; /* ... or, at 200, that of the error   */
    const opro__headers *headers;
    opro__complaint says;
    unsigned sent;
    int prefix;
} scene;

/* What is decided; texts are static, but for host and words. */
typedef struct verdict {
    int32_t kind;
    int retry, adapt, busy;
    const char *what, *advice;
} verdict;

#define VERDICT(...)    ((verdict){__VA_ARGS__})
#define LIST(name, ...) static const char *const name[] = {__VA_ARGS__, NULL}

/* ---- statuses -------------------------------------------------------------------------------- */

static const struct row {
    int32_t status;
    verdict verdict;
} table[] = {
    {401,
     {OPRO_FAILURE_AUTH, OPRO__RETRY_KEY, 0, 0, "the key is not accepted",
      "check the key, and that it is this endpoint's"}},
    {402,
     {OPRO_FAILURE_QUOTA, OPRO__RETRY_NO, 0, 0, "money or quota are used up",
      "see to the account; the client does not try again"}},
    {403,
     {OPRO_FAILURE_AUTH, OPRO__RETRY_KEY, 0, 0, "not allowed",
      "check what the key may do, and from where"}},
    {404,
     {OPRO_FAILURE_NOT_FOUND, OPRO__RETRY_NO, 0, 0, "no such model or path",
      "check the model's name, and the base URL (it ends with the version, as in /v1)"}},
    {405,
     {OPRO_FAILURE_NOT_FOUND, OPRO__RETRY_NO, 0, 0, "no such path",
      "check the base URL (it ends with the version, as in /v1)"}},
    {408, {OPRO_FAILURE_TIMEOUT, OPRO__RETRY, 0, 0, "the endpoint's time ran out", ""}},
    {409, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 0, "a conflict at the endpoint", ""}},
    {410,
     {OPRO_FAILURE_NOT_FOUND, OPRO__RETRY_NO, 0, 0, "no such model or path any more",
      "check the model's name"}},
    {413,
     {OPRO_FAILURE_CONTEXT, OPRO__RETRY_NO, 0, 0, "the prompt is too large",
      "show less: shown_solutions, max_prompt_tokens"}},
    {425, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 0, "too early", ""}},
    {429,
     {OPRO_FAILURE_RATE, OPRO__RETRY, 0, 1, "too many requests",
      "model_requests_per_minute, model_tokens_per_minute and model_max_in_flight limit them"}},
    {498, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 1, "the endpoint is overloaded", ""}},
    {501,
     {OPRO_FAILURE_REFUSED, OPRO__RETRY_NO, 0, 0, "the endpoint cannot do that",
      "check model_dialect and the parameters"}},
    {503, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 1, "the endpoint is overloaded", ""}},
    {504, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 0, "the endpoint's time ran out", ""}},
    {505, {OPRO_FAILURE_PROTOCOL, OPRO__RETRY_NO, 0, 0, "the version of HTTP is refused", ""}},
    {511,
     {OPRO_FAILURE_NET, OPRO__RETRY_NO, 0, 0, "the network wants a login",
      "log in to the network"}},
    {524, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 0, "the endpoint's time ran out", ""}},
    {525, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY_NO, 0, 0, "the endpoint's own TLS fails", ""}},
    {526, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY_NO, 0, 0, "the endpoint's own TLS fails", ""}},
    {529, {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 1, "the endpoint is overloaded", ""}},
    {530,
     {OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY_NO, 0, 0, "the endpoint is not reachable for its proxy",
      "check the base URL's host"}},
};

static verdict by_status(int32_t status) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status) return table[i].verdict;
    if (status >= 500 && status < 600)
        return VERDICT(OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY, 0, 0, "the endpoint fails", "");
    if (status >= 400 && status < 500)
        return VERDICT(OPRO_FAILURE_REFUSED, OPRO__RETRY_NO, 0, 0, "the request is refused", "");
    if (status > 200 && status < 300)
        return VERDICT(OPRO_FAILURE_ANSWER, OPRO__RETRY_FEW, 0, 0, "no answer to the question",
                       "check the base URL");
    return VERDICT(OPRO_FAILURE_PROTOCOL, OPRO__RETRY_NO, 0, 0, "a status that makes no sense",
                   "check that the base URL is that of a model");
}

/*
 * The status that belongs to an error inside an answer with status 200: its code if that is a
 * number, or what its name stands for elsewhere. 200: not known.
 */
static int32_t status_of_error(const opro__complaint *c) {
    static const struct {
        int32_t status;
        const char *names[8];
    } known[] = {
        {400,
         {"invalid_request_error", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "BadRequestError",
          "invalid_prompt", "bad_request"}},
        {401, {"authentication_error", "invalid_api_key", "UNAUTHENTICATED"}},
        {402, {"billing_error", "insufficient_quota"}},
        {403, {"permission_error", "PERMISSION_DENIED", "permission_denied"}},
        {404, {"not_found_error", "model_not_found", "NOT_FOUND", "NotFoundError"}},
        {413, {"request_too_large"}},
        {429,
         {"rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "rate_limited",
          "slow_down", "requests", "tokens"}},
        {500, {"api_error", "server_error", "INTERNAL", "InternalServerError"}},
        {501, {"not_supported_error"}},
        {503, {"unavailable_error", "UNAVAILABLE", "server_is_overloaded"}},
        {504, {"timeout_error", "DEADLINE_EXCEEDED"}},
        {529, {"overloaded_error"}},
    };

    if (c->number >= 400 && c->number < 600) return (int32_t)c->number;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (opro__complaint_is(c, known[i].names)) return known[i].status;
    return 200;
}

/* ---- what words say -------------------------------------------------------------------------- */

/* Quota and money: no rest helps. Gemini says the same words for the limit of a minute. */
static int is_quota(const scene *s) {
    LIST(names, "insufficient_quota", "credit_balance_exhausted",
         "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
         "organization_usage_limit_exceeded", "billing_hard_limit_reached", "billing_error",
         "billing_not_active", "insufficient_balance", "insufficient_credits");
    LIST(words, "credit balance is too low", "insufficient balance", "insufficient credit",
         "insufficient_quota", "used all available credits", "spending limit", "spend limit",
         "specified api usage limits", "free-models-per-day");
    LIST(openai, "exceeded your current quota");
    int named = opro__complaint_is(&s->says, names) || opro__complaint_says_any(&s->says, words);

    if (s->effective != 400 && s->effective != 403 && s->effective != 429) return 0;
    if (named || opro__complaint_holds(&s->says, "perday")) return 1;
    if (opro__complaint_holds(&s->says, "enforced_spend_limit_reached"))
        return !*s->headers->retry_after;
    return opro__complaint_says_any(&s->says, openai) &&
           strcmp(s->says.status, "RESOURCE_EXHAUSTED") != 0;
}

static int is_loading(const scene *s) {
    LIST(words, "loading model", "model is loading", "currently loading", "still loading",
         "loading the model");

    return s->effective == 503 && opro__complaint_says_any(&s->says, words);
}

static int may_be_wording(const scene *s) {
    return s->effective == 400 || s->effective == 422 || s->effective == 500 || s->effective == 501;
}

static int is_context(const scene *s) {
    LIST(names, "context_length_exceeded", "exceed_context_size_error",
         "model_context_window_exceeded");
    LIST(words, "context length", "context window", "context size", "maximum model length",
         "prompt is too long", "input is too long", "reduce the length of the messages",
         "too many input tokens", "`inputs` tokens + `max_new_tokens` must be");

    if (!may_be_wording(s) && s->effective != 413) return 0;
    if (opro__complaint_is(&s->says, names) || opro__complaint_says_any(&s->says, words)) return 1;
    return opro__complaint_says(&s->says, "input token count") &&
           opro__complaint_says(&s->says, "exceed");
}

/* Gemini refuses a key with 400. */
static int is_key(const scene *s) {
    LIST(names, "invalid_api_key", "authentication_error", "UNAUTHENTICATED");
    LIST(words, "api key not valid", "invalid api key", "incorrect api key", "api key expired");

    if (s->effective != 400 && s->effective != 403 && s->effective != 422) return 0;
    return opro__complaint_is(&s->says, names) || opro__complaint_says_any(&s->says, words) ||
           opro__complaint_holds(&s->says, "api_key_invalid");
}

static int is_filter(const scene *s) {
    LIST(names, "content_filter", "content_policy_violation", "invalid_prompt",
         "data_inspection_failed", "DataInspectionFailed");
    LIST(words, "content management policy", "content policy", "content filter", "usage policy",
         "usage policies", "safety system", "content exists risk", "flagged as potentially",
         "was flagged", "requires moderation");

    if (s->effective != 400 && s->effective != 403 && s->effective != 422) return 0;
    return opro__complaint_is(&s->says, names) || opro__complaint_says_any(&s->says, words) ||
           opro__complaint_holds(&s->says, "responsibleaipolicyviolation");
}

static int is_model_missing(const scene *s) {
    LIST(names, "model_not_found", "model_not_available", "invalid_model");
    LIST(words, "is not a valid model", "model does not exist", "no such model", "unknown model");

    if (s->effective < 400 || s->effective >= 500 || s->effective == 429) return 0;
    return opro__complaint_is(&s->says, names) || opro__complaint_says_any(&s->says, words);
}

/* A begun answer that is not continued. */
static int is_prefix(const scene *s) {
    LIST(words, "prefill", "end with a user", "ends with a user", "last message must",
         "last message should", "expected last role", "final message must",
         "continue_final_message", "add_generation_prompt", "at the end of the list",
         "last message is from the assistant", "assistant message cannot be the last",
         "last message cannot be");

    if (!s->prefix || !may_be_wording(s)) return 0;
    return opro__complaint_says_any(&s->says, words) || strcmp(s->says.param, "prefix") == 0 ||
           opro__complaint_names(&s->says, "prefix", 1);
}

/* ---- parameters that are not wanted ---------------------------------------------------------- */

static const struct field {
    int adapt;
    const char *param, *what;
    int only_quoted; /* the name is a word of English as well */
} fields[] = {
    {OPRO__ADAPT_MAX_TOKENS, "max_tokens", "the endpoint wants max_completion_tokens", 0},
    {OPRO__ADAPT_TEMPERATURE, "temperature", "the endpoint does not take temperature", 0},
    {OPRO__ADAPT_SEED, "seed", "the endpoint does not take seed", 0},
    {OPRO__ADAPT_SEED, "random_seed", "the endpoint does not take seed", 0},
    {OPRO__ADAPT_STOP, "stop", "the endpoint does not take stop", 1},
    {OPRO__ADAPT_STOP, "stop_sequences", "the endpoint does not take stop", 0},
    {OPRO__ADAPT_STOP, "stopsequences", "the endpoint does not take stop", 0},
    {OPRO__ADAPT_STOP, "stop sequences", "the endpoint does not take stop", 0},
    {OPRO__ADAPT_SAMPLES, "n", "the endpoint gives one reply at a time", 0},
    {OPRO__ADAPT_SAMPLES, "n_cmpl", "the endpoint gives one reply at a time", 0},
    {OPRO__ADAPT_SAMPLES, "candidatecount", "the endpoint gives one reply at a time", 0},
    {OPRO__ADAPT_SAMPLES, "candidate_count", "the endpoint gives one reply at a time", 0},
};

static const char *adapt_words(int adapt) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].adapt == adapt) return fields[i].what;
    return "the endpoint has no system role";
}

static int was_sent(const scene *s, int adapt) {
    return (s->sent >> adapt & 1) != 0;
}

/* "generation_config.stop_sequences" is the field stop_sequences. */
static int is_param(const char *param, const char *name) {
    const char *dot = strrchr(param, '.');
    const char *last = dot ? dot + 1 : param;

    return strlen(last) == strlen(name) && opro__same_letters(last, name, strlen(name));
}

static int is_unsupported(const scene *s) {
    LIST(words, "unsupported", "not support", "n't support", "unknown", "unrecognized",
         "unexpected", "not permitted", "not allowed", "deprecated", "not available", "forbidden",
         "only the default");

    return opro__complaint_says_any(&s->says, words);
}

/* The value is at fault, not the parameter: who set it should hear that. */
static int is_range(const scene *s) {
    LIST(words, "between", "less than", "greater than", "range", "at most", "at least",
         "<=", ">=", "maximum", "minimum", "too large", "too small", "too high");

    return !is_unsupported(s) && opro__complaint_says_any(&s->says, words);
}

/* Words for several replies by one request, where no field is named. */
static int is_samples(const scene *s) {
    LIST(words, "number of slots", "greedy", "completion choice", "multiple choices",
         "multiple candidates", "multiple completions", "number of completions");

    return opro__complaint_says_any(&s->says, words);
}

static int is_system(const scene *s) {
    LIST(refused, "user and assistant roles", "roles must alternate", "system role not supported",
         "developer instruction is not enabled");
    LIST(named, "system role", "role system", "'system'", "\"system\"", "`system`",
         "system message", "system prompt", "system instruction", "role: system");

    return opro__complaint_says_any(&s->says, refused) ||
           (opro__complaint_says_any(&s->says, named) && is_unsupported(s));
}

/* Which parameter has to go; NONE. */
static int which_adapt(const scene *s) {
    const char *param = s->says.param;

    if (was_sent(s, OPRO__ADAPT_SYSTEM) && is_system(s)) return OPRO__ADAPT_SYSTEM;
    if (s->effective == 500) return OPRO__ADAPT_NONE;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct field *field = &fields[i];

        if (!was_sent(s, field->adapt)) continue;
        if (*param ? !is_param(param, field->param)
                   : !opro__complaint_names(&s->says, field->param, field->only_quoted))
            continue;
        if (field->adapt == OPRO__ADAPT_TEMPERATURE && is_range(s)) continue;
        if (field->adapt == OPRO__ADAPT_MAX_TOKENS && !is_unsupported(s) &&
            (is_range(s) || !opro__complaint_says(&s->says, "max_completion_tokens")))
            continue;
        return field->adapt;
    }
    if (was_sent(s, OPRO__ADAPT_SAMPLES) && !*param && is_samples(s)) return OPRO__ADAPT_SAMPLES;
    return OPRO__ADAPT_NONE;
}

/* ---- the decision ---------------------------------------------------------------------------- */

static verdict by_words(const scene *s) {
    int adapt;

    if (is_quota(s)) return by_status(402);
    if (is_loading(s))
        return VERDICT(OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY_LOADING, 0, 1,
                       "the endpoint is loading its model", "");
    if (is_context(s))
        return VERDICT(OPRO_FAILURE_CONTEXT, OPRO__RETRY_NO, 0, 0,
                       "the prompt is too long for the model",
                       "show less: shown_solutions, max_prompt_tokens");
    if (is_key(s)) return by_status(401);
    if (is_filter(s))
        return VERDICT(OPRO_FAILURE_FILTER, OPRO__RETRY_NO, 0, 0,
                       "a content filter refused the prompt", "");
    if (is_prefix(s))
        return VERDICT(OPRO_FAILURE_PREFIX, OPRO__RETRY_NO, 0, 0,
                       "the endpoint cannot continue a begun answer",
                       "try another model_prefix, or begin no answer");
    adapt = may_be_wording(s) ? which_adapt(s) : OPRO__ADAPT_NONE;
    if (adapt)
        return VERDICT(OPRO_FAILURE_REFUSED, OPRO__RETRY_ADAPT, adapt, 0, adapt_words(adapt), "");
    if (is_model_missing(s)) return by_status(404);
    return by_status(s->effective);
}

/* An error in an answer with status 200 of which nobody knows what it is. */
static verdict unknown_error(const scene *s) {
    scene guess = *s;
    verdict v;

    guess.effective = 400;
    v = by_words(&guess);
    if (v.kind != OPRO_FAILURE_REFUSED || v.adapt) return v;
    return VERDICT(OPRO_FAILURE_UNAVAILABLE, OPRO__RETRY_FEW, 0, 0, "the endpoint fails", "");
}

static verdict decide(const scene *s) {
    const char *should = s->headers->should_retry;
    verdict v = s->effective == 200 ? unknown_error(s) : by_words(s);

    if (v.retry == OPRO__RETRY_ADAPT || v.retry == OPRO__RETRY_KEY || s->status < 400) return v;
    if (strcmp(should, "false") == 0) v.retry = OPRO__RETRY_NO;
    if (strcmp(should, "true") == 0 && v.retry == OPRO__RETRY_NO) v.retry = OPRO__RETRY;
    return v;
}

/* ---- redirects ------------------------------------------------------------------------------- */

/* The host of a Location, "" if it has none: all of it that anybody gets to see. */
static void host_of(const char *location, char *host, size_t size) {
    CURLU *url = curl_url();
    char absolute[sizeof((opro__headers *)0)->location + 8], *found = NULL;
    CURLUcode code;

    host[0] = '\0'; /* without memory for a URL, too: libcurl refuses to set what is NULL */
    snprintf(absolute, sizeof absolute, "%s%s", strncmp(location, "//", 2) == 0 ? "https:" : "",
             location);
    code = curl_url_set(url, CURLUPART_URL, absolute, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK && curl_url_get(url, CURLUPART_HOST, &found, 0) == CURLUE_OK)
        snprintf(host, size, "%s", found);
    curl_free(found);
    curl_url_cleanup(url);
}

static void redirect(opro__failure *failure, int32_t status, const opro__headers *headers,
                     const opro__censor *censor, const char *id) {
    char what[360], host[sizeof headers->location];
    opro__words words;

    host_of(headers->location, host, sizeof host);
    words = opro__words_of(censor, host, strlen(host));
    snprintf(what, sizeof what, "HTTP %d, a redirect%s%s, which is not followed", (int)status,
             *words.text          ? " to the host "
             : *headers->location ? " to another path"
                                  : "",
             words.text);
    opro__failure_say(failure, OPRO_FAILURE_REDIRECT, OPRO__RETRY_NO, what, "", id,
                      "if you trust it, make it the base URL");
}

/* ---- putting it together --------------------------------------------------------------------- */

/* What is said by somebody behind the endpoint, as far as there is room. */
static void add_raw(opro__words *words, const opro__censor *censor, const opro__complaint *c) {
    opro__words raw = opro__words_of(censor, c->raw, c->raw_len);
    size_t len = strlen(words->text), room = sizeof words->text - 1 - len;

    if (room < 10) return;
    room = opro__utf8_cut(raw.text, strlen(raw.text), room - 2);
    snprintf(words->text + len, sizeof words->text - len, "%s%.*s", len ? ": " : "", (int)room,
             raw.text);
}

static void answer(opro__failure *failure, const scene *s, const opro__censor *censor,
                   const char *id, int64_t now_unix) {
    const opro__complaint *c = &s->says;
    verdict v = decide(s);
    opro__words words = {""};
    char what[120];

    if (s->status == 200 || s->status >= 400) /* else they are no words about an error */
        words = opro__words_of(censor, c->message, c->len);
    if (c->raw_len) add_raw(&words, censor, c);
    snprintf(what, sizeof what, "HTTP %d%s, %s", (int)s->status,
             s->status == 200 ? " with an error in it" : "", v.what);
    opro__failure_say(failure, v.kind, v.retry, what, words.text, id, v.advice);
    failure->adapt = v.adapt;
    failure->busy = v.busy;
    failure->wait_ms = opro__hint(s->headers, c->object, c->message, c->len, now_unix);
}

void opro__failure_http(opro__failure *failure, int32_t status, const opro__headers *headers,
                        const json_t *error, const char *body, size_t len, unsigned sent,
                        int prefix, int64_t now_unix, const opro__secret *secrets, size_t n_secrets,
                        opro__mem *mem) {
    opro__censor censor = {secrets, n_secrets, mem};
    scene s = {.status = status, .headers = headers, .sent = sent, .prefix = prefix};
    json_t *root = NULL;
    opro__words id;
    opro_error ignored;

    if (!error) {
        opro__err_clear(&ignored);
        if (opro__json_parse(&root, mem, &ignored, body, len) != OPRO_OK) root = NULL;
    }
    opro__complaint_read(&s.says, error ? error : root, body, len);
    s.effective = status == 200 ? status_of_error(&s.says) : status;
    id = *headers->request_id
             ? opro__words_of(&censor, headers->request_id, strlen(headers->request_id))
             : opro__words_of(&censor, s.says.request_id, strlen(s.says.request_id));
    if (status >= 300 && status < 400)
        redirect(failure, status, headers, &censor, id.text);
    else
        answer(failure, &s, &censor, id.text, now_unix);
    failure->http_status = status;
    json_decref(root);
}
