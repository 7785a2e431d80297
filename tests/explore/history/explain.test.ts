/*
 * Explanations: are they true, as short as can be, and do picture and file say the same?
 */

import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';

import { check, checkPart } from '../../../src/explore/history/checker.ts';
import { knowingOnly } from '../../../src/explore/history/contradiction.ts';
import { explain, type Explanation } from '../../../src/explore/history/explain.ts';
import { historyFromJson, HistoryFormatError, historyToJson } from '../../../src/explore/history/json.ts';
import { portModel } from '../../../src/explore/history/models/port.ts';
import { registerModel } from '../../../src/explore/history/models/register.ts';
import type { Model, Operation } from '../../../src/explore/history/operation.ts';
import { explanationPicture, historyPicture } from '../../../src/explore/history/picture.ts';
import { explanationText, orderText } from '../../../src/explore/history/report.ts';
import { prefixOf, timeline } from '../../../src/explore/history/timeline.ts';
import { E } from '../../../src/kernel/errno.ts';
import { Dice, op } from './helpers.ts';
import { PortMachine, type Defect } from './port-machine.ts';

const BUDGET = 500_000;
const ports = portModel({ capacity: 2 });

/** Two messages that come out the wrong way round, with much else before, beside and after. */
const swapped = [
  op(1, 'create', { process: 1 }, 0, [0, 1]),
  op(2, 'send', { process: 2, port: 0, type: 1, tag: 'early', wait: 'no' }, 0, [2, 3]),
  op(1, 'receive', { process: 1, port: 0, wait: 'no' }, { sender: 2, type: 1, tag: 'early' }, [4, 5]),
  op(2, 'send', { process: 2, port: 0, type: 1, tag: '<a>', wait: 'no' }, 0, [6, 7]),
  op(2, 'send', { process: 2, port: 0, type: 1, tag: 'b', wait: 'no' }, 0, [8, 9]),
  op(3, 'send', { process: 2, port: 0, type: 1, tag: 'c', wait: 'no' }, -E.AGAIN, [10, 11]),
  op(1, 'receive', { process: 1, port: 0, wait: 'no' }, { sender: 2, type: 1, tag: 'b' }, [12, 14]),
  op(3, 'send', { process: 2, port: 0, type: 1, tag: 'd', wait: 'yes' }, 0, [13, 20]),
  op(1, 'receive', { process: 1, port: 0, wait: 'no' }, { sender: 2, type: 1, tag: '<a>' }, [21, 22]),
  op(1, 'receive', { process: 1, port: 0, wait: 'no' }, -E.AGAIN, [23, 24]),
];

function explained<State>(model: Model<State>, history: readonly Operation[]): Explanation<State> {
  const explanation = explain(model, history);
  expect(explanation).toBeDefined();
  return explanation!;
}

