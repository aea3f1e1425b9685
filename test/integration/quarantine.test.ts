import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { expectVerified } from '../support/expect-verified.ts';
import { header } from '../support/traffic-exports.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

/** Rows of which the first thousand are valid, and the next ones invalid up to `brokenUntil`. */
function exportOf(rows: number, brokenUntil: number): { prefix: string; text: string; good: number } {
  const prefix = `Q${randomUUID().slice(0, 8)}`;
  const isBroken = (row: number) => row > 1_000 && row <= brokenUntil;
  const lines = Array.from({ length: rows }, (_, index) => {
    const row = index + 1;
    return `${prefix}-${row},WABC,2026-11-24 05:00:00,${isBroken(row) ? 'thirty' : '30'},Client,x`;
  });
  return { prefix, text: [header, ...lines, ''].join('\n'), good: rows - (Math.min(rows, brokenUntil) - 1_000) };
}

describe('a wrong file', () => {
  it('is stopped after few dead letters; after its release, each valid record is uploaded once', async () => {
    const rows = 12_000;
    const { prefix, text, good } = exportOf(rows, 6_000);
    const { fileId } = await stack.drop(`traffic/${prefix}.csv`, text);
    const first = await stack.manifestOf(fileId);
    expect(first).toMatchObject({ state: 'quarantined', total_records: rows, reconciled: true });
    expect(first.failure).toMatchObject({ code: 'too_many_rejects' });
    expect(first.archive.manifest_key).toMatch(/^quarantine\/traffic\//);
    expect(first.rejected_records).toBeLessThan(3_000);
    expect(first.uploaded_records + first.rejected_records + first.held_records).toBe(rows);
    expect((await stack.stored(prefix)).length).toBe(first.uploaded_records);

    expect(await stack.ledger.releaseQuarantine(fileId, 'ann', 'the desk has looked')).toBeDefined();
    await stack.send('TrafficIntakeQueueUrl', JSON.stringify({ v: 1, kind: 'reemit', feed: 'traffic', fileId }));
    const second = await stack.manifestOf(fileId, 2);
    expect(second).toMatchObject({
      state: 'completed',
      uploaded_records: good,
      rejected_records: rows - good,
      held_records: 0,
      held_ranges: [],
      failure: null,
      reconciled: true,
    });
    const stored = (await stack.stored(prefix)).map(({ spot }) => spot['spot_id']);
    expect(stored).toHaveLength(good);
    expect(new Set(stored).size).toBe(good);
    expect((await stack.receiptsOf(second)).map(({ record }) => record)).toEqual(
      Array.from({ length: rows }, (_, index) => index + 1),
    );
    expect(JSON.parse((await stack.archived(first.archive.manifest_key)).toString())).toEqual(first);
    for (const manifest of [first, second]) await expectVerified(stack, manifest);
  });
});
