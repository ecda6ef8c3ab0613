// SPDX-License-Identifier: MIT
//
// Handles, errors, options, problems, trajectories and memory in C++.
#include <opro/opro.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "check.hpp"

using namespace std::string_view_literals;

namespace {

template <class Handle> void owns_one_pointer() {
    static_assert(!std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle>);
    static_assert(std::is_nothrow_move_constructible_v<Handle>);
    static_assert(std::is_nothrow_move_assignable_v<Handle>);
    static_assert(std::is_nothrow_destructible_v<Handle>);
    static_assert(std::is_nothrow_default_constructible_v<Handle>);
    static_assert(std::is_same_v<Handle, opro::call> || std::is_same_v<Handle, opro::exam> ||
                  sizeof(Handle) == sizeof(void *));
}

template <class... Handles> void own_one_pointer_each() {
    (owns_one_pointer<Handles>(), ...);
}

void handles_are_as_large_as_pointers() {
    own_one_pointer_each<opro::config, opro::problem, opro::trajectory, opro::meta_prompt,
                         opro::request_copy, opro::run, opro::optimizer, opro::scorer, opro::driver,
                         opro::tour, opro::dataset, opro::metric, opro::model, opro::call,
                         opro::examiner, opro::exam, opro::journal>();
    static_assert(std::is_trivially_copyable_v<opro::candidate>);
    static_assert(std::is_trivially_copyable_v<opro::trajectory_view>);
    static_assert(std::is_trivially_copyable_v<opro::request>);
    static_assert(std::is_trivially_copyable_v<opro::run_ref>);
    static_assert(std::is_trivially_copyable_v<opro::inbox>);
}

// Through a reference, since compilers warn of it.
template <class T> void move_to(T &to, T &from) {
    to = std::move(from);
}

void handles_move() {
    opro::problem a = opro::problem::text();
    opro_problem *const raw = a.get();
    opro::problem b = std::move(a);
    CHECK(b.get() == raw);
    move_to(a, b);
    CHECK(a.get() == raw && !b);
    move_to(a, a);
    CHECK(a.get() == raw);
    std::swap(a, b);
    CHECK(b.get() == raw && !a);
    b = opro::problem::text();
    CHECK(b && b.direction() == OPRO_MAXIMIZE);
    b.reset();
    CHECK(!b);
    b.reset();
    THROWS(std::invalid_argument, b.set_direction(OPRO_MINIMIZE)); // an empty one is no crash
}

void handles_come_from_c_and_go_there() {
    opro_problem *raw = nullptr;
    CHECK(opro_problem_new(&raw, nullptr) == OPRO_OK);
    opro::problem mine(raw);
    CHECK(mine.set_description("count").description() == "count"sv);
    CHECK(mine.release() == raw && !mine);
    opro_problem_free(raw);
}

void shares_outlive_handles() {
    opro::driver driver;
    {
        const opro::problem problem = opro::problem::function(OPRO_FUNCTION_SPHERE, 2);
        driver = opro::driver::make(problem, opro::config::make({{"steps", 2}}));
        driver.set_optimizer(opro::optimizer::local(problem));
        driver.set_scorer(opro::scorer::function(OPRO_FUNCTION_SPHERE));
    }
    CHECK(driver.run() == OPRO_OK);
    CHECK(driver.run_handle().problem().vector_dimension() == 2);
}

// Each status has its class, and all of them are opro::error and std::exception.
template <class Base> void is_thrown_for(opro_status status) {
    THROWS(Base, opro::check(status));
    THROWS(opro::error, opro::check(status));
    THROWS(std::exception, opro::check(status));
    try {
        opro::check(status);
    } catch (const opro::error &error) {
        const opro::error &same = error;
        CHECK(same.status() == status);
        CHECK(std::strcmp(error.what(), opro_status_name(status)) == 0);
    }
    try {
        opro::check(status);
    } catch (const std::exception &error) {
        CHECK(std::strcmp(error.what(), opro_status_name(status)) == 0);
    }
}

void statuses_are_exceptions() {
    is_thrown_for<std::bad_alloc>(OPRO_ERR_NOMEM);
    is_thrown_for<std::invalid_argument>(OPRO_ERR_INVALID);
    is_thrown_for<std::out_of_range>(OPRO_ERR_UNKNOWN);
    is_thrown_for<std::length_error>(OPRO_ERR_LIMIT);
    is_thrown_for<std::logic_error>(OPRO_ERR_STATE);
    is_thrown_for<std::logic_error>(OPRO_ERR_REENTRANT);
    const opro_status others[] = {OPRO_ERR_UNSUPPORTED, OPRO_ERR_ABI,
                                  OPRO_ERR_CALLBACK,    OPRO_ERR_STALE,
                                  OPRO_ERR_PARSE,       OPRO_ERR_REJECTED,
                                  OPRO_ERR_FAILED,      OPRO_ERR_TIMEOUT,
                                  OPRO_ERR_USER_FIRST,  -7};
    for (const opro_status status : others)
        is_thrown_for<std::runtime_error>(status);
    opro::check(OPRO_OK);
    opro::check(OPRO_WAIT);
}

void messages_come_along() {
    opro::config config;
    try {
        config.set("stpes", 3);
        CHECK(false);
    } catch (const std::out_of_range &error) {
        CHECK(std::string_view(error.what()).find("did you mean \"steps\"") != std::string::npos);
    }
    try { // whose message is at the problem
        opro::run::make(opro::problem::text().add_initial("x").set_instances(1), // of a limit
                        opro::config::make({{"max_scorer_calls", 1}, {"confirm", "on"}}));
        CHECK(false);
    } catch (const opro::error &error) {
        CHECK(std::strlen(error.what()) > std::strlen("OPRO_ERR_INVALID: "));
    }
}

void options_are_set_by_id_name_and_type() {
    auto config = opro::config::make({{OPRO_OPT_STEPS, 7},
                                      {"mode", OPRO_MODE_STEADY},
                                      {"order", "random"},
                                      {"temperature", 1},
                                      {OPRO_OPT_LOCAL_FLOOR, 0.25},
                                      {"target_score", "none"}});
    CHECK(config.get_int("steps") == 7);
    CHECK(config.get_int(OPRO_OPT_MODE) == OPRO_MODE_STEADY);
    CHECK(config.get_int("order") == OPRO_ORDER_RANDOM);
    CHECK(config.get_real("temperature") == 1.0);
    CHECK(config.get_real("local_floor") == 0.25);
    CHECK(std::isnan(config.get_real("target_score")));
    config.set("steps", std::string("9")).set("forbid_digits", true).set("seed", std::size_t{5});
    CHECK(config.get_int("steps") == 9 && config.get_int("forbid_digits") == 1);

    THROWS(std::out_of_range, config.set(99999, 1));
    THROWS(std::out_of_range, config.set("", 1));
    THROWS(std::out_of_range, config.get_int("nothing"));
    THROWS(std::invalid_argument, config.set("steps", 1.5));
    THROWS(std::invalid_argument, config.set("steps", -1));
    THROWS(std::invalid_argument, config.set("seed", std::numeric_limits<std::uint64_t>::max()));
    THROWS(std::invalid_argument, config.get_real("steps"));
    CHECK(config.get_int("steps") == 9);
}

void empty_configs_are_defaults() {
    opro::config config;
    CHECK(!config);
    CHECK(config.get_int("steps") == 200 && config.get_real("temperature") == 1.0);
    CHECK(config.digest() == opro::config::make().digest());
    CHECK(config.clone().digest() == config.digest());
    config.set("steps", 3);
    CHECK(config && config.clone().get_int("steps") == 3);
    CHECK(config.digest() != opro::config::make().digest());
}

void options_can_be_listed() {
    std::size_t n = 0;
    while (opro::option::at(n).id() != 0)
        n++;
    CHECK(n > 50);
    const opro::option mode("mode");
    CHECK(mode.id() == OPRO_OPT_MODE && mode.name() == "mode" && mode.type() == OPRO_TYPE_CHOICE);
    CHECK(!mode.help().empty() && mode.choice(1).name == "steady");
    CHECK(mode.choice(1).value == OPRO_MODE_STEADY && mode.choice(2).name.empty());
    const opro::option floor(OPRO_OPT_LOCAL_FLOOR);
    CHECK(floor.min() >= 0 && floor.max() <= 1 && floor.default_value() > 0);
}

void problems_of_all_kinds() {
    opro::problem vector = opro::problem::vector({-1, -2}, {1, 2});
    vector.set_vector_names({"left", "right"}).set_score_name("loss").set_score_range(0, 10);
    CHECK(vector.vector_dimension() == 2 && vector.direction() == OPRO_MINIMIZE);
    CHECK(vector.vector_format({0.5, -2}) == "0.5, -2");
    CHECK(vector.vector_parse("0.5, -2") == std::vector<double>{0.5, -2});
    THROWS(opro::error, vector.vector_parse("0.5"));
    THROWS(std::invalid_argument, opro::problem::vector({1}, {1, 2}));
    THROWS(std::invalid_argument, opro::problem::vector({2}, {1}));
    CHECK(opro::problem::integers({0}, {9}).vector_format({3}) == "3");

    const opro::problem cycle = opro::problem::permutation(4, OPRO_PERMUTATION_CYCLE);
    CHECK(cycle.permutation_size() == 4 && cycle.vector_dimension() == 0);
    CHECK(cycle.permutation_format({2, 1, 0, 3}) == "0,3,2,1");
    CHECK(cycle.permutation_parse("0,3,2,1") == std::vector<std::int32_t>{0, 3, 2, 1});
    CHECK(opro::problem::regression(-10, 10).vector_dimension() == 2);

    opro::problem text = opro::problem::text();
    text.set_description("d").set_instances(3, 2).set_score_display(OPRO_DISPLAY_DECIMALS, 2);
    text.add_initial("one").add_initial("two").add_exemplar("1 + 1", "2");
    CHECK(text.initial_count() == 2 && text.exemplar_count() == 1);
    CHECK(text.instances() == 3 && text.instances(OPRO_VALIDATION) == 2);
    CHECK(text.digest() != opro::problem::text().digest());
    CHECK(text.add_initial("zero\0zero"sv.substr(0, 4)).initial_count() == 3);
}

void trajectories_are_ranges() {
    opro::trajectory all = opro::trajectory::make(OPRO_MAXIMIZE);
    CHECK(!all.best() && all.begin() == all.end());
    CHECK(all.add("a", {0.25, 0.75}) == 0);
    CHECK(all.add("b", {1, 1}) == 1);
    CHECK(all.add("c", {0, 0}) == 2);
    THROWS(std::invalid_argument, all.add("a", {1}));

    std::string texts;
    double sum = 0;
    for (const opro::candidate one : all) {
        texts += one.text();
        sum += one.score();
    }
    CHECK(texts == "abc" && sum == 1.5);
    CHECK(all.best()->text() == "b" && all.best()->verdict() == OPRO_VERDICT_SCORED);
    CHECK(all.top(2).size() == 2 && all.top(2)[1].text() == "a" && all.top(9).size() == 3);
    CHECK(all.find("c")->number() == 2 && !all.find("d"));
    CHECK(all.at(0).scores() == std::vector<double>{0.25, 0.75} && all.at(0).detail().empty());
    CHECK(all.at(0).interval().low < 0.5 && all.at(0).interval().high > 0.5);
    THROWS(opro::error, all.at(7).interval());
    CHECK(std::isnan(all.at(7).score()) && all.at(7).text().data() == nullptr);
    CHECK(opro::mean_interval({1, 1, 1, 0}).low < 0.75);

    const opro::trajectory_view view = all; // and a view of it is a pointer
    CHECK(view.count() == 3 && view.hash() == all.hash());
}

void spans_take_what_is_in_a_row() {
    const std::vector<double> vector = {1, 2};
    const double array[] = {3, 4, 5};
    double changed[] = {6};
    const auto sum = [](opro::span<const double> row) {
        double all = 0;
        for (const double x : row)
            all += x;
        return all;
    };
    CHECK(sum(vector) == 3 && sum(array) == 12 && sum({1.5, 2.5}) == 4 && sum({}) == 0);
    CHECK(sum(std::vector<double>{7}) == 7 && sum({array, 2}) == 7);
    const opro::span<double> some = changed;
    some[0] = 8;
    CHECK(sum(some) == 8 && !some.empty());
    static_assert(!std::is_convertible_v<std::vector<int> &, opro::span<const double>>);
    static_assert(!std::is_convertible_v<const std::vector<double> &, opro::span<double>>);
}

// A memory resource that counts, and has an end.
class bounded final : public std::pmr::memory_resource {
  public:
    explicit bounded(std::size_t most) : most_(most) {
    }
    std::size_t used() const {
        return used_;
    }
    std::size_t calls() const {
        return calls_;
    }

