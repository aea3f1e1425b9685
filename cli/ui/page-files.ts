import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PageFile {
  type: string;
  body: Buffer;
}

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };

/** The complete list: other paths are not looked up on the disk. */
const names = [
  'index.html',
  'page.css',
  'icon.svg',
  'page.js',
  'api.js',
  'apis.js',
  'ask.js',
  'change-rows.js',
  'controls.js',
  'correction-form.js',
  'decision-form.js',
  'dead-letters.js',
  'dead-rows.js',
  'dom.js',
  'expected.js',
  'files.js',
  'format.js',
  'jobs.js',
  'night-chart.js',
  'pages.js',
  'queues.js',
  'rate-chart.js',
  'router.js',
  'sections.js',
  'state.js',
  'svg.js',
  'view-api.js',
  'view-changes.js',
  'view-dead.js',
  'view-file.js',
  'view-files.js',
  'view-import.js',
  'view-night.js',
  'view-nights.js',
  'view-record.js',
  'views.js',
] as const;

/** The page's files by request path. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  return new Map(
    names.map((name) => {
      const extension = name.slice(name.lastIndexOf('.') + 1) as keyof typeof types;
      const body = readFileSync(join(import.meta.dirname, 'page', name));
      return [name === 'index.html' ? '/' : `/${name}`, { type: `${types[extension]}; charset=utf-8`, body }];
    }),
  );
}
