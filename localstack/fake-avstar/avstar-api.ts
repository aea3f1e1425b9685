import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerBadly, loseConnection, neverAnswer } from './bad-answers.ts';
import type { DrawnFault, Faults, SpotAnswer } from './faults.ts';
import { FaultDice, faultsSchema } from './faults.ts';
import { readBody } from './read-body.ts';
import { Schedule } from './schedule.ts';
import type { FakeAvstarOptions } from './options.ts';
import { SlidingWindow } from './sliding-window.ts';
import { checkSpot, refusedOncePrefix } from './spot.ts';
import type { FakeAvstarStats } from './traffic-count.ts';
import { TrafficCount } from './traffic-count.ts';

interface Answer {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

const maxSpotBytes = 64 * 1024;
const scheduled: Answer = { status: 201, body: '{"status":"scheduled"}' };
const unknownEntry: Answer = { status: 412, body: '{"error":"no entry has the request id that is to be superseded"}' };
const seen: Answer = { status: 409, body: '{"error":"this request id has been seen"}' };

/**
 * POST /ingest. Checks in this order: an outage; the token (401, not counted); the limit (429, not counted either). From
 * there on, the request counts against the limit, whatever its answer: 400 without a request id, 413 and 422 for an invalid
 * spot, 422 for a refused one, 409 for a known id, 412 if the entry that it supersedes is not there, 201 for a spot that is
 * now scheduled.
 */
export class AvstarApi {
  readonly schedule: Schedule;
  readonly #options: FakeAvstarOptions;
  readonly #windowMs: number;
  readonly #window: SlidingWindow | null;
  readonly #refused: Set<string>;
  /** Request ids of spots that were refused once. */
  readonly #refusedBefore = new Set<string>();
  readonly #dice: FaultDice;
  #traffic: TrafficCount;
  #faults: Faults = faultsSchema.parse({});
  #authorization: string;
  /** How often each spot got its configured answer. */
  readonly #givenTo = new Map<string, number>();
  /** The machine that each connection leads to, in order of first requests. */
  readonly #machines = new WeakMap<Socket, number>();
  #connections = 0;
  #outageUntilMs = -Infinity;
  #stormUntilMs = -Infinity;

  constructor(options: FakeAvstarOptions) {
    this.#options = options;
    this.schedule = new Schedule(options.replaces);
    this.#windowMs = (options.windowSeconds ?? 60) * 1000;
    this.#window = options.requests === undefined ? null : new SlidingWindow(options.requests, this.#windowMs);
    this.#refused = new Set(options.refuse);
    this.#dice = new FaultDice(options.seed ?? 1);
    this.#traffic = new TrafficCount(this.#windowMs);
    this.#authorization = `Bearer ${options.token}`;
    if (options.faults) this.setFaults(faultsSchema.parse(options.faults));
  }

  setFaults(faults: Faults): void {
    const now = performance.now();
    this.#faults = faults;
    this.#givenTo.clear();
    this.#outageUntilMs = now + faults.outageMs;
    this.#stormUntilMs = now + faults.throttleStormMs;
    if (faults.token !== undefined) this.#authorization = `Bearer ${faults.token}`;
  }

  reset(): void {
    this.schedule.clear();
    this.#traffic = new TrafficCount(this.#windowMs);
  }

  stats(): Omit<FakeAvstarStats, 'connections'> {
    return {
      ...this.#traffic.report(performance.timeOrigin),
      stored: this.schedule.size,
      limit: { requests: this.#options.requests ?? null, windowSeconds: this.#windowMs / 1000 },
    };
  }

  ingest(request: IncomingMessage, response: ServerResponse): void {
    // The arrival time counts, not the time at which the body is complete.
    const now = performance.now();
    const traffic = this.#traffic;
    traffic.arrive(now);
    response.once('close', () => traffic.leave());
    if (request.method !== 'POST') return send(response, traffic, { status: 405, body: '{"error":"POST only"}' });
    if (now < this.#outageUntilMs) return this.#fail(request, response, traffic);
    if (this.#faults.rejectToken || request.headers.authorization !== this.#authorization) {
      return send(response, traffic, { status: 401, body: '{"error":"the token is not valid"}' });
    }
    traffic.offer(now);
    const throttled = this.#throttle(now);
    if (throttled) return send(response, traffic, throttled);
    traffic.count(now);
    const fault = this.#dice.draw(this.#faults);
    if (fault) traffic.strike(fault.kind);
    this.#settle(request, response, traffic, fault).catch(() => response.destroy());
  }

  #throttle(now: number): Answer | null {
    const as = this.#faults.retryAfterAs ?? this.#options.retryAfterAs;
    if (now < this.#stormUntilMs) {
      this.#traffic.strike('throttleStorm');
      return tooMany(this.#faults.throttleRetryAfterSeconds, as);
    }
    const waitMs = this.#window?.admit(now) ?? 0;
    return waitMs > 0 ? tooMany(waitMs / 1000, as) : null;
  }

  #fail(request: IncomingMessage, response: ServerResponse, traffic: TrafficCount): void {
    traffic.strike('outage');
    if (this.#faults.outageAs === 'reset') loseConnection(request);
    else send(response, traffic, { status: 503, body: '{"error":"out of service"}' });
  }

  async #settle(
    request: IncomingMessage,
    response: ServerResponse,
    traffic: TrafficCount,
    fault: DrawnFault | null,
  ): Promise<void> {
    const body = await readBody(request, maxSpotBytes);
    if (this.#isOnBadMachine(request.socket)) {
      traffic.strike('badMachine');
      return send(response, traffic, { status: 500, body: '{"error":"this machine is broken"}' });
    }
    const answer = fault?.when === 'before' ? null : this.#answerOf(request.headers, body, traffic);
    const { latencyMs } = this.#faults;
    if (latencyMs) {
      const [from, to] = latencyMs;
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, from + this.#dice.next() * (to - from)).unref();
      await promise;
    }
    switch (fault?.kind) {
      case undefined:
        return send(response, traffic, answer ?? scheduled);
      case 'error':
        return send(response, traffic, { status: 500, body: '{"error":"something broke"}' });
      case 'reset':
        return loseConnection(request);
      case 'timeout':
        return neverAnswer();
      case 'garbledBody':
      case 'hugeBody':
      case 'endlessBody': {
        const { status } = answer ?? scheduled;
        traffic.answer(status);
        return answerBadly(response, status, fault.kind);
      }
    }
  }

  #isOnBadMachine(socket: Socket): boolean {
    const { machinesOneBad: machines } = this.#faults;
    if (machines === null) return false;
    const machine = this.#machines.get(socket) ?? this.#connections++ % machines;
    this.#machines.set(socket, machine);
    return machine === machines - 1;
  }

