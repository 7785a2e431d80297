/*
 * A root directory with Debian's busybox and bash for riscv64, fetched by guest/fetch-root.sh once for all test runs of this user.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../src/smp/bundle.ts';

const root = join(tmpdir(), `hartbeat-root-${String(userInfo().uid)}`);
const FETCH_MS = 90_000;

/** The directory; undefined, after a word about it, where the packages cannot be had. */
export function distributionRoot(): string | undefined {
  if (existsSync(join(root, 'bin/busybox'))) return root;
  const { status, stderr, error } = spawnSync(join(projectRoot, 'guest/fetch-root.sh'), [root], {
    encoding: 'utf8',
    timeout: FETCH_MS,
  });
  if (status === 0) return root;
  const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'unknown reason';
  console.warn(`Debian's busybox and bash are not tested: ${why}`);
  return undefined;
}
