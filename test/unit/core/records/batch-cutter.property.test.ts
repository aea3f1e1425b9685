import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchCutter } from '../../../../lambdas/core/records/batch-cutter.ts';
import { cutSlice } from '../../../../lambdas/core/records/cut-slice.ts';
import type { CutBatch, CutLimits, CutPosition, Dialect } from '../../../../lambdas/core/records/dialect.ts';
import { cutRules } from '../../../../lambdas/core/records/dialect.ts';
import { headerNamesOf } from '../../../../lambdas/core/records/header-row.ts';
import { parseRecord } from '../../../../lambdas/core/records/parse-record.ts';
import { referenceBatches, referenceRecords } from '../../../support/reference-cutter.ts';

/** For a longer run than CI's. */
const more = Number(process.env['PROPERTY_RUNS'] ?? 1);

const start: CutPosition = { offset: 0, line: 1, record: 0, batch: 0 };

/** Bytes in which the format's marks are frequent. */
function fileOf(pieces: string[]): fc.Arbitrary<Buffer> {
  const piece = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...pieces).map((text) => Buffer.from(text, 'latin1')) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)) },
  );
  return fc.array(piece, { maxLength: 60, size: 'max' }).map((parts) => Buffer.concat(parts));
}

const csvPieces = [
  '"',
  '"',
  '""',
  ',',
  ',',
  '\n',
  '\n',
  '\r\n',
  '\r',
  'a',
  'bc',
  'a,b,c\n',
  '"x,y",',
  ',"',
  '",',
  '"\n',
  ' ',
  '\r\r\n',
  '\n\r',
  '\x1a',
  '\xef\xbb\xbf',
  ',,\n',
  '"",\t',
  '\r'.repeat(16),
  'a,b\r\n',
  '"a","b","c"\n',
  'c,b,a\n',
  'b|a|c\n',
  'A,B,C\n',
  'x,b,d,a\n',
  '"a,b,c"\n',
  'Signature',
  'sig_na-ture,',
  'S',
  ' Signature\t,',
  'Signature,b,a\n',
  'bc,Signature,a\n',
];
const jsonPieces = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ',\n',
  '"',
  '"a"',
  ':',
  '\n',
  ' ',
  '1',
  'x',
  '{"a":1}',
  '{"a":[{"b":2}]}',
  '\\',
  ',{',
  '\n{',
  '[{"a":1}',
  ']}',
  '],"b":1}',
  '],"b":[{}]}',
  '],"b":[1]}',
  '],"c":[1]}',
  '\x1a',
  '\xef\xbb\xbf',
];

const limits: fc.Arbitrary<CutLimits> = fc
  .record({
    maxBatchRecords: fc.integer({ min: 1, max: 6 }),
    maxRecordBytes: fc.integer({ min: 1, max: 40 }),
    more: fc.integer({ min: 0, max: 60 }),
  })
  .map(({ maxBatchRecords, maxRecordBytes, more }) => ({
    maxBatchRecords,
    maxRecordBytes,
    maxBatchBytes: maxRecordBytes + more,
  }));

