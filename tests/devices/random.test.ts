import { randomFillSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';
import { Ram } from '../../src/core/ram.ts';
import { initRandom, Random, RANDOM_KEY_WORDS, randomBytes, RandomState } from '../../src/devices/random.ts';

const BASE = 0x1000;
const OUT = 0x8000;

function machine(participants: number, seed: number | Uint32Array = randomFillSync(new Uint32Array(RANDOM_KEY_WORDS))): Ram {
  const ram = Ram.allocate(65536);
  initRandom(ram, BASE, participants, seed);
  return ram;
}

function take(ram: Ram, participant: number, length: number): string {
  new Random(ram, BASE, participant).fill(OUT, length);
  return Buffer.from(ram.bytes(OUT, length)).toString('hex');
}

describe('the random generator', () => {
  it('is ChaCha20: the key stream of RFC 8439, A.1, test vectors 1 and 2', () => {
    const ram = machine(1, 1);
    ram.fill(RandomState.key.addr(BASE), 32);
    expect(take(ram, 0, 128)).toBe(
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
        'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586' +
        '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed' +
        '29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
    );
  });

  it('repeats with the seed', () => {
    expect(take(machine(2, 42), 1, 100)).toBe(take(machine(2, 42), 1, 100));
    expect(take(machine(2, 42), 1, 100)).not.toBe(take(machine(2, 43), 1, 100));
  });

  it('differs without a seed', () => {
    expect(take(machine(1), 0, 32)).not.toBe(take(machine(1), 0, 32));
  });

  it('gives each participant a stream of its own', () => {
    const ram = machine(3, 7);
    expect(new Set([0, 1, 2].map((participant) => take(ram, participant, 64))).size).toBe(3);
  });

  it('gives the same bytes in pieces of any size, and no byte beside the place', () => {
    const whole = take(machine(1, 5), 0, 300);
    const ram = machine(1, 5);
    const random = new Random(ram, BASE, 0);
    let at = OUT;
    for (const length of [1, 63, 64, 65, 0, 7, 100]) {
      random.fill(at, length);
      at += length;
    }
    expect(Buffer.from(ram.bytes(OUT, 300)).toString('hex')).toBe(whole);
    expect(Buffer.from(ram.bytes(at, 64)).every((byte) => byte === 0)).toBe(true);
  });

  it('keeps nothing in RAM of what it has given away', () => {
    const ram = machine(1, 5);
    const first = take(ram, 0, 40).slice(0, 16);
    ram.fill(OUT, 40);
    expect(Buffer.from(ram.bytes(0, 65536)).toString('hex')).not.toContain(first);
  });

  it('does not repeat words', () => {
    const random = new Random(machine(1, 5), BASE, 0);
    const words = Array.from({ length: 1000 }, () => random.u32());
    expect(new Set(words).size).toBe(1000);
    expect(words.some((word) => word > 0x7fff_ffff)).toBe(true);
  });

  it('says how much RAM it takes', () => {
    const ram = machine(2, 1);
    const end = BASE + randomBytes(2);
    new Random(ram, BASE, 1).fill(OUT, 64);
    expect(Buffer.from(ram.bytes(end, OUT - end)).every((byte) => byte === 0)).toBe(true);
  });
});
