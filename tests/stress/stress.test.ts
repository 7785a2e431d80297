/*
 * Many at once: is nothing lost, doubled, mixed up or left behind when all harts send, receive, create, destroy, start and die?
 *
 * Sizes are for a run of seconds. HARTBEAT_STRESS=n makes everything n times as long, for runs by hand.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { Machine, type MachineStats } from '../../src/machine.ts';
import { SystemCalls } from '../../src/syscalls/door.ts';
import { machinesOf } from '../guest/trials.ts';

const scale = Number(process.env.HARTBEAT_STRESS ?? 1);
const SECONDS = 1000;
const patience = 60 * SECONDS * Math.max(1, scale);
const times = (count: number): string => String(Math.round(count * scale));

let machine: Machine;
let atRest: MachineStats;

describe.each(machinesOf([1, 2, 4, 16]))('with %i harts and %s', (cpus, _, jit) => {
  beforeAll(async () => {
    machine = await Machine.boot({ cpus, jit });
    await machine.run('true');
    atRest = machine.stats();
  });

  afterAll(() => machine.halt());

  // Whatever a test has done: afterwards the machine has all its memory again.
  afterEach(() => {
    expect(machine.stats().framesFree).toBe(atRest.framesFree);
  });

  async function trial(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await machine.run('trials', args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }

  it.each([
    ['one receiver hears all', 8, 5000, 1],
    ['each sender has its receiver', 8, 5000, 8],
    ['more senders than harts', 48, 500, 3],
  ])(
    'loses, doubles and reorders no message: %s',
    async (_, senders, each, receivers) => {
      const count = times(each);
      const stdout = await trial('portstress', String(senders), count, String(receivers));
      expect(stdout).toContain(`portstress: ${String(senders * Number(count))} messages ok`);
    },
    patience,
  );

  it(
    'tears, loses and reorders nothing in pipes, whoever writes, reads, polls or is killed',
    async () => {
      expect(await trial('pipestress', times(1))).toContain('pipestress: ok');
    },
    patience,
  );

  it(
    'brings no message to the wrong owner while ports come and go',
    async () => {
      expect(await trial('portrace', times(300))).toContain('portrace: ok');
    },
    patience,
  );

  it(
    'tells old names from new owners when there are hardly more ports than owners',
    async () => {
      // The host keeps all but five ports, so that each comes back at once.
      const { kernel } = machine as unknown as { kernel: Kernel };
      const { ports } = new SystemCalls(kernel);
      const keeper = kernel.table.processes.alloc();
      const kept = Array.from({ length: 27 }, () => ports.create(keeper));
      expect(await trial('portrace', times(300))).toContain('portrace: ok');
      for (const port of kept) expect(ports.destroy(keeper, port)).toBe(0);
      kernel.table.processes.free(keeper);
    },
    patience,
  );

  it(
    'gives everything back when processes die in every way there is',
    async () => {
      expect(await trial('leaks', times(2))).toContain('leaks: ok');
    },
    patience,
  );

  it(
    'ends processes whole, whatever their threads do, again and again',
    async () => {
      for (let i = 0; i < Number(times(15)); i++) expect(await trial('exit_group')).toContain('exit_group: ok');
    },
    patience,
  );

  it(
    'loses and doubles no signal while processes are stopped, continued and killed',
    async () => {
      for (let i = 0; i < Number(times(2)); i++) expect(await trial('storm', '6', times(150))).toContain('storm: ok');
    },
    patience,
  );

  it(
    'wakes and refuses who waits when the other side dies',
    async () => {
      for (let i = 0; i < Number(times(2)); i++) expect(await trial('ports_waiting')).toContain('ports_waiting: ok');
    },
    patience,
  );

  it(
    'survives a storm of processes from a shell',
    async () => {
      const lines = Array.from({ length: Number(times(120)) }, (_, i) =>
        i % 3 === 0 ? 'true &' : i % 3 === 1 ? 'false' : 'hello',
      );
      const { status, stdout } = await machine.run('sh', [], { stdin: `${lines.join('\n')}\nexit 7\n` });
      expect(status).toBe(7);
      expect(stdout.match(/Hello from/g)).toHaveLength(lines.filter((line) => line === 'hello').length);
      // The last ones in the background may still be on their way out.
      while (machine.stats().framesFree !== atRest.framesFree) await machine.run('sleep', ['0.01']);
    },
    patience,
  );

  it(
    'shows no process what another has written to memory they once shared, in a storm of forks',
    async () => {
      expect(await trial('forkstorm', times(60))).toContain('forkstorm: ok');
      // Children of those that were killed may still be on their way out.
      while (machine.stats().framesFree !== atRest.framesFree) await machine.run('sleep', ['0.01']);
    },
    patience,
  );

  it(
    'keeps atomics and LR/SC whole across all harts',
    async () => {
      expect(await trial('atomics', times(2000))).toContain('atomics: ok');
      expect(await trial('lrsc', times(2000))).toContain('lrsc: ok');
    },
    patience,
  );
});
