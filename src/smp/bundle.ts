/*
 * Bundles: a TypeScript entry and all it imports as one JavaScript file.
 *
 * A worker thread cannot import TypeScript by itself, and a transpiler in each of them costs more than the rest of power-on. So the
 * entry is bundled once, and the result is kept under node_modules/.cache/hartbeat:
 *
 *   <name>.json              what the bundle was made of: each input's size and modification time, and the name of the result
 *   <name>-<hash>.mjs, .map  results, named after their content
 *
 * A start-up compares the inputs' sizes and times (a few stat calls) and builds again when one differs. Files are written beside their
 * place and renamed into it, and results never change under their name: processes that start at once cannot see half a file, nor
 * another's inputs with their own result.
 */

import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type * as Esbuild from 'esbuild';

import { type SourceEdit, sourceText } from './source-edits.ts';

/** Set by the bundler: the project's folder, as a path. Files of a bundle cannot tell it from where they lie. */
declare const HARTBEAT_ROOT: string | undefined;

/** The folder of the project (package.json, src, guest), as a path. */
export const projectRoot =
  typeof HARTBEAT_ROOT === 'undefined' ? resolve(dirname(fileURLToPath(import.meta.url)), '../..') : HARTBEAT_ROOT;

export interface BundleOptions {
  /** Names the files in the cache. */
  readonly name: string;
  /** Path of the entry, a TypeScript file. */
  readonly entry: string;
  /** Where to keep the result. */
  readonly cache?: string;
  /** Leave packages out: the bundle imports them at run time. */
  readonly externalPackages?: boolean;
  /** The build for harts under a schedule (schedule/build.ts). */
  readonly seeded?: boolean;
  /** Changes to the sources, for this bundle only: tests of the tests. They are part of the name. */
  readonly edits?: readonly SourceEdit[] | undefined;
}

interface Input {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** What `<name>.json` holds. */
interface Manifest {
  readonly result: string;
  readonly inputs: readonly Input[];
}

/**
 * Packages that few starts need are loaded when they are. Not by `import()`: tsx rewrites a file that contains one, and makes a source map
 * of it all, which took a tenth of power-on for the bundle of the boot command.
 */
const requirePackage = createRequire(import.meta.url);

/** Variable of the environment that names another folder for the results: what `cold` in the benchmark is measured with. */
export const CACHE_VARIABLE = 'HARTBEAT_CACHE';

/** Results that nobody has built for this long are removed. */
const STALE_MS = 24 * 3600 * 1000;

/**
 * Bundles an entry, or finds it bundled already.
 *
 * @returns path of the JavaScript file, an ES module
 * @throws the bundler's error when the entry does not compile
 */
export async function bundle(options: BundleOptions): Promise<string> {
  return cachedBundle(options) ?? (await build(options));
}

/** The name under which a bundle is kept. */
function nameOf({ name, edits = [] }: BundleOptions): string {
  return edits.length === 0 ? name : `${name}~${createHash('sha256').update(JSON.stringify(edits)).digest('hex').slice(0, 12)}`;
}

/** The bundle if it is in the cache and none of its inputs has changed. */
export function cachedBundle(options: BundleOptions): string | undefined {
  const { entry, cache = cacheFolder() } = options;
  const name = nameOf(options);
  try {
    const manifest = JSON.parse(readFileSync(join(cache, `${name}.json`), 'utf8')) as Manifest;
    if (manifest.inputs[0]?.path !== entry) return undefined;
    for (const input of manifest.inputs) {
      const { size, mtimeMs } = statSync(input.path);
      if (size !== input.size || mtimeMs !== input.mtimeMs) return undefined;
    }
    const result = join(cache, manifest.result);
    accessSync(result);
    return result;
  } catch {
    return undefined;
  }
}

async function build(options: BundleOptions): Promise<string> {
  const { entry, cache = cacheFolder(), externalPackages = false, seeded = false, edits = [] } = options;
  const name = nameOf(options);
  const startedMs = Date.now();
  const esbuild = requirePackage('esbuild') as typeof Esbuild;
  const output = await esbuild.build({
    entryPoints: [entry],
    absWorkingDir: projectRoot,
    outfile: join(cache, `${name}.mjs`),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    define: { HARTBEAT_ROOT: JSON.stringify(projectRoot), HARTBEAT_SEEDED: String(seeded) },
    plugins: [ourSources(seeded, edits)],
    ...(externalPackages ? { packages: 'external' as const } : {}),
  });
  const text = output.outputFiles.find((file) => file.path.endsWith('.mjs'))!.text;
  const ours = !externalPackages && !Object.keys(output.metafile.inputs).some((path) => path.includes('node_modules'));
  const code = ours ? keepConstants(text) : text;
  const map = output.outputFiles.find((file) => file.path.endsWith('.map'))!.text;

  const result = `${name}-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`;
  mkdirSync(cache, { recursive: true });
  put(join(cache, `${result}.map`), map);
  put(join(cache, result), `${code}//# sourceMappingURL=${result}.map\n`);

  // The entry first, for `cachedBundle`; and what decides how the inputs are put together.
  const sources = Object.keys(output.metafile.inputs).map((path) => resolve(projectRoot, path));
  const makers = [
    join(projectRoot, 'src/smp/bundle.ts'),
    join(projectRoot, 'src/smp/source-edits.ts'),
    join(projectRoot, 'node_modules/esbuild/package.json'),
  ];
  const inputs = [entry, ...sources.filter((path) => path !== entry), ...makers].flatMap(describe);
  // An input that was written during the build may differ from what the bundler read: then the next start builds again.
  if (inputs.every((input) => input.mtimeMs < startedMs)) {
    put(join(cache, `${name}.json`), JSON.stringify({ result, inputs } satisfies Manifest));
  }
  sweep(cache, name, result);
  return join(cache, result);
}

/**
 * The bundler turns every `const` of a module into `var`; the engine folds only what is `const`, and the hot paths of the kernel, full of
 * structure layouts, gain a sixth from that. What is assigned again somewhere, a `let` once, stays as it is. Only for bundles of our own
 * modules: these have no cycles (check:floors), so no name is used before it is defined. Columns of the source map are off by two in those
 * lines.
 */
export function keepConstants(code: string): string {
  const assigned = new Set<string>();
  for (const [, after, before] of code.matchAll(ASSIGNMENT)) assigned.add((after ?? before)!);
  return code.replace(/^var ([\w$]+) = /gm, (line, name: string) => (assigned.has(name) ? line : `const ${name} = `));
}

/** `name =`, `name +=`, `name++`, `++name`; not a declaration, which has a word before it. One match too many costs nothing but speed. */
const ASSIGNMENT =
  /(?<![\w$.]|(?:var|let|const|function|class) )([\w$]+)\s*(?:\+\+|--|(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>]))|(?:\+\+|--)([\w$]+)/g;

