// SPDX-License-Identifier: MIT
//
// Runs, drivers, threads, tours and journals in C++.
#include <opro/opro.hpp>

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <queue>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

opro::problem two_instances() {
    opro::problem problem = opro::problem::text();
    problem.set_instances(2).add_initial("one").add_initial("three");
    return problem;
}

double score(std::string_view text, std::int64_t instance) {
    return static_cast<double>(text.size()) / static_cast<double>(20 + instance);
}

void answer(const opro::request &request) {
    if (request.wants_proposals()) {
        CHECK(request.messages() > 0 && request.message(0).role == OPRO_ROLE_USER);
        CHECK(request.max_tokens() == 1024 && request.temperature() > 0);
        request.answer_usage(10, 2);
        for (std::size_t i = request.samples(); i-- > 0;)
            request.answer_reply(i, "<INS>number " + std::to_string(request.first_sample() + i) +
                                        " of " + std::to_string(request.step()) + "</INS>");
        return;
    }
    std::vector<double> scores;
    for (const std::int64_t instance : request.instances())
        scores.push_back(score(request.text(), instance));
    CHECK(request.set() == OPRO_TRAIN && scores.size() == 2 && request.samples() == 0);
    request.answer_feedback("longer!");
    request.answer_scores(scores);
}

void ask_and_tell() {
    opro::run run = opro::run::make(two_instances(),
                                    opro::config::make({{"steps", 2}, {"samples_per_step", 3}}));
    std::size_t n = 0;
    while (const auto request = run.next()) {
        CHECK(request->id() != 0 && request->json().substr(0, 1) == "{");
        answer(*request);
        n++;
    }
    CHECK(run.stopped() && run.stop_reason() == OPRO_STOP_STEPS);
    CHECK(run.step() == 1 && n == 2 + 2 * (1 + 3)); // initial ones; per step one and its three
    CHECK(run.count(OPRO_COUNT_PROPOSALS) == 6 && run.count(OPRO_COUNT_TOKENS) == 2 * 12);
    CHECK(run.winner()->text() == "number 0 of 0" && run.winner()->feedback() == "longer!");
    CHECK(run.trajectory().find("one")->flags() == OPRO_FLAG_INITIAL);
    CHECK(run.trajectory().at(2).scores().size() == 2);
    CHECK(run.confirmed() == 0 && !run.replaying() && run.timeout(0) == -1);
    CHECK(run.problem().initial_count() == 2 && run.state_hash() != 0);
    THROWS(opro::error, run.gap());

    opro::run warm = opro::run::make(two_instances());
    warm.warm_start(run.trajectory());
    CHECK(warm.next()->wants_proposals());
    CHECK(warm.trajectory().find("number 0 of 0")->flags() == OPRO_FLAG_WARM);
    CHECK(warm.trajectory().find("number 0 of 0")->step() == -1);
}

void answers_may_come_later() {
    opro::run run =
        opro::run::make(two_instances(), opro::config::make({{"request_timeout_ms", 50}}));
    std::vector<opro::request_copy> open;
    while (const auto request = run.next(100))
        open.push_back(opro::request_copy::make(*request));
    CHECK(open.size() == 2 && !run.stopped() && run.timeout(100) == 50);
    run.answer_scores(open[1].id(), {0.5, 0.25});
    THROWS(std::runtime_error, run.answer_scores(open[1].id(), {0.5, 0.25}));
    THROWS(std::out_of_range, run.answer_scores(12345, {0.5, 0.25}));
    THROWS(std::invalid_argument, run.answer_scores(open[0].id(), {0.5}));
    run.answer_error(open[0].id(), "no power");
    const auto request = run.next(120);
    CHECK(request && request->samples() == 8);
    request->answer_truncated(0, "half an ans");
    request->answer_refused(1, "I would rather not");
    request->answer_solution(2, "a solution");
    request->answer_text("<INS>a reply</INS>");
    run.stop();
    CHECK(!run.next(130) && run.stop_reason() == OPRO_STOP_HOST);
    CHECK(open[1].text() == "three"); // a copy outlives the answer
    run.reset();
    CHECK(open[0].text() == "one" && open[0].instances().size() == 2);
}

