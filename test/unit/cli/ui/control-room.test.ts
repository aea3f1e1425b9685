import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError } from '../../../../cli/cli-error.ts';
import { openControlRoom } from '../../../../cli/ui/control-room.ts';
import type { RoomState } from '../../../../cli/ui/room-state.ts';
import type { RoomWorld } from '../../../support/open-room.ts';
import { openRoom } from '../../../support/open-room.ts';

let world: RoomWorld;
beforeEach(async () => {
  world = await openRoom();
});
afterEach(async () => {
  await world.jobs.stop();
  await world.room.close();
});

interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** As it is given, `Host` and path included: fetch would mend them. */
function ask(path: string, options: RequestOptions & { body?: string } = {}): Promise<Answered> {
  const { hostname, port } = new URL(world.origin);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, ...options }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }), reject);
    });
    asked.on('error', reject);
    asked.end(options.body);
  });
}

const own = (more: Record<string, string> = {}) => ({ 'x-sluice-token': world.token, ...more });
const json = (more: Record<string, string> = {}) =>
  own({ 'content-type': 'application/json', origin: world.origin, ...more });
const redriveAll = JSON.stringify({ feed: 'traffic' });

describe('the page', () => {
  it.each(['/', '/page.css', '/page.js', '/sections.js', '/icon.svg'])(
    '%s is served to anybody here, kept by nobody',
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

  it('tells nothing of the stack, nor the token', async () => {
    for (const path of ['/', '/page.js', '/api.js']) {
      const { body } = await ask(path);
      expect(body).not.toContain(world.token);
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
  ])('%s is not there', async (path) => {
    const { status, body } = await ask(path, { headers: own() });
    expect([status, body]).toEqual([404, '{"fault":"There is nothing here."}']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('is not to be had by %s', async (method) => {
    const { status, headers } = await ask('/', { method, headers: json() });
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });
});

describe('what the page is told', () => {
  it('is the snapshot, whoever has the token', async () => {
    const { status, body } = await ask('/api/snapshot', { headers: own() });
    expect(status).toBe(200);
    const state = JSON.parse(body) as RoomState;
    expect(state.snapshot).toEqual(world.sight.snapshot);
    expect(state.redrives).toEqual([]);
  });

  it('is told without a token or with another one to nobody', async () => {
    const wrong = ['', 'x', `${world.token}x`, world.token.slice(1), world.token.toUpperCase()];
    for (const token of wrong) {
      const { status, body } = await ask('/api/snapshot', { headers: { 'x-sluice-token': token } });
      expect(status).toBe(401);
      expect(body).not.toContain('sluice-test');
    }
    expect((await ask('/api/snapshot')).status).toBe(401);
    expect((await ask(`/api/snapshot?token=${world.token}`)).status).toBe(401);
    expect((await ask('/api/snapshot', { headers: { cookie: `x-sluice-token=${world.token}` } })).status).toBe(401);
  });

  it('is told by the names of this machine alone, so that no other name can be bent to it', async () => {
    const { port } = new URL(world.origin);
    const tell = async (host: string, path = '/api/snapshot') => (await ask(path, { headers: own({ host }) })).status;
    expect(await tell(`127.0.0.1:${port}`)).toBe(200);
    expect(await tell(`localhost:${port}`)).toBe(200);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      'localhost',
      `localhost.evil.example:${port}`,
    ]) {
      expect(await tell(host), host).toBe(403);
      expect(await tell(host, '/'), host).toBe(403);
    }
  });

  it('is told to no page of another origin', async () => {
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

  it('is a fault in words where it can not be told', async () => {
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

  it('begins, is told of while it runs, and with what has come of it', async () => {
    const begun = await redrive(json(), JSON.stringify({ feed: 'traffic', reason: 'http_422' }));
    expect(begun.status).toBe(202);
    expect(world.redriven).toEqual([{ feed: 'traffic', reason: 'http_422' }]);
    const told = async () => (JSON.parse((await ask('/api/snapshot', { headers: own() })).body) as RoomState).redrives;
    world.say('moving letters out of the DLQ  3 of 4');
    expect(await told()).toMatchObject([{ state: 'running', text: 'moving letters out of the DLQ  3 of 4' }]);
    world.endRedrive('4 resolved.');
    expect(await told()).toMatchObject([{ feed: 'traffic', reason: 'http_422', state: 'done', text: '4 resolved.' }]);
  });

  it('is one a feed at a time, and the next may come when it has ended, even badly', async () => {
    await redrive(json());
    expect((await redrive(json())).status).toBe(409);
    expect(world.redriven).toHaveLength(1);
    world.failRedrive('SQS gave up.');
    await ask('/api/snapshot', { headers: own() });
    expect(world.jobs.list()[0]).toMatchObject({ state: 'failed', text: 'SQS gave up.' });
    expect((await redrive(json())).status).toBe(202);
  });

  it('is begun by no page of another origin, nor by what a form can send', async () => {
    const refused: [Record<string, string>, number][] = [
      [json({ origin: 'http://evil.example' }), 403],
      [json({ 'sec-fetch-site': 'cross-site' }), 403],
      [own({ 'content-type': 'application/json' }), 403],
      [own({ origin: world.origin, 'content-type': 'text/plain' }), 415],
      [own({ origin: world.origin, 'content-type': 'application/x-www-form-urlencoded' }), 415],
      [own({ origin: world.origin }), 415],
      [{ ...json(), 'x-sluice-token': 'guessed' }, 401],
    ];
    for (const [headers, status] of refused) expect((await redrive(headers)).status).toBe(status);
    expect(world.redriven).toEqual([]);
  });

  it('is not begun by what makes no sense', async () => {
    for (const body of [
      '',
      'null',
      '{}',
      '{"feed":1}',
      '{"feed":"traffic","file":"x"}',
      '{"feed":"traffic","reason":""}',
    ]) {
      expect((await redrive(json(), body)).status, body).toBe(400);
    }
    expect((await redrive(json(), '{"feed":"other"}')).status).toBe(404);
    const long = JSON.stringify({ feed: 'traffic', reason: 'x'.repeat(5_000) });
    expect((await redrive(json(), long)).status).toBe(413);
    expect((await ask('/api/redrive', { headers: own() })).status).toBe(405);
    expect(world.redriven).toEqual([]);
  });
});

describe('an export', () => {
  it('is the reconciliation CSV, as a file to save', async () => {
    const { status, headers, body } = await ask('/api/export?feed=traffic&reason=http_422', { headers: own() });
    expect([status, body]).toEqual([200, 'file_id,record\r\nf1,4\r\n']);
    expect(headers['content-disposition']).toBe('attachment; filename="dead-letters-traffic.csv"');
    expect(world.exported).toEqual([{ feed: 'traffic', reason: 'http_422' }]);
  });

  it('is of a feed of this stack, and not for strangers', async () => {
    expect((await ask('/api/export?feed=../traffic', { headers: own() })).status).toBe(404);
    expect((await ask('/api/export?feed=traffic')).status).toBe(401);
    expect(world.exported).toEqual([]);
  });
});

it('listens on this machine alone, by a token that is another one each time', async () => {
  expect(world.room.url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+\/#[\w-]{43}$/);
  const other = await openRoom();
  expect(other.token).not.toBe(world.token);
  await other.room.close();
});

it('says so where the port is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const ports = { sight: async () => world.sight, redrives: world.jobs, feeds: [], explain: String };
  const opened = openControlRoom(port, { ...ports, exportDead: async function* () {} });
  await expect(opened).rejects.toThrow(CliError);
  await expect(opened).rejects.toThrow(`Port ${port} is taken; name another one with --port.`);
  taken.close();
});
