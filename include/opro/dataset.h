/* SPDX-License-Identifier: MIT */
/*
 * Labelled examples: questions with the answers that are wanted, from files in the usual layouts,
 * from memory, or from a callback; and their split into training, validation and test examples.
 *
 * A question is what a model is given. Options (of a multiple choice) that come separately are
 * written behind it, each on its own line, and then one more line, as the published program does:
 *     (A) Paris
 *     (B) Rome
 *     What's the answer in (A) (B)?
 * An option "A)5" of the first place becomes "(A)5", "(A) 5" stays, any other text gets its
 * letter. Options that stand in the question already need nothing. An answer is kept as it is
 * written; the one to an AQuA question is the bare letter, "B", as in the published program.
 *
 * All texts are valid UTF-8 without NUL, at most 16 MiB each. Questions and answers are not empty,
 * nor all blanks; they are kept byte for byte. At most 2^24 examples.
 *
 * A dataset is set up by one thread. While another object uses it, functions that change it return
 * OPRO_ERR_STATE.
 */
#ifndef OPRO_DATASET_H
#define OPRO_DATASET_H

#include "base.h"
#include "problem.h"

OPRO_BEGIN_DECLS

/* Labelled examples, and their split. */
typedef struct opro_dataset opro_dataset;

/*
 * Layouts of files. A byte order mark is skipped; lines end with LF or CR LF; the last one needs no
 * end; empty lines are passed over, but counted in line numbers.
 *   AUTO   By the ending of the file's name (.json, .jsonl, .ndjson, .csv, .tsv) and its first 64
 *          KiB. After opro_dataset_set_columns() only JSONL, CSV and TSV.
 *   BBH    BIG-Bench Hard: one JSON object (on one line or many) with a member "examples", an array
 *          of objects with the texts "input" and "target". Other members do not matter.
 *   GSM8K  Separated by tabs, no header, no quotes: question, answer, and anything more.
 *   AQUA   JSON Lines: the text "question", the array "options" of texts, and "correct", the letter
 *          of one of them.
 *   JSONL  JSON Lines: one object a line, with members of your choice. A question is a text; an
 *          answer is a text, a number or a truth value (as it is written in the file); options are
 *          an array of texts, or one text with a line for each.
 *   CSV    RFC 4180: separated by commas, quotes where needed, doubled quotes and line ends inside
 *          of them; with a header, unless columns are chosen by their places.
 *   TSV    The same separated by tabs and without quotes: a quote is a letter like others.
 * A line of CSV or TSV has as many fields as the first.
 */
enum {
    OPRO_LAYOUT_AUTO = 10,  /* by name and first bytes */
    OPRO_LAYOUT_BBH = 20,   /* BIG-Bench Hard */
    OPRO_LAYOUT_GSM8K = 30, /* GSM8K, as the published program has it */
    OPRO_LAYOUT_AQUA = 40,  /* AQuA */
    OPRO_LAYOUT_JSONL = 50, /* JSON Lines */
    OPRO_LAYOUT_CSV = 60,   /* comma-separated */
    OPRO_LAYOUT_TSV = 70    /* tab-separated */
};

/* An empty dataset. Since 0.1. */
OPRO_API opro_status opro_dataset_new(opro_dataset **out, const opro_allocator *mem);

/* Give up your share; NULL is fine. Refused inside its callback. Since 0.1. */
OPRO_API void opro_dataset_free(opro_dataset *dataset);

/* Detail of the last failed call. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_dataset_error(const opro_dataset *dataset);

/*
 * Which members or columns hold question, answer and options, for OPRO_LAYOUT_JSONL, _CSV and _TSV.
 * NUL-terminated, copied. Default: "question", "answer" and "options", of which the last may be
 * missing. options NULL: none; a name: it must be there. In CSV and TSV a number from 1 on is a
 * column by its place, in a file without a header: give all as numbers then. Options may then be
 * several columns, such as "2-5". Since 0.1.
 */
OPRO_API opro_status opro_dataset_set_columns(opro_dataset *dataset, const char *question,
                                              const char *answer, const char *options);

/*
 * Bad lines: 0 (the default), a bad line is an error that names it and its fault; 1, bad lines are
 * skipped and counted, by all loads together. What makes the rest of a file senseless is an error
 * all the same: a header without the columns, or JSON of OPRO_LAYOUT_BBH that is broken outside of
 * its examples. A bad quote in CSV costs the line where its record begins. Since 0.1.
 */
OPRO_API opro_status opro_dataset_set_skip_bad(opro_dataset *dataset, int32_t skip);
OPRO_API int64_t opro_dataset_skipped(const opro_dataset *dataset);

/*
 * Append the examples of a file, or of bytes in memory. OPRO_ERR_FAILED: the file cannot be read;
 * OPRO_ERR_PARSE: a bad line (its number and fault in the error), or no example at all;
 * OPRO_ERR_LIMIT: too many examples; OPRO_ERR_STATE: the dataset is in use, is split, or has a
 * callback. Nothing was appended then. Records (lines, mostly) have at most 16 MiB.
 *
 * The file is read once, in blocks. Memory: the texts themselves, at most 64 bytes for each
 * example, and while reading four times the longest record (at least 64 KiB). Since 0.1.
 */
OPRO_API opro_status opro_dataset_load(opro_dataset *dataset, const char *path, size_t len,
                                       int32_t layout);
