/*
 * The code by which signal handlers return, `li a7, rt_sigreturn; ecall`: a page that is the same in every space, mapped by the program loader
 * at TRAMPOLINE, where nobody can write to it. It is one content, made at power-on and never released.
 */

import { struct, u32 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';
import type { Contents } from './contents.ts';
import { KernelPanic } from '../smp/panic.ts';
import { TRAMPOLINE_CODE } from './mman.ts';

/** Where every participant finds it. */
const TrampolinePlace = struct('TrampolinePlace', { image: u32('immutable') });

export const TRAMPOLINE_BYTES = TrampolinePlace.SIZE;

/** Makes the image. By the host, once, before the first hart starts. */
export function makeTrampoline(ram: Ram, contents: Contents, place: number): void {
  const image = contents.fromBytes(new Uint8Array(Uint32Array.from(TRAMPOLINE_CODE).buffer));
  if (image < 0) throw new KernelPanic('no room for the code by which signal handlers return');
  TrampolinePlace.image.set(ram, place, image);
}

export function trampolineImage(ram: Ram, place: number): number {
  return TrampolinePlace.image.get(ram, place);
}
