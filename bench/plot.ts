import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Growth } from './growth.ts';

const [WIDTH, HEIGHT] = [640, 360];

interface Point {
  name: string;
  amount: number;
  value: number;
}

/** A growth as SVG, a line for each who did the work. */
export function drawGrowth({ compared, measured, over, axis, steps, medians }: Growth): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const points = [...medians].flatMap(([name, values]) =>
    values.map((value, index): Point => ({ name, amount: steps[index]?.amount ?? 0, value: value / 1000 })),
  );
  const at = { x: 'amount', y: 'value', stroke: 'name' } as const;
  const last = Plot.selectLast({ x: 'amount', y: 'value', z: 'name', text: 'name', fill: 'name' });
  const svg = Plot.plot({
    document,
    ...{ width: WIDTH, height: HEIGHT, marginTop: 48, marginRight: 110, marginLeft: 56, marginBottom: 44, grid: true },
    x: {
      ...{ label: axis, labelAnchor: 'center', labelArrow: false, zero: true },
      ticks: steps.map(({ amount }) => amount),
      tickFormat: (_, index) => steps[index]?.title ?? '',
    },
    y: { label: null, zero: true },
    color: { type: 'categorical', scheme: 'Observable10' },
    marks: [
      Plot.text([`${measured}, ${over} (seconds)`], {
        frameAnchor: 'top-left',
        dy: -42,
        fontSize: 13,
        fontWeight: 'bold',
      }),
      Plot.text([compared], { frameAnchor: 'top-left', dy: -24, fontSize: 11 }),
      Plot.ruleY([0]),
      Plot.line(points, at),
      Plot.dot(points, { ...at, fill: 'name', r: 3 }),
      Plot.text(points, { ...last, textAnchor: 'start', dx: 8 }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('style', 'background: white; color: black');
  return `${svg.outerHTML}\n`;
}
