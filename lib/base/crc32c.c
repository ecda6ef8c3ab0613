/* SPDX-License-Identifier: MIT */
/* Eight bytes at once, by eight tables: fast enough everywhere without asking for the processor. */
#include "crc32c.h"

/*
 * Row k, entry b: what byte b does to the checksum when k bytes follow it. That is linear in the
 * bits of b, so that eight numbers make a row: those of the bytes 1, 2, 4, ... 128.
 */
#define BIT(b, i, x) (((b) >> (i)&1) ? (uint32_t)(x) : UINT32_C(0))
#define ENTRY(b, x0, x1, x2, x3, x4, x5, x6, x7)                                                   \
    (BIT(b, 0, x0) ^ BIT(b, 1, x1) ^ BIT(b, 2, x2) ^ BIT(b, 3, x3) ^ BIT(b, 4, x4) ^               \
     BIT(b, 5, x5) ^ BIT(b, 6, x6) ^ BIT(b, 7, x7))
#define FOUR(b, ...)                                                                               \
    ENTRY(b, __VA_ARGS__), ENTRY(b + 1, __VA_ARGS__), ENTRY(b + 2, __VA_ARGS__),                   \
        ENTRY(b + 3, __VA_ARGS__)
#define SIXTEEN(b, ...)                                                                            \
    FOUR(b, __VA_ARGS__), FOUR(b + 4, __VA_ARGS__), FOUR(b + 8, __VA_ARGS__),                      \
        FOUR(b + 12, __VA_ARGS__)
#define SIXTY_FOUR(b, ...)                                                                         \
    SIXTEEN(b, __VA_ARGS__), SIXTEEN(b + 16, __VA_ARGS__), SIXTEEN(b + 32, __VA_ARGS__),           \
        SIXTEEN(b + 48, __VA_ARGS__)
#define ROW(...)                                                                                   \
    SIXTY_FOUR(0, __VA_ARGS__), SIXTY_FOUR(64, __VA_ARGS__), SIXTY_FOUR(128, __VA_ARGS__),         \
        SIXTY_FOUR(192, __VA_ARGS__)

/* clang-format off */
static const uint32_t rows[8][256] = {
    {ROW(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
         0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78)},
    {ROW(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
         0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9)},
    {ROW(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
         0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743)},
    {ROW(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
         0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f)},
    {ROW(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
         0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c)},
    {ROW(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
         0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6)},
    {ROW(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
         0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4)},
    {ROW(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
         0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664)},
};
/* clang-format on */

/* Four bytes as a little-endian number, on every machine. */
static uint32_t word(const unsigned char *s) {
    return (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
}

uint32_t opro__crc32c(uint32_t crc, const char *s, size_t len) {
    const unsigned char *at = (const unsigned char *)s;

    crc = ~crc;
    for (; len >= 8; len -= 8, at += 8) {
        uint32_t a = crc ^ word(at), b = word(at + 4);

        crc = rows[7][a & 255] ^ rows[6][a >> 8 & 255] ^ rows[5][a >> 16 & 255] ^ rows[4][a >> 24] ^
              rows[3][b & 255] ^ rows[2][b >> 8 & 255] ^ rows[1][b >> 16 & 255] ^ rows[0][b >> 24];
    }
    for (; len; len--, at++)
        crc = rows[0][(crc ^ *at) & 255] ^ crc >> 8;
    return ~crc;
}
