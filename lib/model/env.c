/* SPDX-License-Identifier: MIT */
#include "env.h"

#include <stdlib.h>
#include <string.h>

#include "opro/model.h"
#include "text.h"

static opro__env_value read_one(const char *name) {
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): the header says when */

    return value && *value ? (opro__env_value){name, value} : (opro__env_value){NULL, NULL};
}

/* The first that is set. */
static opro__env_value read_first(const char *const *names) {
    opro__env_value found = {NULL, NULL};

    for (; names && *names && !found.name; names++)
        found = read_one(*names);
    return found;
}

/* ---- the base URL ---------------------------------------------------------------------------- */

opro__env_value opro__env_url(const opro__dialect *dialect) {
    return read_first(dialect->env_url);
}

/* ".../v1", ".../v1beta" */
static int ends_with_version(const char *s, size_t len) {
    size_t at = len;

    while (at && s[at - 1] != '/')
        at--;
    return at && len - at >= 2 && s[at] == 'v' && s[at + 1] >= '0' && s[at + 1] <= '9';
}

void opro__env_write_url(opro__buf *out, const opro__dialect *dialect, const char *value) {
    size_t len = strlen(value);
    int deployment = opro__find_letters(value, len, "/deployments/") != NULL;
    opro__env_value version = read_one("OPENAI_API_VERSION");

    while (len && value[len - 1] == '/')
        len--;
    opro__buf_add(out, value, len);
    if (memchr(value, '?', len)) return; /* whoever wrote that knows what it is to be */
    if (!deployment && !ends_with_version(value, len)) opro__buf_addz(out, dialect->env_path);
    if (deployment && dialect->id == OPRO_DIALECT_AZURE && version.name) {
        opro__buf_addz(out, "?api-version=");
        opro__buf_addz(out, version.value);
    }
}

/* ---- keys and their kin ---------------------------------------------------------------------- */

opro__env_value opro__env_key(const opro__dialect *dialect, const opro__url *url, int paired) {
    const char *own = opro__known_key_name(url);
    opro__env_value found = {NULL, NULL};

    if (own) found = read_one(own);
    /* another provider's key is none of its business */
    if (own && !paired && dialect->id == OPRO_DIALECT_OPENAI) return found;
    return found.name ? found : read_first(dialect->env_key);
}

static opro__env_value for_openai(const opro__url *url, const char *name) {
    if (strcmp(url->host, "api.openai.com") != 0) return (opro__env_value){NULL, NULL};
    return read_one(name);
}

opro__env_value opro__env_organization(const opro__url *url) {
    return for_openai(url, "OPENAI_ORG_ID");
}

opro__env_value opro__env_project(const opro__url *url) {
    return for_openai(url, "OPENAI_PROJECT_ID");
}

/* ---- the proxy ------------------------------------------------------------------------------- */

/* "example.org", which stands for all below it too, ".example.org", "10.0.0.1:8080", "*" */
static int is_exempt(const char *entry, size_t len, const char *host) {
    const char *colon = memchr(entry, ':', len);
    size_t host_len = strlen(host);

    if (len == 1 && *entry == '*') return 1;
    if (colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - entry)))
        len = (size_t)(colon - entry); /* a port; an IPv6 address has more colons */
    if (len && *entry == '.') entry++, len--;
    if (len >= 2 && *entry == '[' && entry[len - 1] == ']') entry++, len -= 2;
    if (!len || len > host_len || !opro__same_letters(host + host_len - len, entry, len)) return 0;
    return len == host_len || host[host_len - len - 1] == '.';
}

static int names_host(const char *list, const char *host) {
    while (*list) {
        size_t len = strcspn(list, ", \t");

        if (is_exempt(list, len, host)) return 1;
        list += len;
        list += strspn(list, ", \t");
    }
    return 0;
}

opro__env_value opro__env_proxy(const opro__url *url) {
    /* Not HTTP_PROXY: a web server sets that from a header of its client's. */
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        NULL};
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const no[] = {"no_proxy", "NO_PROXY", NULL};
    opro__env_value exempt = read_first(no);

    if (url->local || (exempt.name && names_host(exempt.value, url->host)))
        return (opro__env_value){NULL, NULL};
    return read_first(url->tls ? https : http);
}
