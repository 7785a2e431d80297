/*
 * The reference floating-point unit: RISC-V F and D (2.2) in software, exact in every rounding mode and flag.
 *
 * It is the meaning of each operation; the fast paths (fast.ts) are proven against it and fall back to it. Operands and results are
 * bit patterns in BigInts, so that a WebAssembly caller can import `execute` with i64 arguments as they are. It allocates: the rare
 * path only.
 * Interface: `new SoftFloat()`, `execute(op, a, b, c, rm)`, `flags`. NaN boxing is the caller's (format.ts has helpers).
 * Invariant: `execute` only ever sets bits in `flags`; the caller clears them.
 */

import { add, divide, multiply, multiplyAdd, squareRoot } from './arithmetic.ts';
import { classify, equal, less, select } from './compare.ts';
import { convert, fromInteger, toInteger } from './convert.ts';
import { DOUBLE, SINGLE } from './format.ts';
import { FpuOp } from './op.ts';
import type { Flags } from './round.ts';

export { FpuOp } from './op.ts';

export class SoftFloat implements Flags {
  /** Exceptions since the caller last cleared them, as in fflags. */
  flags = 0;

  /**
   * Executes one operation.
   *
   * @param a first operand: a pattern of the operation's format (the bits above a single are ignored) or an integer register
   * @param b second operand; ignored by operations of one operand
   * @param c addend of the fused operations; ignored by others
   * @param rm rounding mode 0–4, already resolved from frm
   * @returns the pattern of the result (a single in the low 32 bits, the rest zero) or the 64 bits for an integer rd
   */
  execute(op: FpuOp, a: bigint, b: bigint, c: bigint, rm: number): bigint {
    const f = (op & 1) === 0 ? SINGLE : DOUBLE;
    const x = a & (f.sign | f.magnitude);
    const y = b & (f.sign | f.magnitude);
    switch (op) {
      case FpuOp.ADD_S:
      case FpuOp.ADD_D:
        return add(f, x, y, rm, this);
      case FpuOp.SUB_S:
      case FpuOp.SUB_D:
        return add(f, x, y ^ f.sign, rm, this);
      case FpuOp.MUL_S:
      case FpuOp.MUL_D:
        return multiply(f, x, y, rm, this);
      case FpuOp.DIV_S:
      case FpuOp.DIV_D:
        return divide(f, x, y, rm, this);
      case FpuOp.SQRT_S:
      case FpuOp.SQRT_D:
        return squareRoot(f, x, rm, this);
      case FpuOp.MADD_S:
      case FpuOp.MADD_D:
      case FpuOp.MSUB_S:
      case FpuOp.MSUB_D:
      case FpuOp.NMSUB_S:
      case FpuOp.NMSUB_D:
      case FpuOp.NMADD_S:
      case FpuOp.NMADD_D: {
        const z = c & (f.sign | f.magnitude);
        const negateProduct = op >= FpuOp.NMSUB_S;
        const negateAddend = op >> 1 === FpuOp.MSUB_S >> 1 || op >> 1 === FpuOp.NMADD_S >> 1;
        return multiplyAdd(f, negateProduct ? x ^ f.sign : x, y, negateAddend ? z ^ f.sign : z, rm, this);
      }
      case FpuOp.MIN_S:
      case FpuOp.MIN_D:
        return select(f, x, y, false, this);
      case FpuOp.MAX_S:
      case FpuOp.MAX_D:
        return select(f, x, y, true, this);
      case FpuOp.EQ_S:
      case FpuOp.EQ_D:
        return equal(f, x, y, this);
      case FpuOp.LT_S:
      case FpuOp.LT_D:
        return less(f, x, y, false, this);
      case FpuOp.LE_S:
      case FpuOp.LE_D:
        return less(f, x, y, true, this);
      case FpuOp.CLASS_S:
      case FpuOp.CLASS_D:
        return classify(f, x);
      case FpuOp.CVT_W_S:
      case FpuOp.CVT_W_D:
        return toInteger(f, x, 32, true, rm, this);
      case FpuOp.CVT_WU_S:
      case FpuOp.CVT_WU_D:
        return toInteger(f, x, 32, false, rm, this);
      case FpuOp.CVT_L_S:
      case FpuOp.CVT_L_D:
        return toInteger(f, x, 64, true, rm, this);
      case FpuOp.CVT_LU_S:
      case FpuOp.CVT_LU_D:
        return toInteger(f, x, 64, false, rm, this);
      case FpuOp.CVT_S_W:
      case FpuOp.CVT_D_W:
        return fromInteger(f, a, 32, true, rm, this);
      case FpuOp.CVT_S_WU:
      case FpuOp.CVT_D_WU:
        return fromInteger(f, a, 32, false, rm, this);
      case FpuOp.CVT_S_L:
      case FpuOp.CVT_D_L:
        return fromInteger(f, a, 64, true, rm, this);
      case FpuOp.CVT_S_LU:
      case FpuOp.CVT_D_LU:
        return fromInteger(f, a, 64, false, rm, this);
      case FpuOp.CVT_S_D:
        return convert(DOUBLE, SINGLE, BigInt.asUintN(64, a), rm, this);
      case FpuOp.CVT_D_S:
        return convert(SINGLE, DOUBLE, BigInt.asUintN(32, a), rm, this);
    }
  }
}
