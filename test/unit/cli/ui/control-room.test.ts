import type { RequestOptions } from 'node:http';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError } from '../../../../cli/cli-error.ts';
import type { RoomState } from '../../../../cli/ui/room-state.ts';
import type { RoomWorld } from '../../../support/open-room.ts';
import { askRoom, cookieOf, enterRoom, openRoom } from '../../../support/open-room.ts';

let world: RoomWorld;
let cookie: string;
beforeEach(async () => {
  world = await openRoom();
  cookie = cookieOf(await enterRoom(world.origin, world.code));
});
afterEach(async () => {
  await world.jobs.stop();
  await world.room.close();
});

const ask = (path: string, options: RequestOptions & { body?: string } = {}) => askRoom(world.origin, path, options);
const own = (more: Record<string, string> = {}) => ({ cookie, ...more });
const json = (more: Record<string, string> = {}) =>
  own({ 'content-type': 'application/json', origin: world.origin, ...more });
const redriveAll = JSON.stringify({ feed: 'traffic' });

describe('the page', () => {
  it.each(['/', '/page.css', '/page.js', '/sections.js', '/icon.svg'])(
    '%s is served to every local client, and not cached',
    async (path) => {
      const { status, headers } = await ask(path);
      expect(status).toBe(200);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
          "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
      );
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(headers['set-cookie']).toBeUndefined();
    },
  );

  it('contains nothing of the stack, nor of the session', async () => {
    for (const path of ['/', '/page.js', '/api.js']) {
      const { body } = await ask(path);
      expect(body).not.toContain(cookie.split('=')[1]);
      expect(body).not.toContain('sluice-test');
    }
  });

  it.each([
    '/nothing',
    '/index.html',
    '/tsconfig.json',
    '/../control-room.ts',
    '/%2e%2e/control-room.ts',
    '/..%2fcontrol-room.ts',
    '/page/../../control-room.ts',
    '//page.js',
    '/__proto__',
    '/api/',
  ])('%s is not found', async (path) => {
    const { status, body } = await ask(path, { headers: own() });
    expect([status, body]).toEqual([404, '{"fault":"Not found."}']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('is not available by %s', async (method) => {
    const { status, headers } = await ask('/', { method, headers: json() });
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });
});

describe('a link', () => {
  it('works once, for a cookie that scripts and other sites cannot read', async () => {
    expect(world.room.link).toMatch(/^http:\/\/sluice-[0-9a-f]{32}\.localhost:[0-9]+\/#[\w-]{43}$/);
    const other = await openRoom();
    const { status, headers } = await enterRoom(other.origin, other.code);
    expect(status).toBe(200);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^sluice-room=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/),
    ]);
    const again = await enterRoom(other.origin, other.code);
    expect([again.status, again.headers['set-cookie']]).toEqual([401, undefined]);
    expect([new URL(other.origin).hostname, other.code]).not.toContain(new URL(world.origin).hostname);
    await other.room.close();
  });

  it('that was used makes a new one, which is printed and not returned', async () => {
    const refused = await enterRoom(world.origin, world.code);
    const [link] = world.newLinks;
    const code = new URL(link ?? '').hash.slice(1);
    expect(refused.body).toBe('{"fault":"This link was used or is too old."}');
    expect(cookieOf(await enterRoom(world.origin, code))).toBe(cookie);
  });

  it('expires after ten minutes', async () => {
    await enterRoom(world.origin, world.code);
    const code = new URL(world.newLinks[0] ?? '').hash.slice(1);
    const now = Date.now();
    world.clock = { now: () => now + 10 * 60_000 + 1_000 };
    expect((await enterRoom(world.origin, code)).status).toBe(401);
    expect(world.newLinks).toHaveLength(2);
  });

  it('is exchanged only by the page', async () => {
    const other = await openRoom();
    const body = JSON.stringify({ code: other.code });
    const type = { 'content-type': 'application/json' };
    for (const headers of [
      type,
      { ...type, origin: 'http://evil.localhost:80' },
      { ...type, origin: other.origin, 'sec-fetch-site': 'cross-site' },
      { 'content-type': 'text/plain', origin: other.origin },
    ]) {
      const { status } = await askRoom(other.origin, '/api/enter', { method: 'POST', headers, body });
      expect(status).toBeGreaterThanOrEqual(403);
    }
    for (const bad of ['', '{}', '{"code":1}', `{"code":"${other.code}","more":1}`]) {
      const headers = { ...type, origin: other.origin };
      expect((await askRoom(other.origin, '/api/enter', { method: 'POST', headers, body: bad })).status).toBe(400);
    }
    expect(other.newLinks).toEqual([]);
    expect((await enterRoom(other.origin, other.code)).status).toBe(200);
    await other.room.close();
  });
});

