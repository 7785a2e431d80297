/*
 * What can go wrong with a machine, seen from outside. What a guest does wrong is none of it: that is in the result of its run.
 */

/** The caller asked for something that cannot be. The message is one line: what was wrong, and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The machine itself has failed, and stopped. The message is the report. */
export class MachineCheck extends Error {
  override readonly name = 'MachineCheck';
}

/** Under a schedule: no hart can go on, or nothing comes of it any more. The first line says what, the rest who waits for whom. */
export class Standstill extends Error {
  override readonly name = 'Standstill';

  constructor(
    /** Nobody can go on and somebody waits; or everybody only spins, or the limit of moments is reached. */
    readonly kind: 'deadlock' | 'no-progress',
    message: string,
  ) {
    super(message);
  }
}

/** The machine was halted while a program ran. */
export class Halted extends Error {
  override readonly name = 'Halted';
}
