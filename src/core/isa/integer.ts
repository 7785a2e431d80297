/*
 * RV64I and Zifencei: integer computation, control transfer, loads and stores, fences, environment calls.
 */

import { Cause } from '../trap.ts';
import { atomicFence, i32, i64 } from '../wasm/ops.ts';
import type { I32, I64 } from '../wasm/node.ts';
import type { Instruction } from './define.ts';
import { exact, funct3, funct7, op, opcode, rare, shift } from './define.ts';
import type { LoadKind, StoreKind, Tier } from './tier.ts';

const BRANCH = 0x63;
const LOAD = 0x03;
const STORE = 0x23;
const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const OP = 0x33;
const OP_32 = 0x3b;

/** Result of a 32-bit operation, as registers hold it. */
export const word = (value: I32): I64 => i64.extendI32S(value);
const low = i32.wrap;

const branches = (name: string, f3: number, condition: (a: I64, b: I64) => I32): Instruction =>
  op(name, 'stp', funct3(BRANCH, f3), ({ rs1, rs2, branchIf }) => branchIf(condition(rs1, rs2)));

const loads = (name: string, f3: number, kind: LoadKind): Instruction =>
  op(name, 'do', funct3(LOAD, f3), ({ rs1, imm, rd, load }) => rd(load(kind, i64.add(rs1, imm))));

const stores = (name: string, f3: number, kind: StoreKind): Instruction =>
  op(name, 'tq', funct3(STORE, f3), ({ rs1, rs2, imm, store }) => store(kind, i64.add(rs1, imm), rs2));

type Binary = (a: I64, b: I64) => I64;
type BinaryWord = (a: I32, b: I32) => I32;

/** Register-register and register-immediate instructions that differ only in where the second operand comes from. */
const register = (name: string, f3: number, f7: number, compute: Binary): Instruction =>
  op(name, 'dst', funct7(OP, f3, f7), ({ rs1, rs2, rd }) => rd(compute(rs1, rs2)));
const immediate = (name: string, f3: number, compute: Binary): Instruction =>
  op(name, 'dsj', funct3(OP_IMM, f3), ({ rs1, imm, rd }) => rd(compute(rs1, imm)));
const shiftImmediate = (name: string, f3: number, f7: number, compute: Binary): Instruction =>
  op(name, 'ds>', shift(OP_IMM, f3, f7, 6), ({ rs1, imm, rd }) => rd(compute(rs1, imm)));
const registerWord = (name: string, f3: number, f7: number, compute: BinaryWord): Instruction =>
  op(name, 'dst', funct7(OP_32, f3, f7), ({ rs1, rs2, rd }) => rd(word(compute(low(rs1), low(rs2)))));
const shiftWord = (name: string, f3: number, f7: number, compute: BinaryWord): Instruction =>
  op(name, 'ds<', shift(OP_IMM_32, f3, f7, 5), ({ rs1, imm32, rd }) => rd(word(compute(low(rs1), imm32))));

const lessSigned: Binary = (a, b) => i64.extendI32U(i64.ltS(a, b));
const lessUnsigned: Binary = (a, b) => i64.extendI32U(i64.ltU(a, b));

export const INTEGER: readonly Instruction[] = [
  op('lui', 'du', opcode(0x37), ({ imm, rd }) => rd(imm)),
  op('auipc', 'du', opcode(0x17), ({ pc, imm, rd }) => rd(i64.add(pc, imm))),
  op('jal', 'da', opcode(0x6f), ({ pc, next, imm, rd, jump }) => [rd(next), jump(i64.add(pc, imm))]),
  op('jalr', 'do', funct3(0x67, 0), ({ rs1, imm, next, rd, jump, temp }: Tier) => {
    // rd may be rs1: the target is computed first.
    const target = temp('i64');
    return [target.set(i64.and(i64.add(rs1, imm), i64.const(-2))), rd(next), jump(target)];
  }),

  branches('beq', 0, i64.eq),
  branches('bne', 1, i64.ne),
  branches('blt', 4, i64.ltS),
  branches('bge', 5, i64.geS),
  branches('bltu', 6, i64.ltU),
  branches('bgeu', 7, i64.geU),

  loads('lb', 0, 'i8'),
  loads('lh', 1, 'i16'),
  loads('lw', 2, 'i32'),
  loads('ld', 3, 'i64'),
  loads('lbu', 4, 'u8'),
  loads('lhu', 5, 'u16'),
  loads('lwu', 6, 'u32'),
  stores('sb', 0, '8'),
  stores('sh', 1, '16'),
  stores('sw', 2, '32'),
  stores('sd', 3, '64'),

  // WebAssembly shifts take their amount modulo the width, just as RISC-V does.
  immediate('addi', 0, i64.add),
  immediate('slti', 2, lessSigned),
  immediate('sltiu', 3, lessUnsigned),
  immediate('xori', 4, i64.xor),
  immediate('ori', 6, i64.or),
  immediate('andi', 7, i64.and),
  shiftImmediate('slli', 1, 0x00, i64.shl),
  shiftImmediate('srli', 5, 0x00, i64.shrU),
  shiftImmediate('srai', 5, 0x20, i64.shrS),
  register('add', 0, 0x00, i64.add),
  register('sub', 0, 0x20, i64.sub),
  register('sll', 1, 0x00, i64.shl),
  register('slt', 2, 0x00, lessSigned),
  register('sltu', 3, 0x00, lessUnsigned),
  register('xor', 4, 0x00, i64.xor),
  register('srl', 5, 0x00, i64.shrU),
  register('sra', 5, 0x20, i64.shrS),
  register('or', 6, 0x00, i64.or),
  register('and', 7, 0x00, i64.and),

  op('addiw', 'dsj', funct3(OP_IMM_32, 0), ({ rs1, imm32, rd }) => rd(word(i32.add(low(rs1), imm32)))),
  shiftWord('slliw', 1, 0x00, i32.shl),
  shiftWord('srliw', 5, 0x00, i32.shrU),
  shiftWord('sraiw', 5, 0x20, i32.shrS),
  registerWord('addw', 0, 0x00, i32.add),
  registerWord('subw', 0, 0x20, i32.sub),
  registerWord('sllw', 1, 0x00, i32.shl),
  registerWord('srlw', 5, 0x00, i32.shrU),
  registerWord('sraw', 5, 0x20, i32.shrS),

  rare('fence', 'P', funct3(0x0f, 0), () => atomicFence()),
  rare('fence.i', '', funct3(0x0f, 1), ({ flushCode }) => flushCode()),
  op('ecall', '', exact(0x0000_0073), ({ trap }) => trap(Cause.EnvironmentCall)),
  op('ebreak', '', exact(0x0010_0073), ({ trap }) => trap(Cause.Breakpoint)),
];
