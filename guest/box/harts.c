/* harts: what every hart did during a short time: its load as a bar, and the counters of that time. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "box.h"

#define MAX_HARTS 256
#define BAR 20
#define DEFAULT_SECONDS 0.25

static const char *hart_state(uint32_t state)
{
    switch (state) {
    case HB_HART_IDLE: return "idle";
    case HB_HART_KERNEL: return "kernel";
    case HB_HART_GUEST: return "guest";
    default: return "?";
    }
}

static void print_hart(const struct hb_hart *before, const struct hb_hart *after)
{
    uint64_t busy = after->busy_ns - before->busy_ns;
    uint64_t whole = busy + (after->idle_ns - before->idle_ns);
    double load = whole ? (double)busy / (double)whole : 0;
    char bar[BAR + 1];

    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(load * BAR + 0.5) ? '#' : '.';
    bar[BAR] = 0;
    printf("%4" PRIu32 "  %-6s %5" PRIu32 " %6" PRIu32 "  %s %3.0f%% %10.1f %8" PRIu64 " %8" PRIu64 " %6" PRIu64 "\n", after->hart,
           hart_state(after->state), after->pid, after->queued, bar, load * 100,
           (double)(after->instructions - before->instructions) / 1e6, after->syscalls - before->syscalls,
           after->switches - before->switches, after->steals - before->steals);
}

int harts_main(int argc, char **argv)
{
    static struct hb_hart before[MAX_HARTS], after[MAX_HARTS];
    double seconds = DEFAULT_SECONDS;

    if (argc > 2 || (argc == 2 && !parse_seconds(argv[1], &seconds)))
        return usage("harts");
    int count = hb_harts(before, MAX_HARTS);
    if (count < 0)
        return fail("no list of harts");
    sleep_seconds(seconds);
    count = hb_harts(after, MAX_HARTS);
    if (count < 0)
        return fail("no list of harts");
    if (count > MAX_HARTS)
        count = MAX_HARTS;
    printf("%4s  %-6s %5s %6s  %-*s %4s %10s %8s %8s %6s\n", "HART", "STATE", "PID", "QUEUED", BAR, "LOAD", "", "M INSTR",
           "SYSCALLS", "SWITCHES", "STEALS");
    for (int i = 0; i < count; i++)
        print_hart(&before[i], &after[i]);
    return 0;
}
