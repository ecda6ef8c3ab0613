// SPDX-License-Identifier: MIT
//
// Hosts in C++ whose callbacks throw: the rule of opro.h, "Hosts that misbehave". One that keeps to
// it loses nothing; with one that does not, the process ends in a defined way, or the exception
// comes through, and what was under way stays where it was.
#include <opro/opro.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"

static int failures = 0;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

// Where callbacks throw.
enum Kind { CHECKS, PROPOSES, SCORES, OBSERVES, CLOCKS, LOGS, KINDS };

struct Host {
    Kind where;
    bool keeps;              // what was thrown, as the rule says
    std::exception_ptr kept; // ... here
    int thrown;
};

static void may_throw(Host *host, Kind kind) {
    if (kind != host->where || host->thrown++) return;
    throw std::runtime_error("not today");
}

// To be called first in a callback: what it shall return, if not OPRO_OK.
static int32_t guarded(void *user_data, Kind kind) {
    Host *host = static_cast<Host *>(user_data);
    if (!host->keeps) {
        may_throw(host, kind);
        return OPRO_OK;
    }
    try {
        may_throw(host, kind);
        return OPRO_OK;
    } catch (...) {
        host->kept = std::current_exception();
        return OPRO_ERR_USER_FIRST;
    }
}

extern "C" {
static int32_t check(const opro_problem *, const char *, size_t, opro_sink *sink, void *host) {
    const int32_t st = guarded(host, CHECKS);
    return st == OPRO_OK ? opro_sink_count(sink, 0) : st;
}

static int32_t propose(opro_run *run, opro_request *request, void *host) {
    const int32_t st = guarded(host, PROPOSES);
    const uint64_t id = opro_request_id(request);
    for (size_t i = 0; i < opro_request_samples(request) && st == OPRO_OK; i++) {
        const std::string text = "<INS>" + std::to_string(id) + "." + std::to_string(i) + "</INS>";
        opro_run_answer_reply(run, id, i, 0, text.c_str(), text.size());
    }
    return st;
}

static int32_t score(opro_run *run, opro_request *request, void *host) {
    const int32_t st = guarded(host, SCORES);
    const double half = 0.5;
    return st == OPRO_OK ? opro_run_answer_scores(run, opro_request_id(request), &half, 1) : st;
}

static int32_t observe(opro_run *, const opro_event *, void *host) {
    return guarded(host, OBSERVES);
}

static int32_t look_at_clock(opro_driver *, opro_sink *sink, void *host) {
    const int32_t st = guarded(host, CLOCKS);
    return st == OPRO_OK ? opro_sink_count(sink, 0) : st;
}

static void hear(int32_t, const char *, const char *, size_t, void *host) {
    guarded(host, LOGS);
}
}

static opro_driver *make(Host *host, const opro_allocator *mem) {
    opro_problem *problem = nullptr;
    opro_config *config = nullptr;
    opro_optimizer *optimizer = nullptr;
    opro_scorer *scorer = nullptr;
    opro_driver *driver = nullptr;

    opro_problem_new(&problem, mem);
    opro_problem_set_check_fn(problem, check, host, nullptr);
    opro_config_new(&config, mem);
    opro_config_set_int(config, OPRO_OPT_STEPS, 2);
    opro_config_set_log(config, OPRO_LOG_DEBUG, hear, host, nullptr);
    opro_optimizer_new(&optimizer, propose, host, nullptr, mem);
    opro_scorer_new(&scorer, score, host, nullptr, mem);
    CHECK(opro_driver_new(&driver, problem, config, mem) == OPRO_OK);
    opro_driver_set_optimizer(driver, optimizer);
    opro_driver_set_scorer(driver, scorer);
    opro_driver_set_observer(driver, observe, host, nullptr);
    opro_driver_set_clock_fn(driver, look_at_clock, host, nullptr);
    opro_optimizer_free(optimizer);
    opro_scorer_free(scorer);
    opro_config_free(config);
    opro_problem_free(problem);
    return driver;
}

// Catch it, keep it, return OPRO_ERR_USER_FIRST: the call fails with that, all can be freed, and
// the host throws again what it kept. A log has nothing to return: the run goes on.
static void who_keeps_what_it_throws_loses_nothing(Kind kind) {
    Host host = {kind, true, nullptr, 0};
    opro_driver *driver = make(&host, nullptr);
    const opro_status st = opro_driver_run(driver);
    std::string caught;

    CHECK(st == (kind == LOGS ? OPRO_OK : OPRO_ERR_USER_FIRST));
    CHECK(opro_error_status(opro_driver_error(driver)) == st);
    if (kind != CLOCKS) // which stops nothing: the next look may succeed
        CHECK(opro_run_stop_reason(opro_driver_run_handle(driver)) ==
              (kind == LOGS ? OPRO_STOP_STEPS : OPRO_STOP_ERROR));
    opro_driver_free(driver);
    CHECK(host.kept != nullptr);
    try {
        std::rethrow_exception(host.kept);
    } catch (const std::exception &e) {
        caught = e.what();
    }
    CHECK(caught == "not today");
}

// In a process of its own, which ends by a signal, or with this.
static int throw_out(Kind kind) {
    static arena lost; // so that a process which ends here has no leaks
    const opro_allocator mem = arena_open(&lost);
    Host host = {kind, false, nullptr, 0};
    opro_driver *driver = make(&host, &mem);
    std::string caught;

    try {
        opro_driver_run(driver);
    } catch (const std::exception &e) {
        caught = e.what();
    }
    CHECK(caught == "not today");
    CHECK(opro_driver_run(driver) == OPRO_ERR_REENTRANT);
    CHECK(opro_error_status(opro_driver_error(driver)) == OPRO_ERR_REENTRANT);
    opro_driver_free(driver); // refused
    CHECK(!arena_is_empty(&lost));
    CHECK(opro_trajectory_count(opro_driver_trajectory(driver)) >= 0);
    CHECK(opro_driver_stop(driver) == OPRO_OK);
    who_keeps_what_it_throws_loses_nothing(kind); // others are not concerned
    return failures;
}

static void who_throws_out_of_a_callback_comes_through_or_is_terminated(Kind kind) {
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        if (throw_out(kind) == 0) std::raise(SIGKILL); // an exit would be a leak
        std::raise(SIGTERM);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGABRT));
}

int main() {
    for (int kind = 0; kind < KINDS; kind++) {
        who_keeps_what_it_throws_loses_nothing(static_cast<Kind>(kind));
        who_throws_out_of_a_callback_comes_through_or_is_terminated(static_cast<Kind>(kind));
    }
    std::printf("%d kinds of callbacks: %d failures\n", static_cast<int>(KINDS), failures);
    return failures != 0;
}
