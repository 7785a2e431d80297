/*
 * A fault as a word on the command line:
 *
 *   stall:HART@MOMENT+MOMENTS    from that moment of its own on the hart does nothing for so many moments of the others
 *   late-ipi:NTH+MOMENTS         the nth ring of a doorbell arrives so many moments later
 *   kill:THREAD@POINT            the thread is killed when it has passed so many synchronisation points
 *   no-memory:NTH                the nth request for memory finds none
 *   spurious:NTH                 the nth sleep of a hart ends for no reason
 *
 * Everything counts from 0.
 */

import { UsageError } from '../machine/errors.ts';
import type { Fault } from '../smp/schedule/plan.ts';

const FORMS = 'stall:HART@MOMENT+MOMENTS, late-ipi:NTH+MOMENTS, kill:THREAD@POINT, no-memory:NTH or spurious:NTH';

/**
 * Understands a value of `--fault`.
 *
 * @throws UsageError
 */
export function parseFault(text: string): Fault {
  const [, kind = '', first = '', at, plus] = /^([\w-]+):(\d{1,15})(?:@(\d{1,15}))?(?:\+(\d{1,15}))?$/.exec(text) ?? [];
  const given = `${at === undefined ? '' : '@'}${plus === undefined ? '' : '+'}`;
  const n = Number(first);
  switch (`${kind}${given}`) {
    case 'stall@+':
      return { kind: 'stall', hart: n, at: Number(at), moments: Number(plus) };
    case 'late-ipi+':
      return { kind: 'late-ipi', nth: n, moments: Number(plus) };
    case 'kill@':
      return { kind: 'kill', thread: n, at: Number(at) };
    case 'no-memory':
      return { kind: 'no-memory', nth: n };
    case 'spurious':
      return { kind: 'spurious', nth: n };
    default:
      throw new UsageError(`--fault ${text}: a fault is ${FORMS}`);
  }
}

/** The word for a fault: {@link parseFault} understands it. */
export function printFault(fault: Fault): string {
  switch (fault.kind) {
    case 'stall':
      return `stall:${fault.hart}@${fault.at}+${fault.moments}`;
    case 'late-ipi':
      return `late-ipi:${fault.nth}+${fault.moments}`;
    case 'kill':
      return `kill:${fault.thread}@${fault.at}`;
    case 'no-memory':
    case 'spurious':
      return `${fault.kind}:${fault.nth}`;
  }
}
