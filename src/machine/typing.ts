/*
 * What is typed during a run under a schedule: passed on in the host's turns, and noted; or what was noted once, passed on in the same turns.
 */

import type { ConsoleHost } from '../devices/console-host.ts';
import { ConsoleFlag } from '../devices/console-layout.ts';
import type { TypedInput, TypedPiece } from '../devices/typed-input.ts';

export class Typing {
  private turns = 0;
  /** Of a run that is repeated: pieces passed on so far. */
  private passed = 0;
  private left = false;

  private constructor(
    private readonly console: ConsoleHost,
    private readonly terminal: Omit<TypedInput, 'pieces'>,
    private readonly pieces: TypedPiece[],
    readonly isRepeated: boolean,
  ) {}

  /** Of a run that somebody may type into; once its console is attached. */
  static record(console: ConsoleHost): Typing {
    return new Typing(console, console.terminal, [], false);
  }

  static repeat(console: ConsoleHost, { pieces, ...terminal }: TypedInput): Typing {
    return new Typing(console, terminal, [...pieces], true);
  }

  get isTerminal(): boolean {
    return (this.terminal.flags & ConsoleFlag.InputTerminal) !== 0;
  }

  /** All that was typed so far. */
  get input(): TypedInput {
    return { ...this.terminal, pieces: this.pieces };
  }

  /** The host has its turn. */
  turn(): void {
    this.turns++;
  }

  /** Passes on what there is for this turn. */
  passOn(): void {
    if (!this.isRepeated) {
      for (const text of this.console.takeTyped()) {
        this.pieces.push({ turn: this.turns, text });
        this.console.pass(text);
      }
      return;
    }
    for (; this.passed < this.pieces.length && this.pieces[this.passed]!.turn <= this.turns; this.passed++) {
      this.console.pass(this.pieces[this.passed]!.text);
    }
  }

  /** Nobody can go on: who typed once has left by then, if all of it has been passed on. Returns whether that is news. */
  leave(): boolean {
    if (!this.isRepeated || this.left || this.passed < this.pieces.length) return false;
    this.left = true;
    this.console.pass(null);
    return true;
  }
}
