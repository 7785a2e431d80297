/*
 * A plan in words: what a person has to know to follow a failure.
 */

import type { Departure, Fault, Plan } from '../smp/schedule/plan.ts';
import { printStrategy } from './schedule-option.ts';

/** Longer lists are cut: nobody follows them. */
const MAX_LINES = 40;

/**
 * Lines about a plan, the first of them a heading without an indent.
 *
 * @param placeOf where in its program the hart of a departure was; '': nobody knows
 */
export function explainPlan({ strategy, faults }: Plan, placeOf: (departure: Departure) => string = () => ''): string[] {
  const departures = strategy.kind === 'replay' ? strategy.departures : [];
  const heading =
    strategy.kind !== 'replay'
      ? `the schedule ${printStrategy(strategy)}`
      : departures.length === 0
        ? 'the plain order: each hart goes on until it has to wait'
        : plural(departures.length, 'preemption');
  const lines = [
    ...departures.map((departure) => explainDeparture(departure, placeOf(departure))),
    ...faults.map(explainFault),
  ];
  const shown = lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`] : lines;
  return [faults.length === 0 ? heading : `${heading}, ${plural(faults.length, 'fault')}`, ...shown.map((line) => `  ${line}`)];
}

function explainDeparture({ hart, at, to }: Departure, place: string): string {
  return `hart ${hart} is preempted at its moment ${at}${place === '' ? '' : `, ${place},`} in favour of hart ${to}`;
}

function explainFault(fault: Fault): string {
  switch (fault.kind) {
    case 'stall':
      return `hart ${fault.hart} stalls at its moment ${fault.at} for ${plural(fault.moments, 'moment')}`;
    case 'late-ipi':
      return `interrupt ${fault.nth} between harts comes ${plural(fault.moments, 'moment')} late`;
    case 'kill':
      return `thread ${fault.thread} is killed after ${plural(fault.at, 'synchronisation point')}`;
    case 'no-memory':
      return `request ${fault.nth} for memory is refused`;
    case 'spurious':
      return `sleep ${fault.nth} of a hart ends for no reason`;
  }
}

/** `1 preemption`, `2 preemptions`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
