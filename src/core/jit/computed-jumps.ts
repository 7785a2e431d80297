/*
 * Where computed jumps go: an observation, made while they are interpreted or leave translated code for something that is not translated.
 *
 * A computed jump is a jalr without a link that does not return (its rs1 is neither ra nor t0): that of a switch, of an interpreter's
 * dispatch, of a call at the end of a function. Its targets cannot be read from the code, but those it had before it is likely to have
 * again. So regions take them in (region.ts), and are made anew when others turn up (translations.ts).
 *
 * It is advice and no more: what a region does with any other target is as right, if slower. Spaces with different code at the same
 * address share what is known of it.
 */

/** Most targets that are kept of a jump, most jumps. */
const MAX_TARGETS = 64;
const MAX_JUMPS = 1024;

const NONE: readonly number[] = [];

export class ComputedJumps {
  private readonly targets = new Map<number, number[]>();

  /** Targets of a jump, in ascending order: the same on all harts that have seen the same ones, in whatever order. */
  targetsOf(jump: number): readonly number[] {
    return this.targets.get(jump) ?? NONE;
  }

  /** Whether a computed jump has gone to a pc. */
  isTarget(pc: number): boolean {
    for (const known of this.targets.values()) if (known.includes(pc)) return true;
    return false;
  }

  /** Notes that the jump at a pc goes to a target, both user addresses. */
  record(jump: number, target: number): void {
    const known = this.targets.get(jump);
    if (known === undefined) {
      // The jump that is known the longest makes room.
      if (this.targets.size >= MAX_JUMPS) for (const first of this.targets.keys()) if (this.targets.delete(first)) break;
      this.targets.set(jump, [target]);
      return;
    }
    if (known.length >= MAX_TARGETS || known.includes(target)) return;
    // A list that has been handed out stays as it is.
    this.targets.set(
      jump,
      [...known, target].sort((a, b) => a - b),
    );
  }
}

/** Nothing is known. */
export const NO_JUMPS: Pick<ComputedJumps, 'targetsOf' | 'isTarget'> = new ComputedJumps();
