/*
 * Which pages of data a random program finds, by virtual address, and how they lie in RAM.
 */

import { DATA } from '../../core/helpers/hart.ts';
import { PAGE_BYTES } from './layout.ts';

/** Here are 2 MiB at once, read-only. */
export const SUPERPAGE = 0x4000_0000;
const TOP = 2 ** 38 - PAGE_BYTES;
/** The last page of all 64-bit addresses. */
const LAST = 2 ** 64 - PAGE_BYTES;
/** What one table of pages covers. */
const TABLE_SPAN = 0x20_0000;

export interface Terrain {
  /** Addresses of the data pages. */
  readonly pages: readonly number[];
  /** Whether their frames follow each other upwards; downwards if not. A sequence may still map the pages to them in another order. */
  readonly upwards: boolean;
  /** Index of the page with the table of code addresses, if there is one. */
  readonly table: number | undefined;
}

function row(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => start + n * PAGE_BYTES);
}

/** Few pages, none beside its neighbour in RAM. */
export const SCATTERED: Terrain = { pages: [0, ...row(DATA, 7), TOP], upwards: false, table: 1 };

/** Pages of arrays. */
export const ARRAY = row(DATA, 24);
/** Room for long loops, a row across two tables of pages, and the ends of the address space: address 0 comes behind the last one. */
export const ROWS: Terrain = {
  pages: [LAST, 0, ...ARRAY, ...row(TABLE_SPAN - 2 * PAGE_BYTES, 4), TOP],
  upwards: true,
  table: undefined,
};
