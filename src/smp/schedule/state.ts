/*
 * How a schedule lies in RAM: what has to go on where it was, whichever hart decides next.
 *
 *   turns   who may run: the words that harts and host sleep on. Not part of a snapshot.
 *   state   everything else: strategy, random numbers, who can go on, the departures that were asked for and those that were made.
 *
 * Only whose turn it is touches `state`; giving the turn away publishes it. A machine without a schedule has neither.
 */

import { bytes, cacheLine, f64, i32, struct, u32, u32Array } from '../../core/layout.ts';
import { atomicU32 } from '../atomics.ts';

/** What is in the word that a hart sleeps on. */
export const Grant = {
  /** It is not its turn. */
  Wait: 0,
  Go: 1,
  /** Give up what you do and come back to the start (Abandoned). */
  Abandon: 2,
  /** As Abandon, and the machine is turned off. */
  Off: 3,
} as const;

/** Whose turn it is: a hart's number + 1, or the host. */
export const HOST_TURN = 0;

export const Turns = struct(
  'Turns',
  {
    /** Whose turn it is. The host waits on it. */
    turn: atomicU32(),
    /** Harts that wait at the start. */
    joined: atomicU32(),
    grants: bytes('atomic', 0, 64),
  },
  { align: 64 },
);

/** Bytes from one hart's grant to the next: a line each. */
export const GRANT_BYTES = 64;

/** What a hart is up to, as the schedule sees it. */
export const Life = {
  /** Has not begun, or has left its loop. */
  Off: 0,
  /** Can go on: it runs, or waits for its turn only. */
  Ready: 1,
  /** Sleeps on a word. */
  Asleep: 2,
  /** Does nothing until `wakeAt`: a spinning hart, or a stalled one. */
  Paused: 3,
} as const;

export const HartTurn = struct(
  'HartTurn',
  {
    life: u32('turn'),
    /** Asleep: index of the word and what was in it, when it fell asleep, and when it wakes by itself (virtual ns). */
    word: u32('turn'),
    expected: i32('turn'),
    /** The sleep has been ended by its deadline. */
    late: u32('turn'),
    /** Next departure of this hart that was asked for: index into its list. */
    cursor: u32('turn'),
    since: f64('turn'),
    deadline: f64('turn'),
    /** Paused: until so many moments of all. */
    wakeAt: f64('turn'),
    /** Moments of this hart since the plan began. */
    moments: f64('turn'),
    /** PCT: the higher goes first. */
    priority: f64('turn'),
    /** A stall that was asked for: at this moment of the hart (Infinity: none), for so many moments of all. */
    stallAt: f64('turn'),
    stallFor: f64('turn'),
  },
  { align: 64 },
);

/** A departure, asked for or made (plan.ts). */
export const DepartureRecord = struct('DepartureRecord', { at: f64('turn'), hart: u32('turn'), to: u32('turn') });

/** A departure that was made, and where the hart was then. */
export const MadeRecord = struct('MadeRecord', { at: f64('turn'), pc: f64('turn'), hart: u32('turn'), to: u32('turn') });

/** A moment with a choice (plan.ts). */
export const ChoiceRecord = struct('ChoiceRecord', { at: f64('turn'), hart: u32('turn'), others: u32('turn') });

/** A ring of a doorbell that is held back: when it is to arrive, for whom, what. */
export const LateRing = struct('LateRing', { due: f64('turn'), hart: u32('turn'), kinds: u32('turn') });

/** What is noted of a run can be asked for in the next one. */
export const MAX_ASKED = 8192;
export const MAX_MADE = MAX_ASKED;
export const MAX_CHOICES = 16384;
/** Of each kind of fault. */
export const MAX_FAULTS = 16;
/** Frames freed that are remembered. */
export const MAX_FREED = 512;

export const ScheduleKind = { Plain: 0, RoundRobin: 1, Random: 2, Pct: 3 } as const;

