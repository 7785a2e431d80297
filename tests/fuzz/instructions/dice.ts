/*
 * The only source of chance of the instruction fuzzer: everything that is drawn follows from a seed.
 */

import { Random } from '../../core/fpu-cases.ts';

export class Dice extends Random {
  /**
   * @param seed any integer
   * @param stream tells apart what is drawn for different ends from the same seed
   */
  constructor(seed: number, stream: number) {
    super(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(stream + 1, 0x85eb_ca6b));
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** An index into `weights`, as often as its weight. */
  weighted(weights: readonly number[]): number {
    let left = this.below(weights.reduce((sum, weight) => sum + weight, 0));
    let index = 0;
    while (left >= weights[index]!) left -= weights[index++]!;
    return index;
  }
}
