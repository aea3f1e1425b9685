import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../../../lambdas/core/account/receipt.ts';
import { RepeatedRequestIds } from '../../../../lambdas/core/account/repeated-request-ids.ts';

const receipt = (record: number, id: string | null, sha256: string, outcome: Receipt['outcome']): Receipt => ({
  record,
  line: record,
  offset: 0,
  length: 1,
  sha256,
  outcome,
  request_id: id,
  status: 200,
  attempts: 1,
  at: '2026-01-05T06:00:00.000Z',
});
const codesOf = (...receipts: Receipt[]) => {
  const ids = new RepeatedRequestIds();
  for (const each of receipts) ids.add(each);
  return ids.warnings().map(({ code, message }) => [code, /: (.*)$/.exec(message)?.[1]]);
};

describe('records with one request id', () => {
  it('do not matter if the bytes are equal and one is a duplicate', () => {
    expect(codesOf(receipt(1, 'a', 'x', 'uploaded'), receipt(2, 'a', 'x', 'duplicate'))).toEqual([]);
  });

  it('are listed if the bytes differ, whichever batches they were in', () => {
    const all = [
      receipt(1, 'a', 'x', 'uploaded'),
      receipt(700, 'a', 'y', 'duplicate'),
      receipt(701, 'b', 'y', 'uploaded'),
    ];
    expect(codesOf(...all)).toEqual([['same_request_id', '700']]);
  });

  it('are listed if both were reported as uploaded', () => {
    expect(codesOf(receipt(1, 'a', 'x', 'uploaded'), receipt(700, 'a', 'x', 'uploaded'))).toEqual([
      ['uploaded_twice', '700'],
    ]);
  });

  it('do not include those that were not delivered', () => {
    const all = [receipt(1, 'a', 'x', 'refused'), receipt(2, 'a', 'y', 'uploaded'), receipt(3, null, 'z', 'rejected')];
    expect(codesOf(...all)).toEqual([]);
  });

  it('are all counted and named up to 20', () => {
    const all = Array.from({ length: 30 }, (_, index) =>
      receipt(index + 1, 'a', String(index), index === 0 ? 'uploaded' : 'duplicate'),
    );
    const ids = new RepeatedRequestIds();
    for (const each of all) ids.add(each);
    expect(ids.warnings()[0]?.message).toMatch(/^29 records .*, 20, 21, …$/);
  });
});
