/*
 * Switches of the host's WebAssembly engine that translated code profits from. Nothing depends on them: without them it is slower.
 *
 * They hold for the whole process, for code that is compiled after the call.
 */

import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  // Misses of the TLB and faults are kept out of the way of what is nearly always so (custom section metadata.code.branch_hint).
  '--experimental-wasm-branch-hinting',
  // A fused multiply-add of the host's own; whether it fuses is tried before it is used (core/jit/float.ts).
  '--experimental-wasm-relaxed-simd',
];

let enabled = false;

/** Turns them on; a second call does nothing. */
export function enableWasmFeatures(): void {
  if (enabled) return;
  enabled = true;
  for (const flag of FLAGS) setFlagsFromString(flag);
}
