import { beforeEach, describe, expect, it } from 'vitest';
import { meantPrefix, parentsOf } from '../../../lambdas/core/strays/stray-places.ts';
import type { FindStraysPorts } from '../../../lambdas/reconciler/find-strays.ts';
import { findStrays } from '../../../lambdas/reconciler/find-strays.ts';
import type { IntakePage } from '../../../lambdas/ports.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const lanePrefixes = ['traffic/', 'express/traffic/', 'maintenance/', 'express/maintenance/'];

let clock: SimulatedClock;
let ledger: MemoryLedger;
let bucket: Map<string, { modifiedAt: number; sizeBytes: number }>;
let listed: string[];
let told: string[];
let counted: number[];
let ports: FindStraysPorts;

beforeEach(() => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  bucket = new Map();
  [listed, told, counted] = [[], [], []];
  ports = {
    ledger,
    strays: { lanePrefixes, bucket: 'intake', listing: { list: async (...wish) => list(...wish) } },
    desk: { notify: async (subject, text) => void told.push(`${subject}\n${text}`) },
    stackName: 'sluice-test',
    metricsOf: () => ({ add: (_, value) => void counted.push(value), flush: () => undefined }),
    clock,
    log: silentLog,
  };
});

/** As S3 lists: what has the prefix, and with a delimiter only what lies directly there. */
function list(prefix: string, { delimiter }: { delimiter?: '/' } = {}): IntakePage {
  listed.push(prefix);
  const keys = [...bucket.keys()].filter((key) => key.startsWith(prefix));
  const isBelow = (key: string) => delimiter !== undefined && key.slice(prefix.length).includes('/');
  const folderOf = (key: string) => `${prefix}${key.slice(prefix.length).split('/')[0]}/`;
  return {
    objects: keys
      .filter((key) => !isBelow(key))
      .map((key) => ({ key, modifiedAt: 0, sizeBytes: 0, ...bucket.get(key) })),
    prefixes: [...new Set(keys.filter(isBelow).map(folderOf))],
  };
}

function drop(key: string, sizeBytes = 10): void {
  bucket.set(key, { modifiedAt: clock.now(), sizeBytes });
}
const run = () => findStrays('traffic', ports);

describe('objects that no feed processes', () => {
  it('are reported with the prefix that was probably meant', async () => {
    for (const key of ['trafic/a.csv', 'Traffic/b.csv', 'root.csv', 'express/trafic/c.csv', 'x/y/z.csv']) drop(key);
    drop('traffic/good.csv');
    drop('express/traffic/good.csv');
    await run();
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('- 1 object under trafic/: trafic/a.csv: did you mean traffic/?');
    expect(told[0]).toContain('- 1 object under Traffic/: Traffic/b.csv: did you mean traffic/?');
    expect(told[0]).toContain(
      "- 1 object in the bucket's root: root.csv: files are taken under traffic/, express/traffic/",
    );
    expect(told[0]).toContain('- 1 object under express/trafic/: express/trafic/c.csv: did you mean express/traffic/?');
    expect(told[0]).toContain('- 1 object under x/: x/y/z.csv: files are taken under');
    expect(told[0]).not.toContain('good.csv');
    expect(counted).toEqual([5]);
  });

  it('are reported once, and again when another one is dropped', async () => {
    drop('trafic/a.csv');
    for (const _ of [1, 2, 3]) await run();
    expect(told).toHaveLength(1);
    await clock.advance(60_000);
    drop('trafic/b.csv');
    await run();
    await run();
    expect(told).toHaveLength(2);
    expect(told[1]).toContain('2 objects under trafic/, the newest trafic/b.csv');
    expect(counted).toEqual([1, 1]);
  });

  it('are forgotten once they are gone', async () => {
    drop('trafic/a.csv');
    await run();
    bucket.clear();
    await run();
    expect((await ledger.getStrays('traffic'))?.places).toEqual([]);
    drop('trafic/a.csv');
    await run();
    expect(told).toHaveLength(2);
  });

  it('are reported again if the run died before it stored that', async () => {
    drop('trafic/a.csv');
    const { desk } = ports;
    ports.desk = { notify: () => Promise.reject(new Error('SNS')) };
    await expect(run()).rejects.toThrow('SNS');
    ports.desk = desk;
    await run();
    expect(told).toHaveLength(1);
  });

  it('are absent in an empty folder, and in a bucket without faults', async () => {
    drop('trafic/', 0);
    drop('traffic/a.csv');
    await run();
    expect(told).toEqual([]);
    expect(counted).toEqual([]);
  });

  it('are found without listing the lanes', async () => {
    for (let file = 0; file < 50; file++) drop(`traffic/${file}.csv`);
    drop('other/a.csv');
    await run();
    expect(listed.sort()).toEqual(['', 'express/', 'other/']);
  });

  it('are at most fifty places in a message', async () => {
    for (let place = 0; place < 200; place++) drop(`p${place}/a.csv`);
    await run();
    expect(told[0]?.match(/^- 1 object/gm)).toHaveLength(50);
    expect(listed.length).toBeLessThan(55);
  });

  it('are not those that a lane took before it was switched off', async () => {
    drop('express/traffic/sent.csv');
    await run();
    const fewer = lanePrefixes.filter((prefix) => prefix !== 'express/traffic/');
    ports.strays = { ...(ports.strays as NonNullable<FindStraysPorts['strays']>), lanePrefixes: fewer };
    await run();
    expect(told).toEqual([]);
    await clock.advance(60_000);
    drop('express/traffic/late.csv');
    await run();
    await run();
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('- 1 object under express/traffic/: express/traffic/late.csv');
  });

  it('are reported by the reconciler of only one feed', async () => {
    drop('trafic/a.csv');
    await findStrays('maintenance', { ...ports, strays: undefined });
    expect(listed).toEqual([]);
  });
});

it.each([
  ['trafic/', 'traffic/'],
  ['TRAFFIC/', 'traffic/'],
  ['maintenence/', 'maintenance/'],
  ['tmp/', undefined],
  ['', undefined],
])('the prefix meant by %j is %j', (prefix, meant) => {
  expect(meantPrefix(prefix, lanePrefixes)).toBe(meant);
});

it('lanes are excluded in the root and in the prefixes before their own', () => {
  expect(parentsOf(['traffic/', 'a/b/traffic/', 'a/c/'])).toEqual(['', 'a/', 'a/b/']);
});
