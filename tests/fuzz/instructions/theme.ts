/*
 * What a campaign is about: which programs it draws, and where they run.
 */

import type { Dice } from './dice.ts';
import type { Program } from './layout.ts';
import { generateLoops } from './loops.ts';
import { generate } from './shapes.ts';
import { ROWS, SCATTERED, type Terrain } from './terrain.ts';

export interface Theme {
  readonly generate: (dice: Dice) => Program;
  readonly terrain: Terrain;
  /** Budgets are drawn below one of these. */
  readonly budgets: readonly number[];
  /** Whether code pages are unmapped now and then: a place that once could not be translated is not tried again by the same harts. */
  readonly codeComesAndGoes: boolean;
  /** Programs that the same harts run. */
  readonly programs: number;
  /** Options of campaign.ts that choose it. */
  readonly options: string;
}

/** All instructions and shapes of control flow. */
export const ANYTHING: Theme = {
  generate,
  terrain: SCATTERED,
  budgets: [4, 40, 400, 3000],
  codeComesAndGoes: true,
  programs: Infinity,
  options: '',
};

/** Loops over memory. Harts are not kept for long, for where a region was once patient (jit/memory.ts), all are from then on. */
export const LOOPS: Theme = {
  generate: generateLoops,
  terrain: ROWS,
  budgets: [10, 100, 1000, 6000, 20_000, 60_000],
  codeComesAndGoes: false,
  programs: 40,
  options: ' --loops',
};
