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
import type { TypedInput } from './typed-input.ts';
import { BufferSink, type OutputStream, type Sink, StreamSink } from './sinks-host.ts';
import { EscapeKeys, type InputStream, RawMode } from './terminal-host.ts';

export interface ConsoleCallbacks {
  /** Input or its end has come: wake readers. */
  inputArrivedLocked(): void;
  /** Output has left the ring, or a stream has closed: wake writers. */
  roomMadeLocked(): void;
  /** Keys that mean a signal were typed, or the window has another size: bits of TerminalSignal, for a process group (0: for whoever). */
  signal(signals: number, group: number): void;
  /** Ctrl-A x. */
  powerOff(): void;
}

export interface HostStreams {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** What the host's end knows beside RAM: part of a snapshot. */
export interface ConsoleState {
  /** Input that the console has not taken yet. */
  readonly input: Uint8Array;
  /** Whether no more input comes after that, and whether the console has been told. */
  readonly inputEnded: boolean;
  readonly hungUp: boolean;
  /** What has been captured so far; empty when it went to streams. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** What a run into buffers has written; complete after `finish`. */
export interface Captured {
  readonly stdout: BufferSink;
  readonly stderr: BufferSink;
}

const NOTHING = new Uint8Array(0);

export class ConsoleHost {
  private streams: HostStreams | null = null;
  /** Where output is captured: while there are no streams. */
  private captured: Captured | null = null;
  /** A state has been restored, and nobody has said yet where its input comes from and its output goes; so much of it is from before. */
  private detached: { readonly stdout: number; readonly stderr: number } | null = null;
  private out: Sink = new BufferSink();
  private error: Sink = this.out;
  private echo: Sink | null = null;
  private rawMode: RawMode | null = null;
  private escape: EscapeKeys | null = null;

  private readonly input: Uint8Array[] = [];
  private inputAt = 0;
  private inputEnded = false;
  private hungUp = false;
  /** Under a schedule: what has come and has not been passed on yet; null: the end. */
  private readonly typed: (Uint8Array | null)[] = [];
  private size: { readonly rows: number; readonly columns: number } | undefined;

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

  /**
   * Connects the process's streams: line editing when stdin is a terminal, plain bytes otherwise.
   *
   * @param snapshotKey called when Ctrl-A s is typed at the terminal
   */
  attachTerminalOrPipes(streams: HostStreams = process, snapshotKey?: () => void): void {
    this.connect(streams, snapshotKey);
    this.begin(terminalFlags(streams));
    this.listen(streams);
  }

  /** Connects buffers: `stdin` is all the input there will be. */
  attachBuffers(stdin: Uint8Array | string = ''): Captured {
    const captured = this.capture();
    this.begin(0);
    this.takeAll(stdin);
    return captured;
  }

  /**
   * Connects streams for what is written, and a buffer with all the input there will be. Nothing of it counts as a terminal, so that a program
   * does the same whatever the streams are.
   */
  attachOutput(streams: Pick<HostStreams, 'stdout' | 'stderr'>, stdin: Uint8Array | string): void {
    this.connectOutput(streams);
    this.begin(0);
    this.takeAll(stdin);
  }

  /** Connects streams for what is written, and, for input, what was once typed at a terminal: `pass` gives it piece by piece. */
  attachTyped(streams: Pick<HostStreams, 'stdout' | 'stderr'>, { flags, rows, columns }: TypedInput): void {
    this.connectOutput(streams);
    this.echo = (flags & ConsoleFlag.InputTerminal) !== 0 ? this.out : null;
    this.begin(flags);
    this.size = { rows, columns };
    this.resized();
  }

  /** The terminal that is attached, without what is typed there. */
  get terminal(): Omit<TypedInput, 'pieces'> {
    const { rows = 0, columns = 0 } = this.streams?.stdout ?? {};
    return { flags: this.streams === null ? 0 : terminalFlags(this.streams), rows, columns };
  }

