/*
 * Stands in for a hart in the tests of the pool: does what its task says. Not a test itself.
 */

import { answer } from './stub-hart-part.ts';

export interface StubTask {
  readonly memory: WebAssembly.Memory;
  readonly hart: number;
  readonly act: 'wait' | 'throw' | 'exit' | 'spin' | 'return';
}

/** Word 0: set to end 'wait'. Word 1 + hart: set by each hart. */
export function runStub({ memory, hart, act }: StubTask): void {
  const words = new Int32Array(memory.buffer as SharedArrayBuffer);
  Atomics.store(words, 1 + hart, answer);
  Atomics.notify(words, 1 + hart);
  if (act === 'wait') Atomics.wait(words, 0, 0);
  if (act === 'throw') throw new Error('the hart has a bug');
  if (act === 'exit') process.exit(3);
  while (act === 'spin');
}
