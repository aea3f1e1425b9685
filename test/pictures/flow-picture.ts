import { html } from '../../lambdas/core/report/html.ts';
import type { Html } from '../../lambdas/core/report/html.ts';

interface Box {
  /** Column and row, from 0. */
  at: [number, number];
  title: string;
  /** What it is on AWS, or for. */
  under: string;
  kind: 'function' | 'store' | 'outside';
}

const boxes: Record<string, Box> = {
  system: { at: [0, 0], title: 'traffic system', under: 'drops an export', kind: 'outside' },
  intake: { at: [1, 0], title: 'intake', under: 'bucket, queue', kind: 'store' },
  splitter: { at: [2, 0], title: 'splitter', under: 'cuts it into batches', kind: 'function' },
  records: { at: [3, 0], title: 'records', under: 'queue of batches', kind: 'store' },
  consumer: { at: [4, 0], title: 'consumer', under: 'validates, hashes, sends', kind: 'function' },
  api: { at: [5, 0], title: 'API', under: 'one POST a record', kind: 'outside' },
  reconciler: { at: [0, 1], title: 'reconciler', under: 'what is stalled or late', kind: 'function' },
  ledger: { at: [2, 1], title: 'ledger', under: 'table: leases, outcomes', kind: 'store' },
  limiter: { at: [3, 1], title: 'limiter', under: 'its item: send times', kind: 'store' },
  letters: { at: [4, 1], title: 'letters', under: 'queue, then DLQ', kind: 'store' },
  operator: { at: [5, 1], title: 'operator', under: 'redrives the DLQ', kind: 'outside' },
  finalizer: { at: [2, 2], title: 'finalizer', under: 'closes the account', kind: 'function' },
  archive: { at: [3, 2], title: 'archive', under: 'evidence, and a report', kind: 'store' },
  desk: { at: [4, 2], title: 'desk, auditor', under: 'read and verify', kind: 'outside' },
};

const arrows: [from: string, to: string, isBackAndForth?: boolean][] = [
  ['system', 'intake'],
  ['intake', 'splitter'],
  ['splitter', 'records'],
  ['records', 'consumer'],
  ['consumer', 'api'],
  ['splitter', 'ledger', true],
  ['consumer', 'letters', true],
  ['limiter', 'consumer'],
  ['letters', 'operator', true],
  ['ledger', 'finalizer'],
  ['finalizer', 'archive'],
  ['archive', 'desk'],
  ['reconciler', 'ledger', true],
];

const [wide, high, gapX, gapY, edge] = [148, 62, 40, 46, 12];

const style = `text { font-family: system-ui, sans-serif; fill: #1b1f24; } .under { font-size: 11px; fill: #57606a; } .title { font-size: 14px; font-weight: 600; }
rect { fill: #fff; stroke: #d5dae0; stroke-width: 1.5; } .function { fill: #e8f0ff; stroke: #2f6feb; } .outside { stroke-dasharray: 5 4; } path { stroke: #57606a; fill: none; stroke-width: 1.5; } marker path { fill: #57606a; stroke: none; }
@media (prefers-color-scheme: dark) { text { fill: #e6e9ed; } .under { fill: #a5adb8; } rect { fill: #1d2127; stroke: #495261; } .function { fill: #15233d; stroke: #6ea0ff; } path { stroke: #a5adb8; } marker path { fill: #a5adb8; } }`;

/** The way of a record, as SVG; light or dark as its reader's machine is. */
export function flowPicture(): string {
  const columns = 1 + Math.max(...Object.values(boxes).map(({ at }) => at[0]));
  const rows = 1 + Math.max(...Object.values(boxes).map(({ at }) => at[1]));
  const width = columns * (wide + gapX) - gapX + 2 * edge;
  const height = rows * (high + gapY) - gapY + 2 * edge;
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="The way of a record through Sluice"
  >
    <style>
      ${style}
    </style>
    <defs>
      <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
        <path d="M0 0 8 4 0 8z" />
      </marker>
    </defs>
    ${arrows.map(([from, to, both]) => arrow(placeOf(from), placeOf(to), both ?? false))}
    ${Object.values(boxes).map(drawBox)}
  </svg> `.markup.replace(/^\s*\n/gm, '');
}

interface Place {
  x: number;
  y: number;
}

function placeOf(name: string): Place {
  const box = boxes[name];
  if (!box) throw new Error(`There is no box '${name}'.`);
  return { x: edge + box.at[0] * (wide + gapX), y: edge + box.at[1] * (high + gapY) };
}

function arrow(from: Place, to: Place, isBackAndForth: boolean): Html {
  const isBeside = from.y === to.y;
  const right = to.x > from.x;
  const start = isBeside
    ? { x: from.x + (right ? wide : 0), y: from.y + high / 2 }
    : { x: from.x + wide / 2, y: from.y + (to.y > from.y ? high : 0) };
  const end = isBeside
    ? { x: to.x + (right ? 0 : wide), y: to.y + high / 2 }
    : { x: to.x + wide / 2, y: to.y + (to.y > from.y ? 0 : high) };
  return html`<path
    d="M${start.x} ${start.y}L${end.x} ${end.y}"
    marker-end="url(#tip)"
    ${isBackAndForth ? html`marker-start="url(#tip)"` : ''}
  />`;
}

function drawBox({ at, title, under, kind }: Box): Html {
  const [x, y] = [edge + at[0] * (wide + gapX), edge + at[1] * (high + gapY)];
  const middle = x + wide / 2;
  return html`<rect class="${kind}" x="${x}" y="${y}" width="${wide}" height="${high}" rx="9" /><text
      class="title"
      x="${middle}"
      y="${y + 27}"
      text-anchor="middle"
      >${title}</text
    ><text class="under" x="${middle}" y="${y + 46}" text-anchor="middle">${under}</text>`;
}
