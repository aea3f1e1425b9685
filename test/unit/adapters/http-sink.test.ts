import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpSink } from '../../../lambdas/adapters/http-sink.ts';
import type { HttpSinkOptions } from '../../../lambdas/adapters/http-sink.ts';
import { SecretToken } from '../../../lambdas/adapters/secret-token.ts';
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

async function serve(answer: RawAnswer, certificate?: Certificate): Promise<RawServer> {
  const server = await startRawServer(answer, certificate);
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

  it('leaves its connection to those after it', async () => {
    const server = await serve(say(text('201 Created', '{}')));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    for (let round = 0; round < 20; round++) expect(await deliver(sink)).toEqual(uploaded(201));
    expect(server.connections.made).toBeLessThanOrEqual(2);
  });

  it('never stands behind another on one connection, nor opens one more than allowed', async () => {
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

  it('that asks for a year is not waited for so long', async () => {
    const answer = await answerTo(say(text('429 Slow\r\nretry-after: 31536000')));
    expect(answer).toMatchObject({ kind: 'throttled', status: 429 });
    expect((answer as { retryAfterMs: number }).retryAfterMs).toBeLessThan(24 * 60 * 60 * 1000);
  });

  it('that is no JSON and no text is told on one short line', async () => {
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
  ])('that %s is told as plain text', async (_, body, told) => {
    const bytes = Buffer.from(body, body === '\xff\xfe' ? 'latin1' : 'utf8');
    const head = `HTTP/1.1 422 No\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    const answer = await answerTo((socket) => socket.write(Buffer.concat([Buffer.from(head), bytes])));
    expect(answer).toEqual({ kind: 'refused', status: 422, answer: told });
  });

  it('without a length ends with its connection, and the next record gets another', async () => {
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

  it.each([200, 422])('that drips without end (%i) counts by its status', async (status) => {
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

  it('with an early hint before it is taken', async () => {
    expect(await answerTo(say(`HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n${text('200 OK')}`))).toEqual(uploaded());
  });

  it('too many is nobody’s: the next record is not taken for answered by it', async () => {
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
  it.each(cases)('because it %s says why, and that the record may be there', async (_, answer, expected) => {
    expect(await answerTo(answer)).toEqual(expected);
  });

  it('whose headers drip ends in time all the same', async () => {
    let timer: NodeJS.Timeout | undefined;
    const answer = await answerTo((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      timer = setInterval(() => socket.write('x'), 50);
    });
    clearInterval(timer);
    expect(answer).toEqual(failed('headers_timeout', true));
  });

  it('but with early hints without end, is over when the caller says so', async () => {
    let timer: NodeJS.Timeout | undefined;
    const server = await serve((socket) => {
      timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 20);
    });
    const answer = await deliver(sinkFor(`http://127.0.0.1:${server.port}`), AbortSignal.timeout(400));
    clearInterval(timer);
    expect(answer).toEqual(failed('timed_out', true));
  });

  it('leaves the sink as it was: the next one goes through', async () => {
    const server = await serve((socket, _, number) => {
      if (number === 1) socket.resetAndDestroy();
      else socket.write(text('200 OK'));
    });
    const sink = sinkFor(`http://127.0.0.1:${server.port}`);
    expect(await deliver(sink)).toEqual(failed('econnreset', true));
    expect(await deliver(sink)).toEqual(uploaded());
  });
});

describe('where no connection comes about, the record was not sent', () => {
  it('because nobody listens', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    expect(await deliver(sinkFor(`http://127.0.0.1:${server.port}`))).toEqual(failed('econnrefused', false));
  });

  it('because the name is nobody’s', async () => {
    const answer = await deliver(sinkFor('https://avstar.invalid'));
    expect(answer).toMatchObject({ kind: 'failed', status: null, ambiguous: false });
    expect((answer as { reason: string }).reason).toMatch(/^(enotfound|eai_again)$/);
  });

  it('because TLS is not spoken there', async () => {
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

  it('is looked at though the environment says not to', async () => {
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

  it('an API of an unknown issuer is refused', async () => {
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
    'pasted as %j is sent without what is around it',
    async (value) => {
      const server = await serve(say(text('200 OK')));
      await deliver(sinkFor(`http://127.0.0.1:${server.port}`, { tokens: secret(value) }));
      expect(server.requests[0]).toMatch(/^authorization: Bearer t0ken\r$/im);
    },
  );

  it.each([
    'a\r\nx-admin: 1',
    'a b',
    'Bearer t0ken',
    'a\u0000b',
    'tökén',
    '',
    undefined,
    '{"token":"t0ken"}',
    '"t0ken"',
  ])('such as %j is not sent, and the records wait', async (value) => {
    const server = await serve(say(text('200 OK')));
    const answer = await deliver(sinkFor(`http://127.0.0.1:${server.port}`, { tokens: secret(value) }));
    expect(answer).toMatchObject({ kind: 'unauthorised', status: 0 });
    expect(JSON.stringify(answer)).not.toMatch(/t0ken|x-admin/);
    expect(server.requests).toEqual([]);
  });

  it('that cannot be read is asked for again with the next record', async () => {
    let reads = 0;
    const send = () =>
      ++reads === 1 ? Promise.reject(new Error('throttled')) : Promise.resolve({ SecretString: 'a' });
    const tokens = new SecretToken({ send } as unknown as SecretsManagerClient, 'arn');
    const server = await serve(say(text('200 OK')));
    const sink = sinkFor(`http://127.0.0.1:${server.port}`, { tokens });
    expect(await deliver(sink)).toMatchObject({ kind: 'unauthorised' });
    expect(await deliver(sink)).toEqual(uploaded());
    expect(await deliver(sink)).toEqual(uploaded());
    expect(reads).toBe(2);
  });
});