opro::driver drive(const opro::problem &problem, const opro::config &config) {
    opro::driver driver = opro::driver::make(problem, config);
    driver.set_optimizer(opro::optimizer::make([n = 0](const opro::request &request) mutable {
        return "<INS>" + std::to_string(request.step()) + "." + std::to_string(n++) + "</INS>";
    }));
    driver.set_scorer(opro::scorer::make(score));
    return driver;
}

void drivers_step() {
    const auto config = opro::config::make({{"steps", 3}, {"samples_per_step", 2}});
    opro::driver driver = drive(two_instances(), config);
    std::vector<std::int32_t> events;
    driver.set_observer([&](const opro::event &event) {
        events.push_back(event.kind());
        if (event.kind() == OPRO_EVENT_NEW_BEST) CHECK(event.score() > 0 && !event.text().empty());
        if (event.kind() == OPRO_EVENT_STOPPED) CHECK(event.detail() == "steps");
        CHECK(event.run().trajectory().count() >= 0);
    });
    std::int64_t last = -1;
    for (const opro::step step : driver.steps()) {
        CHECK(step.number() == last + 1 && step.figure(OPRO_FIGURE_SCORED) > 0);
        CHECK(step.trajectory().steps() == step.number() + 1);
        last = step.number();
    }
    CHECK(last == 2 && driver.step() == OPRO_DONE && driver.run() == OPRO_OK);
    CHECK(!events.empty() && events.back() == OPRO_EVENT_STOPPED);

    // Moving one does not disturb who has its inbox.
    opro::driver first = drive(two_instances(), config);
    const opro::inbox inbox = first;
    opro::driver second = std::move(first);
    second.set_clock([ms = std::int64_t{0}]() mutable { return ms++; });
    CHECK(second.step() == OPRO_OK && second.timeout() >= -1);
    inbox.stop();
    CHECK(second.run() == OPRO_OK && second.run_handle().stop_reason() == OPRO_STOP_HOST);
}

// A queue that ends.
struct jobs {
    std::mutex lock;
    std::condition_variable more;
    std::queue<std::pair<std::uint64_t, std::string>> waiting;
    bool ended = false;

    void put(std::uint64_t id, std::string_view text) {
        const std::lock_guard<std::mutex> hold(lock);
        waiting.emplace(id, text);
        more.notify_one();
    }
    void end() {
        const std::lock_guard<std::mutex> hold(lock);
        ended = true;
        more.notify_all();
    }
    bool take(std::pair<std::uint64_t, std::string> &job) {
        std::unique_lock<std::mutex> hold(lock);
        more.wait(hold, [&] { return ended || !waiting.empty(); });
        if (waiting.empty()) return false;
        job = std::move(waiting.front());
        waiting.pop();
        return true;
    }
};

void threads_post() {
    jobs todo;
    std::atomic<int> woken{0};
    opro::driver driver = drive(two_instances(), opro::config::make({{"steps", 10}}));
    driver.set_scorer(opro::scorer::make([&](const opro::request &request) {
        todo.put(request.id(), request.text());
        return OPRO_PENDING;
    }));
    driver.set_wakeup([&woken] { woken++; });
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&todo, inbox = opro::inbox(driver)] {
            std::pair<std::uint64_t, std::string> job;
            while (todo.take(job)) {
                inbox.post_usage(job.first, 1, 2, 3);
                if (job.second == "3.25")
                    inbox.post_error(job.first, "not this one");
                else
                    inbox.post_scores(job.first, {score(job.second, 0), score(job.second, 1)});
            }
        });
    CHECK(driver.run() == OPRO_OK);
    todo.end();
    for (std::thread &thread : threads)
        thread.join();
    CHECK(woken > 0 && driver.run_handle().count(OPRO_COUNT_IN_FLIGHT) == 0);
    CHECK(driver.trajectory().scored() > 50);
    CHECK(driver.run_handle().count(OPRO_COUNT_COST) >= 3 * driver.trajectory().scored());
}

