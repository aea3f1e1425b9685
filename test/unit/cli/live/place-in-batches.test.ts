import { expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { findReceipt } from '../../../../cli/dlq/find-receipt.ts';
import { placeInBatches } from '../../../../cli/live/place-in-batches.ts';
import { FinishedBatches } from '../../../../cli/ui/finished-batches.ts';
import type { BatchAccount } from '../../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import { fileAccount } from '../../../support/file-account.ts';

/** A file of six million batches of a hundred records, each of them finished a second after the one before. */
const totalBatches = 6_000_000;
const records = 100;

/** @param missing no consumer has claimed them yet */
function largeLedger(missing: (batch: number) => boolean = () => false) {
  const ledger = {
    read: 0,
    async *listBatches(fileId: string, after = 0): AsyncGenerator<BatchAccount> {
      for (let batch = after + 1; batch <= totalBatches; batch++) {
        if (missing(batch)) continue;
        ledger.read++;
        yield {
          ...{ fileId, batch, attempt: 1, state: 'settled', records, firstRecord: (batch - 1) * records + 1 },
          ...{ counts: { ...noCounts(), uploaded: records }, settledAt: batch * 1_000, receiptsKey: String(batch) },
        };
      }
    },
  };
  return ledger;
}

const file = fileAccount({ totalBatches, totalRecords: totalBatches * records, settledBatches: totalBatches });

it('finds any batch of six million by reading a few', async () => {
  for (const wanted of [1, 2_499, 2_501, 3_141_592, totalBatches]) {
    const ledger = largeLedger((batch) => batch % 7 === 3);
    const after = await placeInBatches('f1', totalBatches, ({ batch }) => batch < wanted, ledger);
    expect(after).toBeLessThan(wanted);
    expect(wanted - after).toBeLessThanOrEqual(2_501);
    expect(ledger.read).toBeLessThan(30);
  }
});

it('finds the place if no batch is early enough, or none is late enough', async () => {
  const ledger = largeLedger();
  expect(await placeInBatches('f1', totalBatches, () => false, ledger)).toBe(0);
  expect(await placeInBatches('f1', totalBatches, () => true, ledger)).toBeGreaterThan(totalBatches - 2_501);
});

it('shows the rates of the last hour of a large file by the batches of that hour', async () => {
  const ledger = largeLedger();
  const since = (totalBatches - 3_600) * 1_000;
  const eachFile = async function* () {
    yield* [];
  };
  const finished = await new FinishedBatches().read('traffic', since, {
    ...{ listFiles: async () => [file], eachFile, listBatches: (_, after) => ledger.listBatches('f1', after) },
  });
  expect(finished).toHaveLength(3_601);
  expect(ledger.read).toBeLessThan(3_601 + 2_600);
});

it('finds the receipt of a record in an open file of 600 million', async () => {
  const ledger = largeLedger();
  const record = 314_159_265;
  const receipt = {
    ...{ record, line: record, offset: 0, length: 1, sha256: '0'.repeat(64), at: '2026-01-05T02:00:00.000Z' },
    ...{ outcome: 'uploaded', request_id: '0'.repeat(64), status: 201, attempts: 1 },
  };
  const asked: string[] = [];
  const found = await findReceipt(file, record, {
    ledger,
    archive: { getStream: async () => undefined },
    receipts: {
      getReceipts: async (key) => {
        asked.push(key);
        return gzipSync(`${JSON.stringify(receipt)}\n`);
      },
    },
  });
  expect(found).toMatchObject({ record });
  expect(asked).toEqual(['3141593']);
  expect(ledger.read).toBeLessThan(2_600);
});
