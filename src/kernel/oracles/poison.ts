/*
 * Poison: what free memory is filled with in the seeded build, so that whoever still reads it notices, and whoever still writes to it
 * is noticed when the memory is given out again.
 *
 * The pattern is no address (beyond all RAM), no valid page table entry, and no small number. What the host frees is not poisoned, for its
 * code is the ordinary build: memory without any trace of the pattern is taken as it is.
 */

import type { Field, StructInfo } from '../../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../../core/ram.ts';
import { KernelPanic } from '../../smp/panic.ts';
import { SpinlockField } from '../../smp/spinlock.ts';

export const POISON = 0xdeadf0ee;

/** Fills a frame that nobody refers to any more. */
export function poisonFrame(ram: Ram, frame: number): void {
  ram.u32.fill(POISON, frame >>> 2, (frame + PAGE_SIZE) >>> 2);
}

/** A frame is given out: panics if somebody wrote to it while it was free; leaves it full of poison. */
export function unpoisonFrame(ram: Ram, frame: number): void {
  const stray = strayWord(ram, frame);
  if (stray >= 0) throw new KernelPanic(strayText(ram, frame, stray));
  if (ram.u32[frame >>> 2] !== POISON) poisonFrame(ram, frame);
}

/** In words what somebody has written to a frame while it was free; undefined: nothing. */
export function strayWrite(ram: Ram, frame: number): string | undefined {
  const stray = strayWord(ram, frame);
  return stray < 0 ? undefined : strayText(ram, frame, stray);
}

/** Offset of the last word that is not poison in a frame that has been poisoned; −1: there is none, or the frame has no poison at all. */
function strayWord(ram: Ram, frame: number): number {
  const { u32 } = ram;
  const first = frame >>> 2;
  let poison = 0;
  let stray = -1;
  for (let i = 0; i < PAGE_SIZE / 4; i++) {
    if (u32[first + i] === POISON) poison++;
    else stray = i * 4;
  }
  return poison === 0 ? -1 : stray;
}

function strayText(ram: Ram, frame: number, stray: number): string {
  return `free frame 0x${frame.toString(16)} was written to: at +${stray} it has ${hexWord(ram, frame + stray)}`;
}

/** Which words of a slot are poisoned: all but locks (a latecomer may still hold one) and fields that outlive the owner. */
export class SlotPoison {
  /** A byte for each word. */
  private readonly spared: Uint8Array;

  constructor(
    private readonly name: string,
    layout: StructInfo | undefined,
    stride: number,
  ) {
    this.spared = new Uint8Array(stride >>> 2);
    for (const field of layout?.FIELDS ?? []) {
      if (isSpared(field)) this.spared.fill(1, field.offset >>> 2, (field.offset + field.size + 3) >>> 2);
    }
  }

  poison(ram: Ram, slot: number): void {
    const { spared } = this;
    for (let i = 0; i < spared.length; i++) if (spared[i] === 0) ram.u32[(slot >>> 2) + i] = POISON;
  }

  /** A slot is given out: panics if somebody wrote to it while it was free. */
  verify(ram: Ram, slot: number): void {
    const { spared } = this;
    let poison = 0;
    let stray = -1;
    for (let i = 0; i < spared.length; i++) {
      if (spared[i] !== 0) continue;
      if (ram.u32[(slot >>> 2) + i] === POISON) poison++;
      else stray = i * 4;
    }
    if (poison === 0 || stray < 0) return;
    const where = `free ${this.name} slot at 0x${slot.toString(16)} was written to: at +${String(stray)}`;
    throw new KernelPanic(`${where} it has ${hexWord(ram, slot + stray)}`);
  }
}

function isSpared(field: Field): boolean {
  return field.outlives || field instanceof SpinlockField;
}

function hexWord(ram: Ram, address: number): string {
  return `0x${ram.u32[address >>> 2]!.toString(16)}`;
}
