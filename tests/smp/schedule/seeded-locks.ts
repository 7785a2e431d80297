/* Locks as the seeded build has them: the test bundles this file and imports the result. */

export { setScheduledHart } from '../../../src/smp/schedule/point.ts';
export { Locks } from '../../../src/smp/spinlock.ts';
