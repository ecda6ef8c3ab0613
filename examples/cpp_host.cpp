// A C++11 host: handles that free themselves, a lambda as the scorer, exceptions outside of
// callbacks only.
#include <opro/opro.h>

#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

template <typename T, void (*Free)(T *)> struct Freer {
    void operator()(T *handle) const {
        Free(handle);
    }
};
template <typename T, void (*Free)(T *)> using Handle = std::unique_ptr<T, Freer<T, Free>>;

using Problem = Handle<opro_problem, opro_problem_free>;
using Config = Handle<opro_config, opro_config_free>;
using Optimizer = Handle<opro_optimizer, opro_optimizer_free>;
using Scorer = Handle<opro_scorer, opro_scorer_free>;
using Driver = Handle<opro_driver, opro_driver_free>;

using Function = std::function<double(const std::vector<double> &)>;

static void check(opro_status status, const opro_error *error = nullptr) {
    if (status >= 0) return;
    std::string message = opro_status_name(status);
    if (error) message += std::string(": ") + opro_error_message(error, nullptr);
    throw std::runtime_error(message);
}

// The library is C: an exception may not pass through it.
extern "C" {
static int32_t score(opro_run *run, opro_request *request, const double *x, size_t n,
                     void *user_data) {
    const uint64_t id = opro_request_id(request);
    try {
        const double value = (*static_cast<Function *>(user_data))(std::vector<double>(x, x + n));
        return opro_run_answer_scores(run, id, &value, 1);
    } catch (const std::exception &e) {
        return opro_run_answer_error(run, id, OPRO_ERR_FAILED, e.what(), OPRO_ZT);
    }
}

static void destroy(void *user_data) {
    delete static_cast<Function *>(user_data);
}
}

static Scorer make_scorer(Function function) {
    std::unique_ptr<Function> copy(new Function(std::move(function)));
    opro_scorer *scorer = nullptr;
    check(opro_scorer_new_vector(&scorer, score, copy.get(), destroy, nullptr));
    copy.release(); // the scorer's, from here on
    return Scorer(scorer);
}

static Problem make_problem(const std::vector<const char *> &names, double lower, double upper) {
    const std::vector<double> lowers(names.size(), lower), uppers(names.size(), upper);
    opro_problem *problem = nullptr;
    check(
        opro_problem_new_vector(&problem, names.size(), lowers.data(), uppers.data(), 0, nullptr));
    Problem owned(problem);
    check(opro_vector_set_names(problem, names.data(), names.size()), opro_problem_error(problem));
    return owned;
}

static Driver make_driver(opro_problem *problem, const opro_config *config, opro_scorer *scorer) {
    opro_optimizer *optimizer = nullptr;
    opro_driver *driver = nullptr;
    check(opro_optimizer_new_local(&optimizer, problem, config, nullptr));
    Optimizer shared(optimizer); // the driver takes a share
    check(opro_driver_new(&driver, problem, config, nullptr), opro_problem_error(problem));
    Driver owned(driver);
    check(opro_driver_set_optimizer(driver, optimizer), opro_driver_error(driver));
    check(opro_driver_set_scorer(driver, scorer), opro_driver_error(driver));
    return owned;
}

// A tin of one litre with as little sheet metal as possible: radius and height in centimetres.
int main() try {
    Problem problem = make_problem({"radius", "height"}, 1, 30);
    Scorer scorer = make_scorer([](const std::vector<double> &x) {
        const double pi = 3.141592653589793, volume = pi * x[0] * x[0] * x[1];
        const double metal = 2 * pi * x[0] * (x[0] + x[1]);
        return metal + 0.01 * (volume - 1000) * (volume - 1000); // dear, if not a litre
    });
    opro_config *config = nullptr;
    check(opro_config_new(&config, nullptr));
    Config owned(config);
    check(opro_config_set_int(config, OPRO_OPT_STEPS, 60), opro_config_error(config));

    Driver driver = make_driver(problem.get(), config, scorer.get());
    check(opro_driver_run(driver.get()), opro_driver_error(driver.get()));

    const opro_trajectory *all = opro_driver_trajectory(driver.get());
    const int64_t best = opro_trajectory_best(all);
    std::cout << "radius, height = " << opro_trajectory_text(all, best, nullptr)
              << " cm: " << opro_trajectory_score(all, best) << " cm2 of metal, after "
              << opro_trajectory_scored(all) << " tins\n";
} catch (const std::exception &e) {
    std::cerr << e.what() << "\n";
    return 1;
}
