import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { duplicatesSeen } from '../support/duplicates-seen.ts';
import { runSluice } from '../support/run-sluice.ts';
import { csvExport, header } from '../support/traffic-exports.ts';

let stack: DeployedStack;
let dir: string;
beforeAll(async () => {
  stack = new DeployedStack();
  dir = await mkdtemp(join(tmpdir(), 'sluice-dlq-'));
});
beforeEach(() => stack.setFaults({}));

const newPrefix = () => `D${randomUUID().slice(0, 8)}`;
const goodRow = (id: string) => `${id},WABC,2026-11-24 06:00:00,30,Acme,x`;
const csvOf = (rows: readonly string[]) => [header, ...rows, ''].join('\n');

interface Told {
  moved_messages: number;
  remade_letters: number;
  resolved: number;
  failed_again: Record<string, number>;
  untried: number;
}

/** Drops a file and waits for its first manifest, and until its letters have reached the DLQ. */
async function dropDead(rows: readonly string[], dead: number, dir = 'traffic') {
  const { fileId } = await stack.drop(`${dir}/${randomUUID()}.csv`, csvOf(rows));
  const first = await stack.manifestOf(fileId);
  expect(first).toMatchObject({ dead_lettered_records: dead, reconciled: true });
  await waitFor('the letters to reach the DLQ', async () => {
    let known = 0;
    for await (const _ of stack.ledger.listDead(fileId)) known++;
    return known === dead && (await stack.depth('TrafficLettersQueueUrl')) === 0 ? true : undefined;
  });
  return { fileId, first };
}

async function redrive(fileId: string, more: readonly string[] = []): Promise<{ code: number | null; told: Told }> {
  const end = await runSluice(stack, ['dlq', 'redrive', '--feed', 'traffic', '--file', fileId, '--json', ...more]);
  expect(end.out, end.err).not.toBe('');
  return { code: end.code, told: JSON.parse(end.out) as Told };
}

async function expectSum(fileId: string, wanted: Partial<Manifest>): Promise<Manifest> {
  const file = await stack.ledger.getFile(fileId);
  const manifest = await stack.manifestOf(fileId, file?.manifest?.number ?? 1);
  expect(manifest).toMatchObject({ reconciled: true, ...wanted });
  const sum = outcomes.reduce((total, outcome) => total + manifest[`${outcome}_records`], 0);
  expect(sum).toBe(manifest.total_records);
  return manifest;
}

/** Letters of a file in the DLQ, which is not changed. */
async function lettersOf(fileId: string): Promise<number[]> {
  const dead = await stack.takeDeadLetters(fileId, 0);
  for (const { message } of dead) await stack.send('TrafficDlqUrl', message.Body ?? '');
  return dead.map(({ letter }) => letter.record).sort((a, b) => a - b);
}

/** A page beside each account, the newest as `report` saves it. */
async function expectReports(fileId: string): Promise<void> {
  const out = join(dir, `${fileId}.html`);
  expect(await runSluice(stack, ['report', fileId, '--out', out])).toMatchObject({ code: 0, out: `${out}\n` });
  const page = await readFile(out, 'utf8');
  expect(page).toContain('3 of 5 records reached the API. 2 did not and need attention.');
  expect(page).toContain('This is manifest 2 of the file: 2 records accepted since.');
  const { archive } = await stack.manifestOf(fileId);
  const before = await stack.archived(archive.manifest_key.replace('manifest.2.json', 'manifest.json'));
  const { archive: firstArchive } = manifestSchema.parse(JSON.parse(before.toString()));
  const first = await stack.archived(firstArchive.report_key ?? '');
  expect(first.toString()).toContain('1 of 5 records reached the API. 4 did not and need attention.');
}