describe('the data of the page', () => {
  it('is the snapshot, with the session’s cookie', async () => {
    const { status, body } = await ask('/api/snapshot', { headers: own() });
    expect(status).toBe(200);
    const state = JSON.parse(body) as RoomState;
    expect(state.snapshot).toEqual(world.sight.snapshot);
    expect(state).toMatchObject({ jobs: [], by: 'the operator' });
  });

  it('is refused without the session’s cookie, or with another', async () => {
    const session = cookie.split('=')[1] ?? '';
    const wrong = ['', 'x', `${session}x`, session.slice(1), session.toUpperCase(), world.code];
    for (const each of wrong) {
      const { status, body } = await ask('/api/snapshot', { headers: { cookie: `sluice-room=${each}` } });
      expect(status).toBe(401);
      expect(body).not.toContain('sluice-test');
    }
    expect((await ask('/api/snapshot')).status).toBe(401);
    expect((await ask(`/api/snapshot?sluice-room=${session}`)).status).toBe(401);
    expect((await ask('/api/snapshot', { headers: { 'x-sluice-token': session } })).status).toBe(401);
    // A cookie of the same name that another server on this machine has set does not displace it.
    expect((await ask('/api/snapshot', { headers: { cookie: `sluice-room=x; ${cookie}` } })).status).toBe(200);
  });

  it('is available only under the host name of this start', async () => {
    const { host, hostname, port } = new URL(world.origin);
    const get = async (name: string, path = '/api/snapshot') =>
      (await ask(path, { headers: own({ host: name }) })).status;
    expect(await get(host)).toBe(200);
    for (const other of [
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `sluice.localhost:${port}`,
      `x.${host}`,
      hostname,
      `${host}.evil.example:${port}`,
    ]) {
      expect(await get(other), other).toBe(403);
      expect(await get(other, '/'), other).toBe(403);
    }
  });

  it('is refused to a service worker', async () => {
    for (const path of ['/', '/page.js', '/api/snapshot']) {
      expect((await ask(path, { headers: own({ 'service-worker': 'script' }) })).status).toBe(403);
    }
  });

  it('is refused to pages of other origins', async () => {
    for (const more of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      expect((await ask('/api/snapshot', { headers: own(more) })).status).toBe(403);
    }
    expect((await ask('/api/snapshot', { headers: own({ 'sec-fetch-site': 'same-origin' }) })).status).toBe(200);
  });

  it('is an error with an explanation if it can not be read', async () => {
    Object.defineProperty(world, 'sight', {
      get: () => {
        throw new Error('No credentials.');
      },
    });
    const { status, body } = await ask('/api/snapshot', { headers: own() });
    expect([status, body]).toEqual([500, '{"fault":"No credentials."}']);
  });
});

