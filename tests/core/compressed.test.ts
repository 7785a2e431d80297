import { beforeEach, describe, expect, it } from 'vitest';
import { COMPRESSED } from '../../src/core/isa/compressed.ts';
import { Cause } from '../../src/core/trap.ts';
import { CODE, DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

/*
 * Every compressed form, executed. The words are from GNU as; registers start as x[n] = n × 0x0101…01, x8 and x9 and sp point to DATA.
 */

const NOP = 0x0001;
const EBREAK = 0x9002;
const fill = (n: number): bigint => BigInt(n) * 0x0101_0101_0101_0101n;
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const w = (x: bigint): bigint => u64(BigInt.asIntN(32, x));
const D = BigInt(DATA);
const MEMORY = 0x8877_6655_c433_2211n;

let hart: TestHart;
let data: number;

beforeEach(() => {
  hart = new TestHart();
  data = hart.map(DATA, DATA_FLAGS);
  for (let i = 0; i < 512; i++) hart.setU64(data + 8 * i, MEMORY + BigInt(i));
  for (let n = 1; n < 32; n++) {
    hart.setX(n, fill(n));
    hart.setF(n, fill(n));
  }
  for (const n of [2, 8, 9]) hart.setX(n, D);
});

function execute(half: number): Cause {
  hart.halves(CODE, [half, NOP, NOP]);
  hart.pc = CODE;
  return hart.step();
}

/** Form, assembly, word, the register it changes, and to what. */
const COMPUTING: readonly (readonly [form: string, text: string, half: number, rd: number, value: bigint])[] = [
  ['c.addi4spn', 'addi a0,sp,1020', 0x1fe8, 10, D + 1020n],
  ['c.addi4spn', 'addi a0,sp,4', 0x0048, 10, D + 4n],
  ['c.addi', 'addi a0,a0,-32', 0x1501, 10, fill(10) - 32n],
  ['c.addi', 'addi a0,a0,31', 0x057d, 10, fill(10) + 31n],
  ['c.addiw', 'addiw a0,a0,-1', 0x357d, 10, w(fill(10) - 1n)],
  ['c.addiw', 'sext.w a0,a0', 0x2501, 10, w(fill(10))],
  ['c.li', 'li a0,-32', 0x5501, 10, u64(-32n)],
  ['c.li', 'li a0,31', 0x457d, 10, 31n],
  ['c.addi16sp', 'addi sp,sp,-512', 0x7101, 2, D - 512n],
  ['c.addi16sp', 'addi sp,sp,496', 0x617d, 2, D + 496n],
  ['c.lui', 'lui a0,0x1f', 0x657d, 10, 0x1f000n],
  ['c.lui', 'lui a0,0xfffe0', 0x7501, 10, u64(-0x20000n)],
  ['c.srli', 'srli a0,a0,0x3f', 0x917d, 10, 0n],
  ['c.srli', 'srli a5,a5,0x1', 0x8385, 15, fill(15) >> 1n],
  ['c.srai', 'srai a0,a0,0x20', 0x9501, 10, fill(10) >> 32n],
  ['c.andi', 'andi a0,a0,-2', 0x9979, 10, fill(10) & ~1n],
  ['c.andi', 'andi a5,a5,15', 0x8bbd, 15, 15n],
  ['c.sub', 'sub a0,a0,a1', 0x8d0d, 10, u64(fill(10) - fill(11))],
  ['c.xor', 'xor a0,a0,a1', 0x8d2d, 10, fill(10) ^ fill(11)],
  ['c.or', 'or a0,a0,a1', 0x8d4d, 10, fill(10) | fill(11)],
  ['c.and', 'and a0,a0,a1', 0x8d6d, 10, fill(10) & fill(11)],
  ['c.subw', 'subw a0,a0,a1', 0x9d0d, 10, w(fill(10) - fill(11))],
  ['c.addw', 'addw a0,a0,a1', 0x9d2d, 10, w(fill(10) + fill(11))],
  ['c.slli', 'slli a0,a0,0x3f', 0x157e, 10, 0n],
  ['c.slli', 'slli t6,t6,0x1', 0x0f86, 31, u64(fill(31) << 1n)],
  ['c.mv', 'mv a0,t6', 0x857e, 10, fill(31)],
  ['c.add', 'add a0,a0,t6', 0x957e, 10, fill(10) + fill(31)],
];

/** Loads and stores: the offset from DATA. */
const LOADING: readonly (readonly [form: string, text: string, half: number, rd: number, offset: number])[] = [
  ['c.lw', 'lw a0,124(s0)', 0x5c68, 10, 124],
  ['c.lw', 'lw a0,64(s1)', 0x40a8, 10, 64],
  ['c.ld', 'ld a0,248(s0)', 0x7c68, 10, 248],
  ['c.ld', 'ld a0,8(s1)', 0x6488, 10, 8],
  ['c.fld', 'fld fa0,248(s0)', 0x3c68, 10, 248],
  ['c.lwsp', 'lw a0,252(sp)', 0x557e, 10, 252],
  ['c.ldsp', 'ld a0,504(sp)', 0x757e, 10, 504],
  ['c.fldsp', 'fld fa0,504(sp)', 0x357e, 10, 504],
];
const STORING: readonly (readonly [form: string, text: string, half: number, source: number, offset: number])[] = [
  ['c.sw', 'sw a0,124(s0)', 0xdc68, 10, 124],
  ['c.sd', 'sd a0,248(s1)', 0xfce8, 10, 248],
  ['c.fsd', 'fsd fa0,248(s0)', 0xbc68, 10, 248],
  ['c.swsp', 'sw t6,252(sp)', 0xdffe, 31, 252],
  ['c.sdsp', 'sd t6,504(sp)', 0xfffe, 31, 504],
  ['c.fsdsp', 'fsd ft11,504(sp)', 0xbffe, 31, 504],
];

const JUMPING: readonly (readonly [form: string, text: string, half: number, target: bigint, link: bigint])[] = [
  ['c.j', 'j .+2046', 0xaffd, BigInt(CODE + 2046), fill(1)],
  ['c.j', 'j .-2048', 0xb001, BigInt(CODE - 2048), fill(1)],
  ['c.beqz', 'beqz a0,.+254, not taken', 0xcd7d, BigInt(CODE + 2), fill(1)],
  ['c.bnez', 'bnez a0,.-256', 0xf101, BigInt(CODE - 256), fill(1)],
  ['c.jr', 'jr s0', 0x8402, D, fill(1)],
  ['c.jalr', 'jalr s0', 0x9402, D, BigInt(CODE + 2)],
];

describe('compressed forms', () => {
  it.each(COMPUTING)('%s: %s', (_form, _text, half, rd, value) => {
    expect(execute(half)).toBe(Cause.Budget);
    expect(hart.x(rd)).toBe(value);
    expect(hart.pc).toBe(CODE + 2);
  });

  it.each(LOADING)('%s: %s', (form, _text, half, rd, offset) => {
    expect(execute(half)).toBe(Cause.Budget);
    const bytes = hart.u64(data + offset);
    if (form.startsWith('c.f')) expect(hart.f(rd)).toBe(bytes);
    else expect(hart.x(rd)).toBe(form.startsWith('c.lw') ? w(bytes) : bytes);
    expect(hart.pc).toBe(CODE + 2);
  });

  it.each(STORING)('%s: %s', (form, _text, half, source, offset) => {
    const before = hart.u64(data + offset);
    expect(execute(half)).toBe(Cause.Budget);
    const stored = fill(source);
    const word = 0xffff_ffffn;
    expect(hart.u64(data + offset)).toBe(form.startsWith('c.sw') ? (before & ~word) | (stored & word) : stored);
    expect(hart.pc).toBe(CODE + 2);
  });

  it.each(JUMPING)('%s: %s', (_form, _text, half, target, link) => {
    expect(execute(half)).toBe(Cause.Budget);
    expect(BigInt(hart.pc)).toBe(target);
    expect(hart.x(1)).toBe(link);
  });

  it('beqz taken, bnez not taken', () => {
    hart.setX(10, 0n);
    execute(0xcd7d);
    expect(hart.pc).toBe(CODE + 254);
    execute(0xf101);
    expect(hart.pc).toBe(CODE + 2);
  });

  it('c.jalr through its own link register goes to where that pointed', () => {
    hart.setX(1, D);
    execute(0x9082);
    expect(BigInt(hart.pc)).toBe(D);
    expect(hart.x(1)).toBe(BigInt(CODE + 2));
  });

  it('c.ebreak stops at itself', () => {
    expect(execute(EBREAK)).toBe(Cause.Breakpoint);
    expect(hart.pc).toBe(CODE);
    expect(hart.trapValue).toBe(BigInt(CODE));
  });

  it.each([
    ['c.nop', 0x0001],
    ['c.nop with an immediate', 0x107d],
    ['c.li to x0', 0x4005],
    ['c.lui to x0', 0x6005],
    ['c.mv to x0', 0x802a],
    ['c.add to x0', 0x902a],
    ['c.slli of x0', 0x0006],
    ['c.addi of 0', 0x0501],
  ])('%s is a hint: it changes nothing', (_name, half) => {
    const registers = (): bigint[] => Array.from({ length: 32 }, (_, n) => hart.x(n));
    const before = registers();
    expect(execute(half)).toBe(Cause.Budget);
    expect(registers()).toEqual(before);
    expect(hart.pc).toBe(CODE + 2);
  });

  it.each([
    ['all zeros', 0x0000],
    ['c.addi4spn of 0', 0x0008],
    ['c.addiw to x0', 0x2001],
    ['c.addi16sp of 0', 0x6101],
    ['c.lui of 0', 0x6501],
    ['c.lwsp to x0', 0x4002],
    ['c.ldsp to x0', 0x6002],
    ['c.jr to x0', 0x8002],
    ['funct3 4 of quadrant 0', 0x8000],
    ['the hole beside c.addw', 0x9d4d],
    ['the last of quadrant 1’s arithmetic', 0x9d6d],
  ])('%s is reserved: illegal', (_name, half) => {
    expect(execute(half)).toBe(Cause.IllegalInstruction);
    expect(hart.trapValue).toBe(BigInt(half));
    expect(hart.pc).toBe(CODE);
  });

  it('are all here', () => {
    const tested = new Set([...COMPUTING, ...LOADING, ...STORING, ...JUMPING].map(([form]) => form)).add('c.ebreak');
    expect(COMPRESSED.map((form) => form.name).filter((name) => !tested.has(name))).toEqual([]);
  });
});
