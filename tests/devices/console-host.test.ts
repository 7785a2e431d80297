import { EventEmitter } from 'node:events';
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ConsoleHost, type HostStreams } from '../../src/devices/console-host.ts';
import { Stream, TerminalSignal } from '../../src/devices/console-layout.ts';
import { STREAM_CLOSED } from '../../src/devices/console.ts';
import type { OutputStream } from '../../src/devices/sinks-host.ts';
import type { InputStream } from '../../src/devices/terminal-host.ts';
import { Fixture, PIPES } from './console-fixture.ts';

class FakeStdin extends EventEmitter implements InputStream {
  raw = false;
  paused = true;

  constructor(readonly isTTY: boolean) {
    super();
  }
  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

class FakeOutput extends EventEmitter implements OutputStream {
  text = '';
  rows = 50;
  columns = 132;
  /** The reader is slow: `write` says so until `drain`. */
  slow = false;
  gone = false;

  constructor(readonly isTTY: boolean) {
    super();
  }
  write(bytes: Uint8Array | string, done?: (error?: Error | null) => void): boolean {
    if (this.gone) {
      const error = new Error('EPIPE');
      process.nextTick(() => {
        done?.(error);
        this.emit('error', error);
      });
      return true;
    }
    this.text += typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
    if (done) process.nextTick(done);
    return !this.slow;
  }
}

class HostFixture extends Fixture {
  readonly stdin: FakeStdin;
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly streams: HostStreams;
  readonly calls = { input: 0, room: 0, signals: [] as { signals: number; group: number }[], powerOff: 0 };
  readonly host: ConsoleHost;

  constructor({ terminal = false, stdoutTerminal = terminal }: { terminal?: boolean; stdoutTerminal?: boolean } = {}) {
    super(PIPES);
    this.stdin = new FakeStdin(terminal);
    this.stdout = new FakeOutput(stdoutTerminal);
    this.stderr = new FakeOutput(terminal);
    this.streams = { stdin: this.stdin, stdout: this.stdout, stderr: this.stderr };
    this.host = new ConsoleHost(this.ram, this.console, this.hostLocks, {
      inputArrivedLocked: () => {
        this.hostLocks.assertHeld(this.console.lock);
        this.calls.input++;
      },
      roomMadeLocked: () => {
        this.hostLocks.assertHeld(this.console.lock);
        this.calls.room++;
      },
      signal: (signals, group) => {
        expect(this.hostLocks.held).toBe(0);
        this.calls.signals.push({ signals, group });
      },
      powerOff: () => {
        expect(this.hostLocks.held).toBe(0);
        this.calls.powerOff++;
      },
    });
  }

  say(stream: number, text: string): number {
    return this.write(stream, new TextEncoder().encode(text));
  }

