import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { expectVerified } from '../support/expect-verified.ts';
import { header } from '../support/traffic-exports.ts';

it('of a log that is exported again, only the changes are sent, also while the one before is being sent', async () => {
  const stack = new DeployedStack();
  const prefix = `R${randomUUID().slice(0, 8)}`;
  const exportOf = (rows: number, changed: number) =>
    [
      header,
      ...Array.from({ length: rows }, (_, n) => {
        const client = n < changed ? 'Changed' : 'Client';
        return `${prefix}-${n + 1},WABC,2026-11-24 05:00:00,30,${client},x`;
      }),
      '',
    ].join('\n');
  const first = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, exportOf(1_000, 0));
  const second = await stack.drop(`express/traffic/revisions/${prefix}_R2.csv`, exportOf(1_005, 12));
  expect(await stack.manifestOf(first.fileId)).toMatchObject({ state: 'completed', uploaded_records: 1_000 });
  const manifest = await stack.manifestOf(second.fileId);
  expect(manifest).toMatchObject({
    ...{ state: 'completed', reconciled: true, total_records: 1_005, unchanged_records: 988, uploaded_records: 17 },
    compared_with: [{ file_id: first.fileId }],
  });
  expect((await stack.stored(prefix)).length).toBe(1_017);
  await expectVerified(stack, manifest);
});
