import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { batchLeaseMs, fewestUnsaved } from '../../../lambdas/consumer/batch-journal.ts';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { openBreakerOf } from '../../../lambdas/core/limiter/open-breaker.ts';
import { flushAfterProbes, refuseAfterLoneProbes } from '../../../lambdas/core/limiter/breaker.ts';
import { AwsFaultError, LeaseLostError, UnusableSecretError } from '../../../lambdas/core/errors.ts';
import { requestIdOf } from '../../../lambdas/core/records/identity.ts';
import type { Progress } from '../../../lambdas/core/account/progress.ts';
import { decodeProgress, encodeProgress, lettersOwed, noProgress } from '../../../lambdas/core/account/progress.ts';
import type { Receipt } from '../../../lambdas/core/account/receipt.ts';
import { maxBatchFailures } from '../../../lambdas/core/limiter/retry.ts';
import type { BatchMessage } from '../../../lambdas/messages.ts';
import type { MetricName, SinkAnswer } from '../../../lambdas/ports.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let world: ConsumerWorld;
let fixture: FeedFixture;

const rows = (count: number) => Array.from({ length: count }, (_, index) => rowOf(index + 1));

async function begin(
  fileRows: (Record<string, unknown> | string)[],
  limit?: { requests: number; windowSeconds: number },
) {
  clock = new SimulatedClock();
  fixture = fixtureOf(fileRows);
  world = consumerWorld(clock, fixture, limit);
  await putSplitFile(world.ledger, fixture);
}

/** A deadline that far from now. */
function inMs(ms: number) {
  const end = clock.now() + ms;
  return { remainingMs: () => end - clock.now(), isDrawingIn: () => end - clock.now() <= 20_000 };
}

const deliver = (message: BatchMessage = fixture.message, timeMs = 900_000) =>
  clock.run(deliverBatch(message, world.ports, inMs(timeMs)));

/** Delivers a message and every successor it leaves, each after its delay. */
async function deliverToTheEnd(): Promise<void> {
  await deliver();
  await deliverToTheEndOfSuccessors();
}

async function deliverToTheEndOfSuccessors(): Promise<void> {
  for (let next = world.successors.shift(); next; next = world.successors.shift()) {
    await clock.advance(next.delaySeconds * 1000);
    await deliver(next.message);
  }
}

function receipts(): Receipt[] {
  const batch = world.ledger.batches.get(`${fixture.fileId}#1`);
  expect(batch?.state).toBe('settled');
  const text = gunzipSync(world.receipts.get(batch?.receiptsKey ?? '') as Buffer).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Receipt);
}

/** Why the breaker was opened, each time. */
const openings = () =>
  world.events.filter(({ type }) => type === 'breaker opened').map(({ detail }) => detail['reason']);
const outcomesOf = () => receipts().map((receipt) => receipt.outcome);
const failure = (status: number | null): SinkAnswer => ({
  kind: 'failed',
  status,
  reason: `http_${status}`,
  ambiguous: true,
});

describe('a batch that can’t be read', () => {
  it('fails on each receive, so that SQS moves it to the DLQ', async () => {
    await begin(rows(3));
    const wrong = { ...fixture.message, records: 7 };
    for (let receive = 1; receive <= 5; receive++) {
      await expect(deliver(wrong)).rejects.toThrow('cuts into 3');
      // What failed is visible again after half a minute: its own lease must not be in the way.
      await clock.advance(30_000);
    }
    expect(world.successors).toEqual([]);
  });
});

describe('a slow API', () => {
  it('that accepts a request only after 70 s leaves the batch to the consumer that waits for its turn', async () => {
    await begin(rows(4), { requests: 1, windowSeconds: 70 });
    const done = deliver();
    const claims: string[] = [];
    for (let waited = 0; waited < 180; waited += 20) {
      await clock.advance(20_000);
      claims.push((await world.ledger.claimBatch({ ...fixture.message, attempt: 2 }, 'rival', 1)).kind);
    }
    await done;
    expect(new Set(claims)).toEqual(new Set(['busy']));
    expect(outcomesOf()).toEqual(Array(4).fill('uploaded'));
  });
});

describe('a batch of valid records', () => {
  beforeEach(() => begin(rows(120)));

  it('is uploaded completely, each record once, and settled', async () => {
    await deliver();
    expect(world.api.stored.size).toBe(120);
    expect(world.api.requests).toHaveLength(120);
    expect(outcomesOf()).toEqual(Array(120).fill('uploaded'));
    expect(receipts().map((receipt) => receipt.record)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
    expect(world.finalize).toHaveLength(1);
  });

  it('sends the five fields as they were written', async () => {
    await deliver();
    expect([...world.api.stored.values()][6]).toEqual({
      spot_id: 'SP-000007',
      station: 'WABC',
      airtime: '2026-01-05 06:00:00',
      duration_sec: 30,
      advertiser: 'Client 7',
    });
  });

  it('never sends more than the limit in any window', async () => {
    await deliver();
    const times = world.api.requests.map((request) => request.at);
    // 600 a minute: any 11 requests span more than a second.
    for (let from = 0; from + 10 < times.length; from++) {
      expect((times[from + 10] as number) - (times[from] as number)).toBeGreaterThanOrEqual(1000);
    }
  });

  it('is not begun again once it is settled, but requests the finalizer again', async () => {
    await deliver();
    await deliver();
    expect(world.api.requests).toHaveLength(120);
    expect(world.finalize).toHaveLength(2);
  });

  it('waits in the queue, without a failure, while another consumer has it', async () => {
    await world.ledger.claimBatch(fixture.message, 'other', batchLeaseMs);
    await deliver();
    expect(world.api.requests).toHaveLength(0);
    expect(world.successors).toEqual([{ message: fixture.message, delaySeconds: batchLeaseMs / 1000 + 1 }]);
  });

  it('stops when another consumer takes it over, and settles nothing', async () => {
    world.api.fault = (_, nth) => {
      if (nth === 60) Object.assign(world.ledger.batches.get(`${fixture.fileId}#1`) as object, { leaseOwner: 'other' });
      return undefined;
    };
    await expect(deliver()).rejects.toThrow(LeaseLostError);
    expect(world.api.requests.length).toBeLessThan(120);
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.state).toBe('open');
  });

  it('hands the rest to a successor when its time runs out, without a failure', async () => {
    await deliver(fixture.message, 25_000);
    const [successor] = world.successors;
    expect(successor?.message).toMatchObject({ attempt: 2, failures: 0 });
    expect(successor?.delaySeconds).toBe(0);
    const sentBefore = world.api.requests.length;
    expect(sentBefore).toBeGreaterThan(30);
    expect(sentBefore).toBeLessThan(120);
    await deliver(successor?.message);
    expect(world.api.requests).toHaveLength(120);
    expect(outcomesOf()).toEqual(Array(120).fill('uploaded'));
  });

  it('ignores leftover work of an earlier attempt', async () => {
    await world.ledger.claimBatch({ ...fixture.message, attempt: 3 }, 'other', 1);
    await clock.advance(10);
    await deliver();
    expect(world.api.requests).toHaveLength(0);
    expect(world.successors).toHaveLength(0);
  });
});

