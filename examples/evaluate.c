/* SPDX-License-Identifier: MIT */
/*
 * How well does a model answer the questions of a dataset with these instructions? Exams without a
 * search: a table with intervals, each instruction compared with the first, example by example.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "scoring.h"
#include "split.h"

typedef struct paper {
    const char *instruction;
    opro_exam *exam;
    share right, better; /* by how much it is better than the first one */
} paper;

typedef struct task {
    program *p;
    scoring s;
    text_list operands;
    const char *file, *set;
    char *lines; /* of the file */
    int64_t *examples;
    size_t n_examples;
    paper *papers;
    size_t n;
} task;

/* ---- what is examined ------------------------------------------------------------------------ */

static int add_paper(task *t, const char *instruction) {
    paper *grown = realloc(t->papers, (t->n + 1) * sizeof *grown);

    if (!grown) return program_fail(t->p, "out of memory");
    t->papers = grown;
    t->papers[t->n++] = (paper){.instruction = instruction};
    return 0;
}

/* One instruction a line. */
static int read_lines(task *t) {
    size_t len;
    char *at = t->lines = read_file(t->p, t->file, &len);
    int status = at ? 0 : 1;

    while (status == 0 && *at) {
        char *end = at + strcspn(at, "\n"), *next = *end ? end + 1 : end;

        if (end > at && end[-1] == '\r') end--;
        *end = '\0';
        status = add_paper(t, at);
        at = next;
    }
    return status;
}

static int read_instructions(task *t) {
    int status = 0;

    for (size_t i = 0; i < t->operands.n && status == 0; i++)
        status = add_paper(t, t->operands.all[i]);
    if (status == 0 && t->file) status = read_lines(t);
    if (status != 0 || t->n) return status;
    program_fail(t->p, "missing: an instruction, \"\" for none (%s --help tells how to use it)",
                 t->p->name);
    return 2;
}

static const struct {
    const char *name;
    int32_t set; /* 0: all */
} sets[] = {
    {"all", 0}, {"train", OPRO_TRAIN}, {"validation", OPRO_VALIDATION}, {"test", OPRO_TEST}};

#define SETS (sizeof sets / sizeof *sets)

static size_t find_set(const char *name) {
    size_t i = 0;

    while (i < SETS && strcmp(sets[i].name, name) != 0)
        i++;
    return i;
}

/* Which set, and of which split: "--split test" is that of the default split. */
static int choose_set(task *t) {
    if (t->s.split && find_set(t->s.split) < SETS) {
        t->set = t->s.split;
        t->s.split = NULL;
    }
    if (find_set(t->set) < SETS) return 0;
    program_fail(t->p, "--set is all, train, validation or test, not \"%s\"", t->set);
    return 2;
}

static int choose_examples(task *t) {
    int32_t set = sets[find_set(t->set)].set;
    const int64_t *examples = NULL;
    size_t n = opro_dataset_count(t->s.dataset);

    if (set) examples = opro_dataset_split_of(t->s.dataset, set, &n);
    if (!n)
        return program_fail(t->p, "%s: it has no %s examples; see --split", t->p->input, t->set);
    t->examples = malloc(n * sizeof *t->examples);
    if (!t->examples) return program_fail(t->p, "out of memory");
    t->n_examples = n;
    for (size_t k = 0; k < n; k++)
        t->examples[k] = examples ? examples[k] : (int64_t)k;
    return 0;
}

static int reckon(task *t, estimate estimates[SCORING_ESTIMATES]) {
    const char **instructions = malloc(t->n * sizeof *instructions);
    int status = 1;

    for (size_t i = 0; instructions && i < t->n; i++)
        instructions[i] = t->papers[i].instruction;
    if (instructions)
        status = scoring_estimate(t->p, &t->s, instructions, t->n, t->examples, t->n_examples,
                                  estimates);
    else
        program_fail(t->p, "out of memory");
    free(instructions);
    return status;
}

/* ---- the exams ------------------------------------------------------------------------------- */

static void write_line(void *data) {
    const task *t = data;

    scoring_line(&t->s, (int64_t)(t->n * t->n_examples));
}

