/*
 * Compares a space's page table with its areas and its accounts, entry by entry.
 */

import { expect } from 'vitest';
import { PTE_R, PTE_SIZE, PTE_V, PTE_W, PTE_X, PTES_PER_TABLE, pteToAddress } from '../../src/core/mmu.ts';
import { PAGE_SIZE } from '../../src/core/ram.ts';
import { Space } from '../../src/kernel/address-space.ts';
import { Area } from '../../src/kernel/areas.ts';
import { protToPte, PTE_SHARED } from '../../src/kernel/page-table.ts';
import type { Bench } from './vm-bench.ts';

/** Protection of every page that has an area, from the areas. */
export function pagesOf(bench: Bench, space: number): Map<number, number> {
  const { ram, areas } = bench;
  const set = Space.areas.addr(space);
  const pages = new Map<number, number>();
  let last = 0;
  for (let area = areas.next(set, 0); area !== 0; area = areas.next(set, last)) {
    const start = Area.start.get(ram, area);
    expect(start).toBeGreaterThanOrEqual(last);
    last = Area.end.get(ram, area);
    expect(last).toBeGreaterThan(start);
    for (let va = start; va < last; va += PAGE_SIZE) pages.set(va / PAGE_SIZE, Area.prot.get(ram, area));
  }
  return pages;
}

/** Checks every invariant of a space; returns how many frames it uses for itself alone. */
export function audit(bench: Bench, space: number): number {
  const { ram, frames } = bench;
  const pages = pagesOf(bench, space);
  let leaves = 0;
  let tables = 0;
  let own = 0;
  const visit = (table: number, level: number, firstPage: number): void => {
    tables++;
    expect(frames.references(table)).toBe(1);
    for (let i = 0; i < PTES_PER_TABLE; i++) {
      const entry = ram.u32[(table + i * PTE_SIZE) >>> 2]!;
      const page = firstPage + i * 512 ** level;
      if (entry === 0) continue;
      if (level > 0) {
        visit(pteToAddress(entry), level - 1, page);
        continue;
      }
      leaves++;
      const prot = pages.get(page);
      expect(prot, `page ${String(page)} is present without an area`).toBeDefined();
      const expected = protToPte(prot!) & ~((entry & PTE_SHARED) !== 0 ? PTE_W : 0);
      expect(entry & (PTE_V | PTE_R | PTE_W | PTE_X)).toBe(expected & (PTE_V | PTE_R | PTE_W | PTE_X));
      if ((entry & PTE_SHARED) === 0) {
        own++;
        expect(frames.references(pteToAddress(entry))).toBe(1);
      }
    }
  };
  visit(Space.root.get(ram, space), 2, 0);
  expect(leaves).toBe(Space.residentPages.get(ram, space));
  expect(tables).toBe(Space.tablePages.get(ram, space));
  expect(bench.spaces.mappedBytes(space)).toBe(pages.size * PAGE_SIZE);
  expect(bench.locks.held).toBe(0);
  expect(bench.spaces.batch.count).toBe(0);
  return own + tables;
}
