/*
 * Loops that are emitted twice: a guarded copy, whose streams of memory accesses need no look at their windows, and the checked one.
 *
 * Both stand behind a gate, a block without instructions in the place of the loop's head. It finds out for how many rounds the streams stay
 * in their windows, and chooses: the guarded copy comes back to it after so many, the checked one after each.
 */

import { shapeOf, type Shape } from './flow.ts';
import { type LoopGuard, streamsOf } from './loop-guard.ts';
import { innermostLoops, type Loop } from './loops.ts';
import { accessesMemory, Flow } from './operation.ts';
import { Block, type Edge, type Region } from './region.ts';

/** Most instructions of a loop that is copied, and of all copies in a region. */
const MAX_LOOP = 100;
const MAX_COPIED = 300;

export class LoopCopies {
  /** By gate, and by block of the guarded copy. */
  private readonly guarding = new Map<Block, LoopGuard>();
  /** By block of the checked copy. */
  private readonly checking = new Map<Block, LoopGuard>();

  /** Adds gates and copies to a region. */
  constructor(region: Region) {
    const shape = shapeOf(region);
    let copied = 0;
    for (const loop of innermostLoops(shape)) {
      const size = loop.body.reduce((sum, block) => sum + block.end - block.first, 0);
      if (size > MAX_LOOP || copied + size > MAX_COPIED || !this.isFit(region, loop)) continue;
      copied += size;
      this.copy(region, shape, loop);
    }
  }

  /** The guard that a gate decides by; undefined of any other block. */
  gateOf(block: Block): LoopGuard | undefined {
    return block.isGate ? this.guarding.get(block) : undefined;
  }

  /** The guard under which a block is executed. */
  guardOf(block: Block): LoopGuard | undefined {
    return block.isGate ? undefined : this.guarding.get(block);
  }

  /** The guard of the loop that a block is in the checked copy of. */
  checkedOf(block: Block): LoopGuard | undefined {
    return this.checking.get(block);
  }

  private isFit(region: Region, { body }: Loop): boolean {
    let accesses = false;
    for (const block of body) {
      if (block.joins || block.computed.length > 0) return false;
      for (let i = block.first; i < block.end; i++) accesses ||= accessesMemory(region.op[i]!);
    }
    return accesses;
  }

  private copy(region: Region, shape: Shape, loop: Loop): void {
    const { head, body } = loop;
    const gate = new Block(0, 0, head.pc);
    const guard: LoopGuard = { ...streamsOf(region, shape, loop), shortest: shortestRound(loop) };
    const copies = new Map(body.map((block) => [block, new Block(block.first, block.end, block.pc)]));
    const inCopy = (edge: Edge): Edge => ({ pc: edge.pc, to: (edge.to && copies.get(edge.to)) ?? edge.to });
    for (const [block, copy] of copies) {
      copy.flow = block.flow;
      copy.next = block.next && inCopy(block.next);
      copy.taken = block.taken && inCopy(block.taken);
      copy.returns = block.returns.map(inCopy);
      copy.jump = block.jump;
      if (loop.latches.includes(block)) copy.exhausted = { pc: head.pc, to: gate };
      this.guarding.set(copy, guard);
      this.checking.set(block, guard);
    }
    for (const block of region.blocks) for (const edge of block.edges()) if (edge.to === head) edge.to = gate;
    gate.flow = Flow.Branch;
    gate.taken = { pc: head.pc, to: copies.get(head) };
    gate.next = { pc: head.pc, to: head };
    this.guarding.set(gate, guard);
    region.blocks.push(...copies.values());
    // The region's entry comes first.
    if (head === region.blocks[0]) region.blocks.unshift(gate);
    else region.blocks.push(gate);
  }
}

/** The fewest instructions from the head back to it. */
function shortestRound({ head, body, latches }: Loop): number {
  const to = new Map<Block, number>([[head, 0]]);
  let shortest = Infinity;
  for (const block of body) {
    const after = to.get(block)! + block.end - block.first;
    if (latches.includes(block)) shortest = Math.min(shortest, after);
    for (const { to: next } of block.edges()) {
      if (next !== undefined && next !== head && body.includes(next)) to.set(next, Math.min(to.get(next) ?? Infinity, after));
    }
  }
  return shortest;
}