describe('dlq redrive', () => {
  it('redrives curable and incurable letters as often as asked, with an exact account', async () => {
    const prefix = newPrefix();
    await stack.setFaults({ refuseSpots: [`${prefix}-1`, `${prefix}-2`] });
    const incurable = [`${prefix}-3,WABC,t,30s,Acme,x`, goodRow(`REFUSE-${prefix}`)];
    const rows = [...[1, 2, 4].map((number) => goodRow(`${prefix}-${number}`)), ...incurable];
    const { fileId, first } = await dropDead(rows, 4);

    const early = await redrive(fileId);
    expect(early).toMatchObject({ code: 2, told: { moved_messages: 4, remade_letters: 0, resolved: 0, untried: 0 } });
    expect(early.told.failed_again).toEqual({ http_422: 3, not_an_integer: 1 });
    await stack.setFaults({});
    const late = await redrive(fileId);
    expect(late).toMatchObject({ code: 2, told: { moved_messages: 4, resolved: 2, untried: 0 } });
    expect(late.told.failed_again).toEqual({ http_422: 1, not_an_integer: 1 });
    const counts = { uploaded_records: 3, refused_records: 1, rejected_records: 1, resolved_records: 2 };
    const second = await expectSum(fileId, { manifest_number: 2, dead_lettered_records: 2, ...counts });
    const again = await redrive(fileId);
    expect(again).toMatchObject({ code: 2, told: { moved_messages: 2, resolved: 0 } });
    await expectSum(fileId, { manifest_number: 2 });

    expect(second.archive.manifest_key).toBe(first.archive.manifest_key.replace('manifest.json', 'manifest.2.json'));
    expect(JSON.parse((await stack.archived(first.archive.manifest_key)).toString())).toEqual(first);
    expect(await stack.stored(prefix)).toHaveLength(3);
    await expectReports(fileId);
    expect(await lettersOf(fileId)).toEqual([4, 5]);
    expect((await stack.ledger.getDead(fileId, 5))?.history.map(({ reason }) => reason)).toEqual(
      Array(4).fill('http_422'),
    );
  });

  it('has the same effect as a redrive by another client, twice in a row', async () => {
    const prefix = newPrefix();
    await stack.setFaults({ refuseSpots: [`${prefix}-1`] });
    const { fileId } = await dropDead([goodRow(`${prefix}-1`), `${prefix}-2,WABC,t,,Acme,x`], 2);
    await stack.setFaults({});
    for (const left of [2, 1]) {
      const dead = await stack.takeDeadLetters(fileId, left);
      expect(dead).toHaveLength(left);
      for (const { message } of dead) await stack.send('TrafficLettersQueueUrl', message.Body ?? '');
      await stack.manifestOf(fileId, 2);
    }
    expect(await lettersOf(fileId)).toEqual([2]);
    await expectSum(fileId, { manifest_number: 2, uploaded_records: 1, resolved_records: 1, dead_lettered_records: 1 });
  });

  it('recreates letters whose messages are missing from the DLQ, and accepts a reason as a selection', async () => {
    const prefix = newPrefix();
    await stack.setFaults({ refuseSpots: [`${prefix}-1`, `${prefix}-2`] });
    const rows = [goodRow(`${prefix}-1`), goodRow(`${prefix}-2`), `${prefix}-3,WABC,t,30.0,Acme,x`];
    const { fileId } = await dropDead(rows, 3);
    await stack.takeDeadLetters(fileId, 3);
    await stack.setFaults({});
    const { code, told } = await redrive(fileId, ['--reason', 'http_422']);
    expect({ code, told }).toMatchObject({ code: 0, told: { moved_messages: 0, remade_letters: 2, resolved: 2 } });
    await expectSum(fileId, { uploaded_records: 2, rejected_records: 1, resolved_records: 2 });
    expect(await redrive(fileId)).toMatchObject({
      code: 2,
      told: { remade_letters: 1, failed_again: { not_an_integer: 1 } },
    });
    expect(await lettersOf(fileId)).toEqual([3]);
  });

  it('loses nothing when it is interrupted, and stays below the limit while another file is uploaded', async () => {
    const prefix = newPrefix();
    const ids = Array.from({ length: 300 }, (_, index) => `${prefix}-${index + 1}`);
    await stack.setFaults({ refuseSpots: ids });
    // Beside each a row that is accepted: an API that refuses everything gets no more requests, and causes no dead letters.
    const rows = ids.flatMap((id) => [goodRow(id), goodRow(`${id}-fine`)]);
    const { fileId } = await dropDead(rows, 300);
    await stack.setFaults({});
    const throttles = await stack.throttles();
    const other = csvExport(4_000);
    const dropped = await stack.drop(`traffic/${other.prefix}.csv`, other.text);
    const args = ['dlq', 'redrive', '--feed', 'traffic', '--file', fileId];
    const stopped = await runSluice(stack, args, /moving letters/);
    expect(stopped, stopped.err).toMatchObject({ code: 130 });
    expect(stopped.err).toMatch(/Interrupted, and nothing is lost/);

    // The rest, and what the first run left: repeated until every record is settled.
    const end = await redrive(fileId);
    expect(end.told.untried).toBe(0);
    await waitFor('every record to be resolved', async () => {
      for await (const dead of stack.ledger.listDead(fileId)) if (dead.state !== 'resolved') return undefined;
      return true;
    });
    const manifest = await waitFor('the account to be closed', async () => {
      const number = (await stack.ledger.getFile(fileId))?.manifest?.number ?? 1;
      const newest = await stack.manifestOf(fileId, number);
      return newest.resolved_records === 300 ? newest : undefined;
    });
    expect(manifest).toMatchObject({ uploaded_records: 600, dead_lettered_records: 0, reconciled: true });
    expect(await stack.stored(prefix)).toHaveLength(600);
    expect(await stack.manifestOf(dropped.fileId)).toMatchObject({ reconciled: true, total_records: 4_000 });
    expect(await stack.throttles()).toBe(throttles);
  });
});

