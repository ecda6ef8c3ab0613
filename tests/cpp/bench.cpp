// SPDX-License-Identifier: MIT
//
// What the C++ header costs: the same work by C's functions and by those of the header, in turns,
// as a ratio of processor time. Build it with --buildtype=release before believing it.
//
//     build/tests/cpp/bench_cpp [ROUNDS]
#include <opro/opro.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

volatile double seen; // keeps results from being optimized away

double processor_seconds() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

template <class F> double seconds(F &&work) {
    const double began = processor_seconds();
    work();
    return processor_seconds() - began;
}

// Median of the ratios of pairs: what disturbs one of a pair disturbs the other.
template <class C, class Cpp> void compare(const char *what, int rounds, C &&c, Cpp &&cpp) {
    std::vector<double> ratios;
    double least = 1e9;
    for (int i = 0; i < rounds; i++) {
        const double plain = seconds(c);
        ratios.push_back(seconds(cpp) / plain);
        least = std::min(least, plain);
    }
    std::sort(ratios.begin(), ratios.end());
    std::printf("%-44s C++ / C = %.3f (%.3f to %.3f; C: %.1f ms)\n", what,
                ratios[ratios.size() / 2], ratios[ratios.size() / 4],
                ratios[ratios.size() - 1 - ratios.size() / 4], 1000 * least);
}

// ---- reading ----

void read_by_c(const opro_trajectory *all, int times) {
    double sum = 0;
    const std::int64_t count = opro_trajectory_count(all);
    for (int i = 0; i < times; i++)
        for (std::int64_t n = 0; n < count; n++) {
            std::size_t len = 0;
            sum += opro_trajectory_score(all, n) + opro_trajectory_text(all, n, &len)[0];
            sum += static_cast<double>(len);
        }
    seen = sum;
}

void read_by_cpp(opro::trajectory_view all, int times) {
    double sum = 0;
    for (int i = 0; i < times; i++)
        for (const opro::candidate one : all) {
            const std::string_view text = one.text();
            sum += one.score() + text[0];
            sum += static_cast<double>(text.size());
        }
    seen = sum;
}

// ---- asking and telling: replies that are met again and again ----

const char reply[] = "<INS>the same again</INS>";

void tell_by_c(opro_problem *problem, const opro_config *config) {
    opro_run *run = nullptr;
    opro_request *request = nullptr;
    opro_run_new(&run, problem, config, nullptr);
    while (opro_run_next(run, 0, &request) == OPRO_OK) {
        const std::uint64_t id = opro_request_id(request);
        const double score = 0.5;
        if (opro_request_kind(request) == OPRO_REQUEST_SCORE)
            opro_run_answer_scores(run, id, &score, 1);
        else
            for (std::size_t i = opro_request_samples(request); i > 0; i--)
                opro_run_answer_text(run, id, reply, sizeof reply - 1);
    }
    opro_run_free(run);
}

void tell_by_cpp(const opro::problem &problem, const opro::config &config) {
    opro::run run = opro::run::make(problem, config);
    while (const auto request = run.next())
        if (request->wants_scores())
            request->answer_scores({0.5});
        else
            for (std::size_t i = request->samples(); i > 0; i--)
                request->answer_text({reply, sizeof reply - 1});
}

// ---- callbacks: 10^6 of them, which do next to nothing ----

enum { CALLBACKS = 1000000 };

std::int32_t look_at_clock(opro_driver *, opro_sink *sink, void *ms) {
    return opro_sink_count(sink, ++*static_cast<std::int64_t *>(ms));
}

opro::driver with_clock() {
    opro::driver driver = opro::driver::make(opro::problem::text());
    driver.set_optimizer(opro::optimizer::make([](opro::request) { return OPRO_PENDING; }));
    driver.set_scorer(opro::scorer::make([](opro::request) { return OPRO_PENDING; }));
    driver.poll(0);
    return driver;
}

void call_back(const opro::driver &driver) {
    std::int64_t sum = 0;
    for (int i = 0; i < CALLBACKS; i++)
        sum += opro_driver_timeout(driver.get());
    seen = static_cast<double>(sum);
}

} // namespace

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;

    opro::trajectory all = opro::trajectory::make(OPRO_MAXIMIZE);
    for (int i = 0; i < 1000; i++)
        all.add(std::to_string(i), {i / 1000.0});
    compare(
        "reading 10^6 candidates", rounds, [&] { read_by_c(all.get(), 1000); },
        [&] { read_by_cpp(all, 1000); });

    const auto config = opro::config::make({{"steps", 10000}, {"resample_limit", 0}});
    const auto problem = opro::problem::text();
    compare(
        "asking and telling, 10^4 steps of 8 replies", rounds,
        [&] { tell_by_c(problem.get(), config.get()); }, [&] { tell_by_cpp(problem, config); });

    std::int64_t ms = 0;
    const opro::driver by_c = with_clock();
    opro_driver_set_clock_fn(by_c.get(), look_at_clock, &ms, nullptr);
    opro::driver by_cpp = with_clock();
    by_cpp.set_clock([&ms] { return ++ms; });
    compare(
        "10^6 callbacks: a function, a lambda", rounds, [&] { call_back(by_c); },
        [&] { call_back(by_cpp); });
    return ms > CALLBACKS ? 0 : 1;
}
