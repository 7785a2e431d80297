/*
 * What is typed at the console of a machine under a schedule, so that a run can be repeated that somebody typed into.
 *
 * The host passes it on in its turns only, and when it has its turn follows from the run so far. So the number of the turn, counted from the
 * program's start, says exactly when.
 */

export interface TypedPiece {
  /** The host's turn in which it was passed on. */
  readonly turn: number;
  /** Its bytes, one a character; null: the input has ended. */
  readonly text: string | null;
}

/** A terminal (or none), and what was typed there. */
export interface TypedInput {
  /** Which streams were terminals: bits of ConsoleFlag. */
  readonly flags: number;
  /** Size of the terminal; 0: unknown. */
  readonly rows: number;
  readonly columns: number;
  readonly pieces: readonly TypedPiece[];
}
