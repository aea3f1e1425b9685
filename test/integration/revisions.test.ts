import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { DeadLetter } from '../support/deployed-stack.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { expectExactLetters, expectReceipts } from '../support/expect-exact.ts';
import { expectSeriesVerified, expectVerified } from '../support/expect-verified.ts';
import type { Sent } from '../support/revision-exports.ts';
import { airtime, expectEntries, exportOf, newPrefix } from '../support/revision-exports.ts';
import { runSluice } from '../support/run-sluice.ts';
import { zipArchive } from '../support/zip-archive.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

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

/**
 * Of revisions that came at once, whichever of them was sent in part: the schedule has the newest one's rows and no others,
 * and no entry was made by an older revision after one of a newer revision.
 * @param texts of the revisions, the oldest first @param clientOf what the newest one's row says
 * @returns how many entries each revision has made
 */
async function expectNewest(
  prefix: string,
  texts: readonly string[],
  clientOf: (row: number) => string,
): Promise<number[]> {
  const checksums = texts.map(sha256Of);
  const made = texts.map(() => 0);
  const rows = (texts.at(-1) ?? '').trim().split('\n').length - 1;
  const schedule = await stack.schedule(prefix);
  expect(new Set(schedule.map(({ spot_id: id, airtime: at }) => `${id} ${at}`))).toEqual(
    new Set(Array.from({ length: rows }, (_, index) => `${prefix}-${index + 1} ${airtime}`)),
  );
  for (const { spot_id: id, entries } of schedule) {
    const ids = checksums.map((checksum) => sha256Of(JSON.stringify([id, airtime, checksum])));
    const revisions = entries.map(({ request_id: requestId }) => ids.indexOf(requestId));
    expect(revisions, id).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
    expect(revisions, id).not.toContain(-1);
    expect(entries.at(-1)?.advertiser, id).toBe(clientOf(Number(id.slice(prefix.length + 1))));
    for (const revision of revisions) made[revision] = (made[revision] ?? 0) + 1;
  }
  return made;
}

/** Redrives letters as any client does, and waits until a consumer has received each. */
async function redrive(letters: readonly DeadLetter[]): Promise<void> {
  for (const { letter, message } of letters) {
    const id = await stack.send('TrafficLettersQueueUrl', message.Body ?? '');
    await waitFor(`the letter of record ${letter.record}`, async () => {
      const dead = await stack.ledger.getDead(letter.file_id, letter.record);
      return dead?.messageId === id ? true : undefined;
    });
  }
}

/** How the newest manifest's dead letters ended, by record. */
async function resolutionsOf(fileId: string) {
  const file = await stack.ledger.getFile(fileId);
  const manifest = await stack.manifestOf(fileId, file?.manifest?.number ?? 1);
  const lines = (await stack.archived(manifest.archive.resolutions_key ?? '')).toString().trim().split('\n');
  const ends = lines.map((line) => JSON.parse(line) as { record: number; resolution: string; by: string; why: string });
  return { manifest, ends };
}

