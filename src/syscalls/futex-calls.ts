/*
 * futex(2). Operations with priority inheritance are not there.
 */

import { E } from '../kernel/errno.ts';
import { ANY_BITS } from '../kernel/futex.ts';
import type { Call } from './call.ts';
import { deadlineOf, endOfTimedCall } from './deadline.ts';

const Op = { Wait: 0, Wake: 1, Requeue: 3, CmpRequeue: 4, WakeOp: 5, WaitBitset: 9, WakeBitset: 10 } as const;
const PRIVATE = 128;
const CLOCK_REALTIME = 256;

export function futex(call: Call): number {
  const { futexes } = call.kernel;
  const address = call.size(0);
  const flags = call.u32(1);
  const op = flags & ~(PRIVATE | CLOCK_REALTIME);
  const isPrivate = (flags & PRIVATE) !== 0;
  const wall = (flags & CLOCK_REALTIME) !== 0;
  if (wall && op !== Op.WaitBitset && op !== Op.Wait) return -E.NOSYS;
  if (address % 4 !== 0) return -E.INVAL;
  const count = Math.max(0, call.i32(2));
  switch (op) {
    case Op.Wait:
    case Op.WaitBitset: {
      const bits = op === Op.Wait ? ANY_BITS : call.u32(5);
      if (bits === 0) return -E.INVAL;
      const deadline = deadlineOf(call, call.size(3), op === Op.WaitBitset, wall);
      if (deadline < 0) return deadline;
      return endOfTimedCall(call, futexes.wait(call.thread, call.space, address, call.u32(2), bits, deadline, isPrivate));
    }
    case Op.Wake:
      return futexes.wake(call.space, address, Math.max(1, count), ANY_BITS, isPrivate);
    case Op.WakeBitset:
      return call.u32(5) === 0 ? -E.INVAL : futexes.wake(call.space, address, Math.max(1, count), call.u32(5), isPrivate);
    case Op.Requeue:
    case Op.CmpRequeue: {
      const target = call.size(4);
      if (target % 4 !== 0 || call.i32(2) < 0 || call.i32(3) < 0) return -E.INVAL;
      const expected = op === Op.CmpRequeue ? call.u32(5) : undefined;
      return futexes.requeue(call.space, address, target, count, call.i32(3), expected, op === Op.CmpRequeue, isPrivate);
    }
    case Op.WakeOp: {
      const second = call.size(4);
      if (second % 4 !== 0) return -E.INVAL;
      return futexes.wakeOp(call.space, address, second, Math.max(1, count), Math.max(1, call.i32(3)), call.u32(5), isPrivate);
    }
    default:
      return -E.NOSYS;
  }
}
