import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { feedNamed } from '../../../../feeds/index.ts';
import { BatchCutter, startOf } from '../../../../lambdas/core/records/batch-cutter.ts';
import { cutSlice } from '../../../../lambdas/core/records/cut-slice.ts';
import { detectDialect } from '../../../../lambdas/core/records/detect-dialect.ts';
import type { CsvDialect, CutLimits, OtherHeaderPlace } from '../../../../lambdas/core/records/dialect.ts';
import { prepareRecord } from '../../../../lambdas/core/records/prepare-record.ts';

const traffic = feedNamed('traffic');
const limits: CutLimits = { maxBatchRecords: 3, maxBatchBytes: 2_000, maxRecordBytes: 1_000 };
const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const otherOrder = 'StationCode,SpotID,AirDateTime,Duration,ClientName';
const row = (id: string): string => `${id},W,t,30,Acme`;

interface Read {
  /** For the records that may be sent: the id, or the reason for the rejection. */
  sent: unknown[];
  held: number;
  otherHeader: OtherHeaderPlace | undefined;
}

function dialectOf(file: string): CsvDialect {
  const found = detectDialect(Buffer.from(file), true, { ...traffic, key: 'traffic/export' });
  if (found.kind !== 'dialect' || found.dialect.format !== 'csv') throw new Error(JSON.stringify(found));
  return found.dialect;
}

/** Reads a file whose second part is beyond what detection looks at, however it is chunked and from wherever it is resumed. */
function read(first: string, second: string, own = limits): Read {
  const file = Buffer.from(first + second);
  const dialect = dialectOf(first);
  const cut = (from = startOf(dialect), chunk = file.length): Read & { positions: BatchCutter['position'][] } => {
    const cutter = new BatchCutter(dialect, own, from);
    const positions = [from];
    const batches = [];
    for (let at = from.offset; at < file.length; at += chunk) {
      batches.push(...cutter.push(file.subarray(at, at + chunk)));
      if (positions.at(-1) !== cutter.position) positions.push(cutter.position);
    }
    batches.push(...cutter.end());
    const { otherHeader } = cutter;
    const isSent = ({ batch }: { batch: number }): boolean => batch <= (otherHeader?.batch ?? Infinity);
    const sent = batches.filter(isSent).flatMap((batch) => {
      if (batch.kind === 'oversize') throw new Error('No record here is that long.');
      return cutSlice(batch, dialect, own).map((each) => {
        const { result } = prepareRecord(each, traffic, dialect, ['f'.repeat(64)]);
        return result.kind === 'good' ? result.payload['spot_id'] : result.problem.reason;
      });
    });
    const held = batches.filter((batch) => !isSent(batch)).reduce((sum, { records }) => sum + records, 0);
    return { sent, held, otherHeader, positions };
  };
  const whole = cut();
  for (const chunk of [1, 7, 64]) {
    const again = cut(startOf(dialect), chunk);
    expect({ ...again, positions: [] }).toEqual({ ...whole, positions: [] });
    for (const position of again.positions) {
      const rest = cut(position, 5);
      expect(rest.otherHeader).toEqual(whole.otherHeader);
      expect(rest.sent).toEqual(whole.sent.slice(position.record));
    }
  }
  return whole;
}

const first = `${header}\n${row('a')}\n${row('b')}\n`;

