import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import type { Selection } from '../dlq/select-dead.ts';
import type { PolledSnapshot } from '../live/snapshot-poller.ts';
import type { Clock } from '../../lambdas/ports.ts';
import { answer, answerFault, answerJson, beginDownload, readBody } from './answer.ts';
import { EntryCode } from './entry-code.ts';
import { refuseForeignPost, refuseOther, refuseStranger, sessionCookie } from './guard.ts';
import { readPageFiles } from './page-files.ts';
import type { RedriveJobs } from './redrive-jobs.ts';
import type { RoomState } from './room-state.ts';

export interface RoomPorts {
  sight: () => Promise<PolledSnapshot>;
  redrives: Pick<RedriveJobs, 'list' | 'start'>;
  /** The reconciliation CSV, line by line. */
  exportDead: (selection: Selection) => AsyncIterable<string>;
  /** Runs a redrive of this stack's letters. */
  feeds: () => Promise<readonly string[]>;
  explain: (error: unknown) => string;
  /** A browser came with a link that was used or is too old: here is a new one. */
  onStaleLink: (link: string) => void;
  clock: Pick<Clock, 'now'>;
}

export interface ControlRoom {
  /** Valid once, for ten minutes. The code is behind the `#`, which browsers do not send. */
  link: string;
  close: () => Promise<void>;
}

/** Loopback only. */
const address = '127.0.0.1';

/** Time to receive a whole request, which is at most a few KB. Milliseconds. */
const requestTimeoutMs = 10_000;

/**
 * Serves the page and its API.
 * @param port 0: any free port
 * @throws CliError if the port is taken
 */
export async function openControlRoom(port: number, ports: RoomPorts): Promise<ControlRoom> {
  const room = new Room(ports);
  const limits = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs };
  const server = createServer(limits, (request, response) => void room.answer(request, response));
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explained(error, port);
  }
  room.port = (server.address() as AddressInfo).port;
  return { link: room.newLink(), close: () => close(server) };
}

function explained(error: unknown, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new CliError(`Port ${port} is taken; name another one with --port.`, { cause: error });
  if (code === 'EACCES') return new CliError(`Port ${port} is reserved; name one above 1023.`, { cause: error });
  return error;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

const entryWish = z.strictObject({ code: z.string() });
const redriveWish = z.strictObject({ feed: z.string(), reason: z.string().min(1).max(200).optional() });

class Room {
  /**
   * A host name of its own for each start. Another user of this machine may have served pages on this port before, on
   * every name they could guess, and a service worker that they left in the browser answers for its origin for ever.
   * Browsers resolve every name below `localhost` to this machine.
   */
  readonly #name = `sluice-${randomBytes(16).toString('hex')}.localhost`;
  readonly #session = randomBytes(32).toString('base64url');
  readonly #entryCode: EntryCode;
  port = 0;
  readonly #ports: RoomPorts;
  readonly #files = readPageFiles();
  readonly #actions: Record<string, { method: 'GET' | 'POST'; run: Answer }> = {
    '/api/enter': { method: 'POST', run: (request, response) => this.#enter(request, response) },
    '/api/snapshot': { method: 'GET', run: (_, response) => this.#tell(response) },
    '/api/export': { method: 'GET', run: (_, response, url) => this.#export(response, url) },
    '/api/redrive': { method: 'POST', run: (request, response) => this.#redrive(request, response) },
  };

  constructor(ports: RoomPorts) {
    this.#ports = ports;
    this.#entryCode = new EntryCode(ports.clock);
  }

  get #host(): string {
    return `${this.#name}:${this.port}`;
  }

  newLink(): string {
    return `http://${this.#host}/#${this.#entryCode.issue()}`;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      // The answer has begun: breaking the connection shows that it is incomplete.
      if (response.headersSent) response.destroy();
      else answerFault(response, 500, this.#ports.explain(error));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers, url: target = '' } = request;
    const other = refuseOther({ method, headers }, this.#host) ?? refuseForeignPost({ method, headers });
    if (other) return answerFault(response, other.status, other.text);
    // Parsed after a host, so that a path is not taken for a host.
    const url = target.startsWith('/') ? URL.parse(`http://${address}${target}`) : null;
    const file = url && this.#files.get(url.pathname);
    const action = url && Object.hasOwn(this.#actions, url.pathname) ? this.#actions[url.pathname] : undefined;
    if (!file && !action) return answerFault(response, 404, 'Not found.');
    const allowed = action?.method ?? 'GET';
    if (method !== allowed) {
      response.setHeader('Allow', allowed);
      return answerFault(response, 405, `Only ${allowed} is supported here.`);
    }
    if (file) return answer(response, 200, file.type, file.body);
    const stranger = url?.pathname === '/api/enter' ? undefined : refuseStranger({ method, headers }, this.#session);
    if (stranger) return answerFault(response, stranger.status, stranger.text);
    await action?.run(request, response, url as URL);
  }

  async #enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) return answerFault(response, 413, 'The request is too long.');
    const wish = entryWish.safeParse(jsonOf(body));
    if (!wish.success) return answerFault(response, 400, 'It must contain a code.');
    if (!this.#entryCode.redeem(wish.data.code)) {
      this.#ports.onStaleLink(this.newLink());
      return answerFault(response, 401, 'This link was used or is too old.');
    }
    response.setHeader('Set-Cookie', sessionCookie(this.#session));
    answerJson(response, 200, {});
  }

  async #tell(response: ServerResponse): Promise<void> {
    const state: RoomState = { ...(await this.#ports.sight()), redrives: this.#ports.redrives.list() };
    answerJson(response, 200, state);
  }

  async #export(response: ServerResponse, { searchParams }: URL): Promise<void> {
    const feed = searchParams.get('feed') ?? '';
    if (!(await this.#ports.feeds()).includes(feed)) return answerFault(response, 404, 'There is no such feed.');
    const reason = searchParams.get('reason') ?? undefined;
    const lines = this.#ports.exportDead({ feed, reason });
    beginDownload(response, `dead-letters-${feed}.csv`);
    await pipeline(Readable.from(lines), response);
  }

  async #redrive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) return answerFault(response, 413, 'The request is too long.');
    const wish = redriveWish.safeParse(jsonOf(body));
    if (!wish.success) return answerFault(response, 400, 'It must name a feed, and may name a reason.');
    const { feed, reason } = wish.data;
    if (!(await this.#ports.feeds()).includes(feed)) return answerFault(response, 404, 'There is no such feed.');
    const started = this.#ports.redrives.start({ feed, reason });
    if (started.kind === 'busy') return answerFault(response, 409, `A redrive of ${feed} is in progress already.`);
    answerJson(response, 202, started.job);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
