/*
 * The host's terminal in raw mode, given back on every way out of the process: the end, a crash, a signal.
 *
 * In raw mode all keys come through; Node keeps the terminal's output processing (a newline still returns the carriage), so output
 * needs no translation. Ctrl-A is the machine's own key, as in QEMU: Ctrl-A x turns the power off, Ctrl-A s asks for a snapshot if anybody
 * takes them, Ctrl-A Ctrl-A types a Ctrl-A.
 */

import process from 'node:process';

/** The part of Node's readable streams that is used here. */
export interface InputStream {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (chunk: Uint8Array | string) => void): unknown;
  on(event: 'end' | 'error' | 'close', listener: () => void): unknown;
  removeListener(event: 'data', listener: (chunk: Uint8Array | string) => void): unknown;
  removeListener(event: 'end' | 'error' | 'close', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  unref?(): unknown;
  ref?(): unknown;
}

const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Raw mode from construction to `restore`. */
export class RawMode {
  private active = true;

  constructor(private readonly stdin: InputStream) {
    stdin.setRawMode?.(true);
    process.on('exit', this.restore);
    process.on('SIGCONT', this.resume);
    for (const signal of FATAL_SIGNALS) process.on(signal, this.die);
  }

  /** Gives the terminal back; later calls do nothing. */
  readonly restore = (): void => {
    if (!this.active) return;
    this.active = false;
    process.removeListener('exit', this.restore);
    process.removeListener('SIGCONT', this.resume);
    for (const signal of FATAL_SIGNALS) process.removeListener(signal, this.die);
    try {
      this.stdin.setRawMode?.(false);
    } catch {
      // The terminal has gone: nothing to give back.
    }
  };

  /** The shell that had stopped us has its own ideas of the terminal's mode. */
  private readonly resume = (): void => {
    this.stdin.setRawMode?.(false);
    this.stdin.setRawMode?.(true);
  };

  /** Dies of the signal after all, so that the parent sees it. */
  private readonly die = (signal: NodeJS.Signals): void => {
    this.restore();
    process.kill(process.pid, signal);
  };
}

const CTRL_A = 1;
const POWER_OFF = 'x'.charCodeAt(0);
const SNAPSHOT = 's'.charCodeAt(0);

/** Takes the machine's own keys out of what is typed. */
export class EscapeKeys {
  private escaped = false;

  /** @param snapshot called for Ctrl-A s; undefined: that is no key of the machine's */
  constructor(
    private readonly powerOff: () => void,
    private readonly snapshot?: () => void,
  ) {}

  /** Returns what is left for the machine. */
  filter(typed: Uint8Array): Uint8Array {
    if (!this.escaped && !typed.includes(CTRL_A)) return typed;
    const out = new Uint8Array(typed.length + 1);
    let length = 0;
    for (const byte of typed) {
      if (!this.escaped) {
        if (byte === CTRL_A) this.escaped = true;
        else out[length++] = byte;
        continue;
      }
      this.escaped = false;
      if (byte === POWER_OFF) {
        this.powerOff();
        continue;
      }
      if (byte === SNAPSHOT && this.snapshot !== undefined) {
        this.snapshot();
        continue;
      }
      out[length++] = CTRL_A;
      if (byte !== CTRL_A) out[length++] = byte;
    }
    return out.subarray(0, length);
  }
}