describe('another header among the rows', () => {
  it.each([
    ['in another order', `${otherOrder}\n`, 'with its columns in another order'],
    ['in another order, quoted', `"${otherOrder.replaceAll(',', '","')}"\n`, 'in another order'],
    ['in another order, in capitals', `${otherOrder.toUpperCase()}\n`, 'in another order'],
    ['in another order, in small letters, quoted', `"${otherOrder.toLowerCase().replaceAll(',', '","')}"\n`, 'order'],
    ['in another order, with blanks', `\t ${otherOrder.replaceAll(',', ' , ')} \r\n`, 'in another order'],
    ['in another order, with blanks within quotes', `" ${otherOrder.replaceAll(',', ' "," ')} "\n`, 'in another order'],
    ['in another order, behind a byte-order mark', `\ufeff${otherOrder}\n`, 'in another order'],
    ['in another order, behind blank lines', `\r\n\n,,,,\n${otherOrder}\n`, 'in another order'],
    ['in another order, with a delimiter too many', `${otherOrder},\n`, 'with other columns'],
    ['with other spellings', 'station_code,spot id,AIR-DATE-TIME,Duration,Client Name\n', 'in another order'],
    ['with another delimiter', `${header.replaceAll(',', ';')}\n`, 'separated by semicolons'],
    ['with tabs, quoted', `"${header.replaceAll(',', '"\t"')}"\n`, 'separated by tabs'],
    ['quoted as a whole', `"${header}"\n`, 'with its columns'],
    ['with a column in front that nobody knows', `RowNo,${header}\n`, 'with other columns'],
    ['with a column more behind', `${header},Notes\n`, 'with other columns'],
    ['with a renamed column', `${header.replace('ClientName', 'Advertiser')}\n`, 'with other columns'],
    ['without a column', `${header.replace(',Duration', '')}\n`, 'with other columns'],
    ['behind a line that says the delimiter', `${otherOrder}\n`, 'in another order', 'sep=,\n'],
  ])('%s ends what is sent', (_what, line, how, before = '') => {
    const { sent, held, otherHeader } = read(first, `${before}${line}${row('c')}\n${row('d')}\n`);
    expect(sent).toEqual(before === '' ? ['a', 'b'] : ['a', 'b', 'field_count']);
    expect(held).toBe(3);
    expect(otherHeader?.message).toContain(how);
    expect(otherHeader?.record).toBe(sent.length);
  });

  it.each([
    ['', `${row('b')}${otherOrder}\n`],
    ['behind a quoted field', `b,W,t,30,"Acme"${otherOrder}\n`],
    ['with another delimiter', `b,"W",t,30,Acme${header.replaceAll(',', ';')}\n`],
    ['with a byte-order mark', `${row('b')}\ufeff${otherOrder}\n`],
  ])('in the line of a row without a line break %s ends what is sent', (_what, line) => {
    expect(read(`${header}\n${row('a')}\n`, `${line}${row('c')}\n`)).toMatchObject({ sent: ['a'], held: 2 });
  });

  it('within the bytes that detection reads makes the file refused', () => {
    const found = detectDialect(Buffer.from(`${first}${otherOrder}\n${row('c')}\n`), true, { ...traffic, key: 'x' });
    expect(found).toMatchObject({
      code: 'other_header',
      message: expect.stringContaining(
        'Line 4 is another header, with its columns in another order: "StationCode", "SpotID"',
      ) as string,
    });
  });

  it('in a later line adds no warning, and its rows are held as well', () => {
    const { sent, held, otherHeader } = read(first, `${otherOrder}\n${row('c')}\n${header.replaceAll(',', ';')}\nx\n`);
    expect({ sent, held, line: otherHeader?.line }).toEqual({ sent: ['a', 'b'], held: 4, line: 4 });
  });

  it('ends a file even if the limits leave a batch of one record', () => {
    const own = { ...limits, maxBatchRecords: 1 };
    expect(read(first, `${otherOrder}\n${row('c')}\n`, own)).toMatchObject({ sent: ['a', 'b'], held: 2 });
  });

  it('is not looked for in a file that an earlier version began', () => {
    const { headerNames, ...before } = dialectOf(first);
    expect(headerNames).toEqual(traffic.columns);
    const cutter = new BatchCutter(before, limits, startOf(before));
    cutter.push(Buffer.from(`${first}${otherOrder}\n${row('c')}\n`).subarray(before.bodyOffset));
    cutter.end();
    expect(cutter).toMatchObject({ otherHeader: undefined, position: { record: 4 } });
  });
});

describe('not another header', () => {
  it.each([
    ['the header again', `${header}\n`, []],
    ['the header again, quoted, with blanks', ` "${header.replaceAll(',', '", "')}"\n`.replaceAll(', ', ','), []],
    ['the header again in capitals', `${header.toUpperCase()}\n`, ['header_row']],
    ['a text that quotes the names', `x,W,t,30,"SpotID, StationCode, AirDateTime"\n`, ['x']],
    [
      'a text that lists all names by another delimiter',
      `x,W,t,30,"see ${header.replaceAll(',', '|')}| ""or"" so"\n`,
      ['x'],
    ],
    ['a text that has such a table', `x,W,t,30,"\n${header.replaceAll(',', ';')}\n1;2;3;4;5\n"\n`, ['x']],
    ['values that are names', 'SpotID,W,t,30,ClientName\n', ['SpotID']],
    ['a value that the longest name ends', 'x,W,t,30,My StationCode\n', ['x']],
    ['a value that begins as a name does', 'SpotIDs 1,W,t,30,StationCodes\n', ['SpotIDs 1']],
  ])('%s', (_what, line, between) => {
    const { sent, held, otherHeader } = read(first, `${line}${row('c')}\n`);
    expect({ sent, held, otherHeader }).toEqual({
      sent: ['a', 'b', ...between, 'c'],
      held: 0,
      otherHeader: undefined,
    });
  });

  it('the header behind a row without a line break: that row is rejected', () => {
    const { sent, held } = read(`${header}\n${row('a')}\n`, `${row('b')}${header}\n${row('c')}\n`);
    expect({ sent, held }).toEqual({ sent: ['a', 'field_count', 'c'], held: 0 });
  });
});