describe('dlq list and show', () => {
  it('show dead letters that the DLQ has lost', async () => {
    const prefix = newPrefix();
    const { fileId } = await dropDead([goodRow(`${prefix}-1`), `${prefix}-2,WABC,t,30s,Acme,x`], 1);
    await stack.takeDeadLetters(fileId, 1);
    const listed = await runSluice(stack, ['dlq', 'list', '--feed', 'traffic', '--file', fileId, '--json']);
    expect(JSON.parse(listed.out)).toMatchObject([
      { record: 2, line: 3, reason: 'not_an_integer', field: 'Duration', raw_payload: `${prefix}-2,WABC,t,30s,Acme,x` },
    ]);
    const shown = await runSluice(stack, ['dlq', 'show', fileId, '2']);
    expect(shown.out).toContain('Duration must be a whole number of seconds');
    const none = await runSluice(stack, ['dlq', 'show', fileId, '1']);
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.err).toMatch(/Record 1 of the file \S+ is not a dead letter/);
  });
});

describe('dlq resolve', () => {
  it('closes a record manually, archives who did it and why, and removes its letter from the DLQ', async () => {
    const prefix = newPrefix();
    const { fileId } = await dropDead(
      [1, 2].map((number) => `${prefix}-${number},WABC,t,30s,Acme,x`),
      2,
    );
    const why = ['--why', 'entered in the API by telephone', '--by', 'Ann'];
    const unknown = await runSluice(stack, ['dlq', 'resolve', fileId, '1', '3', ...why]);
    expect(unknown, unknown.err).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toMatch(/Nothing was resolved\. Record 3 of the file/);

    const end = await runSluice(stack, ['dlq', 'resolve', fileId, '1', ...why, '--json']);
    expect(JSON.parse(end.out)).toMatchObject({ resolved: [1], by: 'Ann', removed_letters: 1 });
    const counts = { rejected_records: 2, handled_records: 1, resolved_records: 0, dead_lettered_records: 1 };
    const manifest = await expectSum(fileId, { manifest_number: 2, ...counts });
    const lines = (await stack.archived(manifest.archive.resolutions_key ?? '')).toString();
    expect(JSON.parse(lines)).toMatchObject({ record: 1, resolution: 'handled', by: 'Ann', why: why[1] });
    expect(await lettersOf(fileId)).toEqual([2]);
    const twice = await runSluice(stack, ['dlq', 'resolve', fileId, '1', ...why]);
    expect(twice.err).toMatch(
      /Record 1 is resolved already, at .* \(handled by Ann: entered in the API by telephone\)/,
    );
    expect(twice.code).toBe(1);
  });
});

/** As a spreadsheet saves it: no byte-order mark, LF, all cells quoted or none that needn't be, another separator. */
async function correctedBy(path: string, correct: (row: Record<string, string>) => void): Promise<string> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  const rows = parse<Record<string, string>>(text, { columns: true });
  const columns = Object.keys(rows[0] ?? {});
  for (const row of rows) correct(row);
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))];
  const saved = join(dir, `${randomUUID()}.csv`);
  await writeFile(saved, `${lines.map((cells) => [...cells, ''].map(quoted).join(';')).join('\n')}\n`);
  return saved;
}

