import { beforeEach, describe, expect, it } from 'vitest';
import { Flag, FpuOp, Rounding } from '../../src/core/fpu/op.ts';
import { SoftFloat } from '../../src/core/fpu/soft.ts';
import { INSTRUCTIONS } from '../../src/core/isa/table.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, TestHart } from './helpers/hart.ts';

/*
 * That the instructions reach the right operation with the right operands: the arithmetic itself is tested in fpu-*.test.ts.
 */

const BOX = 0xffff_ffff_0000_0000n;
const NAN_S = 0x7fc0_0000n;
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const box = (x: bigint): bigint => BOX | x;

const view = new DataView(new ArrayBuffer(8));
const double = (x: number): bigint => {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
};
const single = (x: number): bigint => {
  view.setFloat32(0, x);
  return BigInt(view.getUint32(0));
};

let hart: TestHart;
beforeEach(() => {
  hart = new TestHart();
});

function execute(word: number): Cause {
  hart.program(word);
  return hart.step();
}

interface Kind {
  readonly suffix: 's' | 'd';
  readonly double: 0 | 1;
  readonly bits: (x: number) => bigint;
  readonly box: (x: bigint) => bigint;
  readonly values: readonly bigint[];
}
const NUMBERS = [0, -0, 1, -1.5, 3.25, 0.1, -1e10, 7e-12, Infinity, -Infinity, NaN];
const KINDS: readonly Kind[] = [
  { suffix: 's', double: 0, bits: single, box, values: [...NUMBERS.map(single), 1n, 0x7f80_0001n, 0x7f7f_ffffn] },
  {
    suffix: 'd',
    double: 1,
    bits: double,
    box: (x) => x,
    values: [...NUMBERS.map(double), 1n, 0x7ff0_0000_0000_0001n, 0x7fef_ffff_ffff_ffffn],
  },
];

const OF_TWO: Readonly<Record<string, FpuOp>> = {
  fadd: FpuOp.ADD_S,
  fsub: FpuOp.SUB_S,
  fmul: FpuOp.MUL_S,
  fdiv: FpuOp.DIV_S,
  fmin: FpuOp.MIN_S,
  fmax: FpuOp.MAX_S,
  feq: FpuOp.EQ_S,
  flt: FpuOp.LT_S,
  fle: FpuOp.LE_S,
};
const OF_THREE: Readonly<Record<string, FpuOp>> = {
  fmadd: FpuOp.MADD_S,
  fmsub: FpuOp.MSUB_S,
  fnmsub: FpuOp.NMSUB_S,
  fnmadd: FpuOp.NMADD_S,
};
const TO_INTEGER: Readonly<Record<string, FpuOp>> = {
  w: FpuOp.CVT_W_S,
  wu: FpuOp.CVT_WU_S,
  l: FpuOp.CVT_L_S,
  lu: FpuOp.CVT_LU_S,
};
const FROM_INTEGER: Readonly<Record<string, FpuOp>> = {
  w: FpuOp.CVT_S_W,
  wu: FpuOp.CVT_S_WU,
  l: FpuOp.CVT_S_L,
  lu: FpuOp.CVT_S_LU,
};
const INTEGERS = [0n, 1n, u64(-1n), 0x7fff_ffffn, 0x8000_0000n, 0x8000_0000_0000_0000n, 0x1234_5678_9abc_def1n];

