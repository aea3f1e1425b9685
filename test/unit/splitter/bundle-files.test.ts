import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SourceObject } from '../../../lambdas/core/account/file-account.ts';
import { requestIdOf, sha256Of } from '../../../lambdas/core/records/identity.ts';
import { maxBundleBytes } from '../../../lambdas/core/records/bundle.ts';
import { openingMs } from '../../../lambdas/ledger/bundle-ledger.ts';
import { fileIdOf } from '../../../lambdas/core/account/file-id.ts';
import type { Bundling } from '../../../lambdas/splitter/bundle-files.ts';
import { bundleFiles } from '../../../lambdas/splitter/bundle-files.ts';
import { SmallFiles } from '../../../lambdas/splitter/small-files.ts';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { fileLeaseMs } from '../../../lambdas/splitter/splitter-ports.ts';
import type { BundleWorld } from '../../support/bundle-world.ts';
import { bundleWorld } from '../../support/bundle-world.ts';
import { expectEachInOneBundle } from '../../support/expect-bundles.ts';
import { maintenanceRecord } from '../../support/maintenance-records.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { noDeadline } from '../../support/splitter-world.ts';
import { zipArchive } from '../../support/zip-archive.ts';

let clock: SimulatedClock;
let world: BundleWorld;
beforeEach(() => {
  clock = new SimulatedClock();
  world = bundleWorld(clock);
});

const textOf = (n: number) => `${JSON.stringify(maintenanceRecord(`MR-${n}`), null, 2)}\n`;
const dropMany = (count: number) =>
  Array.from({ length: count }, (_, index) => world.drop(`r-${index + 1}.json`, textOf(index + 1)));
const bundle = (sources: readonly SourceObject[]) => bundleFiles(sources, world.ports, noDeadline);
const kindsOf = (outcome: Map<string, Bundling>) => [...outcome.values()].map(({ kind }) => kind);
const accounts = () => [...world.ports.ledger.files.values()];
const bundles = () => accounts().filter((file) => file.bundle);

const expectEachOnce = (sources: readonly SourceObject[]) => expectEachInOneBundle(world, sources);

