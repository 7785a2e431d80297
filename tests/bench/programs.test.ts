/*
 * The programs of the benchmark: do they find the same everywhere, and would they notice if a machine computed something else?
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasQemu, run, underQemu, value } from '../../bench/command.ts';
import { buildProgram, canBuild, SOURCES } from '../../bench/programs/build.ts';
import { argumentsOf, PROGRAMS, type ProgramRow } from '../../bench/programs/list.ts';
import { Machine } from '../../src/machine.ts';
import { projectRoot } from '../../src/smp/bundle.ts';

const guests = canBuild('riscv64');
const natives = canBuild('native');

/** As little work as there is: one repetition for each thread. */
const least = (row: ProgramRow): string[] => argumentsOf(row, row.threads ?? 1, 1e-9);

/** Results of all programs by name, as one kind of machine finds them. */
const results = new Map<string, Map<string, string>>();

function note(row: ProgramRow, place: string, stdout: string): void {
  const result = /^result=(\d+)\nns=\d+\n$/.exec(stdout)?.[1];
  expect(result, `${row.name} ${place}: ${stdout}`).toBeDefined();
  const places = results.get(row.name) ?? new Map<string, string>();
  places.set(place, result!);
  results.set(row.name, places);
}

describe.skipIf(!guests)('a program of the benchmark (skipped without the cross compiler)', () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await Machine.boot({ cpus: 2 });
  });
  afterAll(() => machine.halt());

  it.each(PROGRAMS)('$name: passes its own check on this machine', async (row) => {
    const outcome = await machine.run(await buildProgram('riscv64', row.source), least(row));
    expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status: 0, stderr: '' });
    note(row, 'ours', outcome.stdout);
  });

  it.skipIf(!hasQemu).each(PROGRAMS)('$name: passes it under qemu (skipped without)', async (row) => {
    const [file, ...args] = underQemu(await buildProgram('riscv64', row.source), least(row));
    note(row, 'qemu', execFileSync(file!, args, { encoding: 'utf8' }));
  });
});

describe.skipIf(!natives)('compiled for the host (skipped without gcc),', () => {
  it.each(PROGRAMS)('$name passes its own check, and all results are one', async (row) => {
    note(row, 'native', execFileSync(await buildProgram('native', row.source), least(row), { encoding: 'utf8' }));
    const found = results.get(row.name)!;
    expect(found.size).toBe(1 + Number(guests) + Number(guests && hasQemu));
    expect(new Set(found.values()).size, JSON.stringify([...found])).toBe(1);
  });

  it('takes the time of its kernel, which grows with the repetitions', async () => {
    const program = await buildProgram('native', 'sieve');
    const [few, many] = [await run([program, '1']), await run([program, '50'])];
    expect(value(many, 'ns')).toBeGreaterThan(value(few, 'ns'));
    expect(value(many, 'result')).toBe(value(few, 'result'));
  });
});

/** A fault of the machine, acted by a change of the source: what is computed is no longer what was meant. */
const FAULTS = [
  { source: 'sieve', meant: 'marks[m] = 1', done: 'marks[m] = m != 1999991', args: [] },
  { source: 'matrix', meant: 'sum += a_##T[i][k]', done: 'sum += (i == 7) + a_##T[i][k]', args: ['1', 'i32'] },
  { source: 'matrix', meant: 'sum += a_##T[i][k]', done: 'sum += (T)(j == 9) * (T)1e-7 + a_##T[i][k]', args: ['1', 'f64'] },
  { source: 'sha256', meant: 'rotate(e, 25)', done: 'rotate(e, 24)', args: [] },
  { source: 'crc32', meant: '^ crc >> 8', done: '^ (uint32_t)((int32_t)crc >> 8)', args: [] },
  { source: 'quicksort', meant: 'v[j - 1] > x', done: 'v[j - 1] > x + 1', args: [] },
  { source: 'quicksort', meant: 'v[j] = t;', done: 'v[j] = t ^ (n == COUNT);', args: [] },
  { source: 'chase', meant: 'sum += node->value', done: 'sum += node->value & ~1ul', args: [] },
  { source: 'strings', meant: 'return (size_t)(end - s)', done: 'return (size_t)(end - s) | 1', args: [] },
  { source: 'nbody', meant: 'sqrt(square))', done: 'sqrt(square) + 1e-3)', args: [] },
  { source: 'states', meant: "c == 'e' || c == 'E'", done: "c == 'e'", args: [] },
  { source: 'states', meant: "c == '.' ? DECIMALS", done: "c == '.' ? POINT", args: [] },
  { source: 'vm', meant: 'r[pc->to] = r[pc->left];', done: 'r[pc->to] = r[pc->left] ^ (pc->to == WINNER);', args: [] },
  { source: 'calls', meant: 'fib(n - 1) + fib(n - 2)', done: 'fib(n - 1) + fib(n - 2) + (n == 23)', args: [] },
  { source: 'calls', meant: 'discs_on[to]++', done: 'discs_on[to] += discs', args: [] },
] as const;

describe.skipIf(!natives)('a program notices a machine that computes something else (skipped without gcc):', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hartbeat-bench-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(FAULTS)('$source: $done', ({ source, meant, done, args }) => {
    const text = readFileSync(join(SOURCES, `${source}.c`), 'utf8');
    const changed = text.replaceAll(meant, done);
    expect(changed).not.toBe(text);
    const file = join(folder, 'faulty.c');
    const program = join(folder, 'faulty');
    writeFileSync(file, changed);
    execFileSync('gcc', ['-O1', '-I', SOURCES, file, '-o', program, '-pthread', '-lm']);
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).not.toBe('');
  });

  it('and arguments that it does not know', async () => {
    const program = await buildProgram('native', 'matrix');
    for (const args of [['x'], ['0'], ['1', 'i65']]) {
      expect(spawnSync(program, args, { encoding: 'utf8' })).toMatchObject({ status: 1, stdout: '' });
    }
  });
});

describe('the benchmark without a cross compiler', () => {
  it('leaves the table of programs out and says which packages are missing', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'bench/index.ts', '--only', 'programs', '--runs', '1'],
      { cwd: projectRoot, encoding: 'utf8', env: { ...process.env, PATH: '/nowhere' } },
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/table of programs is left out: .*apt-get install gcc-riscv64-linux-gnu libc6-dev-riscv64-cross/);
    expect(stdout).not.toContain('sieve');
  });
});
