/* SPDX-License-Identifier: MIT */
/* The program behind ./examples/quickstart: a round trip through cities of Europe. */
#include <stdlib.h>

#include "travel.h"

/* Latitude and longitude of the centres, in degrees. */
static const struct {
    const char *name;
    double latitude, longitude;
} cities[] = {
    {"Amsterdam", 52.37, 4.90},     {"Athens", 37.98, 23.73},     {"Barcelona", 41.39, 2.17},
    {"Belgrade", 44.82, 20.46},     {"Bergen", 60.39, 5.32},      {"Berlin", 52.52, 13.40},
    {"Bordeaux", 44.84, -0.58},     {"Brussels", 50.85, 4.35},    {"Bucharest", 44.43, 26.10},
    {"Budapest", 47.50, 19.04},     {"Copenhagen", 55.68, 12.57}, {"Dublin", 53.35, -6.26},
    {"Edinburgh", 55.95, -3.19},    {"Gdańsk", 54.35, 18.65},     {"Hamburg", 53.55, 9.99},
    {"Helsinki", 60.17, 24.94},     {"Istanbul", 41.01, 28.98},   {"Kraków", 50.06, 19.94},
    {"Kyiv", 50.45, 30.52},         {"Lisbon", 38.72, -9.14},     {"London", 51.51, -0.13},
    {"Lyon", 45.76, 4.84},          {"Madrid", 40.42, -3.70},     {"Marseille", 43.30, 5.37},
    {"Milan", 45.46, 9.19},         {"Munich", 48.14, 11.58},     {"Naples", 40.85, 14.27},
    {"Oslo", 59.91, 10.75},         {"Palermo", 38.12, 13.36},    {"Paris", 48.86, 2.35},
    {"Porto", 41.15, -8.61},        {"Prague", 50.09, 14.42},     {"Riga", 56.95, 24.11},
    {"Rome", 41.90, 12.50},         {"Sarajevo", 43.86, 18.41},   {"Seville", 37.39, -5.98},
    {"Sofia", 42.70, 23.32},        {"Stockholm", 59.33, 18.07},  {"Tallinn", 59.44, 24.75},
    {"Thessaloniki", 40.64, 22.94}, {"Trondheim", 63.43, 10.40},  {"Valencia", 39.47, -0.38},
    {"Venice", 45.44, 12.32},       {"Vienna", 48.21, 16.37},     {"Vilnius", 54.69, 25.28},
    {"Warsaw", 52.23, 21.01},       {"Zagreb", 45.81, 15.98},     {"Zurich", 47.37, 8.54},
};

#define CITIES (sizeof cities / sizeof *cities)

static int set_up(const program *p, travel *t, const char **names) {
    double latitude[CITIES], longitude[CITIES];
    opro_status st = opro_tour_new(&t->tour, NULL);

    for (size_t i = 0; i < CITIES; i++) {
        names[i] = cities[i].name;
        latitude[i] = cities[i].latitude;
        longitude[i] = cities[i].longitude;
    }
    t->names = names;
    if (st == OPRO_OK)
        st = opro_tour_set_points(t->tour, OPRO_METRIC_GREAT_CIRCLE, latitude, longitude, CITIES);
    return program_check(p, st, t->tour ? opro_tour_error(t->tour) : NULL, "setting up");
}

/* The names in order, back to the first. */
static char *in_order(const travel *t) {
    size_t size = CITIES * 32, len = 0;
    char *text = malloc(size);

    for (size_t i = 0; text && i <= CITIES; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%s", i > 0 ? " - " : "",
                                cities[t->best[i % CITIES]].name);
    return text;
}

/* In lines that a terminal holds. */
static void print_wrapped(const char *text) {
    size_t column = 0;

    for (; *text; text++) {
        if (*text == ' ' && column > 76 && text[-1] == '-') {
            putchar('\n');
            column = 0;
            continue;
        }
        putchar(*text);
        column += ((unsigned char)*text & 0xc0) != 0x80;
    }
    putchar('\n');
}

static const char *what_it_sees(const travel *t) {
    return t->blind ? "The search sees lengths only." : "The search knows the distances.";
}

static void print(const program *p, const travel *t, const char *names) {
    printf("A round trip through %zu cities of Europe, as the crow flies.\n%s\n\n", CITIES,
           what_it_sees(t));
    travel_print(t, 1, " km");
    putchar('\n');
    print_wrapped(names);
    putchar('\n');
    program_print(p);
    printf("picture: %s\n", p->report);
}

static int print_json(const program *p, const travel *t, const char *names) {
    json_t *result = program_result(p);

    travel_result(t, result);
    json_object_set_new(result, "names", json_string(names));
    json_object_set_new(result, "report", json_string(p->report));
    return program_print_json(p, result);
}

static int write_report(program *p, const travel *t, const char *names) {
    char title[80], subtitle[120];
    report r = {
        .title = title, .subtitle = subtitle, .score_name = "Length (km)", .solution = names};

    snprintf(title, sizeof title, "A round trip through %zu cities of Europe", CITIES);
    snprintf(subtitle, sizeof subtitle, "As the crow flies. %s", what_it_sees(t));
    report_fact(&r, "best round trip", "%.0f km", t->length);
    report_fact(&r, "farthest insertion", "%.0f km (%+.1f %%)", t->farthest,
                travel_longer(t, t->farthest));
    report_fact(&r, "nearest neighbour", "%.0f km (%+.1f %%)", t->nearest,
                travel_longer(t, t->nearest));
    report_run(&r, p);
    return travel_report(p, t, &r);
}

int main(int argc, char **argv) {
    const char *places[CITIES];
    travel t = {0};
    int polish = 0;
    const option options[] = {{"polish", NULL,
                               "the search knows the distances (option polish=1): quicker",
                               OPTION_FLAG, &polish}};
    program p = {.name = "quickstart",
                 .about = "Look for the shortest round trip through cities of Europe, seeing its "
                          "length only. The\n"
                          "picture goes to quickstart.html, or where --report says.",
                 .steps = 150,
                 .options = options,
                 .n_options = 1,
                 .report = "quickstart.html"};
    char *names = NULL;
    int status = program_open(&p, argc, argv);

    t.blind = !polish;
    if (status == 0) status = set_up(&p, &t, places);
    if (status == 0) status = travel_run(&p, &t);
    if (status == 0 && !(names = in_order(&t))) status = program_fail(&p, "out of memory");
    if (status == 0) status = write_report(&p, &t, names);
    if (status == 0 && p.json) status = print_json(&p, &t, names);
    if (status == 0 && !p.json) print(&p, &t, names);
    free(names);
    travel_free(&t);
    return program_close(&p, status);
}
