/*
 * Doorbells: does every ring reach its hart, asleep, about to sleep or awake, and does nobody sleep longer than asked?
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ram } from '../../src/core/ram.ts';
import { BootPage } from '../../src/smp/boot-page.ts';
import { Doorbells } from '../../src/smp/doorbell.ts';
import { Ipi } from '../../src/smp/ipi.ts';
import { HartControl } from '../../src/smp/hart-control.ts';
import { HostBell, HostCall } from '../../src/smp/host-bell.ts';
import { allocate, BOOT_PAGE, planSmp, smpMapOf, type SmpPlan } from './bench.ts';
import type { DoorbellTask } from './doorbell-worker.ts';
import type { ParkTask } from './park-worker.ts';
import { endAll, runWorker } from './workers.ts';

let plan: SmpPlan;
let ram: Ram;
let doorbells: Doorbells;

beforeEach(() => {
  plan = planSmp(3);
  ram = allocate(plan);
  doorbells = new Doorbells(ram, smpMapOf(plan));
});

afterEach(endAll);

describe('a doorbell', () => {
  it('keeps what rings until it is taken, once', () => {
    expect(doorbells.pending(1)).toBe(false);
    doorbells.ring(1, Ipi.Reschedule);
    doorbells.ring(1, Ipi.Halt);
    doorbells.ring(1, Ipi.Reschedule);
    expect(doorbells.pending(1)).toBe(true);
    expect([doorbells.pending(0), doorbells.pending(2)]).toEqual([false, false]);
    expect(doorbells.take(1)).toBe(Ipi.Reschedule | Ipi.Halt);
    expect(doorbells.take(1)).toBe(0);
  });

  it('rings at every hart', () => {
    doorbells.ringAll(Ipi.Halt);
    expect([0, 1, 2].map((hart) => doorbells.take(hart))).toEqual([Ipi.Halt, Ipi.Halt, Ipi.Halt]);
  });

  it('has a kind of its own for each purpose', () => {
    const kinds = Object.values(Ipi);
    expect(kinds.reduce((all, kind) => all | kind, 0)).toBe(kinds.reduce((all, kind) => all + kind, 0));
  });

  it('reaches its hart in every round, whatever moment of parking it meets', async () => {
    const rounds = 6000;
    const task = (hart: number, peer: number): DoorbellTask => ({
      memory: ram.memory,
      plan,
      hart,
      peer,
      rounds,
      serves: hart === 0,
    });
    const results = await Promise.all([task(0, 1), task(1, 0)].map((data) => runWorker(worker, data)));
    expect(results).toEqual([
      { hart: 0, taken: 7 },
      { hart: 1, taken: 7 },
    ]);
  });
});

const worker = new URL('doorbell-worker.ts', import.meta.url);
const parker = new URL('park-worker.ts', import.meta.url);

describe('a hart that parks', () => {
  const park = (task: Partial<ParkTask>): Promise<{ looks: number; parkedAtLook: number; parkedAfter: number }> =>
    runWorker(parker, { memory: ram.memory, plan, hart: 1, timeoutNs: 60e9, work: false, ...task });

  it('looks once more after everybody can see that it parks, and stays up if there is work', async () => {
    expect(await park({ work: true })).toEqual({ looks: 1, parkedAtLook: 1, parkedAfter: 0 });
  });

  it('wakes by itself when its time is up', async () => {
    expect(await park({ timeoutNs: 2e6 })).toEqual({ looks: 1, parkedAtLook: 1, parkedAfter: 0 });
  });

  it('does not sleep at all when it has been rung for before', async () => {
    doorbells.ring(1, Ipi.Call);
    expect(await park({})).toEqual({ looks: 1, parkedAtLook: 1, parkedAfter: 0 });
    expect(doorbells.take(1)).toBe(Ipi.Call);
  });

  it('wakes when the host rings', async () => {
    const parked = park({});
    const control = smpMapOf(plan).hartControl(1);
    while (HartControl.parked.load(ram, control) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    doorbells.ring(1, Ipi.Call);
    expect(await parked).toEqual({ looks: 1, parkedAtLook: 1, parkedAfter: 0 });
  });
});

describe('the bell of the host', () => {
  it('collects what harts want, and hands it out once', () => {
    const bell = new HostBell(ram, BOOT_PAGE);
    bell.ring(HostCall.Output);
    bell.ring(HostCall.Exit);
    expect(bell.take()).toBe(HostCall.Output | HostCall.Exit);
    expect(bell.take()).toBe(0);
  });

  it('ends a wait that has begun, and lets none begin when it has rung', async () => {
    const bell = new HostBell(ram, BOOT_PAGE);
    const waited = bell.wait(Infinity);
    bell.ring(HostCall.Stop);
    await waited;
    await bell.wait(Infinity);
    expect(bell.take()).toBe(HostCall.Stop);
  });

  it('lets the host go when its time is up', async () => {
    await new HostBell(ram, BOOT_PAGE).wait(2);
  });

  it('lies in the boot page, apart from what harts write to each other', () => {
    const lines = [BootPage.magic, BootPage.state, BootPage.hostBell, BootPage.crashedHart].map(({ offset }) => offset >>> 6);
    expect(new Set(lines).size).toBe(lines.length);
    expect(BootPage.SIZE).toBeLessThanOrEqual(4096);
  });
});
