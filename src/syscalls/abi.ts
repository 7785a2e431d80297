/*
 * What crosses between guests and the machine beside the Linux ABI: system call numbers of the machine's own families, their flags
 * and state numbers, and the structures they read and write in guest memory.
 *
 * The C headers under guest/include are generated from here (scripts/guest-headers.ts): a field's comment becomes the comment in C.
 * Invariants: a structure holds no implicit padding; numbers, once published, keep their meaning. A field's address is only touched
 * through the kernel's user copy: guest memory may change or vanish at any moment, whence the guard 'guest'.
 */

import { type BytesField, bytes, type FieldSpec, type Guard, struct, u32, u64 } from '../core/layout.ts';

/** Fields of guest memory: no lock protects them, each is copied in or out once. */
const GUEST: Guard = 'guest';

/** `count` bytes of text: a string ends at its first zero byte. */
const chars = (count: number): FieldSpec<BytesField> => ({ ...bytes(GUEST, count), ctype: `char[${String(count)}]` });

// --- VROS ports: family 0x1000 ------------------------------------------------------------------------------------------------

/** System calls of the VROS ports; the low 12 bits of the first four are the numbers of the VROS specification. */
export const VrosCall = {
  SYS_IPC_CREATE_PORT: 0x1008,
  SYS_IPC_DESTROY_PORT: 0x1009,
  SYS_IPC_SEND: 0x100a,
  SYS_IPC_RECV: 0x100b,
  SYS_IPC_SEND_FLAGS: 0x1020,
  SYS_IPC_RECV_FLAGS: 0x1021,
  SYS_IPC_PORT_NAME: 0x1022,
  SYS_IPC_PORT_STAT: 0x1023,
} as const;

/** Flags of send_flags and recv_flags (not called IPC_NOWAIT, which <sys/ipc.h> has with another value). */
export const VrosFlag = {
  /** send_flags: wait while the queue is full. */
  IPC_SEND_WAIT: 1,
  /** recv_flags: fail with EAGAIN when the queue is empty. */
  IPC_RECV_NOWAIT: 1,
} as const;

/** Limits of the VROS specification; a machine may be booted with others, the structure's data size stays. */
export const VrosLimit = {
  IPC_MAX_PORTS: 32,
  IPC_QUEUE_DEPTH: 16,
  IPC_MAX_DATA: 256,
} as const;

/** A received message. */
export const VrosMessage = struct(
  'ipc_message',
  {
    /** process that sent it, stamped by the kernel */
    senderPid: u32(GUEST),
    /** chosen by the sender */
    type: u32(GUEST),
    /** bytes of data that are valid */
    size: u32(GUEST),
    data: chars(VrosLimit.IPC_MAX_DATA),
  },
  { align: 4 },
);

/** A port as port_stat reports it. */
export const VrosPortStat = struct('ipc_port_stat', {
  /** number of the slot, from 0 */
  portId: u32(GUEST),
  /** tagged name: never reaches a later owner of the slot */
  name: u32(GUEST),
  ownerPid: u32(GUEST),
  /** messages in the queue */
  queued: u32(GUEST),
  /** messages the queue holds */
  capacity: u32(GUEST),
  /** threads waiting to receive */
  receivers: u32(GUEST),
  /** threads waiting to send */
  senders: u32(GUEST),
  reserved: u32(GUEST),
  /** messages sent since the port was created */
  sent: u64(GUEST),
  /** messages received since the port was created */
  received: u64(GUEST),
});

// --- The machine itself: family 0x5000 ----------------------------------------------------------------------------------------

/** System calls of the machine family. */
export const MachineCall = {
  SYS_HB_PROCESSES: 0x5001,
  SYS_HB_HARTS: 0x5002,
  SYS_HB_STATS: 0x5003,
  SYS_HB_TRACE_MARK: 0x5004,
  SYS_HB_POWER_OFF: 0x5005,
  SYS_HB_ARRIVE: 0x5006,
} as const;

/** A bit of the count that hb_arrive takes. */
export const LineFlag = {
  /** At the other line, which the machine never holds. */
  HB_LINE_ASIDE: 0x8000_0000,
} as const;

/** States of a process as hb_processes reports them. */
export const ProcessState = {
  HB_READY: 1,
  HB_RUNNING: 2,
  HB_BLOCKED: 3,
  HB_ZOMBIE: 4,
  HB_STOPPED: 5,
} as const;

/** What a hart does, as hb_harts reports it. */
export const HartState = {
  HB_HART_IDLE: 0,
  HB_HART_KERNEL: 1,
  HB_HART_GUEST: 2,
} as const;

/** Bytes of a process name, the ending zero included. */
export const PROCESS_NAME_BYTES = 32;

/** One live (or zombie) process. */
export const HbProcess = struct('hb_process', {
  pid: u32(GUEST),
  ppid: u32(GUEST),
  /** HB_READY, HB_RUNNING, HB_BLOCKED, HB_STOPPED (by a signal) or HB_ZOMBIE */
  state: u32(GUEST),
  /** hart that runs it or ran it last */
  hart: u32(GUEST),
  /** live threads */
  threads: u32(GUEST),
  priority: u32(GUEST),
  /** CPU time of all its threads, nanoseconds; a tick is 1 ms of it */
  cpuNs: u64(GUEST),
  name: chars(PROCESS_NAME_BYTES),
});

/** One hart and its counters since power-on. */
export const HbHart = struct('hb_hart', {
  hart: u32(GUEST),
  /** HB_HART_IDLE, HB_HART_KERNEL or HB_HART_GUEST */
  state: u32(GUEST),
  /** process it runs, 0 for none */
  pid: u32(GUEST),
  /** threads in its run queue */
  queued: u32(GUEST),
  busyNs: u64(GUEST),
  idleNs: u64(GUEST),
  /** guest instructions retired */
  instructions: u64(GUEST),
  /** context switches */
  switches: u64(GUEST),
  syscalls: u64(GUEST),
  interrupts: u64(GUEST),
  /** threads taken from other harts' run queues */
  steals: u64(GUEST),
  tlbMisses: u64(GUEST),
});

/** Objects in use. New fields are added at the end: a caller passes the size it knows and gets the number of bytes filled. */
export const HbStats = struct('hb_stats', {
  /** 4 KiB frames the machine has for guests */
  framesTotal: u64(GUEST),
  framesFree: u64(GUEST),
  processes: u64(GUEST),
  threads: u64(GUEST),
  /** address spaces */
  spaces: u64(GUEST),
  /** mapped areas of all address spaces */
  areas: u64(GUEST),
  /** ports in use */
  ports: u64(GUEST),
  /** deadlines being waited for */
  timers: u64(GUEST),
  /** messages in the queues of all ports */
  messagesQueued: u64(GUEST),
});
