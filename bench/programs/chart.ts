/*
 * The table of programs as a chart: for each row a dot for the speed against qemu-riscv64 and one against the native program, on a
 * logarithmic scale of ratios, with the geometric means as lines.
 *
 * The library is Observable Plot: plain JavaScript by the author of d3, it draws into any `document`, here linkedom's, and the two bring
 * 13 MB of packages, for development only. Apache ECharts, which draws without a document, brings 67 MB; Chart.js needs a native canvas.
 * linkedom is pinned to a version: later ones depend on a package that the registry does not have.
 */

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

import { short } from '../table.ts';
import { geometricMean, type ProgramResult, type Ratio } from './result.ts';

const WIDTH = 860;
const ROW_HEIGHT = 24;
const MARGINS = { top: 64, right: 40, bottom: 44, left: 120 };

const SIDES: readonly { readonly ratio: Ratio; readonly label: string; readonly colour: string }[] = [
  { ratio: 'xQemu', label: 'times as fast as qemu-riscv64', colour: '#1f6feb' },
  { ratio: 'xNative', label: 'times as fast as native code (gcc -O2)', colour: '#d1570a' },
];

interface Dot {
  readonly program: string;
  readonly side: string;
  readonly value: number;
}

/**
 * Draws the results.
 *
 * @param caption what they were measured on
 * @returns an SVG document
 */
export function drawPrograms(results: readonly ProgramResult[], caption: string): string {
  const dots: Dot[] = SIDES.flatMap(({ ratio, label }) =>
    results.flatMap(({ row, measures }) => {
      const value = measures[ratio]?.median;
      return value === undefined ? [] : [{ program: row.name, side: label, value }];
    }),
  );
  const means = SIDES.flatMap(({ label }) => {
    const values = dots.filter(({ side }) => side === label).map(({ value }) => value);
    return values.length === 0 ? [] : [{ side: label, value: geometricMean(values) }];
  });
  const names = results.map(({ row }) => row.name);
  // Of the whole machine's speed; 1 is always in sight, and there is room for the figures beside the dots.
  const values = [1, ...dots.map(({ value }) => value)];
  const domain = [Math.min(...values) / 1.3, Math.max(...values) * 1.4];

  const svg = Plot.plot({
    document: newDocument(),
    width: WIDTH,
    height: names.length * ROW_HEIGHT + MARGINS.top + MARGINS.bottom,
    marginTop: MARGINS.top,
    marginRight: MARGINS.right,
    marginBottom: MARGINS.bottom,
    marginLeft: MARGINS.left,
    style: { font: '12px system-ui, sans-serif', background: 'white', color: 'black' },
    x: {
      type: 'log',
      domain,
      grid: true,
      label: 'Hartbeat is so many times as fast →',
      tickFormat: (value: number) => String(value),
    },
    y: { type: 'point', domain: names, label: null },
    color: { domain: SIDES.map(({ label }) => label), range: SIDES.map(({ colour }) => colour) },
    marks: [
      Plot.ruleX([1], { strokeWidth: 1.5 }),
      Plot.ruleX(means, { x: 'value', stroke: 'side', strokeDasharray: '5 4' }),
      Plot.dot(dots, { x: 'value', y: 'program', fill: 'side', r: 4 }),
      Plot.text(dots, {
        x: 'value',
        y: 'program',
        fill: 'side',
        text: ({ value }: Dot) => short(value),
        dx: 8,
        textAnchor: 'start',
        // So that a line behind it does not cross it out.
        stroke: 'white',
        strokeWidth: 4,
      }),
      // The legend: Plot's own are HTML beside the chart, not part of the image.
      ...SIDES.map(({ label, colour }, i) =>
        Plot.text([`● ${label}${legendMean(means, label)}`], {
          frameAnchor: 'top-left',
          fill: colour,
          fontWeight: 'bold',
          dy: -50 + 16 * i,
        }),
      ),
      Plot.text([caption], { frameAnchor: 'top-left', fill: '#666', dy: -18 }),
    ],
  }) as unknown as Element;
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

function legendMean(means: readonly { side: string; value: number }[], label: string): string {
  const mean = means.find(({ side }) => side === label);
  return mean === undefined ? '' : `; geometric mean ${short(mean.value)} (dashed)`;
}

// The project is compiled without the DOM's types, which would let a floor without a window use it; so both libraries' are unknown here.
function newDocument(): unknown {
  return (parseHTML('<!doctype html><html><body></body></html>') as unknown as { document: unknown }).document;
}

interface Element {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}
