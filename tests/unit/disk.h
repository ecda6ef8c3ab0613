/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory, with the system's cache before it: what a journal is tested on. It fails when
 * told to, processes on it die at any call, and its power goes.
 *
 * Of a file there is what the system shows (cache) and what the disk holds. A power loss leaves of
 * each sector that was not brought to the disk the old or the new bytes, or, behind the bytes that
 * the disk had, zeros or anything; any length in between, and of each name in the folder the old or
 * the new meaning. (Bytes that the disk has survive when others are written behind them in the same
 * sector: journals rely on it.) A sync that fails has brought some sectors to the disk, and the
 * system takes the others for written too, as on ext4: the next sync succeeds and does nothing
 * about them. Some of these are lost on the disk even when they are written again, until the system
 * has forgotten them.
 */
#ifndef TESTS_DISK_H
#define TESTS_DISK_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "journal/files.h"

enum { DISK_SECTOR = 512, DISK_FILES = 12, DISK_NAMES = 12, DISK_FDS = 12, DISK_PATH = 48 };

/* How a call fails. */
enum {
    DISK_EIO,       /* nothing is done                                                         */
    DISK_LATE,      /* it is done, and EIO is said                                             */
    DISK_FULL,      /* half of a write is done, the next one says ENOSPC; others say it now    */
    DISK_EINTR,     /* interrupted, nothing done                                               */
    DISK_SHORT,     /* half of a read or write is done; others are as always                   */
    DISK_ONLY_READ, /* EROFS from what does not read                                       */
    DISK_FAULTS
};

/* What the call in which the process dies has done of its work. */
enum {
    DISK_DEATH_ANY, /* of a write anything, of others nothing */
    DISK_DEATH_BEFORE,
    DISK_DEATH_HALF, /* of a write half, of others nothing     */
    DISK_DEATH_AFTER,
    DISK_DEATHS
};

typedef struct disk_file {
    char *cache, *held;   /* as the system shows it, as the disk holds it: capacity bytes each */
    unsigned char *dirty; /* by sector: to be brought to the disk                             */
    unsigned char *lost;  /* by sector: what is brought to the disk of it does not get there */
    size_t len, held_len, capacity;
} disk_file;

typedef struct disk_name {
    char path[DISK_PATH];
    int now, held; /* the file + 1, or 0 */
} disk_name;

typedef struct disk {
    opro__files files;
    disk_file file[DISK_FILES];
    disk_name name[DISK_NAMES];
    struct {
        int file, how, locked, open;
    } fd[DISK_FDS];
    uint64_t random;
    long calls;   /* so far                                           */
    long changes; /* of them those that change something              */
    long fault;   /* the call that fails; negative: none              */
    int kind;     /* in which way                                     */
    int sticky;   /* and all calls after it                           */
    long death;   /* the call in which the process dies; negative: no */
    int death_how;
    int dead, full;
    int no_links;        /* link() is not possible         */
    int refusal;         /* of syncs of the folder: an error, or 0 */
    const char *network; /* what it says it is                     */
    int64_t pid;
} disk;

static inline uint64_t disk_random(disk *d, uint64_t n) {
    return opro__mix(d->random += UINT64_C(0x9e3779b97f4a7c15)) % n;
}

/* ---- faults ---------------------------------------------------------------------------------- */

enum { DISK_GO = 1, DISK_HALF, DISK_THEN_FAIL, DISK_DIE };

/* What a call does. */
enum { DISK_OTHER, DISK_READS, DISK_WRITES };

/* The disk is full. */
static inline int disk_no_room(disk *d, int does) {
    if (does == DISK_READS) return DISK_GO;
    if (does == DISK_OTHER || d->full) return -ENOSPC;
    d->full = 1;
    return DISK_HALF;
}

/* What becomes of this call: DISK_GO and so on, or an error. */
static inline int disk_call(disk *d, int does) {
    long n = d->calls++;

    if (d->dead) return -EIO;
    if (n == d->death) {
        d->dead = 1;
        return DISK_DIE;
    }
    if (d->full && does == DISK_WRITES) {
        d->full = d->sticky;
        return -ENOSPC;
    }
    if (d->fault < 0 || n < d->fault || (n > d->fault && !d->sticky)) return DISK_GO;
    switch (d->kind) {
    case DISK_EIO: return -EIO;
    case DISK_LATE: return DISK_THEN_FAIL;
    case DISK_FULL: return disk_no_room(d, does);
    case DISK_EINTR: return -EINTR;
    case DISK_ONLY_READ: return does == DISK_READS ? DISK_GO : -EROFS;
    default: return does == DISK_OTHER ? DISK_GO : DISK_HALF;
    }
}

