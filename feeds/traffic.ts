import * as z from 'zod';
import { defineFeed } from './feed.ts';

/** A source field that must be present as text and not blank. Passed on as written: FCC verification compares it. */
const text = z
  .string({ error: (issue) => (issue.input === undefined ? 'is missing' : 'must be a string') })
  .refine((value) => value.trim() !== '', { error: 'is blank', params: { reason: 'blank' } });

const notAnInteger = { error: 'must be a whole number of seconds', params: { reason: 'not_an_integer' } };

/** Whole seconds: a JSON number, or ASCII digits with optional surrounding blanks. `29.97`, `30.0`, `30s` are errors. */
const wholeSeconds = z
  .union([z.number(), z.string()], {
    error: (issue) => (issue.input === undefined ? 'is missing' : 'must be a whole number of seconds'),
  })
  .refine((value) => typeof value !== 'string' || value.trim() !== '', {
    error: 'is blank',
    params: { reason: 'blank' },
    abort: true,
  })
  .refine((value) => typeof value === 'number' || /^[ \t]*[0-9]+[ \t]*$/.test(value), { ...notAnInteger, abort: true })
  .transform(Number)
  // A number above 2^53 would be sent altered.
  .refine((value) => Number.isSafeInteger(value) && value >= 0, notAnInteger);

const spot = z
  .object({
    SpotID: text,
    StationCode: text,
    AirDateTime: text,
    Duration: wholeSeconds,
    ClientName: text,
  })
  .transform((row) => ({
    spot_id: row.SpotID,
    station: row.StationCode,
    airtime: row.AirDateTime,
    duration_sec: row.Duration,
    advertiser: row.ClientName,
  }));

/** Broadcast spots: Avion exports to the Avstar scheduling API. */
export const traffic = defineFeed({
  name: 'traffic',
  formats: ['csv', 'jsonl', 'json-array'],
  encoding: 'utf-8',
  columns: ['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName'],
  integerFields: ['Duration'],
  schema: () => spot,
  identity: (payload) => [payload.spot_id, payload.airtime],
  sink: {
    kind: 'http',
    path: '/ingest',
    answers: {
      // Avstar says "scheduled"; its contract does not specify the word. An answer without a status is judged by its HTTP
      // status, unless it has an error.
      success: {
        field: {
          pointer: '/status',
          is: ['scheduled', 'created', 'accepted', 'received', 'stored', 'success', 'ok', 'OK'],
          mayBeMissing: true,
        },
      },
      // Its contract specifies 409 for a request id that it has seen, and no body: a 409 without a body means the same.
      seenBefore: [
        { text: 'been seen' },
        { text: 'already seen' },
        { text: 'seen before' },
        { text: 'duplicate request' },
        { text: 'already processed' },
        { text: 'already scheduled' },
        { pointer: '/status', is: ['duplicate'] },
        { pointer: '/error', is: ['duplicate'] },
        { empty: true },
      ],
    },
  },
  // Avstar's contract.
  limits: { requests: 600, windowSeconds: 60, connections: 20 },
  maxRecordBytes: 64 * 1024,
  // Before morning playout.
  deadline: '05:00 America/New_York',
  toleratedRejects: { share: 0.2, afterRecords: 1000 },
  // 47 CFR 73.1212(e) and 73.1943(c): two years for the records of who paid for a spot. One day for leap years.
  archiveRetentionDays: 2 * 365 + 1,
});
