import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';

it('files are compared with their control files, and a list of what differs is stored, under the splitter’s own role', async () => {
  const stack = new DeployedStack();
  const device = `P${randomUUID().slice(0, 8)}`;
  const at = '2026-01-05T06:00:00Z';
  const text = `Device,TakenAt,Celsius\n${device},${at},20\n`;
  const right = await stack.drop(`telemetry/${device}.csv`, text);
  await stack.drop(`${right.key}.ctl`, `TakenAt\n${at}\n`);
  expect(await stack.manifestOf(right.fileId)).toMatchObject({
    ...{ state: 'completed', uploaded_records: 1, control: { kind: 'rows', result: 'agrees' } },
  });
  const wrong = await stack.drop(`express/telemetry/${device}-2.csv`, text.replace(',20', ',21'));
  await stack.drop(`${wrong.key}.ctl`, 'TakenAt\n2026-01-05T07:00:00Z\n');
  const manifest = await stack.manifestOf(wrong.fileId);
  expect(manifest).toMatchObject({ state: 'quarantined', held_records: 1, control: { result: 'differs', missing: 1 } });
  expect((await stack.archived(manifest.control?.differences_key ?? '')).toString()).toContain('missing,line 2');
});
