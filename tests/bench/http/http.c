/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE

#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHOICES_MAX 128

/* ---- requests -------------------------------------------------------------------------------- */

/* The value of a header in a head that ends with an empty line; NULL without it. */
static const char *header(const char *head, size_t len, const char *name) {
    size_t name_len = strlen(name);
    const char *end = head + len, *line = head;

    while ((line = memchr(line, '\n', (size_t)(end - line))) && ++line + name_len < end)
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':')
            return line + name_len + 1 + strspn(line + name_len + 1, " ");
    return NULL;
}

static size_t number_after(const char *text, size_t len, const char *word, size_t otherwise) {
    const char *at = memmem(text, len, word, strlen(word));

    return at ? strtoul(at + strlen(word), NULL, 10) : otherwise;
}

static void parse_get(http_request *r, const char *bytes) {
    size_t line = (size_t)((const char *)memchr(bytes, '\n', r->head) - bytes);

    if (strncmp(bytes, "GET /_stats", 11) == 0) r->kind = HTTP_STATS;
    if (strncmp(bytes, "GET /_delays", 12) == 0) r->kind = HTTP_DELAYS;
    r->slots = number_after(bytes, line, "slots=", 0);
    r->follow = number_after(bytes, line, "follow=", 0);
    r->skip = number_after(bytes, line, "skip=", 0);
}

static void parse_post(http_request *r, const char *bytes) {
    const char *line_end = memchr(bytes, '\n', r->head), *body = bytes + r->head;
    size_t body_len = r->len - r->head;

    if (!memmem(bytes, (size_t)(line_end - bytes), "/chat/completions", 17)) return;
    r->kind = HTTP_COMPLETION;
    r->proposal = memmem(body, body_len, HTTP_PROPOSAL, strlen(HTTP_PROPOSAL)) != NULL;
    r->choices = number_after(body, body_len, "\"n\":", 1);
    if (r->choices < 1) r->choices = 1;
    if (r->choices > CHOICES_MAX) r->choices = CHOICES_MAX;
}

int http_parse(http_request *r, const char *bytes, size_t len) {
    const char *value, *end = memmem(bytes, len, "\r\n\r\n", 4);

    memset(r, 0, sizeof *r);
    r->kind = HTTP_UNKNOWN;
    if (!end) return len > 65536 ? -1 : 0;
    r->head = (size_t)(end - bytes) + 4;
    if (header(bytes, r->head, "Transfer-Encoding")) return -1;
    value = header(bytes, r->head, "Content-Length");
    r->len = r->head + (value ? strtoul(value, NULL, 10) : 0);
    r->expect = header(bytes, r->head, "Expect") != NULL;
    if (len < r->len) return 0;
    if (strncmp(bytes, "GET ", 4) == 0) parse_get(r, bytes);
    if (strncmp(bytes, "POST ", 5) == 0) parse_post(r, bytes);
    return 1;
}

/* ---- replies --------------------------------------------------------------------------------- */

/* Replies are made once for each number of choices; then only the serial numbers change. */
typedef struct pattern {
    char *text;
    size_t len;
    char *serial[CHOICES_MAX]; /* in text: eight digits each */
} pattern;

static pattern patterns[CHOICES_MAX + 1];
static unsigned long serial;

static const char before[] = "{\"id\":\"chatcmpl-bench0000000000000000001\","
                             "\"object\":\"chat.completion\",\"created\":1760000000,"
                             "\"model\":\"bench-model-2026-01-01\",\"choices\":[";
static const char choice[] =
    "{\"index\":%zu,\"message\":{\"role\":\"assistant\",\"content\":\""
    "<INS>Work through case ######## in small steps, and check it."
    "</INS>\\n\\nEvery step was looked at twice, and the "
    "result of the last one was put in again. So the answer is 42.\",\"refusal\":null,"
    "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}";
static const char after[] = "],\"usage\":{\"prompt_tokens\":512,\"completion_tokens\":32,"
                            "\"total_tokens\":544,\"prompt_tokens_details\":{\"cached_tokens\":0,"
                            "\"audio_tokens\":0},\"completion_tokens_details\":{"
                            "\"reasoning_tokens\":0,\"audio_tokens\":0}},"
                            "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0000\"}";

char *http_reply(const char *status, const char *body, size_t *len) {
    char *text = NULL;
    int n = asprintf(&text,
                     "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
                     "%s",
                     status, strlen(body), body);

    if (n < 0) abort();
    *len = (size_t)n;
    return text;
}

static void make_pattern(pattern *p, size_t choices) {
    char *body = NULL;
    size_t len;
    FILE *to = open_memstream(&body, &len);

    if (!to) abort();
    fputs(before, to);
    for (size_t i = 0; i < choices; i++) {
        if (i > 0) fputc(',', to);
        fprintf(to, choice, i);
    }
    fputs(after, to);
    fclose(to);
    p->text = http_reply("200 OK", body, &p->len);
    free(body);
    p->serial[0] = strstr(p->text, "########");
    for (size_t i = 1; i < choices; i++)
        p->serial[i] = strstr(p->serial[i - 1] + 8, "########");
}

const char *http_completion(size_t choices, size_t *len) {
    pattern *p = &patterns[choices];

    if (!p->text) make_pattern(p, choices);
    for (size_t i = 0; i < choices; i++) {
        unsigned long rest = ++serial;

        for (int digit = 7; digit >= 0; digit--, rest /= 10)
            p->serial[i][digit] = (char)('0' + rest % 10);
    }
    *len = p->len;
    return p->text;
}

void http_free(void) {
    for (size_t i = 0; i <= CHOICES_MAX; i++)
        free(patterns[i].text);
}
