/* ps: all processes, a line each. TICKS are milliseconds of CPU time. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "box.h"

int ps_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    size_t count;
    struct hb_process *list = list_processes(&count);
    if (!list)
        return fail("no list of processes");

    printf("%5s  %-8s %4s %8s  %s\n", "PID", "STATE", "HART", "TICKS", "NAME");
    for (size_t i = 0; i < count; i++) {
        const struct hb_process *p = &list[i];
        printf("%5" PRIu32 "  %-8s %4" PRIu32 " %8" PRIu64 "  %.*s\n", p->pid, state_name(p->state), p->hart,
               p->cpu_ns / HB_TICK_NS, (int)sizeof p->name, p->name);
    }
    free(list);
    return 0;
}