describe('small files', () => {
  it('of one invocation become a few files, with each record once and its own checksum in its request id', async () => {
    const sources = dropMany(2_050);
    expect(new Set(kindsOf(await bundle(sources)))).toEqual(new Set(['accounted']));
    expect(bundles().map((file) => file.bundle?.members)).toEqual([2_000, 50]);
    expectEachOnce(sources);
    const [first] = world.records();
    expect(first?.record.result).toMatchObject({
      kind: 'good',
      requestId: requestIdOf(['MR-1'], sha256Of(Buffer.from(textOf(1)))),
    });
  });

  it('that are large become more bundles, each of a size that fits the splitter’s memory', async () => {
    const sizeBytes = maxBundleBytes / 2;
    const sources = dropMany(3).map((source) => ({ ...source, sizeBytes }));
    await bundle(sources);
    expect(bundles().map((file) => file.bundle?.members)).toEqual([2, 1]);
    expectEachOnce(sources);
  });

  it('that are announced again, in other groups, are sent once', async () => {
    const sources = dropMany(30);
    await bundle(sources.slice(0, 12));
    await bundle([...sources.slice(6, 20), ...sources.slice(0, 3), ...sources.slice(6, 8)]);
    await bundle([...sources].reverse());
    expectEachOnce(sources);
  });

  it('that are announced to two splitters at once are each in one bundle', async () => {
    const sources = dropMany(40);
    const outcomes = [bundle(sources.slice(0, 30)), bundle(sources.slice(10)), bundle(sources.slice(20, 35))];
    const kinds = new Set((await Promise.all(outcomes)).flatMap(kindsOf));
    expect([...kinds].sort()).toEqual(['accounted', 'pending']);
    expect(new Set(kindsOf(await bundle(sources)))).toEqual(new Set(['accounted']));
    expectEachOnce(sources);
  });

  it('with equal bytes are separate records: the sink detects duplicates', async () => {
    const sources = [world.drop('a.json', textOf(1)), world.drop('b.json', textOf(1))];
    await bundle(sources);
    expectEachOnce(sources);
    const ids = world.records().map(({ record }) => record.result.kind === 'good' && record.result.requestId);
    expect(ids[0]).toBe(ids[1]);
  });

  it.each([
    ['an empty file', '', 'empty'],
    ['a blank one', ' \r\n\t\n', 'empty'],
    ['what is no JSON', 'hello', 'not_json'],
    ['a truncated one', textOf(1).slice(0, -20), 'not_json'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'invalid_encoding'],
    ['a PDF', '%PDF-1.7\n%\u00e2\u00e3', 'not_json'],
    ['an array', '[{"record_id":"x"}]', 'not_an_object'],
    ['null', 'null', 'not_an_object'],
    ['nothing but NUL', Buffer.alloc(100), 'not_json'],
  ])('are not dropped silently: %s is rejected beside valid ones', async (_, content, reason) => {
    const sources = [...dropMany(3), world.drop('odd.json', content)];
    await bundle(sources);
    expectEachOnce(sources);
    const odd = world.records().find(({ record }) => record.source?.key === 'maintenance/odd.json')?.record;
    expect(odd?.result).toMatchObject({ kind: 'rejected', problem: { reason } });
    expect(world.records().filter(({ record }) => record.result.kind === 'good')).toHaveLength(3);
  });

  it('may begin with a byte order mark, contain U+FFFF and have any key', async () => {
    const text = JSON.stringify(maintenanceRecord('MR-1', { remark: '\uffff \u2028' }));
    const sources = [world.drop('a b+%"\n日本.json', `\ufeff${text}`), world.drop('nl\n"}{.json', textOf(2))];
    await bundle(sources);
    expectEachOnce(sources);
    expect(world.records().map(({ record }) => record.result.kind)).toEqual(['good', 'good']);
  });

  it('that are deleted or replaced before they are read are accounted for', async () => {
    const [gone, replaced, good] = dropMany(3) as [SourceObject, SourceObject, SourceObject];
    world.objects.delete(gone.key);
    world.objects.set(replaced.key, { bytes: Buffer.from('{}'), etag: '"other"' });
    await bundle([gone, replaced, good]);
    const reasonOf = (key: string) => {
      const result = world.records().find(({ record }) => record.source?.key === key)?.record.result;
      return result?.kind === 'rejected' ? result.problem.reason : result?.kind;
    };
    expect([gone, replaced, good].map(({ key }) => reasonOf(key))).toEqual(['source_gone', 'source_replaced', 'good']);
  });

  it('with more than one record get accounts of their own', async () => {
    const two = `${JSON.stringify(maintenanceRecord('MR-1'))}\n${JSON.stringify(maintenanceRecord('MR-2'))}\n`;
    const sources = [
      world.drop('lines.json', two),
      world.drop('packed.json', gzipSync(textOf(1))),
      world.drop('packed.zip', zipArchive([{ name: 'r.json', content: textOf(2) }])),
      world.drop('packed.json.zst', zstdCompressSync(textOf(4))),
      world.drop('utf16.json', Buffer.from(`\uFEFF${textOf(5)}`, 'utf16le')),
      world.drop('long.json', JSON.stringify({ ...maintenanceRecord('MR-9'), text: 'x'.repeat(65_300) })),
      world.drop('line.jsonl', `${JSON.stringify(maintenanceRecord('MR-3'))}\n`),
    ];
    expect(kindsOf(await bundle(sources)).sort()).toEqual(['accounted', ...Array<string>(6).fill('ordinary')]);
    expectEachOnce(sources.slice(6));
  });

  it('that can’t be read are received again, and delay no other', async () => {
    const sources = dropMany(5);
    world.unreadable.add('maintenance/r-2.json');
    const outcome = await bundle(sources);
    expect(outcome.get(fileIdOf('maintenance', sources[1] as SourceObject))).toMatchObject({ kind: 'failed' });
    expectEachOnce(sources.filter((_, index) => index !== 1));
    world.unreadable.clear();
    await bundle([sources[1] as SourceObject]);
    expectEachOnce(sources);
  });

  it('killed at any step, and announced again in other groups, are each sent once', async () => {
    let steps = 0;
    world.onStep = () => steps++;
    await bundle(dropMany(7));
    expect(steps).toBeGreaterThan(15);
    for (let dieAt = 1; dieAt <= steps; dieAt++) {
      clock = new SimulatedClock();
      world = bundleWorld(clock);
      const sources = dropMany(7);
      let step = 0;
      world.onStep = () => {
        if (++step >= dieAt) throw new Error('killed');
      };
      await bundle(sources).catch(() => undefined);
      world.onStep = () => undefined;
      await clock.advance(fileLeaseMs + 1);
      await bundle(sources.slice(4));
      await bundle([...sources.slice(2, 5), ...sources.slice(0, 2)]);
      for (const { fileId } of world.intake.splice(0)) await splitFile(fileId, undefined, world.ports, noDeadline);
      expectEachOnce(sources);
    }
  });

  it('stay in their bundle when one is announced as a separate file', async () => {
    const [source] = dropMany(1) as [SourceObject];
    const finishSplit = 'before ledger.finishSplit';
    world.onStep = (step) => {
      if (step === finishSplit) throw new Error('killed');
    };
    await bundle([source]);
    world.onStep = () => undefined;
    await clock.advance(fileLeaseMs + 1);
    const fileId = fileIdOf('maintenance', source);
    const create = { fileId, feed: 'maintenance', lane: 'main', source, limits: world.ports.limits };
    await splitFile(fileId, create, world.ports, noDeadline);
    expectEachOnce([source]);
  });

  it('get another bundle when theirs was not opened, also if they are announced without their sizes', async () => {
    const sources = dropMany(4);
    world.onStep = (step) => {
      if (step === 'before bundles.putBundle') throw new Error('killed');
    };
    expect(new Set(kindsOf(await bundle(sources)))).toEqual(new Set(['failed']));
    world.onStep = () => undefined;
    const ids = sources.map((source) => fileIdOf('maintenance', source));
    await expect(splitFile(ids[0] as string, undefined, world.ports, noDeadline)).rejects.toThrow(
      `${ids[0]} is a small file that is not in an open bundle yet`,
    );
    await clock.advance(openingMs);
    const announced = sources.map((source) => ({ ...source, etag: '', sizeBytes: -1 }));
    const small = new SmallFiles(announced, world.ports);
    const outcomes = await Promise.all(announced.map((source) => small.bundle(source, noDeadline)));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accounted']));
    expectEachOnce(sources);
    expect(bundles().map((file) => file.bundle?.members)).toEqual([4]);
  });

  it('that are announced with and without version and size at once are the same ones', async () => {
    const sources = dropMany(3).map((source, index) => ({ ...source, versionId: `v${index}` }));
    world.ports.sources = {
      ...world.ports.sources,
      head: ({ key }) => Promise.resolve(sources.find((source) => source.key === key)),
    };
    const bare = sources.map(({ bucket, key }) => ({ bucket, key, etag: '', sizeBytes: -1 }));
    const announced: SourceObject[] = [...bare, ...sources];
    const small = new SmallFiles(announced, world.ports);
    const outcomes = await Promise.all(announced.map((source) => small.bundle(source, noDeadline)));
    expect(outcomes).toEqual(announced.map(() => ({ kind: 'accounted' })));
    expectEachOnce(sources);
    expect(bundles().map((file) => file.bundle?.members)).toEqual([3]);
  });

  it('that were announced without their sizes and are gone fail alone', async () => {
    const [here, gone] = dropMany(2) as [SourceObject, SourceObject];
    world.objects.delete(gone.key);
    const unsized = { ...gone, etag: '', sizeBytes: -1 };
    const small = new SmallFiles([here, unsized], world.ports);
    await expect(small.bundle(unsized, noDeadline)).rejects.toThrow('was announced but does not exist');
    expect(await small.bundle(here, noDeadline)).toEqual({ kind: 'accounted' });
    expectEachOnce([here]);
  });
});
