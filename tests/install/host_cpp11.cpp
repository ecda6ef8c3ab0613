// SPDX-License-Identifier: MIT
// A host outside the tree, C++11: the built-in local search on a function with its minimum at
// (3, -2).
#include <opro/opro.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace {

void check(opro_status st) {
    if (st < 0) throw std::runtime_error(opro_status_name(st));
}

// A unique_ptr around opro_x_new() and opro_x_free().
template <class T, void (*free_it)(T *)> struct handle {
    struct deleter {
        void operator()(T *object) const {
            free_it(object);
        }
    };
    std::unique_ptr<T, deleter> owned;

    template <class F, class... A> explicit handle(F make, A... args) {
        T *raw = nullptr;
        check(make(&raw, args..., nullptr));
        owned.reset(raw);
    }
    T *get() const {
        return owned.get();
    }
};

int32_t bowl(opro_run *run, opro_request *request, const double *x, size_t, void *) {
    const double score = (x[0] - 3) * (x[0] - 3) + (x[1] + 2) * (x[1] + 2);
    return opro_run_answer_scores(run, opro_request_id(request), &score, 1);
}

double minimize() {
    const double lower[] = {-10, -10}, upper[] = {10, 10};
    handle<opro_problem, opro_problem_free> problem(opro_problem_new_vector, std::size_t{2}, lower,
                                                    upper, 0);
    handle<opro_config, opro_config_free> config(opro_config_new);
    check(opro_config_set_int(config.get(), OPRO_OPT_STEPS, 40));
    handle<opro_optimizer, opro_optimizer_free> optimizer(opro_optimizer_new_local, problem.get(),
                                                          config.get());
    handle<opro_scorer, opro_scorer_free> scorer(opro_scorer_new_vector, bowl, nullptr, nullptr);
    handle<opro_driver, opro_driver_free> driver(opro_driver_new, problem.get(), config.get());
    check(opro_driver_set_optimizer(driver.get(), optimizer.get()));
    check(opro_driver_set_scorer(driver.get(), scorer.get()));
    check(opro_driver_run(driver.get()));

    const opro_trajectory *trajectory = opro_driver_trajectory(driver.get());
    const int64_t best = opro_trajectory_best(trajectory);
    std::printf("best %s\n", opro_trajectory_text(trajectory, best, nullptr));
    return opro_trajectory_score(trajectory, best);
}

} // namespace

int main() {
    try {
        return minimize() < 0.01 ? 0 : 1;
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
