import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckRequest } from '../../../../cli/check/check-request.ts';
import { checkFile } from '../../../../cli/check/check-file.ts';
import type { CheckReport } from '../../../../cli/check/check-report.ts';
import { readCheckSettings } from '../../../../cli/check/check-settings.ts';
import { createOutput, openCheckedFile } from '../../../../cli/check/open-checked-file.ts';
import { formatCheck } from '../../../../cli/show/check-report.ts';
import { maintenanceRecord } from '../../../support/maintenance-records.ts';
import { sha256Of } from '../../../support/splitter-world.ts';
import { zipArchive } from '../../../support/zip-archive.ts';

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'sluice-check-test-'))));
afterAll(() => rm(dir, { recursive: true, force: true }));

let files = 0;
async function check(
  content: string | Buffer,
  {
    feed = 'traffic',
    name = 'log.csv',
    env = {},
    control,
    ...more
  }: Partial<Pick<CheckRequest, 'startsAtMs' | 'openRejects' | 'signal'>> & {
    feed?: string;
    name?: string;
    env?: NodeJS.ProcessEnv;
    control?: string;
  } = {},
): Promise<CheckReport> {
  const path = join(dir, `${++files}-${name}`);
  await writeFile(path, content);
  if (control !== undefined) await writeFile(`${path}.ctl`, control);
  const file = await openCheckedFile(path, feed, Readable.from([]), new AbortController().signal);
  try {
    return await checkFile(file, {
      ...readCheckSettings(feed, 'prod', env),
      stage: 'prod',
      startsAtMs: Date.UTC(2026, 0, 5, 12),
      openRejects: undefined,
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...more,
    });
  } finally {
    await file.close();
    await expect(stat(file.tempDir)).rejects.toThrow();
  }
}

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName\r\n';
const row = (n: number, duration = '30') => `SP-${n},WABC,2026-01-05 06:00:00,${duration},Client ${n}\r\n`;
const rows = (count: number) => Array.from({ length: count }, (_, n) => row(n + 1)).join('');

