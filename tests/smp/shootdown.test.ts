/*
 * TLB shootdown: can a hart ever run guest code with a translation from before the change, once the one who made the change goes on?
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Ram } from '../../src/core/ram.ts';
import { Doorbells } from '../../src/smp/doorbell.ts';
import { Ipi } from '../../src/smp/ipi.ts';
import { HartControl, Mode } from '../../src/smp/hart-control.ts';
import { Shootdown, TlbState } from '../../src/smp/shootdown.ts';
import { allocate, planSmp, smpMapOf, type SmpPlan } from './bench.ts';
import type { ShootdownTask } from './shootdown-worker.ts';
import { endAll, runWorker } from './workers.ts';

let plan: SmpPlan;
let ram: Ram;

beforeEach(() => {
  plan = planSmp(3);
  ram = allocate(plan);
});

afterEach(endAll);

const spaceAt = (n: number): number => plan.room + n * TlbState.SIZE;

/** A hart that never runs, but does what a hart does around guest code. */
class Target {
  readonly control: number;
  readonly shootdown: Shootdown;
  readonly flushed: number[] = [];
  readonly flushedCode: number[] = [];
  readonly activated: number[] = [];
  /** Called in the middle of a flush. */
  during: () => void = () => undefined;

  constructor(readonly hart: number) {
    const map = smpMapOf(plan);
    this.control = map.hartControl(hart);
    const cpu = {
      activate: (root: number, asid: number): void => void this.activated.push(root, asid),
      flushAsid: (asid: number): void => {
        this.flushed.push(asid);
        this.during();
      },
      flushCodeOf: (asid: number): void => void this.flushedCode.push(asid),
    };
    this.shootdown = new Shootdown(ram, map, new Doorbells(ram, map), cpu, hart, 8);
  }
}

/** A shooter whose rings are recorded; each ring makes the rung hart leave guest code, so that nobody waits for ever. */
function makeShooter(hart: number): { shooter: Shootdown; rings: number[] } {
  const map = smpMapOf(plan);
  const rings: number[] = [];
  const doorbells = {
    ring: (target: number, kinds: number): void => {
      expect(kinds).toBe(Ipi.Shootdown);
      rings.push(target);
      HartControl.mode.store(ram, map.hartControl(target), Mode.Kernel);
    },
  };
  const cpu = { activate: (): void => undefined, flushAsid: (): void => undefined, flushCodeOf: (): void => undefined };
  const shooter = new Shootdown(ram, map, doorbells as unknown as Doorbells, cpu, hart, 8);
  return { shooter, rings };
}

describe('who changes a space', () => {
  it('waits for a hart that runs guest code in it', () => {
    const target = new Target(1);
    const { shooter, rings } = makeShooter(0);
    target.shootdown.activate(spaceAt(0), 100, 1);
    target.shootdown.enterGuest();
    shooter.shoot(spaceAt(0));
    expect(rings).toEqual([1]);
  });

  it('does not wait for harts in the kernel, in another space, or that have left the space', () => {
    const inKernel = new Target(1);
    const elsewhere = new Target(2);
    const { shooter, rings } = makeShooter(0);
    inKernel.shootdown.activate(spaceAt(0), 100, 1);
    inKernel.shootdown.enterGuest();
    inKernel.shootdown.leaveGuest();
    elsewhere.shootdown.activate(spaceAt(0), 100, 1);
    elsewhere.shootdown.enterGuest();
    elsewhere.shootdown.leaveGuest();
    elsewhere.shootdown.activate(spaceAt(1), 200, 2);
    elsewhere.shootdown.enterGuest();
    shooter.shoot(spaceAt(0));
    expect(rings).toEqual([]);
  });

  it('does not wait for itself', () => {
    const me = new Target(0);
    me.shootdown.activate(spaceAt(0), 100, 1);
    HartControl.mode.store(ram, me.control, Mode.Guest);
    me.shootdown.shoot(spaceAt(0));
    HartControl.mode.store(ram, me.control, Mode.Kernel);
    me.shootdown.enterGuest();
    expect(me.flushed).toEqual([1]);
  });

  it('waits for a hart whose last space had seen more changes than this one', () => {
    const target = new Target(1);
    const { shooter, rings } = makeShooter(0);
    TlbState.generation.store(ram, spaceAt(0), 100);
    TlbState.generation.store(ram, spaceAt(1), 4);
    target.shootdown.activate(spaceAt(0), 100, 1);
    target.shootdown.enterGuest();
    target.shootdown.leaveGuest();
    target.shootdown.activate(spaceAt(1), 200, 2);
    // The hart has stored that it runs guest code and has looked at the count of the space, but has not said yet which it has seen.
    target.during = () => {
      shooter.shoot(spaceAt(1));
    };
    target.shootdown.enterGuest();
    expect(rings).toEqual([1]);
  });

  it('finds harts beyond the thirty-second', () => {
    plan = planSmp(64);
    ram = allocate(plan);
    const { shooter, rings } = makeShooter(0);
    for (const hart of [1, 31, 32, 63]) {
      const target = new Target(hart);
      target.shootdown.activate(spaceAt(0), 100, 1);
      target.shootdown.enterGuest();
    }
    shooter.shoot(spaceAt(0));
    expect(rings.sort((a, b) => a - b)).toEqual([1, 31, 32, 63]);
  });

  it('still knows who is behind when the count has wrapped around', () => {
    const target = new Target(1);
    const { shooter, rings } = makeShooter(0);
    TlbState.generation.store(ram, spaceAt(0), 0xffff_ffff);
    target.shootdown.activate(spaceAt(0), 100, 1);
    target.shootdown.enterGuest();
    shooter.shoot(spaceAt(0));
    expect(TlbState.generation.load(ram, spaceAt(0))).toBe(0);
    expect(rings).toEqual([1]);
  });
});

