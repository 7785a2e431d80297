/*
 * Small things for work that is waited for.
 */

/** Resolves when the event loop has come round once: whoever awaits something that is done goes on before. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What was thrown, as an Error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