describe.each(KINDS)('arithmetic .$suffix', (kind) => {
  const numbered = (op: FpuOp): FpuOp => (op + kind.double) as FpuOp;

  /** Expects register (f or x) 5 and the flags to be what the reference says. */
  function check(word: number, op: FpuOp, operands: readonly bigint[], rm: number, integerResult: boolean): void {
    const soft = new SoftFloat();
    const expected = soft.execute(numbered(op), operands[0]!, operands[1] ?? 0n, operands[2] ?? 0n, rm);
    hart.fcsr = 0;
    expect(execute(word)).toBe(Cause.Budget);
    const shown = operands.map((x) => x.toString(16)).join();
    if (integerResult) expect(hart.x(5), shown).toBe(u64(expected));
    else expect(hart.f(5), shown).toBe(kind.box(expected));
    expect(hart.fcsr, shown).toBe(soft.flags);
  }

  it.each(Object.entries(OF_TWO))('%s', (name, op) => {
    const toInteger = ['feq', 'flt', 'fle'].includes(name);
    const rounds = ['fadd', 'fsub', 'fmul', 'fdiv'].includes(name);
    for (const a of kind.values) {
      for (const b of kind.values) {
        hart.setF(6, kind.box(a));
        hart.setF(7, kind.box(b));
        const rm = rounds ? Rounding.RUP : 0;
        check(asm(`${name}.${kind.suffix}`, { rd: 5, rs1: 6, rs2: 7, rm }), op, [a, b], rm, toInteger);
      }
    }
  });

  it.each(Object.entries(OF_THREE))('%s has its addend in rs3', (name, op) => {
    for (const a of kind.values) {
      for (const c of kind.values) {
        const b = kind.bits(3);
        hart.setF(6, kind.box(a));
        hart.setF(7, kind.box(b));
        hart.setF(31, kind.box(c));
        check(asm(`${name}.${kind.suffix}`, { rd: 5, rs1: 6, rs2: 7, rs3: 31, rm: Rounding.RNE }), op, [a, b, c], 0, false);
      }
    }
  });

  it('fsqrt and fclass', () => {
    for (const a of kind.values) {
      hart.setF(6, kind.box(a));
      check(asm(`fsqrt.${kind.suffix}`, { rd: 5, rs1: 6, rm: Rounding.RDN }), FpuOp.SQRT_S, [a], Rounding.RDN, false);
      check(asm(`fclass.${kind.suffix}`, { rd: 5, rs1: 6 }), FpuOp.CLASS_S, [a], 0, true);
    }
  });

  it.each(Object.entries(TO_INTEGER))('fcvt.%s', (integer, op) => {
    for (const a of [...kind.values, kind.bits(2.5), kind.bits(-2147483649), kind.bits(4294967296)]) {
      for (const rm of Object.values(Rounding)) {
        hart.setF(6, kind.box(a));
        check(asm(`fcvt.${integer}.${kind.suffix}`, { rd: 5, rs1: 6, rm }), op, [a], rm, true);
      }
    }
  });

  it.each(Object.entries(FROM_INTEGER))('fcvt from %s', (integer, op) => {
    for (const a of INTEGERS) {
      for (const rm of Object.values(Rounding)) {
        hart.setX(6, a);
        check(asm(`fcvt.${kind.suffix}.${integer}`, { rd: 5, rs1: 6, rm }), op, [a], rm, false);
      }
    }
  });

  it('sign injection takes all but the sign from the first operand, NaNs included', () => {
    const sign = 1n << (kind.double === 1 ? 63n : 31n);
    for (const a of kind.values) {
      for (const b of kind.values) {
        hart.setF(6, kind.box(a));
        hart.setF(7, kind.box(b));
        hart.fcsr = 0;
        const results = { fsgnj: b & sign, fsgnjn: ~b & sign, fsgnjx: (a ^ b) & sign };
        for (const [name, signBit] of Object.entries(results)) {
          execute(asm(`${name}.${kind.suffix}`, { rd: 5, rs1: 6, rs2: 7 }));
          expect(hart.f(5)).toBe(kind.box((a & (sign - 1n)) | signBit));
        }
        expect(hart.fcsr).toBe(0);
      }
    }
  });

  it('uses every register as source and destination', () => {
    for (const [rd, rs1, rs2] of [
      [0, 1, 2],
      [31, 0, 31],
      [7, 7, 7],
    ] as const) {
      hart.setF(rs1, kind.box(kind.bits(1.5)));
      hart.setF(rs2, kind.box(kind.bits(1.5)));
      execute(asm(`fadd.${kind.suffix}`, { rd, rs1, rs2 }));
      expect(hart.f(rd)).toBe(kind.box(kind.bits(3)));
    }
    // f0 is a register as good as any: x0 as integer target stays zero.
    hart.setF(6, kind.box(kind.bits(1)));
    execute(asm(`fcvt.w.${kind.suffix}`, { rd: 0, rs1: 6 }));
    expect(hart.x(0)).toBe(0n);
  });
});

describe('conversion between formats', () => {
  it('narrows with rounding, widens exactly', () => {
    hart.setF(6, double(0.1));
    execute(asm('fcvt.s.d', { rd: 5, rs1: 6, rm: Rounding.RTZ }));
    expect(hart.f(5)).toBe(box(0x3dcc_ccccn));
    execute(asm('fcvt.s.d', { rd: 5, rs1: 6, rm: Rounding.RUP }));
    expect(hart.f(5)).toBe(box(0x3dcc_cccdn));
    expect(hart.fcsr & Flag.NX).toBe(Flag.NX);
    hart.fcsr = 0;
    execute(asm('fcvt.d.s', { rd: 5, rs1: 5 }));
    expect(hart.f(5)).toBe(double(Math.fround(0.1)));
    expect(hart.fcsr).toBe(0);
  });
});

describe('moves', () => {
  it('copy bits between the files, W forms sign-extending and boxing', () => {
    hart.setF(6, 0x0123_4567_89ab_cdefn);
    execute(asm('fmv.x.d', { rd: 5, rs1: 6 }));
    expect(hart.x(5)).toBe(0x0123_4567_89ab_cdefn);
    execute(asm('fmv.x.w', { rd: 5, rs1: 6 }));
    expect(hart.x(5)).toBe(0xffff_ffff_89ab_cdefn);
    hart.setX(6, 0x0123_4567_89ab_cdefn);
    execute(asm('fmv.d.x', { rd: 5, rs1: 6 }));
    expect(hart.f(5)).toBe(0x0123_4567_89ab_cdefn);
    execute(asm('fmv.w.x', { rd: 5, rs1: 6 }));
    expect(hart.f(5)).toBe(0xffff_ffff_89ab_cdefn);
  });
});

