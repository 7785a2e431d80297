/*
 * Registers: read, write, add, compare-and-swap. The smallest example of a model.
 *
 *   read {}           → the value
 *   write {value}     → 0
 *   add {value}       → the value before; numbers of 32 bits
 *   cas {from, to}    → 1 if it was `from` and is `to` now, else 0
 *
 * All take an optional argument `register` (default 0): each is an object by itself.
 */

import { groupsOf } from '../groups.ts';
import type { Model, Operation, Scalar } from '../operation.ts';

export function registerModel(initial: Scalar = 0): Model<Scalar> {
  return {
    name: 'register',
    initial,
    step: (value, operation) => {
      const { args, result } = operation;
      switch (operation.name) {
        case 'read':
          return result === undefined || result === value ? [value] : [];
        case 'write':
          return result === undefined || result === 0 ? [args.value!] : [];
        case 'add':
          return result === undefined || result === value ? [(Number(value) + Number(args.value)) | 0] : [];
        case 'cas':
          if (result === 0) return value === args.from ? [] : [value];
          return value === args.from && (result === undefined || result === 1) ? [args.to!] : [];
        default:
          return [];
      }
    },
    key: (value) => `${typeof value} ${value}`,
    partition: (operations) => [...groupsOf(operations, ({ args }) => args.register ?? 0).values()],
    observes: ({ name, result }) => name === 'read' || (name === 'cas' && result === 0),
    describe: (operation) => {
      const { name, args, result } = operation;
      const values = Object.values(args).join(', ');
      return `${name}(${values}) → ${result === undefined ? '?' : JSON.stringify(result)}`;
    },
    show: (value) => `the value is ${JSON.stringify(value)}`,
    subjects: ({ args, result }: Operation) =>
      [args.value, args.from, args.to, result].flatMap((v) => (v === undefined ? [] : [`value ${JSON.stringify(v)}`])),
  };
}
