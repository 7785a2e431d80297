/* uptime: time since power-on, processes, harts and memory in one line. */

#include <stdio.h>
#include <sys/sysinfo.h>

#include "box.h"

int uptime_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct sysinfo info;
    if (sysinfo(&info) == -1)
        return fail("sysinfo");

    long up = info.uptime;
    unsigned long long unit = info.mem_unit ? info.mem_unit : 1;
    printf("up %ld:%02ld:%02ld, %u process%s", up / 3600, up / 60 % 60, up % 60, info.procs, info.procs == 1 ? "" : "es");
    int harts = hb_harts(NULL, 0);
    if (harts > 0)
        printf(", %d hart%s", harts, harts == 1 ? "" : "s");
    printf(", %.1f of %.1f MiB free\n", (double)(info.freeram * unit) / 1048576, (double)(info.totalram * unit) / 1048576);
    return 0;
}
