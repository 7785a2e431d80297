/*
 * What the translator knows of the point that it is emitting code for. It goes along with control from block to block, as far as a block
 * has one predecessor; where ways meet it begins anew.
 */

import type { Local } from '../wasm/node.ts';
import type { Registers } from './operation.ts';

/** A page that has been looked up: what lies near an address (base register + imm) is found without looking again. */
export interface NearPage {
  /** Of the address, relative to what the base register holds now. */
  readonly imm: number;
  /** Whether it may be written. */
  readonly write: boolean;
  /** Distance of the address from the start of its page; far beyond a page when nothing is known after all. */
  readonly distance: Local<'i32'>;
  /** Its physical address. */
  readonly physical: Local<'i32'>;
}

export class Here {
  constructor(
    /** Registers to be written back wherever the block is left: those that may differ from the context by its end. */
    readonly dirty: Registers,
    /** Instructions that have retired since the fuel was last reduced. */
    public retired = 0,
    /** By slot of the base register. */
    readonly pages = new Map<number, NearPage>(),
  ) {}

  /** As it is on the way to another block, whose dirty registers are given. */
  onTo(dirty: Registers): Here {
    return new Here(dirty, this.retired, new Map(this.pages));
  }
}
