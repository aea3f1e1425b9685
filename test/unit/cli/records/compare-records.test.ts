import { describe, expect, it } from 'vitest';
import type { ResolvedRecord, StoredRecord } from '../../../../cli/records/compare-records.ts';
import { compareRecords } from '../../../../cli/records/compare-records.ts';
import { sha256Of } from '../../../../lambdas/core/records/identity.ts';
import type { Receipt } from '../../../../lambdas/core/account/receipt.ts';

const receiptOf = (record: number, outcome: Receipt['outcome']): Receipt => ({
  ...{ record, line: record, offset: 0, length: 1, outcome, status: null, attempts: 1, at: '2026-01-05T02:00:00.000Z' },
  sha256: `bytes-${record}`,
  request_id: `request-${record}`,
});
const itemOf = (record: number, change: Partial<StoredRecord> = {}): StoredRecord => ({
  recordKey: `maintenance#["${record}"]`,
  record,
  sha256: `bytes-${record}`,
  requestId: `request-${record}`,
  payload: `{"n":${record}}`,
  payloadSha256: sha256Of(`{"n":${record}}`),
  attributes: ['recordKey', 'record', 'sha256', 'payload', 'fileId', 'storedAt'],
  ...change,
});
async function* each(receipts: readonly Receipt[]): AsyncGenerator<Receipt> {
  yield* receipts;
}
const compare = (
  receipts: readonly Receipt[],
  items: readonly StoredRecord[],
  resolved: readonly ResolvedRecord[] = [],
) => compareRecords(each(receipts), new Map(resolved.map((line) => [line.record, line])), items);

const receipts = [
  receiptOf(1, 'uploaded'),
  receiptOf(2, 'rejected'),
  receiptOf(3, 'uploaded'),
  receiptOf(4, 'duplicate'),
];

describe('the record ledger and the receipts', () => {
  it('agree if each accepted record exists once, as its receipt states', async () => {
    const agreed = { expected: 2, agreed: 2, faults: 0, examples: [] };
    expect(await compare(receipts, [itemOf(1), itemOf(3)])).toEqual(agreed);
  });

  it.each<[string, StoredRecord[], RegExp]>([
    ['is missing', [itemOf(1)], /^record 3: it is not in the ledger$/],
    ['has other bytes', [itemOf(1), itemOf(3, { sha256: 'x' })], /^record 3: the ledger has SHA-256 x, not bytes-3$/],
    ['has another request id', [itemOf(1), itemOf(3, { requestId: 'x' })], /^record 3: .* request id x/],
    ['was edited', [itemOf(1), itemOf(3, { payload: '{"n":4}' })], /^record 3: its payload does not match/],
    [
      'has a TTL',
      [itemOf(1), itemOf(3, { attributes: ['recordKey', 'expiresAt'] })],
      /^record 3: its item has expiresAt/,
    ],
    ['was never accepted', [itemOf(1), itemOf(3), itemOf(2)], /^record 2: the ledger has it .* no receipt says/],
    ['is in no receipt', [itemOf(1), itemOf(3), itemOf(9)], /^record 9: /],
    ['is there twice', [itemOf(1), itemOf(3), itemOf(3, { recordKey: 'x' })], /^record 3: the ledger has it twice/],
  ])('differ where a record %s', async (_, items, sentence) => {
    const { faults, examples } = await compare(receipts, items);
    expect(faults).toBe(1);
    expect(examples).toEqual([expect.stringMatching(sentence)]);
  });

  it('agree on a dead record that was redriven, and on a corrected row with different bytes', async () => {
    const dead = [receiptOf(1, 'exhausted'), receiptOf(2, 'rejected'), receiptOf(3, 'refused')];
    const lines = [
      { record: 1, resolution: 'uploaded', request_id: 'request-1' },
      { record: 2, resolution: 'uploaded', request_id: 'corrected', correction: { row: 'x' } },
      { record: 3, resolution: 'handled', request_id: null },
    ];
    const items = [itemOf(1), itemOf(2, { sha256: 'of the new row', requestId: 'corrected' })];
    expect(await compare(dead, items, lines)).toMatchObject({ expected: 2, agreed: 2, faults: 0 });
    expect((await compare(dead, [...items, itemOf(3)], lines)).faults).toBe(1);
  });

  it('name the first differences only', async () => {
    const many = Array.from({ length: 30 }, (_, index) => receiptOf(index + 1, 'uploaded'));
    const { faults, examples } = await compare(many, []);
    expect([faults, examples.length]).toEqual([30, 20]);
  });
});
