/* SPDX-License-Identifier: MIT */
#include "hint.h"

#include <curl/curl.h>
#include <math.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "json.h"
#include "text.h"

/* More than three hundred years are a slip of somebody's, and no wish. */
#define LONGEST_MS 1e13

static int64_t milliseconds(double ms) {
    return ms >= 0 && ms <= LONGEST_MS ? (int64_t)ceil(ms - 1e-7) : -1; /* 1.1 s is 1100 ms */
}

static void trim(const char **s, size_t *len) {
    while (*len && (**s == ' ' || **s == '\t'))
        ++*s, --*len;
    while (*len && ((*s)[*len - 1] == ' ' || (*s)[*len - 1] == '\t'))
        --*len;
}

/* The whole of s as a number that is not negative; -1. */
static double number(const char *s, size_t len) {
    double value;

    trim(&s, &len);
    if (!len || !opro__is_digit(s[len - 1]) || (!opro__is_digit(*s) && *s != '.' && *s != '+'))
        return -1;
    return opro__num_parse(s, len, &value) == len ? value : -1;
}

/* ---- durations ------------------------------------------------------------------------------- */

typedef struct unit {
    const char *name;
    double ms;
} unit;

/* As programs write them; longer names first. */
static const unit short_units[] = {{"ms", 1},           {"us", 1e-3}, {"\xC2\xB5s", 1e-3},
                                   {"\xCE\xBCs", 1e-3}, {"ns", 1e-6}, {"s", 1e3},
                                   {"m", 6e4},          {"h", 36e5},  {"d", 864e5}};
/* As people do. */
static const unit long_units[] = {
    {"milliseconds", 1}, {"millisecond", 1}, {"seconds", 1e3}, {"second", 1e3}, {"secs", 1e3},
    {"sec", 1e3},        {"minutes", 6e4},   {"minute", 6e4},  {"mins", 6e4},   {"min", 6e4},
    {"hours", 36e5},     {"hour", 36e5},     {"days", 864e5},  {"day", 864e5}};

/* Bytes of the unit at s, 0 if there is none. What follows it may not be a letter. */
static size_t find_unit(const unit *units, size_t n, const char *s, size_t len, double *ms) {
    for (size_t i = 0; i < n; i++) {
        size_t name_len = strlen(units[i].name);

        if (name_len > len || !opro__same_letters(s, units[i].name, name_len)) continue;
        if (name_len < len && opro__is_letter(s[name_len])) continue;
        *ms = units[i].ms;
        return name_len;
    }
    return 0;
}

/* One number with its unit at the start of s; words: it may be a word, and after a blank. */
static size_t part(const char *s, size_t len, int words, double *ms) {
    double value, factor = 0;
    size_t at = 0, n;

    if (!len || (!opro__is_digit(*s) && *s != '.')) return 0;
    while (at < len && (opro__is_digit(s[at]) || s[at] == '.'))
        at++;
    while (at && s[at - 1] == '.') /* "20." at the end of a sentence has no unit anyway */
        at--;
    if (opro__num_parse(s, at, &value) != at || !at) return 0;
    if (words && at < len && s[at] == ' ') at++;
    n = find_unit(short_units, sizeof short_units / sizeof *short_units, s + at, len - at, &factor);
    if (!n && words)
        n = find_unit(long_units, sizeof long_units / sizeof *long_units, s + at, len - at,
                      &factor);
    *ms = value * factor;
    return n ? at + n : 0;
}

int64_t opro__hint_duration(const char *s, size_t len) {
    double sum = 0, ms;

    trim(&s, &len);
    if (!len) return -1;
    while (len) {
        size_t n = part(s, len, 0, &ms);

        if (!n) return -1;
        sum += ms;
        s += n;
        len -= n;
    }
    return milliseconds(sum);
}

/* "20s.", "6m0s and", "2 minutes and 5 seconds" at the start of s. */
static int64_t spoken(const char *s, size_t len) {
    static const char *const between[] = {" and ", ", and ", ", ", " ", ""};
    double sum = 0, ms;
    size_t n = part(s, len, 1, &ms);

    if (!n) return -1;
    while (n) {
        sum += ms;
        s += n;
        len -= n;
        n = 0;
        for (size_t i = 0; !n && i < sizeof between / sizeof *between; i++) {
            size_t gap = strlen(between[i]);

            if (gap > len || memcmp(s, between[i], gap) != 0) continue;
            n = part(s + gap, len - gap, 1, &ms);
            if (n) n += gap;
        }
    }
    return milliseconds(sum);
}

int64_t opro__hint_words(const char *s, size_t len) {
    static const char *const before[] = {
        "try again in ", "try again after ",          "retry in ",
        "retry after ",  "retry your request after ", "please wait ",
        "wait for "};
    int64_t found = -1;

    for (size_t i = 0; i < sizeof before / sizeof *before && found < 0; i++) {
        const char *at = opro__find_letters(s, len, before[i]);

        if (!at) continue;
        at += strlen(before[i]);
        found = spoken(at, (size_t)(s + len - at));
    }
    return found;
}

/* ---- points in time -------------------------------------------------------------------------- */

/* n digits at s as a number, -1 if they are not digits. */
static int digits(const char *s, int n) {
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (!opro__is_digit(s[i])) return -1;
        value = 10 * value + (s[i] - '0');
    }
    return value;
}

