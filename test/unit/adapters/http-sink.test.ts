import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import dns from 'node:dns';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ConnectWithin } from '../../../lambdas/adapters/connect-to-any.ts';
import { AvoidedAddresses, connectToAny } from '../../../lambdas/adapters/connect-to-any.ts';
import { HttpSink } from '../../../lambdas/adapters/http-sink.ts';
import type { HttpSinkOptions } from '../../../lambdas/adapters/http-sink.ts';
import { SecretToken } from '../../../lambdas/adapters/secret-token.ts';
import { maxRetryAfterMs } from '../../../lambdas/core/limiter/retry.ts';
import type { SinkAnswer } from '../../../lambdas/ports.ts';
import type { Certificate } from '../../../localstack/certificates.ts';
import { createCertificate, createIssuer } from '../../../localstack/certificates.ts';
import { sinkRequest } from '../../support/sink-request.ts';
import type { RawAnswer, RawServer } from '../../support/raw-server.ts';
import { startRawServer } from '../../support/raw-server.ts';

const nowMs = Date.UTC(2026, 10, 23, 7, 0, 0);
const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(
  answer: RawAnswer,
  certificate?: Certificate,
  at?: { host: string; port: number },
): Promise<RawServer> {
  const server = await startRawServer(answer, certificate, at);
  endings.push(server.close);
  return server;
}

/** Limits that a test has the patience for, and a machine under load keeps. */
const limits = { connectMs: 3_000, headersMs: 1_500, bodyMs: 500 };

function sinkFor(baseUrl: string, options: Partial<HttpSinkOptions> = {}): HttpSink {
  const token = () => Promise.resolve('t0ken');
  const sink = new HttpSink({
    baseUrl,
    path: '/ingest',
    connections: 2,
    tokens: { token, refresh: token },
    clock: { now: () => nowMs },
    limits,
    ...options,
  });
  endings.push(() => sink.close());
  return sink;
}

const record = sinkRequest({ requestId: 'a'.repeat(64), payload: { spot_id: 'é 1' } });
const deliver = (sink: HttpSink, signal = new AbortController().signal) => sink.deliver(record, signal);

/** One delivery to a server that answers every request so. */
async function answerTo(answer: RawAnswer, options: Partial<HttpSinkOptions> = {}): Promise<SinkAnswer> {
  const server = await serve(answer);
  return deliver(sinkFor(`http://127.0.0.1:${server.port}`, options));
}

const text = (head: string, body = ''): string => `HTTP/1.1 ${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const say =
  (bytes: string): RawAnswer =>
  (socket) =>
    socket.write(bytes);
const failed = (reason: string, ambiguous: boolean) => ({ kind: 'failed', status: null, reason, ambiguous });
const uploaded = (status = 200) => ({ kind: 'uploaded', status });

describe('a request', () => {
  it('leaves no listener at a signal that serves many requests', async () => {
    const server = await serve(say(text('201 Created')));
    const token = Promise.resolve('t0ken');
    const tokens = { token: () => token, refresh: () => token };
    const sink = sinkFor(`http://127.0.0.1:${server.port}`, { tokens });
    const { signal } = new AbortController();
    await deliver(sink, signal);
    const added = vi.spyOn(signal, 'addEventListener');
    for (let request = 0; request < 3; request++) expect(await deliver(sink, signal)).toEqual(uploaded(201));
    expect(added).not.toHaveBeenCalled();
  });

  it('is ended by its signal, as is each other request that has the same one', async () => {
    const server = await serve(() => undefined);
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    const abort = new AbortController();
    const answers = [deliver(sink, abort.signal), deliver(sink, abort.signal)];
    await vi.waitFor(() => expect(server.requests).toHaveLength(2));
    abort.abort(new Error('too late'));
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ kind: 'failed', ambiguous: true });
  });

  it('is one POST with token, request id and JSON, below the base URL’s path', async () => {
    const server = await serve(say(text('200 OK')));
    expect(await deliver(sinkFor(`http://127.0.0.1:${server.port}/v1/`))).toEqual(uploaded());
    const [head = '', body] = (server.requests[0] ?? '').split('\r\n\r\n');
    expect(head).toMatch(/^POST \/v1\/ingest HTTP\/1\.1\r\n/);
    expect(head).toMatch(/^authorization: Bearer t0ken\r?$/im);
    expect(head).toMatch(/^content-type: application\/json\r?$/im);
    expect(head).toMatch(new RegExp(`^x-request-id: ${record.requestId}\\r?$`, 'im'));
    expect(Buffer.from(body ?? '', 'latin1').toString()).toBe('{"spot_id":"é 1"}');
  });

  it('names the request that it supersedes, and reports that the API has no entry of it', async () => {
    const server = await serve(say(text('412 Precondition Failed', 'no such entry')));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    const superseding = (...supersedes: (string | null)[]) =>
      sink.deliver({ ...record, supersedes }, new AbortController().signal);
    const refused = { kind: 'refused', status: 412, answer: 'no such entry' };
    expect(await superseding('an older one', null)).toEqual({ ...refused, lacksSuperseded: true });
    // A 412 to a request without the header is about something else.
    expect(await superseding(null)).toEqual(refused);
    expect(await deliver(sink)).toEqual(refused);
    const [first, ...others] = server.requests;
    expect(first).toMatch(/^x-supersedes-request-id: an older one\r?$/im);
    for (const other of others) expect(other).not.toMatch(/supersedes/i);
  });

  it('returns its connection to the pool', async () => {
    const server = await serve(say(text('201 Created', '{}')));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    for (let round = 0; round < 20; round++) expect(await deliver(sink)).toEqual(uploaded(201));
    expect(server.connections.made).toBeLessThanOrEqual(2);
  });

  it('never waits behind another on one connection, nor opens more connections than allowed', async () => {
    const held: Socket[] = [];
    const server = await serve((socket) => held.push(socket));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    const all = Promise.all(Array.from({ length: 7 }, () => deliver(sink)));
    for (let answered = 0; answered < 7; answered++) {
      await expect.poll(() => held.length, { interval: 5 }).toBeGreaterThan(0);
      // As many as there are connections, and not one more: the others wait for an answer.
      expect(server.requests.length).toBeLessThanOrEqual(answered + 2);
      held.shift()?.write(text('200 OK'));
    }
    expect(await all).toEqual(Array<unknown>(7).fill(uploaded()));
    expect(server.connections).toEqual({ made: 2, most: 2 });
  });
});

