import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { traffic } from '../../feeds/traffic.ts';
import { HttpSink } from '../../lambdas/adapters/http-sink.ts';
import { LedgerSink, recordKeyOf } from '../../lambdas/adapters/ledger-sink.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Sink, SinkAnswer, SinkRequest } from '../../lambdas/ports.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { dynamoDbs } from '../support/implementations.ts';
import { InMemoryApi } from '../support/in-memory-ports.ts';
import { startRawServer } from '../support/raw-server.ts';
import { readRequest, sinkRequest } from '../support/sink-request.ts';

const token = 'contract';
const tokens = { token: () => Promise.resolve(token), refresh: () => Promise.resolve(token) };
const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const ledgerAt = (endpoint: string, table = inject('cloud').outputs['RecordLedgerTableName'] ?? '') => {
  const client = new DynamoDBClient({ ...inject('cloud').client, endpoint, maxAttempts: 1 });
  endings.push(() => Promise.resolve(client.destroy()));
  return new LedgerSink({ client, table, feed: 'contract', clock: systemClock });
};

const httpAt = (baseUrl: string) => {
  const { answers } = traffic.sink;
  const sink = new HttpSink({ baseUrl, path: '/ingest', answers, connections: 4, tokens, clock: systemClock });
  endings.push(() => sink.close());
  return sink;
};

/** One that stores, and one at an address where every request ends in the same way. */
interface World {
  sink: Sink;
  at?: (url: string) => Sink;
}

const worlds: [name: string, open: () => Promise<World>][] = [
  [
    'in memory',
    // A clock that advances by itself.
    async () => ({ sink: new InMemoryApi({ now: () => 0, sleep: () => Promise.resolve() }) }),
  ],
  [
    'over HTTP',
    async () => {
      const api = await startFakeAvstar({ token });
      endings.push(() => api.close());
      return { sink: httpAt(`http://127.0.0.1:${api.port}`), at: httpAt };
    },
  ],
  ...dynamoDbs().map(([name, { endpoint }]): [string, () => Promise<World>] => [
    `into the record ledger in ${name}`,
    async () => ({ sink: ledgerAt(endpoint), at: ledgerAt }),
  ]),
];

const signal = () => new AbortController().signal;
const spot = () => ({ spot_id: randomUUID(), station: 'W', airtime: 't', duration_sec: 30, advertiser: 'é' });
const request = (change: Parameters<typeof sinkRequest>[0] = {}) => sinkRequest({ payload: spot(), ...change });

describe.each(worlds)('a sink %s', (_, open) => {
  let world: World;
  let deliver: (record: SinkRequest) => Promise<SinkAnswer>;
  beforeEach(async () => {
    world = await open();
    deliver = (record) => world.sink.deliver(record, signal());
  });

  it('stores a record and reports it as stored', async () => {
    expect(await deliver(request())).toMatchObject({ kind: 'uploaded', status: 201 });
  });

  it('stores the same request once, and reports the second as a duplicate', async () => {
    const record = request();
    expect(await deliver(record)).toMatchObject({ kind: 'uploaded' });
    expect(await deliver(record)).toMatchObject({ kind: 'duplicate', status: 409 });
    expect(await deliver(record)).toMatchObject({ kind: 'duplicate', status: 409 });
  });

  it('accepts one of many that arrive at once', async () => {
    const record = request();
    const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(record)));
    const kinds = answers.map(({ kind }) => kind).sort();
    expect(kinds).toEqual([...Array<string>(7).fill('duplicate'), 'uploaded']);
  });

  it('distinguishes records', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(request())));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['uploaded']));
  });
});

