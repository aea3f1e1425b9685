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
import type { Sight } from '../live/lookout.ts';
import { answer, answerFault, answerJson, beginDownload, readBody } from './answer.ts';
import { refuseOther, refuseStranger } from './guard.ts';
import { readPageFiles } from './page-files.ts';
import type { RedriveJobs } from './redrive-jobs.ts';
import type { RoomState } from './room-state.ts';

export interface RoomPorts {
  sight: () => Promise<Sight>;
  redrives: Pick<RedriveJobs, 'list' | 'start'>;
  /** The reconciliation CSV, line by line. */
  exportDead: (selection: Selection) => AsyncIterable<string>;
  /** Of this stack. */
  feeds: readonly string[];
  explain: (error: unknown) => string;
}

export interface ControlRoom {
  /** With the token behind the `#`, which browsers send to nobody. */
  url: string;
  close: () => Promise<void>;
}

/** This machine alone. */
const address = '127.0.0.1';

/**
 * Serves the page and what it shows and does.
 * @param port 0: a free one
 * @throws CliError where the port is taken
 */
export async function openControlRoom(port: number, ports: RoomPorts): Promise<ControlRoom> {
  const room = new Room(ports);
  const server = createServer((request, response) => void room.answer(request, response));
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explained(error, port);
  }
  room.port = (server.address() as AddressInfo).port;
  return { url: `http://${address}:${room.port}/#${room.token}`, close: () => close(server) };
}

function explained(error: unknown, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new CliError(`Port ${port} is taken; name another one with --port.`, { cause: error });
  if (code === 'EACCES') return new CliError(`Port ${port} is not for you; name one above 1023.`, { cause: error });
  return error;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

const redriveWish = z.strictObject({ feed: z.string(), reason: z.string().min(1).max(200).optional() });

class Room {
  readonly token = randomBytes(32).toString('base64url');
  port = 0;
  readonly #ports: RoomPorts;
  readonly #files = readPageFiles();
  readonly #actions: Record<string, { method: 'GET' | 'POST'; run: Answer }> = {
    '/api/snapshot': { method: 'GET', run: (_, response) => this.#tell(response) },
    '/api/export': { method: 'GET', run: (_, response, url) => this.#export(response, url) },
    '/api/redrive': { method: 'POST', run: (request, response) => this.#redrive(request, response) },
  };

  constructor(ports: RoomPorts) {
    this.#ports = ports;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      // What has begun can only be broken off: a part must not pass for the whole.
      if (response.headersSent) response.destroy();
      else answerFault(response, 500, this.#ports.explain(error));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers, url: target = '' } = request;
    const other = refuseOther({ method, headers }, this.port);
    if (other) return answerFault(response, other.status, other.text);
    // Behind a host, so that no path is taken for one.
    const url = target.startsWith('/') ? URL.parse(`http://${address}${target}`) : null;
    const file = url && this.#files.get(url.pathname);
    const action = url && Object.hasOwn(this.#actions, url.pathname) ? this.#actions[url.pathname] : undefined;
    if (!file && !action) return answerFault(response, 404, 'There is nothing here.');
    const allowed = action?.method ?? 'GET';
    if (method !== allowed) {
      response.setHeader('Allow', allowed);
      return answerFault(response, 405, `Only ${allowed} is understood here.`);
    }
    if (file) return answer(response, 200, file.type, file.body);
    const stranger = refuseStranger({ method, headers }, this.token);
    if (stranger) return answerFault(response, stranger.status, stranger.text);
    await action?.run(request, response, url as URL);
  }

  async #tell(response: ServerResponse): Promise<void> {
    const state: RoomState = { ...(await this.#ports.sight()), redrives: this.#ports.redrives.list() };
    answerJson(response, 200, state);
  }

  async #export(response: ServerResponse, { searchParams }: URL): Promise<void> {
    const feed = searchParams.get('feed') ?? '';
    if (!this.#ports.feeds.includes(feed)) return answerFault(response, 404, 'There is no such feed.');
    const reason = searchParams.get('reason') ?? undefined;
    const lines = this.#ports.exportDead({ feed, reason });
    beginDownload(response, `dead-letters-${feed}.csv`);
    await pipeline(Readable.from(lines), response);
  }

  async #redrive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) return answerFault(response, 413, 'That is too long.');
    const wish = redriveWish.safeParse(jsonOf(body));
    if (!wish.success) return answerFault(response, 400, 'It must say a feed, and may say a reason.');
    const { feed, reason } = wish.data;
    if (!this.#ports.feeds.includes(feed)) return answerFault(response, 404, 'There is no such feed.');
    const started = this.#ports.redrives.start({ feed, reason });
    if (started.kind === 'busy') return answerFault(response, 409, `A redrive of ${feed} is under way already.`);
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
