import { describe, expect, it } from 'vitest';
import { refuseAfterLoneProbes } from '../../../lambdas/core/limiter/breaker.ts';
import type { Outcome } from '../../../lambdas/core/account/outcome.ts';
import type { ApiRequest, ApiTurn, DeliveryResult, DeliveryScenario } from '../../support/delivery-simulation.ts';
import { DeliverySimulation } from '../../support/delivery-simulation.ts';

/** Complete consumers at an API that fails on some records, or on all: the answers to other records show which. */
const simulate = (scenario: DeliveryScenario): Promise<DeliveryResult> => new DeliverySimulation(scenario).run();

const forbidden: ApiTurn = { kind: 'unauthorised', status: 403, answer: 'blocked by a rule' };
const unauthorised: ApiTurn = { kind: 'unauthorised', status: 401, answer: 'no' };
const failing: ApiTurn = { kind: 'failed', status: 500, reason: 'http_500', ambiguous: true };
const unavailable = (seconds: number): ApiTurn => ({
  ...failing,
  status: 503,
  reason: 'http_503',
  retryAfterMs: 1_000 * seconds,
});
const refused = (status: number): ApiTurn => ({ kind: 'refused', status, answer: 'no' });
const throttled = (seconds?: number): ApiTurn => ({
  kind: 'throttled',
  status: 429,
  retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
});

type Api = (request: ApiRequest) => ApiTurn;
const count = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);
const always =
  (numbers: readonly number[], turn: ApiTurn): Api =>
  ({ number }) =>
    numbers.includes(number) ? turn : 'take';
/** The first of them that says something else than `take`. */
const together =
  (...apis: Api[]): Api =>
  (request) =>
    apis.map((api) => api(request)).find((turn) => turn !== 'take') ?? 'take';

/** An API that accepts that many in any window, and answers 429 beyond that. */
function limitedTo(requests: number, windowMs: number, seconds?: number): Api {
  const taken: number[] = [];
  return ({ atMs }) => {
    while (taken.length > 0 && (taken[0] as number) <= atMs - windowMs) taken.shift();
    if (taken.length >= requests) return throttled(seconds);
    taken.push(atMs);
    return 'take';
  };
}

const during =
  (fromMs: number, toMs: number, turn: ApiTurn): Api =>
  ({ atMs }) =>
    atMs >= fromMs && atMs < toMs ? turn : 'take';

/** Each record has one outcome, the API has exactly the uploaded ones, each once, and each failure has a letter. */
function expectExact({ receipts, stored, letters }: DeliveryResult, records: number): void {
  expect([...receipts.keys()].sort((a, b) => a - b)).toEqual(count(1, records));
  const uploaded = numbersOf(receipts, 'uploaded');
  expect(uploaded).toEqual([...stored.keys()].sort((a, b) => a - b));
  expect([...stored.values()].every((times) => times === 1)).toBe(true);
  const dead = [...receipts.values()].filter(({ outcome }) => outcome === 'refused' || outcome === 'exhausted');
  expect(new Set(letters.map(({ request_id: id }) => id))).toEqual(new Set(dead.map(({ request_id: id }) => id)));
}

function numbersOf(receipts: DeliveryResult['receipts'], ...outcomes: Outcome[]): number[] {
  const numbers = [...receipts].filter(([, { outcome }]) => outcomes.includes(outcome)).map(([number]) => number);
  return numbers.sort((a, b) => a - b);
}

/** Each of them ended so, and all others are uploaded. */
function expectEnds(result: DeliveryResult, numbers: readonly number[], outcome: Outcome, reason: string): void {
  expect(numbersOf(result.receipts, outcome)).toEqual(numbers);
  for (const number of numbers) expect(result.receipts.get(number)).toMatchObject({ outcome, reason });
  expect(numbersOf(result.receipts, 'uploaded')).toHaveLength(result.receipts.size - numbers.length);
}

