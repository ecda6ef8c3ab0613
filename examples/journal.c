/* SPDX-License-Identifier: MIT */
/*
 * What is in a journal: its entries in words, what came of them, whether the file is whole. Reads
 * only, and may do so while a run is writing.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "journal_report.h"

/* ---- one entry ------------------------------------------------------------------------------- */

static double mean_of(const opro_journal *j, size_t *n) {
    const double *scores = opro_journal_entry_scores(j, n);
    double sum = 0;

    for (size_t i = 0; i < *n; i++)
        sum += scores[i];
    return sum / (double)*n;
}

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

/* ---- what came of it ------------------------------------------------------------------------- */

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
    const counts *all = &s->all;
    const scored *best = summary_best(s);

    printf("format %s, written by libopro %s\n", summary_setting(s, "format"),
           summary_setting(s, "library"));
    print_state(s);
    printf("%lld steps; %lld requests for proposals, %lld for scores; %zu not answered\n",
           (long long)s->ended, (long long)all->requests[0], (long long)all->requests[1],
           s->n_open);
    printf("%lld replies, %lld times scores, %lld failures", (long long)all->replies,
           (long long)all->scores, (long long)all->errors);
    printf(*s->fault ? "; the first: %s\n" : "\n", s->fault);
    if (all->tokens[0] || all->tokens[1])
        printf("%lld tokens read, %lld written, cost %lld millionths\n", (long long)all->tokens[0],
               (long long)all->tokens[1], (long long)all->cost);
    if (s->resumes)
        printf("%lld times resumed, %lld requests asked again\n", (long long)s->resumes,
               (long long)s->again);
    printf("stopped: %s%s%s\n", s->stop ? opro_stop_reason_name(s->stop) : "not yet",
           *s->why ? ": " : "", s->why);
    if (best) {
        printf("best %.6g (record %ld): ", scored_mean(best), best->record);
        put_start(best->text);
    }
}

static void put_csv(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    puts("\"");
}

