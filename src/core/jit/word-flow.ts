/*
 * Which integer registers hold words (word.ts) at the start of each block of a region, on all ways to it, so that the tier may keep them
 * in 32 bits through loops. It follows from what the meanings of the instructions say (word-probe.ts).
 *
 * What the registers hold when the region is entered is not known. A region with a loop assumes that those hold words by which the loop
 * gains something; the prologue has to see to it. A region that is entered otherwise is translated anew, without the assumptions that did
 * not hold (`beWary`, translations.ts).
 */

import { F_SLOT } from '../context.ts';
import { isBackEdge, type Shape } from './flow.ts';
import type { Liveness } from './liveness.ts';
import { Flow, Registers } from './operation.ts';
import type { Block, Region } from './region.ts';
import { Level } from './word.ts';
import { WordProbe } from './word-probe.ts';
import { Words } from './words.ts';

const LEVELS = 3;

export interface WordFlow {
  /** By order of the block. What is known in the first is to be checked when the region is entered. */
  readonly known: readonly Words[];
  /** Which loop a block is in, the innermost one, by the order of its head; −1 outside of loops. */
  readonly loop: readonly number[];
}

export function wordsOf(region: Region, { blocks, isLoop }: Shape, { loaded }: Liveness): WordFlow {
  const loop = loopsOf(blocks);
  const flow = new Transfer(region, blocks, loop);
  if (!isLoop.includes(true)) return { known: flow.from(Words.all(Level.Any)), loop };
  const entry = Words.all(Level.Any);
  for (const slot of loaded.slots()) if (slot < F_SLOT) entry.set(slot, region.hopes.level(slot));
  let known = flow.from(entry);
  const most = flow.gain(known);
  // What nothing gains by is not assumed. That is most, so it is tried with many at once.
  const drop = (slots: readonly number[]): void => {
    if (slots.length === 0) return;
    const fewer = entry.copy();
    for (const slot of slots) fewer.set(slot, Level.Any);
    const without = flow.from(fewer);
    if (flow.gain(without) === most) {
      for (const slot of slots) entry.set(slot, Level.Any);
      known = without;
    } else if (slots.length > 1) {
      drop(slots.slice(0, slots.length >> 1));
      drop(slots.slice(slots.length >> 1));
    }
  };
  drop(entry.slots());
  return { known, loop };
}

/** See WordFlow.loop. What stands between the head of a loop and the last edge back to it counts as in it. */
function loopsOf(blocks: readonly Block[]): number[] {
  const last = blocks.map(() => -1);
  for (const block of blocks) {
    for (const edge of block.edges()) if (isBackEdge(block, edge)) last[edge.to!.order] = block.order;
  }
  const loop = blocks.map(() => -1);
  last.forEach((end, head) => loop.fill(head, head, end + 1));
  return loop;
}

class Transfer {
  /** Registers that loops write words to which the host has to extend wherever they are not known to be words. */
  private readonly written = new Registers();
  private readonly probe: WordProbe;
  /** The answers of the probe + 1, by instruction and the levels of its operands; 0 where it has not been asked. */
  private readonly answers: Uint8Array;

  constructor(
    private readonly region: Region,
    private readonly blocks: readonly Block[],
    private readonly loop: readonly number[],
  ) {
    this.probe = new WordProbe(region);
    this.answers = new Uint8Array(region.size * LEVELS * LEVELS);
    for (const { order, first, end } of blocks) {
      if (loop[order]! < 0) continue;
      for (let i = first; i < end; i++) if (this.probe.computesWord(i)) this.written.add(region.rd[i]!);
    }
  }

  /** What is known at the start of each block, when so much is at the entry. */
  from(entry: Words): Words[] {
    const known = this.blocks.map(() => Words.all(Level.Positive));
    known[0] = entry.copy();
    for (let changed = true; changed;) {
      changed = false;
      for (const block of this.blocks) {
        const after = known[block.order]!.copy();
        for (let i = block.first; i < block.end; i++) this.step(i, after);
        for (const { to } of block.edges()) if (to !== undefined && known[to.order]!.meet(after)) changed = true;
      }
    }
    return known;
  }

  /** How much is gained by what is known: words that loops carry, comparisons in 32 bits. */
  gain(known: readonly Words[]): number {
    const { loop } = this;
    let sum = 0;
    for (const { order, first, end, flow } of this.blocks) {
      if (loop[order]! < 0) continue;
      const words = known[order]!.copy();
      if (loop[order] === order) for (const slot of this.written.slots()) sum += words.level(slot);
      if (flow !== Flow.Branch || first === end) continue;
      for (let i = first; i < end - 1; i++) this.step(i, words);
      if (this.comparesWritten(end - 1) && this.ask(end - 1, words) !== Level.Any) sum++;
    }
    return sum;
  }

  private comparesWritten(i: number): boolean {
    const { rs1, rs2 } = this.region;
    return this.written.has(rs1[i]!) || this.written.has(rs2[i]!);
  }

  private step(i: number, words: Words): void {
    const rd = this.region.rd[i]!;
    if (rd > 0 && rd < F_SLOT) words.set(rd, this.ask(i, words));
  }

  private ask(i: number, words: Words): Level {
    const { rs1, rs2 } = this.region;
    return this.answer(i, levelIn(words, rs1[i]!), levelIn(words, rs2[i]!));
  }

  private answer(i: number, first: Level, second: Level): Level {
    const at = (i * LEVELS + first) * LEVELS + second;
    const known = this.answers[at]!;
    if (known !== 0) return (known - 1) as Level;
    const result = this.probe.resultOf(i, first, second);
    this.answers[at] = result + 1;
    return result;
  }
}

const levelIn = (words: Words, slot: number): Level => (slot < F_SLOT ? words.level(slot) : Level.Any);
