import { expect, it } from 'vitest';
import { limitedDesk, maxNoticesAnHour } from '../../../lambdas/finalizer/limited-desk.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const hourMs = 3_600_000;

it('tells a desk of so many files an hour, of each feed and kind for itself, and with the last that there may be more', async () => {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const desk = { notify: async (subject: string, text: string) => void told.push(`${subject}: ${text}`) };
  const ports = { ledger: openMemoryLedger(clock), desk, clock, log: silentLog };
  for (let file = 1; file <= 100; file++)
    await limitedDesk('traffic', 'stopped', ports).notify(`file ${file}`, 'stopped');
  expect(told).toHaveLength(maxNoticesAnHour);
  expect(told.slice(0, -1).every((text) => text.endsWith(': stopped'))).toBe(true);
  expect(told.at(-1)).toMatch(/^file 20: stopped\nThis was message 20 about files of 'traffic'/);
  await limitedDesk('maintenance', 'stopped', ports).notify('another feed', 'stopped');
  await limitedDesk('traffic', 'duplicate', ports).notify('another kind', 'sent before');
  await clock.advance(hourMs);
  await limitedDesk('traffic', 'stopped', ports).notify('next hour', 'stopped');
  expect(told.slice(maxNoticesAnHour)).toEqual([
    'another feed: stopped',
    'another kind: sent before',
    'next hour: stopped',
  ]);
});

it('tells it all the same where the messages can not be counted', async () => {
  const told: string[] = [];
  const ports = {
    ledger: { countNotice: () => Promise.reject(new Error('no table')) },
    desk: { notify: async (subject: string) => void told.push(subject) },
    clock: { now: () => 0 },
    log: silentLog,
  };
  await limitedDesk('traffic', 'stopped', ports).notify('a file was stopped', '');
  expect(told).toEqual(['a file was stopped']);
});
