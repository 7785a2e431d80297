/*
 * The machine itself: its processes, harts and objects in use, trace marks, power, the starting line.
 *
 * Functions return -1 with errno set when they fail: EFAULT for a bad pointer, ENOSYS when this is not Hartbeat (but qemu, say).
 */

#ifndef HARTBEAT_H
#define HARTBEAT_H

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* BEGIN generated from src/syscalls/abi.ts by npm run guest:build: do not edit */

#define SYS_HB_PROCESSES  0x5001
#define SYS_HB_HARTS      0x5002
#define SYS_HB_STATS      0x5003
#define SYS_HB_TRACE_MARK 0x5004
#define SYS_HB_POWER_OFF  0x5005
#define SYS_HB_ARRIVE     0x5006

#define HB_LINE_ASIDE 0x80000000

#define HB_READY   1
#define HB_RUNNING 2
#define HB_BLOCKED 3
#define HB_ZOMBIE  4
#define HB_STOPPED 5

#define HB_HART_IDLE   0
#define HB_HART_KERNEL 1
#define HB_HART_GUEST  2

struct hb_process {
    uint32_t pid;
    uint32_t ppid;
    uint32_t state; /* HB_READY, HB_RUNNING, HB_BLOCKED, HB_STOPPED (by a signal) or HB_ZOMBIE */
    uint32_t hart; /* hart that runs it or ran it last */
    uint32_t threads; /* live threads */
    uint32_t priority;
    uint64_t cpu_ns; /* CPU time of all its threads, nanoseconds; a tick is 1 ms of it */
    char name[32];
};
#ifndef __cplusplus
_Static_assert(sizeof(struct hb_process) == 64, "size of hb_process");
#endif

struct hb_hart {
    uint32_t hart;
    uint32_t state; /* HB_HART_IDLE, HB_HART_KERNEL or HB_HART_GUEST */
    uint32_t pid; /* process it runs, 0 for none */
    uint32_t queued; /* threads in its run queue */
    uint64_t busy_ns;
    uint64_t idle_ns;
    uint64_t instructions; /* guest instructions retired */
    uint64_t switches; /* context switches */
    uint64_t syscalls;
    uint64_t interrupts;
    uint64_t steals; /* threads taken from other harts' run queues */
    uint64_t tlb_misses;
};
#ifndef __cplusplus
_Static_assert(sizeof(struct hb_hart) == 80, "size of hb_hart");
#endif

struct hb_stats {
    uint64_t frames_total; /* 4 KiB frames the machine has for guests */
    uint64_t frames_free;
    uint64_t processes;
    uint64_t threads;
    uint64_t spaces; /* address spaces */
    uint64_t areas; /* mapped areas of all address spaces */
    uint64_t ports; /* ports in use */
    uint64_t timers; /* deadlines being waited for */
    uint64_t messages_queued; /* messages in the queues of all ports */
};
#ifndef __cplusplus
_Static_assert(sizeof(struct hb_stats) == 72, "size of hb_stats");
#endif

/* END generated */

/* Nanoseconds of CPU time in a tick. */
#define HB_TICK_NS 1000000

#ifdef __cplusplus
extern "C" {
#else
/* unistd.h hides it from strict ISO C (-std=c11). */
extern long syscall(long number, ...);
#endif

/* Fills up to `count` entries; returns the number of processes there are, zombies included. */
static inline int hb_processes(struct hb_process *buf, size_t count)
{
    return (int)syscall(SYS_HB_PROCESSES, buf, count);
}

/* Fills up to `count` entries; returns the number of harts. */
static inline int hb_harts(struct hb_hart *buf, size_t count)
{
    return (int)syscall(SYS_HB_HARTS, buf, count);
}

/* Counts of objects in use; returns the number of bytes filled (a newer machine may know more, an older one less). */
static inline int hb_stats(struct hb_stats *buf, size_t size)
{
    return (int)syscall(SYS_HB_STATS, buf, size);
}

/* Writes an event with two numbers of the caller's own into the trace. */
static inline int hb_trace_mark(uint64_t a, uint64_t b)
{
    return (int)syscall(SYS_HB_TRACE_MARK, a, b);
}

/* Turns the machine off; `status` (0-255) becomes the status of the boot command. */
static inline int hb_power_off(int status)
{
    return (int)syscall(SYS_HB_POWER_OFF, status);
}

/*
 * The starting line: waits until `count` threads, of any processes, have arrived, and returns 0 to all of them. EINVAL: `count` is 0, more
 * than there can be threads, or not that of those who wait already. `count | HB_LINE_ASIDE` is a second line, independent of the first; an
 * exploration takes its snapshot when the first one is complete.
 */
static inline int hb_arrive(uint32_t count)
{
    return (int)syscall(SYS_HB_ARRIVE, count);
}

#ifdef __cplusplus
}
#endif

#endif
