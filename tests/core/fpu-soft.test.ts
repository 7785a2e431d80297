import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxSingle, unboxSingle } from '../../src/core/fpu/format.ts';
import { Flag, FpuOp, Rounding } from '../../src/core/fpu/op.ts';
import { SoftFloat } from '../../src/core/fpu/soft.ts';
import { OPERATIONS } from './fpu-cases.ts';
import { Oracle, drawCases, edgeCases, oracleAvailable } from './fpu-oracle.ts';

const unit = new SoftFloat();

/** Result and flags of one operation, as text. */
function execute(op: FpuOp, rm: number, a: bigint, b: bigint, c: bigint): string {
  unit.flags = 0;
  const result = BigInt.asUintN(64, unit.execute(op, a, b, c, rm));
  return `${result.toString(16)} ${String(unit.flags)}`;
}

const f64 = new Float64Array(1);
const u64 = new BigUint64Array(f64.buffer);
const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

function bits(x: number): bigint {
  f64[0] = x;
  return Number.isNaN(x) ? 0x7ff8000000000000n : u64[0]!;
}

function singleBits(x: number): bigint {
  f32[0] = x;
  return Number.isNaN(x) ? 0x7fc00000n : BigInt(u32[0]!);
}

describe('the reference floating-point unit', () => {
  const vectors = JSON.parse(readFileSync(new URL('fpu-vectors.json', import.meta.url), 'utf8')) as Record<string, string[]>;

  it.each(OPERATIONS)('%s gives the results and flags recorded from a RISC-V machine', (name, op) => {
    const lines = vectors[name]!;
    expect(lines.length).toBeGreaterThan(20);
    const ours = lines.map((line) => {
      const [rm, a, b, c] = line.split(' ');
      const operands = [a, b, c].map((x) => BigInt(`0x${x!}`)) as [bigint, bigint, bigint];
      return `${[rm, a, b, c].join(' ')} ${execute(op, Number(rm), ...operands)}`;
    });
    expect(ours).toEqual(lines);
  });

  it.skipIf(!oracleAvailable)(
    'agrees with a RISC-V machine on every edge value and on drawn operands',
    { timeout: 120_000 },
    () => {
      const oracle = new Oracle();
      const cases = [...OPERATIONS.flatMap(([, op]) => edgeCases(op).filter((_, i) => i % 7 === 0)), ...drawCases(20, 4000)];
      const answers = oracle.ask(cases);
      oracle.close();
      const wrong = cases.flatMap(({ op, rm, a, b, c }, i) => {
        const expected = `${answers[i]!.result.toString(16)} ${String(answers[i]!.flags)}`;
        const ours = execute(op, rm, a, b, c);
        return ours === expected ? [] : [{ op, rm, a, b, c, expected, ours }];
      });
      expect(wrong.slice(0, 10)).toEqual([]);
    },
  );
});

