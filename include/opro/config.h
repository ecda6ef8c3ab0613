/* SPDX-License-Identifier: MIT */
/*
 * Options. One table (lib/core/options.def) gives every option an id, a name, a type, bounds, a
 * default and a line of help, all of which can be listed at run time. A config is copied into an
 * object when the object is created: later changes to the config do not reach it.
 */
#ifndef OPRO_CONFIG_H
#define OPRO_CONFIG_H

#include "base.h"

OPRO_BEGIN_DECLS

/* Values of options, and a log. */
typedef struct opro_config opro_config;

/* Option types. */
enum {
    OPRO_TYPE_INT = 10,   /* int64_t */
    OPRO_TYPE_REAL = 20,  /* double; NaN ("none") where the default is none */
    OPRO_TYPE_CHOICE = 30 /* one of a few names, each with a number (OPRO_MODE_STEADY, ...) */
};

/* Option ids. Their names are the lower-case words after OPRO_OPT_: OPRO_OPT_SEED is "seed". */
enum {
    /* the loop */
    OPRO_OPT_MODE = 100,
    OPRO_OPT_SEED = 101,
    OPRO_OPT_STEPS = 102,
    OPRO_OPT_SAMPLES_PER_STEP = 103,
    OPRO_OPT_SAMPLES_PER_REQUEST = 104,
    OPRO_OPT_CANDIDATES_PER_REPLY = 105,
    OPRO_OPT_RESAMPLE_LIMIT = 106,
    OPRO_OPT_MAX_IN_FLIGHT = 107,
    OPRO_OPT_STEADY_CANDIDATES = 108,
    OPRO_OPT_STEADY_SAMPLES = 109,
    OPRO_OPT_TARGET_SCORE = 110,
    OPRO_OPT_PATIENCE = 111,
    OPRO_OPT_EVAL_INTERVAL = 112,
    OPRO_OPT_MAX_FAILURES = 113,
    OPRO_OPT_MEMORY_LIMIT = 114,
    /* which candidates are admitted */
    OPRO_OPT_MAX_LENGTH = 200,
    OPRO_OPT_FORBID_DIGITS = 201,
    OPRO_OPT_FORBID_PLACEHOLDER = 202,
    OPRO_OPT_TIDY = 203,
    OPRO_OPT_DEDUP = 204,
    OPRO_OPT_REPAIR = 205,
    OPRO_OPT_POLISH = 206,
    /* what of the trajectory is shown */
    OPRO_OPT_SHOWN_SOLUTIONS = 300,
    OPRO_OPT_SCORE_THRESHOLD = 301,
    OPRO_OPT_SCORE_DISPLAY = 302,
    OPRO_OPT_SCORE_BUCKETS = 303,
    OPRO_OPT_SCORE_DECIMALS = 304,
    OPRO_OPT_ORDER = 305,
    OPRO_OPT_SHOW_REJECTED = 306,
    OPRO_OPT_SHOW_FEEDBACK = 307,
    /* exemplars */
    OPRO_OPT_EXEMPLARS = 400,
    OPRO_OPT_EXEMPLAR_CHOICE = 401,
    OPRO_OPT_EXEMPLARS_FIRST = 402,
    OPRO_OPT_WRONG_SCORE = 403,
    /* the meta-prompt */
    OPRO_OPT_META_PROMPT = 500,
    OPRO_OPT_POSITION = 501,
    OPRO_OPT_QUESTION_MARKS = 502,
    OPRO_OPT_MAX_PROMPT_TOKENS = 503,
    OPRO_OPT_MAX_PROMPT_BYTES = 504,
    /* sampling */
    OPRO_OPT_TEMPERATURE = 600,
    OPRO_OPT_TEMPERATURE_SCHEDULE = 601,
    OPRO_OPT_TEMPERATURE_END = 602,
    OPRO_OPT_MAX_REPLY_TOKENS = 603,
    /* budgets; 0 is no limit */
    OPRO_OPT_MAX_PROPOSALS = 700,
    OPRO_OPT_MAX_SCORER_CALLS = 701,
    OPRO_OPT_MAX_TOKENS = 702,
    OPRO_OPT_MAX_COST = 703,
    OPRO_OPT_MAX_TIME_MS = 704,
    OPRO_OPT_REQUEST_TIMEOUT_MS = 705,
    OPRO_OPT_PROMPT_PRICE = 706,
    OPRO_OPT_REPLY_PRICE = 707,
    OPRO_OPT_SCORE_TOKENS = 708,
    OPRO_OPT_SCORE_COST = 709,
    /* the local optimizer */
    OPRO_OPT_LOCAL_RESTART = 800,
    OPRO_OPT_LOCAL_FLOOR = 801,
    OPRO_OPT_LOCAL_DECAY = 802,
    OPRO_OPT_LOCAL_SURROGATE = 803,
    /* the model client */
    OPRO_OPT_MODEL_DIALECT = 900,
    OPRO_OPT_MODEL_PREFIX = 901,
    OPRO_OPT_MODEL_SAMPLES = 902,
    OPRO_OPT_MODEL_MOST_SAMPLES = 903,
    OPRO_OPT_MODEL_FIRST_ALONE = 904,
    OPRO_OPT_MODEL_HTTP = 905,
    OPRO_OPT_MODEL_ALLOW_HTTP = 906,
    OPRO_OPT_MODEL_MAX_WAITING = 907,
    OPRO_OPT_MODEL_IN_FLIGHT = 908,
    OPRO_OPT_MODEL_MAX_IN_FLIGHT = 909,
    OPRO_OPT_MODEL_ADAPTIVE = 910,
    OPRO_OPT_MODEL_REQUESTS_PER_MINUTE = 911,
    OPRO_OPT_MODEL_TOKENS_PER_MINUTE = 912,
    OPRO_OPT_MODEL_CONNECT_TIMEOUT_MS = 913,
    OPRO_OPT_MODEL_IDLE_TIMEOUT_MS = 914,
    OPRO_OPT_MODEL_TIMEOUT_MS = 915,
    OPRO_OPT_MODEL_DEADLINE_MS = 916,
    OPRO_OPT_MODEL_LOADING_MS = 917,
    OPRO_OPT_MODEL_ATTEMPTS = 918,
    OPRO_OPT_MODEL_BACKOFF_MS = 919,
    OPRO_OPT_MODEL_BACKOFF_MAX_MS = 920,
    OPRO_OPT_MODEL_BACKOFF_BUSY_MAX_MS = 921,
    OPRO_OPT_MODEL_RETRY_AFTER_MAX_MS = 922,
    OPRO_OPT_MODEL_RETRY_PERCENT = 923,
    OPRO_OPT_MODEL_BREAKER_FAILURES = 924,
    OPRO_OPT_MODEL_BREAKER_MS = 925,
    OPRO_OPT_MODEL_MAX_BODY = 926,
    OPRO_OPT_MODEL_MAX_HEADER = 927,
    OPRO_OPT_MODEL_ACCEPT_TRUNCATED = 928,
    OPRO_OPT_MODEL_CACHE_BYTES = 929,
    OPRO_OPT_MODEL_PROMPT_PRICE = 930,
    OPRO_OPT_MODEL_CACHED_PRICE = 931,
    OPRO_OPT_MODEL_REPLY_PRICE = 932,

