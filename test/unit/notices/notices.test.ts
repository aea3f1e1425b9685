import { beforeEach, describe, expect, it } from 'vitest';
import type { FileNotice, NoticeKind } from '../../../lambdas/core/notices/file-notice.ts';
import type { KeepNoticePorts } from '../../../lambdas/notices/keep-notice.ts';
import { keepNotice } from '../../../lambdas/notices/keep-notice.ts';
import type { SendNoticesPorts } from '../../../lambdas/notices/send-notices.ts';
import { sendMissedNotices, sendNotices } from '../../../lambdas/notices/send-notices.ts';
import type { MetricName } from '../../../lambdas/ports.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let ledger: MemoryLedger;
let told: { subject: string; text: string }[];
let asked: { feed: string; atMs: number }[];
let metrics: MetricName[];
let ports: KeepNoticePorts & SendNoticesPorts;

beforeEach(() => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  [told, asked, metrics] = [[], [], []];
  ports = {
    ledger,
    mails: { askForMail: async (feed, seconds) => void asked.push({ feed, atMs: clock.now() + seconds * 1000 }) },
    desk: { notify: async (subject, text) => void told.push({ subject, text }) },
    metrics: { add: (name) => void metrics.push(name), flush: () => undefined },
    clock,
    log: silentLog,
    stackName: 'station',
  };
});

const endedAs = (kind: NoticeKind, file: number, change: Partial<FileNotice> = {}): FileNotice => ({
  ...{ kind, feed: 'traffic', fileId: `f${file}`, manifestNumber: 1, at: clock.now(), name: `traffic/${file}.csv` },
  ...{ manifestUri: 's3://archive/m.json', message: 'The gzip is damaged.', code: 'gzip_damaged' },
  ...{ uploaded: 0, rejected: 0, held: 0, total: 0, ...change },
});
const end = (kind: NoticeKind, file: number, change: Partial<FileNotice> = {}) =>
  keepNotice(endedAs(kind, file, change), ports);

/** Delivers the finalizer's messages up to this moment. */
async function deliver(): Promise<void> {
  const due = asked.filter(({ atMs }) => atMs <= clock.now());
  asked = asked.filter(({ atMs }) => atMs > clock.now());
  for (const { feed } of due) await sendNotices(feed, ports);
}

describe('a file that failed', () => {
  it('is in a mail within a minute, with the reason and what to do', async () => {
    await end('failed', 1);
    await clock.advance(59_000);
    await deliver();
    expect(told).toHaveLength(1);
    expect(told[0]?.subject).toBe('Sluice traffic: a file failed, nothing of it was sent');
    expect(told[0]?.text).toContain('traffic/1.csv (file f1) failed, nothing of it was sent.\nThe gzip is damaged.');
    expect(told[0]?.text).toContain('What to do:');
    expect(metrics).toEqual(['UnsentFiles']);
  });

  it('is in the mail once, however often its finalizer is killed', async () => {
    for (const _ of [1, 2, 3]) await end('failed', 1);
    await clock.advance(60_000);
    await deliver();
    await clock.advance(60_000);
    await end('failed', 1, { at: clock.now() - 120_000 });
    await clock.advance(600_000);
    await deliver();
    expect(told).toHaveLength(1);
  });

  it('is one of a thousand in one mail with counts', async () => {
    for (let file = 0; file < 990; file++) await end('failed', file);
    for (let file = 990; file < 995; file++) await end('failed', file, { code: 'not_csv', message: 'Not a CSV.' });
    for (let file = 995; file < 1_000; file++) await end('duplicate', file, { duplicateOf: 'f0' });
    expect(asked).toHaveLength(1);
    await clock.advance(60_000);
    await deliver();
    expect(told).toHaveLength(1);
    expect(told[0]?.subject).toBe('Sluice traffic: 1,000 files need attention: 995 failed, 5 duplicates');
    const text = told[0]?.text ?? '';
    expect(text).toContain('995 files failed, nothing of them was sent:\n  990 gzip_damaged: The gzip is damaged.');
    expect(text).toContain('  5 not_csv: Not a CSV.');
    expect(text).toContain('… and 990 more');
    expect(text).toContain('5 files were not sent, they have the same bytes as earlier ones:');
    expect(text.length).toBeLessThan(3_000);
  });

  it('is in a mail of its feed alone', async () => {
    await end('failed', 1);
    await end('failed', 2, { feed: 'maintenance' });
    await clock.advance(60_000);
    await deliver();
    expect(told.map(({ subject }) => subject.split(':')[0]).sort()).toEqual(['Sluice maintenance', 'Sluice traffic']);
  });
});

it('a mail collects for longer while files keep failing, and resets that after half an hour', async () => {
  let file = 0;
  for (let second = 0; second < 7_200; second++) {
    await end('failed', file++);
    await clock.advance(1_000);
    await deliver();
  }
  expect(told.length).toBeLessThan(15);
  await clock.advance(900_000);
  await deliver();
  const reported = told.reduce(
    (sum, { subject }) => sum + Number((/([\d,]+) files/.exec(subject)?.[1] ?? '1').replace(',', '')),
    0,
  );
  expect(reported).toBe(file);
  await clock.advance(1_800_000);
  const before = told.length;
  await end('failed', file);
  await clock.advance(59_000);
  await deliver();
  expect(told).toHaveLength(before + 1);
});

it.each<[NoticeKind, string, boolean]>([
  ['empty', 'a file has no records, nothing was sent', true],
  ['stopped', 'a file was stopped, 7 records are held', false],
  ['replaced', 'a file was replaced while it was read', false],
  ['duplicate', 'a file was not sent, it has the same bytes as an earlier one', false],
  ['older-revision', 'a file was not sent, a newer revision came first', false],
  ['dropped-again', 'a file was dropped again with other bytes, and all of it was sent', false],
])('%s is described as such', async (kind, subject, isAlarm) => {
  await end(kind, 1, { held: 7 });
  await clock.advance(60_000);
  await deliver();
  expect(told[0]?.subject).toBe(`Sluice traffic: ${subject}`);
  expect(metrics).toEqual(isAlarm ? ['UnsentFiles'] : []);
});

describe('the reconciler', () => {
  it('sends a mail whose message was lost, and leaves a due one alone', async () => {
    await end('failed', 1);
    await clock.advance(60_000);
    await sendMissedNotices('traffic', ports);
    expect(told).toEqual([]);
    await clock.advance(120_000);
    await sendMissedNotices('traffic', ports);
    await sendMissedNotices('traffic', ports);
    expect(told).toHaveLength(1);
  });

  it('sends one for a finalizer that was killed before it asked', async () => {
    await ledger.keepNotice(endedAs('failed', 1));
    await sendMissedNotices('traffic', ports);
    expect(told).toEqual([]);
    await clock.advance(180_000);
    await sendMissedNotices('traffic', ports);
    expect(told).toHaveLength(1);
  });
});

it('a file that ends while a mail is sent is in the next one', async () => {
  await end('failed', 1);
  await clock.advance(60_000);
  const { desk } = ports;
  ports.desk = {
    notify: async (...mail) => {
      await end('failed', 2);
      await desk.notify(...mail);
    },
  };
  await deliver();
  ports.desk = desk;
  await clock.advance(60_000);
  await deliver();
  expect(told.map(({ text }) => /file f\d/.exec(text)?.[0])).toEqual(['file f1', 'file f2']);
});