static void compare(task *t) {
    double *first = share_exam_scores(t->papers[0].exam);

    for (size_t i = 0; i < t->n; i++) {
        paper *one = &t->papers[i];
        double *scores = share_exam_scores(one->exam);

        one->right = share_of_exam(one->exam);
        if (i && first && scores) one->better = share_difference(first, scores, t->n_examples);
        free(scores);
    }
    free(first);
}

/* Why the first of those that are unknown is; NULL: none is. */
static const char *first_fault(const task *t) {
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->n_examples; k++) {
            const char *fault = opro_exam_fault(t->papers[i].exam, k, NULL);

            if (*fault) return fault;
        }
    return NULL;
}

static int examine(task *t) {
    opro_exam **exams = malloc(t->n * sizeof *exams);
    size_t known = 0;
    int status = exams ? 0 : program_fail(t->p, "out of memory");

    for (size_t i = 0; i < t->n && status == 0; i++) {
        paper *one = &t->papers[i];

        exams[i] = one->exam =
            scoring_begin(t->p, &t->s, one->instruction, t->examples, t->n_examples);
        status = one->exam ? 0 : 1;
    }
    if (status == 0) status = scoring_wait(t->p, &t->s, exams, t->n);
    free(exams);
    if (status != 0) return status;
    compare(t);
    for (size_t i = 0; i < t->n; i++)
        known += t->papers[i].right.known;
    if (known || program_interrupted()) return 0;
    return program_fail(t->p, "no answer came: %s", first_fault(t));
}

/* ---- in words -------------------------------------------------------------------------------- */

