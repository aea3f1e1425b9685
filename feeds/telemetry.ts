import * as z from 'zod';
import { decimal } from './decimal.ts';
import { defineFeed } from './feed.ts';

/** Readings of playout encoders: the example of docs/adding-a-feed.md. */
export const telemetry = defineFeed({
  name: 'telemetry',
  formats: ['csv', 'jsonl'],
  encoding: 'utf-8',
  columns: ['Device', 'TakenAt', 'Celsius'],
  options: z.object({ maxCelsius: decimal('a number').default(90) }),
  schema: ({ maxCelsius }) =>
    z
      .object({
        Device: z.string('is missing').refine((value) => value.trim() !== '', 'is blank'),
        TakenAt: z.iso.datetime('must be a time such as 2026-01-05T06:00:00Z'),
        Celsius: decimal('must be a number').pipe(
          z.number().max(maxCelsius, `is above ${maxCelsius}: the sensor is broken`),
        ),
      })
      .transform((row) => ({ device: row.Device, taken_at: row.TakenAt, celsius: row.Celsius })),
  identity: (payload) => [payload.device, payload.taken_at],
  sink: { kind: 'ledger' },
  limits: { requests: 10_000, windowSeconds: 10, connections: 40 },
  maxRecordBytes: 4 * 1024,
  toleratedRejects: { share: 0.5, afterRecords: 1000 },
  archiveRetentionDays: 30,
  isExample: true,
});
