import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateCost } from '../../../../cli/check/estimate-cost.ts';
import { RejectGroups } from '../../../../cli/check/group-rejects.ts';
import { RepeatedIds } from '../../../../cli/check/repeated-ids.ts';
import { sha256Of } from '../../../support/splitter-world.ts';

describe('repeated request ids', () => {
  it('are found exactly, also when they were written to disk', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12_000 }), fc.integer({ min: 2, max: 20_000 }), (records, kinds) => {
        const dir = mkdtempSync(join(tmpdir(), 'sluice-ids-'));
        const ids = new RepeatedIds(dir);
        const first = new Map<number, number>();
        const expected: unknown[] = [];
        for (let record = 1; record <= records; record++) {
          // Some order without a pattern.
          const kind = (record * 7919 + (record >> 3) * 104_729) % kinds;
          // All in two parts, so that blocks fill up.
          ids.add(`${kind % 2 ? '00' : 'ff'}${sha256Of(Buffer.from(String(kind))).slice(2)}`, record, record + 1);
          const before = first.get(kind);
          if (before === undefined) first.set(kind, record);
          else expected.push({ record, line: record + 1, first_record: before, first_line: before + 1 });
        }
        const found = ids.find();
        ids.close();
        rmSync(dir, { recursive: true });
        expect(found).toEqual({ count: expected.length, examples: expected.slice(0, 10) });
      }),
      { numRuns: 6 },
    );
  });
});

describe('rejects by reason', () => {
  it('are separated by field up to a bound, and all counted', () => {
    const groups = new RejectGroups();
    for (let n = 0; n < 5000; n++) groups.add({ reason: 'invalid', field: `field ${n}`, message: 'm' }, n, n);
    const list = groups.list();
    expect(list.length).toBeLessThanOrEqual(201);
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
    expect(list[0]).toMatchObject({ field: null, count: 4800, examples: [{}, {}, {}] });
  });
});

describe('the estimated cost', () => {
  const million = {
    records: 1e6,
    rejected: 10_000,
    consumers: 2,
    consumerMemoryMb: 256,
    isLedger: false,
    isSmall: false,
  };
  it.each([
    ['600 a minute', 1e5, 0.67],
    ['6,000 a minute', 1e4, 0.07],
  ])('of a million records at %s matches docs/cost-and-scale.md', (_, uploadSeconds, lambda) => {
    const cost = estimateCost({ ...million, uploadSeconds });
    expect(cost.lambdaDollars).toBeCloseTo(lambda, 2);
    expect(cost.dollars - cost.lambdaDollars).toBeCloseTo(0.173 - 0.069, 2);
  });

  it('of a small file is its share of a bundle', () => {
    const facts = { ...million, records: 1, rejected: 0, uploadSeconds: 1, isLedger: true };
    expect(estimateCost({ ...facts, isSmall: true }).dollars).toBeCloseTo(4.6e-6, 9);
    expect(estimateCost({ ...facts, records: 1e6 }).dollars).toBeGreaterThan(1.25);
  });
});
