/*
 * The shell at a terminal: jobs, the keys that end and stop them, foreground and background. A dialogue: what is typed, and what must be
 * seen before the next is. Keys are pressed only after the program in the foreground has said that it runs.
 */

import { PassThrough } from 'node:stream';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Halted, Machine, type RunResult } from '../../src/machine.ts';

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_Z = '\x1a';
/** The shell waits for a line. */
const PROMPT = /(^|\n)> $/;

/** Somebody at a terminal, in front of a shell. */
class Dialogue {
  private seen = '';
  private readonly keyboard = new PassThrough();
  private readonly screen = new PassThrough();
  /** Undefined when the machine was turned off first. */
  readonly end: Promise<RunResult | undefined>;

  constructor(machine: Machine) {
    this.screen.on('data', (bytes: Buffer) => {
      this.seen += bytes.toString();
    });
    const stdin = Object.assign(this.keyboard, { isTTY: true, setRawMode: () => undefined });
    const stdout = Object.assign(this.screen, { isTTY: true, rows: 24, columns: 80 });
    this.end = machine.run('sh', [], { streams: { stdin, stdout, stderr: stdout } }).catch((error: unknown) => {
      if (error instanceof Halted) return undefined;
      throw error;
    });
  }

  async sees(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.seen.replaceAll('\r', ''), { timeout: 8_000, interval: 2 }).toMatch(pattern);
  }

  shows(pattern: RegExp): boolean {
    return pattern.test(this.seen.replaceAll('\r', ''));
  }

  types(keys: string): void {
    this.seen = '';
    this.keyboard.write(keys);
  }

  async type(keys: string, pattern: RegExp = PROMPT): Promise<void> {
    this.types(keys);
    await this.sees(pattern);
  }

  /** Types a command that prints "up" once it is there. */
  async starts(command: string): Promise<void> {
    await this.type(`${command}\r`, /\nup\n$/);
  }
}

describe.each([1, 4])('a shell at a terminal, with %i harts,', (cpus) => {
  let machine: Machine;
  let user: Dialogue;

  beforeEach(async () => {
    machine = await Machine.boot({ cpus });
    user = new Dialogue(machine);
    await user.sees(/^> $/);
  });
  afterEach(() => machine.halt());

  it('ends by Ctrl-C what is in the foreground, all of a pipeline, and drops the rest of the line', async () => {
    await user.starts('(echo up; sleep 1000); echo rest');
    await user.type(CTRL_C, /\^C\n+> $/);
    await user.type('echo s$?\r', /\ns130\n> $/);
    await user.starts('sleep 1000 | (echo up; cat) | cat');
    await user.type(CTRL_C);
    await user.type('jobs\r', /jobs\n> $/);
  });

  it('forgets the line at Ctrl-C, also an unfinished one, and ends at Ctrl-D', async () => {
    await user.type(`echo half${CTRL_C}`);
    await user.type('echo s$?\r', /\ns130\n> $/);
    await user.type("echo 'open\r", /\n\. $/);
    await user.type(CTRL_C);
    await user.type('echo well\r', /\nwell\n> $/);
    user.types(CTRL_D);
    expect(await user.end).toMatchObject({ status: 0 });
  });

  it('stops by Ctrl-Z, and goes on in the foreground', async () => {
    await user.starts('(echo up; cat)');
    await user.type(CTRL_Z, /\n\[1\] \d+ Stopped {2}\(echo up; cat\)\n> $/);
    await user.type('ps; echo s$?; jobs\r', /STOPPED .* sh\n[^]*\ns0\n\[1\] \d+ Stopped {2}\(echo up; cat\)\n> $/);
    await user.type('fg\r', /\n\(echo up; cat\)\n$/);
    await user.type('heard\r', /heard\nheard\n/);
    await user.type(CTRL_D);
    await user.type('jobs; fg\r', /\nsh: fg: %%: no such job\n> $/);
  });

  it('goes on in the background, and waits for it there', async () => {
    await user.starts('(echo up; sleep 1000) | cat');
    await user.type(CTRL_Z, /Stopped.*\n> $/);
    await user.type('bg\r', /\n\[1\] \d+ Running {2}\(echo up; sleep 1000\) \| cat\n> $/);
    await user.type('kill %1; wait %1; echo s$?\r', /\ns143\n> $/);
    await user.type('sleep 0.01 & wait $!; echo s$?\r', /\[started\] \d+\ns0\n> $/);
  });

  it('stops what reads the terminal in the background, and ends what is stopped', async () => {
    await user.type('cat &\r', /\[started\] \d+\n(.*\n)?> $/);
    await user.type('wait %1; echo s$?\r', /\ns149\n(.*\n)?> $/);
    await user.type('kill %1; wait %1; echo s$?\r', /\ns143\n> $/);
    await user.type('jobs\r', /jobs\n> $/);
  });

  it('does not leave stopped jobs behind without a word', async () => {
    await user.starts('(echo up; sleep 1000)');
    await user.type(CTRL_Z, /Stopped.*\n> $/);
    await user.type('exit 3\r', /\nsh: there are stopped jobs\n> $/);
    user.types('exit 3\r');
    expect(await user.end).toMatchObject({ status: 3 });
  });

  it('tells at the prompt how a job in the background has ended', async () => {
    await user.type('sleep 1000 &\r');
    await user.type('kill -KILL $!\r');
    // The first prompt after the end is known shows it, this one or a later one.
    while (!user.shows(/\[1\] \d+ Killed {2}sleep 1000\n> $/)) await user.type('true\r');
  });
});