  /** The configured answer, or the one that the API would give. */
  #answerOf(headers: IncomingHttpHeaders, body: string | null, traffic: TrafficCount): Answer {
    const asked = this.#spotAnswer(body);
    if (!asked) return this.#decide(headers, body, traffic);
    traffic.strike('spotAnswer');
    if (asked.stores) this.#decide(headers, body, traffic);
    const { retryAfterSeconds } = asked;
    return {
      status: asked.status,
      body: asked.body,
      headers: {
        'content-type': asked.contentType,
        ...(retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }),
      },
    };
  }

  #spotAnswer(body: string | null): SpotAnswer | undefined {
    if (this.#faults.spotAnswers.length === 0 || body === null) return undefined;
    const checked = checkSpot(body);
    if ('error' in checked) return undefined;
    const { spot_id: spot } = checked.spot;
    const asked = this.#faults.spotAnswers.find(({ spots }) => spots.includes(spot));
    const given = this.#givenTo.get(spot) ?? 0;
    if (!asked || (asked.times !== null && given >= asked.times)) return undefined;
    this.#givenTo.set(spot, given + 1);
    return asked;
  }

  /** The answer that the API would give; stores the spot if that is 201. */
  #decide(headers: IncomingHttpHeaders, body: string | null, traffic: TrafficCount): Answer {
    const { 'x-request-id': requestId, 'x-supersedes-request-id': superseded } = headers;
    if (typeof requestId !== 'string' || requestId === '') {
      return { status: 400, body: '{"error":"X-Request-ID is missing"}' };
    }
    if (body === null) return { status: 413, body: '{"error":"the body is too long"}' };
    const checked = checkSpot(body);
    if ('error' in checked) return { status: 422, body: JSON.stringify(checked) };
    const { spot_id } = checked.spot;
    const isRefused = this.#refused.has(spot_id) || this.#faults.refuseSpots.includes(spot_id);
    const isFirst = spot_id.startsWith(refusedOncePrefix) && !this.#refusedBefore.has(requestId);
    if (isFirst) this.#refusedBefore.add(requestId);
    if (spot_id.startsWith('REFUSE') || isFirst || isRefused) {
      return { status: 422, body: JSON.stringify({ error: 'unknown advertiser contract', spot_id }) };
    }
    if (this.schedule.has(requestId)) {
      traffic.duplicate();
      return seen;
    }
    // After the request id: a request that is repeated names an entry that it has replaced already.
    if (typeof superseded === 'string' && !this.schedule.supersede(superseded)) return unknownEntry;
    this.schedule.store(requestId, checked.spot);
    return scheduled;
  }
}

/** @param seconds until a place is free, rounded up to whole seconds; null: not sent */
function tooMany(seconds: number | null, as: FakeAvstarOptions['retryAfterAs'] = 'seconds'): Answer {
  const answer = { status: 429, body: '{"error":"too many requests"}' };
  if (seconds === null) return answer;
  const value =
    as === 'seconds'
      ? String(Math.ceil(seconds))
      : new Date(Math.ceil((Date.now() + seconds * 1000) / 1000) * 1000).toUTCString();
  return { ...answer, headers: { 'retry-after': value } };
}

function send(response: ServerResponse, traffic: TrafficCount, { status, body, headers }: Answer): void {
  // The connection is gone: the answer can't be delivered.
  if (response.destroyed) return;
  traffic.answer(status);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers })
    .end(body);
}
