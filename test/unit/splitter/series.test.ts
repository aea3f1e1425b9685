import { beforeEach, describe, expect, it } from 'vitest';
import { parseSeriesPattern } from '../../../feeds/series-pattern.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import type { SeriesSettings } from '../../../lambdas/splitter/enter-series.ts';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { fileLeaseMs } from '../../../lambdas/splitter/splitter-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import type { SplitterWorld } from '../../support/splitter-world.ts';
import { noDeadline, smallLimits, splitterWorld } from '../../support/splitter-world.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const exportOf = (client: string) => Buffer.from(`${header}\nSP-1,WABC,2026-01-05 06:00:00,30,${client}\n`);

let clock: SimulatedClock;
let world: SplitterWorld;
let modifiedAt: number | undefined;

const settings = (pattern: string | undefined): SeriesSettings => ({
  pattern: parseSeriesPattern(pattern ?? '{file}'),
  isConfigured: pattern !== undefined,
  setting: 'SLUICE_TRAFFIC_SERIES',
  keyPrefix: 'traffic/',
  rules: { guard: 0.3 },
});

beforeEach(() => begin('{station}_R{#}.csv'));

function begin(pattern: string | undefined): void {
  clock = new SimulatedClock();
  world = splitterWorld(clock, Buffer.of());
  world.ports.series = settings(pattern);
  modifiedAt = undefined;
  world.ports.sources.head = async () => ({
    etag: world.object.etag,
    sizeBytes: world.object.bytes.length,
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  });
}

interface Dropped {
  fileId: string;
  key: string;
  client: string;
  keyPrefix?: string;
}

/** Drops a file, and splits it. */
async function drop({ fileId, key, client, keyPrefix = 'traffic/' }: Dropped): Promise<FileAccount> {
  world.object.bytes = exportOf(client);
  const source = { ...world.source, key: `${keyPrefix}${key}`, sizeBytes: world.object.bytes.length };
  const create = { fileId, feed: 'traffic', lane: 'main', source, limits: smallLimits };
  const series = world.ports.series && { ...world.ports.series, keyPrefix };
  await splitFile(fileId, create, { ...world.ports, series }, noDeadline);
  return accountOf(fileId);
}

function accountOf(fileId: string): FileAccount {
  const account = world.ports.ledger.files.get(fileId);
  if (!account) throw new Error(`There is no account of ${fileId}.`);
  return account;
}

/** As the consumers and the finalizer leave it. */
function close(fileId: string, state: FileAccount['state'], settled: Partial<FileAccount['settled']>): void {
  const account = accountOf(fileId);
  world.ports.ledger.files.set(fileId, { ...account, state, settled: { ...noCounts(), ...settled } });
}

const sentOf = (fileId: string) => world.sent.filter((message) => message.fileId === fileId).length;