describe('calls to the ledger', () => {
  /** How often each of its functions is called. */
  function counted(): Record<string, number> {
    const calls: Record<string, number> = {};
    world.ports.ledger = new Proxy(world.ports.ledger, {
      get(target, name: string) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]) => {
          calls[name] = (calls[name] ?? 0) + 1;
          return (value as (...all: unknown[]) => unknown).apply(target, parameters);
        };
      },
    });
    return calls;
  }

  it('save progress about once a second where the API is fast', async () => {
    await begin(rows(480), { requests: 240, windowSeconds: 1 });
    const calls = counted();
    await deliver();
    expect(outcomesOf()).toEqual(Array(480).fill('uploaded'));
    expect(calls['saveProgress']).toBeLessThanOrEqual(6);
  });

  it('save progress every 50 records at the most where it is slow', async () => {
    await begin(rows(120), { requests: 600, windowSeconds: 60 });
    const calls = counted();
    await deliver();
    expect(calls['saveProgress']).toBeGreaterThanOrEqual(3);
  });

  it('read a file twice for each of its batches, and once more for the first', async () => {
    await begin(rows(20));
    const second = { ...fixture.message, batch: 2, firstRecord: 21, firstLine: 21 };
    const calls = counted();
    await deliver();
    expect(calls['getFile']).toBe(3);
    await deliver(second);
    expect(calls['getFile']).toBe(5);
  });
});

describe('a consumer that is killed', () => {
  /** Runs until that many requests were made, or letters sent, then drops everything on the floor, as SIGKILL does. */
  async function killAfter(requests: number | 'letters', message: BatchMessage = fixture.message): Promise<void> {
    let kill = () => {};
    const killed = new Promise<void>((resolve) => (kill = resolve));
    const dead: ConsumerWorld['ports'] = { ...world.ports };
    const never = new Promise<never>(() => undefined);
    let isDead = false;
    const mortal = <T extends object>(port: T): T =>
      new Proxy(port, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown;
          if (typeof value !== 'function') return value;
          return (...parameters: unknown[]) =>
            isDead ? never : (value as (...all: unknown[]) => unknown).apply(target, parameters);
        },
      });
    dead.ledger = mortal(world.ports.ledger);
    dead.letters = mortal(world.ports.letters);
    dead.sink = mortal(world.ports.sink);
    dead.batches = mortal(world.ports.batches);
    dead.receipts = mortal(world.ports.receipts);
    const { fault } = world.api;
    if (requests === 'letters') {
      const queue = dead.letters;
      dead.letters = {
        ...queue,
        sendLetters: async (letters) => {
          await queue.sendLetters(letters);
          isDead = true;
          kill();
          return never;
        },
      };
    }
    world.api.fault = (request, nth) => {
      if (nth === requests) {
        isDead = true;
        kill();
      }
      return fault(request, nth);
    };
    void deliverBatch(message, dead, inMs(900_000)).catch(() => undefined);
    await clock.run(killed);
    world.api.fault = () => undefined;
    await clock.advance(batchLeaseMs + 1000);
  }

  it.each([1, 2, 17, 49, 50, 51, 90, 149])(
    'costs at most 50 repeated requests, and no record (killed at request %i)',
    async (at) => {
      await begin(rows(150));
      await killAfter(at);
      await deliverToTheEnd();
      expect(world.api.stored.size).toBe(150);
      expect(outcomesOf()).toEqual(Array(150).fill('uploaded'));
      expect(world.api.requests.length - 150).toBeLessThanOrEqual(fewestUnsaved);
    },
  );

  it.each([30, 120, 260, 390])(
    'of an API that takes 200 a second, costs no more than that (killed at request %i)',
    async (at) => {
      await begin(rows(400), { requests: 200, windowSeconds: 1 });
      await killAfter(at);
      await deliverToTheEnd();
      expect(outcomesOf()).toEqual(Array(400).fill('uploaded'));
      expect(world.api.stored.size).toBe(400);
      expect(world.api.requests.length - 400).toBeLessThanOrEqual(200);
    },
  );

  it('sends a rejected record’s letter again rather than never', async () => {
    await begin([...rows(10), '{"broken', ...rows(20).slice(10)]);
    await killAfter(15);
    await deliverToTheEnd();
    expect(world.letters.length).toBeGreaterThanOrEqual(1);
    expect(new Set(world.letters.map((letter) => letter.record))).toEqual(new Set([11]));
    expect(new Set(world.letters.map((letter) => letter.letter_id)).size).toBe(world.letters.length);
  });

  it('after it sent letters of rejected records, holds none of them if the file is cancelled', async () => {
    await begin([...rows(100), '{"broken', '{"broken']);
    await killAfter('letters');
    expect(world.letters.map(({ record }) => record)).toEqual([101, 102]);
    await world.ledger.cancelFile(fixture.fileId, { by: 'ann', why: 'wrong day' });
    await deliverToTheEnd();
    const outcomes = outcomesOf();
    expect(outcomes).toContain('held');
    expect(outcomes.slice(100)).toEqual(['rejected', 'rejected']);
  });

  it('after it sent letters in an outage, holds none of their records if the file is cancelled', async () => {
    await begin(rows(40));
    world.api.fault = () => failure(503);
    await deliver();
    while (world.limiter.item.failedProbes !== flushAfterProbes - 1) {
      const { message, delaySeconds } = world.successors.shift() as (typeof world.successors)[number];
      await clock.advance(delaySeconds * 1000);
      await deliver(message);
    }
    const { message, delaySeconds } = world.successors.shift() as (typeof world.successors)[number];
    await clock.advance(delaySeconds * 1000);
    await killAfter('letters', message);
    expect(world.letters).toHaveLength(40);
    await world.ledger.cancelFile(fixture.fileId, { by: 'ann', why: 'wrong day' });
    const requests = world.api.requests.length;
    await deliver(message);
    expect(outcomesOf()).toEqual(Array(40).fill('exhausted'));
    expect(world.api.requests).toHaveLength(requests);
  });

  it('after it saved an outcome whose letter it did not send, leaves the letter to the next one', async () => {
    await begin([...rows(10), '{"broken']);
    const { letters } = world.ports;
    world.ports.letters = { ...letters, sendLetters: () => Promise.reject(new AwsFaultError('Outage', 'sqs')) };
    await expect(deliver()).rejects.toThrow(AwsFaultError);
    const progress = world.ledger.batches.get(`${fixture.fileId}#1`)?.progress ?? Buffer.of();
    expect(lettersOwed(decodeProgress(progress))).toMatchObject([{ place: 10, outcome: 'rejected' }]);
    world.ports.letters = letters;
    await deliver();
    expect(world.letters).toMatchObject([{ record: 11, outcome: 'rejected', reason: 'not_json' }]);
    expect(outcomesOf()).toEqual([...Array<string>(10).fill('uploaded'), 'rejected']);
  });
});

