// SPDX-License-Identifier: MIT
// A host outside the tree, C++17, with the installed header: as host_cpp11.cpp, in its words.
#include <opro/opro.hpp>

#include <iostream>
#include <stdexcept>

int main() {
    const auto problem = opro::problem::vector({-10, -10}, {10, 10});
    opro::driver driver = opro::driver::make(problem, opro::config::make({{"steps", 40}}));
    driver.set_optimizer(opro::optimizer::local(problem));
    driver.set_scorer(opro::scorer::vector([](opro::span<const double> x) {
        return (x[0] - 3) * (x[0] - 3) + (x[1] + 2) * (x[1] + 2);
    }));
    driver.run();
    try {
        driver.post_scores(1, {0.0, 1.0});
        driver.set_scorer({});
        return 1;
    } catch (const std::invalid_argument &error) { // as it should be
        std::cout << error.what() << "\n";
    }
    std::cout << "best " << driver.trajectory().best()->text() << "\n";
    return driver.trajectory().best()->score() < 0.01 ? 0 : 1;
}
