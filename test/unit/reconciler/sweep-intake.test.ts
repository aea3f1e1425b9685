import { beforeEach, describe, expect, it } from 'vitest';
import type { SourceObject } from '../../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../../lambdas/core/account/file-id.ts';
import { announcementOf, parseIntakeMessage } from '../../../lambdas/intake-message.ts';
import type { DroppedVersion, VersionPage } from '../../../lambdas/ports.ts';
import type { SweepPorts } from '../../../lambdas/reconciler/sweep-intake.ts';
import { sweepIntake } from '../../../lambdas/reconciler/sweep-intake.ts';
import { fileAccount } from '../../support/file-account.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const minute = 60_000;

let clock: SimulatedClock;
let ledger: MemoryLedger;
let ports: SweepPorts;
let pages: VersionPage[];
let announced: SourceObject[];
let waiting: { intake: number; dlq: number };
let counted: number[];
let listings: number;

/** As S3 lists it. @param ageMs how long ago it was dropped */
const version = (
  name: string,
  ageMs = 60 * minute,
  change: Partial<DroppedVersion['source']> = {},
): DroppedVersion => ({
  source: {
    ...{ bucket: 'intake', key: `traffic/${name}`, versionId: `v-${name}`, etag: '"e"', sizeBytes: 10 },
    ...change,
  },
  modifiedAt: clock.now() - ageMs,
});

/** In pages of so many. */
function list(versions: DroppedVersion[], deletedKeys: string[] = [], size = 1_000): void {
  pages = [];
  for (let from = 0; from < Math.max(1, versions.length); from += size) {
    const some = versions.slice(from, from + size);
    const last = some.at(-1)?.source;
    const hasMore = from + size < versions.length;
    pages.push({
      versions: some,
      deletedKeys: from === 0 ? deletedKeys : [],
      ...(hasMore && last ? { next: { key: last.key, versionId: last.versionId } } : {}),
    });
  }
}

beforeEach(() => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  announced = [];
  counted = [];
  waiting = { intake: 0, dlq: 0 };
  listings = 0;
  list([]);
  ports = {
    ledger,
    sweep: {
      lanes: [
        {
          lane: 'main',
          keyPrefix: 'traffic/',
          intake: { announce: async (source) => void announced.push(source) },
          queues: [{ messages: async () => waiting.intake }, { messages: async () => waiting.dlq }],
        },
      ],
      dropped: {
        listVersions: async (keyPrefix, after) => {
          expect(keyPrefix).toBe('traffic/');
          listings++;
          const index = pages.findIndex(({ next }) => next?.versionId === after?.versionId && after !== undefined);
          return pages[after ? index + 1 : 0] as VersionPage;
        },
      },
    },
    metricsOf: () => ({ add: (_, value) => void counted.push(value), flush: () => undefined }),
    clock,
    log: silentLog,
  };
});

const sweep = () => sweepIntake('traffic', ports);
const names = () => announced.map(({ key }) => key.replace('traffic/', ''));
const know = ({ source }: DroppedVersion) => {
  const fileId = fileIdOf('traffic', source);
  ledger.files.set(fileId, fileAccount({ fileId }));
};

