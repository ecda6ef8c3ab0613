/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* strndup() */

#include "proposer.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

static const char who_help[] =
    "  --optimizer WHO    who proposes: local, model, record:FILE (the model, and FILE\n"
    "                     remembers it), replay:FILE (what FILE remembers, no network);\n"
    "                     default: %s\n";
static const char model_help[] =
    "  --base-url URL     the model's endpoint, with its version: http://127.0.0.1:8080/v1\n"
    "  --model-name NAME  the model's name there; OPENAI_API_KEY alone: " DEFAULT_MODEL "\n"
    "  --concurrency N    requests in flight, always so many (default: as many as go well)\n";
static const char run_help[] = "  --temperature T    the sampling temperature (default 1)\n"
                               "  --show-prompt      print the first meta-prompt\n"
                               "  --show-reply       print the first reply\n";

static const char *const kinds[] = {"local", "model", "record", "replay"};

void proposer_print_help(const program *p) {
    if (!p->no_run) printf(who_help, kinds[p->by.at.kind]);
    fputs(model_help, stdout);
    if (!p->no_run) fputs(run_help, stdout);
}

/* ---- options --------------------------------------------------------------------------------- */

static int set_kind(program *p, const char *value) {
    p->by.at.kind = PROPOSER_LOCAL;
    if (strcmp(value, "local") == 0 || endpoint_set_kind(&p->by.at, value)) return 1;
    program_fail(p, "--optimizer is local, model, record:FILE or replay:FILE, not \"%s\"", value);
    return 2;
}

static int set_concurrency(program *p, const char *value) {
    p->by.alien = "concurrency";
    if (endpoint_set_concurrency(p->config, value)) return 1;
    program_fail(p, "--concurrency takes a number from 1 to 65536, not \"%s\"", value);
    return 2;
}

