/*
 * What becomes of executables that are broken at random? They are refused with a reason, or end by a signal, or do not mind; and the
 * machine goes on with all its memory.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/machine.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { boot, expectAlive, expectFrames, killAll, randomFrom, settledFrames } from './support.ts';

const original = new Uint8Array(readFileSync(join(projectRoot, 'guest/bin/box')));
const MUTANTS = 250;
/** A mutant that computes for ever is killed after this. */
const PATIENCE_MS = 500;

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const PROGRAM_HEADERS = 8;
/** Offset, addresses, sizes and alignment in a program header. */
const FIELDS = [8, 16, 24, 32, 40, 48];
const EDGES = [
  0n,
  1n,
  4095n,
  4096n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 37n,
  2n ** 38n - 1n,
  2n ** 38n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 4096n,
];

/** The executable with one to four things changed. */
function mutant(seed: number): Uint8Array {
  const random = randomFrom(seed);
  const bytes = new Uint8Array(original);
  const view = new DataView(bytes.buffer);
  const field = (): number => HEADER_BYTES + PROGRAM_HEADER_BYTES * random(PROGRAM_HEADERS) + FIELDS[random(FIELDS.length)]!;
  for (let changes = 1 + random(4); changes > 0; changes--) {
    switch (random(7)) {
      case 0:
        bytes[random(HEADER_BYTES)] = random(256);
        break;
      case 1:
        bytes[HEADER_BYTES + random(PROGRAM_HEADERS * PROGRAM_HEADER_BYTES)] = random(256);
        break;
      case 2:
        view.setBigUint64(field(), EDGES[random(EDGES.length)]!, true);
        break;
      case 3: {
        const at = field();
        view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(random(2) === 0 ? 4096 * random(100) : random(5000)), true);
        break;
      }
      case 4:
        view.setBigUint64(24, BigInt(0x10000 + random(400_000)), true);
        break;
      case 5:
        for (let i = 0; i < 200; i++) bytes[random(bytes.length)] = random(256);
        break;
      default:
        if (random(3) === 0) return bytes.slice(0, random(bytes.length));
    }
  }
  return bytes;
}

describe('an executable that is broken at random', () => {
  it.each([1, 4])('harms itself alone, with %i harts', async (cpus) => {
    const machine = await boot({ cpus, memory: 64 * 2 ** 20 });
    await expectAlive(machine);
    const before = await settledFrames(machine);
    const ways = { refused: 0, signal: 0, exit: 0 };
    for (let seed = 1; seed <= MUTANTS; seed++) {
      const timer = setTimeout(() => killAll(machine), PATIENCE_MS);
      try {
        const program = { kind: 'host', name: 'mutant', bytes: mutant(seed * cpus) } as const;
        const { signal } = await machine.run('/mutant', ['echo', 'hi'], { program });
        ways[signal === undefined ? 'exit' : 'signal']++;
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        expect(error.message).toMatch(/^\/mutant.* \S/);
        ways.refused++;
      }
      clearTimeout(timer);
    }
    // The mutations are good for all three.
    expect(Math.min(ways.refused, ways.signal, ways.exit)).toBeGreaterThan(MUTANTS / 20);
    await expectFrames(machine, before);
    await expectAlive(machine);
  });
});
