/*
 * The progress of a campaign on stderr: on a terminal one line that is drawn again and again, elsewhere a line every few seconds.
 */

import type { CoverageReport } from '../explore/coverage.ts';
import type { Progress } from '../explore/campaign.ts';
import { plural } from '../explore/explain.ts';

/** Where the line goes: process.stderr, or what looks like it. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const REDRAW_MS = 100;
const LINE_MS = 5000;
const BAR_CELLS = 20;
const ERASE = '\r\x1b[K';

export class ProgressLine {
  private shownMs = -Infinity;
  private phase: Progress['phase'] = 'exploring';
  private readonly startedMs: number;

  /** @param seconds the limit in time, if there is one */
  constructor(
    private readonly stream: ProgressStream,
    private readonly seconds: number | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.startedMs = now();
  }

  /** Shows how it stands, if the last time is long enough ago. */
  show(progress: Progress): void {
    const terminal = this.stream.isTTY === true;
    const changed = progress.phase !== this.phase;
    this.phase = progress.phase;
    const nowMs = this.now();
    // Short campaigns of a script need no line.
    const last = terminal || this.shownMs >= 0 ? this.shownMs : this.startedMs;
    if (nowMs - last < (terminal ? REDRAW_MS : LINE_MS) && !(changed && terminal)) return;
    this.shownMs = nowMs;
    const text = formatProgress(progress, this.seconds);
    this.stream.write(terminal ? `${ERASE}${text.slice(0, (this.stream.columns ?? 80) - 1)}` : `${text}\n`);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.stream.isTTY === true && this.shownMs >= 0) this.stream.write(ERASE);
  }
}

/** One line. */
export function formatProgress(progress: Progress, limit: number | undefined): string {
  const { phase, schedules, of, seconds, coverage, findings, shrinking } = progress;
  if (phase === 'shrinking') {
    return `shrinking: ${plural(shrinking?.departures ?? 0, 'preemption')} left after ${plural(shrinking?.runs ?? 0, 'run')}`;
  }
  const done = Math.max(of === undefined ? 0 : schedules / of, limit === undefined ? 0 : seconds / limit);
  const parts = [
    of === undefined ? `${schedules} schedules` : `${schedules} of ${of} schedules`,
    `${formatRate(schedules, seconds)}/s`,
    formatCoverage(coverage),
    plural(findings, 'finding'),
  ];
  if (done > 0) parts.push(`${formatSeconds((seconds * (1 - Math.min(done, 1))) / done)} left`);
  const bar = of === undefined && limit === undefined ? '' : `${formatBar(Math.min(done, 1))}  `;
  return bar + parts.join(', ');
}

/** Schedules a second. */
export function formatRate(schedules: number, seconds: number): string {
  const rate = seconds > 0 ? schedules / seconds : 0;
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}

export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function formatCoverage({ distinct, more, fresh }: CoverageReport): string {
  const share = fresh === undefined ? '' : ` (${Math.round(100 * fresh)}% new)`;
  return `${more ? 'over ' : ''}${distinct} interleavings${share}`;
}

function formatBar(done: number): string {
  const full = Math.round(done * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
}
