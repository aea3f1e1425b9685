import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BatchCutter } from '../../../../lambdas/core/records/batch-cutter.ts';
import { cutSlice } from '../../../../lambdas/core/records/cut-slice.ts';
import type { CutBatch, CutLimits, CutPosition, Dialect } from '../../../../lambdas/core/records/dialect.ts';
import { cutRules } from '../../../../lambdas/core/records/dialect.ts';
import { parseRecord } from '../../../../lambdas/core/records/parse-record.ts';

const body = { encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;
const jsonLines: Dialect = { format: 'jsonl', ...body };
const jsonArray: Dialect = { format: 'json-array', ...body, bodyOffset: 1 };
const limits: CutLimits = { maxBatchRecords: 500, maxBatchBytes: 100_000, maxRecordBytes: 20_000 };

function csv(columns = 3, lineBreak: 'lf' | 'cr' = 'lf'): Dialect {
  const names = Array.from({ length: columns }, (_, n) => `c${n}`);
  return { format: 'csv', ...body, delimiter: ',', lineBreak, columns: names };
}

function startOf(dialect: Dialect): CutPosition {
  return { offset: dialect.bodyOffset, line: dialect.bodyLine, record: 0, batch: 0 };
}

function batchesOf(file: Buffer, dialect: Dialect, own = limits): { batches: CutBatch[]; warnings: string[] } {
  const cutter = new BatchCutter(dialect, own, startOf(dialect));
  const batches = [...cutter.push(file.subarray(dialect.bodyOffset)), ...cutter.end()];
  return { batches, warnings: cutter.warnings.map(({ code }) => code) };
}

/** The records as text, each with its line, as the consumer will have them. */
function recordsOf(text: string, dialect: Dialect, own = limits): [number, string][] {
  return batchesOf(Buffer.from(text), dialect, own).batches.flatMap((batch) =>
    batch.kind === 'oversize'
      ? [[batch.firstLine, `(${batch.length} bytes)`] as [number, string]]
      : cutSlice(batch, dialect, own).map(({ line, bytes }): [number, string] => [line, bytes.toString()]),
  );
}

function reasonsOf(text: string, dialect: Dialect): string[] {
  return recordsOf(text, dialect).map(([, record]) => {
    const parsed = parseRecord(Buffer.from(record), dialect);
    return parsed.kind === 'row' ? 'row' : parsed.problem.reason;
  });
}

describe('the lines of CSV and JSON Lines', () => {
  it('end with LF or CRLF, the last also with the file', () => {
    expect(recordsOf('1,2,3\r\n4,5,6\n7,8,9', csv())).toEqual([
      [1, '1,2,3'],
      [2, '4,5,6'],
      [3, '7,8,9'],
    ]);
    expect(recordsOf('{}\r\n{}', jsonLines)).toEqual([
      [1, '{}'],
      [2, '{}'],
    ]);
  });

  it('end with CR alone in files of that kind', () => {
    expect(recordsOf('1,2,3\r\r"4\n",5,6\r', csv(3, 'cr'))).toEqual([
      [1, '1,2,3'],
      [3, '"4\n",5,6'],
    ]);
  });

  it('are not records when empty, but are counted; those of blanks are records', () => {
    expect(recordsOf('\n\r\n1,2,3\n\n  \n\n', csv())).toEqual([
      [3, '1,2,3'],
      [5, '  '],
    ]);
  });

  it('keep a CR that ends no line, and NUL bytes', () => {
    expect(recordsOf('a\rb,\0,c\r\r\nd\r', csv())).toEqual([
      [1, 'a\rb,\0,c\r'],
      [2, 'd\r'],
    ]);
  });

  it('have a warning if the last has no line break', () => {
    expect(batchesOf(Buffer.from('{}\n{}'), jsonLines).warnings).toEqual(['no_final_line_break']);
    expect(batchesOf(Buffer.from('{}\n{}\n'), jsonLines).warnings).toEqual([]);
    expect(batchesOf(Buffer.from('1,2,"3\n"'), csv()).warnings).toEqual(['no_final_line_break']);
    expect(batchesOf(Buffer.from('1,2,"3\n"\n\n'), csv()).warnings).toEqual([]);
  });
});

describe('quotes in CSV', () => {
  it('may enclose delimiters, quotes and line breaks', () => {
    const row = '1,"two\r\n""lines"", a comma",3';
    expect(recordsOf(`${row}\r\n4,5,6\r\n`, csv())).toEqual([
      [1, row],
      [3, '4,5,6'],
    ]);
  });

  it.each([
    ['never closed', '1,"x,3', 'unclosed_quote'],
    ['followed by text', '1,"x"y,3', 'text_after_quote'],
    ['within a field', '1,x"y,3', 'bare_quote'],
    ['closed past the limit', `1,"x,3\n${'4,5,6\n'.repeat(5000)}"`, 'unclosed_quote'],
  ])('%s cost one line', (_name, row, reason) => {
    const reasons = reasonsOf(`1,2,3\n${row}\n4,5,6\n7,8,9\n`, csv());
    expect(reasons.slice(0, 3)).toEqual(['row', reason, 'row']);
    expect(reasons.filter((one) => one !== 'row').length).toBeLessThanOrEqual(2);
  });

  it('that are unbalanced in two rows do not swallow those between', () => {
    expect(reasonsOf('1,"2,3\n4,5,6\n7,8,9\n1,2,3"\n4,5,6\n', csv())).toEqual([
      'unclosed_quote',
      'row',
      'row',
      'bare_quote',
      'row',
    ]);
    // In the same column, so that the number of fields comes out right.
    expect(reasonsOf('1,"2,3\n4,5,6\n1,2",3\n', csv())).toEqual(['unclosed_quote', 'row', 'bare_quote']);
  });

  it('may enclose lines with as many delimiters as a row has, in a complete row', () => {
    expect(reasonsOf('1,"Dear Ann,\nlions, bears, tigers\nyours Bob",3\n4,5,6\n', csv())).toEqual(['row', 'row']);
  });

  it('inserted anywhere in a file cost only the record they are inserted into', () => {
    const rows = [
      '1,a,x',
      '2,"b",y',
      '"3",c,"z"',
      '4,"d, ""e""",',
      '5,"two\nlines",z',
      '6,"",z',
      '"","",""',
      '8,h,"i"',
    ];
    const file = `${rows.join('\n')}\n`;
    for (let at = 0; at <= file.length; at++) {
      const records = recordsOf(`${file.slice(0, at)}"${file.slice(at)}`, csv()).map(([, record]) => record);
      let end = 0;
      for (const row of rows) {
        const start = end;
        end += row.length + 1;
        if (at < start || at >= end) expect(records).toContain(row);
      }
    }
  });
});

describe('the elements of a JSON array', () => {
  it('are found wherever the white space is', () => {
    expect(recordsOf('[ {"a":1}\n,\r\n\t{"b":[{"c":"]},{"}]} ,{"d":"\\"}"}\n]\n', jsonArray)).toEqual([
      [1, '{"a":1}'],
      [3, '{"b":[{"c":"]},{"}]}'],
      [3, '{"d":"\\"}"}'],
    ]);
  });

  it('are records even if they are not objects', () => {
    expect(reasonsOf('[1 , "a,b", [2,3], null,{"a":1}]', jsonArray)).toEqual([
      'not_an_object',
      'not_an_object',
      'not_an_object',
      'not_an_object',
      'row',
    ]);
  });

  it('may be absent', () => {
    expect(batchesOf(Buffer.from('[ \n]\n'), jsonArray)).toEqual({ batches: [], warnings: [] });
  });

  it.each<[string, string, string?]>([
    ['a value that is none', '{"a":x}'],
    ['a quote missing', '{"a":"x,"b":1}'],
    ['the first quote missing', '{"a":x","b":1}'],
    ['a quote too many', '{"a":"x"y","b":1}'],
    ['a line break in a string', '{"a":"x\ny"}'],
    ['a closing brace missing', '{"a":1'],
    ['a closing bracket missing', '{"a":[1,2}'],
    ['a closing brace of the wrong kind', '{"a":[1,2}}'],
    ['nesting beyond measure', `{"a":${'['.repeat(100)}`, 'too_deep'],
  ])('%s costs one element', (_name, broken, reason = 'not_json') => {
    for (const separator of [',', ', ', ',\n']) {
      const dialect = separator === ',\n' ? { ...jsonArray, indentBytes: 0 } : jsonArray;
      const open = separator === ',\n' ? '[\n' : '[';
      const file = `${open}${['{"n":1}', broken, '{"n":2}', '{"n":3}'].join(separator)}]`;
      expect(reasonsOf(file, dialect)).toEqual(['row', reason, 'row', 'row']);
    }
  });

  it('are found again in the next line that begins like one, even within an array that is not closed', () => {
    const dialect = { ...jsonArray, indentBytes: 2 };
    const file =
      '[\n  {"a": [\n    {"b": 1},\n    {"b": 2},\n  {\n    "a": [\n      {"b": 3}\n    ]\n  },\n  {"a": []}\n]';
    expect(reasonsOf(file, dialect)).toEqual(['not_json', 'row', 'row']);
  });

  it('are delivered although the array never closes, with a warning', () => {
    expect(batchesOf(Buffer.from('[{"a":1},{"a":2},'), jsonArray)).toMatchObject({
      batches: [{ records: 2 }],
      warnings: ['unclosed_array'],
    });
    expect(reasonsOf('[{"a":1},{"a":', jsonArray)).toEqual(['row', 'not_json']);
  });

  it('continue after a bracket that was not the last, and other text is accounted for', () => {
    expect(reasonsOf('[{"a":1}],{"a":2}]', jsonArray)).toEqual(['row', 'row']);
    expect(reasonsOf('[{"a":1}]\n[{"a":2}]', jsonArray)).toEqual(['row', 'row']);
    expect(reasonsOf('[{"a":1}] oops', jsonArray)).toEqual(['row', 'not_json']);
    expect(batchesOf(Buffer.from('[{"a":1}] oops'), jsonArray).warnings).toEqual(['unclosed_array']);
  });
});

describe('batches', () => {
  it('close at their number of records, and before the record that would make them too long', () => {
    const own = { maxBatchRecords: 3, maxBatchBytes: 11, maxRecordBytes: 11 };
    const { batches } = batchesOf(Buffer.from('{}\n{}\n{}\n{}\n\n{"a":1}\n{"b":12}\n'), jsonLines, own);
    expect(batches.map((batch) => batch.kind === 'slice' && batch.bytes.toString())).toEqual([
      '{}\n{}\n{}',
      '{}\n\n{"a":1}',
      '{"b":12}',
    ]);
    expect(batches.map(({ batch, offset, firstRecord, firstLine }) => [batch, offset, firstRecord, firstLine])).toEqual(
      [
        [1, 0, 1, 1],
        [2, 9, 4, 4],
        [3, 21, 6, 7],
      ],
    );
  });

  it('omit blank lines between them, however many', () => {
    const file = Buffer.from(`{}\n${'\n'.repeat(1_000_000)}{}\n`);
    const { batches } = batchesOf(file, jsonLines);
    expect(batches.map(({ offset, firstLine }) => [offset, firstLine])).toEqual([
      [0, 1],
      [1_000_003, 1_000_002],
    ]);
  });

  it('contain a record over the limit alone, without its bytes', () => {
    const long = `"${'x'.repeat(30_000)}"`;
    const { batches } = batchesOf(Buffer.from(`{}\n${long}\r\n{}\n`), jsonLines);
    expect(batches.map(({ kind, batch, firstRecord, firstLine }) => [kind, batch, firstRecord, firstLine])).toEqual([
      ['slice', 1, 1, 1],
      ['oversize', 2, 2, 2],
      ['slice', 3, 3, 3],
    ]);
    expect(batches[1]).toMatchObject({
      offset: 3,
      length: long.length,
      sha256: createHash('sha256').update(long).digest('hex'),
      head: Buffer.from(long.slice(0, 1024)),
    });
  });

  it('accept a record of exactly the limit, and not one byte more', () => {
    const own = { maxBatchRecords: 9, maxBatchBytes: 8, maxRecordBytes: 7 };
    expect(recordsOf('{"a":1}\r\n{"a":12}\n', jsonLines, own)).toEqual([
      [1, '{"a":1}'],
      [2, '(8 bytes)'],
    ]);
    expect(recordsOf('[{"a":1},{"a":12}]', jsonArray, own)).toEqual([
      [1, '{"a":1}'],
      [1, '(8 bytes)'],
    ]);
  });

  it('accept a record of exactly the limit however much of its line break was read', () => {
    const own = { maxBatchRecords: 9, maxBatchBytes: 3, maxRecordBytes: 3 };
    const file = Buffer.from('"\n"\r\n1\n');
    for (let at = 0; at < file.length; at++) {
      const cutter = new BatchCutter(csv(1), own, startOf(csv(1)));
      const batches = [...cutter.push(file.subarray(0, at)), ...cutter.push(file.subarray(at)), ...cutter.end()];
      expect(batches.map((batch) => batch.kind === 'slice' && batch.bytes.toString())).toEqual(['"\n"', '1']);
    }
  });

  it.each<[string, Dialect]>([
    ['CSV', csv()],
    ['JSON Lines', jsonLines],
    ['a JSON array', { ...jsonArray, bodyOffset: 0 }],
    ['a JSON document', { format: 'json-document', ...body }],
  ])('continue after a record of 100 MB in %s in bounded memory', (_name, dialect) => {
    const chunk = Buffer.from('["' + 'x'.repeat(65_534));
    const cutter = new BatchCutter(dialect, limits, startOf(dialect));
    const before = process.memoryUsage();
    let most = 0;
    const batches: CutBatch[] = [];
    for (let n = 0; n < 1600; n++) {
      batches.push(...cutter.push(n === 0 ? chunk : chunk.subarray(2)));
      if (n % 100 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before.arrayBuffers);
    }
    batches.push(...cutter.end());
    expect(batches).toMatchObject([{ kind: 'oversize', length: 2 + 1600 * 65_534 }]);
    expect(most).toBeLessThan(20_000_000);
  });

  const pieces = ['{"a":[\n', '"', '"\n', ',"\n', '[', '{"a":"', '\r', '[{},\n', '1,"\n4,5,6\n'];
  it.each([...pieces, ']', '[ ', ',', '""', '\x1a', '\ufeff', `x,y${'\r'.repeat(17)}`, 'x,y,z\nw\n', 'c0,c1,c2\n'])(
    'are found in a file made of %j in linear time',
    (piece) => {
      const file = Buffer.from(piece.repeat(2_000_000 / piece.length));
      for (const dialect of [
        csv(),
        csv(3, 'cr'),
        jsonLines,
        jsonArray,
        { ...jsonArray, indentBytes: 0 },
        { ...csv(), rules: cutRules },
        { ...csv(), rules: cutRules, pairedBreaks: true },
        { ...csv(3, 'cr'), rules: cutRules },
        { ...jsonLines, rules: cutRules },
        { ...jsonArray, rules: cutRules },
        { ...jsonArray, rules: cutRules, within: 'object' },
      ] as Dialect[]) {
        const before = process.threadCpuUsage().user;
        const { batches } = batchesOf(file, dialect, { ...limits, maxBatchBytes: 180_000, maxRecordBytes: 64_000 });
        expect(batches.length).toBeGreaterThanOrEqual(0);
        // Under Vitest, constants of other modules are read by getters: several times slower. In quadratic time: minutes.
        expect(process.threadCpuUsage().user - before).toBeLessThan(20_000_000);
      }
    },
  );
});