    OPRO_OPT_RACE = 940,
    OPRO_OPT_RACE_ALPHA = 941,
    OPRO_OPT_RACE_BLOCK = 942,
    OPRO_OPT_CONFIRM = 943,
    /* the model client, further */
    OPRO_OPT_MODEL_BREAKER_PERCENT = 944,
    OPRO_OPT_MODEL_BREAKER_REQUESTS = 945,
    OPRO_OPT_MODEL_BREAKER_WINDOW_MS = 946,
    OPRO_OPT_MODEL_BREAKER_MAX_MS = 947,
    OPRO_OPT_MODEL_RETRY_FREE = 948,
    OPRO_OPT_MODEL_RETRY_FEW = 949,
    OPRO_OPT_MODEL_JITTER_PERCENT = 950,
    OPRO_OPT_MODEL_LOADING_POLL_MS = 951,
    OPRO_OPT_MODEL_MAX_ADAPTATIONS = 952,
    OPRO_OPT_MODEL_MAX_HEADER_LINES = 953,
    /* examining instructions */
    OPRO_OPT_EXAM_TEMPERATURE = 960,
    OPRO_OPT_EXAM_MAX_TOKENS = 961,
    OPRO_OPT_EXAM_SECOND_QUESTION = 962,
    OPRO_OPT_EXAM_SECOND_TOKENS = 963,
    OPRO_OPT_EXAM_ROUNDS = 964,
    OPRO_OPT_EXAM_FEEDBACK = 965,
    /* the journal */
    OPRO_OPT_JOURNAL_SYNC = 980,
    OPRO_OPT_JOURNAL_SYNC_MS = 981,
    OPRO_OPT_JOURNAL_NETWORK = 982
};

