/* SPDX-License-Identifier: MIT */
/* Where in a reply its answer stands. */
#include "metric_strict.h"

#include <math.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "metric.h"
#include "opro/dataset.h"

#define P OPRO__PIECE
#define I OPRO__PIECE_INIT

#define N_OF(array) (sizeof(array) / sizeof *(array))

/* ---- words ----------------------------------------------------------------------------------- */

int opro__is_word(char c) {
    return opro__is_letter(c) || opro__is_digit(c);
}

int opro__word_at(opro__piece text, const char *at, opro__piece word) {
    const char *end = text.s + text.len;

    if ((size_t)(end - at) < word.len || memcmp(at, word.s, word.len) != 0) return 0;
    if (at > text.s && opro__is_word(at[-1]) && opro__is_word(word.s[0])) return 0;
    return at + word.len == end || !opro__is_word(at[word.len]) ||
           !opro__is_word(word.s[word.len - 1]);
}

const char *opro__word_find(opro__piece text, opro__piece word) {
    opro__piece rest = text;
    const char *at;

    while (word.len && (at = opro__piece_find(rest, word)) != NULL) {
        if (opro__word_at(text, at, word)) return at;
        rest = opro__piece_from(text, at + 1);
    }
    return NULL;
}

/* Bytes of a mark at s that says nothing by itself. */
static size_t mark_at(const char *s, size_t len) {
    static const char *const wide[] = {"\xc2\xa0",     "\xe2\x80\x8b", "\xef\xbb\xbf",
                                       "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x98",
                                       "\xe2\x80\x99", "\xe3\x80\x82"};

    if (len && strchr(" \t\n\r\v\f\"'`*_", s[0]) && s[0]) return 1;
    for (size_t i = 0; i < N_OF(wide); i++) {
        size_t n = strlen(wide[i]);

        if (len >= n && memcmp(s, wide[i], n) == 0) return n;
    }
    return 0;
}

opro__piece opro__strict_trim(opro__piece text) {
    size_t n, last;

    while ((n = mark_at(text.s, text.len)) > 0)
        text = opro__piece_from(text, text.s + n);
    do {
        last = 0;
        for (n = 1; n <= 3 && n <= text.len && !last; n++)
            if (mark_at(text.s + text.len - n, n) == n) last = n;
        text.len -= last;
    } while (last);
    return text;
}

opro__piece opro__strict_written(const opro__strict *strict, opro__piece piece) {
    return (opro__piece){strict->written + (piece.s - strict->text.s), piece.len};
}

/* ---- what is to be seen ---------------------------------------------------------------------- */

static int is_blank_text(opro__piece text) {
    return opro__strict_trim(text).len == 0;
}

/* Behind the last closing tag of reasoning; up to an opening one that is not closed. */
static opro__piece without_reasoning(opro__piece text) {
    static const opro__piece close[] = {I("</think>"), I("</thinking>"), I("</reasoning>")};
    static const opro__piece open[] = {I("<think>"), I("<thinking>"), I("<reasoning>")};
    const char *end = NULL;

    for (size_t i = 0; i < N_OF(close); i++) {
        const char *at = opro__piece_find_last(text, close[i]);

        if (at && (!end || at + close[i].len > end)) end = at + close[i].len;
    }
    if (end) text = opro__piece_from(text, end);
    for (size_t i = 0; i < N_OF(open); i++)
        text = opro__piece_until(text, opro__piece_find(text, open[i]));
    return text;
}

/* Where the model went on with a question of its own: "Q:" in capitals, "question:" on a line. */
static opro__piece without_next_question(opro__piece text, const char *written) {
    opro__piece rest = text;
    const char *at;

    while ((at = opro__piece_find(rest, P("q:"))) != NULL) {
        int capital = written[at - text.s] == 'Q';

        if (capital && !(at > text.s && opro__is_word(at[-1])) &&
            !is_blank_text(opro__piece_until(text, at)))
            return opro__piece_until(text, at);
        rest = opro__piece_from(text, at + 2);
    }
    at = opro__piece_find(text, P("\nquestion:"));
    if (at && !is_blank_text(opro__piece_until(text, at))) return opro__piece_until(text, at);
    return text;
}

/* ---- markers --------------------------------------------------------------------------------- */

