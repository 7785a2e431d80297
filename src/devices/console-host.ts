/*
 * The host's end of the console: moves bytes between the console in RAM and the host's streams, or buffers.
 *
 * `pump` is called on HostCall.Output and HostCall.Input and may be called at any time: calls while one is under way join it. It need
 * not be awaited, and rejects only when a callback throws. Output goes out in the order of the ring over all streams; a slow reader stops it, the ring fills,
 * and programs wait. Input that finds no room stays here and stdin is paused.
 *
 * The host is a participant of its own: it takes the console's lock with its own `Locks`. The callbacks named …Locked run with that
 * lock held, the others with none.
 */

import { Buffer } from 'node:buffer';
import process from 'node:process';
import type { Ram } from '../core/ram.ts';
import type { Locks } from '../smp/spinlock.ts';
import { ConsoleFlag, Stream } from './console-layout.ts';
import type { Console } from './console.ts';
import { BufferSink, type OutputStream, type Sink, StreamSink } from './sinks-host.ts';
import { EscapeKeys, type InputStream, RawMode } from './terminal-host.ts';

export interface ConsoleCallbacks {
  /** Input or its end has come: wake readers. */
  inputArrivedLocked(): void;
  /** Output has left the ring, or a stream has closed: wake writers. */
  roomMadeLocked(): void;
  /** Ctrl-C. */
  interrupt(): void;
  /** Ctrl-A x. */
  powerOff(): void;
}

export interface HostStreams {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** What a run into buffers has written; complete after `finish`. */
export interface Captured {
  readonly stdout: BufferSink;
  readonly stderr: BufferSink;
}

export class ConsoleHost {
  private streams: HostStreams | null = null;
  private out: Sink = new BufferSink();
  private error: Sink = this.out;
  private echo: Sink | null = null;
  private rawMode: RawMode | null = null;
  private escape: EscapeKeys | null = null;

  private readonly input: Uint8Array[] = [];
  private inputAt = 0;
  private inputEnded = false;
  private hungUp = false;

  /** Bits 1 << stream to be told to the console; whether writers are to be told of room; whether the size has changed. */
  private closing = 0;
  private roomMade = false;
  private sized = false;

  /** Whether bytes may be moved now; if not, whoever is in the way is told that there are some. */
  private mayPump: () => boolean = () => true;
  /** Whether nobody else runs while bytes are moved: then there is no point in waiting for a lock. */
  private alone = false;

  private finishing = false;
  private again = false;
  private running: Promise<void> | null = null;

  constructor(
    private readonly ram: Ram,
    private readonly console: Console,
    /** The host's own, on its own control block. */
    private readonly locks: Locks,
    private readonly callbacks: ConsoleCallbacks,
  ) {}

  /** Connects the process's streams: line editing when stdin is a terminal, plain bytes otherwise. */
  attachTerminalOrPipes(streams: HostStreams = process): void {
    const { stdin, stdout, stderr } = streams;
    this.streams = streams;
    this.out = new StreamSink(stdout, () => {
      this.closeStream(Stream.Out);
    });
    this.error = new StreamSink(stderr, () => {
      this.closeStream(Stream.Error);
    });
    this.echo = stdout.isTTY ? this.out : stderr.isTTY ? this.error : null;
    this.begin(
      (stdin.isTTY ? ConsoleFlag.InputTerminal : 0) |
        (stdout.isTTY ? ConsoleFlag.OutputTerminal : 0) |
        (stderr.isTTY ? ConsoleFlag.ErrorTerminal : 0),
    );
    if (stdin.isTTY) {
      this.rawMode = new RawMode(stdin);
      this.escape = new EscapeKeys(() => {
        this.callbacks.powerOff();
      });
    }
    this.resized();
    stdout.on('resize', this.resized);
    stdin.on('data', this.arrived);
    stdin.on('end', this.ended);
    stdin.on('close', this.ended);
    stdin.on('error', this.ended);
    stdin.ref?.();
    stdin.resume();
  }

  /** Connects buffers: `stdin` is all the input there will be. */
  attachBuffers(stdin: Uint8Array | string = ''): Captured {
    const captured = { stdout: new BufferSink(), stderr: new BufferSink() };
    this.streams = null;
    this.out = captured.stdout;
    this.error = captured.stderr;
    this.echo = null;
    this.begin(0);
    this.input.push(typeof stdin === 'string' ? Buffer.from(stdin) : stdin);
    this.inputEnded = true;
    void this.pump();
    return captured;
  }

  /**
   * Connects streams for what is written, and a buffer with all the input there will be. Nothing of it counts as a terminal, so that a program
   * does the same whatever the streams are.
   */
  attachOutput({ stdout, stderr }: Pick<HostStreams, 'stdout' | 'stderr'>, stdin: Uint8Array): void {
    this.streams = null;
    this.out = new StreamSink(stdout, () => {
      this.closeStream(Stream.Out);
    });
    this.error = new StreamSink(stderr, () => {
      this.closeStream(Stream.Error);
    });
    this.echo = null;
    this.begin(0);
    this.input.push(stdin);
    this.inputEnded = true;
    void this.pump();
  }

  /** Types at the console, as if it had come from stdin. */
  type(bytes: Uint8Array): void {
    this.arrived(bytes);
  }

  /** From here on bytes are moved only when `may` says so: it is asked whenever there are some. No hart runs then. */
  pumpOnlyWhen(may: () => boolean): void {
    this.mayPump = may;
    this.alone = true;
  }

