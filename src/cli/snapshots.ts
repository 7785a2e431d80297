/*
 * The snapshots that a command writes, all to one file, each in place of the one before: whenever somebody asks (Ctrl-A s, SIGUSR2), and when
 * the program has ended if nobody has.
 */

import type { Machine } from '../machine.ts';
import { Halted } from '../machine/errors.ts';
import { writeSnapshot } from '../machine/snapshot-file.ts';

/** What asks for a snapshot from outside. */
const SIGNAL = 'SIGUSR2';

export class Snapshots {
  private asked = false;
  private writing: Promise<void> = Promise.resolve();

  /** @param say prints a line for the user */
  constructor(
    private readonly machine: Machine,
    private readonly file: string,
    private readonly say: (line: string) => void,
  ) {
    process.on(SIGNAL, this.ask);
  }

  /** Takes one now. What goes wrong is said, and the machine goes on. */
  readonly ask = (): void => {
    this.asked = true;
    this.writing = this.writing
      .then(() => this.take())
      .catch((error: unknown) => {
        this.say((error as Error).message);
      });
  };

  /**
   * The program has ended.
   *
   * @throws UsageError when the snapshot that is due now cannot be written
   */
  async finish(): Promise<void> {
    process.removeListener(SIGNAL, this.ask);
    await this.writing;
    if (!this.asked) await this.take();
  }

  /** The machine was turned off before the program had ended: there will be no other one than those that were asked for. */
  missed(why: string): void {
    if (!this.asked) this.say(`no snapshot in ${this.file}: ${why}`);
  }

  /** Nothing more is asked for. */
  async close(): Promise<void> {
    process.removeListener(SIGNAL, this.ask);
    await this.writing;
  }

  private async take(): Promise<void> {
    const { machine, file, say } = this;
    try {
      const bytes = await writeSnapshot(file, await machine.snapshot());
      say(`snapshot of ${(bytes / 1e6).toFixed(1)} MB in ${file}; go on with --restore ${file}`);
    } catch (error) {
      if (!(error instanceof Halted)) throw error;
      this.asked = false;
      this.missed(error.message);
    }
  }
}
