import { beforeEach, describe, expect, it } from 'vitest';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import type { ExpectedFile } from '../../../lambdas/core/nights/expected-files.ts';
import type { CheckExpectedPorts } from '../../../lambdas/reconciler/check-expected-files.ts';
import { checkExpectedFiles } from '../../../lambdas/reconciler/check-expected-files.ts';
import { fileAccount } from '../../support/file-account.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const minute = 60_000;
const evening = Date.parse('2026-11-28T23:00:00Z');
/** 02:00 in New York. */
const due = Date.parse('2026-11-29T07:00:00Z');

const expectedOf = (name: string): ExpectedFile => ({
  ...{ name, key: `${name}_{yyyyMMdd+1}*.csv`, records: 100 },
  by: { hour: 2, minute: 0, timeZone: 'America/New_York' },
});

let clock: SimulatedClock;
let ledger: MemoryLedger;
let told: { subject: string; text: string }[];
let counted: number[];
let ports: CheckExpectedPorts;

beforeEach(async () => {
  clock = new SimulatedClock();
  await at(evening);
  ledger = openMemoryLedger(clock);
  [told, counted] = [[], []];
  ports = {
    ledger,
    expected: [expectedOf('WABC')],
    desk: { notify: async (subject, text) => void told.push({ subject, text }) },
    stackName: 'sluice-test',
    metricsOf: () => ({ add: (_, value) => void counted.push(value), flush: () => undefined }),
    clock,
    log: silentLog,
  };
});

const at = async (time: number) => clock.advance(time - clock.now());
const run = () => checkExpectedFiles('traffic', ports);
const subjects = () => told.map(({ subject }) => subject);

function drop(name: string, change: Partial<FileAccount> = {}): void {
  const file = fileAccount({ fileId: `traffic.${name}`, createdAt: clock.now(), ...change });
  ledger.files.set(file.fileId, { ...file, source: { ...file.source, key: `express/traffic/${name}` } });
}

describe('expected files', () => {
  it('that are not here are reported once, and once more when they are', async () => {
    await run();
    await at(due + 3 * minute);
    await run();
    await run();
    expect(subjects()).toEqual(['Sluice traffic: WABC is not here in time']);
    expect(told[0]?.text).toContain(
      '- WABC: expected by 02:00 (3 min ago), not here yet; times in America/New_York (GMT-5); ' +
        'key traffic/WABC_20261130*.csv, also in the express lane\n',
    );
    expect(told[0]?.text).toContain('sluice --stack sluice-test drop FILE --feed traffic');
    await at(due + 12 * minute);
    drop('WABC_20261130_R2.csv');
    await at(due + 15 * minute);
    await run();
    await run();
    expect(subjects().slice(1)).toEqual(['Sluice traffic: WABC is here, late by 12 min']);
    expect(told[1]?.text).toContain('- WABC: here since 02:12, late by 12 min (expected by 02:00)');
    expect(counted).toEqual([0, 1, 1, 0, 0]);
    await at(due + 24 * 60 * minute + 2 * minute);
    await run();
    expect(told[2]?.text).toContain('; late once in the night before\n');
  });

  it('that are missed together are in one message', async () => {
    ports.expected = ['WABC', 'WXYZ', 'KABC'].map(expectedOf);
    await run();
    drop('KABC_20261130.csv', { totalRecords: 99 });
    drop('WXYZ_20261130.csv');
    await at(due + 3 * minute);
    await run();
    expect(subjects()).toEqual(['Sluice traffic: 2 expected files are not here in time']);
    expect(told[0]?.text).toContain('- KABC: expected by 02:00 (3 min ago), here with 99 of at least 100 records;');
    expect(told[0]?.text).not.toContain('WXYZ');
    expect(counted.at(-1)).toBe(2);
  });

  it('say why a file that is here does not count', async () => {
    await run();
    drop('WABC_20261130.csv', { state: 'failed', failure: { code: 'not_a_csv', message: 'no' } });
    await at(due + 3 * minute);
    await run();
    expect(told[0]?.text).toContain('not here yet: express/traffic/WABC_20261130.csv failed;');
  });

  it('are reported twice rather than never if a run dies between message and note', async () => {
    await run();
    await at(due + 3 * minute);
    let writes = 0;
    ports.ledger = {
      ...ledger,
      saveExpected: async (...given) => {
        if (++writes > 1) throw new Error('killed');
        await ledger.saveExpected(...given);
      },
    };
    await expect(run()).rejects.toThrow('killed');
    ports.ledger = ledger;
    await run();
    await run();
    expect(subjects()).toHaveLength(2);
  });

  it('that come after a run died between message and note are reported as here', async () => {
    await run();
    await at(due + 3 * minute);
    ports.desk = {
      notify: async (subject, text) => {
        told.push({ subject, text });
        throw new Error('killed');
      },
    };
    await expect(run()).rejects.toThrow('killed');
    ports.desk = { notify: async (subject, text) => void told.push({ subject, text }) };
    drop('WABC_20261130.csv');
    await run();
    await run();
    expect(subjects()).toEqual([
      'Sluice traffic: WABC is not here in time',
      'Sluice traffic: WABC is here, late by 3 min',
    ]);
  });

  it('raise the alarm even if the message cannot be sent, and are reported by the next run', async () => {
    await run();
    await at(due + 3 * minute);
    const { desk } = ports;
    ports.desk = { notify: () => Promise.reject(new Error('AccessDenied')) };
    await expect(run()).rejects.toThrow('AccessDenied');
    expect(counted.at(-1)).toBe(1);
    ports.desk = desk;
    await run();
    expect(subjects()).toEqual(['Sluice traffic: WABC is not here in time']);
  });

  it('are not taken for missing if the files cannot be read', async () => {
    await run();
    await at(due + 3 * minute);
    // eslint-disable-next-line require-yield
    const denied = async function* (): AsyncGenerator<FileAccount> {
      throw new Error('AccessDenied');
    };
    ports.ledger = { ...ledger, eachFile: denied };
    await expect(run()).rejects.toThrow('AccessDenied');
    expect(told).toEqual([]);
    ports.ledger = ledger;
    await run();
    expect(subjects()).toHaveLength(1);
  });

  it('are read only while something is to be judged, and noted only if something changes', async () => {
    let [reads, writes] = [0, 0];
    ports.ledger = {
      ...ledger,
      eachFile: (...wish) => {
        reads++;
        return ledger.eachFile(...wish);
      },
      saveExpected: (...given) => {
        writes++;
        return ledger.saveExpected(...given);
      },
    };
    await run();
    drop('WABC_20261130.csv');
    for (const minutes of [-2, -1, 0]) {
      await at(due + minutes * minute);
      await run();
    }
    expect([reads, writes]).toEqual([0, 1]);
    for (const minutes of [1, 2, 3]) {
      await at(due + minutes * minute);
      await run();
    }
    expect([reads, writes]).toEqual([2, 2]);
    expect(told).toEqual([]);
  });

  it('cost one read where none are set', async () => {
    ports.expected = [];
    await run();
    expect(counted).toEqual([]);
    expect(await ledger.getExpected('traffic')).toBeUndefined();
  });
});