describe('NaN boxing', () => {
  const one = single(1);

  it.each([0n, 0x7fff_ffff_0000_0000n, 0xffff_fffe_0000_0000n])(
    'a single below upper bits %x reads as the canonical NaN',
    (upper) => {
      hart.setF(6, upper | one);
      hart.setF(7, box(one));
      for (const [name, expected] of [
        ['fadd.s', NAN_S],
        ['fsgnj.s', NAN_S],
        ['fmin.s', one],
      ] as const) {
        execute(asm(name, { rd: 5, rs1: 6, rs2: 7 }));
        expect(hart.f(5), name).toBe(box(expected));
      }
      execute(asm('fclass.s', { rd: 5, rs1: 6 }));
      expect(hart.x(5)).toBe(1n << 9n);
      execute(asm('feq.s', { rd: 5, rs1: 6, rs2: 6 }));
      expect(hart.x(5)).toBe(0n);
      execute(asm('fcvt.d.s', { rd: 5, rs1: 6 }));
      expect(hart.f(5)).toBe(0x7ff8_0000_0000_0000n);
      execute(asm('fcvt.w.s', { rd: 5, rs1: 6 }));
      expect(hart.x(5)).toBe(0x7fff_ffffn);
      execute(asm('fmadd.s', { rd: 5, rs1: 7, rs2: 7, rs3: 6 }));
      expect(hart.f(5)).toBe(box(NAN_S));
    },
  );
});

describe('rounding modes', () => {
  // 1 + 2⁻²⁴ lies halfway between two singles.
  const halfway = { s: [single(1), single(2 ** -24)] } as const;
  const results: readonly (readonly [number, bigint])[] = [
    [Rounding.RNE, 0x3f80_0000n],
    [Rounding.RTZ, 0x3f80_0000n],
    [Rounding.RDN, 0x3f80_0000n],
    [Rounding.RUP, 0x3f80_0001n],
    [Rounding.RMM, 0x3f80_0001n],
  ];

  it.each(results)('mode %i, in the instruction or in frm', (rm, expected) => {
    hart.setF(6, box(halfway.s[0]));
    hart.setF(7, box(halfway.s[1]));
    hart.fcsr = ((rm + 1) % 5) << 5;
    execute(asm('fadd.s', { rd: 5, rs1: 6, rs2: 7, rm }));
    expect(hart.f(5)).toBe(box(expected));
    hart.fcsr = rm << 5;
    execute(asm('fadd.s', { rd: 5, rs1: 6, rs2: 7, rm: 7 }));
    expect(hart.f(5)).toBe(box(expected));
    expect(hart.fcsr).toBe((rm << 5) | Flag.NX);
  });

  it.each([5, 6, 7])('frm %i is reserved: an instruction that uses it is illegal and changes nothing', (frm) => {
    const word = asm('fadd.s', { rd: 5, rs1: 6, rs2: 7, rm: 7 });
    hart.setF(5, 99n);
    hart.fcsr = frm << 5;
    expect(execute(word)).toBe(Cause.IllegalInstruction);
    expect(hart.trapValue).toBe(BigInt(word));
    expect(hart.pc).toBe(CODE);
    expect(hart.f(5)).toBe(99n);
    expect(hart.fcsr).toBe(frm << 5);
    // With a mode of its own, it does not look at frm.
    expect(execute(asm('fadd.s', { rd: 5, rs1: 6, rs2: 7, rm: 0 }))).toBe(Cause.Budget);
  });

  it('modes 5 and 6 in any instruction that has one are illegal', () => {
    for (const { name } of INSTRUCTIONS.filter(({ format }) => /[mn]/.test(format))) {
      for (const rm of [5, 6]) expect(execute(asm(name, { rd: 5, rs1: 6, rm })), name).toBe(Cause.IllegalInstruction);
      expect(execute(asm(name, { rd: 5, rs1: 6, rm: 4 })), name).toBe(Cause.Budget);
    }
  });
});

describe('flags', () => {
  it('accrue until they are cleared', () => {
    hart.setF(6, double(1));
    hart.setF(7, double(0));
    hart.setF(8, double(3));
    execute(asm('fdiv.d', { rd: 5, rs1: 6, rs2: 7 }));
    expect(hart.fcsr).toBe(Flag.DZ);
    execute(asm('fdiv.d', { rd: 5, rs1: 6, rs2: 8 }));
    expect(hart.fcsr).toBe(Flag.DZ | Flag.NX);
    execute(asm('fdiv.d', { rd: 5, rs1: 7, rs2: 7 }));
    expect(hart.fcsr).toBe(Flag.DZ | Flag.NX | Flag.NV);
    execute(asm('fadd.d', { rd: 5, rs1: 6, rs2: 8 }));
    expect(hart.fcsr).toBe(Flag.DZ | Flag.NX | Flag.NV);
  });
});
