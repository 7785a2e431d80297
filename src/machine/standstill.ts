/*
 * The report of a run under a schedule that has come to a standstill.
 */

import type { Kernel } from '../kernel/kernel.ts';
import { describeWaits } from '../kernel/oracles/waits-for.ts';
import type { Standstill } from './errors.ts';
import { describePlaces } from './places.ts';

/** The first line says what has happened, the rest who waits for what, and where the threads are. */
export function standstillReport(kernel: Kernel, kind: Standstill['kind']): string {
  const what =
    kind === 'deadlock'
      ? 'deadlock: nobody can go on'
      : 'no progress: the run is at its limit of moments, or all that can go on only spin';
  return [what, ...[...describeWaits(kernel), ...describePlaces(kernel)].map((line) => `  ${line}`)].join('\n');
}