const body = { encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;
/** Names by which another header is recognised, one of them long enough to be looked for in the middle of a line; or all columns. */
const headerWishes = fc.constantFrom(undefined, ['a', 'b'], ['a', 'Signature', 'b'], ['Signature', 'a']);
/** With the current rules, or none, as for files that an earlier version began. */
const ruled = <Each extends Dialect>(dialect: fc.Arbitrary<Each>): fc.Arbitrary<Dialect> =>
  fc
    .tuple(dialect, fc.boolean(), fc.boolean(), fc.boolean(), headerWishes)
    .map(([each, isRuled, isPaired, hasNames, wished]) => {
      if (!isRuled) return each;
      const pairs = each.format === 'csv' && each.lineBreak === 'lf' && isPaired;
      const headerNames = each.format === 'csv' && hasNames && headerNamesOf(wished ?? [], each.columns);
      return {
        ...each,
        rules: cutRules,
        ...(pairs ? { pairedBreaks: true } : {}),
        ...(headerNames ? { headerNames } : {}),
      };
    });
const csvDialect: fc.Arbitrary<Dialect> = ruled(
  fc.record({
    format: fc.constant('csv' as const),
    encoding: fc.constant('utf-8' as const),
    bodyOffset: fc.constant(0),
    bodyLine: fc.constant(1),
    delimiter: fc.constantFrom(',' as const, ',' as const, '|' as const),
    lineBreak: fc.constantFrom('lf' as const, 'lf' as const, 'cr' as const),
    columns: fc
      .integer({ min: 1, max: 4 })
      .chain((n) =>
        fc.boolean().map((isUnnamed) => (isUnnamed ? ['a', 'b', 'c', ''].slice(-n) : ['a', 'b', 'c', 'd'].slice(0, n))),
      ),
  }),
);
const jsonLines: Dialect = { format: 'jsonl', ...body };
const jsonDocument: Dialect = { format: 'json-document', ...body };
const jsonArray: fc.Arbitrary<Dialect> = fc.constantFrom<Dialect>(
  { format: 'json-array', ...body },
  { format: 'json-array', ...body, indentBytes: 0 },
  { format: 'json-array', ...body, indentBytes: 1 },
  { format: 'json-array', ...body, rules: cutRules },
  { format: 'json-array', ...body, indentBytes: 0, rules: cutRules },
  { format: 'json-array', ...body, indentBytes: 0, rules: cutRules, within: 'nothing' },
  { format: 'json-array', ...body, rules: cutRules, within: 'object' },
  { format: 'json-array', ...body, indentBytes: 1, rules: cutRules, within: 'named-object' },
  { format: 'json-array', ...body, rules: cutRules, within: 'object', arrayName: '' },
  { format: 'json-array', ...body, rules: cutRules, within: 'named-object', arrayName: 'b' },
);

const cases: Record<string, { file: fc.Arbitrary<Buffer>; dialect: fc.Arbitrary<Dialect> }> = {
  CSV: { file: fileOf(csvPieces), dialect: csvDialect },
  'JSON Lines': {
    file: fileOf([...jsonPieces, '\r\n', '\n', '\r', '\t', '\x1a', '\xef\xbb\xbf']),
    dialect: ruled(fc.constant(jsonLines)),
  },
  'JSON array': { file: fileOf(jsonPieces), dialect: jsonArray },
  'JSON document': { file: fileOf(jsonPieces), dialect: fc.constant(jsonDocument) },
};

interface Cut {
  batch: CutBatch;
  /** The cutter's position once this batch was the last returned; null where several came at once. */
  position: CutPosition | null;
}

interface Chunking {
  /** Taken over and over. */
  sizes: readonly number[];
  /** So many chunks in a row are parts of one memory: 1 as from a network, more as where what came is given in steps. */
  steps: number;
}

const chunking: fc.Arbitrary<Chunking> = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
  steps: fc.constantFrom(1, 2, 3, 7, 1000),
});

function cut(file: Buffer, dialect: Dialect, limits: CutLimits, from: CutPosition, { sizes, steps }: Chunking): Cut[] {
  const cutter = new BatchCutter(dialect, limits, from);
  const cuts: Cut[] = [];
  const take = (batches: CutBatch[]): void => {
    for (const [n, batch] of batches.entries()) {
      cuts.push({ batch, position: n === batches.length - 1 ? cutter.position : null });
    }
  };
  const sizeOf = (n: number): number => sizes[n % sizes.length] ?? 1;
  for (let at = from.offset, n = 0; at < file.length;) {
    let length = 0;
    for (let step = 0; step < steps; step++) length += sizeOf(n + step);
    const memory = Buffer.from(file.subarray(at, at + length));
    at += length;
    for (let step = 0; step < memory.length; n++) {
      take(cutter.push(memory.subarray(step, step + sizeOf(n))));
      step += sizeOf(n);
    }
  }
  take(cutter.end());
  return cuts;
}

