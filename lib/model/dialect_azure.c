/* SPDX-License-Identifier: MIT */
/*
 * Azure: chat completions behind other paths, with the key in another header. The base URL is
 * https://NAME.openai.azure.com/openai/v1, or the older .../openai/deployments/MODEL with
 * ?api-version=2024-10-21, where the model is in the path and its name in the body is ignored.
 */
#include "dialect.h"
#include "opro/model.h"

static const char *const urls[] = {"AZURE_OPENAI_ENDPOINT", NULL};
static const char *const keys[] = {"AZURE_OPENAI_API_KEY", NULL};

const opro__dialect opro__dialect_azure = {
    .id = OPRO_DIALECT_AZURE,
    .name = "azure",
    .can = OPRO__CAN_SAMPLES | OPRO__CAN_SEED | OPRO__CAN_STOP | OPRO__CAN_PREFIX,
    .most_samples = 128,
    .key_header = "api-key",
    .key_prefix = "",
    .request_id = "x-request-id",
    .default_url = NULL,
    .env_url = urls,
    .env_key = keys,
    .env_path = "/openai/v1",
    .members = opro__openai_members,
    .write_path = opro__openai_path,
    .write_body = opro__openai_body,
    .read = opro__openai_read,
};
