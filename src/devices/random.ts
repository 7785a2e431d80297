/*
 * The random generator: ChaCha20 (RFC 8439) in RAM, a stream of its own for each participant, so that nobody needs a lock.
 *
 * The key is the machine's, from the host's cryptographic source or, for runs that are to be repeated, from a seed. The nonce is
 * the participant's number, and its block counter never comes back: streams neither meet nor repeat.
 */

import { bytes, struct, u32, u64 } from '../core/layout.ts';
import type { Ram } from '../core/ram.ts';

const BLOCK_BYTES = 64;
export const RANDOM_KEY_WORDS = 8;

export const RandomState = struct(
  'RandomState',
  {
    key: bytes('immutable', 4 * RANDOM_KEY_WORDS, 8),
    nonce: u32('immutable'),
    /** Bytes of `block` already given away. */
    used: u32('owner'),
    /** Number of the next block. */
    counter: u64('owner'),
    block: bytes('owner', BLOCK_BYTES, 8),
  },
  { align: 64 },
);

/** Bytes for the states of so many participants (harts, and the host). */
export function randomBytes(participants: number): number {
  return participants * RandomState.SIZE;
}

/**
 * Seeds all participants; before the machine starts.
 *
 * @param seed any integer, for a reproducible run; or RANDOM_KEY_WORDS words from the host's cryptographic source
 */
export function initRandom(ram: Ram, base: number, participants: number, seed: number | Uint32Array): void {
  const key = typeof seed === 'number' ? keyFrom(seed) : seed;
  for (let participant = 0; participant < participants; participant++) {
    const state = base + participant * RandomState.SIZE;
    ram.u32.set(key, RandomState.key.addr(state) >>> 2);
    RandomState.nonce.set(ram, state, participant);
    RandomState.counter.set(ram, state, 0);
    RandomState.used.set(ram, state, BLOCK_BYTES);
  }
}

/** Spreads a seed over a key (splitmix32). */
function keyFrom(seed: number): Uint32Array<ArrayBuffer> {
  const key = new Uint32Array(RANDOM_KEY_WORDS);
  let x = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  for (let i = 0; i < RANDOM_KEY_WORDS; i++) {
    x = (x + 0x9e3779b9) >>> 0;
    let z = x;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    key[i] = z ^ (z >>> 15);
  }
  return key;
}

/** One participant's generator. */
export class Random {
  private readonly state: number;
  private readonly work = new Int32Array(16);

  constructor(
    private readonly ram: Ram,
    base: number,
    participant: number,
  ) {
    this.state = base + participant * RandomState.SIZE;
  }

  /** Fills `length` bytes of RAM at `address`. */
  fill(address: number, length: number): void {
    const { ram, state } = this;
    const block = RandomState.block.addr(state);
    let used = RandomState.used.get(ram, state);
    let to = address;
    const end = address + length;
    while (to < end) {
      if (used === BLOCK_BYTES) {
        this.nextBlock();
        used = 0;
      }
      const count = Math.min(BLOCK_BYTES - used, end - to);
      ram.copy(to, block + used, count);
      // What is given away is not kept: a look into RAM later tells nothing of it.
      ram.fill(block + used, count);
      used += count;
      to += count;
    }
    RandomState.used.set(ram, state, used);
  }

  /** A random 32-bit unsigned integer. */
  u32(): number {
    const { ram, state } = this;
    let used = (RandomState.used.get(ram, state) + 3) & ~3;
    if (used === BLOCK_BYTES) {
      this.nextBlock();
      used = 0;
    }
    RandomState.used.set(ram, state, used + 4);
    const at = (RandomState.block.addr(state) + used) >>> 2;
    const value = ram.u32[at]!;
    ram.u32[at] = 0;
    return value;
  }

  private nextBlock(): void {
    const { ram, state, work } = this;
    const key = RandomState.key.addr(state) >>> 2;
    const out = RandomState.block.addr(state) >>> 2;
    const counter = RandomState.counter.get(ram, state);
    RandomState.counter.set(ram, state, counter + 1);
    for (let i = 0; i < 4; i++) ram.i32[out + i] = SIGMA[i]!;
    for (let i = 0; i < RANDOM_KEY_WORDS; i++) ram.i32[out + 4 + i] = ram.i32[key + i]!;
    ram.u32[out + 12] = counter % 2 ** 32;
    ram.u32[out + 13] = Math.floor(counter / 2 ** 32);
    ram.u32[out + 14] = RandomState.nonce.get(ram, state);
    ram.u32[out + 15] = 0;
    for (let i = 0; i < 16; i++) work[i] = ram.i32[out + i]!;
    for (let round = 0; round < 20; round += 2) {
      quarter(work, 0, 4, 8, 12);
      quarter(work, 1, 5, 9, 13);
      quarter(work, 2, 6, 10, 14);
      quarter(work, 3, 7, 11, 15);
      quarter(work, 0, 5, 10, 15);
      quarter(work, 1, 6, 11, 12);
      quarter(work, 2, 7, 8, 13);
      quarter(work, 3, 4, 9, 14);
    }
    for (let i = 0; i < 16; i++) ram.i32[out + i] = ram.i32[out + i]! + work[i]!;
  }
}

/** "expand 32-byte k" */
const SIGMA = Int32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

function quarter(w: Int32Array, a: number, b: number, c: number, d: number): void {
  w[a] = w[a]! + w[b]!;
  let x = w[d]! ^ w[a];
  w[d] = (x << 16) | (x >>> 16);
  w[c] = w[c]! + w[d];
  x = w[b]! ^ w[c];
  w[b] = (x << 12) | (x >>> 20);
  w[a] = w[a] + w[b];
  x = w[d] ^ w[a];
  w[d] = (x << 8) | (x >>> 24);
  w[c] = w[c] + w[d];
  x = w[b] ^ w[c];
  w[b] = (x << 7) | (x >>> 25);
}
