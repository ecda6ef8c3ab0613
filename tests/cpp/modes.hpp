// SPDX-License-Identifier: MIT
#ifndef TESTS_CPP_MODES_HPP
#define TESTS_CPP_MODES_HPP

#include <opro/opro.h>

// The tests of without_exceptions.cpp; how many failed.
int without_exceptions(opro_problem *shared);

#endif
