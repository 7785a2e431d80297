/*
 * Floating-point arithmetic inline: the host's operation, and a comparison that proves that it needs no look at the flags.
 *
 * The host rounds to nearest as RNE does, so a result in range is right, and the only flag that it may raise is NX. While NX has accrued
 * anyway, nothing is left to do; `limit` of the tier folds that into the comparison with ∞. All else (another rounding mode, results that
 * are tiny, infinite or no number, NX not yet accrued) goes to the operation out of line.
 *
 * A fused multiply-add needs a host that fuses: WebAssembly has it as a relaxed operation, which this host may know (`canFuse`).
 */

import { FpuOp } from '../fpu/op.ts';
import { block, branch, Label, yields } from '../wasm/control.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { Expr, F64, I64, Stmt } from '../wasm/node.ts';
import type { TranslatorTier } from './tier.ts';

type Kind = 's' | 'd';

/** Smallest normal magnitudes: what lies above has not underflowed. */
const SMALLEST = { s: 2 ** -126, d: 2 ** -1022 } as const;

/** An operation that is inlined: the host's, and whether its result may be tiny. */
interface Inline {
  readonly compute: (kind: Kind, a: I64, b: I64, c: I64) => Expr<'f32'> | F64;
  readonly mayUnderflow: boolean;
}

const single = (bits: I64): Expr<'f32'> => f32.reinterpretI32(i32.wrap(bits));
const double = (bits: I64): F64 => f64.reinterpretI64(bits);

const binary = (name: 'add' | 'sub' | 'mul' | 'div', mayUnderflow: boolean): Inline => ({
  compute: (kind, a, b) => (kind === 's' ? f32[name](single(a), single(b)) : f64[name](double(a), double(b))),
  mayUnderflow,
});

const fused = (negateProduct: boolean, negateAddend: boolean): Inline => ({
  compute: (kind, a, b, c) => {
    if (kind === 's') {
      return f32.relaxedMadd(
        negateProduct ? f32.neg(single(a)) : single(a),
        single(b),
        negateAddend ? f32.neg(single(c)) : single(c),
      );
    }
    return f64.relaxedMadd(
      negateProduct ? f64.neg(double(a)) : double(a),
      double(b),
      negateAddend ? f64.neg(double(c)) : double(c),
    );
  },
  mayUnderflow: true,
});

/** By the number of the operation on singles. */
const INLINE: Readonly<Record<number, Inline>> = {
  [FpuOp.ADD_S]: binary('add', false),
  [FpuOp.SUB_S]: binary('sub', false),
  [FpuOp.MUL_S]: binary('mul', true),
  [FpuOp.DIV_S]: binary('div', true),
  [FpuOp.SQRT_S]: {
    compute: (kind, a) => (kind === 's' ? f32.sqrt(single(a)) : f64.sqrt(double(a))),
    mayUnderflow: false,
  },
  [FpuOp.MADD_S]: fused(false, false),
  [FpuOp.MSUB_S]: fused(false, true),
  [FpuOp.NMSUB_S]: fused(true, false),
  [FpuOp.NMADD_S]: fused(true, true),
};

/** The operation inline, rounding to nearest; undefined when this is none of those. */
export function inlineFpu(tier: TranslatorTier, op: FpuOp, a: I64, b: I64, c: I64): I64 | undefined {
  const inline = INLINE[op & ~1];
  if (inline === undefined || (op >= FpuOp.MADD_S && !canFuse())) return undefined;
  const kind = (op & 1) === 0 ? 's' : 'd';
  const slow = new Label('slow');
  const done = new Label('done');
  const fast: Stmt[] = [];
  // Operands of singles are unboxed by several operations, and needed twice.
  const kept = (bits: I64): I64 => {
    if (kind === 'd' || bits.kind === 'const') return bits;
    const local = tier.temp('i64');
    fast.push(local.set(bits));
    return local;
  };
  const [x, y, z] = [kept(a), kept(b), kept(c)];
  const before = fast.splice(0);
  let magnitude: F64;
  let value: I64;
  if (kind === 's') {
    const result = tier.temp('f32');
    const bits = tier.temp('i64');
    fast.push(result.set(inline.compute(kind, x, y, z) as Expr<'f32'>), bits.set(i64.extendI32U(i32.reinterpretF32(result))));
    magnitude = f64.promote(f32.abs(result));
    value = bits;
    return yields([...before, block(done, block(slow, ...fast, ...prove()), bits.set(outOfLine()))], value);
  }
  const result = tier.temp('f64');
  fast.push(result.set(inline.compute(kind, x, y, z) as F64));
  magnitude = f64.abs(result);
  value = i64.reinterpretF64(result);
  return yields([...before, block(done, block(slow, ...fast, ...prove()), result.set(f64.reinterpretI64(outOfLine())))], value);

  function prove(): Stmt[] {
    const out = [branch(slow, i32.eqz(f64.lt(magnitude, tier.limit)), 0)];
    if (inline!.mayUnderflow) out.push(branch(slow, i32.eqz(f64.gt(magnitude, f64.const(SMALLEST[kind]))), 0));
    return [...out, branch(done)];
  }
  function outOfLine(): I64 {
    return tier.outOfLine(op, x, y, z);
  }
}

let fuses: boolean | undefined;

/** Whether the host knows the relaxed multiply-add, and fuses it. */
export function canFuse(): boolean {
  fuses ??= probe();
  return fuses;
}

function probe(): boolean {
  const module = new ModuleBuilder();
  const func = module.func(['f64', 'f64', 'f64'], 'f64', 'run');
  func.body([], f64.relaxedMadd(func.param('f64', 0), func.param('f64', 1), func.param('f64', 2)));
  const bytes = module.encode();
  if (!WebAssembly.validate(bytes)) return false;
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  // (1 + ε)² − (1 + 2ε) is ε² when it is rounded once, 0 when twice.
  const x = 1 + 2 ** -52;
  return (run as (a: number, b: number, c: number) => number)(x, x, -(1 + 2 ** -51)) === 2 ** -104;
}
