/*
 * What the translator knows of the point that it is emitting code for. It goes along with control from block to block, as far as a block
 * has one predecessor; where ways meet it begins anew.
 */

import type { Local } from '../wasm/node.ts';
import type { LoopGuard, Stream } from './loop-guard.ts';
import type { Registers } from './operation.ts';
import type { Words } from './words.ts';

/** A group of accesses by one base register that have been looked up together. */
export interface Group {
  /** Lowest address of the group, relative to what the base register holds now; it reaches over WINDOW_SPAN bytes at most. */
  readonly low: number;
  /** Whether it may be written. */
  readonly write: boolean;
  /** Physical address of the lowest. */
  readonly physical: Local<'i32'>;
  /** The stream whose window has been looked at. */
  readonly stream: Stream | undefined;
}

export class Here {
  constructor(
    /** Registers to be written back wherever the block is left: those that may differ from the context by its end. */
    readonly dirty: Registers,
    /** The integer registers that are known to hold words, of which the tier has these. */
    readonly words: Words,
    /** Which loop this is in, the innermost one, by the order of its head; −1 outside of loops. */
    readonly loop: number,
    /** Instructions that have retired since the fuel was last reduced. */
    public retired = 0,
    /** By slot of the base register. */
    readonly groups = new Map<number, Group>(),
    /** Slots of the registers that are known to hold boxed singles, of which the tier has the values. */
    readonly singles = new Set<number>(),
    /** What guards the loop, in whose guarded copy this is; then fuel has been laid aside (gate.ts). */
    readonly guard?: LoopGuard,
  ) {}

  /** As it is on the way to another block, whose dirty registers are given, and its loop. */
  onTo(dirty: Registers, loop: number): Here {
    const { words, retired, groups, singles, guard } = this;
    return new Here(dirty, words.copy(), loop, retired, new Map(groups), new Set(singles), guard);
  }

  /** As it is here, on one of several ways out of the block. */
  copy(): Here {
    return this.onTo(this.dirty, this.loop);
  }
}
