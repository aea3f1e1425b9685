import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { AnswerDeclaration } from '../../feeds/feed.ts';
import { UnusableSecretError } from '../core/errors.ts';
import { meaningOf } from '../core/answers/answer-meaning.ts';
import { plainText } from '../core/plain-text.ts';
import { redactSecrets } from '../core/answers/redact-secrets.ts';
import { parseRetryAfter } from '../core/limiter/retry.ts';
import type { Clock, Sink, SinkAnswer, SinkRequest, TokenSource } from '../ports.ts';
import type { Connection, HttpConnectionOptions, HttpTimeLimits } from './http-connections.ts';
import { HttpConnections } from './http-connections.ts';
import { failureOf } from './http-failure.ts';
import type { AnswerLimits, HttpAnswer, HttpPost } from './post-over-http.ts';
import { postOverHttp } from './post-over-http.ts';
import { untilAborted } from './until-aborted.ts';

export interface HttpSinkOptions extends Pick<HttpConnectionOptions, 'connections' | 'proxyUrl' | 'caCertificates'> {
  /** The API's base URL, and the path for records. */
  baseUrl: string;
  path: string;
  /** What its answers mean, if they differ from the usual. */
  answers?: AnswerDeclaration | undefined;
  tokens: TokenSource;
  clock: Pick<Clock, 'now'>;
  /** Overrides the usual limits. */
  limits?: HttpTimeLimits;
}

/** Their sum is below the caller's limit per request, so that a slow request ends with a specific reason. */
const usualLimits: HttpTimeLimits = { connectMs: 5_000, headersMs: 15_000, bodyMs: 5_000 };

/** The most of an answer that is read; at most `maxAnswerCharacters` of it are kept. */
const maxBodyBytes = 64 * 1024;
const maxAnswerCharacters = 200;

/** How much of the text is searched for secrets: far more than is kept, whatever is removed. */
const maxRedactedCharacters = 8 * 1024;

/** The API replaces the entry of the request id in this header, atomically. */
const supersedesHeader = 'x-supersedes-request-id';

/** It has no such entry (RFC 9110: a precondition in a header field is false). No gateway answers this of its own accord. */
const unknownSupersededStatus = 412;

/** Another machine behind the same load balancer may work: the next request uses another connection. */
const isMachineTrouble = (status: number): boolean =>
  status >= 500 || status === 401 || status === 408 || status === 421;

/** One POST per record: Bearer token, `X-Request-ID`, JSON. Created once per process, since it holds the connections. */
export class HttpSink implements Sink {
  readonly #connections: HttpConnections;
  readonly #origin: string;
  readonly #path: string;
  readonly #limits: AnswerLimits;
  readonly #options: HttpSinkOptions;
  /** The token that was read last, and the source's promise of it: the same one as long as it is the same token. */
  #token: { promise: Promise<string>; value: string; authorization: string } | undefined;

  constructor(options: HttpSinkOptions) {
    this.#options = options;
    const base = new URL(options.baseUrl);
    this.#origin = base.origin;
    this.#path = `${base.pathname.replace(/\/$/, '')}${options.path}`;
    const limits = options.limits ?? usualLimits;
    this.#limits = { bodyMs: limits.bodyMs, maxBodyBytes };
    this.#connections = new HttpConnections({ ...options, origin: base.origin, limits });
  }

  async deliver(record: SinkRequest, signal: AbortSignal): Promise<SinkAnswer> {
    let token = this.#token;
    try {
      const promise = this.#options.tokens.token();
      if (token?.promise !== promise) {
        const value = await untilAborted(promise, signal);
        this.#token = token = { promise, value, authorization: `Bearer ${value}` };
      }
    } catch (error) {
      const isKnown = error instanceof UnusableSecretError;
      const answer = isKnown ? error.message : 'the secret with the token was not read in time';
      return { kind: 'no-token', status: null, answer };
    }
    let connection: Connection | undefined;
    try {
      const taken = this.#connections.take(signal);
      connection = taken instanceof Promise ? await taken : taken;
      const given = await postOverHttp(
        connection.dispatcher,
        this.#postOf(record, token.authorization),
        this.#limits,
        signal,
      );
      const answer = this.#answerTo(record, given, token.value);
      this.#connections.giveBack(connection, given.isWhole && !isMachineTrouble(given.status));
      return answer;
    } catch (error) {
      if (connection) this.#connections.drop(connection);
      return failureOf(error, connection !== undefined && connection.answered > 0);
    }
  }