void tours() {
    opro::tour square = opro::tour::make();
    square.set_points(OPRO_METRIC_EUCLIDEAN, {0, 1, 1, 0, 0.5}, {0, 1, 0, 1, 0.25});
    CHECK(square.size() == 5 && square.metric() == OPRO_METRIC_EUCLIDEAN);
    CHECK(square.point(4).y == 0.25 && square.name().empty());
    CHECK(std::fabs(square.weight(0, 1) - std::sqrt(2.0)) < 1e-9 &&
          std::isnan(square.weight(0, 9)));
    std::vector<std::int32_t> nodes = {0, 1, 2, 3, 4};
    const double before = square.length(nodes);
    square.improve(nodes, 1, 10);
    CHECK(square.length(nodes) < before);
    CHECK(square.nearest_neighbour(1).size() == 5 && square.farthest_insertion()[0] >= 0);
    THROWS(opro::error, square.length({0, 0, 1, 2, 3}));
    THROWS(std::invalid_argument, square.set_points(OPRO_METRIC_ATT, {1, 2}, {3}));
    THROWS(std::invalid_argument, square.set_matrix({0, 1, 1}, 2));
    THROWS(std::runtime_error, square.read_tsplib("nonsense"));
    CHECK(square.read_solution("TOUR_SECTION\n5\n4\n3\n2\n1\n-1\n")[0] == 4);

    const opro::problem problem = opro::problem::tour(square);
    opro::driver driver = opro::driver::make(problem, opro::config::make({{"steps", 3}}));
    driver.set_optimizer(opro::optimizer::local(problem));
    driver.set_scorer(opro::scorer::tour(square));
    driver.run();
    const opro::candidate best = *driver.trajectory().best();
    CHECK(best.score() <= square.length(nodes) + 1e-9);
    CHECK(problem.permutation_parse(best.text()).size() == 5);
    CHECK(!opro::origin_name(best.origin()).empty());
    CHECK(opro::tour::make().set_matrix({0, 2, 2, 0}, 2).weight(0, 1) == 2);
}

void scorers_of_kits() {
    const double x[] = {0, 1, 2}, y[] = {1, 3, 5};
    const opro::problem line = opro::problem::regression(-10, 10);
    opro::driver driver = opro::driver::make(line, opro::config::make({{"steps", 20}}));
    driver.set_optimizer(opro::optimizer::local(line));
    driver.set_scorer(opro::scorer::regression(x, y));
    driver.run();
    CHECK(driver.trajectory().best()->text() == "2, 1");
    THROWS(std::invalid_argument, opro::scorer::regression(x, {1}));
}

void journals_keep_runs() {
    const std::string path = "/tmp/opro-cpp-" + std::to_string(getpid()) + ".journal";
    const auto few = opro::config::make({{"steps", 2}, {"journal_sync", "none"}});
    const auto more = opro::config::make({{"steps", 3}, {"journal_sync", "none"}});
    std::uint64_t hash = 0;
    {
        const opro::journal journal = opro::journal::make(path, few);
        opro::driver driver = drive(two_instances(), few);
        driver.set_journal(journal).run();
        hash = driver.trajectory().hash();
    }
    {
        opro::journal journal = opro::journal::make(path, more);
        opro::run run = opro::run::make(two_instances(), more);
        run.resume(journal);
        CHECK(run.trajectory().hash() == hash && !run.stopped());
        CHECK(journal.count(OPRO_JOURNAL_REPLAYED) > 10 && journal.torn_file().empty());
        while (const auto request = run.next())
            answer(*request);
        journal.sync();
        journal.close();
    }
    opro::journal journal = opro::journal::make(path);
    std::size_t steps = 0, scores = 0;
    while (const auto entry = journal.next()) {
        if (entry->kind() == OPRO_ENTRY_STEP) CHECK(entry->step() == static_cast<int>(steps++));
        if (entry->kind() == OPRO_ENTRY_SCORES) scores += entry->scores().size();
        if (entry->kind() == OPRO_ENTRY_REPLY) CHECK(!entry->text().empty() && entry->id() != 0);
        if (entry->kind() == OPRO_ENTRY_USAGE) CHECK(entry->usage().prompt_tokens == 10);
        CHECK(entry->record() >= 0 && entry->ms() >= 0);
    }
    CHECK(steps == 3 && scores > 20);
    THROWS(std::logic_error, drive(two_instances(), few).set_journal(journal));
    unlink(path.c_str());
}

} // namespace

int main() {
    ask_and_tell();
    answers_may_come_later();
    drivers_step();
    threads_post();
    tours();
    scorers_of_kits();
    if (opro::has_feature(OPRO_FEATURE_JOURNAL)) journals_keep_runs();
    return failures != 0;
}