describe('a hart that enters guest code', () => {
  it('flushes once for each change, and only then', () => {
    const { shootdown, flushed } = new Target(1);
    const { shooter } = makeShooter(0);
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.enterGuest();
    shootdown.leaveGuest();
    expect(flushed).toEqual([]);
    shooter.shoot(spaceAt(0));
    shooter.shoot(spaceAt(0));
    shootdown.enterGuest();
    shootdown.leaveGuest();
    shootdown.enterGuest();
    expect(flushed).toEqual([1]);
  });

  it('catches up with what has changed in a space while it was elsewhere', () => {
    const { shootdown, flushed } = new Target(1);
    const { shooter, rings } = makeShooter(0);
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.enterGuest();
    shootdown.leaveGuest();
    shootdown.activate(spaceAt(1), 200, 2);
    shooter.shoot(spaceAt(0));
    shootdown.enterGuest();
    shootdown.leaveGuest();
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.enterGuest();
    expect({ flushed, rings }).toEqual({ flushed: [1], rings: [] });
  });

  it('is known to run guest code before it looks whether something has changed', () => {
    const { shootdown, control } = new Target(1);
    shootdown.activate(spaceAt(0), 100, 1);
    const load = TlbState.generation.load.bind(TlbState.generation);
    const modes: number[] = [];
    const spy = vi.spyOn(TlbState.generation, 'load').mockImplementation((...args) => {
      modes.push(HartControl.mode.load(ram, control));
      return load(...args);
    });
    shootdown.enterGuest();
    spy.mockRestore();
    expect(modes).toEqual([Mode.Guest]);
  });

  it('tells which change it has seen', () => {
    const { shootdown, control } = new Target(1);
    const { shooter } = makeShooter(0);
    shooter.shoot(spaceAt(0));
    shooter.shoot(spaceAt(0));
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.enterGuest();
    expect(HartControl.generation.load(ram, control)).toBe(2);
    expect(HartControl.mode.load(ram, control)).toBe(Mode.Guest);
    shootdown.leaveGuest();
    expect(HartControl.mode.load(ram, control)).toBe(Mode.Kernel);
  });

  it('takes a space that has come back in the same slot for another one', () => {
    const { shootdown, activated } = new Target(1);
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.activate(spaceAt(0), 300, 1);
    expect(activated).toEqual([100, 1, 300, 1]);
  });

  it('takes part in no shootdown when it has no space', () => {
    const { shootdown, control } = new Target(1);
    shootdown.activate(spaceAt(0), 100, 1);
    const { shooter, rings } = makeShooter(0);
    shootdown.activate(0, 0, 0);
    HartControl.mode.store(ram, control, Mode.Guest);
    shooter.shoot(spaceAt(0));
    expect(rings).toEqual([]);
  });
});

