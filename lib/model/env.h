/* SPDX-License-Identifier: MIT */
/*
 * What the environment says of an endpoint, by the names that are usual. Asked for by the host
 * alone (opro_model_set_from_env()); nothing else in the library reads the environment.
 */
#ifndef OPRO_MODEL_ENV_H
#define OPRO_MODEL_ENV_H

#include "dialect.h"
#include "url.h"

/* A variable that is set, and not to "". value is the environment's own: copy it. */
typedef struct opro__env_value {
    const char *name; /* NULL: none is set */
    const char *value;
} opro__env_value;

opro__env_value opro__env_url(const opro__dialect *dialect);

/*
 * Append the base URL that such a value means: with the path of the dialect's version unless it
 * ends with a version; Azure's older form gets its api-version.
 */
void opro__env_write_url(opro__buf *out, const opro__dialect *dialect, const char *value);

/*
 * A provider that is known and speaks OpenAI's dialect gets the key of its own name. The dialect's
 * names are for all others, and for a URL that came from the environment too (paired).
 */
opro__env_value opro__env_key(const opro__dialect *dialect, const opro__url *url, int paired);

/* For OpenAI's own host alone. */
opro__env_value opro__env_organization(const opro__url *url);
opro__env_value opro__env_project(const opro__url *url);

/* Never for this machine, nor for hosts that NO_PROXY names. */
opro__env_value opro__env_proxy(const opro__url *url);

#endif
