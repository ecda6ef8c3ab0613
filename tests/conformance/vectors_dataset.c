/* SPDX-License-Identifier: MIT */
/* Vectors of datasets: the published split, and the exemplars drawn from it. */
#include "core/exemplar.h"
#include "opro/opro.h"
#include "vectors.h"

/* n examples, of which only the number matters, split as in the published program. */
static opro_dataset *examples(const json_t *in) {
    const int n = (int)json_number_value(json_object_get(in, "n"));
    opro_dataset *dataset = NULL;

    if (opro_dataset_new(&dataset, NULL) != OPRO_OK) return NULL;
    for (int i = 0; i < n; i++)
        if (opro_dataset_add(dataset, "q", 1, "a", 1, NULL, 0) != OPRO_OK) goto fail;
    if (opro_dataset_split_published(dataset, json_number_value(json_object_get(in, "ratio")), 0) ==
        OPRO_OK)
        return dataset;
fail:
    opro_dataset_free(dataset);
    return NULL;
}

json_t *vector_train_split(const json_t *in) {
    opro_dataset *dataset;
    const int64_t *indices;
    json_t *out;
    size_t count;

    if (json_number_value(json_object_get(in, "seed")) != 0) return NULL;
    dataset = examples(in);
    if (!dataset) return NULL;
    out = json_array();
    indices = opro_dataset_split_of(dataset, OPRO_TRAIN, &count);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, json_real((double)indices[i]));
    opro_dataset_free(dataset);
    return out;
}

/* Option exemplar_choice random_published: the three that the meta-prompt of a step shows. */
json_t *vector_random_exemplars(const json_t *in) {
    opro_dataset *dataset = examples(in);
    opro_problem *problem = NULL;
    opro_trajectory *trajectory = NULL;
    opro_config *config = NULL;
    opro__exemplars exemplars;
    const int64_t *train;
    opro__mem mem;
    json_t *out = NULL;

    opro__mem_init(&mem, NULL);
    opro__exemplars_init(&exemplars, &mem);
    if (!dataset || opro_problem_new_dataset(&problem, dataset, NULL) != OPRO_OK ||
        opro_trajectory_new(&trajectory, OPRO_MAXIMIZE, NULL) != OPRO_OK ||
        opro_config_new(&config, NULL) != OPRO_OK ||
        opro_config_set(config, "exemplar_choice", OPRO_ZT, "random_published", OPRO_ZT) != OPRO_OK)
        goto out;
    if (opro__exemplars_choose(&exemplars, problem, &config->options, trajectory, NULL, 0,
                               (int64_t)json_number_value(json_object_get(in, "step"))) != OPRO_OK)
        goto out;
    train = opro_dataset_split_of(dataset, OPRO_TRAIN, NULL);
    out = json_array();
    for (size_t i = 0; i < exemplars.n; i++)
        json_array_append_new(out, json_real((double)train[exemplars.chosen[i]]));
out:
    opro__exemplars_free(&exemplars);
    opro_config_free(config);
    opro_trajectory_free(trajectory);
    opro_problem_free(problem);
    opro_dataset_free(dataset);
    return out;
}