export const ScheduleState = struct(
  'ScheduleState',
  {
    kind: u32('turn'),
    /** Seeds what is drawn: xorshift128. */
    random: u32Array('turn', 4),
    /** Round robin: the quantum; random: twice the mean distance; PCT: the number of changes that are left. */
    parameter: u32('turn'),
    /** Harts that can go on, a bit each. */
    ready: u32Array('turn', 2),
    /** The hart whose turn it is or was last. */
    running: u32('turn'),
    /** Whether choices are to be noted. */
    wantChoices: u32('turn'),
    asked: u32('turn'),
    made: u32('turn'),
    /** Departures that were made and not kept. */
    lost: u32('turn'),
    choices: u32('turn'),
    /** Why it is the host's turn (HostTurn). */
    reason: u32('turn'),
    /** Hash of who passed what. */
    hash: u32Array('turn', 2),

    /** Virtual time at moment 0, nanoseconds since power-on; moved on when time is skipped. */
    ns: f64('turn'),
    /** Moments of all harts since the plan began; of these, those with a choice, up to the moment `countedAt`. */
    moments: f64('turn'),
    contended: f64('turn'),
    countedAt: f64('turn'),
    /** The moment at which somebody has to look again; the earlier ones pass at once. */
    due: f64('turn'),
    /** Contended moment of the next preemption. */
    preemptAt: f64('turn'),
    /** Moment at which a hart that never waits gives way to another one all the same. */
    fairAt: f64('turn'),
    /** How many moments that hart is given. */
    patience: f64('turn'),
    /** The moment after which the run counts as going nowhere. */
    limit: f64('turn'),
    /** PCT: priorities below all are handed out downwards from here. */
    lowest: f64('turn'),
    /** The host is due for what it has been rung for. */
    hostAt: f64('turn'),
    /** It is due again so many moments after its last turn. */
    hostEvery: f64('turn'),
    /** Times that nobody could do anything but spin. */
    spins: u32('turn'),

    faults: cacheLine(),
    /** Rings so far, and the rings to hold back: which, and for how many moments. */
    rings: u32('turn'),
    lateCount: u32('turn'),
    lateNth: u32Array('turn', MAX_FAULTS),
    lateMoments: u32Array('turn', MAX_FAULTS),
    heldBack: u32('turn'),
    /** Requests for memory so far, and those to refuse. */
    requests: u32('turn'),
    refuseCount: u32('turn'),
    refuse: u32Array('turn', MAX_FAULTS),
    /** Sleeps so far, and those to end at once. */
    sleeps: u32('turn'),
    spuriousCount: u32('turn'),
    spurious: u32Array('turn', MAX_FAULTS),
    /** The thread (address) to be killed when it has passed so many points more; the hart that carries it out, + 1. */
    victim: u32('turn'),
    victimPoints: u32('turn'),
    victimPassed: u32('turn'),
    executioner: u32('turn'),
    /** Threads that have started, and which of them is the victim (+ 1; 0: none). */
    started: u32('turn'),
    victimNth: u32('turn'),

    /** Frames that have been freed since the plan began, the first MAX_FREED of them: they are looked at when all is over. */
    freedCount: u32('turn'),
    freed: u32Array('turn', MAX_FREED),

    late: bytes('turn', MAX_FAULTS * LateRing.SIZE, 8),
    harts: bytes('turn', 64 * HartTurn.SIZE, 64),
    askedList: bytes('turn', MAX_ASKED * DepartureRecord.SIZE, 8),
    madeList: bytes('turn', MAX_MADE * MadeRecord.SIZE, 8),
    choiceList: bytes('turn', MAX_CHOICES * ChoiceRecord.SIZE, 8),
  },
  { align: 64 },
);

/** Why the host has its turn. */
export const HostTurn = {
  /** Harts want something of it. */
  Bell: 1,
  /** No hart can go on, and no time will change that. */
  Rest: 2,
  /** The plan's limit of moments is reached, or everybody only spins. */
  NoProgress: 3,
  /** All harts wait at the start. */
  Start: 4,
  /** A hart has failed. */
  Failed: 5,
  /** A ring of the trace is full: it is to be emptied, and nothing else. */
  Trace: 6,
} as const;

/** Bytes of the words that are slept on, for so many harts. */
export function turnBytes(cpus: number): number {
  return Turns.SIZE + cpus * GRANT_BYTES;
}
