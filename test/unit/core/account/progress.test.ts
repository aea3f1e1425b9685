import fc from 'fast-check';
import { expect, it } from 'vitest';
import { outcomes } from '../../../../lambdas/core/account/outcome.ts';
import { decodeProgress, encodeProgress } from '../../../../lambdas/core/account/progress.ts';

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
  },
  { requiredKeys: ['place', 'outcome', 'status', 'attempts', 'at'] },
);

it('is read back as it was saved', () => {
  fc.assert(
    fc.property(fc.record({ done: fc.array(done), fence: fc.nat() }), (progress) => {
      expect(decodeProgress(encodeProgress(progress))).toEqual(progress);
    }),
  );
});

it('of a batch of 500 is short: it is written for every 50 records', () => {
  const all = Array.from({ length: 500 }, (_, place) => ({
    place,
    outcome: 'uploaded' as const,
    status: 201,
    attempts: 1,
    at: 1_767_582_000_000 + place * 137,
  }));
  expect(encodeProgress({ done: all, fence: 500 }).length).toBeLessThan(3_000);
});

it('is refused if the bytes are not ours', () => {
  expect(() => decodeProgress(Buffer.from('nonsense'))).toThrow();
});
