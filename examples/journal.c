/* SPDX-License-Identifier: MIT */
/*
 * What is in a journal: its entries in words, what came of them, whether the file is whole. Reads
 * only, and may do so while a run is writing.
 */
#include "journal_report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <opro/opro.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request that is out. */
typedef struct asked {
    uint64_t id;
    size_t missing; /* replies, or 1 */
    int32_t kind, set;
    int64_t step;
    char *text; /* of a candidate to be scored */
} asked;

typedef struct summary {
    opro_journal *journal;
    json_t *header, *minimize;
    asked *open;
    size_t n_open, cap_open;
    int64_t requests[2]; /* for proposals, for scores */
    int64_t replies, scores, errors, again, resumes, steps, tokens[2], cost, ms;
    int32_t stop;
    int closed, minimizes;
    double best;
    char *best_text;
    long best_record;
    json_t *scored;  /* --json */
    score_list list; /* --report */
} summary;

/* What is to be done with each entry. */
enum { SHOW, CSV, JSON, NOTHING };

/* ---- requests that are out ------------------------------------------------------------------- */

static char *copy_of(const char *s, size_t len) {
    char *copy = malloc(len + 1);

    if (copy) memcpy(copy, s, len);
    if (copy) copy[len] = '\0';
    return copy;
}

