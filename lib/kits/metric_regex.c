/* SPDX-License-Identifier: MIT */
/* A regular expression, compiled by the system. */
#define _POSIX_C_SOURCE 200809L
#include <regex.h>
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "metric.h"

struct opro__regex {
    regex_t compiled;
};

static opro_status no_memory(opro_metric *metric) {
    return opro__fail(&metric->err, OPRO_ERR_NOMEM, "out of memory");
}

/*
 * What a pattern may ask for, so that its automaton stays small: so many characters when it is
 * written out without repetitions, as the system does it ("a{2,3}" is three of a, and "a+" two, so
 * that each + behind another doubles it); and no backreference, which would have to be tried out.
 */
#define WRITTEN_OUT_MAX 2000

/* The end of the reply that is searched: some patterns take time that grows with its square. */
#define SEARCHED 4096

/* A pattern as far as it is read, written out: all of it, and what an operator would repeat. */
typedef struct written {
    int64_t all, last;
    int64_t before[OPRO__PATTERN_MAX]; /* each group that is open: all that stands before it */
    size_t n_open;
} written;

static void add(written *out) {
    out->all++;
    out->last = 1;
}

static void open_group(written *out) {
    out->before[out->n_open++] = out->all;
    add(out);
}

static void close_group(written *out) {
    add(out);
    if (out->n_open) out->last = out->all - out->before[--out->n_open]; /* else a character */
}

static void repeat(written *out, int64_t copies) {
    int64_t more = out->last * (copies - 1) + 1;

    out->all += more;
    out->last += more;
}

/* How often "{n,m}" has what stands before it written out; *s is put at its end. */
static int64_t copies_of(const char **s) {
    int64_t most = 1, n = 0;

    for (const char *p = *s + 1; opro__is_digit(*p) || *p == ','; *s = p++) {
        if (n > WRITTEN_OUT_MAX) return n;
        n = *p == ',' ? 0 : n * 10 + (*p - '0');
        if (*p == ',' && p[1] == '}') most++; /* and one more for all that follow */
        if (n > most) most = n;
    }
    if ((*s)[1] == '}') ++*s;
    return most;
}

/* Where a bracket expression ends that begins at s: "[]a]", "[^]a]", "[[:alpha:]a]", "[[.].]a]". */
static const char *end_of_bracket(const char *s) {
    if (s[1] == '^') s++;
    if (s[1] == ']') s++;
    while (s[1] && *++s != ']') {
        const char named[] = {s[1], ']', '\0'}, *end;

        if (*s != '[' || !s[1] || !strchr(":.=", s[1])) continue;
        end = strstr(s + 2, named);
        if (end) s = end + 1;
    }
    return s;
}

#define NUMBER_(n) #n
#define NUMBER(n)  NUMBER_(n)

static const char *excess(const char *pattern) {
    written out = {.n_open = 0};

    for (const char *s = pattern; *s; s++) {
        switch (*s) {
        case '(': open_group(&out); break;
        case ')': close_group(&out); break;
        case '*':
        case '?': repeat(&out, 1); break;
        case '+': repeat(&out, 2); break;
        case '{': repeat(&out, copies_of(&s)); break;
        case '[':
            s = end_of_bracket(s);
            add(&out);
            break;
        case '\\':
            if (s[1] >= '1' && s[1] <= '9') return "backreferences are not supported";
            if (s[1]) s++;
            add(&out);
            break;
        default: add(&out);
        }
        if (out.all > WRITTEN_OUT_MAX)
            return "with its repetitions written out it has more than " NUMBER(
                WRITTEN_OUT_MAX) " characters; repeat less in it";
    }
    return NULL;
}

void opro__metric_free_regex(opro_metric *metric) {
    if (!metric->regex) return;
    regfree(&metric->regex->compiled);
    opro__free(&metric->mem, metric->regex);
    metric->regex = NULL;
}

opro_status opro__metric_compile(opro_metric *metric, const char *pattern, opro__regex **regex) {
    const char *reason = excess(pattern);
    char message[200];
    opro__regex *made;
    int error;

    if (reason)
        return opro__fail(&metric->err, OPRO_ERR_PARSE, "the regular expression %s: %s",
                          opro__quote(pattern, strlen(pattern)).text, reason);
    made = opro__calloc(&metric->mem, 1, sizeof *made);
    if (!made) return no_memory(metric);
    error = regcomp(&made->compiled, pattern, REG_EXTENDED);
    if (error == 0) {
        *regex = made;
        return OPRO_OK;
    }
    regerror(error, &made->compiled, message, sizeof message);
    opro__free(&metric->mem, made);
    if (error == REG_ESPACE) return no_memory(metric);
    return opro__fail(&metric->err, OPRO_ERR_PARSE, "the regular expression %s: %s",
                      opro__quote(pattern, strlen(pattern)).text, message);
}

static opro__piece end_of(opro__piece text) {
    size_t cut = text.len > SEARCHED ? text.len - SEARCHED : 0;

    while (cut > 0 && cut < text.len && ((unsigned char)text.s[cut] & 0xc0) == 0x80)
        cut++;
    return opro__piece_from(text, text.s + cut);
}

/* The end of the reply, with a NUL behind it and none in it. */
static opro__piece searched(opro_metric *metric, opro__piece reply) {
    reply = end_of(reply);
    opro__buf_clear(&metric->reply);
    opro__utf8_repair(&metric->reply, reply.s, reply.len);
    return end_of((opro__piece){opro__buf_text(&metric->reply), metric->reply.len});
}

/* The last match: its first group, or all of it. 1, 0, or -1: no memory. */
static int last_match(const opro__regex *regex, opro__piece text, opro__piece *found) {
    size_t at = 0;
    int any = 0;

    while (at <= text.len) {
        regmatch_t match[2] = {{0, 0}, {0, 0}}; /* MemorySanitizer does not see regexec() write */
        int error = regexec(&regex->compiled, text.s + at, 2, match, at ? REG_NOTBOL : 0), group;

        if (error == REG_ESPACE) return -1;
        if (error != 0) break;
        group = match[1].rm_so >= 0;
        *found = (opro__piece){text.s + at + match[group].rm_so,
                               (size_t)(match[group].rm_eo - match[group].rm_so)};
        any = 1;
        at += (size_t)match[0].rm_eo;
        if (match[0].rm_eo == match[0].rm_so) at++;
    }
    return any;
}

opro_status opro__metric_regex(opro_metric *metric, const opro__matter *matter) {
    opro__piece text, match = {"", 0};
    int found;

    if (!metric->regex)
        return opro__fail(&metric->err, OPRO_ERR_STATE,
                          "there is no regular expression yet: opro_metric_set_pattern()");
    text = searched(metric, matter->reply);
    if (metric->reply.status != OPRO_OK) return no_memory(metric);
    found = last_match(metric->regex, text, &match);
    if (found < 0) return no_memory(metric);
    return opro__metric_decide(metric, found && opro__metric_same(metric, match, matter->answer),
                               match, found ? "regular expression" : "no match");
}
