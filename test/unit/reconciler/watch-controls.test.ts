import { beforeEach, describe, expect, it } from 'vitest';
import type { FileControl } from '../../../lambdas/core/control/file-control.ts';
import type { WatchControlsPorts } from '../../../lambdas/reconciler/watch-controls.ts';
import { watchControls } from '../../../lambdas/reconciler/watch-controls.ts';
import { fileAccount } from '../../support/file-account.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const minute = 60_000;

let clock: SimulatedClock;
let ledger: MemoryLedger;
let mails: string[];
let overdue: number[];
let ports: WatchControlsPorts;

beforeEach(() => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  mails = [];
  overdue = [];
  ports = {
    ledger,
    desk: { notify: async (subject, text) => void mails.push(`${subject}\n${text}`) },
    metricsOf: () => ({ add: (_, value) => void overdue.push(value), flush: () => undefined }),
    clock,
    log: silentLog,
    stackName: 'station',
    hasControls: true,
  };
});

function waiting(fileId: string): void {
  const control: FileControl = {
    ...{ state: 'waiting', kind: 'counts', name: 'WABC.csv.ctl' },
    waitingSince: clock.now(),
    overdueAt: clock.now() + 30 * minute,
  };
  ledger.files.set(fileId, fileAccount({ fileId, state: 'splitting', control }));
}

const run = (isDeadline = false) => watchControls('traffic', isDeadline, ports);

describe('files that wait for their control file', () => {
  it('are reported once when they are overdue, in one message', async () => {
    waiting('a');
    waiting('b');
    await run();
    expect([mails, overdue]).toEqual([[], [0]]);
    await clock.advance(30 * minute);
    await run();
    await run();
    expect(mails).toHaveLength(1);
    expect(mails[0]).toContain('2 files wait for control files');
    expect(mails[0]).toContain('waits for its control file WABC.csv.ctl since 2026-01-05 02:00 UTC');
    expect(overdue).toEqual([0, 2, 2]);
  });

  it('are reported once more at the deadline', async () => {
    waiting('a');
    await run(true);
    await run(true);
    await clock.advance(30 * minute);
    await run();
    expect(mails.map((mail) => mail.includes('the deadline has come'))).toEqual([true, false]);
    expect(mails[0]).toContain('sluice --stack station release a --why');
  });

  it('are reported once if they are overdue at the deadline', async () => {
    waiting('a');
    await clock.advance(30 * minute);
    await run(true);
    waiting('b');
    await run();
    await run(true);
    expect(mails).toHaveLength(2);
    expect(mails[1]).toContain('sluice --stack station release b --why');
  });

  it('are reported again if the run dies after the message', async () => {
    waiting('a');
    await clock.advance(30 * minute);
    const dying = { ...ledger, noteNotified: () => Promise.reject(new Error('killed')) };
    await expect(watchControls('traffic', false, { ...ports, ledger: dying })).rejects.toThrow('killed');
    await run();
    expect(mails).toHaveLength(2);
  });

  it('are no news once they have been compared or released', async () => {
    waiting('a');
    await clock.advance(30 * minute);
    await ledger.releaseWaiting('a', 'ann', 'it is right');
    await run(true);
    expect([mails, overdue]).toEqual([[], [0]]);
  });

  it('are not looked for in a feed without control files', async () => {
    waiting('a');
    await clock.advance(30 * minute);
    await watchControls('traffic', true, { ...ports, hasControls: false });
    expect([mails, overdue]).toEqual([[], []]);
  });
});

describe('a control file that came too late', () => {
  it('is reported once, with what its file was compared with', async () => {
    const control = { bucket: 'intake', key: 'traffic/WABC.csv.ctl', versionId: 'v2', etag: '"e"', sizeBytes: 3 };
    const late = { fileId: 'a', fileName: 'WABC.csv', name: 'WABC.csv.ctl', control, at: clock.now(), isChange: true };
    await ledger.keepLateControl('traffic', late);
    await ledger.keepLateControl('traffic', late);
    await run();
    await ledger.keepLateControl('traffic', late);
    await run();
    expect(mails).toHaveLength(1);
    expect(mails[0]).toContain('WABC.csv.ctl of 2026-01-05 02:00 UTC, for the file a, which was compared with another');
  });
});
