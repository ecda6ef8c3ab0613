/* SPDX-License-Identifier: MIT */
/* What is refused as OPRO_ERR_INVALID. */
#ifndef TESTS_INVALID_H
#define TESTS_INVALID_H

#include "opro/opro.h"

#define INVALID(call)                                                                              \
    do {                                                                                           \
        opro_status got_ = (call);                                                                 \
        if (got_ != OPRO_ERR_INVALID) fail_msg("%s: %s", #call, opro_status_name(got_));           \
    } while (0)

/* No place for the handle; an allocator that is none. Arguments in between end with a comma. */
#define NOT_MADE(type, make, ...)                                                                  \
    do {                                                                                           \
        type *out_ = NULL;                                                                         \
        INVALID(make(NULL, __VA_ARGS__ NULL));                                                     \
        INVALID(make(&out_, __VA_ARGS__ &no_allocator));                                           \
        assert_null(out_);                                                                         \
    } while (0)

static const opro_allocator no_allocator = {0};

#endif
