/* SPDX-License-Identifier: MIT */
/* What the library says about itself: names of statuses, version, features. */
#include "opro/base.h"
#include "opro/version.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *opro_status_name(opro_status status) {
    switch (status) {
    case OPRO_OK: return "OPRO_OK";
    case OPRO_WAIT: return "OPRO_WAIT";
    case OPRO_DONE: return "OPRO_DONE";
    case OPRO_PENDING: return "OPRO_PENDING";
    case OPRO_ERR_INVALID: return "OPRO_ERR_INVALID";
    case OPRO_ERR_NOMEM: return "OPRO_ERR_NOMEM";
    case OPRO_ERR_UNSUPPORTED: return "OPRO_ERR_UNSUPPORTED";
    case OPRO_ERR_ABI: return "OPRO_ERR_ABI";
    case OPRO_ERR_REENTRANT: return "OPRO_ERR_REENTRANT";
    case OPRO_ERR_CALLBACK: return "OPRO_ERR_CALLBACK";
    case OPRO_ERR_STALE: return "OPRO_ERR_STALE";
    case OPRO_ERR_UNKNOWN: return "OPRO_ERR_UNKNOWN";
    case OPRO_ERR_STATE: return "OPRO_ERR_STATE";
    case OPRO_ERR_LIMIT: return "OPRO_ERR_LIMIT";
    case OPRO_ERR_PARSE: return "OPRO_ERR_PARSE";
    case OPRO_ERR_REJECTED: return "OPRO_ERR_REJECTED";
    case OPRO_ERR_FAILED: return "OPRO_ERR_FAILED";
    case OPRO_ERR_TIMEOUT: return "OPRO_ERR_TIMEOUT";
    default: break;
    }
    if (status <= OPRO_ERR_USER_FIRST && status >= OPRO_ERR_USER_LAST) return "OPRO_ERR_USER";
    return "unknown status";
}

const char *opro_version_string(void) {
    return TEXT(OPRO_VERSION_MAJOR) "." TEXT(OPRO_VERSION_MINOR) "." TEXT(OPRO_VERSION_PATCH);
}

int32_t opro_version_num(void) {
    return OPRO_VERSION_NUM;
}

int32_t opro_abi_epoch(void) {
    return OPRO_ABI_EPOCH;
}

int32_t opro_has_feature(int32_t feature) {
    return feature == OPRO_FEATURE_THREADS || (feature == OPRO_FEATURE_HTTP && OPRO_HAVE_HTTP) ||
           (feature == OPRO_FEATURE_JOURNAL && OPRO_HAVE_JOURNAL);
}
