/*
 * --dump-translation, on programs of the machine itself.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { dumpProgram } from '../../src/cli/dump.ts';
import { describeElf } from '../../src/core/elf.ts';
import { UsageError } from '../../src/machine/errors.ts';
import { projectRoot } from '../../src/smp/bundle.ts';

const trials = join(projectRoot, 'guest/bin/trials');
let folder: string;
let entry: number;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartbeat-dump-'));
  const outcome = describeElf(readFileSync(trials));
  if (!outcome.ok) throw new Error(outcome.refusal);
  ({ entry } = outcome.program);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The trials, with other instructions at their entry. */
function withCode(...halfwords: readonly number[]): string {
  const bytes = readFileSync(trials);
  const outcome = describeElf(bytes);
  if (!outcome.ok) throw new Error(outcome.refusal);
  const segment = outcome.program.segments.find((s) => entry >= s.address && entry < s.address + s.fileBytes)!;
  halfwords.forEach((half, i) => bytes.writeUInt16LE(half, segment.offset + entry - segment.address + 2 * i));
  const file = join(folder, halfwords.join('-'));
  writeFileSync(file, bytes);
  return file;
}

const dump = (place: string, word: string | undefined = trials): string => dumpProgram(place, word);
const atEntry = (): string => entry.toString(16);

describe('the dump of a translation', () => {
  it('begins with what the region is made of', () => {
    const lines = dump(atEntry()).split('\n');
    expect(lines[0]).toBe(`;; region 0x${atEntry()}`);
    expect(lines.slice(1, 6).map((line) => line.replace(/: .*/, ''))).toEqual([
      ';; instructions',
      ';; blocks',
      ';; loops',
      ';; bytes of the module',
      ';; code',
    ]);
    expect(lines[5]).toContain(`0x${atEntry()}-0x`);
  });

  it('shows each instruction once, with the code that it became below it', () => {
    // addi a0,a0,5; addi a1,a0,-1; bne a1,zero,-4; jalr zero,0(ra)
    const text = dump(atEntry(), withCode(0x0515, 0x0593, 0xfff5, 0xfdf5, 0x8082));
    const lines = text.split('\n').map((line) => line.trim());
    const at = lines.findIndex((line) => line.endsWith('0515      addi a0,a0,5'));
    expect(lines[at]).toBe(`;; ${atEntry()}:  0515      addi a0,a0,5`);
    expect(lines[at + 1]).toBe('(local.set $a0 (i64.add (local.get $a0) (i64.const 5)))');
    expect(text).toContain(';; instructions: 4\n;; blocks: 3\n;; loops: 1\n');
    expect(text).toContain(`(loop $head_${(entry + 2).toString(16)}`);
    const instructions = lines.filter((line) => /^;; [\da-f]+: {2}/.test(line));
    expect(instructions).toHaveLength(4);
    expect(new Set(instructions).size).toBe(4);
    expect(text.split('(').length).toBe(text.split(')').length);
  });

  it('has a name for every operator and function that it shows', () => {
    const text = dump(atEntry());
    expect(text).not.toContain('(bytes');
    expect(text).not.toMatch(/call \d/);
  });

  it('finds programs as they are found for running', () => {
    expect(dump(atEntry(), 'guest/bin/trials')).toBe(dump(`0x${atEntry()}`, trials));
    const box = describeElf(readFileSync(join(projectRoot, 'guest/bin/box')));
    const start = box.ok ? box.program.entry.toString(16) : '';
    expect(dump(start, 'sh')).toBe(dump(start, join(projectRoot, 'guest/bin/box')));
  });
});

describe('the dump of a translation is refused in one line', () => {
  it.each<[string, () => string, RegExp]>([
    ['without a program', () => dumpProgram('10000', undefined), /^--dump-translation needs a program/],
    ['for an odd address', () => dump((entry + 1).toString(16)), /is odd, instructions begin at even addresses$/],
    [
      'where no code is',
      () => dump('0x10'),
      /^--dump-translation 0x10: no code there, that of .* is at 0x[\da-f]+-0x[\da-f]+$/,
    ],
    ['beyond all addresses', () => dump('ffffffffffffe'), /no code there/],
    [
      'for what is neither address nor symbol',
      () => dump('no_such'),
      /^--dump-translation no_such: neither a hex.* nor a symbol/,
    ],
    ['for what is no instruction', () => dump(atEntry(), withCode(0, 0)), /left to the interpreter: .* \.2byte 0x0$/],
    ['for a program that does not exist', () => dump('10000', './none'), /^\.\/none: no such file$/],
    ['for what is no program', () => dump('10000', join(projectRoot, 'package.json')), /is not an ELF file$/],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(UsageError);
    expect(act).toThrow(message);
    expect(act).not.toThrow(/\n/);
  });
});