describe('an answer', () => {
  const answers: [string, unknown][] = [
    ['204 No Content', uploaded(204)],
    ['409 Conflict', { kind: 'refused', status: 409, answer: '' }],
    [
      '301 Moved\r\nlocation: http://127.0.0.1:1/',
      { kind: 'failed', status: 301, reason: 'http_301', ambiguous: false },
    ],
    ['408 Time-out', { kind: 'failed', status: 408, reason: 'http_408', ambiguous: true }],
    ['425 Too Early', { kind: 'failed', status: 425, reason: 'http_425', ambiguous: false }],
    ['503 Busy', { kind: 'failed', status: 503, reason: 'http_503', ambiguous: true }],
    ['429 Slow', { kind: 'throttled', status: 429, retryAfterMs: undefined }],
    ['429 Slow\r\nretry-after: 7', { kind: 'throttled', status: 429, retryAfterMs: 7_000 }],
    ['429 Slow\r\nretry-after: Mon, 23 Nov 2026 07:00:09 GMT', { kind: 'throttled', status: 429, retryAfterMs: 9_000 }],
    ['429 Slow\r\nretry-after: when we are back', { kind: 'throttled', status: 429, retryAfterMs: undefined }],
  ];
  it.each(answers)('%j', async (head, expected) => {
    expect(await answerTo(say(text(head)))).toEqual(expected);
  });

  it('that asks to wait for a year is not waited for so long', async () => {
    const answer = await answerTo(say(text('429 Slow\r\nretry-after: 31536000')));
    expect(answer).toMatchObject({ kind: 'throttled', status: 429 });
    expect((answer as { retryAfterMs: number }).retryAfterMs).toBeLessThan(24 * 60 * 60 * 1000);
  });

  it('that is neither JSON nor text is described on one short line', async () => {
    const body = `\x00\x1b[31m<html>\r\n${'x'.repeat(5_000)}`;
    const answer = await answerTo(say(text('422 No', body)));
    expect(answer).toMatchObject({ kind: 'refused', status: 422 });
    const told = (answer as { answer: string }).answer;
    expect(told).toMatch(/^\[31m<html> x+$/);
    expect(told.length).toBeLessThanOrEqual(200);
  });

  it.each([
    ['turns the writing round', 'no \u202egpj.exe\u2069', 'no  gpj.exe'],
    ['is cut within a character', `${'x'.repeat(199)}\ud83d\ude00`, `${'x'.repeat(199)}\ufffd`],
    ['is no UTF-8', '\xff\xfe', '\ufffd\ufffd'],
  ])('that %s is shown as plain text', async (_, body, told) => {
    const bytes = Buffer.from(body, body === '\xff\xfe' ? 'latin1' : 'utf8');
    const head = `HTTP/1.1 422 No\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    const answer = await answerTo((socket) => socket.write(Buffer.concat([Buffer.from(head), bytes])));
    expect(answer).toEqual({ kind: 'refused', status: 422, answer: told });
  });

  it('without a length ends with its connection, and the next record gets another one', async () => {
    const server = await serve((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\ndone'));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    expect(await deliver(sink)).toEqual(uploaded());
    expect(await deliver(sink)).toEqual(uploaded());
    expect(server.connections.made).toBe(2);
  });

  it.each([200, 422])('of a gigabyte (%i) is not read to its end', async (status) => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const answer = await answerTo((socket) => {
      socket.write(`HTTP/1.1 ${status} Long\r\ntransfer-encoding: chunked\r\n\r\n`);
      const more = (): void => {
        while (sent < 2 ** 30 && !socket.destroyed) {
          sent += chunk.length;
          socket.write('10000\r\n');
          socket.write(chunk);
          if (!socket.write('\r\n')) return void socket.once('drain', more);
        }
      };
      more();
    });
    expect(answer).toMatchObject({ status });
    // The rest is what the sockets' buffers take.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it.each([200, 422])('that sends bytes slowly without end (%i) counts by its status', async (status) => {
    let timer: NodeJS.Timeout | undefined;
    const answer = await answerTo((socket) => {
      socket.write(`HTTP/1.1 ${status} Slow\r\ntransfer-encoding: chunked\r\n\r\n`);
      timer = setInterval(() => socket.write('1\r\nx\r\n'), 50);
    });
    clearInterval(timer);
    expect(answer).toMatchObject({ status });
  });

  it('that breaks off in its body counts by its status', async () => {
    const cutOff: RawAnswer = (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id"');
    expect(await answerTo(cutOff)).toEqual(uploaded());
  });

  it('is accepted after an early hint', async () => {
    expect(await answerTo(say(`HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n${text('200 OK')}`))).toEqual(uploaded());
  });

  it('without a request is ignored: it does not answer the next record', async () => {
    const server = await serve((socket, _, number) => {
      socket.write(number === 1 ? text('200 OK') + text('200 OK') : text('503 Busy'));
    });
    const sink = sinkFor(`http://127.0.0.1:${server.port}`, { connections: 1 });
    expect(await deliver(sink)).toEqual(uploaded());
    expect(await deliver(sink)).toMatchObject({ kind: 'failed', status: 503 });
  });
});

describe('a request without an answer', () => {
  const nothing: RawAnswer = () => undefined;
  const cases: [string, RawAnswer, unknown][] = [
    ['is closed on', (socket) => socket.end(), failed('other_side_closed', true)],
    ['is reset', (socket) => socket.resetAndDestroy(), failed('econnreset', true)],
    ['gets no headers in time', nothing, failed('headers_timeout', true)],
    ['gets something else than HTTP', say('SSH-2.0-OpenSSH_9.6\r\n'), failed('malformed_answer', true)],
    [
      'gets two lengths',
      say('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'),
      failed('malformed_answer', true),
    ],
    [
      'is asked to change protocols',
      say('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      failed('malformed_answer', true),
    ],
    [
      'gets a header of 100 KB',
      say(text(`200 OK\r\nx-long: ${'x'.repeat(100_000)}`)),
      failed('headers_too_large', true),
    ],
  ];
  it.each(cases)('because it %s gives the reason, and that the record may be stored', async (_, answer, expected) => {
    expect(await answerTo(answer)).toEqual(expected);
  });

  it('whose headers arrive slowly without end is still timed out', async () => {
    let timer: NodeJS.Timeout | undefined;
    const answer = await answerTo((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      timer = setInterval(() => socket.write('x'), 50);
    });
    clearInterval(timer);
    expect(answer).toEqual(failed('headers_timeout', true));
  });

  it('but with early hints without end is over when the caller’s time is up', async () => {
    let timer: NodeJS.Timeout | undefined;
    const server = await serve((socket) => {
      timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 20);
    });
    const answer = await deliver(sinkFor(`http://127.0.0.1:${server.port}`), AbortSignal.timeout(400));
    clearInterval(timer);
    expect(answer).toEqual(failed('timed_out', true));
  });

  it('leaves the sink usable: the next request succeeds', async () => {
    const server = await serve((socket, _, number) => {
      if (number === 1) socket.resetAndDestroy();
      else socket.write(text('200 OK'));
    });
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    expect(await deliver(sink)).toEqual(failed('econnreset', true));
    expect(await deliver(sink)).toEqual(uploaded());
  });
});

describe('without a connection, the record was not sent', () => {
  it('because nothing listens', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    expect(await deliver(sinkFor(`http://127.0.0.1:${server.port}`))).toEqual(failed('econnrefused', false));
  });

  it('because the name does not resolve', async () => {
    const answer = await deliver(sinkFor('https://avstar.invalid'));
    expect(answer).toMatchObject({ kind: 'failed', status: null, ambiguous: false });
    expect((answer as { reason: string }).reason).toMatch(/^(enotfound|eai_again)$/);
  });

  it('because the server does not speak TLS', async () => {
    const server = await serve(say('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const plain = await deliver(
      sinkFor(`https://127.0.0.1:${server.port}`, { limits: { ...limits, connectMs: 1_000 } }),
    );
    expect(plain).toEqual(failed('connect_timeout', false));
  });
});

describe('a certificate', () => {
  const issuer = createIssuer('test root');
  const good = createCertificate('127.0.0.1', issuer);
  const url = async (certificate: Certificate) =>
    `https://127.0.0.1:${(await serve(say(text('200 OK')), certificate)).port}`;

  it('of a known issuer is accepted', async () => {
    expect(await deliver(sinkFor(await url(good), { caCertificates: issuer.cert }))).toEqual(uploaded());
  });

  const refused: [string, Certificate, string | undefined, string][] = [
    ['signed by itself', createCertificate('127.0.0.1'), undefined, 'tls_self_signed'],
    ['of an unknown issuer', good, undefined, 'tls_unknown_issuer'],
    ['that has expired', createCertificate('127.0.0.1', issuer, true), issuer.cert, 'tls_cert_expired'],
    ['of another server', createCertificate('avstar.example', issuer), issuer.cert, 'tls_wrong_name'],
  ];
  it.each(refused)('%s is refused before anything is sent', async (_, certificate, caCertificates, reason) => {
    const answer = await deliver(sinkFor(await url(certificate), { caCertificates }));
    expect(answer).toEqual(failed(reason, false));
  });

  it('is checked although the environment disables the check', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await deliver(sinkFor(await url(good)))).toEqual(failed('tls_unknown_issuer', false));
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });
});

