/* SPDX-License-Identifier: MIT */
/* How the published program normalises a reply. */
#include "metric_reference.h"

#include <math.h>
#include <string.h>

#include "base/num.h"

#define P OPRO__PIECE
#define I OPRO__PIECE_INIT

#define N_OF(array) (sizeof(array) / sizeof *(array))

void opro__reference_init(opro__reference *ref, opro__mem *mem, size_t max) {
    opro__buf_init(&ref->low, mem, max);
    opro__buf_init(&ref->number, mem, max);
    opro__buf_init(&ref->out, mem, max);
    opro__buf_init(&ref->truth, mem, max);
    opro__buf_init(&ref->guess, mem, max);
    opro__buf_init(&ref->options, mem, max);
    opro__buf_init(&ref->bare, mem, max);
}

void opro__reference_free(opro__reference *ref) {
    opro__buf_free(&ref->low);
    opro__buf_free(&ref->number);
    opro__buf_free(&ref->out);
    opro__buf_free(&ref->truth);
    opro__buf_free(&ref->guess);
    opro__buf_free(&ref->options);
    opro__buf_free(&ref->bare);
}

/* ---- markers --------------------------------------------------------------------------------- */

/* Where the next question begins; each has a colon, ASCII or wide. */
static const opro__piece next_question[] = {
    I("প্রশ্ন:"),   I("frage:"), I("question:"), I("pregunta:"), I("question :"), I("問題："),
    I("задача:"), I("swali:"), I("ప్రశ్న:"),     I("โจทย์:"),     I("问题："),     I("q:"),
};

/* What the answer stands behind, whatever else; the order counts. Each has a colon. */
static const opro__piece answer_labels[] = {
    I("ধাপে ধাপে উত্তর: "),
    I("schritt-für-schritt-antwort: "),
    I("step-by-step answer: "),
    I("respuesta paso a paso: "),
    I("réponse étape par étape : "),
    I("ステップごとの答え："),
    I("пошаговое решение: "),
    I("jibu la hatua kwa hatua: "),
    I("దశలవారీగా సమాధానం: "),
    I("คำตอบทีละขั้นตอน: "),
    I("逐步解答："),
};
static const opro__piece answer_hash = I("#### ");

/* The first list if the reply, as it was written, has any of it; else the second. */
static const opro__piece primary[] = {I("answer is "), I("answer: "), I("answer is: ")};
static const opro__piece secondary[] = {I("is: "), I("are: ")};

/* What the answer stands before. */
static const opro__piece answer_ahead[] = {
    I(" is the correct answer"),
    I(" is the right answer"),
    I(" is the final answer"),
    I(" is the answer"),
};

/* A reply on its way: what is left of it, and what bytes it may hold. */
typedef struct reply {
    opro__piece text;
    unsigned char seen[256];
    int indicated; /* a marker says where the answer is */
} reply;

/* Are all its bytes there? Few markers come so far. */
static int may_hold(const reply *r, opro__piece marker) {
    for (size_t i = 0; i < marker.len; i++)
        if (!r->seen[(unsigned char)marker.s[i]]) return 0;
    return 1;
}

static const char *find(const reply *r, opro__piece marker) {
    return may_hold(r, marker) ? opro__piece_find(r->text, marker) : NULL;
}

static const char *find_last(const reply *r, opro__piece marker) {
    return may_hold(r, marker) ? opro__piece_find_last(r->text, marker) : NULL;
}

/* ASCII or wide (U+FF1A). */
static int has_colon(const reply *r) {
    return r->seen[':'] || r->seen[0xef];
}

static int has_primary(const reply *r, opro__piece raw) {
    for (size_t i = 0; i < N_OF(primary); i++)
        if (may_hold(r, primary[i]) && opro__piece_find(raw, primary[i])) return 1;
    return 0;
}

static void cut_next_question(reply *r) {
    for (size_t i = 0; i < N_OF(next_question) && has_colon(r); i++)
        r->text = opro__piece_until(r->text, find(r, next_question[i]));
}

static void cut_before(reply *r, const opro__piece *markers, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *at = find_last(r, markers[i]);

        if (!at) continue;
        r->text = opro__piece_from(r->text, at + markers[i].len);
        r->indicated = 1;
    }
}

