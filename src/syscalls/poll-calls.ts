/*
 * ppoll(2) and pselect6(2): waiting for any of several descriptors. The waiting itself: kernel/files/polls.ts.
 *
 * Both look at their descriptors until one is ready or time is up, and sleep in between. What they return is written to the user's arrays when
 * they end; the time that is left as well, whatever else happens, as Linux does.
 */

import type { Ram } from '../core/ram.ts';
import { E } from '../kernel/errno.ts';
import { MAX_DESCRIPTORS } from '../kernel/files/descriptors.ts';
import { PollEvent } from '../kernel/files/file-ops.ts';
import { Process } from '../kernel/process.ts';
import { BLOCKED, FIRST_RESTART } from '../kernel/result.ts';
import type { Call } from './call.ts';
import { deadlineOf, endOfTimedCall } from './deadline.ts';

/** `struct pollfd`: a descriptor, events (16 bits), what has come of them (16 bits). All that there can be fit the scratch area. */
const POLLFD_BYTES = 8;
/** Bytes of the largest set of descriptors. */
const SET_BYTES = MAX_DESCRIPTORS / 8;
const SETS = 3;
const SIGSET_BYTES = 8;
const NS = 1e9;

const READABLE = PollEvent.In | PollEvent.ReadNormal;
const WRITABLE = PollEvent.Out | PollEvent.WriteNormal;
/** What makes a descriptor belong to the resulting set for reading, writing, exceptions; and what is asked for it. */
const READY = [READABLE | PollEvent.HangUp | PollEvent.Error, WRITABLE | PollEvent.Error, PollEvent.Priority];
const ASKED = [READABLE, WRITABLE, PollEvent.Priority];

/** Looks at all descriptors of a call and notes what it finds in scratch: how many are ready, or an errno. */
type Scan = (call: Call, count: number, watch: boolean) => number;

/** poll(2) with a timespec and a signal mask: descriptors, how many, time or 0, mask or 0, its size. */
export function ppoll(call: Call): number {
  const { copy, scratch } = call.kernel;
  const count = call.u32(1);
  const deadline = deadlineOf(call, call.size(2), false, false);
  if (deadline < 0) return deadline;
  let result = takeMask(call, call.size(3), call.size(4));
  if (result === 0 && count > MAX_DESCRIPTORS) result = -E.INVAL;
  if (result === 0) result = copy.copyIn(call.space, call.size(0), scratch, count * POLLFD_BYTES);
  if (result === 0) result = wait(call, scanPolled, count, deadline);
  if (result === BLOCKED) return result;
  if (result >= 0) result = writeEvents(call, count) || result;
  return finish(call, result, call.size(2), deadline);
}

/** select(2) with a timespec and a signal mask: how many descriptors, three sets (0: empty), time or 0, mask and its size. */
export function pselect6(call: Call): number {
  const { copy } = call.kernel;
  if (call.i32(0) < 0) return -E.INVAL;
  const count = Math.min(call.i32(0), MAX_DESCRIPTORS);
  const deadline = deadlineOf(call, call.size(4), false, false);
  if (deadline < 0) return deadline;
  let mask = 0;
  let maskBytes = SIGSET_BYTES;
  let result = 0;
  if (call.size(5) !== 0) {
    result = copy.readU64(call.space, call.size(5));
    mask = copy.value;
    if (result === 0) result = copy.readU64(call.space, call.size(5) + 8);
    maskBytes = copy.value;
  }
  if (result === 0) result = takeMask(call, mask, maskBytes);
  if (result === 0) result = readSets(call, count);
  if (result === 0) result = wait(call, scanSets, count, deadline);
  if (result === BLOCKED) return result;
  if (result >= 0) result = writeSets(call, count) || result;
  return finish(call, result, call.size(4), deadline);
}

/** Looks and sleeps in turn. The number of descriptors that are ready (0: time is up), BLOCKED, an errno or restart code. */
function wait(call: Call, scan: Scan, count: number, deadline: number): number {
  const { polls, clock } = call.kernel;
  for (;;) {
    const mayWait = clock.nowNs() < deadline;
    polls.begin(call.thread);
    let result = scan(call, count, mayWait);
    if (result === 0 && mayWait) {
      result = polls.sleep(call.thread, deadline);
      if (result === BLOCKED) return result;
      if (result === 0) continue;
    }
    polls.end(call.thread);
    return result;
  }
}