describe('through a proxy', () => {
  const issuer = createIssuer('test root');
  /** Does what CONNECT asks for. */
  const tunnel: RawAnswer = (socket, request) => {
    const [, host = '', port = ''] = /^CONNECT ([^:\s]+):(\d+) /.exec(request) ?? [];
    socket.removeAllListeners('data');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('close', () => target.destroy());
  };

  it.each(['http', 'https'])(
    '(%s) the API is reached over TLS, on no more connections than allowed',
    async (scheme) => {
      const api = await serve(say(text('200 OK')), createCertificate('127.0.0.1', issuer));
      const proxy = await serve(tunnel, scheme === 'https' ? createCertificate('127.0.0.1', issuer) : undefined);
      const proxyUrl = `${scheme}://127.0.0.1:${proxy.port}`;
      const sink = sinkFor(`https://127.0.0.1:${api.port}`, { proxyUrl, caCertificates: issuer.cert });
      const answers = await Promise.all(Array.from({ length: 6 }, () => deliver(sink)));
      expect(answers).toEqual(Array<unknown>(6).fill(uploaded()));
      expect(api.connections).toEqual({ made: 2, most: 2 });
      expect(proxy.connections.made).toBe(2);
      // The proxy has seen where to, and neither token nor record.
      expect(proxy.requests.every((request) => request.startsWith(`CONNECT 127.0.0.1:${api.port} `))).toBe(true);
      expect(proxy.requests.join('')).not.toMatch(/authorization|spot_id/i);
    },
  );

  it('an API with a certificate of an unknown issuer is refused', async () => {
    const api = await serve(say(text('200 OK')), createCertificate('127.0.0.1'));
    const proxy = await serve(tunnel);
    const sink = sinkFor(`https://127.0.0.1:${api.port}`, { proxyUrl: `http://127.0.0.1:${proxy.port}` });
    expect(await deliver(sink)).toEqual(failed('tls_self_signed', false));
  });

  const refusals: [string, RawAnswer, string][] = [
    ['refuses', say(text('407 Proxy Authentication Required')), 'proxy_refused_407'],
    ['hangs up', (socket) => socket.end(), 'other_side_closed'],
    ['says nothing', () => undefined, 'headers_timeout'],
  ];
  it.each(refusals)('that %s nothing is sent', async (_, answer, reason) => {
    const proxy = await serve(answer);
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    const sink = sinkFor('https://avstar.invalid', { proxyUrl, limits: { ...limits, connectMs: 1_000 } });
    expect(await deliver(sink)).toEqual(failed(reason, false));
    expect(proxy.requests).toHaveLength(1);
  });

  it('of another server’s certificate nothing is sent', async () => {
    const proxy = await serve(tunnel, createCertificate('proxy.example', issuer));
    const sink = sinkFor('https://avstar.invalid', {
      proxyUrl: `https://127.0.0.1:${proxy.port}`,
      caCertificates: issuer.cert,
    });
    expect(await deliver(sink)).toEqual(failed('tls_wrong_name', false));
  });
});

