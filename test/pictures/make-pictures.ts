/** `npm run pictures`: the documentation's pictures, of a demo that runs while they are taken. Takes three minutes. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { launchChromium } from '../support/chromium.ts';
import { ansiPage } from './ansi-page.ts';
import { flowPicture } from './flow-picture.ts';

const root = resolve(import.meta.dirname, '../..');
const pictures = join(root, 'docs/pictures');
const stateDir = mkdtempSync(join(tmpdir(), 'sluice-pictures-'));
const env = { ...process.env, SLUICE_STATE_DIR: stateDir, FORCE_COLOR: '1', NO_COLOR: undefined, COLUMNS: '110' };

function start(
  file: string,
  args: readonly string[] = [],
): { child: ChildProcessWithoutNullStreams; said: { out: string } } {
  const child = spawn(process.execPath, [join(root, 'cli', file), ...args], { cwd: root, env });
  const said = { out: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr.resume();
  return { child, said };
}

async function run(args: readonly string[]): Promise<string> {
  const { child, said } = start('sluice.ts', args);
  await once(child, 'close');
  return said.out;
}

async function shoot(
  browser: Browser,
  name: string,
  height: number,
  open: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1_000, height }, colorScheme: 'light' });
  await open(page);
  await page.screenshot({ path: join(pictures, name) });
  await page.close();
  console.log(name);
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(pathToFileURL(path).href);
}

/** While the demo's file is half way. */
async function underWay(): Promise<void> {
  for (;;) {
    const files = await run(['status', '--json']).then(jsonOf);
    if (files.some(({ uploaded_records: uploaded }) => uploaded > 5_000)) return;
    await systemClock.sleep(1_000);
  }
}

function jsonOf(text: string): { uploaded_records: number }[] {
  try {
    return JSON.parse(text) as { uploaded_records: number }[];
  } catch {
    return [];
  }
}

async function shootControlRoom(browser: Browser): Promise<void> {
  const { child, said } = start('sluice.ts', ['ui']);
  while (!said.out.includes('/#')) await systemClock.sleep(200);
  const [url = ''] = /http:\S+/.exec(said.out) ?? [];
  await shoot(browser, 'control-room.png', 760, async (page) => {
    await page.goto(url);
    // A rate takes some seconds to be measured.
    await page.waitForTimeout(12_000);
  });
  child.kill('SIGINT');
  await once(child, 'close');
}

async function main(): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  writeFileSync(join(pictures, 'flow.svg'), flowPicture());
  const browser = await launchChromium();
  const demo = start('demo.ts');
  try {
    await underWay();
    await shootControlRoom(browser);
    if (demo.child.exitCode === null) await once(demo.child, 'close');
    const page = join(stateDir, 'demo.html');
    writeFileSync(page, ansiPage('npm run demo', demo.said.out));
    await shoot(browser, 'demo.png', 650, (tab) => open(tab, page));
    const [, fileId = ''] = /report ([a-z0-9-]+\.[0-9a-f]+)/.exec(demo.said.out) ?? [];
    const report = join(stateDir, 'report.html');
    await run(['report', fileId, '--out', report]);
    if (!readFileSync(report, 'utf8').includes('id="verdict"')) throw new Error('The report is no report.');
    await shoot(browser, 'report.png', 1_000, (tab) => open(tab, report));
  } finally {
    demo.child.kill('SIGINT');
    await run(['down']);
    await browser.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

await main();
