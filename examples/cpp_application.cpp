// A program in C++: in which order shall jobs go through three machines, so that the last one is
// done early? Threads score, a journal keeps what they found, local search or a model proposes.
//
//     cpp_application [--steps N] [--journal FILE] [--model BASE_URL NAME]
//
// The same line again goes on with the journal.
#include <opro/opro.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

// Minutes of each job on each machine.
using Job = std::array<int, 3>;
const std::vector<Job> jobs = {{15, 32, 8},  {41, 7, 22},  {9, 28, 35}, {30, 12, 17},
                               {22, 40, 5},  {6, 19, 44},  {37, 3, 29}, {18, 25, 11},
                               {27, 14, 38}, {11, 36, 20}, {33, 21, 2}, {4, 10, 31}};

// A machine takes one job at a time, and all machines take them in the same order.
double minutes(const std::vector<std::int32_t> &order) {
    Job free = {0, 0, 0}; // when each machine is
    for (const std::int32_t number : order) {
        int ready = 0;
        for (std::size_t machine = 0; machine < free.size(); machine++) {
            const int start = std::max(ready, free[machine]);
            ready = free[machine] = start + jobs[static_cast<std::size_t>(number)][machine];
        }
    }
    return free.back();
}

// Threads that score orders and post what they found to a driver.
class Workers {
  public:
    Workers(opro::inbox inbox, opro::problem_view problem, unsigned count) {
        for (unsigned i = 0; i < count; i++)
            threads_.emplace_back([this, inbox, problem] { work(inbox, problem); });
    }
    Workers(const Workers &) = delete;
    Workers &operator=(const Workers &) = delete;
    ~Workers() {
        {
            const std::lock_guard<std::mutex> hold(lock_);
            closing_ = true;
        }
        changed_.notify_all();
        for (std::thread &thread : threads_)
            thread.join();
    }
    void score(std::uint64_t id, std::string_view order) {
        const std::lock_guard<std::mutex> hold(lock_);
        waiting_.emplace(id, order);
        changed_.notify_one();
    }

  private:
    void work(opro::inbox inbox, opro::problem_view problem) {
        std::unique_lock<std::mutex> hold(lock_);
        for (;;) {
            changed_.wait(hold, [this] { return closing_ || !waiting_.empty(); });
            if (closing_) return;
            const auto [id, order] = std::move(waiting_.front());
            waiting_.pop();
            hold.unlock();
            inbox.post_scores(id, {minutes(problem.permutation_parse(order))});
            hold.lock();
        }
    }

    std::mutex lock_;
    std::condition_variable changed_;
    std::queue<std::pair<std::uint64_t, std::string>> waiting_;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

struct Options {
    std::string steps = "40", journal, base_url, model;
};

Options read_options(int argc, char **argv) {
    Options all;
    for (int i = 1; i < argc; i++) {
        const std::string_view name = argv[i];
        const auto next = [&] {
            if (++i == argc) throw std::invalid_argument(std::string(name) + " wants a value");
            return std::string(argv[i]);
        };
        if (name == "--steps")
            all.steps = next();
        else if (name == "--journal")
            all.journal = next();
        else if (name == "--model")
            all.base_url = next(), all.model = next();
        else
            throw std::invalid_argument("unknown option " + std::string(name));
    }
    return all;
}

opro::optimizer make_optimizer(const Options &options, const opro::problem &problem,
                               const opro::config &config) {
    if (options.base_url.empty()) return opro::optimizer::local(problem, config);
    opro::model client = opro::model::make(config);
    client.set_base_url(options.base_url).set_name(options.model).set_from_env();
    return opro::optimizer::model(client); // which has a share of it
}

void report(const opro::event &event) {
    if (event.kind() == OPRO_EVENT_NEW_BEST && !event.run().replaying())
        std::cout << "step " << event.step() << ": " << event.score() << " minutes\n";
}

void optimize(const Options &options) {
    const opro::config config =
        opro::config::make({{"steps", options.steps}, {"journal_sync", "step"}});
    opro::problem problem = opro::problem::permutation(jobs.size(), OPRO_PERMUTATION_ORDER);
    problem.set_score_name("minutes").set_description(
        "Jobs go through three machines in the same order. Find the order in which the last job is "
        "done earliest.");

    opro::driver driver = opro::driver::make(problem, config);
    Workers workers(driver, problem, 4); // they end before the driver does
    driver.set_optimizer(make_optimizer(options, problem, config));
    driver.set_scorer(opro::scorer::make([&workers](const opro::request &request) {
        workers.score(request.id(), request.text());
        return OPRO_PENDING;
    }));
    driver.set_observer(report);
    if (!options.journal.empty()) driver.set_journal(opro::journal::make(options.journal, config));
    driver.run();

    const opro::run_ref run = driver.run_handle();
    const auto best = run.winner();
    if (!best) throw std::runtime_error("no order was scored");
    std::cout << "best of " << run.trajectory().scored() << ": " << best->text() << ", "
              << best->score() << " minutes (stopped by "
              << opro::stop_reason_name(run.stop_reason()) << ")\n";
}

} // namespace

int main(int argc, char **argv) {
    try {
        optimize(read_options(argc, argv));
    } catch (const std::exception &error) { // those of the library as well
        std::cerr << "cpp_application: " << error.what() << "\n";
        return 1;
    }
}
