/* SPDX-License-Identifier: MIT */
#include "alarm.h"

#include <assert.h>

void opro__alarms_init(opro__alarms *alarms, opro__mem *mem) {
    *alarms = (opro__alarms){.mem = mem};
}

void opro__alarms_free(opro__alarms *alarms) {
    opro__free(alarms->mem, alarms->heap);
    alarms->heap = NULL;
}

int opro__alarms_reserve(opro__alarms *alarms) {
    void *heap = alarms->heap;

    /* place 0 is not used */
    if (!opro__reserve(alarms->mem, &heap, &alarms->cap, alarms->reserved + 2,
                       sizeof *alarms->heap))
        return 0;
    alarms->heap = heap;
    alarms->reserved++;
    return 1;
}

void opro__alarms_release(opro__alarms *alarms) {
    assert(alarms->n < alarms->reserved);
    alarms->reserved--;
}

static int before(const opro__alarm *a, const opro__alarm *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(opro__alarms *alarms, opro__alarm *alarm, size_t place) {
    alarms->heap[place] = alarm;
    alarm->place = place;
}

static void rise(opro__alarms *alarms, opro__alarm *alarm, size_t place) {
    while (place > 1 && before(alarm, alarms->heap[place / 2])) {
        put(alarms, alarms->heap[place / 2], place);
        place /= 2;
    }
    put(alarms, alarm, place);
}

static void sink(opro__alarms *alarms, opro__alarm *alarm, size_t place) {
    for (;;) {
        size_t child = 2 * place;

        if (child < alarms->n && before(alarms->heap[child + 1], alarms->heap[child])) child++;
        if (child > alarms->n || !before(alarms->heap[child], alarm)) break;
        put(alarms, alarms->heap[child], place);
        place = child;
    }
    put(alarms, alarm, place);
}

void opro__alarm_unset(opro__alarms *alarms, opro__alarm *alarm) {
    size_t place = alarm->place;
    opro__alarm *last;

    if (!place) return;
    alarm->place = 0;
    last = alarms->heap[alarms->n--];
    if (last == alarm) return;
    if (place > 1 && before(last, alarms->heap[place / 2]))
        rise(alarms, last, place);
    else
        sink(alarms, last, place);
}

void opro__alarm_set(opro__alarms *alarms, opro__alarm *alarm, int64_t at) {
    opro__alarm_unset(alarms, alarm);
    if (at == INT64_MAX) return;
    alarm->at = at;
    alarm->order = alarms->order++;
    rise(alarms, alarm, ++alarms->n);
}

opro__alarm *opro__alarms_due(opro__alarms *alarms, int64_t now) {
    opro__alarm *first;

    if (!alarms->n || alarms->heap[1]->at > now) return NULL;
    first = alarms->heap[1];
    opro__alarm_unset(alarms, first);
    return first;
}

int64_t opro__alarms_next(const opro__alarms *alarms) {
    return alarms->n ? alarms->heap[1]->at : INT64_MAX;
}
