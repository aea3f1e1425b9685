import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ControlKind } from '../../../feeds/control-rule.ts';
import { feedNamed } from '../../../feeds/index.ts';
import { compareControl } from '../../../lambdas/content/compare-control.ts';
import { readDialect } from '../../../lambdas/content/read-dialect.ts';
import type { SourceObject } from '../../../lambdas/core/account/file-account.ts';
import { sha256Of, smallLimits } from '../../support/splitter-world.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const rowOf = (spot: string, at: string, client = 'Ann') => `${spot},WABC,${at},30,${client}`;

const objectOf = (key: string, bytes: Buffer): SourceObject => ({
  bucket: 'b',
  key,
  etag: key,
  sizeBytes: bytes.length,
});

async function compare(kind: ControlKind, control: string | Buffer, text: string, name = 'WABC.csv') {
  const contents = new Map([
    [name, Buffer.from(text)],
    ['control', Buffer.from(control)],
  ]);
  const sources = {
    head: () => Promise.resolve(undefined),
    read: async function* read({ key }: SourceObject, offset: number) {
      const bytes = contents.get(key) ?? Buffer.of();
      for (let at = offset; at < bytes.length; at += 97) yield bytes.subarray(at, at + 97);
    },
  };
  const source = objectOf(name, Buffer.from(text));
  const read = await readDialect({ source }, undefined, { sources, feed: feedNamed('traffic') });
  const dialect = read.kind === 'dialect' ? read.dialect : undefined;
  const file = { source, dialect, limits: smallLimits, sha256: sha256Of(Buffer.from(text)) };
  const ports = { sources, encoding: 'utf-8' as const, goesOn: async () => true };
  const found = await compareControl(kind, objectOf('control', Buffer.from(control)), file, undefined, ports);
  if (found.kind !== 'compared') throw new Error('out of time');
  return found.differences;
}

const linesOf = (csv: string | undefined) => csv?.replace('\uFEFF', '').trimEnd().split('\r\n') ?? [];

