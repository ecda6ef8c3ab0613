/* SPDX-License-Identifier: MIT */
/* Vectors of datasets: the published split. */
#include <stddef.h>
#include <stdint.h>

#include "opro/dataset.h"
#include "opro/problem.h"
#include "vectors.h"

/* The training examples among n, of which only the number matters. */
json_t *vector_train_split(const json_t *in) {
    int n = (int)json_number_value(json_object_get(in, "n"));
    double ratio = json_number_value(json_object_get(in, "ratio"));
    opro_dataset *dataset = NULL;
    const int64_t *indices;
    json_t *out = NULL;
    size_t count;

    if (json_number_value(json_object_get(in, "seed")) != 0) return NULL;
    if (opro_dataset_new(&dataset, NULL) != OPRO_OK) return NULL;
    for (int i = 0; i < n; i++)
        if (opro_dataset_add(dataset, "q", 1, "a", 1, NULL, 0) != OPRO_OK) goto out;
    if (opro_dataset_split_published(dataset, ratio, 0) != OPRO_OK) goto out;
    indices = opro_dataset_split_of(dataset, OPRO_TRAIN, &count);
    out = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, json_real((double)indices[i]));
out:
    opro_dataset_free(dataset);
    return out;
}
