import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { request } from 'undici';
import type { AnswerDeclaration } from '../../feeds/feed.ts';
import { UnusableSecretError } from '../core/errors.ts';
import { meaningOf } from '../core/answers/answer-meaning.ts';
import { plainText } from '../core/plain-text.ts';
import { redactSecrets } from '../core/answers/redact-secrets.ts';
import { parseRetryAfter } from '../core/limiter/retry.ts';
import type { Clock, Sink, SinkAnswer, SinkRequest, TokenSource } from '../ports.ts';
import type { ConnectionUse, HttpConnectionOptions, HttpTimeLimits } from './http-connections.ts';
import { HttpConnections } from './http-connections.ts';
import { failureOf } from './http-failure.ts';
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

/** Another machine behind the same load balancer may work: the next request uses another connection. */
const isMachineTrouble = (status: number): boolean =>
  status >= 500 || status === 401 || status === 408 || status === 421;

/** One POST per record: Bearer token, `X-Request-ID`, JSON. Created once per process, since it holds the connections. */
export class HttpSink implements Sink {
  readonly #connections: HttpConnections;
  readonly #url: string;
  readonly #limits: HttpTimeLimits;
  readonly #options: HttpSinkOptions;

  constructor(options: HttpSinkOptions) {
    this.#options = options;
    const base = new URL(options.baseUrl);
    this.#url = `${base.origin}${base.pathname.replace(/\/$/, '')}${options.path}`;
    this.#limits = options.limits ?? usualLimits;
    this.#connections = new HttpConnections({ ...options, origin: base.origin, limits: this.#limits });
  }

  async deliver(record: SinkRequest, signal: AbortSignal): Promise<SinkAnswer> {
    let token: string;
    try {
      token = await untilAborted(this.#options.tokens.token(), signal);
    } catch (error) {
      const isKnown = error instanceof UnusableSecretError;
      const answer = isKnown ? error.message : 'the secret with the token was not read in time';
      return { kind: 'no-token', status: null, answer };
    }
    let isReused = (): boolean => false;
    try {
      return await this.#connections.use(signal, (use) => {
        isReused = use.isReused;
        return this.#post(record, token, use, signal);
      });
    } catch (error) {
      return failureOf(error, isReused());
    }
  }

  async #post(record: SinkRequest, token: string, use: ConnectionUse, signal: AbortSignal): Promise<SinkAnswer> {
    const response = await request(this.#url, {
      dispatcher: use.dispatcher,
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-request-id': record.requestId,
      },
      body: JSON.stringify(record.payload),
      signal,
    });
    const body = await this.#readBody(response.body);
    if (!body.isWhole || isMachineTrouble(response.statusCode)) use.close();
    return this.#answerOf(response, body, token);
  }

  #answerOf({ statusCode: status, headers }: Dispatcher.ResponseData, read: ReadBody, token: string): SinkAnswer {
    const header = (name: string): string | undefined => [headers[name]].flat()[0];
    const contentType = header('content-type');
    const { text: body, isWhole } = textOf(read, contentType, header('content-encoding'));
    const retryAfterMs = parseRetryAfter(header('retry-after'), this.#options.clock.now(), header('date') ?? '');
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

  /** Reads a short body to its end; cuts off a long or slow one. Never throws. */
  async #readBody(body: Dispatcher.ResponseData['body']): Promise<ReadBody> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => body.destroy(), this.#limits.bodyMs);
    try {
      for await (const chunk of body) {
        chunks.push(chunk as Buffer);
        bytes += (chunk as Buffer).length;
        if (bytes > maxBodyBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBodyBytes), isWhole: false };
      }
      return { bytes: Buffer.concat(chunks), isWhole: true };
    } catch {
      // What has arrived is enough to show.
      return { bytes: Buffer.concat(chunks), isWhole: false };
    } finally {
      clearTimeout(timer);
    }
  }
}

interface ReadBody {
  bytes: Buffer;
  isWhole: boolean;
}

/** We request no other coding or character set, but follow the header. */
function textOf({ bytes, isWhole }: ReadBody, contentType = '', coding = ''): { text: string; isWhole: boolean } {
  const plain = decompressed(bytes, coding.trim().toLowerCase());
  if (!plain) return { text: '', isWhole: false };
  const charset = /;\s{0,9}charset="?([\w-]{1,40})/i.exec(contentType.slice(0, 500))?.[1] ?? 'utf-8';
  return { text: decoded(plain, charset), isWhole };
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
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('utf8');
  }
}