/* A call that does all or nothing: 0, go on and return what *fate is then; or return *fate now. */
static inline int disk_stops(disk *d, int *fate) {
    *fate = disk_call(d, DISK_OTHER);
    if (*fate == DISK_DIE) *fate = d->death_how == DISK_DEATH_AFTER ? DISK_THEN_FAIL : -EIO;
    if (*fate < 0) return 1;
    *fate = *fate == DISK_THEN_FAIL ? -EIO : 0;
    return 0;
}

/* Nothing is known of its sectors. */
static inline void disk_forget_all(disk_file *f) {
    if (!f->capacity) return;
    memset(f->dirty, 0, f->capacity / DISK_SECTOR);
    memset(f->lost, 0, f->capacity / DISK_SECTOR);
}

/* ---- names ----------------------------------------------------------------------------------- */

static inline disk_name *disk_find(disk *d, const char *path) {
    for (int i = 0; i < DISK_NAMES; i++)
        if (d->name[i].now && strcmp(d->name[i].path, path) == 0) return &d->name[i];
    return NULL;
}

/* A name that means nothing yet. */
static inline disk_name *disk_name_for(disk *d, const char *path) {
    disk_name *free_one = NULL;

    for (int i = 0; i < DISK_NAMES; i++) {
        if (strcmp(d->name[i].path, path) == 0) return &d->name[i];
        if (!d->name[i].now && !d->name[i].held) free_one = &d->name[i];
    }
    if (!free_one || strlen(path) >= DISK_PATH) abort();
    strcpy(free_one->path, path);
    return free_one;
}

static inline int disk_used(const disk *d, int file) {
    for (int i = 0; i < DISK_NAMES; i++)
        if (d->name[i].now == file + 1 || d->name[i].held == file + 1) return 1;
    for (int i = 0; i < DISK_FDS; i++)
        if (d->fd[i].open && d->fd[i].file == file) return 1;
    return 0;
}

static inline int disk_new_file(disk *d) {
    int file = 0;

    while (disk_used(d, file))
        if (++file == DISK_FILES) abort();
    d->file[file].len = d->file[file].held_len = 0;
    disk_forget_all(&d->file[file]);
    return file;
}

