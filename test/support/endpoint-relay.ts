import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { Certificate } from '../../localstack/certificates.ts';

export interface RelayedCall {
  /** By AWS's name: `GetObject`, `UpdateItem`, `SendMessageBatch`, … */
  name: string;
  /** The request's path and query. */
  path: string;
  body: string;
  /** First byte that a GetObject asks for; 0 for all else. */
  from: number;
}

export interface RelayEvent {
  /** `asked`: not yet forwarded; `piece`: before a piece of an object; `answered`: done, and the caller doesn't know. */
  when: 'asked' | 'piece' | 'answered';
  call: RelayedCall;
  /** The piece's place in the object; 0 for all else. */
  offset: number;
  /** The answer's HTTP status; 0 before there is one. */
  status: number;
}

/** An object is handed on in pieces of this size. Bytes. */
export const relayPieceBytes = 256 * 1024;

interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/**
 * Stands between one function and the endpoint, so that a test can stop it at exactly one place or slow its reading
 * down. Answers ranges of pinned versions as S3 does, where MiniStack answers with the whole object.
 */
export class EndpointRelay {
  /** Waited for at each event; `lost`: the call goes no further, as where its caller died. */
  onEvent: (event: RelayEvent) => Promise<void | 'lost'> = () => Promise.resolve();
  readonly #target: URL;
  readonly #server: Server;

  /** @param certificate of the relay itself, for 127.0.0.1: before an endpoint with TLS */
  constructor(target: string, certificate?: Certificate) {
    this.#target = new URL(target);
    const relay = (request: IncomingMessage, response: ServerResponse) =>
      void this.#relay(request, response).catch(() => response.destroy());
    this.#server = certificate ? createTlsServer(certificate, relay) : createServer(relay);
  }

  /** @returns its address */
  async start(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `${this.#target.protocol}//127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const call = {
      name: nameOf(request),
      path: request.url ?? '',
      body: body.toString(),
      from: rangeOf(request)?.from ?? 0,
    };
    const goesOn = async (when: RelayEvent['when'], status: number, offset = 0): Promise<boolean> =>
      (await this.onEvent({ when, call, offset, status })) !== 'lost' && !response.destroyed;

    if (!(await goesOn('asked', 0))) return void response.destroy();
    const answer = asS3Does(request, await this.#forward(request, body));
    if (!(await goesOn('answered', answer.status))) return void response.destroy();
    response.writeHead(answer.status, answer.headers);
    if (call.name !== 'GetObject') return void response.end(answer.body);
    for (let at = 0; at < answer.body.length; at += relayPieceBytes) {
      if (!(await goesOn('piece', answer.status, call.from + at))) return void response.destroy();
      response.write(answer.body.subarray(at, at + relayPieceBytes));
    }
    response.end();
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method, url: path, headers } = request;
      const { hostname, port, protocol } = this.#target;
      const ask = protocol === 'https:' ? httpsRequest : httpRequest;
      const forwarded = ask({ hostname, port, method, path, headers, agent: false }, (answer) => {
        const { statusCode: status = 502, headers: answered } = answer;
        delete answered.connection;
        readAll(answer).then((bytes) => resolve({ status, headers: answered, body: bytes }), reject);
      });
      forwarded.once('error', reject);
      forwarded.end(body);
    });
  }
}

function nameOf({ method, headers }: IncomingMessage): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.slice(target.indexOf('.') + 1);
  return method === 'GET' ? 'GetObject' : (method ?? '');
}

function rangeOf({ headers }: IncomingMessage): { from: number; last: number } | undefined {
  const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  return from === undefined ? undefined : { from: Number(from), last: Number(last) };
}

function asS3Does(request: IncomingMessage, answer: Answer): Answer {
  const range = rangeOf(request);
  if (!range || answer.status !== 200) return answer;
  const body = answer.body.subarray(range.from, range.last + 1);
  const contentRange = `bytes ${range.from}-${range.last}/${answer.body.length}`;
  // A checksum is the whole object's.
  const kept = Object.entries(answer.headers).filter(([name]) => !name.startsWith('x-amz-checksum-'));
  const headers = { ...Object.fromEntries(kept), 'content-length': body.length, 'content-range': contentRange };
  return { status: 206, headers, body };
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
