/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Options that every program has; three of them are options of the library with a name of their
 * own.
 */
static const char run_help[] =
    "  --steps N          steps; 0: no limit (default %lld)\n"
    "  --samples N        proposals in each step (default 8)\n"
    "  --report FILE      write a picture of the result: FILE.svg, or else an HTML page\n"
    "  --journal FILE     keep the run in FILE; if it is there, go on with the run in it\n";
static const char common_help[] =
    "  --seed N           seed of all random choices (default 0)\n"
    "  --option NAME=VAL  set any option of the library; --options lists them\n"
    "  --json             print one JSON object instead of words\n"
    "  --options          list the options of the library\n"
    "  --help             this\n";

static int print_help(const program *p) {
    printf("usage: %s%s%s [OPTION...]\n\n%s\n\n", p->name, p->operand ? " " : "",
           p->operand ? p->operand : "", p->about);
    for (size_t i = 0; i < p->n_options; i++) {
        const option *o = &p->options[i];
        int width = printf("  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");

        if (width < 20) printf("%*s%s\n", 21 - width, "", o->help);
        if (width >= 20) printf("\n%21s%s\n", "", o->help);
    }
    proposer_print_help(p);
    if (!p->no_run) printf(run_help, (long long)p->steps);
    fputs(common_help, stdout);
    if (!p->no_run && p->by.at.kind == PROPOSER_LOCAL)
        puts("\nNo language model takes part, unless --optimizer says so: the proposals are those\n"
             "of classical local search.");
    puts("\nExit code: 0 if all went well, 1 if not, 2 for wrong arguments, 130 after Ctrl-C\n"
         "(what was found until then is printed).");
    return PROGRAM_HELP;
}

static int print_options(void) {
    int32_t id;

    for (size_t i = 0; (id = opro_option_at(i)) != 0; i++) {
        double value = opro_option_default(id);
        int64_t number;
        const char *name = NULL;

        for (size_t k = 0; (name = opro_option_choice(id, k, &number)) != NULL; k++)
            if ((double)number == value) break;
        printf("%-22s ", opro_option_name(id));
        if (name || isnan(value))
            printf("%-10s ", name ? name : "none");
        else
            printf("%-10.10g ", value);
        puts(opro_option_help(id));
    }
    return PROGRAM_HELP;
}

static int misused(const program *p, const char *what, const char *which) {
    program_fail(p, "%s%s (%s --help tells how to use it)", what, which, p->name);
    return 2;
}

int arguments_set(program *p, const char *name, size_t name_len, const char *value) {
    if (opro_config_set(p->config, name, name_len, value, OPRO_ZT) == OPRO_OK) return 0;
    return misused(p, opro_error_message(opro_config_error(p->config), NULL), "");
}

int read_number(const char *text, double *value) {
    char *end;
    double read;

    errno = 0;
    read = strtod(text, &end);
    if (end == text || *end || !isfinite(read)) return 0;
    *value = read;
    return 1;
}

static int read_count(const char *text, int64_t *value) {
    char *end;
    long long read;

    if (*text < '0' || *text > '9') return 0;
    errno = 0;
    read = strtoll(text, &end, 10);
    if (*end || errno) return 0;
    *value = read;
    return 1;
}

static int add_text(const program *p, text_list *list, const char *what, const char *text) {
    if (list->n == TEXTS_MAX) {
        program_fail(p, "%s: at most %d", what, TEXTS_MAX);
        return 2;
    }
    list->all[list->n++] = text;
    return 0;
}

static int set_own(program *p, const option *o, const char *value) {
    void *target = o->target;
    int good = 1;

    switch (o->kind) {
    case OPTION_FLAG: *(int *)target = 1; break;
    case OPTION_COUNT: good = read_count(value, target); break;
    case OPTION_REAL: good = read_number(value, target); break;
    case OPTION_LIST: return add_text(p, target, o->name, value);
    case OPTION_SAME: return arguments_set(p, o->name, OPRO_ZT, value);
    default: *(const char **)target = value; break;
    }
    if (good) return 0;
    program_fail(p, "--%s takes a%s number, not \"%s\"", o->name,
                 o->kind == OPTION_COUNT ? " whole" : "", value);
    return 2;
}

