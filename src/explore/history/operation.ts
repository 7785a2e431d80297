/*
 * A history is a list of operations; a model says what an object of the kind may do, one operation after the other.
 *
 * An operation has its effect at one instant between its begin and its end; which, nobody saw. One that waits for others (a receiver at an
 * empty queue) takes its place in line at that instant, and others serve it later: such objects have a model with `waiting` (partial
 * operations with two events, as in Scherer and Scott's dual data structures).
 *
 * Invariant: begin ≤ waits ≤ end. The operations of one actor do not overlap.
 */

export type Scalar = number | string;
/** What an operation returned: a number (negative: an error, as the kernel returns it), or what it brought. */
export type Value = Scalar | Readonly<Record<string, Scalar>>;

export interface Operation {
  /** Unique within the history. */
  readonly id: number;
  /** Who called: a thread; negative: nobody, it came with the end of the process of that number. */
  readonly actor: number;
  readonly name: string;
  readonly args: Readonly<Record<string, Scalar>>;
  /**
   * What it returned; undefined: not known, so that it may have had its effect in its time, or none. With an end of Infinity that is an
   * operation that never returned (pending: its thread was killed, or the run ended).
   */
  readonly result: Value | undefined;
  /** Position in the trace at which it was called. */
  readonly begin: number;
  /** Position at which it returned; Infinity: it did not. */
  readonly end: number;
  /** A position at which it had been seen to wait: it has its place in line by then, and has not been served. */
  readonly waits?: number | undefined;
}

/**
 * A sequential object. States are values: `step` makes new ones and changes none.
 *
 * For an operation without a known result, `step` answers at least what it would for each result that it may have had.
 */
export interface Model<State> {
  readonly name: string;
  readonly initial: State;
  /**
   * The states that can follow when the operation happens, as it was seen to; none: it cannot have happened here. Several: the object has
   * a choice. An operation that is `waiting` is asked again: the states in which it has given up, if it can.
   */
  step(state: State, operation: Operation): readonly State[];
  /** Whether an operation that has had its step still waits for others; it cannot return as long as it does. */
  waiting?(state: State, operation: Operation): boolean;
  /** States with the same key behave the same from here on. */
  key(state: State): string;
  /** Splits a history into parts that are independent objects: it is linearizable if each of them is (P-compositionality). */
  partition?(operations: readonly Operation[]): (readonly Operation[])[];
  /**
   * The model for one part. With `foresight` it may refuse a step early if it leads to nothing with these operations, and may give states
   * that differ only in what none of these can see the same key: quick, but the reasons it gives are no longer those of the object.
   */
  prepared?(operations: readonly Operation[], foresight: boolean): Model<State>;
  /** Whether the operation, as it was seen, leaves every state in which it is possible as it is: so it need not be put off. */
  observes?(operation: Operation): boolean;
  /**
   * Whether, of two operations that are open and have not had their effect, the second need not be tried before the first: no order that
   * explains the history has them that way round, or it can be turned into one that has them the other way.
   */
  leads?(first: Operation, second: Operation): boolean;
  /** The operation for people: `send(7, "a") → 0`. */
  describe(operation: Operation): string;
  /** The state for people. */
  show(state: State): string;
  /** Why `step` answers nothing. */
  refusal?(state: State, operation: Operation): string;
  /** What an operation is about (a message, a value): those that share one explain each other. */
  subjects?(operation: Operation): readonly string[];
}

/** Whether it may have had no effect: what it returned is not known. */
export const isOptional = (operation: Operation): boolean => operation.result === undefined;

/** Who called, for people. */
export const actorText = ({ actor }: Pick<Operation, 'actor'>): string =>
  actor < 0 ? `end of process ${-actor}` : `thread ${actor}`;
