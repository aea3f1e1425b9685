import type { Socket } from 'node:net';
import * as nodeTls from 'node:tls';
import type { Dispatcher } from 'undici';
import { buildConnector, Client, Pool, ProxyAgent } from 'undici';
import type { Clock } from '../ports.ts';
import type { ConnectWithin } from './connect-to-any.ts';
import { AvoidedAddresses, connectToAny } from './connect-to-any.ts';

export interface HttpConnectionOptions {
  /** Scheme, host and port of the API. */
  origin: string;
  /** The most concurrent connections to it. */
  connections: number;
  /** An HTTP proxy that tunnels to the API; if the API uses TLS, the proxy sees only its name. */
  proxyUrl?: string | undefined;
  /** Certificates (PEM) to trust in addition to the usual ones, for API and proxy. */
  caCertificates?: string | undefined;
  limits: HttpTimeLimits;
  clock: Pick<Clock, 'now'>;
}

/** Milliseconds. */
export interface HttpTimeLimits {
  /** Name, TCP and TLS. */
  connectMs: number;
  /** From the request to the end of the answer's headers. */
  headersMs: number;
  /** From there to the end of its body, however slowly it arrives. */
  bodyMs: number;
}

/** The connection failed, so no byte of the request was sent; `cause` has the reason. */
export class NotConnectedError extends Error {
  constructor(cause: unknown) {
    super('no connection to the API', { cause });
    this.name = 'NotConnectedError';
  }
}

/**
 * Longer than most waits for a slot, and shorter than a load balancer's usual 60 s, so that we close first. Overrides the
 * API's `Keep-Alive` header. Milliseconds.
 */
const keepAliveTimeoutMs = 30_000;

/** A connection of this age is not reused: the API's name may have another address by now. Milliseconds. */
const maxAgeMs = 30_000;

/** How long the other side may take to close its side of a connection. Milliseconds. */
const closingMs = 500;

export interface Connection {
  readonly dispatcher: Dispatcher;
  /** Milliseconds since 1970; undefined before it is connected. */
  connectedAt: number | undefined;
  usedAt: number;
  /** Requests answered on this connection. */
  answered: number;
  socket: Socket | undefined;
  address: string | undefined;
}

/**
 * A bounded number of HTTP/1.1 connections, direct or through a proxy, with one request at a time on each. They are managed
 * here and not in an undici pool, because the answer decides whether a connection is reused: behind a load balancer each
 * connection leads to one of several machines, and a machine that fails fast would get most of the requests.
 */