const batch = { files: [500], batchRecords: 500, consumers: 1, seed: 1 };
/** What 500 records take at 10 a second. Milliseconds. */
const plainMs = 50_000;

const places: [string, number[]][] = [
  ['the first record', [1]],
  ['a record in the middle', [237]],
  ['the last record', [500]],
  ['twelve records in a row', count(200, 12)],
  ['the first twelve records', count(1, 12)],
  ['the last twelve records', count(489, 12)],
  ['forty records in a row', count(100, 40)],
  ['every fortieth record', count(1, 12).map((nth) => 40 * nth)],
];

describe.each(places)('%s of a batch', (_, numbers) => {
  it('answered 403 is refused, and affects no other record', async () => {
    const result = await simulate({ ...batch, api: always(numbers, forbidden) });
    expectExact(result, 500);
    expectEnds(result, numbers, 'refused', 'http_403');
    for (const number of numbers) expect(result.receipts.get(number)?.api_answer).toBe('blocked by a rule');
    expect(result.openings).toEqual([]);
    expect(result.lastStoredMs).toBeLessThan(1.4 * plainMs);
  });

  it('answered 500 is exhausted for that, and affects no other record', async () => {
    const result = await simulate({ ...batch, api: always(numbers, failing) });
    expectExact(result, 500);
    expectEnds(result, numbers, 'exhausted', 'http_500');
    expect(result.openings).toEqual([]);
    expect(result.lastStoredMs).toBeLessThan(1.4 * plainMs);
  });
});

describe('a record that is answered 429', () => {
  it.each([undefined, 1, 6])('each time (Retry-After: %s) is set aside and exhausted for that', async (seconds) => {
    for (const number of [1, 237]) {
      const result = await simulate({ ...batch, api: always([number], throttled(seconds)) });
      expectExact(result, 500);
      expectEnds(result, [number], 'exhausted', 'http_429');
      expect(result.receipts.get(number)).toMatchObject({ attempts: 4 });
      expect(result.openings).toEqual([]);
      // It takes four to see that they are about the record.
      expect(result.lastStoredMs).toBeLessThan(plainMs + 4_000 * (seconds ?? 1) + 5_000);
    }
  });

  it('as the last one is also exhausted, after all others have been sent', async () => {
    const result = await simulate({ ...batch, api: always([500], throttled(600)) });
    expectExact(result, 500);
    expectEnds(result, [500], 'exhausted', 'http_429');
    expect(result.lastStoredMs).toBeLessThan(1.1 * plainMs);
  });

  it('beside others of its kind, in several consumers at once, delays no other record for long', async () => {
    const numbers = [37, 38, 399, 1_500];
    const api = always(numbers, throttled(6));
    const result = await simulate({ ...batch, files: [4_000], batchRecords: 200, consumers: 4, api });
    expectExact(result, 4_000);
    expectEnds(result, numbers, 'exhausted', 'http_429');
    expect(result.openings).toEqual([]);
    expect(result.lastStoredMs).toBeLessThan(400_000 + 150_000);
  });
});

/** An attempt passes its knowledge to the next one only in the batch if each has a separate process. */
const processes: [string, { newProcesses: boolean }][] = [
  ['one process for all attempts', { newProcesses: false }],
  ['a new process for each attempt', { newProcesses: true }],
];

