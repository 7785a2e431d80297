/*
 * The areas of one address space, ordered by address, in a treap.
 *
 * Nodes are areas (disjoint, non-empty address ranges) linked by their addresses in RAM. The priority of a node is a hash of its
 * address, so that the shape is balanced by chance and yet the same in every run. Each node sums up its subtree: lowest start, highest
 * end, and the widest hole between neighbours in it, so that a hole of a given size is found in O(log n) as everything else.
 *
 * Pure structure: no locks, no allocation. Functions that change a tree take its root and return the new one. Guard: the lock of the
 * space whose root it is.
 */

import { f64, struct, u16, u32, u8 } from '../core/layout.ts';
import { PAGE_SIZE, type Ram } from '../core/ram.ts';

export const Area = struct('Area', {
  left: u32('Space.lock'),
  right: u32('Space.lock'),
  /** First address, and the first one behind; multiples of PAGE_SIZE. */
  start: f64('Space.lock'),
  end: f64('Space.lock'),
  /** Of the subtree, in pages. */
  lowest: u32('Space.lock'),
  highest: u32('Space.lock'),
  widestHole: u32('Space.lock'),
  /** What the pages are filled from, or 0; the area holds a reference to it. */
  content: u32('Space.lock'),
  /** Page of the content at `start`. */
  contentPage: u32('Space.lock'),
  /** Prot bits as asked for. */
  prot: u8('Space.lock'),
  /** AreaKind. */
  kind: u8('Space.lock'),
  /** AreaFlag bits. */
  flags: u16('Space.lock'),
  /** Where private pages want to lie (placement.ts): physical minus virtual address, modulo 2^32, and PLACED_IN_PART; … */
  placement: u32('Space.lock'),
  /** … the run of frames that this was chosen for, empty when there is none; … */
  runStart: u32('Space.lock'),
  runEnd: u32('Space.lock'),
  /** … and how many more pages may find no place there before another is chosen. */
  patience: u32('Space.lock'),
});

/** The lowest bit of a placement: its run is not for all of the area. */
export const PLACED_IN_PART = 1;

export class AreaTree {
  private low = 0;
  private high = 0;

  constructor(private readonly ram: Ram) {}

  /** The lowest area that ends behind `va`, or 0; it contains `va` if it starts at or before it. */
  firstEndingAfter(root: number, va: number): number {
    const { ram } = this;
    let found = 0;
    let node = root;
    while (node !== 0) {
      if (Area.end.get(ram, node) > va) {
        found = node;
        if (Area.start.get(ram, node) <= va) return node;
        node = Area.left.get(ram, node);
      } else {
        node = Area.right.get(ram, node);
      }
    }
    return found;
  }

  /** The highest area that starts before `va`, or 0. */
  lastStartingBefore(root: number, va: number): number {
    const { ram } = this;
    let found = 0;
    let node = root;
    while (node !== 0) {
      if (Area.start.get(ram, node) < va) {
        found = node;
        node = Area.right.get(ram, node);
      } else {
        node = Area.left.get(ram, node);
      }
    }
    return found;
  }

  /** Adds `area`, which overlaps no other. */
  insert(root: number, area: number): number {
    const { ram } = this;
    if (root === 0 || priority(area) > priority(root)) {
      this.split(root, Area.start.get(ram, area));
      Area.left.set(ram, area, this.low);
      Area.right.set(ram, area, this.high);
      this.sum(area);
      return area;
    }
    if (Area.start.get(ram, area) < Area.start.get(ram, root))
      Area.left.set(ram, root, this.insert(Area.left.get(ram, root), area));
    else Area.right.set(ram, root, this.insert(Area.right.get(ram, root), area));
    this.sum(root);
    return root;
  }