describe('records that fail', () => {
  it('are rejected one by one, each with its letter, while the others are uploaded', async () => {
    await begin([rowOf(1), { ...rowOf(2), Duration: '30s' }, '{"broken', { ...rowOf(4), ClientName: ' ' }, rowOf(5)]);
    await deliver();
    expect(outcomesOf()).toEqual(['uploaded', 'rejected', 'rejected', 'rejected', 'uploaded']);
    expect(world.letters).toMatchObject([
      {
        record: 2,
        outcome: 'rejected',
        reason: 'not_an_integer',
        field: 'Duration',
        line: 2,
        attempts: 0,
        http_status: null,
      },
      { record: 3, outcome: 'rejected', reason: 'not_json', field: null, raw_payload: '{"broken' },
      { record: 4, outcome: 'rejected', reason: 'blank', field: 'ClientName' },
    ]);
    const [second] = world.letters;
    expect(fixture.message.body.slice(second?.offset, (second?.offset ?? 0) + (second?.length ?? 0))).toBe(
      second?.raw_payload,
    );
  });

  it('are refused with the API’s answer', async () => {
    await begin(rows(3));
    world.api.fault = (request) =>
      request.payload['spot_id'] === 'SP-000002'
        ? { kind: 'refused', status: 422, answer: 'no such contract' }
        : undefined;
    await deliver();
    expect(outcomesOf()).toEqual(['uploaded', 'refused', 'uploaded']);
    expect(world.letters).toMatchObject([
      {
        record: 2,
        outcome: 'refused',
        reason: 'http_422',
        http_status: 422,
        api_answer: 'no such contract',
        attempts: 1,
      },
    ]);
  });

  it('are retried in place, with pauses between', async () => {
    await begin(rows(3));
    world.api.fault = (_, nth) => (nth <= 2 ? failure(503) : undefined);
    await deliver();
    expect(outcomesOf()).toEqual(['uploaded', 'uploaded', 'uploaded']);
    expect(world.api.requests).toHaveLength(5);
    expect(world.successors).toHaveLength(0);
  });

  it('are handed to successors with their own count, and are exhausted at the last try', async () => {
    await begin(rows(4));
    world.api.fault = (request) => (request.payload['spot_id'] === 'SP-000003' ? failure(500) : undefined);
    await deliver();
    const delays: number[] = [];
    for (let next = world.successors.shift(); next; next = world.successors.shift()) {
      delays.push(next.delaySeconds);
      await clock.advance(next.delaySeconds * 1000);
      await deliver(next.message);
    }
    expect(delays).toHaveLength(maxBatchFailures - 1);
    expect(delays.every((delay, index) => index === 0 || delay > (delays[index - 1] as number))).toBe(true);
    expect(outcomesOf()).toEqual(['uploaded', 'uploaded', 'exhausted', 'uploaded']);
    expect(world.letters).toMatchObject([{ record: 3, outcome: 'exhausted', reason: 'http_500' }]);
    expect(world.api.requests.filter((request) => request.requestId === world.api.requests[0]?.requestId)).toHaveLength(
      1,
    );
  });

  it('and are few are not an outage: they are exhausted, and sending continues', async () => {
    await begin(rows(8));
    world.api.fault = (request) => (/[246]$/.test(String(request.payload['spot_id'])) ? failure(500) : undefined);
    await deliverToTheEnd();
    expect(openings()).toEqual([]);
    expect(outcomesOf().filter((outcome) => outcome === 'exhausted')).toHaveLength(3);
    expect(world.letters.map((letter) => letter.record).sort()).toEqual([2, 4, 6]);
  });

  it('have their outcome saved before their letter is in the queue, and owe it until it is', async () => {
    await begin(rows(60));
    world.api.fault = () => ({ kind: 'refused', status: 422, answer: 'no' });
    let saved: Progress = noProgress;
    const sent = new Set<number>();
    const { letters, ledger } = world.ports;
    world.ports.letters = {
      ...letters,
      sendLetters: async (batch) => {
        const ended = saved.done.map(({ place }) => place + 1);
        for (const letter of batch) expect(ended).toContain(letter.record);
        // As long as a call to SQS takes, other records get their answers.
        await clock.sleep(150);
        for (const letter of batch) sent.add(letter.record);
        return letters.sendLetters(batch);
      },
    };
    const save = ledger.saveProgress.bind(ledger);
    ledger.saveProgress = (fileId, batch, owner, progress, leaseMs) => {
      saved = decodeProgress(progress);
      const owed = new Set(lettersOwed(saved).map(({ place }) => place));
      for (const { place } of saved.done) if (!owed.has(place)) expect(sent).toContain(place + 1);
      return save(fileId, batch, owner, progress, leaseMs);
    };
    await deliver();
    expect(sent.size).toBe(60);
    expect(world.letters).toHaveLength(60);
  });

  it('but were stored before a late reset: the 409 counts as uploaded, and the receipt says so', async () => {
    await begin(rows(2));
    world.api.fault = (_, nth) => (nth === 1 ? 'store-and-fail' : undefined);
    await deliver();
    expect(receipts()).toMatchObject([
      { outcome: 'uploaded', status: 409, confirmed_by: '409', attempts: 2 },
      { outcome: 'uploaded', status: 201 },
    ]);
  });
});

