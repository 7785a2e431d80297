import { beforeEach, describe, expect, it } from 'vitest';
import { DecodeMemo } from '../../src/core/decode-memo.ts';
import { HartBlock } from '../../src/core/hart-block.ts';
import { ComputedJumps } from '../../src/core/jit/computed-jumps.ts';
import { emitRegion } from '../../src/core/jit/emit.ts';
import { hashOf } from '../../src/core/jit/perfect-hash.ts';
import { findRegion, type Region } from '../../src/core/jit/region.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, DATA, TestHart } from './helpers/hart.ts';

/** Registers: turns that are left, the table's address, what the cases add up to, where to. */
const [TURNS, TABLE, SUM, TO] = [10, 11, 12, 14];
const CASES = 4;

const addi = (rd: number, rs1: number, imm: number): number => asm('addi', { rd, rs1, imm });
const jump = (imm: number): number => asm('jal', { imm });
const computed = asm('jalr', { rs1: TO });

/** A loop that takes the case which the lowest bits of the turn choose, by a table; `sum` becomes 2 · sum + the case's number + 1. */
const HEAD = [
  asm('andi', { rd: TO, rs1: TURNS, imm: CASES - 1 }),
  asm('slli', { rd: TO, rs1: TO, imm: 3 }),
  asm('add', { rd: TO, rs1: TO, rs2: TABLE }),
  asm('ld', { rd: TO, rs1: TO }),
  computed,
];
const CASE_BYTES = 20;
const FIRST_CASE = CODE + 4 * HEAD.length;
const caseAt = (n: number): number => FIRST_CASE + n * CASE_BYTES;
/** Where other code goes on with the next turn; the cases do so by themselves. */
const TAIL = caseAt(CASES);
const END = TAIL + 8;
const cases = Array.from({ length: CASES }, (_, n) => [
  asm('slli', { rd: SUM, rs1: SUM, imm: 1 }),
  addi(SUM, SUM, n + 1),
  addi(TURNS, TURNS, -1),
  asm('bne', { rs1: TURNS, imm: CODE - caseAt(n) - 12 }),
  jump(END - caseAt(n) - 16),
]).flat();
const SWITCH = [...HEAD, ...cases, addi(TURNS, TURNS, -1), asm('bne', { rs1: TURNS, imm: CODE - TAIL - 4 })];

/** A threaded interpreter: each case jumps to the next one by itself. */
const THREADED_CASE = 8 * 4;
const threadedAt = (n: number): number => CODE + n * THREADED_CASE;
const THREADED = Array.from({ length: CASES }, (_, n) => [
  addi(SUM, SUM, n + 1),
  addi(TURNS, TURNS, -1),
  asm('beq', { rs1: TURNS, imm: threadedAt(CASES) - threadedAt(n) - 8 }),
  ...HEAD,
]).flat();

let reference: TestHart;
let subject: TestHart;

function onBoth(action: (hart: TestHart) => void): void {
  action(reference);
  action(subject);
}

function setTable(...targets: readonly number[]): void {
  onBoth((hart) => {
    targets.forEach((target, n) => {
      hart.setU64(hart.physical(DATA) + 8 * n, BigInt(target));
    });
  });
}

function begin(turns: number): void {
  onBoth((hart) => {
    hart.pc = CODE;
    hart.setX(TURNS, BigInt(turns));
  });
}

/** Runs both and compares them. */
function run(budget?: number): Cause {
  const cause = reference.run(budget);
  expect(subject.run(budget)).toBe(cause);
  expect(subject.state()).toEqual(reference.state());
  return cause;
}

const regions = (): number => HartBlock.regions.get(subject.ram, subject.hartBlock);

function load(program: readonly number[], targets: readonly number[]): void {
  onBoth((hart) => {
    hart.program(...program);
    hart.map(DATA);
    hart.setX(TABLE, BigInt(DATA));
  });
  setTable(...targets);
}

const ALL_CASES = [0, 1, 2, 3].map(caseAt);

beforeEach(() => {
  reference = new TestHart(undefined, 'off');
  subject = new TestHart(undefined, 'hot');
});

