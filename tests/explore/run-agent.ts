/*
 * Runs an agent's program on a machine of its own, and reads the history back from the trace.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type AgentProgram, encodeAgent } from '../../src/explore/agent.ts';
import { type AgentHistory, type AgentRecord, decodeMarks } from '../../src/explore/agent-marks.ts';
import { Machine, type MachineOptions, type RunResult } from '../../src/machine.ts';
import type { DecodedEvent } from '../../src/trace/drain.ts';

export interface AgentRun extends AgentHistory {
  readonly run: RunResult;
  readonly events: readonly DecodedEvent[];
  /** Results of a thread's operations in order; undefined for one that did not return. */
  readonly results: (thread: number) => (number | undefined)[];
  readonly of: (list: AgentRecord['list'], thread?: number) => AgentRecord[];
}

export async function runAgent(program: AgentProgram, options: MachineOptions = {}): Promise<AgentRun> {
  const folder = await mkdtemp(join(tmpdir(), 'hartbeat-agent-'));
  const file = join(folder, 'trace.ndjson');
  const machine = await Machine.boot({ ...options, trace: { file, level: 'info', lossless: true } });
  try {
    const run = await machine.run('agent', encodeAgent(program));
    await machine.halt();
    const events = eventsOf(await readFile(file, 'utf8'));
    const history = decodeMarks(program, events);
    const of = (list: AgentRecord['list'], thread = 0): AgentRecord[] =>
      history.operations.filter((record) => record.list === list && record.thread === thread);
    return { ...history, run, events, of, results: (thread) => of('thread', thread).map(({ result }) => result) };
  } finally {
    await machine.halt();
    await rm(folder, { recursive: true });
  }
}

/** The lines of a trace as events again, in order of time: across drains a line may have come a little late. */
function eventsOf(text: string): DecodedEvent[] {
  const events: DecodedEvent[] = [];
  for (const line of text.trim().split('\n')) {
    const { level, ns, hart, thread, event, ...args } = JSON.parse(line) as DecodedEvent & DecodedEvent['args'];
    events.push({ level, ns, hart, thread, event, args });
  }
  return events.sort((x, y) => x.ns - y.ns);
}
