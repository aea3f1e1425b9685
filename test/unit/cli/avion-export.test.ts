import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { feedNamed } from '../../../feeds/index.ts';
import { prepareRecord } from '../../../lambdas/core/records/prepare-record.ts';
import { BatchCutter } from '../../../lambdas/core/records/batch-cutter.ts';
import { cutSlice } from '../../../lambdas/core/records/cut-slice.ts';
import { detectDialect } from '../../../lambdas/core/records/detect-dialect.ts';
import { brokenKinds } from '../../support/avion-broken-rows.ts';
import type { AvionExportOptions, ExportRow } from '../../support/avion-export.ts';
import { avionChunks, avionRows } from '../../support/avion-export.ts';

const limits = { maxBatchRecords: 500, maxBatchBytes: 96_000, maxRecordBytes: 64 * 1024 };
const feed = feedNamed('traffic');

function exported(options: AvionExportOptions): { bytes: Buffer; rows: ExportRow[] } {
  const rows: ExportRow[] = [];
  return { bytes: Buffer.concat([...avionChunks(options, (row) => rows.push(row))]), rows };
}

/** What the system's own code makes of the bytes. */
function readBack(bytes: Buffer, format: string) {
  const { formats, encoding, columns } = feed;
  const found = detectDialect(bytes, true, { formats, encoding, columns, key: `traffic/x.${format}` });
  if (found.kind !== 'dialect') throw new Error(JSON.stringify(found));
  const { dialect } = found;
  const from = { offset: dialect.bodyOffset, line: dialect.bodyLine, record: 0, batch: 0 };
  const cutter = new BatchCutter(dialect, limits, from);
  return [...cutter.push(bytes.subarray(dialect.bodyOffset)), ...cutter.end()].flatMap((batch) => {
    if (batch.kind !== 'slice') throw new Error('no row of an export is that long');
    return cutSlice(batch, dialect, limits).map((cut) => prepareRecord(cut, feed, dialect, ['f'.repeat(64)]));
  });
}

describe('a generated export', () => {
  test.each([
    { format: 'csv' },
    { format: 'jsonl' },
    { format: 'csv', lineBreak: '\r\n', byteOrderMark: true, endsWithBreak: false },
    { format: 'jsonl', lineBreak: '\r\n', endsWithBreak: false },
  ] as const)('is classified by the feed as its truth states, each invalid row with its reason: %o', (form) => {
    const options = { rows: 5_000, seed: 7, brokenShare: 0.05, kinds: brokenKinds, refused: 2, ...form };
    const { bytes, rows } = exported(options);
    const prepared = readBack(bytes, form.format);
    expect(prepared).toHaveLength(5_000);
    for (const [index, { record, line, offset, bytes: raw, truth }] of rows.entries()) {
      const read = prepared[index];
      expect(read).toMatchObject({ record, line, offset, length: raw.length });
      const wanted =
        truth.kind === 'broken'
          ? { kind: 'rejected', problem: { reason: truth.reason, field: truth.field } }
          : { kind: 'good', payload: truth.payload };
      expect(read?.result, `${truth.kind === 'broken' ? truth.broken : 'valid'}: ${raw.toString()}`).toMatchObject(
        wanted,
      );
    }
    expect(rows.filter(({ truth }) => truth.kind === 'refused')).toHaveLength(2);
    expect(new Set(rows.flatMap(({ truth }) => (truth.kind === 'broken' ? [truth.broken] : []))).size).toBe(12);
  });

  test('has unique spot ids, and shares none with another seed', () => {
    const ids = [1, 2].flatMap((seed) =>
      [...avionRows({ rows: 2_000, format: 'csv', seed })].map(({ truth }) =>
        truth.kind === 'broken' ? '' : truth.payload.spot_id,
      ),
    );
    expect(new Set(ids).size).toBe(4_000);
  });

  test('has the same bytes for the same seed', () => {
    const sha = (seed: number) =>
      createHash('sha256')
        .update(exported({ rows: 1_000, format: 'csv', seed }).bytes)
        .digest('hex');
    expect(sha(3)).toBe(sha(3));
    expect(sha(3)).not.toBe(sha(4));
  });

  test('without rows consists of its header', () => {
    const { bytes } = exported({ rows: 0, format: 'csv', seed: 1 });
    expect(bytes.toString()).toBe(
      'SpotID,StationCode,AirDateTime,Duration,ClientName,ISCI,AgencyName,ContractLine,Notes\n',
    );
  });
});
