import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineFeed } from '../../../../feeds/feed.ts';
import { feedNamed } from '../../../../feeds/index.ts';
import type { Feed } from '../../../../feeds/feed.ts';
import { mapRow, prepareRecord } from '../../../../lambdas/core/records/prepare-record.ts';
import type { Dialect } from '../../../../lambdas/core/records/dialect.ts';

const body = { encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;
const jsonLines: Dialect = { format: 'jsonl', ...body };
const traffic = feedNamed('traffic');
const csv: Dialect = { format: 'csv', ...body, delimiter: ',', lineBreak: 'lf', columns: traffic.columns };

function prepare(text: string, feed: Feed, dialect: Dialect, line = 1) {
  const cut = { record: 1, line, offset: 0, bytes: Buffer.from(text), problem: null };
  return prepareRecord(cut, feed, dialect, ['c'.repeat(64)]);
}

const problemOf = (text: string, feed: Feed, dialect: Dialect, line?: number) => {
  const { result } = prepare(text, feed, dialect, line);
  return result.kind === 'rejected' ? result.problem : result.payload;
};

describe('an error caused by a record affects only that record', () => {
  const feedWith = (own: object): Feed => ({
    ...defineFeed({
      name: 'hostile',
      formats: ['jsonl'],
      encoding: 'utf-8',
      schema: () => z.looseObject({ id: z.string() }),
      identity: ({ id }) => [id],
      sink: { kind: 'ledger' },
      limits: { requests: 1, windowSeconds: 1, connections: 1 },
      maxRecordBytes: 1000,
      toleratedRejects: { share: 1, afterRecords: 1 },
      archiveRetentionDays: 1,
    }).open({}),
    ...own,
  });
  const boom = () => {
    throw new RangeError('secret');
  };
  const looped = z.looseObject({ id: z.string() }).transform((row) => {
    const payload: Record<string, unknown> = { ...row };
    payload['self'] = payload;
    return payload;
  });

  it.each<[string, object, string]>([
    ['the schema', { schema: z.looseObject({}).transform(boom) }, 'RangeError'],
    ['the identity', { identity: boom }, 'RangeError'],
    ['its warnings', { warningsOf: boom }, 'RangeError'],
    ['a payload that can not be written', { schema: looped }, 'TypeError'],
    ['a payload of a kind that JSON has not', { schema: z.looseObject({}).transform(() => ({ n: 1n })) }, 'TypeError'],
  ])('thrown by %s', (_name, own, error) => {
    expect(problemOf('{"id":"a"}', feedWith(own), jsonLines)).toEqual({
      reason: 'unreadable',
      field: null,
      message: `record could not be read or mapped: it caused a ${error}`,
    });
  });

  it('thrown while describing it: only the description is lost', () => {
    const feed = feedWith({ correlationId: boom, describe: boom });
    expect(prepare('{"id":"a"}', feed, jsonLines).result.kind).toBe('good');
    expect(prepare('{"id":1}', feed, jsonLines)).toMatchObject({
      result: { problem: { reason: 'wrong_type', field: 'id' } },
    });
    expect(prepare('{"id":', feed, jsonLines)).toMatchObject({ result: { problem: { reason: 'not_json' } } });
  });

  it.each(['maintenance', 'traffic'])(
    'a record of %s nested 6,000 levels deep is rejected with an explanation',
    (name) => {
      const deep = `${'['.repeat(6000)}${']'.repeat(6000)}`;
      expect(problemOf(`{"record_id":"r","SpotID":"s","x":${deep}}`, feedNamed(name), jsonLines)).toMatchObject({
        reason: 'too_deep',
        message: expect.stringMatching(/^record is nested 6001 levels deep; the limit is 64/) as unknown,
      });
    },
  );
});

describe('a placeholder for a missing value', () => {
  it.each(['\\N', 'NULL', '"NULL"', 'null', '(null)', '(NULL)', '<null>', '#N/A'])(
    '%s is rejected in a required column',
    (value) => {
      expect(problemOf(`a,W,t,30,${value}`, traffic, csv)).toEqual({
        reason: 'missing',
        field: 'ClientName',
        message: `ClientName is ${value.replaceAll('"', '')}, a database's mark for a value that is missing`,
      });
    },
  );

  it('is text in other columns, and inside a text', () => {
    // It is a surname.
    expect(problemOf('a,W,t,30,Null', traffic, csv)).toMatchObject({ advertiser: 'Null' });
    expect(problemOf('a,W,t,30,NULL & Sons', traffic, csv)).toMatchObject({ advertiser: 'NULL & Sons' });
    const wide = { ...csv, columns: [...traffic.columns, 'Note'] };
    expect(problemOf('a,W,t,30,Acme,\\N', traffic, wide)).toMatchObject({ advertiser: 'Acme' });
  });

  it('is rejected in JSON and in a corrected row, too', () => {
    const row = { SpotID: 'a', StationCode: 'W', AirDateTime: 't', Duration: 30, ClientName: 'NULL' };
    expect(problemOf(JSON.stringify(row), traffic, jsonLines)).toMatchObject({
      reason: 'missing',
      field: 'ClientName',
    });
    expect(mapRow(row, traffic)).toMatchObject({
      kind: 'problem',
      problem: { reason: 'missing', field: 'ClientName' },
    });
    const record = {
      record_id: 'NULL',
      component_sn: 'SN',
      form_type: 'FAA 8130-3',
      cert_status: 'airworthy',
      removal_date: '2026-01-05',
    };
    expect(problemOf(JSON.stringify(record), feedNamed('maintenance'), jsonLines)).toMatchObject({
      reason: 'missing',
      field: 'record_id',
    });
  });
});

describe('a row of totals', () => {
  it.each(['Total,,,1200,', 'Total: 40 ,,,,', ',,Sum,1200,', '(5 rows affected)', 'Grand total'])(
    '%j is rejected with what it resembles',
    (text) => {
      expect(problemOf(text, traffic, csv)).toMatchObject({ reason: 'totals_row' });
    },
  );

  it('is only a guess about rows that are rejected anyway', () => {
    expect(problemOf('Total,W,t,30,Acme', traffic, csv)).toMatchObject({ spot_id: 'Total' });
    expect(problemOf('Totally,W,t,x,Acme', traffic, csv)).toMatchObject({ reason: 'not_an_integer' });
  });
});

it('a swallowed row is identified by the lines of the file', () => {
  expect(problemOf('a,W,t,30,"Acme\nb,W,t,30,Beta"', traffic, csv, 41)).toMatchObject({
    reason: 'swallowed_rows',
    message: expect.stringContaining('in line 41 closes in line 42') as unknown,
  });
});
