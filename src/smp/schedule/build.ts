/*
 * Which of two builds of a hart this is. The bundler (smp/bundle.ts) sets HARTBEAT_SEEDED: harts of a machine under a schedule run a build
 * that asks the schedule at every synchronisation point; in the other one the engine folds this constant, and nothing of it is left.
 */

declare const HARTBEAT_SEEDED: boolean | undefined;

/** Whether this build's harts run one at a time, as a schedule says. */
export const SEEDED: boolean = typeof HARTBEAT_SEEDED !== 'undefined' && HARTBEAT_SEEDED;
