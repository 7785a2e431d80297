/*
 * Code that a thread writes and fences on one hart, and runs on another: two CPUs over one RAM, each behind its Shootdown as in the
 * kernel. A test thread goes from hart to hart by being run on whichever.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { HartBlock } from '../../src/core/hart-block.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import type { Doorbells } from '../../src/smp/doorbell.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { Shootdown, TlbState } from '../../src/smp/shootdown.ts';
import { SmpMap } from '../../src/smp/smp-map.ts';
import { asm } from '../core/helpers/assembler.ts';
import { ALL, CODE, TestHart } from '../core/helpers/hart.ts';

const ASID = 9;
/** Where the thread writes, and where it runs what it has written: an instruction and an ecall. */
const TARGET = 0x8_0000;
/** Stores x7 at x6, fences, and ends with an ecall. */
const WRITER = [asm('sw', { rs1: 6, rs2: 7 }), asm('fence.i')];
const set = (imm: number): number => asm('addi', { rd: 5, rs1: 0, imm });

let harts: { hart: TestHart; shootdown: Shootdown }[];
let tlb: number;

beforeEach(() => {
  const first = new TestHart();
  const second = new TestHart(first);
  const controls = first.frame();
  tlb = first.frame();
  expect(2 * HartControl.SIZE).toBeLessThanOrEqual(PAGE_SIZE);
  const map = new SmpMap(2, first.hartBlock, controls);
  const doorbells = { ring: () => expect.unreachable('nobody runs guest code meanwhile') } as unknown as Doorbells;
  harts = [first, second].map((hart, number) => {
    const shootdown = new Shootdown(hart.ram, map, doorbells, hart.cpu, number, 16);
    hart.cpu.onFence = () => {
      shootdown.fenceCode();
    };
    return { hart, shootdown };
  });
  first.program(...WRITER);
  first.map(TARGET, ALL);
  first.programAt(TARGET, [set(0)]);
});

/** Runs a hart from `pc` to its ecall, as the kernel does. */
function run(number: number, pc: number, x6 = 0, x7 = 0): bigint {
  const { hart, shootdown } = harts[number]!;
  shootdown.activate(tlb, hart.root, ASID);
  hart.pc = pc;
  hart.setX(6, BigInt(x6));
  hart.setX(7, BigInt(x7));
  shootdown.enterGuest();
  const cause = hart.run();
  shootdown.leaveGuest();
  expect(cause).toBe(Cause.EnvironmentCall);
  return hart.x(5);
}

const write = (number: number, value: number): bigint => run(number, CODE, TARGET, set(value));

describe('code that a thread has written and fenced', () => {
  it('is what it runs on another hart that knew the old code', () => {
    expect([run(0, TARGET), run(1, TARGET)]).toEqual([0n, 0n]);
    write(0, 1);
    expect([run(1, TARGET), run(0, TARGET)]).toEqual([1n, 1n]);
    write(1, 2);
    expect([run(0, TARGET), run(1, TARGET)]).toEqual([2n, 2n]);
  });

  it('is what it runs on a hart that was in another space when it was fenced', () => {
    const { hart, shootdown } = harts[1]!;
    expect(run(1, TARGET)).toBe(0n);
    shootdown.activate(hart.frame(), hart.root, ASID + 1);
    write(0, 1);
    expect(run(1, TARGET)).toBe(1n);
  });

  it('is right wherever the thread goes, a thousand times', () => {
    // A small generator: the same moves each time.
    let state = 1;
    const random = (bound: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) % bound;
    };
    let value = 0;
    for (let i = 0; i < 1000; i++) {
      if (random(3) === 0) write(random(2), (value = (value + 1) % 2048));
      expect(run(random(2), TARGET), `move ${String(i)}`).toBe(BigInt(value));
    }
  });

  it('is right after a flush that another hart has asked for, without a fence', () => {
    const { hart, shootdown } = harts[0]!;
    expect(run(1, TARGET)).toBe(0n);
    hart.ram.u32[hart.physical(TARGET) >>> 2] = set(3);
    shootdown.shoot(tlb);
    // Of data: the decoded instruction is still there. That this is so makes the rest of this file mean something.
    expect(run(1, TARGET)).toBe(0n);
    shootdown.shootCode(tlb);
    expect(run(1, TARGET)).toBe(3n);
  });
});

describe('a fence', () => {
  it('costs its own hart no translation of an address', () => {
    const { hart } = harts[0]!;
    write(0, 1);
    write(0, 2);
    const misses = (): number => HartBlock.tlbMisses.get(hart.ram, hart.hartBlock);
    const before = misses();
    write(0, 3);
    expect(misses()).toBe(before);
    expect(TlbState.code.load(hart.ram, tlb)).toBe(3);
  });
});