static opro__piece line_of(opro__piece text) {
    return opro__piece_until(text, opro__piece_find(text, P("\n")));
}

static void mark(opro__strict *strict, opro__piece span, const char *marker) {
    strict->span = span;
    strict->marker = marker;
}

/* The last "\boxed{...}", braces in pairs. */
static int find_box(opro__strict *strict) {
    const char *at = opro__piece_find_last(strict->text, P("\\boxed"));
    opro__piece rest;
    size_t i = 0, depth = 0;

    if (!at) return 0;
    rest = opro__piece_from(strict->text, at + 6);
    while (i < rest.len && rest.s[i] == ' ')
        i++;
    if (i == rest.len || rest.s[i] != '{') return 0;
    rest = opro__piece_from(rest, rest.s + i + 1);
    for (i = 0; i < rest.len && (rest.s[i] != '}' || depth > 0); i++) {
        if (rest.s[i] == '{') depth++;
        if (rest.s[i] == '}') depth--;
    }
    rest.len = i;
    mark(strict, rest, "boxed");
    strict->whole = 1;
    return 1;
}

static int find_tag(opro__strict *strict) {
    const char *at = opro__piece_find_last(strict->text, P("<answer>")), *end;
    opro__piece rest;

    if (!at) return 0;
    rest = opro__piece_from(strict->text, at + 8);
    end = opro__piece_find(rest, P("</answer>"));
    if (is_blank_text(opro__piece_until(rest, end))) return 0;
    mark(strict, opro__piece_until(rest, end), "answer tag");
    strict->whole = 1;
    return 1;
}

static const char *skip(opro__piece text, const char *s, const char *what) {
    while (s < text.s + text.len && *s && strchr(what, *s))
        s++;
    return s;
}

/* "(in numerals)" and emphasis between "answer" and what joins it to the answer. */
static const char *skip_remark(opro__piece text, const char *s) {
    const char *p, *end = text.s + text.len;

    s = skip(text, s, " *_");
    if (s == end || *s != '(') return s;
    for (p = s; p < end && p - s < 60 && *p != ')' && *p != '\n';)
        p++;
    return p < end && *p == ')' ? skip(text, p + 1, " *_") : s;
}

/* What stands behind "answer" if it introduces the answer: "is", ":", ...; else NULL. */
static const char *introduced(opro__piece text, const char *s) {
    static const opro__piece verbs[] = {I("is"),      I("was"),     I("should be"), I("would be"),
                                        I("must be"), I("will be"), I("equals")};
    const char *end = text.s + text.len;

    s = skip_remark(text, s);
    if (s < end && (*s == ':' || *s == '=')) return skip(text, s + 1, ":=* \t\n");
    for (size_t i = 0; i < N_OF(verbs); i++) {
        size_t n = verbs[i].len;

        if ((size_t)(end - s) < n || memcmp(s, verbs[i].s, n) != 0) continue;
        if (s + n < end && s[n] >= 'a' && s[n] <= 'z') continue;
        return skip(text, s + n, ":=* \t\n");
    }
    return NULL;
}

/* Where "is the answer" begins that ends with "answer" at s; else NULL. */
static const char *led_up_to(opro__piece text, const char *s) {
    static const opro__piece adjectives[] = {I("correct "), I("right "), I("final "), I("best "),
                                             I("")};
    static const opro__piece verb = I(" is the ");

    for (size_t i = 0; i < N_OF(adjectives); i++) {
        const opro__piece a = adjectives[i];
        const size_t n = verb.len + a.len;

        if ((size_t)(s - text.s) < n || memcmp(s - a.len, a.s, a.len) != 0) continue;
        if (memcmp(s - n, verb.s, verb.len) == 0) return s - n;
    }
    return NULL;
}

/* The beginning of the sentence that s is in. */
static const char *sentence_begin(opro__piece text, const char *s) {
    while (s > text.s) {
        if (s[-1] == '\n') break;
        if (s[-1] && strchr(".!?", s[-1]) && s[0] == ' ') break;
        s--;
    }
    return s;
}