  /** Under a schedule: takes what has come since the last time, to be passed on. */
  takeTyped(): (string | null)[] {
    return this.typed.splice(0).map((piece) => (piece === null ? null : Buffer.from(piece).toString('latin1')));
  }

  /** Under a schedule: what is passed on to the console when it is next pumped. */
  pass(piece: string | null): void {
    if (piece === null) this.inputEnded = true;
    else this.input.push(Buffer.from(piece, 'latin1'));
  }

  /** What there is to know, apart from RAM. Call when the console is not busy, and no hart works on it. */
  save(): ConsoleState {
    const { captured } = this;
    return {
      input: new Uint8Array(Buffer.concat(this.input).subarray(this.inputAt)),
      inputEnded: this.inputEnded,
      hungUp: this.hungUp,
      stdout: new Uint8Array(captured?.stdout.bytes() ?? NOTHING),
      stderr: new Uint8Array(captured?.stderr.bytes() ?? NOTHING),
    };
  }

  /** RAM has been replaced, and this belongs to it. Output is captured until streams or buffers are resumed. Call after `finish`. */
  restore({ input, inputEnded, hungUp, stdout, stderr }: ConsoleState): void {
    const captured = this.capture();
    void captured.stdout.write(stdout);
    void captured.stderr.write(stderr);
    this.detached = { stdout: stdout.length, stderr: stderr.length };
    this.forget();
    if (input.length > 0) this.input.push(input);
    this.inputEnded = inputEnded;
    this.hungUp = hungUp;
    // What had no room then may have some now.
    this.roomMade = true;
  }

  /** After `restore`: goes on with buffers. `stdin` is all that comes after the input that there is already, if there is to be more. */
  resumeBuffers(stdin?: Uint8Array | string): Captured {
    const captured = this.captured ?? this.capture();
    this.takeOver(0, stdin !== undefined);
    this.takeAll(stdin);
    return captured;
  }

  /** After `restore`: goes on with streams. What has been written since then goes to them first; they may have input even if it had ended. */
  resumeStreams(streams: HostStreams, snapshotKey?: () => void): void {
    const { captured, detached } = this;
    this.connect(streams, snapshotKey);
    this.handOver(captured, detached);
    this.takeOver(terminalFlags(streams), true);
    this.listen(streams);
  }

  /** Whether something that has left RAM is still on its way into a buffer. (What is on its way to a stream is out of the machine.) */
  get isBusy(): boolean {
    return this.captured !== null && this.running !== null;
  }

