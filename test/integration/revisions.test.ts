import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack } from '../support/deployed-stack.ts';
import { expectVerified } from '../support/expect-verified.ts';
import { header } from '../support/traffic-exports.ts';
import { zipArchive } from '../support/zip-archive.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const newPrefix = () => `R${randomUUID().slice(0, 8)}`;

/** A log of that many rows. The first `changed` of them say who has changed them. */
const exportOf = (prefix: string, rows: number, changed = 0, by = 'Changed') =>
  [
    header,
    ...Array.from({ length: rows }, (_, n) => {
      const client = n < changed ? by : 'Client';
      return `${prefix}-${n + 1},WABC,2026-11-24 05:00:00,30,${client},x`;
    }),
    '',
  ].join('\n');

/** What the API's schedule has: a spot that was sent again replaces its entry, as this API declares. */
async function scheduleOf(prefix: string): Promise<Map<string, string>> {
  const stored = await stack.stored(prefix);
  return new Map(stored.map(({ spot }) => [String(spot['spot_id']), String(spot['advertiser'])]));
}

async function expectSchedule(prefix: string, rows: number, changed: number, by = 'Changed'): Promise<void> {
  const schedule = await scheduleOf(prefix);
  expect(schedule.size).toBe(rows);
  expect([...schedule.values()].filter((client) => client === by)).toHaveLength(changed);
}

// They wait for each other's files most of the time, so they run side by side.
describe.concurrent('of a log that is exported again', () => {
  it('three revisions within a second leave the API with the newest, also through the express lane', async () => {
    const prefix = newPrefix();
    const drops = await Promise.all([
      stack.drop(`traffic/revisions/${prefix}_R1.csv`, exportOf(prefix, 1_000)),
      stack.drop(`express/traffic/revisions/${prefix}_R2.csv`, exportOf(prefix, 1_005, 12, 'Second')),
      stack.drop(`traffic/revisions/${prefix}_R3.csv`, exportOf(prefix, 1_010, 5, 'Third')),
    ]);
    const manifests = await Promise.all(drops.map(({ fileId }) => stack.manifestOf(fileId, 1, 240_000)));
    for (const manifest of manifests) {
      expect(manifest.reconciled).toBe(true);
      expect(['completed', 'superseded']).toContain(manifest.state);
    }
    const [, , third] = manifests;
    expect(third).toMatchObject({ state: 'completed', total_records: 1_010, dead_lettered_records: 0 });
    const schedule = await scheduleOf(prefix);
    expect(schedule.size).toBe(1_010);
    for (let n = 1; n <= 5; n++) expect(schedule.get(`${prefix}-${n}`)).toBe('Third');
    expect([...schedule.values()].filter((client) => client === 'Second')).toHaveLength(0);
    if (third) await expectVerified(stack, third);
  });

  it('only the changes are sent, from a gzip and then from a ZIP archive', async () => {
    const prefix = newPrefix();
    const first = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, exportOf(prefix, 500));
    expect(await stack.manifestOf(first.fileId)).toMatchObject({ uploaded_records: 500 });
    const gzip = gzipSync(exportOf(prefix, 502, 3));
    const second = await stack.drop(`traffic/revisions/${prefix}_R2.csv`, gzip);
    expect(await stack.manifestOf(second.fileId)).toMatchObject({ unchanged_records: 497, uploaded_records: 5 });
    const zip = zipArchive([{ name: 'log.csv', content: exportOf(prefix, 502, 4) }]);
    const third = await stack.drop(`express/traffic/revisions/${prefix}_R3.csv`, zip);
    const manifest = await stack.manifestOf(third.fileId);
    expect(manifest).toMatchObject({ state: 'completed', unchanged_records: 501, uploaded_records: 1 });
    expect(manifest.compared_with).toMatchObject([{ file_id: second.fileId }]);
    expect((await stack.stored(prefix)).length).toBe(506);
    await expectSchedule(prefix, 502, 4);
    await expectVerified(stack, manifest);
  });
});
