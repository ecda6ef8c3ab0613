/* SPDX-License-Identifier: MIT */
/* The scenarios: by area, a file each. Together they call every function of the library. */
#ifndef TESTS_FAILURE_SCENARIOS_H
#define TESTS_FAILURE_SCENARIOS_H

/* What may be made to fail in a scenario. */
enum {
    MEMORY = 1,
    CALLS = 2,  /* calls of the system                     */
    SERVER = 4, /* nothing more; there is a server for it  */
    NETWORK = MEMORY | SERVER
};

typedef struct scenario {
    const char *name;
    int fails;
    void (*play)(void);
} scenario;

/* Each ends with a name that is NULL. */
extern const scenario config_scenarios[];
extern const scenario dataset_scenarios[];
extern const scenario driver_scenarios[];
extern const scenario exam_scenarios[];
extern const scenario journal_scenarios[];
extern const scenario meta_prompt_scenarios[];
extern const scenario metric_scenarios[];
extern const scenario model_scenarios[];
extern const scenario optimizer_scenarios[];
extern const scenario problem_scenarios[];
extern const scenario run_scenarios[];
extern const scenario tour_scenarios[];
extern const scenario trajectory_scenarios[];

/* ---- which is played now --------------------------------------------------------------------- */

const char *scenario_now(void);

/* Of a point that was asked for, what happens is printed; 2: all that is noted, too. */
int point_is_shown(void);

#endif