export class HttpConnections {
  readonly #options: HttpConnectionOptions;
  readonly #tls: { timeout: number; rejectUnauthorized: true; maxCachedSessions: 0; ca?: string[] };
  readonly #avoided = new AvoidedAddresses();
  /** The least recently used one first. */
  readonly #idle: Connection[] = [];
  #requests = 0;
  /** Connections that are being closed. */
  readonly #closing = new Set<Promise<unknown>>();
  /** Those who wait for the end of all requests. */
  #onRest: (() => void)[] = [];
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(options: HttpConnectionOptions) {
    const { caCertificates, limits } = options;
    this.#options = options;
    this.#tls = {
      timeout: limits.connectMs,
      // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would otherwise disable it.
      rejectUnauthorized: true,
      // Some servers abort the handshake when they can't resume the offered session, on every try.
      maxCachedSessions: 0,
      ...(caCertificates === undefined ? {} : { ca: [...usualCertificates(), caCertificates] }),
    };
  }

  /**
   * A connection for one request, to be returned with `giveBack` or `drop`. A promise if none is free.
   * @throws NotConnectedError if the signal has fired, or fires before one is free
   */
  take(signal: AbortSignal): Connection | Promise<Connection> {
    if (signal.aborted) throw new NotConnectedError(signal.reason);
    const [idle] = this.#idle;
    const isToWait = idle ? this.#isOld(idle, this.#options.clock.now()) : this.#count >= this.#options.connections;
    if (isToWait) return this.#takeLater(signal);
    this.#requests++;
    return this.#idle.shift() ?? this.#open();
  }

  /** The request was answered. @param isKept whether the connection may be used again */
  giveBack(connection: Connection, isKept: boolean): void {
    connection.answered++;
    this.#return(connection, isKept);
    this.#ended();
  }

  /** The request failed. */
  drop(connection: Connection): void {
    // The idle connections have been idle for as long, and are probably dead too.
    const idle = connection.answered > 0 ? this.#idle.splice(0) : [];
    for (const each of [connection, ...idle]) each.socket?.destroy();
    this.#return(connection, false);
    for (const each of idle) this.#retire(each);
    this.#ended();
  }

  #ended(): void {
    this.#requests--;
    if (this.#requests === 0) for (const resolve of this.#onRest.splice(0)) resolve();
  }

  /** Ends it in the background: only `close` waits for that. */
  #retire(connection: Connection): void {
    const end = this.#end(connection).finally(() => this.#closing.delete(end));
    this.#closing.add(end);
  }

  /** Waits for the requests that are in flight. */
  async close(): Promise<void> {
    while (this.#requests > 0) await new Promise<void>((resolve) => this.#onRest.push(resolve));
    await Promise.all(this.#closing);
    await Promise.all(this.#idle.splice(0).map((connection) => this.#end(connection)));
  }

  async #takeLater(signal: AbortSignal): Promise<Connection> {
    const old = this.#idle.shift();
    // It is closed before another is opened, to stay within the limit.
    if (old) await this.#end(old);
    else await this.#change(signal);
    return this.take(signal);
  }

  /** Until a connection is returned or closed, or the signal fires. */
  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.push(wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
  }

  #return(connection: Connection, isKept: boolean): void {
    const now = this.#options.clock.now();
    connection.usedAt = now;
    // If the name has several addresses, the next connection goes to another machine.
    if (!isKept && connection.address !== undefined) this.#avoided.add(connection.address);
    if (!isKept || this.#isOld(connection, now)) return this.#retire(connection);
    this.#idle.push(connection);
    this.#wakeAll();
  }

  /** While the environment was frozen, no timer closed it; the other side may have, unnoticed. */
  #isOld({ connectedAt, usedAt }: Connection, now: number): boolean {
    return now - usedAt >= keepAliveTimeoutMs || (connectedAt !== undefined && now - connectedAt >= maxAgeMs);
  }

  /** The other side must see it closed before it is replaced, because it counts connections too. */
  async #end({ dispatcher, socket }: Connection): Promise<void> {
    // A connection destroyed on this side emits no more events.
    if (socket?.destroyed && !wasReset(socket)) await new Promise((resolve) => setTimeout(resolve, closingMs));
    if (socket && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, closingMs);
        socket.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        socket.end();
      });
    }
    await dispatcher.destroy().catch(() => undefined);
    this.#count--;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #open(): Connection {
    this.#count++;
    const { origin, proxyUrl, limits, clock } = this.#options;
    const shared = {
      // One request at a time per connection: a reset then leaves one record in doubt, not ten.
      pipelining: 1,
      allowH2: false,
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveMaxTimeout: keepAliveTimeoutMs,
    };
    const onConnected = (socket: Socket): void => {
      // With a tunnel, it is the proxy's address.
      const address = proxyUrl === undefined ? socket.remoteAddress : undefined;
      Object.assign(connection, { connectedAt: clock.now(), answered: 0, socket, address });
    };
    const dispatcher =
      proxyUrl === undefined
        ? new Client(origin, { ...shared, connect: observed(this.#connectToAny(), onConnected) })
        : new ProxyAgent({
            uri: proxyUrl,
            ...shared,
            connections: 1,
            proxyTls: this.#tls,
            requestTls: this.#tls,
            clientFactory: (proxy) =>
              // The default would wait five minutes for a proxy that never answers CONNECT.
              new Pool(proxy, { connect: this.#connectToAny(), connections: 1, headersTimeout: limits.connectMs }),
            factory: (target, given) => {
              const { connect, ...rest } = given as Client.Options & { connect: buildConnector.connector };
              return new Client(target, { ...rest, connect: observed(connect, onConnected) });
            },
          });
    const connection: Connection = {
      dispatcher,
      connectedAt: undefined,
      usedAt: clock.now(),
      answered: 0,
      socket: undefined,
      address: undefined,
    };
    return connection;
  }

  #connectToAny(): buildConnector.connector {
    const connectWithin: ConnectWithin = (limitMs) => buildConnector({ ...this.#tls, timeout: limitMs });
    return connectToAny(connectWithin, this.#options.limits.connectMs, this.#avoided);
  }
}

/** The other side reset it: it is no longer open there. */
function wasReset({ errored }: Socket): boolean {
  return errored !== null && 'code' in errored && (errored.code === 'ECONNRESET' || errored.code === 'EPIPE');
}

/** Node's default certificates, `NODE_EXTRA_CA_CERTS` included; Node before 22.15 lists only its built-in ones. */
function usualCertificates(): readonly string[] {
  const { getCACertificates, rootCertificates }: Partial<typeof nodeTls> = nodeTls;
  return getCACertificates?.('default') ?? rootCertificates ?? [];
}

/**
 * Reports each connection, and wraps every failure to connect in NotConnectedError. That hides its code from undici, which
 * is intended: undici would retry a request whose connection fails with `UND_ERR_SOCKET` (a proxy that hangs up, for
 * example) forever and without a pause.
 */
function observed(connect: buildConnector.connector, onConnected: (socket: Socket) => void): buildConnector.connector {
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error) return callback(new NotConnectedError(error), null);
      onConnected(socket);
      callback(null, socket);
    });
  };
}
