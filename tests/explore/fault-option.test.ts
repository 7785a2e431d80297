import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseFault, printFault } from '../../src/explore/fault-option.ts';
import type { Fault } from '../../src/smp/schedule/plan.ts';

const number = fc.nat(2 ** 31);
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('stall' as const), hart: number, at: number, moments: number }),
  fc.record({ kind: fc.constant('late-ipi' as const), nth: number, moments: number }),
  fc.record({ kind: fc.constant('kill' as const), thread: number, at: number }),
  fc.record({ kind: fc.constant('no-memory' as const), nth: number }),
  fc.record({ kind: fc.constant('spurious' as const), nth: number }),
);

describe('--fault', () => {
  it('understands what it prints', () => {
    fc.assert(
      fc.property(fault, (value) => {
        expect(parseFault(printFault(value))).toEqual(value);
      }),
    );
  });

  it.each([
    '',
    'stall',
    'stall:1',
    'stall:1@2',
    'kill:1+2',
    'kill:1@2+3',
    'no-memory:',
    'no-memory:x',
    'no-memory:1@2',
    'rain:1',
  ])('refuses %j, and says what there is', (text) => {
    expect(() => parseFault(text)).toThrow(`--fault ${text}: a fault is stall:HART@MOMENT+MOMENTS, late-ipi`);
  });
});
