/*
 * The random numbers of a schedule: xorshift128 (Marsaglia 2003), its state in RAM, for any hart may draw the next one.
 */

import type { Ram } from '../../core/ram.ts';
import { ScheduleState as S } from './state.ts';

/** Spreads a seed (any number) over the state. */
export function seedDraws(ram: Ram, state: number, seed: number): void {
  let x = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  for (let i = 0; i < 4; i++) {
    x = (x + 0x9e3779b9) >>> 0;
    let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    S.random.put(ram, state, i, (z ^ (z >>> 15)) >>> 0 || 1);
  }
}

/** A whole number from 0 to below `limit`, which is at most 2^31. */
export function draw(ram: Ram, state: number, limit: number): number {
  let t = S.random.at(ram, state, 3);
  const s = S.random.at(ram, state, 0);
  S.random.put(ram, state, 3, S.random.at(ram, state, 2));
  S.random.put(ram, state, 2, S.random.at(ram, state, 1));
  S.random.put(ram, state, 1, s);
  t ^= t << 11;
  t ^= t >>> 8;
  const next = (t ^ s ^ (s >>> 19)) >>> 0;
  S.random.put(ram, state, 0, next);
  return Math.floor((next / 2 ** 32) * limit);
}
