/*
 * Writes the generated parts of the C headers under guest/include from src/syscalls/abi.ts: numbers, flags and structures, each
 * structure with an assertion of its size, so that a C compiler confirms that it lays the fields out as we do.
 *
 *   tsx scripts/guest-headers.ts            rewrite what is out of date
 *   tsx scripts/guest-headers.ts --check    only say so, status 1
 *
 * A header keeps its hand-written text (functions, explanations) around the lines between BEGIN and END.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { StructInfo } from '../src/core/layout.ts';
import * as abi from '../src/syscalls/abi.ts';

const root = new URL('../', import.meta.url);
const BEGIN = '/* BEGIN generated from src/syscalls/abi.ts by npm run guest:build: do not edit */';
const END = '/* END generated */';

interface Header {
  readonly file: string;
  readonly constants: readonly Readonly<Record<string, number>>[];
  readonly structs: readonly StructInfo[];
}

const headers: readonly Header[] = [
  {
    file: 'guest/include/vros.h',
    constants: [abi.VrosCall, abi.VrosFlag, abi.VrosLimit],
    structs: [abi.VrosMessage, abi.VrosPortStat],
  },
  {
    file: 'guest/include/hartbeat.h',
    constants: [abi.MachineCall, abi.LineFlag, abi.ProcessState, abi.HartState],
    structs: [abi.HbProcess, abi.HbHart, abi.HbStats],
  },
];

/** `senderPid` → `sender_pid`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Comments of the fields of the structure called `name`, as abi.ts has them. */
function fieldComments(source: string, name: string): ReadonlyMap<string, string> {
  const start = source.indexOf(`'${name}'`);
  const end = source.indexOf('\nexport ', start);
  const body = source.slice(start, end < 0 ? undefined : end);
  return new Map([...body.matchAll(/\/\*\* ([^\n]+?) \*\/\n\s*(\w+):/g)].map((match) => [match[2]!, match[1]!]));
}

function constantLines(group: Readonly<Record<string, number>>): string[] {
  const width = Math.max(...Object.keys(group).map((name) => name.length));
  return Object.entries(group).map(
    ([name, value]) => `#define ${name.padEnd(width)} ${value >= 0x1000 ? `0x${value.toString(16)}` : String(value)}`,
  );
}

function structLines(info: StructInfo, source: string): string[] {
  const comments = fieldComments(source, info.NAME);
  const lines = [`struct ${info.NAME} {`];
  for (const field of info.FIELDS) {
    const [, type, dimension = ''] = /^(\w+)(\[\d+\])?$/.exec(field.ctype) ?? [];
    if (type === undefined) throw new Error(`${info.NAME}.${field.name}: no C declaration for ${field.ctype}`);
    const comment = comments.get(field.name);
    lines.push(`    ${type} ${snakeCase(field.name)}${dimension};${comment === undefined ? '' : ` /* ${comment} */`}`);
  }
  lines.push('};', '#ifndef __cplusplus');
  lines.push(`_Static_assert(sizeof(struct ${info.NAME}) == ${String(info.SIZE)}, "size of ${info.NAME}");`);
  lines.push('#endif');
  return lines;
}

/** The generated lines of one header, BEGIN and END included. */
function generate(header: Header, source: string): string {
  const parts = [...header.constants.map(constantLines), ...header.structs.map((info) => structLines(info, source))];
  return [BEGIN, ...parts.map((lines) => lines.join('\n')), END].join('\n\n');
}

/**
 * Brings the headers up to date.
 *
 * @param write false: change nothing
 * @returns the headers that were out of date, by their path in the project
 */
export function updateHeaders(write: boolean): string[] {
  const source = readFileSync(new URL('src/syscalls/abi.ts', root), 'utf8');
  const stale: string[] = [];
  for (const header of headers) {
    const path = new URL(header.file, root);
    const text = readFileSync(path, 'utf8');
    const from = text.indexOf(BEGIN);
    const to = text.indexOf(END);
    if (from < 0 || to < from) throw new Error(`${header.file}: the lines that mark its generated part are missing`);
    const wanted = text.slice(0, from) + generate(header, source) + text.slice(to + END.length);
    if (wanted === text) continue;
    stale.push(header.file);
    if (write) writeFileSync(path, wanted);
  }
  return stale;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  const stale = updateHeaders(!check);
  for (const file of stale) console.log(`${file}: ${check ? 'out of date; run npm run guest:build' : 'written'}`);
  if (check && stale.length > 0) process.exitCode = 1;
}
