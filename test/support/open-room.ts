import type { IncomingHttpHeaders, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { PolledSnapshot } from '../../cli/live/snapshot-poller.ts';
import type { Selection } from '../../cli/dlq/select-dead.ts';
import type { ControlRoom } from '../../cli/ui/control-room.ts';
import { openControlRoom } from '../../cli/ui/control-room.ts';
import { Jobs } from '../../cli/ui/jobs.ts';
import { LimiterSamples } from '../../cli/ui/limiter-samples.ts';
import type { RoomStack } from '../../cli/ui/room-stack.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { liveSnapshot } from './live-snapshot.ts';
import { notAnInteger, refusedRow, RoomFixture } from './room-fixture.ts';

export interface RoomWorld {
  room: ControlRoom;
  /** Of this start: `http://<random>.localhost:<port>`. */
  origin: string;
  /** The newest link's. */
  code: string;
  /** Links that were printed because a browser came with one that was used or too old. */
  newLinks: string[];
  clock: { now: () => number };
  /** What the page is shown; change it as you like. */
  sight: PolledSnapshot;
  /** The stack's content. */
  fixture: RoomFixture;
  redriven: Selection[];
  /** Controls the output of the running redrive, and its end. */
  say: (text: string) => void;
  endRedrive: (text: string) => void;
  failRedrive: (text: string) => void;
  jobs: Jobs;
  samples: LimiterSamples;
}

/** The file of the fixture that has dead letters: eight are rejected, four refused. */
export const deadFileId = 'traffic.0123456789abcdef01234567';

/** A control room over a snapshot and a stack that a test makes, with redrives that end when the test ends them. */
export async function openRoom(port = 0): Promise<RoomWorld> {
  const clock = { now: () => world.clock.now() };
  const world = {
    newLinks: [] as string[],
    clock: systemClock as RoomWorld['clock'],
    sight: { snapshot: liveSnapshot(), unanswered: null },
    fixture: new RoomFixture(clock),
    redriven: [] as Selection[],
  } satisfies Partial<RoomWorld> as unknown as RoomWorld;
  world.jobs = new Jobs(explain, clock);
  world.samples = new LimiterSamples();
  const failed = [...[4, 9, 14, 19, 24, 29, 34, 39].map(notAnInteger), ...[44, 49, 54, 59].map(refusedRow)];
  const source = { bucket: 'intake', key: 'traffic/avion-2026-01-03.csv', etag: '"e"', sizeBytes: 1_234_567 };
  await world.fixture.addClosed({ fileId: deadFileId, source, createdAt: Date.UTC(2026, 0, 4, 23) }, failed);
  const stack: RoomStack = {
    ...world.fixture.stack(),
    redrive: (selection, told, signal) => {
      world.redriven.push(selection);
      world.say = (text) => told.progress('', text);
      return new Promise((resolve, reject) => {
        world.endRedrive = resolve;
        world.failRedrive = (text) => reject(new Error(text));
        signal.addEventListener('abort', () => resolve('stopped'), { once: true });
      });
    },
  };
  world.room = await openControlRoom(port, {
    sight: async () => world.sight,
    stack: async () => stack,
    feeds: async () => ['traffic'],
    jobs: world.jobs,
    samples: world.samples,
    by: 'the operator',
    explain,
    onStaleLink: (link) => void world.newLinks.push(link),
    clock: { now: clock.now, sleep: (ms, signal) => systemClock.sleep(ms, signal) },
  });
  const url = new URL(world.room.link);
  return Object.assign(world, { origin: url.origin, code: url.hash.slice(1) });
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Asked extends RequestOptions {
  body?: string;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/**
 * A request to a control room as it is given, `Host` and path included: fetch would change them, and a name below
 * `localhost` is resolved by browsers, not by every system.
 * @param origin the room's, as in its link
 */
export function askRoom(origin: string, path: string, { headers, body, ...options }: Asked = {}): Promise<Answered> {
  const { host, port } = new URL(origin);
  const sent = { host, ...(headers as OutgoingHttpHeaders) };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname: '127.0.0.1', port, path, headers: sent, ...options }, (answer) => {
      text(answer).then(
        (read) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: read }),
        reject,
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Exchanges a link's code as the page does. */
export function enterRoom(origin: string, code: string): Promise<Answered> {
  const headers = { 'content-type': 'application/json', origin };
  return askRoom(origin, '/api/enter', { method: 'POST', headers, body: JSON.stringify({ code }) });
}

/** The cookie that a browser would send from then on. */
export function cookieOf({ headers }: Answered): string {
  return (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}
