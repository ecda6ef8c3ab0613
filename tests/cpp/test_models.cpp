// SPDX-License-Identifier: MIT
//
// Clients of models, calls and exams in C++, and what their callbacks throw.
#include <opro/opro.hpp>

#include <poll.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "endpoint.hpp"

namespace {

struct oops {
    int number;
};

// What a callback of the client's throws comes out of poll() or its kin, once.
template <class F> void comes_out(int number, F &&call) {
    int caught = 0;
    for (int i = 0; i < 1000 && caught == 0; i++)
        try {
            if (call() == OPRO_DONE) break;
        } catch (const oops &thrown) {
            caught = thrown.number;
        }
    CHECK(caught == number);
    opro::check(OPRO_OK);
}

opro::model client(const std::string &url) {
    opro::model model = opro::model::make(opro::config::make({{"model_attempts", 1}}));
    model.set_base_url(url).set_name("tiny").set_header("x-test", "1").remove_header("x-test");
    model.set_parameter("top_k", "4").remove_parameter("top_k").set_proxy("");
    return model;
}

opro::call question(const opro::model &model) {
    opro::call call = opro::call::make(model);
    call.add_message(OPRO_ROLE_SYSTEM, "Be brief.").add_message(OPRO_ROLE_USER, "What is 6 * 7?");
    call.set_temperature(0.5).set_max_tokens(20).set_seed(3).add_stop("\n").set_deadline(20000);
    return call;
}

void calls_are_answered(const std::string &url) {
    opro::model model = client(url);
    model.set_key("secret");
    std::vector<std::int32_t> heard;
    opro::call call = question(model);
    call.set_samples(2);
    call.submit([&](opro::call_view answered, std::int32_t event, std::size_t index) {
        heard.push_back(event);
        if (event == OPRO_CALL_REPLY) CHECK(answered.reply(index) == "It is 42");
    });
    while (model.poll(1000) != OPRO_DONE)
        continue;
    CHECK(call.over() && heard.size() == 3 && heard.back() == OPRO_CALL_DONE);
    CHECK(call.outcome_of(1) == OPRO_OUTCOME_WHOLE && call.finish() == "stop");
    CHECK(call.status() == OPRO_OK && call.failure() == OPRO_FAILURE_NONE && call.error().empty());
    CHECK(call.figure(OPRO_CALL_PROMPT_TOKENS) >= 7 && call.reasoning().empty());
    CHECK(model.figure(OPRO_MODEL_REQUESTS) >= 1 && model.fd() >= 0 && model.timeout() >= -1);
    THROWS(std::logic_error, call.add_message(OPRO_ROLE_USER, "too late"));
    THROWS(std::invalid_argument, opro::call::make(model).set_samples(0));
    opro::call moved = std::move(call);
    THROWS(std::logic_error, moved.set_seed(1)); // its messages are still those of the model
    model.wakeup();
}

void calls_throw(const std::string &url) {
    opro::model model = client(url);
    opro::call call = question(model);
    const auto token = std::make_shared<int>(0);
    call.submit([token](opro::call_view, std::int32_t event, std::size_t) {
        if (event == OPRO_CALL_DONE) throw oops{1};
    });
    comes_out(1, [&] { return model.poll(1000); });
    CHECK(call.over() && token.use_count() == 2);
    call.reset();
    CHECK(token.use_count() == 1);

    model = client(url);
    call = question(model);
    model.set_key_source([]() -> std::string { throw oops{2}; });
    call.submit();
    comes_out(2, [&] { return model.poll(1000); });

    // Sockets are told of from many functions of the client: whichever it was.
    model = client(url);
    call = question(model);
    comes_out(3, [&] {
        model.set_sockets([](std::int64_t, std::int32_t) { throw oops{3}; });
        model.set_timer([](std::int64_t) {});
        call.submit();
        return model.timer_action();
    });
    call.reset();

    model = client(url);
    call = question(model);
    model.set_sockets([](std::int64_t, std::int32_t) {});
    comes_out(4, [&] {
        model.set_timer([](std::int64_t) { throw oops{4}; });
        call.submit();
        return OPRO_DONE;
    });
}

// Sockets in a loop of the host's.
void loops_of_hosts(const std::string &url) {
    std::map<std::int64_t, std::int32_t> watched; // which the client speaks to until it is gone
    std::int64_t due = -1;
    opro::model model = client(url);
    model.set_sockets([&](std::int64_t fd, std::int32_t events) {
        if (events == OPRO_POLL_NONE)
            watched.erase(fd);
        else
            watched[fd] = events;
    });
    model.set_timer([&](std::int64_t ms) { due = ms; });
    THROWS(std::logic_error, model.poll(0));
    opro::call call = question(model);
    call.submit();
    for (int i = 0; i < 10000 && !call.over(); i++) {
        std::vector<pollfd> sockets;
        for (const auto &[fd, events] : watched)
            sockets.push_back({static_cast<int>(fd),
                               static_cast<short>((events & OPRO_POLL_IN ? POLLIN : 0) |
                                                  (events & OPRO_POLL_OUT ? POLLOUT : 0)),
                               0});
        const int wait = due < 0 || due > 1000 ? 1000 : static_cast<int>(due);
        if (::poll(sockets.data(), sockets.size(), wait) == 0) model.timer_action();
        for (const pollfd &one : sockets)
            if (one.revents)
                model.socket_action(one.fd,
                                    (one.revents & POLLIN ? OPRO_POLL_IN : 0) |
                                        (one.revents & POLLOUT ? OPRO_POLL_OUT : 0) |
                                        (one.revents & (POLLERR | POLLHUP) ? OPRO_POLL_ERROR : 0));
    }
    CHECK(call.over() && call.reply() == "It is 42");
}

opro::dataset sums() {
    opro::dataset examples = opro::dataset::make();
    examples.add("What is 6 * 7?", "42").add("What is 40 + 2?", "42").add("What is 1 + 1?", "2");
    return examples;
}

void exams(const std::string &url) {
    const opro::dataset examples = sums();
    opro::model model = client(url);
    opro::examiner examiner = opro::examiner::make(examples, {}, model);
    std::size_t decided = 0;
    examiner.add_shot("What is 2 + 2?", "4").set_template(OPRO_ROLE_SYSTEM, "Be brief.");
    examiner.remove_template(OPRO_ROLE_SYSTEM).set_judge({});
    examiner.set_observer([&](opro::exam_view exam, std::size_t index) {
        CHECK(exam.count() == 3 && !exam.reply(index).empty());
        decided++;
    });
    examiner.build("Think.", 1);
    CHECK(examiner.messages() == 3);
    CHECK(examiner.message(2).text.find("40 + 2") != std::string_view::npos);
    CHECK(examiner.message(0).role == OPRO_ROLE_USER);

    opro::exam exam = opro::exam::make(examiner, "Think.", {0, 1, 2});
    CHECK(exam.count() == 3 && exam.known() == 0 && std::isnan(exam.mean()));
    bool over = false;
    exam.begin(
        [&](opro::exam_view, std::int32_t event, std::size_t) { over = event == OPRO_EXAM_DONE; });
    while (!exam.over())
        model.poll(1000);
    CHECK(over && decided == 3 && exam.known() == 3 && std::fabs(exam.mean() - 2.0 / 3) < 1e-9);
    CHECK(exam.example(2) == 2 && exam.score(2) < 0.5 && exam.extracted(0) == "42");
    CHECK(exam.reply(0) == "It is 42" && exam.second_reply(0).empty() && exam.fault(0).empty());
    CHECK(!exam.rule(0).empty() && exam.figure(OPRO_EXAM_CALLS) == 3);
    CHECK(exam.interval().low < exam.mean() && exam.interval().high > exam.mean());
    THROWS(std::logic_error, exam.begin());

    const opro::problem problem = opro::problem::dataset(examples);
    const auto config = opro::config::make({{"steps", 2}});
    const auto calls = examiner.estimate(problem, {}, config, OPRO_ESTIMATE_SCORER_CALLS);
    CHECK(calls.low <= calls.likely && calls.likely <= calls.high && calls.high >= 3);
}

void exams_throw(const std::string &url) {
    const opro::dataset examples = sums();
    opro::model model = client(url);
    opro::examiner examiner = opro::examiner::make(examples, {}, model);
    opro::exam exam = opro::exam::make(examiner, "", {0});
    exam.begin([](opro::exam_view, std::int32_t, std::size_t) { throw oops{5}; });
    comes_out(5, [&] { return model.poll(1000); });
    while (!exam.over())
        model.poll(1000);

    examiner.set_observer([](opro::exam_view, std::size_t) { throw oops{6}; });
    exam = opro::exam::make(examiner, "Again.", {0});
    exam.begin();
    comes_out(6, [&] { return model.poll(1000); });
}

// A driver with a model that proposes and one that is examined.
void models_in_drivers(const std::string &url) {
    opro::dataset examples = sums();
    examples.split_published(0.7, 0);
    CHECK(examples.split_of(OPRO_TRAIN).size() == 2);
    examples.set_split(OPRO_TRAIN, {0, 1, 2}).set_skip_bad(true);
    CHECK(examples.skipped() == 0 && examples.count() == 3 && examples.digest() != 0);
    opro::model model = client(url);
    const opro::examiner examiner = opro::examiner::make(examples, {}, model);
    opro::problem problem = opro::problem::dataset(examples);
    problem.add_initial("Count.");
    opro::driver driver = opro::driver::make(
        problem, opro::config::make(
                     {{"steps", 1}, {"samples_per_step", 2}, {"race", "off"}, {"confirm", "off"}}));
    driver.set_optimizer(opro::optimizer::model(model));
    driver.set_scorer(opro::scorer::exam(examiner));
    CHECK(driver.run() == OPRO_OK);
    CHECK(driver.trajectory().find("Count.")->scores() == std::vector<double>{1, 1, 0});
}

} // namespace

int main() {
    const endpoint answers("It is 42");
    const std::string &url = answers.url();
    calls_are_answered(url);
    calls_throw(url);
    loops_of_hosts(url);
    exams(url);
    exams_throw(url);
    models_in_drivers(url);
    return failures != 0;
}
