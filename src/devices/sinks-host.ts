/*
 * Where console output ends on the host: a stream of Node, or a buffer that a caller of the library reads.
 *
 * A sink never throws. One whose reader has gone (`| head -1`) is closed and drops what it gets.
 */

import { Buffer } from 'node:buffer';

/** The part of Node's writable streams that is used here. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly rows?: number;
  readonly columns?: number;
  write(bytes: Uint8Array | string, done?: (error?: Error | null) => void): boolean;
  on(event: 'error' | 'close' | 'drain' | 'resize', listener: (error?: Error) => void): unknown;
  removeListener(event: 'error' | 'close' | 'drain' | 'resize', listener: (error?: Error) => void): unknown;
}

export interface Sink {
  readonly closed: boolean;
  /** Takes the bytes; resolves once the next ones are welcome. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything has left the process. */
  flush(): Promise<void>;
  /** Lets go of the stream. */
  release(): void;
}

export class StreamSink implements Sink {
  closed = false;
  private released = false;
  private readonly waiting = new Set<() => void>();

  /** @param onClose called once when nobody reads the stream any more */
  constructor(
    private readonly stream: OutputStream,
    private readonly onClose: () => void,
  ) {
    stream.on('error', this.failed);
    stream.on('close', this.failed);
    stream.on('drain', this.drained);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.closed || this.stream.write(bytes)) return;
    await new Promise<void>((resolve) => {
      if (this.closed) resolve();
      else this.waiting.add(resolve);
    });
  }

  async flush(): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      this.waiting.add(resolve);
      this.stream.write('', () => {
        resolve();
      });
    });
  }

  release(): void {
    this.released = true;
    this.stream.removeListener('close', this.failed);
    this.stream.removeListener('drain', this.drained);
    // The listener for errors stays: an error that comes late must not end the process.
  }

  private readonly drained = (): void => {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  };

  private readonly failed = (): void => {
    if (this.closed) return;
    this.closed = true;
    this.drained();
    if (!this.released) this.onClose();
  };
}

/** Keeps what it gets. */
export class BufferSink implements Sink {
  readonly closed = false;
  private readonly pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): Promise<void> {
    this.pieces.push(bytes);
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  release(): void {
    // Nothing to let go of.
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.pieces);
  }

  text(): string {
    return Buffer.concat(this.pieces).toString('utf8');
  }
}