OPRO_API opro_status opro_dataset_read(opro_dataset *dataset, const char *bytes, size_t len,
                                       int32_t layout);

/*
 * Append one example. options: texts joined by newlines, "" for none. OPRO_ERR_LIMIT and
 * OPRO_ERR_STATE as above. Since 0.1.
 */
OPRO_API opro_status opro_dataset_add(opro_dataset *dataset, const char *question,
                                      size_t question_len, const char *answer, size_t answer_len,
                                      const char *options, size_t options_len);

/*
 * Examples that are not kept in memory: count of them, delivered when asked for. fn delivers
 * question, answer and (may be left out) options with calls of opro_sink_text(), the same ones
 * whenever it is asked. Only in a dataset without examples; fn NULL with count 0 removes it. Inside
 * of fn the dataset's examples cannot be asked for. Where threads share a dataset, they all call
 * fn. Since 0.1.
 */
typedef int32_t (*opro_example_fn)(const opro_dataset *dataset, size_t index, opro_sink *sink,
                                   void *user_data);
OPRO_API opro_status opro_dataset_set_fn(opro_dataset *dataset, size_t count, opro_example_fn fn,
                                         void *user_data, opro_destroy_fn destroy);

/*
 * The examples. Texts live as long as the dataset; those of a callback until another example is
 * asked for. NULL past the end, and when the callback failed (see the error then). Options: one a
 * line, as they are written in the question; "" if none came separately. Since 0.1.
 */
OPRO_API size_t opro_dataset_count(const opro_dataset *dataset);
OPRO_API const char *opro_dataset_question(opro_dataset *dataset, size_t index, size_t *len);
OPRO_API const char *opro_dataset_answer(opro_dataset *dataset, size_t index, size_t *len);
OPRO_API const char *opro_dataset_options(opro_dataset *dataset, size_t index, size_t *len);

/* What kind of answers the examples have. */
enum {
    OPRO_TASK_TEXT = 10,   /* anything else */
    OPRO_TASK_NUMBER = 20, /* decimal, commas between thousands allowed */
    OPRO_TASK_BOOL = 30,   /* yes/no, true/false, valid/invalid, in any case */
    OPRO_TASK_CHOICE = 40  /* "(B)", or "B" if the question has "B)" in it */
};

/*
 * The kind that at least 98 of 100 answers fit (published sets have a few broken ones), else
 * OPRO_TASK_TEXT; a guess for want of a better source. 0 when a callback failed. Since 0.1.
 */
OPRO_API int32_t opro_dataset_task(opro_dataset *dataset);

/* Sets of examples, beside OPRO_TRAIN and OPRO_VALIDATION (problem.h). */
enum {
    OPRO_TEST = 30 /* no part of any run */
};

/*
 * Split at random: shares of training, validation and test examples (each from 0 to 1, their sum
 * at most 1; counts are rounded down, training gets at least 1 if its share is above 0). The rest
 * is in no set. The same seed and number of examples give the same split on every platform.
 * Default: all are training examples. A split is of all examples: none can be appended after it,
 * until all are training examples again. Since 0.1.
 */
OPRO_API opro_status opro_dataset_split(opro_dataset *dataset, double train, double validation,
                                        double test, uint64_t seed);

/*
 * Split by hand: these examples, in any order, are this set (OPRO_TRAIN, OPRO_VALIDATION or
 * OPRO_TEST). Those of them that were in another set leave it, and those that were in this set and
 * are not named are in none. OPRO_ERR_INVALID: an index is out of range or given twice. Since 0.1.
 */
OPRO_API opro_status opro_dataset_set_split(opro_dataset *dataset, int32_t set,
                                            const int64_t *indices, size_t n);

/*
 * The split of the published program (random numbers of NumPy's legacy generator, seed 0): a share
 * of training examples drawn without replacement, then a share of validation examples drawn from
 * the others (0 in its settings for GSM8K and BBH); the rest are test examples. Since 0.1.
 */
OPRO_API opro_status opro_dataset_split_published(opro_dataset *dataset, double train,
                                                  double validation);

/*
 * The examples of a set, in increasing order; NULL if there are none. They live until the dataset
 * is changed. Since 0.1.
 */
OPRO_API const int64_t *opro_dataset_split_of(const opro_dataset *dataset, int32_t set, size_t *n);

/*
 * A digest of all examples and of the split, equal on every platform; 0 when a callback failed.
 * Since 0.1.
 */
OPRO_API uint64_t opro_dataset_digest(opro_dataset *dataset);

/*
 * The problem of finding an instruction for a dataset (exam.h has the scorer): its training and
 * validation examples are the instances, the training examples the exemplars, scores are 0 to 1 and
 * shown in buckets. Candidates are raced (option race) and the winner is confirmed (option confirm)
 * unless options say otherwise. Set it up further as any problem: a description, instructions to
 * start from. It takes a share of the dataset; runs in several threads may share it, if the
 * dataset's callback allows that. Not in the dataset's callback. OPRO_ERR_INVALID: no training
 * examples; what that callback failed with (see opro_dataset_error()). Since 0.1.
 */
OPRO_API opro_status opro_problem_new_dataset(opro_problem **out, opro_dataset *dataset,
                                              const opro_allocator *mem);

OPRO_END_DECLS

#endif
