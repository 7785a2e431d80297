import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Context, F_SLOT, NO_RESERVATION, X_SLOT } from '../../src/core/context.ts';
import { Cpu } from '../../src/core/cpu.ts';
import { boxSingle } from '../../src/core/fpu/format.ts';
import { Flag, FpuOp, Rounding } from '../../src/core/fpu/op.ts';
import { INSTRUCTIONS } from '../../src/core/isa/table.ts';
import { PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_X, addressToPte, setPte } from '../../src/core/mmu.ts';
import { Ram } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { OPERATIONS, isFromInteger, isToInteger, isUnrounded, takesDouble } from './fpu-cases.ts';
import { JIT } from './helpers/hart.ts';

const DYNAMIC = 7;
const ECALL = 0x73;
/** Registers of the instruction under test: x10 or f10 ← f11 or x11, f12, f13. */
const [RD, RS1, RS2, RS3] = [10, 11, 12, 13];

const HART_BLOCK = 0x10_0000;
const DECODE_CACHE = 0x20_0000;
const CONTEXT = 0x40_0000;
const ROOT = 0x40_2000;
const CODE = 0x50_0000;

const MEMORY = 8 << 20;

/** The instruction word for an operation, its rounding field `rm`. */
function encode(op: FpuOp, rm: number): number {
  const [name] = OPERATIONS.find(([, number]) => number === op)!;
  const mnemonic = `f${name.toLowerCase().replaceAll('_', '.')}`;
  const { match, format } = INSTRUCTIONS.find((x) => x.name === mnemonic)!;
  let word = match;
  for (const letter of format) {
    if (letter === 'd' || letter === 'D') word |= RD << 7;
    if (letter === 's' || letter === 'S') word |= RS1 << 15;
    if (letter === 'T') word |= RS2 << 20;
    if (letter === 'R') word |= RS3 << 27;
    if (letter === 'm') word |= rm << 12;
  }
  return word;
}

describe('floating-point instructions on the CPU', () => {
  const ram = Ram.allocate(MEMORY);
  const registers = new BigUint64Array(ram.buffer, CONTEXT + Context.registers.offset, 65);
  let cpu: Cpu;

  beforeAll(() => {
    // One gigabyte page maps addresses to themselves.
    setPte(ram, ROOT, addressToPte(0, PTE_V | PTE_R | PTE_X | PTE_U | PTE_A | PTE_D));
    cpu = new Cpu(ram, HART_BLOCK, DECODE_CACHE, Cpu.compile(), { low: 0, high: MEMORY }, () => 0, JIT);
    cpu.activate(ROOT, 1);
    Context.reservation.set(ram, CONTEXT, NO_RESERVATION);
    for (const [, op] of OPERATIONS) {
      for (let rm = 0; rm < 8; rm++) ram.u32.set([encode(op, rm), ECALL], program(op, rm) >>> 2);
    }
  });

  const program = (op: FpuOp, rm: number): number => CODE + 8 * (8 * op + rm);

  /** Runs one instruction; the patterns are those of the registers. */
  function run(op: FpuOp, rm: number, fcsr: number, a: bigint, b: bigint, c: bigint): Cause {
    registers[X_SLOT + RS1] = a;
    registers[F_SLOT + RS1] = a;
    registers[F_SLOT + RS2] = b;
    registers[F_SLOT + RS3] = c;
    Context.fcsr.set(ram, CONTEXT, fcsr);
    Context.pc.set(ram, CONTEXT, program(op, rm));
    return cpu.run(CONTEXT, 10);
  }
  const toX = (op: FpuOp): boolean => isToInteger(op) || (op >= FpuOp.EQ_S && op <= FpuOp.CLASS_D);
  const result = (op: FpuOp): bigint => registers[(toX(op) ? X_SLOT : F_SLOT) + RD]!;
  const boxes = (op: FpuOp): boolean => !toX(op) && (op & 1) === 0;

  const vectors = JSON.parse(readFileSync(new URL('fpu-vectors.json', import.meta.url), 'utf8')) as Record<string, string[]>;

  it.each(OPERATIONS)(
    '%s does as recorded from a RISC-V machine, the rounding mode in frm or in the instruction',
    (name, op) => {
      const operand = (x: string): bigint =>
        takesDouble(op) || isFromInteger(op) ? BigInt(`0x${x}`) : boxSingle(BigInt(`0x${x}`));
      const wrong: unknown[] = [];
      for (const line of vectors[name]!) {
        const [rm, a, b, c, value, flags] = line.split(' ') as [string, string, string, string, string, string];
        const expected = boxes(op) ? boxSingle(BigInt(`0x${value}`)) : BigInt(`0x${value}`);
        const mode = Number(rm);
        // A static mode does not look at frm, even if that is reserved. Where there is no mode the field is part of the opcode.
        for (const [field, frm] of isUnrounded(op)
          ? [[0, 5]]
          : [
              [DYNAMIC, mode],
              [mode, 5],
            ]) {
          const cause = run(op, field!, frm! << 5, operand(a), operand(b), operand(c));
          const fcsr = (frm! << 5) | Number(flags);
          if (cause !== Cause.EnvironmentCall || result(op) !== expected || Context.fcsr.get(ram, CONTEXT) !== fcsr) {
            wrong.push({ line, field, cause, result: result(op).toString(16), fcsr: Context.fcsr.get(ram, CONTEXT) });
          }
        }
      }
      expect(wrong.slice(0, 3)).toEqual([]);
    },
  );

  it('a single that is not boxed counts as the canonical NaN', () => {
    const one = boxSingle(0x3f80_0000n);
    expect(run(FpuOp.ADD_S, Rounding.RNE, 0, one & 0xffff_ffffn, one, 0n)).toBe(Cause.EnvironmentCall);
    expect(result(FpuOp.ADD_S)).toBe(boxSingle(0x7fc0_0000n));
    run(FpuOp.CLASS_S, 0, 0, one ^ (1n << 40n), 0n, 0n);
    expect(result(FpuOp.CLASS_S)).toBe(1n << 9n);
  });

  it('flags accrue on those already set', () => {
    run(FpuOp.DIV_D, Rounding.RNE, Flag.NV, 0x3ff0_0000_0000_0000n, 0n, 0n);
    expect(Context.fcsr.get(ram, CONTEXT)).toBe(Flag.NV | Flag.DZ);
    run(FpuOp.DIV_D, Rounding.RNE, Flag.NV, 0x3ff0_0000_0000_0000n, 0x4008_0000_0000_0000n, 0n);
    expect(Context.fcsr.get(ram, CONTEXT)).toBe(Flag.NV | Flag.NX);
  });

  it('a reserved rounding mode is an illegal instruction and leaves no trace', () => {
    const one = 0x3ff0_0000_0000_0000n;
    const untouched = 0x1234n;
    for (const [field, frm] of [
      [DYNAMIC, 5],
      [DYNAMIC, 7],
      [5, 0],
      [6, 0],
    ] as const) {
      registers[F_SLOT + RD] = untouched;
      expect(run(FpuOp.DIV_D, field, frm << 5, one, 0n, 0n)).toBe(Cause.IllegalInstruction);
      expect(registers[F_SLOT + RD]).toBe(untouched);
      expect(Context.fcsr.get(ram, CONTEXT)).toBe(frm << 5);
    }
  });
});
