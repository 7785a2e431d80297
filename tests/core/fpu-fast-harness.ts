/*
 * The fast floating-point unit by itself: a module that exports each operation's function, with a memory that holds one context.
 *
 * Interface: `FastUnit`: set `known` flags, `execute` as SoftFloat has it, then read `flags`; `asked` counts calls of the reference.
 */

import { Context } from '../../src/core/context.ts';
import { fastFpu } from '../../src/core/fpu/fast.ts';
import { type FpuOp } from '../../src/core/fpu/op.ts';
import { SoftFloat } from '../../src/core/fpu/soft.ts';
import { call } from '../../src/core/wasm/control.ts';
import { ModuleBuilder } from '../../src/core/wasm/module.ts';
import { i32 } from '../../src/core/wasm/ops.ts';
import { OPERATIONS } from './fpu-cases.ts';

type Operation = (rm: number, a: bigint, b: bigint, c: bigint) => bigint;

const CONTEXT = 64;

export class FastUnit {
  /** How often the reference unit was asked. */
  asked = 0;
  readonly #soft = new SoftFloat();
  readonly #words: Uint32Array;
  readonly #operations: Operation[] = [];

  constructor() {
    const module = new ModuleBuilder();
    module.importMemory('host', 'memory', 1, 1);
    const slow = module.importFunction('host', 'fpu', ['i32', 'i64', 'i64', 'i64', 'i32'], 'i64');
    for (const [name, op] of OPERATIONS) {
      const f = module.func(['i32', 'i64', 'i64', 'i64'], 'i64', name);
      const result = fastFpu(op, f.param('i64', 1), f.param('i64', 2), f.param('i64', 3), f.param('i32', 0), {
        context: i32.const(CONTEXT),
        temp: (type) => f.local(type),
        slow: (number, a, b, c, rm) => call(slow, i32.const(number), a, b, c, rm),
      });
      f.body([], result);
    }
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    this.#words = new Uint32Array(memory.buffer);
    const fpu = (op: FpuOp, a: bigint, b: bigint, c: bigint, rm: number): bigint => {
      this.asked++;
      this.#soft.flags = 0;
      const result = this.#soft.execute(op, a, b, c, rm);
      this.flags |= this.#soft.flags;
      return result;
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { host: { memory, fpu } });
    for (const [name, op] of OPERATIONS) this.#operations[op] = instance.exports[name] as Operation;
  }

  /** fcsr of the context. */
  get flags(): number {
    return this.#words[(CONTEXT + Context.fcsr.offset) >> 2]!;
  }
  set flags(value: number) {
    this.#words[(CONTEXT + Context.fcsr.offset) >> 2] = value;
  }

  execute(op: FpuOp, a: bigint, b: bigint, c: bigint, rm: number): bigint {
    return this.#operations[op]!(rm, a, b, c);
  }
}
