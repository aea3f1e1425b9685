import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { AvstarApi } from './avstar-api.ts';
import type { Faults, FaultsInput } from './faults.ts';
import { faultsSchema } from './faults.ts';
import type { FakeAvstarOptions } from './options.ts';
import { readBody } from './read-body.ts';
import type { ScheduledSpot, ScheduleEntry } from './schedule.ts';
import type { FakeAvstarStats } from './traffic-count.ts';

export interface FakeAvstar {
  url: string;
  port: number;
  stats: () => FakeAvstarStats;
  /** In the order they were stored. */
  entries: () => ScheduleEntry[];
  /** The same by spot and airtime. */
  schedule: () => ScheduledSpot[];
  /** Replaces the current faults with these: `{}` ends them all. A rotated token stays. */
  setFaults: (faults: FaultsInput) => void;
  /** Clears entries and statistics; the window and the faults continue. */
  reset: () => void;
  close: () => Promise<void>;
}

const maxControlBytes = 64 * 1024;

/** The scheduling API as the contract defines it, with faults on demand; see README.md in the parent folder. */
export async function startFakeAvstar(options: FakeAvstarOptions): Promise<FakeAvstar> {
  const api = new AvstarApi(options);
  const connections = { open: 0, max: 0 };
  const stats = (): FakeAvstarStats => ({ ...api.stats(), connections: { ...connections } });
  const server = createServer(
    // Longer than any client keeps an idle connection, so that the fake never closes one during a request.
    { keepAliveTimeout: 120_000, requestTimeout: 0 },
    (request, response) => {
      if (request.url === '/ingest') api.ingest(request, response);
      else control(request, response, api, stats).catch(() => response.destroy());
    },
  );
  server.on('connection', (socket) => {
    connections.max = Math.max(connections.max, ++connections.open);
    socket.once('close', () => connections.open--);
  });
  const { port } = await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    stats,
    entries: () => api.schedule.entries(),
    schedule: () => api.schedule.bySpot(),
    setFaults: (faults) => api.setFaults(faultsSchema.parse(faults)),
    reset: () => api.reset(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Handles the tester's requests, which need no token and have no limit. */
async function control(
  request: IncomingMessage,
  response: ServerResponse,
  api: AvstarApi,
  stats: () => FakeAvstarStats,
): Promise<void> {
  switch (`${request.method ?? ''} ${request.url ?? ''}`) {
    case 'GET /stats':
      return answerJson(response, 200, stats());
    case 'GET /entries':
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      return pipeline(Readable.from(api.schedule.blocks()), response);
    case 'GET /schedule':
      return answerJson(response, 200, api.schedule.bySpot());
    case 'DELETE /entries':
      api.reset();
      return void response.writeHead(204).end();
    case 'POST /faults':
      return answerFaults(request, response, api);
    default:
      return answerJson(response, 404, { error: 'no such path; see localstack/README.md' });
  }
}

async function answerFaults(request: IncomingMessage, response: ServerResponse, api: AvstarApi): Promise<void> {
  let faults: Faults;
  try {
    faults = faultsSchema.parse(JSON.parse((await readBody(request, maxControlBytes)) ?? ''));
  } catch (error) {
    return answerJson(response, 400, { error: error instanceof z.ZodError ? z.prettifyError(error) : String(error) });
  }
  api.setFaults(faults);
  answerJson(response, 200, faults);
}

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}