describe('a switch in a loop', () => {
  beforeEach(() => {
    load(SWITCH, ALL_CASES);
  });

  it('becomes one region, with all its cases', () => {
    begin(3000);
    expect(run()).toBe(Cause.EnvironmentCall);
    expect(regions()).toBe(1);
    // What the interpreter has executed is what came before.
    const { ram, hartBlock } = subject;
    const interpreted = HartBlock.instret.get(ram, hartBlock) - HartBlock.translated.get(ram, hartBlock);
    expect(interpreted).toBeLessThan(310 * 11);
  });

  it('is made anew with cases that appear later, once for those that come together', () => {
    setTable(caseAt(0), caseAt(1), caseAt(0), caseAt(1));
    begin(1000);
    run();
    expect(regions()).toBe(1);
    setTable(...ALL_CASES);
    begin(5000);
    run();
    expect(regions()).toBe(2);
  });

  it.each([
    ['in the middle of a case', caseAt(1) + 4],
    ['behind the loop', TAIL],
    ['at its own head', CODE + 4],
    ['with bit 0 set', caseAt(3) + 1],
  ])('goes to a target %s that was not known', (_, target) => {
    begin(2000);
    run();
    setTable(caseAt(0), caseAt(1), target, caseAt(3));
    begin(target === CODE + 4 ? 1 : 1200);
    run();
  });

  it.each([2 ** 38, 2 ** 32 + caseAt(2), 2 ** 44 + caseAt(2), 0x7_0000])(
    'faults at a target that is not there: %i',
    (target) => {
      begin(2000);
      run();
      setTable(caseAt(0), caseAt(1), target, caseAt(3));
      begin(1200);
      expect(run()).toBe(Cause.InstructionPageFault);
      expect(subject.trapValue).toBe(BigInt(target));
    },
  );

  it('tells targets apart that have the same lower word', () => {
    const far = 2 ** 32;
    onBoth((hart) => {
      hart.programAt(far + caseAt(2), [
        addi(SUM, SUM, 77),
        asm('lui', { rd: 15, imm: CODE }),
        addi(15, 15, TAIL - CODE),
        asm('jalr', { rs1: 15 }),
      ]);
    });
    setTable(caseAt(0), caseAt(2), far + caseAt(2), caseAt(3));
    begin(4000);
    expect(run(1_000_000)).toBe(Cause.EnvironmentCall);
  });

  it('uses up budgets to the last instruction', () => {
    begin(100_000);
    run(9000);
    for (let budget = 1; budget <= 60; budget++) expect(run(budget)).toBe(Cause.Budget);
    for (const budget of [4095, 4096, 4097, 10_007]) expect(run(budget)).toBe(Cause.Budget);
  });

  it('runs what a case has become', () => {
    begin(2000);
    run();
    onBoth((hart) => {
      const word = addi(SUM, SUM, 100);
      hart.halves(caseAt(2) + 4, [word & 0xffff, word >>> 16]);
    });
    begin(2000);
    run();
  });

  it('with a new target at each turn is not made anew for ever', () => {
    begin(2000);
    run();
    // Landing places of one instruction each, which go back to the tail.
    const place = (n: number): number => CODE + 0x1000 + 8 * n;
    onBoth((hart) => {
      for (let n = 0; n < 100; n++) hart.programAt(place(n), [addi(SUM, SUM, n), jump(TAIL - place(n) - 4)]);
    });
    for (let n = 0; n < 100; n++) {
      setTable(place(n), place(n), place(n), place(n));
      begin(700);
      expect(run()).toBe(Cause.EnvironmentCall);
    }
    expect(regions()).toBeLessThan(130);
  });
});

