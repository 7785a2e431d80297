/*
 * A small RAM with what the multi-hart folder needs: a boot page, hart blocks and control blocks, and room for locks and words.
 */

import { HartBlock } from '../../src/core/hart-block.ts';
import { alignUp } from '../../src/core/layout.ts';
import { PAGE_SIZE, Ram } from '../../src/core/ram.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { SmpMap } from '../../src/smp/smp-map.ts';

export const BOOT_PAGE = 0;
const CONTROLS = PAGE_SIZE;

/** Where things lie for `cpus` harts: computed alike by the test and by its workers. */
export interface SmpPlan {
  readonly cpus: number;
  readonly blocks: number;
  /** Free for the test: 64-aligned, zeroed. */
  readonly room: number;
  readonly bytes: number;
}

export function planSmp(cpus: number): SmpPlan {
  const blocks = alignUp(CONTROLS + (cpus + 1) * HartControl.SIZE, 64);
  const room = alignUp(blocks + cpus * HartBlock.SIZE, PAGE_SIZE);
  return { cpus, blocks, room, bytes: room + 16 * PAGE_SIZE };
}

export function smpMapOf(plan: SmpPlan): SmpMap {
  return new SmpMap(plan.cpus, plan.blocks, CONTROLS);
}

export function allocate(plan: SmpPlan): Ram {
  return Ram.allocate(plan.bytes);
}
