import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';

/** Where Debian, Ubuntu, Fedora and macOS put it. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser's program; undefined where this machine has none. `CHROMIUM` names one that lies elsewhere. */
export const chromiumPath: string | undefined = [process.env['CHROMIUM'], ...places].find(
  (path) => path !== undefined && existsSync(path),
);

/** For the name of a suite that is left out. */
export const withoutChromium = chromiumPath === undefined ? ' (skipped: no Chromium on this machine)' : '';

/** Without Chromium's sandbox, which does not work for root and in most containers: it opens only our own pages. */
export function launchChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('There is no Chromium on this machine.');
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
}
