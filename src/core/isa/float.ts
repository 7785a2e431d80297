/*
 * RV64F and RV64D: both formats from one description.
 *
 * A single lies in a register with its upper 32 bits all ones (NaN boxing). An operand that is not boxed so counts as the canonical
 * NaN; moves and stores take the low bits as they are. Arithmetic goes through the tier's `fpu`.
 */

import { FpuOp } from '../fpu/op.ts';
import { select, yields } from '../wasm/control.ts';
import { f32, f64, i32, i64 } from '../wasm/ops.ts';
import type { I64 } from '../wasm/node.ts';
import { box, boxed, isSame } from './boxing.ts';
import type { Encoding, Instruction } from './define.ts';
import { funct3, funct7, fused, op, rare, rounded, withRs2 } from './define.ts';
import { bits } from './format.ts';
import type { Tier } from './tier.ts';

const OP_FP = 0x53;
const CANONICAL_NAN_S = 0x7fc0_0000;
const ZERO = i64.const(0);
const NO_ROUNDING = i32.const(0);

/** One of the two formats: how its operands are read and its results written. */
interface Format {
  /** Suffix of mnemonics. */
  readonly suffix: 's' | 'd';
  /** 0 single, 1 double: the fmt field, and the offset of its operations in FpuOp. */
  readonly number: 0 | 1;
  readonly sign: bigint;
  readonly unbox: (tier: Tier, register: I64) => I64;
  readonly box: (value: I64) => I64;
  /** The pattern with the other sign, and with none. */
  readonly negate: (value: I64) => I64;
  readonly absolute: (value: I64) => I64;
}

const SINGLE: Format = {
  suffix: 's',
  number: 0,
  sign: 1n << 31n,
  unbox: (tier, register) => {
    const known = boxed(register);
    if (known !== undefined) return i64.extendI32U(i32.wrap(known));
    const raw = tier.temp('i64');
    return yields(
      [raw.set(register)],
      select(
        i64.eq(i64.shrU(raw, i64.const(32)), i64.const(0xffff_ffff)),
        i64.and(raw, i64.const(0xffff_ffff)),
        i64.const(CANONICAL_NAN_S),
      ),
    );
  },
  box,
  negate: (value) => i64.extendI32U(i32.reinterpretF32(f32.neg(f32.reinterpretI32(i32.wrap(value))))),
  absolute: (value) => i64.extendI32U(i32.reinterpretF32(f32.abs(f32.reinterpretI32(i32.wrap(value))))),
};

const DOUBLE: Format = {
  suffix: 'd',
  number: 1,
  sign: 1n << 63n,
  unbox: (_tier, register) => register,
  box: (value) => value,
  negate: (value) => i64.reinterpretF64(f64.neg(f64.reinterpretI64(value))),
  absolute: (value) => i64.reinterpretF64(f64.abs(f64.reinterpretI64(value))),
};

/** The low half of a register, of which the upper one does not matter. */
const lowHalf = (register: I64): I64 => boxed(register) ?? register;

/** A rounding mode of 5 or 6 is reserved. */
const validRounding = (word: number): boolean => {
  const mode = bits(word, 12, 14);
  return mode !== 5 && mode !== 6;
};

/** The operation for a format: FpuOp numbers come in pairs. */
const numbered = (single: FpuOp, f: Format): FpuOp => (single + f.number) as FpuOp;

/** An instruction with a rounding mode. The mode is checked before anything else happens. */
function roundedOp(
  name: string,
  format: string,
  encoding: Encoding,
  body: (tier: Tier, rm: Tier['rounding']) => ReturnType<Tier['rd']>,
): Instruction {
  return {
    ...rare(name, format, encoding, (tier) => {
      const rm = tier.temp('i32');
      return [rm.set(tier.rounding), body(tier, rm)];
    }),
    valid: validRounding,
  };
}