describe('a threaded interpreter', () => {
  beforeEach(() => {
    load(THREADED, [0, 1, 2, 3].map(threadedAt));
  });

  it('runs as it does untranslated', () => {
    begin(3000);
    expect(run()).toBe(Cause.EnvironmentCall);
    const after = regions();
    begin(3000);
    run();
    expect(regions()).toBe(after);
    setTable(...[2, 2, 0, 3].map(threadedAt));
    begin(3000);
    run();
  });

  it('gets more of the budget without leaving its region', () => {
    begin(3000);
    run();
    const { ram, hartBlock } = subject;
    const interpreted = (): number => HartBlock.instret.get(ram, hartBlock) - HartBlock.translated.get(ram, hartBlock);
    const before = interpreted();
    begin(1_000_000);
    run(5_000_000);
    // A last portion may be cut short, and a first entry be missing.
    expect(interpreted() - before).toBeLessThan(200);
  });

  it('hears the doorbell', () => {
    begin(3000);
    run();
    begin(1_000_000);
    let polls = 0;
    subject.clock = () => {
      if (++polls === 5000) subject.ring(1);
      return 0;
    };
    // rdtime in a case asks the clock. The code has changed: it rings when that is hot again.
    onBoth((hart) => {
      const word = asm('csrrs', { rd: 15, imm: 0xc01 });
      hart.halves(threadedAt(1), [word & 0xffff, word >>> 16]);
    });
    expect(subject.run(5_000_000)).toBe(Cause.Doorbell);
    expect(polls).toBeLessThan(5000 + 4096 / CASES);
  });

  it('uses up budgets to the last instruction', () => {
    begin(100_000);
    run(9000);
    for (let budget = 1; budget <= 60; budget++) expect(run(budget)).toBe(Cause.Budget);
  });
});

describe('a region', () => {
  const code = new Map<number, number>();
  SWITCH.forEach((word, n) => {
    code.set(CODE + 4 * n, word & 0xffff);
    code.set(CODE + 4 * n + 2, word >>> 16);
  });
  const read = (pc: number): number => code.get(pc) ?? -1;
  const find = (start: number, targets: readonly number[]): Region => {
    const jumps = new ComputedJumps();
    for (const target of targets) jumps.record(CODE + 16, target);
    return findRegion(start, read, new DecodeMemo(), jumps);
  };
  const edges = (start: number, targets: readonly number[]): number[] =>
    find(start, targets).blocks.flatMap(({ computed: list }) => list.map(({ pc }) => pc));

  it('has an edge to each known target of its computed jump', () => {
    expect(edges(CODE, [])).toEqual([]);
    expect(edges(CODE, ALL_CASES)).toEqual(ALL_CASES);
  });

  it('leaves out targets where there is no code', () => {
    expect(edges(CODE, [caseAt(1), 0x7_0000])).toEqual([caseAt(1)]);
  });

  it('that begins behind some of the targets, at none of them, takes in none', () => {
    expect(edges(CODE + 8, [CODE, caseAt(0)])).toEqual([]);
    expect(edges(CODE + 8, [CODE, CODE + 8, caseAt(0)])).toEqual([CODE, CODE + 8, caseAt(0)]);
  });

  it('has the same bytes whatever the order in which targets were seen', () => {
    const bytes = [ALL_CASES, [2, 0, 3, 1, 2, 0].map(caseAt)].map((seen) => {
      const jumps = new ComputedJumps();
      for (const target of seen) jumps.record(CODE + 16, target);
      return emitRegion(findRegion(CODE, read, new DecodeMemo(), jumps)).bytes;
    });
    expect(bytes[0]).toEqual(bytes[1]);
    expect(bytes[0]!.length).toBeGreaterThan(emitRegion(find(CODE, [])).bytes.length);
  });
});

describe('the known targets', () => {
  it('are bounded', () => {
    const jumps = new ComputedJumps();
    for (let n = 0; n < 5000; n++) jumps.record(CODE, 2 * n);
    expect(jumps.targetsOf(CODE)).toHaveLength(64);
    for (let n = 1; n < 5000; n++) jumps.record(CODE + 2 * n, DATA);
    expect(jumps.targetsOf(CODE)).toHaveLength(0);
    expect(jumps.targetsOf(CODE + 2 * 4999)).toEqual([DATA]);
  });

  it('have a hash that tells them apart', () => {
    for (const count of [1, 2, 3, 11, 64]) {
      const addresses = Array.from({ length: count }, (_, n) => CODE + 2 * n * n + 6 * n);
      const { slots } = hashOf(addresses)!;
      expect(slots.filter((index) => index >= 0).sort((a, b) => a - b)).toEqual(addresses.map((_, n) => n));
    }
    expect(hashOf([CODE, CODE + 2 ** 32])).toBeUndefined();
  });
});