describe('an explanation', () => {
  it('says nothing about a history that needs none', () => {
    expect(explain(ports, swapped.slice(0, 6))).toBeUndefined();
  });

  it('tells the shortest prefix, what is impossible and why', () => {
    const { prefix, last, stuck, partial, contradiction, related, minimal } = explained(ports, swapped);
    expect(minimal).toBe(true);
    expect(last.args).toEqual(swapped[6]!.args);
    expect(last.begin).toBe(12);
    expect(prefix.map(({ begin }) => begin)).toEqual([0, 2, 4, 6, 8, 10, 12, 13]);
    // The one that had been called but not returned is pending, its result unknown.
    expect(prefix.at(-1)).toMatchObject({ end: Infinity, result: undefined });
    expect(stuck[0]).toMatchObject({ operation: last, reason: 'it would receive "<a>" of type 1 from process 2' });
    expect(partial.map(({ operation }) => operation.begin)).toEqual([0, 2, 4, 6, 8, 10]);
    // "<a>" was sent, and did not come out first: enough.
    expect(contradiction.map(({ begin }) => begin)).toContain(12);
    expect(contradiction.length).toBeLessThanOrEqual(3);
    expect(related.length + contradiction.length).toBeLessThan(prefix.length);
  });

  it('says it in words', () => {
    const explanation = explained(ports, swapped);
    const text = explanationText(ports, explanation);
    expect(text).toContain('8 of 10 operations are enough');
    expect(text).toContain('→ "b" of type 1 from process 2\n    it would receive "<a>" of type 1 from process 2');
    expect(text).toContain('After it process 1 owns the port; queue of 2: "<a>", "b".');
  });

  it('does not call an operation guilty because its cause was left out', () => {
    const history = [
      op(1, 'write', { value: 1 }, 0, [0, 1]),
      op(2, 'read', {}, 1, [2, 3]),
      op(1, 'write', { value: 2 }, 0, [4, 5]),
      op(2, 'read', {}, 2, [6, 7]),
      op(3, 'read', {}, 9, [8, 9]),
    ];
    const { contradiction } = explained(registerModel(), history);
    expect(contradiction).toEqual([history[4]]);
  });

  it('shows the part that fails first', () => {
    const at = (register: number, value: number, begin: number): Operation =>
      op(register, 'read', { register }, value, [begin, begin + 1]);
    const { last } = explained(registerModel(), [at(0, 5, 10), at(1, 5, 4), at(2, 0, 0)]);
    expect(last.begin).toBe(4);
  });

  it.each<Defect>(['lost message', 'duplicate', 'newest first', 'waiting senders overtaken', 'one place too many'])(
    'is sound and minimal for a machine with a defect: %s',
    (defect) => {
      let tried = 0;
      for (let seed = 0; seed < 20; seed++) {
        const history = new PortMachine({
          dice: new Dice(seed),
          threads: 4,
          operations: 24,
          capacity: 2,
          ports: 1,
          waitsSeen: true,
          linger: 0.2,
          defect,
        }).run();
        if (check(ports, history).kind !== 'violation') continue;
        const { prefix, contradiction, minimal, partial, last } = explained(ports, history);
        if (!minimal) continue;
        tried++;
        // The contradiction is one, whatever the others returned …
        expect(checkPart(ports, knowingOnly(prefix, new Set(contradiction)), BUDGET).kind).toBe('violation');
        // … and none without any one of its operations.
        for (const operation of contradiction) {
          const fewer = new Set(contradiction.filter((other) => other !== operation));
          expect(checkPart(ports, knowingOnly(prefix, fewer), BUDGET).kind).toBe('ok');
        }
        // One event less, and there is an explanation.
        const events = timeline(prefix);
        expect(checkPart(ports, prefixOf(events, events.length - 1), BUDGET).kind).toBe('ok');
        expect(events.at(-1)!.operation).toBe(last);
        const first = partial.filter(({ gaveUp }) => !gaveUp).map(({ operation }) => operation);
        expect(new Set(first).size).toBe(first.length);
      }
      expect(tried).toBeGreaterThan(2);
    },
  );
});

interface Markup {
  readonly textContent: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Markup | null;
  querySelectorAll(selector: string): ArrayLike<Markup>;
}

const parsed = (svg: string): Markup => (parseHTML(svg) as { document: Markup }).document;