describe('the rows of a control file', () => {
  const text = `${header}\n${rowOf('SP-1', '2026-01-05 06:00:00')}\n${rowOf('SP-2', '2026-01-05 06:01:00')}\n`;

  it('are compared in any order of rows and columns, with any delimiter and line break', async () => {
    for (const control of [
      'SpotID,AirDateTime\nSP-2,2026-01-05 06:01:00\nSP-1,2026-01-05 06:00:00\n',
      '\ufeffAirDateTime;SpotID\r\n2026-01-05 06:00:00;SP-1\r\n"2026-01-05 06:01:00";SP-2\r\n',
      'SpotID\nSP-1\nSP-2',
    ]) {
      expect(await compare('rows', control, text)).toBeUndefined();
    }
  });

  it('that are missing or extra are counted and listed, a moved spot next to its old place', async () => {
    const found = await compare(
      'rows',
      'SpotID,AirDateTime\nSP-1,2026-01-05 06:05:00\nSP-2,2026-01-05 06:01:00\n',
      text,
    );
    expect(found).toMatchObject({ missing: 1, extra: 1 });
    expect(linesOf(found?.csv)).toEqual([
      'sluice_difference,sluice_place,SpotID,AirDateTime',
      'extra,record 1,SP-1,2026-01-05 06:00:00',
      'missing,line 2,SP-1,2026-01-05 06:05:00',
    ]);
  });

  it('count as often as they are there', async () => {
    const twice = `${text}${rowOf('SP-2', '2026-01-05 06:01:00', 'Bob')}\n`;
    expect(await compare('rows', 'SpotID\nSP-1\nSP-2\n', twice)).toMatchObject({ missing: 0, extra: 1 });
    expect(await compare('rows', 'SpotID\nSP-1\nSP-2\nSP-2\n', twice)).toBeUndefined();
    expect(await compare('rows', 'SpotID\nSP-1\nSP-2\nSP-2\n', text)).toMatchObject({ missing: 1, extra: 0 });
  });

  it('are compared as they are written, before anything is validated', async () => {
    const bad = `${header}\n${rowOf('SP-1', 'soon')}\n`;
    expect(await compare('rows', 'SpotID,AirDateTime\nSP-1,soon\n', bad)).toBeUndefined();
    expect(await compare('rows', 'SpotID,AirDateTime\nSP-1,soon \n', bad)).toMatchObject({ missing: 1, extra: 1 });
  });

  it('match no record that can not be read', async () => {
    const broken = `${header}\nSP-1,WABC\n`;
    expect(await compare('rows', 'SpotID\nSP-1\n', broken)).toMatchObject({ missing: 1, extra: 1 });
  });

  it('are compared with JSON, numbers as they are written', async () => {
    const json = '[{"SpotID":"SP-1","Duration":30.50,"ClientName":null},{"SpotID":"SP-2","Duration":15}]';
    const control = 'SpotID,Duration,ClientName\nSP-1,30.50,\nSP-2,15,\n';
    expect(await compare('rows', control, json, 'WABC.json')).toBeUndefined();
    expect(await compare('rows', control.replace('30.50', '30.5'), json, 'WABC.json')).toMatchObject({ missing: 1 });
  });

  it('are not compared if a column is not the file’s, and its name is shown in part', async () => {
    for (const columns of [`SpotID,${'A'.repeat(60_000)}`, `${'B'.repeat(9000)},${'B'.repeat(9000)}`]) {
      const found = await compare('rows', `${columns}\nx,y\n`, text);
      expect(found?.message).toMatch(/^The control file can't be used\. It.* has the column "[AB]+…"/);
      expect(found?.message.length).toBeLessThan(300);
    }
  });

  it('are not compared if the control file is no text', async () => {
    for (const [control, why] of [
      [gzipSync('SpotID\nSP-1\n'), 'It is compressed: drop it as text.'],
      ['%PDF-1.7\n', 'It is a PDF document, not data.'],
    ] as const) {
      expect((await compare('rows', control, text))?.message).toBe(`The control file can't be used. ${why}`);
    }
  });

  it('can not become formulas in the list', async () => {
    const found = await compare('rows', 'SpotID\n=6*7\n', text);
    expect(found?.csv).toContain('\\=6*7');
  });

  it.each([
    ['', 'It is empty.'],
    ['SpotID,Price\nSP-1,3\n', 'It has the column "Price"'],
    ['SpotID,SpotID\nSP-1,SP-1\n', 'Its header has the column "SpotID" more than once.'],
    ['SpotID,AirDateTime\nSP-1\n', 'Its line 2: record has 1 fields'],
    [`SpotID\n${'x'.repeat(70_000)}\n`, 'Its line 2 has 70000 bytes; 64 KiB are allowed.'],
    ['SpotID\nSP\u0000-1\n', 'Its line 2: SpotID has'],
    [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), "can't be used"],
    [Buffer.from('SpotID\nSP-\xff\n', 'latin1'), 'Its line 2: record is not valid UTF-8.'],
  ])('are refused if they can not be read: %.20s', async (control, message) => {
    expect((await compare('rows', control, text))?.message).toContain(message);
  });

  it('agree exactly if both have the same rows equally often', async () => {
    const spots = fc.array(fc.constantFrom('a', 'b', 'c', 'd"e', ' f'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(spots, spots, async (inControl, inFile) => {
        const quoted = (spot: string) => `"${spot.replaceAll('"', '""')}"`;
        const control = `SpotID,StationCode\n${inControl.map((spot) => `${quoted(spot)},WABC\n`).join('')}`;
        const data = `${header}\n${inFile.map((spot) => `${rowOf(quoted(spot), '2026-01-05 06:00:00')}\n`).join('')}`;
        const left = [...inFile];
        const missing = inControl.filter((spot) => {
          const at = left.indexOf(spot);
          if (at >= 0) left.splice(at, 1);
          return at < 0;
        });
        const found = await compare('rows', control, data);
        expect([found?.missing ?? 0, found?.extra ?? 0]).toEqual([missing.length, left.length]);
        expect(linesOf(found?.csv).length).toBe(found ? 1 + missing.length + left.length : 0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a small control file', () => {
  it.each(['sha256sum', 'counts'] as const)('of the kind %s has at most 64 KiB', async (kind) => {
    const found = await compare(kind, ' '.repeat(64 * 1024 + 1), `${header}\n`);
    expect(found?.message).toContain('65537 bytes; one of the kind');
  });

  it('must be UTF-8', async () => {
    expect((await compare('counts', Buffer.from('{"records":0}', 'utf16le'), `${header}\n`))?.message).toContain(
      'JSON',
    );
    expect((await compare('counts', Buffer.from([0xff, 0xfe]), `${header}\n`))?.message).toContain('not valid UTF-8');
  });

  it('says which of its values differ', async () => {
    const found = await compare('counts', '{"records":2,"bytes":1}', `${header}\n${rowOf('SP-1', 'soon')}\n`);
    expect(linesOf(found?.csv)).toEqual(['sluice_difference,control_file,file', 'bytes,1,73', 'records,2,1']);
    expect(found?.message).toContain('records: the control file says 2, the file has 1.');
  });
});