describe('a sweep of the dropped files', () => {
  it('announces what the ledger does not know, under the id of its event', async () => {
    const [lost, known] = [version('lost ü+&.csv'), version('known.csv')];
    know(known);
    list([known, lost]);
    await sweep();
    expect(announced).toEqual([lost.source]);
    expect(counted).toEqual([1]);
    const message = parseIntakeMessage(JSON.parse(JSON.stringify(announcementOf(lost.source))));
    expect(message).toEqual({ kind: 'dropped', sources: [lost.source] });
  });

  it('announces nothing twice that the splitter has claimed since', async () => {
    const lost = version('lost.csv');
    list([lost]);
    await sweep();
    know(lost);
    await clock.advance(60 * minute);
    await sweep();
    expect(names()).toEqual(['lost.csv']);
    expect(counted).toEqual([1, 0]);
  });

  it.each([
    ['dropped a moment ago', () => version('a.csv', 14 * minute)],
    ['dropped more than a week ago: the ledger may have forgotten it', () => version('a.csv', 8 * 24 * 60 * minute)],
    ['a folder made in the console', () => version('', undefined, { key: 'traffic/night/', sizeBytes: 0 })],
  ])('leaves alone what is %s', async (_, make) => {
    list([make()]);
    await sweep();
    expect(announced).toEqual([]);
  });

  it('leaves alone what was deleted since, on whatever page its versions are', async () => {
    const gone = [version('gone.csv'), version('gone.csv', undefined, { versionId: 'v0' })];
    list([...gone, version('there.csv')], ['traffic/gone.csv'], 1);
    await sweep();
    expect(names()).toEqual(['there.csv']);
  });

  it('announces both of two versions of one key, the older one first', async () => {
    const newer = version('a.csv', 20 * minute, { versionId: 'v2' });
    const older = version('a.csv', 40 * minute, { versionId: 'v1' });
    list([newer, older]);
    await sweep();
    expect(announced.map(({ versionId }) => versionId)).toEqual(['v1', 'v2']);
  });

  it.each(['intake', 'dlq'] as const)('waits while messages are in the %s', async (queue) => {
    waiting[queue] = 1;
    list([version('lost.csv')]);
    await sweep();
    expect([announced, listings]).toEqual([[], 0]);
    // Not for another hour: the next run looks.
    waiting[queue] = 0;
    await sweep();
    expect(names()).toEqual(['lost.csv']);
  });

  it('runs once an hour', async () => {
    for (let run = 0; run < 8; run++) {
      await sweep();
      await clock.advance(15 * minute);
    }
    expect(listings).toBe(2);
  });

  it('continues with the next run if a list is long, until its end', async () => {
    const all = Array.from({ length: 250 }, (_, index) => version(`f${String(index).padStart(3, '0')}.csv`));
    list(all, [], 1);
    await sweep();
    expect(listings).toBe(100);
    await clock.advance(15 * minute);
    await sweep();
    await clock.advance(15 * minute);
    await sweep();
    expect(names()).toEqual(all.map(({ source }) => source.key.replace('traffic/', '')));
    await clock.advance(15 * minute);
    await sweep();
    expect(listings).toBe(250);
  });

  it('leaves time for the other steps if S3 is slow', async () => {
    list(
      Array.from({ length: 50 }, (_, index) => version(`f${index}.csv`)),
      [],
      1,
    );
    const { dropped } = ports.sweep as NonNullable<SweepPorts['sweep']>;
    const listVersions = dropped.listVersions.bind(dropped);
    dropped.listVersions = async (...given) => {
      await clock.advance(20_000);
      return listVersions(...given);
    };
    await sweep();
    expect(listings).toBe(3);
  });

  it('that was killed before it stored its position repeats its work', async () => {
    list([version('lost.csv')]);
    const saveSweep = ledger.saveSweep.bind(ledger);
    ledger.saveSweep = () => Promise.reject(new Error('killed'));
    await expect(sweep()).rejects.toThrow('killed');
    ledger.saveSweep = saveSweep;
    await sweep();
    expect(names()).toEqual(['lost.csv', 'lost.csv']);
  });

  it('that fails midway counts what it has announced: no later one would', async () => {
    list([version('lost.csv'), version('other.csv')], [], 1);
    const { dropped } = ports.sweep as NonNullable<SweepPorts['sweep']>;
    const listVersions = dropped.listVersions.bind(dropped);
    dropped.listVersions = (prefix, after) =>
      after ? Promise.reject(new Error('S3 is down')) : listVersions(prefix, after);
    await expect(sweep()).rejects.toThrow('S3 is down');
    expect(names()).toEqual(['lost.csv']);
    expect(counted).toEqual([1]);
  });

  it('announces a control file only if the ledger does not know that version', async () => {
    Object.assign(ports.sweep ?? {}, { control: { suffix: '.ctl' } });
    const [known, lost] = [version('a.csv.ctl'), version('b.csv.ctl')];
    const { source, modifiedAt } = known;
    await ledger.enterControl('traffic', 'a.csv', { source, key: source.key, modifiedAt });
    list([known, lost]);
    await sweep();
    expect(names()).toEqual(['b.csv.ctl']);
  });

  it('does not bundle small files', async () => {
    const { sweep: _sweep, ...others } = ports;
    await sweepIntake('traffic', others);
    expect(counted).toEqual([]);
  });
});