const arithmetic = (name: string, f7: number, operation: FpuOp, f: Format): Instruction =>
  roundedOp(`${name}.${f.suffix}`, 'DSTm', rounded(f7 | f.number), (t, rm) =>
    t.fd(f.box(t.fpu(numbered(operation, f), f.unbox(t, t.fs1), f.unbox(t, t.fs2), ZERO, rm))),
  );

const multiplyAdd = (name: string, code: number, operation: FpuOp, f: Format): Instruction =>
  roundedOp(`${name}.${f.suffix}`, 'DSTRm', fused(code, f.number), (t, rm) =>
    t.fd(f.box(t.fpu(numbered(operation, f), f.unbox(t, t.fs1), f.unbox(t, t.fs2), f.unbox(t, t.fs3), rm))),
  );

const minMax = (name: string, f3: number, operation: FpuOp, f: Format): Instruction =>
  rare(`${name}.${f.suffix}`, 'DST', funct7(OP_FP, f3, 0x14 | f.number), (t) =>
    t.fd(f.box(t.fpu(numbered(operation, f), f.unbox(t, t.fs1), f.unbox(t, t.fs2), ZERO, NO_ROUNDING))),
  );

const compare = (name: string, f3: number, operation: FpuOp, f: Format): Instruction =>
  rare(`${name}.${f.suffix}`, 'dST', funct7(OP_FP, f3, 0x50 | f.number), (t) =>
    t.rd(t.fpu(numbered(operation, f), f.unbox(t, t.fs1), f.unbox(t, t.fs2), ZERO, NO_ROUNDING)),
  );

/** FSGNJ and its kin: the sign from a function of both signs, all else from the first operand; `unary` when the second is the first. */
const signInject = (name: string, f3: number, f: Format, signs: (a: I64, b: I64) => I64, unary: (a: I64) => I64): Instruction =>
  rare(`${name}.${f.suffix}`, 'DST', funct7(OP_FP, f3, 0x10 | f.number), (t) => {
    if (isSame(t.fs1, t.fs2)) return t.fd(f.box(unary(f.unbox(t, t.fs1))));
    const a = t.temp('i64');
    const b = t.temp('i64');
    const sign = i64.const(f.sign);
    return [
      a.set(f.unbox(t, t.fs1)),
      b.set(f.unbox(t, t.fs2)),
      t.fd(f.box(i64.or(i64.and(a, i64.const(f.sign - 1n)), i64.and(signs(a, b), sign)))),
    ];
  });

const toInteger = (integer: string, rs2: number, operation: FpuOp, f: Format): Instruction =>
  roundedOp(`fcvt.${integer}.${f.suffix}`, 'dSm', withRs2(rounded(0x60 | f.number), rs2), (t, rm) =>
    t.rd(t.fpu(numbered(operation, f), f.unbox(t, t.fs1), ZERO, ZERO, rm)),
  );

/** A double holds every 32-bit integer: the rounding mode of that conversion cannot matter. */
const fromInteger = (integer: string, rs2: number, operation: FpuOp, f: Format): Instruction =>
  roundedOp(
    `fcvt.${f.suffix}.${integer}`,
    f === DOUBLE && rs2 < 2 ? 'Dsn' : 'Dsm',
    withRs2(rounded(0x68 | f.number), rs2),
    (t, rm) => t.fd(f.box(t.fpu(numbered(operation, f), t.rs1, ZERO, ZERO, rm))),
  );

const not = (a: I64): I64 => i64.xor(a, i64.const(-1));

