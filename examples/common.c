/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* sigaction(), isatty(), clock_gettime() */

#include "arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX ((size_t)256 << 20)
#define OUTPUT_MAX                                                                                 \
    ((size_t)1 << 20) /* what is printed, in one write: if that fails, it is known why */

/* ---- errors ---------------------------------------------------------------------------------- */

int program_fail(const program *p, const char *format, ...) {
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s: ", p->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

int program_check(const program *p, opro_status st, const opro_error *error, const char *doing) {
    const char *message = error ? opro_error_message(error, NULL) : "";

    if (st >= 0) return 0;
    if (!*message) message = st == OPRO_ERR_NOMEM ? "out of memory" : opro_status_name(st);
    return program_fail(p, "%s: %s", doing, message);
}

/* ---- signals --------------------------------------------------------------------------------- */

static volatile sig_atomic_t caught;

static void on_signal(int signal) {
    caught = signal;
}

/*
 * The first Ctrl-C asks for the end, a second one is the end. A reader who goes away is told by the
 * write that fails.
 */
static void catch_signals(void) {
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

int program_interrupted(void) {
    return caught != 0;
}

/* ---- opening and closing --------------------------------------------------------------------- */

/*
 * Before the work, so that a name that cannot be written costs nothing. What is there stays until
 * the end.
 */
static int open_report(program *p) {
    struct stat before, input;
    int fd;

    if (!p->report) return 0;
    p->report_is_new = stat(p->report, &before) < 0;
    if (!p->report_is_new && p->input && stat(p->input, &input) == 0 &&
        before.st_dev == input.st_dev && before.st_ino == input.st_ino)
        return program_fail(p, "the report would overwrite %s", p->input);
    fd = open(p->report, O_WRONLY | O_CREAT, 0666);
    p->report_file = fd < 0 ? NULL : fdopen(fd, "w");
    if (p->report_file) return 0;
    program_fail(p, "cannot write the report %s: %s", p->report, strerror(errno));
    if (fd >= 0) close(fd);
    return 1;
}

int program_open(program *p, int argc, char **argv) {
    static char output[OUTPUT_MAX];
    opro_status st = opro_config_new(&p->config, NULL);
    int status = program_check(p, st, NULL, "starting");

    setvbuf(stdout, output, _IOFBF, sizeof output);
    if (status == 0 && p->steps > 0) opro_config_set_int(p->config, OPRO_OPT_STEPS, p->steps);
    for (size_t i = 0; status == 0 && p->settings && p->settings[i]; i += 2)
        status = arguments_set(p, p->settings[i], OPRO_ZT, p->settings[i + 1]);
    if (status == 0) opro_config_get_int(p->config, OPRO_OPT_STEPS, &p->steps);
    if (status == 0 && argc > 0) status = arguments_read(p, argv + 1);
    if (status == 0) opro_config_get_int(p->config, OPRO_OPT_STEPS, &p->steps);
    if (status == 0) status = open_report(p);
    if (status == 0) catch_signals();
    p->live = !p->json && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    return status;
}

/* Output that did not arrive is a failure; one that nobody reads any more is not worth a word. */
static int finish_output(const program *p) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
    if (errno != EPIPE)
        program_fail(p, "cannot write to the standard output%s%s", errno ? ": " : "",
                     errno ? strerror(errno) : "");
    return 1;
}

int program_close(program *p, int status) {
    if (p->report_file) {
        fclose(p->report_file); /* still open: the work failed before the report was written */
        if (p->report_is_new) remove(p->report);
    }
    opro_driver_free(p->driver);
    proposer_close(&p->by);
    opro_config_free(p->config);
    if (finish_output(p) != 0 && status <= 0) status = 1;
    if (status == PROGRAM_HELP) return 0;
    return status == 0 && caught ? 128 + (int)caught : status;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Everything that is left in a file; NULL with *why. */
static char *read_all(FILE *file, size_t *len, const char **why) {
    size_t cap = 1 << 16, n;
    char *text = malloc(cap), *grown;

    *len = 0;
    *why = "out of memory";
    while (text && (n = fread(text + *len, 1, cap - 1 - *len, file)) > 0) {
        *len += n;
        if (*len + 1 < cap) continue;
        if (*len > FILE_MAX) {
            *why = "more than 256 MiB";
            free(text);
            return NULL;
        }
        grown = realloc(text, cap * 2);
        if (!grown) free(text);
        text = grown;
        cap *= 2;
    }
    if (text && ferror(file)) {
        *why = strerror(errno);
        free(text);
        return NULL;
    }
    if (text) text[*len] = '\0';
    return text;
}

char *read_file(const program *p, const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    const char *why = NULL;
    char *text;

    if (!file) {
        program_fail(p, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    text = read_all(file, len, &why);
    fclose(file);
    if (!text) program_fail(p, "cannot read %s: %s", path, why);
    if (text && *len == 0) {
        program_fail(p, "%s is empty", path);
        free(text);
        return NULL;
    }
    return text;
}

/* ---- the run --------------------------------------------------------------------------------- */

int64_t program_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show_steps(const program *p) {
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    int64_t steps = opro_trajectory_steps(t);
    double best = opro_trajectory_score(t, opro_trajectory_best(t));
    double mean = opro_trajectory_figure(t, steps - 1, OPRO_FIGURE_MEAN);

    fprintf(stderr, "step %lld", (long long)steps);
    if (p->steps) fprintf(stderr, "/%lld", (long long)p->steps);
    fprintf(stderr, "   best %.8g   mean of the step ", best);
    if (isnan(mean))
        fputs("-", stderr);
    else
        fprintf(stderr, "%.8g", mean);
    fprintf(stderr, "   scored %lld", (long long)opro_trajectory_scored(t));
}

/* One line on the terminal, overwritten; too many of them in a second help nobody. */
void program_show_line(program *p) {
    int64_t now = program_now_ms();

    if (!p->live || now < p->next_line_ms) return;
    p->next_line_ms = now + 50;
    fputc('\r', stderr);
    if (p->line)
        p->line(p->data);
    else
        show_steps(p);
    fputs("\033[K", stderr);
}

void program_wipe_line(const program *p) {
    if (p->live) fputs("\r\033[K", stderr);
}

static int32_t observe(opro_run *run, const opro_event *event, void *user_data) {
    program *p = user_data;

    (void)run;
    if (caught) opro_driver_stop(p->driver);
    proposer_hear(&p->by, event);
    if (p->hear) p->hear(event, p->data);
    if (opro_event_kind(event) == OPRO_EVENT_STEP_ENDED) program_show_line(p);
    return OPRO_OK;
}

/* The run is over: is there anything to show for it? */
static int judge(const program *p, opro_status st) {
    const opro_run *run = opro_driver_run_handle(p->driver);
    int32_t reason = opro_run_stop_reason(run);

    if (program_check(p, st, opro_driver_error(p->driver), "the run failed")) return 1;
    if (reason == OPRO_STOP_ERROR || reason == OPRO_STOP_FAILURES)
        return program_fail(p, "the run failed: %s (%s)",
                            reason == OPRO_STOP_FAILURES
                                ? p->by.failure
                                : opro_error_message(opro_run_error(run), NULL),
                            opro_stop_reason_name(reason));
    if (opro_trajectory_best(opro_driver_trajectory(p->driver)) < 0)
        return program_fail(p, "nothing was scored before the run stopped (%s)%s%s",
                            opro_stop_reason_name(reason), *p->by.failure ? ": " : "",
                            p->by.failure);
    return 0;
}

/* A signal is noticed while a model is waited for, too. */
static opro_status drive(program *p) {
    opro_status st;

    do {
        if (caught) opro_driver_stop(p->driver);
        st = opro_driver_poll(p->driver, 200);
    } while (st == OPRO_OK || st == OPRO_WAIT);
    return st == OPRO_DONE ? OPRO_OK : st;
}

/* Keep the run in a journal, or go on with the one that is in it. */
static int keep(const program *p, opro_journal **journal) {
    opro_status st;

    if (!p->journal) return 0;
    st = opro_journal_new(journal, p->journal, OPRO_ZT, p->config, NULL);
    if (program_check(p, st, NULL, "keeping a journal")) return 1;
    st = opro_driver_set_journal(p->driver, *journal);
    return program_check(p, st, opro_journal_error(*journal), "keeping a journal");
}

int program_run(program *p, opro_problem *problem, opro_scorer *scorer) {
    opro_optimizer *optimizer = NULL;
    opro_journal *journal = NULL;
    opro_status st;
    int status = 1;

    opro_driver_free(p->driver);
    p->driver = NULL;
    proposer_forget(&p->by);
    if (proposer_open(p, problem, &optimizer)) goto out;
    st = opro_driver_new(&p->driver, problem, p->config, NULL);
    if (program_check(p, st, opro_problem_error(problem), "starting the run")) goto out;
    st = opro_driver_set_optimizer(p->driver, optimizer);
    if (st == OPRO_OK) st = opro_driver_set_scorer(p->driver, scorer);
    if (st == OPRO_OK) st = opro_driver_set_observer(p->driver, observe, p, NULL);
    if (program_check(p, st, opro_driver_error(p->driver), "starting the run")) goto out;
    if (keep(p, &journal)) goto out;
    st = drive(p);
    program_wipe_line(p);
    status = judge(p, st);
    if (journal && opro_journal_close(journal) != OPRO_OK && !status)
        status = program_fail(p, "%s", opro_error_message(opro_journal_error(journal), NULL));
out:
    opro_journal_free(journal);
    opro_optimizer_free(optimizer);
    return status;
}

/* ---- the result ------------------------------------------------------------------------------ */

const char *program_best(const program *p, double *score) {
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    int64_t best = opro_trajectory_best(t);

    *score = opro_trajectory_score(t, best);
    return opro_trajectory_text(t, best, NULL);
}

int64_t program_evaluations_to_best(const program *p) {
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    int64_t best = opro_trajectory_best(t), n = 0;

    for (int64_t i = 0; i <= best; i++)
        n += opro_trajectory_verdict(t, i) == OPRO_VERDICT_SCORED;
    return n;
}

const char *program_stop_reason(const program *p) {
    if (caught) return "interrupted";
    return opro_stop_reason_name(opro_run_stop_reason(opro_driver_run_handle(p->driver)));
}

void program_print(const program *p) {
    const opro_run *run = opro_driver_run_handle(p->driver);
    const opro_trajectory *t = opro_driver_trajectory(p->driver);

    printf("found by scorer call %lld of %lld, in %lld steps with %lld proposals (%lld rejected)\n",
           (long long)program_evaluations_to_best(p),
           (long long)opro_run_count(run, OPRO_COUNT_SCORER_CALLS),
           (long long)opro_trajectory_steps(t),
           (long long)opro_run_count(run, OPRO_COUNT_PROPOSALS),
           (long long)opro_run_count(run, OPRO_COUNT_REJECTED));
    printf("stopped: %s\n", program_stop_reason(p));
    proposer_print(p);
}

/* Each time a solution was better than all before: how many had been scored, and its score. */
static json_t *improvements(const opro_trajectory *t) {
    json_t *list = json_array();
    int most = opro_trajectory_direction(t) == OPRO_MAXIMIZE;
    double best = most ? -INFINITY : INFINITY;
    int64_t n = 0;

    for (int64_t i = 0; i < opro_trajectory_count(t); i++) {
        double score = opro_trajectory_score(t, i);

        if (opro_trajectory_verdict(t, i) != OPRO_VERDICT_SCORED) continue;
        n++;
        if (most ? score <= best : score >= best) continue;
        best = score;
        json_array_append_new(
            list, json_pack("{s:I, s:f}", "evaluations", (json_int_t)n, "score", score));
    }
    return list;
}

json_t *program_result(const program *p) {
    static const struct {
        const char *name;
        int32_t counter;
    } counts[] = {{"scorer_calls", OPRO_COUNT_SCORER_CALLS},
                  {"proposals", OPRO_COUNT_PROPOSALS},
                  {"rejected", OPRO_COUNT_REJECTED},
                  {"duplicates", OPRO_COUNT_DUPLICATES},
                  {"failures", OPRO_COUNT_FAILURES}};
    const opro_run *run = opro_driver_run_handle(p->driver);
    const opro_trajectory *t = opro_driver_trajectory(p->driver);
    double score;
    const char *best = program_best(p, &score);
    int64_t seed = 0;
    char hash[24];
    json_t *result;

    opro_config_get_int(p->config, OPRO_OPT_SEED, &seed);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)opro_run_state_hash(run));
    result = json_pack("{s:s, s:f, s:s, s:I, s:s, s:I, s:I}", "program", p->name, "best_score",
                       score, "best_solution", best, "steps", (json_int_t)opro_trajectory_steps(t),
                       "stop_reason", opro_stop_reason_name(opro_run_stop_reason(run)), "seed",
                       (json_int_t)seed, "evaluations_to_best",
                       (json_int_t)program_evaluations_to_best(p));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(result, counts[i].name,
                            json_integer(opro_run_count(run, counts[i].counter)));
    json_object_set_new(result, "state_hash", json_string(hash));
    proposer_result(p, result);
    json_object_set_new(result, "improvements", improvements(t));
    return result;
}

/* With as many digits as the numbers need to be read back the same, and no more. */
static char *dump(const json_t *value) {
    char *text = NULL;

    for (size_t digits = 15; digits <= 17; digits++) {
        json_t *back;
        int same;

        free(text);
        text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
        if (!text) return NULL;
        back = json_loads(text, 0, NULL);
        same = json_equal(value, back);
        json_decref(back);
        if (same) break;
    }
    return text;
}

int program_print_json(const program *p, json_t *result) {
    char *text = result ? dump(result) : NULL;

    json_decref(result);
    if (!text) return program_fail(p, "out of memory");
    puts(text);
    free(text);
    return 0;
}
