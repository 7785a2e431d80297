import { describe, expect, it } from 'vitest';
import {
  block,
  branch,
  call,
  either,
  Label,
  loop,
  ret,
  select,
  sequence,
  switchTo,
  tailCall,
  when,
  yields,
} from '../../src/core/wasm/control.ts';
import { Emitter } from '../../src/core/wasm/emit.ts';
import { unsigned } from '../../src/core/wasm/leb128.ts';
import { ModuleBuilder } from '../../src/core/wasm/module.ts';
import { f32, f64, i32, i64 } from '../../src/core/wasm/ops.ts';
import type { Expr, Local, Stmt, ValType } from '../../src/core/wasm/node.ts';

type Func = (...args: (number | bigint)[]) => number | bigint;

/** Compiles one function of two parameters and returns it. */
function compile<T extends ValType, R extends ValType>(
  param: T,
  result: R,
  body: (a: Local<T>, b: Local<T>) => { before?: readonly Stmt[]; value: Expr<R> },
): Func {
  const module = new ModuleBuilder();
  const func = module.func([param, param], result, 'f');
  const { before = [], value } = body(func.param(param, 0), func.param(param, 1));
  func.body(before, value);
  return new WebAssembly.Instance(new WebAssembly.Module(module.encode())).exports.f as Func;
}

describe('LEB128', () => {
  const bytes = (write: (out: number[]) => void): number[] => {
    const out: number[] = [];
    write(out);
    return out;
  };

  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('unsigned %i', (value, expected) => {
    expect(bytes((out) => unsigned(out, value))).toEqual(expected);
  });

  it.each([
    [0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [-0x8000_0000, [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('signed %i, in 32 and 64 bits', (value, expected) => {
    for (const constant of [i32.const(value), i64.const(value), i64.const(BigInt(value))]) {
      const emitter = new Emitter();
      emitter.emit(constant);
      expect(Array.from(emitter.bytes.subarray(1))).toEqual(expected);
    }
  });
});

describe('expressions', () => {
  it('constants of all types arrive as they were given', () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 0x7fff_ffff, -0x8000_0000]) {
      expect(compile('i32', 'i32', () => ({ value: i32.const(value) }))(0, 0)).toBe(value);
    }
    for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x1234_5678_9abcn]) {
      expect(compile('i64', 'i64', () => ({ value: i64.const(value) }))(0n, 0n)).toBe(value);
    }
    for (const value of [0.1, -0, Infinity, 5e-324]) {
      expect(compile('f64', 'f64', () => ({ value: f64.const(value) }))(0, 0)).toBe(value);
      expect(compile('f32', 'f32', () => ({ value: f32.const(value) }))(0, 0)).toBe(Math.fround(value));
    }
  });

  it('operands keep their order', () => {
    expect(compile('i32', 'i32', (a, b) => ({ value: i32.sub(a, b) }))(7, 3)).toBe(4);
    expect(compile('i64', 'i32', (a, b) => ({ value: i64.ltS(a, b) }))(-1n, 0n)).toBe(1);
    expect(compile('i32', 'i32', (a, b) => ({ value: select(a, i32.const(10), b) }))(0, 20)).toBe(20);
    expect(compile('i32', 'i32', (a, b) => ({ value: select(a, i32.const(10), b) }))(1, 20)).toBe(10);
  });

  it('either evaluates only the chosen arm', () => {
    const divide = compile('i32', 'i32', (a, b) => ({ value: either(i32.eqz(b), i32.const(-1), i32.divS(a, b)) }));
    expect(divide(7, 0)).toBe(-1);
    expect(divide(7, 2)).toBe(3);
  });
});

