// SPDX-License-Identifier: MIT
//
// What comes out of callbacks: results, statuses, exceptions of every kind of them; and that each
// callable is destroyed once.
#include <opro/opro.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

// No std::exception: what is thrown comes out as it went in.
struct oops {
    int number;
};

// What is thrown by a callback comes out of the call, and is forgotten then.
void comes_out(const char *where, int number, const std::function<void()> &call) {
    int caught = 0;
    try {
        call();
    } catch (const oops &thrown) {
        caught = thrown.number;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", where, error.what());
    }
    if (caught != number) std::fprintf(stderr, "%s: %d came out of it\n", where, caught);
    CHECK(caught == number);
    opro::check(OPRO_OK);
}

std::string propose(const opro::request &request) {
    return "<INS>" + std::to_string(request.id()) + "</INS>";
}

double score(std::string_view text) {
    return static_cast<double>(text.size() % 7) / 10;
}

opro::config two_steps() {
    return opro::config::make({{"steps", 2}, {"samples_per_step", 2}});
}

opro::driver drive(const opro::problem &problem, const opro::config &config = two_steps()) {
    opro::driver driver = opro::driver::make(problem, config);
    driver.set_optimizer(opro::optimizer::make(propose));
    driver.set_scorer(opro::scorer::make(score));
    return driver;
}

void steps_of_problems() {
    const auto fails = [](std::string_view) -> std::string { throw oops{1}; };
    using setter = std::function<void(opro::problem &)>;
    const std::pair<const char *, setter> setters[] = {
        {"parse", [&](opro::problem &problem) { problem.set_parse(fails); }},
        {"canonical", [&](opro::problem &problem) { problem.set_canonical(fails); }},
        {"check", [&](opro::problem &problem) { problem.set_check(fails); }},
        {"repair",
         [&](opro::problem &problem) {
             problem.set_check([](std::string_view) { return "never"; }).set_repair(fails);
         }},
        {"polish", [&](opro::problem &problem) { problem.set_polish(fails); }},
        {"render", [&](opro::problem &problem) { problem.set_render(fails); }},
        {"exemplars",
         [&](opro::problem &problem) {
             problem.set_exemplars(5, [](std::size_t, opro::sink) { throw oops{1}; });
         }},
    };
    for (const auto &[name, set] : setters) {
        opro::problem problem = opro::problem::text();
        set(problem);
        opro::driver driver = drive(problem, two_steps().set("repair", true));
        comes_out(name, 1, [&driver] { driver.run(); });
        CHECK(driver.run_handle().stop_reason() == OPRO_STOP_ERROR);
        CHECK(driver.step() == OPRO_DONE);
    }
    opro::problem problem = opro::problem::text();
    problem.add_initial("first").set_check(fails);
    comes_out("run::make", 1, [&] { opro::run::make(problem); });
    comes_out("driver::make", 1, [&] { opro::driver::make(problem); });
}

void steps_deliver() {
    opro::problem problem = opro::problem::text();
    std::vector<std::string> rendered;
    problem
        .set_parse([](std::string_view reply, opro::sink sink) {
            sink.text(reply.substr(5, 3));
            sink.text("twice");
        })
        .set_canonical([](std::string_view text) { return "c" + std::string(text); })
        .set_check([](std::string_view text) { return text == "ctwice" ? "seen" : ""; })
        .set_polish([](std::string_view text) { return std::string(text) + "!"; })
        .set_render([&](std::string_view text, opro::sink sink) {
            rendered.emplace_back(text);
            sink.text(text);
        });
    opro::driver driver =
        drive(problem, opro::config::make({{"steps", 2}, {"candidates_per_reply", 2}}));
    CHECK(driver.run() == OPRO_OK);
    const opro::trajectory_view all = driver.trajectory();
    CHECK(all.scored() >= 1 && all.best()->text().substr(0, 2) == "cc");
    CHECK(all.find("ctwice")->verdict() == OPRO_VERDICT_REJECTED);
    CHECK(all.find("ctwice")->detail() == "seen");
    CHECK(!rendered.empty());
    problem = opro::problem::text();
    problem.set_check([](std::string_view, opro::sink sink) { sink.count(0); });
    problem.set_check(nullptr).set_parse(nullptr).set_repair(nullptr).set_render(nullptr);
    CHECK(drive(problem).run() == OPRO_OK);
}