/* The last "answer" that says where it is. Looks at so many. */
static const char *find_phrase(opro__strict *strict) {
    opro__piece text = strict->text, before = text;
    const char *at;

    while ((at = opro__piece_find_last(before, P("answer"))) != NULL) {
        const char *s = introduced(text, at + 6), *e;

        if (s && !is_blank_text(opro__piece_from(text, s))) {
            mark(strict, opro__piece_from(text, s), "answer phrase");
            return at;
        }
        e = led_up_to(text, at);
        if (e) {
            s = sentence_begin(text, e);
            mark(strict, (opro__piece){s, (size_t)(e - s)}, "answer phrase");
            strict->before = 1;
            return at;
        }
        before = opro__piece_until(text, at);
    }
    return NULL;
}

/* "#### 7"; a line that begins with "A:". */
static void find_label(opro__strict *strict, const char *after, int task) {
    const char *at = opro__piece_find_last(strict->text, P("####"));
    opro__piece rest;

    if (at && (!after || at > after)) {
        rest = opro__piece_from(strict->text, at + 4);
        if (!is_blank_text(line_of(rest))) {
            mark(strict, line_of(rest), "#### mark");
            strict->before = 0;
            return;
        }
    }
    if (after || task == OPRO_TASK_CHOICE) return;
    at = opro__piece_find_last(strict->text, P("\na:"));
    if (at)
        rest = opro__piece_from(strict->text, at + 3);
    else if (strict->text.len > 2 && memcmp(strict->text.s, "a:", 2) == 0)
        rest = opro__piece_from(strict->text, strict->text.s + 2);
    else
        return;
    if (!is_blank_text(rest)) mark(strict, rest, "A: label");
}

/* "not 65, it is 0": what is said instead. */
static void skip_denial(opro__strict *strict) {
    static const opro__piece turns[] = {I(" it is "), I(" it's "), I(" but "), I(" rather "),
                                        I(" instead ")};
    const char *at = NULL;

    if (strict->span.len < 4 || memcmp(strict->span.s, "not ", 4) != 0) return;
    for (size_t i = 0; i < N_OF(turns) && !at; i++) {
        at = opro__piece_find(line_of(strict->span), turns[i]);
        if (at) strict->span = opro__piece_from(strict->span, at + turns[i].len);
    }
}

