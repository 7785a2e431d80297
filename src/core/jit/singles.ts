/*
 * Which floating-point registers hold singles at the start of each block of a region, on all ways to it, so that the tier need not look
 * whether they are boxed, and may keep their values as singles through loops.
 *
 * A region with a loop assumes that registers hold singles when it is entered which it may read as such before it writes them, and never as
 * anything else; the prologue has to see to it. Of a register that it does not read before it writes it, nothing need be true.
 *
 * Sets are masks of the 32 registers.
 */

import { F_SLOT, SINK_SLOT } from '../context.ts';
import type { Shape } from './flow.ts';
import { addReads, readsSingles, Registers, writesSingle } from './operation.ts';
import type { Block, Region } from './region.ts';

export interface Singles {
  /** By order of the block. */
  readonly known: readonly number[];
  /** To be checked when the region is entered. */
  readonly assumed: number;
}

export function singlesOf(region: Region, { blocks, isLoop }: Shape): Singles {
  const effects = blocks.map((block) => effectOf(region, block));
  const reads = readAtEntry(blocks, effects, 'reads');
  const known = blocks.map(() => -1);
  known[0] = isLoop.includes(true) ? ~readAtEntry(blocks, effects, 'otherReads') : 0;
  for (let changed = true; changed;) {
    changed = false;
    for (const block of blocks) {
      const { singles, others } = effects[block.order]!;
      const after = (known[block.order]! & ~others) | singles;
      for (const { to } of block.edges()) {
        if (to === undefined || (known[to.order]! & ~after) === 0) continue;
        known[to.order] = known[to.order]! & after;
        changed = true;
      }
    }
  }
  return { known, assumed: known[0] & reads };
}

/** The slots of registers. */
export function slotsOf(mask: number): Set<number> {
  const slots = new Set<number>();
  for (let n = 0; n < 32; n++) if ((mask & (1 << n)) !== 0) slots.add(F_SLOT + n);
  return slots;
}

interface Effect {
  /** Registers that the block leaves with a single, and with anything else. */
  readonly singles: number;
  readonly others: number;
  /** Read by the block before it writes them: at all, and otherwise than as singles. */
  readonly reads: number;
  readonly otherReads: number;
}

function effectOf(region: Region, block: Block): Effect {
  const reads = new Registers();
  const otherReads = new Registers();
  const written = new Registers();
  let singles = 0;
  for (let i = block.first; i < block.end; i++) {
    const op = region.op[i]!;
    for (const set of readsSingles(op) ? [reads] : [reads, otherReads]) {
      addReads(set, written, op, region.rs1[i]!, region.rs2[i]!, region.imm[i]!);
    }
    const rd = region.rd[i]!;
    written.add(rd);
    if (rd < F_SLOT || rd >= SINK_SLOT) continue;
    const mask = 1 << (rd - F_SLOT);
    singles = writesSingle(op) ? singles | mask : singles & ~mask;
  }
  return { singles, others: written.f & ~singles, reads: reads.f, otherReads: otherReads.f };
}

/** The registers that the region may read as they are when it is entered. */
function readAtEntry(blocks: readonly Block[], effects: readonly Effect[], which: 'reads' | 'otherReads'): number {
  const live = effects.map((effect) => effect[which]);
  for (let changed = true; changed;) {
    changed = false;
    for (let b = blocks.length - 1; b >= 0; b--) {
      const { singles, others } = effects[b]!;
      let all = live[b]!;
      for (const { to } of blocks[b]!.edges()) if (to !== undefined) all |= live[to.order]! & ~(singles | others);
      if (all === live[b]) continue;
      live[b] = all;
      changed = true;
    }
  }
  return live[0]!;
}