static void cut_behind(reply *r) {
    for (size_t i = 0; i < N_OF(answer_ahead); i++) {
        const char *at = find(r, answer_ahead[i]);

        if (!at) continue;
        r->text = opro__piece_until(r->text, at);
        r->indicated = 1;
    }
}

static opro__piece without_last(opro__piece text, char c) {
    while (text.len && text.s[text.len - 1] == c)
        text.len--;
    return text;
}

/*
 * If exactly one letter in brackets is there, the first brackets of one line, whatever is in them.
 */
static opro__piece bracketed(opro__piece text) {
    const char *open, *end = text.s + text.len;
    uint32_t letters = 0;
    opro__piece rest = text;

    for (size_t i = 0; i + 2 < text.len; i++)
        if (text.s[i] == '(' && text.s[i + 2] == ')' && text.s[i + 1] >= 'a' &&
            text.s[i + 1] <= 'z')
            letters |= (uint32_t)1 << (text.s[i + 1] - 'a');
    if (letters == 0 || (letters & (letters - 1)) != 0) return text;
    while ((open = opro__piece_find(rest, P("("))) != NULL) {
        const char *p = open + 1;

        while (p < end && *p != ')' && *p != '\n')
            p++;
        if (p < end && *p == ')') return (opro__piece){open, (size_t)(p + 1 - open)};
        if (p == end) break;
        rest = opro__piece_from(text, p);
    }
    return text;
}