  /** Takes `area` out. */
  remove(root: number, area: number): number {
    const { ram } = this;
    if (root === area) return this.merge(Area.left.get(ram, area), Area.right.get(ram, area));
    if (Area.start.get(ram, area) < Area.start.get(ram, root))
      Area.left.set(ram, root, this.remove(Area.left.get(ram, root), area));
    else Area.right.set(ram, root, this.remove(Area.right.get(ram, root), area));
    this.sum(root);
    return root;
  }

  /** Corrects the sums above `area` after its bounds have changed in place (without passing a neighbour). */
  refresh(root: number, area: number): void {
    const { ram } = this;
    if (root !== area) {
      const left = Area.start.get(ram, area) < Area.start.get(ram, root);
      this.refresh(left ? Area.left.get(ram, root) : Area.right.get(ram, root), area);
    }
    this.sum(root);
  }

  /** The highest address at which `length` bytes between `low` and `high` belong to no area, or −1. */
  highestHole(root: number, length: number, low: number, high: number): number {
    const { ram } = this;
    if (high - low < length) return -1;
    if (root === 0) return high - length;
    const lowest = Area.lowest.get(ram, root) * PAGE_SIZE;
    const highest = Area.highest.get(ram, root) * PAGE_SIZE;
    if (lowest >= high || highest <= low) return high - length;
    // What sticks out of [low, high) cannot be judged by its sums, but that is true along two paths only.
    if (
      lowest >= low &&
      highest <= high &&
      lowest - low < length &&
      high - highest < length &&
      Area.widestHole.get(ram, root) * PAGE_SIZE < length
    )
      return -1;
    const above = this.highestHole(Area.right.get(ram, root), length, Math.max(low, Area.end.get(ram, root)), high);
    if (above >= 0) return above;
    return this.highestHole(Area.left.get(ram, root), length, low, Math.min(high, Area.start.get(ram, root)));
  }

  /** Divides a tree into `this.low` (areas that start before `va`) and `this.high`. */
  private split(root: number, va: number): void {
    const { ram } = this;
    if (root === 0) {
      this.low = 0;
      this.high = 0;
    } else if (Area.start.get(ram, root) < va) {
      this.split(Area.right.get(ram, root), va);
      Area.right.set(ram, root, this.low);
      this.low = root;
      this.sum(root);
    } else {
      this.split(Area.left.get(ram, root), va);
      Area.left.set(ram, root, this.high);
      this.high = root;
      this.sum(root);
    }
  }

  /** Joins two trees, all areas of `low` being below those of `high`. */
  private merge(low: number, high: number): number {
    const { ram } = this;
    if (low === 0) return high;
    if (high === 0) return low;
    if (priority(low) > priority(high)) {
      Area.right.set(ram, low, this.merge(Area.right.get(ram, low), high));
      this.sum(low);
      return low;
    }
    Area.left.set(ram, high, this.merge(low, Area.left.get(ram, high)));
    this.sum(high);
    return high;
  }

  /** Computes the sums of a node from its children. */
  private sum(node: number): void {
    const { ram } = this;
    const left = Area.left.get(ram, node);
    const right = Area.right.get(ram, node);
    const start = Area.start.get(ram, node) / PAGE_SIZE;
    const end = Area.end.get(ram, node) / PAGE_SIZE;
    let hole = 0;
    let lowest = start;
    let highest = end;
    if (left !== 0) {
      lowest = Area.lowest.get(ram, left);
      hole = Math.max(Area.widestHole.get(ram, left), start - Area.highest.get(ram, left));
    }
    if (right !== 0) {
      highest = Area.highest.get(ram, right);
      hole = Math.max(hole, Area.widestHole.get(ram, right), Area.lowest.get(ram, right) - end);
    }
    Area.lowest.set(ram, node, lowest);
    Area.highest.set(ram, node, highest);
    Area.widestHole.set(ram, node, hole);
  }
}

/** Of an area: a hash of where it lies, distinct for distinct slots. */
function priority(area: number): number {
  let hash = Math.imul(area >>> 6, 0x9e37_79b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}
