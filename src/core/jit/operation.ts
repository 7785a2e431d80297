/*
 * What the translator has to know of an operation before it asks for its meaning: how control goes on after it, and which registers it
 * reads and writes. All of it follows from the instruction table.
 *
 * Sets of registers are pairs of 32-bit masks, integer registers first; x0 is in no set.
 */

import { F_SLOT, SINK_SLOT } from '../context.ts';
import { Csr } from '../isa/csr.ts';
import { ILLEGAL, OPERATIONS } from '../isa/table.ts';

/** Where control goes after an instruction. */
export const Flow = {
  /** To the next one. */
  Next: 0,
  /** To the next one or to pc + imm. */
  Branch: 1,
  /** To pc + imm. */
  Jump: 2,
  /** To an address in a register. */
  Indirect: 3,
  /** Out of translated code, before the instruction: the interpreter executes it. */
  Stop: 4,
  /** Out of guest code, with a cause. */
  Trap: 5,
} as const;
export type Flow = (typeof Flow)[keyof typeof Flow];

const FLOW_OF_NAME: Readonly<Record<string, Flow>> = {
  jal: Flow.Jump,
  jalr: Flow.Indirect,
  ecall: Flow.Trap,
  ebreak: Flow.Trap,
  'fence.i': Flow.Stop,
};

const flows = Uint8Array.from([
  Flow.Stop,
  ...OPERATIONS.map(
    ({ instruction: { name, format } }) => FLOW_OF_NAME[name] ?? (format.includes('p') ? Flow.Branch : Flow.Next),
  ),
]);
const accessesCsr = Uint8Array.from([0, ...OPERATIONS.map(({ instruction: { format } }) => (format.includes('E') ? 1 : 0))]);
const memory = Uint8Array.from([
  0,
  ...OPERATIONS.map(({ instruction: { name, format } }) => (/[oqA]/.test(format) && name !== 'jalr' ? 1 : 0)),
]);
const rounds = Uint8Array.from([0, ...OPERATIONS.map(({ instruction: { format } }) => (/[mn]/.test(format) ? 1 : 0))]);
/** By their names: what takes singles from registers (or the low halves of these), and what leaves one, boxed. */
const TAKES_SINGLES = /^(fsw|fmv\.x\.w|fcvt\.\w+\.s|f(?!cvt)\w+\.s)$/;
const LEAVES_SINGLE = /^(flw|fmv\.w\.x|fcvt\.s\.\w+|f(?!cvt)\w+\.s)$/;
const singles = Uint8Array.from([
  0,
  ...OPERATIONS.map(
    ({ instruction: { name, format } }) =>
      (TAKES_SINGLES.test(name) ? 1 : 0) | (format.includes('D') && LEAVES_SINGLE.test(name) ? 2 : 0),
  ),
]);
/** Operands that are registers: bit 0 rs1, bit 1 rs2, bit 2 rs3. */
const sources = Uint8Array.from([
  0,
  ...OPERATIONS.map(
    ({ instruction: { format } }) =>
      (/[soqAS]/.test(format) ? 1 : 0) | (/[tT]/.test(format) ? 2 : 0) | (format.includes('R') ? 4 : 0),
  ),
]);

/** The flow of an operation. */
export function flowOf(op: number): Flow {
  return flows[op]! as Flow;
}

/** Whether the operation may write the flags or the rounding mode; `imm` tells the CSR. */
export function writesFcsr(op: number, imm: number): boolean {
  return accessesCsr[op] === 1 && (imm === Csr.fflags || writesRounding(op, imm));
}

/** Whether the operation may write the rounding mode. */
export function writesRounding(op: number, imm: number): boolean {
  return accessesCsr[op] === 1 && (imm === Csr.fcsr || imm === Csr.frm);
}

/** Whether the region may be left at the operation although control goes on after it: before it by a trap, or behind it. */
export function mayLeave(op: number, imm: number): boolean {
  return memory[op] === 1 || writesRounding(op, imm);
}

/** Whether the operation accesses guest memory. */
export function accessesMemory(op: number): boolean {
  return memory[op] === 1;
}

/** A load or store. */
export interface MemoryOperation {
  readonly size: number;
  readonly write: boolean;
}

const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };
const loadsAndStores = [
  undefined,
  ...OPERATIONS.map(({ instruction: { name } }): MemoryOperation | undefined => {
    const [, direction, size] = /^f?([ls])([bhwd])u?$/.exec(name) ?? [];
    return size === undefined ? undefined : { size: SIZES[size]!, write: direction === 's' };
  }),
];

/** What a load or store does; undefined of any other operation, atomic ones included. */
export function accessOf(op: number): MemoryOperation | undefined {
  return loadsAndStores[op];
}

/** Whether the operation is rounded, by frm unless its immediate says otherwise. */
export function isRounded(op: number): boolean {
  return rounds[op] === 1;
}

/** Whether the floating-point registers that the operation reads are to hold singles. */
export function readsSingles(op: number): boolean {
  return (singles[op]! & 1) !== 0;
}

/** Whether the result of the operation is a single, boxed. */
export function writesSingle(op: number): boolean {
  return (singles[op]! & 2) !== 0;
}

/** Whether the operation is the addition of an immediate. */
export function isAddi(op: number): boolean {
  return op !== ILLEGAL && OPERATIONS[op - 1]!.instruction.name === 'addi';
}

/** A set of registers. */
export class Registers {
  constructor(
    public x = 0,
    public f = 0,
  ) {}

  /** Adds the register in a slot of the context. */
  add(slot: number): void {
    if (slot >= F_SLOT) {
      if (slot < SINK_SLOT) this.f |= 1 << (slot - F_SLOT);
    } else if (slot !== 0) this.x |= 1 << slot;
  }

  has(slot: number): boolean {
    return slot >= F_SLOT ? slot < SINK_SLOT && (this.f & (1 << (slot - F_SLOT))) !== 0 : (this.x & (1 << slot)) !== 0;
  }

  /** Adds all of another set; returns whether this one has grown. */
  unite(other: Registers): boolean {
    const x = this.x | other.x;
    const f = this.f | other.f;
    const grown = x !== this.x || f !== this.f;
    this.x = x;
    this.f = f;
    return grown;
  }

  copy(): Registers {
    return new Registers(this.x, this.f);
  }

  /** Slots in ascending order. */
  slots(): number[] {
    const out: number[] = [];
    for (let n = 1; n < 32; n++) if ((this.x & (1 << n)) !== 0) out.push(n);
    for (let n = 0; n < 32; n++) if ((this.f & (1 << n)) !== 0) out.push(F_SLOT + n);
    return out;
  }
}

/** Adds to `set` the registers that an instruction reads and that are not in `except`. */
export function addReads(set: Registers, except: Registers, op: number, rs1: number, rs2: number, imm: number): void {
  const which = sources[op]!;
  if ((which & 1) !== 0 && !except.has(rs1)) set.add(rs1);
  if ((which & 2) !== 0 && !except.has(rs2)) set.add(rs2);
  if ((which & 4) !== 0) {
    const rs3 = F_SLOT + (imm & 0x1f);
    if (!except.has(rs3)) set.add(rs3);
  }
}