/* Values of the choice options. */
enum {
    OPRO_MODE_STEPWISE = 10, /* the paper's: a step ends when all its candidates are decided */
    OPRO_MODE_STEADY = 20,   /* a new proposal whenever a slot is free */

    OPRO_DEDUP_EXACT = 10,      /* a candidate is a repeat when its canonical text is */
    OPRO_DEDUP_NORMALISED = 20, /* ... also when it differs only in blanks and ASCII case */

    OPRO_DISPLAY_AUTO = 10,     /* as the problem says */
    OPRO_DISPLAY_BUCKETS = 20,  /* an integer from 0 to score_buckets, half-even */
    OPRO_DISPLAY_DECIMALS = 30, /* score_decimals digits after the point */
    OPRO_DISPLAY_NONE = 40,     /* solutions are shown without scores */

    OPRO_ORDER_ASCENDING = 10,  /* best last, next to the request */
    OPRO_ORDER_DESCENDING = 20, /* best first */
    OPRO_ORDER_RANDOM = 30,     /* shuffled, anew in each step */

    OPRO_EXEMPLARS_RANDOM = 10,            /* new ones each step */
    OPRO_EXEMPLARS_RANDOM_PUBLISHED = 15,  /* the same, as the published program draws them */
    OPRO_EXEMPLARS_CONSTANT = 20,          /* the same ones each step */
    OPRO_EXEMPLARS_ACCUMULATED_WRONG = 30, /* most often wrong over all scored candidates */
    OPRO_EXEMPLARS_CURRENT_WRONG = 40,     /* most often wrong over the candidates shown now */

    OPRO_META_PROMPT_AUTO = 10,       /* as the problem says */
    OPRO_META_PROMPT_CHAT = 20,       /* instruction-tuned chat model, answer in tags */
    OPRO_META_PROMPT_SQUARE = 30,     /* answer in square brackets */
    OPRO_META_PROMPT_PRETRAINED = 40, /* base model, continues a list */
    OPRO_META_PROMPT_POINTS = 50,     /* numeric vectors */
    OPRO_META_PROMPT_TOUR = 60,       /* permutations */

    OPRO_POSITION_BEFORE_Q = 10, /* where an instruction stands in an exemplar */
    OPRO_POSITION_Q_BEGIN = 20,  /* in front of the question, behind its "Q:" */
    OPRO_POSITION_Q_END = 30,    /* behind the question */
    OPRO_POSITION_A_BEGIN = 40,  /* at the beginning of the answer */
    OPRO_POSITION_SYSTEM = 50,   /* a message of its own, in front of the question */

    OPRO_SCHEDULE_CONSTANT = 10, /* temperature, in all steps */
    /* from temperature towards temperature_end over steps, as the published program does */
    OPRO_SCHEDULE_LINEAR = 20,

    OPRO_RACE_AUTO = 5,         /* recommended for problems of datasets, else off */
    OPRO_RACE_OFF = 10,         /* all instances are scored */
    OPRO_RACE_RECOMMENDED = 20, /* against the best; alpha 0.2 */
    OPRO_RACE_CAUTIOUS = 30,    /* against the median of the best 20; alpha 0.2 */
    OPRO_RACE_EXACT = 40,       /* against the best; dropped only when it has lost for certain */

    OPRO_CONFIRM_AUTO = 10, /* on for problems of datasets with validation examples */
    OPRO_CONFIRM_OFF = 20,  /* the best in training wins */
    OPRO_CONFIRM_ON = 30,   /* the winner is chosen by validation examples */

    OPRO_DIALECT_AUTO = 10,        /* by the base URL's host, else chat completions */
    OPRO_DIALECT_OPENAI = 20,      /* chat completions, by whoever serves them */
    OPRO_DIALECT_COMPLETIONS = 30, /* legacy completions: a base model continues a text */
    OPRO_DIALECT_RESPONSES = 40,   /* OpenAI Responses */
    OPRO_DIALECT_ANTHROPIC = 50,   /* Anthropic Messages */
    OPRO_DIALECT_GEMINI = 60,      /* Gemini generateContent */
    OPRO_DIALECT_AZURE = 70,       /* chat completions with Azure's paths and key header */