static void look(opro__strict *strict, opro__piece low, const char *written, int task) {
    const char *at;

    *strict = (opro__strict){.text = without_reasoning(low)};
    strict->written = written + (strict->text.s - low.s);
    strict->text = without_next_question(strict->text, strict->written);
    strict->span = strict->text;
    if (find_box(strict) || find_tag(strict)) return;
    at = find_phrase(strict);
    find_label(strict, at, task);
    if (strict->marker && !strict->before) skip_denial(strict);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

typedef struct judged {
    opro__strict strict;
    opro__answer answer;
    opro__piece wanted; /* in lower case, trimmed */
    opro__options options;
    char text[OPRO__NUM_SIZE]; /* of an answer that is a number or a letter */
} judged;

/* ASCII letters in lower case, byte for byte. */
static opro__piece lower_copy(opro__buf *buf, opro__piece text) {
    opro__buf_clear(buf);
    opro__buf_add(buf, text.s, text.len);
    for (size_t i = 0; i < buf->len; i++)
        if (buf->data[i] >= 'A' && buf->data[i] <= 'Z') buf->data[i] = (char)(buf->data[i] + 32);
    return (opro__piece){opro__buf_text(buf), buf->len};
}

static opro_status no_memory(opro_metric *metric) {
    return opro__fail(&metric->err, OPRO_ERR_NOMEM, "out of memory");
}

static opro_status decide(opro_metric *metric, const judged *j, int found, int right) {
    const opro__piece nothing = {"", 0};
    const char *rule = j->answer.rule;

    if (!found) return opro__metric_decide(metric, 0, nothing, "no answer found");
    if (!rule) rule = j->strict.marker ? j->strict.marker : "last answer";
    return opro__metric_decide(metric, right, j->answer.text, rule);
}

static int near(const opro_metric *metric, double got, double wanted) {
    return got == wanted ||
           fabs(got - wanted) <= metric->absolute + metric->relative * fabs(wanted);
}

static opro_status judge_number(opro_metric *metric, judged *j, double wanted) {
    int found = opro__number_read(&j->strict, &j->answer);

    if (found) j->answer.text = (opro__piece){j->text, opro__num_format(j->answer.number, j->text)};
    return decide(metric, j, found, found && near(metric, j->answer.number, wanted));
}

static opro_status judge_choice(opro_metric *metric, judged *j, int wanted) {
    int found = opro__choice_read(&j->strict, &j->options, &j->answer);

    j->text[0] = (char)('A' + j->answer.index);
    if (found) j->answer.text = (opro__piece){j->text, 1};
    return decide(metric, j, found, found && j->answer.index == wanted);
}

static opro_status judge_bool(opro_metric *metric, judged *j, int wanted, int pair) {
    int found = opro__bool_read(&j->strict, pair, &j->answer);

    return decide(metric, j, found, found && j->answer.index == wanted);
}

/* Letters of all kinds in lower case: texts are compared so. */
static opro_status judge_text(opro_metric *metric, judged *j, opro__piece answer) {
    opro__buf *work = &metric->work;
    size_t begin;
    int found;

    opro__buf_clear(work);
    opro__letters_lower(work, answer, NULL);
    begin = work->len;
    opro__letters_lower(work, opro__strict_written(&j->strict, j->strict.span), NULL);
    if (work->status != OPRO_OK) return no_memory(metric);
    j->wanted = opro__piece_strip((opro__piece){opro__buf_text(work), begin});
    j->strict.span = (opro__piece){opro__buf_text(work) + begin, work->len - begin};
    j->answer.text = j->strict.span;
    found = opro__text_matches(&j->strict, j->wanted, &j->answer);
    if (!found && j->strict.marker) { /* it may be said elsewhere, in the same way */
        opro__buf_cut(work, begin);
        opro__letters_lower(work, (opro__piece){j->strict.written, j->strict.text.len}, NULL);
        if (work->status != OPRO_OK) return no_memory(metric);
        j->answer.text =
            opro__piece_strip((opro__piece){opro__buf_text(work) + begin, work->len - begin});
    }
    if (found) return decide(metric, j, 1, 1);
    return opro__metric_decide(metric, 0, opro__strict_trim(j->answer.text),
                               j->strict.marker ? j->strict.marker : "whole reply");
}

static opro_status wrong_kind(opro_metric *metric, opro__piece answer, const char *what) {
    return opro__fail(&metric->err, OPRO_ERR_INVALID, "the answer that is wanted, %s, is no %s",
                      opro__quote(answer.s, answer.len).text, what);
}

opro_status opro__metric_strict(opro_metric *metric, const opro__matter *matter) {
    int32_t task = metric->kind == OPRO_METRIC_NUMBER   ? OPRO_TASK_NUMBER
                   : metric->kind == OPRO_METRIC_CHOICE ? OPRO_TASK_CHOICE
                                                        : metric->task;
    judged j = {.answer = {.rule = NULL}};
    opro__piece low = lower_copy(&metric->reply, matter->reply);
    double number;
    int wanted, pair;

    j.wanted = opro__strict_trim(lower_copy(&metric->answer, matter->answer));
    if (metric->reply.status != OPRO_OK || metric->answer.status != OPRO_OK)
        return no_memory(metric);
    look(&j.strict, low, matter->reply.s, task);
    if (task == OPRO_TASK_NUMBER && opro__number_wanted(j.wanted, &number))
        return judge_number(metric, &j, number);
    if (metric->kind == OPRO_METRIC_NUMBER) return wrong_kind(metric, matter->answer, "number");
    if (task == OPRO_TASK_BOOL) {
        wanted = opro__bool_wanted(j.wanted, &pair);
        if (wanted >= 0) return judge_bool(metric, &j, wanted, pair);
    }
    if (task == OPRO_TASK_CHOICE) {
        opro__options_read(lower_copy(&metric->work, matter->question), matter->question.s,
                           &j.options);
        if (metric->work.status != OPRO_OK) return no_memory(metric);
        wanted = opro__choice_wanted(j.wanted, &j.options);
        if (wanted >= 0) return judge_choice(metric, &j, wanted);
    }
    if (metric->kind == OPRO_METRIC_CHOICE) return wrong_kind(metric, matter->answer, "option");
    return judge_text(metric, &j, matter->answer);
}