describe('control', () => {
  it('loops and blocks: labels find their depth through any nesting', () => {
    const sum = compile('i32', 'i32', (n, total) => {
      const again = new Label('again');
      const done = new Label('done');
      return {
        before: [
          block(
            done,
            loop(
              again,
              when(i32.eqz(n), when(i32.const(1), branch(done))),
              total.set(i32.add(total, n)),
              n.set(i32.sub(n, i32.const(1))),
              branch(again),
            ),
          ),
        ],
        value: total,
      };
    });
    expect(sum(10, 0)).toBe(55);
  });

  it('switches to the label of an index, or else the fallback', () => {
    const pick = compile('i32', 'i32', (index, out) => {
      const [one, two, other] = [new Label('one'), new Label('two'), new Label('other')];
      const end = new Label('end');
      const inner = block(one, switchTo(index, [one, two], other));
      return {
        before: [
          block(
            end,
            block(other, block(two, inner, out.set(i32.const(1)), branch(end)), out.set(i32.const(2)), branch(end)),
            out.set(i32.const(3)),
          ),
        ],
        value: out,
      };
    });
    expect([0, 1, 2, 99, -1].map((index) => pick(index, 0))).toEqual([1, 2, 3, 3, 3]);
  });

  it('a value may be computed by statements', () => {
    const f = compile('i32', 'i32', (a, b) => ({
      value: i32.mul(yields([a.set(i32.add(a, i32.const(1)))], a), yields([sequence(b.set(i32.const(5)))], b)),
    }));
    expect(f(2, 0)).toBe(15);
  });

  it('a branch to a label that does not enclose it is refused', () => {
    const module = new ModuleBuilder();
    const func = module.func([], 'void');
    func.body([branch(new Label('nowhere'))]);
    expect(() => module.encode()).toThrow('nowhere');
  });

  it('functions call each other; tail calls do not grow the stack', () => {
    const module = new ModuleBuilder();
    const even = module.func(['i32'], 'i32', 'even');
    const odd = module.func(['i32'], 'i32', 'odd');
    const both = [
      [even, odd, 1],
      [odd, even, 0],
    ] as const;
    for (const [self, other, atZero] of both) {
      const n = self.param('i32', 0);
      self.body([when(i32.eqz(n), ret(i32.const(atZero))), tailCall(other, i32.sub(n, i32.const(1)))]);
    }
    const twice = module.func(['i32'], 'i32', 'twice');
    twice.body([], i32.add(call(even, twice.param('i32', 0)), call(even, twice.param('i32', 0))));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
    expect((exports.even as Func)(1_000_000)).toBe(1);
    expect((exports.odd as Func)(1_000_000)).toBe(0);
    expect((exports.twice as Func)(4)).toBe(2);
  });
});

describe('memory', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Int32Array(memory.buffer);
  const doubles = new BigInt64Array(memory.buffer);

  /** A function of (a: i32, b: i64) over the memory. */
  function over<R extends ValType>(
    result: R,
    body: (a: Local<'i32'>, b: Local<'i64'>) => Expr<R>,
  ): (a: number, b: bigint) => number | bigint {
    const module = new ModuleBuilder();
    module.importMemory('m', 'm', 1, 65536);
    const func = module.func(['i32', 'i64'], result, 'f');
    func.body([], body(func.param('i32', 0), func.param('i64', 1)));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { m: { m: memory } });
    return instance.exports.f as (a: number, b: bigint) => number | bigint;
  }

  it('loads of every width extend as named, at an offset, misaligned', () => {
    doubles[0] = 0n;
    doubles[1] = -0x7766_5544_3322_110fn;
    const at = (load: (address: Expr<'i32'>, offset?: number) => Expr<'i64'>): bigint =>
      over('i64', (a) => load(a, 7))(1, 0n) as bigint;
    const bytes = doubles[1];
    expect(at(i64.load8S)).toBe(BigInt.asIntN(8, bytes));
    expect(at(i64.load8U)).toBe(BigInt.asUintN(8, bytes));
    expect(at(i64.load16S)).toBe(BigInt.asIntN(16, bytes));
    expect(at(i64.load16U)).toBe(BigInt.asUintN(16, bytes));
    expect(at(i64.load32S)).toBe(BigInt.asIntN(32, bytes));
    expect(at(i64.load32U)).toBe(BigInt.asUintN(32, bytes));
    expect(at(i64.load)).toBe(bytes);
  });

  it('atomics return the old value and store the new one', () => {
    const operators = { add: 7n + 5n, sub: 7n - 5n, and: 7n & 5n, or: 7n | 5n, xor: 7n ^ 5n, xchg: 5n } as const;
    for (const name of ['add', 'sub', 'and', 'or', 'xor', 'xchg'] as const) {
      doubles[2] = 7n;
      expect(over('i64', (a, b) => i64.atomic[name](a, 8, b))(8, 5n)).toBe(7n);
      expect(doubles[2]).toBe(operators[name]);
      words[4] = 7;
      expect(over('i32', (a, b) => i32.atomic[name](a, 8, i32.wrap(b)))(8, 5n)).toBe(7);
      expect(BigInt(words[4])).toBe(operators[name]);
    }
  });

  it('compare-exchange stores only when it finds what it expects', () => {
    doubles[2] = 7n;
    const exchange = over('i64', (a, b) => i64.atomic.cmpxchg(a, 0, b, i64.const(1)));
    expect(exchange(16, 6n)).toBe(7n);
    expect(doubles[2]).toBe(7n);
    expect(exchange(16, 7n)).toBe(7n);
    expect(doubles[2]).toBe(1n);
  });
});
