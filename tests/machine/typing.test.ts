/*
 * Runs under a schedule that somebody types into, and their repetition.
 */

import { EventEmitter } from 'node:events';

import { afterEach, describe, expect, it } from 'vitest';

import type { HostStreams } from '../../src/devices/console-host.ts';
import type { TypedInput } from '../../src/devices/typed-input.ts';
import { Machine } from '../../src/machine.ts';
import type { Plan, ScheduleReport } from '../../src/smp/schedule/plan.ts';

const plan: Plan = { strategy: { kind: 'random', seed: 5 }, faults: [] };

/** A terminal at which somebody types a line whenever the prompt has come, and leaves after the last one. */
class Typist extends EventEmitter implements HostStreamsOfTypist {
  written = '';
  readonly isTTY = true;
  private seen = 0;

  constructor(private readonly lines: readonly string[]) {
    super();
  }

  get streams(): HostStreams {
    return { stdin: this, stdout: this, stderr: this };
  }

  write(chunk: Uint8Array | string, done?: () => void): boolean {
    this.written += Buffer.from(chunk).toString();
    const prompts = this.written.split('> ').length - 1;
    for (; this.seen < prompts && this.seen < this.lines.length; this.seen++) {
      const line = this.lines[this.seen]!;
      // Later, as from outside: one key after the other.
      for (const key of line) setImmediate(() => this.emit('data', Buffer.from(key)));
    }
    done?.();
    return true;
  }

  setRawMode(): void {
    // Nothing to set.
  }
  resume(): void {
    // Keys come when they come.
  }
  pause(): void {
    // They are kept by the machine.
  }
}

interface HostStreamsOfTypist {
  write(chunk: Uint8Array | string, done?: () => void): boolean;
}

let machine: Machine | undefined;

afterEach(async () => {
  await machine?.halt();
});

async function type(
  lines: readonly string[],
  typed?: TypedInput,
): Promise<{ written: string; report: ScheduleReport; typed: TypedInput }> {
  machine = await Machine.boot({ cpus: 2, memory: 32 * 2 ** 20, seeded: true });
  const typist = new Typist(lines);
  const { status } = await machine.run('sh', [], { streams: typist.streams, plan, typed });
  expect(status).toBe(0);
  const result = { written: typist.written, report: machine.schedule!, typed: machine.typed! };
  await machine.halt();
  return result;
}

describe('what is typed into a run under a schedule', () => {
  it('is noted, and typed again in the same turns gives the same run', async () => {
    const first = await type(['hello\n', 'ps\n', 'exit\n']);
    expect(first.written).toContain('Hello from a RISC-V process!');
    expect(first.typed.pieces.map(({ text }) => text).join('')).toBe('hello\nps\nexit\n');
    const again = await type([], first.typed);
    expect(again.written).toBe(first.written);
    expect(again.report).toEqual(first.report);
    expect(again.typed).toEqual(first.typed);
  });

  it('ends where whoever typed has left', async () => {
    const first = await type(['hello\n', 'exit\n']);
    const cut = { ...first.typed, pieces: first.typed.pieces.filter(({ turn }) => turn <= first.typed.pieces[0]!.turn) };
    const { written } = await type([], { ...cut, pieces: [{ turn: first.typed.pieces[0]!.turn, text: 'hello\n' }] });
    expect(written).toContain('Hello from a RISC-V process!');
  });

  it('reaches a program that computes', async () => {
    machine = await Machine.boot({ cpus: 1, memory: 32 * 2 ** 20, seeded: true });
    const typist = new Typist(['spin 1000\n', '']);
    const run = machine.run('sh', [], { streams: typist.streams, plan });
    const typing = setInterval(() => {
      // Ctrl-C ends the program in the foreground, then the end of the input ends the shell (a Ctrl-C more would throw it away).
      if (typist.written.split('> ').length > 2) typist.emit('data', Buffer.from('\x04'));
      else if (typist.written.includes('spin 1000')) typist.emit('data', Buffer.from('\x03'));
    }, 20);
    await run.finally(() => {
      clearInterval(typing);
    });
    expect(typist.written.split('> ').length).toBeGreaterThan(2);
  });
});