void meta_prompts() {
    const opro::problem problem = opro::problem::text();
    opro::trajectory all = opro::trajectory::make(OPRO_MAXIMIZE);
    all.add("first", {0.25});
    all.add("second", {0.75});
    opro::meta_prompt builder = opro::meta_prompt::make(problem);
    builder.set_template(OPRO_BLOCK_INTRO, "Words.");
    CHECK(builder.template_of(OPRO_BLOCK_INTRO) == "Words.");
    THROWS(std::runtime_error, builder.set_template(OPRO_BLOCK_INTRO, "{nothing}"));
    builder.set_block(OPRO_BLOCK_ENTRY, [](opro::trajectory_view in, std::int64_t number) {
        return "<" + std::string(in.at(number).text()) + ">";
    });
    builder.set_sort([](opro::trajectory_view, opro::span<std::int64_t> numbers) {
        std::swap(numbers[0], numbers[1]);
        return numbers.size();
    });
    builder.set_tokens([](std::string_view text) { return text.size(); });
    builder.build(all, 0);
    CHECK(builder.messages() > 0 && builder.tokens() > 10);
    const std::string_view text = builder.message(0).text;
    CHECK(builder.message(0).role == OPRO_ROLE_USER);
    CHECK(text.find("<first>") < text.find("<second>"));
    CHECK(text.find("<second>") != std::string_view::npos);

    builder.set_tokens([](std::string_view) -> int { throw oops{3}; });
    comes_out("tokens", 3, [&] { builder.build(all, 0); });
    builder.set_tokens(nullptr);
    builder.set_sort(
        [](opro::trajectory_view, opro::span<std::int64_t>, opro::sink) { throw oops{4}; });
    comes_out("sort", 4, [&] { builder.build(all, 0); });
    builder.set_sort(nullptr).set_block(
        OPRO_BLOCK_ENTRY,
        [](opro::trajectory_view, std::int64_t) -> const char * { throw oops{5}; });
    comes_out("block", 5, [&] { builder.build(all, 0); });

    opro::run run = opro::run::make(problem);
    run.set_meta_prompt(builder).warm_start(all);
    comes_out("block of a run", 5, [&] { run.next(); });
}

void optimizers_and_scorers() {
    const opro::problem problem = opro::problem::text();
    opro::driver driver = drive(problem);
    driver.set_optimizer(opro::optimizer::make([](opro::request) { throw oops{1}; }));
    comes_out("optimizer", 1, [&] { driver.run(); });

    driver = drive(problem);
    driver.set_scorer(opro::scorer::make([](std::string_view) -> double { throw oops{2}; }));
    comes_out("scorer", 2, [&] { driver.step(); });

    driver = drive(problem);
    driver.set_scorer(opro::scorer::make([](const opro::request &) { throw oops{2}; }));
    comes_out("range", 2, [&] {
        for (const opro::step step : driver.steps())
            CHECK(step.number() < 0);
    });

    const opro::problem vector = opro::problem::vector({0}, {1});
    driver = opro::driver::make(vector, two_steps());
    driver.set_optimizer(opro::optimizer::local(vector));
    driver.set_scorer(
        opro::scorer::vector([](opro::span<const double>) -> double { throw oops{3}; }));
    comes_out("vector", 3, [&] { driver.run(); });

    // Without a driver.
    opro::run run = opro::run::make(problem);
    const opro::optimizer failing =
        opro::optimizer::make([](opro::request) -> std::string { throw oops{4}; });
    auto request = run.next();
    comes_out("propose", 4, [&] { failing.propose(*request); });
    run = opro::run::make(problem);
    request = run.next();
    CHECK(opro::optimizer::make(propose).propose(*request) == OPRO_OK);
    request = run.next();
    CHECK(opro::scorer::make([](opro::request) { return OPRO_PENDING; }).score(*request) ==
          OPRO_PENDING);
    const opro::scorer scorer = opro::scorer::make([](opro::request) { throw oops{5}; });
    comes_out("score", 5, [&] { scorer.score(*request); });
}