// They wait for each other's files most of the time, so they run side by side.
describe.concurrent('of a log that is exported again', () => {
  it('three revisions within a second leave the API with the newest, also through the express lane', async () => {
    const prefix = newPrefix();
    const texts = [
      exportOf(prefix, 1_000),
      exportOf(prefix, 1_005, 12, 'Second'),
      exportOf(prefix, 1_010, 5, 'Third'),
    ] as const;
    const drops = await Promise.all([
      stack.drop(`traffic/revisions/${prefix}_R1.csv`, texts[0]),
      stack.drop(`express/traffic/revisions/${prefix}_R2.csv`, texts[1]),
      stack.drop(`traffic/revisions/${prefix}_R3.csv`, texts[2]),
    ]);
    const manifests = await Promise.all(drops.map(({ fileId }) => stack.manifestOf(fileId, 1, 240_000)));
    for (const manifest of manifests) {
      expect(manifest.reconciled).toBe(true);
      expect(['completed', 'superseded']).toContain(manifest.state);
    }
    const [, , third] = manifests;
    expect(third).toMatchObject({ state: 'completed', total_records: 1_010, dead_lettered_records: 0 });
    const made = await expectNewest(prefix, texts, (n) => (n <= 5 ? 'Third' : 'Client'));
    expect(manifests.map(({ uploaded_records: uploaded }) => uploaded)).toEqual(made);
    if (third) await expectVerified(stack, third);
  });

  it('a revision without rows is held; released, it ends well and lists what is to be removed by hand', async () => {
    const prefix = newPrefix();
    const first = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, exportOf(prefix, 120));
    expect(await stack.manifestOf(first.fileId)).toMatchObject({ uploaded_records: 120 });
    const second = await stack.drop(`traffic/revisions/${prefix}_R2.csv`, exportOf(prefix, 0));
    const held = await stack.manifestOf(second.fileId);
    expect(held).toMatchObject({ state: 'quarantined', total_records: 0, failure: { code: 'revision_differs' } });
    const args = ['release', second.fileId, '--changes', '--why', 'the day is off', '--by', 'Ann'];
    const released = await runSluice(stack, args);
    expect(released, released.err).toMatchObject({ code: 0 });
    expect(released.out).toContain('it has no records any more; 120 removed records are to be removed by hand');
    const manifest = await stack.manifestOf(second.fileId, 2);
    expect(manifest).toMatchObject({ state: 'completed', total_records: 0, removed_records: 120, reconciled: true });
    const list = (await stack.archived(manifest.comparison?.changes_key ?? '')).toString();
    expect(list.match(/^removed,/gm)).toHaveLength(120);
    await expectSchedule(prefix, 120, 120, 'Client');
    await expectVerified(stack, manifest);
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

  it('letters of the earlier revision are not sent, redriven while the newer one is sent or afterwards', async () => {
    const prefix = newPrefix();
    const row = (n: number) => `${prefix}-${n},WABC,${airtime},30,Client,x`;
    const damaged = row(2).replace(',30,', ',30s,');
    const text = exportOf(prefix, 300).replace(row(2), damaged);
    const good = Array.from({ length: 300 }, (_, index) => index + 1).filter((n) => n !== 2 && n !== 3);
    const truth = {
      ...{ prefix, text, rejected: new Map([[damaged, 'not_an_integer']]), refused: [`${prefix}-3`] },
      good: good.map((n) => ({
        ...{ spot_id: `${prefix}-${n}`, station: 'WABC', airtime, duration_sec: 30, advertiser: 'Client' },
      })),
    };
    await stack.setFaults({ refuseSpots: truth.refused });
    const first = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, text);
    const { dead: letters } = await expectExactLetters(stack, first.fileId, truth);
    // From now on the API would accept row 3 as it was.
    await stack.setFaults({});

    const rows = 3_300;
    const revised = exportOf(prefix, rows, 4);
    const second = await stack.drop(`traffic/revisions/${prefix}_R2.csv`, revised);
    await waitFor('the revision to be sent', async () => {
      const file = await stack.ledger.getFile(second.fileId);
      return file?.state === 'split' && file.settledBatches > 0 ? true : undefined;
    });
    await redrive(letters);
    expect((await stack.ledger.getFile(second.fileId))?.manifest, 'it is still being sent').toBeUndefined();
    const manifest = await stack.manifestOf(second.fileId, 1, 240_000);
    const counts = { total_records: rows, unchanged_records: 296, uploaded_records: rows - 296, removed_records: 0 };
    expect(manifest).toMatchObject({ state: 'completed', ...counts, dead_lettered_records: 0, reconciled: true });
    expect(manifest.compared_with).toMatchObject([{ file_id: first.fileId, manifest_number: 2 }]);

    await redrive(letters);
    await waitFor('no letter to be left', async () =>
      (await stack.depth('TrafficLettersQueueUrl')) === 0 ? true : undefined,
    );
    const args = ['dlq', 'redrive', '--feed', 'traffic', '--file', first.fileId, '--json'];
    const command = await runSluice(stack, args);
    expect(command, command.err).toMatchObject({ code: 0 });
    expect(JSON.parse(command.out)).toMatchObject({ moved_messages: 0, remade_letters: 0, resolved: 0, untried: 0 });

    await expectEntries(stack, prefix, rows, (n) => {
      const sent: Sent[] = n <= 300 && n !== 2 && n !== 3 ? [[text, 'Client']] : [];
      if (n <= 4) return [...sent, [revised, 'Changed']];
      return n <= 300 ? sent : [[revised, 'Client']];
    });
    const { manifest: amended, ends } = await resolutionsOf(first.fileId);
    expect(amended).toMatchObject({ state: 'completed', total_records: 300, uploaded_records: 298, reconciled: true });
    expect(amended).toMatchObject({ rejected_records: 1, refused_records: 1, handled_records: 2, resolved_records: 0 });
    expect(amended.dead_lettered_records).toBe(0);
    const why = `not sent: the file ${second.fileId} is a newer revision`;
    const end = { resolution: 'handled', by: 'Sluice', why };
    expect(ends).toMatchObject([2, 3].map((record) => ({ record, ...end })));
    await expectReceipts(stack, manifest, Buffer.from(revised));
    for (const each of [amended, manifest]) await expectVerified(stack, each);
  });

  it('a revision of a file in quarantine sends what the API lacks, and the quarantined file stays unsent', async () => {
    const prefix = newPrefix();
    // Several batches more than are being sent at once: some are left when the file is stopped.
    const rows = 5_000;
    const text = exportOf(prefix, rows);
    const isBroken = (n: number) => n > 600 && n <= 1_400;
    const wrong = text
      .split('\n')
      .map((line, n) => (isBroken(n) ? line.replace(',30,', ',thirty,') : line))
      .join('\n');
    // In the other lane, so that its many letters do not delay those of the test above.
    const first = await stack.drop(`express/traffic/revisions/${prefix}_R1.csv`, wrong);
    await waitFor('the quarantine', async () => (await stack.ledger.getFile(first.fileId))?.quarantine);
    const second = await stack.drop(`express/traffic/revisions/${prefix}_R2.csv`, text);

    const stopped = await stack.manifestOf(first.fileId);
    expect(stopped).toMatchObject({ state: 'quarantined', total_records: rows, reconciled: true });
    expect(stopped.failure).toMatchObject({ code: 'too_many_rejects' });
    expect(stopped.held_records).toBeGreaterThan(0);
    const { uploaded_records: sent, rejected_records: rejected } = stopped;
    expect(sent + rejected + stopped.held_records).toBe(rows);
    const manifest = await stack.manifestOf(second.fileId, 1, 240_000);
    const counts = { total_records: rows, unchanged_records: sent, uploaded_records: rows - sent, removed_records: 0 };
    expect(manifest).toMatchObject({ state: 'completed', ...counts, dead_lettered_records: 0, reconciled: true });
    // With an amendment of the quarantined file, or several: its dead letters are settled first.
    const [base] = manifest.compared_with;
    expect(base?.file_id).toBe(first.fileId);
    expect(base?.manifest_number).toBeGreaterThan(1);

    const released = await runSluice(stack, ['release', first.fileId, '--why', 'a mistake', '--by', 'Ann']);
    expect(released, released.err).toMatchObject({ code: 1 });
    expect(released.err).toContain(`the file ${second.fileId} of its series has come since`);
    const receipts = await stack.receiptsOf(stopped);
    const uploaded = new Set(receipts.filter(({ outcome }) => outcome === 'uploaded').map(({ record }) => record));
    await expectEntries(stack, prefix, rows, (n) => [[uploaded.has(n) ? wrong : text, 'Client']]);
    const { manifest: amended, ends } = await resolutionsOf(first.fileId);
    const settled = { rejected_records: rejected, handled_records: rejected, dead_lettered_records: 0 };
    expect(amended).toMatchObject({ state: 'quarantined', uploaded_records: sent, ...settled, reconciled: true });
    const why = `not sent: the file ${second.fileId} is a newer revision`;
    expect(ends.filter((each) => each.why === why && each.by === 'Sluice')).toHaveLength(rejected);
    await expectReceipts(stack, amended, Buffer.from(wrong));
    await expectReceipts(stack, manifest, Buffer.from(text));
    for (const each of [amended, manifest]) await expectVerified(stack, each);
  });
});

