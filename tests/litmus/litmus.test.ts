/*
 * Litmus tests: do programs on several harts see of each other's memory accesses only what RVWMO allows, and are AMOs and LR/SC atomic?
 *
 * The tests themselves are guest/trials/litmus*.c; here they are run on every tier. HARTBEAT_STRESS=n makes the runs n times as long.
 * The lines printed at the end tell how often an outcome that only weak memory has was seen: where a test without fences never shows
 * it, the same test with fences has proven little.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine.ts';
import { projectRoot } from '../../src/smp/bundle.ts';
import { TIERS } from '../guest/trials.ts';

const scale = Number(process.env.HARTBEAT_STRESS ?? 1);
const ROUNDS = Math.round(1_000 * scale);
const patience = 60_000 * Math.max(1, scale);

const sources = join(projectRoot, 'guest/trials');

/** The names in the tables of the C sources. */
const tests: readonly string[] = readdirSync(sources)
  .filter((file) => /^litmus_.*\.c$/.test(file))
  .flatMap((file) =>
    Array.from(readFileSync(join(sources, file), 'utf8').matchAll(/^ {4}\{ "([^"]+)", /gm), ([, name]) => name!),
  );

describe.each(TIERS)('in %s', (tier, jit) => {
  describe.each([2, 4])('with %i harts', (cpus) => {
    let machine: Machine;
    const weak: string[] = [];

    beforeAll(async () => {
      machine = await Machine.boot({ cpus, jit });
    });

    afterAll(async () => {
      await machine.halt();
      process.stdout.write(
        `litmus in ${tier}, ${String(cpus)} harts, ${String(ROUNDS)} rounds; weak outcomes: ${weak.join(' ')}\n`,
      );
    });

    it('runs every test there is', async () => {
      const { stdout } = await machine.run('trials', ['litmus', 'list']);
      expect(stdout.trimEnd().split('\n').sort()).toEqual([...tests].sort());
    });

    it.each(tests)(
      'allows nothing in %s that RVWMO forbids',
      async (name) => {
        const { status, stdout, stderr } = await machine.run('trials', ['litmus', '-v', name, String(ROUNDS)]);
        expect({ status, stderr, stdout }).toMatchObject({
          status: 0,
          stderr: '',
          stdout: expect.stringContaining(`${name}: ok rounds=`) as string,
        });
        const seen = /weak=([1-9]\d*)/.exec(stdout);
        if (seen !== null) weak.push(`${name}=${seen[1]!}`);
      },
      patience,
    );
  });
});
