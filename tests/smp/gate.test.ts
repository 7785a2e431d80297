/* The gate: is everybody there when the host believes so? */

import { setTimeout as pause } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { Ram } from '../../src/core/ram.ts';
import type { Doorbells } from '../../src/smp/doorbell.ts';
import { Gate, GateWords } from '../../src/smp/gate.ts';

const BASE = 0x1000;

function fixture(): { ram: Ram; gate: Gate; doorbells: Doorbells; rung: () => number } {
  const ram = Ram.allocate(0x10000);
  let rung = 0;
  const doorbells = { ringAll: () => rung++ } as unknown as Doorbells;
  return { ram, gate: new Gate(ram, BASE, 2), doorbells, rung: () => rung };
}

function setWaiting(ram: Ram, count: number): void {
  GateWords.waiting.store(ram, BASE, count);
  Atomics.notify(ram.i32, GateWords.waiting.addr(BASE) >>> 2);
}

describe('the gate', () => {
  it('is closed when all harts have come', async () => {
    const { ram, gate, doorbells, rung } = fixture();
    let done = false;
    const closed = gate.close(doorbells, () => false).then(() => (done = true));
    setWaiting(ram, 1);
    await pause(60);
    expect([done, rung(), GateWords.closed.load(ram, BASE)]).toEqual([false, 1, 1]);
    setWaiting(ram, 2);
    await closed;
    gate.open();
    expect(GateWords.closed.load(ram, BASE)).toBe(0);
  });

  it('does not count harts that are still leaving from the last time', async () => {
    const { ram, gate, doorbells, rung } = fixture();
    setWaiting(ram, 2);
    let done = false;
    const closed = gate.close(doorbells, () => false).then(() => (done = true));
    await pause(60);
    expect([done, rung(), GateWords.closed.load(ram, BASE)]).toEqual([false, 0, 0]);
    setWaiting(ram, 0);
    await pause(60);
    expect([done, rung(), GateWords.closed.load(ram, BASE)]).toEqual([false, 1, 1]);
    setWaiting(ram, 2);
    await closed;
  });

  it('waits no longer for harts that will never come', async () => {
    const { gate, doorbells } = fixture();
    let dead = false;
    const closed = gate.close(doorbells, () => dead);
    dead = true;
    await closed;
  });
});
