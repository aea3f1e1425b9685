import dns from 'node:dns';
import { isIP } from 'node:net';
import type { buildConnector } from 'undici';
import { errors } from 'undici';

/** The least time per address: less is not enough for TCP and TLS with a distant address. Milliseconds. */
const shortestAttemptMs = 2_000;

/** For this long, an address that failed is tried after the name's other addresses. Milliseconds. */
const avoidForMs = 60_000;

/** Addresses that failed, and when. Shared by the connections to one API. */
export class AvoidedAddresses {
  readonly #failedAt = new Map<string, number>();

  add(address: string): void {
    this.#failedAt.set(address, performance.now());
  }

  /** Working addresses first; each group in the resolver's order. */
  sort(addresses: readonly string[]): string[] {
    const isAvoided = (address: string) => performance.now() - (this.#failedAt.get(address) ?? -Infinity) < avoidForMs;
    return [...addresses.filter((each) => !isAvoided(each)), ...addresses.filter(isAvoided)];
  }
}

/** A connector that gives up after `limitMs` milliseconds. */
export type ConnectWithin = (limitMs: number) => buildConnector.connector;

/**
 * Connects to a name's addresses one after the other, until TCP and TLS succeed with one.
 *
 * Node's own `autoSelectFamily` gives an address 250 ms, which a slow handshake exceeds, and it considers only TCP: if an
 * address accepts a connection and then stays silent, it does not try the next one.
 *
 * @param connectMs limit for everything, name resolution included; with several addresses, each gets its share of it or 2 s
 */
export function connectToAny(
  connectWithin: ConnectWithin,
  connectMs: number,
  avoided: AvoidedAddresses,
): buildConnector.connector {
  return (target, callback) => {
    const endsAt = performance.now() + connectMs;
    let isOver = false;
    const end: typeof callback = (...result) => {
      clearTimeout(timer);
      if (!isOver) callback(...result);
      isOver = true;
    };
    // A resolver that does not answer can't be stopped, but we don't wait for it.
    const timer = setTimeout(() => end(new errors.ConnectTimeoutError('connect timed out'), null), connectMs);
    const tryNext = ([address, ...others]: readonly string[]): void => {
      if (isOver || address === undefined) return;
      const leftMs = endsAt - performance.now();
      const shareMs = Math.max(leftMs / (others.length + 1), Math.min(shortestAttemptMs, connectMs / 2));
      const onEnd: buildConnector.Callback = (error, socket) => {
        if (socket) {
          if (isOver) return void socket.destroy();
          return end(null, socket);
        }
        avoided.add(address);
        if (others.length === 0 || performance.now() >= endsAt) return end(error, null);
        tryNext(others);
      };
      try {
        connectWithin(Math.min(shareMs, leftMs))({ ...target, hostname: address }, onEnd);
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)), null);
      }
    };
    const { hostname } = target;
    if (isIP(hostname)) return tryNext([hostname]);
    dns.lookup(hostname, { all: true }, (error, found) => {
      if (error) return end(error, null);
      tryNext(avoided.sort(found.map(({ address }) => address)));
    });
  };
}
