/*
 * The report of a machine check, as the user reads it: what a hart has written into the boot page before it stopped, or the exception that
 * its worker died of, and what the harts were doing, read out of the RAM that they have left behind.
 */

import type { Ram } from '../core/ram.ts';
import { BootPage } from '../smp/boot-page.ts';
import { sourcePositions } from '../smp/bundle.ts';
import { HartControl, Mode, RECENT_CALLS } from '../smp/hart-control.ts';
import { rankName } from '../smp/ranks.ts';
import type { SmpMap } from '../smp/smp-map.ts';
import { Spinlock } from '../smp/spinlock.ts';
import { callName } from '../syscalls/numbers.ts';

/** What has failed, if it was not a hart that could report it itself. */
export interface Failure {
  /** Number of the hart whose worker has ended before its time; -1: before it had become a hart; undefined: it was the host's own part. */
  readonly hart: number | undefined;
  readonly error: Error;
}

const MODES: Readonly<Record<number, string>> = { [Mode.Kernel]: 'kernel', [Mode.Guest]: 'guest', [Mode.Off]: 'off' };

/** Several lines, without a newline at the end. */
export function crashReport(ram: Ram, bootPage: number, map: SmpMap, failure: Failure | undefined): string {
  const length = BootPage.crashLength.get(ram, bootPage);
  const report = length > 0 ? ram.text(BootPage.crashReport.addr(bootPage), length) : describe(failure);
  const lines = [`hartbeat: ${report.trimEnd()}`];
  for (let hart = 0; hart < map.cpus; hart++) lines.push(hartLine(ram, map.hartControl(hart), hart));
  return sourcePositions(lines.join('\n'));
}

function describe(failure: Failure | undefined): string {
  if (failure === undefined) return 'machine check';
  const { hart, error } = failure;
  let what = `the worker of hart ${String(hart)} has died`;
  if (hart === undefined) what = 'the host has failed';
  else if (hart < 0) what = 'a hart could not be started';
  return `machine check: ${what}\n${error.stack ?? error.message}`;
}

function hartLine(ram: Ram, control: number, hart: number): string {
  const mode = HartControl.mode.load(ram, control);
  const thread = HartControl.thread.get(ram, control);
  const held: string[] = [];
  for (let i = 0; i < HartControl.heldCount.get(ram, control); i++) {
    const lock = HartControl.held.at(ram, control, i);
    held.push(`${rankName(Spinlock.rank.get(ram, lock))} 0x${lock.toString(16)}`);
  }
  const parked = HartControl.parked.load(ram, control) === 0 ? '' : ', parked';
  const running = thread === 0 ? '' : `, thread block 0x${thread.toString(16)}`;
  const locks = held.length === 0 ? '' : `, holds ${held.join(', ')}`;
  return `  hart ${String(hart)}: ${MODES[mode] ?? `mode ${String(mode)}`}${parked}${running}${locks}${recentCalls(ram, control)}`;
}

/** The system calls that a hart has taken last, the latest last. */
function recentCalls(ram: Ram, control: number): string {
  const count = HartControl.syscalls.get(ram, control);
  const names: string[] = [];
  for (let i = Math.max(0, count - RECENT_CALLS); i < count; i++) {
    const number = HartControl.recentCalls.at(ram, control, i % RECENT_CALLS);
    names.push(callName(number) ?? `0x${number.toString(16)}`);
  }
  return names.length === 0 ? '' : `, last calls: ${names.join(' ')}`;
}
