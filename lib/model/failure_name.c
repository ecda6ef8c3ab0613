/* SPDX-License-Identifier: MIT */
/* Names of classes of failures; in every build. */
#include "opro/model.h"

const char *opro_failure_name(int32_t failure) {
    switch (failure) {
    case OPRO_FAILURE_NONE: return "none";
    case OPRO_FAILURE_NET: return "net";
    case OPRO_FAILURE_TIMEOUT: return "timeout";
    case OPRO_FAILURE_TLS: return "tls";
    case OPRO_FAILURE_PROXY: return "proxy";
    case OPRO_FAILURE_PROTOCOL: return "protocol";
    case OPRO_FAILURE_LIMIT: return "limit";
    case OPRO_FAILURE_ANSWER: return "answer";
    case OPRO_FAILURE_REDIRECT: return "redirect";
    case OPRO_FAILURE_REFUSED: return "refused";
    case OPRO_FAILURE_AUTH: return "auth";
    case OPRO_FAILURE_QUOTA: return "quota";
    case OPRO_FAILURE_NOT_FOUND: return "not_found";
    case OPRO_FAILURE_CONTEXT: return "context";
    case OPRO_FAILURE_FILTER: return "filter";
    case OPRO_FAILURE_RATE: return "rate";
    case OPRO_FAILURE_UNAVAILABLE: return "unavailable";
    case OPRO_FAILURE_PREFIX: return "prefix";
    case OPRO_FAILURE_DEADLINE: return "deadline";
    case OPRO_FAILURE_NOT_RECORDED: return "not_recorded";
    case OPRO_FAILURE_MEMORY: return "memory";
    case OPRO_FAILURE_FILE: return "file";
    default: return "";
    }
}
