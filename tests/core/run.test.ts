import { beforeEach, describe, expect, it } from 'vitest';
import { HartBlock, MAX_ASID, TLB_ENTRIES } from '../../src/core/hart-block.ts';
import { Csr } from '../../src/core/isa/csr.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from './helpers/assembler.ts';
import { ALL, CODE, DATA, DATA_FLAGS, TestHart } from './helpers/hart.ts';

let hart: TestHart;

beforeEach(() => {
  hart = new TestHart();
});

/** x5 += 1, for ever: two instructions a turn. */
const SPIN = [asm('addi', { rd: 5, rs1: 5, imm: 1 }), asm('jal', { imm: -4 })];
const set = (imm: number): number => asm('addi', { rd: 5, imm });

describe('the budget', () => {
  it.each([1, 2, 3, 1023, 1024, 1025, 2047, 2048, 2049, 10_000])('of %i instructions is used up to the last', (budget) => {
    hart.program(...SPIN);
    expect(hart.run(budget)).toBe(Cause.Budget);
    expect(hart.instret).toBe(budget);
    expect(hart.x(5)).toBe(BigInt(Math.ceil(budget / 2)));
    expect(hart.pc).toBe(budget % 2 === 0 ? CODE : CODE + 4);
  });

  it('of nothing runs nothing', () => {
    hart.program(...SPIN);
    expect(hart.run(0)).toBe(Cause.Budget);
    expect(hart.run(-1)).toBe(Cause.Budget);
    expect(hart.instret).toBe(0);
    expect(hart.pc).toBe(CODE);
  });

  it('that ends just before a trap leaves the trap for the next run', () => {
    hart.program(set(1));
    expect(hart.run(1)).toBe(Cause.Budget);
    expect(hart.run(1)).toBe(Cause.EnvironmentCall);
    expect(hart.instret).toBe(1);
  });

  it('cuts a run into pieces that make the same whole', () => {
    hart.program(...SPIN);
    for (const piece of [1, 5, 1024, 7, 963]) hart.run(piece);
    expect(hart.instret).toBe(2000);
    expect(hart.x(5)).toBe(1000n);
    expect(HartBlock.instret.get(hart.ram, hart.hartBlock)).toBe(2000);
  });
});

describe('the doorbell', () => {
  it('that rang before keeps the run from starting', () => {
    hart.program(...SPIN);
    hart.ring(4);
    expect(hart.run()).toBe(Cause.Doorbell);
    expect(hart.instret).toBe(0);
    expect(hart.pc).toBe(CODE);
    hart.ring(0);
    expect(hart.run(10)).toBe(Cause.Budget);
  });

  it('that rings while the guest runs ends the run soon, between two instructions', () => {
    // The clock is read in the midst of a run: here it stands for another hart.
    hart.clock = (): number => {
      hart.ring(1);
      return 0;
    };
    hart.program(asm('csrrs', { rd: 6, imm: Csr.time }), ...SPIN);
    expect(hart.run(1_000_000)).toBe(Cause.Doorbell);
    expect(hart.instret).toBeGreaterThan(0);
    expect(hart.instret).toBeLessThanOrEqual(4096);
    expect(hart.x(5)).toBe(BigInt(Math.ceil((hart.instret - 1) / 2)));
    expect(hart.pc).toBe(hart.instret % 2 === 1 ? CODE + 4 : CODE + 8);
  });
});