describe('dlq reingest', () => {
  const reason = ['--why', 'durations without units'];

  it('closes the account with a corrected CSV, and sends nothing twice', async () => {
    const prefix = newPrefix();
    const rows = [
      goodRow(`${prefix}-1`),
      `${prefix}-2,WABC,t,30s,"Joe's ""Best"", Inc.\r\nline",x`,
      `${prefix}-3,WABC,t,,=SUM(A1),x`,
      `${prefix}-4,WABC,t`,
      `${prefix}-5,WABC,t,30s,untouched,x`,
    ];
    const { fileId } = await dropDead(rows, 4);
    const out = join(dir, `${prefix}.csv`);
    const exported = await runSluice(stack, ['dlq', 'export', '--feed', 'traffic', '--file', fileId, '--out', out]);
    expect(exported, exported.err).toMatchObject({ code: 0 });
    const fills: Record<string, string> = { SpotID: `${prefix}-4`, StationCode: 'WABC', AirDateTime: 't' };
    const csv = await correctedBy(out, (row) => {
      if (row['sluice_record'] === '5') return;
      row['Duration'] = '30';
      if (row['sluice_record'] === '4') Object.assign(row, fills, { ClientName: 'Acme' });
    });
    const asked = await runSluice(stack, ['dlq', 'reingest', csv, ...reason]);
    expect(asked, asked.err).toMatchObject({ code: 1 });
    expect(asked.err).toMatch(/without a terminal.* --yes/);

    const end = await runSluice(stack, ['dlq', 'reingest', csv, '--yes', '--json', '--by', 'Ann', ...reason]);
    expect(end.code, end.err).toBe(0);
    const told = JSON.parse(end.out) as { corrections: { record: number; end: string }[] };
    expect(told).toMatchObject({ changed_rows: 3, unchanged_rows: 1, resolved_rows: 0 });
    expect(told.corrections.map(({ record, end: how }) => [record, how])).toEqual([
      [2, 'uploaded'],
      [3, 'uploaded'],
      [4, 'uploaded'],
    ]);
    await expectSum(fileId, {
      uploaded_records: 4,
      rejected_records: 1,
      resolved_records: 3,
      dead_lettered_records: 1,
    });
    const advertisers = (await stack.stored(prefix)).map(({ spot }) => spot['advertiser']).sort();
    expect(advertisers).toEqual(['=SUM(A1)', 'Acme', 'Acme', `Joe's "Best", Inc.\r\nline`]);
    expect(await lettersOf(fileId)).toEqual([5]);

    const duplicates = await duplicatesSeen(stack);
    const again = await runSluice(stack, ['dlq', 'reingest', csv, '--yes', '--json', ...reason]);
    expect(JSON.parse(again.out)).toMatchObject({ changed_rows: 0, unchanged_rows: 1, resolved_rows: 3 });
    expect(await duplicatesSeen(stack)).toBe(duplicates);
  });

  it('reports a 409 on a changed row as a conflict, and refuses a CSV whose rows do not identify their records', async () => {
    const prefix = newPrefix();
    await stack.setFaults({ refuseSpots: [`${prefix}-1`] });
    const { fileId } = await dropDead([goodRow(`${prefix}-1`), `${prefix}-2,WABC,t,30s,Acme,x`], 2);
    await stack.setFaults({});
    // By some other way the record got into the API after all, as it was.
    const dead = await stack.ledger.getDead(fileId, 1);
    const { url, token } = stack.cloud.api;
    const entry = { spot_id: `${prefix}-1`, station: 'WABC', airtime: '2026-11-24 06:00:00', duration_sec: 30 };
    await fetch(`${url}/ingest`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-request-id': dead?.requestId ?? '' },
      body: JSON.stringify({ ...entry, advertiser: 'Acme' }),
    });

    const out = join(dir, `${prefix}.csv`);
    await runSluice(stack, ['dlq', 'export', '--feed', 'traffic', '--file', fileId, '--out', out]);
    const damaged = await correctedBy(out, (row) => void (row['sluice_sha256'] = '0'.repeat(64)));
    const refused = await runSluice(stack, ['dlq', 'reingest', damaged, '--yes', ...reason]);
    expect(refused, refused.err).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/Nothing was sent[^]*Line 2: sluice_sha256 is not that of record 1/);

    const csv = await correctedBy(out, (row) => {
      if (row['sluice_record'] === '1') row['ClientName'] = 'Another';
    });
    const end = await runSluice(stack, ['dlq', 'reingest', csv, '--yes', '--json', ...reason]);
    expect(end.code, end.err).toBe(2);
    expect(JSON.parse(end.out)).toMatchObject({
      changed_rows: 1,
      corrections: [{ record: 1, end: 'conflict', reason: 'conflict', changed: ['ClientName'] }],
    });
    expect(await stack.ledger.getDead(fileId, 1)).toMatchObject({ state: 'dead' });
    expect(await stack.stored(prefix)).toMatchObject([{ spot: { advertiser: 'Acme' } }]);
    await expectSum(fileId, { manifest_number: 1, dead_lettered_records: 2 });
  });
});