/** Reads our own sources as source-edits.ts has it. */
function ourSources(seeded: boolean, edits: readonly SourceEdit[]): Esbuild.Plugin {
  return {
    name: 'our-sources',
    setup: (build) => {
      const done = new Set<string>();
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!path.startsWith(join(projectRoot, 'src'))) return undefined;
        const file = relative(projectRoot, path).replaceAll('\\', '/');
        done.add(file);
        try {
          return { contents: sourceText(file, readFileSync(path, 'utf8'), seeded, edits), loader: 'ts' };
        } catch (error) {
          return { errors: [{ text: error instanceof Error ? error.message : String(error) }] };
        }
      });
      build.onEnd(() => ({
        errors: edits
          .filter(({ file }) => !done.has(file))
          .map(({ file }) => ({ text: `${file} is to be edited, but not in the bundle` })),
      }));
    },
  };
}

function describe(path: string): Input[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? [] : [{ path, size: stat.size, mtimeMs: stat.mtimeMs }];
}

let puts = 0;

/** Writes a file so that others see all of it or nothing. */
export function put(path: string, content: string | Uint8Array): void {
  const beside = `${path}.${String(process.pid)}-${String(puts++)}.tmp`;
  writeFileSync(beside, content);
  renameSync(beside, path);
}

/** Removes old results. Whoever still runs one has loaded it long ago. */
function sweep(cache: string, name: string, keep: string): void {
  for (const file of readdirSync(cache)) {
    if (!file.startsWith(`${name}-`) || file.startsWith(keep)) continue;
    const path = join(cache, file);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) rmSync(path, { force: true });
  }
}

/** node_modules/.cache/hartbeat, or a folder of this user's among the temporary files where the project cannot be written to. */
export function cacheFolder(): string {
  const chosen = process.env[CACHE_VARIABLE];
  if (chosen !== undefined && chosen !== '') return chosen;
  const modules = join(projectRoot, 'node_modules');
  try {
    accessSync(modules, constants.W_OK);
    return join(modules, '.cache/hartbeat');
  } catch {
    return join(tmpdir(), `hartbeat-${String(userInfo().uid)}`);
  }
}

/** Replaces positions in bundles by positions in their sources: for stack traces in reports. */
export function sourcePositions(text: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return text.replace(
    /(file:\/\/)?(\/[^\s():]+-[0-9a-f]{16}\.mjs):(\d+):(\d+)/g,
    (whole, scheme: string | undefined, path: string, line: string, column: string) => {
      // In a URL some characters are written as numbers.
      const file = scheme === undefined ? path : fileURLToPath(scheme + path);
      if (!maps.has(file)) maps.set(file, loadMap(file));
      const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
      if (entry === undefined || !('originalSource' in entry)) return whole;
      const source = resolve(dirname(file), entry.originalSource);
      const shown = source.startsWith(projectRoot) ? source.slice(projectRoot.length + 1) : basename(source);
      return `${shown}:${String(entry.originalLine + 1)}:${String(entry.originalColumn + 1)}`;
    },
  );
}

function loadMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined;
  }
}