describe('records that the API already has', () => {
  it('are duplicates if no try of ours can have stored them', async () => {
    await begin(rows(2));
    world.api.fault = (_, nth) => (nth === 1 ? { kind: 'duplicate', status: 409 } : undefined);
    await deliver();
    expect(receipts()).toMatchObject([{ outcome: 'duplicate', status: 409 }, { outcome: 'uploaded' }]);
    expect(receipts()[0]).not.toHaveProperty('confirmed_by');
  });

  it('are duplicates if the same spot occurs twice in the batch, even when the first had no answer', async () => {
    await begin([rowOf(1), rowOf(1)]);
    world.api.fault = (_, nth) => (nth === 1 ? 'store-and-fail' : undefined);
    await deliver();
    expect(outcomesOf()).toEqual(['uploaded', 'duplicate']);
    expect(world.api.stored.size).toBe(1);
  });
});

describe('an API that must be left alone', () => {
  it('is paused by Retry-After, at no cost to the record', async () => {
    await begin(rows(30));
    world.api.fault = (_, nth) => (nth === 5 ? { kind: 'throttled', status: 429, retryAfterMs: 7_000 } : undefined);
    await deliver();
    expect(outcomesOf()).toEqual(Array(30).fill('uploaded'));
    const times = world.api.requests.map((request) => request.at);
    const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(6_500);
    expect(receipts().every((receipt) => receipt.attempts === 1)).toBe(true);
  });

  it('returns its batch to the queue for a long pause, without a failure', async () => {
    await begin(rows(30));
    world.api.fault = (_, nth) => (nth === 5 ? { kind: 'throttled', status: 429, retryAfterMs: 300_000 } : undefined);
    await deliver();
    expect(world.successors).toMatchObject([{ message: { attempt: 2, failures: 0 } }]);
    expect(world.successors[0]?.delaySeconds).toBeGreaterThan(250);
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(Array(30).fill('uploaded'));
  });

  it('is probed once a minute while it is down; at the fifth probe the consumer’s batch becomes a dead letter', async () => {
    await begin(rows(40));
    world.api.fault = () => failure(503);
    await deliverToTheEnd();
    expect(world.limiter.item.failedProbes).toBe(flushAfterProbes);
    expect(openBreakerOf(world.limiter.item)).toMatchObject({ reason: 'outage', answer: { status: 503 } });
    expect(outcomesOf()).toEqual(Array(40).fill('exhausted'));
    expect(world.letters).toHaveLength(40);
    expect(world.letters[0]).toMatchObject({ reason: 'circuit_open', outcome: 'exhausted' });
    // What opened the breaker, and the probes.
    expect(world.api.requests.length).toBeLessThan(45);
  });

  it('reports each change of its breaker once, without secrets', async () => {
    await begin(rows(20));
    const downUntil = clock.now() + 100_000;
    world.api.fault = () => (clock.now() < downUntil ? failure(503) : undefined);
    await deliverToTheEnd();
    const told = world.events.map(({ type, detail }) => [type, detail['failed_probes'], detail['until'] !== null]);
    expect(told).toEqual([
      ['breaker opened', 0, true],
      ['breaker stays open', 1, true],
      ['breaker closed', 1, false],
    ]);
    expect(world.metrics.filter(({ name }) => name === 'BreakerOpen')).toHaveLength(2);
    expect(world.metrics.filter(({ name }) => name === 'UnauthorisedAnswers')).toEqual([]);
    for (const { detail } of world.events) {
      expect(detail).toMatchObject({ api: 'api.example', reason: 'outage' });
      expect(Object.keys(detail).sort()).toEqual(['api', 'failed_probes', 'http_status', 'reason', 'until']);
    }
  });

  it('whose probe ends with a fault of AWS leaves no other connection waiting for it', async () => {
    await begin(rows(40));
    world.api.fault = () => failure(503);
    await deliver();
    world.api.fault = () => {
      throw new AwsFaultError('the token can not be read', 'secretsmanager');
    };
    await expect(deliverToTheEndOfSuccessors()).rejects.toThrow(AwsFaultError);
  });

  it('still gets records if the breaker’s events are refused', async () => {
    await begin(rows(20));
    world.ports.events = { publish: () => Promise.reject(new Error('no bus')) };
    const downUntil = clock.now() + 30_000;
    world.api.fault = () => (clock.now() < downUntil ? failure(503) : undefined);
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(Array(20).fill('uploaded'));
  });

  it('that goes down after it refused the token costs no record: the reason for opening counts', async () => {
    await begin(rows(10));
    const openedAt = clock.now();
    world.api.fault = () =>
      clock.now() - openedAt < 30_000 ? { kind: 'unauthorised', status: 401, answer: 'no' } : failure(503);
    await deliver();
    for (let probe = 0; probe < 2 * flushAfterProbes; probe++) {
      const next = world.successors.shift();
      await clock.advance((next?.delaySeconds ?? 0) * 1000);
      await deliver(next?.message);
    }
    expect(world.limiter.item).toMatchObject({ reason: 'unauthorised', breaker: 'open' });
    expect(world.limiter.item.failedProbes).toBeGreaterThan(flushAfterProbes);
    expect(world.letters).toEqual([]);
  });

  it('that refuses the token at a probe is still down: the batch in hand becomes a dead letter', async () => {
    await begin(rows(40));
    world.api.fault = () =>
      world.limiter.item.breaker === 'open' ? { kind: 'unauthorised', status: 401, answer: 'no' } : failure(503);
    await deliverToTheEnd();
    expect(openings()).toEqual(['outage']);
    expect(outcomesOf()).toEqual(Array(40).fill('exhausted'));
  });

  it('that fails its fifth probe with a letter still has a batch given up, not the letter', async () => {
    await begin(rows(40));
    await world.ports.limiter.openBreaker('outage');
    // Four were batches', the fifth was a letter's.
    Object.assign(world.limiter.item, { failedProbes: flushAfterProbes });
    world.api.fault = () => failure(503);
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(Array(40).fill('exhausted'));
    expect(world.limiter.item).toMatchObject({ failedProbes: flushAfterProbes + 1, flushed: 1 });
  });

  it('that blocks the last record at the probe that gives its batch up has refused it', async () => {
    await begin(rows(2));
    world.api.fault = (_, nth) => (nth > 1 ? failure(500) : undefined);
    await deliver();
    // It has been the probe for want of others, each time.
    await world.ports.limiter.openBreaker('outage');
    const failedProbes = refuseAfterLoneProbes - 1;
    Object.assign(world.limiter.item, { failedProbes, loneProbes: failedProbes });
    world.api.fault = () => ({ kind: 'unauthorised', status: 403, answer: 'no' });
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(['uploaded', 'refused']);
  });

  it('causes no other batch to be exhausted, however long it is down', async () => {
    await begin(rows(40));
    // Another consumer's batch has been given up in this opening already.
    await world.ports.limiter.openBreaker('outage');
    Object.assign(world.limiter.item, { failedProbes: flushAfterProbes, flushed: 1 });
    const downUntil = clock.now() + 3 * 60 * 60 * 1000;
    world.api.fault = () => (clock.now() < downUntil ? failure(503) : undefined);
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(Array(40).fill('uploaded'));
    expect(world.letters).toHaveLength(0);
    // Three hours of one probe a minute, and what opened the breaker.
    expect(world.api.requests.length).toBeLessThan(40 + 180 + 30);
  });

  it('that refuses the token opens the breaker; the records wait until the token is right', async () => {
    await begin(rows(10));
    let isRight = false;
    world.api.fault = () => (isRight ? undefined : { kind: 'unauthorised', status: 401, answer: 'no' });
    await deliver();
    expect(openings()).toEqual(['unauthorised']);
    expect(world.metrics).toContainEqual({ name: 'UnauthorisedAnswers', value: 1 });
    expect(world.successors).toMatchObject([{ message: { failures: 0 } }]);
    isRight = true;
    const next = world.successors.shift();
    await clock.advance((next?.delaySeconds ?? 0) * 1000);
    await deliver(next?.message);
    expect(outcomesOf()).toEqual(Array(10).fill('uploaded'));
  });

  it('whose token can not be read gets no requests, at no cost to the records', async () => {
    await begin(rows(10));
    let isReadable = false;
    const token = () => (isReadable ? Promise.resolve('token') : Promise.reject(new Error('no secret')));
    world.ports.tokens = { token, refresh: token };
    world.api.fault = () => (isReadable ? undefined : { kind: 'no-token', status: null, answer: 'no secret' });
    await deliver();
    expect(openings()).toEqual(['no_token']);
    expect(world.limiter.item).toMatchObject({ answer: 'no secret' });
    expect(world.metrics).toContainEqual({ name: 'UnauthorisedAnswers', value: 1 });
    expect(world.letters).toEqual([]);
    isReadable = true;
    await deliverToTheEndOfSuccessors();
    expect(outcomesOf()).toEqual(Array(10).fill('uploaded'));
  });

  it('uses a rotated token at once', async () => {
    await begin(rows(10));
    let token = 'old';
    world.ports.tokens = { token: async () => token, refresh: async () => (token = 'new') };
    world.api.fault = () => (token === 'new' ? undefined : { kind: 'unauthorised', status: 401, answer: 'no' });
    await deliver();
    expect(openings()).toEqual([]);
    expect(outcomesOf()).toEqual(Array(10).fill('uploaded'));
  });
});

