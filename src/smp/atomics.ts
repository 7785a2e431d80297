/*
 * Words that several harts touch without a lock. Every operation is sequentially consistent, but for `peek` and `put`: a plain load and
 * store, ten times as fast. `peek` is for hints, which something else confirms, and for words that only change under a lock the caller
 * holds; `put` is for words that the releasing of a lock publishes.
 *
 * This file, the lock, the doorbell and the shootdown are the only users of Atomics above `core`: a schedule that decides who runs
 * next needs to be asked in this folder alone.
 */

import { custom, Field, type FieldSpec } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import { SEEDED } from './schedule/build.ts';
import { Point, point } from './schedule/point.ts';

export class AtomicU32Field extends Field {
  load(ram: Ram, base: number): number {
    if (SEEDED) point(Point.Load, base + this.offset);
    return Atomics.load(ram.u32, (base + this.offset) >>> 2);
  }
  store(ram: Ram, base: number, value: number): void {
    if (SEEDED) point(Point.Store, base + this.offset);
    Atomics.store(ram.u32, (base + this.offset) >>> 2, value);
  }
  /** A plain load: see the head of this file. */
  peek(ram: Ram, base: number): number {
    if (SEEDED) point(Point.Load, base + this.offset);
    return ram.u32[(base + this.offset) >>> 2]!;
  }
  /** A plain store: see the head of this file. */
  put(ram: Ram, base: number, value: number): void {
    if (SEEDED) point(Point.Store, base + this.offset);
    ram.u32[(base + this.offset) >>> 2] = value;
  }
  /** Adds and returns the old value. */
  add(ram: Ram, base: number, value: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset);
    return Atomics.add(ram.u32, (base + this.offset) >>> 2, value);
  }
  /** Subtracts and returns the old value. */
  sub(ram: Ram, base: number, value: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset);
    return Atomics.sub(ram.u32, (base + this.offset) >>> 2, value);
  }
  /** Sets bits and returns the old value. */
  or(ram: Ram, base: number, bits: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset);
    return Atomics.or(ram.u32, (base + this.offset) >>> 2, bits);
  }
  /** Clears all bits outside of `bits` and returns the old value. */
  and(ram: Ram, base: number, bits: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset);
    return Atomics.and(ram.u32, (base + this.offset) >>> 2, bits);
  }
  exchange(ram: Ram, base: number, value: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset);
    return Atomics.exchange(ram.u32, (base + this.offset) >>> 2, value);
  }
  /** Stores `value` if the word is `expected`; returns the old value either way. */
  compareExchange(ram: Ram, base: number, expected: number, value: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset);
    return Atomics.compareExchange(ram.u32, (base + this.offset) >>> 2, expected, value);
  }
}

/**
 * A word that a hart shares with the host alone. Under a schedule the host touches it in its own turn only, so nobody is asked: whether
 * there is a trace makes no difference to a schedule.
 */
export class HostU32Field extends Field {
  load(ram: Ram, base: number): number {
    return Atomics.load(ram.u32, (base + this.offset) >>> 2);
  }
  store(ram: Ram, base: number, value: number): void {
    Atomics.store(ram.u32, (base + this.offset) >>> 2, value);
  }
  /** Adds and returns the old value. */
  add(ram: Ram, base: number, value: number): number {
    return Atomics.add(ram.u32, (base + this.offset) >>> 2, value);
  }
}

/** An array of such words. */
export class AtomicU32ArrayField extends Field {
  load(ram: Ram, base: number, index: number): number {
    if (SEEDED) point(Point.Load, base + this.offset + 4 * index);
    return Atomics.load(ram.u32, ((base + this.offset) >>> 2) + index);
  }
  /** A plain load: see the head of this file. */
  peek(ram: Ram, base: number, index: number): number {
    if (SEEDED) point(Point.Load, base + this.offset + 4 * index);
    return ram.u32[((base + this.offset) >>> 2) + index]!;
  }
  or(ram: Ram, base: number, index: number, bits: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset + 4 * index);
    return Atomics.or(ram.u32, ((base + this.offset) >>> 2) + index, bits);
  }
  and(ram: Ram, base: number, index: number, bits: number): number {
    if (SEEDED) point(Point.Modify, base + this.offset + 4 * index);
    return Atomics.and(ram.u32, ((base + this.offset) >>> 2) + index, bits);
  }
}

export const atomicU32 = (): FieldSpec<AtomicU32Field> => custom(AtomicU32Field, 4, 4, 'atomic', 'uint32_t');
export const hostU32 = (): FieldSpec<HostU32Field> => custom(HostU32Field, 4, 4, 'atomic', 'uint32_t');
export const atomicU32Array = (count: number): FieldSpec<AtomicU32ArrayField> =>
  custom(AtomicU32ArrayField, 4 * count, 4, 'atomic', `uint32_t[${String(count)}]`);

/**
 * Atomic operations on a word known only by its address: a guest's futex word, a frame's reference count.
 * `address` is physical and 4-aligned.
 */
export function loadWord(ram: Ram, address: number): number {
  if (SEEDED) point(Point.Load, address);
  return Atomics.load(ram.u32, address >>> 2);
}
export function storeWord(ram: Ram, address: number, value: number): void {
  if (SEEDED) point(Point.Store, address);
  Atomics.store(ram.u32, address >>> 2, value);
}
/** Adds (modulo 2^32) and returns the old value. */
export function addWord(ram: Ram, address: number, value: number): number {
  if (SEEDED) point(Point.Modify, address);
  return Atomics.add(ram.u32, address >>> 2, value);
}
/** Stores `value` if the word is `expected`; returns the old value either way. */
export function compareExchangeWord(ram: Ram, address: number, expected: number, value: number): number {
  if (SEEDED) point(Point.Modify, address);
  return Atomics.compareExchange(ram.u32, address >>> 2, expected, value);
}
