/* SPDX-License-Identifier: MIT */
/* Status codes, strings, memory, logging, version: what every other header needs. */
#ifndef OPRO_BASE_H
#define OPRO_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define OPRO_BEGIN_DECLS extern "C" {
#define OPRO_END_DECLS   }
#else
#define OPRO_BEGIN_DECLS
#define OPRO_END_DECLS
#endif

#if defined(_WIN32) && defined(OPRO_BUILD)
#define OPRO_API __declspec(dllexport)
#elif defined(__GNUC__)
#define OPRO_API __attribute__((visibility("default")))
#else
#define OPRO_API
#endif

/* As a length: the string ends at its NUL. */
#define OPRO_ZT ((size_t)-1)

OPRO_BEGIN_DECLS

/*
 * What a function says about itself: 0 is success, negative an error, positive information. Values
 * are never renumbered; treat an unknown negative value as an error, an unknown positive one as
 * success.
 */
typedef int32_t opro_status;
enum {
    OPRO_OK = 0,       /* success */
    OPRO_WAIT = 10,    /* nothing to do until an answer comes (or time passes) */
    OPRO_DONE = 20,    /* the run has stopped; opro_run_stop_reason() says why */
    OPRO_PENDING = 30, /* from a callback: the answer will come later */

    OPRO_ERR_INVALID = -10, /* an argument is NULL, out of range or senseless */
    OPRO_ERR_NOMEM = -20, /* the allocator returned NULL, or the object's memory limit is reached */
    OPRO_ERR_UNSUPPORTED = -30, /* not in this build */
    OPRO_ERR_ABI = -40, /* a sized struct from a newer header uses fields that are unknown here */
    OPRO_ERR_REENTRANT = -50, /* not allowed inside this callback */
    OPRO_ERR_CALLBACK = -60,  /* a callback broke its contract */
    OPRO_ERR_STALE = -70,     /* the request was answered already, or cancelled */
    OPRO_ERR_UNKNOWN = -80,   /* no such request, option, name or index */
    OPRO_ERR_STATE = -90,     /* the object is not in a state for this call */
    OPRO_ERR_LIMIT = -100,    /* a stated bound would be exceeded */
    OPRO_ERR_PARSE = -110,    /* text does not have the expected form */
    OPRO_ERR_REJECTED = -120, /* a solution is not legal for its problem */
    OPRO_ERR_FAILED = -130,   /* what was asked for could not be done (a model or scorer gave up) */
    OPRO_ERR_TIMEOUT = -140,  /* a deadline passed */
    OPRO_ERR_USER_FIRST = -1000, /* first of the codes that are the host's own ... */
    OPRO_ERR_USER_LAST = -1999   /* ... and the last */
};

/*
 * The name of a status, such as "OPRO_ERR_STALE"; "OPRO_ERR_USER" for the host's own, "unknown
 * status" for others. Static storage. May be called anywhere, from any thread. Since 0.1.
 */
OPRO_API const char *opro_status_name(opro_status status);

/*
 * Runs once when the library no longer needs user_data. Nothing may be called on the object that it
 * was given to; changing and freeing that is refused. (What callbacks that misbehave meet is said
 * in opro.h, "Hosts that misbehave".)
 */
typedef void (*opro_destroy_fn)(void *user_data);

/*
 * An allocator: the one public struct. Set size to sizeof(opro_allocator). A struct of a newer,
 * larger version is accepted if the bytes unknown here are zero (else OPRO_ERR_ABI). alloc(n) and
 * realloc(p, n) are called with n > 0 and return memory aligned as by malloc, or NULL; free(p) is
 * called with what they returned. The struct is copied; the functions and user_data must stay
 * valid as long as the object lives. None of them may call into the library, which is not checked.
 * The functions run on the thread that uses the object. Since 0.1.
 */
typedef struct opro_allocator {
    /* sizeof(opro_allocator) */
    size_t size;
    /* as malloc() */
    void *(*alloc)(size_t n, void *user_data);
    /* as realloc() */
    void *(*realloc)(void *p, size_t n, void *user_data);
    /* as free() */
    void (*free)(void *p, void *user_data);
    /* given to all three */
    void *user_data;
} opro_allocator;

/*
 * The detail of a failure. Belongs to its object; see opro_problem_error(), opro_run_error() and
 * so on.
 */
typedef struct opro_error opro_error;

/*
 * The status of the last call on the object; OPRO_OK when it did not fail. error: not NULL. Since
 * 0.1.
 */
OPRO_API opro_status opro_error_status(const opro_error *error);

/*
 * What was wrong, with which value, and what to do; "" when nothing was. Never NULL. Lives until
 * the next call on the object. Since 0.1.
 */
OPRO_API const char *opro_error_message(const opro_error *error, size_t *len);

/* Log levels. */
enum {
    OPRO_LOG_NONE = 0,     /* silence */
    OPRO_LOG_ERROR = 10,   /* something failed for good */
    OPRO_LOG_WARNING = 20, /* something is not as it should be; the work goes on */
    OPRO_LOG_INFO = 30,    /* what goes on, in a few lines */
    OPRO_LOG_DEBUG = 40    /* the only level at which prompts and replies may appear */
};

/*
 * Hears log messages. domain is a static name such as "run"; message is counted and
 * NUL-terminated, and dies when the callback returns. It is a callback of the object that logs:
 * changing and freeing that is refused.
 */
typedef void (*opro_log_fn)(int32_t level, const char *domain, const char *message, size_t len,
                            void *user_data);

/*
 * Where a callback puts its result. A sink lives while the callback runs; keeping the pointer is
 * an error that the library cannot see. Which of the functions below a callback may use is said
 * where the callback is described.
 */
typedef struct opro_sink opro_sink;

/* Deliver a text (copied). Inside callbacks only. Since 0.1. */
OPRO_API opro_status opro_sink_text(opro_sink *sink, const char *text, size_t len);

/* Deliver "no", with the reason as it shall be shown (copied). Inside callbacks only. Since 0.1. */
OPRO_API opro_status opro_sink_reject(opro_sink *sink, const char *reason, size_t len);

/* Deliver a count, not negative. Inside callbacks only. Since 0.1. */
OPRO_API opro_status opro_sink_count(opro_sink *sink, int64_t count);

/*
 * Version and ABI epoch of the library that is loaded; "0.1.0", 1000 and 0 for this one. Any
 * thread. Since 0.1.
 */
OPRO_API const char *opro_version_string(void);
OPRO_API int32_t opro_version_num(void);
OPRO_API int32_t opro_abi_epoch(void);

/* Optional parts of a build. Values without a name here are unknown and absent. */
enum {
    OPRO_FEATURE_THREADS = 10, /* opro_driver_post_*() from other threads */
    OPRO_FEATURE_HTTP = 20,    /* the model client */
    OPRO_FEATURE_JOURNAL = 30  /* the durable journal */
};

/* 1 when this build has the feature, else 0. Any thread. Since 0.1. */
OPRO_API int32_t opro_has_feature(int32_t feature);

OPRO_END_DECLS

#endif