describe('a picture', () => {
  it('has a row for each actor, a bar for each operation, and a dot for each effect', () => {
    const verdict = check(ports, swapped.slice(0, 6));
    const order = verdict.kind === 'ok' ? verdict.order : [];
    const svg = historyPicture(ports, swapped.slice(0, 6), { title: 'Fine & <well>', order });
    const document = parsed(svg);
    expect(document.querySelectorAll('.operation')).toHaveLength(6);
    expect(document.querySelectorAll('.point')).toHaveLength(6);
    expect(document.querySelectorAll('.grid')).toHaveLength(3);
    expect(document.querySelector('.contradiction')).toBeNull();
    expect(svg).toContain('Fine &amp; &lt;well&gt;');
    expect(orderText(ports, order).split('\n')).toHaveLength(6);
  });

  it('marks what contradicts and what could not follow, and needs no other file', () => {
    const explanation = explained(ports, swapped);
    const svg = explanationPicture(ports, explanation);
    const document = parsed(svg);
    expect(document.querySelectorAll('.contradiction')).toHaveLength(explanation.contradiction.length);
    expect(document.querySelectorAll('.related')).toHaveLength(explanation.related.length);
    expect(document.querySelectorAll('.stuck')).toHaveLength(explanation.stuck.length);
    expect(document.querySelectorAll('.point')).toHaveLength(explanation.partial.length);
    expect(document.querySelector('.stuck title')?.textContent).toContain('receive(');
    expect(svg).not.toMatch(/<script|href|url\(/);
    expect(svg).not.toContain('<a>');
  });

  it('draws a bar from call to return, in the order of positions', () => {
    const document = parsed(historyPicture(ports, swapped));
    const spans = Array.from(document.querySelectorAll('.operation rect'), (bar) => {
      const x = Number(bar.getAttribute('x'));
      return [x, x + Number(bar.getAttribute('width'))] as const;
    });
    for (const [i, one] of swapped.entries()) {
      for (const [j, other] of swapped.entries()) expect(spans[i]![1] < spans[j]![0]).toBe(one.end < other.begin);
    }
  });
});

describe('a file', () => {
  const history = { object: 'port', settings: { capacity: 2 }, operations: swapped };

  it('gives back what was written', () => {
    const machine = new PortMachine({
      dice: new Dice(3),
      threads: 5,
      operations: 60,
      capacity: 2,
      ports: 2,
      waitsSeen: true,
      rough: true,
    });
    const operations = machine.run();
    expect(operations.some(({ end }) => end === Infinity)).toBe(true);
    expect(operations.some(({ waits }) => waits !== undefined)).toBe(true);
    expect(historyFromJson(historyToJson({ ...history, operations })).operations).toEqual(operations);
    expect(historyFromJson(historyToJson(history))).toEqual(history);
    const lost = { ...swapped[1]!, result: undefined };
    expect(historyFromJson(historyToJson({ ...history, operations: [lost] })).operations).toEqual([lost]);
  });

  it('is a list of calls and returns as other checkers have them', () => {
    const { events } = JSON.parse(historyToJson(history)) as { events: Record<string, unknown>[] };
    expect(events).toHaveLength(20);
    const { id } = swapped[5]!;
    expect(events[10]).toEqual({
      index: 10,
      time: 10,
      type: 'invoke',
      process: 3,
      operation: id,
      f: 'send',
      value: { process: 2, port: 0, type: 1, tag: 'c', wait: 'no' },
    });
    expect(events[11]).toEqual({ index: 11, time: 11, type: 'fail', process: 3, operation: id, f: 'send', value: -E.AGAIN });
  });

  it.each([
    ['text', 'not JSON', () => '{'],
    ['another format', '"format"', (json: string) => json.replace('hartbeat-history', 'other')],
    ['another version', 'version 2', (json: string) => json.replace('"version":1', '"version":2')],
    ['a type that is none', 'events[1].type', (json: string) => json.replace('"type":"ok"', '"type":"yes"')],
    ['a return without a call', 'events[0]', (json: string) => json.replace('"type":"invoke"', '"type":"ok"')],
    ['events in disorder', 'events[2] is before', (json: string) => json.replace('"time":2,', '"time":0,')],
    [
      'an argument that is a list',
      'events[0].value.process',
      (json: string) => json.replace('{"process":1}', '{"process":[1]}'),
    ],
    ['a call within a call', 'is in operation', (json: string) => json.replace(/\n\{"index":1,.*\n/, '\n')],
    ['an error that is a success', 'events[1]: "ok"', (json: string) => json.replace('"value":0}', '"value":-1}')],
  ])('is refused with the place when it has %s', (_, message, change) => {
    const json = change(historyToJson(history));
    expect(() => historyFromJson(json)).toThrow(HistoryFormatError);
    expect(() => historyFromJson(json)).toThrow(message);
  });
});
