import { beforeEach, expect, it } from 'vitest';
import { describeProgress } from '../../../cli/drop/describe-progress.ts';
import { describeLive } from '../../../cli/live/describe-file.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { watchRevisions } from '../../../lambdas/reconciler/watch-revisions.ts';
import { fileAccount } from '../../support/file-account.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const hour = 60 * 60_000;

let clock: SimulatedClock;
let ledger: MemoryLedger;
let mails: string[];

beforeEach(() => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  mails = [];
});

function waiting(fileId: string, more: Partial<FileAccount> = {}): FileAccount {
  const waitsFor = { fileId: 'traffic.a', since: clock.now() };
  const file = fileAccount({ fileId, state: 'splitting', sha256: 'ab'.repeat(32), waitsFor, ...more });
  ledger.files.set(fileId, file);
  return file;
}

const run = (log: Pick<MemoryLedger, 'eachFile' | 'noteWaitNotified'> = ledger) =>
  watchRevisions('traffic', {
    ledger: log,
    desk: { notify: async (subject, text) => void mails.push(`${subject}\n${text}`) },
    clock,
    log: silentLog,
    stackName: 'station',
  });

it('the desk is notified once of files that have waited for an earlier revision for an hour', async () => {
  waiting('traffic.b');
  waiting('traffic.c');
  await clock.advance(hour - 1);
  await run();
  expect(mails).toEqual([]);
  await clock.advance(1);
  await run();
  await run();
  expect(mails).toHaveLength(1);
  expect(mails[0]).toContain('Sluice traffic: 2 files wait for earlier revisions');
  expect(mails[0]).toContain('sluice --stack station cancel traffic.a --why');
  expect(mails[0]).toContain('sluice --stack station release WAITING_FILE_ID --without traffic.a --why');
  expect(mails[0]).toContain('(file traffic.b) waits for the earlier revision traffic.a since 2026-01-05 02:00 UTC');
});

it('a run that dies after the message sends it again', async () => {
  waiting('traffic.b');
  await clock.advance(hour);
  const dying = { ...ledger, noteWaitNotified: () => Promise.reject(new Error('killed')) };
  await expect(run(dying)).rejects.toThrow('killed');
  await run();
  expect(mails).toHaveLength(2);
});

it('a file that has its place, or is stopped, waits no more', async () => {
  waiting('traffic.b', { series: { id: 'traffic.s' } });
  waiting('traffic.c', { quarantine: { number: 1, at: 0, rejected: 0, seen: 0, message: 'cancelled' } });
  await clock.advance(hour);
  await run();
  expect(mails).toEqual([]);
});

it('the desk is notified of a released file by the time since its release', async () => {
  const release = { at: clock.now(), by: 'ann', why: 'it is right', stop: 1, sends: 'all' as const };
  const held = { number: 1, at: 0, rejected: 0, seen: 0, message: 'held', code: 'revision_differs' as const };
  const file = { state: 'split', series: { id: 'traffic.s' }, quarantine: held, release } as const;
  waiting('traffic.b', { ...file, waitsFor: { fileId: 'traffic.a', since: clock.now() - hour } });
  await run();
  expect(mails).toEqual([]);
  await ledger.noteWait(ledger.files.get('traffic.b') as FileAccount, 'traffic.a');
  await clock.advance(hour);
  // It has taken over since.
  waiting('traffic.c', { ...file, series: { id: 'traffic.s', taken: true } });
  await run();
  expect(mails).toHaveLength(1);
  expect(mails[0]).toContain('sluice --stack station release traffic.b --without traffic.a --why');
});

it('every screen names the revision and since when', () => {
  const file = waiting('traffic.b');
  const facts = { projection: undefined, openDead: 0, zone: 'America/New_York', now: clock.now() + hour };
  expect(describeLive(file, facts)).toMatchObject({
    projected: 'waits for the earlier revision traffic.a since 21:00',
    done_about: null,
  });
  const { text } = describeProgress({ file, pace: undefined, limitPerSecond: 10 });
  expect(text).toBe('waits for the earlier revision traffic.a since 02:00 UTC');
});