describe.each(Object.entries(cases))('splitting %s', (_name, { file, dialect }) => {
  it('gives the batches of the reference, however the file is chunked', () => {
    fc.assert(
      fc.property(file, dialect, limits, chunking, (file, dialect, limits, chunks) => {
        const expected = referenceBatches(file, dialect, limits);
        const cuts = cut(file, dialect, limits, start, chunks);
        expect(cuts.map(({ batch }) => batch)).toEqual(expected.map(({ batch }) => batch));
        for (const [n, { position }] of cuts.entries()) if (position) expect(position).toEqual(expected[n]?.position);
      }),
      { numRuns: 5000 * more },
    );
  });

  it('continues with the same batches from every position', () => {
    fc.assert(
      fc.property(file, dialect, limits, chunking, (file, dialect, limits, chunks) => {
        const whole = cut(file, dialect, limits, start, { sizes: [1], steps: 1 });
        for (const [n, { position }] of whole.entries()) {
          if (!position) continue;
          const rest = cut(file, dialect, limits, position, chunks);
          expect(rest.map(({ batch }) => batch)).toEqual(whole.slice(n + 1).map(({ batch }) => batch));
        }
      }),
      { numRuns: 1500 * more },
    );
  });

  it('splits a slice into exactly the records that the splitter counted', () => {
    fc.assert(
      fc.property(file, dialect, limits, (file, dialect, limits) => {
        const records = referenceRecords(file, dialect, limits);
        for (const { batch } of referenceBatches(file, dialect, limits)) {
          if (batch.kind === 'oversize') continue;
          const cuts = cutSlice(batch, dialect, limits);
          expect(
            cuts.map(({ record, line, offset, bytes }) => ({ record, line, offset, length: bytes.length })),
          ).toEqual(
            records
              .slice(batch.firstRecord - 1, batch.firstRecord - 1 + batch.records)
              .map(({ line, offset, length }, n) => ({ record: batch.firstRecord + n, line, offset, length })),
          );
          for (const { offset, bytes, problem } of cuts) {
            expect(bytes.equals(file.subarray(offset, offset + bytes.length))).toBe(true);
            expect(problem).toBeNull();
          }
        }
      }),
      { numRuns: 2500 * more },
    );
  });
});

describe('the quotes of a CSV record', () => {
  it('are interpreted in the same way by the splitter and the parser', () => {
    const quotesOf = ['unclosed_quote', 'bare_quote', 'text_after_quote'];
    fc.assert(
      fc.property(fileOf(csvPieces), csvDialect, limits, (file, dialect, limits) => {
        for (const { offset, length } of referenceRecords(file, dialect, limits)) {
          // Too long even for a blank line, which it may be where the limit is higher.
          if (length > limits.maxRecordBytes) continue;
          const bytes = file.subarray(offset, offset + length);
          const parsed = parseRecord(bytes, { ...dialect, encoding: 'windows-1252' });
          const isBroken = parsed.kind === 'problem' && quotesOf.includes(parsed.problem.reason);
          // Alone in a file, a record with its quotes in order is one record still.
          const alone = referenceRecords(bytes, dialect, { ...limits, maxRecordBytes: length });
          const lineBreak = dialect.format === 'csv' && dialect.lineBreak === 'cr' ? '\r' : '\n';
          // A line feed that is damage within a field joins lines, whatever quotes the second has.
          const isJoined =
            dialect.format === 'csv' && dialect.pairedBreaks && !bytes.toString('latin1').split('\n')[0]?.includes('"');
          if (bytes.includes(lineBreak) && !isJoined) expect(isBroken).toBe(false);
          expect(alone.map((record) => record.length)).toEqual([length]);
        }
      }),
      { numRuns: 2000 * more },
    );
  });
});

it('cuts a line whose line feed follows 17 carriage returns the same way in one chunk and byte by byte', () => {
  const file = Buffer.from(`\0${'\r'.repeat(17)}\na,b\r\n`, 'latin1');
  const dialect: Dialect = {
    format: 'csv',
    ...body,
    delimiter: ',',
    lineBreak: 'lf',
    columns: ['b', 'c', ''],
    rules: cutRules,
    pairedBreaks: true,
  };
  const limits = { maxBatchRecords: 1, maxRecordBytes: 22, maxBatchBytes: 22 };
  const expected = referenceBatches(file, dialect, limits).map(({ batch }) => batch);
  expect(expected).toHaveLength(2);
  for (const size of [1, 2, 19, 100]) {
    const cuts = cut(file, dialect, limits, start, { sizes: [size], steps: 1 });
    expect(cuts.map(({ batch }) => batch)).toEqual(expected);
  }
});
