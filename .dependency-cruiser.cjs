/*
 * The floors of the house: each folder stands on the ones before it and imports only downwards.
 *
 *   core < smp < trace < devices < kernel < ipc < syscalls < hart.ts, machine.ts < explore < cli < boot.ts, explore.ts
 *
 * One rule a floor, named after it; tests/house/floors.test.ts builds houses that break each rule and sees them refused.
 */

const FLOORS = [
  ['core', '^src/core/'],
  ['smp', '^src/smp/'],
  ['trace', '^src/trace/'],
  ['devices', '^src/devices/'],
  ['kernel', '^src/kernel/'],
  ['ipc', '^src/ipc/'],
  ['syscalls', '^src/syscalls/'],
  ['machine', '^src/(hart\\.ts|machine\\.ts|machine/)'],
  ['explore', '^src/explore/'],
  ['cli', '^src/cli/'],
  ['boot', '^src/(boot|explore)\\.ts$'],
];

/** What is to run in a browser tab one day: neither Node nor packages; nor the files of other floors that reach the host. */
const HOST_FREE = '^src/((core|kernel|ipc|syscalls)/|explore/history/)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...FLOORS.slice(0, -1).map(([name, path], floor) => ({
      name: `floor-${name}`,
      comment: `src/${name} stands below what it imports here`,
      severity: 'error',
      from: { path },
      to: { path: FLOORS.slice(floor + 1).map(([, above]) => above) },
    })),
    {
      name: 'no-cycles',
      comment: 'two files that import each other are one file, or lack a third',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'host-free',
      comment: 'these floors run without Node: what the host provides comes through smp, trace, devices or machine.ts',
      severity: 'error',
      from: { path: HOST_FREE },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'host-free-neighbours',
      comment: 'these files of other floors need Node: the kernel must not reach the host through them',
      severity: 'error',
      from: { path: HOST_FREE },
      to: { path: '^src/(smp/hart-(pool|bundle)|devices/[^/]*-host|trace/[^/]*(sink|export)[^/]*)\\.ts$' },
    },
    {
      name: 'all-on-a-floor',
      comment: 'a file directly in src, or in a folder without a floor, has no place in the order',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: FLOORS.map(([, path]) => path) },
    },
    {
      name: 'no-tests-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(tests|bench|scripts|guest)/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared',
      comment: 'a package must be in dependencies (src) or devDependencies',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-dev-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
