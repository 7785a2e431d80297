import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { disassemble } from '../../src/core/disassembler.ts';
import { COMPRESSED } from '../../src/core/isa/compressed.ts';
import { decodeLong, Decoded, decodeShort, expandCompressed } from '../../src/core/isa/decode.ts';
import { ILLEGAL, INSTRUCTIONS, OPERATIONS } from '../../src/core/isa/table.ts';
import { COMPRESSED_ENCODINGS, ENCODINGS } from './helpers/encodings.ts';

const OBJDUMP = 'riscv64-linux-gnu-objdump';
const hasObjdump = spawnSync(OBJDUMP, ['--version']).status === 0;

/** Texts in the golden lists have targets relative to the instruction. */
function absolute(text: string): string {
  return text.replace(/\.([+-])(\d+)$/, (_, sign: string, digits: string) => {
    return `0x${BigInt.asUintN(64, sign === '+' ? BigInt(digits) : -BigInt(digits)).toString(16)}`;
  });
}

/** A sequence of 32-bit numbers that is the same in every run. */
function* numbers(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    yield (Math.imul(state ^ (state >>> 15), 0x85eb_ca77) ^ (state >>> 7)) >>> 0;
  }
}

/** Text by offset, of a file of raw code. */
function objdump(bytes: Uint8Array, ...options: string[]): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'hartbeat-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, bytes);
    const out = execFileSync(OBJDUMP, ['-D', '-z', '-b', 'binary', '-m', 'riscv:rv64', ...options, file], {
      maxBuffer: 1 << 28,
      encoding: 'utf8',
    });
    const texts = new Map<number, string>();
    for (const line of out.split('\n')) {
      const m = /^\s*([0-9a-f]+):\s+[0-9a-f]+\s+(\S.*)$/.exec(line);
      if (m !== null) texts.set(parseInt(m[1]!, 16), m[2]!.replace(/#.*/, '').trim().replace(/\s+/g, ' '));
    }
    return texts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the instruction table', () => {
  it.each(ENCODINGS)('reads %x as %s', (word, text) => {
    expect(disassemble(word)).toBe(absolute(text));
  });

  it.each(COMPRESSED_ENCODINGS)('reads %x, %s, as %s', (half, _name, text) => {
    expect(disassemble(half)).toBe(absolute(text));
  });

  it('is checked whole: the lists above leave out no instruction and no compressed form', () => {
    const names = new Set(ENCODINGS.map(([, text]) => text.split(' ')[0]!.replace(/\.(aq|rl|aqrl)$/, '')));
    expect(INSTRUCTIONS.map((i) => i.name).filter((name) => !names.has(name))).toEqual([]);
    const forms = new Set(COMPRESSED_ENCODINGS.map(([, name]) => name));
    expect(COMPRESSED.map((f) => f.name).filter((name) => !forms.has(name))).toEqual([]);
  });

  it('has no word that two instructions claim', () => {
    for (const a of INSTRUCTIONS) {
      for (const b of INSTRUCTIONS) {
        if (a !== b) expect((a.match ^ b.match) & a.mask & b.mask, `${a.name} and ${b.name}`).not.toBe(0);
      }
    }
  });

  it('numbers its operations within a byte', () => {
    expect(OPERATIONS.length).toBeLessThan(256);
    OPERATIONS.forEach((operation, index) => {
      expect(operation.number).toBe(index + 1);
    });
  });
});