describe.each(processes)('with %s, a record that is answered with a Retry-After', (_, scenario) => {
  it.each([1, 600, 900])(
    'of %i s each time is exhausted for that; others wait for it once, and then at most a minute',
    async (s) => {
      const answers: [string, ApiTurn][] = [
        ['http_429', throttled(s)],
        ['http_503', unavailable(s)],
      ];
      for (const [reason, turn] of answers) {
        for (const shape of [batch, { ...batch, batchRecords: 50, consumers: 4 }]) {
          const result = await simulate({ ...shape, ...scenario, api: always([237], turn) });
          expectExact(result, 500);
          expectEnds(result, [237], 'exhausted', reason);
          expect(result.lastStoredMs).toBeLessThan(1.4 * plainMs + 1_000 * s + 5 * 60_000);
        }
      }
    },
  );

  it('of 600 s, like eleven others, is exhausted for that, and each of them delays the others once', async () => {
    const numbers = count(200, 12);
    const night = { files: [2_000], batchRecords: 50, consumers: 4, seed: 2 };
    const result = await simulate({ ...night, ...scenario, api: always(numbers, unavailable(600)) });
    expectExact(result, 2_000);
    expectEnds(result, numbers, 'exhausted', 'http_503');
    expect(result.lastStoredMs).toBeLessThan(200_000 + (12 + 3) * 630_000);
  });

  it('is not sent again before then, by any attempt', async () => {
    const sentAt: number[] = [];
    const own = always([237], unavailable(60));
    const api: Api = (request) => {
      if (request.number === 237) sentAt.push(request.atMs);
      return own(request);
    };
    await simulate({ ...batch, ...scenario, files: [1_500], api });
    expect(sentAt.length).toBeGreaterThan(5);
    for (const [nth, at] of sentAt.slice(1).entries()) expect(at - (sentAt[nth] ?? 0)).toBeGreaterThan(59_900);
  });
});

describe.each(processes)('with %s, an API that asks all requests to wait for two hours', (_, scenario) => {
  const shapes: [string, DeliveryScenario][] = [
    ['in one batch', batch],
    ['in many', { files: [500], batchRecords: 50, consumers: 4, seed: 1 }],
  ];
  it.each(shapes)('loses no record %s', async (__, shape) => {
    for (const turn of [throttled(300), unavailable(300)]) {
      // At the very end, when no other record is left to compare with.
      for (const fromMs of [20_000, 49_000]) {
        const result = await simulate({ ...shape, ...scenario, api: during(fromMs, fromMs + 7_200_000, turn) });
        expectExact(result, 500);
        expectEnds(result, [], 'exhausted', '');
      }
    }
  });
});

it('an API that asks all requests to wait for five seconds, for two hours, loses no record', async () => {
  const result = await simulate({ ...batch, api: during(49_000, 7_249_000, unavailable(5)) });
  expectExact(result, 500);
  expectEnds(result, [], 'exhausted', '');
});

it('an API that answers 429 to nine of ten requests loses no record', async () => {
  const api: Api = ({ random }) => (random() < 0.9 ? throttled(1) : 'take');
  const result = await simulate({ ...batch, files: [60], api });
  expectExact(result, 60);
  expectEnds(result, [], 'exhausted', '');
});

describe('a real limit', () => {
  it.each<[string, () => Api]>([
    ['500 a minute', () => limitedTo(500, 60_000)],
    ['300 a minute, told with Retry-After', () => limitedTo(300, 60_000, 5)],
    ['8 a second', () => limitedTo(8, 1_000, 1)],
    ['9 a second, told with nothing', () => limitedTo(9, 1_000)],
    [
      'one in twenty',
      () =>
        ({ random }) =>
          random() < 0.05 ? throttled(1) : 'take',
    ],
    [
      'one in three',
      () =>
        ({ random }) =>
          random() < 0.33 ? throttled(1) : 'take',
    ],
    ['nothing for half a minute', () => during(20_000, 50_000, throttled(1))],
  ])('of %s is obeyed, and counts against no record', async (_, api) => {
    for (const seed of [1, 2]) {
      const result = await simulate({ files: [1_000], batchRecords: 250, consumers: 3, seed, api: api() });
      expectExact(result, 1_000);
      expectEnds(result, [], 'exhausted', '');
      expect([...result.receipts.values()].filter(({ attempts }) => attempts !== 1)).toEqual([]);
    }
  });
});

