/* SPDX-License-Identifier: MIT */
/*
 * A host outside the tree that needs the model client, and with it what the library needs itself.
 */
#include <opro/opro.h>
#include <stdio.h>

int main(void) {
    opro_model *model = NULL;
    opro_status st = opro_model_new(&model, NULL, NULL);

    if (st == OPRO_OK) st = opro_model_set_base_url(model, "http://127.0.0.1:9/v1", OPRO_ZT);
    printf("a client: %s\n", opro_status_name(st));
    opro_model_free(model);
    return st != OPRO_OK && st != OPRO_ERR_UNSUPPORTED; /* by a library built without it */
}
