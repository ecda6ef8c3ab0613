/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, MADV_WIPEONFORK */
#include "process.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char *cleared_page(void) {
#ifdef MADV_WIPEONFORK
    void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) return NULL;
    if (madvise(page, 1, MADV_WIPEONFORK) == 0) return page;
    munmap(page, 1); /* GCOVR_EXCL_LINE: Linux before 4.14 */
#endif
    return NULL; /* GCOVR_EXCL_LINE: Linux before 4.14 */
}

void opro__process_init(opro__process *process) {
    unsigned char *page = cleared_page();

    if (page) *page = 1;
    *process = (opro__process){.pid = getpid(), .page = page};
}

void opro__process_free(opro__process *process) {
    if (process->page) munmap(process->page, 1);
    process->page = NULL;
}

int opro__process_is_child(const opro__process *process) {
    return process->page ? !*process->page : process->pid != getpid();
}
