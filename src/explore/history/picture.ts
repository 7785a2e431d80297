/*
 * A history as an SVG file that needs nothing else: a row for each actor, a bar for each operation from call to return, time to the right
 * (positions in their order, not to scale). Dots are the effects of a linearization, numbered; of a violation the one that comes furthest, and the
 * operations that contradict each other in red, those they are about in amber, what could not follow with a dashed edge.
 */

import type { Explanation } from './explain.ts';
import { actorText, type Model, type Operation } from './operation.ts';
import type { Point } from './search.ts';
import { element, escaped, text } from './svg.ts';

const LEFT = 96;
const COLUMN = 34;
const TOP = 64;
const ROW = 46;
const BAR = 22;
const MARGIN = 24;
/** Width of a letter of the labels, roughly: what does not fit is in the tooltip. */
const LETTER = 6.1;
const FEWEST_COLUMNS = 20;

const STYLE = `
  text { font: 11px ui-sans-serif, system-ui, sans-serif; fill: #1f2933; }
  .title { font-size: 15px; font-weight: 600; }
  .faint { fill: #7b8794; font-size: 10px; }
  .grid { stroke: #e4e7eb; }
  .operation rect { fill: #d9e8f6; stroke: #5b8db8; }
  .related rect { fill: #fdeccd; stroke: #d18a1b; }
  .contradiction rect { fill: #f9d2cf; stroke: #c2261c; }
  .unknown rect { fill-opacity: 0.45; }
  .stuck rect { stroke-width: 2.5; stroke-dasharray: 5 3; }
  .point circle { fill: #1f2933; }
  .point text { fill: #fff; font-size: 9px; text-anchor: middle; }
  .wait { stroke: #1f2933; stroke-dasharray: 2 2; }`;

export interface PictureOptions<State> {
  readonly title?: string;
  /** A linearization to show, such as `check` finds. */
  readonly order?: readonly Point<State>[];
}

/** The picture of a history. */
export function historyPicture<State>(
  model: Model<State>,
  operations: readonly Operation[],
  { title = `History of a ${model.name}`, order = [] }: PictureOptions<State> = {},
): string {
  return new Picture(model, operations, order, title, '', new Map()).draw();
}

/** The picture of a violation: of its shortest prefix. */
export function explanationPicture<State>(model: Model<State>, explanation: Explanation<State>, title?: string): string {
  const { prefix, contradiction, related, stuck, partial } = explanation;
  const marks = new Map<Operation, string>();
  const mark = (operation: Operation, name: string): void => {
    marks.set(operation, `${marks.get(operation) ?? ''} ${name}`);
  };
  contradiction.forEach((operation) => mark(operation, 'contradiction'));
  related.forEach((operation) => mark(operation, 'related'));
  stuck.forEach(({ operation }) => mark(operation, 'stuck'));
  const heading = title ?? `Not linearizable: ${model.name}`;
  const [first] = stuck;
  const subtitle = first === undefined ? '' : `#${first.operation.id} ${model.describe(first.operation)}, but ${first.reason}`;
  return new Picture(model, prefix, partial, heading, subtitle, marks).draw();
}

class Picture<State> {
  private readonly columns = new Map<number, number>();
  private readonly rows: readonly number[];
  private readonly right: number;
  private readonly bottom: number;

  constructor(
    private readonly model: Model<State>,
    private readonly operations: readonly Operation[],
    private readonly order: readonly Point<State>[],
    private readonly title: string,
    private readonly subtitle: string,
    private readonly marks: ReadonlyMap<Operation, string>,
  ) {
    const positions = operations.flatMap(({ begin, waits, end }) => [begin, waits ?? begin, end]).filter(Number.isFinite);
    [...new Set(positions)].sort((a, b) => a - b).forEach((position, column) => this.columns.set(position, column));
    this.rows = [...new Set(operations.map(({ actor }) => actor))].sort((a, b) => a - b);
    this.right = LEFT + (Math.max(this.columns.size, FEWEST_COLUMNS) + 1) * COLUMN;
    this.bottom = TOP + this.rows.length * ROW;
  }

