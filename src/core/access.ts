/*
 * Watching accesses to structures: puts a check in front of the accessors of one field.
 *
 * The accessors themselves know nothing of it, so a machine that is not watched pays nothing. `peek` is never watched: it is the
 * access that asks for no guard (layout.ts).
 */

import type { Field } from './layout.ts';
import type { Ram } from './ram.ts';

/** Called before an access; throws when it must not be. `index`: of an array's word. */
export type AccessCheck = (ram: Ram, base: number, write: boolean, index: number) => void;

type Accessor = (ram: Ram, base: number, a?: number, b?: number) => unknown;

const READS: readonly string[] = ['get', 'at', 'load'];
const WRITES: readonly string[] = ['set', 'put', 'store', 'add', 'sub', 'or', 'and', 'exchange', 'compareExchange'];

/** Has `check` called before every access to a field. Not undone: what watches a machine lives as long as it. */
export function watchField(field: Field, check: AccessCheck): void {
  for (const name of [...READS, ...WRITES]) {
    const accessor = Reflect.get(field, name) as Accessor | undefined;
    if (accessor === undefined) continue;
    const write = WRITES.includes(name);
    const watched: Accessor = (ram, base, a, b) => {
      check(ram, base, write, a ?? 0);
      return accessor.call(field, ram, base, a, b);
    };
    Object.defineProperty(field, name, { value: watched, configurable: true });
  }
}
