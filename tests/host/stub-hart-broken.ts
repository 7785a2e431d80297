/* A hart whose worker dies before it is ready. */
export function runStub(): void {
  throw new Error('never called');
}

throw new Error('cannot be loaded');
