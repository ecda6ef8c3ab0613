/* SPDX-License-Identifier: MIT */
/* The address of an endpoint: checked once, and whose key may go there. */
#ifndef OPRO_MODEL_URL_H
#define OPRO_MODEL_URL_H

#include "base/err.h"
#include "base/mem.h"

typedef struct opro__url {
    char *text;   /* scheme to path, without a slash at the end      */
    char *query;  /* without '?'; NULL if there is none              */
    char *origin; /* "https://host:port", lower case, port always    */
    char *host;   /* lower case, as in the URL, without brackets     */
    int tls;
    int local;   /* this machine: 127/8, ::1, localhost             */
    int literal; /* the host is an address: there is nothing to look up (localhost counts) */
} opro__url;

/*
 * Check and take apart. OPRO_ERR_INVALID with a message (in err) that says what is wrong: scheme,
 * plain http to another machine without allow_http, user, query (Azure's api-version is allowed:
 * allow_query), fragment, control characters, not UTF-8. OPRO_ERR_NOMEM. *out untouched then.
 */
opro_status opro__url_parse(opro__url *out, opro__mem *mem, opro_error *err, const char *s,
                            size_t len, int allow_http, int allow_query);
void opro__url_free(opro__url *url, opro__mem *mem);

/* 1 if both are of one scheme, host and port: a key for one may go to the other. */
int opro__url_same_origin(const opro__url *a, const opro__url *b);

#endif
