/*
 * All schedules with 0 departures from the plain order, then all with 1, with 2 … up to a bound: iterative context bounding (Musuvathi
 * and Qadeer 2007, CHESS). Most races need very few preemptions, and the schedules with few of them are few enough to try them all.
 *
 * Schedules form a tree. Its root is the plain order; a child has one departure more than its parent, at a choice that the parent's run
 * has reported later than its last departure. So each schedule has one parent, and none is run twice as a leaf. For each bound k the tree
 * is walked depth first: nodes at depth k are the schedules to run; those above them are run once more, as probes, for their choices. That
 * costs one run for all its children together, and keeps in memory only the choices of the nodes on the way, whatever the size of
 * the tree: those of one path, and of a few expansions ahead so that workers have something to do.
 *
 * A shard has every N-th child of the root with all that is below it.
 */

import type { Choice, Departure } from '../smp/schedule/plan.ts';
import { type Job, type PlanSource, type Shard } from './plans.ts';
import type { Outcome } from './session.ts';

/** Nodes that are expanded ahead of the walk, on each level. */
const AHEAD = 16;

export class ExhaustivePlans implements PlanSource {
  private readonly pending = new Map<Job, Expansion>();
  private root: Expansion | undefined;
  private path: Node[] = [];
  /** How many departures the schedules have that are handed out now; -1 before the first one. */
  private bound = -1;
  /** Whether a schedule with that many has been found. */
  private some = false;
  private complete = false;
  private over = false;
  private cut = false;

  /** @param depth the most departures a schedule has */
  constructor(
    private readonly depth: number,
    private readonly shard: Shard,
  ) {}

  get exhausted(): boolean {
    return this.over;
  }

  get note(): string | undefined {
    if (this.bound < 0) return undefined;
    const part = this.shard.of === 1 ? '' : ` in this shard`;
    const cut = this.cut ? '; runs had more choices than are reported: those beyond were left out' : '';
    if (this.complete) return `every schedule there is${part}, none needs more than ${this.bound - 1} departures${cut}`;
    if (this.over) return `every schedule with at most ${this.bound} departures from the plain order${part}${cut}`;
    return `at ${this.bound} departures from the plain order${part}${cut}`;
  }

  take(): Job | undefined {
    if (this.over) return undefined;
    if (this.root === undefined) return this.takeRoot();
    for (;;) {
      const node = this.path.at(-1);
      if (node === undefined) {
        if (this.root.choices === undefined || !this.deepen(this.root)) return undefined;
        continue;
      }
      if (node.departures.length + 1 === this.bound) {
        const departures = node.next();
        if (departures !== undefined) {
          this.some = true;
          return job(departures, false, false);
        }
        this.path.pop();
        continue;
      }
      const ahead = node.ahead.length < AHEAD ? node.next() : undefined;
      if (ahead !== undefined) return this.expand(node, ahead);
      const first = node.ahead[0];
      if (first === undefined) this.path.pop();
      else if (first.choices === undefined) return undefined;
      else {
        node.ahead.shift();
        this.path.push(new Node(first.departures, first.choices));
      }
    }
  }

  report(done: Job, { choices, contended, finding }: Outcome): void {
    const expansion = this.pending.get(done);
    if (expansion === undefined) return;
    this.pending.delete(done);
    if (choices === undefined && finding === undefined) throw new Error('the session has not reported the choices of a run');
    // A run that failed may not have come to the end where they are told.
    expansion.choices = choices ?? [];
    this.cut ||= contended > expansion.choices.length;
  }

  /** The plain order is every shard's to know, but one's to count. */
  private takeRoot(): Job {
    const root = job([], true, this.shard.index > 0);
    this.root = { departures: [], choices: undefined };
    this.pending.set(root, this.root);
    this.bound = 0;
    this.some = true;
    return root;
  }

  private deepen(root: Expansion): boolean {
    if (!this.some || this.bound === this.depth) {
      this.complete = !this.some;
      this.over = true;
      return false;
    }
    this.bound++;
    this.some = false;
    this.path = [new Node(root.departures, root.choices!, this.shard)];
    return true;
  }

  private expand(node: Node, departures: readonly Departure[]): Job {
    const expansion: Expansion = { departures, choices: undefined };
    const probe = job(departures, true, true);
    node.ahead.push(expansion);
    this.pending.set(probe, expansion);
    return probe;
  }
}

/** A node whose choices are asked for, or known. */
interface Expansion {
  readonly departures: readonly Departure[];
  choices: readonly Choice[] | undefined;
}

/** A node of the tree whose children are being enumerated: by the place of their last departure, then by the hart that goes on. */
class Node {
  /** Children that are expanded already, in order. */
  readonly ahead: Expansion[] = [];
  private at: number;
  /** Harts of the choice that have not had their turn, a bit each. */
  private others: number;
  private ordinal = 0;

  constructor(
    readonly departures: readonly Departure[],
    private readonly choices: readonly Choice[],
    private readonly shard?: Shard,
  ) {
    const last = departures.at(-1);
    const index = last === undefined ? -1 : choices.findIndex(({ hart, at }) => hart === last.hart && at === last.at);
    // A departure that is not among the choices had no effect, or lies beyond those that are reported: nothing comes after it.
    this.at = last !== undefined && index < 0 ? choices.length : index + 1;
    this.others = choices[this.at]?.others ?? 0;
  }

  next(): readonly Departure[] | undefined {
    for (;;) {
      const choice = this.choices[this.at];
      if (choice === undefined) return undefined;
      if (this.others === 0) {
        this.others = this.choices[++this.at]?.others ?? 0;
        continue;
      }
      const to = 31 - Math.clz32(this.others & -this.others);
      this.others &= this.others - 1;
      if (this.shard !== undefined && this.ordinal++ % this.shard.of !== this.shard.index) continue;
      return [...this.departures, { hart: choice.hart, at: choice.at, to }];
    }
  }
}

function job(departures: readonly Departure[], choices: boolean, probe: boolean): Job {
  return { plan: { strategy: { kind: 'replay', departures }, faults: [] }, choices, probe };
}
