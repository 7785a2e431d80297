/*
 * A scenario for tests: a page that is mapped, written to by two threads and unmapped, all after the starting line, while doorbells ring late.
 * With a kernel that frees frames too early a run ends with a free frame that was written to.
 */

import { op } from '../../src/explore/agent.ts';
import type { Scenario } from '../../src/explore/scenario.ts';
import { MapFlag } from '../../src/kernel/mman.ts';

const PAGE = 0x5000_0000;
const writes = Array.from({ length: 6 }, (_, n) => op.poke(PAGE, 4 * n, 1));

export const scenario: Scenario = {
  deaths: true,
  faults: Array.from({ length: 16 }, (_, nth) => ({ kind: 'late-ipi' as const, nth, moments: 200 })),
  program: {
    processes: [
      {
        threads: [
          [
            op.mmap(4096, { address: PAGE, flags: MapFlag.Private | MapFlag.Anonymous | MapFlag.Fixed }),
            op.poke(PAGE, 0, 1),
            op.munmap(PAGE, 4096),
          ],
          [op.futexWait(0, 0, 500), ...writes],
        ],
      },
    ],
  },
};

export { scenario as default };