  /** After `restore`: goes on with streams for what is written, and a buffer. */
  resumeOutput(streams: Pick<HostStreams, 'stdout' | 'stderr'>, stdin: Uint8Array | string): void {
    const { captured, detached } = this;
    this.connectOutput(streams);
    this.handOver(captured, detached);
    this.takeOver(0, true);
    this.takeAll(stdin);
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
    return (this.streams !== null || this.detached !== null) && !this.inputEnded;
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

  /** This is all the input that there will be, after what there is already. */
  private takeAll(stdin: Uint8Array | string | undefined): void {
    if (stdin !== undefined) this.input.push(bytesOf(stdin));
    this.inputEnded = true;
    void this.pump();
  }

  private connect(streams: HostStreams, snapshotKey?: () => void): void {
    const { stdin, stdout, stderr } = streams;
    this.connectOutput(streams);
    this.streams = streams;
    this.echo = stdout.isTTY ? this.out : stderr.isTTY ? this.error : null;
    if (!stdin.isTTY) return;
    this.rawMode = new RawMode(stdin);
    this.escape = new EscapeKeys(() => {
      this.callbacks.powerOff();
    }, snapshotKey);
  }

  private connectOutput({ stdout, stderr }: Pick<HostStreams, 'stdout' | 'stderr'>): void {
    this.streams = null;
    this.captured = null;
    this.out = new StreamSink(stdout, () => {
      this.closeStream(Stream.Out);
    });
    this.error = new StreamSink(stderr, () => {
      this.closeStream(Stream.Error);
    });
    this.echo = null;
  }

  /** Gives streams what has been captured since the state was restored. */
  private handOver(captured: Captured | null, detached: ConsoleHost['detached']): void {
    void this.out.write(captured?.stdout.bytes().subarray(detached?.stdout) ?? NOTHING);
    void this.error.write(captured?.stderr.bytes().subarray(detached?.stderr) ?? NOTHING);
  }

  private listen({ stdin, stdout }: HostStreams): void {
    this.resized();
    stdout.on('resize', this.resized);
    stdin.on('data', this.arrived);
    stdin.on('end', this.ended);
    stdin.on('close', this.ended);
    stdin.on('error', this.ended);
    stdin.ref?.();
    stdin.resume();
  }

  private capture(): Captured {
    const captured = { stdout: new BufferSink(), stderr: new BufferSink() };
    this.streams = null;
    this.captured = captured;
    this.out = captured.stdout;
    this.error = captured.stderr;
    this.echo = null;
    return captured;
  }

  private forget(): void {
    this.input.length = 0;
    this.inputAt = 0;
    this.inputEnded = false;
    this.hungUp = false;
    this.finishing = false;
    this.closing = 0;
    this.typed.length = 0;
    this.size = undefined;
  }

  /** @param moreInput whether input may come, even if it had ended */
  private takeOver(flags: number, moreInput: boolean): void {
    this.detached = null;
    if (moreInput) this.inputEnded = this.hungUp = false;
    this.locks.acquire(this.console.lock);
    this.console.takeOverLocked(flags, moreInput);
    this.locks.release(this.console.lock);
  }

  private begin(flags: number): void {
    this.detached = null;
    this.forget();
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
    let signals: number;
    let group: number;
    try {
      this.tellChangesLocked();
      const stopped = console.isStoppedLocked();
      if (inputDue) this.moveInputLocked();
      signals = console.takeSignalsLocked();
      group = console.foregroundLocked();
      // Also of a few bytes that are not enough for a read in raw mode: it looks at the clock again.
      if (inputDue && (console.readableLocked() || console.availableLocked() > 0)) callbacks.inputArrivedLocked();
      // Ctrl-Q, or a key that means a signal, may have let output go on.
      if (stopped && !console.isStoppedLocked()) callbacks.roomMadeLocked();
    } finally {
      locks.release(console.lock);
    }
    if (signals !== 0) callbacks.signal(signals, group);
    if (!this.streams) return true;
    if (this.input.length > 0) this.streams.stdin.pause();
    else if (!this.inputEnded) this.streams.stdin.resume();
    return true;
  }

  private tellChangesLocked(): void {
    const { console } = this;
    const { rows, columns } = this.size ?? this.streams?.stdout ?? {};
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
    const bytes = this.escape ? this.escape.filter(typed) : typed;
    (this.alone ? this.typed : this.input).push(bytes);
    void this.pump();
  };

  private readonly ended = (): void => {
    if (this.alone) this.typed.push(null);
    else this.inputEnded = true;
    void this.pump();
  };

  private readonly resized = (): void => {
    this.sized = true;
    void this.pump();
  };
}

/** Which of the streams are terminals, as bits of ConsoleFlag. */
function terminalFlags({ stdin, stdout, stderr }: HostStreams): number {
  return (
    (stdin.isTTY ? ConsoleFlag.InputTerminal : 0) |
    (stdout.isTTY ? ConsoleFlag.OutputTerminal : 0) |
    (stderr.isTTY ? ConsoleFlag.ErrorTerminal : 0)
  );
}

function bytesOf(input: Uint8Array | string): Uint8Array {
  return typeof input === 'string' ? Buffer.from(input) : input;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ignore(): void {
  // An error of stdin after the end concerns nobody.
}
