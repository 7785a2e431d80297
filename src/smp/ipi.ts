/*
 * Kinds of inter-processor interrupt, a bit each in a hart's doorbell.
 */

export const Ipi = {
  /** Look at the run queue again. */
  Reschedule: 1,
  /** Leave guest code: translations have changed. */
  Shootdown: 2,
  /** Leave the hart loop. */
  Halt: 4,
  /** Another hart wants a function carried out (hart-calls.ts). */
  Call: 8,
  /** Leave the hart loop and wait at the gate (gate.ts): the machine is held still. */
  Pause: 16,
  /** Kill the thread that the schedule names: a fault that was asked for (schedule/plan.ts). */
  Kill: 32,
  /** Under a schedule: the host wants its turn. */
  HostTurn: 64,
} as const;
