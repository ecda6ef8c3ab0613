/* SPDX-License-Identifier: MIT */
/*
 * Runs that are kept, through the public functions alone: what an acknowledged answer costs beside
 * the system's bare calls, how fast a long run is put back, and what that holds in memory.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "meter.h"

/* ANSWERS: of whole steps, each of 8 replies and as many scores. */
enum { ANSWERS = 13 * 16, ROUNDS = 5, SIZES = 2, FEW_TIMES = 3 };

/* A run with its journal, each with an allocator of its own. */
typedef struct kept {
    char path[4200];
    meter run_memory, journal_memory;
    opro_run *run;
    opro_journal *journal;
    uint64_t next; /* reply */
    opro_status status;
} kept;

static void kept_open(kept *k, const char *sync, int64_t steps) {
    opro_allocator mem = meter_allocator(&k->run_memory), own = meter_allocator(&k->journal_memory);
    opro_problem *problem = NULL;
    opro_config *config = NULL;
    opro_status st = opro_problem_new(&problem, NULL);

    if (st == OPRO_OK) st = opro_problem_set_description(problem, "solve arithmetic", OPRO_ZT);
    if (st == OPRO_OK) st = opro_config_new(&config, NULL);
    if (st == OPRO_OK) st = opro_config_set(config, "journal_sync", OPRO_ZT, sync, OPRO_ZT);
    if (st == OPRO_OK) st = opro_config_set_int(config, OPRO_OPT_STEPS, steps);
    if (st == OPRO_OK) st = opro_run_new(&k->run, problem, config, &mem);
    if (st == OPRO_OK) st = opro_journal_new(&k->journal, k->path, OPRO_ZT, config, &own);
    if (st == OPRO_OK) st = opro_run_resume(k->run, k->journal);
    if (st != OPRO_OK && k->run) bench_note("%s", opro_error_message(opro_run_error(k->run), NULL));
    opro_config_free(config);
    opro_problem_free(problem);
    k->status = st;
}

static void kept_close(kept *k) {
    if (k->journal && opro_journal_close(k->journal) != OPRO_OK) k->status = OPRO_ERR_FAILED;
    opro_journal_free(k->journal);
    opro_run_free(k->run);
    k->journal = NULL;
    k->run = NULL;
}

static opro_status propose(kept *k, uint64_t id) {
    char reply[128];
    int len = snprintf(reply, sizeof reply,
                       "A different way:\n<INS>Work through %010" PRIu64 " step by step.</INS>",
                       k->next++);

    return opro_run_answer_text(k->run, id, reply, (size_t)len);
}

static opro_status score(kept *k, uint64_t id) {
    double value = (double)(k->next * 2654435761 % 997) / 997;

    return opro_run_answer_scores(k->run, id, &value, 1);
}

/* ---- an acknowledged answer ------------------------------------------------------------------ */

typedef struct beside {
    int fd;
    off_t end;
    char bytes[4096];
    double ours[ROUNDS * ANSWERS], bare[ROUNDS * ANSWERS];
    size_t n;
    size_t len; /* of what the last answer wrote */
} beside;

static double write_bare(kept *k, beside *b) {
    double begin = bench_wall();

    if (pwrite(b->fd, b->bytes, b->len, b->end) != (ssize_t)b->len || fdatasync(b->fd) != 0)
        k->status = OPRO_ERR_FAILED;
    b->end += (off_t)b->len;
    return bench_wall() - begin;
}

static double answer(kept *k, beside *b, uint64_t id, int32_t kind) {
    int64_t before = opro_journal_count(k->journal, OPRO_JOURNAL_BYTES);
    double begin = bench_wall(), took;

    k->status = kind == OPRO_REQUEST_PROPOSE ? propose(k, id) : score(k, id);
    took = bench_wall() - begin;
    b->len = (size_t)(opro_journal_count(k->journal, OPRO_JOURNAL_BYTES) - before);
    return took;
}

/* They take turns, first the one, then the other: what disturbs one disturbs both. */
static void answer_both(kept *k, beside *b, uint64_t id, int32_t kind) {
    size_t i = b->n++;

    if (i % 2) b->bare[i] = write_bare(k, b);
    b->ours[i] = answer(k, b, id, kind);
    if (i % 2 == 0) b->bare[i] = write_bare(k, b);
}

static void answer_round(kept *k, beside *b) {
    size_t end = b->n + ANSWERS;
    opro_request *request;

    while (k->status == OPRO_OK && b->n < end) {
        k->status = opro_run_next(k->run, 0, &request);
        if (k->status != OPRO_OK) break;
        for (size_t i = opro_request_kind(request) == OPRO_REQUEST_PROPOSE
                            ? opro_request_samples(request)
                            : 1;
             i > 0 && k->status == OPRO_OK; i--)
            answer_both(k, b, opro_request_id(request), opro_request_kind(request));
    }
}

/* The medians of n answers, and of as many bare calls. */
static double ratio_of(const beside *b, size_t first, size_t n, double *ours, double *bare) {
    static double sorted[2][ROUNDS * ANSWERS];

    memcpy(sorted[0], b->ours + first, n * sizeof *sorted[0]);
    memcpy(sorted[1], b->bare + first, n * sizeof *sorted[1]);
    *ours = bench_median(sorted[0], n);
    *bare = bench_median(sorted[1], n);
    return *ours / *bare;
}