describe.each(worlds.slice(1))('a sink %s that gets no usable answer', (_, open) => {
  const at = async (url: string) => (await open()).at?.(url) as Sink;

  it.each([
    ['a 500', 'HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n', { status: 500, ambiguous: true }],
    ['a reset', null, { status: null, ambiguous: true }],
  ])('because of %s reports that the record may be stored', async (__, text, expected) => {
    const server = await startRawServer((socket) => (text === null ? socket.destroy() : socket.end(text)));
    endings.push(server.close);
    const sink = await at(`http://127.0.0.1:${server.port}`);
    expect(await sink.deliver(request(), signal())).toMatchObject({ kind: 'failed', ...expected });
  });

  it('because time is up reports that the record may be stored', async () => {
    const abort = new AbortController();
    const server = await startRawServer(() => abort.abort());
    endings.push(server.close);
    const sink = await at(`http://127.0.0.1:${server.port}`);
    const answer = await sink.deliver(request(), abort.signal);
    expect(answer).toMatchObject({ kind: 'failed', status: null, ambiguous: true });
  });
});

describe('the API over HTTP', () => {
  it.each([
    [{ status: 202 }, { kind: 'failed', reason: 'http_202', ambiguous: true }],
    [
      { status: 200, body: '{"status":"error"}' },
      { kind: 'failed', reason: 'unexpected_body', ambiguous: true },
    ],
    [
      { status: 200, body: '<html></html>', contentType: 'text/html' },
      { kind: 'failed', reason: 'unexpected_content_type', ambiguous: true },
    ],
    [
      { status: 409, body: '{"error":"request in progress"}' },
      { kind: 'in-progress', status: 409 },
    ],
    [
      { status: 409, body: '{"error":"version conflict"}' },
      { kind: 'refused', status: 409 },
    ],
    [
      { status: 409, body: '{"error":"this request id has been seen"}' },
      { kind: 'duplicate', status: 409 },
    ],
    [
      { status: 503, retryAfterSeconds: 5 },
      { kind: 'failed', retryAfterMs: 5_000, ambiguous: true },
    ],
    [
      { status: 422, body: `{"you":"Bearer ${token}"}` },
      { kind: 'refused', answer: '{"you":"Bearer [removed]"}' },
    ],
  ])('that answers %j is reported as %j, with nothing stored', async (answer, expected) => {
    const record = request();
    const spots = [readRequest(record).payload['spot_id'] as string];
    const api = await startFakeAvstar({ token, faults: { spotAnswers: [{ spots, ...answer }] } });
    endings.push(() => api.close());
    const sink = httpAt(`http://127.0.0.1:${api.port}`);
    expect(await sink.deliver(record, signal())).toMatchObject(expected);
    expect(api.entries()).toEqual([]);
  });

  it('is reached although one of three machines fails: a failure closes its connection', async () => {
    const api = await startFakeAvstar({ token, faults: { machinesOneBad: 3 } });
    endings.push(() => api.close());
    const sink = httpAt(`http://127.0.0.1:${api.port}`);
    const answers = [];
    for (let round = 0; round < 20; round++) answers.push(await sink.deliver(request(), signal()));
    expect(answers.filter(({ kind }) => kind === 'failed').length).toBeLessThan(10);
    expect(api.entries()).toHaveLength(answers.filter(({ kind }) => kind === 'uploaded').length);
  });
});