describe('an API that', () => {
  const night = { files: [1_000], batchRecords: 250, consumers: 3, seed: 1 };

  it('is down for two minutes gets no requests meanwhile, and all records afterwards', async () => {
    const result = await simulate({ ...night, api: during(20_000, 140_000, failing) });
    expectExact(result, 1_000);
    expectEnds(result, [], 'exhausted', '');
    expect(result.openings).toMatchObject([{ reason: 'outage' }]);
    expect(result.requests).toBeLessThan(1_050);
  });

  it('is down from the start gets no requests, whatever the size of the batches', async () => {
    const result = await simulate({
      ...night,
      files: Array<number>(40).fill(5),
      api: during(0, 140_000, failing),
    });
    expectExact(result, 200);
    expectEnds(result, [], 'exhausted', '');
    expect(result.openings).toMatchObject([{ reason: 'outage' }]);
    expect(result.requests).toBeLessThan(280);
  });

  it('refuses every token for ten minutes gets no requests, and costs no record', async () => {
    for (const turn of [unauthorised, forbidden]) {
      const result = await simulate({ ...night, api: during(20_000, 600_000, turn) });
      expectExact(result, 1_000);
      expectEnds(result, [], 'refused', '');
      expect(result.openings).toMatchObject([{ reason: 'unauthorised', file_id: expect.any(String) as string }]);
      expect(result.requests).toBeLessThan(1_060);
    }
  });

  it('asks all requests to wait for two hours of maintenance gets all records afterwards', async () => {
    const result = await simulate({ ...night, api: during(0, 7_200_000, unavailable(60)) });
    expectExact(result, 1_000);
    expectEnds(result, [], 'exhausted', '');
  });

  it('has one failing machine in three never opens the breaker', async () => {
    for (const seed of [1, 2, 3]) {
      for (const turn of [failing, unauthorised]) {
        const result = await simulate({ ...night, seed, api: ({ random }) => (random() < 1 / 3 ? turn : 'take') });
        expectExact(result, 1_000);
        expectEnds(result, [], 'exhausted', '');
        expect(result.openings).toEqual([]);
      }
    }
  });
});

describe('a lone record that is answered 403', () => {
  it('waits for another record to compare with, and is refused when there has been none for a while', async () => {
    const result = await simulate({ ...batch, files: [1], api: always([1], forbidden) });
    expectExact(result, 1);
    expectEnds(result, [1], 'refused', 'http_403');
    expect(result.openings).toMatchObject([{ reason: 'unauthorised', record: 1 }]);
    expect(result.requests).toBe(4 + refuseAfterLoneProbes);
  });

  it('delays no other record that comes with it', async () => {
    const result = await simulate({ ...batch, files: [1, 500], consumers: 2, api: always([1], forbidden) });
    expectExact(result, 501);
    expectEnds(result, [1], 'refused', 'http_403');
    expect(result.openings).toEqual([]);
    expect(result.lastStoredMs).toBeLessThan(1.2 * plainMs);
  });

  it('is not the probe that decides for later records', async () => {
    // The first file's record has opened the breaker by then.
    const result = await simulate({
      ...batch,
      files: [1, 500],
      consumers: 2,
      laterMs: 30_000,
      api: always([1], forbidden),
    });
    expectExact(result, 501);
    expectEnds(result, [1], 'refused', 'http_403');
    expect(result.lastStoredMs).toBeLessThan(70_000 + 1.2 * plainMs);
  });
});