static int is(const char *name, size_t len, const char *wanted) {
    return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

int proposer_option(program *p, const char *name, size_t len, const char *value) {
    proposer *by = &p->by;
    const struct {
        const char *name;
        const char **target;
    } texts[] = {{"base-url", &by->at.base_url}, {"model-name", &by->at.model_name}};

    if (is(name, len, "optimizer")) return p->no_run ? 0 : set_kind(p, value);
    if (is(name, len, "concurrency")) return set_concurrency(p, value);
    for (size_t i = 0; i < 2; i++) {
        if (!is(name, len, texts[i].name)) continue;
        by->alien = texts[i].name;
        *texts[i].target = value;
        if (*value) return 1;
        program_fail(p, "--%s needs a value", texts[i].name);
        return 2;
    }
    return 0;
}

int proposer_check(program *p) {
    const proposer *by = &p->by;

    if (by->at.kind != PROPOSER_LOCAL || by->shared || !by->alien) return 0;
    program_fail(p, "--%s is of no use without --optimizer model", by->alien);
    return 2;
}

/* ---- the model ------------------------------------------------------------------------------- */

static void write_note(proposer *by) {
    const endpoint *at = &by->at;

    if (at->kind == PROPOSER_LOCAL)
        snprintf(by->note, sizeof by->note, "%s", by->shared ? LOCAL_PROPOSALS : NO_MODEL);
    else
        snprintf(by->note, sizeof by->note, "The proposals are %sthose of %s%s.",
                 at->kind == ENDPOINT_REPLAY ? "a recording of " : "",
                 at->model_name ? "the language model " : "a language model",
                 at->model_name ? at->model_name : "");
}

int proposer_open(program *p, opro_problem *problem, opro_optimizer **out) {
    proposer *by = &p->by;
    opro_status st;

    write_note(by);
    if (by->at.kind == PROPOSER_LOCAL) {
        st = opro_optimizer_new_local(out, problem, p->config, NULL);
        return program_check(p, st, opro_problem_error(problem), "starting the local search");
    }
    if (endpoint_open(p, &by->at, p->config, 0)) return 1;
    write_note(by); /* the name may have come meanwhile */
    st = opro_optimizer_new_model(out, by->at.model, NULL);
    return program_check(p, st, NULL, "starting the model");
}

/* ---- what became of the replies -------------------------------------------------------------- */

static void keep_first(char **place, int wanted, const opro_event *event) {
    size_t len;
    const char *text = opro_event_text(event, &len);

    if (wanted && !*place) *place = strndup(text, len);
}

void proposer_hear(proposer *by, const opro_event *event) {
    int32_t reason = opro_event_reason(event);

    switch (opro_event_kind(event)) {
    case OPRO_EVENT_META_PROMPT: keep_first(&by->prompt, by->show_prompt, event); break;
    case OPRO_EVENT_REPLY:
        by->replies++;
        keep_first(&by->reply, by->show_reply, event);
        break;
    case OPRO_EVENT_ACCEPTED: by->candidates += opro_event_step(event) >= 0; break;
    case OPRO_EVENT_REJECTED:
        if (reason >= 0 && reason < 100) by->rejected[reason]++;
        break;
    case OPRO_EVENT_FAILED:
        by->failures++;
        snprintf(by->failure, sizeof by->failure, "%s", opro_event_detail(event, NULL));
        break;
    default: break;
    }
}

static const struct {
    int32_t reason;
    const char *name;  /* in JSON  */
    const char *words; /* after a number */
} reasons[] = {
    {OPRO_REASON_NO_CANDIDATE, "no_candidate", "without a candidate"},
    {OPRO_REASON_DUPLICATE, "duplicate", "met before"},
    {OPRO_REASON_TOO_LONG, "too_long", "too long"},
    {OPRO_REASON_DIGITS, "digits", "with digits"},
    {OPRO_REASON_PLACEHOLDER, "placeholder", "with the placeholder"},
    {OPRO_REASON_NOT_LEGAL, "not_legal", "not legal"},
    {OPRO_REASON_TRUNCATED, "truncated", "cut off"},
    {OPRO_REASON_REFUSED, "refused", "refused"},
};

/* Of this run: the client counts from its beginning. */
static int64_t requests(const proposer *by) {
    return by->at.model ? opro_model_figure(by->at.model, OPRO_MODEL_REQUESTS) - by->requests : 0;
}

static int64_t retries(const proposer *by) {
    return by->at.model ? opro_model_figure(by->at.model, OPRO_MODEL_RETRIES) - by->retries : 0;
}

static void print_text(const char *title, const char *text) {
    if (text) printf("\n---- %s ----\n%s\n---- end ----\n", title, text);
}

void proposer_print(const program *p) {
    const proposer *by = &p->by;
    const opro_run *run = opro_driver_run_handle(p->driver);
    double cost = (double)opro_run_count(run, OPRO_COUNT_COST) / 1e6;

    puts(by->note);
    if (by->at.kind != PROPOSER_LOCAL) {
        printf("replies: %lld, of which %lld new candidates", (long long)by->replies,
               (long long)by->candidates);
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
            if (by->rejected[reasons[i].reason])
                printf(", %lld %s", (long long)by->rejected[reasons[i].reason], reasons[i].words);
        printf("\ntokens: %lld read, %lld written",
               (long long)opro_run_count(run, OPRO_COUNT_PROMPT_TOKENS),
               (long long)opro_run_count(run, OPRO_COUNT_REPLY_TOKENS));
        if (cost > 0) printf("; cost %.6f", cost);
        printf("\nrequests: %lld, %lld of them repeats; failures: %lld%s%s\n",
               (long long)requests(by), (long long)retries(by), (long long)by->failures,
               by->failures ? ", the last: " : "", by->failure);
    }
    print_text("the first meta-prompt", by->prompt);
    print_text("the first reply", by->reply);
    if (by->prompt || by->reply) putchar('\n');
}

void proposer_result(const program *p, json_t *result) {
    const proposer *by = &p->by;
    const opro_run *run = opro_driver_run_handle(p->driver);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"replies", by->replies},
                   {"candidates", by->candidates},
                   {"prompt_tokens", opro_run_count(run, OPRO_COUNT_PROMPT_TOKENS)},
                   {"reply_tokens", opro_run_count(run, OPRO_COUNT_REPLY_TOKENS)},
                   {"cost_millionths", opro_run_count(run, OPRO_COUNT_COST)},
                   {"requests", requests(by)},
                   {"retries", retries(by)}};
    json_t *rejections = json_object();

    json_object_set_new(result, "optimizer", json_string(kinds[by->at.kind]));
    json_object_set_new(result, "language_model",
                        by->at.kind == PROPOSER_LOCAL ? json_false()
                        : by->at.model_name           ? json_string(by->at.model_name)
                                                      : json_true());
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(result, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (by->rejected[reasons[i].reason])
            json_object_set_new(rejections, reasons[i].name,
                                json_integer((json_int_t)by->rejected[reasons[i].reason]));
    json_object_set_new(result, "rejections", rejections);
    if (by->prompt) json_object_set_new(result, "meta_prompt", json_string(by->prompt));
    if (by->reply) json_object_set_new(result, "reply", json_string(by->reply));
    if (by->failures) json_object_set_new(result, "last_failure", json_string(by->failure));
}

void proposer_forget(proposer *by) {
    by->requests += requests(by);
    by->retries += retries(by);
    free(by->prompt);
    free(by->reply);
    by->prompt = by->reply = NULL;
    by->failure[0] = '\0';
    by->replies = by->candidates = by->failures = 0;
    memset(by->rejected, 0, sizeof by->rejected);
}

void proposer_close(proposer *by) {
    proposer_forget(by);
    endpoint_close(&by->at);
}