describe('fetching', () => {
  it('faults at a pc that is not mapped', () => {
    hart.pc = 0x9_0000;
    expect(hart.run()).toBe(Cause.InstructionPageFault);
    expect(hart.pc).toBe(0x9_0000);
    expect(hart.trapValue).toBe(0x9_0000n);
    expect(hart.instret).toBe(0);
  });

  it('runs on from one page into the next', () => {
    hart.programAt(CODE + PAGE_SIZE - 8, [set(1), set(2), set(3)]);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(hart.pc).toBe(CODE + PAGE_SIZE + 4);
    expect(hart.x(5)).toBe(3n);
  });

  it('takes an instruction that straddles two pages', () => {
    // Frames in the other order than the pages.
    hart.map(CODE + PAGE_SIZE);
    hart.programAt(CODE + PAGE_SIZE - 2, [set(77)]);
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(hart.x(5)).toBe(77n);
  });

  it('of a straddling instruction whose second half is missing faults at the second page, pc at the first', () => {
    const word = set(77);
    hart.halves(CODE + PAGE_SIZE - 2, [word & 0xffff]);
    hart.pc = CODE + PAGE_SIZE - 2;
    expect(hart.run()).toBe(Cause.InstructionPageFault);
    expect(hart.pc).toBe(CODE + PAGE_SIZE - 2);
    expect(hart.trapValue).toBe(BigInt(CODE + PAGE_SIZE));
    hart.halves(CODE + PAGE_SIZE, [word >>> 16]);
    expect(hart.step()).toBe(Cause.Budget);
    expect(hart.x(5)).toBe(77n);
  });

  it('does not run a straddling instruction from memory of a second page that is gone', () => {
    hart.programAt(CODE + PAGE_SIZE - 2, [set(77)]);
    expect(hart.step()).toBe(Cause.Budget);
    hart.map(CODE + PAGE_SIZE, 0);
    hart.cpu.flushPage(hart.asid, CODE + PAGE_SIZE);
    hart.pc = CODE + PAGE_SIZE - 2;
    expect(hart.step()).toBe(Cause.InstructionPageFault);
    expect(hart.trapValue).toBe(BigInt(CODE + PAGE_SIZE));
  });

  it.each([
    ['the first address above the user half', 0x40_0000_0000n],
    ['an address with bit 63', 0x8000_0000_0001_0000n],
    ['minus two', 0xffff_ffff_ffff_fffen],
    // These look like the tag of a cached instruction: pc 0x10000 with another ASID's bits.
    ['code of another ASID in disguise', BigInt(CODE) | (3n << 39n)],
    ['code of another epoch in disguise', BigInt(CODE) | (1n << 51n)],
  ])('an indirect jump to %s faults there, after the jump has retired', (_what, target) => {
    hart.program(asm('jalr', { rd: 1, rs1: 6 }));
    hart.setX(6, target);
    expect(hart.run()).toBe(Cause.InstructionPageFault);
    expect(hart.trapValue).toBe(target);
    expect(hart.x(1)).toBe(BigInt(CODE + 4));
    expect(hart.instret).toBe(1);
    // And so does starting there.
    expect(hart.run()).toBe(Cause.InstructionPageFault);
    expect(hart.trapValue).toBe(target);
  });

  it('drops bit 0 of a pc that the kernel hands in', () => {
    hart.program(set(9));
    hart.pc = CODE + 1;
    expect(hart.step()).toBe(Cause.Budget);
    expect(hart.pc).toBe(CODE + 4);
    expect(hart.x(5)).toBe(9n);
  });
});

describe('code that changes', () => {
  it('is seen after fence.i', () => {
    // x6 → the instruction behind the fence; x7 its new bits.
    hart.program(asm('sw', { rs1: 6, rs2: 7 }), asm('fence.i'), set(1));
    hart.setX(6, BigInt(CODE + 8));
    hart.setX(7, BigInt(set(2)));
    // Once through the old code, so that it is cached.
    hart.pc = CODE + 8;
    hart.step();
    expect(hart.x(5)).toBe(1n);
    hart.pc = CODE;
    expect(hart.run()).toBe(Cause.EnvironmentCall);
    expect(hart.x(5)).toBe(2n);
  });

  it('is seen after flushCode, as another hart’s request does it', () => {
    hart.program(set(1));
    hart.step();
    hart.ram.u32[hart.physical(CODE) >>> 2] = set(2);
    hart.cpu.flushCode();
    hart.pc = CODE;
    hart.step();
    expect(hart.x(5)).toBe(2n);
  });

  it('stays right however often it is flushed', () => {
    hart.program(set(0));
    for (let i = 0; i < 20_000; i++) {
      if (i % 1000 === 0) hart.ram.u32[hart.physical(CODE) >>> 2] = set(i / 1000);
      if (i % 3 === 0) hart.cpu.flushCode();
      else hart.cpu.flushCodeOf(hart.asid);
      if (i % 1000 < 3) {
        hart.pc = CODE;
        hart.step();
        expect(hart.x(5)).toBe(BigInt(Math.floor(i / 1000)));
      }
    }
  });
});

