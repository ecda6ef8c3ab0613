// SPDX-License-Identifier: MIT
//
// libopro in C++17: the functions of opro.h as members of handles that free themselves, lambdas as
// callbacks, exceptions for statuses. A header, and nothing to link but libopro.
//
//     #include <opro/opro.hpp>
//
//     auto problem = opro::problem::vector({0, 0}, {20, 10});
//     auto config = opro::config::make({{"steps", 20}});
//     auto driver = opro::driver::make(problem, config);
//     driver.set_optimizer(opro::optimizer::local(problem, config));
//     driver.set_scorer(opro::scorer::vector([](opro::span<const double> x) {
//         return (x[0] - 7) * (x[0] - 7) + x[1];
//     }));
//     driver.run();
//     std::cout << driver.trajectory().best()->text() << "\n";
//
// What a function does, its limits, units and errors are said in the C headers, at the function
// whose name it has: driver::step() is opro_driver_step(). Constants are those of C. Here stands
// what is different in C++. All of it since 0.1.
//
// Handles     (run, problem, config, ...) are made by make() and by functions named after what they
//             make, own one share of a C object, and can be moved, not copied. One that was moved
//             from is empty: it can be destroyed and assigned to. get() is the C object: whatever C
//             can do can be done with it. `problem p(raw)` takes a share over from C. Where C
//             refuses a free, since the object is calling back, it is lost: destroy none there.
// Views       (request, candidate, trajectory_view, names ending in _view and _ref) are pointers:
//             copied at will, owning nothing, valid as long as what they look at; like a pointer, a
//             const one may change it. A handle is a view, too: where a view is asked for, give the
//             handle.
// Shares      are taken where C takes them: a driver holds on to its problem, optimizer and scorer,
//             so temporaries will do.
// Texts       go in as std::string_view, and are copied. They come out as std::string_view of C's
//             memory, with a NUL behind the last byte: valid until the next call that changes the
//             object (of a candidate: as long as the trajectory). An empty view has no text.
// Callbacks   are whatever can be called: lambdas, function objects, std::function. They are moved
//             into one allocation, which is freed when C says destroy: when the callback is
//             replaced, or its last user goes. They may return nothing, or an opro_status
//             (OPRO_PENDING: later); many may return their result instead, as is said at each.
//             nullptr removes one. What a lambda refers to has to outlive the handle: callbacks run
//             while that is freed, too.
// Exceptions  of callbacks do not pass through C. They are caught and kept, C hears
//             OPRO_ERR_USER_FIRST, and the call of this header that C was in throws them again, as
//             they were; of several the first. What comes out of a callback that cannot tell C
//             (logs, wakeups, calls, exams) leaves the call when its work is done; out of a
//             destructor comes nothing. After a call of C's own, by get(), use opro::check().
// Errors      C's errors are thrown as opro::error, which has status() and what(); each is also a
//             std::bad_alloc, std::invalid_argument, std::out_of_range, std::length_error,
//             std::logic_error or std::runtime_error. WAIT and DONE are no errors.
// Without     exceptions (-fno-exceptions, or OPRO_NO_EXCEPTIONS defined) functions that can fail
//             return result<T> where they else return T: it has ok(), status(), message(), and the
//             value by * and ->, and the compiler warns when it is dropped. In this header that is
//             written outcome<T>. Callbacks may return a result, too. RTTI is never needed. Files
//             with and without exceptions can be linked into one program.
// Threads     as in C: an object belongs to one thread at a time. What an inbox can do may be done
//             by any thread.
#ifndef OPRO_OPRO_HPP
#define OPRO_OPRO_HPP

#include <opro/opro.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif

#if !defined(OPRO_NO_EXCEPTIONS) && !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#define OPRO_NO_EXCEPTIONS
#endif
// The same function returns something else in each mode, so it is another function.
#ifdef OPRO_NO_EXCEPTIONS
#define OPRO_CPP_MODE without_exceptions
#else
#define OPRO_CPP_MODE with_exceptions
#endif

