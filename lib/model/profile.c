/* SPDX-License-Identifier: MIT */
/* What is known of endpoints, and what they have taught, by base URL, dialect and model. */
#include <string.h>

#include "base/hash.h"
#include "model.h"

static uint64_t key_of(const opro_model *model) {
    uint64_t key = opro__hash_add(0, (uint64_t)model->dialect->id);

    key = opro__hash_add_text(key, model->url.text, strlen(model->url.text));
    return opro__hash_add_text(key, model->name, model->name_len);
}

opro__profile *opro__profile_find(opro_model *model) {
    uint64_t key = key_of(model);
    void *profiles = model->profiles;
    int32_t sampling = (int32_t)OPRO__INT(&model->options, MODEL_SAMPLES);

    for (size_t i = 0; i < model->n_profiles; i++)
        if (model->profiles[i].key == key) return &model->profiles[i];
    if (!opro__reserve(&model->mem, &profiles, &model->cap_profiles, model->n_profiles + 1,
                       sizeof *model->profiles))
        return NULL;
    model->profiles = profiles;
    if (sampling == OPRO_SAMPLING_AUTO)
        sampling = opro__known_sampling(model->dialect, &model->url);
    if (!(model->dialect->can & OPRO__CAN_SAMPLES)) sampling = OPRO_SAMPLING_SINGLY;
    model->profiles[model->n_profiles] =
        (opro__profile){.key = key,
                        .prefix = opro__known_prefix(model->dialect, &model->url),
                        .seed_name = opro__known_seed(model->dialect, &model->url),
                        .sampling = sampling,
                        .bytes_per_token = 4};
    return &model->profiles[model->n_profiles++];
}

int opro__profile_adapt(opro__profile *profile, int adapt) {
    unsigned before = profile->dropped;

    switch (adapt) {
    case OPRO__ADAPT_MAX_TOKENS:
        if (profile->completion_tokens) return 0;
        profile->completion_tokens = 1;
        profile->version++;
        return 1;
    case OPRO__ADAPT_SAMPLES:
        if (profile->sampling == OPRO_SAMPLING_SINGLY) return 0;
        profile->sampling = OPRO_SAMPLING_SINGLY;
        return 1;
    case OPRO__ADAPT_TEMPERATURE: profile->dropped |= OPRO__DROP_TEMPERATURE; break;
    case OPRO__ADAPT_SEED: profile->dropped |= OPRO__DROP_SEED; break;
    case OPRO__ADAPT_STOP: profile->dropped |= OPRO__DROP_STOP; break;
    case OPRO__ADAPT_SYSTEM: profile->dropped |= OPRO__DROP_SYSTEM; break;
    default: break;
    }
    if (profile->dropped == before) return 0;
    profile->version++;
    return 1;
}
