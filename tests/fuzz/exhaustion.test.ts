/*
 * What if a program takes all there is? It is refused or killed, and nobody else suffers: the shell that started it goes on, also while
 * the program holds what it has got, and all of it comes back.
 */

import { describe, expect, it } from 'vitest';

import { boot, expectAlive, expectFrames, killAll, settledFrames } from './support.ts';

const MIB = 2 ** 20;

/** How each way of taking everything ends: what the program, or the shell on its behalf, says. */
const ENDS = [
  ['memory', /^Killed$/],
  ['populate', /^ENOMEM$/],
  // Where there are fewer areas than frames for tables, it is refused.
  ['tables', /^Killed|ENOMEM$/],
  ['areas', /^ENOMEM$/],
  ['threads', /^EAGAIN$/],
  ['processes', /^EAGAIN$/],
  // What there is less of: processes, or memory for them.
  ['forks', /^EAGAIN|ENOMEM$/],
  ['bomb', /^EAGAIN|ENOMEM$/],
  ['shared', /^Killed$/],
  ['shared-mappings', /^ENOMEM$/],
  ['ports', /^ENOSPC$/],
  ['disk', /^ENOSPC$/],
  ['files', /^ENOSPC$/],
  ['descriptors', /^EMFILE$/],
  // The memory may be smaller than a stack.
  ['stack', /^Segmentation fault|Killed$/],
  ['thread-stack', /^Segmentation fault|Killed$/],
] as const;

describe.each([
  [1, 8],
  [1, 32],
  [4, 64],
])('with %i harts and %i MiB', (cpus, memory) => {
  it('ends or refuses who takes all there is of anything, and gets it back', async () => {
    const machine = await boot({ cpus, memory: memory * MIB });
    await expectAlive(machine);
    const before = await settledFrames(machine);
    for (const [what, end] of ENDS) {
      const { status, stdout, stderr } = await machine.run('sh', [], { stdin: `trials hog ${what}\necho alive\n` });
      expect({ what, status, alive: stdout.endsWith('alive\n') }).toEqual({ what, status: 0, alive: true });
      expect(`${stderr}${stdout}`.replace(/\nalive\n$/, ''), what).toMatch(end);
      await expectFrames(machine, before);
    }
  });
});

describe('while a program holds all that it could get', () => {
  it.each(['populate', 'tables', 'areas', 'threads', 'forks', 'bomb', 'shared-mappings', 'ports', 'disk', 'descriptors'])(
    'of %s, others start and run',
    async (what) => {
      const machine = await boot({ cpus: 2, memory: 64 * MIB });
      await expectAlive(machine);
      const before = await settledFrames(machine);
      const result = await machine.run('sh', [], { stdin: `trials hog ${what} keep &\nsleep 0.3\necho alive\nps\n` });
      expect(result.status).toBe(0);
      expect(result.stdout).toMatch(/alive\n[^]*RUNNING.* ps\n/);
      killAll(machine);
      await expectFrames(machine, before);
      await expectAlive(machine);
    },
  );
});

describe('threads', () => {
  it('come and go ten thousand times', async () => {
    const machine = await boot({ cpus: 2 });
    await expectAlive(machine);
    const before = await settledFrames(machine);
    expect(await machine.run('trials', ['hog', 'turns', '10000'])).toMatchObject({ status: 0, stdout: '0\n' });
    await expectFrames(machine, before);
  });
});
