/*
 * What can be asked of a kernel's objects from the outside, while nothing runs: how many there are, and what each wait is for. Whoever owns a
 * kind of object says so here, the IPC families too; census.ts and waits-for.ts ask. In both builds, for it is the host that asks.
 */

/** What a kind of wait is about (WaitReason). All of it without locks: for a machine at rest. */
export interface WaitKind {
  /** After "thread 5 …": `waits for a message at`. */
  readonly does: string;
  /** What it waits for: `port 3`. */
  object(thread: number): string;
  /** Who could end the wait: `process 7 (its owner)`, in words. */
  wakers(thread: number): string;
  /** Why it should not be waiting now, in words; undefined: it waits rightly. */
  unjustified(thread: number): string | undefined;
}

export class Inspection {
  /** By name, in the plural: how many there are in use. */
  readonly counts = new Map<string, () => number>();
  /** By WaitReason. */
  readonly waits = new Map<number, WaitKind>();

  /** Says how many objects of a kind there are. */
  count(plural: string, inUse: () => number): void {
    this.counts.set(plural, inUse);
  }

  /** Says what a reason to wait is about. */
  wait(reason: number, kind: WaitKind): void {
    this.waits.set(reason, kind);
  }
}
