import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Headers that apply to one connection; and `expect`, which the proxy has answered itself. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'expect']);

/** An endpoint closes idle connections after a while, which must not happen during a request. Milliseconds. */
const idleMs = 1_500;

/** Forwards requests to the endpoint. */
export class Forwarder {
  readonly #target: URL;
  readonly #request: typeof httpRequest;
  readonly #agent: HttpAgent;

  /** @param ca the certificate to trust, if the target is `https:` */
  constructor(target: string, ca?: string) {
    this.#target = new URL(target);
    const isTls = this.#target.protocol === 'https:';
    const settings = { keepAlive: true, timeout: idleMs };
    this.#agent = isTls ? new HttpsAgent({ ...settings, ...(ca ? { ca } : {}) }) : new HttpAgent(settings);
    this.#request = isTls ? httpsRequest : httpRequest;
  }

  /** Sends the request unchanged, its Host and signature included, with this body; resolves with the answer's head. */
  ask(request: IncomingMessage, body: Readable | Buffer): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { hostname, port } = this.#target;
    const outgoing = this.#request({
      agent: this.#agent,
      host: hostname,
      port,
      method: request.method,
      path: request.url,
      setHost: false,
      headers: headersOf(request, body),
    });
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    if (Buffer.isBuffer(body)) outgoing.end(body);
    else pipeline(body, outgoing).catch(reject);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Passes an answer on, byte for byte. */
export async function passOn(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, withoutHops(answer.rawHeaders));
  await pipeline(answer, response);
}

/** Reads to the end. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function headersOf(request: IncomingMessage, body: Readable | Buffer): OutgoingHttpHeaders {
  const headers = Object.entries(withoutHops(request.rawHeaders));
  if (!Buffer.isBuffer(body)) return Object.fromEntries(headers);
  const kept = headers.filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name));
  return { ...Object.fromEntries(kept), 'content-length': body.length };
}

/** Keeps the spelling of names; a repeated header stays repeated. */
function withoutHops(raw: string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const [name, value] = [raw[index] as string, raw[index + 1] as string];
    if (hopByHop.has(name.toLowerCase())) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return headers;
}
