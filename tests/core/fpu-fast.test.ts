import { describe, expect, it } from 'vitest';
import { Flag, FpuOp, Rounding } from '../../src/core/fpu/op.ts';
import { SoftFloat } from '../../src/core/fpu/soft.ts';
import { OPERATIONS } from './fpu-cases.ts';
import { FastUnit } from './fpu-fast-harness.ts';
import { drawCases, edgeCases } from './fpu-oracle.ts';

const fast = new FastUnit();
const soft = new SoftFloat();

const f64 = new Float64Array(1);
const u64 = new BigUint64Array(f64.buffer);
const bits = (x: number): bigint => {
  f64[0] = x;
  return u64[0]!;
};

/** Result and flags, from a state in which `accrued` flags are set. */
function run(unit: FastUnit | SoftFloat, op: FpuOp, accrued: number, rm: number, a: bigint, b: bigint, c: bigint): string {
  unit.flags = accrued;
  const result = BigInt.asUintN(64, unit.execute(op, a, b, c, rm));
  return `${result.toString(16)} ${String(unit.flags)}`;
}

describe('the fast floating-point unit', () => {
  const drawn = drawCases(7, 3000);

  it.each(OPERATIONS)('%s equals the reference in result and flags, whether or not NX has accrued', (_name, op) => {
    const edges = edgeCases(op).filter((_, i) => i % 3 === 0);
    const wrong: unknown[] = [];
    for (const { rm, a, b, c } of [...edges, ...drawn.filter((x) => x.op === op)]) {
      for (const accrued of [0, Flag.NX, Flag.NV]) {
        const expected = run(soft, op, accrued, rm, a, b, c);
        const got = run(fast, op, accrued, rm, a, b, c);
        if (got !== expected && wrong.length < 5) wrong.push({ rm, a, b, c, accrued, expected, got });
      }
    }
    expect(wrong).toEqual([]);
  });

  it('leaves the rounding mode in fcsr alone', () => {
    fast.flags = Rounding.RUP << 5;
    fast.execute(FpuOp.DIV_D, bits(1), bits(3), 0n, Rounding.RNE);
    expect(fast.flags).toBe((Rounding.RUP << 5) | Flag.NX);
  });

  it('answers ordinary arithmetic without the reference', () => {
    const [third, ten] = [bits(1 / 3), bits(10)];
    const arithmetic = [FpuOp.ADD_D, FpuOp.SUB_D, FpuOp.MUL_D, FpuOp.DIV_D, FpuOp.SQRT_D, FpuOp.MADD_D, FpuOp.NMADD_D];
    fast.asked = 0;
    for (const accrued of [0, Flag.NX]) {
      for (const op of [...arithmetic, FpuOp.MIN_D, FpuOp.LT_D, FpuOp.EQ_D, FpuOp.CLASS_D, FpuOp.CVT_S_D]) {
        run(fast, op, accrued, Rounding.RNE, third, ten, third);
      }
      for (let rm = 0; rm < 5; rm++) {
        for (const op of [FpuOp.CVT_W_D, FpuOp.CVT_WU_D, FpuOp.CVT_L_D, FpuOp.CVT_LU_D])
          run(fast, op, accrued, rm, third, 0n, 0n);
        run(fast, FpuOp.CVT_D_W, accrued, rm, 7n, 0n, 0n);
        run(fast, FpuOp.CVT_D_L, accrued, rm, 7n, 0n, 0n);
      }
    }
    expect(fast.asked).toBe(0);
    run(fast, FpuOp.ADD_D, 0, Rounding.RUP, third, ten, 0n);
    expect(fast.asked).toBe(1);
  });
});

describe('exactness, where rounding hides it', () => {
  const inexact = (op: FpuOp, a: number, b: number, c = 0): boolean => {
    const flags = run(fast, op, 0, Rounding.RNE, bits(a), bits(b), bits(c)).split(' ')[1];
    return flags === String(Flag.NX);
  };

  it('a product of 53 digits is exact, of 54 is not', () => {
    expect(inexact(FpuOp.MUL_D, 2 ** 26 + 1, 2 ** 26 + 1)).toBe(false);
    expect(inexact(FpuOp.MUL_D, 2 ** 27 + 1, 2 ** 26 + 1)).toBe(true);
    expect(inexact(FpuOp.MUL_D, 1.5 * 2 ** 27 + 1, 1.5 * 2 ** 25 + 1)).toBe(true);
  });

  it('the root of a number next to 1 equals it and is inexact', () => {
    expect(inexact(FpuOp.SQRT_D, 1 - 2 ** -53, 0)).toBe(true);
    expect(inexact(FpuOp.SQRT_D, 2.25, 0)).toBe(false);
  });

  it('a quotient is exact only if it times the divisor is the dividend', () => {
    expect(inexact(FpuOp.DIV_D, 1, 3)).toBe(true);
    expect(inexact(FpuOp.DIV_D, 6, 3)).toBe(false);
  });

  it('a fused multiply-add that returns the error of a product is exact', () => {
    const [a, b] = [1 + 2 ** -30, 1 - 2 ** -31 - 2 ** -52];
    expect(inexact(FpuOp.MADD_D, a, b, -(a * b))).toBe(false);
    expect(inexact(FpuOp.MADD_D, a, b, 1)).toBe(true);
  });
});
