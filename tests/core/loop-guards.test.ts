import { createHash } from 'node:crypto';

import { beforeEach, describe, expect, it } from 'vitest';
import { DecodeMemo } from '../../src/core/decode-memo.ts';
import { HartBlock } from '../../src/core/hart-block.ts';
import { shapeOf } from '../../src/core/jit/flow.ts';
import { keyOf } from '../../src/core/jit/linear.ts';
import { streamsOf } from '../../src/core/jit/loop-guard.ts';
import { innermostLoops } from '../../src/core/jit/loops.ts';
import { findRegion } from '../../src/core/jit/region.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { CODE, DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

/** Registers: two pointers, a stride, a table, what is loaded, a counter, an end, another one. */
const [P, Q, STRIDE, TABLE, VALUE, COUNT, END, OTHER] = [10, 11, 12, 13, 14, 15, 16, 17];
const PAGE = 4096;

const addi = (rd: number, rs1: number, imm: number): number => asm('addi', { rd, rs1, imm });
const lbu = (rs1: number, imm = 0): number => asm('lbu', { rd: VALUE, rs1, imm });
const sb = (rs1: number, imm = 0): number => asm('sb', { rs1, rs2: VALUE, imm });
/** Back to the start of a loop whose body has so many instructions. */
const again = (body: number): number => asm('bne', { rs1: COUNT, imm: -4 * body });

/** The streams of a loop that counts COUNT down, in short. */
function streams(...body: readonly number[]): string[] {
  const code = [...body, addi(COUNT, COUNT, -1), again(body.length + 1)];
  const read = (pc: number): number => {
    const word = code[Math.floor((pc - CODE) / 4)] ?? 0;
    return (pc & 2) === 0 ? word & 0xffff : word >>> 16;
  };
  const region = findRegion(CODE, read, new DecodeMemo());
  const shape = shapeOf(region);
  const [loop] = innermostLoops(shape);
  const { streams: found, places } = streamsOf(region, shape, loop!);
  return found.map((stream) => {
    const { lowest, stride, length, isTable, write } = stream;
    const members = [...places.values()].filter((place) => place.stream === stream).length;
    const by = [keyOf(stride), stride.constant].filter((part) => part !== '' && part !== 0).join('+');
    const kind = isTable ? `table of ${String(lowest.extent)}` : `by ${by === '' ? '0' : by}`;
    return `${String(members)} at ${keyOf(lowest)}+${String(lowest.constant)} ${kind}, ${String(length)} bytes${write ? ', written' : ''}`;
  });
}

