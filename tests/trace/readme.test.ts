import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EVENTS, type EventSpec } from '../../src/trace/events.ts';

it('lists every event in traces/README.md as the schema declares it', () => {
  const text = readFileSync(new URL('../../traces/README.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  const wanted = Object.entries(EVENTS).map(([name, spec]: [string, EventSpec]) => {
    const args = Object.keys(spec.args).map((arg) => `\`${arg}\``);
    return [`\`${name}\``, spec.level, args.join(' '), spec.about];
  });
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(cells).toEqual(wanted);
});