static inline int disk_links(const disk *d, int file) {
    int n = 0;

    for (int i = 0; i < DISK_NAMES; i++)
        n += d->name[i].now == file + 1;
    return n;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static inline void disk_reserve(disk_file *f, size_t need) {
    size_t old = f->capacity;

    if (need <= old) return;
    f->capacity = (need * 2 + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
    f->cache = realloc(f->cache, f->capacity);
    f->held = realloc(f->held, f->capacity);
    f->dirty = realloc(f->dirty, f->capacity / DISK_SECTOR);
    f->lost = realloc(f->lost, f->capacity / DISK_SECTOR);
    if (!f->cache || !f->held || !f->dirty || !f->lost) abort();
    memset(f->dirty + old / DISK_SECTOR, 0, (f->capacity - old) / DISK_SECTOR);
    memset(f->lost + old / DISK_SECTOR, 0, (f->capacity - old) / DISK_SECTOR);
}

static inline void disk_put(disk_file *f, const char *from, size_t len, size_t at) {
    if (!len) return;
    disk_reserve(f, at + len);
    if (at > f->len) memset(f->cache + f->len, 0, at - f->len);
    memcpy(f->cache + at, from, len);
    if (at + len > f->len) f->len = at + len;
    for (size_t i = at / DISK_SECTOR; i <= (at + len - 1) / DISK_SECTOR; i++)
        f->dirty[i] = 1;
}

/* A longer file has zeros where nothing was written. */
static inline void disk_set_held_len(disk_file *f, size_t len) {
    disk_reserve(f, len);
    if (len > f->held_len) memset(f->held + f->held_len, 0, len - f->held_len);
    f->held_len = len;
}

/* The disk gets a sector of the cache; of what is beyond the file's end there it has nothing. */
static inline void disk_hold(disk_file *f, size_t sector) {
    size_t at = sector * DISK_SECTOR, end = at + DISK_SECTOR;

    memcpy(f->held + at, f->cache + at, DISK_SECTOR);
    if (f->held_len > at && f->held_len < end) memset(f->held + f->held_len, 0, end - f->held_len);
}

/* Bring it to the disk. fails: some of it, though all is taken for written. */
static inline void disk_write_back(disk *d, disk_file *f, int fails) {
    size_t sectors = (f->len + DISK_SECTOR - 1) / DISK_SECTOR;

    if (!fails || disk_random(d, 2)) disk_set_held_len(f, f->len);
    for (size_t i = 0; i < sectors; i++) {
        if (!f->dirty[i]) continue;
        f->dirty[i] = 0;
        if (fails && disk_random(d, 2))
            f->lost[i] = (unsigned char)disk_random(d, 2);
        else if (!f->lost[i])
            disk_hold(f, i);
    }
}

/* What is taken for written goes: from now on the cache is what the disk has. */
static inline void disk_forget(void *user, int fd, uint64_t at, uint64_t len) {
    disk *d = user;
    disk_file *f = &d->file[d->fd[fd].file];

    if (d->dead) return;
    for (size_t i = 0; i * DISK_SECTOR < f->len; i++) {
        size_t begin = i * DISK_SECTOR, end = begin + DISK_SECTOR;

        if (end > f->len) end = f->len;
        if (f->dirty[i] || begin < at || end > at + len) continue;
        f->lost[i] = 0;
        memset(f->cache + begin, 0, end - begin);
        if (f->held_len > begin)
            memcpy(f->cache + begin, f->held + begin,
                   (f->held_len < end ? f->held_len : end) - begin);
    }
}

/* ---- the calls ------------------------------------------------------------------------------- */

static inline int disk_open(void *user, const char *path, int how) {
    disk *d = user;
    int fate, fd = 3;
    disk_name *name;

    if (disk_stops(d, &fate)) return fate;
    name = disk_find(d, path);
    if (how == OPRO__FILES_NEW && name) return -EEXIST;
    if (how != OPRO__FILES_NEW && !name) return -ENOENT;
    while (d->fd[fd].open)
        if (++fd == DISK_FDS) abort();
    if (!name) {
        name = disk_name_for(d, path);
        name->now = disk_new_file(d) + 1;
        d->changes++;
    }
    if (fate < 0) return fate;
    d->fd[fd].open = 1;
    d->fd[fd].file = name->now - 1;
    d->fd[fd].how = how;
    d->fd[fd].locked = 0;
    return fd;
}

static inline int disk_close(void *user, int fd) {
    disk *d = user;
    int fate;

    if (fd < 3 || !d->fd[fd].open) abort();
    d->fd[fd].open = 0; /* whatever is said */
    disk_stops(d, &fate);
    return fate;
}

static inline void disk_describe(const disk *d, int file, opro__files_stat *stat) {
    *stat = (opro__files_stat){1, (uint64_t)file + 1, (uint64_t)disk_links(d, file), 1};
}

static inline int disk_stat(void *user, int fd, opro__files_stat *stat) {
    disk *d = user;
    int fate;

    if (disk_stops(d, &fate) && fate != -EINTR) return fate; /* nothing interrupts it */
    if (fate == -EIO) return fate;
    disk_describe(d, d->fd[fd].file, stat);
    return 0;
}

static inline int disk_stat_path(void *user, const char *path, opro__files_stat *stat) {
    disk *d = user;
    disk_name *name;
    int fate;

    if (disk_stops(d, &fate) && fate != -EINTR) return fate;
    if (fate == -EIO) return fate;
    name = disk_find(d, path);
    if (!name) return -ENOENT;
    disk_describe(d, name->now - 1, stat);
    return 0;
}

static inline const char *disk_network(void *user, int fd) {
    disk *d = user;

    (void)fd;
    return d->network;
}

static inline int disk_lock(void *user, int fd) {
    disk *d = user;
    int fate;

    if (disk_stops(d, &fate) || fate < 0) return fate;
    for (int i = 0; i < DISK_FDS; i++)
        if (i != fd && d->fd[i].open && d->fd[i].file == d->fd[fd].file && d->fd[i].locked)
            return -EAGAIN;
    d->fd[fd].locked = 1;
    return 0;
}

static inline int64_t disk_read(void *user, int fd, void *to, size_t len, uint64_t at) {
    disk *d = user;
    const disk_file *f = &d->file[d->fd[fd].file];
    int fate = disk_call(d, DISK_READS);

    if (fate < 0) return fate;
    if (fate == DISK_DIE || fate == DISK_THEN_FAIL) return -EIO;
    if (at >= f->len) return 0;
    if (len > f->len - at) len = f->len - (size_t)at;
    if (fate == DISK_HALF) len = (len + 1) / 2;
    memcpy(to, f->cache + at, len);
    return (int64_t)len;
}

/* How much of a write the process still does. */
static inline size_t disk_dying(disk *d, size_t len) {
    switch (d->death_how) {
    case DISK_DEATH_BEFORE: return 0;
    case DISK_DEATH_HALF: return (len + 1) / 2;
    case DISK_DEATH_AFTER: return len;
    default: return (size_t)disk_random(d, len + 1);
    }
}

static inline int64_t disk_write(void *user, int fd, const void *from, size_t len, uint64_t at) {
    disk *d = user;
    int fate = disk_call(d, DISK_WRITES);

    if (fate < 0) return fate;
    if (d->fd[fd].how == OPRO__FILES_READ) return -EBADF;
    d->changes++;
    if (fate == DISK_DIE) len = disk_dying(d, len);
    if (fate == DISK_HALF) len = (len + 1) / 2;
    disk_put(&d->file[d->fd[fd].file], from, len, (size_t)at);
    return fate == DISK_DIE || fate == DISK_THEN_FAIL ? -EIO : (int64_t)len;
}

static inline int disk_sync(void *user, int fd) {
    disk *d = user;
    int fate, stops = disk_stops(d, &fate);

    if (fate == -EINTR || fate == -EROFS) return fate;
    if (d->dead && stops) return fate; /* dead before, or dying with nothing done */
    disk_write_back(d, &d->file[d->fd[fd].file], stops);
    return fate;
}

static inline int disk_truncate(void *user, int fd, uint64_t len) {
    disk *d = user;
    disk_file *f = &d->file[d->fd[fd].file];
    int fate;

    if (disk_stops(d, &fate)) return fate;
    if (len > f->len || d->fd[fd].how == OPRO__FILES_READ) abort();
    d->changes++;
    f->len = (size_t)len;
    for (size_t i = f->len / DISK_SECTOR + 1; i < f->capacity / DISK_SECTOR; i++)
        f->lost[i] = 0; /* other ones, if it grows again */
    return fate;
}

static inline int disk_link(void *user, const char *from, const char *to) {
    disk *d = user;
    disk_name *name;
    int fate;

    if (disk_stops(d, &fate)) return fate;
    if (d->no_links) return -EPERM;
    name = disk_find(d, from);
    if (!name) return -ENOENT;
    if (disk_find(d, to)) return -EEXIST;
    d->changes++;
    disk_name_for(d, to)->now = name->now;
    return fate;
}

static inline int disk_rename(void *user, const char *from, const char *to) {
    disk *d = user;
    disk_name *name, *other;
    int fate;

    if (disk_stops(d, &fate)) return fate;
    name = disk_find(d, from);
    if (!name) return -ENOENT;
    other = disk_find(d, to);
    if (other && other->now == name->now) return fate; /* as POSIX has it */
    d->changes++;
    disk_name_for(d, to)->now = name->now;
    name->now = 0;
    return fate;
}

static inline int disk_unlink(void *user, const char *path) {
    disk *d = user;
    disk_name *name;
    int fate;

    if (disk_stops(d, &fate)) return fate;
    name = disk_find(d, path);
    if (!name) return -ENOENT;
    d->changes++;
    name->now = 0;
    return fate;
}

static inline int disk_sync_folder(void *user, const char *path) {
    disk *d = user;
    int fate;

    (void)path;
    if (disk_stops(d, &fate)) return fate;
    if (d->refusal) return d->refusal;
    for (int i = 0; i < DISK_NAMES; i++)
        d->name[i].held = d->name[i].now;
    return fate;
}

static inline int64_t disk_pid(void *user) {
    return ((disk *)user)->pid;
}

/* ---- the disk -------------------------------------------------------------------------------- */

static inline void disk_no_faults(disk *d) {
    d->calls = 0;
    d->fault = d->death = -1;
    d->sticky = d->dead = d->full = d->death_how = 0;
}

/* All processes that use it are dead. */
static inline void disk_kill(disk *d) {
    for (int i = 0; i < DISK_FDS; i++)
        d->fd[i].open = d->fd[i].locked = 0;
    disk_no_faults(d);
}

static inline size_t disk_between(disk *d, size_t a, size_t b) {
    size_t low = a < b ? a : b, high = a < b ? b : a;

    switch (disk_random(d, 4)) {
    case 0: return low;
    case 1: return high;
    default: return low + (size_t)disk_random(d, high - low + 1);
    }
}

/* What is on the disk of a sector that was not brought there: the first `had` bytes are safe. */
static inline void disk_leave_sector(disk *d, disk_file *f, size_t sector, size_t had) {
    size_t at = sector * DISK_SECTOR, end = at + DISK_SECTOR;
    uint64_t fate = disk_random(d, 8);

    if (fate < 3) return; /* the old bytes, zeros where there were none */
    if (f->held_len < end) disk_set_held_len(f, end);
    if (fate < 6) {
        if (f->len > at)
            memcpy(f->held + at, f->cache + at, f->len < end ? f->len - at : DISK_SECTOR);
        return;
    }
    for (size_t i = had > at ? had : at; i < end; i++)
        f->held[i] = fate == 6 ? '\0' : (char)disk_random(d, 256);
}

static inline void disk_power_loss(disk *d) {
    disk_kill(d);
    for (int i = 0; i < DISK_NAMES; i++) {
        disk_name *name = &d->name[i];

        if (disk_random(d, 2)) name->held = name->now;
        name->now = name->held;
    }
    for (int i = 0; i < DISK_FILES; i++) {
        disk_file *f = &d->file[i];
        size_t len = disk_between(d, f->held_len, f->len), had = f->held_len;

        if (!f->capacity) continue;
        for (size_t k = 0; k < f->capacity / DISK_SECTOR; k++)
            if (f->dirty[k] && !f->lost[k]) disk_leave_sector(d, f, k, had);
        disk_set_held_len(f, len > f->held_len ? len : f->held_len);
        f->len = f->held_len = len;
        memcpy(f->cache, f->held, len);
        disk_forget_all(f);
    }
}

/* An empty one. */
static inline void disk_clear(disk *d) {
    memset(d->name, 0, sizeof d->name);
    d->refusal = d->no_links = 0;
    d->network = NULL;
    d->changes = 0;
    disk_kill(d);
}

static inline void disk_begin(disk *d, uint64_t seed) {
    memset(d, 0, sizeof *d);
    d->files = (opro__files){
        .user = d,
        .open = disk_open,
        .close = disk_close,
        .stat = disk_stat,
        .stat_path = disk_stat_path,
        .network = disk_network,
        .lock = disk_lock,
        .read = disk_read,
        .write = disk_write,
        .forget = disk_forget,
        .sync = disk_sync,
        .sync_data = disk_sync,
        .truncate = disk_truncate,
        .link = disk_link,
        .rename = disk_rename,
        .unlink = disk_unlink,
        .sync_folder = disk_sync_folder,
        .pid = disk_pid,
    };
    d->random = seed;
    d->pid = 1;
    disk_clear(d);
}

static inline void disk_end(disk *d) {
    for (int i = 0; i < DISK_FILES; i++) {
        free(d->file[i].cache);
        free(d->file[i].held);
        free(d->file[i].dirty);
        free(d->file[i].lost);
    }
}

/* A file that is whole on the disk. */
static inline void disk_write_file(disk *d, const char *path, const char *s, size_t len) {
    disk_name *name = disk_name_for(d, path);
    disk_file *f;

    if (!name->now) name->now = name->held = disk_new_file(d) + 1;
    f = &d->file[name->now - 1];
    f->len = 0;
    disk_put(f, s, len, 0);
    disk_write_back(d, f, 0);
    name->held = name->now;
}

/* What is in a file, by its name; NULL: it is not there. */
static inline const disk_file *disk_look(disk *d, const char *path) {
    const disk_name *name = disk_find(d, path);

    return name ? &d->file[name->now - 1] : NULL;
}

/* Descriptors that are open. */
static inline int disk_open_files(const disk *d) {
    int n = 0;

    for (int i = 0; i < DISK_FDS; i++)
        n += d->fd[i].open;
    return n;
}

#endif
