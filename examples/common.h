/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder share: arguments, files, the line of progress, Ctrl-C, the
 * result as JSON.
 *
 *     program p = {.name = "tour", .operand = "FILE.tsp", .about = "...",
 *                  .options = own, .n_options = 2};
 *     int status = program_open(&p, argc, argv);   0: go on
 *     ...
 *     return program_close(&p, status);
 */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include <jansson.h>
#include <opro/opro.h>
#include <stdio.h>

#include "proposer.h"

#define PROGRAM_HELP (-1) /* from program_open(): nothing more to do, and all is well */

/* What an option of a program takes. */
enum {
    OPTION_FLAG,  /* nothing: an int becomes 1              */
    OPTION_COUNT, /* a whole number, 0 or more, an int64_t  */
    OPTION_REAL,  /* a finite number, a double              */
    OPTION_TEXT,  /* anything but "", a const char *        */
    OPTION_LIST,  /* anything, each time: a text_list */
    OPTION_SAME   /* as the option of the library of that name */
};

#define TEXTS_MAX 256

typedef struct text_list {
    const char *all[TEXTS_MAX];
    size_t n;
} text_list;

typedef struct option {
    const char *name;  /* without its dashes           */
    const char *value; /* what it takes, for the help  */
    const char *help;
    int kind;
    void *target;
} option;

typedef struct program {
    /* for program_open() */
    const char *name;
    const char *operand; /* what it works on, for the help; NULL: it takes nothing */
    const char *about;
    const option *options; /* its own */
    size_t n_options;
    text_list *operands; /* there may be any number of operands: here they are; NULL: one */
    int no_run;          /* it looks for nothing: it has no optimizer, no steps, no report */
    int64_t steps; /* by default; 0: what the library says. After program_open(): as it was set */
    const char *const *settings; /* more options of the library, name, value, ...; NULL ends */
    /* from program_open() */
    const char *input; /* the operand, or what else is read: a report may not overwrite it */
    opro_config *config;
    int json;
    const char *journal; /* NULL: the run is not kept */
    const char *report;
    FILE *report_file;
    int report_is_new;
    proposer by; /* who makes the proposals */
    /* for program_run() */
    void (*hear)(const opro_event *event, void *data); /* of every event; may be NULL */
    void (*line)(void *data); /* writes the line of progress to stderr; NULL: steps and scores */
    void *data;               /* for both */
    /* from program_run() */
    opro_driver *driver;
    int live; /* there is a terminal for a line of progress */
    int64_t next_line_ms;
} program;

/* Read the arguments. 0: go on; else hand it to program_close(). */
int program_open(program *p, int argc, char **argv);

/*
 * Optimize, until it is done or somebody presses Ctrl-C. 0, or 1: it said why. A run before this
 * one is forgotten.
 */
int program_run(program *p, opro_problem *problem, opro_scorer *scorer);

/* Somebody pressed Ctrl-C: 1. Runs end at once then. */
int program_interrupted(void);

/* Write the line of progress, if there is a terminal and the last one is not too new; wipe it. */
void program_show_line(program *p);
void program_wipe_line(const program *p);

/* The system's monotonic clock. */
int64_t program_now_ms(void);

/* Free everything and make sure that the output arrived. Returns the exit code. */
int program_close(program *p, int status);

/* Say what is wrong on stderr; returns 1. */
int program_fail(const program *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0 if st is no error; else says what was being done, and the error's message. */
int program_check(const program *p, opro_status st, const opro_error *error, const char *doing);

/* The whole of a file, NUL-terminated, to be freed; NULL: it said why. */
char *read_file(const program *p, const char *path, size_t *len);

/* The whole of text is a finite number. */
int read_number(const char *text, double *value);

/* The best solution and its score. */
const char *program_best(const program *p, double *score);

/* How many solutions had been scored when the best one was, itself among them. */
int64_t program_evaluations_to_best(const program *p);

/* How the run went, in words. */
void program_print(const program *p);

/* The result that all programs have; the program adds its own. NULL: no memory. */
json_t *program_result(const program *p);

/* Why the run stopped: "steps", "interrupted". */
const char *program_stop_reason(const program *p);

/* Print it on stdout (and give it up). 0, or 1: it said why. */
int program_print_json(const program *p, json_t *result);

#endif