describe('the decoder', () => {
  it('takes every 16-bit word without throwing, and keeps its length', () => {
    const decoded = new Decoded();
    const wrong: number[] = [];
    for (let half = 0; half < 65536; half++) {
      if ((half & 3) === 3) continue;
      decodeShort(half, decoded);
      const consistent = decoded.op === ILLEGAL ? decoded.imm === half : OPERATIONS[decoded.op - 1]!.length === 2;
      if (decoded.length !== 2 || !consistent) wrong.push(half);
    }
    expect(wrong).toEqual([]);
  });

  it('has all zeros and all ones for illegal', () => {
    const decoded = new Decoded();
    decodeShort(0, decoded);
    expect(decoded.op).toBe(ILLEGAL);
    decodeLong(-1, decoded);
    expect(decoded.op).toBe(ILLEGAL);
  });

  it.each([
    ['mret', 0x3020_0073],
    ['sret', 0x1020_0073],
    ['wfi', 0x1050_0073],
    ['sfence.vma', 0x1200_0073],
    ['a read of mstatus', 0x3000_2573],
    ['a read of satp', 0x1800_2573],
    ['a write of cycle', 0xc005_1073],
    ['a set of bits in time', 0xc010_e073],
    ['fadd.s with rounding mode 5', 0x00c5_d553],
    ['fadd.d with rounding mode 6', 0x02c5_e553],
  ])('has %s for illegal', (_what, word) => {
    const decoded = new Decoded();
    decodeLong(word, decoded);
    expect(decoded.op).toBe(ILLEGAL);
    expect(decoded.imm).toBe(word | 0);
  });

  it('agrees with itself on 32-bit words: what it takes fits the definition it names', () => {
    const decoded = new Decoded();
    const random = numbers(11);
    const wrong: string[] = [];
    for (let i = 0; i < 50_000; i++) {
      const word = (random.next().value as number) | 3;
      decodeLong(word, decoded);
      const matching = INSTRUCTIONS.filter((x) => (word & x.mask) === x.match && (x.valid?.(word) ?? true));
      const name = decoded.op === ILLEGAL ? undefined : OPERATIONS[decoded.op - 1]!.instruction.name;
      if (matching.length > 1 || name !== matching[0]?.name) wrong.push(word.toString(16));
    }
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(!hasObjdump)('beside objdump', () => {
  it('shows 32-bit instructions alike', () => {
    const random = numbers(3);
    const next = (): number => random.next().value as number;
    const words = INSTRUCTIONS.flatMap((x) => Array.from({ length: 60 }, () => ((next() & ~x.mask) | x.match) >>> 0));
    // Words whose bits 4:2 are all ones begin longer instructions: objdump would go out of step.
    for (let i = 0; i < 30_000; i++) words.push(((next() | 3) & ((i & 7) === 7 ? ~0x1c : ~(1 << (2 + (i % 3))))) >>> 0);
    const texts = objdump(new Uint8Array(new Uint32Array(words).buffer), '-M', 'no-aliases');
    const ourNames = new Set(INSTRUCTIONS.map((x) => x.name));
    const differing: string[] = [];
    words.forEach((word, index) => {
      const ours = disassemble(word, 4 * index);
      const theirs = texts.get(4 * index);
      if (theirs === undefined || ours === theirs) return;
      const theirName = theirs.split(' ')[0]!.replace(/\.(aq|rl|aqrl)$/, '');
      const legal = !ours.startsWith('.');
      // Beyond user mode and RV64GC.
      if (!legal && (!ourNames.has(theirName) || theirName.startsWith('csr') || theirs.endsWith('unknown'))) return;
      // The unused fields of fences are ignored as the specification asks, and conversions that cannot round take any mode.
      if (/^(fence|fence\.i|fcvt\.d\.(w|wu|s))\b/.test(ours) && theirs.startsWith('.')) return;
      differing.push(`${word.toString(16)}: ${ours} / ${theirs}`);
    });
    expect(differing).toEqual([]);
  });

  it('expands each 16-bit instruction into one that objdump shows alike', () => {
    const halves = Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 3) !== 3);
    const words = halves.map(expandCompressed);
    const padded = halves.flatMap((half) => [half, 0x0001]);
    const short = objdump(new Uint8Array(new Uint16Array(padded).buffer));
    const long = objdump(new Uint8Array(new Int32Array(words.map((word) => (word === 0 ? 0x13 : word))).buffer));
    const differing: string[] = [];
    halves.forEach((half, index) => {
      const theirs = normal(short.get(4 * index)!);
      // Hints do nothing; objdump shows them in forms of their own.
      if (theirs.startsWith('c.')) return;
      // C.ADDI16SP of 0 is reserved, though objdump shows it.
      if (half === 0x6101) return;
      const ours = words[index] === 0 ? 'illegal' : normal(long.get(4 * index)!);
      if (ours !== theirs) differing.push(`${half.toString(16)}: ${ours} / ${theirs}`);
    });
    expect(differing).toEqual([]);
  });
});

/** One spelling for what objdump spells differently in 16 and 32 bits. */
function normal(text: string): string {
  return text
    .replace(/^(unimp|\.2byte .*|c\.unimp)$/, 'illegal')
    .replace(/^add (\w+),zero,(\w+)$/, 'mv $1,$2')
    .replace(/^add (\w+),\1,0$/, 'mv $1,$1');
}
