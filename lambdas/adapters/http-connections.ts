import * as nodeTls from 'node:tls';
import type { Dispatcher } from 'undici';
import { buildConnector, Pool, ProxyAgent } from 'undici';

export interface HttpConnectionOptions {
  /** Scheme, host and port of the API. */
  origin: string;
  /** Connections kept to it, alive between invocations: never more. */
  connections: number;
  /** An HTTP proxy that tunnels to the API; it sees no more than the API's name where that speaks TLS. */
  proxyUrl?: string | undefined;
  /** Certificates (PEM) that are trusted beside the usual ones, for API and proxy. */
  caCertificates?: string | undefined;
  limits: HttpTimeLimits;
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

/** Longer than a pause between two batches, shorter than a load balancer's usual 60 s: we close before it does. */
const keepAliveTimeoutMs = 30_000;

/** A bounded set of HTTP/1.1 connections, one request at a time on each, straight or through a proxy. */
export function openConnections(options: HttpConnectionOptions): Dispatcher {
  const { origin, connections, proxyUrl, caCertificates, limits } = options;
  const tls = {
    timeout: limits.connectMs,
    // Said, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn it off for all who don't.
    rejectUnauthorized: true,
    ...(caCertificates === undefined ? {} : { ca: [...usualCertificates(), caCertificates] }),
  };
  const shared = {
    connections,
    // One request at a time on a connection: a reset then leaves one record in doubt, not ten.
    pipelining: 1,
    allowH2: false,
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.bodyMs,
    keepAliveTimeout: keepAliveTimeoutMs,
  };
  if (proxyUrl === undefined) return new Pool(origin, { ...shared, connect: tellsUnconnected(buildConnector(tls)) });
  return new ProxyAgent({
    uri: proxyUrl,
    ...shared,
    proxyTls: tls,
    requestTls: tls,
    // A proxy that never answers CONNECT would be waited for five minutes.
    clientFactory: (proxy, given) => new Pool(proxy, { ...given, headersTimeout: limits.connectMs }),
    factory: (target, given) => {
      const { connect, ...rest } = given as Pool.Options & { connect: buildConnector.connector };
      return new Pool(target, { ...rest, connect: tellsUnconnected(connect) });
    },
  });
}

/** What Node trusts by itself, `NODE_EXTRA_CA_CERTS` included; an endpoint's Node before 22.15 tells only its own. */
function usualCertificates(): readonly string[] {
  const { getCACertificates, rootCertificates }: Partial<typeof nodeTls> = nodeTls;
  return getCACertificates?.('default') ?? rootCertificates ?? [];
}

/**
 * Marks every failure to connect as one. Its code is out of undici's sight then, which is as well: a request whose
 * connection fails with `UND_ERR_SOCKET`, as with a proxy that hangs up, it would try again without end or pause.
 */
function tellsUnconnected(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error) callback(new NotConnectedError(error), null);
      else callback(null, socket);
    });
  };
}