describe('address spaces', () => {
  const load = asm('ld', { rd: 5, rs1: 6 });

  /** A second space with CODE and DATA pages of its own. */
  function anotherSpace(instruction: number, value: bigint): number {
    const root = hart.frame();
    const code = hart.map(CODE, ALL, hart.frame(), root);
    hart.ram.u32[code >>> 2] = instruction;
    hart.setU64(hart.map(DATA, DATA_FLAGS, hart.frame(), root), value);
    return root;
  }

  it('are told apart by ASID alone, code and data, without a flush', () => {
    hart.program(load);
    hart.setU64(hart.map(DATA, DATA_FLAGS), 1n);
    const root = anotherSpace(asm('lw', { rd: 5, rs1: 6 }), 2n);
    hart.setX(6, BigInt(DATA));
    for (let i = 0; i < 3; i++) {
      hart.cpu.activate(hart.root, 5);
      hart.pc = CODE;
      hart.step();
      expect(hart.x(5)).toBe(1n);
      hart.cpu.activate(root, MAX_ASID);
      hart.pc = CODE;
      hart.step();
      expect(hart.x(5)).toBe(2n);
    }
  });

  it('keep translations until they are flushed, by page, by ASID, or all', () => {
    const flushes = [
      (): void => {
        hart.cpu.flushPage(hart.asid, DATA + 123);
      },
      (): void => {
        hart.cpu.flushAsid(hart.asid);
      },
      (): void => {
        hart.cpu.flushTlb();
      },
    ];
    hart.program(load);
    hart.setX(6, BigInt(DATA));
    for (const flush of flushes) {
      hart.setU64(hart.map(DATA, DATA_FLAGS), 1n);
      flush();
      hart.pc = CODE;
      hart.step();
      hart.setU64(hart.map(DATA, DATA_FLAGS), 2n);
      hart.pc = CODE;
      hart.step();
      expect(hart.x(5)).toBe(1n);
      flush();
      hart.pc = CODE;
      hart.step();
      expect(hart.x(5)).toBe(2n);
    }
  });

  it('flushing one leaves the code and the translations of another, and each for itself', () => {
    hart.program(load);
    hart.setU64(hart.map(DATA, DATA_FLAGS), 1n);
    hart.setX(6, BigInt(DATA));
    hart.step();
    const misses = (): number[] => [
      HartBlock.tlbMisses.get(hart.ram, hart.hartBlock),
      HartBlock.decodeMisses.get(hart.ram, hart.hartBlock),
    ];
    const step = (): number[] => {
      const [tlb, decode] = misses();
      hart.pc = CODE;
      hart.step();
      return misses().map((now, i) => now - [tlb!, decode!][i]!);
    };
    hart.cpu.flushAsid(hart.asid + 1);
    hart.cpu.flushCodeOf(hart.asid + 1);
    expect(step()).toEqual([0, 0]);
    // The page with the instruction is not in the TLB as long as the decoded instruction is there.
    hart.cpu.flushAsid(hart.asid);
    expect(step()).toEqual([1, 0]);
    hart.cpu.flushCodeOf(hart.asid);
    expect(step()).toEqual([1, 1]);
  });

  it('flushing a page drops the code in it, and no other page’s', () => {
    hart.programAt(CODE, [set(1)]);
    hart.programAt(CODE + PAGE_SIZE, [set(2)]);
    const runBoth = (): bigint[] =>
      [CODE, CODE + PAGE_SIZE].map((pc) => {
        hart.pc = pc;
        hart.step();
        return hart.x(5);
      });
    expect(runBoth()).toEqual([1n, 2n]);
    for (const pc of [CODE, CODE + PAGE_SIZE]) hart.ram.u32[hart.physical(pc) >>> 2] = set(3);
    hart.cpu.flushPage(hart.asid, CODE);
    expect(runBoth()).toEqual([3n, 2n]);
  });

  it('refuse an ASID that does not fit', () => {
    expect(() => {
      hart.cpu.activate(hart.root, MAX_ASID + 1);
    }).toThrow(RangeError);
  });

  it('that collide in the TLB take turns', () => {
    const far = DATA + TLB_ENTRIES * PAGE_SIZE;
    hart.setU64(hart.map(DATA, DATA_FLAGS), 1n);
    hart.setU64(hart.map(far, DATA_FLAGS), 2n);
    hart.program(load, asm('ld', { rd: 8, rs1: 7 }), asm('ld', { rd: 9, rs1: 6 }));
    hart.setX(6, BigInt(DATA));
    hart.setX(7, BigInt(far));
    hart.run();
    expect([hart.x(5), hart.x(8), hart.x(9)]).toEqual([1n, 2n, 1n]);
  });
});