static void report_answers(const beside *b) {
    double ours, bare, ratios[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++)
        ratios[i] = ratio_of(b, i * ANSWERS, ANSWERS, &ours, &bare);
    ratio_of(b, 0, b->n, &ours, &bare);
    bench_report((bench_line){.name = "an answer acknowledged, median",
                              .unit = "us",
                              .figure = ours * 1e6,
                              .reference = bare * 1e6,
                              .beside = "pwrite, fdatasync",
                              .most_ratio = 1.2});
    bench_median(ratios, ROUNDS); /* sorts them */
    bench_note("of %zu answers; ratios of %d rounds of them: %.3f to %.3f, median %.3f", b->n,
               ROUNDS, ratios[0], ratios[ROUNDS - 1], ratios[ROUNDS / 2]);
}

static void bench_answers(kept *k, const char *bare_path) {
    static beside b;

    kept_open(k, "record", 0);
    b.fd = open(bare_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (b.fd < 0) k->status = OPRO_ERR_FAILED;
    memset(b.bytes, 'x', sizeof b.bytes);
    b.len = 256; /* before the first answer */
    for (int i = 0; i < ROUNDS && k->status == OPRO_OK; i++)
        answer_round(k, &b);
    if (k->status == OPRO_OK) report_answers(&b);
    if (b.fd >= 0) close(b.fd);
    kept_close(k);
    unlink(bare_path);
    unlink(k->path);
}

/* ---- a long run put back --------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t records;
} sizes[SIZES] = {{"a run of 10^5 records put back, a record", 100000},
                  {"a run of 10^6 records put back, a record", 1000000}};

/* What a life of the run took. */
typedef struct life {
    double seconds;
    size_t run_bytes, journal_bytes; /* at most */
    uint64_t state;
} life;

static void end_life(kept *k, life *l) {
    l->run_bytes = meter_peak(&k->run_memory);
    l->journal_bytes = meter_peak(&k->journal_memory);
    l->state = k->run ? opro_run_state_hash(k->run) : 0;
    kept_close(k);
}

/* Go on until the journal has so many records. */
static life write_life(kept *k, int64_t records) {
    double begin;
    life l = {0};
    opro_request *request;

    k->next = 0;
    kept_open(k, "none", 0);
    begin = bench_cpu();
    while (k->status == OPRO_OK && opro_journal_count(k->journal, OPRO_JOURNAL_RECORDS) < records) {
        uint64_t id;

        k->status = opro_run_next(k->run, 0, &request);
        if (k->status != OPRO_OK) break;
        id = opro_request_id(request);
        if (opro_request_kind(request) == OPRO_REQUEST_SCORE) k->status = score(k, id);
        for (size_t i = opro_request_samples(request); i > 0 && k->status == OPRO_OK; i--)
            k->status = propose(k, id);
    }
    l.seconds = bench_cpu() - begin;
    end_life(k, &l);
    return l;
}

static life resume_life(kept *k) {
    double begin = bench_cpu();
    life l = {0};

    kept_open(k, "none", 0);
    l.seconds = bench_cpu() - begin;
    end_life(k, &l);
    return l;
}

/* Of the smaller one several times, the middle one. */
static life put_back(kept *k, int64_t records, life *written) {
    double took[FEW_TIMES];
    int times = records > 100000 ? 1 : FEW_TIMES;
    life l = {0};

    *written = write_life(k, records);
    for (int i = 0; i < times && k->status == OPRO_OK; i++) {
        l = resume_life(k);
        took[i] = l.seconds;
        if (l.state != written->state) k->status = OPRO_ERR_FAILED;
    }
    if (k->status == OPRO_OK) l.seconds = bench_median(took, (size_t)times);
    unlink(k->path);
    return l;
}

static void bench_replay(kept *k) {
    life written[SIZES], again[SIZES];
    double each[SIZES];

    for (int i = 0; i < SIZES && k->status == OPRO_OK; i++) {
        again[i] = put_back(k, sizes[i].records, &written[i]);
        each[i] = again[i].seconds * 1e9 / (double)sizes[i].records;
        if (k->status == OPRO_OK)
            bench_report((bench_line){.name = sizes[i].name,
                                      .unit = "ns",
                                      .figure = each[i],
                                      .reference = i ? each[0] : 0,
                                      .beside = "at 10^5",
                                      .most_ratio = i ? 1.5 : 0});
    }
    if (k->status != OPRO_OK) return;
    bench_note("%.0f records/s written, %.0f put back",
               (double)sizes[1].records / written[1].seconds,
               (double)sizes[1].records / again[1].seconds);
    bench_report((bench_line){.name = "memory of the run of 10^6 records put back",
                              .unit = "bytes",
                              .figure = (double)again[1].run_bytes,
                              .reference = (double)written[1].run_bytes,
                              .beside = "of the run itself",
                              .most_ratio = 1.001});
    bench_report((bench_line){.name = "memory of its journal meanwhile",
                              .unit = "bytes",
                              .figure = (double)again[1].journal_bytes,
                              .reference = (double)again[0].journal_bytes,
                              .beside = "at 10^5",
                              .most = 4 << 20,
                              .most_ratio = 1.001});
}

int bench_journal_run(void) {
    static kept k;
    char bare[4200];

    if (!opro_has_feature(OPRO_FEATURE_JOURNAL)) {
        bench_note("this build has no journals");
        return 0;
    }
    snprintf(k.path, sizeof k.path, "%sbench-run.journal", bench_folder());
    snprintf(bare, sizeof bare, "%sbench-run.bare", bench_folder());
    unlink(k.path);
    bench_answers(&k, bare);
    if (k.status == OPRO_OK) bench_replay(&k);
    return k.status != OPRO_OK;
}
