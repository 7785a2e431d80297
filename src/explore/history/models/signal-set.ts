/*
 * The pending signals of a process: a set of standard signals, a queue of real-time ones.
 *
 *   send {process, signal}  → 0
 *   accept {process}        → the lowest one, which is pending no more (once less); -11 (EAGAIN) if there is none
 *
 * The state is the list of what is pending, the lowest first. Processes are independent objects.
 */

import { groupsOf } from '../groups.ts';
import type { Model } from '../operation.ts';

const FIRST_REALTIME = 32;
const EAGAIN = -11;

export function signalSetModel(): Model<readonly number[]> {
  return {
    name: 'signal set',
    initial: [],
    step: (pending, { name, args, result }) => {
      if (name === 'send') {
        const signal = Number(args.signal);
        const merges = signal < FIRST_REALTIME && pending.includes(signal);
        return [merges ? pending : [...pending, signal].sort((a, b) => a - b)];
      }
      const [lowest, ...others] = pending;
      if (lowest === undefined) return result === undefined || result === EAGAIN ? [pending] : [];
      return result === undefined || result === lowest ? [others] : [];
    },
    key: (pending) => pending.join(),
    partition: (operations) => [...groupsOf(operations, ({ args }) => args.process!).values()],
    observes: ({ name, result }) => name === 'accept' && result === EAGAIN,
    describe: ({ name, args, result }) =>
      name === 'send' ? `send(${String(args.signal)})` : `accept() → ${result === undefined ? '?' : JSON.stringify(result)}`,
    show: (pending) => (pending.length === 0 ? 'nothing is pending' : `pending: ${pending.join(', ')}`),
    subjects: ({ name, args, result }) => {
      if (name === 'send') return [`signal ${String(args.signal)}`];
      return typeof result === 'number' && result > 0 ? [`signal ${String(result)}`] : [];
    },
  };
}