void listeners() {
    const opro::problem problem = opro::problem::text();
    opro::driver driver = drive(problem);
    driver.set_observer([](opro::event) { throw oops{1}; });
    comes_out("observer", 1, [&] { driver.run(); });

    opro::run run = opro::run::make(problem);
    run.set_observer([](opro::event) { throw oops{2}; });
    comes_out("observer of a run", 2, [&] { run.next(); });

    driver = drive(problem);
    driver.set_clock([]() -> std::int64_t { throw oops{3}; });
    comes_out("clock", 3, [&] { driver.step(); });
    comes_out("timeout", 3, [&] { driver.timeout(); });
    driver.set_clock(nullptr);
    CHECK(driver.run() == OPRO_OK);

    driver = drive(problem);
    driver.set_wakeup([] { throw oops{4}; });
    comes_out("wakeup", 4, [&] { driver.wakeup(); });
    comes_out("post", 4, [&] { driver.post_scores(1, {0.5}); });
    driver.set_wakeup(nullptr);
    CHECK(driver.run() == OPRO_OK);
}

// A log stops nothing: its exception comes when the work is done.
void logs() {
    opro::config config = opro::config::make({{"steps", 2}, {"samples_per_step", 2}});
    int lines = 0;
    bool throws = false;
    config.set_log(OPRO_LOG_DEBUG, [&](std::int32_t, std::string_view, std::string_view message) {
        CHECK(!message.empty());
        lines++;
        if (throws) throw oops{lines};
    });
    opro::driver driver = drive(opro::problem::text(), config);
    lines = 0;
    throws = true;
    comes_out("log", 1, [&] { driver.run(); });
    CHECK(driver.run_handle().stop_reason() == OPRO_STOP_STEPS);
}

void datasets_and_metrics() {
    opro::dataset examples = opro::dataset::make();
    bool fails = false;
    examples.set_examples(4, [&](std::size_t index, opro::sink sink) {
        if (fails) throw oops{1};
        sink.text("question " + std::to_string(index));
        sink.text(std::to_string(index));
    });
    CHECK(examples.question(2) == "question 2" && examples.answer(3) == "3");
    CHECK(examples.options(0).empty() && examples.task() == OPRO_TASK_NUMBER);
    THROWS(std::out_of_range, examples.question(4));
    fails = true;
    comes_out("question", 1, [&] { examples.question(1); });
    comes_out("task", 1, [&] { examples.task(); });
    comes_out("digest", 1, [&] { examples.digest(); });
    comes_out("problem", 1, [&] { opro::problem::dataset(examples); });
    fails = false;
    CHECK(opro::problem::dataset(examples).instances() == 4);

    opro::metric metric = opro::metric::make(OPRO_METRIC_HOST);
    metric.set_judge([](std::string_view reply, std::string_view answer) {
        if (reply.empty()) throw oops{2};
        return reply == answer ? 1 : 0.5;
    });
    CHECK(metric.judge("a", "a").score() == 1 && metric.judge("a", "b").score() == 0.5);
    comes_out("metric", 2, [&] { metric.judge("", "b"); });
    metric.set_judge([](std::string_view reply, std::string_view, opro::verdict_sink verdict) {
        verdict.set(0.25, reply.substr(1), "a rule");
    });
    const opro::verdict verdict = metric.judge("abc", "");
    CHECK(verdict.score() == 0.25 && verdict.extracted() == "bc" && verdict.rule() == "a rule");
}

// An inner call throws inside of a callback: caught there it is over, else it goes on outwards.
void exceptions_pass_through_levels() {
    opro::metric metric = opro::metric::make(OPRO_METRIC_HOST);
    metric.set_judge([](std::string_view, std::string_view) -> double { throw oops{7}; });
    bool catches = true;
    const auto judge = [&](std::string_view text) -> double {
        try {
            return metric.judge(text, "x").score();
        } catch (const oops &) {
            if (!catches) throw;
            return 0.5;
        }
    };
    opro::driver driver = drive(opro::problem::text());
    driver.set_scorer(opro::scorer::make(judge));
    CHECK(driver.step() == OPRO_OK);
    catches = false;
    comes_out("levels", 7, [&] { driver.step(); });
}

