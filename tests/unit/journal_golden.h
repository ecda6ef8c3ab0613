/* SPDX-License-Identifier: MIT */
/* A small journal as text, and steps with a journal that are tests of nothing. */
#ifndef TESTS_JOURNAL_GOLDEN_H
#define TESTS_JOURNAL_GOLDEN_H

#include "journal_play.h"

/* Byte for byte what is in a file, so that later versions know what to read. */
static const char golden[] =
    "{\"c\":\"b6772e7a\",\"p\":\"00000000\",\"s\":0,\"d\":0,\"r\":{\"t\":\"header\",\"format\":1}}"
    "\n"
    "{\"c\":\"f609ed5f\",\"p\":\"b6772e7a\",\"s\":1,\"d\":1,\"r\":{\"n\":0}}\n"
    "{\"c\":\"fa4ec880\",\"p\":\"f609ed5f\",\"s\":2,\"d\":1,\"r\":{\"n\":1}}\n"
    "{\"c\":\"6c388539\",\"p\":\"fa4ec880\",\"s\":3,\"d\":3,\"r\":{\"t\":\"close\"}}\n";

static inline opro_status next(play *p, opro__journal_file *journal, const char **text) {
    static char copy[PLAY_PAYLOAD];
    opro__journal_record record = {.len = 0};
    opro_status st = opro__journal_file_next(journal, &record, &p->err);

    if (st == OPRO_OK) {
        assert_in_range(record.len, 1, sizeof copy - 1);
        memcpy(copy, record.payload, record.len);
        copy[record.len] = '\0';
    }
    if (text) *text = st == OPRO_OK ? copy : "";
    return st;
}

static inline opro_status open_by(play *p, opro__journal_setup setup, opro__journal_file **out) {
    return opro__journal_file_open(out, &p->mem, &p->err, &p->d.files, &setup);
}

static inline opro_status append(play *p, const char *text) {
    return opro__journal_file_append(p->journal, text, strlen(text), NULL, &p->err);
}

static inline void put_golden(play *p) {
    disk_write_file(&p->d, "j", golden, sizeof golden - 1);
}

/* Opened to its end: so many records. */
static inline void open_to_end(play *p, uint64_t records) {
    opro_status st = open_by(p, play_setup(0), &p->journal);

    while (st == OPRO_OK)
        st = next(p, p->journal, NULL);
    assert_int_equal(st, OPRO_DONE);
    assert_true(opro__journal_file_state(p->journal)->records == records);
}

static inline void close_it(play *p) {
    assert_int_equal(opro__journal_file_close(p->journal, &p->err), OPRO_OK);
    p->journal = NULL;
}

#endif
