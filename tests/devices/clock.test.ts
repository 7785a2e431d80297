import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { Ram } from '../../src/core/ram.ts';
import { Clock } from '../../src/devices/clock.ts';
import { BootPage } from '../../src/smp/boot-page.ts';
import type { ClockHart } from './clock-hart.ts';

const BOOT_PAGE = 0;

describe('the clock', () => {
  it('starts at power-on and counts whole nanoseconds, never backwards', () => {
    const ram = Ram.allocate(65536);
    Clock.powerOn(ram, BOOT_PAGE);
    const clock = new Clock(ram, BOOT_PAGE);
    const readings = Float64Array.from({ length: 10_000 }, () => clock.nowNs());
    expect(readings.every((now, i) => Number.isInteger(now) && now >= (readings[i - 1] ?? 0))).toBe(true);
    const spent = performance.now() * 1e6 - BootPage.epochMonotonicNs.get(ram, BOOT_PAGE);
    expect(readings.at(-1)).toBeLessThanOrEqual(spent);
  });

  it('stands still rather than go back with the host', () => {
    const ram = Ram.allocate(65536);
    Clock.powerOn(ram, BOOT_PAGE);
    const clock = new Clock(ram, BOOT_PAGE);
    const before = clock.nowNs();
    const host = vi.spyOn(performance, 'now').mockReturnValue(0);
    expect(clock.nowNs()).toBe(before);
    host.mockRestore();
  });

  it('splits the wall clock into seconds and nanoseconds that carry', () => {
    const ram = Ram.allocate(65536);
    Clock.powerOn(ram, BOOT_PAGE);
    const epoch = 1_700_000_000;
    BootPage.epochRealtimeNs.set(ram, BOOT_PAGE, epoch * 1e9);
    const clock = new Clock(ram, BOOT_PAGE);
    expect([clock.realtimeSeconds(0), clock.realtimeFraction(0)]).toEqual([epoch, 0]);
    expect([clock.realtimeSeconds(999_999_999), clock.realtimeFraction(999_999_999)]).toEqual([epoch, 999_999_999]);
    expect([clock.realtimeSeconds(1_000_000_001), clock.realtimeFraction(1_000_000_001)]).toEqual([epoch + 1, 1]);
  });

  it('shows the wall clock of the host', () => {
    const ram = Ram.allocate(65536);
    const before = Date.now();
    Clock.powerOn(ram, BOOT_PAGE);
    const clock = new Clock(ram, BOOT_PAGE);
    // The host may set its clock between the start of this process and now; a day is more than that and less than a wrong unit.
    expect(Math.abs(clock.realtimeNs() / 1e6 - before)).toBeLessThan(86_400_000);
  });

  it('agrees between two workers: no hart reads a time before one that it was told', async () => {
    const ram = Ram.allocate(65536);
    Clock.powerOn(ram, BOOT_PAGE);
    const module = new URL('./clock-hart.ts', import.meta.url).href;
    const results = [0, 1].map((me) => {
      const workerData: ClockHart = {
        module,
        memory: ram.memory,
        bootPage: BOOT_PAGE,
        turn: 0x2000,
        reading: 0x2040,
        me,
        rounds: 3000,
        tolerance: 1000,
      };
      const worker = new Worker(new URL('../trace/ts-worker.mjs', import.meta.url), { workerData });
      return new Promise((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
      });
    });
    expect(await Promise.all(results)).toEqual([0, 0]);
  });
});