describe('a redrive', () => {
  const redrive = (headers: Record<string, string>, body = redriveAll) =>
    ask('/api/redrive', { method: 'POST', headers, body });

  it('starts, and reports its progress and its result', async () => {
    const begun = await redrive(json(), JSON.stringify({ feed: 'traffic', reason: 'http_422' }));
    expect(begun.status).toBe(202);
    expect(world.redriven).toEqual([{ feed: 'traffic', reason: 'http_422' }]);
    const told = async () => (JSON.parse((await ask('/api/snapshot', { headers: own() })).body) as RoomState).jobs;
    world.say('moving letters out of the DLQ  3 of 4');
    expect(await told()).toMatchObject([{ state: 'running', text: 'moving letters out of the DLQ  3 of 4' }]);
    world.endRedrive('4 resolved.');
    expect(await told()).toMatchObject([{ feed: 'traffic', what: 'http_422', state: 'done', text: '4 resolved.' }]);
  });

  it('runs once per feed at a time, and the next may start when it has ended, even with a failure', async () => {
    await redrive(json());
    expect((await redrive(json())).status).toBe(409);
    expect(world.redriven).toHaveLength(1);
    world.failRedrive('SQS gave up.');
    await ask('/api/snapshot', { headers: own() });
    expect(world.jobs.list()[0]).toMatchObject({ state: 'failed', text: 'SQS gave up.' });
    expect((await redrive(json())).status).toBe(202);
  });

  it('cannot be started by a page of another origin, nor by a form', async () => {
    const refused: [Record<string, string>, number][] = [
      [json({ origin: 'http://evil.example' }), 403],
      [json({ 'sec-fetch-site': 'cross-site' }), 403],
      [own({ 'content-type': 'application/json' }), 403],
      [own({ origin: world.origin, 'content-type': 'text/plain' }), 415],
      [own({ origin: world.origin, 'content-type': 'application/x-www-form-urlencoded' }), 415],
      [own({ origin: world.origin }), 415],
      [{ ...json(), cookie: 'sluice-room=guessed' }, 401],
    ];
    for (const [headers, status] of refused) expect((await redrive(headers)).status).toBe(status);
    expect(world.redriven).toEqual([]);
  });

  it('is not started by an invalid request', async () => {
    for (const body of [
      '',
      'null',
      '{}',
      '{"feed":1}',
      '{"feed":"traffic","record":1}',
      '{"feed":"traffic","reason":""}',
    ]) {
      expect((await redrive(json(), body)).status, body).toBe(400);
    }
    expect((await redrive(json(), '{"feed":"other"}')).status).toBe(404);
    const long = JSON.stringify({ feed: 'traffic', reason: 'x'.repeat(600_000) });
    expect((await redrive(json(), long)).status).toBe(413);
    expect((await ask('/api/redrive', { headers: own() })).status).toBe(405);
    expect(world.redriven).toEqual([]);
  });
});

describe('an export', () => {
  it('is the reconciliation CSV, as a file to save', async () => {
    const { status, headers, body } = await ask('/api/export?feed=traffic&reason=http_422', { headers: own() });
    expect(status).toBe(200);
    expect(body.split('\r\n').map((line) => line.split(',')[0]?.slice(0, 5))).toEqual([
      ...['SpotI', 'SP-44', 'SP-49', 'SP-54', 'SP-59', ''],
    ]);
    expect(headers['content-disposition']).toBe('attachment; filename="dead-letters-traffic.csv"');
  });

  it('is of a feed of this stack, and needs the session', async () => {
    expect((await ask('/api/export?feed=../traffic', { headers: own() })).status).toBe(404);
    expect((await ask('/api/export?feed=traffic')).status).toBe(401);
  });
});

it('closes a connection that sends more than the page does', async () => {
  const { host, port } = new URL(world.origin);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  const head = [
    'POST /api/redrive HTTP/1.1',
    `Host: ${host}`,
    `Origin: ${world.origin}`,
    `Cookie: ${cookie}`,
    'Content-Type: application/json',
    'Content-Length: 1000000000',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${'x'.repeat(600_000)}`);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /);
});

it('reports that the port is in use', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const opened = openRoom(port);
  await expect(opened).rejects.toThrow(CliError);
  await expect(opened).rejects.toThrow(`Port ${port} is taken; name another one with --port.`);
  taken.close();
});
