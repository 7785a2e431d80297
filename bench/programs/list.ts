/*
 * The rows of the table of programs: what is run, and how much of it.
 *
 * A program of bench/guest takes its repetitions, then a variant or a size, then, if it can work in threads, how many. The
 * repetitions are chosen so that a machine of the development host takes about 0.4 s natively: long enough for clocks and for translators to
 * warm up, short enough for a table of them.
 */

export interface ProgramRow {
  /** What the table and `--program` call it. */
  readonly name: string;
  /** bench/guest/<source>.c */
  readonly source: string;
  /** What it is about, in a few words. */
  readonly about: string;
  readonly repetitions: number;
  /** Between the repetitions and the threads. */
  readonly variant?: string;
  /** Threads, and harts; 1 unless said. */
  readonly threads?: number;
}

export const PROGRAMS: readonly ProgramRow[] = [
  { name: 'sieve', source: 'sieve', about: 'strided byte stores', repetitions: 160 },
  { name: 'matrix-i32', source: 'matrix', about: 'products of 32-bit integers', repetitions: 360, variant: 'i32' },
  { name: 'matrix-i64', source: 'matrix', about: 'products of 64-bit integers', repetitions: 320, variant: 'i64' },
  { name: 'matrix-f64', source: 'matrix', about: 'products of doubles', repetitions: 240, variant: 'f64' },
  { name: 'sha256', source: 'sha256', about: 'rotations and additions of words', repetitions: 96 },
  { name: 'crc32', source: 'crc32', about: 'a chain of table look-ups', repetitions: 2000 },
  { name: 'quicksort', source: 'quicksort', about: 'unpredictable branches', repetitions: 64 },
  { name: 'chase-256k', source: 'chase', about: 'a linked list of 256 KiB', repetitions: 16000, variant: '4096' },
  { name: 'chase-16m', source: 'chase', about: 'a linked list of 16 MiB', repetitions: 16, variant: '262144' },
  { name: 'strings', source: 'strings', about: 'string functions as loops over bytes', repetitions: 4000, variant: 'own' },
  { name: 'strings-libc', source: 'strings', about: 'string functions of the C library', repetitions: 6000, variant: 'libc' },
  { name: 'nbody', source: 'nbody', about: 'doubles, divisions, square roots', repetitions: 1600 },
  { name: 'states', source: 'states', about: 'a state machine over text', repetitions: 6000 },
  { name: 'vm', source: 'vm', about: 'an interpreter loop', repetitions: 160 },
  { name: 'calls', source: 'calls', about: 'recursive calls', repetitions: 800 },
  { name: 'sieve-2t', source: 'sieve', about: 'the sieve in two threads', repetitions: 320, threads: 2 },
  {
    name: 'matrix-f64-2t',
    source: 'matrix',
    about: 'the doubles in two threads',
    repetitions: 480,
    variant: 'f64',
    threads: 2,
  },
  { name: 'sha256-2t', source: 'sha256', about: 'digests in two threads', repetitions: 192, threads: 2 },
];

/** Arguments of a row's program; at least one repetition for each thread. */
export function argumentsOf(row: ProgramRow, threads: number, scale: number): string[] {
  const repetitions = Math.max(threads, Math.round(row.repetitions * scale));
  const variant = row.variant === undefined ? [] : [row.variant];
  const inThreads = row.threads === undefined ? [] : [String(threads)];
  return [String(repetitions), ...variant, ...inThreads];
}