/** Ends a call that does not wait: the time that is left goes to its timespec. */
function finish(call: Call, result: number, timespec: number, deadline: number): number {
  const { clock, copy, masks } = call.kernel;
  // Broken off by a signal, the call may be made again, and the mask comes back when that has been delivered.
  if (result >= 0 || result > FIRST_RESTART) masks.endTemporaryMask(call.thread);
  endOfTimedCall(call, result);
  if (timespec === 0) return result;
  const left = Math.max(0, deadline - clock.nowNs());
  // Linux does not mind when it cannot be written.
  if (copy.writeU64(call.space, timespec, Math.floor(left / NS)) === 0) copy.writeU64(call.space, timespec + 8, left % NS);
  return result;
}

/** Blocks other signals for the time of the call, if it says which: 0, -EINVAL or -EFAULT. */
function takeMask(call: Call, mask: number, bytes: number): number {
  const { copy, masks } = call.kernel;
  if (mask === 0) return 0;
  if (bytes !== SIGSET_BYTES) return -E.INVAL;
  const error = copy.readU64(call.space, mask);
  if (error === 0) masks.setTemporaryMask(call.thread, copy.lo, copy.hi);
  return error;
}

function tableOf(call: Call): number {
  return Process.files.get(call.kernel.ram, call.process);
}

function scanPolled(call: Call, count: number, watch: boolean): number {
  const { ram, polls, scratch } = call.kernel;
  const table = tableOf(call);
  let ready = 0;
  for (let at = scratch; at < scratch + count * POLLFD_BYTES; at += POLLFD_BYTES) {
    const fd = ram.i32[at >>> 2]!;
    const events = ram.u16[(at + 4) >>> 1]!;
    // The first that is ready ends the wait: the others need not be watched.
    const found = fd < 0 ? 0 : polls.look(table, fd, events, watch && ready === 0);
    ram.u16[(at + 6) >>> 1] = found;
    if (found !== 0) ready++;
  }
  return ready;
}

function writeEvents(call: Call, count: number): number {
  const { ram, copy, scratch } = call.kernel;
  for (let i = 0; i < count; i++) {
    const offset = i * POLLFD_BYTES + 6;
    const error = copy.writeU16(call.space, call.size(0) + offset, ram.u16[(scratch + offset) >>> 1]!);
    if (error !== 0) return error;
  }
  return 0;
}

/** Bytes of a set of so many descriptors: whole 64-bit words. */
function setBytes(count: number): number {
  return Math.ceil(count / 64) * 8;
}

/** In scratch: what is asked for, set after set; behind that, what is found. */
function readSets(call: Call, count: number): number {
  const { ram, copy, scratch } = call.kernel;
  ram.fill(scratch, 2 * SETS * SET_BYTES);
  for (let set = 0; set < SETS; set++) {
    const from = call.size(1 + set);
    const error = from === 0 ? 0 : copy.copyIn(call.space, from, scratch + set * SET_BYTES, setBytes(count));
    if (error !== 0) return error;
  }
  return 0;
}

function writeSets(call: Call, count: number): number {
  const { copy, scratch } = call.kernel;
  for (let set = 0; set < SETS; set++) {
    const to = call.size(1 + set);
    const error = to === 0 ? 0 : copy.copyOut(call.space, to, scratch + (SETS + set) * SET_BYTES, setBytes(count));
    if (error !== 0) return error;
  }
  return 0;
}

function scanSets(call: Call, count: number, watch: boolean): number {
  const { ram, polls, scratch } = call.kernel;
  const table = tableOf(call);
  ram.fill(scratch + SETS * SET_BYTES, SETS * SET_BYTES);
  let ready = 0;
  for (let fd = 0; fd < count; fd++) {
    let events = 0;
    for (let set = 0; set < SETS; set++) if (isIn(ram, scratch, set, fd)) events |= ASKED[set]!;
    if (events === 0) continue;
    const found = polls.look(table, fd, events, watch && ready === 0);
    if (found === PollEvent.Invalid) return -E.BADF;
    for (let set = 0; set < SETS; set++) {
      if (!isIn(ram, scratch, set, fd) || (found & READY[set]!) === 0) continue;
      ram.u8[scratch + (SETS + set) * SET_BYTES + (fd >>> 3)]! |= 1 << (fd & 7);
      ready++;
    }
  }
  return ready;
}

function isIn(ram: Ram, scratch: number, set: number, fd: number): boolean {
  return (ram.u8[scratch + set * SET_BYTES + (fd >>> 3)]! & (1 << (fd & 7))) !== 0;
}
