/*
 * What is known of each integer register: whether it holds a word (word.ts). By two masks: the registers with words, and those of them
 * that are positive.
 */

import { Level } from './word.ts';

export class Words {
  private constructor(
    private some: number,
    private positive: number,
  ) {}

  /** The same of each. */
  static all(level: Level): Words {
    return new Words(level >= Level.Word ? -1 : 0, level === Level.Positive ? -1 : 0);
  }

  level(slot: number): Level {
    return (((this.some >>> slot) & 1) + ((this.positive >>> slot) & 1)) as Level;
  }

  set(slot: number, level: Level): void {
    const bit = 1 << slot;
    this.some = level >= Level.Word ? this.some | bit : this.some & ~bit;
    this.positive = level === Level.Positive ? this.positive | bit : this.positive & ~bit;
  }

  copy(): Words {
    return new Words(this.some, this.positive);
  }

  /** Forgets what a register that holds `lo`, `hi` gives the lie to. */
  refute(slot: number, lo: number, hi: number): void {
    const level = hi === 0 && lo >= 0 ? Level.Positive : hi === lo >> 31 ? Level.Word : Level.Any;
    if (level < this.level(slot)) this.set(slot, level);
  }

  /** Leaves what is known here and there; returns whether this has become less. */
  meet(other: Words): boolean {
    if (this.isCoveredBy(other)) return false;
    this.some &= other.some;
    this.positive &= other.positive;
    return true;
  }

  /** Whether another knows all that is known here. */
  isCoveredBy(other: Words): boolean {
    return ((this.some & ~other.some) | (this.positive & ~other.positive)) === 0;
  }

  /** The registers that are known to hold words. */
  slots(): number[] {
    const out: number[] = [];
    for (let slot = 1; slot < 32; slot++) if (this.level(slot) !== Level.Any) out.push(slot);
    return out;
  }
}
