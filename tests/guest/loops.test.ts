/*
 * An endless loop without memory accesses, from outside: does Ctrl-C end it, and does the machine turn off while it runs? (That it is
 * preempted and killed from inside is what the trial `loops` asks.)
 */

import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { HostStreams } from '../../src/devices/console-host.ts';
import { Halted, Machine } from '../../src/machine.ts';
import { TIERS } from './trials.ts';

const KINDS = ['jump', 'arithmetic', 'calls', 'indirect'];

const CTRL_C = '\x03';

/** A terminal that waits for what the machine writes, and types. */
class Terminal {
  private text = '';
  private readonly keyboard = new PassThrough();
  private readonly screen = new PassThrough();

  constructor() {
    this.screen.on('data', (bytes: Buffer) => {
      this.text += bytes.toString();
    });
  }

  get streams(): HostStreams {
    const stdin = Object.assign(this.keyboard, { isTTY: true, setRawMode: () => undefined });
    const stdout = Object.assign(this.screen, { isTTY: true, rows: 24, columns: 80 });
    return { stdin, stdout, stderr: stdout };
  }

  type(keys: string): void {
    this.text = '';
    this.keyboard.write(keys);
  }

  async sees(end: string): Promise<void> {
    await expect.poll(() => this.text, { timeout: 10_000, interval: 2 }).toContain(end);
  }
}

describe.each(TIERS.flatMap(([tier, jit]) => [1, 4].map((cpus) => [cpus, tier, jit] as const)))(
  'an endless loop, with %i harts and %s,',
  (cpus, _, jit) => {
    it('ends by Ctrl-C, and the shell goes on', async () => {
      const machine = await Machine.boot({ cpus, jit });
      try {
        const terminal = new Terminal();
        const run = machine.run('sh', ['-i'], { streams: terminal.streams });
        await terminal.sees('> ');
        for (const kind of KINDS) {
          terminal.type(`trials loops ${kind} aloud\r`);
          await terminal.sees('looping');
          // Time to become hot.
          await new Promise((resolve) => setTimeout(resolve, 20));
          terminal.type(CTRL_C);
          await terminal.sees('> ');
        }
        terminal.type('exit 5\r');
        expect(await run).toMatchObject({ status: 5 });
      } finally {
        await machine.halt();
      }
    });

    it('does not keep the machine from turning off, on any hart', async () => {
      const machine = await Machine.boot({ cpus, jit });
      const background = KINDS.map((kind) => `trials loops ${kind} &\n`).join('');
      const run = expect(machine.run('sh', [], { stdin: `${background}trials loops jump\n` })).rejects.toThrow(Halted);
      await expect
        .poll(() => machine.stats().harts.every(({ instructions }) => instructions > 1_000_000), { timeout: 40_000 })
        .toBe(true);
      await machine.halt();
      await run;
    });
  },
);
