import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { Pool } from 'undici';
import type { FakeAvstarOptions } from '../../localstack/fake-avstar/options.ts';
import type { FakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';

const spot = {
  spot_id: 'SPOT-1',
  station: 'WABC',
  airtime: '2026-03-01T06:00:00Z',
  duration_sec: 30,
  advertiser: 'Acme',
};

let fake: FakeAvstar;
let pool: Pool;

async function start(options: Partial<FakeAvstarOptions> = {}): Promise<void> {
  fake = await startFakeAvstar({ token: 'secret', ...options });
  pool = new Pool(fake.url, { connections: 10 });
}

afterEach(async () => {
  await pool.destroy();
  await fake.close();
});

interface Sent {
  id?: string | null;
  supersedes?: string;
  token?: string;
  body?: unknown;
  timeoutMs?: number;
}

async function send({ id = 'id-1', supersedes, token = 'secret', body = spot, timeoutMs = 10_000 }: Sent = {}) {
  const answer = await pool.request({
    path: '/ingest',
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(id === null ? {} : { 'x-request-id': id }),
      ...(supersedes === undefined ? {} : { 'x-supersedes-request-id': supersedes }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

const statusOf = async (sent: Sent = {}) => (await send(sent)).status;

describe('a spot that supersedes another one', () => {
  it('takes the place of its entry, and is not refused when it is repeated', async () => {
    await start();
    const moved = { ...spot, airtime: '2026-01-05 07:00:00' };
    await send();
    await send({ id: 'other', body: { ...spot, spot_id: 'SP-9' } });
    expect(await statusOf({ id: 'id-2', supersedes: 'id-1', body: moved })).toBe(201);
    expect(await statusOf({ id: 'id-2', supersedes: 'id-1', body: moved })).toBe(409);
    expect(fake.entries().map(({ request_id }) => request_id)).toEqual(['other', 'id-2']);
    expect(fake.stats().stored).toBe(2);
    const { body } = await pool.request({ path: '/entries', method: 'GET' });
    expect((await body.text()).trim().split('\n')).toHaveLength(2);
  });

  it('stores nothing if there is no such entry, or it was superseded before', async () => {
    await start();
    await send();
    expect(await statusOf({ id: 'id-2', supersedes: 'unknown' })).toBe(412);
    await send({ id: 'id-2', supersedes: 'id-1' });
    expect(await statusOf({ id: 'id-3', supersedes: 'id-1' })).toBe(412);
    // The request that was superseded is known all the same.
    expect(await statusOf()).toBe(409);
    expect(fake.entries().map(({ request_id }) => request_id)).toEqual(['id-2']);
  });
});

describe('a spot', () => {
  it('is scheduled once; a repetition is recognised by its request id', async () => {
    await start();
    expect(await statusOf()).toBe(201);
    expect(await statusOf()).toBe(409);
    expect(await statusOf({ body: { ...spot, station: 'KXYZ' } })).toBe(409);
    expect(await statusOf({ id: 'id-2' })).toBe(201);
    expect(fake.entries()).toEqual([
      { request_id: 'id-1', ...spot },
      { request_id: 'id-2', ...spot },
    ]);
    expect(fake.stats()).toMatchObject({ requests: 4, stored: 2, duplicates: 2, byStatus: { 201: 2, 409: 2 } });
  });

  it('is also recognised by an id of 64 hex digits', async () => {
    await start();
    const id = 'ab'.repeat(32);
    expect([await statusOf({ id }), await statusOf({ id })]).toEqual([201, 409]);
    expect(fake.entries()[0]?.request_id).toBe(id);
  });

  it.each([
    ['no JSON', '{"spot_id":'],
    ['an array', [spot]],
    ['null', null],
    ['a missing field', { ...spot, advertiser: undefined }],
    ['a sixth field', { ...spot, rate: 1 }],
    ['a blank text', { ...spot, station: ' ' }],
    ['a duration with a fraction', { ...spot, duration_sec: 29.97 }],
    ['a duration as text', { ...spot, duration_sec: '30' }],
  ])('is answered 422 with a JSON error when it is %s', async (_, body) => {
    await start();
    const { status, text } = await send({ body });
    expect(status).toBe(422);
    expect(JSON.parse(text)).toHaveProperty('error');
    expect(fake.entries()).toEqual([]);
  });

  it('is refused each time if its id is listed or begins with REFUSE', async () => {
    await start({ refuse: ['SPOT-9'] });
    for (const spot_id of ['SPOT-9', 'REFUSE-1', 'SPOT-9']) {
      const { status, text } = await send({ id: spot_id, body: { ...spot, spot_id } });
      expect(status).toBe(422);
      expect(JSON.parse(text)).toEqual({ error: 'unknown advertiser contract', spot_id });
    }
    expect(fake.entries()).toEqual([]);
  });

  it('is refused once per request id if its id begins with ONCE-REFUSED-', async () => {
    await start();
    const body = { ...spot, spot_id: 'ONCE-REFUSED-1' };
    const statuses = [];
    for (const id of ['id-1', 'id-2', 'id-1', 'id-1']) statuses.push(await statusOf({ id, body }));
    expect(statuses).toEqual([422, 422, 201, 409]);
    expect(fake.entries()).toHaveLength(1);
  });

  it('requires the token and a request id', async () => {
    await start();
    expect(await statusOf({ token: 'other' })).toBe(401);
    expect(await statusOf({ id: null })).toBe(400);
    expect(fake.entries()).toEqual([]);
  });
});

describe('the limit', () => {
  it('accepts as many requests as the window allows and answers the rest 429 with whole seconds to wait', async () => {
    await start({ requests: 3, windowSeconds: 30 });
    const answers = [];
    for (let n = 0; n < 5; n++) answers.push(await send({ id: `id-${n}` }));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429, 429]);
    expect(Number(answers[3]?.headers['retry-after'])).toBe(30);
    expect(fake.stats()).toMatchObject({ throttled: 2, maxInWindow: 3, maxOfferedInWindow: 5, stored: 3 });
  });

  it('sends Retry-After as an HTTP date when configured to', async () => {
    await start({ requests: 1, windowSeconds: 30, retryAfterAs: 'date' });
    await send();
    const { headers } = await send();
    const date = String(headers['retry-after']);
    expect(new Date(date).toUTCString()).toBe(date);
    expect(Date.parse(date) - Date.now()).toBeGreaterThan(25_000);
    fake.setFaults({ retryAfterAs: 'seconds' });
    expect(Number((await send()).headers['retry-after'])).toBeGreaterThan(25);
  });

  it('counts duplicates and invalid spots, but neither wrong tokens nor requests it has answered 429', async () => {
    await start({ requests: 3, windowSeconds: 30 });
    await send({ token: 'other' });
    await send();
    await send();
    await send({ body: 'bad' });
    expect(await statusOf({ id: 'id-2' })).toBe(429);
    expect(fake.stats()).toMatchObject({ maxInWindow: 3, byStatus: { 201: 1, 401: 1, 409: 1, 422: 1, 429: 1 } });
  });

  it('slides: no window holds more than its maximum, and places become free one by one', async () => {
    await start({ requests: 20, windowSeconds: 0.2 });
    let n = 0;
    const deadline = Date.now() + 20_000;
    while (fake.stats().stored < 100 && Date.now() < deadline) {
      await Promise.all(Array.from({ length: 8 }, () => send({ id: `id-${n++}` })));
    }
    const stats = fake.stats();
    expect(stats.stored).toBeGreaterThanOrEqual(100);
    expect(stats.throttled).toBeGreaterThan(0);
    expect(stats.maxInWindow).toBe(20);
  });
});

describe('faults on demand', () => {
  it('answers 500 to a share of requests, and stores the spot for half of them', async () => {
    await start({ faults: { errorRate: 1 }, seed: 7 });
    const ids = Array.from({ length: 100 }, (_, n) => `id-${n}`);
    const statuses = await Promise.all(ids.map((id) => statusOf({ id })));
    expect(new Set(statuses)).toEqual(new Set([500]));
    expect(fake.stats().stored).toBeGreaterThan(30);
    expect(fake.stats().stored).toBeLessThan(70);
    fake.setFaults({});
    const again = await Promise.all(ids.map((id) => statusOf({ id })));
    expect(again.filter((status) => status === 409)).toHaveLength(fake.stats().duplicates);
    expect(fake.stats().stored).toBe(100);
  });

  it('loses connections, before and after the spot is stored', async () => {
    await start({ faults: { resetRate: 1 } });
    const lost = Array.from({ length: 40 }, (_, n) => send({ id: `id-${n}` }));
    const results = await Promise.allSettled(lost);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(fake.stats().stored).toBeGreaterThan(5);
    expect(fake.stats().stored).toBeLessThan(35);
    expect(fake.stats().faults).toEqual({ reset: 40 });
  });

  it('never answers, until the client times out', async () => {
    await start({ faults: { timeoutRate: 1 } });
    await expect(send({ timeoutMs: 200 })).rejects.toThrow(/timeout|aborted/i);
  });

  it('waits before it answers', async () => {
    await start({ faults: { latencyMs: [80, 90] } });
    const before = performance.now();
    await send();
    expect(performance.now() - before).toBeGreaterThan(75);
  });

  it('is unavailable for a while, and then recovers', async () => {
    await start({ faults: { outageMs: 150 } });
    expect(await statusOf()).toBe(503);
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe(201);
    fake.setFaults({ outageMs: 60_000, outageAs: 'reset' });
    await expect(send({ id: 'id-2' })).rejects.toThrow();
  });

  it('answers bursts of 429 whatever the window says', async () => {
    await start({ faults: { throttleStormMs: 150, throttleRetryAfterSeconds: 7 } });
    const { status, headers } = await send();
    expect([status, headers['retry-after']]).toEqual([429, '7']);
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe(201);
    fake.setFaults({ throttleStormMs: 60_000, throttleRetryAfterSeconds: null });
    expect((await send({ id: 'id-2' })).headers).not.toHaveProperty('retry-after');
  });

  it('rejects every token, or accepts a different one from now on', async () => {
    await start({ faults: { rejectToken: true } });
    expect(await statusOf()).toBe(401);
    fake.setFaults({ token: 'rotated' });
    expect(await statusOf()).toBe(401);
    fake.setFaults({});
    expect(await statusOf({ token: 'rotated' })).toBe(201);
  });

  it('answers with bodies that are not JSON, or huge', async () => {
    await start({ faults: { garbledBodyRate: 1 } });
    const { status, text } = await send();
    expect(status).toBe(201);
    expect(() => JSON.parse(text) as unknown).toThrow();
    fake.setFaults({ hugeBodyRate: 1 });
    const huge = await send();
    expect(huge.status).toBe(409);
    expect(huge.text.length).toBeGreaterThan(8_000_000);
  });

  it('answers with a body that never ends', async () => {
    await start({ faults: { endlessBodyRate: 1 } });
    const { statusCode, body } = await pool.request({
      path: '/ingest',
      method: 'POST',
      headers: { authorization: 'Bearer secret', 'x-request-id': 'id-1' },
      body: JSON.stringify(spot),
    });
    expect(statusCode).toBe(201);
    await once(body, 'readable');
    body.destroy();
    body.on('error', () => undefined);
    expect(fake.stats().stored).toBe(1);
  });
});

describe('the tester’s paths', () => {
  const ask = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: string) => {
    const answer = await pool.request({ path, method, ...(body === undefined ? {} : { body }) });
    return { status: answer.statusCode, text: await answer.body.text() };
  };

  it('return entries as NDJSON and statistics as JSON, and clear both', async () => {
    await start({ requests: 2, windowSeconds: 30 });
    await send();
    await send({ id: 'id-2' });
    const { text } = await ask('GET', '/entries');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(fake.entries());
    const stats = JSON.parse((await ask('GET', '/stats')).text) as object;
    expect(stats).toMatchObject({ stored: 2, limit: { requests: 2, windowSeconds: 30 }, perSecond: [2] });
    expect((await ask('DELETE', '/entries')).status).toBe(204);
    expect(fake.stats()).toMatchObject({ requests: 0, stored: 0 });
    // The window continues: a reset in the middle of a run must not allow more than the limit.
    expect(await statusOf()).toBe(429);
  });

  it('set faults, and name the faults they do not know', async () => {
    await start();
    expect((await ask('POST', '/faults', '{"errorRate":1}')).status).toBe(200);
    expect(await statusOf()).toBe(500);
    expect((await ask('POST', '/faults', '{}')).status).toBe(200);
    expect(await statusOf({ id: 'id-2' })).toBe(201);
    expect((await ask('POST', '/faults', '{"errorRat":1}')).status).toBe(400);
    expect((await ask('POST', '/faults', 'x')).status).toBe(400);
    expect((await ask('GET', '/elsewhere')).status).toBe(404);
  });
});
