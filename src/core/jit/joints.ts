/*
 * Joints: blocks without instructions that make one entry of several, by telling from a register (`target`, in the tier) which is meant.
 *
 * WebAssembly has no loop with two entries, but returns within a region make such: the code behind a call is entered by the returns of all
 * who call. A joint that all ways into the loop lead to becomes its only entry.
 */

import { Flow } from './operation.ts';
import { Block, type Region } from './region.ts';

/** Most joints of a region, and most entries of one; what goes beyond is cut off. */
const MAX_JOINTS = 4;
const MAX_ENTRIES = 8;

/**
 * Gives the loop that a backward edge closes without going to what dominates it a single entry.
 *
 * @param blocks in reverse postorder
 * @returns whether that was possible
 */
export function joinEntries(
  region: Region,
  blocks: readonly Block[],
  dominator: readonly number[],
  from: Block,
  to: Block,
): boolean {
  if (region.blocks.filter((block) => block.joins).length >= MAX_JOINTS) return false;
  const outer = commonDominator(dominator, from.order, to.order);
  const within = (block: Block): boolean => block.order > outer && isDominated(dominator, block.order, outer);
  const ahead = reached(to, within, (block) => block.edges().flatMap((edge) => edge.to ?? []));
  const before = predecessors(blocks);
  const back = reached(to, within, (block) => before[block.order]!);
  const loop = new Set([...ahead].filter((block) => back.has(block)));
  if (!loop.has(from)) return false;
  const entries = [...loop].filter((block) => before[block.order]!.some((source) => !loop.has(source)));
  if (entries.length > MAX_ENTRIES || entries.some((block) => block.joins)) return false;
  const joint = new Block(0, 0, to.pc);
  joint.flow = Flow.Indirect;
  for (const block of region.blocks) {
    for (const edge of block.edges()) if (edge.to !== undefined && entries.includes(edge.to)) edge.to = joint;
  }
  joint.computed = entries.map((block) => ({ pc: block.pc, to: block }));
  region.blocks.push(joint);
  return true;
}

function predecessors(blocks: readonly Block[]): Block[][] {
  const out: Block[][] = blocks.map(() => []);
  for (const block of blocks) for (const { to } of block.edges()) if (to !== undefined) out[to.order]!.push(block);
  return out;
}

function reached(start: Block, within: (block: Block) => boolean, next: (block: Block) => readonly Block[]): Set<Block> {
  const found = new Set([start]);
  for (const block of found) for (const other of next(block)) if (within(other)) found.add(other);
  return found;
}

function commonDominator(dominator: readonly number[], a: number, b: number): number {
  while (a !== b) {
    if (a > b) a = dominator[a]!;
    else b = dominator[b]!;
  }
  return a;
}

function isDominated(dominator: readonly number[], order: number, by: number): boolean {
  let at = order;
  while (at > by) at = dominator[at]!;
  return at === by;
}