  private:
    void *do_allocate(std::size_t n, std::size_t alignment) override;
    void do_deallocate(void *p, std::size_t n, std::size_t alignment) override {
        used_ -= n;
        std::pmr::new_delete_resource()->deallocate(p, n, alignment);
    }
    bool do_is_equal(const memory_resource &other) const noexcept override {
        return this == &other;
    }
    std::size_t most_, used_ = 0, calls_ = 0;
};

void *bounded::do_allocate(std::size_t n, std::size_t alignment) {
    calls_++;
    if (used_ + n > most_) throw std::bad_alloc();
    used_ += n;
    return std::pmr::new_delete_resource()->allocate(n, alignment);
}

void memory_comes_from_where_it_is_told() {
    bounded pool(1 << 20);
    {
        opro::trajectory all = opro::trajectory::make(OPRO_MAXIMIZE, &pool);
        for (int i = 0; i < 100; i++)
            all.add(std::to_string(i), {i / 100.0});
        CHECK(pool.used() > 1000 && all.best()->text() == "99");
    }
    CHECK(pool.used() == 0 && pool.calls() > 2);

    bounded nothing(0);
    THROWS(std::bad_alloc, opro::trajectory::make(OPRO_MAXIMIZE, &nothing));
    THROWS(opro::error, opro::problem::text(&nothing));
    bounded little(1 << 18);
    opro::trajectory all = opro::trajectory::make(OPRO_MAXIMIZE, &little);
    try {
        for (int i = 0;; i++)
            all.add(std::to_string(i), {0.5});
    } catch (const std::bad_alloc &) {
        CHECK(all.count() > 0 && all.at(0).text() == "0"); // as before
    }
    opro_allocator bad = {};
    bad.size = 1;
    bad.alloc = [](std::size_t, void *) -> void * { return nullptr; };
    THROWS(opro::error, opro::problem::text(bad));
    bad.alloc = nullptr;
    THROWS(opro::error, opro::problem::text(bad));
    CHECK(opro::problem::text(nullptr));
}

void small_functions() {
    CHECK(opro::status_name(OPRO_ERR_STALE) == "OPRO_ERR_STALE");
    CHECK(opro::version_num() == OPRO_VERSION_NUM && !opro::version_string().empty());
    CHECK(opro::abi_epoch() >= 0 && opro::has_feature(OPRO_FEATURE_THREADS));
    CHECK(opro::function_find("ackley") == OPRO_FUNCTION_ACKLEY);
    CHECK(opro::function_name(OPRO_FUNCTION_SPHERE) == "sphere");
    CHECK(opro::function_name(1).empty());
    CHECK(opro::function_value(OPRO_FUNCTION_SPHERE, {3, 4}) == 25);
    CHECK(opro::stop_reason_name(OPRO_STOP_TARGET) == "target");
    CHECK(opro::origin_name(OPRO_ORIGIN_LOCAL_CMA) == "cma");
    CHECK(opro::failure_name(OPRO_FAILURE_RATE) == "rate");
    CHECK(opro::estimate_tokens("one two three") > 2);
}

} // namespace

int main() {
    handles_are_as_large_as_pointers();
    handles_move();
    handles_come_from_c_and_go_there();
    shares_outlive_handles();
    statuses_are_exceptions();
    messages_come_along();
    options_are_set_by_id_name_and_type();
    empty_configs_are_defaults();
    options_can_be_listed();
    problems_of_all_kinds();
    trajectories_are_ranges();
    spans_take_what_is_in_a_row();
    memory_comes_from_where_it_is_told();
    small_functions();
    return failures != 0;
}