describe('a token that is rotated while the breaker is open', () => {
  /** The secret, and the consumer's cached copy. */
  function secretOf(stored: string) {
    const secret = { stored, known: undefined as string | undefined };
    const refresh = async () => (secret.known = secret.stored);
    world.ports.tokens = { token: async () => secret.known ?? refresh(), refresh };
    world.api.fault = () =>
      secret.known === 'new' ? undefined : { kind: 'unauthorised', status: 401, answer: 'expired' };
    return secret;
  }

  it('is used in the next probe, which closes the breaker', async () => {
    await begin(rows(10));
    const secret = secretOf('old');
    await deliver();
    expect(openings()).toEqual(['unauthorised']);
    const asked = world.api.requests.length;
    secret.stored = 'new';
    const next = world.successors.shift();
    await clock.advance((next?.delaySeconds ?? 0) * 1000);
    await deliver(next?.message);
    expect(outcomesOf()).toEqual(Array(10).fill('uploaded'));
    // One request per record: no probe was wasted on the old token.
    expect(world.api.requests.length - asked).toBe(10);
    expect(world.limiter.item).toMatchObject({ breaker: 'closed' });
  });

  it('is reported as unusable from the next probe on, if it is', async () => {
    await begin(rows(10));
    secretOf('old');
    await deliver();
    expect(world.limiter.item).toMatchObject({ reason: 'unauthorised' });
    const why = 'the secret traffic/token cannot be used: it is empty';
    world.ports.tokens = {
      token: () => Promise.reject(new UnusableSecretError(why)),
      refresh: () => Promise.reject(new UnusableSecretError(why)),
    };
    world.api.fault = () => ({ kind: 'no-token', status: null, answer: why });
    const probeWith = async () => {
      const next = world.successors.shift();
      await clock.advance((next?.delaySeconds ?? 0) * 1000);
      await deliver(next?.message);
    };
    await probeWith();
    expect(world.limiter.item).toMatchObject({ breaker: 'open', reason: 'no_token', answer: why });
    secretOf('old');
    await probeWith();
    expect(world.limiter.item).toMatchObject({ breaker: 'open', reason: 'unauthorised' });
    expect(world.letters).toEqual([]);
  });
});