static int ask(summary *s, const opro_journal *j) {
    size_t len;
    const char *text = opro_journal_entry_text(j, &len);
    asked *a;

    if (s->n_open == s->cap_open) {
        size_t cap = s->cap_open ? 2 * s->cap_open : 16;
        asked *open = realloc(s->open, cap * sizeof *open);

        if (!open) return 0;
        s->open = open;
        s->cap_open = cap;
    }
    a = &s->open[s->n_open];
    *a = (asked){opro_journal_entry_id(j),   1,
                 opro_journal_entry_how(j),  opro_journal_entry_value(j),
                 opro_journal_entry_step(j), copy_of(text, len)};
    if (a->kind == OPRO_REQUEST_PROPOSE) a->missing = opro_journal_entry_wanted(j);
    s->n_open += a->text != NULL;
    s->requests[a->kind == OPRO_REQUEST_SCORE]++;
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

static double mean_of(const opro_journal *j, size_t *n) {
    const double *scores = opro_journal_entry_scores(j, n);
    double sum = 0;

    for (size_t i = 0; i < *n; i++)
        sum += scores[i];
    return sum / (double)*n;
}

static const char *set_name(int32_t set) {
    return set == OPRO_VALIDATION ? "validation" : "train";
}

static void put_csv(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    puts("\"");
}

/* A candidate has scores: the line of a table. */
static int take_scores(summary *s, const asked *a, int how) {
    long record = (long)opro_journal_entry_record(s->journal);
    size_t n;
    double mean = mean_of(s->journal, &n);
    int better = s->minimizes ? mean < s->best : mean > s->best;

    s->scores++;
    if (how == CSV) {
        printf("%ld,%lld,%s,%zu,%.17g,", record, (long long)a->step, set_name(a->set), n, mean);
        put_csv(a->text);
    }
    if (how == JSON && json_array_append_new(
                           s->scored, json_pack("{sI ss sI sf ss}", "step", (json_int_t)a->step,
                                                "set", set_name(a->set), "instances", (json_int_t)n,
                                                "mean", mean, "candidate", a->text)) != 0)
        return 0;
    if (a->set == OPRO_VALIDATION) return 1;
    if (!scores_add(&s->list, mean)) return 0;
    if (s->best_text && !better) return 1;
    free(s->best_text);
    s->best = mean;
    s->best_record = record;
    s->best_text = copy_of(a->text, strlen(a->text));
    return s->best_text != NULL;
}

/* ---- one entry ------------------------------------------------------------------------------- */

/* The first line of a text, and not too much of it. */
static void put_start(const char *text) {
    size_t len = strcspn(text, "\n\r");
    int cut = text[len] != '\0' || len > 70;

    if (len > 70)
        for (len = 70; len && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
            ;
    printf("\"%.*s%s\"\n", (int)len, text, cut ? " ..." : "");
}

static void show_usage(const opro_journal *j) {
    int64_t prompt, reply, cost;

    opro_journal_entry_usage(j, &prompt, &reply, &cost);
    printf("%lld tokens read, %lld written, cost %lld\n", (long long)prompt, (long long)reply,
           (long long)cost);
}

static void show_reply(const opro_journal *j) {
    int32_t how = opro_journal_entry_how(j);

    printf("reply %zu%s ", opro_journal_entry_index(j),
           how == OPRO_REASON_TRUNCATED ? ", cut off,"
           : how == OPRO_REASON_REFUSED ? ", refused,"
                                        : "");
    put_start(opro_journal_entry_text(j, NULL));
}

static void show(const opro_journal *j) {
    const char *text = opro_journal_entry_text(j, NULL);
    unsigned long long id = opro_journal_entry_id(j);
    size_t n;
    double mean;

    printf("%7ld  ", (long)opro_journal_entry_record(j));
    if (id) printf("%20llu  ", id);
    switch (opro_journal_entry(j)) {
    case OPRO_ENTRY_HEADER: puts("a journal of a run"); break;
    case OPRO_ENTRY_TIME: printf("time: %lld ms\n", (long long)opro_journal_entry_ms(j)); break;
    case OPRO_ENTRY_REQUEST:
        printf("step %lld asks for ", (long long)opro_journal_entry_step(j));
        if (opro_journal_entry_how(j) == OPRO_REQUEST_SCORE) {
            printf("%s scores of ", set_name(opro_journal_entry_value(j)));
            put_start(text);
        } else {
            puts("proposals");
        }
        break;
    case OPRO_ENTRY_AGAIN: puts("is asked again"); break;
    case OPRO_ENTRY_REPLY: show_reply(j); break;
    case OPRO_ENTRY_SCORES:
        mean = mean_of(j, &n);
        printf("%zu score%s, mean %.6g\n", n, n == 1 ? "" : "s", mean);
        break;
    case OPRO_ENTRY_ERROR:
        printf("failed: %s: ", opro_status_name(opro_journal_entry_value(j)));
        put_start(text);
        break;
    case OPRO_ENTRY_FEEDBACK:
        printf("feedback ");
        put_start(text);
        break;
    case OPRO_ENTRY_USAGE: show_usage(j); break;
    case OPRO_ENTRY_STEP:
        printf("step %lld has ended\n", (long long)opro_journal_entry_step(j));
        break;
    case OPRO_ENTRY_STOP:
        printf("stopped: %s %s\n", opro_stop_reason_name(opro_journal_entry_value(j)), text);
        break;
    case OPRO_ENTRY_RESUME: puts("resumed by another process"); break;
    case OPRO_ENTRY_CLOSE: puts("closed in order"); break;
    default: puts("an entry of a later version");
    }
}

static void take_usage(summary *s) {
    int64_t prompt, reply, cost;

    opro_journal_entry_usage(s->journal, &prompt, &reply, &cost);
    s->tokens[0] += prompt;
    s->tokens[1] += reply;
    s->cost += cost;
}

/* 0: no memory. */
static int take(summary *s, int how) {
    const opro_journal *j = s->journal;
    asked *a = find(s, opro_journal_entry_id(j));
    size_t len;
    const char *text = opro_journal_entry_text(j, &len);
    int fine = 1;

    if (opro_journal_entry_ms(j)) s->ms = opro_journal_entry_ms(j);
    s->closed = 0;
    switch (opro_journal_entry(j)) {
    case OPRO_ENTRY_HEADER:
        s->header = json_loadb(text, len, 0, NULL);
        s->minimizes = json_equal(
            json_object_get(json_object_get(s->header, "problem"), "direction"), s->minimize);
        return s->header != NULL;
    case OPRO_ENTRY_REQUEST: return ask(s, j);
    case OPRO_ENTRY_AGAIN: s->again++; return 1;
    case OPRO_ENTRY_REPLY:
        s->replies++;
        if (a && --a->missing == 0) done(s, a);
        return 1;
    case OPRO_ENTRY_SCORES:
        if (!a) return 1;
        fine = take_scores(s, a, how);
        done(s, a);
        return fine;
    case OPRO_ENTRY_ERROR:
        s->errors++;
        if (a) done(s, a);
        return 1;
    case OPRO_ENTRY_USAGE: take_usage(s); return 1;
    case OPRO_ENTRY_STEP: s->steps = opro_journal_entry_step(j) + 1; return 1;
    case OPRO_ENTRY_STOP: s->stop = opro_journal_entry_value(j); return 1;
    case OPRO_ENTRY_RESUME: s->resumes++; return 1;
    case OPRO_ENTRY_CLOSE: s->closed = 1; return 1;
    default: return 1;
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const char *setting(const summary *s, const char *name) {
    const char *text = json_string_value(json_object_get(s->header, name));

    return text ? text : "?";
}

static void print_state(const summary *s) {
    int64_t torn = opro_journal_count(s->journal, OPRO_JOURNAL_TORN_BYTES);

    printf("%lld records, %lld bytes: whole",
           (long long)opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS),
           (long long)opro_journal_count(s->journal, OPRO_JOURNAL_BYTES));
    if (torn) printf("; then %lld bytes of a record that was being written", (long long)torn);
    puts(s->closed ? "; closed in order"
                   : "; not closed: it is being written, or its process died");
}

static void print_summary(const summary *s) {
    printf("format %s, written by libopro %s\n", setting(s, "format"), setting(s, "library"));
    print_state(s);
    printf("%lld steps; %lld requests for proposals, %lld for scores; %zu not answered\n",
           (long long)s->steps, (long long)s->requests[0], (long long)s->requests[1], s->n_open);
    printf("%lld replies, %lld times scores, %lld failures\n", (long long)s->replies,
           (long long)s->scores, (long long)s->errors);
    if (s->tokens[0] || s->tokens[1])
        printf("%lld tokens read, %lld written, cost %lld millionths\n", (long long)s->tokens[0],
               (long long)s->tokens[1], (long long)s->cost);
    if (s->resumes)
        printf("%lld times resumed, %lld requests asked again\n", (long long)s->resumes,
               (long long)s->again);
    printf("stopped: %s\n", opro_stop_reason_name(s->stop));
    if (s->best_text) {
        printf("best %.6g (record %ld): ", s->best, s->best_record);
        put_start(s->best_text);
    }
}

static int fail(const char *format, ...) {
    va_list args;

    fflush(stdout);
    fputs("journal: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static int print_json(summary *s) {
    json_t *result = json_pack(
        "{sO sI sb sI sI sI sI sI sI sI sI sI ss sO}", "header", s->header, "records",
        (json_int_t)opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS), "closed", s->closed,
        "torn_bytes", (json_int_t)opro_journal_count(s->journal, OPRO_JOURNAL_TORN_BYTES), "steps",
        (json_int_t)s->steps, "replies", (json_int_t)s->replies, "failures", (json_int_t)s->errors,
        "open", (json_int_t)s->n_open, "resumed", (json_int_t)s->resumes, "asked_again",
        (json_int_t)s->again, "prompt_tokens", (json_int_t)s->tokens[0], "reply_tokens",
        (json_int_t)s->tokens[1], "stop_reason", opro_stop_reason_name(s->stop), "scored",
        s->scored);

    if (!result) return fail("out of memory");
    json_dumpf(result, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(result);
    return 0;
}

static int read_all(summary *s, int how) {
    opro_status st;

    if (how == CSV) puts("record,step,set,instances,mean,candidate");
    while ((st = opro_journal_next(s->journal)) == OPRO_OK) {
        if (how == SHOW) show(s->journal);
        if (!take(s, how)) return fail("out of memory");
    }
    if (st == OPRO_DONE) return 0;
    return fail("%s", opro_error_message(opro_journal_error(s->journal), NULL));
}

static int report(const summary *s, const char *path, const char *to) {
    char title[300], best[200];
    int error;

    snprintf(title, sizeof title, "%.200s: %lld steps, %lld replies, stopped: %s", path,
             (long long)s->steps, (long long)s->replies,
             s->stop ? opro_stop_reason_name(s->stop) : "not yet");
    snprintf(best, sizeof best, "best %.9g (record %ld)", s->best, s->best_record);
    error = write_report(to, &s->list, s->minimizes, title, s->best_text ? best : "no scores");
    return error ? fail("cannot write %s: %s", to, strerror(error)) : 0;
}

static int run(const char *path, int how, int summarize, int verify, const char *to) {
    summary s = {.best = NAN, .scored = json_array(), .minimize = json_string("minimize")};
    int status = s.scored && s.minimize ? 0 : fail("out of memory");

    if (!status && opro_journal_new(&s.journal, path, OPRO_ZT, NULL, NULL) != OPRO_OK)
        status = fail("this build of libopro has no journals, or this is no path: %s", path);
    if (!status) status = read_all(&s, how);
    if (!status && summarize) print_summary(&s);
    if (!status && verify) print_state(&s);
    if (!status && how == JSON) status = print_json(&s);
    if (!status && to) status = report(&s, path, to);
    while (s.n_open)
        done(&s, s.open);
    free(s.open);
    free(s.best_text);
    free(s.list.all);
    json_decref(s.scored);
    json_decref(s.minimize);
    json_decref(s.header);
    opro_journal_free(s.journal);
    return status;
}

static const char help[] = "usage: journal FILE [OPTION...]\n\n"
                           "Shows what is in the journal of a run; the file is not changed.\n\n"
                           "  --summary          what came of the run, instead of every entry\n"
                           "  --verify           only whether the file is whole\n"
                           "  --csv              a table of the candidates that were scored\n"
                           "  --json             what came of the run, and that table, as JSON\n"
                           "  --report=FILE.svg  a picture: every score, and the best so far\n"
                           "  --help             this\n\n"
                           "Exit code: 0 if the file is whole (a torn end is no damage), 1 if not, "
                           "2 for wrong\narguments.\n";

static int wrong(const char *what, const char *arg) {
    fail("%s%s; see --help", what, arg);
    return 2;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"--summary", "--verify", "--csv", "--json", "--help"};
    int given[sizeof names / sizeof *names] = {0}, status;
    const char *path = NULL, *to = NULL;

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        while (k < sizeof names / sizeof *names && strcmp(argv[i], names[k]) != 0)
            k++;
        if (k < sizeof names / sizeof *names)
            given[k] = 1;
        else if (strncmp(argv[i], "--report=", 9) == 0 && argv[i][9])
            to = argv[i] + 9;
        else if (argv[i][0] == '-')
            return wrong("there is no option ", argv[i]);
        else if (path)
            return wrong("one file at a time: ", argv[i]);
        else
            path = argv[i];
    }
    if (given[4]) {
        fputs(help, stdout);
        return 0;
    }
    if (!path) return wrong("which file?", "");
    status = run(path,
                 given[3]                     ? JSON
                 : given[2]                   ? CSV
                 : given[0] || given[1] || to ? NOTHING
                                              : SHOW,
                 given[0], given[1], to);
    if (fflush(stdout) != 0) return 1;
    return status;
}
