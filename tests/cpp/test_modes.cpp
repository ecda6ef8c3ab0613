// SPDX-License-Identifier: MIT
//
// One program of two files that include the header, one with and one without exceptions: the same
// names are other functions in each, and an object can go from one to the other.
#include <opro/opro.hpp>
#include <opro/opro.hpp>

#include <stdexcept>
#include <string_view>

#include "check.hpp"
#include "modes.hpp"

int main() {
    opro::problem problem = opro::problem::text();
    without_exceptions(problem.get());
    CHECK(problem.description() == "known in both files");
    THROWS(std::out_of_range, opro::config::make({{"stpes", 3}}));
    THROWS(std::invalid_argument, problem.set_direction(0));
    static_assert(std::is_same_v<opro::outcome<int>, int>);
    return failures != 0;
}
