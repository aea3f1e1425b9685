import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { expectReceipts } from '../support/expect-exact.ts';
import { expectSeriesVerified, expectVerified } from '../support/expect-verified.ts';
import type { Sent } from '../support/revision-exports.ts';
import { expectEntries, newPrefix } from '../support/revision-exports.ts';
import { startSluice } from '../support/run-sluice.ts';
import { makeWaitingRevision } from '../support/waiting-revision.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});
afterAll(() => stack.setFaults({}));

it('a revision is released without an earlier one that does not close, and the API has it whole', async () => {
  const prefix = newPrefix();
  const { earlier, newer, stored, lost } = await makeWaitingRevision(stack, prefix);
  expect(await stack.ledger.getFile(earlier.fileId), 'it is stopped, and open').toMatchObject({
    ...{ state: 'split', settledBatches: 0, quarantine: { code: 'newer_revision' } },
  });
  expect(await stack.stored(prefix)).toHaveLength(earlier.rows - lost.length);

  const why = 'it hangs, and the day is near';
  const args = ['release', newer.fileId, '--without', earlier.fileId, '--why', why, '--by', 'Ann', '--json'];
  const command = startSluice(stack, args);
  const closed = await stack.manifestOf(earlier.fileId);
  // From now on the API would accept the earlier one's rows: no function sends them.
  await stack.setFaults({});
  const { code, out, err } = await command.end;
  expect(code, err).toBe(0);
  expect(err).toContain(`Decided: ${newer.fileId} goes on without ${earlier.fileId}.`);

  const inDoubt = stored.length + lost.length;
  const decision = { kind: 'without', by: 'Ann', why, newer_file_id: newer.fileId, earlier_file_id: earlier.fileId };
  const ended = {
    ...{ state: 'superseded', reconciled: true, failure: { code: 'newer_revision' }, total_records: earlier.rows },
    ...{ uploaded_records: earlier.rows - inDoubt, exhausted_records: inDoubt, held_records: 0 },
  };
  expect(closed).toMatchObject({ ...ended, dead_lettered_records: inDoubt, decisions: [decision] });
  expect(closed.errors_by_reason).toEqual([{ outcome: 'exhausted', reason: 'superseded', records: inDoubt }]);
  const settled = await stack.manifestOf(earlier.fileId, 2);
  expect(settled).toMatchObject({ ...ended, dead_lettered_records: 0, handled_records: inDoubt });
  expect(settled.decisions).toMatchObject([decision, { kind: 'resolve', by: 'Sluice' }]);

  // What may have been sent counts as changed, whether the row is another one or not.
  const again = (n: number): boolean => n <= newer.changed || [...stored, ...lost].includes(n) || n > earlier.rows;
  const sent = Array.from({ length: newer.rows }, (_, index) => index + 1).filter(again).length;
  const manifest = await stack.manifestOf(newer.fileId);
  expect(JSON.parse(out)).toEqual(manifest);
  expect(manifest).toMatchObject({
    ...{ state: 'completed', reconciled: true, total_records: newer.rows, manifest_number: 1, decisions: [decision] },
    ...{ uploaded_records: sent, unchanged_records: newer.rows - sent, duplicate_records: 0, removed_records: 0 },
    compared_with: [{ file_id: earlier.fileId, manifest_number: 2 }],
  });

  // The earlier one's batch was made again; the message that its consumer had left is late.
  await waitFor('no message to be left', async () =>
    (await stack.depth('TrafficRecordsQueueUrl')) === 0 ? true : undefined,
  );
  await expectEntries(stack, prefix, newer.rows, (n) => {
    const before: Sent[] = n <= earlier.rows && !lost.includes(n) ? [[earlier.text, 'Client']] : [];
    return again(n) ? [...before, [newer.text, n <= newer.changed ? 'Changed' : 'Client']] : before;
  });

  await expectReceipts(stack, settled, Buffer.from(earlier.text));
  await expectReceipts(stack, manifest, Buffer.from(newer.text));
  await expectSeriesVerified(stack, [earlier.fileId, newer.fileId]);
  for (const each of [settled, manifest]) await expectVerified(stack, each);
});
