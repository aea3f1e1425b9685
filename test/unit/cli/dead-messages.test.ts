import { expect, test } from 'vitest';
import type { DeadMessage } from '../../../cli/dlq/dead-message.ts';
import { readDeadMessage } from '../../../cli/dlq/dead-message.ts';
import { inFileOrder, tallyOf } from '../../../cli/dlq/group-by-reason.ts';
import { formatDeadMessages } from '../../../cli/show/dlq-table.ts';
import type { Letter } from '../../../lambdas/messages.ts';

const letter: Letter = {
  v: 1,
  kind: 'letter',
  letter_id: 'l1',
  timestamp: '2026-01-05T06:00:00.000Z',
  feed: 'traffic',
  file_id: 'f1',
  source_file: 's3://bucket/traffic/log.csv',
  batch: 1,
  record: 2,
  line: 3,
  offset: 120,
  length: 20,
  sha256: 'a'.repeat(64),
  outcome: 'rejected',
  reason: 'blank',
  error: 'StationCode is blank',
  field: 'StationCode',
  http_status: null,
  api_answer: null,
  request_id: null,
  attempts: 0,
  raw_encoding: 'text',
  raw_payload: 'SP-1,,2026',
};
const read = (body: unknown, queue: DeadMessage['queue'] = 'letters'): DeadMessage =>
  readDeadMessage(
    'traffic',
    { queue, lane: 'main' },
    {
      messageId: 'm1',
      body: typeof body === 'string' ? body : JSON.stringify(body, null, 2),
      sentAt: 0,
      receives: 4,
    },
  );

test('a letter is listed with all its own fields and its location', () => {
  expect(read(letter)).toEqual({
    ...letter,
    queue: 'letters',
    lane: 'main',
    message_id: 'm1',
    sent_at: '1970-01-01T00:00:00.000Z',
    receives: 4,
  });
});

test('a buried batch is one entry that lists its records', () => {
  const slice = { v: 1, kind: 'slice', feed: 'traffic', fileId: 'f1', batch: 3, attempt: 1, failures: 0 };
  const place = { offset: 1000, firstRecord: 1001, firstLine: 1002, records: 500, encoding: 'text', body: 'a,b' };
  expect(read({ ...slice, ...place }, 'records')).toMatchObject({
    kind: 'batch',
    file_id: 'f1',
    record: 1001,
    records: 500,
    offset: 1000,
    outcome: null,
    reason: 'buried_batch',
    raw_payload: 'a,b',
  });
});

test('an announcement of a file names the file', () => {
  const event = {
    Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'b' }, object: { key: 'traffic/a+b.csv' } } }],
  };
  expect(read(event, 'intake')).toMatchObject({
    kind: 'announcement',
    source_file: 's3://b/traffic/a b.csv',
    reason: 'intake_failed',
  });
});

test.each(['no JSON', '[]', '{"kind":"letter"}', 'null'])('any other message is shown unchanged: %s', (body) => {
  expect(read(body)).toMatchObject({ kind: 'unknown', file_id: null, reason: 'unknown_message', raw_payload: body });
});

test('groups are sorted by frequency of their reason, each with its first record in file order', () => {
  const messages = [
    read({ ...letter, record: 9, reason: 'field_count', field: null }),
    read({ ...letter, record: 8, field: 'ClientName' }),
    read({ ...letter, record: 7, field: 'ClientName' }),
    read({ ...letter, record: 6 }),
  ];
  expect(tallyOf(messages).groups()).toMatchObject([
    { reason: 'blank', count: 3, fields: ['ClientName', 'StationCode'], example: { record: 6 } },
    { reason: 'field_count', count: 1, fields: [], example: { record: 9 } },
  ]);
  expect(inFileOrder(messages).map(({ record }) => record)).toEqual([6, 7, 8, 9]);
});

const plain = { style: (_style: unknown, text: string) => text };

test('the listing fits its columns and shows a payload harmlessly', () => {
  const payload = `\u001b[2J${'x'.repeat(500)}`;
  const text = formatDeadMessages([read({ ...letter, raw_payload: payload })], 'traffic', plain, 100);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(text).not.toContain('\u001b');
  expect(text).toContain('log.csv: record 2, line 3, byte 120');
});

test('text of an edited letter is shown harmlessly too', () => {
  const text = formatDeadMessages(
    [read({ ...letter, reason: 'x\u001b[2J\n', field: '\u009b1A' })],
    'traffic',
    plain,
    100,
  );
  // eslint-disable-next-line no-control-regex -- as it is meant
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('an empty DLQ is reported as empty', () => {
  expect(formatDeadMessages([], 'traffic', plain, 100)).toBe('The DLQ of traffic is empty.\n');
});
