/*
 * A fixed set of random loops over memory (see instructions/loops.ts); `instructions/campaign.ts --loops` runs millions.
 *
 * HARTBEAT_STRESS=n makes the set n times as large. When a test fails, its message says how to replay the sequence.
 */

import { describe, expect, it } from 'vitest';

import { HartBlock } from '../../src/core/hart-block.ts';
import { Cause } from '../../src/core/trap.ts';
import { asm } from '../core/helpers/assembler.ts';
import { CODE } from '../core/helpers/hart.ts';
import { C_EBREAK, C_NOP, NOP } from './instructions/encode.ts';
import { reportFailure, runSequences } from './instructions/failure.ts';
import { Lab, programOf, STATES_PER_PROGRAM } from './instructions/lab.ts';
import { PAGE_BYTES, type Program } from './instructions/layout.ts';
import { minimise } from './instructions/minimise.ts';
import { wordAt } from './instructions/report.ts';
import { LOOPS } from './instructions/theme.ts';

const scale = Number(process.env.HARTBEAT_STRESS ?? 1);
/** Instructions that a hart is given at once at most, of a longer budget. */
const PORTION = 4096;

describe('random loops over memory', () => {
  it.each([
    ['always', 4000],
    ['hot', 4000],
  ] as const)('end alike interpreted and translated (%s)', { timeout: 120_000 * scale }, (tier, count) => {
    const lab = new Lab(tier, LOOPS);
    const failed = runSequences(lab, 0, count * scale);
    expect(failed && reportFailure(lab, failed.sequence, 0, failed.difference)).toBeUndefined();
    for (const cause of [Cause.Budget, Cause.EnvironmentCall, Cause.LoadPageFault, Cause.StorePageFault]) {
      expect(lab.causes[cause]).toBeGreaterThan(count / 4);
    }
  });

  it('are mostly run by translated code, and many of them for long', () => {
    const lab = new Lab('hot', LOOPS);
    let before = 0;
    let long = 0;
    const count = 500;
    runSequences(lab, 20_000, count, () => {
      if (lab.instructions - before > 3 * PORTION) long++;
      before = lab.instructions;
    });
    const { ram, hartBlock } = lab.subject.hart;
    expect(HartBlock.translated.get(ram, hartBlock) / HartBlock.instret.get(ram, hartBlock)).toBeGreaterThan(0.6);
    expect(long).toBeGreaterThan(count / 10);
  });

  it('are the same of the same seed, and others of others', () => {
    const programs = Array.from({ length: 200 }, (_, n) => programOf(n * STATES_PER_PROGRAM, LOOPS));
    expect(new Set(programs.map(({ image }) => image.join())).size).toBe(programs.length);
    for (const n of [0, 199]) expect(programOf(n * STATES_PER_PROGRAM, LOOPS)).toEqual(programs[n]);
  });
});

describe('a loop that fails', () => {
  /** On its subject, the store at an address is no store. */
  class Broken extends Lab {
    constructor(private readonly store: number) {
      super('off', LOOPS);
    }

    override load(program: Program): void {
      super.load(program);
      const { hart, code } = this.subject;
      const at = (code[Math.floor((this.store - CODE) / PAGE_BYTES)]! + ((this.store - CODE) % PAGE_BYTES)) >>> 1;
      if ((hart.ram.u16[at]! & 0x7f) !== (asm('sd') & 0x7f)) return;
      hart.ram.u16.set([NOP & 0xffff, NOP >>> 16], at);
      hart.cpu.flushCode();
    }
  }

  it('is made small, with the registers and pages that matter', () => {
    // One with a store among its first instructions, which it comes to.
    for (let sequence = 0; ; sequence += STATES_PER_PROGRAM) {
      const program = programOf(sequence, LOOPS);
      const store = program.starts.slice(0, 8).find((start) => (wordAt(program, start) & 0x7f) === (asm('sd') & 0x7f));
      if (store === undefined) continue;
      const small = minimise(new Broken(store), sequence, program);
      if (small === undefined) continue;
      const left = program.starts.filter((start) => {
        const word = wordAt(small.program, start);
        return word !== NOP && (word & 0xffff) !== C_NOP && (word & 0xffff) !== C_EBREAK;
      });
      expect(left).toContain(store);
      expect(left.length).toBeLessThan(5);
      expect(small.pages.length).toBeLessThan(3);
      return;
    }
  });
});