describe('a token', () => {
  /** Secrets Manager, with this secret in it. */
  const secret = (value: string | undefined) =>
    new SecretToken({ send: () => Promise.resolve({ SecretString: value }) } as unknown as SecretsManagerClient, 'arn');

  it.each(['t0ken\n', ' t0ken\r\n', '\ufefft0ken', '\tt0ken '])(
    'pasted as %j is sent without surrounding characters',
    async (value) => {
      const server = await serve(say(text('200 OK')));
      await deliver(sinkFor(`http://127.0.0.1:${server.port}`, { tokens: secret(value) }));
      expect(server.requests[0]).toMatch(/^authorization: Bearer t0ken\r$/im);
    },
  );

  it.each([
    ['a\r\nx-admin: 1', 'it has a line break inside'],
    ['a b', 'it has a space inside'],
    ['Bearer t0ken', "it begins with 'Bearer'"],
    ['a\u0000b', 'it has a control character inside'],
    ['tökén', 'it has a character that no HTTP header can carry'],
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    [undefined, 'it holds no text'],
    ['{"token":"t0ken"}', 'it is JSON or in quotation marks'],
    ['"t0ken"', 'it is JSON or in quotation marks'],
  ])('such as %j is not sent, the records wait, and the reason is named', async (value, why) => {
    const server = await serve(say(text('200 OK')));
    const answer = await deliver(sinkFor(`http://127.0.0.1:${server.port}`, { tokens: secret(value) }));
    expect(answer).toMatchObject({ kind: 'no-token', status: null });
    expect(answer).toMatchObject({
      answer: expect.stringContaining(`the secret arn cannot be used: ${why}`) as string,
    });
    expect(JSON.stringify(answer)).not.toMatch(/t0ken|x-admin/);
    expect(server.requests).toEqual([]);
  });

  it('that cannot be read is read again for the next record', async () => {
    let reads = 0;
    const send = () =>
      ++reads === 1 ? Promise.reject(new Error('throttled')) : Promise.resolve({ SecretString: 'a' });
    const tokens = new SecretToken({ send } as unknown as SecretsManagerClient, 'arn');
    const server = await serve(say(text('200 OK')));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`, { tokens });
    expect(await deliver(sink)).toMatchObject({
      kind: 'no-token',
      answer: 'the secret arn cannot be used: it cannot be read (Error)',
    });
    expect(await deliver(sink)).toEqual(uploaded());
    expect(await deliver(sink)).toEqual(uploaded());
    expect(reads).toBe(2);
  });
});

describe('the meaning of an answer', () => {
  it('is decided by the feed’s declaration', async () => {
    const answers = {
      success: { statuses: [202], field: { pointer: '/ok', is: [true] } },
      seenBefore: [{ text: 'known' }],
    };
    expect(await answerTo(say(text('202 Accepted', '{"ok":true}')), { answers })).toEqual(uploaded(202));
    expect(await answerTo(say(text('202 Accepted', '{"ok":false}')), { answers })).toEqual({
      kind: 'failed',
      status: 202,
      reason: 'unexpected_body',
      ambiguous: true,
      answer: '{"ok":false}',
    });
    expect(await answerTo(say(text('409 Conflict', 'known')), { answers })).toEqual({
      kind: 'duplicate',
      status: 409,
      answer: 'known',
    });
  });

  const required = { answers: { success: { field: { pointer: '/ok', is: [true] } } } };
  const page = '<html><body>Wi-Fi sign-in</body></html>';
  const html = (head: string) => `${head}\r\ncontent-type: text/html; charset=utf-8`;
  const gzipped = (type: string, body: string): RawAnswer => {
    const bytes = gzipSync(body);
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    return (socket) => socket.write(Buffer.concat([Buffer.from(head), bytes]));
  };
  const inPieces = (bytes: Buffer): RawAnswer =>
    async function (socket) {
      for (const byte of bytes) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    };
  const cases: [string, RawAnswer, unknown, Partial<HttpSinkOptions>?][] = [
    ['a page with 200', say(text(html('200 OK'), page)), failedWith(200, 'unexpected_content_type')],
    ['a page without a type', say(text('200 OK', page)), failedWith(200, 'unexpected_content_type')],
    ['a gzipped page without being asked', gzipped('text/plain', page), failedWith(200, 'unexpected_content_type')],
    ['a gzipped body', gzipped('application/json', '{"ok":true}'), uploaded(), required],
    [
      'a body in an unknown coding',
      say(text('200 OK\r\ncontent-encoding: zstd', 'x')),
      failedWith(200, 'unexpected_body'),
      required,
    ],
    ['a body that comes byte by byte', inPieces(Buffer.from(text('200 OK', '{"ok":true}'))), uploaded(), required],
    [
      'a body in chunks, with a byte order mark',
      say(
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\xef\xbb\xbf{\r\n9\r\n"ok":true\r\n1\r\n}\r\n0\r\n\r\n',
      ),
      uploaded(),
      required,
    ],
    [
      'a body in another character set',
      say(text('200 OK\r\ncontent-type: application/json;charset=latin1', '{"ok":true,"n":"\xe9"}')),
      uploaded(),
      required,
    ],
    ['no body where a field is required', say(text('200 OK')), failedWith(200, 'unexpected_body'), required],
    ['204 where a field is required', say('HTTP/1.1 204 No\r\n\r\n'), failedWith(204, 'unexpected_body'), required],
    [
      'a body that breaks off where a field is required',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"ok":true}'),
      failedWith(200, 'unexpected_body'),
      required,
    ],
    [
      'a body past what is read of it',
      say(text('200 OK', `{"ok":true,"x":"${'x'.repeat(100_000)}"}`)),
      failedWith(200, 'unexpected_body'),
      required,
    ],
    ['hints before a 202', say(`HTTP/1.1 103 Early Hints\r\n\r\n${text('202 Accepted')}`), failedWith(202, 'http_202')],
    [
      'an answer before the request is read',
      (socket) => socket.write(text('207 Multi-Status', '[]')),
      failedWith(207, 'http_207'),
    ],
  ];
  it.each(cases)('%s', async (_, answer, expected, options = {}) => {
    const bytes: RawAnswer = (socket, ...rest) => {
      // What is written as text here is bytes.
      socket.setDefaultEncoding('latin1');
      answer(socket, ...rest);
    };
    expect(await answerTo(bytes, options)).toMatchObject(expected as object);
  });

  function failedWith(status: number, reason: string) {
    return { kind: 'failed', status, reason, ambiguous: true };
  }
});

describe('an answer with Retry-After', () => {
  const later = 'retry-after: Mon, 23 Nov 2026 09:10:05 GMT\r\ndate: Mon, 23 Nov 2026 09:10:00 GMT';
  it.each([
    [`503 Busy\r\nretry-after: 600`, { kind: 'failed', status: 503, ambiguous: true, retryAfterMs: 600_000 }],
    [`503 Busy\r\n${later}`, { kind: 'failed', status: 503, ambiguous: true, retryAfterMs: 5_000 }],
    [`429 Slow\r\n${later}`, { kind: 'throttled', status: 429, retryAfterMs: 5_000 }],
    ['413 Large\r\nretry-after: 3', { kind: 'failed', status: 413, ambiguous: true, retryAfterMs: 3_000 }],
    ['408 Time-out\r\nretry-after: 3', { kind: 'failed', status: 408, ambiguous: true, retryAfterMs: 3_000 }],
    ['425 Too Early\r\nretry-after: 3', { kind: 'failed', status: 425, ambiguous: true, retryAfterMs: 3_000 }],
    ['421 Misdirected', { kind: 'failed', status: 421, reason: 'http_421', ambiguous: false }],
    ['423 Locked', { kind: 'failed', status: 423, reason: 'http_423', ambiguous: false }],
    ['503 Busy\r\nretry-after: 31536000', { kind: 'failed', status: 503, retryAfterMs: maxRetryAfterMs }],
    [
      '503 Busy\r\nretry-after: Mon, 23 Nov 2026 07:00:09 GMT\r\ndate: no date',
      { kind: 'failed', status: 503, retryAfterMs: 9_000 },
    ],
  ])('%j', async (head, expected) => {
    expect(await answerTo(say(text(head)))).toMatchObject(expected);
  });

  it('is interpreted in the same way if a 409 says that the request is in progress', async () => {
    const answer = await answerTo(say(text('409 Conflict\r\nretry-after: 4', '{"error":"request in progress"}')));
    expect(answer).toMatchObject({ kind: 'in-progress', status: 409, retryAfterMs: 4_000 });
  });
});

describe('a secret', () => {
  const token = 'sk-live-0123456789abcdef';
  const tokens = { token: () => Promise.resolve(token), refresh: () => Promise.resolve(token) };
  const statuses = ['200', '202', '401', '403', '409', '413', '422', '429', '500', '503'];
  it.each(statuses)('that an answer of %s echoes is removed, wherever the answer is truncated', async (status) => {
    const server = await serve((socket, request) => {
      const echo = JSON.stringify({ error: 'no', request: request.replace(/\r\n\r\n[^]*/, ''), again: token });
      socket.write(text(`${status} Echo\r\ncontent-type: text/html`, echo));
    });
    const answer = await deliver(sinkFor(`http://127.0.0.1:${server.port}`, { tokens }));
    expect(server.requests[0]).toContain(token);
    for (let at = 0; at + 8 <= token.length; at++)
      expect(JSON.stringify(answer)).not.toContain(token.slice(at, at + 8));
  });

  it('is removed even if the text is truncated within it', async () => {
    for (let before = 165; before <= 200; before++) {
      const body = `${'x'.repeat(before)} ${Buffer.from(`u:${token}`).toString('base64')}`;
      const answer = await answerTo(say(text('422 No', body)), { tokens });
      // The remaining characters encode bits that Base64 shares with the text before it.
      expect((answer as { answer: string }).answer).toMatch(/^x+ ?.{0,4}(?:\[.*)?$/);
    }
  });
});

describe('a connection', () => {
  const sinkOn = (server: RawServer, options: Partial<HttpSinkOptions> = {}) =>
    sinkFor(`http://127.0.0.1:${server.port}`, options);

  it.each([500, 502, 503, 408, 421, 401])('is closed after a %i: the next request gets another one', async (status) => {
    const server = await serve((socket, _, number) =>
      socket.write(number === 1 ? text(`${status} No`, 'why') : text('200 OK')),
    );
    const sink = sinkOn(server, { connections: 1 });
    await deliver(sink);
    expect(await deliver(sink)).toEqual(uploaded());
    expect(server.connections).toEqual({ made: 2, most: 1 });
  });

  it.each([403, 404, 409, 422, 429])('is kept after a %i', async (status) => {
    const server = await serve(say(text(`${status} No`, 'why')));
    const sink = sinkOn(server, { connections: 1 });
    for (let round = 0; round < 5; round++) await deliver(sink);
    expect(server.connections.made).toBe(1);
  });

  it('to a failing machine behind a load balancer does not get all requests', async () => {
    // Each connection leads to the next of three machines; the third fails at once.
    const machines = new Map<Socket, number>();
    const server = await serve((socket) => {
      if (!machines.has(socket)) machines.set(socket, machines.size % 3);
      socket.write(machines.get(socket) === 2 ? text('500 Bad') : text('200 OK'));
    });
    const sink = sinkOn(server, { connections: 3 });
    const answers: SinkAnswer[] = [];
    for (let round = 0; round < 30; round++) {
      answers.push(...(await Promise.all([deliver(sink), deliver(sink), deliver(sink)])));
    }
    const failures = answers.filter(({ kind }) => kind === 'failed').length;
    expect(failures).toBeGreaterThan(0);
    expect(failures).toBeLessThan(answers.length / 3);
  });

  it('whose answer was aborted here is replaced only when the other side can have closed it', async () => {
    // It hears a little late of what comes, as a busy server does.
    const server = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n');
      socket.pause();
      setTimeout(() => socket.resume(), 100);
    });
    const sink = sinkOn(server, { connections: 1 });
    for (let round = 0; round < 3; round++) await deliver(sink);
    expect(server.connections).toEqual({ made: 3, most: 1 });
  });

  it('is not used again at its maximum age', async () => {
    let now = nowMs;
    const server = await serve(say(text('200 OK')));
    const sink = sinkOn(server, { connections: 1, clock: { now: () => now } });
    // It is never idle for long.
    for (let second = 0; second < 90; second++) {
      expect(await deliver(sink)).toEqual(uploaded());
      now += 1_000;
    }
    expect(server.connections).toEqual({ made: 3, most: 1 });
  });

  it('that a frozen environment left open is not used', async () => {
    let now = nowMs;
    const server = await serve(say(text('200 OK')));
    const sink = sinkOn(server, { connections: 1, clock: { now: () => now } });
    await deliver(sink);
    now += 10 * 60_000;
    expect(await deliver(sink)).toEqual(uploaded());
    expect(server.connections.made).toBe(2);
  });

  it('that was closed while idle is reported as such, and those that idled with it are not tried', async () => {
    const served = new Set<Socket>();
    const server = await serve((socket) => {
      if (served.has(socket)) return void socket.resetAndDestroy();
      served.add(socket);
      socket.write(text('200 OK'));
    });
    const sink = sinkOn(server, { connections: 4 });
    await Promise.all(Array.from({ length: 4 }, () => deliver(sink)));
    expect(await deliver(sink)).toEqual({ ...failed('econnreset', true), isStale: true });
    expect(await deliver(sink)).toEqual(uploaded());
    expect(server.connections.made).toBe(5);
  });

  it('that is lost with its first request is not reported as closed while idle', async () => {
    const server = await serve((socket) => socket.resetAndDestroy());
    expect(await deliver(sinkOn(server))).not.toHaveProperty('isStale');
  });

  it('is kept for 30 s at most, whatever the server offers', async () => {
    const closed = vi.fn();
    const server = await serve((socket) => {
      socket.once('close', closed);
      socket.write(text('200 OK\r\nkeep-alive: timeout=600'));
    });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    try {
      await deliver(sinkOn(server));
      expect(Math.max(...timers.mock.calls.map(([, ms]) => ms ?? 0))).toBeLessThanOrEqual(30_000);
    } finally {
      timers.mockRestore();
    }
  });

  it('is not waited for longer than the request’s time', async () => {
    const server = await serve(() => undefined);
    const sink = sinkOn(server, { connections: 1 });
    const first = deliver(sink);
    expect(await deliver(sink, AbortSignal.timeout(50))).toEqual(failed('timed_out', false));
    await first;
  });
});

