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
  /** Connections to it at once: never more. */
  connections: number;
  /** An HTTP proxy that tunnels to the API; it sees no more than the API's name where that speaks TLS. */
  proxyUrl?: string | undefined;
  /** Certificates (PEM) that are trusted beside the usual ones, for API and proxy. */
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
  /** From there to the end of its body, however slowly it drips. */
  bodyMs: number;
}

/** No connection came about, so not a byte of the request has left: `cause` says why. */
export class NotConnectedError extends Error {
  constructor(cause: unknown) {
    super('no connection to the API', { cause });
    this.name = 'NotConnectedError';
  }
}

/**
 * Longer than a wait for a slot mostly is, shorter than a load balancer's usual 60 s: we close before it does. Whatever
 * the API's `Keep-Alive` header says. Milliseconds.
 */
const keepAliveTimeoutMs = 30_000;

/** A connection of this age is not used again: the API's name may have another address by now. Milliseconds. */
const maxAgeMs = 30_000;

/** So long the other side may take to close its side of a connection. Milliseconds. */
const closingMs = 500;

interface Connection {
  readonly dispatcher: Dispatcher;
  /** Milliseconds since 1970; undefined before it is connected. */
  connectedAt: number | undefined;
  usedAt: number;
  /** Requests that were answered since it was connected. */
  answered: number;
  socket: Socket | undefined;
  address: string | undefined;
}

/** The connection that a request is sent over. */
export interface ConnectionUse {
  dispatcher: Dispatcher;
  /** Whether an earlier request was answered over it. */
  isReused: () => boolean;
  /** It is closed after this request. */
  close: () => void;
}

/**
 * A bounded number of HTTP/1.1 connections, one request at a time on each, straight or through a proxy. They are kept
 * here and not in a pool of undici's, because the answer decides whether a connection is used again: behind a balancer
 * it leads to one of several machines, and the machine that fails fast would get most of the requests.
 */
export class HttpConnections {
  readonly #options: HttpConnectionOptions;
  readonly #tls: { timeout: number; rejectUnauthorized: true; maxCachedSessions: 0; ca?: string[] };
  readonly #avoided = new AvoidedAddresses();
  /** The one that was used longest ago comes first. */
  readonly #idle: Connection[] = [];
  /** Requests, and connections that are being closed. */
  readonly #inUse = new Set<Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(options: HttpConnectionOptions) {
    const { caCertificates, limits } = options;
    this.#options = options;
    this.#tls = {
      timeout: limits.connectMs,
      // Said, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn it off for all who don't.
      rejectUnauthorized: true,
      // A server that can't resume the session it is offered breaks the handshake off, again with each try.
      maxCachedSessions: 0,
      ...(caCertificates === undefined ? {} : { ca: [...usualCertificates(), caCertificates] }),
    };
  }

  /**
   * Waits for a free connection and has `send` use it. What throws closes it.
   * @throws NotConnectedError where the signal fires before one is free
   */
  async use<T>(signal: AbortSignal, send: (use: ConnectionUse) => Promise<T>): Promise<T> {
    const connection = await this.#take(signal);
    let isKept = true;
    const use: ConnectionUse = {
      dispatcher: connection.dispatcher,
      isReused: () => connection.answered > 0,
      close: () => (isKept = false),
    };
    return this.#track(
      send(use).then(
        (result) => {
          connection.answered++;
          void this.#track(this.#giveBack(connection, isKept));
          return result;
        },
        (error: unknown) => {
          // Those that rested with it have rested for as long, and are likely to be as dead.
          const idle = connection.answered > 0 ? this.#idle.splice(0) : [];
          for (const each of [connection, ...idle]) each.socket?.destroy();
          void this.#track(Promise.all([this.#giveBack(connection, false), ...idle.map((each) => this.#end(each))]));
          throw error;
        },
      ),
    );
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#inUse.add(work);
    const untrack = (): void => void this.#inUse.delete(work);
    work.then(untrack, untrack);
    return work;
  }

  /** Waits for the requests that are in flight. */
  async close(): Promise<void> {
    while (this.#inUse.size > 0) await Promise.allSettled(this.#inUse);
    await Promise.all(this.#idle.splice(0).map((connection) => this.#end(connection)));
  }

  async #take(signal: AbortSignal): Promise<Connection> {
    for (;;) {
      if (signal.aborted) throw new NotConnectedError(signal.reason);
      const idle = this.#idle.shift();
      if (idle && !this.#isOld(idle)) return idle;
      // Closed before another is opened: never more than allowed.
      if (idle) await this.#end(idle);
      if (this.#count < this.#options.connections) {
        this.#count++;
        return this.#open();
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async #giveBack(connection: Connection, isKept: boolean): Promise<void> {
    connection.usedAt = this.#options.clock.now();
    // Where the name has several addresses, the next connection goes to another machine.
    if (!isKept && connection.address !== undefined) this.#avoided.add(connection.address);
    if (isKept && !this.#isOld(connection)) this.#idle.push(connection);
    else await this.#end(connection);
    this.#wakeAll();
  }

  /** While its environment was frozen, nothing closed it in time: the other side may have, without our hearing of it. */
  #isOld({ connectedAt, usedAt }: Connection): boolean {
    const now = this.#options.clock.now();
    return now - usedAt >= keepAliveTimeoutMs || (connectedAt !== undefined && now - connectedAt >= maxAgeMs);
  }

  /** The other side is to have seen its end before it is replaced: it counts connections, too. */
  async #end({ dispatcher, socket }: Connection): Promise<void> {
    // Of one that broke off on this side nothing will be heard any more.
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
    const { origin, proxyUrl, limits, clock } = this.#options;
    const shared = {
      // One request at a time on a connection: a reset then leaves one record in doubt, not ten.
      pipelining: 1,
      allowH2: false,
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveMaxTimeout: keepAliveTimeoutMs,
    };
    const onConnected = (socket: Socket): void => {
      // Of a tunnel, it is the proxy's address.
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
              // A proxy that never answers CONNECT would be waited for five minutes.
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

/** The other side has broken it off: it is no longer open there. */
function wasReset({ errored }: Socket): boolean {
  return errored !== null && 'code' in errored && (errored.code === 'ECONNRESET' || errored.code === 'EPIPE');
}

/** What Node trusts by itself, `NODE_EXTRA_CA_CERTS` included; an endpoint's Node before 22.15 tells only its own. */
function usualCertificates(): readonly string[] {
  const { getCACertificates, rootCertificates }: Partial<typeof nodeTls> = nodeTls;
  return getCACertificates?.('default') ?? rootCertificates ?? [];
}

/**
 * Notes each connection, and marks every failure to connect as one. Its code is out of undici's sight then, which is as
 * well: a request whose connection fails with `UND_ERR_SOCKET`, as with a proxy that hangs up, it would try again
 * without end or pause.
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
