/*
 * What a worker of a campaign runs: one session from the beginning to the end, batches of plans in it.
 *
 * The worker's task lasts as long as the campaign. It talks with the pool through a port, strictly by turns: it says that it is ready; it
 * is sent a batch and sends the outcomes, or is sent the end and returns. Beside that there are a few words of shared memory, hints on
 * which nothing that must hold depends: the pool sets STOP, the worker sets the place in its batch, which is how the pool knows after a
 * worker's death what it was at.
 *
 * A session that throws has failed: its plan gets a machine check, and the next one a new session.
 */

import { pathToFileURL } from 'node:url';
import type { MessagePort } from 'node:worker_threads';

import type { Plan } from '../smp/schedule/plan.ts';
import type { OpenSession, Outcome, Session, Wanted } from './session.ts';
import type { SessionTarget } from './target.ts';

/** Words of the shared memory. */
export const Hint = {
  /** Not zero: come back before the next run. */
  Stop: 0,
  /** Place in the batch of the plan that runs. */
  Place: 1,
  WORDS: 2,
} as const;

export interface WorkerTask {
  readonly port: MessagePort;
  readonly hints: Int32Array;
  /** Path of the JavaScript module that makes sessions. */
  readonly factory: string;
  readonly target: SessionTarget;
}

export interface Order {
  readonly plan: Plan;
  readonly want: Wanted;
}

export type ToWorker =
  /** `all`: a finding is no reason to leave the rest. */
  { readonly type: 'batch'; readonly orders: readonly Order[]; readonly all: boolean } | { readonly type: 'end' };

export type FromWorker =
  | { readonly type: 'ready' }
  /** There is no session: the user asked for what cannot be, or something is broken. */
  | { readonly type: 'refused'; readonly usage: boolean; readonly message: string }
  /** Of the first orders of the batch; fewer than there were if it was told to stop, or found something. */
  | { readonly type: 'outcomes'; readonly outcomes: readonly Outcome[] };

/** The task of a worker. Returns when it is told to end, or the session cannot be opened. */
export async function explore({ port, hints, factory, target }: WorkerTask): Promise<void> {
  let session: Session;
  const open = async (): Promise<Session> =>
    ((await import(pathToFileURL(factory).href)) as { readonly openSession: OpenSession }).openSession(target);
  const send = (message: FromWorker): void => port.postMessage(message);
  try {
    session = await open();
  } catch (error) {
    const usage = error instanceof Error && error.name === 'UsageError';
    send({ type: 'refused', usage, message: usage ? error.message : stackOf(error) });
    port.close();
    return;
  }

  const runBatch = async (orders: readonly Order[], all: boolean): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (const [place, { plan, want }] of orders.entries()) {
      if (hints[Hint.Stop] !== 0) break;
      hints[Hint.Place] = place;
      try {
        outcomes.push(trimmed(await session.run(plan, want), want));
      } catch (error) {
        outcomes.push(failureOf(error));
        await session.close().catch(() => undefined);
        session = await open();
      }
      if (!all && outcomes.at(-1)!.finding !== undefined) break;
    }
    return outcomes;
  };

  const next = inboxOf(port);
  send({ type: 'ready' });
  for (;;) {
    const message = await next();
    if (message.type === 'end') break;
    send({ type: 'outcomes', outcomes: await runBatch(message.orders, message.all) });
  }
  await session.close();
  port.close();
}

/** Answers the messages of a port one after the other: the end may come while a batch runs. */
function inboxOf(port: MessagePort): () => Promise<ToWorker> {
  const messages: ToWorker[] = [];
  let wake: () => void = () => undefined;
  port.on('message', (message: ToWorker) => {
    messages.push(message);
    wake();
  });
  return async () => {
    while (messages.length === 0) {
      await new Promise<void>((arrived) => {
        wake = arrived;
      });
    }
    return messages.shift()!;
  };
}

/** Without what nobody asked for: departures and choices can be long. */
function trimmed(outcome: Outcome, { choices, history }: Wanted): Outcome {
  return {
    ...outcome,
    departures: outcome.finding === undefined ? undefined : outcome.departures,
    pcs: undefined,
    choices: choices === true ? outcome.choices : undefined,
    history: history === true ? outcome.history : undefined,
    picture: history === true ? outcome.picture : undefined,
  };
}

function failureOf(error: unknown): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  return {
    finding: { kind: 'machine-check', text: `the session failed: ${message}`, report: stackOf(error) },
    moments: 0,
    contended: 0,
    departures: undefined,
    choices: [],
    interleaving: '',
    ns: 0,
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
