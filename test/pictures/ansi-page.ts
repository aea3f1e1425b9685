import type { Html } from '../../lambdas/core/report/html.ts';
import { html } from '../../lambdas/core/report/html.ts';

/** As a terminal with a dark background shows them. */
const classes: Record<number, string> = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  34: 'blue',
  35: 'magenta',
  36: 'cyan',
  90: 'dim',
};

const style = `body { margin: 0; background: #14171b; color: #d7dce2; font: 13px/1.45 "DejaVu Sans Mono", ui-monospace, monospace; }
pre { margin: 0; padding: 20px 24px; white-space: pre; } .bold { font-weight: 700; } .dim { color: #8b949e; } .red { color: #ff7b72; }
.green { color: #7ee787; } .yellow { color: #f2c063; } .blue { color: #79b8ff; } .magenta { color: #d2a8ff; } .cyan { color: #76e3ea; } .prompt { color: #7ee787; }`;

/** A page that looks like a terminal in which a command was run. @param output with the styles of \`styleText\` */
export function ansiPage(command: string, output: string): string {
  const pieces: Html[] = [html`<span class="prompt">$</span> ${command}`, html`${'\n'}`];
  const on = new Set<string>();
  // eslint-disable-next-line no-control-regex -- a style begins with one
  for (const [, codes, text = ''] of output.matchAll(/(?:\u001b\[([0-9;]*)m)?([^\u001b]*)/g)) {
    if (codes !== undefined) applyCodes(on, codes);
    if (text !== '') pieces.push(html`<span class="${[...on].join(' ')}">${text}</span>`);
  }
  return `<!doctype html><meta charset="utf-8"><style>${style}</style><pre>${html`${pieces}`.markup}</pre>`;
}

function applyCodes(on: Set<string>, codes: string): void {
  for (const code of codes.split(';').map(Number)) {
    const name = classes[code];
    if (name !== undefined) on.add(name);
    else if (code === 0) on.clear();
    else if (code === 22) ['bold', 'dim'].forEach((each) => on.delete(each));
    else if (code === 39) Object.values(classes).forEach((each) => each !== 'bold' && on.delete(each));
  }
}
