/*
 * A process's block in RAM: what its threads share, and what its parent will ask for.
 *
 * Life: Live (has threads) → Zombie (its threads and everything it held are gone, its status waits for the parent) → Free.
 * The tree lock guards parents, children, zombies and the id table; the process's own lock guards its threads.
 */

import { bytes, cacheLine, f64, i32, outliving, struct, u32, u32Array, u64 } from '../core/layout.ts';
import { atomicU32 } from '../smp/atomics.ts';
import { spinlock } from '../smp/spinlock.ts';
import { waitQueue } from './wait.ts';

export const ProcessState = { Free: 0, Live: 1, Zombie: 2 } as const;

/** Bits of `Process.flags`. */
export const ProcessFlag = {
  /** All its threads are ending; `status` says why. */
  Exiting: 1,
  /** Started by the host, which wants to know its status. */
  Launched: 2,
  /** Has registered for membarrier(2)'s private expedited barrier, and for the one that also renews decoded instructions. */
  Barrier: 4,
  BarrierSyncCore: 8,
  /** Has executed no program since it was made by clone (Linux' PF_FORKNOEXEC). */
  Forked: 16,
} as const;

/** Signals 1 … 64. */
export const SIGNALS = 64;
/** Bytes of a stored `struct sigaction`: handler, flags, mask. */
export const SIGACTION_BYTES = 24;
/** IPC families that can hang objects on a process. */
export const FAMILIES = 8;
export const NAME_BYTES = 32;
/** Supplementary groups that a process can have. */
export const MAX_GROUPS = 32;
/** The number of the machine itself, which adopts and reaps orphans: no process has it. */
export const INIT_PID = 1;

export const Process = struct(
  'Process',
  {
    lock: spinlock(),
    pid: u32('immutable'),
    /** The parent's pid, INIT_PID without one: changes with `parent`, may be read at any time. */
    parentPid: atomicU32(),
    /** Address space; changes only by execve, when the process has one thread. */
    space: u32('owner'),
    flags: atomicU32(),
    /** Descriptor table (files/descriptors.ts); changes only by execve, when the process has one thread. */
    files: u32('owner'),
    /** Bits that open(2) and its kin take from the mode of what they make. */
    umask: atomicU32(),
    /** Inode of the working directory, which it holds a reference to; 0: the root. */
    cwd: u32('lock'),
    /** Inode of its program, which it holds and keeps from being written; 0 for what the kernel has begun by itself. */
    program: u32('lock'),
    /** First of the ring of threads. */
    threads: u32('lock'),
    threadCount: u32('lock'),
    /** Wait status as wait4 gives it: exit code << 8, or the signal that ended it. Written once, by who sets Exiting. */
    status: i32('lock'),
    /** A thread that makes its others end, because it executes a new program; woken when it is alone. */
    alone: waitQueue('lock'),
    /** Threads that are stopped (job-control.ts). */
    parked: waitQueue('lock'),
    /** Threads that wait for signals (sigsuspend, sigtimedwait). */
    signalWaiters: waitQueue('lock'),
    /** Last fault of a thread: cause, pc, address; for the host's report. */
    faultCause: u32('lock'),
    faultPc: u64('lock'),
    faultAddress: u64('lock'),

    tree: cacheLine(),
    state: outliving(u32('tree')),
    idNext: u32('tree'),
    parent: u32('tree'),
    /** Living children. */
    children: u32('tree'),
    /** Children that have ended and not been waited for. */
    zombies: u32('tree'),
    siblingNext: u32('tree'),
    siblingPrev: u32('tree'),
    /** Threads in wait4. */
    childWaiters: waitQueue('tree'),
    /** The parent's thread that waits until this process has executed a program or ended (vfork). */
    vfork: waitQueue('tree'),
    /** The signal that its parent gets when it ends, as clone(2) was told; 0: none. SIGCHLD once it has executed a program. */
    exitSignal: u32('tree'),
    /** In which order processes were born: who waits for any child gets the oldest. */
    birth: f64('tree'),
    /** Process group (groups.ts) and the list of its members. */
    group: u32('tree'),
    groupNext: u32('tree'),
    groupPrev: u32('tree'),
    /** Stopping (job-control.ts): by which signal (0: neither stopped nor stopping), threads that have still to stop. */
    stopSignal: u32('tree'),
    stopCount: u32('tree'),
    /** 1: all its threads are parked. */
    stopped: u32('tree'),
    /** What wait has to tell: the signal that stopped it; 1: it was continued. */
    stopReport: u32('tree'),
    continueReport: u32('tree'),
    /** Alarms (alarms.ts): first of its POSIX timers, the number for the next one, that of setitimer. */
    timers: u32('tree'),
    timerId: u32('tree'),
    alarm: u32('tree'),
    /** ITIMER_VIRTUAL and ITIMER_PROF: at which CPU time of the process they expire (0: off), and their periods, nanoseconds. */
    virtualAt: f64('tree'),
    virtualEvery: f64('tree'),
    profAt: f64('tree'),
    profEvery: f64('tree'),
    /** CPU time of threads that have ended, and of children that have been waited for. */
    endedNs: f64('lock'),
    childrenNs: f64('tree'),
    startNs: f64('immutable'),

    signals: cacheLine(),
    /** Signals for any of its threads, 1 … 32 and 33 … 64; changed under the lock (signal-queue.ts). */
    pendingLow: atomicU32(),
    pendingHigh: atomicU32(),
    /** What is known of them: a list of SigInfo. */
    infoHead: u32('lock'),
    infoTail: u32('lock'),
    /** SigInfo slots that it has, its threads' and timers' included. */
    infoCount: u32('lock'),
    /** Timers that measure its CPU time and are armed. */
    cpuTimers: atomicU32(),
    actions: bytes('lock', SIGNALS * SIGACTION_BYTES, 8),

    /** Users and groups: real, effective, saved, and what file access is checked with. Changed under the lock. */
    uid: u32('lock'),
    euid: u32('lock'),
    suid: u32('lock'),
    fsuid: u32('lock'),
    gid: u32('lock'),
    egid: u32('lock'),
    sgid: u32('lock'),
    fsgid: u32('lock'),
    groupCount: u32('lock'),
    groups: u32Array('lock', MAX_GROUPS),

    /** First object of each IPC family that the process owns; each family guards its own. */
    owned: u32Array('family', FAMILIES),
    name: bytes('lock', NAME_BYTES, 8),
  },
  { align: 64 },
);
