/*
 * What the host wants to know of the program that it has started: how it ended. One at a time.
 */

import { atomicU32 } from '../smp/atomics.ts';
import { i32, struct, u32, u64 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { Process } from './process.ts';

const Launch = struct(
  'Launch',
  {
    /** 1 once the other fields tell of an end that the host has not taken yet. */
    ended: atomicU32(),
    pid: u32('ended'),
    status: i32('ended'),
    faultCause: u32('ended'),
    faultPc: u64('ended'),
    faultAddress: u64('ended'),
  },
  { align: 64 },
);

/** How a launched program ended. */
export interface ProgramEnd {
  readonly pid: number;
  /** As wait4 gives it. */
  readonly status: number;
  /** The trap that killed it, if one did. */
  readonly fault: { readonly cause: number; readonly pc: number; readonly address: number };
}

export class Launches {
  static readonly BYTES = Launch.SIZE;

  constructor(
    private readonly ram: Ram,
    private readonly base: number,
  ) {}

  /** Notes the end of a launched process; its last thread calls this. */
  noteEnd(process: number): void {
    const { ram, base } = this;
    Launch.pid.set(ram, base, Process.pid.get(ram, process));
    Launch.status.set(ram, base, Process.status.get(ram, process));
    Launch.faultCause.set(ram, base, Process.faultCause.get(ram, process));
    Launch.faultPc.set(ram, base, Process.faultPc.get(ram, process));
    Launch.faultAddress.set(ram, base, Process.faultAddress.get(ram, process));
    Launch.ended.store(ram, base, 1);
  }

  /** The end that has been noted since the last call, for the host. */
  takeEnd(): ProgramEnd | undefined {
    const { ram, base } = this;
    if (Launch.ended.exchange(ram, base, 0) === 0) return undefined;
    return {
      pid: Launch.pid.get(ram, base),
      status: Launch.status.get(ram, base),
      fault: {
        cause: Launch.faultCause.get(ram, base),
        pc: Launch.faultPc.get(ram, base),
        address: Launch.faultAddress.get(ram, base),
      },
    };
  }
}
