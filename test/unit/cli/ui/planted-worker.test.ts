import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium, withoutChromium } from '../../../support/chromium.ts';
import type { RoomWorld } from '../../../support/open-room.ts';
import { openRoom } from '../../../support/open-room.ts';

/**
 * Another user of the machine has served pages on the port before, under every name they could think of, and left
 * service workers in the operator's browser. They answer every request to their origins from then on.
 */
describe.skipIf(chromiumPath === undefined)(`a service worker planted on the port${withoutChromium}`, () => {
  let browser: Browser;
  let context: BrowserContext;
  let port: number;
  let world: RoomWorld;
  /** What the hostile server and its workers were sent. */
  let stolen: string[];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  const names = ['127.0.0.1', 'localhost', 'sluice.localhost', 'sluice-prod.localhost'];

  beforeEach(async () => {
    stolen = [];
    context = await browser.newContext();
    context.setDefaultTimeout(20_000);
    port = await plant();
    world = await openRoom(port);
  });
  afterEach(async () => {
    await context.close();
    await world.jobs.stop();
    await world.room.close();
  });

  async function plant(): Promise<number> {
    const server = hostileServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const planted = (server.address() as AddressInfo).port;
    for (const name of names) {
      const page = await context.newPage();
      await page.goto(`http://${name}:${planted}/`);
      await page.waitForFunction('navigator.serviceWorker.controller !== null');
      await page.close();
    }
    await end(server);
    return planted;
  }

  it('still answers for the names that it was planted on', async () => {
    const page = await context.newPage();
    await page.goto(`http://localhost:${port}/#code`);
    await page.getByText('planted').waitFor();
  });

  it('sees nothing of the link that `sluice ui` prints: neither code nor cookie nor data', async () => {
    const page = await context.newPage();
    page.on('request', (request) => {
      if (request.serviceWorker()) stolen.push(request.url());
    });
    await page.goto(world.room.link);
    await page.getByRole('heading', { level: 1, name: /in progress/ }).waitFor();
    expect(await page.evaluate('navigator.serviceWorker.controller')).toBeNull();
    expect(await context.cookies(world.origin)).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);
    const elsewhere = await context.cookies(names.map((name) => `http://${name}:${port}/`));
    expect(elsewhere).toEqual([]);
    expect(stolen).toEqual([]);
  });

  it('can make the browser request nothing in the operator’s name, even if it knows the name of the room', async () => {
    const page = await context.newPage();
    await page.goto(world.room.link);
    await page.getByRole('heading', { level: 1, name: /in progress/ }).waitFor();
    const hostile = await context.newPage();
    await hostile.goto(`http://localhost:${port}/`);
    await hostile.getByText('planted').waitFor();
    const answers = await hostile.evaluate(`(async () => {
      const ask = (init) => fetch('${world.origin}/api/redrive', { credentials: 'include', ...init })
        .then((answer) => answer.text(), (error) => error.name);
      const body = JSON.stringify({ feed: 'traffic' });
      return [
        await fetch('${world.origin}/api/snapshot', { credentials: 'include' }).then((a) => a.text(), (e) => e.name),
        await ask({ method: 'POST', headers: { 'content-type': 'application/json' }, body }),
        await ask({ method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body }),
      ];
    })()`);
    expect(answers).toEqual(['TypeError', 'TypeError', expect.not.stringContaining('running')]);
    expect(world.redriven).toEqual([]);
  });
});

/** Serves a page that registers a worker, and the worker. */
function hostileServer(): Server {
  const worker = `
    self.addEventListener('install', () => self.skipWaiting());
    self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
    self.addEventListener('fetch', (event) => {
      if (new URL(event.request.url).origin !== location.origin) return;
      event.respondWith(new Response('<p>planted</p>', { headers: { 'content-type': 'text/html' } }));
    });`;
  const page = `<script>navigator.serviceWorker.register('/worker.js')</script>`;
  return createServer((request, response) => {
    const isWorker = request.url === '/worker.js';
    response.writeHead(200, { 'content-type': isWorker ? 'text/javascript' : 'text/html' });
    response.end(isWorker ? worker : page);
  });
}

async function end(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