describe('results against the host, which rounds to nearest', () => {
  const double = fc.double();
  const single = fc.float();

  it.each([
    ['ADD', (a: number, b: number) => a + b],
    ['SUB', (a: number, b: number) => a - b],
    ['MUL', (a: number, b: number) => a * b],
    ['DIV', (a: number, b: number) => a / b],
    ['SQRT', (a: number) => Math.sqrt(a)],
  ] as const)('%s', (name, host) => {
    const run = (op: FpuOp, a: bigint, b: bigint): bigint => unit.execute(op, a, b, 0n, Rounding.RNE);
    fc.assert(
      fc.property(double, double, (a, b) => {
        expect(run(FpuOp[`${name}_D`], bits(a), bits(b))).toBe(bits(host(a, b)));
      }),
      { numRuns: 2000 },
    );
    // A double has more than twice the digits of a single, so rounding the double result again is harmless for these operations.
    fc.assert(
      fc.property(single, single, (a, b) => {
        expect(run(FpuOp[`${name}_S`], singleBits(a), singleBits(b))).toBe(singleBits(host(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('conversions to double and back to integer return what fits in 53 bits', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (n) => {
        unit.flags = 0;
        const d = unit.execute(FpuOp.CVT_D_L, BigInt.asUintN(64, BigInt(n)), 0n, 0n, Rounding.RNE);
        expect(d).toBe(bits(n));
        expect(BigInt.asIntN(64, unit.execute(FpuOp.CVT_L_D, d, 0n, 0n, Rounding.RTZ))).toBe(BigInt(n));
        expect(unit.flags).toBe(0);
      }),
    );
  });

  it('FEQ, FLT and FLE order numbers as the host does', () => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        const x = [FpuOp.EQ_D, FpuOp.LT_D, FpuOp.LE_D].map((op) => unit.execute(op, bits(a), bits(b), 0n, 0));
        expect(x).toEqual([a === b, a < b, a <= b].map((v) => (v ? 1n : 0n)));
      }),
    );
  });
});

describe('rounding', () => {
  const ONE = bits(1);
  const TINY = bits(2 ** -60);

  it('moves 1 + 2^-60 by at most one place, in the direction of the mode', () => {
    const sum = (rm: number): bigint => unit.execute(FpuOp.ADD_D, ONE, TINY, 0n, rm);
    expect([0, 1, 2, 3, 4].map(sum)).toEqual([ONE, ONE, ONE, ONE + 1n, ONE]);
  });

  it('breaks ties to even or away from zero', () => {
    const half = bits(2 ** -53);
    expect(unit.execute(FpuOp.ADD_D, ONE, half, 0n, Rounding.RNE)).toBe(ONE);
    expect(unit.execute(FpuOp.ADD_D, ONE, half, 0n, Rounding.RMM)).toBe(ONE + 1n);
  });

  it('detects tininess after rounding', () => {
    const smallest = bits(2 ** -1022);
    const madd = (a: number, b: number): string => execute(FpuOp.MADD_D, 0, bits(a), bits(b), smallest);
    // 2^-1022 − 2^-1080 would round to 2^-1022 with unbounded exponents too, so it is not tiny; 2^-1022 − 2^-1075 would not.
    expect(madd(2 ** -540, -(2 ** -540))).toBe(`10000000000000 ${String(Flag.NX)}`);
    expect(madd(2 ** -540, -(2 ** -535))).toBe(`10000000000000 ${String(Flag.UF | Flag.NX)}`);
  });

  it('overflows to infinity or the largest number, as the mode says', () => {
    const max = bits(Number.MAX_VALUE);
    const results = [0, 1, 2, 3, 4].map((rm) => execute(FpuOp.ADD_D, rm, max, max, 0n));
    const inf = '7ff0000000000000 5';
    const largest = '7fefffffffffffff 5';
    expect(results).toEqual([inf, largest, largest, inf, inf]);
  });

  it('rounds a fused multiply-add once', () => {
    const a = bits(1 + 2 ** -30);
    const product = bits((1 + 2 ** -30) * (1 + 2 ** -30));
    const minus = product | (1n << 63n);
    expect(execute(FpuOp.MADD_D, 0, a, a, minus)).toBe(`${bits(2 ** -60).toString(16)} 0`);
  });
});

describe('invalid operations', () => {
  const NAN = bits(NaN);
  const SIGNALING = 0x7ff0000000000001n;
  const INF = bits(Infinity);

  it('∞×0 plus a quiet NaN is invalid', () => {
    expect(execute(FpuOp.MADD_D, 0, INF, 0n, NAN)).toBe(`7ff8000000000000 ${String(Flag.NV)}`);
  });

  it('FEQ is quiet, FLT and FLE are not', () => {
    expect(execute(FpuOp.EQ_D, 0, NAN, INF, 0n)).toBe('0 0');
    expect(execute(FpuOp.EQ_D, 0, SIGNALING, INF, 0n)).toBe('0 16');
    expect(execute(FpuOp.LT_D, 0, NAN, INF, 0n)).toBe('0 16');
    expect(execute(FpuOp.LE_D, 0, INF, NAN, 0n)).toBe('0 16');
  });

  it('FMIN and FMAX prefer the number, and order the zeros', () => {
    const minusZero = 1n << 63n;
    expect(execute(FpuOp.MIN_D, 0, SIGNALING, INF, 0n)).toBe('7ff0000000000000 16');
    expect(execute(FpuOp.MIN_D, 0, 0n, minusZero, 0n)).toBe('8000000000000000 0');
    expect(execute(FpuOp.MAX_D, 0, minusZero, 0n, 0n)).toBe('0 0');
    expect(execute(FpuOp.MAX_D, 0, NAN, NAN, 0n)).toBe('7ff8000000000000 0');
  });

  it('conversions to integers saturate, a NaN to the largest', () => {
    expect(execute(FpuOp.CVT_W_D, 1, NAN, 0n, 0n)).toBe('7fffffff 16');
    expect(execute(FpuOp.CVT_WU_D, 1, bits(-1), 0n, 0n)).toBe('0 16');
    expect(execute(FpuOp.CVT_WU_D, 1, bits(-0.5), 0n, 0n)).toBe('0 1');
    expect(execute(FpuOp.CVT_WU_D, 1, bits(4294967295), 0n, 0n)).toBe('ffffffffffffffff 0');
    expect(execute(FpuOp.CVT_L_D, 1, bits(-Infinity), 0n, 0n)).toBe('8000000000000000 16');
    expect(execute(FpuOp.CVT_LU_D, 1, bits(2 ** 64), 0n, 0n)).toBe('ffffffffffffffff 16');
  });
});

describe('flags and boxes', () => {
  it('flags accumulate until the caller clears them', () => {
    unit.flags = 0;
    unit.execute(FpuOp.DIV_D, bits(1), 0n, 0n, 0);
    unit.execute(FpuOp.DIV_D, bits(1), bits(3), 0n, 0);
    expect(unit.flags).toBe(Flag.DZ | Flag.NX);
  });

  it('accepts operands as signed 64-bit integers, the way WebAssembly passes them', () => {
    expect(unit.execute(FpuOp.ADD_D, BigInt.asIntN(64, bits(-2)), bits(-1), 0n, 0)).toBe(bits(-3));
    expect(unit.execute(FpuOp.ADD_S, -1n << 31n, singleBits(1), 0n, 0)).toBe(singleBits(1));
  });

  it('a single without its box is the canonical NaN', () => {
    expect(unboxSingle(boxSingle(singleBits(1.5)))).toBe(singleBits(1.5));
    expect(unboxSingle(singleBits(1.5))).toBe(0x7fc00000n);
    expect(unboxSingle(BigInt.asIntN(64, boxSingle(singleBits(-1))))).toBe(singleBits(-1));
  });
});