const computation = (f: Format): readonly Instruction[] => [
  arithmetic('fadd', 0x00, FpuOp.ADD_S, f),
  arithmetic('fsub', 0x04, FpuOp.SUB_S, f),
  arithmetic('fmul', 0x08, FpuOp.MUL_S, f),
  arithmetic('fdiv', 0x0c, FpuOp.DIV_S, f),
  roundedOp(`fsqrt.${f.suffix}`, 'DSm', withRs2(rounded(0x2c | f.number), 0), (t, rm) =>
    t.fd(f.box(t.fpu(numbered(FpuOp.SQRT_S, f), f.unbox(t, t.fs1), ZERO, ZERO, rm))),
  ),
  multiplyAdd('fmadd', 0x43, FpuOp.MADD_S, f),
  multiplyAdd('fmsub', 0x47, FpuOp.MSUB_S, f),
  multiplyAdd('fnmsub', 0x4b, FpuOp.NMSUB_S, f),
  multiplyAdd('fnmadd', 0x4f, FpuOp.NMADD_S, f),
  signInject(
    'fsgnj',
    0,
    f,
    (_a, b) => b,
    (a) => a,
  ),
  signInject('fsgnjn', 1, f, (_a, b) => not(b), f.negate),
  signInject('fsgnjx', 2, f, i64.xor, f.absolute),
  minMax('fmin', 0, FpuOp.MIN_S, f),
  minMax('fmax', 1, FpuOp.MAX_S, f),
  compare('fle', 0, FpuOp.LE_S, f),
  compare('flt', 1, FpuOp.LT_S, f),
  compare('feq', 2, FpuOp.EQ_S, f),
  rare(`fclass.${f.suffix}`, 'dS', withRs2(funct7(OP_FP, 1, 0x70 | f.number), 0), (t) =>
    t.rd(t.fpu(numbered(FpuOp.CLASS_S, f), f.unbox(t, t.fs1), ZERO, ZERO, NO_ROUNDING)),
  ),
  toInteger('w', 0, FpuOp.CVT_W_S, f),
  toInteger('wu', 1, FpuOp.CVT_WU_S, f),
  toInteger('l', 2, FpuOp.CVT_L_S, f),
  toInteger('lu', 3, FpuOp.CVT_LU_S, f),
  fromInteger('w', 0, FpuOp.CVT_S_W, f),
  fromInteger('wu', 1, FpuOp.CVT_S_WU, f),
  fromInteger('l', 2, FpuOp.CVT_S_L, f),
  fromInteger('lu', 3, FpuOp.CVT_S_LU, f),
];

export const FLOAT: readonly Instruction[] = [
  op('flw', 'Do', funct3(0x07, 2), ({ rs1, imm, fd, load }) => fd(box(load('u32', i64.add(rs1, imm))))),
  op('fld', 'Do', funct3(0x07, 3), ({ rs1, imm, fd, load }) => fd(load('i64', i64.add(rs1, imm)))),
  op('fsw', 'Tq', funct3(0x27, 2), ({ rs1, fs2, imm, store }) => store('32', i64.add(rs1, imm), lowHalf(fs2))),
  op('fsd', 'Tq', funct3(0x27, 3), ({ rs1, fs2, imm, store }) => store('64', i64.add(rs1, imm), fs2)),
  ...computation(SINGLE),
  ...computation(DOUBLE),
  roundedOp('fcvt.s.d', 'DSm', withRs2(rounded(0x20), 1), (t, rm) => t.fd(box(t.fpu(FpuOp.CVT_S_D, t.fs1, ZERO, ZERO, rm)))),
  roundedOp('fcvt.d.s', 'DSn', withRs2(rounded(0x21), 0), (t, rm) =>
    t.fd(t.fpu(FpuOp.CVT_D_S, SINGLE.unbox(t, t.fs1), ZERO, ZERO, rm)),
  ),
  rare('fmv.x.w', 'dS', withRs2(funct7(OP_FP, 0, 0x70), 0), ({ fs1, rd }) => rd(i64.extend32S(lowHalf(fs1)))),
  rare('fmv.w.x', 'Ds', withRs2(funct7(OP_FP, 0, 0x78), 0), ({ rs1, fd }) => fd(box(rs1))),
  rare('fmv.x.d', 'dS', withRs2(funct7(OP_FP, 0, 0x71), 0), ({ fs1, rd }) => rd(fs1)),
  rare('fmv.d.x', 'Ds', withRs2(funct7(OP_FP, 0, 0x79), 0), ({ rs1, fd }) => fd(rs1)),
];