describe('a name with several addresses', () => {
  /** What the resolver says of the name. */
  const resolveTo = (...addresses: string[]) => {
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const lookup = vi.spyOn(dns, 'lookup');
    lookup.mockImplementation(((_: string, __: unknown, done: (error: null, found: typeof all) => void) =>
      done(null, all)) as unknown as typeof dns.lookup);
    endings.push(() => Promise.resolve(lookup.mockRestore()));
    return (next: string[]) => void all.splice(0, all.length, ...next.map((address) => ({ address, family: 4 })));
  };
  const issuer = createIssuer('test root');
  const certificate = createCertificate('api.test', issuer);

  it('is reached on the second address if the first refuses', async () => {
    resolveTo('127.0.0.9', '127.0.0.1');
    const server = await serve(say(text('200 OK')));
    expect(await deliver(sinkFor(`http://api.test:${server.port}`))).toEqual(uploaded());
  });

  it('is reached on the second address if the first accepts and stays silent', async () => {
    const api = await serve(say(text('200 OK')), certificate);
    // TCP alone, on another address of the same port.
    await serve(() => undefined, undefined, { host: '127.0.0.2', port: api.port });
    resolveTo('127.0.0.2', '127.0.0.1');
    const sink = sinkFor(`https://api.test:${api.port}`, {
      caCertificates: issuer.cert,
      connections: 1,
      limits: { ...limits, connectMs: 2_000 },
    });
    expect(await deliver(sink)).toEqual(uploaded());
  });

  it('is tried on another address after one did not answer', async () => {
    const api = await serve(say(text('200 OK')));
    await serve(() => undefined, undefined, { host: '127.0.0.2', port: api.port });
    resolveTo('127.0.0.2', '127.0.0.1');
    const sink = sinkFor(`http://api.test:${api.port}`, { connections: 1, limits: { ...limits, headersMs: 1_000 } });
    expect(await deliver(sink)).toEqual(failed('headers_timeout', true));
    expect(await deliver(sink)).toEqual(uploaded());
  });

  it('allows for a slow handshake', async () => {
    const api = await serve(say(text('200 OK')));
    resolveTo('127.0.0.1', '127.0.0.1');
    // A connect that takes longer than the 250 ms that Node grants.
    const connectWithin: ConnectWithin = () => (target, callback) => {
      const socket = connect(Number(target.port), target.hostname);
      setTimeout(() => callback(null, socket), 400);
    };
    const socket = await new Promise<Socket>((resolve, reject) => {
      connectToAny(
        connectWithin,
        3_000,
        new AvoidedAddresses(),
      )({ hostname: 'api.test', protocol: 'http:', port: String(api.port) }, (error, connected) =>
        connected ? resolve(connected) : reject(error ?? new Error('none')),
      );
    });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  it('is resolved again and reaches its new address', async () => {
    let now = nowMs;
    const old = await serve(say(text('200 OK')));
    await serve(say(text('201 New')), undefined, { host: '127.0.0.3', port: old.port });
    const change = resolveTo('127.0.0.1');
    const sink = sinkFor(`http://api.test:${old.port}`, { connections: 1, clock: { now: () => now } });
    expect(await deliver(sink)).toEqual(uploaded());
    change(['127.0.0.3']);
    now += 31_000;
    expect(await deliver(sink)).toEqual(uploaded(201));
  });
});

describe('TLS', () => {
  it('offers no session: a server that can’t resume one is still reached', async () => {
    const issuer = createIssuer('test root');
    const reused: boolean[] = [];
    const server = await serve(
      (socket) => {
        if (socket instanceof TLSSocket) reused.push(socket.isSessionReused());
        socket.end(text('200 OK\r\nconnection: close'));
      },
      createCertificate('127.0.0.1', issuer),
    );
    const sink = sinkFor(`https://127.0.0.1:${server.port}`, { caCertificates: issuer.cert, connections: 1 });
    for (let round = 0; round < 3; round++) expect(await deliver(sink)).toEqual(uploaded());
    expect(reused).toEqual([false, false, false]);
  });
});

describe('reading the token', () => {
  const never = new Promise<never>(() => undefined);
  it('takes no longer than the request may', async () => {
    const server = await serve(say(text('200 OK')));
    const tokens = { token: () => never, refresh: () => never };
    const answer = await deliver(sinkFor(`http://127.0.0.1:${server.port}`, { tokens }), AbortSignal.timeout(50));
    expect(answer).toMatchObject({ kind: 'no-token', answer: 'the secret with the token was not read in time' });
    expect(server.requests).toEqual([]);
  });

  it('times out on its own, and starts again', async () => {
    let reads = 0;
    const send = () => (++reads === 1 ? never : Promise.resolve({ SecretString: 'a' }));
    const tokens = new SecretToken({ send } as unknown as SecretsManagerClient, 'arn', 50);
    await expect(tokens.token()).rejects.toThrow();
    expect(await tokens.token()).toBe('a');
  });
});
