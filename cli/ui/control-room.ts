import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { answer, answerFault, answerJson } from './answer.ts';
import { EntryCode } from './entry-code.ts';
import { refuseForeignPost, refuseOther, refuseStranger, sessionCookie } from './guard.ts';
import { readPageFiles } from './page-files.ts';
import type { RoomPorts } from './room-ports.ts';
import type { Route, Routes } from './route.ts';
import { readWish, RouteRefusal } from './route.ts';
import { roomRoutes } from './room-routes.ts';

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

const entryWish = z.strictObject({ code: z.string() });

const entryPath = '/api/enter';

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
  readonly #routes: Routes;

  constructor(ports: RoomPorts) {
    this.#ports = ports;
    this.#entryCode = new EntryCode(ports.clock);
    const enter: Route = { method: 'POST', run: ({ request, response }) => this.#enter(request, response) };
    this.#routes = { ...roomRoutes(ports), [entryPath]: enter };
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
      else if (error instanceof RouteRefusal) answerFault(response, error.status, error.message);
      else if (error instanceof CliError) answerFault(response, 409, error.message);
      else answerFault(response, 500, this.#ports.explain(error));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers, url: target = '' } = request;
    const other = refuseOther({ method, headers }, this.#host);
    if (other) return answerFault(response, other.status, other.text);
    // Parsed after a host, so that a path is not taken for a host.
    const url = target.startsWith('/') ? URL.parse(`http://${address}${target}`) : null;
    const file = url && this.#files.get(url.pathname);
    const route = url && Object.hasOwn(this.#routes, url.pathname) ? this.#routes[url.pathname] : undefined;
    const foreign = refuseForeignPost({ method, headers }, route?.type);
    if (foreign) return answerFault(response, foreign.status, foreign.text);
    if (!file && !route) return answerFault(response, 404, 'Not found.');
    const allowed = route?.method ?? 'GET';
    if (method !== allowed) {
      response.setHeader('Allow', allowed);
      return answerFault(response, 405, `Only ${allowed} is supported here.`);
    }
    if (file) return answer(response, 200, file.type, file.body);
    const stranger = url?.pathname === entryPath ? undefined : refuseStranger({ method, headers }, this.#session);
    if (stranger) return answerFault(response, stranger.status, stranger.text);
    await route?.run({ request, response, query: (url as URL).searchParams });
  }

  async #enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { code } = await readWish(request, entryWish, 'It must contain a code.');
    if (!this.#entryCode.redeem(code)) {
      this.#ports.onStaleLink(this.newLink());
      throw new RouteRefusal(401, 'This link was used or is too old.');
    }
    response.setHeader('Set-Cookie', sessionCookie(this.#session));
    answerJson(response, 200, {});
  }
}