/* Days from 1970-01-01 (Hinnant's days_from_civil). */
static int64_t days(int64_t year, int month, int day) {
    int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Seconds to add for "Z" or "+02:00", which is all of s; 0 and *ok 0 if it is neither. */
static int64_t offset(const char *s, size_t len, int *ok) {
    int hours, minutes;

    *ok = len == 1 && (*s | 0x20) == 'z';
    if (*ok || len != 6 || (*s != '+' && *s != '-') || s[3] != ':') return 0;
    hours = digits(s + 1, 2);
    minutes = digits(s + 4, 2);
    *ok = hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
    return *ok ? (*s == '+' ? -1 : 1) * (hours * 3600 + minutes * 60) : 0;
}

int64_t opro__hint_rfc3339(const char *s, size_t len, int64_t now_unix) {
    enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };
    static const struct {
        int at, digits, min, max;
        const char *after;
    } fields[FIELDS] = {{0, 4, 1, 9999, "-"}, {5, 2, 1, 12, "-"},  {8, 2, 1, 31, "Tt "},
                        {11, 2, 0, 23, ":"},  {14, 2, 0, 59, ":"}, {17, 2, 0, 60, NULL}};
    int v[FIELDS], ok;
    double fraction = 0;
    int64_t seconds, zone;
    size_t at = 19;

    trim(&s, &len);
    if (len < at + 1) return -1;
    for (int i = 0; i < FIELDS; i++) {
        v[i] = digits(s + fields[i].at, fields[i].digits);
        if (v[i] < fields[i].min || v[i] > fields[i].max) return -1;
        if (fields[i].after && !strchr(fields[i].after, s[fields[i].at + fields[i].digits]))
            return -1;
    }
    if (s[at] == '.') {
        double scale = 0.1;

        for (at++; at < len && opro__is_digit(s[at]); at++, scale /= 10)
            fraction += (s[at] - '0') * scale;
    }
    zone = offset(s + at, len - at, &ok);
    if (!ok) return -1;
    seconds = days(v[YEAR], v[MONTH], v[DAY]) * 86400 + v[HOUR] * 3600 + v[MINUTE] * 60 +
              v[SECOND] + zone;
    return milliseconds(fmax(0, ((double)seconds - (double)now_unix + fraction) * 1000));
}

/* An HTTP date; -1: it is none. curl_getdate() takes no plain numbers, but things like "Mon". */
static int64_t http_date(const char *s) {
    return *s ? (int64_t)curl_getdate(s, NULL) : -1;
}

static int64_t server_now(const char *date, int64_t now_unix) {
    int64_t now = http_date(date);

    return now > 0 ? now : now_unix;
}

int64_t opro__hint_retry_after(const char *value, const char *date, int64_t now_unix) {
    size_t len = strlen(value);
    double seconds = number(value, len);
    int64_t ms, at;

    if (seconds >= 0) return milliseconds(seconds * 1000);
    ms = opro__hint_duration(value, len);
    if (ms >= 0) return ms;
    now_unix = server_now(date, now_unix);
    ms = opro__hint_rfc3339(value, len, now_unix);
    if (ms >= 0) return ms;
    at = http_date(value);
    return at > 0 ? milliseconds(fmax(0, ((double)at - (double)now_unix) * 1000)) : -1;
}

/* ---- where an answer may have it ------------------------------------------------------------- */

/* Gemini's RetryInfo; Hugging Face's estimated_time, in seconds. */
static int64_t in_error(const json_t *error) {
    const json_t *details = json_object_get(error, "details");
    const json_t *seconds = json_object_get(error, "estimated_time");
    int64_t ms = -1;

    for (size_t i = 0; i < json_array_size(details) && ms <= 0; i++) {
        size_t len = 0;
        const char *delay = opro__json_text(json_array_get(details, i), "retryDelay", &len);

        if (delay) ms = opro__hint_duration(delay, len);
    }
    if (ms <= 0) ms = milliseconds(json_number_value(seconds) * 1000); /* 0 if it is none */
    return ms;
}

/* A reset as a duration, a point in time, seconds, or seconds or milliseconds since 1970. */
static int64_t reset(const char *value, int64_t now_unix) {
    size_t len = strlen(value);
    double x = number(value, len);
    int64_t ms;

    if (x > 1e11) return milliseconds(fmax(0, x - (double)now_unix * 1000));
    if (x > 1e8) return milliseconds(fmax(0, (x - (double)now_unix) * 1000));
    if (x >= 0) return milliseconds(x * 1000);
    ms = opro__hint_duration(value, len);
    return ms >= 0 ? ms : opro__hint_rfc3339(value, len, now_unix);
}

/* Nothing remains of a limit: when there will be something. */
static int64_t in_limits(const opro__headers *headers, int64_t now_unix) {
    int64_t requests = -1, tokens = -1;

    if (number(headers->remaining_requests, strlen(headers->remaining_requests)) == 0)
        requests = reset(headers->reset_requests, now_unix);
    if (number(headers->remaining_tokens, strlen(headers->remaining_tokens)) == 0)
        tokens = reset(headers->reset_tokens, now_unix);
    return requests > tokens ? requests : tokens;
}

int64_t opro__hint(const opro__headers *headers, const json_t *error, const char *message,
                   size_t len, int64_t now_unix) {
    int64_t ms = milliseconds(number(headers->retry_after_ms, strlen(headers->retry_after_ms)));

    if (ms <= 0) ms = opro__hint_retry_after(headers->retry_after, headers->date, now_unix);
    if (ms <= 0) ms = in_error(error);
    if (ms <= 0 && message) ms = opro__hint_words(message, len);
    if (ms <= 0) ms = in_limits(headers, server_now(headers->date, now_unix));
    return ms > 0 ? ms : -1;
}