static void print_csv(const summary *s) {
    puts("record,step,set,instances,whole,mean,candidate");
    for (size_t i = 0; i < s->n_scored; i++) {
        const scored *c = &s->scored[i];

        printf("%ld,%lld,%s,%zu,%d,%.17g,", c->record, (long long)c->step, set_name(c->set), c->n,
               scored_whole(s, c), scored_mean(c));
        put_csv(c->text);
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

static json_t *scored_json(const summary *s, const scored *c) {
    return json_pack("{sI sI ss sI sb sf ss}", "record", (json_int_t)c->record, "step",
                     (json_int_t)c->step, "set", set_name(c->set), "instances", (json_int_t)c->n,
                     "whole", scored_whole(s, c), "mean", scored_mean(c), "candidate", c->text);
}

static json_t *all_scored(const summary *s) {
    json_t *list = json_array();

    for (size_t i = 0; list && i < s->n_scored; i++)
        if (json_array_append_new(list, scored_json(s, &s->scored[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int print_json(const summary *s) {
    const counts *all = &s->all;
    const scored *best = summary_best(s);
    json_t *result = json_pack(
        "{sO sI sI sb sI sI sI sI sI sI sI sI sI sI sI sI ss so so}", "header", s->header,
        "records", (json_int_t)opro_journal_count(s->journal, OPRO_JOURNAL_RECORDS), "bytes",
        (json_int_t)opro_journal_count(s->journal, OPRO_JOURNAL_BYTES), "closed", s->closed,
        "torn_bytes", (json_int_t)opro_journal_count(s->journal, OPRO_JOURNAL_TORN_BYTES), "steps",
        (json_int_t)s->ended, "proposal_requests", (json_int_t)all->requests[0], "score_requests",
        (json_int_t)all->requests[1], "replies", (json_int_t)all->replies, "failures",
        (json_int_t)all->errors, "open", (json_int_t)s->n_open, "resumed", (json_int_t)s->resumes,
        "asked_again", (json_int_t)s->again, "prompt_tokens", (json_int_t)all->tokens[0],
        "reply_tokens", (json_int_t)all->tokens[1], "cost_millionths", (json_int_t)all->cost,
        "stop_reason", opro_stop_reason_name(s->stop), "best",
        best ? scored_json(s, best) : json_null(), "scored", all_scored(s));

    if (!result) return fail("out of memory");
    json_dumpf(result, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(result);
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* What is to be printed. */
enum { ENTRIES, SUMMARY, VERIFY, CSV, JSON, HELP, VERBS };
static const char *const verbs[VERBS] = {"", "--summary", "--verify", "--csv", "--json", "--help"};

static int read_all(summary *s, int verb) {
    opro_status st;

    while ((st = opro_journal_next(s->journal)) == OPRO_OK) {
        if (verb == ENTRIES) show(s->journal);
        if (!summary_take(s)) return fail("out of memory");
    }
    if (st == OPRO_DONE) return 0;
    return fail("%s", opro_error_message(opro_journal_error(s->journal), NULL));
}

/* A report may not take the place of what it is about. */
static int is_same_file(const char *a, const char *b) {
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int write_report(const summary *s, const char *path, const char *to) {
    int error;

    if (is_same_file(path, to)) return fail("the report would overwrite the journal %s", path);
    error = journal_report(s, path, to);
    return error ? fail("cannot write %s: %s", to, strerror(error)) : 0;
}

/* verb ENTRIES, and a report is wanted: the report alone. */
static int run(const char *path, int verb, const char *to) {
    summary s = {0};
    int status = 0;

    if (opro_journal_new(&s.journal, path, OPRO_ZT, NULL, NULL) != OPRO_OK)
        status = fail("this build of libopro has no journals, or this is no path: %s", path);
    if (!status) status = read_all(&s, to ? VERBS : verb);
    if (!status && verb == SUMMARY) print_summary(&s);
    if (!status && verb == VERIFY) print_state(&s);
    if (!status && verb == CSV) print_csv(&s);
    if (!status && verb == JSON) status = print_json(&s);
    if (!status && to) status = write_report(&s, path, to);
    summary_free(&s);
    return status;
}

static const char help[] =
    "usage: journal FILE [OPTION...]\n\n"
    "Shows what is in the journal of a run; the file is not changed.\n\n"
    "  --summary      what came of the run, instead of every entry\n"
    "  --verify       only whether the file is whole\n"
    "  --csv          a table of the candidates that were scored\n"
    "  --json         what came of the run, and that table, as JSON\n"
    "  --report FILE  write a report: FILE.svg, a picture of the scores, or else an HTML page\n"
    "  --help         this\n\n"
    "Exit code: 0 if the file is whole (a torn end is no damage), 1 if not, 2 for wrong\n"
    "arguments.\n";

static int wrong(const char *what, const char *arg) {
    fail("%s%s; see --help", what, arg);
    return 2;
}

/* The value of --report FILE or --report=FILE; NULL: arg is something else. */
static const char *report_of(const char *arg, char ***rest) {
    if (strncmp(arg, "--report=", 9) == 0) return arg + 9;
    if (strcmp(arg, "--report") != 0) return NULL;
    return **rest ? *(*rest)++ : "";
}

int main(int argc, char **argv) {
    char **rest = argv + (argc > 0);
    const char *path = NULL, *to = NULL;
    int verb = ENTRIES, status;

    while (*rest) {
        const char *arg = *rest++, *value = report_of(arg, &rest);
        int k = SUMMARY;

        while (k < VERBS && strcmp(arg, verbs[k]) != 0)
            k++;
        if (value && !*value) return wrong("--report needs the name of a file", "");
        if (k < VERBS && verb != ENTRIES && verb != k && verb != HELP && k != HELP)
            return wrong("one of these at a time: --summary, --verify, --csv, --json", "");
        if (value)
            to = value;
        else if (k < VERBS)
            verb = verb == HELP ? HELP : k;
        else if (strcmp(arg, "-") == 0)
            return wrong("a journal is read from a file, not from standard input", "");
        else if (arg[0] == '-')
            return wrong("there is no option ", arg);
        else if (path)
            return wrong("one file at a time: ", arg);
        else
            path = arg;
    }
    if (verb == HELP) {
        fputs(help, stdout);
        return 0;
    }
    if (!path) return wrong("which file?", "");
    status = run(path, verb, to);
    return fflush(stdout) != 0 || ferror(stdout) ? 1 : status;
}