describe('a check', () => {
  it('compares the control file beside the file, if the feed requires one', async () => {
    const env = { SLUICE_TRAFFIC_CONTROL: '{"suffix":".ctl","comes":"after","kind":"rows"}' };
    const shown = (report: CheckReport) => formatCheck(report, undefined, { style: (_, text) => text });
    const csv = `${header}${rows(2)}`;
    const good = await check(csv, { env, control: 'SpotID\nSP-2\nSP-1\n' });
    expect(good).toMatchObject({ state: 'completed', control: { kind: 'rows', result: 'agrees', message: null } });
    expect(shown(good)).toMatch(/control file +\d+-log\.csv\.ctl \(rows\): it agrees/);
    const wrong = await check(csv, { env, control: 'SpotID\nSP-2\nSP-3\n' });
    expect(wrong).toMatchObject({ state: 'quarantined', failure: { code: 'control_differs' }, valid_records: 2 });
    expect(shown(wrong)).toContain('1 row of the control file is missing in the file, and 1 record');
    const missing = await check(csv, { env });
    expect(missing).toMatchObject({ state: 'completed', control: { result: 'missing' } });
    expect(shown(missing)).toContain('which would wait for it');
    expect((await check(csv)).control).toBeNull();
  });

  it('shows the series that the name belongs to, if the feed has one', async () => {
    const SLUICE_TRAFFIC_SERIES = '{copy}-{station}_R{#}.csv';
    const shown = (report: CheckReport) => formatCheck(report, undefined, { style: (_, text) => text });
    const csv = `${header}${rows(1)}`;
    const revision = await check(csv, { name: 'WABC_R2.csv', env: { SLUICE_TRAFFIC_SERIES } });
    expect(revision.series).toMatchObject({ parts: { station: 'WABC' }, number: 2 });
    expect(shown(revision)).toMatch(
      /series +copy \d+, station WABC, revision 2; a person decides about changed records/,
    );
    const env = { SLUICE_TRAFFIC_SERIES, SLUICE_TRAFFIC_CHANGED_RECORDS: 'supersedes' };
    const superseding = await check(csv, { name: 'WABC_R3.csv', env });
    expect(superseding.series).toMatchObject({ changed_records: 'supersedes' });
    expect(shown(superseding)).toMatch(/revision 3; changed records supersede earlier ones/);
    const other = await check(csv, { name: 'WABC.csv', env: { SLUICE_TRAFFIC_SERIES } });
    expect(other.series?.id).toBeNull();
    expect(shown(other)).toMatch(/series +none: the name does not match/);
    expect((await check(csv)).series).toBeNull();
  });

  it('counts the records to send, the rejects by reason with lines, and the repeated ids', async () => {
    const csv = `${header}${rows(20)}${row(21, '30s')}\r\n${row(5)}${row(22, '')}${row(23, 'x')}`;
    expect(await check(csv)).toMatchObject({
      state: 'completed',
      failure: null,
      bytes: csv.length,
      checksum: sha256Of(Buffer.from(csv)),
      format: 'csv',
      encoding: 'utf-8',
      compression: null,
      csv: { delimiter: ',', line_break: 'lf', columns: header.trim().split(','), first_record_line: 2 },
      total_records: 24,
      valid_records: 21,
      rejected_records: 3,
      rejects: [
        {
          reason: 'not_an_integer',
          field: 'Duration',
          count: 2,
          examples: [
            { record: 21, line: 22 },
            { record: 24, line: 26 },
          ],
        },
        { field: 'Duration', count: 1, examples: [{ record: 23, line: 25 }] },
      ],
      repeated_records: 1,
      repetitions: [{ record: 22, line: 24, first_record: 5, first_line: 6 }],
    });
  });

  const plain = `${header}${rows(500)}`;
  it.each<[string, Buffer, Partial<CheckReport>]>([
    ['a gzip', gzipSync(plain), { compression: 'gzip' }],
    ['a ZIP archive', zipArchive([{ name: 'log.csv', content: plain }]), { compression: 'zip', zip_member: 'log.csv' }],
    ['Zstandard', zstdCompressSync(plain), { compression: 'zstd' }],
    ['UTF-16', Buffer.from(`\ufeff${plain}`, 'utf16le'), { decoded_from: 'utf-16le', encoding: 'utf-8' }],
  ])('of %s counts its contents', async (_, content, layers) => {
    expect(await check(content)).toMatchObject({ ...layers, format: 'csv', total_records: 500, rejected_records: 0 });
  });

  it.each<[string, string | Buffer, string]>([
    ['other columns', 'a,b\n1,2\n', 'missing_columns'],
    ['a web page', '<!DOCTYPE html><html>', 'markup'],
    ['a damaged gzip', gzipSync(plain).subarray(0, 100), 'gzip_truncated'],
  ])('of %s explains why it would be refused, and writes no rejects', async (_, content, code) => {
    const path = join(dir, `${code}.csv`);
    const report = await check(content, { openRejects: () => createOutput(path) });
    expect(report).toMatchObject({ state: 'failed', failure: { code }, total_records: 0, content_bytes: null });
    expect(report.failure?.message).not.toMatch(/sent/);
    await expect(stat(path)).rejects.toThrow();
    expect(formatCheck(report, undefined, { style: (_style, text) => text })).toContain('would be refused: ');
  });

  it('of an empty file finds no records', async () => {
    expect(await check('')).toMatchObject({ state: 'completed', total_records: 0, warnings: [{ code: 'empty_file' }] });
  });

  it('reports where the feed would quarantine the file', async () => {
    const csv = `${header}${Array.from({ length: 3000 }, (_, n) => row(n, n % 2 ? '30' : 'x')).join('')}`;
    const report = await check(csv);
    expect(report).toMatchObject({ state: 'quarantined', total_records: 3000, failure: { code: 'too_many_rejects' } });
    expect(report.failure?.message).toMatch(/rejected, 50%; the feed tolerates/);
  });

  it('rejects a record over the limit, as the splitter and the consumer would', async () => {
    const csv = `${header}${row(1)}${row(2).replace('Client', 'x'.repeat(70_000))}${row(3)}`;
    expect(await check(csv)).toMatchObject({
      valid_records: 2,
      rejects: [{ reason: 'too_long', examples: [{ record: 2 }] }],
    });
  });

  it('of a small file treats it as one record among others', async () => {
    const json = JSON.stringify(maintenanceRecord('MR-1'), null, 2);
    const options = { feed: 'maintenance', name: 'r.json' };
    expect(await check(json, options)).toMatchObject({ is_small_file: true, total_records: 1, rejected_records: 0 });
    expect(await check('', options)).toMatchObject({ is_small_file: true, rejects: [{ reason: 'empty' }] });
    expect(await check(gzipSync(json), options)).toMatchObject({ is_small_file: false, total_records: 1 });
  });

  it('forecasts the upload by the limit, and whether the deadline is met', async () => {
    // Noon in New York is 17 hours before 05:00; the margin of half a percent is the limiter's.
    const upload = (await check(`${header}${rows(600)}`, { startsAtMs: Date.UTC(2026, 0, 5, 17) })).upload;
    expect(upload).toMatchObject({
      ...{ requests: 600, window_seconds: 60, paced: true, starts_at: '2026-01-05T17:00:00.000Z' },
      ...{ deadline_at: '2026-01-06T10:00:00.000Z', margin_seconds: 17 * 3600 - 61 },
    });
    expect(upload.seconds).toBeCloseTo(60.3, 5);
    const late = await check(`${header}${rows(600)}`, {
      startsAtMs: Date.UTC(2026, 0, 6, 9, 59, 30),
      env: { SLUICE_TRAFFIC_DEADLINE: '10:00 Etc/UTC' },
    });
    expect(late.upload.margin_seconds).toBe(-31);
    const text = formatCheck(late, '10:00 Etc/UTC', { style: (_style, shown) => shown });
    expect(text).toMatch(/10:00 Etc\/UTC: MISSED by 31 s/);
  });

  it('takes limits and options from the environment, and refuses invalid ones', async () => {
    const env = { SLUICE_TRAFFIC_REQUESTS: '6000' };
    expect((await check(`${header}${rows(600)}`, { env })).upload.seconds).toBeCloseTo(6.03, 5);
    await expect(check(header, { env: { SLUICE_TRAFFIC_REQUESTS: 'many' } })).rejects.toThrow(
      /SLUICE_TRAFFIC_REQUESTS is 'many'/,
    );
  });

  it('writes the rejects as the desk’s CSV, with formulas disarmed', async () => {
    const path = join(dir, 'rejects.csv');
    const csv = `${header}${row(1)}=1+1,WABC,2026-01-05 06:00:00,x,Acme\r\nSP-3,WABC\r\n`;
    await check(csv, { openRejects: () => createOutput(path) });
    const [first, ...lines] = (await readFile(path, 'utf8')).split('\r\n');
    expect(first).toMatch(/^\ufeffSpotID,StationCode,AirDateTime,Duration,ClientName,sluice_reason,/);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^[^=]+=1\+1,WABC,/);
    expect(lines[1]).toContain('field_count');
    expect(lines[0]).toMatch(/,\d+-log\.csv,/);
    expect(lines.join('')).not.toContain('s3://');
  });

  it('reports another header that would end the sending, and an encrypted archive that would be refused', async () => {
    const other = header.replace('Duration,ClientName', 'ClientName,Duration');
    const report = await check(`${header}${rows(6_000)}${other}${rows(10)}`);
    expect(report).toMatchObject({
      state: 'quarantined',
      failure: { code: 'other_header', message: expect.stringContaining('Line 6002 is another header') as string },
      total_records: 6_011,
      valid_records: 6_000,
      rejected_records: 0,
      held_records: 11,
    });
    expect(formatCheck(report, undefined, { style: (_, text) => text })).toMatch(/not sent\s+11/);
    expect(await check(`${header}${rows(5)}${other}${rows(5)}`)).toMatchObject({
      state: 'failed',
      failure: { code: 'other_header', message: expect.stringContaining('Line 7 is another header') as string },
      total_records: 0,
    });
    const encrypted = zipArchive([{ name: 'log.csv', content: `${header}${rows(5)}`, flags: 1 }]);
    expect(await check(encrypted, { name: 'log.zip' })).toMatchObject({
      state: 'failed',
      failure: { code: 'zip_encrypted' },
    });
  });

  it('stops when it is interrupted, and leaves nothing behind', async () => {
    await expect(check(plain, { signal: AbortSignal.abort() })).rejects.toThrow(/Interrupted/);
  });

  it('reads standard input to its end, or until it is interrupted', async () => {
    const chunks = [Buffer.from(header), Buffer.from(rows(3))];
    const file = await openCheckedFile('-', 'traffic', Readable.from(chunks), new AbortController().signal);
    expect(file.source.sizeBytes).toBe(Buffer.byteLength(header + rows(3)));
    await file.close();
    const endless = Readable.from(
      (async function* () {
        yield Buffer.from(header);
        await new Promise(() => undefined);
      })(),
    );
    const interrupt = new AbortController();
    const opening = openCheckedFile('-', 'traffic', endless, interrupt.signal);
    interrupt.abort();
    await expect(opening).rejects.toThrow(/Interrupted: standard input/);
  });
});
