/* The machine's own calls: processes, harts and figures agree with what we know, bad arguments are refused. */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports.h"

#define ROOM 256

/* The entry of `pid`; all zero when there is none. */
static struct hb_process process(pid_t pid)
{
    static struct hb_process list[ROOM];
    int count = hb_processes(list, ROOM);
    CHECK(count >= 1 && count <= ROOM);
    for (int i = 0; i < count; i++)
        if (list[i].pid == (uint32_t)pid)
            return list[i];
    return (struct hb_process){ 0 };
}

static void await_state(pid_t pid, uint32_t state)
{
    for (int i = 0; i < 20000 && process(pid).state != state; i++)
        sleep_ms(1);
    CHECK_EQ(process(pid).state, state);
}

int machine_trial(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct hb_hart harts[ROOM];

    CHECK_OK(prctl(PR_SET_NAME, "a-trial"));
    struct hb_process me = process(getpid());
    CHECK(me.state == HB_RUNNING && me.threads == 1 && me.ppid == (uint32_t)getppid() && strcmp(me.name, "a-trial") == 0);
    CHECK(me.hart < (uint32_t)hart_count());

    pid_t sleeper = spawn_self("child", "sleep", NULL), spinner = spawn_self("child", "spin", NULL);
    await_state(sleeper, HB_BLOCKED);
    uint64_t cpu = process(spinner).cpu_ns;
    for (int i = 0; i < 20000 && process(spinner).cpu_ns == cpu; i++)
        sleep_ms(1);
    CHECK(process(spinner).cpu_ns > cpu);
    CHECK(process(sleeper).ppid == (uint32_t)getpid());
    CHECK_OK(kill(sleeper, SIGKILL));
    CHECK_OK(kill(spinner, SIGKILL));
    await_state(sleeper, HB_ZOMBIE);
    wait_status_of(sleeper);
    wait_status_of(spinner);
    CHECK_EQ(process(sleeper).pid, 0);
    printf("processes: ok\n");

    int count = hb_harts(harts, ROOM);
    CHECK(count >= 1 && count <= ROOM);
    uint64_t instructions = 0, switches = 0;
    for (int i = 0; i < count; i++) {
        CHECK_EQ(harts[i].hart, i);
        CHECK(harts[i].state <= HB_HART_GUEST);
        instructions += harts[i].instructions;
        switches += harts[i].switches;
    }
    CHECK(instructions > 0 && switches > 0);
    CHECK_EQ(hb_harts(harts, 0), count);
    CHECK_EQ(hb_harts(harts, 1), count);
    printf("harts: ok\n");

    struct hb_stats stats = stats_now();
    CHECK(stats.frames_free > 0 && stats.frames_free < stats.frames_total);
    CHECK(stats.processes >= 1 && stats.threads >= 1 && stats.spaces >= 1 && stats.areas >= 1);
    uint32_t port = new_port();
    CHECK_OK(ipc_send(port, 1, "x", 1));
    struct hb_stats with = stats_now();
    CHECK_EQ(with.ports, stats.ports + 1);
    CHECK_EQ(with.messages_queued, stats.messages_queued + 1);
    CHECK_OK(ipc_destroy_port(port));
    uint64_t first[2] = { 0, 0x5555 };
    CHECK_EQ(hb_stats((struct hb_stats *)first, 8), 8); /* no more than there is room for */
    CHECK(first[0] == stats.frames_total && first[1] == 0x5555);
    printf("stats: ok\n");

    CHECK_ERRNO(hb_processes((struct hb_process *)16, 1), EFAULT);
    CHECK_ERRNO(hb_harts((struct hb_hart *)16, 1), EFAULT);
    CHECK_ERRNO(hb_stats((struct hb_stats *)16, 8), EFAULT);
    CHECK_OK(hb_trace_mark(1, UINT64_MAX));
    printf("machine: ok\n");
    return 0;
}
