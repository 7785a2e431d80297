/*
 * Switches of the host's engine that translated code profits from. Nothing depends on them: without them it is slower.
 *
 * They hold for the whole process, for code that is compiled after the call. Those that could hurt other code are for a process that has
 * none: the command line's, not that of a program that uses the library.
 */

import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  // Misses of the TLB and faults are kept out of the way of what is nearly always so (custom section metadata.code.branch_hint).
  '--experimental-wasm-branch-hinting',
  // A fused multiply-add of the host's own; whether it fuses is tried before it is used (core/jit/float.ts).
  '--experimental-wasm-relaxed-simd',
];

const EXCLUSIVE_FLAGS = [
  // No look at the stack's end in each function and loop (3 of some 20 instructions of a small loop). What is emitted here never recurses,
  // and leaves its loops when its fuel is used up.
  '--no-wasm-stack-checks',
  // JavaScript is optimised a few milliseconds later (the default is a quarter of this). The translator's would be while harts are busy: with
  // as many of these as cores, that takes from the guest what it never gets back.
  '--interrupt-budget=600000',
];

const enabled = new Set<string>();

/** Turns them on, once. */
export function enableWasmFeatures(): void {
  enable(FLAGS);
}

/** Also those for a process whose only WebAssembly code is the machine's. */
export function enableExclusiveWasmFeatures(): void {
  enable([...FLAGS, ...EXCLUSIVE_FLAGS]);
}

function enable(flags: readonly string[]): void {
  for (const flag of flags) {
    if (enabled.has(flag)) continue;
    enabled.add(flag);
    setFlagsFromString(flag);
  }
}