/* All that is done before the kinds of answers differ. */
static void find_answer(opro__reference *ref, opro__piece raw, reply *r) {
    int first;

    opro__letters_lower(&ref->low, raw, r->seen);
    r->text = opro__piece_strip((opro__piece){opro__buf_text(&ref->low), ref->low.len});
    first = has_primary(r, raw);
    cut_next_question(r);
    if (has_colon(r)) cut_before(r, answer_labels, N_OF(answer_labels));
    cut_before(r, &answer_hash, 1);
    if (first)
        cut_before(r, primary, N_OF(primary));
    else
        cut_before(r, secondary, N_OF(secondary));
    cut_behind(r);
    r->text = opro__piece_strip(r->text);
    r->text = opro__piece_until(r->text, find(r, P("this is the solution:")));
    r->text = without_last(without_last(r->text, '.'), '\'');
    if (may_hold(r, P("()"))) r->text = bracketed(r->text);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* In the order in which they are replaced, wherever they occur: "seventeen" becomes "7teen". */
static const struct {
    opro__piece word;
    const char *digits;
} number_words[] = {
    {I("zero"), "0"},     {I("one"), "1"},        {I("two"), "2"},       {I("three"), "3"},
    {I("four"), "4"},     {I("five"), "5"},       {I("six"), "6"},       {I("seven"), "7"},
    {I("eight"), "8"},    {I("nine"), "9"},       {I("ten"), "10"},      {I("eleven"), "11"},
    {I("twelve"), "12"},  {I("thirteen"), "13"},  {I("fourteen"), "14"}, {I("fifteen"), "15"},
    {I("sixteen"), "16"}, {I("seventeen"), "17"}, {I("eighteen"), "18"}, {I("nineteen"), "19"},
    {I("twenty"), "20"},  {I("thirty"), "30"},    {I("forty"), "40"},    {I("fifty"), "50"},
    {I("sixty"), "60"},   {I("seventy"), "70"},   {I("eighty"), "80"},   {I("ninety"), "90"},
};

/* In place: digits are shorter than words. Returns the new length. */
static size_t replace(char *s, size_t len, opro__piece word, const char *digits) {
    const opro__piece text = {s, len};
    const char *from = s, *at = opro__piece_find(text, word);
    size_t out = at ? (size_t)(at - s) : len, n = strlen(digits);

    while (at) {
        const char *next = opro__piece_find(opro__piece_from(text, at + word.len), word);

        from = at + word.len;
        memcpy(s + out, digits, n);
        out += n;
        n = (size_t)((next ? next : s + len) - from);
        memmove(s + out, from, n);
        out += n;
        n = strlen(digits);
        at = next;
    }
    return out;
}

static opro__piece digits_for_words(const reply *r, char *s, size_t len) {
    for (size_t i = 0; i < N_OF(number_words); i++) {
        const opro__piece word = number_words[i].word;

        if (word.len <= len && may_hold(r, word))
            len = replace(s, len, word, number_words[i].digits);
    }
    return (opro__piece){s, len};
}

static int all_letters(opro__piece text) {
    size_t bytes;

    if (text.len == 0) return 0;
    for (size_t i = 0; i < text.len; i += bytes)
        if (!opro__letter_is_alpha(opro__letter_at(text.s + i, text.len - i, &bytes))) return 0;
    return 1;
}

/* The part between single blanks that begins, or ends, at the given place. */
static opro__piece token_from(char *s, size_t len, size_t at) {
    size_t end = at;

    while (end < len && s[end] != ' ')
        end++;
    return (opro__piece){s + at, end - at};
}

static opro__piece token_until(char *s, size_t end) {
    size_t at = end;

    while (at > 0 && s[at - 1] != ' ')
        at--;
    return (opro__piece){s + at, end - at};
}

/*
 * The first token that is not all letters, number words as digits; from the left, or from the
 * right. If there is none: the first one.
 */
static opro__piece pick_token(const reply *r, char *s, size_t len, int from_left) {
    size_t at = from_left ? 0 : len;
    opro__piece first = {NULL, 0};

    for (;;) {
        opro__piece token = from_left ? token_from(s, len, at) : token_until(s, at);
        size_t begin = (size_t)(token.s - s), end = begin + token.len;

        token = digits_for_words(r, s + begin, token.len);
        if (!first.s) first = token;
        if (!all_letters(token)) return token;
        if (from_left ? end == len : begin == 0) return first;
        at = from_left ? end + 1 : begin - 1;
    }
}

static opro__piece without_unit(opro__piece token) {
    size_t bytes;

    while (token.len && opro__letter_is_alpha(opro__letter_before(token.s, token.len, &bytes)))
        token.len -= bytes;
    if (token.len && token.s[token.len - 1] == '-') token.len--;
    return token;
}

/* The last run of digits of the first line that has any; else the token itself. */
static opro__piece last_digits(opro__piece token) {
    opro__piece run = {NULL, 0};
    size_t bytes;
    int inside = 0;

    for (size_t i = 0; i < token.len; i += bytes) {
        uint32_t c = opro__letter_at(token.s + i, token.len - i, &bytes);
        int digit = opro__letter_digit(c) >= 0;

        if (c == '\n' && run.s) break;
        if (digit && !inside) run = (opro__piece){token.s + i, 0};
        if (digit) run.len += bytes;
        inside = digit;
    }
    return run.s ? run : token;
}

static void add_fixed(opro__buf *out, double value, int decimals) {
    char text[OPRO__NUM_SIZE];
    size_t len =
        isfinite(value) ? opro__num_fixed(value, decimals, text) : opro__num_format(value, text);

    if (signbit(value) && text[0] != '-' && !isnan(value)) opro__buf_addc(out, '-');
    opro__buf_add(out, text, len);
}

/* Without $ , % and the signs of euro and pound. */
static void add_without_signs(opro__buf *out, opro__piece text) {
    size_t begin = 0;

    for (size_t i = 0; i < text.len;) {
        const opro__piece rest = {text.s + i, text.len - i};
        const char c = text.s[i];
        size_t n = c == '$' || c == ',' || c == '%';

        if (rest.len > 2 && memcmp(rest.s, "€", 3) == 0) n = 3;
        if (rest.len > 1 && memcmp(rest.s, "£", 2) == 0) n = 2;
        if (n) {
            opro__buf_add(out, text.s + begin, i - begin);
            begin = i + n;
        }
        i += n ? n : 1;
    }
    opro__buf_add(out, text.s + begin, text.len - begin);
}

/* The number in what find_answer() left: a piece of it, or of out. */
static opro__piece read_number(opro__reference *ref, const reply *r, int decimals) {
    opro__piece text = r->text, token;
    const char *at = find_last(r, P("="));
    double value;

    if (at) text = opro__piece_from(text, at + 1);
    add_without_signs(&ref->number, text);
    if (ref->number.len == 0) return (opro__piece){"", 0};
    text = (opro__piece){ref->number.data, ref->number.len};
    text = opro__piece_strip(opro__piece_until(text, opro__piece_find(text, P(":"))));
    if (text.len == 0) return text;
    token = pick_token(r, ref->number.data + (text.s - ref->number.data), text.len, r->indicated);
    token = without_unit(token);
    if (!opro__piece_float(token, &value)) return last_digits(token);
    add_fixed(&ref->out, value, decimals);
    return (opro__piece){opro__buf_text(&ref->out), ref->out.len};
}

/* ---- yes and no ------------------------------------------------------------------------------ */

static int is_symbol(opro__piece text) {
    static const opro__piece symbols[] = {I("false"), I("true"),    I("no"),
                                          I("yes"),   I("invalid"), I("valid")};

    for (size_t i = 0; i < N_OF(symbols); i++)
        if (opro__piece_same(text, symbols[i])) return 1;
    return 0;
}

void opro__reference_bare(opro__buf *out, opro__piece text) {
    size_t begin = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.s[i];

        if (c <= ' ' || c >= 127 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
            continue;
        opro__buf_add(out, text.s + begin, i - begin);
        begin = i + 1;
    }
    opro__buf_add(out, text.s + begin, text.len - begin);
}

static opro__piece first_sentence(opro__piece text) {
    return opro__piece_until(text, opro__piece_find(text, P(".")));
}

static opro__piece read_bool(opro__reference *ref, const reply *r, int decimals) {
    opro__piece words = first_sentence(r->text), number, answer = r->text;

    if (is_symbol(words)) return words;
    number = read_number(ref, r, decimals);
    if (opro__piece_same(number, P("0"))) answer = P("false");
    if (opro__piece_same(number, P("1"))) answer = P("true");
    if (opro__piece_same(words, P("0"))) answer = P("false");
    if (opro__piece_same(words, P("1"))) answer = P("true");
    opro__buf_clear(&ref->out);
    opro__reference_bare(&ref->out, answer);
    return opro__piece_strip((opro__piece){opro__buf_text(&ref->out), ref->out.len});
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The first "\boxed{...}" of one line, if "\boxed" is there at all: 1, 0, or -1: it has no end. */
static int read_boxed(opro__piece raw, opro__piece *inside) {
    static const opro__piece begin = I("\\boxed{");
    opro__piece rest = raw;
    const char *at, *end = raw.s + raw.len;

    if (!opro__piece_find(raw, P("\\boxed"))) return 0;
    while ((at = opro__piece_find(rest, begin)) != NULL) {
        const char *p = at += begin.len;

        while (p < end && *p != '}' && *p != '\n')
            p++;
        if (p < end && *p == '}') {
            *inside = (opro__piece){at, (size_t)(p - at)};
            return 1;
        }
        if (p == end) break;
        rest = opro__piece_from(raw, p);
    }
    return -1;
}

opro_status opro__reference_normalize(opro__reference *ref, opro__piece raw,
                                      const opro__reference_mode *mode, opro__piece *normalized,
                                      opro_error *err) {
    reply r = {.indicated = 0};
    int boxed = mode->boxed ? read_boxed(raw, normalized) : 0;
    opro_status st;

    if (boxed > 0) return OPRO_OK;
    if (boxed < 0)
        return opro__fail(err, OPRO_ERR_FAILED,
                          "no verdict: the reply has \"\\boxed\" without \"{...}\" on one line, "
                          "where the published program crashes");
    opro__buf_clear(&ref->low);
    opro__buf_clear(&ref->number);
    opro__buf_clear(&ref->out);
    find_answer(ref, raw, &r);
    if (mode->boolean)
        *normalized = read_bool(ref, &r, mode->decimals);
    else if (mode->number)
        *normalized = read_number(ref, &r, mode->decimals);
    else
        *normalized = first_sentence(r.text);
    st = ref->low.status;
    if (st == OPRO_OK) st = ref->number.status;
    if (st == OPRO_OK) st = ref->out.status;
    if (st == OPRO_OK) return OPRO_OK;
    return opro__fail(err, st, st == OPRO_ERR_NOMEM ? "out of memory" : "the reply is too long");
}

opro__piece opro__reference_clean(opro__piece text) {
    while (text.len && text.s[0] == ':')
        text = opro__piece_from(text, text.s + 1);
    text = opro__piece_strip(without_last(text, ':'));
    text = opro__piece_until(text, opro__piece_find(text, P("\n")));
    return opro__piece_until(text, opro__piece_find(text, P("Q:")));
}