describe('an API that refuses every record', () => {
  const outageMs = 1_200_000;

  it.each([404, 402])('with %i turns a fraction of them into dead letters, and receives the rest', async (status) => {
    const result = await simulate({
      files: [500, 500, 1_000],
      batchRecords: 500,
      consumers: 2,
      seed: status,
      api: during(0, outageMs, refused(status)),
    });
    expectExact(result, 2_000);
    expect(result.openings).toMatchObject([{ reason: 'refusing' }]);
    expect(result.letters.length).toBeLessThan(200);
    // A person must decide about one file; the others waited.
    expect(result.stopped).toBe(1);
    const held = numbersOf(result.receipts, 'held').length;
    expect(numbersOf(result.receipts, 'uploaded')).toHaveLength(2_000 - result.letters.length - held);
  });

  it.each([2, 12])(
    'causes no more dead letters than %i consumers have in flight beyond the threshold of the breaker',
    async (consumers) => {
      const night = { files: [3_000, 3_000], batchRecords: 250, consumers, seed: 1 };
      const result = await simulate({ ...night, api: during(0, outageMs, refused(404)) });
      expectExact(result, 6_000);
      expect(result.openings).toMatchObject([{ reason: 'refusing' }]);
      expect(result.letters.length).toBeLessThan(80 + 6 * consumers);
    },
  );

  it('of many files of one record each does not cause a dead letter for each', async () => {
    const result = await simulate({
      files: Array<number>(300).fill(1),
      batchRecords: 500,
      consumers: 2,
      seed: 1,
      api: during(0, 600_000, refused(404)),
    });
    expectExact(result, 300);
    expect(result.letters.length).toBeLessThan(200);
  });
});

describe('records that the API refuses with a reason', () => {
  it.each<[string, Api]>([
    ['every second one', ({ number }) => (number % 2 === 0 ? refused(422) : 'take')],
    ['nine of ten', ({ number }) => (number % 10 > 0 ? refused(422) : 'take')],
    ['sixty in a row', always(count(100, 60), refused(422))],
  ])('are refused one by one: %s', async (_, api) => {
    const result = await simulate({ ...batch, api });
    expectExact(result, 500);
    expect(numbersOf(result.receipts, 'uploaded', 'refused')).toHaveLength(500);
    expect(result.openings).toEqual([]);
    expect(result.stopped).toBe(0);
  });

  it('stop their file if all are of one file, while the other file is delivered', async () => {
    const result = await simulate({
      files: [1_500, 600],
      batchRecords: 300,
      consumers: 2,
      seed: 1,
      api: ({ number }) => (number <= 1_500 ? refused(422) : 'take'),
    });
    expectExact(result, 2_100);
    expect(result.stopped).toBe(1);
    expect(numbersOf(result.receipts, 'uploaded')).toHaveLength(600);
    expect(numbersOf(result.receipts, 'held').length).toBeGreaterThan(900);
    expect(result.letters.length).toBeLessThan(600);
  });
});

describe('all kinds of refusal at once', () => {
  const poison = { 403: [11, 700, 1_300], 429: [12, 701], 500: [13, ...count(500, 12)], 422: count(900, 30) };
  const poisoned = together(
    always(poison[403], forbidden),
    always(poison[429], throttled(2)),
    always(poison[500], failing),
    always(poison[422], refused(422)),
  );
  const dead = Object.values(poison).flat().length;

  it.each([1, 3])('leave the account exact, and every other record delivered (seed %i)', async (seed) => {
    const shaky: Api = ({ random }) => (random() < 0.02 ? 'lost' : random() < 0.03 ? failing : 'take');
    const api = together(
      during(60_000, 90_000, failing),
      during(200_000, 215_000, throttled(1)),
      during(260_000, 300_000, unauthorised),
      poisoned,
      limitedTo(9, 1_000, 1),
      shaky,
    );
    const result = await simulate({ files: [1_000, 500], batchRecords: 200, consumers: 4, kills: 6, seed, api });
    expectExact(result, 1_500);
    expect(numbersOf(result.receipts, 'uploaded')).toHaveLength(1_500 - dead);
    expect(numbersOf(result.receipts, 'refused')).toEqual([...poison[403], ...poison[422]].sort((a, b) => a - b));
    expect(numbersOf(result.receipts, 'exhausted')).toEqual([...poison[429], ...poison[500]].sort((a, b) => a - b));
  });
});
