/*
 * Makes a failing sequence small: instructions become ones that do nothing, registers zero and pages plain, as long as the harts still differ.
 *
 * Nothing moves, so addresses stay as they were. What is left may differ for another reason than the first; it is a mistake all the same.
 */

import { isLong } from '../../../src/core/isa/decode.ts';
import { CODE } from '../../core/helpers/hart.ts';
import { C_NOP, NOP } from './encode.ts';
import { type Difference, hex, type Lab } from './lab.ts';
import type { Program } from './layout.ts';
import { wordAt } from './report.ts';
import { ALLOW, nameOfFlags } from './space.ts';

export interface Minimal {
  readonly program: Program;
  readonly difference: Difference;
  /** Registers that do not matter are zero: x0…x31, f0…f31 as pairs of words. */
  readonly registers: Uint32Array;
  /** What is said of the pages that do not allow all, or are not mapped to their own frame. */
  readonly pages: readonly string[];
}

/** @returns undefined when the sequence does not fail by itself */
export function minimise(lab: Lab, sequence: number, program: Program): Minimal | undefined {
  const image = program.image.slice();
  const smaller: Program = { ...program, image };
  const zeroed = new Set<number>();
  const plain = new Set<number>();
  const { state } = lab;
  const attempt = (): Difference | undefined => {
    lab.load(smaller);
    lab.draw(sequence);
    for (const slot of zeroed) state.registers.fill(0, 2 * slot, 2 * slot + 2);
    for (const page of plain) {
      state.flags[page] = ALLOW;
      state.order[page] = page;
    }
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
  /** Does without something that is in one of the sets, if it can. */
  const without = (set: Set<number>, what: number): void => {
    set.add(what);
    const still = attempt();
    if (still === undefined) set.delete(what);
    else difference = still;
  };
  for (let slot = 1; slot < 64; slot++) without(zeroed, slot);
  for (let page = 0; page < state.flags.length; page++) without(plain, page);
  attempt();
  return { program: smaller, difference, registers: state.registers.slice(), pages: describePages(lab) };
}

function describePages({ state: { flags, order }, theme }: Lab): string[] {
  return theme.terrain.pages.flatMap((va, page) => {
    const own = order[page] === page;
    if (own && flags[page] === ALLOW) return [];
    return [
      `${hex(va)} ${nameOfFlags(flags[page]!)}${own ? '' : ` in the frame of ${hex(theme.terrain.pages[order[page]!]!)}`}`,
    ];
  });
}
