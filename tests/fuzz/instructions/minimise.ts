/*
 * Makes a failing sequence small: instructions become ones that do nothing and registers zero, as long as the harts still differ.
 *
 * Nothing moves, so addresses stay as they were. What is left may differ for another reason than the first; it is a mistake all the same.
 */

import { isLong } from '../../../src/core/isa/decode.ts';
import { CODE } from '../../core/helpers/hart.ts';
import { C_NOP, NOP } from './encode.ts';
import type { Difference, Lab } from './lab.ts';
import type { Program } from './layout.ts';
import { wordAt } from './report.ts';

export interface Minimal {
  readonly program: Program;
  readonly difference: Difference;
  /** Registers that do not matter are zero: x0…x31, f0…f31 as pairs of words. */
  readonly registers: Uint32Array;
}

/** @returns undefined when the sequence does not fail by itself */
export function minimise(lab: Lab, sequence: number, program: Program): Minimal | undefined {
  const image = program.image.slice();
  const smaller: Program = { ...program, image };
  const zeroed = new Set<number>();
  const attempt = (): Difference | undefined => {
    lab.load(smaller);
    lab.draw(sequence);
    for (const slot of zeroed) lab.state.registers.fill(0, 2 * slot, 2 * slot + 2);
    return lab.run(sequence);
  };
  lab.thorough = true;
  let difference = attempt();
  if (difference === undefined) return undefined;

  /** Blanks the instructions from index `first` to `end`; puts them back when that mends it. */
  const blank = (first: number, end: number): boolean => {
    const before = image.slice();
    for (const start of program.starts.slice(first, end)) {
      const at = (start - CODE) >>> 1;
      if (isLong(wordAt(smaller, start))) image.set([NOP & 0xffff, NOP >>> 16], at);
      else image[at] = C_NOP;
    }
    const still = attempt();
    if (still === undefined) image.set(before);
    else difference = still;
    return still !== undefined;
  };
  for (let size = program.starts.length >> 1; size >= 1; size >>= 1) {
    for (let first = 0; first < program.starts.length; first += size) blank(first, first + size);
  }
  for (let slot = 1; slot < 64; slot++) {
    zeroed.add(slot);
    const still = attempt();
    if (still === undefined) zeroed.delete(slot);
    else difference = still;
  }
  attempt();
  return { program: smaller, difference, registers: lab.state.registers.slice() };
}
