/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE

#include "contender.h"

#include "machine.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void usage(const char *program) {
    fprintf(stderr,
            "usage: %s MODE [-c IN_FLIGHT] [-n REQUESTS] [-m MULTIS] [-w] [--ca FILE] [--defaults] "
            "[--h2] [--calls N] [--all] [--cache] URL\n",
            program);
    exit(2);
}

void contender_init(contender *c, int argc, char **argv) {
    static const struct option known[] = {
        {"ca", 1, NULL, 'a'},    {"defaults", 0, NULL, 'd'}, {"h2", 0, NULL, '2'},
        {"calls", 1, NULL, 's'}, {"all", 0, NULL, 'l'},      {"cache", 0, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    int o;

    memset(c, 0, sizeof *c);
    c->in_flight = c->requests = c->multis = 1;
    c->calls = 200;
    while ((o = getopt_long(argc, argv, "c:n:m:w", known, NULL)) != -1) {
        if (o == 'c') c->in_flight = strtoul(optarg, NULL, 10);
        if (o == 'n') c->requests = strtoul(optarg, NULL, 10);
        if (o == 'm') c->multis = strtoul(optarg, NULL, 10);
        if (o == 's') c->calls = strtoul(optarg, NULL, 10);
        if (o == 'w') c->warm = true;
        if (o == 'a') c->ca = optarg;
        if (o == 'd') c->defaults = true;
        if (o == '2') c->h2 = true;
        if (o == 'l') c->all = true;
        if (o == 'k') c->cache = true;
        if (o == '?') usage(argv[0]);
    }
    if (argc - optind != 2 || !c->in_flight || !c->requests || !c->multis) usage(argv[0]);
    c->mode = argv[optind];
    c->url = argv[optind + 1];
    machine_files();
    c->latency = malloc(c->requests * sizeof *c->latency);
    if (!c->latency) abort();
    memset(c->latency, 1, c->requests * sizeof *c->latency); /* its pages are not the client's */
}

/* ---- clocks and memory ----------------------------------------------------------------------- */

/* CPU seconds, those in the kernel apart. */
static double cpu_now(double *in_kernel) {
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    *in_kernel = (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec / 1e6;
    return *in_kernel + (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6;
}

/* A line of /proc/self/status, in KiB: "VmRSS:" now, "VmHWM:" at most. */
static long memory(const char *line) {
    char text[256];
    long value = 0;
    FILE *from = fopen("/proc/self/status", "r");

    while (from && fgets(text, sizeof text, from))
        if (strncmp(text, line, strlen(line)) == 0) value = strtol(text + strlen(line), NULL, 10);
    if (from) fclose(from);
    return value;
}

/* ---- the measuring --------------------------------------------------------------------------- */

void contender_ready(contender *c) {
    c->base = memory("VmRSS:");
}

void contender_begin(contender *c) {
    c->cpu = cpu_now(&c->system);
    c->wall = machine_now();
}

void contender_done(contender *c, double began, bool fine) {
    double now = machine_now();

    if (!fine) c->errors++;
    if (c->done++ == 0) c->first = now;
    if (c->latencies < c->requests && (began >= c->first || c->requests <= c->in_flight))
        c->latency[c->latencies++] = now - began;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int contender_end(contender *c, const char *name) {
    double took = machine_now() - c->wall, system, cpu = cpu_now(&system) - c->cpu;
    long peak = memory("VmHWM:");
    double n = c->done ? (double)c->done : 1;

    if (c->latencies == 0) c->latency[c->latencies++] = 0;
    qsort(c->latency, c->latencies, sizeof *c->latency, by_size);
    printf("{\"client\":\"%s %s\",\"in_flight\":%zu,\"requests\":%zu,\"errors\":%zu,", name,
           c->mode, c->in_flight, c->done, c->errors);
    printf("\"multis\":%zu,\"seconds\":%.6f,\"rps\":%.1f,", c->multis, took, n / took);
    printf("\"cpu_us\":%.3f,\"system_us\":%.3f,", cpu / n * 1e6, (system - c->system) / n * 1e6);
    printf("\"p50_ms\":%.4f,\"p99_ms\":%.4f,", c->latency[c->latencies / 2] * 1e3,
           c->latency[(c->latencies - 1) * 99 / 100] * 1e3);
    printf("\"base_kb\":%ld,\"peak_kb\":%ld,\"kb_per_request\":%.2f}\n", c->base, peak,
           (double)(peak - c->base) / (double)c->in_flight);
    free(c->latency);
    return c->errors ? 1 : 0;
}
