/*
 * The shape of a region's flow graph: an order of its blocks, who dominates whom, where the loops begin.
 *
 * WebAssembly has blocks, loops and forward branches out of them, no jumps. A reducible graph can be written so: the blocks in reverse
 * postorder, each where the dominator tree has it (emit.ts; after Ramsey, "Beyond Relooper", 2022). An edge that goes back to a block that
 * does not dominate its source would make a loop with two entries: these are joined (joints.ts), or, if that cannot be, the edge is cut,
 * that is, turned into an exit whose target gets a region of its own.
 */

import { joinEntries } from './joints.ts';
import type { Block, Edge, Region } from './region.ts';

export interface Shape {
  /** In reverse postorder; block.order is the index. */
  readonly blocks: readonly Block[];
  /** Immediate dominator of each, by order; the entry is its own. */
  readonly dominator: readonly number[];
  /** Forward edges into each block, by order. */
  readonly forwardEdges: readonly number[];
  readonly isLoop: readonly boolean[];
  /** The most instructions from the start of each block to the next backward edge or exit. */
  readonly longest: readonly number[];
}

/** Works out the shape of a region. Blocks that nothing reaches are left out; edges that cannot be expressed are cut. */
export function shapeOf(region: Region): Shape {
  for (;;) {
    const blocks = reversePostorder(region);
    const dominator = dominators(blocks);
    const dominates = (a: number, b: number): boolean => {
      let at = b;
      while (at > a) at = dominator[at]!;
      return at === a;
    };
    const edge = strayEdge(blocks, dominates);
    if (edge === undefined) return describe(blocks, dominator);
    const [from, { to }] = edge;
    if (!joinEntries(region, blocks, dominator, from, to!)) edge[1].to = undefined;
  }
}

export function isBackEdge(from: Block, edge: Edge): boolean {
  return edge.to !== undefined && edge.to.order <= from.order;
}

function reversePostorder(region: Region): Block[] {
  for (const block of region.blocks) block.order = -1;
  const postorder: Block[] = [];
  const entry = region.blocks[0]!;
  const stack: { block: Block; next: number }[] = [];
  const visit = (block: Block): void => {
    // Any number but −1 says that it has been seen.
    block.order = 0;
    // The edge that is looked at last comes first in the result: what follows a block in memory stays behind it.
    stack.push({ block, next: 0 });
  };
  visit(entry);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const edge = top.block.edges()[top.next++];
    if (edge === undefined) {
      postorder.push(top.block);
      stack.pop();
    } else if (edge.to?.order === -1) visit(edge.to);
  }
  const blocks = postorder.reverse();
  blocks.forEach((block, order) => (block.order = order));
  return blocks;
}

/** Immediate dominators (Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm"). */
function dominators(blocks: readonly Block[]): number[] {
  const predecessors: number[][] = blocks.map(() => []);
  for (const block of blocks)
    for (const { to } of block.edges()) if (to !== undefined) predecessors[to.order]!.push(block.order);
  const idom = new Array<number>(blocks.length).fill(-1);
  idom[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (let b = 1; b < blocks.length; b++) {
      let joined = -1;
      for (const p of predecessors[b]!) {
        if (idom[p] === -1) continue;
        if (joined === -1) joined = p;
        else {
          let other = p;
          while (joined !== other) {
            while (joined > other) joined = idom[joined]!;
            while (other > joined) other = idom[other]!;
          }
        }
      }
      if (joined !== idom[b]) {
        idom[b] = joined;
        changed = true;
      }
    }
  }
  return idom;
}

/** A backward edge, with its source, to a block that does not dominate that. */
function strayEdge(blocks: readonly Block[], dominates: (a: number, b: number) => boolean): [Block, Edge] | undefined {
  for (const block of blocks) {
    for (const edge of block.edges()) {
      if (isBackEdge(block, edge) && !dominates(edge.to!.order, block.order)) return [block, edge];
    }
  }
  return undefined;
}

function describe(blocks: readonly Block[], dominator: readonly number[]): Shape {
  const forwardEdges = blocks.map(() => 0);
  const isLoop = blocks.map(() => false);
  const longest = blocks.map((block) => block.end - block.first);
  for (let b = blocks.length - 1; b >= 0; b--) {
    const block = blocks[b]!;
    let after = 0;
    for (const edge of block.edges()) {
      if (edge.to === undefined) continue;
      if (isBackEdge(block, edge)) isLoop[edge.to.order] = true;
      else {
        forwardEdges[edge.to.order]!++;
        after = Math.max(after, longest[edge.to.order]!);
      }
    }
    longest[b]! += after;
  }
  return { blocks, dominator, forwardEdges, isLoop, longest };
}