  /** Keys arrive at stdin; returns when the machine has them. */
  async key(text: string): Promise<void> {
    this.stdin.emit('data', new TextEncoder().encode(text));
    await this.host.pump();
  }
}

describe('the console into buffers', () => {
  it('captures both streams apart and offers all input with its end', async () => {
    const fixture = new HostFixture();
    const captured = fixture.host.attachBuffers('in\n');
    await fixture.host.pump();
    fixture.say(Stream.Out, 'o1');
    fixture.say(Stream.Error, 'e1');
    fixture.say(Stream.Out, 'o2');
    await fixture.host.finish();
    expect([captured.stdout.text(), captured.stderr.text()]).toEqual(['o1o2', 'e1']);
    expect([fixture.read(), fixture.read()]).toEqual(['in\n', 'EOF']);
    expect(fixture.calls.input).toBe(1);
  });

  it('starts anew for the next run', async () => {
    const fixture = new HostFixture();
    const first = fixture.host.attachBuffers('unread');
    fixture.say(Stream.Out, 'one');
    await fixture.host.finish();
    const second = fixture.host.attachBuffers('next');
    await fixture.host.pump();
    fixture.say(Stream.Out, 'two');
    await fixture.host.finish();
    expect([first.stdout.text(), second.stdout.text()]).toEqual(['one', 'two']);
    expect([fixture.read(), fixture.read()]).toEqual(['next', 'EOF']);
  });

  it('brings input larger than the ring as it is read', async () => {
    const fixture = new HostFixture();
    const input = 'x'.repeat(100_000);
    fixture.host.attachBuffers(input);
    await fixture.host.pump();
    let read = '';
    for (let text = fixture.read(5000); text !== 'EOF'; text = fixture.read(5000)) {
      read += text ?? '';
      await fixture.host.pump();
    }
    expect(read).toBe(input);
  });

  it('is not stopped by a hart that crashed with the lock, and writes out what it said', async () => {
    const fixture = new HostFixture();
    const captured = fixture.host.attachBuffers();
    await fixture.host.pump();
    fixture.hartLocks.acquire(fixture.console.lock);
    fixture.say(Stream.Error, 'last words');
    await fixture.host.finish();
    expect(captured.stderr.text()).toBe('last words');
  });

  it('serves the event loop while the console is flooded, and tries again when the lock is free', async () => {
    const fixture = new HostFixture();
    fixture.host.attachBuffers();
    await fixture.host.pump();
    fixture.hartLocks.acquire(fixture.console.lock);
    fixture.say(Stream.Out, 'x');
    const pumped = fixture.host.pump();
    await turn();
    await turn();
    expect(fixture.calls.room).toBe(0);
    fixture.hartLocks.release(fixture.console.lock);
    await pumped;
    expect(fixture.calls.room).toBe(1);
  });
});

describe('the console on pipes', () => {
  it('stops output at a slow reader and goes on when it has read', async () => {
    const fixture = new HostFixture();
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.host.pump();
    fixture.stdout.slow = true;
    fixture.say(Stream.Out, 'first');
    const pumped = fixture.host.pump();
    await turn();
    fixture.say(Stream.Out, 'second');
    await turn();
    expect(fixture.stdout.text).toBe('first');
    fixture.stdout.slow = false;
    fixture.stdout.emit('drain');
    await pumped;
    expect(fixture.stdout.text).toBe('firstsecond');
    await fixture.host.finish();
  });

  it('keeps the order of stdout and stderr on one terminal', async () => {
    const fixture = new HostFixture({ stdoutTerminal: true });
    const order: string[] = [];
    for (const stream of [fixture.stdout, fixture.stderr]) {
      const write = stream.write.bind(stream);
      stream.write = (bytes, done) => {
        if (bytes.length > 0) order.push(typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes));
        return write(bytes, done);
      };
    }
    fixture.host.attachTerminalOrPipes(fixture.streams);
    for (const [stream, text] of [
      [Stream.Out, 'a'],
      [Stream.Out, 'b'],
      [Stream.Error, 'c'],
      [Stream.Out, 'd'],
    ] as const)
      fixture.say(stream, text);
    await fixture.host.finish();
    expect(order).toEqual(['ab', 'c', 'd']);
  });

  it('survives a reader that goes away (| head -1): writers learn of it, finish ends', async () => {
    const fixture = new HostFixture();
    fixture.host.attachTerminalOrPipes(fixture.streams);
    fixture.say(Stream.Out, 'line\n');
    await fixture.host.pump();
    fixture.stdout.gone = true;
    fixture.say(Stream.Out, 'more\n');
    await fixture.host.pump();
    await turn();
    await fixture.host.pump();
    expect(fixture.say(Stream.Out, 'even more\n')).toBe(STREAM_CLOSED);
    expect(fixture.calls.room).toBeGreaterThan(1);
    fixture.say(Stream.Error, 'still here');
    await fixture.host.finish();
    expect([fixture.stdout.text, fixture.stderr.text]).toEqual(['line\n', 'still here']);
  });

  it('pauses stdin while the machine has no room, and resumes when a reader took some', async () => {
    const fixture = new HostFixture();
    fixture.host.attachTerminalOrPipes(fixture.streams);
    expect(fixture.stdin.paused).toBe(false);
    await fixture.key('x'.repeat(40_000));
    expect(fixture.stdin.paused).toBe(true);
    while (fixture.stdin.paused) {
      expect(fixture.read(9000)).not.toBeNull();
      await fixture.host.pump();
    }
    await fixture.host.finish();
    expect(fixture.stdin.paused).toBe(true);
  });

  it('hangs up when stdin ends, after what came before', async () => {
    const fixture = new HostFixture();
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.key('last');
    fixture.stdin.emit('end');
    await fixture.host.pump();
    expect([fixture.read(), fixture.read(), fixture.read()]).toEqual(['last', 'EOF', 'EOF']);
    await fixture.host.finish();
  });
});