  /** Whether input may come that is not here yet: from a stream that has not ended. */
  get expectsInput(): boolean {
    return this.streams !== null && !this.inputEnded;
  }

  /** Moves what can be moved, both ways. */
  pump(): Promise<void> {
    if (!this.mayPump()) return Promise.resolve();
    this.again = true;
    this.running ??= this.work();
    return this.running;
  }

  /** Writes out everything, lets go of the streams and gives the terminal back. Call when the harts have stopped, or a run has ended. */
  async finish(): Promise<void> {
    const { streams } = this;
    if (streams) {
      streams.stdin.removeListener('data', this.arrived);
      streams.stdin.removeListener('end', this.ended);
      streams.stdin.removeListener('close', this.ended);
      streams.stdin.removeListener('error', this.ended);
      streams.stdin.on('error', ignore);
      streams.stdin.pause();
      streams.stdin.unref?.();
      streams.stdout.removeListener('resize', this.resized);
      this.streams = null;
    }
    this.finishing = true;
    await this.pump();
    await Promise.all([this.out.flush(), this.error.flush()]);
    this.out.release();
    this.error.release();
    this.rawMode?.restore();
    this.rawMode = null;
    this.escape = null;
  }

  private begin(flags: number): void {
    this.input.length = 0;
    this.inputAt = 0;
    this.inputEnded = false;
    this.hungUp = false;
    this.finishing = false;
    this.closing = 0;
    this.locks.acquire(this.console.lock);
    this.console.resetLocked(flags);
    this.locks.release(this.console.lock);
  }

  private async work(): Promise<void> {
    try {
      while (this.again) {
        this.again = false;
        await this.moveOutput();
        if (!this.exchange()) this.again = !this.finishing && !this.alone;
        // An echo is output too.
        if (this.console.output.pending) this.again = true;
        // Let the event loop live while programs flood the console: keys, signals, the end of the machine.
        if (this.again) await nextTurn();
      }
    } finally {
      // At once, not in a later microtask: whoever pumps from now on starts anew.
      this.running = null;
    }
  }

  private async moveOutput(): Promise<void> {
    const streams: number[] = [];
    const pieces: Uint8Array[] = [];
    const some = this.console.output.drain((stream, address, length) => {
      streams.push(stream);
      pieces.push(this.ram.bytes(address, length));
    });
    if (!some) return;
    this.roomMade = true;
    for (let from = 0; from < pieces.length;) {
      const sink = this.sinkOf(streams[from]!);
      let to = from + 1;
      while (to < pieces.length && this.sinkOf(streams[to]!) === sink) to++;
      await sink?.write(to === from + 1 ? pieces[from]! : Buffer.concat(pieces.slice(from, to)));
      from = to;
    }
  }

  private sinkOf(stream: number): Sink | null {
    if (stream === Stream.Echo) return this.echo;
    return stream === Stream.Error ? this.error : this.out;
  }

  /**
   * All that needs the lock. Never waits for it: a hart that crashed may hold it for good, and the event loop has others to serve.
   * False: the lock was taken, try again.
   */
  private exchange(): boolean {
    const { console, locks, callbacks } = this;
    const inputDue = this.input.length > 0 || (this.inputEnded && !this.hungUp);
    if (!inputDue && !this.roomMade && !this.sized && this.closing === 0) return true;
    if (!locks.tryAcquire(console.lock)) return false;
    let interrupts: number;
    try {
      this.tellChangesLocked();
      if (inputDue) this.moveInputLocked();
      interrupts = console.takeInterruptsLocked();
      if (inputDue && console.readableLocked()) callbacks.inputArrivedLocked();
    } finally {
      locks.release(console.lock);
    }
    for (; interrupts > 0; interrupts--) callbacks.interrupt();
    if (!this.streams) return true;
    if (this.input.length > 0) this.streams.stdin.pause();
    else if (!this.inputEnded) this.streams.stdin.resume();
    return true;
  }

  private tellChangesLocked(): void {
    const { console } = this;
    const { rows, columns } = this.streams?.stdout ?? {};
    if (this.sized && rows && columns) console.resizeLocked(rows, columns);
    this.sized = false;
    for (const stream of [Stream.Out, Stream.Error]) {
      if ((this.closing & (1 << stream)) !== 0) console.closeStreamLocked(stream);
    }
    this.closing = 0;
    if (this.roomMade) this.callbacks.roomMadeLocked();
    this.roomMade = false;
  }

  private moveInputLocked(): void {
    const { console, input } = this;
    while (input.length > 0) {
      const chunk = input[0]!;
      this.inputAt += console.inputLocked(chunk, this.inputAt, chunk.length);
      if (this.inputAt < chunk.length) return;
      input.shift();
      this.inputAt = 0;
    }
    if (!this.inputEnded || this.hungUp) return;
    this.hungUp = true;
    console.hangUpLocked();
  }

  private closeStream(stream: number): void {
    this.closing |= 1 << stream;
    this.roomMade = true;
    void this.pump();
  }

  private readonly arrived = (chunk: Uint8Array | string): void => {
    const typed = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.input.push(this.escape ? this.escape.filter(typed) : typed);
    void this.pump();
  };

  private readonly ended = (): void => {
    this.inputEnded = true;
    void this.pump();
  };

  private readonly resized = (): void => {
    this.sized = true;
    void this.pump();
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ignore(): void {
  // An error of stdin after the end concerns nobody.
}