  draw(): string {
    const width = this.right + MARGIN;
    const height = this.bottom + MARGIN;
    const frame = { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}` };
    return `${element(
      'svg',
      frame,
      element('title', {}, escaped(this.title)),
      element('style', {}, STYLE),
      element('rect', { width, height, fill: '#fff' }),
      text(MARGIN, 24, this.title, { class: 'title' }),
      ...(this.subtitle === '' ? [] : [text(MARGIN, 42, this.subtitle)]),
      ...this.rows.map((actor, row) => this.row(actor, row)),
      ...[...this.columns].map(([position, column]) => this.tick(position, column)),
      ...this.operations.map((operation) => this.bar(operation)),
      ...this.points(),
    )}\n`;
  }

  private row(actor: number, row: number): string {
    const y = TOP + row * ROW + BAR / 2;
    const line = element('line', { class: 'grid', x1: LEFT, x2: this.right, y1: y, y2: y });
    return text(MARGIN, y + 4, actorText({ actor })) + line;
  }

  private tick(position: number, column: number): string {
    return text(LEFT + column * COLUMN, this.bottom, String(position), { class: 'faint', 'text-anchor': 'middle' });
  }

  private bar(operation: Operation): string {
    const { id, end, result, waits } = operation;
    const [x, to] = this.span(operation);
    const y = this.top(operation);
    const label = `#${id} ${this.model.describe(operation)}`;
    const room = Math.floor((to - x - 8) / LETTER);
    const shown = label.length <= room ? label : `${label.slice(0, Math.max(0, room - 1))}…`;
    const times = end === Infinity ? `from ${operation.begin}` : `${operation.begin} to ${end}`;
    const classes = `operation${this.marks.get(operation) ?? ''}${result === undefined ? ' unknown' : ''}`;
    return element(
      'g',
      { class: classes },
      element('title', {}, escaped(`${label}\n${actorText(operation)}, ${times}`)),
      element('rect', { x, y, width: to - x, height: BAR, rx: 3 }),
      ...(waits === undefined
        ? []
        : [element('line', { class: 'wait', x1: this.x(waits), x2: this.x(waits), y1: y, y2: y + BAR })]),
      text(x + 4, y + 15, shown),
    );
  }

  /** Dots along the linearization: those due at one position side by side before it, within their bars. */
  private points(): string[] {
    const drawn: string[] = [];
    for (let start = 0; start < this.order.length;) {
      const { at } = this.order[start]!;
      let end = start;
      while (end < this.order.length && this.order[end]!.at === at) end++;
      for (let index = start; index < end; index++) {
        const { operation, gaveUp } = this.order[index]!;
        const [from, to] = this.span(operation);
        const x = Math.min(to, Math.max(from, this.x(at) - (COLUMN * (end - index)) / (end - start + 1)));
        const y = this.top(operation) + BAR + 5;
        const what = `${index + 1}. ${this.model.describe(operation)}${gaveUp ? ' gives up' : ''}\n${this.model.show(this.order[index]!.state)}`;
        const dot = element('circle', { cx: x, cy: y, r: 7 });
        drawn.push(
          element('g', { class: 'point' }, element('title', {}, escaped(what)), dot, text(x, y + 3, String(index + 1))),
        );
      }
      start = end;
    }
    return drawn;
  }

  private span({ begin, end }: Operation): [number, number] {
    const x = this.x(begin);
    return [x, end === Infinity ? this.right : Math.max(this.x(end), x + 6)];
  }

  private x(position: number): number {
    return LEFT + (this.columns.get(position) ?? 0) * COLUMN;
  }

  private top({ actor }: Operation): number {
    return TOP + this.rows.indexOf(actor) * ROW;
  }
}