// What is thrown first wins, and callbacks that run after it do not meet it.
void the_first_of_several_comes_out() {
    opro::driver driver = drive(opro::problem::text());
    int stops = 0;
    driver.set_scorer(opro::scorer::make([](std::string_view) -> double { throw oops{1}; }));
    driver.set_observer([&](const opro::event &event) {
        if (event.kind() != OPRO_EVENT_STOPPED) return;
        event.run().stop();
        stops++;
        throw oops{2};
    });
    comes_out("first", 1, [&] { driver.run(); });
    CHECK(stops == 1);
}

void statuses_of_callbacks() {
    opro::driver driver = drive(opro::problem::text());
    driver.set_scorer(opro::scorer::make([](opro::request) { return OPRO_ERR_USER_FIRST - 5; }));
    try {
        driver.run();
        CHECK(false);
    } catch (const opro::error &error) {
        CHECK(error.status() == OPRO_ERR_USER_FIRST - 5);
    }
    driver = drive(opro::problem::text());
    driver.set_scorer(opro::scorer::make([](opro::request) {}));
    try {
        driver.run();
        CHECK(false);
    } catch (const std::runtime_error &error) {
        CHECK(std::string_view(error.what()).find("OPRO_ERR_CALLBACK") == 0);
    }
    driver = drive(opro::problem::text());
    driver.set_scorer(opro::scorer::make([](opro::request asked) {
        asked.answer_feedback("too bad");
        asked.answer_error("the rig is broken");
    }));
    CHECK(driver.run() == OPRO_OK);
    CHECK(driver.trajectory().at(0).verdict() == OPRO_VERDICT_FAILED);
    driver = drive(opro::problem::text());
    driver.set_scorer(opro::scorer::make([](std::string_view) { return 2; })); // of at most 1
    THROWS(std::invalid_argument, driver.run());
}

void c_hears_of_it() {
    opro::driver driver = drive(opro::problem::text());
    driver.set_scorer(opro::scorer::make([](opro::request) { throw oops{9}; }));
    const opro_status status = opro_driver_run(driver.get());
    CHECK(status == OPRO_ERR_USER_FIRST);
    comes_out("check", 9, [&] { opro::check(status, opro_driver_error(driver.get())); });
}

// A callable whose copies are counted by its share of a token.
struct holder {
    std::shared_ptr<int> token;
    void operator()(opro::event) const {
    }
    double operator()(std::string_view) const {
        return 0.5;
    }
};

void callables_are_destroyed_once() {
    const auto token = std::make_shared<int>(0);
    opro::problem problem = opro::problem::text();
    opro::scorer scorer = opro::scorer::make(holder{token});
    CHECK(token.use_count() == 2);
    opro::driver driver = drive(problem);
    driver.set_scorer(scorer).set_observer(holder{token});
    scorer.reset();
    CHECK(token.use_count() == 3); // the driver's shares
    driver.set_observer(holder{token});
    CHECK(token.use_count() == 3); // one goes, one comes
    driver.set_observer(nullptr);
    CHECK(token.use_count() == 2);
    CHECK(driver.run() == OPRO_OK);
    driver.reset();
    CHECK(token.use_count() == 1);

    // A setter that fails leaves it to us.
    opro::run run = opro::run::make(problem);
    const auto hold = [token](std::string_view) { return "x"; };
    CHECK(token.use_count() == 2);
    THROWS(std::logic_error, problem.set_check(hold));
    CHECK(token.use_count() == 2);
    const holder one = {token};
    run.set_observer(one); // a copy
    CHECK(token.use_count() == 4);
}

} // namespace

int main() {
    steps_of_problems();
    steps_deliver();
    meta_prompts();
    optimizers_and_scorers();
    listeners();
    logs();
    datasets_and_metrics();
    exceptions_pass_through_levels();
    the_first_of_several_comes_out();
    statuses_of_callbacks();
    c_hears_of_it();
    callables_are_destroyed_once();
    return failures != 0;
}