/* The beginning of a text, on one line. */
static void print_short(const char *text) {
    size_t n = 0;

    if (!*text) fputs("(no instruction)", stdout);
    for (; *text && n < 60; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    while (((unsigned char)*text & 0xc0) == 0x80)
        putchar(*text++);
    puts(*text ? "..." : "");
}

static void print(const task *t) {
    const char *fault = first_fault(t);

    scoring_print(t->p, &t->s);
    printf("\n    " SHARE_HEAD "  %-25s  instruction\n",
           t->n > 1 ? "better than the first by" : "");
    for (size_t i = 0; i < t->n; i++) {
        const paper *one = &t->papers[i];

        printf("%3zu ", i + 1);
        share_print(one->right);
        if (one->better.known)
            printf("  %+6.1f (%5.1f to %5.1f)    ", 100 * one->better.value, 100 * one->better.low,
                   100 * one->better.high);
        else
            printf("  %-25s  ", "");
        print_short(one->instruction);
    }
    printf("\n%lld calls, %lld answers from the cache; %lld tokens read, %lld written",
           (long long)scoring_figure(&t->s, OPRO_MODEL_REQUESTS),
           (long long)scoring_figure(&t->s, OPRO_MODEL_CACHE_HITS),
           (long long)scoring_figure(&t->s, OPRO_MODEL_PROMPT_TOKENS),
           (long long)scoring_figure(&t->s, OPRO_MODEL_REPLY_TOKENS));
    if (scoring_figure(&t->s, OPRO_MODEL_COST))
        printf("; cost %.6f", (double)scoring_figure(&t->s, OPRO_MODEL_COST) / 1e6);
    if (fault) printf("\nunknown, not wrong, is what was not answered; the first: %s", fault);
    puts(program_interrupted() ? "\nstopped: interrupted" : "");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *paper_json(const paper *one) {
    static const struct {
        const char *name;
        int32_t figure;
    } figures[] = {{"calls", OPRO_EXAM_CALLS},
                   {"cache_hits", OPRO_CALL_CACHE_HITS},
                   {"prompt_tokens", OPRO_CALL_PROMPT_TOKENS},
                   {"reply_tokens", OPRO_CALL_REPLY_TOKENS},
                   {"cost_millionths", OPRO_CALL_COST}};
    json_t *object = json_pack("{s:s, s:o, s:o, s:I}", "instruction", one->instruction, "accuracy",
                               share_json(one->right), "difference",
                               one->better.known ? share_json(one->better) : json_null(), "unknown",
                               (json_int_t)(one->right.n - one->right.known));

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        json_object_set_new(object, figures[i].name,
                            json_integer(opro_exam_figure(one->exam, figures[i].figure)));
    return object;
}

static int print_json(const task *t, const estimate *estimates) {
    json_t *list = json_array();

    for (size_t i = 0; i < t->n && !t->s.dry; i++)
        json_array_append_new(list, paper_json(&t->papers[i]));
    return program_print_json(t->p, json_pack("{s:s, s:o, s:s, s:I, s:b, s:o, s:o}", "program",
                                              t->p->name, "dataset", scoring_json(t->p, &t->s),
                                              "set", t->set, "examples", (json_int_t)t->n_examples,
                                              "interrupted", program_interrupted(), "estimate",
                                              scoring_estimates_json(estimates, SCORING_ESTIMATES),
                                              "instructions", list));
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* A field in quotes, whatever is in it (RFC 4180), and what comes behind it. */
static void put_field(FILE *out, const char *text, const char *behind) {
    fputc('"', out);
    for (; text && *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fprintf(out, "\"%s", behind);
}

static void put_row(FILE *out, const task *t, size_t which, size_t i) {
    const opro_exam *exam = t->papers[which].exam;
    size_t example = (size_t)opro_exam_example(exam, i);
    double score = opro_exam_score(exam, i);

    put_field(out, t->papers[which].instruction, ",");
    fprintf(out, "%zu,", example);
    put_field(out, opro_dataset_question(t->s.dataset, example, NULL), ",");
    put_field(out, opro_dataset_answer(t->s.dataset, example, NULL), ",");
    if (isnan(score))
        fputs("unknown,,", out);
    else
        fprintf(out, "%s,%.6g,", score >= 1 ? "right" : score <= 0 ? "wrong" : "partly", score);
    put_field(out, opro_exam_extracted(exam, i, NULL), ",");
    put_field(out, opro_exam_rule(exam, i), ",");
    put_field(out, opro_exam_reply(exam, i, NULL), ",");
    put_field(out, opro_exam_second_reply(exam, i, NULL), ",");
    put_field(out, opro_exam_fault(exam, i, NULL), "\n");
}

static int write_csv(task *t) {
    FILE *out = report_begin(t->p);

    if (!out) return 0;
    fputs("instruction,example,question,answer,verdict,score,extracted,rule,reply,second_reply,"
          "fault\n",
          out);
    for (size_t which = 0; which < t->n; which++)
        for (size_t i = 0; i < t->n_examples; i++)
            put_row(out, t, which, i);
    return report_end(t->p, out);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void free_task(task *t) {
    for (size_t i = 0; i < t->n; i++)
        opro_exam_free(t->papers[i].exam);
    free(t->papers);
    free(t->examples);
    free(t->lines);
    scoring_close(&t->s);
}

int main(int argc, char **argv) {
    task t = {.set = "all"};
    option options[SCORING_OPTIONS + 3];
    program p = {.name = "evaluate",
                 .operand = "INSTRUCTION...",
                 .about = "How well does a model answer the questions of a dataset with these "
                          "instructions?\n\"\" is none. Each is compared with the first.",
                 .options = options,
                 .operands = &t.operands,
                 .no_run = 1,
                 .line = write_line,
                 .data = &t,
                 .by = {.at = {.kind = ENDPOINT_MODEL}, .shared = 1}};
    size_t n = scoring_options(&t.s, &p, options);
    estimate estimates[SCORING_ESTIMATES];
    int status;

    options[n++] =
        (option){"set", "NAME", "which examples: all, train, validation or test (default all)",
                 OPTION_TEXT, &t.set};
    options[n++] =
        (option){"instructions", "FILE", "more instructions, one a line", OPTION_TEXT, &t.file};
    options[n++] = (option){"csv", "FILE", "write one row for each instruction and example",
                            OPTION_TEXT, &p.report};
    p.n_options = n;
    t.p = &p;
    status = program_open(&p, argc, argv);
    if (status == 0) status = read_instructions(&t);
    if (status == 0) status = choose_set(&t);
    if (status == 0) status = scoring_open(&p, &t.s, strcmp(t.set, "test") == 0);
    if (status == 0) status = choose_examples(&t);
    if (status == 0) status = reckon(&t, estimates);
    if (status == 0) scoring_show_estimates(estimates, SCORING_ESTIMATES);
    if (status == 0 && !t.s.dry) status = examine(&t);
    if (status == 0 && !t.s.dry) status = write_csv(&t);
    if (status == 0 && p.json) status = print_json(&t, estimates);
    if (status == 0 && !p.json && !t.s.dry) print(&t);
    free_task(&t);
    return program_close(&p, status);
}
