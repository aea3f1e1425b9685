import type { Dispatcher } from 'undici';
import { Pool, request } from 'undici';
import { parseRetryAfter } from '../core/retry.ts';
import type { Clock, Sink, SinkAnswer, SinkRequest, TokenSource } from '../ports.ts';

export interface HttpSinkOptions {
  /** The API's base URL and the path that takes a record. */
  baseUrl: string;
  path: string;
  /** Connections kept to the API, alive between invocations. */
  connections: number;
  tokens: TokenSource;
  clock: Pick<Clock, 'now'>;
}

const connectTimeoutMs = 5_000;
const headersTimeoutMs = 15_000;
const bodyTimeoutMs = 15_000;

/** Of the API's answer no more than this is read, and of that no more than `maxAnswerCharacters` is kept. */
const maxBodyBytes = 64 * 1024;
const maxAnswerCharacters = 200;

/** Errors raised before a byte of the request has left: the record can't have been stored. */
const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** One POST a record: Bearer token, `X-Request-ID`, JSON. */
export class HttpSink implements Sink {
  readonly #pool: Pool;
  readonly #url: string;
  readonly #options: HttpSinkOptions;

  constructor(options: HttpSinkOptions) {
    this.#options = options;
    const base = new URL(options.baseUrl);
    this.#url = `${base.origin}${base.pathname.replace(/\/$/, '')}${options.path}`;
    this.#pool = new Pool(base.origin, {
      connections: options.connections,
      // One request at a time on a connection: a reset then leaves one record in doubt, not ten.
      pipelining: 1,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: headersTimeoutMs,
      bodyTimeout: bodyTimeoutMs,
      // Shorter than a load balancer's usual 60 s, so that we close an idle connection before it does.
      keepAliveTimeout: 30_000,
    });
  }

  async deliver(record: SinkRequest, signal: AbortSignal): Promise<SinkAnswer> {
    let token: string;
    try {
      token = await this.#options.tokens.token();
    } catch {
      // Nothing was sent; the records wait, as they do for a token that is turned down.
      return { kind: 'unauthorised', status: 0, answer: 'the secret with the token can not be read' };
    }
    try {
      const response = await request(this.#url, {
        dispatcher: this.#pool,
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
    const isWanted = status >= 300;
    const answer = isWanted
      ? await readStart(body)
      : await body.dump({ limit: maxBodyBytes }).then(
          () => '',
          () => '',
        );
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
    await this.#pool.close();
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
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/[\p{Cc}\uFFFE\uFFFF]+/gu, ' ')
    .trim()
    .slice(0, maxAnswerCharacters);
}

function failureOf(error: unknown): SinkAnswer {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const name = error instanceof Error ? error.name : 'error';
  const reason = (code ?? name).toLowerCase();
  return { kind: 'failed', status: null, reason, ambiguous: !(code !== undefined && unsentCodes.has(code)) };
}
