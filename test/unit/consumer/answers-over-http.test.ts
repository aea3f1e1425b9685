import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { traffic } from '../../../feeds/traffic.ts';
import { HttpSink } from '../../../lambdas/adapters/http-sink.ts';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { SharedLimiter } from '../../../lambdas/consumer/shared-limiter.ts';
import type { Receipt } from '../../../lambdas/core/account/receipt.ts';
import { receipt as receiptSchema } from '../../../lambdas/core/account/receipt.ts';
import { startFakeAvstar } from '../../../localstack/fake-avstar/server.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const token = 'sk-live-0123456789abcdef';
const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

it('mixed answers over HTTP with one failing machine of three: the account matches what the API stored', async () => {
  const spot = (number: number) => `SP-${String(number).padStart(6, '0')}`;
  const api = await startFakeAvstar({
    token,
    faults: {
      machinesOneBad: 3,
      spotAnswers: [
        { spots: [spot(3)], status: 202, body: '{"status":"queued"}' },
        { spots: [spot(6)], status: 200, body: '{"status":"error","why":"database"}' },
        { spots: [spot(9)], status: 200, body: '<html>Sign in</html>', contentType: 'text/html' },
        { spots: [spot(12)], status: 409, body: '{"error":"request in progress"}', retryAfterSeconds: 0, times: 2 },
        { spots: [spot(15)], status: 409, body: '{"error":"version conflict"}' },
        { spots: [spot(18)], status: 422, body: `{"you sent":"Authorization: Bearer ${token}"}` },
        { spots: [spot(21)], status: 503, retryAfterSeconds: 0, times: 1 },
        { spots: [spot(24)], status: 423, times: 2 },
        { spots: [spot(27)], status: 409, body: '' },
      ],
    },
  });
  endings.push(() => api.close());
  const tokens = { token: () => Promise.resolve(token), refresh: () => Promise.resolve(token) };
  const { answers } = traffic.sink;
  const sink = new HttpSink({ baseUrl: api.url, path: '/ingest', answers, connections: 6, tokens, clock: systemClock });
  endings.push(() => sink.close());

  const rows = Array.from({ length: 40 }, (_, index) => rowOf(index));
  // The last has the request id of the one before it, and other bytes.
  const fixture = fixtureOf([...rows, { ...rowOf(39), ClientName: 'Another client' }]);
  const limit = { requests: 1_000, windowSeconds: 1 };
  const world = consumerWorld(new SimulatedClock(), fixture, limit);
  const limiter = new SharedLimiter({
    store: world.limiter,
    clock: systemClock,
    limit,
    feed: fixture.feed.name,
    newId: randomUUID,
    random: () => 0,
    correctionMs: () => 0,
  });
  const ports = { ...world.ports, limiter, limit, sink, tokens, clock: systemClock, connections: 6, random: () => 0 };
  await putSplitFile(world.ledger, fixture);
  await deliverBatch(fixture.message, ports, deadline);
  for (let next = world.successors.shift(); next; next = world.successors.shift()) {
    await deliverBatch(next.message, ports, deadline);
  }

  const batch = world.ledger.batches.get(`${fixture.fileId}#1`);
  const text = gunzipSync(world.receipts.get(batch?.receiptsKey ?? '') ?? Buffer.alloc(0)).toString('utf8');
  const receipts: Receipt[] = text
    .trim()
    .split('\n')
    .map((line) => receiptSchema.parse(JSON.parse(line)));
  const stored = new Set(api.entries().map(({ request_id }) => request_id));
  const uploaded = receipts.filter(({ outcome }) => outcome === 'uploaded').map(({ request_id }) => request_id);
  expect(uploaded.sort()).toEqual([...stored].sort());

  // Record numbers begin at 1, spots at 0.
  const others = receipts.filter(({ outcome }) => outcome !== 'uploaded');
  expect(others.map(({ record, outcome, reason }) => [record - 1, outcome, reason])).toEqual([
    [3, 'exhausted', 'http_202'],
    [6, 'exhausted', 'unexpected_body'],
    [9, 'exhausted', 'unexpected_content_type'],
    [15, 'refused', 'conflict'],
    [18, 'refused', 'http_422'],
    [27, 'duplicate', undefined],
    [40, 'duplicate', undefined],
  ]);
  expect(receipts[40]?.warnings).toEqual([expect.stringContaining('record 40 of the file has the same request id')]);
  expect(receipts[15]?.api_answer).toBe('{"error":"version conflict"}');
  expect(receipts[6]?.api_answer).toBe('{"status":"error","why":"database"}');
  expect(world.events).toEqual([]);
  const kept = JSON.stringify([receipts, world.letters]);
  for (let at = 0; at + 8 <= token.length; at++) expect(kept).not.toContain(token.slice(at, at + 8));
});
