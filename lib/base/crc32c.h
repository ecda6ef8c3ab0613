/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli; RFC 3720, B.4), equal on every platform. Finds accidents, not forgeries. */
#ifndef OPRO_BASE_CRC32C_H
#define OPRO_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of some bytes. crc: 0, or the checksum of the bytes before them, which gives that
 * of both.
 */
uint32_t opro__crc32c(uint32_t crc, const char *s, size_t len);

#endif
