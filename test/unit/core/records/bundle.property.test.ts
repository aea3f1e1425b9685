import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ContradictionError } from '../../../../lambdas/core/errors.ts';
import { BatchCutter } from '../../../../lambdas/core/records/batch-cutter.ts';
import type { Member } from '../../../../lambdas/core/records/bundle.ts';
import { writeBundle } from '../../../../lambdas/core/records/bundle.ts';
import type { CutRecord } from '../../../../lambdas/core/records/cut-slice.ts';
import { cutSlice } from '../../../../lambdas/core/records/cut-slice.ts';
import type { CutBatch, CutLimits, CutPosition, Dialect } from '../../../../lambdas/core/records/dialect.ts';

const dialect: Dialect = { format: 'bundle', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 };
const start: CutPosition = { offset: 0, line: 1, record: 0, batch: 0 };

const content = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('', '\n', '\n\n', '{"a":1}', '{"bucket":"b","key":"k","etag":"e","bytes":9}\n', '﻿{}')
    .map((text) => Buffer.from(text)),
);
const member: fc.Arbitrary<Member> = fc.record({
  source: fc
    .record({
      bucket: fc.constantFrom('intake', 'other'),
      key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
      etag: fc.constant('"e"'),
      version: fc.option(fc.string({ minLength: 1, maxLength: 4 })),
    })
    .map(({ version, ...rest }) => (version === null ? rest : { ...rest, versionId: version })),
  bytes: content,
});
const limits: fc.Arbitrary<CutLimits> = fc.record({
  maxBatchRecords: fc.integer({ min: 1, max: 5 }),
  maxBatchBytes: fc.integer({ min: 200, max: 600 }),
  maxRecordBytes: fc.constant(200),
});

interface Step {
  batch: CutBatch;
  position: CutPosition;
}

/** The batches, given the bytes in chunks of these sizes, from a position on. */
function cut(file: Buffer, sizes: readonly number[], from: CutPosition, cutLimits: CutLimits): Step[] {
  const cutter = new BatchCutter(dialect, cutLimits, from);
  const steps: Step[] = [];
  const take = (batches: CutBatch[]) =>
    batches.forEach((batch) => steps.push({ batch, position: { ...cutter.position } }));
  for (let at = from.offset, n = 0; at < file.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    take(cutter.push(file.subarray(at, at + size)));
    at += size;
  }
  take(cutter.end());
  return steps;
}

it('gives back each small file, whatever its bytes, the chunks and the restarts', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(member, { maxLength: 12 }), sizes, sizes, limits, fc.nat(), (members, one, other, by, at) => {
      const file = writeBundle(members);
      const steps = cut(file, one, start, by);
      const records: CutRecord[] = steps.flatMap(({ batch }) =>
        batch.kind === 'slice' ? cutSlice(batch, dialect, by) : [],
      );
      expect(records.map(({ bytes, source, line }) => ({ bytes: bytes.toString('hex'), source, line }))).toEqual(
        members.map(({ bytes, source: { etag: _etag, ...source } }) => ({
          bytes: bytes.toString('hex'),
          source,
          line: 1,
        })),
      );
      for (const { offset, bytes } of records)
        expect(file.subarray(offset, offset + bytes.length).equals(bytes)).toBe(true);
      expect(records.map(({ record }) => record)).toEqual(members.map((_, index) => index + 1));

      const restart = steps[at % (steps.length + 1)];
      if (!restart || restart.position.batch !== restart.batch.batch) return;
      const rest = cut(file, other, restart.position, by).map(({ batch }) => batch);
      expect(rest).toEqual(steps.slice(restart.batch.batch).map(({ batch }) => batch));
    }),
    { numRuns: 1_000 },
  );
});

it('that is damaged does not end its records', () => {
  const bytes = writeBundle([{ source: { bucket: 'b', key: 'k', etag: 'e' }, bytes: Buffer.from('{"a":1}') }]);
  const by: CutLimits = { maxBatchRecords: 5, maxBatchBytes: 600, maxRecordBytes: 200 };
  expect(() => cut(bytes.subarray(0, bytes.length - 4), [7], start, by)).toThrow(ContradictionError);
  expect(() => cut(bytes.subarray(1), [7], start, by)).toThrow(ContradictionError);
  expect(() => cut(bytes.subarray(0, 10), [7], start, by)).toThrow(ContradictionError);
});
