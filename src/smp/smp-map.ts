/*
 * Where the blocks of each hart lie: the part of the physical map that this folder needs.
 */

import { HartBlock } from '../core/hart-block.ts';
import { HartControl } from './hart-control.ts';

/** More harts than this cannot be named in the bit masks of an address space. */
export const MAX_HARTS = 64;

export class SmpMap {
  constructor(
    readonly cpus: number,
    private readonly hartBlocks: number,
    private readonly hartControls: number,
  ) {}

  hartBlock(hart: number): number {
    return this.hartBlocks + hart * HartBlock.SIZE;
  }

  hartControl(hart: number): number {
    return this.hartControls + hart * HartControl.SIZE;
  }
}
