/*
 * When do two runs fail the same way? When their findings are of one kind and their first lines differ only in numbers: an address, a pid
 * or a count depends on the schedule, though the mistake is the same. Exit statuses and numbers of signals are not of that sort: they stay.
 */

import type { Finding } from './session.ts';

/** Equal for findings that are the same failure. */
export function signatureOf({ kind, text }: Finding): string {
  const line = firstLine(text);
  return `${kind}: ${line.replace(/(\b(?:status|signal) )?(0x[\da-f]+|\d+(?:\.\d+)?)/gi, (whole, kept?: string) => (kept === undefined ? '#' : whole))}`;
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
