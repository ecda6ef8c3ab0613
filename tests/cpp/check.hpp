// SPDX-License-Identifier: MIT
//
// What the tests of the C++ header say their findings with.
#ifndef TESTS_CPP_CHECK_HPP
#define TESTS_CPP_CHECK_HPP

#include <cstdio>

inline int failures = 0;

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        if (!(__VA_ARGS__)) {                                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #__VA_ARGS__);                 \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

// The statement throws just this.
#define THROWS(type, ...)                                                                          \
    do {                                                                                           \
        bool threw = false;                                                                        \
        try {                                                                                      \
            __VA_ARGS__;                                                                           \
        } catch (const type &) {                                                                   \
            threw = true;                                                                          \
        }                                                                                          \
        CHECK(threw &&#type " expected from " #__VA_ARGS__);                                       \
    } while (0)

#endif
