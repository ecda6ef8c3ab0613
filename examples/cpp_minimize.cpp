// The settings of a pump that waste the least energy, in C++.
#include <opro/opro.hpp>
#include <iostream>

int main() {
    auto problem = opro::problem::integers({0, 0}, {3000, 100}); // turns a minute, opening in %
    problem.set_vector_names({"speed", "valve"});
    auto driver = opro::driver::make(problem, opro::config::make({{"steps", 20}}));
    driver.set_optimizer(opro::optimizer::local(problem));
    driver.set_scorer(opro::scorer::vector([](opro::span<const double> x) {
        double flow = x[0] * x[1] / 1000, power = x[0] * x[0] / 5000; // your measurement
        return power + (flow - 60) * (flow - 60);
    }));
    for (opro::step step : driver.steps()) // propose, check, score, remember
        std::cout << step.number() << ": " << step.figure(OPRO_FIGURE_BEST_SO_FAR) << "\n";

    std::cout << driver.trajectory().best()->text() << "\n";
}