describe('a revision of a series', () => {
  it('is quarantined before any of it is sent, if the earlier one may have been sent', async () => {
    await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
    const second = await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' });
    expect(second).toMatchObject({ state: 'split', totalRecords: 1, sentBatches: 0 });
    expect(second.quarantine).toMatchObject({ code: 'revision_unknown' });
    expect(second.quarantine?.message).toContain('the file a,');
    expect([sentOf('a'), sentOf('b')]).toEqual([1, 0]);
    // The alarm about stopped files.
    expect(world.metrics).toEqual(['QuarantinedFiles']);
  });

  it('is sent if nothing of the earlier one can have reached the API', async () => {
    await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
    close('a', 'quarantined', { rejected: 1 });
    expect((await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' })).quarantine).toBeUndefined();
    expect(sentOf('b')).toBe(1);
  });

  it.each(['uploaded', 'duplicate', 'exhausted', 'refused'] as const)(
    'is held behind a closed file with a record that is %s',
    async (outcome) => {
      await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
      close('a', 'completed', { [outcome]: 1 });
      await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' });
      expect(sentOf('b')).toBe(0);
    },
  );

  it('is held because of the first file, although the second was held too', async () => {
    await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
    await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' });
    const third = await drop({ fileId: 'c', key: 'WABC_R3.csv', client: 'Cid' });
    expect(third.quarantine?.message).toContain('the file a,');
    expect(sentOf('c')).toBe(0);
  });

  it('that arrives after a newer one ends as superseded, with total 0', async () => {
    await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' });
    const late = await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
    expect(late).toMatchObject({ state: 'superseded', totalRecords: 0, failure: { code: 'older_revision' } });
    expect(sentOf('a')).toBe(0);
  });

  it('is held if nothing shows which of the two is the newer', async () => {
    begin('{station}_*.csv');
    modifiedAt = 1000;
    await drop({ fileId: 'a', key: 'WABC_1.csv', client: 'Ann' });
    const second = await drop({ fileId: 'b', key: 'WABC_2.csv', client: 'Bob' });
    expect(second.quarantine).toMatchObject({ code: 'revision_order' });
  });

  it('belongs to the same series in the express lane', async () => {
    await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
    await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob', keyPrefix: 'express/traffic/' });
    expect(sentOf('b')).toBe(0);
  });

  it('of another series, or of none, is sent', async () => {
    await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
    await drop({ fileId: 'b', key: 'WXYZ_R2.csv', client: 'Bob' });
    await drop({ fileId: 'c', key: 'WABC.csv', client: 'Cid' });
    expect([sentOf('b'), sentOf('c')]).toEqual([1, 1]);
  });

  it('does not include a key that the pattern does not match: dropped again, it is sent with a warning', async () => {
    await drop({ fileId: 'a', key: 'WABC', client: 'Ann' });
    const again = await drop({ fileId: 'b', key: 'WABC', client: 'Bob' });
    expect(again.warnings).toMatchObject([{ code: 'key_dropped_again' }]);
    // It would have the same id, were it a series as the pattern's are.
    expect((await drop({ fileId: 'c', key: 'WABC_R1.csv', client: 'Cid' })).warnings).toEqual([]);
    expect(['a', 'b', 'c'].map(sentOf)).toEqual([1, 1, 1]);
  });

  it('gets the same decision from each splitter, wherever the previous one was killed', async () => {
    for (let kill = 1; ; kill++) {
      begin('{station}_R{#}.csv');
      await drop({ fileId: 'a', key: 'WABC_R1.csv', client: 'Ann' });
      let steps = 0;
      world.onStep = () => {
        if (++steps === kill) throw new Error('killed');
      };
      const killed = await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' }).catch(() => 'killed');
      world.onStep = () => undefined;
      if (killed !== 'killed') break;
      await clock.advance(fileLeaseMs + 1);
      const again = await drop({ fileId: 'b', key: 'WABC_R2.csv', client: 'Bob' });
      expect(again).toMatchObject({ state: 'split', quarantine: { code: 'revision_unknown' } });
      expect(sentOf('b')).toBe(0);
    }
  });
});

describe('without a series', () => {
  beforeEach(() => begin(undefined));

  it('a key that is dropped again with other bytes is sent, with a warning that names the setting', async () => {
    await drop({ fileId: 'a', key: 'log.csv', client: 'Ann' });
    const second = await drop({ fileId: 'b', key: 'log.csv', client: 'Bob' });
    expect(sentOf('b')).toBe(1);
    expect(second.warnings).toEqual([
      { code: 'key_dropped_again', message: expect.stringContaining('Set SLUICE_TRAFFIC_SERIES') as string },
    ]);
    expect(second.quarantine).toBeUndefined();
  });

  it('another key has no warning, nor has a key whose earlier file was refused', async () => {
    await drop({ fileId: 'a', key: 'log.csv', client: 'Ann' });
    expect((await drop({ fileId: 'b', key: 'other.csv', client: 'Bob' })).warnings).toEqual([]);
    close('a', 'completed', { rejected: 1 });
    expect((await drop({ fileId: 'c', key: 'log.csv', client: 'Cid' })).warnings).toEqual([]);
  });

  it('a feed whose sink recognises a record that comes again has no warning', async () => {
    world.ports.series = undefined;
    await drop({ fileId: 'a', key: 'log.csv', client: 'Ann' });
    expect((await drop({ fileId: 'b', key: 'log.csv', client: 'Bob' })).warnings).toEqual([]);
  });
});
