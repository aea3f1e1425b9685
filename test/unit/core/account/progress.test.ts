import fc from 'fast-check';
import { expect, it } from 'vitest';
import { outcomes } from '../../../../lambdas/core/account/outcome.ts';
import { SeededDice } from '../../../../localstack/seeded-dice.ts';
import { decodeProgress, encodeProgress, lettersOwed } from '../../../../lambdas/core/account/progress.ts';

const done = fc.record(
  {
    place: fc.nat(),
    outcome: fc.constantFrom(...outcomes),
    status: fc.option(fc.integer({ min: 100, max: 599 })),
    attempts: fc.nat(100),
    at: fc.nat(),
    confirmedBy: fc.constant('409' as const),
    reason: fc.string(),
    error: fc.string(),
    answer: fc.string(),
    earlier: fc.array(fc.constantFrom('a1', 'b2', 'c3', null), { minLength: 1 }).filter(([newest]) => newest !== null),
  },
  { requiredKeys: ['place', 'outcome', 'status', 'attempts', 'at'] },
);

const progresses = fc.record(
  { done: fc.array(done), fence: fc.nat(), owed: fc.integer({ min: 1, max: 500 }) },
  { requiredKeys: ['done', 'fence'] },
);

it('is read back as it was saved', () => {
  fc.assert(
    fc.property(progresses, (progress) => {
      expect(decodeProgress(encodeProgress(progress))).toEqual(progress);
    }),
  );
});

it('says which failed records’ letters may be missing: those that ended last', () => {
  const ends = ['rejected', 'uploaded', 'refused', 'held', 'exhausted'] as const;
  const done = ends.map((outcome, place) => ({ place, outcome, status: null, attempts: 0, at: 1 }));
  const owed = (count: number) => lettersOwed({ done, fence: 9, owed: count }).map(({ outcome }) => outcome);
  expect(owed(1)).toEqual(['exhausted']);
  expect(owed(4)).toEqual(['refused', 'exhausted']);
  expect(lettersOwed({ done, fence: 9 })).toEqual([]);
});

it('of a batch of 500 leaves room for the rest of the item in 1 KB: it is written for every 50 records', () => {
  const dice = new SeededDice(5);
  // Sent every 100 ms; the API takes up to 40 ms longer for one than for another.
  const done = Array.from({ length: 500 }, (_, place) => ({
    place,
    outcome: 'uploaded' as const,
    status: 201,
    attempts: 1,
    at: 1_767_582_000_000 + Math.round(place * 100 + 40 * dice.next()),
  }));
  const encoded = encodeProgress({ done, fence: 500 });
  expect(encoded.length).toBeLessThan(700);
  expect(decodeProgress(encoded)).toEqual({ done, fence: 500 });
});

it('of the largest batch fits the item, also if the API refuses each record with an answer of its own', () => {
  const dice = new SeededDice(5);
  const answerOf = () => Array.from({ length: 200 }, () => Math.floor(36 * dice.next()).toString(36)).join('');
  // As many as a revision's batch has.
  const done = Array.from({ length: 2_000 }, (_, place) => ({
    ...{ place, outcome: 'refused' as const, status: 422, attempts: 1, at: 1_767_582_000_000 + place },
    ...{ reason: 'http_422', error: 'the API refuses the record', answer: answerOf() },
  }));
  expect(encodeProgress({ done, fence: 2_000 }).length).toBeLessThan(350_000);
});

it('is read as an earlier version saved it', () => {
  const ways = Buffer.from('[{"outcome":"uploaded","status":201,"attempts":1}]');
  // Two records: places 0 and 1, the first way, at 5 and 12.
  const saved = Buffer.concat([Buffer.of(2, 100, ways.length), ways, Buffer.of(0, 0, 10, 2, 0, 14)]);
  const way = { outcome: 'uploaded', status: 201, attempts: 1 };
  expect(decodeProgress(saved)).toEqual({
    fence: 100,
    done: [
      { place: 0, at: 5, ...way },
      { place: 1, at: 12, ...way },
    ],
  });
});

it.each([Buffer.from('nonsense'), Buffer.from([3, 1, 2, 3]), Buffer.of()])(
  'is refused if the bytes are not ours',
  (bytes) => {
    expect(() => decodeProgress(bytes)).toThrow();
  },
);