describe.each(dynamoDbs())('the record ledger in %s', (_, settings) => {
  let sink: LedgerSink;
  const table = () => inject('cloud').outputs['RecordLedgerTableName'] ?? '';
  beforeEach(() => {
    sink = ledgerAt(settings.endpoint);
  });
  const stored = async (identity: readonly string[]) => {
    const client = new DynamoDBClient(settings);
    const Key = { recordKey: { S: recordKeyOf('contract', identity) } };
    return (await client.send(new GetItemCommand({ TableName: table(), Key, ConsistentRead: true }))).Item ?? {};
  };

  it('keeps payload, hashes, source and time', async () => {
    const payload = { nested: { deep: ['é', 1.5, null] }, big: JSON.parse('1') as number };
    const record = request({ payload });
    await sink.deliver(record, signal());
    const { origin } = record;
    const item = await stored(origin.identity);
    expect(item).toMatchObject({
      feed: { S: 'contract' },
      payload: { S: JSON.stringify(payload) },
      payloadSha256: { S: sha256Of(Buffer.from(JSON.stringify(payload))) },
      sha256: { S: origin.sha256 },
      requestId: { S: record.requestId },
      fileId: { S: origin.fileId },
      fileSha256: { S: origin.fileSha256 },
      sourceBucket: { S: origin.source.bucket },
      sourceKey: { S: origin.source.key },
      sourceVersionId: { S: 'v1' },
      record: { N: '1' },
      offset: { N: '0' },
    });
    expect(Math.abs(Date.parse(item['storedAt']?.S ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('distinguishes its own earlier try from another record with the same bytes', async () => {
    const record = request();
    await sink.deliver(record, signal());
    expect(await sink.deliver(record, signal())).toEqual({ kind: 'duplicate', status: 409, isOurs: true });
    for (const other of [{ fileId: 'another' }, { record: 2 }]) {
      const copy = { ...record, origin: { ...record.origin, ...other } };
      expect(await sink.deliver(copy, signal())).toEqual({ kind: 'duplicate', status: 409, isOurs: false });
    }
  });

  it('refuses other bytes under the same identity, names both hashes, and keeps the stored ones', async () => {
    const record = request();
    await sink.deliver(record, signal());
    const other = {
      ...record,
      json: '{"changed":true}',
      origin: { ...record.origin, sha256: 'c'.repeat(64) },
    };
    const answer = await sink.deliver(other, signal());
    expect(answer).toMatchObject({ kind: 'refused', status: 409 });
    expect(answer).toHaveProperty('answer', expect.stringMatching(/a{64}.*c{64}/));
    expect((await stored(record.origin.identity))['payload']?.S).toBe(record.json);
  });

  it('distinguishes identities that are equal when joined', () => {
    expect(recordKeyOf('f', ['a', 'b'])).not.toBe(recordKeyOf('f', ['a","b']));
  });

  it('accepts identities longer than a key may be, and distinguishes two of them', async () => {
    const long = 'x'.repeat(5_000);
    const prefix = randomUUID();
    const record = request({ origin: { identity: [`${prefix}${long}1`] } });
    expect(await sink.deliver(record, signal())).toMatchObject({ kind: 'uploaded' });
    expect(await sink.deliver(record, signal())).toMatchObject({ kind: 'duplicate' });
    const second = request({ origin: { identity: [`${prefix}${long}2`] } });
    expect(await sink.deliver(second, signal())).toMatchObject({ kind: 'uploaded' });
  });

  it('refuses what is too large for an item, before it calls DynamoDB', async () => {
    const answer = await sink.deliver(request({ payload: { text: 'é'.repeat(210_000) } }), signal());
    expect(answer).toMatchObject({ kind: 'refused', status: 413 });
    expect(answer).toHaveProperty('answer', expect.stringContaining('the limit is 409600'));
  });

  it('makes records wait if the table can not be written', async () => {
    const nowhere = ledgerAt(settings.endpoint, 'there-is-none');
    expect(await nowhere.deliver(request(), signal())).toMatchObject({ kind: 'unauthorised' });
  });

  it.each(['ThrottlingException', 'ProvisionedThroughputExceededException'])(
    'counts %s as a failure that stored nothing',
    async (name) => {
      const body = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'slow down' });
      const head = `HTTP/1.1 400 Bad\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: ${body.length}\r\n\r\n`;
      const server = await startRawServer((socket) => socket.end(head + body));
      endings.push(server.close);
      const answer = await ledgerAt(`http://127.0.0.1:${server.port}`).deliver(request(), signal());
      expect(answer).toEqual({ kind: 'failed', status: 400, reason: 'throttled', ambiguous: false });
    },
  );
});
