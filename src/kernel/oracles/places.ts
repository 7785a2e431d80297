/*
 * Which structures lie where in RAM, as their owners have said: so that an address alone tells what it is in, and which lock that has.
 *
 * Known in the seeded build only, once for each worker, which has one kernel. Places may lie within places (a pool's slots in the region of the
 * pool); each is asked for by its structure.
 */

import type { StructInfo } from '../../core/layout.ts';

/** Who owns objects for the time being. */
export interface Ownership {
  /** The participant that owns the object alone; -1: it is shared; -2: its slot is free. */
  ownerOf(address: number): number;
}

/** Equal structures one after another. */
export class Place {
  readonly end: number;

  constructor(
    readonly layout: StructInfo,
    readonly base: number,
    readonly stride: number,
    count: number,
    readonly ownership: Ownership | undefined,
  ) {
    this.end = base + stride * count;
  }

  has(address: number): boolean {
    return address >= this.base && address < this.end;
  }

  /** Index of the structure that an address is in. */
  indexOf(address: number): number {
    return Math.floor((address - this.base) / this.stride);
  }

  /** Address of the structure that an address is in. */
  startOf(address: number): number {
    return this.base + this.indexOf(address) * this.stride;
  }
}

const places: Place[] = [];

/** Notes where structures lie; once is enough, where several kernels share a worker (in tests). */
export function placed(layout: StructInfo, base: number, stride: number, count: number, ownership?: Ownership): void {
  if (places.some((place) => place.layout === layout && place.base === base)) return;
  places.push(new Place(layout, base, stride, count, ownership));
}

/** All places of a structure. */
export function placesOf(layout: StructInfo): Place[] {
  return places.filter((place) => place.layout === layout);
}

/** The place, if there is one, that an address is in, the smallest if there are several. */
export function placeAround(address: number): Place | undefined {
  let found: Place | undefined;
  for (const place of places) {
    if (place.has(address) && (found === undefined || place.end - place.base < found.end - found.base)) found = place;
  }
  return found;
}