  #postOf({ requestId, supersedes, json }: SinkRequest, authorization: string): HttpPost {
    const superseded = supersedes?.[0];
    const headers = {
      authorization,
      'content-type': 'application/json',
      'x-request-id': requestId,
      ...(superseded ? { [supersedesHeader]: superseded } : {}),
    };
    return { method: 'POST', origin: this.#origin, path: this.#path, headers, body: json };
  }

  #answerTo({ supersedes }: SinkRequest, given: HttpAnswer, token: string): SinkAnswer {
    const answer = this.#answerOf(given, token);
    const lacksIt = supersedes?.[0] && answer.kind === 'refused' && answer.status === unknownSupersededStatus;
    return lacksIt ? { ...answer, lacksSuperseded: true } : answer;
  }

  #answerOf(given: HttpAnswer, token: string): SinkAnswer {
    const { status } = given;
    const header = (name: string): string | undefined => {
      const value = given.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const contentType = header('content-type');
    const { text: body, isWhole } = textOf(given, contentType, header('content-encoding'));
    const retryAfter = header('retry-after');
    const retryAfterMs =
      retryAfter === undefined
        ? undefined
        : parseRetryAfter(retryAfter, this.#options.clock.now(), header('date') ?? '');
    const hasRetryAfter = retryAfterMs !== undefined;
    const meaning = meaningOf({ status, contentType, body, isWhole, hasRetryAfter }, this.#options.answers);
    if (meaning.kind === 'uploaded') return { kind: 'uploaded', status };
    const answer = plainText(redactSecrets(body.slice(0, maxRedactedCharacters), [token]), maxAnswerCharacters);
    const said = answer === '' ? {} : { answer };
    const asked = hasRetryAfter ? { retryAfterMs } : {};
    switch (meaning.kind) {
      case 'seen-before':
        return { kind: 'duplicate', status, ...said };
      case 'in-progress':
        return { kind: 'in-progress', status, ...said, ...asked };
      case 'throttled':
        return { kind: 'throttled', status, retryAfterMs, ...said };
      case 'unauthorised':
      case 'refused':
        return { kind: meaning.kind, status, answer };
      case 'failed':
        return { ...meaning, status, ...said, ...asked };
    }
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}

/** The first byte of UTF-8's byte order mark, which a decoder removes. */
const byteOrderMark = 0xef;

/** We request no other coding or character set, but follow the header. */
function textOf({ body, isWhole }: HttpAnswer, contentType = '', coding = ''): { text: string; isWhole: boolean } {
  const plain = decompressed(body, coding.trim().toLowerCase());
  if (!plain) return { text: '', isWhole: false };
  return { text: decoded(plain, charsetOf(contentType)), isWhole };
}

function charsetOf(contentType: string): string {
  if (!contentType.includes(';')) return 'utf-8';
  return /;\s{0,9}charset="?([\w-]{1,40})/i.exec(contentType.slice(0, 500))?.[1] ?? 'utf-8';
}

/** Undefined if it can't be read. */
function decompressed(bytes: Buffer, coding: string): Buffer | undefined {
  const limit = { maxOutputLength: maxBodyBytes };
  try {
    if (coding === '' || coding === 'identity') return bytes;
    if (coding === 'gzip' || coding === 'x-gzip') return gunzipSync(bytes, limit);
    if (coding === 'deflate') return inflateSync(bytes, limit);
    return coding === 'br' ? brotliDecompressSync(bytes, limit) : undefined;
  } catch {
    return undefined;
  }
}

function decoded(bytes: Buffer, charset: string): string {
  // A decoder of its own for each answer would take longer than the text.
  if (bytes.length === 0 || (charset.toLowerCase() === 'utf-8' && bytes[0] !== byteOrderMark))
    return bytes.toString('utf8');
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('utf8');
  }
}
