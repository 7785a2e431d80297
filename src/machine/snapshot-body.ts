/*
 * The body of a snapshot's file: all that is large, as one stream of bytes without the blocks of RAM that are zero, in chunks that are
 * compressed each for itself, several at a time.
 *
 * The layout, which stands in the header, says what the stream consists of, and where the zero blocks belong.
 */

import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';

import { PAGE_SIZE } from '../core/ram.ts';
import type { MachineSnapshot } from './machine-snapshot.ts';
import type { Piece } from './snapshot.ts';

/** How the body comes to be a snapshot's bytes again. */
export interface BodyLayout {
  /** Pieces of RAM: address and bytes. */
  readonly pieces: readonly (readonly [number, number])[];
  /** Blocks of all pieces, in order: so many that are zero, so many that are not, and so on. */
  readonly runs: readonly number[];
  /** Bytes of the console's input, captured output and captured errors, which follow. */
  readonly console: readonly [number, number, number];
  /** Compressed bytes of each chunk. */
  readonly chunks: readonly number[];
}

/** What is in a body. */
export interface Body {
  readonly pieces: readonly Piece[];
  readonly input: Uint8Array;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** The last block of a piece may be shorter. */
const BLOCK = PAGE_SIZE;
const CHUNK = 2 ** 20;

const compress = promisify(deflateRaw);
const decompress = promisify(inflateRaw) as (input: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Makes the body of a snapshot. */
export async function pack({ ram, console }: MachineSnapshot): Promise<{ chunks: Uint8Array[]; layout: BodyLayout }> {
  const runs: number[] = [0];
  const parts: Uint8Array[] = [];
  for (const { words } of ram.pieces) {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    for (let at = 0; at < bytes.length; at += BLOCK) {
      const end = Math.min(bytes.length, at + BLOCK);
      const isData = words.subarray(at >>> 2, end >>> 2).some((word) => word !== 0);
      // Zero blocks have the even places.
      if ((runs.length & 1) !== (isData ? 0 : 1)) runs.push(0);
      runs[runs.length - 1]!++;
      if (isData) parts.push(bytes.subarray(at, end));
    }
  }
  parts.push(console.input, console.stdout, console.stderr);
  const plain = Buffer.concat(parts);
  const count = Math.ceil(plain.length / CHUNK);
  const chunks = await inParallel(count, (i) =>
    compress(plain.subarray(i * CHUNK, (i + 1) * CHUNK), { level: constants.Z_BEST_SPEED }),
  );
  const layout = {
    pieces: ram.pieces.map(({ address, words }) => [address, words.byteLength] as const),
    runs,
    console: [console.input.length, console.stdout.length, console.stderr.length] as const,
    chunks: chunks.map((chunk) => chunk.length),
  };
  return { chunks, layout };
}

/**
 * Takes a body apart.
 *
 * @throws Error when it is not what its layout says
 */
export async function unpack(body: Uint8Array, layout: BodyLayout): Promise<Body> {
  const sizes = blockSizes(layout);
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0) + layout.console.reduce((sum, bytes) => sum + bytes, 0);
  if (layout.chunks.length !== Math.ceil(total / CHUNK)) throw new Error('its chunks are not as many as its blocks need');
  const starts: number[] = [];
  let end = 0;
  for (const bytes of layout.chunks) {
    starts.push(end);
    end += bytes;
  }
  if (end !== body.length) throw new Error('its chunks are not as long as its body');
  const plain = await inParallel(layout.chunks.length, async (i) => {
    const length = Math.min(CHUNK, total - i * CHUNK);
    const chunk = await decompress(body.subarray(starts[i], starts[i]! + layout.chunks[i]!), { maxOutputLength: length });
    if (chunk.length !== length) throw new Error('a chunk is too short');
    return chunk;
  });
  return assemble(new Stream(plain), layout);
}

/** Bytes of each block that is not zero, in order. */
function blockSizes({ pieces, runs }: BodyLayout): number[] {
  const sizes: number[] = [];
  const kinds = new Kinds(runs);
  for (const [, bytes] of pieces) {
    for (let at = 0; at < bytes; at += BLOCK) if (kinds.next()) sizes.push(Math.min(BLOCK, bytes - at));
  }
  if (!kinds.done) throw new Error('it has more blocks than its pieces have room for');
  return sizes;
}

function assemble(stream: Stream, { pieces, runs, console }: BodyLayout): Body {
  const kinds = new Kinds(runs);
  const filled = pieces.map(([address, length]) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += BLOCK) if (kinds.next()) stream.take(bytes.subarray(at, at + BLOCK));
    return { address, words: new Uint32Array(bytes.buffer) };
  });
  const [input, stdout, stderr] = console.map((length) => stream.take(new Uint8Array(length))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return { pieces: filled, input, stdout, stderr };
}

/** Tells of one block after the other whether it is in the stream. */
class Kinds {
  private run = 0;
  private used = 0;

  constructor(private readonly runs: readonly number[]) {}

  next(): boolean {
    while (this.run < this.runs.length && this.used === this.runs[this.run]) {
      this.run++;
      this.used = 0;
    }
    if (this.run === this.runs.length) throw new Error('it has fewer blocks than its pieces');
    this.used++;
    return (this.run & 1) === 1;
  }

  get done(): boolean {
    return this.run === this.runs.length || (this.run === this.runs.length - 1 && this.used === this.runs[this.run]);
  }
}

/** The chunks as one stream. */
class Stream {
  private chunk = 0;
  private at = 0;

  constructor(private readonly chunks: readonly Uint8Array[]) {}

  /** Fills `target` with what comes next. */
  take(target: Uint8Array): Uint8Array {
    for (let done = 0; done < target.length;) {
      const source = this.chunks[this.chunk]!;
      const count = Math.min(target.length - done, source.length - this.at);
      target.set(source.subarray(this.at, this.at + count), done);
      done += count;
      this.at += count;
      if (this.at < source.length) continue;
      this.chunk++;
      this.at = 0;
    }
    return target;
  }
}

/** Results of `work` for 0 … count − 1, as many at a time as the host has cores. */
async function inParallel<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      results[i] = await work(i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
  return results;
}