describe('the streams of a loop', () => {
  it('move by what is added to their registers', () => {
    expect(streams(lbu(P), sb(Q), addi(P, P, 1), addi(Q, Q, -8))).toEqual([
      '1 at 1x10+0 by 1, 1 bytes',
      '1 at 1x11+0 by -8, 1 bytes, written',
    ]);
  });

  it('move by registers that the loop leaves alone', () => {
    expect(streams(sb(P), asm('add', { rd: P, rs1: P, rs2: STRIDE }))).toEqual(['1 at 1x10+0 by 1x12, 1 bytes, written']);
    const changing = [sb(P), asm('add', { rd: P, rs1: P, rs2: STRIDE }), addi(STRIDE, STRIDE, 1)];
    expect(streams(...changing)).toEqual([]);
  });

  it('are found through sums, copies and scaled indices', () => {
    const indexed = [
      asm('slli', { rd: OTHER, rs1: Q, imm: 3 }),
      asm('add', { rd: OTHER, rs1: OTHER, rs2: TABLE }),
      asm('ld', { rd: VALUE, rs1: OTHER, imm: 16 }),
      addi(Q, Q, 2),
    ];
    expect(streams(...indexed)).toEqual(['1 at 8x11+1x13+16 by 16, 8 bytes']);
  });

  it('unite accesses near each other, before and after the pointer moves', () => {
    expect(streams(lbu(P, 4), addi(P, P, 1), sb(P, -1))).toEqual(['2 at 1x10+0 by 1, 5 bytes, written']);
    expect(streams(lbu(P), lbu(P, 64))).toEqual(['1 at 1x10+0 by 0, 1 bytes', '1 at 1x10+64 by 0, 1 bytes']);
  });

  it('are tables where the range of an index is known', () => {
    const lookUp = [
      asm('andi', { rd: OTHER, rs1: OTHER, imm: 255 }),
      asm('slli', { rd: OTHER, rs1: OTHER, imm: 2 }),
      asm('add', { rd: OTHER, rs1: OTHER, rs2: TABLE }),
      asm('lw', { rd: OTHER, rs1: OTHER }),
    ];
    expect(streams(...lookUp)).toEqual(['1 at 1x13+0 table of 1020, 4 bytes']);
  });

  it('do not come of what is loaded, or of words that may overflow', () => {
    expect(streams(asm('ld', { rd: P, rs1: P }))).toEqual([]);
    expect(streams(lbu(P), asm('addiw', { rd: P, rs1: P, imm: 1 }))).toEqual([]);
  });

  it('do not come of increments that are left out at times', () => {
    const skip = asm('beq', { rs1: VALUE, imm: 8 });
    expect(streams(lbu(P), skip, addi(P, P, 1))).toEqual([]);
  });

  it('have no accesses that are left out at times, unless another one of the stream covers them', () => {
    const skip = asm('beq', { rs1: VALUE, imm: 8 });
    expect(streams(lbu(P), skip, lbu(Q), addi(P, P, 1))).toEqual(['1 at 1x10+0 by 1, 1 bytes']);
    expect(streams(lbu(P), skip, lbu(P, 1), addi(P, P, 1))).toEqual(['2 at 1x10+0 by 1, 2 bytes']);
    // A store that is left out must not have its page taken for writing.
    expect(streams(lbu(P), skip, sb(P), addi(P, P, 1))).toEqual(['1 at 1x10+0 by 1, 1 bytes']);
  });
});

