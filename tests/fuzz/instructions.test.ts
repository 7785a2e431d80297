/*
 * A fixed set of random instruction sequences (see instructions/lab.ts); `instructions/campaign.ts` runs millions.
 *
 * HARTBEAT_STRESS=n makes the set n times as large. When a test fails, its message says how to replay the sequence.
 */

import { describe, expect, it } from 'vitest';

import { Decoded, decodeLong, decodeShort, isLong } from '../../src/core/isa/decode.ts';
import { ILLEGAL, INSTRUCTIONS, OPERATIONS } from '../../src/core/isa/table.ts';
import { Cause } from '../../src/core/trap.ts';
import { CODE } from '../core/helpers/hart.ts';
import { C_EBREAK } from './instructions/encode.ts';
import { reportFailure, runSequences } from './instructions/failure.ts';
import { hex, Lab, nameOf, programOf, STATES_PER_PROGRAM } from './instructions/lab.ts';
import { PAGE_BYTES } from './instructions/layout.ts';
import { wordAt } from './instructions/report.ts';

const scale = Number(process.env.HARTBEAT_STRESS ?? 1);

/** Runs so many sequences; the report on the one that fails, if any. */
function differing(lab: Lab, first: number, count: number): string | undefined {
  const failed = runSequences(lab, first, count);
  return failed && reportFailure(lab, failed.sequence, first, failed.difference);
}

describe('random instruction sequences', () => {
  const pieces = new Lab('off');

  it('end alike whether a budget is used at once or in pieces', { timeout: 60_000 * scale }, () => {
    expect(differing(pieces, 0, 3000 * scale)).toBeUndefined();
  });

  it.each([
    ['always', 2000],
    ['hot', 3000],
  ] as const)('end alike interpreted and translated (%s)', { timeout: 120_000 * scale }, (tier, count) => {
    expect(differing(new Lab(tier), 10_000, count * scale)).toBeUndefined();
  });

  it('end in every way that guest code can end in', () => {
    const impossible: readonly Cause[] = [Cause.InstructionMisaligned, Cause.InstructionAccessFault, Cause.Doorbell];
    const missing = Object.values(Cause).filter((cause) => !impossible.includes(cause) && pieces.causes[cause] === 0);
    expect(missing.map(nameOf)).toEqual([]);
  });
});

describe('the generator of instruction sequences', () => {
  const programs = Array.from({ length: 400 }, (_, n) => programOf(n * STATES_PER_PROGRAM));

  it('draws every instruction in every length', () => {
    const decoded = new Decoded();
    const drawn = new Set<number>();
    for (const program of programs) {
      for (const start of program.starts) {
        const word = wordAt(program, start);
        if (isLong(word)) decodeLong(word, decoded);
        else decodeShort(word & 0xffff, decoded);
        drawn.add(decoded.op);
      }
    }
    expect(drawn.has(ILLEGAL)).toBe(true);
    const missing = OPERATIONS.filter(({ number }) => !drawn.has(number));
    expect(missing.map(({ instruction, length }) => `${instruction.name} in ${String(length)} bytes`)).toEqual([]);
    expect(drawn.size).toBeGreaterThan(INSTRUCTIONS.length);
  });

  it('makes the same program of the same seed, and other ones of others', () => {
    const images = new Set(programs.map(({ image }) => image.join()));
    expect(images.size).toBe(programs.length);
    for (const n of [0, 1, 399]) expect(programOf(n * STATES_PER_PROGRAM)).toEqual(programs[n]);
  });
});

describe('a lab', () => {
  it('says what differs, where, and how to replay it', () => {
    const lab = new Lab('off');
    const sequence = 5;
    lab.load(programOf(sequence));
    lab.draw(sequence);
    // Another instruction on the subject, where the sequence begins.
    const { hart, code } = lab.subject;
    const inside = lab.state.pc - CODE;
    hart.ram.u16[(code[Math.floor(inside / PAGE_BYTES)]! + (inside % PAGE_BYTES)) >>> 1] = C_EBREAK;
    hart.cpu.flushCode();
    const difference = lab.run(sequence)!;
    expect(difference).toMatchObject({ what: 'cause', subject: 'Breakpoint', run: 0, from: lab.state.pc });
    // That is seen no more on fresh harts.
    const report = reportFailure(lab, sequence, 0, difference);
    expect(report).toMatch(/^sequence 5 fails, only once: cause is/);
    expect(report).toContain('--tier off --seed 0 --count 6');
    expect(report).toMatch(new RegExp(`^>[ *] ${hex(lab.state.pc)} `, 'm'));
  });
});
