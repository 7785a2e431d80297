/*
 * The interpreter as compiled code. Emitting it takes longer than all else that power-on does, and gives the same bytes until its sources
 * change: so the bytes are kept beside the bundles, under the name of a bundle of the emitter, which is named after its content.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type * as Emitter from '../core/interpreter/loop.ts';
import { bundle, projectRoot, put } from '../smp/bundle.ts';

/** Compiled once for all machines of the process: the plain one, and the one that counts accesses. */
const compiled = new Map<boolean, Promise<WebAssembly.Module>>();

/**
 * The module that every hart instantiates.
 *
 * @param countAccesses whether it counts the accesses to memory
 */
export function loadInterpreter(countAccesses: boolean): Promise<WebAssembly.Module> {
  let module = compiled.get(countAccesses);
  if (module === undefined) {
    module = load(countAccesses);
    compiled.set(countAccesses, module);
  }
  return module;
}

async function load(countAccesses: boolean): Promise<WebAssembly.Module> {
  const emitter = await bundle({ name: 'interpreter', entry: join(projectRoot, 'src/core/interpreter/loop.ts') });
  const file = `${emitter}${countAccesses ? '.counting' : ''}.wasm`;
  return new WebAssembly.Module(kept(file) ?? emit(emitter, file, countAccesses));
}

function kept(file: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(file);
    return WebAssembly.validate(bytes) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Emits with the very code that the name stands for: this process may have been bundled before its sources changed. (Without `import()`:
 * see bundle.ts.)
 */
function emit(emitter: string, file: string, countAccesses: boolean): Uint8Array {
  const { emitInterpreter } = createRequire(import.meta.url)(emitter) as typeof Emitter;
  const bytes = emitInterpreter(countAccesses);
  put(file, bytes);
  return bytes;
}
