// SPDX-License-Identifier: MIT
//
// The header in a file that is compiled without exceptions and RTTI: results instead of exceptions.
// Linked into one program with a file that has both (test_modes.cpp).
#include <opro/opro.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "check.hpp"
#include "modes.hpp"

namespace {

opro::result<opro::driver> drive(const opro::problem &problem, const opro::config &config) {
    auto driver = opro::driver::make(problem, config);
    if (!driver) return driver;
    auto optimizer = opro::optimizer::make([](const opro::request &request) {
        return "<INS>" + std::to_string(request.id()) + "</INS>";
    });
    auto scorer = opro::scorer::make(
        [](std::string_view text) { return static_cast<double>(text.size() % 10) / 10; });
    if (!optimizer) return opro::failure(std::move(optimizer));
    if (!scorer) return opro::failure(std::move(scorer));
    if (auto set = driver->set_optimizer(*optimizer); !set) return opro::failure(std::move(set));
    if (auto set = driver->set_scorer(*scorer); !set) return opro::failure(std::move(set));
    return driver;
}

void results_have_values_or_reasons() {
    auto problem = opro::problem::text();
    CHECK(problem && problem.ok() && problem.status() == OPRO_OK && problem.message().empty());
    auto config = opro::config::make({{"steps", 3}});
    CHECK(config.ok() && *config->get_int("steps") == 3);
    static_assert(std::is_same_v<decltype(config->set("steps", 4)), opro::result<opro::config &>>);
    static_assert(std::is_same_v<decltype(opro::check(OPRO_OK)), opro::result<void>>);

    const auto wrong = config->set("stpes", 3);
    CHECK(!wrong && wrong.status() == OPRO_ERR_UNKNOWN);
    CHECK(wrong.message().find("did you mean \"steps\"") != std::string_view::npos);
    CHECK(wrong.message().find("OPRO_ERR_UNKNOWN: ") == 0);
    const auto right = config->set("steps", 4);
    CHECK(right && &*right == &*config && *right->get_int("steps") == 4);
    CHECK(!opro::config::make({{"steps", 3}, {"nothing", 3}, {"seed", 1}}).ok());
    CHECK(opro::problem::vector({1}, {0}).status() == OPRO_ERR_INVALID);
    CHECK(opro::check(OPRO_ERR_STALE).message() == "OPRO_ERR_STALE");
    CHECK(opro::check(OPRO_WAIT).ok() && opro::check(OPRO_WAIT).status() == OPRO_WAIT);
}

void runs_go_on() {
    auto problem = opro::problem::text();
    auto run = opro::run::make(*problem, *opro::config::make({{"steps", 2}}));
    int n = 0;
    auto request = run->next();
    for (; request && *request; request = run->next()) {
        n++;
        if ((*request)->wants_scores()) {
            CHECK((*request)->answer_scores({0.5}).ok());
            CHECK((*request)->answer_scores({0.5}).status() == OPRO_ERR_STALE);
        } else
            for (std::size_t i = 0; i < (*request)->samples(); i++)
                CHECK((*request)
                          ->answer_reply(i, "<INS>" + std::to_string(10 * n) + "." +
                                                std::to_string(i) + "</INS>")
                          .ok());
    }
    CHECK(request.ok() && request.status() == OPRO_DONE && run->stopped());
    CHECK(n == 2 * (1 + 8) && run->trajectory().scored() == 16);
}

void drivers_step() {
    auto problem = opro::problem::text();
    auto driver = drive(*problem, *opro::config::make({{"steps", 3}}));
    auto steps = driver->steps();
    std::int64_t n = 0;
    for (const opro::step step : steps)
        CHECK(step.number() == n++);
    CHECK(n == 3 && steps.status() == OPRO_DONE);
    CHECK(*driver->step() == OPRO_DONE && *driver->poll(0) == OPRO_DONE);
}

// Callbacks say what they fail with: by a status, or by handing on a result.
void callbacks_return_statuses() {
    auto problem = opro::problem::text();
    auto driver = drive(*problem, {});
    auto scorer = opro::scorer::make([](opro::request) { return OPRO_ERR_USER_FIRST - 3; });
    CHECK(driver->set_scorer(*scorer).ok());
    auto steps = driver->steps();
    for (const opro::step step : steps)
        CHECK(step.number() < 0);
    CHECK(steps.status() == OPRO_ERR_USER_FIRST - 3);

    driver = drive(*problem, {});
    scorer = opro::scorer::make([](opro::request asked) { return asked.answer_scores({7}); });
    CHECK(driver->set_scorer(*scorer).ok());
    CHECK(driver->run().status() == OPRO_ERR_INVALID);

    driver = drive(*problem, {});
    CHECK(driver->set_observer([](opro::event) { return OPRO_ERR_USER_LAST; }).ok());
    CHECK(driver->run().status() == OPRO_ERR_USER_LAST);
}

} // namespace

int without_exceptions(opro_problem *shared) {
    static_assert(sizeof(opro::problem) == sizeof(void *));
    opro::problem problem(shared);
    CHECK(problem.set_description("known in both files").ok());
    CHECK(problem.release() == shared);
    results_have_values_or_reasons();
    runs_go_on();
    drivers_step();
    callbacks_return_statuses();
    return failures;
}
