import { describe, expect, it } from 'vitest';

import { HartBlock } from '../../src/core/hart-block.ts';
import { JIT_MODES } from '../../src/core/jit/translations.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

const [BASE, TURNS, VALUE, OTHER] = [10, 11, 12, 13];

const accesses = (hart: TestHart): number => HartBlock.accesses.get(hart.ram, hart.hartBlock);

/** A loop of `body`, 4 bytes an instruction, that counts TURNS down. */
const looped = (...body: readonly number[]): number[] => [
  ...body,
  asm('addi', { rd: TURNS, rs1: TURNS, imm: -1 }),
  asm('bne', { rs1: TURNS, imm: -4 * (body.length + 1) }),
];

const load = (name: string, imm: number): number => asm(name, { rd: VALUE, rs1: BASE, imm });
const store = (name: string, imm: number): number => asm(name, { rs1: BASE, rs2: VALUE, imm });

/** Loads, stores and atomics, some of them together in a block with what is none. */
const MIXED = looped(
  store('sd', 16),
  load('ld', 16),
  asm('add', { rd: OTHER, rs1: OTHER, rs2: VALUE }),
  load('lbu', 3),
  asm('amoadd.d', { rd: OTHER, rs1: BASE, rs2: VALUE }),
  asm('beq', { rs1: 0, rs2: 0, imm: 8 }),
  store('sw', 0),
  asm('addi', { rd: BASE, rs1: BASE, imm: 8 }),
);

function hartWith(jit: (typeof JIT_MODES)[number], program: readonly number[], pages: number): TestHart {
  const hart = new TestHart(undefined, jit, true);
  // Every other frame, so that no window covers more than a page.
  for (let page = 0; page < pages; page++) {
    hart.map(DATA + page * PAGE_SIZE, DATA_FLAGS);
    hart.frame();
  }
  hart.program(...program);
  hart.setX(BASE, BigInt(DATA));
  return hart;
}

describe.each(JIT_MODES)('the count of accesses, --jit=%s', (jit) => {
  it('is that of the loads, stores and atomics that were executed', () => {
    const hart = hartWith(jit, MIXED, 5);
    hart.setX(TURNS, 2000n);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(accesses(hart)).toBe(4 * 2000);
  });

  it('is the same when the run is cut into pieces anywhere', () => {
    const hart = hartWith(jit, MIXED, 2);
    hart.setX(TURNS, 900n);
    let budget = 1;
    while (hart.run(budget) === Cause.Budget) budget = (budget * 7 + 3) % 101;
    expect(accesses(hart)).toBe(4 * 900);
  });

  it('leaves out the access that faults, and what would have come after it', () => {
    // 3 accesses a turn; the second one faults at the end of the last page.
    const body = looped(load('ld', 0), store('sd', 64), load('ld', 8), asm('addi', { rd: BASE, rs1: BASE, imm: 64 }));
    const hart = hartWith(jit, body, 3);
    hart.setX(TURNS, 10_000n);
    expect(hart.run()).toBe(Cause.StorePageFault);
    const turns = (3 * PAGE_SIZE) / 64 - 1;
    expect(accesses(hart)).toBe(3 * turns + 1);
  });

  it('has one for an access across pages', () => {
    const hart = hartWith(jit, looped(load('ld', 0)), 2);
    hart.setX(BASE, BigInt(DATA + PAGE_SIZE - 3));
    hart.setX(TURNS, 1000n);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(accesses(hart)).toBe(1000);
  });

  it('stays 0 in a hart that does not count', () => {
    const hart = new TestHart(undefined, jit);
    hart.map(DATA, DATA_FLAGS);
    hart.program(...looped(load('ld', 0)));
    hart.setX(BASE, BigInt(DATA));
    hart.setX(TURNS, 1000n);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(accesses(hart)).toBe(0);
  });
});
