import { describe, expect, it } from 'vitest';
import type { BatchAccount, FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import { checkSettled } from '../../../lambdas/finalizer/settled-batches.ts';
import { fileAccount } from '../../support/file-account.ts';

const settled = (batch: number): BatchAccount => ({
  ...{ fileId: 'f1', batch, attempt: 1, state: 'settled', records: 1, firstRecord: batch },
  counts: { ...noCounts(), uploaded: 1 },
});
const open = (batch: number): BatchAccount => ({ ...settled(batch), state: 'open', counts: noCounts() });

/** @param listed gets the number of each batch that is read */
function ledgerOf(batches: Iterable<BatchAccount>, listed: number[] = []) {
  return {
    async *listBatches(_: string, after = 0) {
      for (const each of batches) {
        if (each.batch <= after) continue;
        listed.push(each.batch);
        yield each;
      }
    },
  };
}

const check = async (file: FileAccount, batches: BatchAccount[]) =>
  (await checkSettled(file, ledgerOf(batches), undefined, async () => true)).kind;

const stop = { at: 0, number: 1, rejected: 0, seen: 0, message: 'wrong' };

describe('whether every batch has ended', () => {
  it.each<[string, Partial<FileAccount>, BatchAccount[], 'settled' | 'open']>([
    ['all are there', {}, [1, 2, 3].map(settled), 'settled'],
    ['there are none', { totalBatches: 0 }, [], 'settled'],
    ['the first is missing', {}, [2, 3].map(settled), 'open'],
    ['one in between is missing', {}, [1, 3].map(settled), 'open'],
    ['the last is missing', {}, [1, 2].map(settled), 'open'],
    ['there are more than the file has', {}, [1, 2, 3, 4].map(settled), 'open'],
    ['one is open', {}, [settled(1), open(2), settled(3)], 'open'],
    ['it is stopped, and some were never sent', { quarantine: stop }, [1, 3].map(settled), 'settled'],
    ['it is stopped, and one is open', { quarantine: stop }, [settled(1), open(3)], 'open'],
    [
      'it was replaced, and more was sent than its totals say',
      { state: 'superseded' },
      [1, 2, 3, 5].map(settled),
      'settled',
    ],
    ['it was replaced, and one is missing', { state: 'superseded' }, [1, 3, 4].map(settled), 'open'],
    [
      'it was stopped, then replaced',
      { state: 'superseded', quarantine: stop, sentBatches: 1 },
      [settled(1)],
      'settled',
    ],
  ])('if %s', async (_, change, batches, expected) => {
    expect(await check(fileAccount({ totalBatches: 3, ...change }), batches)).toBe(expected);
  });

  it('reads no batches after the first that is missing', async () => {
    const listed: number[] = [];
    const ledger = ledgerOf([1, 2, 4, 5, 6].map(settled), listed);
    await checkSettled(fileAccount({ totalBatches: 6 }), ledger, undefined, async () => true);
    expect(listed).toEqual([1, 2, 4]);
  });

  it('continues after what was checked before, and never gets stuck', async () => {
    const total = 25_001;
    const file = fileAccount({ totalBatches: total });
    const listed: number[] = [];
    const ledger = ledgerOf(
      Array.from({ length: total }, (_, nth) => settled(nth + 1)),
      listed,
    );
    const places: number[] = [];
    for (let from: number | undefined; ;) {
      const end = await checkSettled(file, ledger, from, async () => false);
      if (end.kind !== 'continues') {
        expect(end.kind).toBe('settled');
        break;
      }
      places.push(end.upTo);
      from = end.upTo;
    }
    expect(places.length).toBeGreaterThan(1);
    // Each batch is read once.
    expect(listed).toEqual(Array.from({ length: total }, (_, nth) => nth + 1));
  });
});