    OPRO_PREFIX_AUTO = 10,     /* by what the host is known for, else trailing */
    OPRO_PREFIX_NONE = 20,     /* it cannot */
    OPRO_PREFIX_TRAILING = 30, /* by a last message of the assistant's alone */
    OPRO_PREFIX_CONTINUE = 40, /* ... and continue_final_message (vLLM) */
    OPRO_PREFIX_MARKED = 50,   /* ... and "prefix": true (Mistral, DeepSeek) */

    OPRO_SAMPLING_AUTO = 10,     /* as the endpoint turns out to be able to */
    OPRO_SAMPLING_TOGETHER = 20, /* several replies by one request */
    OPRO_SAMPLING_SINGLY = 30,   /* one reply a request */

    OPRO_SYNC_RECORD = 10, /* see journal.h */
    OPRO_SYNC_STEP = 20,   /* at the end of each step */
    OPRO_SYNC_TIME = 30,   /* every journal_sync_ms */
    OPRO_SYNC_NONE = 40    /* when the system likes */
};

/* A config with every option at its default. Since 0.1. */
OPRO_API opro_status opro_config_new(opro_config **out, const opro_allocator *mem);

/* A config with the same options and log as another. Since 0.1. */
OPRO_API opro_status opro_config_clone(opro_config **out, const opro_config *config,
                                       const opro_allocator *mem);

/* Free it; NULL is fine. Objects made from the config keep their copies. Since 0.1. */
OPRO_API void opro_config_free(opro_config *config);

/* Detail of the last failed call on this config. Never NULL. Since 0.1. */
OPRO_API const opro_error *opro_config_error(const opro_config *config);

/*
 * Set an integer or choice option. OPRO_ERR_UNKNOWN: no such option; OPRO_ERR_INVALID: it has
 * another type, or the value is out of its bounds (the message says which). Since 0.1.
 */
OPRO_API opro_status opro_config_set_int(opro_config *config, int32_t option, int64_t value);

/*
 * Set a real option; NaN unsets one whose default is none. Errors as opro_config_set_int(). Since
 * 0.1.
 */
OPRO_API opro_status opro_config_set_real(opro_config *config, int32_t option, double value);

/*
 * Set any option by its name from text: "seed" "42", "mode" "steady", "temperature" "0.7",
 * "target_score" "none". Numbers are read independently of the locale. OPRO_ERR_UNKNOWN names the
 * nearest known option. Since 0.1.
 */
OPRO_API opro_status opro_config_set(opro_config *config, const char *name, size_t name_len,
                                     const char *value, size_t value_len);

/* Read an option. Errors: OPRO_ERR_UNKNOWN, OPRO_ERR_INVALID for another type. Since 0.1. */
OPRO_API opro_status opro_config_get_int(const opro_config *config, int32_t option, int64_t *value);
OPRO_API opro_status opro_config_get_real(const opro_config *config, int32_t option, double *value);

/*
 * Hear what objects made from this config have to say, up to a level (OPRO_LOG_...; OPRO_LOG_NONE
 * is silence, the default). Keys are never logged, prompts and replies only at OPRO_LOG_DEBUG. fn
 * NULL: no log. Since 0.1.
 */
OPRO_API opro_status opro_config_set_log(opro_config *config, int32_t level, opro_log_fn fn,
                                         void *user_data, opro_destroy_fn destroy);

/* A digest of all option values, equal on every platform. Since 0.1. */
OPRO_API uint64_t opro_config_digest(const opro_config *config);

/*
 * Introspection: the option at an index (0, 1, ...; 0 past the end), or with a name (0 when there
 * is none); then its name, type, help, bounds and default. Strings are static, NULL for an
 * unknown id. Bounds and defaults are given as reals (exact up to 2^53); NaN means none. Any
 * thread. Since 0.1.
 */
OPRO_API int32_t opro_option_at(size_t index);
OPRO_API int32_t opro_option_find(const char *name, size_t len);
OPRO_API const char *opro_option_name(int32_t option);
OPRO_API int32_t opro_option_type(int32_t option);
OPRO_API const char *opro_option_help(int32_t option);
OPRO_API double opro_option_min(int32_t option);
OPRO_API double opro_option_max(int32_t option);
OPRO_API double opro_option_default(int32_t option);

/*
 * The index-th choice of a choice option: its name (NULL past the end) and its number in *value.
 * Since 0.1.
 */
OPRO_API const char *opro_option_choice(int32_t option, size_t index, int64_t *value);

OPRO_END_DECLS

#endif
