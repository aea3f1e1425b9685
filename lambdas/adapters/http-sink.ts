import type { Dispatcher } from 'undici';
import { request } from 'undici';
import { plainText } from '../core/plain-text.ts';
import { parseRetryAfter } from '../core/retry.ts';
import type { Clock, Sink, SinkAnswer, SinkRequest, TokenSource } from '../ports.ts';
import type { HttpConnectionOptions, HttpTimeLimits } from './http-connections.ts';
import { openConnections } from './http-connections.ts';
import { failureOf } from './http-failure.ts';

export interface HttpSinkOptions extends Pick<HttpConnectionOptions, 'connections' | 'proxyUrl' | 'caCertificates'> {
  /** The API's base URL and the path that takes a record. */
  baseUrl: string;
  path: string;
  tokens: TokenSource;
  clock: Pick<Clock, 'now'>;
  /** In place of the usual ones. */
  limits?: HttpTimeLimits;
}

/** Together below what the caller grants a request: the last word on a slow one should be a reason. */
const usualLimits: HttpTimeLimits = { connectMs: 5_000, headersMs: 15_000, bodyMs: 5_000 };

/** Of the API's answer no more than this is read, and of that no more than `maxAnswerCharacters` is kept. */
const maxBodyBytes = 64 * 1024;
const maxAnswerCharacters = 200;

/** One POST a record: Bearer token, `X-Request-ID`, JSON. Made once a process, since it holds the connections. */
export class HttpSink implements Sink {
  readonly #connections: Dispatcher;
  readonly #url: string;
  readonly #limits: HttpTimeLimits;
  readonly #options: HttpSinkOptions;

  constructor(options: HttpSinkOptions) {
    this.#options = options;
    const base = new URL(options.baseUrl);
    this.#url = `${base.origin}${base.pathname.replace(/\/$/, '')}${options.path}`;
    this.#limits = options.limits ?? usualLimits;
    this.#connections = openConnections({ ...options, origin: base.origin, limits: this.#limits });
  }

  async deliver(record: SinkRequest, signal: AbortSignal): Promise<SinkAnswer> {
    let token: string;
    try {
      token = await this.#options.tokens.token();
    } catch {
      // Nothing was sent; the records wait, as they do for a token that is turned down.
      return { kind: 'unauthorised', status: 0, answer: 'the secret can not be read, or holds no plain token' };
    }
    try {
      const response = await request(this.#url, {
        dispatcher: this.#connections,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-request-id': record.requestId,
        },
        body: JSON.stringify(record.payload),
        signal,
      });
      return await this.#answerOf(response);
    } catch (error) {
      return failureOf(error);
    }
  }

  async #answerOf(response: Dispatcher.ResponseData): Promise<SinkAnswer> {
    const { statusCode: status, body } = response;
    // The status decides; a body that can't be read to its end takes nothing away from it.
    const answer = await this.#readAnswer(body, status >= 300);
    if (status >= 200 && status < 300) return { kind: 'uploaded', status };
    if (status === 409) return { kind: 'duplicate', status };
    if (status === 429) {
      const header = response.headers['retry-after'];
      const retryAfterMs = parseRetryAfter(Array.isArray(header) ? header[0] : header, this.#options.clock.now());
      return { kind: 'throttled', status, retryAfterMs };
    }
    if (status === 401 || status === 403) return { kind: 'unauthorised', status, answer };
    // 408 and 425 ask for another try; a 5xx may have come after the record was stored.
    if (status === 408 || status === 425 || status >= 500) {
      return { kind: 'failed', status, reason: `http_${status}`, ambiguous: status !== 425 };
    }
    // A redirect is somebody's maintenance page or a wrong base URL: nothing the record did.
    if (status < 400) return { kind: 'failed', status, reason: `http_${status}`, ambiguous: false };
    return { kind: 'refused', status, answer };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** To its end where that is near: the connection can be used again then. A longer one is cut off, and so is a slow one. */
  async #readAnswer(body: Dispatcher.ResponseData['body'], isWanted: boolean): Promise<string> {
    const timer = setTimeout(() => body.destroy(), this.#limits.bodyMs);
    try {
      if (isWanted) return await readStart(body);
      await body.dump({ limit: maxBodyBytes });
    } catch {
      // Nobody asks for what it said.
    } finally {
      clearTimeout(timer);
    }
    return '';
  }
}

/** The body's first part as text on one line; never throws. */
async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes >= maxBodyBytes) break;
    }
  } catch {
    // What has come is enough to show.
  }
  return plainText(Buffer.concat(chunks).toString('utf8'), maxAnswerCharacters);
}
