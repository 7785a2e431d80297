/*
 * What is known of each integer register: whether it holds a word (word.ts).
 */

import { F_SLOT } from '../context.ts';
import { Level } from './word.ts';

/** What is known of the integer registers. */
export class Words {
  private constructor(private readonly levels: Uint8Array) {}

  /** The same of each. */
  static all(level: Level): Words {
    return new Words(new Uint8Array(F_SLOT).fill(level));
  }

  level(slot: number): Level {
    return this.levels[slot]! as Level;
  }

  set(slot: number, level: Level): void {
    this.levels[slot] = level;
  }

  copy(): Words {
    return new Words(this.levels.slice());
  }

  /** Forgets what a register that holds `lo`, `hi` gives the lie to. */
  refute(slot: number, lo: number, hi: number): void {
    const level = hi === 0 && lo >= 0 ? Level.Positive : hi === lo >> 31 ? Level.Word : Level.Any;
    this.levels[slot] = Math.min(this.levels[slot]!, level);
  }

  /** Leaves what is known here and there; returns whether this has become less. */
  meet(other: Words): boolean {
    let less = false;
    for (let slot = 0; slot < F_SLOT; slot++) {
      if (this.levels[slot]! <= other.levels[slot]!) continue;
      this.levels[slot] = other.levels[slot]!;
      less = true;
    }
    return less;
  }

  /** Whether all is known that another knows. */
  covers(other: Words): boolean {
    return this.levels.every((level, slot) => level >= other.levels[slot]!);
  }

  /** The registers that are known to hold words. */
  slots(): number[] {
    const out: number[] = [];
    for (let slot = 1; slot < F_SLOT; slot++) if (this.levels[slot] !== Level.Any) out.push(slot);
    return out;
  }
}
