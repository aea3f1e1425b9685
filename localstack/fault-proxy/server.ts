import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CallCounter } from './call-counts.ts';
import type { CallCounts } from './call-counts.ts';
import { answerControl, controlPath } from './control.ts';
import { errorAnswer, throttleAnswer } from './fault-answers.ts';
import { Forwarder, passOn, readAll } from './forward.ts';
import { withFailures, withoutSome } from './partial-failure.ts';
import type { ProxyFault, ProxyFaults, ProxyFaultsInput } from './proxy-faults.ts';
import { ProxyDice, proxyFaultsSchema } from './proxy-faults.ts';
import type { AwsCall } from './identify-call.ts';
import { identifyCall } from './identify-call.ts';

export interface FaultProxyOptions {
  /** The endpoint's URL. */
  target: string;
  /** 127.0.0.1 by default. */
  host?: string;
  /** 0 (the default): any free port. */
  port?: number;
  /** Seed of the dice that choose the requests that fail. */
  seed?: number;
  /** For an endpoint with TLS: the proxy's own certificate, and the authority of the endpoint's. */
  tls?: { cert: string; key: string; ca: string };
  /** Called before each call is forwarded; the returned function is called after the answer. */
  meter?: (call: AwsCall, body: Buffer) => Promise<(() => Promise<void>) | undefined>;
}

export interface FaultProxy {
  url: string;
  /** Replaces the current faults with these: `{}` ends them all. */
  setFaults: (faults: ProxyFaultsInput) => void;
  counts: () => CallCounts;
  resetCounts: () => void;
  close: () => Promise<void>;
}

/**
 * A proxy for a local endpoint that forwards calls, and injects the faults that happen on AWS; see README.md in the parent
 * folder.
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new ProxiedEndpoint(options);
  const { host = '127.0.0.1', port = 0, tls } = options;
  const settings = { keepAliveTimeout: 120_000, requestTimeout: 0 };
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    // The caller or the endpoint has closed its connection: close the other one too.
    void proxy.handle(request, response).catch(() => response.destroy());
  const server = tls
    ? createTlsServer({ ...settings, cert: tls.cert, key: tls.key }, handle)
    : createServer(settings, handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    setFaults: (faults) => proxy.setFaults(proxyFaultsSchema.parse(faults)),
    counts: () => proxy.counter.report(),
    resetCounts: () => proxy.counter.reset(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        proxy.close();
      }),
  };
}

class ProxiedEndpoint {
  readonly counter = new CallCounter();
  readonly #forwarder: Forwarder;
  readonly #dice: ProxyDice;
  readonly #meter: FaultProxyOptions['meter'];
  #faults: ProxyFaults = proxyFaultsSchema.parse({});

  constructor({ target, seed = 1, tls, meter }: FaultProxyOptions) {
    this.#meter = meter;
    this.#forwarder = new Forwarder(target, tls?.ca);
    this.#dice = new ProxyDice(seed);
  }

  setFaults(faults: ProxyFaults): void {
    this.#faults = faults;
  }

  close(): void {
    this.#forwarder.close();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith(controlPath)) return answerControl(request, response, this);
    const call = identifyCall(request);
    const fault = this.#dice.draw(this.#faults, call);
    this.counter.count(call, fault, Number(request.headers['content-length'] ?? 0));
    const latencyMs = this.#dice.latencyMs(this.#faults);
    if (latencyMs > 0) await delay(latencyMs);
    if (fault) return this.#fail(fault, call, request, response);
    if (!this.#meter) return passOn(await this.#forwarder.ask(request, request), response);
    const body = await readAll(request);
    const answered = await this.#meter(call, body);
    const answer = await this.#forwarder.ask(request, body);
    await answered?.();
    await passOn(answer, response);
  }

  async #fail(fault: ProxyFault, call: AwsCall, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (fault) {
      case 'throttle':
      case 'error': {
        await readAll(request);
        const answer = fault === 'throttle' ? throttleAnswer(call, this.#dice.next()) : errorAnswer(call);
        response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
        return void response.end(answer.body);
      }
      case 'resetBefore':
        return void request.socket.resetAndDestroy();
      case 'resetAfter': {
        const answer = await this.#forwarder.ask(request, request);
        await readAll(answer);
        return void request.socket.resetAndDestroy();
      }
      case 'twice': {
        const body = await readAll(request);
        const first = await this.#forwarder.ask(request, body);
        await readAll(first);
        return passOn(await this.#forwarder.ask(request, body), response);
      }
      case 'partial':
        return this.#failPartly(request, response);
    }
  }

  /** The forwarded request no longer matches its signature: only for endpoints that don't check signatures. */
  async #failPartly(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { forwarded, failed } = withoutSome((await readAll(request)).toString(), () => this.#dice.next() < 0.5);
    const answer = forwarded === undefined ? undefined : await this.#forwarder.ask(request, Buffer.from(forwarded));
    const told = answer && (await readAll(answer)).toString();
    const isWell = answer === undefined || answer.statusCode === 200;
    const body = isWell ? withFailures(told, failed) : (told ?? '');
    response
      .writeHead(answer?.statusCode ?? 200, {
        'content-type': 'application/x-amz-json-1.0',
        'content-length': Buffer.byteLength(body),
      })
      .end(body);
  }
}