describe('a file that was stopped', () => {
  it('repeats the requests that an earlier attempt may have sent: the API recognises them', async () => {
    await begin(rows(5));
    Object.assign(world.ledger.files.get(fixture.fileId) as object, { state: 'superseded' });
    await world.ledger.claimBatch(fixture.message, 'killed', 1);
    // The API has the first two, and the consumer was killed before it could record that.
    await world.ledger.saveProgress(fixture.fileId, 1, 'killed', encodeProgress({ done: [], fence: 2 }), 1);
    const requestIds = [1, 2].map((number) =>
      requestIdOf([`SP-00000${number}`, '2026-01-05 06:00:00'], fixture.sha256),
    );
    for (const requestId of requestIds) world.api.stored.set(requestId, {});
    await clock.advance(10);
    await deliver();
    expect(outcomesOf()).toEqual(['uploaded', 'uploaded', 'held', 'held', 'held']);
  });

  it('holds the records that were not sent', async () => {
    await begin(rows(5));
    await world.ledger.quarantineFile(fixture.fileId, { at: 1, rejected: 9, seen: 9, message: 'wrong' });
    await deliver();
    expect(world.api.requests).toHaveLength(0);
    expect(outcomesOf()).toEqual(Array(5).fill('held'));
  });
});

describe('an answer that does not say that the record is stored', () => {
  const tryEndsAfterMs = 30_000;
  /** What the API has when it answers, by the request id of the batch's first record. */
  const stores = () => world.api.stored.size;

  it('such as a 409 to a try that hangs and is rolled back later does not count as delivered', async () => {
    await begin(rows(1));
    const begunAt = clock.now();
    // The API notes the request id, works on it for 20 s, and rolls back. Until then it says "seen before".
    world.api.fault = (_, nth) => {
      if (nth === 1) return { kind: 'failed', status: null, reason: 'headers_timeout', ambiguous: true };
      return clock.now() < begunAt + 20_000 ? { kind: 'duplicate', status: 409 } : undefined;
    };
    await deliver();
    expect(stores()).toBe(1);
    expect(receipts()).toMatchObject([{ outcome: 'uploaded', status: 201 }]);
    expect(receipts()[0]).not.toHaveProperty('confirmed_by');
  });

  it('counts as delivered by a 409 once the try has ended, with the answer in the receipt', async () => {
    await begin(rows(1));
    world.api.fault = (_, nth) =>
      nth === 1 ? 'store-and-fail' : { kind: 'duplicate', status: 409, answer: 'seen at 06:00' };
    await deliver();
    expect(receipts()).toMatchObject([
      { outcome: 'uploaded', status: 409, confirmed_by: '409', attempts: 2, api_answer: 'seen at 06:00' },
    ]);
    const [first, last] = [world.api.requests[0], world.api.requests.at(-1)];
    expect((last?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(tryEndsAfterMs);
  });

  it('is not waited for if the API itself has answered the try', async () => {
    await begin(rows(1));
    world.api.fault = (_, nth) => (nth === 1 ? failure(500) : { kind: 'duplicate', status: 409 });
    const begunAt = clock.now();
    await deliver();
    expect(receipts()).toMatchObject([{ outcome: 'uploaded', confirmed_by: '409' }]);
    expect(clock.now() - begunAt).toBeLessThan(tryEndsAfterMs);
  });

  it('is left to a successor that begins when the try has ended', async () => {
    await begin(rows(1));
    world.api.fault = () => ({ kind: 'failed', status: null, reason: 'headers_timeout', ambiguous: true });
    await deliver();
    const lastAt = world.api.requests.at(-1)?.at ?? 0;
    const [successor] = world.successors;
    expect(clock.now() + (successor?.delaySeconds ?? 0) * 1000 - lastAt).toBeGreaterThan(tryEndsAfterMs);
    // So a 409 to it is ours at once.
    world.api.fault = () => ({ kind: 'duplicate', status: 409 });
    await deliverToTheEndOfSuccessors();
    expect(receipts()).toMatchObject([{ outcome: 'uploaded', confirmed_by: '409' }]);
  });

  it('such as "in progress" is requested again, and is not a failure of the API', async () => {
    await begin(rows(20));
    const begunAt = clock.now();
    // All of them, for longer than ten failures in a row would take to open the breaker.
    world.api.fault = () =>
      clock.now() < begunAt + 12_000 ? { kind: 'in-progress', status: 409, answer: 'in progress' } : undefined;
    await deliver();
    expect(openings()).toEqual([]);
    expect(outcomesOf()).toEqual(Array(20).fill('uploaded'));
    expect(stores()).toBe(20);
  });

  it('such as "in progress" for ever ends in a letter that says so', async () => {
    await begin(rows(2));
    world.api.fault = (request) =>
      request.payload['spot_id'] === 'SP-000001'
        ? { kind: 'in-progress', status: 409, answer: 'in progress', retryAfterMs: 7_000 }
        : undefined;
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(['exhausted', 'uploaded']);
    expect(world.letters).toMatchObject([{ reason: 'in_progress', http_status: 409, api_answer: 'in progress' }]);
  });

  it('such as "in progress", then a duplicate, means that an earlier try of ours stored it', async () => {
    await begin(rows(1));
    const answers: SinkAnswer[] = [
      { kind: 'in-progress', status: 409 },
      { kind: 'duplicate', status: 409 },
    ];
    world.api.fault = () => answers.shift();
    await deliver();
    expect(receipts()).toMatchObject([{ outcome: 'uploaded', confirmed_by: '409' }]);
  });

  it('is kept for a duplicate, and for a record that was exhausted', async () => {
    await begin(rows(2));
    world.api.fault = (request) =>
      request.payload['spot_id'] === 'SP-000001'
        ? { kind: 'duplicate', status: 409, answer: 'seen' }
        : { kind: 'failed', status: 202, reason: 'http_202', ambiguous: true, answer: 'queued' };
    await deliverToTheEnd();
    expect(receipts()).toMatchObject([
      { outcome: 'duplicate', api_answer: 'seen' },
      { outcome: 'exhausted', reason: 'http_202', api_answer: 'queued' },
    ]);
    expect(world.letters).toMatchObject([{ record: 2, api_answer: 'queued', http_status: 202 }]);
  });

  it('such as 409 "version conflict" is a refusal with a letter', async () => {
    await begin(rows(1));
    world.api.fault = () => ({ kind: 'refused', status: 409, answer: 'version conflict' });
    await deliver();
    expect(outcomesOf()).toEqual(['refused']);
    expect(world.letters).toMatchObject([{ reason: 'conflict', http_status: 409, api_answer: 'version conflict' }]);
  });
});

describe('two rows with one request id, at an API that answers 200 to a repetition', () => {
  const answer200 = () => (world.api.fault = () => ({ kind: 'uploaded', status: 200 }));

  it('are one uploaded and one duplicate', async () => {
    await begin([rowOf(1), rowOf(2), rowOf(1), rowOf(1)]);
    answer200();
    await deliver();
    expect(outcomesOf()).toEqual(['uploaded', 'uploaded', 'duplicate', 'duplicate']);
    expect(receipts().every((receipt) => receipt.warnings === undefined)).toBe(true);
  });

  it('and different bytes are listed: the API has the first', async () => {
    await begin([rowOf(1), { ...rowOf(1), ClientName: 'Another client' }]);
    answer200();
    await deliver();
    expect(receipts()).toMatchObject([
      { outcome: 'uploaded' },
      { outcome: 'duplicate', warnings: [expect.stringContaining('record 1 of the file has the same request id')] },
    ]);
  });

  it('are separate records if the first was refused', async () => {
    await begin([{ ...rowOf(1), ClientName: 'nobody' }, rowOf(1)]);
    world.api.fault = (request) =>
      request.payload['advertiser'] === 'nobody'
        ? { kind: 'refused', status: 422, answer: 'no' }
        : { kind: 'uploaded', status: 200 };
    await deliver();
    expect(outcomesOf()).toEqual(['refused', 'uploaded']);
  });
});

describe('an API that fails and sends Retry-After', () => {
  const busy = (retryAfterMs: number): SinkAnswer => ({
    ...(failure(503) as SinkAnswer & { kind: 'failed' }),
    retryAfterMs,
  });

  it('is not called before that time, and no record is given up meanwhile', async () => {
    await begin(rows(40));
    const isBackAt = clock.now() + 600_000;
    world.api.fault = () => (clock.now() < isBackAt ? busy(isBackAt - clock.now()) : undefined);
    await deliverToTheEnd();
    expect(outcomesOf()).toEqual(Array(40).fill('uploaded'));
    const early = world.api.requests.filter(({ at }) => at < isBackAt);
    // What was in flight when the first answer came.
    expect(early.length).toBeLessThanOrEqual(world.ports.connections);
  });

  it('is not given up while it continues to send it', async () => {
    await begin(rows(40));
    const isBackAt = clock.now() + 20 * 60_000;
    world.api.fault = () => (clock.now() < isBackAt ? busy(45_000) : undefined);
    await deliverToTheEnd();
    expect(world.letters).toEqual([]);
    expect(outcomesOf()).toEqual(Array(40).fill('uploaded'));
  });

  it('counts the try: the record may be stored', async () => {
    await begin(rows(3));
    world.api.fault = (_, nth) => (nth === 1 ? busy(4_000) : undefined);
    await deliver();
    expect(
      receipts()
        .map(({ attempts }) => attempts)
        .sort(),
    ).toEqual([1, 1, 2]);
  });
});

describe('connections that were closed while the function was frozen', () => {
  const stale: SinkAnswer = { kind: 'failed', status: null, reason: 'econnreset', ambiguous: true, isStale: true };

  it('open no breaker and cost no try', async () => {
    await begin(rows(40));
    world.ports.connections = 20;
    world.api.latencyMs = 3_000;
    world.api.fault = (_, nth) => (nth <= world.ports.connections ? stale : undefined);
    await deliver();
    expect(openings()).toEqual([]);
    expect(receipts().map(({ outcome, attempts }) => [outcome, attempts])).toEqual(Array(40).fill(['uploaded', 1]));
  });

  it('count as an outage if each of them is lost again', async () => {
    await begin(rows(40));
    world.api.fault = () => stale;
    await deliver();
    expect(openings()).toEqual(['outage']);
  });
});

describe('an API that processes requests, rolls back, repeats itself and asks to wait, all at once', () => {
  /** mulberry32: the seed is in the test's name. */
  function diceOf(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }
  const hung: SinkAnswer = { kind: 'failed', status: null, reason: 'headers_timeout', ambiguous: true };

  it.each(Array.from({ length: 30 }, (_, seed) => seed + 1))(
    'has each record that is reported as delivered (seed %i)',
    async (seed) => {
      const dice = diceOf(seed);
      // One request id in five stands twice.
      await begin(Array.from({ length: 60 }, (_, index) => rowOf(index % 5 === 4 ? index - 1 : index)));
      /** Requests in progress: until when, and whether they are stored then. */
      const working = new Map<string, { untilMs: number; isStored: boolean }>();
      const isPolite = dice() < 0.5;
      const repeatsWith200 = dice() < 0.3;
      const { stored } = world.api;
      world.api.fault = ({ requestId, payload }) => {
        const work = working.get(requestId);
        if (work && work.untilMs <= clock.now()) {
          working.delete(requestId);
          if (work.isStored) stored.set(requestId, payload);
        } else if (work) {
          // Half of these answers report it; the others report a duplicate.
          return isPolite ? { kind: 'in-progress', status: 409 } : { kind: 'duplicate', status: 409 };
        }
        if (repeatsWith200 && stored.has(requestId)) return { kind: 'uploaded', status: 200 };
        const throws = dice();
        if (throws < 0.08) {
          working.set(requestId, { untilMs: clock.now() + dice() * 29_000, isStored: dice() < 0.5 });
          return hung;
        }
        if (throws < 0.12) return 'store-and-fail';
        if (throws < 0.16) return failure(500);
        if (throws < 0.18)
          return { kind: 'failed', status: 503, reason: 'http_503', ambiguous: true, retryAfterMs: 20_000 };
        if (throws < 0.2) return { ...hung, reason: 'econnreset', isStale: true };
        return undefined;
      };
      await deliverToTheEnd();
      const all = receipts();
      expect(all).toHaveLength(60);
      for (const { outcome, request_id: id } of all) {
        if (outcome === 'uploaded' || outcome === 'duplicate') expect(stored.has(id ?? '')).toBe(true);
      }
      const uploadedIds = all.flatMap(({ outcome, request_id: id }) => (outcome === 'uploaded' ? [id] : []));
      expect(new Set(uploadedIds).size).toBe(uploadedIds.length);
      // No fault here is caused by a record, and few last long.
      expect(all.every(({ outcome }) => outcome === 'uploaded' || outcome === 'duplicate')).toBe(true);
    },
  );
});

describe('the measurement of requests to the API', () => {
  const valuesOf = (name: MetricName) => world.metrics.filter((each) => each.name === name).map(({ value }) => value);

  it('contains each request’s latency, including failed ones', async () => {
    await begin(rows(20));
    world.api.fault = (_, nth) =>
      nth === 3 ? { kind: 'failed', status: 503, reason: 'http_503', ambiguous: true } : undefined;
    await deliverToTheEnd();
    expect(valuesOf('ApiLatency')).toHaveLength(world.api.requests.length);
    expect(new Set(valuesOf('ApiLatency'))).toEqual(new Set([world.api.latencyMs]));
  });

  it('shows that sending to a fast API waits for the limit', async () => {
    await begin(rows(50), { requests: 60, windowSeconds: 60 });
    await deliverToTheEnd();
    expect(valuesOf('SlotWaitShare').at(-1)).toBeGreaterThan(95);
    expect(Math.max(...valuesOf('ConnectionsInUse'))).toBe(1);
  });

  it('shows that a slow API’s connections are all in use, and that nothing waits for the limit', async () => {
    await begin(rows(50), { requests: 60_000, windowSeconds: 60 });
    world.api.latencyMs = 2_000;
    await deliverToTheEnd();
    expect(valuesOf('SlotWaitShare').at(-1)).toBeLessThan(5);
    expect(Math.max(...valuesOf('ConnectionsInUse'))).toBe(world.ports.connections);
    expect(Math.min(...valuesOf('ConnectionsInUse'))).toBe(1);
  });

  it('is empty if nothing is sent', async () => {
    await begin(['{"broken', '{"broken']);
    await deliver();
    expect(world.metrics.map(({ name }) => name)).not.toContain('SlotWaitShare');
  });
});
