/*
 * How much guest code runs between two looks at the clock, in instructions: the credit of a slice.
 *
 * Guest code is as fast as the tier that executes it, from a hundred to some thousand instructions in a microsecond. So the credit follows
 * the speed that the hart has just been measured at: a look comes about every TARGET_NS. It stays within bounds. `least` is what a
 * thread begins with, and the credit that a slow host or a thread with many traps gets; `most` is how far a thread runs on that was fast and has become
 * slow (2 ms or so), for only its next look shows it. What other harts and the host want of this one is not delayed: that is the doorbell's.
 *
 * A trap (system call, page fault) costs a fixed share of the credit, so that there are no more than TRAPS of them between two looks,
 * however long each takes.
 *
 * With `least` equal to `most` the slices are constant, and depend on no clock: for schedules that have to be repeatable.
 */

/** Between two looks. A look costs a fraction of a microsecond. */
const TARGET_NS = 100_000;

/** Most traps between two looks. */
const TRAPS = 50;

const LEAST = 20_000;
const MOST = 400_000;

export class Pace {
  /** Instructions of the slice. */
  credit: number;
  /** What a trap takes from it. */
  trapCredit = 0;

  constructor(
    private readonly least = LEAST,
    private readonly most = MOST,
  ) {
    this.credit = least;
    this.begin();
  }

  /** A thread has been put on the hart. */
  begin(): void {
    this.set(this.least);
  }

  /** The slice that is over: so many instructions in so many nanoseconds, those of traps included. Sets the next one. */
  look(instructions: number, ns: number): void {
    const credit = ns > 0 ? (instructions * TARGET_NS) / ns : this.most;
    this.set(Math.floor(Math.max(this.least, Math.min(this.most, credit))));
  }

  private set(credit: number): void {
    this.credit = credit;
    this.trapCredit = Math.floor(credit / TRAPS);
  }
}
