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
  const entry = Words.all(Level.Any);
  if (!isLoop.includes(true)) return { known: flow.from(entry), loop };
  for (const slot of loaded.slots()) if (slot < F_SLOT) entry.set(slot, region.hopes.level(slot));
  const known = flow.from(entry);
  const idle = flow.forget(entry, known);
  return { known: idle ? flow.from(entry) : known, loop };
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
    const { blocks } = this;
    const known = blocks.map(() => Words.all(Level.Positive));
    known[0] = entry.copy();
    // A block is looked at again when less is known at its start.
    const due = new Uint8Array(blocks.length).fill(1);
    for (let changed = true; changed;) {
      changed = false;
      for (let b = 0; b < blocks.length; b++) {
        if (due[b] === 0) continue;
        due[b] = 0;
        const block = blocks[b]!;
        const after = known[b]!.copy();
        for (let i = block.first; i < block.end; i++) this.step(i, after);
        for (const { to } of block.edges()) {
          if (to === undefined || !known[to.order]!.meet(after)) continue;
          due[to.order] = 1;
          if (to.order <= b) changed = true;
        }
      }
    }
    return known;
  }

  /**
   * Takes from what is assumed at the entry what nothing is gained by; returns whether there is any. Gained are words that loops carry
   * and write, and comparisons of these in 32 bits.
   *
   * @param known what is known with it
   */
  forget(entry: Words, known: readonly Words[]): boolean {
    const wanted = this.wantedIn(known);
    while (this.wantOperands(wanted, known));
    let any = false;
    for (const slot of entry.slots()) {
      if (wanted.has(slot)) continue;
      entry.set(slot, Level.Any);
      any = true;
    }
    return any;
  }

  /** The registers that something is gained by at once. */
  private wantedIn(known: readonly Words[]): Registers {
    const { blocks, loop, region, written } = this;
    const wanted = new Registers();
    for (let b = 0; b < blocks.length; b++) {
      if (loop[b]! < 0) continue;
      const { first, end, flow } = blocks[b]!;
      if (loop[b] === b) {
        for (const slot of written.slots()) if (known[b]!.level(slot) !== Level.Any) wanted.add(slot);
      }
      if (flow !== Flow.Branch || first === end || !this.comparesWritten(end - 1)) continue;
      const words = known[b]!.copy();
      for (let i = first; i < end - 1; i++) this.step(i, words);
      if (this.ask(end - 1, words) === Level.Any) continue;
      wanted.add(region.rs1[end - 1]!);
      wanted.add(region.rs2[end - 1]!);
    }
    return wanted;
  }

  /** Adds the registers that those wanted are words by; returns whether there are more now. */
  private wantOperands(wanted: Registers, known: readonly Words[]): boolean {
    const { blocks, region } = this;
    const more = wanted.copy();
    for (let b = 0; b < blocks.length; b++) {
      const { first, end } = blocks[b]!;
      const words = known[b]!.copy();
      for (let i = first; i < end; i++) {
        if (wanted.has(region.rd[i]!)) {
          const [one, other] = [levelIn(words, region.rs1[i]!), levelIn(words, region.rs2[i]!)];
          const result = this.answer(i, one, other);
          if (this.answer(i, Level.Any, other) < result) more.add(region.rs1[i]!);
          if (this.answer(i, one, Level.Any) < result) more.add(region.rs2[i]!);
        }
        this.step(i, words);
      }
    }
    return wanted.unite(more);
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