describe('the console on a terminal', () => {
  it('edits lines and shows them', async () => {
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.key('ab\x7fc\r');
    expect(fixture.stdout.text).toBe('ab\b \bc\n');
    expect(fixture.read()).toBe('ac\n');
    await fixture.host.finish();
  });

  it('shows the echo on stderr when stdout leads elsewhere', async () => {
    const fixture = new HostFixture({ terminal: true, stdoutTerminal: false });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.key('hi');
    fixture.say(Stream.Out, 'out');
    await fixture.host.finish();
    expect([fixture.stdout.text, fixture.stderr.text]).toEqual(['out', 'hi']);
  });

  it('reports keys that mean a signal, for the foreground group, without the lock', async () => {
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    // The size of the window is told first.
    await fixture.key('');
    fixture.calls.signals.length = 0;
    fixture.console.setForegroundLocked(7);
    await fixture.key('a\x03b\x1a');
    await fixture.key('\x1c');
    expect(fixture.calls.signals).toEqual([
      { signals: TerminalSignal.Interrupt | TerminalSignal.Suspend, group: 7 },
      { signals: TerminalSignal.Quit, group: 7 },
    ]);
    await fixture.host.finish();
  });

  it('turns the power off at Ctrl-A x, and types a Ctrl-A at Ctrl-A Ctrl-A, in one chunk or several', async () => {
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.key('a\x01');
    expect(fixture.calls.powerOff).toBe(0);
    await fixture.key('xb\x01\x01\x01c\r');
    expect(fixture.calls.powerOff).toBe(1);
    expect(fixture.read()).toBe('ab\x01\x01c\n');
    await fixture.host.finish();
  });

  it('asks for a snapshot at Ctrl-A s if somebody takes them; else the keys are typed', async () => {
    let asked = 0;
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams, () => asked++);
    await fixture.key('a\x01s');
    await fixture.key('b\r');
    expect([asked, fixture.read()]).toEqual([1, 'ab\n']);
    await fixture.host.finish();
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.key('a\x01s\r');
    expect([asked, fixture.read()]).toEqual([1, 'a\x01s\n']);
    await fixture.host.finish();
  });

  it('takes the terminal in raw mode and gives it back, with all its signal handlers', async () => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGCONT', 'exit'];
    const before = signals.map((name) => process.listenerCount(name));
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    expect(fixture.stdin.raw).toBe(true);
    expect(signals.map((name) => process.listenerCount(name))).toEqual(before.map((count) => count + 1));
    await fixture.host.finish();
    expect(fixture.stdin.raw).toBe(false);
    expect(signals.map((name) => process.listenerCount(name))).toEqual(before);
  });

  it('knows the size of the window and learns of changes', async () => {
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.host.pump();
    expect([fixture.console.rowsLocked(), fixture.console.columnsLocked()]).toEqual([50, 132]);
    fixture.stdout.rows = 24;
    fixture.stdout.emit('resize');
    await fixture.host.pump();
    expect(fixture.console.rowsLocked()).toBe(24);
    await fixture.host.finish();
  });
});

describe('the console that is saved and restored', () => {
  /** As after a snapshot: the same RAM, and a host's end that knows only what was saved. */
  async function restored(fixture: HostFixture): Promise<void> {
    while (fixture.host.isBusy) await fixture.host.pump();
    const state = fixture.host.save();
    await fixture.host.finish();
    fixture.host.restore(state);
  }

  it('keeps what buffers got, and what they have not given yet', async () => {
    const fixture = new HostFixture();
    const input = 'x'.repeat(40_000) + 'end\n';
    fixture.host.attachBuffers(input);
    fixture.say(Stream.Out, 'before ');
    fixture.say(Stream.Error, 'fault');
    await restored(fixture);
    fixture.say(Stream.Out, 'between ');
    await fixture.host.pump();
    const captured = fixture.host.resumeBuffers();
    fixture.say(Stream.Out, 'after');
    let read = '';
    for (let text = fixture.read(); text !== 'EOF'; text = fixture.read()) {
      read += text ?? '';
      await fixture.host.pump();
    }
    expect(read).toBe(input);
    await fixture.host.finish();
    expect([captured.stdout.text(), captured.stderr.text()]).toEqual(['before between after', 'fault']);
  });

  it('gives streams what came since, and takes their input, although it had ended', async () => {
    const fixture = new HostFixture();
    fixture.host.attachBuffers('first\n');
    await fixture.host.pump();
    fixture.say(Stream.Out, 'before ');
    await restored(fixture);
    fixture.say(Stream.Out, 'between ');
    await fixture.host.pump();
    fixture.host.resumeStreams(fixture.streams);
    fixture.say(Stream.Out, 'after');
    await fixture.key('second\n');
    expect(fixture.read()).toBe('first\nsecond\n');
    expect(fixture.read()).toBeNull();
    fixture.stdin.emit('end');
    await fixture.host.pump();
    expect(fixture.read()).toBe('EOF');
    await fixture.host.finish();
    expect(fixture.stdout.text).toBe('between after');
  });

  it('expects input until it is known where that comes from', async () => {
    const fixture = new HostFixture();
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await restored(fixture);
    expect(fixture.host.expectsInput).toBe(true);
    fixture.host.resumeBuffers('');
    await fixture.host.pump();
    expect(fixture.host.expectsInput).toBe(false);
    expect(fixture.read()).toBe('EOF');
  });

  it('makes bytes of what was typed, and lines of bytes', async () => {
    const fixture = new HostFixture({ terminal: true });
    fixture.host.attachTerminalOrPipes(fixture.streams);
    await fixture.key('one\rtwo\x04thr');
    await restored(fixture);
    fixture.host.resumeBuffers('ee\nfour\nfi');
    await fixture.host.pump();
    expect(fixture.read(7)).toBe('one\ntwo');
    await restored(fixture);
    fixture.host.resumeStreams(fixture.streams);
    await fixture.key('ve\r\x04');
    const lines = [fixture.read(), fixture.read(), fixture.read(), fixture.read()];
    expect(lines.join('')).toBe('three\nfour\nfive\nEOF');
    expect(lines[0]).toBe('three\n');
    await fixture.host.finish();
  });
});
