/*
 * Builds of the harts with a deliberate defect, for tests of the search itself: `FILE#NAME`, where FILE is a TypeScript module that
 * exports DEFECTS (tests/explore/defects.ts). The sources have none; what is changed in them is changed while the bundle is made.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { UsageError } from '../machine/errors.ts';
import { bundle, projectRoot } from '../smp/bundle.ts';
import type { SourceEdit } from '../smp/source-edits.ts';

interface Named {
  readonly name: string;
  readonly edits: readonly SourceEdit[];
}

/**
 * The edits of a defect.
 *
 * @param word `FILE#NAME`, the file seen from the project's folder
 * @throws UsageError when there is none of that name
 */
export async function loadDefect(word: string): Promise<readonly SourceEdit[]> {
  const [, file, name] = /^(.+)#([\w-]+)$/.exec(word) ?? [];
  if (file === undefined) throw new UsageError(`--defect ${word}: it has to be FILE#NAME`);
  const path = await bundle({ name: 'defects', entry: join(projectRoot, file) });
  const { DEFECTS = [] } = (await import(pathToFileURL(path).href)) as { DEFECTS?: readonly Named[] };
  const defect = DEFECTS.find((one) => one.name === name);
  if (defect !== undefined) return defect.edits;
  throw new UsageError(`--defect ${word}: ${file} has only ${DEFECTS.map((one) => one.name).join(', ')}`);
}
