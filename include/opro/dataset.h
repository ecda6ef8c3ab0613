/* SPDX-License-Identifier: MIT */
/*
 * Labelled examples: questions with the answers that are wanted, from files in the usual layouts,
 * from memory, or from a callback; and their split into training, validation and test examples.
 */
#ifndef OPRO_DATASET_H
#define OPRO_DATASET_H

#include "base.h"

OPRO_BEGIN_DECLS

typedef struct opro_dataset opro_dataset;

/* Layouts of files. */
enum {
    OPRO_LAYOUT_AUTO = 10, /* by the name and the beginning of the file                        */
    OPRO_LAYOUT_BBH = 20, /* BIG-Bench Hard: one JSON object with "examples" of "input", "target" */
    OPRO_LAYOUT_GSM8K = 30, /* TSV without header: question, answer, more                       */
    OPRO_LAYOUT_AQUA = 40,  /* JSON Lines: "question", "options", "correct"                     */
    OPRO_LAYOUT_JSONL = 50, /* JSON Lines with members of your choice                           */
    OPRO_LAYOUT_CSV = 60,   /* comma-separated, RFC 4180, with a header                         */
    OPRO_LAYOUT_TSV = 70    /* tab-separated, no quotes, with a header                          */
};

/* An empty dataset. Since 0.1. */
OPRO_API opro_status opro_dataset_new(opro_dataset **out, const opro_allocator *mem);

/* Give up your share; NULL is fine. Since 0.1. */
OPRO_API void opro_dataset_free(opro_dataset *dataset);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_dataset_error(const opro_dataset *dataset);

/*
 * Which columns or members hold question, answer and options (a JSON array of texts, or one text
 * with a line for each), for OPRO_LAYOUT_JSONL, _CSV and _TSV. Default: "question", "answer" and
 * "options", which may be missing. A number from 1 on is a column by its place in a file without a
 * header: give all as numbers then. options NULL: none. Since 0.1.
 */
OPRO_API opro_status opro_dataset_set_columns(opro_dataset *dataset, const char *question,
                                              const char *answer, const char *options);

/*
 * Bad lines: 0 (the default), a bad line is an error that names it and its fault; 1, bad lines are
 * skipped and counted. Since 0.1.
 */
OPRO_API opro_status opro_dataset_set_skip_bad(opro_dataset *dataset, int32_t skip);
OPRO_API int64_t opro_dataset_skipped(const opro_dataset *dataset);

/*
 * Append the examples of a file, or of bytes in memory. OPRO_ERR_FAILED: cannot be read;
 * OPRO_ERR_PARSE: a bad line (number and reason in the error), nothing was appended then.
 * OPRO_ERR_STATE: the dataset is in use. Lines have at most 16 MiB. Memory: the texts themselves
 * and 32 bytes for each example. Since 0.1.
 */
OPRO_API opro_status opro_dataset_load(opro_dataset *dataset, const char *path, size_t len,
                                       int32_t layout);
OPRO_API opro_status opro_dataset_read(opro_dataset *dataset, const char *bytes, size_t len,
                                       int32_t layout);

/* Append one example. options: texts joined by newlines, "" for none. Since 0.1. */
OPRO_API opro_status opro_dataset_add(opro_dataset *dataset, const char *question,
                                      size_t question_len, const char *answer, size_t answer_len,
                                      const char *options, size_t options_len);

/*
 * Examples that are not kept in memory: count of them, delivered when asked for. fn delivers
 * question, answer and (may be left out) options with calls of opro_sink_text(). Only in an empty
 * dataset. Since 0.1.
 */
typedef int32_t (*opro_example_fn)(const opro_dataset *dataset, size_t index, opro_sink *sink,
                                   void *user_data);
OPRO_API opro_status opro_dataset_set_fn(opro_dataset *dataset, size_t count, opro_example_fn fn,
                                         void *user_data, opro_destroy_fn destroy);

/*
 * The examples. Strings live as long as the dataset; those of a callback until the next question
 * about this dataset. NULL past the end. Since 0.1.
 */
OPRO_API size_t opro_dataset_count(const opro_dataset *dataset);
OPRO_API const char *opro_dataset_question(opro_dataset *dataset, size_t index, size_t *len);
OPRO_API const char *opro_dataset_answer(opro_dataset *dataset, size_t index, size_t *len);
OPRO_API const char *opro_dataset_options(opro_dataset *dataset, size_t index, size_t *len);

/* What kind of answers the examples have. */
enum {
    OPRO_TASK_TEXT = 10,
    OPRO_TASK_NUMBER = 20,
    OPRO_TASK_BOOL = 30,  /* yes/no, true/false, valid/invalid */
    OPRO_TASK_CHOICE = 40 /* a letter of the options           */
};

/*
 * The kind that all answers fit, the narrowest first; a guess for want of a better source. Since
 * 0.1.
 */
OPRO_API int32_t opro_dataset_task(opro_dataset *dataset);

/* Sets of examples, beside OPRO_TRAIN and OPRO_VALIDATION (problem.h). */
enum { OPRO_TEST = 30 };

/*
 * Split at random: shares of training, validation and test examples (each from 0 to 1, their sum
 * at most 1; counts are rounded down, training gets at least 1 if its share is above 0). The same
 * seed gives the same split on every platform. Default: all are training examples. Since 0.1.
 */
OPRO_API opro_status opro_dataset_split(opro_dataset *dataset, double train, double validation,
                                        double test, uint64_t seed);

/* Split by hand: these examples are this set. Other sets keep theirs but for these. Since 0.1. */
OPRO_API opro_status opro_dataset_set_split(opro_dataset *dataset, int32_t set,
                                            const int64_t *indices, size_t n);

/*
 * The split of the published program (random numbers of NumPy's legacy generator, seed 0): a share
 * of training examples drawn without replacement, all others are test examples. Since 0.1.
 */
OPRO_API opro_status opro_dataset_split_published(opro_dataset *dataset, double train);

/* The examples of a set, in increasing order; NULL if there are none. Since 0.1. */
OPRO_API const int64_t *opro_dataset_split_of(const opro_dataset *dataset, int32_t set, size_t *n);

/* A digest of all examples and of the split, equal on every platform. Since 0.1. */
OPRO_API uint64_t opro_dataset_digest(opro_dataset *dataset);

OPRO_END_DECLS

#endif
