import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { bundle, cachedBundle, keepConstants, projectRoot, sourcePositions } from '../../src/smp/bundle.ts';

let folder: string;
let entry: string;
let part: string;

/** Writes a source as if a minute ago: a bundle does not trust inputs that are as young as itself. */
async function source(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  const then = new Date(Date.now() - 60_000);
  await utimes(path, then, then);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hartbeat-bundle-'));
  entry = join(folder, 'entry.ts');
  part = join(folder, 'part.ts');
  await source(part, 'export const part: number = 1;\n');
  await source(entry, "import { part } from './part.ts';\nexport const whole: number = part + 1;\n");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const make = (): Promise<string> => bundle({ name: 'test', entry, cache: join(folder, 'cache') });
const find = (): string | undefined => cachedBundle({ name: 'test', entry, cache: join(folder, 'cache') });
const load = async (file: string): Promise<unknown> =>
  ((await import(/* @vite-ignore */ pathToFileURL(file).href)) as { whole: unknown }).whole;

describe('a bundle', () => {
  it('holds the entry and what it imports, in JavaScript', async () => {
    const file = await make();
    expect(await load(file)).toBe(2);
    expect(await readFile(file, 'utf8')).not.toContain('part.ts"');
  });

  it('is found again while no input has changed', async () => {
    expect(find()).toBeUndefined();
    const file = await make();
    expect(find()).toBe(file);
    expect(await make()).toBe(file);
  });

  it('is built again when an imported file has changed, under another name', async () => {
    const before = await make();
    await writeFile(part, 'export const part: number = 5;\n');
    expect(find()).toBeUndefined();
    const after = await make();
    expect(after).not.toBe(before);
    expect([await load(before), await load(after)]).toEqual([2, 6]);
  });

  it('is not trusted when an input was written while it was built', async () => {
    const soon = new Date(Date.now() + 60_000);
    await utimes(part, soon, soon);
    const file = await make();
    expect(await load(file)).toBe(2);
    expect(find()).toBeUndefined();
  });

  it('is built again when its file has been removed', async () => {
    await rm(await make());
    expect(find()).toBeUndefined();
    expect(await load(await make())).toBe(2);
  });

  it('is built again when what is known of it is damaged', async () => {
    await make();
    await writeFile(join(folder, 'cache/test.json'), '{"result": "te');
    expect(find()).toBeUndefined();
    expect(await load(await make())).toBe(2);
  });

  it('says where the source is wrong', async () => {
    await source(part, 'export const part: number = ;\n');
    await expect(make()).rejects.toThrow(/part\.ts:1:\d+: ERROR/);
  });

  it('is whole for every process when several build it at once', async () => {
    const program =
      `import { bundle } from ${JSON.stringify(join(projectRoot, 'src/smp/bundle.ts'))};` +
      `const file = await bundle({ name: 'test', entry: ${JSON.stringify(entry)}, cache: ${JSON.stringify(join(folder, 'cache'))} });` +
      `console.log((await import(file)).whole);`;
    const script = join(folder, 'build.mts');
    await writeFile(script, program);
    const tsx = join(projectRoot, 'node_modules/tsx/dist/cli.mjs');
    const run = async (): Promise<string> => (await promisify(execFile)(process.execPath, [tsx, script])).stdout.trim();
    expect(await Promise.all([run(), run(), run(), run()])).toEqual(['2', '2', '2', '2']);
    expect((await readdir(join(folder, 'cache'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(find()).toBeDefined();
  });

  it('translates its positions into those of the sources', async () => {
    await source(entry, "export { part as whole } from './part.ts';\n");
    await source(part, '\n\nexport function part(): string {\n  return new Error().stack!;\n}\n');
    const file = await make();
    const line = (await readFile(file, 'utf8')).split('\n').findIndex((text) => text.includes('new Error')) + 1;
    expect(sourcePositions(`at part (${pathToFileURL(file).href}:${String(line)}:10)`)).toBe('at part (part.ts:4:10)');
  });

  it('leaves other text as it is', () => {
    const text = 'at f (file:///nowhere/x-0123456789abcdef.mjs:1:2) and (/usr/lib/y.mjs:3:4)';
    expect(sourcePositions(text)).toBe(text);
  });
});

describe('constants of a bundle', () => {
  it('become constants again', () => {
    expect(keepConstants('var a = 1;\nvar b = struct(a);\n')).toBe('const a = 1;\nconst b = struct(a);\n');
  });

  it.each(['a = 2;', 'a += 2;', 'a ||= 2;', 'a >>>= 2;', 'f(a++);', '--a;', 'if (a = f()) g();'])(
    'stay variables where %s follows',
    (use) => {
      expect(keepConstants(`var a = 1;\n${use}\n`)).toContain('var a = 1;');
    },
  );

  it.each(['f(a);', 'if (a === 2) f();', 'x.a = 2;', 'const f = (b) => a;', 'a >= 2 && f();'])('do not mind %s', (use) => {
    expect(keepConstants(`var a = 1;\n${use}\n`)).toContain('const a = 1;');
  });
});