namespace opro {
inline namespace OPRO_CPP_MODE {

// ---- a row of values --------------------------------------------------------------------------

// What std::span is from C++20 on: a pointer and a count. Takes arrays, vectors, and for constant
// values braces ({1, 2, 3}, good until the end of the call).
template <class T> class span {
  public:
    using value_type = std::remove_cv_t<T>;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <class Values,
              class = std::enable_if_t<std::is_convertible_v<
                  std::remove_pointer_t<decltype(std::declval<Values &>().data())> (*)[], T (*)[]>>>
    constexpr span(Values &&values) noexcept : data_(values.data()), size_(values.size()) {}
    constexpr span(std::initializer_list<value_type> values) noexcept : size_(values.size()) {
        data_ = values.begin(); // which gcc warns of in the line above
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t i) const noexcept {
        assert(i < size_);
        return data_[i];
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

// ---- failures ---------------------------------------------------------------------------------

namespace detail {

// Where an object says what went wrong.
inline const opro_error *error_of(const opro_config *of) noexcept {
    return of ? opro_config_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_dataset *of) noexcept {
    return of ? opro_dataset_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_driver *of) noexcept {
    return of ? opro_driver_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_examiner *of) noexcept {
    return of ? opro_examiner_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_journal *of) noexcept {
    return of ? opro_journal_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_meta_prompt *of) noexcept {
    return of ? opro_meta_prompt_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_metric *of) noexcept {
    return of ? opro_metric_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_model *of) noexcept {
    return of ? opro_model_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_problem *of) noexcept {
    return of ? opro_problem_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_run *of) noexcept {
    return of ? opro_run_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_tour *of) noexcept {
    return of ? opro_tour_error(of) : nullptr;
}
inline const opro_error *error_of(const opro_trajectory *of) noexcept {
    return of ? opro_trajectory_error(of) : nullptr;
}
inline const opro_error *error_of(const void *) noexcept {
    return nullptr; // it keeps none, or another thread may be at it
}

// "OPRO_ERR_INVALID: steps: -1 is below 0"
inline std::string describe(opro_status status, const opro_error *error) {
    std::string all = opro_status_name(status);
    std::size_t n = 0;
    const char *message = "";
    if (error && opro_error_status(error) == status) message = opro_error_message(error, &n);
    if (n > 0) all.append(": ").append(message, n);
    return all;
}

} // namespace detail

#ifndef OPRO_NO_EXCEPTIONS

template <class T> using outcome = T;

// What every exception of this header is, beside one of the standard's.
class error {
  public:
    opro_status status() const noexcept { return status_; }
    // The status's name, and what the library has to say.
    const char *what() const noexcept { return text_.what(); }

  protected:
    error(opro_status status, const std::string &text) : text_(text), status_(status) {}
    ~error() = default;
    error(const error &) noexcept = default;
    error &operator=(const error &) noexcept = default;

  private:
    std::runtime_error text_; // which can be copied without failing
    opro_status status_;
};

namespace detail {

template <class Base> Base without_text() {
    if constexpr (std::is_default_constructible_v<Base>)
        return Base();
    else
        return Base("");
}

} // namespace detail

// The exceptions themselves: caught as opro::error, or as their Base.
template <class Base> class error_as final : public Base, public error {
  public:
    error_as(opro_status status, const std::string &text)
        : Base(detail::without_text<Base>()), error(status, text) {}
    const char *what() const noexcept override { return error::what(); }
};

namespace detail {

// What a callback has thrown on this thread, until the call that C is in throws it again. One for
// all shared objects of a process.
OPRO_API inline thread_local std::exception_ptr *thrown = nullptr;

inline void drop(std::exception_ptr *exception) noexcept {
    delete exception;
}

[[noreturn]] inline void raise(opro_status status, const opro_error *error) {
    if (std::exception_ptr *const kept = std::exchange(thrown, nullptr)) {
        const std::exception_ptr exception = *kept;
        drop(kept);
        std::rethrow_exception(exception);
    }
    const std::string text = describe(status, error);
    switch (status) {
    case OPRO_ERR_NOMEM: throw error_as<std::bad_alloc>(status, text);
    case OPRO_ERR_INVALID: throw error_as<std::invalid_argument>(status, text);
    case OPRO_ERR_UNKNOWN: throw error_as<std::out_of_range>(status, text);
    case OPRO_ERR_LIMIT: throw error_as<std::length_error>(status, text);
    case OPRO_ERR_STATE:
    case OPRO_ERR_REENTRANT: throw error_as<std::logic_error>(status, text);
    default: throw error_as<std::runtime_error>(status, text);
    }
}

inline bool failed(opro_status status) noexcept {
    return status < 0 || thrown;
}

// How a call ends: with its value, or an exception. object: whose error it is.
template <class Object> void settle(opro_status status, const Object *object) {
    if (failed(status)) raise(status, error_of(object));
}
template <class Object> void finish(opro_status status, const Object *object) {
    settle(status, object);
}
template <class Object, class T>
T finish(opro_status status, const Object *object, T &&value) { // T & for an lvalue
    settle(status, object);
    return std::forward<T>(value);
}

// Around the body of a callback. In it the exceptions of calls outside of it are out of sight.
template <class Body> std::int32_t guard(Body &&body) noexcept {
    std::exception_ptr *const outside = std::exchange(thrown, nullptr);
    std::int32_t status;
    try {
        status = body();
    } catch (...) {
        if (!thrown) thrown = new (std::nothrow) std::exception_ptr(std::current_exception());
        status = OPRO_ERR_USER_FIRST;
    }
    if (outside) drop(std::exchange(thrown, outside));
    return status;
}

// Around a free, whose callbacks nobody listens to.
template <class Body> void in_peace(Body &&body) noexcept {
    std::exception_ptr *const outside = std::exchange(thrown, nullptr);
    body();
    drop(std::exchange(thrown, outside));
}

} // namespace detail

#else

// A value, or why there is none.
class failure {
  public:
    failure(opro_status status, const opro_error *error) : status_(status) {
        if (status < 0) text_ = std::make_unique<std::string>(detail::describe(status, error));
    }
    opro_status status() const noexcept { return status_; }
    // The status's name, and what the library has to say; lives as long as this object.
    std::string_view message() const noexcept {
        return text_ ? std::string_view(*text_) : std::string_view();
    }
    bool ok() const noexcept { return status_ >= 0; }
    explicit operator bool() const noexcept { return ok(); }

  private:
    opro_status status_;
    std::unique_ptr<std::string> text_;
};

template <class T> class [[nodiscard]] result : public failure {
  public:
    result(failure why) : failure(std::move(why)) { assert(!ok()); }
    result(opro_status status, T value) : failure(status, nullptr), value_(std::move(value)) {}
    // Only when ok().
    T &operator*() &noexcept {
        assert(value_);
        return *value_;
    }
    const T &operator*() const &noexcept {
        assert(value_);
        return *value_;
    }
    T &&operator*() &&noexcept {
        assert(value_);
        return std::move(*value_);
    }
    T *operator->() noexcept { return &**this; }
    const T *operator->() const noexcept { return &**this; }

  private:
    std::optional<T> value_;
};

template <class T> class [[nodiscard]] result<T &> : public failure {
  public:
    result(failure why) : failure(std::move(why)) { assert(!ok()); }
    result(opro_status status, T &value) : failure(status, nullptr), value_(&value) {}
    T &operator*() const noexcept {
        assert(ok());
        return *value_;
    }
    T *operator->() const noexcept { return &**this; }

  private:
    T *value_ = nullptr;
};

template <> class [[nodiscard]] result<void> : public failure {
  public:
    using failure::failure;
};

template <class T> using outcome = result<T>;

namespace detail {

inline bool failed(opro_status status) noexcept {
    return status < 0;
}

template <class Object> void settle(opro_status, const Object *) noexcept {}
template <class Object> result<void> finish(opro_status status, const Object *object) {
    return {status, failed(status) ? error_of(object) : nullptr};
}
template <class Object, class T>
result<T> finish(opro_status status, const Object *object, T &&value) {
    if (failed(status)) return failure(status, error_of(object));
    return {status, std::forward<T>(value)};
}

template <class Body> std::int32_t guard(Body &&body) noexcept {
    return body();
}

template <class Body> void in_peace(Body &&body) noexcept {
    body();
}

} // namespace detail

#endif

// After a call of C's own: fails as a function of this header would. error: of the object that was
// called, may be NULL.
inline outcome<void> check(opro_status status, const opro_error *error = nullptr) {
#ifndef OPRO_NO_EXCEPTIONS
    if (detail::failed(status)) detail::raise(status, error);
#else
    return {status, error};
#endif
}

// ---- memory -----------------------------------------------------------------------------------

// Where an object's memory comes from: malloc() and free(), an opro_allocator, or a memory resource
// (nullptr: malloc() again), which has to live as long as the object. That of a driver that threads
// post to has to be one for threads.
class memory {
  public:
    memory() noexcept = default;
    memory(const opro_allocator &allocator) noexcept : allocator_(allocator) {}
#ifdef __cpp_lib_memory_resource
    memory(std::pmr::memory_resource *resource) noexcept {
        if (resource)
            allocator_ = {sizeof(opro_allocator), allocate, reallocate, release, resource};
    }
#endif
    // NULL: malloc() and free().
    const opro_allocator *get() const noexcept {
        return allocator_ ? &*allocator_ : nullptr;
    }

  private:
    std::optional<opro_allocator> allocator_;

#ifdef __cpp_lib_memory_resource
    // C frees without saying how much: the size stands in front.
    union alignas(std::max_align_t) head {
        std::size_t size;
    };

    static void *allocate(std::size_t n, void *resource) noexcept {
        head *block = nullptr;
        detail::in_peace([&] {
            detail::guard([&] {
                auto *const from = static_cast<std::pmr::memory_resource *>(resource);
                block = static_cast<head *>(from->allocate(sizeof(head) + n, alignof(head)));
                return OPRO_OK;
            });
        });
        if (!block) return nullptr;
        block->size = n;
        return block + 1;
    }
    static void release(void *p, void *resource) noexcept {
        if (!p) return;
        head *const block = static_cast<head *>(p) - 1;
        auto *const from = static_cast<std::pmr::memory_resource *>(resource);
        from->deallocate(block, sizeof(head) + block->size, alignof(head));
    }
    static void *reallocate(void *p, std::size_t n, void *resource) noexcept {
        void *const larger = allocate(n, resource);
        if (!p || !larger) return larger;
        const std::size_t had = (static_cast<head *>(p) - 1)->size;
        std::memcpy(larger, p, had < n ? had : n);
        release(p, resource);
        return larger;
    }
#endif
};

// ---- what handles and views are made of -------------------------------------------------------

namespace detail {

// A view: a pointer to an object of C's.
template <class T> class pointer {
  public:
    using object = T;

    pointer() noexcept = default;
    explicit pointer(T *raw) noexcept : raw_(raw) {}
    // The C object; NULL in an empty handle.
    T *get() const noexcept { return raw_; }
    explicit operator bool() const noexcept { return raw_ != nullptr; }

  protected:
    // How a member function ends.
    outcome<void> done(opro_status status) const { return finish(status, get()); }
    template <class V> outcome<V> done(opro_status status, V &&value) const {
        return finish(status, get(), std::forward<V>(value));
    }

    T *raw_ = nullptr;
};

// A handle: a view with a share of what it looks at.
template <class View, class T, void (*Free)(T *)> class handle : public View {
  public:
    handle() noexcept = default;
    // Takes over a share from C.
    explicit handle(T *raw) noexcept : View(raw) {}
    handle(handle &&other) noexcept : View(other.release()) {}
    handle &operator=(handle &&other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;
    ~handle() { reset(); }
    T *get() const noexcept {
        return const_cast<T *>(View::get()); // what is owned was never const
    }
    // Gives the share back, and takes over another one.
    void reset(T *raw = nullptr) noexcept {
        T *const old = get();
        this->raw_ = raw;
        if (old) in_peace([&] { Free(old); });
    }
    // Hands the share over: the caller frees it.
    T *release() noexcept {
        T *const raw = get();
        this->raw_ = nullptr;
        return raw;
    }
};

// How a make() ends. raw: read after the status has come. object: whose error says what went wrong.
template <class Handle, class T, class Object>
outcome<Handle> made(opro_status status, T *const &raw, const Object *object) {
    return finish(status, object, Handle(raw));
}
template <class Handle, class T> outcome<Handle> made(opro_status status, T *const &raw) {
    return finish(status, static_cast<const void *>(nullptr), Handle(raw));
}

// A text for a C function that removes something where it gets NULL.
inline const char *chars(std::string_view text) noexcept {
    return text.data() ? text.data() : "";
}

// A text from a C function whose last argument is where the length goes.
template <class... P, class... A>
std::string_view text(const char *(*function)(P...), A... arguments) noexcept {
    std::size_t n = 0;
    const char *const chars = function(arguments..., &n);
    return chars ? std::string_view(chars, n) : std::string_view();
}

inline std::string_view name(const char *chars) noexcept {
    return chars ? std::string_view(chars) : std::string_view();
}

// Walks over what has at(index).
template <class Values, class Value> class iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Value;

    iterator() noexcept = default;
    iterator(Values values, std::int64_t index) noexcept : values_(values), index_(index) {}
    Value operator*() const noexcept { return values_.at(index_); }
    iterator &operator++() noexcept {
        ++index_;
        return *this;
    }
    iterator operator++(int) noexcept { return iterator(values_, index_++); }
    friend bool operator==(const iterator &a, const iterator &b) noexcept {
        return a.index_ == b.index_;
    }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

  private:
    Values values_ = {};
    std::int64_t index_ = 0;
};

// ---- callbacks ----

#ifdef OPRO_NO_EXCEPTIONS
template <class R> constexpr bool is_failure = std::is_base_of_v<failure, R>;
#else
template <class R> constexpr bool is_failure = false;
#endif

// Calls what may return nothing, a status, or a result.
template <class F, class... A> std::int32_t status_of(F &f, A &&...arguments) {
    using R = std::invoke_result_t<F &, A...>;
    if constexpr (std::is_void_v<R>) {
        f(std::forward<A>(arguments)...);
        return OPRO_OK;
    } else if constexpr (is_failure<R>) {
        return f(std::forward<A>(arguments)...).status();
    } else {
        static_assert(std::is_convertible_v<R, std::int32_t> && !std::is_floating_point_v<R> &&
                          !std::is_same_v<R, bool>,
                      "a callback like this returns nothing, or an opro_status");
        return f(std::forward<A>(arguments)...);
    }
}

template <class F, class... A> constexpr bool returns_text() {
    if constexpr (std::is_invocable_v<F &, A...>)
        return std::is_convertible_v<std::invoke_result_t<F &, A...>, std::string_view>;
    else
        return false;
}
template <class F, class... A> constexpr bool returns_number() {
    if constexpr (std::is_invocable_v<F &, A...>)
        return std::is_arithmetic_v<std::invoke_result_t<F &, A...>> &&
               !std::is_same_v<std::invoke_result_t<F &, A...>, bool>;
    else
        return false;
}

template <class F> void destroy(void *f) noexcept {
    delete static_cast<F *>(f);
}

// Moves f into memory of its own and gives it to a setter of C's: set(first..., fn, user_data,
// destroy). Trampoline<F>::call is what C calls.
template <template <class> class Trampoline, class F, class Set, class... First>
opro_status install(F &&f, Set &&set, First... first) {
    using Own = std::decay_t<F>;
    if constexpr (std::is_null_pointer_v<Own>) {
        return set(first..., nullptr, nullptr, nullptr);
    } else {
        auto own = std::make_unique<Own>(std::forward<F>(f));
        const opro_status status = set(first..., &Trampoline<Own>::call, own.get(), &destroy<Own>);
        if (status >= 0) static_cast<void>(own.release()); // C's, from here on
        return status;
    }
}

} // namespace detail

// Where a callback puts its result; lives while it runs.
class sink : public detail::pointer<opro_sink> {
  public:
    using pointer::pointer;

    outcome<void> text(std::string_view text) const {
        return done(opro_sink_text(get(), text.data(), text.size()));
    }
    // No, and why not.
    outcome<void> reject(std::string_view reason) const {
        return done(opro_sink_reject(get(), reason.data(), reason.size()));
    }
    outcome<void> count(std::int64_t count) const { return done(opro_sink_count(get(), count)); }
};

namespace detail {

// Callbacks that get arguments and a sink, or only the arguments, and return a text or a number.
template <class F, class... A> std::int32_t deliver(F &f, opro_sink *raw, A... arguments) {
    if constexpr (std::is_invocable_v<F &, A..., sink>) {
        return status_of(f, arguments..., sink(raw));
    } else if constexpr (returns_text<F, A...>()) {
        auto &&result = f(arguments...);
        const std::string_view text = result;
        return opro_sink_text(raw, text.data(), text.size());
    } else {
        static_assert(returns_number<F, A...>(),
                      "a callback like this takes a sink as well, or returns a text or a count");
        return opro_sink_count(raw, static_cast<std::int64_t>(f(arguments...)));
    }
}

} // namespace detail

// ---- options ----------------------------------------------------------------------------------

// An option, by id (OPRO_OPT_...) or by name.
class option {
  public:
    option(std::int32_t id) noexcept : id_(id) {}
    option(std::string_view name) noexcept
        : id_(opro_option_find(name.data(), name.size())), asked_(name) {}
    option(const char *name) noexcept : option(std::string_view(name)) {}
    // The option at 0, 1, ...; past the end one whose id is 0.
    static option at(std::size_t index) noexcept { return option(opro_option_at(index)); }
    // 0: there is none of that name.
    std::int32_t id() const noexcept { return id_; }
    std::string_view name() const noexcept { return detail::name(opro_option_name(id_)); }
    // OPRO_TYPE_...
    std::int32_t type() const noexcept { return opro_option_type(id_); }
    std::string_view help() const noexcept { return detail::name(opro_option_help(id_)); }
    double min() const noexcept { return opro_option_min(id_); }
    double max() const noexcept { return opro_option_max(id_); }
    // NaN: none.
    double default_value() const noexcept { return opro_option_default(id_); }
    struct named {
        std::string_view name; // empty: past the end
        std::int64_t value;
    };
    named choice(std::size_t index) const noexcept {
        named one = {{}, 0};
        one.name = detail::name(opro_option_choice(id_, index, &one.value));
        return one;
    }

  private:
    friend class config;

    std::int32_t id_;
    std::string_view asked_ = {};
};

// What an option is set to: an integer or OPRO_..., a real, or a text as for opro_config_set().
class value {
  public:
    template <class T, class = std::enable_if_t<std::is_convertible_v<T, std::int64_t> &&
                                                !std::is_floating_point_v<T>>>
    value(T number) noexcept {
        if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof integer_)
            set(number);
        else
            integer_ = number;
    }
    value(double number) noexcept : real_(number), is_integer_(false) {}
    value(std::string_view text) noexcept : text_(text), is_text_(true) {}
    value(const char *text) noexcept : value(std::string_view(text)) {}
    value(const std::string &text) noexcept : value(std::string_view(text)) {}

  private:
    friend class config;

    // What no option can be stays a number that C refuses.
    void set(std::uint64_t number) noexcept {
        is_integer_ = number <= INT64_MAX;
        integer_ = is_integer_ ? static_cast<std::int64_t>(number) : 0;
        real_ = static_cast<double>(number);
    }

    std::int64_t integer_ = 0;
    double real_ = 0;
    std::string_view text_ = {};
    bool is_integer_ = true;
    bool is_text_ = false;
};

struct setting {
    opro::option option;
    opro::value value;
};

// Options. An empty config means all defaults, and becomes one when something is set.
class config : public detail::handle<detail::pointer<opro_config>, opro_config, opro_config_free> {
  public:
    using handle::handle;

    // config::make({{"steps", 20}, {OPRO_OPT_TEMPERATURE, 0.7}, {"mode", "steady"}})
    static outcome<config> make(span<const setting> settings = {}, const memory &mem = {}) {
        opro_config *raw = nullptr;
        opro_status status = opro_config_new(&raw, mem.get());
        config made(raw);
        for (const setting &one : settings)
            if (status >= 0) status = made.apply(one.option, one.value);
        return detail::finish(status, raw, std::move(made));
    }
    outcome<config> clone(const memory &mem = {}) const {
        opro_config *raw = nullptr;
        return detail::made<config>(get() ? opro_config_clone(&raw, get(), mem.get())
                                          : opro_config_new(&raw, mem.get()),
                                    raw);
    }
    // An integer is fine for an option that is real.
    outcome<config &> set(option which, value to) {
        const opro_status status = apply(which, to);
        return done(status, *this);
    }
    outcome<std::int64_t> get_int(option which) const {
        std::int64_t value = 0;
        const opro_status status =
            look([&](opro_config *raw) { return opro_config_get_int(raw, which.id(), &value); });
        return done(status, std::move(value));
    }
    outcome<double> get_real(option which) const {
        double value = 0;
        const opro_status status =
            look([&](opro_config *raw) { return opro_config_get_real(raw, which.id(), &value); });
        return done(status, std::move(value));
    }
    // f(int32_t level, std::string_view domain, std::string_view message)
    template <class F> outcome<config &> set_log(std::int32_t level, F &&f) {
        const opro_status status = detail::install<on_log>(
            std::forward<F>(f), [&](auto fn, void *data, opro_destroy_fn destroy) {
                const opro_status made = exist();
                return made < 0 ? made : opro_config_set_log(get(), level, fn, data, destroy);
            });
        return done(status, *this);
    }
    std::uint64_t digest() const noexcept {
        std::uint64_t digest = 0;
        look([&](opro_config *raw) {
            digest = opro_config_digest(raw);
            return OPRO_OK;
        });
        return digest;
    }

  private:
    template <class F> struct on_log {
        static void call(std::int32_t level, const char *domain, const char *message,
                         std::size_t len, void *f) noexcept {
            detail::guard([&] {
                return detail::status_of(*static_cast<F *>(f), level, std::string_view(domain),
                                         std::string_view(message, len));
            });
        }
    };

    opro_status exist() noexcept { return get() ? OPRO_OK : opro_config_new(&raw_, nullptr); }
    template <class Look> opro_status look(Look &&at) const noexcept {
        if (get()) return at(get());
        config defaults;
        const opro_status status = defaults.exist();
        return status < 0 ? status : at(defaults.get());
    }
    opro_status apply(const option &which, const value &to) noexcept {
        const opro_status status = exist();
        if (status < 0) return status;
        // An unknown name goes there as well: C knows the nearest one.
        if (to.is_text_ || (!which.id() && which.asked_.data())) {
            const std::string_view name = which.id() ? which.name() : which.asked_;
            return opro_config_set(get(), name.data(), name.size(), to.text_.data(),
                                   to.text_.size());
        }
        if (to.is_integer_ && which.type() != OPRO_TYPE_REAL)
            return opro_config_set_int(get(), which.id(), to.integer_);
        return opro_config_set_real(get(), which.id(),
                                    to.is_integer_ ? static_cast<double>(to.integer_) : to.real_);
    }
};

// ---- problems ---------------------------------------------------------------------------------

class tour;
class dataset;

// A problem, for looking at.
class problem_view : public detail::pointer<opro_problem> {
  public:
    using pointer::pointer;

    std::string_view description() const noexcept {
        return detail::text(opro_problem_description, get());
    }
    // OPRO_MAXIMIZE, OPRO_MINIMIZE
    std::int32_t direction() const noexcept { return opro_problem_direction(get()); }
    // set: OPRO_TRAIN, OPRO_VALIDATION
    std::size_t instances(std::int32_t set = OPRO_TRAIN) const noexcept {
        return opro_problem_instances(get(), set);
    }
    std::size_t initial_count() const noexcept { return opro_problem_initial_count(get()); }
    std::size_t exemplar_count() const noexcept { return opro_problem_exemplar_count(get()); }
    std::uint64_t digest() const noexcept { return opro_problem_digest(get()); }

    // Of problems over vectors; 0: it is another kind.
    std::size_t vector_dimension() const noexcept { return opro_vector_dimension(get()); }
    outcome<std::vector<double>> vector_parse(std::string_view text) const {
        std::vector<double> x(vector_dimension());
        const opro_status status =
            opro_vector_parse(get(), text.data(), text.size(), x.data(), x.size());
        return done(status, std::move(x));
    }
    outcome<std::string> vector_format(span<const double> x) const {
        std::string text(26 * x.size() + 1, '\0');
        std::size_t needed = 0;
        const opro_status status =
            opro_vector_format(get(), x.data(), x.size(), text.data(), text.size(), &needed);
        text.resize(status < 0 ? 0 : needed);
        return done(status, std::move(text));
    }

    // Of problems over permutations; 0: it is another kind.
    std::size_t permutation_size() const noexcept { return opro_permutation_size(get()); }
    outcome<std::vector<std::int32_t>> permutation_parse(std::string_view text) const {
        std::vector<std::int32_t> nodes(permutation_size());
        const opro_status status =
            opro_permutation_parse(get(), text.data(), text.size(), nodes.data(), nodes.size());
        return done(status, std::move(nodes));
    }
    outcome<std::string> permutation_format(span<const std::int32_t> nodes) const {
        std::string text(6 * nodes.size() + 1, '\0');
        std::size_t needed = 0;
        const opro_status status = opro_permutation_format(get(), nodes.data(), nodes.size(),
                                                           text.data(), text.size(), &needed);
        text.resize(status < 0 ? 0 : needed);
        return done(status, std::move(text));
    }
};

class problem : public detail::handle<problem_view, opro_problem, opro_problem_free> {
  public:
    using handle::handle;

    // Solutions are texts; maximized.
    static outcome<problem> text(const memory &mem = {}) {
        opro_problem *raw = nullptr;
        return detail::made<problem>(opro_problem_new(&raw, mem.get()), raw);
    }
    // Real vectors between bounds, as many of each; minimized.
    static outcome<problem> vector(span<const double> lower, span<const double> upper,
                                   const memory &mem = {}) {
        return make_vector(lower, upper, 0, mem);
    }
    // Vectors of integers.
    static outcome<problem> integers(span<const double> lower, span<const double> upper,
                                     const memory &mem = {}) {
        return make_vector(lower, upper, 1, mem);
    }
    static outcome<problem> regression(double lower, double upper, const memory &mem = {}) {
        opro_problem *raw = nullptr;
        return detail::made<problem>(opro_problem_new_regression(&raw, lower, upper, mem.get()),
                                     raw);
    }
    // function: OPRO_FUNCTION_...
    static outcome<problem> function(std::int32_t function, std::size_t n, const memory &mem = {}) {
        opro_problem *raw = nullptr;
        return detail::made<problem>(opro_problem_new_function(&raw, function, n, mem.get()), raw);
    }
    // symmetry: OPRO_PERMUTATION_...
    static outcome<problem> permutation(std::size_t n, std::int32_t symmetry,
                                        const memory &mem = {}) {
        opro_problem *raw = nullptr;
        return detail::made<problem>(opro_problem_new_permutation(&raw, n, symmetry, mem.get()),
                                     raw);
    }
    static outcome<problem> tour(const opro::tour &places, const memory &mem = {});
    static outcome<problem> dataset(const opro::dataset &examples, const memory &mem = {});

    outcome<problem &> set_description(std::string_view text) {
        return done(opro_problem_set_description(get(), text.data(), text.size()), *this);
    }
    outcome<problem &> set_direction(std::int32_t direction) {
        return done(opro_problem_set_direction(get(), direction), *this);
    }
    outcome<problem &> set_instances(std::size_t train, std::size_t validation = 0) {
        return done(opro_problem_set_instances(get(), train, validation), *this);
    }
    outcome<problem &> set_score_range(double low, double high) {
        return done(opro_problem_set_score_range(get(), low, high), *this);
    }
    // display: OPRO_DISPLAY_...
    outcome<problem &> set_score_display(std::int32_t display, std::int32_t decimals = 0) {
        return done(opro_problem_set_score_display(get(), display, decimals), *this);
    }
    outcome<problem &> set_score_name(std::string_view name) {
        return done(opro_problem_set_score_name(get(), name.data(), name.size()), *this);
    }
    outcome<problem &> add_initial(std::string_view text) {
        return done(opro_problem_add_initial(get(), text.data(), text.size()), *this);
    }
    outcome<problem &> add_exemplar(std::string_view input, std::string_view target) {
        return done(opro_problem_add_exemplar(get(), input.data(), input.size(), target.data(),
                                              target.size()),
                    *this);
    }
    // f(size_t index, opro::sink): delivers input and target.
    template <class F> outcome<problem &> set_exemplars(std::size_t count, F &&f) {
        return done(detail::install<on_exemplar>(std::forward<F>(f), opro_problem_set_exemplar_fn,
                                                 get(), count),
                    *this);
    }
    // Names of the coordinates of a vector.
    outcome<problem &> set_vector_names(span<const char *const> names) {
        return done(opro_vector_set_names(get(), names.data(), names.size()), *this);
    }

    // The steps on the way of a reply (problem.h). Each is f(std::string_view text, opro::sink);
    // or f(std::string_view text), which returns the text to be delivered.
    template <class F> outcome<problem &> set_parse(F &&f) {
        return set_step<on_text>(std::forward<F>(f), opro_problem_set_parse_fn);
    }
    template <class F> outcome<problem &> set_canonical(F &&f) {
        return set_step<on_text>(std::forward<F>(f), opro_problem_set_canonical_fn);
    }
    // Without a sink it returns what is wrong; nothing is: "".
    template <class F> outcome<problem &> set_check(F &&f) {
        return set_step<on_check>(std::forward<F>(f), opro_problem_set_check_fn);
    }
    template <class F> outcome<problem &> set_repair(F &&f) {
        return set_step<on_text>(std::forward<F>(f), opro_problem_set_repair_fn);
    }
    template <class F> outcome<problem &> set_polish(F &&f) {
        return set_step<on_text>(std::forward<F>(f), opro_problem_set_polish_fn);
    }
    template <class F> outcome<problem &> set_render(F &&f) {
        return set_step<on_text>(std::forward<F>(f), opro_problem_set_render_fn);
    }

  private:
    template <class F> struct on_exemplar {
        static std::int32_t call(const opro_problem *, std::size_t index, opro_sink *sink,
                                 void *f) noexcept {
            return detail::guard(
                [&] { return detail::status_of(*static_cast<F *>(f), index, opro::sink(sink)); });
        }
    };
    template <class F> struct on_text {
        static std::int32_t call(const opro_problem *, const char *text, std::size_t len,
                                 opro_sink *sink, void *f) noexcept {
            return detail::guard([&] {
                return detail::deliver(*static_cast<F *>(f), sink, std::string_view(text, len));
            });
        }
    };
    template <class F> struct on_check {
        static std::int32_t call(const opro_problem *, const char *text, std::size_t len,
                                 opro_sink *sink, void *f) noexcept {
            return detail::guard(
                [&] { return verdict(*static_cast<F *>(f), std::string_view(text, len), sink); });
        }
        static std::int32_t verdict(F &f, std::string_view text, opro_sink *sink) {
            if constexpr (detail::returns_text<F, std::string_view>()) {
                auto &&result = f(text);
                const std::string_view wrong = result;
                return wrong.empty() ? opro_sink_count(sink, 0)
                                     : opro_sink_reject(sink, wrong.data(), wrong.size());
            } else {
                return detail::status_of(f, text, opro::sink(sink));
            }
        }
    };

    static outcome<problem> make_vector(span<const double> lower, span<const double> upper,
                                        std::int32_t integer, const memory &mem) {
        opro_problem *raw = nullptr;
        return detail::made<problem>(lower.size() != upper.size()
                                         ? OPRO_ERR_INVALID
                                         : opro_problem_new_vector(&raw, lower.size(), lower.data(),
                                                                   upper.data(), integer,
                                                                   mem.get()),
                                     raw);
    }
    template <template <class> class Trampoline, class F, class Set>
    outcome<problem &> set_step(F &&f, Set *set) {
        return done(detail::install<Trampoline>(std::forward<F>(f), set, get()), *this);
    }
};

// ---- trajectories -----------------------------------------------------------------------------

// Where a number lies, as far as a sample can say: 95 %.
struct interval {
    double low, high;
};

namespace detail {

template <class Object, class F> outcome<interval> finish_interval(const Object *object, F &&f) {
    interval at = {0, 0};
    const opro_status status = f(&at.low, &at.high);
    return finish(status, object, std::move(at));
}

} // namespace detail

// The 95 % interval of a mean of scores. Any thread.
inline outcome<interval> mean_interval(span<const double> scores) {
    return detail::finish_interval(
        static_cast<const void *>(nullptr), [&](double *low, double *high) {
            return opro_interval(scores.data(), scores.size(), low, high);
        });
}

// One solution of a trajectory, valid as long as that. Its texts live as long.
class candidate {
  public:
    candidate(const opro_trajectory *in, std::int64_t number) noexcept : in_(in), number_(number) {}
    std::int64_t number() const noexcept { return number_; }
    std::string_view text() const noexcept {
        return detail::text(opro_trajectory_text, in_, number_);
    }
    // NaN: it was not scored.
    double score() const noexcept { return opro_trajectory_score(in_, number_); }
    double validation() const noexcept { return opro_trajectory_validation(in_, number_); }
    // OPRO_VERDICT_...
    std::int32_t verdict() const noexcept { return opro_trajectory_verdict(in_, number_); }
    // OPRO_REASON_...
    std::int32_t reason() const noexcept { return opro_trajectory_reason(in_, number_); }
    // OPRO_FLAG_..., added up
    std::int32_t flags() const noexcept { return opro_trajectory_flags(in_, number_); }
    std::int32_t origin() const noexcept { return opro_trajectory_origin(in_, number_); }
    std::int64_t step() const noexcept { return opro_trajectory_step(in_, number_); }
    std::int64_t sample() const noexcept { return opro_trajectory_sample(in_, number_); }
    std::int64_t proposals() const noexcept { return opro_trajectory_proposals(in_, number_); }
    std::string_view detail() const noexcept {
        return detail::text(opro_trajectory_detail, in_, number_);
    }
    std::string_view feedback() const noexcept {
        return detail::text(opro_trajectory_feedback, in_, number_);
    }
    // One for each instance, NaN where there is none.
    std::vector<double> scores(std::int32_t set = OPRO_TRAIN) const {
        std::vector<double> all(opro_trajectory_scores(in_, number_, set, nullptr, 0));
        opro_trajectory_scores(in_, number_, set, all.data(), all.size());
        return all;
    }
    outcome<opro::interval> interval(std::int32_t set = OPRO_TRAIN) const {
        return detail::finish_interval(in_, [&](double *low, double *high) {
            return opro_trajectory_interval(in_, number_, set, low, high);
        });
    }

  private:
    const opro_trajectory *in_;
    std::int64_t number_;
};

// A trajectory, for looking at: for (opro::candidate c : run.trajectory()) ...
class trajectory_view : public detail::pointer<const opro_trajectory> {
  public:
    using pointer::pointer;
    using iterator = detail::iterator<trajectory_view, candidate>;

    iterator begin() const noexcept { return iterator(*this, 0); }
    iterator end() const noexcept { return iterator(*this, count()); }
    candidate at(std::int64_t number) const noexcept { return candidate(get(), number); }
    std::int64_t count() const noexcept { return opro_trajectory_count(get()); }
    std::int64_t scored() const noexcept { return opro_trajectory_scored(get()); }
    std::int32_t direction() const noexcept { return opro_trajectory_direction(get()); }
    // Empty: none is scored.
    std::optional<candidate> best() const noexcept { return some(opro_trajectory_best(get())); }
    std::optional<candidate> best_validated() const noexcept {
        return some(opro_trajectory_best_validated(get()));
    }
    // The best n, or all if there are fewer; best first.
    std::vector<candidate> top(std::size_t n) const {
        std::vector<std::int64_t> numbers(n);
        numbers.resize(opro_trajectory_top(get(), numbers.data(), n));
        std::vector<candidate> all;
        all.reserve(numbers.size());
        for (const std::int64_t number : numbers)
            all.push_back(at(number));
        return all;
    }
    std::optional<candidate> find(std::string_view text) const noexcept {
        return some(opro_trajectory_find(get(), text.data(), text.size()));
    }
    std::int64_t steps() const noexcept { return opro_trajectory_steps(get()); }
    // figure: OPRO_FIGURE_...
    double figure(std::int64_t step, std::int32_t figure) const noexcept {
        return opro_trajectory_figure(get(), step, figure);
    }
    std::uint64_t hash() const noexcept { return opro_trajectory_hash(get()); }

  private:
    std::optional<candidate> some(std::int64_t number) const noexcept {
        return number < 0 ? std::nullopt : std::optional(at(number));
    }
};

// One that stands alone.
class trajectory : public detail::handle<trajectory_view, opro_trajectory, opro_trajectory_free> {
  public:
    using handle::handle;

    static outcome<trajectory> make(std::int32_t direction, const memory &mem = {}) {
        opro_trajectory *raw = nullptr;
        return detail::made<trajectory>(opro_trajectory_new(&raw, direction, mem.get()), raw);
    }
    // Returns its number.
    outcome<std::int64_t> add(std::string_view text, span<const double> scores) {
        std::int64_t number = -1;
        const opro_status status = opro_trajectory_add(get(), text.data(), text.size(),
                                                       scores.data(), scores.size(), &number);
        return done(status, std::move(number));
    }
};

// ---- meta-prompts -----------------------------------------------------------------------------

// A message for a model. role: OPRO_ROLE_...
struct message {
    std::int32_t role;
    std::string_view text;
};

class meta_prompt : public detail::handle<detail::pointer<opro_meta_prompt>, opro_meta_prompt,
                                          opro_meta_prompt_free> {
  public:
    using handle::handle;

    static outcome<meta_prompt> make(const problem_view &problem, const config &config = {},
                                     const memory &mem = {}) {
        opro_meta_prompt *raw = nullptr;
        return detail::made<meta_prompt>(
            opro_meta_prompt_new(&raw, problem.get(), config.get(), mem.get()), raw);
    }
    // block: OPRO_BLOCK_...
    outcome<meta_prompt &> set_template(std::int32_t block, std::string_view text) {
        return done(opro_meta_prompt_set_template(get(), block, text.data(), text.size()), *this);
    }
    std::string_view template_of(std::int32_t block) const noexcept {
        return detail::text(opro_meta_prompt_template, get(), block);
    }
    // f(trajectory_view, int64_t number) returns the block's text; or with an opro::sink as well.
    template <class F> outcome<meta_prompt &> set_block(std::int32_t block, F &&f) {
        return done(detail::install<on_block>(std::forward<F>(f), opro_meta_prompt_set_block_fn,
                                              get(), block),
                    *this);
    }
    // f(trajectory_view, span<int64_t> numbers) reorders the numbers, and returns how many of them
    // are shown; or with an opro::sink as well.
    template <class F> outcome<meta_prompt &> set_sort(F &&f) {
        return done(
            detail::install<on_sort>(std::forward<F>(f), opro_meta_prompt_set_sort_fn, get()),
            *this);
    }
    // f(std::string_view text) returns how many tokens it has; or with an opro::sink as well.
    template <class F> outcome<meta_prompt &> set_tokens(F &&f) {
        return done(
            detail::install<on_tokens>(std::forward<F>(f), opro_meta_prompt_set_token_fn, get()),
            *this);
    }
    outcome<meta_prompt &> build(const trajectory_view &trajectory, std::int64_t step) {
        return done(opro_meta_prompt_build(get(), trajectory.get(), step), *this);
    }
    // Of the last build.
    std::size_t messages() const noexcept { return opro_meta_prompt_messages(get()); }
    opro::message message(std::size_t index) const noexcept {
        return {opro_meta_prompt_role(get(), index),
                detail::text(opro_meta_prompt_text, get(), index)};
    }
    std::int64_t tokens() const noexcept { return opro_meta_prompt_tokens(get()); }

  private:
    template <class F> struct on_block {
        static std::int32_t call(const opro_meta_prompt *, const opro_trajectory *trajectory,
                                 std::int32_t, std::int64_t number, opro_sink *sink,
                                 void *f) noexcept {
            return detail::guard([&] {
                return detail::deliver(*static_cast<F *>(f), sink, trajectory_view(trajectory),
                                       number);
            });
        }
    };
    template <class F> struct on_sort {
        static std::int32_t call(const opro_meta_prompt *, const opro_trajectory *trajectory,
                                 std::int64_t *numbers, std::size_t n, opro_sink *sink,
                                 void *f) noexcept {
            return detail::guard([&] {
                return detail::deliver(*static_cast<F *>(f), sink, trajectory_view(trajectory),
                                       span<std::int64_t>(numbers, n));
            });
        }
    };
    template <class F> struct on_tokens {
        static std::int32_t call(const opro_meta_prompt *, const char *text, std::size_t len,
                                 opro_sink *sink, void *f) noexcept {
            return detail::guard([&] {
                return detail::deliver(*static_cast<F *>(f), sink, std::string_view(text, len));
            });
        }
    };
};

// The library's estimate of how many tokens a text has.
inline std::int64_t estimate_tokens(std::string_view text) noexcept {
    return opro_estimate_tokens(text.data(), text.size());
}

// ---- runs -------------------------------------------------------------------------------------

// What a run wants to know, for looking at.
class request_view : public detail::pointer<opro_request> {
  public:
    using pointer::pointer;

    // OPRO_REQUEST_...
    std::int32_t kind() const noexcept { return opro_request_kind(get()); }
    bool wants_proposals() const noexcept { return kind() == OPRO_REQUEST_PROPOSE; }
    bool wants_scores() const noexcept { return kind() == OPRO_REQUEST_SCORE; }
    std::uint64_t id() const noexcept { return opro_request_id(get()); }
    std::int64_t step() const noexcept { return opro_request_step(get()); }
    // The last message for the model, or the candidate.
    std::string_view text() const noexcept { return detail::text(opro_request_text, get()); }
    std::size_t messages() const noexcept { return opro_request_messages(get()); }
    opro::message message(std::size_t index) const noexcept {
        return {opro_request_message_role(get(), index),
                detail::text(opro_request_message_text, get(), index)};
    }
    std::size_t samples() const noexcept { return opro_request_samples(get()); }
    std::size_t first_sample() const noexcept { return opro_request_first_sample(get()); }
    double temperature() const noexcept { return opro_request_temperature(get()); }
    std::int64_t max_tokens() const noexcept { return opro_request_max_tokens(get()); }
    std::uint64_t seed() const noexcept { return opro_request_seed(get()); }
    // OPRO_TRAIN, OPRO_VALIDATION
    std::int32_t set() const noexcept { return opro_request_set(get()); }
    // Lives as long as the request.
    span<const std::int64_t> instances() const noexcept {
        std::size_t n = 0;
        const std::int64_t *const first = opro_request_instances(get(), &n);
        return {first, n};
    }
    // Empty only without memory.
    std::string_view json() const noexcept { return detail::text(opro_request_json, get()); }
};

// A copy, to be kept beyond the answer.
class request_copy : public detail::handle<request_view, opro_request, opro_request_free> {
  public:
    using handle::handle;

    static outcome<request_copy> make(const request_view &request, const memory &mem = {}) {
        opro_request *raw = nullptr;
        return detail::made<request_copy>(opro_request_clone(&raw, request.get(), mem.get()), raw);
    }
};

class journal;

// A run, wherever it lives: in a handle of yours (opro::run), in a driver, in a callback.
class run_ref : public detail::pointer<opro_run> {
  public:
    using pointer::pointer;

    // Answers. Those that name an index are for that sample; origin: see opro_origin_name().
    outcome<void> answer_text(std::uint64_t id, std::string_view reply) const {
        return done(opro_run_answer_text(get(), id, reply.data(), reply.size()));
    }
    outcome<void> answer_reply(std::uint64_t id, std::size_t index, std::string_view reply,
                               std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return done(opro_run_answer_reply(get(), id, index, origin, reply.data(), reply.size()));
    }
    outcome<void> answer_truncated(std::uint64_t id, std::size_t index, std::string_view reply,
                                   std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return done(
            opro_run_answer_truncated(get(), id, index, origin, reply.data(), reply.size()));
    }
    outcome<void> answer_refused(std::uint64_t id, std::size_t index, std::string_view text,
                                 std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return done(opro_run_answer_refused(get(), id, index, origin, text.data(), text.size()));
    }
    outcome<void> answer_solution(std::uint64_t id, std::size_t index, std::string_view text,
                                  std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return done(opro_run_answer_solution(get(), id, index, origin, text.data(), text.size()));
    }
    outcome<void> answer_scores(std::uint64_t id, span<const double> scores) const {
        return done(opro_run_answer_scores(get(), id, scores.data(), scores.size()));
    }
    outcome<void> answer_error(std::uint64_t id, std::string_view message,
                               opro_status status = OPRO_ERR_FAILED) const {
        return done(opro_run_answer_error(get(), id, status, message.data(), message.size()));
    }
    outcome<void> answer_feedback(std::uint64_t id, std::string_view text) const {
        return done(opro_run_answer_feedback(get(), id, text.data(), text.size()));
    }
    outcome<void> answer_usage(std::uint64_t id, std::int64_t prompt_tokens,
                               std::int64_t reply_tokens, std::int64_t cost = 0) const {
        return done(opro_run_answer_usage(get(), id, prompt_tokens, reply_tokens, cost));
    }
    outcome<void> stop() const { return done(opro_run_stop(get())); }

    bool stopped() const noexcept { return stop_reason() != OPRO_STOP_NONE; }
    // OPRO_STOP_...
    std::int32_t stop_reason() const noexcept { return opro_run_stop_reason(get()); }
    // Milliseconds until a deadline; -1: none.
    std::int64_t timeout(std::int64_t now_ms) const noexcept {
        return opro_run_timeout(get(), now_ms);
    }
    // Empty: nothing is scored.
    std::optional<candidate> winner() const noexcept {
        const std::int64_t number = opro_run_winner(get());
        return number < 0 ? std::nullopt : std::optional(trajectory().at(number));
    }
    std::int64_t confirmed() const noexcept { return opro_run_confirmed(get()); }
    struct gap_interval {
        double gap, low, high;
    };
    outcome<gap_interval> gap() const {
        gap_interval at = {0, 0, 0};
        const opro_status status = opro_run_gap(get(), &at.gap, &at.low, &at.high);
        return done(status, std::move(at));
    }
    trajectory_view trajectory() const noexcept {
        return trajectory_view(opro_run_trajectory(get()));
    }
    problem_view problem() const noexcept { return problem_view(opro_run_problem(get())); }
    std::int64_t step() const noexcept { return opro_run_step(get()); }
    // counter: OPRO_COUNT_...
    std::int64_t count(std::int32_t counter) const noexcept {
        return opro_run_count(get(), counter);
    }
    std::uint64_t state_hash() const noexcept { return opro_run_state_hash(get()); }
    bool replaying() const noexcept { return opro_run_replaying(get()) != 0; }
};

// What a run wants to know, and who wants to: valid until the first next() after it was answered.
class request : public request_view {
  public:
    request(opro_run *from, opro_request *raw) noexcept : request_view(raw), from_(from) {}
    run_ref run() const noexcept { return from_; }
    // As those of the run.
    outcome<void> answer_text(std::string_view reply) const {
        return from_.answer_text(id(), reply);
    }
    outcome<void> answer_reply(std::size_t index, std::string_view reply,
                               std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return from_.answer_reply(id(), index, reply, origin);
    }
    outcome<void> answer_truncated(std::size_t index, std::string_view reply,
                                   std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return from_.answer_truncated(id(), index, reply, origin);
    }
    outcome<void> answer_refused(std::size_t index, std::string_view text,
                                 std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return from_.answer_refused(id(), index, text, origin);
    }
    outcome<void> answer_solution(std::size_t index, std::string_view text,
                                  std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return from_.answer_solution(id(), index, text, origin);
    }
    outcome<void> answer_scores(span<const double> scores) const {
        return from_.answer_scores(id(), scores);
    }
    outcome<void> answer_error(std::string_view message,
                               opro_status status = OPRO_ERR_FAILED) const {
        return from_.answer_error(id(), message, status);
    }
    outcome<void> answer_feedback(std::string_view text) const {
        return from_.answer_feedback(id(), text);
    }
    outcome<void> answer_usage(std::int64_t prompt_tokens, std::int64_t reply_tokens,
                               std::int64_t cost = 0) const {
        return from_.answer_usage(id(), prompt_tokens, reply_tokens, cost);
    }

  private:
    run_ref from_;
};

// What an observer hears; lives while it runs.
class event : public detail::pointer<const opro_event> {
  public:
    event(opro_run *from, const opro_event *raw) noexcept : pointer(raw), from_(from) {}
    run_ref run() const noexcept { return from_; }
    // OPRO_EVENT_...
    std::int32_t kind() const noexcept { return opro_event_kind(get()); }
    std::int64_t step() const noexcept { return opro_event_step(get()); }
    std::int64_t sample() const noexcept { return opro_event_sample(get()); }
    std::int32_t reason() const noexcept { return opro_event_reason(get()); }
    std::int32_t set() const noexcept { return opro_event_set(get()); }
    std::int32_t origin() const noexcept { return opro_event_origin(get()); }
    double score() const noexcept { return opro_event_score(get()); }
    std::string_view text() const noexcept { return detail::text(opro_event_text, get()); }
    std::string_view detail() const noexcept { return detail::text(opro_event_detail, get()); }

  private:
    run_ref from_;
};

namespace detail {

template <class F> struct on_event {
    static std::int32_t call(opro_run *run, const opro_event *raw, void *f) noexcept {
        return guard([&] { return status_of(*static_cast<F *>(f), event(run, raw)); });
    }
};

} // namespace detail

// Ask and tell:
//     while (auto request = run.next())
//         request->answer_scores({score(request->text())});     or later run.answer_scores(id, ...)
class run : public detail::handle<run_ref, opro_run, opro_run_free> {
  public:
    using handle::handle;

    static outcome<run> make(const problem_view &problem, const config &config = {},
                             const memory &mem = {}) {
        opro_run *raw = nullptr;
        return detail::made<run>(opro_run_new(&raw, problem.get(), config.get(), mem.get()), raw,
                                 problem.get());
    }
    // Empty: answers are missing, or the run has stopped(). now_ms: any clock; for deadlines only.
    outcome<std::optional<request>> next(std::int64_t now_ms = 0) {
        opro_request *raw = nullptr;
        const opro_status status = opro_run_next(get(), now_ms, &raw);
        std::optional<request> one;
        if (status == OPRO_OK) one.emplace(get(), raw);
        return done(status, std::move(one));
    }
    outcome<run &> set_meta_prompt(const meta_prompt &builder) {
        return done(opro_run_set_meta_prompt(get(), builder.get()), *this);
    }
    outcome<run &> warm_start(const trajectory_view &from) {
        return done(opro_run_warm_start(get(), from.get()), *this);
    }
    // f(opro::event)
    template <class F> outcome<run &> set_observer(F &&f) {
        return done(
            detail::install<detail::on_event>(std::forward<F>(f), opro_run_set_observer, get()),
            *this);
    }
    outcome<run &> resume(const journal &from);
};

inline std::string_view stop_reason_name(std::int32_t reason) noexcept {
    return detail::name(opro_stop_reason_name(reason));
}

// ---- optimizers and scorers -------------------------------------------------------------------

class model;
class examiner;

class optimizer
    : public detail::handle<detail::pointer<opro_optimizer>, opro_optimizer, opro_optimizer_free> {
  public:
    using handle::handle;

    // f(opro::request) returns a reply, and is called for each sample; or it answers by itself, and
    // returns nothing, OPRO_OK, or OPRO_PENDING if it will answer later.
    template <class F> static outcome<optimizer> make(F &&f, const memory &mem = {}) {
        opro_optimizer *raw = nullptr;
        const opro_status status = detail::install<on_propose>(
            std::forward<F>(f), [&](auto fn, void *data, opro_destroy_fn destroy) {
                return opro_optimizer_new(&raw, fn, data, destroy, mem.get());
            });
        return detail::made<optimizer>(status, raw);
    }
    // No language model, no network.
    static outcome<optimizer> local(const problem_view &problem, const config &config = {},
                                    const memory &mem = {}) {
        opro_optimizer *raw = nullptr;
        return detail::made<optimizer>(
            opro_optimizer_new_local(&raw, problem.get(), config.get(), mem.get()), raw);
    }
    static outcome<optimizer> model(const opro::model &client, const memory &mem = {});

    // OPRO_OK: the request is answered; OPRO_PENDING: it will be.
    outcome<opro_status> propose(const request &asked) const {
        opro_status status = opro_optimizer_propose(get(), asked.run().get(), asked.get());
        return detail::finish(status, asked.run().get(), std::move(status));
    }

  private:
    template <class F> struct on_propose {
        static std::int32_t call(opro_run *run, opro_request *raw, void *f) noexcept {
            return detail::guard([&] { return answer(*static_cast<F *>(f), request(run, raw)); });
        }
        static std::int32_t answer(F &f, request asked) {
            if constexpr (detail::returns_text<F, request &>()) {
                const std::uint64_t id = asked.id();
                opro_status status = OPRO_OK;
                for (std::size_t n = asked.samples(); n > 0 && status == OPRO_OK; n--) {
                    auto &&result = f(asked);
                    const std::string_view reply = result;
                    status =
                        opro_run_answer_text(asked.run().get(), id, reply.data(), reply.size());
                }
                return status;
            } else {
                return detail::status_of(f, asked);
            }
        }
    };
};

inline std::string_view origin_name(std::int32_t origin) noexcept {
    return detail::name(opro_origin_name(origin));
}

class scorer : public detail::handle<detail::pointer<opro_scorer>, opro_scorer, opro_scorer_free> {
  public:
    using handle::handle;

    // f(std::string_view candidate) returns its score, where there is one instance;
    // f(std::string_view candidate, int64_t instance) the score on one of several;
    // f(opro::request) answers by itself: at once, or later if it returns OPRO_PENDING.
    template <class F> static outcome<scorer> make(F &&f, const memory &mem = {}) {
        opro_scorer *raw = nullptr;
        const opro_status status = detail::install<on_score>(
            std::forward<F>(f), [&](auto fn, void *data, opro_destroy_fn destroy) {
                return opro_scorer_new(&raw, fn, data, destroy, mem.get());
            });
        return detail::made<scorer>(status, raw);
    }
    // For vectors: f(span<const double> x) returns the score; or it takes a request in front, and
    // answers by itself. x lives while it runs.
    template <class F> static outcome<scorer> vector(F &&f, const memory &mem = {}) {
        opro_scorer *raw = nullptr;
        const opro_status status = detail::install<on_vector>(
            std::forward<F>(f), [&](auto fn, void *data, opro_destroy_fn destroy) {
                return opro_scorer_new_vector(&raw, fn, data, destroy, mem.get());
            });
        return detail::made<scorer>(status, raw);
    }
    static outcome<scorer> regression(span<const double> x, span<const double> y,
                                      const memory &mem = {}) {
        opro_scorer *raw = nullptr;
        return detail::made<scorer>(
            x.size() != y.size()
                ? OPRO_ERR_INVALID
                : opro_scorer_new_regression(&raw, x.data(), y.data(), x.size(), mem.get()),
            raw);
    }
    // function: OPRO_FUNCTION_...
    static outcome<scorer> function(std::int32_t function, const memory &mem = {}) {
        opro_scorer *raw = nullptr;
        return detail::made<scorer>(opro_scorer_new_function(&raw, function, mem.get()), raw);
    }
    static outcome<scorer> tour(const opro::tour &places, const memory &mem = {});
    static outcome<scorer> exam(const opro::examiner &examiner, const memory &mem = {});

    // OPRO_OK: the request is answered; OPRO_PENDING: it will be.
    outcome<opro_status> score(const request &asked) const {
        opro_status status = opro_scorer_score(get(), asked.run().get(), asked.get());
        return detail::finish(status, asked.run().get(), std::move(status));
    }

  private:
    template <class F> struct on_score {
        static std::int32_t call(opro_run *run, opro_request *raw, void *f) noexcept {
            return detail::guard([&] { return answer(*static_cast<F *>(f), request(run, raw)); });
        }
        static std::int32_t answer(F &f, request asked) {
            if constexpr (detail::returns_number<F, std::string_view>()) {
                const double score = f(asked.text());
                return opro_run_answer_scores(asked.run().get(), asked.id(), &score, 1);
            } else if constexpr (detail::returns_number<F, std::string_view, std::int64_t>()) {
                std::vector<double> scores;
                scores.reserve(asked.instances().size());
                for (const std::int64_t instance : asked.instances())
                    scores.push_back(f(asked.text(), instance));
                return opro_run_answer_scores(asked.run().get(), asked.id(), scores.data(),
                                              scores.size());
            } else {
                return detail::status_of(f, asked);
            }
        }
    };
    template <class F> struct on_vector {
        static std::int32_t call(opro_run *run, opro_request *raw, const double *x, std::size_t n,
                                 void *f) noexcept {
            return detail::guard([&] {
                return answer(*static_cast<F *>(f), request(run, raw), span<const double>(x, n));
            });
        }
        static std::int32_t answer(F &f, request asked, span<const double> x) {
            if constexpr (detail::returns_number<F, span<const double>>()) {
                const double score = f(x);
                return opro_run_answer_scores(asked.run().get(), asked.id(), &score, 1);
            } else {
                return detail::status_of(f, asked, x);
            }
        }
    };
};

// ---- drivers ----------------------------------------------------------------------------------

// What any thread may do with a driver, also inside callbacks. Copy it to your threads; it is valid
// as long as the driver, wherever that is moved to.
class inbox : public detail::pointer<opro_driver> {
  public:
    using pointer::pointer;

    outcome<void> post_reply(std::uint64_t id, std::size_t index, std::string_view reply,
                             std::int32_t origin = OPRO_ORIGIN_NONE) const {
        return posted(opro_driver_post_reply(get(), id, index, origin, reply.data(), reply.size()));
    }
    outcome<void> post_scores(std::uint64_t id, span<const double> scores) const {
        return posted(opro_driver_post_scores(get(), id, scores.data(), scores.size()));
    }
    outcome<void> post_error(std::uint64_t id, std::string_view message,
                             opro_status status = OPRO_ERR_FAILED) const {
        return posted(opro_driver_post_error(get(), id, status, message.data(), message.size()));
    }
    outcome<void> post_usage(std::uint64_t id, std::int64_t prompt_tokens,
                             std::int64_t reply_tokens, std::int64_t cost = 0) const {
        return posted(opro_driver_post_usage(get(), id, prompt_tokens, reply_tokens, cost));
    }
    outcome<void> stop() const { return posted(opro_driver_stop(get())); }
    outcome<void> wakeup() const { return posted(opro_driver_wakeup(get())); }

  private:
    // The driver's message belongs to the thread that drives it.
    static outcome<void> posted(opro_status status) {
        return detail::finish(status, static_cast<const void *>(nullptr));
    }
};

// A step that has ended.
class step {
  public:
    step(trajectory_view in, std::int64_t number) noexcept : in_(in), number_(number) {}
    std::int64_t number() const noexcept { return number_; }
    trajectory_view trajectory() const noexcept { return in_; }
    // figure: OPRO_FIGURE_...
    double figure(std::int32_t figure) const noexcept { return in_.figure(number_, figure); }

  private:
    trajectory_view in_;
    std::int64_t number_;
};

class driver : public detail::handle<inbox, opro_driver, opro_driver_free> {
  public:
    using handle::handle;

    static outcome<driver> make(const problem_view &problem, const config &config = {},
                                const memory &mem = {}) {
        opro_driver *raw = nullptr;
        return detail::made<driver>(opro_driver_new(&raw, problem.get(), config.get(), mem.get()),
                                    raw, problem.get());
    }
    outcome<driver &> set_optimizer(const optimizer &optimizer) {
        return done(opro_driver_set_optimizer(get(), optimizer.get()), *this);
    }
    outcome<driver &> set_scorer(const scorer &scorer) {
        return done(opro_driver_set_scorer(get(), scorer.get()), *this);
    }
    outcome<driver &> set_journal(const journal &journal);
    // f(opro::event)
    template <class F> outcome<driver &> set_observer(F &&f) {
        return done(
            detail::install<detail::on_event>(std::forward<F>(f), opro_driver_set_observer, get()),
            *this);
    }
    // f() returns milliseconds.
    template <class F> outcome<driver &> set_clock(F &&f) {
        return done(detail::install<on_clock>(std::forward<F>(f), opro_driver_set_clock_fn, get()),
                    *this);
    }
    // f(), on the thread that posts. Several threads may call it at the same time.
    template <class F> outcome<driver &> set_wakeup(F &&f) {
        return done(
            detail::install<on_wakeup>(std::forward<F>(f), opro_driver_set_wakeup_fn, get()),
            *this);
    }

    // OPRO_OK: a step has ended; OPRO_DONE: the run has stopped; OPRO_WAIT: after wakeup().
    outcome<opro_status> step() { return said(opro_driver_step(get())); }
    // OPRO_OK: the run has stopped; OPRO_WAIT: after wakeup().
    outcome<opro_status> run() { return said(opro_driver_run(get())); }
    // OPRO_OK: something was done; OPRO_WAIT: nothing came in time; OPRO_DONE: the run has stopped.
    outcome<opro_status> poll(std::int32_t timeout_ms) {
        return said(opro_driver_poll(get(), timeout_ms));
    }
    // Milliseconds until poll(0) has something to do; -1: it depends on answers.
    outcome<std::int64_t> timeout() {
        std::int64_t ms = opro_driver_timeout(get());
        return done(OPRO_OK, std::move(ms));
    }

    class step_range;
    // for (opro::step step : driver.steps()) ...  ends when the run has stopped, or wakeup() has
    // ended its waiting. Without exceptions a failure ends it too: see step_range::status().
    step_range steps() noexcept;

    run_ref run_handle() const noexcept { return run_ref(opro_driver_run_handle(get())); }
    trajectory_view trajectory() const noexcept {
        return trajectory_view(opro_driver_trajectory(get()));
    }

  private:
    template <class F> struct on_clock {
        static std::int32_t call(opro_driver *, opro_sink *sink, void *f) noexcept {
            return detail::guard([&] { return detail::deliver(*static_cast<F *>(f), sink); });
        }
    };
    template <class F> struct on_wakeup {
        static void call(void *f) noexcept {
            detail::guard([&] { return detail::status_of(*static_cast<F *>(f)); });
        }
    };

    outcome<opro_status> said(opro_status status) const { return done(status, std::move(status)); }
};

class driver::step_range {
  public:
    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = opro::step;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = opro::step;

        iterator() noexcept = default;
        explicit iterator(step_range *range) noexcept : range_(range) {}
        opro::step operator*() const noexcept {
            const trajectory_view all(opro_driver_trajectory(range_->driver_));
            return {all, all.steps() - 1};
        }
        iterator &operator++() {
            range_->advance();
            return *this;
        }
        void operator++(int) { range_->advance(); }
        friend bool operator==(const iterator &a, const iterator &b) noexcept {
            return a.ended() == b.ended();
        }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

      private:
        bool ended() const noexcept { return !range_ || range_->status_ != OPRO_OK; }
        step_range *range_ = nullptr;
    };

    explicit step_range(opro_driver *driver) noexcept : driver_(driver) {}
    iterator begin() {
        advance();
        return iterator(this);
    }
    iterator end() noexcept { return iterator(); }
    // What the last step said: OPRO_DONE, OPRO_WAIT, or without exceptions an error.
    opro_status status() const noexcept { return status_; }

  private:
    void advance() {
        status_ = opro_driver_step(driver_);
        detail::settle(status_, driver_);
    }
    opro_driver *driver_;
    opro_status status_ = OPRO_OK;
};

inline driver::step_range driver::steps() noexcept {
    return step_range(get());
}

// ---- tours ------------------------------------------------------------------------------------

class tour : public detail::handle<detail::pointer<opro_tour>, opro_tour, opro_tour_free> {
  public:
    using handle::handle;

    static outcome<tour> make(const memory &mem = {}) {
        opro_tour *raw = nullptr;
        return detail::made<tour>(opro_tour_new(&raw, mem.get()), raw);
    }
    outcome<tour &> read_tsplib(std::string_view text) {
        return done(opro_tour_read_tsplib(get(), text.data(), text.size()), *this);
    }
    // metric: OPRO_METRIC_EUCLIDEAN and others of tour.h; as many x as y.
    outcome<tour &> set_points(std::int32_t metric, span<const double> x, span<const double> y) {
        return done(x.size() != y.size()
                        ? OPRO_ERR_INVALID
                        : opro_tour_set_points(get(), metric, x.data(), y.data(), x.size()),
                    *this);
    }
    // n * n weights, row by row.
    outcome<tour &> set_matrix(span<const double> weights, std::size_t n) {
        const bool square = n > 0 && weights.size() / n == n && weights.size() % n == 0;
        return done(square ? opro_tour_set_matrix(get(), weights.data(), n) : OPRO_ERR_INVALID,
                    *this);
    }
    std::size_t size() const noexcept { return opro_tour_size(get()); }
    std::string_view name() const noexcept { return detail::text(opro_tour_name, get()); }
    std::int32_t metric() const noexcept { return opro_tour_metric(get()); }
    struct place {
        double x, y;
    };
    outcome<place> point(std::size_t i) const {
        place at = {0, 0};
        const opro_status status = opro_tour_point(get(), i, &at.x, &at.y);
        return done(status, std::move(at));
    }
    // NaN out of range.
    double weight(std::size_t i, std::size_t j) const noexcept {
        return opro_tour_weight(get(), i, j);
    }
    outcome<double> length(span<const std::int32_t> nodes) const {
        double length = 0;
        const opro_status status = opro_tour_length(get(), nodes.data(), nodes.size(), &length);
        return done(status, std::move(length));
    }
    outcome<std::vector<std::int32_t>> read_solution(std::string_view text) {
        return nodes([&](std::int32_t *to, std::size_t n) {
            return opro_tour_read_solution(get(), text.data(), text.size(), to, n);
        });
    }
    outcome<std::vector<std::int32_t>> nearest_neighbour(std::size_t start = 0) const {
        return nodes([&](std::int32_t *to, std::size_t n) {
            return opro_tour_nearest_neighbour(get(), start, to, n);
        });
    }
    outcome<std::vector<std::int32_t>> farthest_insertion(std::size_t start = 0) const {
        return nodes([&](std::int32_t *to, std::size_t n) {
            return opro_tour_farthest_insertion(get(), start, to, n);
        });
    }
    // In place.
    outcome<void> improve(span<std::int32_t> nodes, std::uint64_t seed = 0,
                          std::int64_t effort = 0) const {
        return done(opro_tour_improve(get(), nodes.data(), nodes.size(), seed, effort));
    }

  private:
    template <class F> outcome<std::vector<std::int32_t>> nodes(F &&fill) const {
        std::vector<std::int32_t> all(size());
        const opro_status status = fill(all.data(), all.size());
        return done(status, std::move(all));
    }
};

inline outcome<problem> problem::tour(const opro::tour &places, const memory &mem) {
    opro_problem *raw = nullptr;
    return detail::made<problem>(opro_problem_new_tour(&raw, places.get(), mem.get()), raw,
                                 places.get());
}

inline outcome<scorer> scorer::tour(const opro::tour &places, const memory &mem) {
    opro_scorer *raw = nullptr;
    return detail::made<scorer>(opro_scorer_new_tour(&raw, places.get(), mem.get()), raw,
                                places.get());
}

// ---- labelled examples ------------------------------------------------------------------------

class dataset
    : public detail::handle<detail::pointer<opro_dataset>, opro_dataset, opro_dataset_free> {
  public:
    using handle::handle;

    static outcome<dataset> make(const memory &mem = {}) {
        opro_dataset *raw = nullptr;
        return detail::made<dataset>(opro_dataset_new(&raw, mem.get()), raw);
    }
    // options: NULL for none.
    outcome<dataset &> set_columns(const char *question, const char *answer,
                                   const char *options = nullptr) {
        return done(opro_dataset_set_columns(get(), question, answer, options), *this);
    }
    outcome<dataset &> set_skip_bad(bool skip) {
        return done(opro_dataset_set_skip_bad(get(), skip), *this);
    }
    std::int64_t skipped() const noexcept { return opro_dataset_skipped(get()); }
    // layout: OPRO_LAYOUT_...
    outcome<dataset &> load(std::string_view path, std::int32_t layout = OPRO_LAYOUT_AUTO) {
        return done(opro_dataset_load(get(), path.data(), path.size(), layout), *this);
    }
    outcome<dataset &> read(std::string_view bytes, std::int32_t layout) {
        return done(opro_dataset_read(get(), bytes.data(), bytes.size(), layout), *this);
    }
    outcome<dataset &> add(std::string_view question, std::string_view answer,
                           std::string_view options = {}) {
        return done(opro_dataset_add(get(), question.data(), question.size(), answer.data(),
                                     answer.size(), options.data(), options.size()),
                    *this);
    }
    // f(size_t index, opro::sink): delivers question, answer and perhaps options.
    template <class F> outcome<dataset &> set_examples(std::size_t count, F &&f) {
        return done(
            detail::install<on_example>(std::forward<F>(f), opro_dataset_set_fn, get(), count),
            *this);
    }
    std::size_t count() const noexcept { return opro_dataset_count(get()); }
    outcome<std::string_view> question(std::size_t index) const {
        return example(index, opro_dataset_question);
    }
    outcome<std::string_view> answer(std::size_t index) const {
        return example(index, opro_dataset_answer);
    }
    outcome<std::string_view> options(std::size_t index) const {
        return example(index, opro_dataset_options);
    }
    // OPRO_TASK_...
    outcome<std::int32_t> task() const {
        std::int32_t task = opro_dataset_task(get());
        return done(task ? OPRO_OK : status(), std::move(task));
    }
    outcome<std::uint64_t> digest() const {
        std::uint64_t digest = opro_dataset_digest(get());
        return done(digest ? OPRO_OK : status(), std::move(digest));
    }
    outcome<dataset &> split(double train, double validation, double test, std::uint64_t seed = 0) {
        return done(opro_dataset_split(get(), train, validation, test, seed), *this);
    }
    // set: OPRO_TRAIN, OPRO_VALIDATION, OPRO_TEST
    outcome<dataset &> set_split(std::int32_t set, span<const std::int64_t> indices) {
        return done(opro_dataset_set_split(get(), set, indices.data(), indices.size()), *this);
    }
    outcome<dataset &> split_published(double train, double validation) {
        return done(opro_dataset_split_published(get(), train, validation), *this);
    }
    // They live until the dataset is changed.
    span<const std::int64_t> split_of(std::int32_t set) const noexcept {
        std::size_t n = 0;
        const std::int64_t *const first = opro_dataset_split_of(get(), set, &n);
        return {first, first ? n : 0};
    }

  private:
    template <class F> struct on_example {
        static std::int32_t call(const opro_dataset *, std::size_t index, opro_sink *sink,
                                 void *f) noexcept {
            return detail::guard(
                [&] { return detail::status_of(*static_cast<F *>(f), index, opro::sink(sink)); });
        }
    };
    // Of the last call, where that says so by what it returns only.
    opro_status status() const noexcept { return opro_error_status(opro_dataset_error(get())); }
    outcome<std::string_view> example(std::size_t index,
                                      const char *(*get_text)(opro_dataset *, std::size_t,
                                                              std::size_t *)) const {
        std::string_view text = detail::text(get_text, get(), index);
        const opro_status missing = index < count() ? status() : OPRO_ERR_UNKNOWN;
        return done(text.data() ? OPRO_OK : missing, std::move(text));
    }
};

inline outcome<problem> problem::dataset(const opro::dataset &examples, const memory &mem) {
    opro_problem *raw = nullptr;
    return detail::made<problem>(opro_problem_new_dataset(&raw, examples.get(), mem.get()), raw,
                                 examples.get());
}

// What a metric has decided, or what your own decides.
class verdict : public detail::pointer<const opro_verdict> {
  public:
    using pointer::pointer;

    // From 0 (wrong) to 1 (right).
    double score() const noexcept { return opro_verdict_score(get()); }
    std::string_view extracted() const noexcept {
        return detail::text(opro_verdict_extracted, get());
    }
    std::string_view rule() const noexcept { return detail::name(opro_verdict_rule(get())); }
};

// Where your own metric puts its verdict.
class verdict_sink : public detail::pointer<opro_verdict> {
  public:
    using pointer::pointer;

    outcome<void> set(double score, std::string_view extracted = {}, const char *rule = "") const {
        return done(opro_verdict_set(get(), score, extracted.data(), extracted.size(), rule));
    }
};

class metric : public detail::handle<detail::pointer<opro_metric>, opro_metric, opro_metric_free> {
  public:
    using handle::handle;

    // kind: OPRO_METRIC_..., task: OPRO_TASK_...
    static outcome<metric> make(std::int32_t kind, std::int32_t task = OPRO_TASK_TEXT,
                                const memory &mem = {}) {
        opro_metric *raw = nullptr;
        return detail::made<metric>(opro_metric_new(&raw, kind, task, mem.get()), raw);
    }
    outcome<metric &> set_tolerance(double absolute, double relative) {
        return done(opro_metric_set_tolerance(get(), absolute, relative), *this);
    }
    outcome<metric &> set_decimals(std::int32_t decimals) {
        return done(opro_metric_set_decimals(get(), decimals), *this);
    }
    outcome<metric &> set_boxed(bool boxed) {
        return done(opro_metric_set_boxed(get(), boxed), *this);
    }
    outcome<metric &> set_pattern(std::string_view pattern) {
        return done(opro_metric_set_pattern(get(), pattern.data(), pattern.size()), *this);
    }
    // f(std::string_view reply, std::string_view answer) returns the score; or with an
    // opro::verdict_sink as well. Of OPRO_METRIC_HOST.
    template <class F> outcome<metric &> set_judge(F &&f) {
        return done(detail::install<on_judge>(std::forward<F>(f), opro_metric_set_fn, get()),
                    *this);
    }
    // The verdict lives until the next one. reply: an empty view (without a pointer) is none.
    outcome<verdict> judge(std::string_view reply, std::string_view answer,
                           std::string_view question = {}) const {
        const opro_verdict *raw = nullptr;
        const opro_status status =
            opro_metric_judge(get(), reply.data(), reply.size(), answer.data(), answer.size(),
                              question.data(), question.size(), &raw);
        return done(status, verdict(raw));
    }

  private:
    template <class F> struct on_judge {
        static std::int32_t call(const opro_metric *, const char *reply, std::size_t reply_len,
                                 const char *answer, std::size_t answer_len, opro_verdict *verdict,
                                 void *f) noexcept {
            return detail::guard([&] {
                return decide(*static_cast<F *>(f), std::string_view(reply, reply_len),
                              std::string_view(answer, answer_len), verdict);
            });
        }
        static std::int32_t decide(F &f, std::string_view reply, std::string_view answer,
                                   opro_verdict *verdict) {
            if constexpr (detail::returns_number<F, std::string_view, std::string_view>())
                return opro_verdict_set(verdict, f(reply, answer), "", 0, "");
            else
                return detail::status_of(f, reply, answer, verdict_sink(verdict));
        }
    };
};

// ---- language models --------------------------------------------------------------------------

class model : public detail::handle<detail::pointer<opro_model>, opro_model, opro_model_free> {
  public:
    using handle::handle;

    static outcome<model> make(const config &config = {}, const memory &mem = {}) {
        opro_model *raw = nullptr;
        return detail::made<model>(opro_model_new(&raw, config.get(), mem.get()), raw);
    }
    outcome<model &> set_base_url(std::string_view url) {
        return done(opro_model_set_base_url(get(), url.data(), url.size()), *this);
    }
    outcome<model &> set_name(std::string_view name) {
        return done(opro_model_set_name(get(), name.data(), name.size()), *this);
    }
    outcome<model &> set_key(std::string_view key) {
        return done(opro_model_set_key(get(), key.data(), key.size()), *this);
    }
    // f() returns the key; or f(opro::sink).
    template <class F> outcome<model &> set_key_source(F &&f) {
        return done(detail::install<on_key>(std::forward<F>(f), opro_model_set_key_fn, get()),
                    *this);
    }
    outcome<model &> set_header(std::string_view name, std::string_view value) {
        return done(opro_model_set_header(get(), name.data(), name.size(), detail::chars(value),
                                          value.size()),
                    *this);
    }
    outcome<model &> remove_header(std::string_view name) {
        return done(opro_model_set_header(get(), name.data(), name.size(), nullptr, 0), *this);
    }
    outcome<model &> set_parameter(std::string_view name, std::string_view json) {
        return done(opro_model_set_parameter(get(), name.data(), name.size(), detail::chars(json),
                                             json.size()),
                    *this);
    }
    outcome<model &> remove_parameter(std::string_view name) {
        return done(opro_model_set_parameter(get(), name.data(), name.size(), nullptr, 0), *this);
    }
    outcome<model &> set_ca_file(std::string_view path) {
        return done(opro_model_set_ca_file(get(), path.data(), path.size()), *this);
    }
    outcome<model &> set_ca_dir(std::string_view path) {
        return done(opro_model_set_ca_dir(get(), path.data(), path.size()), *this);
    }
    outcome<model &> set_proxy(std::string_view url) {
        return done(opro_model_set_proxy(get(), url.data(), url.size()), *this);
    }
    // OPRO_WAIT: nothing was found there.
    outcome<opro_status> set_from_env() { return said(opro_model_set_from_env(get())); }
    outcome<model &> record(std::string_view path) {
        return done(opro_model_record(get(), path.data(), path.size()), *this);
    }
    outcome<model &> replay(std::string_view path) {
        return done(opro_model_replay(get(), path.data(), path.size()), *this);
    }
    outcome<model &> set_cache_file(std::string_view path) {
        return done(opro_model_set_cache_file(get(), path.data(), path.size()), *this);
    }

    // OPRO_OK: something was done; OPRO_WAIT: nothing came in time; OPRO_DONE: no call is left.
    outcome<opro_status> poll(std::int32_t timeout_ms) {
        return said(opro_model_poll(get(), timeout_ms));
    }
    // Any thread.
    outcome<void> wakeup() const {
        return detail::finish(opro_model_wakeup(get()), static_cast<const void *>(nullptr));
    }
    // What to watch, and for how long at most, in a loop of your own.
    std::int64_t fd() const noexcept { return opro_model_fd(get()); }
    std::int64_t timeout() const noexcept { return opro_model_timeout(get()); }
    // f(int64_t fd, int32_t events)
    template <class F> outcome<model &> set_sockets(F &&f) {
        return done(detail::install<on_socket>(std::forward<F>(f), opro_model_set_socket_fn, get()),
                    *this);
    }
    // f(int64_t timeout_ms)
    template <class F> outcome<model &> set_timer(F &&f) {
        return done(detail::install<on_timer>(std::forward<F>(f), opro_model_set_timer_fn, get()),
                    *this);
    }
    outcome<opro_status> socket_action(std::int64_t fd, std::int32_t events) {
        return said(opro_model_socket_action(get(), fd, events));
    }
    outcome<opro_status> timer_action() { return said(opro_model_timer_action(get())); }
    // figure: OPRO_MODEL_...
    std::int64_t figure(std::int32_t figure) const noexcept {
        return opro_model_figure(get(), figure);
    }

  private:
    template <class F> struct on_key {
        static std::int32_t call(opro_model *, opro_sink *sink, void *f) noexcept {
            return detail::guard([&] { return detail::deliver(*static_cast<F *>(f), sink); });
        }
    };
    template <class F> struct on_socket {
        static std::int32_t call(opro_model *, std::int64_t fd, std::int32_t events,
                                 void *f) noexcept {
            return detail::guard(
                [&] { return detail::status_of(*static_cast<F *>(f), fd, events); });
        }
    };
    template <class F> struct on_timer {
        static std::int32_t call(opro_model *, std::int64_t timeout_ms, void *f) noexcept {
            return detail::guard(
                [&] { return detail::status_of(*static_cast<F *>(f), timeout_ms); });
        }
    };
    outcome<opro_status> said(opro_status status) const { return done(status, std::move(status)); }
};

inline outcome<optimizer> optimizer::model(const opro::model &client, const memory &mem) {
    opro_optimizer *raw = nullptr;
    return detail::made<optimizer>(opro_optimizer_new_model(&raw, client.get(), mem.get()), raw,
                                   client.get());
}

// A call, for looking at. Texts live as long as it.
class call_view : public detail::pointer<opro_call> {
  public:
    using pointer::pointer;

    bool over() const noexcept { return opro_call_done(get()) != 0; }
    // OPRO_OUTCOME_...
    std::int32_t outcome_of(std::size_t index = 0) const noexcept {
        return opro_call_outcome(get(), index);
    }
    std::string_view reply(std::size_t index = 0) const noexcept {
        return detail::text(opro_call_reply, get(), index);
    }
    std::string_view reasoning(std::size_t index = 0) const noexcept {
        return detail::text(opro_call_reasoning, get(), index);
    }
    std::string_view finish(std::size_t index = 0) const noexcept {
        return detail::name(opro_call_finish(get(), index));
    }
    // Why samples failed: status, words, class (OPRO_FAILURE_...).
    opro_status status() const noexcept { return opro_error_status(opro_call_error(get())); }
    std::string_view error() const noexcept {
        return detail::text(opro_error_message, opro_call_error(get()));
    }
    std::int32_t failure() const noexcept { return opro_call_failure(get()); }
    // figure: OPRO_CALL_...
    std::int64_t figure(std::int32_t figure) const noexcept {
        return opro_call_figure(get(), figure);
    }
};

class call : public detail::handle<call_view, opro_call, opro_call_free> {
  public:
    using handle::handle;

    static outcome<call> make(const model &model) {
        opro_call *raw = nullptr;
        const opro_status status = opro_call_new(&raw, model.get());
        return detail::finish(status, model.get(), call(raw, model.get()));
    }
    // What a PROPOSE asks for.
    static outcome<call> propose(const model &model, const request_view &asked) {
        opro_call *raw = nullptr;
        const opro_status status = opro_call_new_propose(&raw, model.get(), asked.get());
        return detail::finish(status, model.get(), call(raw, model.get()));
    }
    // role: OPRO_ROLE_...
    outcome<call &> add_message(std::int32_t role, std::string_view text) {
        return done(opro_call_add_message(get(), role, text.data(), text.size()));
    }
    outcome<call &> set_samples(std::size_t samples) {
        return done(opro_call_set_samples(get(), samples));
    }
    outcome<call &> set_temperature(double temperature) {
        return done(opro_call_set_temperature(get(), temperature));
    }
    outcome<call &> set_max_tokens(std::int64_t max_tokens) {
        return done(opro_call_set_max_tokens(get(), max_tokens));
    }
    outcome<call &> set_seed(std::uint64_t seed) { return done(opro_call_set_seed(get(), seed)); }
    outcome<call &> add_stop(std::string_view text) {
        return done(opro_call_add_stop(get(), text.data(), text.size()));
    }
    outcome<call &> set_deadline(std::int64_t ms) {
        return done(opro_call_set_deadline(get(), ms));
    }
    // f(opro::call_view, int32_t event, size_t index), event: OPRO_CALL_REPLY, OPRO_CALL_DONE; or
    // nothing: look at over(). It runs inside of model::poll() and its kin, which throw what it
    // throws.
    template <class F = std::nullptr_t> outcome<call &> submit(F &&f = nullptr) {
        return done(detail::install<on_answer>(std::forward<F>(f), opro_call_submit, get()));
    }

  private:
    template <class F> struct on_answer {
        static std::int32_t call(opro_call *raw, std::int32_t event, std::size_t index,
                                 void *f) noexcept {
            return detail::guard([&] {
                return detail::status_of(*static_cast<F *>(f), call_view(raw), event, index);
            });
        }
    };
    call(opro_call *raw, const opro_model *model) noexcept : handle(raw), model_(model) {}
    // What is wrong with a call is said by its model, which lives as long as it.
    outcome<call &> done(opro_status status) { return detail::finish(status, model_, *this); }
    const opro_model *model_ = nullptr;
};

inline std::string_view failure_name(std::int32_t failure) noexcept {
    return detail::name(opro_failure_name(failure));
}

// ---- examining instructions -------------------------------------------------------------------

// An exam, for looking at. Texts live as long as it.
class exam_view : public detail::pointer<const opro_exam> {
  public:
    using pointer::pointer;

    bool over() const noexcept { return opro_exam_done(get()) != 0; }
    std::size_t count() const noexcept { return opro_exam_count(get()); }
    std::size_t known() const noexcept { return opro_exam_known(get()); }
    std::int64_t example(std::size_t index) const noexcept {
        return opro_exam_example(get(), index);
    }
    double score(std::size_t index) const noexcept { return opro_exam_score(get(), index); }
    std::string_view reply(std::size_t index) const noexcept {
        return detail::text(opro_exam_reply, get(), index);
    }
    std::string_view second_reply(std::size_t index) const noexcept {
        return detail::text(opro_exam_second_reply, get(), index);
    }
    std::string_view extracted(std::size_t index) const noexcept {
        return detail::text(opro_exam_extracted, get(), index);
    }
    std::string_view rule(std::size_t index) const noexcept {
        return detail::name(opro_exam_rule(get(), index));
    }
    std::string_view fault(std::size_t index) const noexcept {
        return detail::text(opro_exam_fault, get(), index);
    }
    // NaN: nothing is known.
    double mean() const noexcept { return opro_exam_mean(get()); }
    outcome<opro::interval> interval() const {
        return detail::finish_interval(
            static_cast<const void *>(nullptr),
            [&](double *low, double *high) { return opro_exam_interval(get(), low, high); });
    }
    // figure: OPRO_CALL_..., OPRO_EXAM_CALLS
    std::int64_t figure(std::int32_t figure) const noexcept {
        return opro_exam_figure(get(), figure);
    }
};

class examiner
    : public detail::handle<detail::pointer<opro_examiner>, opro_examiner, opro_examiner_free> {
  public:
    using handle::handle;

    // metric: an empty one is STRICT, for the kind of answers that there are.
    static outcome<examiner> make(const dataset &dataset, const metric &metric, const model &model,
                                  const config &config = {}, const memory &mem = {}) {
        opro_examiner *raw = nullptr;
        return detail::made<examiner>(opro_examiner_new(&raw, dataset.get(), metric.get(),
                                                        model.get(), config.get(), mem.get()),
                                      raw, dataset.get());
    }
    // role: OPRO_ROLE_...
    outcome<examiner &> set_template(std::int32_t role, std::string_view text) {
        return done(opro_examiner_set_template(get(), role, detail::chars(text), text.size()),
                    *this);
    }
    outcome<examiner &> remove_template(std::int32_t role) {
        return done(opro_examiner_set_template(get(), role, nullptr, 0), *this);
    }
    outcome<examiner &> add_shot(std::string_view question, std::string_view answer) {
        return done(opro_examiner_add_shot(get(), question.data(), question.size(), answer.data(),
                                           answer.size()),
                    *this);
    }
    // judge: an empty one is none. text: your own question; without: the library's.
    outcome<examiner &> set_judge(const model &judge, std::string_view text = {}) {
        return done(opro_examiner_set_judge(get(), judge.get(), text.data(), text.size()), *this);
    }
    outcome<examiner &> build(std::string_view instruction, std::int64_t example) {
        return done(opro_examiner_build(get(), instruction.data(), instruction.size(), example),
                    *this);
    }
    // Of the last build.
    std::size_t messages() const noexcept { return opro_examiner_messages(get()); }
    opro::message message(std::size_t index) const noexcept {
        return {opro_examiner_message_role(get(), index),
                detail::text(opro_examiner_message_text, get(), index)};
    }
    // f(opro::exam_view, size_t index)
    template <class F> outcome<examiner &> set_observer(F &&f) {
        return done(
            detail::install<on_decided>(std::forward<F>(f), opro_examiner_set_observer, get()),
            *this);
    }
    struct estimated {
        std::int64_t low, likely, high; // high INT64_MAX: nothing limits it
    };
    // figure: OPRO_ESTIMATE_...; optimizer: an empty one costs nothing.
    outcome<estimated> estimate(const problem_view &problem, const model &optimizer,
                                const config &config, std::int32_t figure) const {
        estimated at = {0, 0, 0};
        const opro_status status =
            opro_examiner_estimate(get(), problem.get(), optimizer.get(), config.get(), figure,
                                   &at.low, &at.likely, &at.high);
        return done(status, std::move(at));
    }

  private:
    template <class F> struct on_decided {
        static std::int32_t call(opro_examiner *, const opro_exam *exam, std::size_t index,
                                 void *f) noexcept {
            return detail::guard(
                [&] { return detail::status_of(*static_cast<F *>(f), exam_view(exam), index); });
        }
    };
};

inline outcome<scorer> scorer::exam(const opro::examiner &examiner, const memory &mem) {
    opro_scorer *raw = nullptr;
    return detail::made<scorer>(opro_scorer_new_exam(&raw, examiner.get(), mem.get()), raw,
                                examiner.get());
}

class exam : public detail::handle<exam_view, opro_exam, opro_exam_free> {
  public:
    using handle::handle;

    // examples: indices into the dataset.
    static outcome<exam> make(const examiner &examiner, std::string_view instruction,
                              span<const std::int64_t> examples) {
        opro_exam *raw = nullptr;
        const opro_status status =
            opro_exam_new(&raw, examiner.get(), instruction.data(), instruction.size(),
                          examples.data(), examples.size());
        return detail::finish(status, examiner.get(), exam(raw, examiner.get()));
    }
    // f(opro::exam_view, int32_t event, size_t index), event: OPRO_EXAM_ANSWER, OPRO_EXAM_DONE; or
    // nothing: look at over(). It runs inside of model::poll() and its kin, which throw what it
    // throws.
    template <class F = std::nullptr_t> outcome<exam &> begin(F &&f = nullptr) {
        return detail::finish(
            detail::install<on_answer>(std::forward<F>(f), opro_exam_begin, get()), examiner_,
            *this);
    }

  private:
    template <class F> struct on_answer {
        static std::int32_t call(opro_exam *raw, std::int32_t event, std::size_t index,
                                 void *f) noexcept {
            return detail::guard([&] {
                return detail::status_of(*static_cast<F *>(f), exam_view(raw), event, index);
            });
        }
    };
    exam(opro_exam *raw, const opro_examiner *examiner) noexcept
        : handle(raw), examiner_(examiner) {}
    const opro_examiner *examiner_ = nullptr; // lives as long as the exam
};

// ---- journals ---------------------------------------------------------------------------------

// The entry of a journal that was read last; valid until the next one.
class entry : public detail::pointer<const opro_journal> {
  public:
    using pointer::pointer;

    // OPRO_ENTRY_...
    std::int32_t kind() const noexcept { return opro_journal_entry(get()); }
    std::int64_t record() const noexcept { return opro_journal_entry_record(get()); }
    std::uint64_t id() const noexcept { return opro_journal_entry_id(get()); }
    std::int64_t step() const noexcept { return opro_journal_entry_step(get()); }
    std::size_t index() const noexcept { return opro_journal_entry_index(get()); }
    std::size_t wanted() const noexcept { return opro_journal_entry_wanted(get()); }
    std::int32_t how() const noexcept { return opro_journal_entry_how(get()); }
    std::int32_t value() const noexcept { return opro_journal_entry_value(get()); }
    std::int64_t ms() const noexcept { return opro_journal_entry_ms(get()); }
    std::string_view text() const noexcept { return detail::text(opro_journal_entry_text, get()); }
    span<const double> scores() const noexcept {
        std::size_t n = 0;
        const double *const first = opro_journal_entry_scores(get(), &n);
        return {first, n};
    }
    struct used {
        std::int64_t prompt_tokens, reply_tokens, cost;
    };
    used usage() const noexcept {
        used all = {0, 0, 0};
        opro_journal_entry_usage(get(), &all.prompt_tokens, &all.reply_tokens, &all.cost);
        return all;
    }
};

class journal
    : public detail::handle<detail::pointer<opro_journal>, opro_journal, opro_journal_free> {
  public:
    using handle::handle;

    static outcome<journal> make(std::string_view path, const config &config = {},
                                 const memory &mem = {}) {
        opro_journal *raw = nullptr;
        return detail::made<journal>(
            opro_journal_new(&raw, path.data(), path.size(), config.get(), mem.get()), raw);
    }
    outcome<void> sync() { return done(opro_journal_sync(get())); }
    outcome<void> close() { return done(opro_journal_close(get())); }
    // figure: OPRO_JOURNAL_...
    std::int64_t count(std::int32_t figure) const noexcept {
        return opro_journal_count(get(), figure);
    }
    std::string_view torn_file() const noexcept {
        return detail::text(opro_journal_torn_file, get());
    }
    // The next entry of the file; empty: there is none, for now.
    outcome<std::optional<entry>> next() {
        const opro_status status = opro_journal_next(get());
        std::optional<entry> one;
        if (status == OPRO_OK) one.emplace(get());
        return done(status, std::move(one));
    }
};

inline outcome<run &> run::resume(const journal &from) {
    return done(opro_run_resume(get(), from.get()), *this);
}

inline outcome<driver &> driver::set_journal(const journal &journal) {
    return done(opro_driver_set_journal(get(), journal.get()), *this);
}

// ---- what belongs to nothing ------------------------------------------------------------------

inline std::string_view status_name(opro_status status) noexcept {
    return opro_status_name(status);
}

// Of the library that is loaded; OPRO_VERSION_NUM is that of the headers.
inline std::string_view version_string() noexcept {
    return opro_version_string();
}
inline std::int32_t version_num() noexcept {
    return opro_version_num();
}
inline std::int32_t abi_epoch() noexcept {
    return opro_abi_epoch();
}
// feature: OPRO_FEATURE_...
inline bool has_feature(std::int32_t feature) noexcept {
    return opro_has_feature(feature) != 0;
}

// Test functions: OPRO_FUNCTION_..., by name, their names and values.
inline std::int32_t function_find(std::string_view name) noexcept {
    return opro_function_find(name.data(), name.size());
}
inline std::string_view function_name(std::int32_t function) noexcept {
    return detail::name(opro_function_name(function));
}
inline double function_value(std::int32_t function, span<const double> x) noexcept {
    return opro_function_value(function, x.data(), x.size());
}

} // namespace OPRO_CPP_MODE
} // namespace opro

#undef OPRO_CPP_MODE

#endif