// Alone: the limit that the tests above share would end the first file's upload before the second file is read.
it('a revision stops the one before during its upload, and sends what the API lacks', async () => {
  const prefix = newPrefix();
  // Five batches, of which two are sent at once: some are left when the file is stopped.
  const rows = 5_000;
  const text = exportOf(prefix, rows);
  const isChanged = (n: number) => n <= 4 || n === rows;
  const lastRow = `${prefix}-${rows},WABC,${airtime},30,`;
  const revised = exportOf(prefix, rows, 4).replace(`${lastRow}Client`, `${lastRow}Changed`);
  const first = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, text);
  const early = await waitFor('the first one to be sent', async () => {
    const { length } = await stack.schedule(prefix);
    return length > 0 ? length : undefined;
  });
  const second = await stack.drop(`traffic/revisions/${prefix}_R2.csv`, revised);
  expect(early, 'the second one comes during the upload').toBeLessThan(rows);

  const stopped = await stack.manifestOf(first.fileId, 1, 240_000);
  expect(stopped).toMatchObject({
    ...{ state: 'superseded', failure: { code: 'newer_revision' }, total_records: rows, reconciled: true },
    ...{ unchanged_records: 0, duplicate_records: 0, dead_lettered_records: 0 },
  });
  expect(stopped.failure?.message).toContain(second.fileId);
  expect(stopped.held_records).toBeGreaterThan(0);
  const receipts = await stack.receiptsOf(stopped);
  const sent = new Set(receipts.flatMap(({ outcome, record }) => (outcome === 'uploaded' ? [record] : [])));
  expect(sent.size).toBe(stopped.uploaded_records);
  expect(sent.size).toBeGreaterThanOrEqual(early);
  expect(sent.size + stopped.held_records).toBe(rows);

  const manifest = await stack.manifestOf(second.fileId, 1, 240_000);
  const unchanged = [...sent].filter((n) => !isChanged(n)).length;
  expect(manifest).toMatchObject({
    ...{ state: 'completed', total_records: rows, unchanged_records: unchanged, uploaded_records: rows - unchanged },
    ...{ removed_records: 0, duplicate_records: 0, dead_lettered_records: 0, held_records: 0, reconciled: true },
    compared_with: [{ file_id: first.fileId }],
  });
  await expectEntries(stack, prefix, rows, (n) => {
    const earlier: Sent[] = sent.has(n) ? [[text, 'Client']] : [];
    if (isChanged(n)) return [...earlier, [revised, 'Changed']];
    return sent.has(n) ? earlier : [[revised, 'Client']];
  });
  await expectReceipts(stack, stopped, Buffer.from(text));
  await expectReceipts(stack, manifest, Buffer.from(revised));
  await expectSeriesVerified(stack, [first.fileId, second.fileId]);
});