describe('code', () => {
  it('is forgotten for a change that concerns code, and kept for one of data alone', () => {
    const { shootdown, flushed, flushedCode } = new Target(1);
    const { shooter } = makeShooter(0);
    const enter = (): void => {
      shootdown.enterGuest();
      shootdown.leaveGuest();
    };
    shootdown.activate(spaceAt(0), 100, 1);
    shooter.shoot(spaceAt(0));
    enter();
    expect({ flushed, flushedCode }).toEqual({ flushed: [1], flushedCode: [] });
    shooter.shootCode(spaceAt(0));
    shooter.shoot(spaceAt(0));
    enter();
    enter();
    expect({ flushed, flushedCode }).toEqual({ flushed: [1, 1], flushedCode: [1] });
  });

  it('of a space that a hart has left is forgotten when it comes back', () => {
    const { shootdown, flushedCode } = new Target(1);
    const { shooter } = makeShooter(0);
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.activate(spaceAt(1), 200, 2);
    shooter.shootCode(spaceAt(0));
    shootdown.enterGuest();
    shootdown.leaveGuest();
    expect(flushedCode).toEqual([]);
    shootdown.activate(spaceAt(0), 100, 1);
    shootdown.enterGuest();
    expect(flushedCode).toEqual([1]);
  });

  it('that is shot is waited for like a translation, until the hart has forgotten it', () => {
    const target = new Target(1);
    const { shooter, rings } = makeShooter(0);
    target.shootdown.activate(spaceAt(0), 100, 1);
    target.shootdown.enterGuest();
    shooter.shootCode(spaceAt(0));
    expect(rings).toEqual([1]);
    // While it forgets, it does not count as one that has.
    rings.length = 0;
    target.during = () => {
      target.during = () => undefined;
      expect(target.flushedCode).toEqual([]);
      shooter.shootCode(spaceAt(0));
    };
    target.shootdown.enterGuest();
    expect(rings).toEqual([1]);
  });

  it('is never changed without a change of the generation behind it', () => {
    const { shooter } = makeShooter(0);
    const add = TlbState.generation.add.bind(TlbState.generation);
    const codes: number[] = [];
    const spy = vi.spyOn(TlbState.generation, 'add').mockImplementation((...args) => {
      codes.push(TlbState.code.load(ram, spaceAt(0)));
      return add(...args);
    });
    shooter.shootCode(spaceAt(0));
    shooter.activate(spaceAt(0), 100, 1);
    shooter.fenceCode();
    spy.mockRestore();
    expect(codes).toEqual([1, 2]);
  });

  it('that a hart has fenced itself is forgotten by the others when they enter guest code; it waits for none of them', () => {
    const fencing = new Target(0);
    const other = new Target(1);
    const running = new Target(2);
    for (const { shootdown } of [fencing, other, running]) shootdown.activate(spaceAt(0), 100, 1);
    running.shootdown.enterGuest();
    fencing.shootdown.enterGuest();
    fencing.shootdown.fenceCode();
    fencing.shootdown.leaveGuest();
    for (const { shootdown } of [fencing, other, running]) shootdown.enterGuest();
    expect(other.flushedCode).toEqual([1]);
    expect(running.flushedCode).toEqual([1]);
    // It has done so itself, and no translation has changed.
    expect(fencing.flushed).toEqual([]);
    expect(fencing.flushedCode).toEqual([]);
  });

  it('fenced after another change is forgotten by the fencing hart, too', () => {
    const fencing = new Target(0);
    const { shooter } = makeShooter(1);
    fencing.shootdown.activate(spaceAt(0), 100, 1);
    fencing.shootdown.enterGuest();
    TlbState.code.add(ram, spaceAt(0), 1);
    TlbState.generation.add(ram, spaceAt(0), 1);
    fencing.shootdown.fenceCode();
    fencing.shootdown.leaveGuest();
    fencing.shootdown.enterGuest();
    expect({ flushed: fencing.flushed, flushedCode: fencing.flushedCode }).toEqual({ flushed: [1], flushedCode: [1] });
    // And it tells that it has seen both.
    shooter.shoot(spaceAt(0));
    expect(HartControl.generation.load(ram, fencing.control)).toBe(2);
  });
});

describe('harts that run while translations are taken away', () => {
  it.each([
    [1, 4000],
    [3, 400],
  ])('never use one of them: %i harts, %i changes', async (harts, changes) => {
    plan = planSmp(harts + 1);
    ram = allocate(plan);
    const spaces = [spaceAt(0), spaceAt(1)];
    const tables = [plan.room + 4096, plan.room + 4096 + 64];
    const pages = plan.room + 8192;
    const stop = plan.room + 12288;
    // The second space has seen many changes more than the first.
    TlbState.generation.store(ram, spaces[1]!, 1_000_000);
    const owners = new Int32Array(ram.buffer, pages, 16);
    const mapped = spaces.map((_, n) => {
      Atomics.store(owners, n, n + 1);
      Atomics.store(ram.i32, tables[n]! >>> 2, n);
      return n;
    });
    const results = Array.from({ length: harts }, (_, hart) => {
      const task: ShootdownTask = { memory: ram.memory, plan, hart: hart + 1, spaces, tables, pages, stop };
      return runWorker(new URL('shootdown-worker.ts', import.meta.url), task);
    });

    const map = smpMapOf(plan);
    const cpu = { activate: (): void => undefined, flushAsid: (): void => undefined, flushCodeOf: (): void => undefined };
    const shooter = new Shootdown(ram, map, new Doorbells(ram, map), cpu, 0, 2);
    while (Atomics.load(ram.i32, (stop >>> 2) + 1) < harts) await new Promise((resolve) => setTimeout(resolve, 1));
    for (let change = 0; change < changes; change++) {
      const space = change % 2;
      let free = (mapped[space]! + 1 + (change % 5)) % owners.length;
      while (Atomics.load(owners, free) !== 0) free = (free + 1) % owners.length;
      Atomics.store(owners, free, space + 1);
      Atomics.store(ram.i32, tables[space]! >>> 2, free);
      shooter.shoot(spaces[space]!);
      // The old page is nobody's now.
      Atomics.store(owners, mapped[space]!, 0);
      mapped[space] = free;
    }
    Atomics.store(ram.i32, stop >>> 2, 1);
    expect(await Promise.all(results)).toEqual(Array(harts).fill({ stale: 0, busy: true }));
  });
});
