// What the compiler cannot see. The rules that differ from the presets say why.

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const ATOMICS = {
  name: 'Atomics',
  message: 'Synchronisation goes through src/smp (guest atomics: src/core), where a schedule can be asked.',
};
const HOST = ['process', 'Buffer', 'setImmediate', 'clearImmediate', 'global', '__dirname', '__filename', 'require'].map(
  (name) => ({
    name,
    message: 'This floor runs without Node: reach the host through smp, trace, devices or machine.ts.',
  }),
);

export default tseslint.config(
  { ignores: ['node_modules/', 'coverage/', 'dist/', 'guest/', 'traces/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Typed arrays answer `number | undefined` under noUncheckedIndexedAccess; an index that is known to be good says so with `!`.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Hot loops are written `for (;;)` or `while (true)`.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // Families of static functions over RAM; classes that exist for their fields.
      '@typescript-eslint/no-extraneous-class': 'off',
      // `(ram) => field.set(…)` and `for (…; …; ring.next())` read better than blocks.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // `Access | 0` tells the reader more than `number`.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // `as const` objects share their name with the type of their values: `const Cause`, `type Cause`.
      '@typescript-eslint/no-redeclare': 'off',
      'no-redeclare': 'off',
      // TypeScript finds undefined names, and knows the host's.
      'no-undef': 'off',
      // Alignment and modulo arithmetic that relies on 32-bit integers is the subject of this code; equality never converts.
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use an `as const` object.' },
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/core/**', 'src/smp/**'],
    rules: { 'no-restricted-globals': ['error', ATOMICS] },
  },
  {
    files: ['src/kernel/**/*.ts', 'src/ipc/**/*.ts', 'src/syscalls/**/*.ts', 'src/explore/history/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ATOMICS, ...HOST] },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...HOST] },
  },
  {
    files: ['src/{core,kernel,ipc,syscalls}/**/*.ts', 'src/explore/history/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\.{1,2}/)', message: 'This floor imports neither Node nor packages.' }] },
      ],
    },
  },
  {
    files: ['scripts/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // A scenario is its file's default export.
    files: ['*.config.ts', '*.config.js', 'scenarios/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['tests/**/*.ts'],
    rules: {
      // Assertions often take values apart whose shape the test knows.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      'max-lines': 'off',
    },
  },
);