describe('a guarded loop', () => {
  let reference: TestHart;
  let subject: TestHart;
  let pages = 0;

  function onBoth(action: (hart: TestHart) => void): void {
    action(reference);
    action(subject);
  }

  /** Runs both and compares them. */
  function run(budget?: number): Cause {
    const cause = reference.run(budget);
    expect(subject.run(budget)).toBe(cause);
    expect(subject.state()).toEqual(reference.state());
    expect(dataOf(subject)).toBe(dataOf(reference));
    return cause;
  }

  /** A digest of the pages of data, which lie in one piece. */
  function dataOf(hart: TestHart): string {
    const from = hart.physical(DATA);
    return createHash('sha1')
      .update(hart.ram.u8.subarray(from, from + pages * PAGE))
      .digest('hex');
  }

  /** Starts a loop anew. */
  function begin(registers: Readonly<Record<number, bigint>>): void {
    onBoth((hart) => {
      hart.pc = CODE;
      hart.setX(VALUE, 0x55n);
      for (const [slot, value] of Object.entries(registers)) hart.setX(Number(slot), value);
    });
  }

  function mapData(count: number): void {
    pages = count;
    onBoth((hart) => {
      for (let page = 0; page < pages; page++) hart.map(DATA + page * PAGE, DATA_FLAGS);
    });
  }

  const FILL = [sb(P), addi(P, P, 1), asm('bne', { rs1: P, rs2: END, imm: -8 }), asm('ebreak')];
  const at = (offset: number): bigint => BigInt(DATA + offset);

  function heat(code: readonly number[], registers: Readonly<Record<number, bigint>>): void {
    onBoth((hart) => hart.program(...code));
    mapData(4);
    for (let n = 0; n < 3; n++) {
      begin(registers);
      expect(run()).toBe(Cause.Breakpoint);
    }
    expect(HartBlock.regions.get(subject.ram, subject.hartBlock)).toBeGreaterThan(0);
  }

  beforeEach(() => {
    reference = new TestHart(undefined, 'off');
    subject = new TestHart(undefined, 'hot');
  });

  it('stops at the first byte behind the last page, whatever the stride', () => {
    heat(FILL, { [P]: at(0), [END]: at(4 * PAGE) });
    begin({ [P]: at(PAGE), [END]: at(5 * PAGE) });
    expect(run()).toBe(Cause.StorePageFault);
    expect(subject.x(P)).toBe(at(4 * PAGE));
    expect(subject.trapValue).toBe(at(4 * PAGE));
  });

  it('stops at the first byte before the first page, going down', () => {
    const down = [lbu(P), addi(P, P, -3), asm('bne', { rs1: P, rs2: END, imm: -8 }), asm('ebreak')];
    heat(down, { [P]: at(3000), [END]: at(0) });
    begin({ [P]: at(3000), [END]: at(-6) });
    expect(run()).toBe(Cause.LoadPageFault);
    expect(subject.x(P)).toBe(at(-3));
  });

  it('goes by strides in registers, which may change between two runs', () => {
    const strided = [sb(P), asm('add', { rd: P, rs1: P, rs2: STRIDE }), addi(COUNT, COUNT, -1), again(3), asm('ebreak')];
    heat(strided, { [P]: at(0), [STRIDE]: 7n, [COUNT]: 1000n });
    for (const stride of [1n, 0n, -1n, 4096n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 2n ** 63n - 1n]) {
      begin({ [P]: at(2 * PAGE), [STRIDE]: stride, [COUNT]: 5000n });
      run();
    }
  });

  it('looks up tables to their last entry and not beyond', () => {
    const lookUps = [
      asm('andi', { rd: OTHER, rs1: P, imm: 255 }),
      asm('slli', { rd: OTHER, rs1: OTHER, imm: 3 }),
      asm('add', { rd: OTHER, rs1: OTHER, rs2: TABLE }),
      asm('ld', { rd: VALUE, rs1: OTHER }),
      asm('add', { rd: Q, rs1: Q, rs2: VALUE }),
      addi(P, P, 1),
      asm('bne', { rs1: P, rs2: END, imm: -24 }),
      asm('ebreak'),
    ];
    heat(lookUps, { [P]: 0n, [END]: 1000n, [TABLE]: at(0) });
    onBoth((hart) => {
      for (let n = 0; n < 512; n++) hart.setU64(hart.physical(DATA + 3 * PAGE) + 8 * n, BigInt(n) ** 5n);
    });
    begin({ [P]: 0n, [END]: 1000n, [TABLE]: at(4 * PAGE - 2048) });
    expect(run()).toBe(Cause.Breakpoint);
    begin({ [P]: 0n, [END]: 1000n, [TABLE]: at(4 * PAGE - 2040) });
    expect(run()).toBe(Cause.LoadPageFault);
    expect(subject.x(P)).toBe(255n);
  });

  it('is left in its midst, with all instructions counted, by an access that goes elsewhere', () => {
    // Beside the bytes it fills it follows a list, whose last element is not mapped.
    const both = [asm('ld', { rd: Q, rs1: Q }), ...FILL];
    both[3] = asm('bne', { rs1: P, rs2: END, imm: -12 });
    mapData(4);
    onBoth((hart) => {
      hart.program(...both);
      const list = hart.physical(DATA);
      for (let n = 0; n < 511; n++) hart.setU64(list + 8 * n, at(8 * (n + 1)));
      hart.setU64(list + 8 * 511, at(4 * PAGE));
    });
    for (const length of [400, 511, 512, 600]) {
      // Near the end of the window, so that the gate does not grant all of the fuel.
      const start = 4 * PAGE - 650;
      begin({ [P]: at(start), [END]: at(start + length), [Q]: at(0) });
      expect(run()).toBe(length > 512 ? Cause.LoadPageFault : Cause.Breakpoint);
    }
  });

  it('uses up budgets to the last instruction', () => {
    heat(FILL, { [P]: at(0), [END]: at(4 * PAGE) });
    for (let budget = 1; budget < 40; budget++) {
      begin({ [P]: at(5), [END]: at(3 * PAGE) });
      for (const cut of [budget, 8192 - budget, 4096 + budget]) expect(run(cut)).toBe(Cause.Budget);
    }
  });

  it('runs out of fuel where it ends in the edge back to an outer loop, exactly there', () => {
    // Behind the inner loop there is nothing but a call of it, at which the outer one and the region begin.
    subject = new TestHart(undefined, 'always');
    const inner = [sb(P), addi(COUNT, COUNT, -1), asm('andi', { rd: OTHER, rs1: COUNT, imm: 1 })];
    const code = [...inner, asm('bne', { rs1: OTHER, imm: -12 }), asm('jal', { rd: 1, imm: -16 })];
    onBoth((hart) => hart.program(...code));
    mapData(1);
    for (let budget = 1; budget < 60; budget++) {
      begin({ [P]: at(0), [COUNT]: 0n });
      onBoth((hart) => (hart.pc = CODE + 16));
      for (let piece = 0; piece < 5; piece++) expect(run(budget)).toBe(Cause.Budget);
    }
  });

  it('hears the doorbell within 4096 instructions', () => {
    const endless = [asm('csrrs', { rd: OTHER, imm: 0xc01 }), sb(P), lbu(P, 8), asm('jal', { imm: -8 })];
    mapData(1);
    onBoth((hart) => hart.program(...endless));
    begin({ [P]: at(0) });
    expect(run(50_000)).toBe(Cause.Budget);
    subject.clock = () => {
      subject.ring(1);
      return 0;
    };
    begin({ [P]: at(0) });
    const before = subject.instret;
    expect(subject.run(1_000_000)).toBe(Cause.Doorbell);
    expect(subject.instret - before).toBeLessThanOrEqual(4096);
  });

  it('sees that a page may not be written any more', () => {
    heat(FILL, { [P]: at(0), [END]: at(4 * PAGE) });
    onBoth((hart) => {
      hart.map(DATA + 2 * PAGE, DATA_FLAGS & ~4, hart.physical(DATA + 2 * PAGE));
      hart.cpu.flushTlb();
    });
    begin({ [P]: at(0), [END]: at(4 * PAGE) });
    expect(run()).toBe(Cause.StorePageFault);
    expect(subject.x(P)).toBe(at(2 * PAGE));
  });
});

describe('a loop with two entries', () => {
  it('goes round without leaving its region, exactly', () => {
    // Both ways in, by COUNT's lowest bit; two blocks that lead to each other.
    const code = [
      asm('andi', { rd: VALUE, rs1: COUNT, imm: 1 }),
      asm('beq', { rs1: VALUE, imm: 12 }),
      addi(P, P, 1),
      asm('jal', { imm: 12 }),
      addi(COUNT, COUNT, -1),
      addi(P, P, 3),
      addi(Q, Q, 1),
      asm('bne', { rs1: COUNT, imm: -12 }),
      asm('ebreak'),
    ];
    const harts = [new TestHart(undefined, 'off'), new TestHart(undefined, 'always')] as const;
    for (const count of [1000n, 1001n, 20_000n, 7n]) {
      for (const budget of [10_000, 4096, 17, 100_000]) {
        const [expected, found] = harts.map((hart) => {
          hart.program(...code);
          hart.setX(COUNT, count);
          const cause = hart.run(budget);
          return { cause, pc: hart.pc, instret: hart.instret, x: [P, Q, COUNT, VALUE].map((n) => hart.x(n)) };
        });
        expect(found).toEqual(expected);
      }
    }
  });
});
