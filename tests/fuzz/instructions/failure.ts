/*
 * From a sequence that failed in the middle of many to a report that says how to see it again.
 *
 * What a hart remembers of earlier sequences may matter. So the sequence is tried on fresh harts alone, then with those before it of the
 * same program, then with ever more of the sequences before.
 */

import { type Difference, hex, Lab, programOf, STATES_PER_PROGRAM } from './lab.ts';
import type { Program } from './layout.ts';
import { minimise } from './minimise.ts';
import { describeDifference } from './report.ts';

/** Runs sequences one after the other until one fails; tells `each` before going on to the next. */
export function runSequences(
  lab: Lab,
  first: number,
  count: number,
  each?: (sequence: number) => void,
): { sequence: number; program: Program; difference: Difference } | undefined {
  const { theme } = lab;
  let program: Program | undefined;
  for (let sequence = first; sequence < first + count; sequence++) {
    if (sequence > first && sequence % (STATES_PER_PROGRAM * theme.programs) === 0) lab.renew();
    if (program === undefined || sequence % STATES_PER_PROGRAM === 0) lab.load((program = programOf(sequence, theme)));
    lab.draw(sequence);
    const difference = lab.run(sequence);
    if (difference !== undefined) return { sequence, program, difference };
    each?.(sequence);
  }
  return undefined;
}

/**
 * The report on a sequence that failed in a lab.
 *
 * @param began the first sequence that the same harts ran
 */
export function reportFailure({ tier, theme }: Lab, sequence: number, began: number, difference: Difference): string {
  const replay = (first: number): string =>
    `replay: npx tsx tests/fuzz/instructions/campaign.ts${theme.options} --tier ${tier} --seed ${String(first)} --count ${String(sequence - first + 1)}`;
  const small = minimise(new Lab(tier, theme), sequence, programOf(sequence, theme));
  if (small !== undefined) {
    const registers = Array.from({ length: 64 }, (_, n) => {
      const [low, high] = [small.registers[2 * n]!, small.registers[2 * n + 1]!];
      const value = (BigInt(high) << 32n) | BigInt(low);
      return value === 0n ? '' : `${n < 32 ? `x${String(n)}` : `f${String(n - 32)}`}=0x${value.toString(16)}`;
    }).filter((text) => text !== '');
    return [
      `sequence ${String(sequence)} fails: ${describeShort(difference)}`,
      replay(sequence),
      `made smaller: ${describeDifference(small.difference, small.program)}`,
      `registers at first: ${registers.join(' ') || 'all zero'}`,
      `pages: ${small.pages.join(', ') || 'any'}`,
    ].join('\n');
  }
  for (let before = STATES_PER_PROGRAM; ; before *= 4) {
    const first = Math.max(began, sequence - before - (sequence % STATES_PER_PROGRAM));
    const lab = new Lab(tier, theme);
    lab.thorough = true;
    const again = runSequences(lab, first, sequence - first + 1);
    if (again === undefined && first > began) continue;
    const shown = again ?? { sequence, difference, program: programOf(sequence, theme) };
    const when = again === undefined ? 'only once' : `only after others`;
    return [
      `sequence ${String(shown.sequence)} fails, ${when}: ${describeShort(shown.difference)}`,
      replay(first),
      describeDifference(shown.difference, shown.program),
    ].join('\n');
  }
}

export function describeShort({ what, reference, subject, pc }: Difference): string {
  return `${what} is ${reference} on the reference and ${subject} on the subject, at ${hex(pc)}`;
}
