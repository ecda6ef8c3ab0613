/* SPDX-License-Identifier: MIT */
/* Wrong answers in words, as they are handed back with a score. */
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "exam.h"

#define QUESTION_MAX 400 /* bytes of each */
#define ANSWER_MAX   160
#define ENTRY_MAX    (QUESTION_MAX + 2 * ANSWER_MAX + 80)
#define FEEDBACK_MAX ((size_t)64 << 10) /* what a run takes */

/* As one line: any blanks are one. */
static void add_line(opro__buf *out, const char *s, size_t len) {
    int blank = 1;

    for (size_t i = 0; i < len; i++) {
        int is_blank = (unsigned char)s[i] <= ' ';

        if (is_blank && !blank) opro__buf_addc(out, ' ');
        if (!is_blank) opro__buf_addc(out, s[i]);
        blank = is_blank;
    }
}

static void add_beginning(opro__buf *out, const char *s, size_t len, size_t max) {
    size_t n = opro__utf8_cut(s, len, max);

    add_line(out, s, n);
    if (n < len) opro__buf_addz(out, "...");
}

/* Where a reply comes to its answer. */
static void add_end(opro__buf *out, const char *s, size_t len, size_t max) {
    size_t from = len > max ? len - max : 0;

    while (from < len && ((unsigned char)s[from] & 0xC0) == 0x80)
        from++;
    if (from) opro__buf_addz(out, "...");
    add_line(out, s + from, len - from);
}

static void add_entry(opro__buf *out, const opro__example *example, const opro__sheet *sheet) {
    size_t len;
    const char *said = opro__sheet_said(sheet, OPRO__SAID_EXTRACTED, &len);

    if (out->len) opro__buf_addz(out, "\n\n");
    opro__buf_addz(out, "Question: ");
    add_beginning(out, example->question, example->question_len, QUESTION_MAX);
    opro__buf_addz(out, "\nRight answer: ");
    add_beginning(out, example->answer, example->answer_len, ANSWER_MAX);
    opro__buf_addz(out, "\nAnswered: ");
    if (!len) said = opro__sheet_said(sheet, OPRO__SAID_REPLY, &len);
    add_end(out, said, len, ANSWER_MAX);
}

/* From a place on that is another one for another instruction, so that all are seen in time. */
opro_status opro__feedback_write(opro__buf *out, const opro_exam *exam, size_t most,
                                 opro_error *err) {
    size_t from = (size_t)(opro__hash_bytes(exam->instruction, exam->len) % exam->n);

    for (size_t i = 0; i < exam->n && most; i++) {
        const opro__sheet *sheet = &exam->sheets[(from + i) % exam->n];
        opro__example example;
        opro_status st;

        if (sheet->state != OPRO__SHEET_KNOWN || sheet->score >= 1) continue;
        if (out->len + ENTRY_MAX > FEEDBACK_MAX) break;
        st = opro__examiner_example(exam->examiner, sheet->example, &example, err);
        if (st != OPRO_OK) return st;
        add_entry(out, &example, sheet);
        most--;
    }
    return out->status == OPRO_OK ? OPRO_OK : opro__fail(err, out->status, "out of memory");
}