static int is(const char *arg, size_t len, const char *name) {
    return strlen(name) == len && memcmp(arg, name, len) == 0;
}

/* Where a flag that every program has puts its 1; NULL: it is none. */
static int *find_flag(program *p, const char *name, size_t len) {
    return is(name, len, "json")          ? &p->json
           : p->no_run                    ? NULL
           : is(name, len, "show-prompt") ? &p->by.show_prompt
           : is(name, len, "show-reply")  ? &p->by.show_reply
                                          : NULL;
}

/* --option NAME=VALUE */
static int set_named(program *p, const char *text) {
    const char *sign = strchr(text, '=');

    if (!sign) return misused(p, "--option takes NAME=VALUE, not ", text);
    return arguments_set(p, text, (size_t)(sign - text), sign + 1);
}

static const option *find_own(const program *p, const char *arg, size_t len) {
    for (size_t i = 0; i < p->n_options; i++)
        if (is(arg, len, p->options[i].name)) return &p->options[i];
    return NULL;
}

/* An option that takes a value, and that every program has. */
static int take_common(program *p, const char *arg, const char *name, size_t len,
                       const char *value) {
    static const struct {
        const char *name, *means;
        int of_runs;
    } aliases[] = {{"seed", "seed", 0},
                   {"steps", "steps", 1},
                   {"samples", "samples_per_step", 1},
                   {"temperature", "temperature", 1}};
    int status;

    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (is(name, len, aliases[i].name) && !(p->no_run && aliases[i].of_runs))
            return arguments_set(p, aliases[i].means, OPRO_ZT, value);
    if (is(name, len, "option")) return set_named(p, value);
    status = proposer_option(p, name, len, value);
    if (status) return status == 1 ? 0 : status;
    if (p->no_run || !(is(name, len, "report") || is(name, len, "journal")))
        return misused(p, "there is no option ", arg);
    if (is(name, len, "report"))
        p->report = value;
    else
        p->journal = value;
    return *value ? 0 : misused(p, arg, " needs a value");
}

/* One option, "--name", "--name=value" or "--name value"; takes its value from *rest. */
static int take_option(program *p, const char *arg, char ***rest) {
    size_t len = strcspn(arg + 2, "=");
    const char *name = arg + 2, *value = name[len] ? name + len + 1 : NULL;
    const option *own = find_own(p, name, len);
    int *flag = find_flag(p, name, len);

    if (is(name, len, "help")) return print_help(p);
    if (is(name, len, "options")) return print_options();
    if (flag || (own && own->kind == OPTION_FLAG)) {
        if (value) return misused(p, arg, " takes no value");
        if (own) return set_own(p, own, "");
        *flag = 1;
        return 0;
    }
    if (own && !value && !**rest) return misused(p, arg, " needs a value");
    if (!value && !**rest) value = "";
    if (!value) value = *(*rest)++;
    if (own && !*value && own->kind != OPTION_LIST) return misused(p, arg, " needs a value");
    return own ? set_own(p, own, value) : take_common(p, arg, name, len, value);
}

int arguments_read(program *p, char **rest) {
    int options = 1, status = 0;

    while (*rest && status == 0) {
        const char *arg = *rest++;

        if (options && strcmp(arg, "--") == 0)
            options = 0;
        else if (options && arg[0] == '-' && arg[1] == '-')
            status = take_option(p, arg, &rest);
        else if (options && arg[0] == '-' && arg[1])
            status =
                strcmp(arg, "-h") == 0 ? print_help(p) : misused(p, "there is no option ", arg);
        else if (p->operands)
            status = add_text(p, p->operands, p->operand, arg);
        else if (p->input || !p->operand)
            status = misused(p, "one argument too many: ", arg);
        else
            p->input = arg;
    }
    if (status == 0 && p->operand && !p->operands && !p->input)
        status = misused(p, "missing: ", p->operand);
    if (status == 0) status = proposer_check(p);
    return status;
}
