/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), for comparing with stated digests. */
#ifndef OPRO_TESTS_SHA256_H
#define OPRO_TESTS_SHA256_H

#include <stddef.h>

/* The digest of bytes as 64 hexadecimal digits, NUL-terminated. */
void sha256_hex(const void *data, size_t len, char hex[65]);

#endif
