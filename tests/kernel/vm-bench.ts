/*
 * A test bench for virtual memory: the services of one or more participants over a small RAM, without harts.
 */

import { HartBlock } from '../../src/core/hart-block.ts';
import { alignUp } from '../../src/core/layout.ts';
import { PAGE_SIZE, Ram } from '../../src/core/ram.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { Locks } from '../../src/smp/spinlock.ts';
import { AddressSpaces } from '../../src/kernel/address-space.ts';
import { Areas } from '../../src/kernel/areas.ts';
import { Arguments } from '../../src/kernel/arguments.ts';
import { Frames } from '../../src/kernel/frames.ts';
import { Contents } from '../../src/kernel/contents.ts';
import { Mappings } from '../../src/kernel/mappings.ts';
import { ProgramLoader } from '../../src/kernel/program.ts';
import { Remaps } from '../../src/kernel/remap.ts';
import { SpaceForks } from '../../src/kernel/space-fork.ts';
import { makeTrampoline, TRAMPOLINE_BYTES } from '../../src/kernel/signal-trampoline.ts';
import { Truncation } from '../../src/kernel/truncation.ts';
import { UserCopy } from '../../src/kernel/user-copy.ts';

export const PARTICIPANTS = 3;
const AREAS = 400;
const SPACES = 8;
const CONTENTS = 8;

/** Where the regions of the bench lie. */
export interface BenchMap {
  readonly controls: number;
  readonly frames: number;
  readonly areas: number;
  readonly spaces: number;
  readonly contents: number;
  readonly trampoline: number;
  readonly low: number;
  readonly high: number;
}

export function drawMap(frameCount: number): BenchMap {
  let at = PAGE_SIZE;
  const take = (bytes: number): number => {
    const base = alignUp(at, 64);
    at = base + bytes;
    return base;
  };
  take(HartBlock.SIZE);
  const controls = take(PARTICIPANTS * HartControl.SIZE);
  const frames = take(Frames.bytes(frameCount, PARTICIPANTS));
  const areas = take(Areas.bytes(AREAS));
  const spaces = take(AddressSpaces.bytes(SPACES));
  const contents = take(Contents.bytes(CONTENTS));
  const trampoline = take(TRAMPOLINE_BYTES);
  const low = alignUp(at, PAGE_SIZE);
  return { controls, frames, areas, spaces, contents, trampoline, low, high: low + frameCount * PAGE_SIZE };
}

/** One participant's services. */
export class Bench {
  readonly locks: Locks;
  readonly frames: Frames;
  readonly contents: Contents;
  readonly areas: Areas;
  readonly spaces: AddressSpaces;
  readonly mappings: Mappings;
  readonly copy: UserCopy;
  readonly forks: SpaceForks;
  readonly remaps: Remaps;
  readonly truncation: Truncation;
  readonly args: Arguments;
  readonly loader: ProgramLoader;
  /** Addresses of the TlbStates that were shot, in order. */
  readonly shots: number[] = [];
  /** How many of them were for code. */
  codeShots = 0;

  constructor(
    readonly ram: Ram,
    readonly map: BenchMap,
    me: number,
  ) {
    this.locks = new Locks(ram, map.controls + me * HartControl.SIZE, me);
    this.frames = new Frames(ram, this.locks, map.frames, map.low, map.high, PARTICIPANTS, me);
    this.contents = new Contents(ram, this.locks, this.frames, map.contents, CONTENTS);
    this.areas = new Areas(ram, this.locks, this.contents, map.areas, AREAS);
    const shootdown = {
      shoot: (tlb: number): void => void this.shots.push(tlb),
      shootCode: (tlb: number): void => {
        this.shots.push(tlb);
        this.codeShots++;
      },
    };
    this.spaces = new AddressSpaces(ram, this.locks, this.frames, this.areas, this.contents, shootdown, map.spaces, SPACES);
    this.mappings = new Mappings(ram, this.locks, this.spaces);
    this.copy = new UserCopy(ram, this.locks, this.spaces);
    this.forks = new SpaceForks(ram, this.locks, this.spaces);
    this.truncation = new Truncation(ram, this.locks, this.contents, this.spaces, this.mappings);
    this.remaps = new Remaps(ram, this.locks, this.spaces, this.mappings);
    this.args = new Arguments(ram, this.frames, this.copy);
    this.loader = new ProgramLoader(ram, this.frames, this.mappings, this.copy, this.contents, this.args, map.trampoline);
  }

  initialise(): void {
    this.frames.initialise();
    this.areas.initialise();
    this.spaces.initialise();
    this.contents.initialise();
  }

  /** Makes what the loader maps into every program: a content that stays. */
  readyToLoad(): void {
    makeTrampoline(this.ram, this.contents, this.map.trampoline);
  }

  /** Everything that can leak. */
  inUse(): Readonly<Record<string, number>> {
    return {
      frames: this.frames.total - this.frames.freeCount(),
      areas: this.areas.inUse(),
      spaces: this.spaces.inUse(),
      contents: this.contents.inUse(),
      locks: this.locks.held,
    };
  }
}

/** A fresh bench with `frameCount` frames, of participant 0. */
export function makeBench(frameCount = 2048): Bench {
  const map = drawMap(frameCount);
  const bench = new Bench(Ram.allocate(map.high), map, 0);
  bench.initialise();
  return bench;
}
