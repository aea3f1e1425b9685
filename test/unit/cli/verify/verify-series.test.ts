import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copySeries } from '../../../../cli/archive/copy-series.ts';
import { verifySeries } from '../../../../cli/verify/series/verify-series.ts';
import type { Manifest } from '../../../../lambdas/core/account/manifest.ts';
import type { Receipt } from '../../../../lambdas/core/account/receipt.ts';
import type { Verdict } from '../../../support/evidence.ts';
import { verdictOf, writeEvidence } from '../../../support/evidence.ts';
import { proofOf, sha256 } from '../../../support/forged-evidence.ts';
import type { LogRow } from '../../../support/log-rows.ts';
import { Dice } from '../../../support/mutations.ts';
import { startPythonVerifier } from '../../../support/python-verifier.ts';
import { RevisionWorld } from '../../../support/revision-world.ts';
import { KilledError } from '../../../support/steps.ts';
import { runUntilStopped } from '../../../support/run-until-stopped.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-series-'));
const python = startPythonVerifier();
afterAll(() => {
  python?.stop();
  rmSync(root, { recursive: true, force: true });
});

const rowsOf = (count: number): LogRow[] =>
  Array.from({ length: count }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));

/** The folders of a series' revisions, by file id: objects by their names. */
type Series = Map<string, Map<string, Buffer>>;

async function makeSeries(client: string): Promise<Series> {
  const world = new RevisionWorld();
  const second = rowsOf(12).with(3, { spot: 'S4', client }).with(7, { spot: 'S8', client: '=1+1' }).slice(1);
  const third = second.with(3, { spot: 'S5', client: 'Five' });
  const damaged = third.with(5, { spot: 'S7', client: 'Seven', isDamaged: true });
  const first = rowsOf(12).with(9, { spot: 'S10', client: 'Ten', isDamaged: true });
  // The last one has the bytes of an older one: its request ids have the file id too.
  const revisions = [first, second, damaged, third, second];
  for (const [number, rows] of revisions.entries()) {
    world.drop(number + 1, rows);
    await world.run(() => ({ index: 0, isRepeated: false }));
  }
  return new Map([1, 2, 3, 4, 5].map((number) => [`traffic.${number}`, world.evidenceOf(`traffic.${number}`)]));
}

let series: Series;
let other: Series;
beforeAll(async () => {
  series = await makeSeries('Changed');
  other = await makeSeries('Forged');
});

/** A revision that went on without the one before, of which a batch was in doubt. */
async function makeWithout(): Promise<Series> {
  const world = new RevisionWorld('supersedes');
  world.drop(1, rowsOf(12));
  await world.handle(0, false);
  world.api.turn = () => {
    throw new KilledError('killed');
  };
  await world.handle(0, false);
  world.api.turn = () => undefined;
  world.takeMessages('traffic.1');
  world.drop(2, rowsOf(12).with(0, { spot: 'S1', client: 'Changed' }));
  await world.handle(0, false);
  await world.goWithout('traffic.2', 'traffic.1');
  await world.run(() => ({ index: 0, isRepeated: false }));
  return new Map([1, 2].map((number) => [`traffic.${number}`, world.evidenceOf(`traffic.${number}`)]));
}

/** A record in doubt was corrected to another identity, and the next revision has both. */
async function makeCorrected(): Promise<Series> {
  const world = new RevisionWorld('supersedes');
  const run = () => world.run(() => ({ index: 0, isRepeated: false }));
  world.api.turn = ({ payload }) =>
    payload['spot_id'] === 'S3' ? { kind: 'failed', status: 503, reason: 'http_503', ambiguous: true } : undefined;
  world.drop(1, rowsOf(12));
  await run();
  world.api.turn = () => undefined;
  await world.correct('traffic.1', 3, { spot: 'S33', client: 'Other' });
  await run();
  world.drop(2, [...rowsOf(12).with(2, { spot: 'S3', client: 'Changed' }), { spot: 'S33', client: 'Other' }]);
  await run();
  return new Map([1, 2].map((number) => [`traffic.${number}`, world.evidenceOf(`traffic.${number}`)]));
}

let runs = 0;

/** By both verifiers, who have to agree. @param change of a copy */
async function verdict(change: (copy: Series) => void = () => undefined, of = series): Promise<Verdict> {
  const copy: Series = new Map([...of].map(([id, objects]) => [id, new Map(objects)]));
  change(copy);
  const dir = join(root, String(++runs));
  for (const [id, objects] of copy)
    writeEvidence(new Map([...objects].map(([name, b]) => [`/${name}`, b])), join(dir, id));
  const first = await verdictOf(verifySeries(dir, {}));
  const [code, said] = (await python?.verify(['--series', dir])) ?? [];
  if (python) expect(code, `${first.said}\n${said}`).toBe(first.holds ? (first.isComplete ? 0 : 3) : 1);
  return first;
}

function objectsOf(copy: Series, id: string): Map<string, Buffer> {
  const objects = copy.get(id);
  if (!objects) throw new Error(`There is no ${id}.`);
  return objects;
}

const newestOf = (objects: Map<string, Buffer>): string =>
  [...objects.keys()]
    .filter((name) => /^manifest[.0-9]*json$/.test(name))
    .toSorted()
    .at(-1) ?? '';

function manifestIn(objects: Map<string, Buffer>): Manifest {
  return JSON.parse(objects.get(newestOf(objects))?.toString() ?? '') as Manifest;
}

/** Other receipts, with everything in the manifest that follows from them. */
function forgeReceipts(
  objects: Map<string, Buffer>,
  change: (receipt: Receipt) => Receipt,
  counts: Partial<Manifest>,
): void {
  const lines = gunzipSync(objects.get('receipts.ndjson.gz') ?? '')
    .toString()
    .trimEnd()
    .split('\n');
  const receipts = lines.map((line) => change(JSON.parse(line) as Receipt));
  const gzip = gzipSync(receipts.map((each) => `${JSON.stringify(each)}\n`).join(''));
  objects.set('receipts.ndjson.gz', gzip);
  const sent = receipts.filter(({ outcome }) => outcome === 'uploaded').map(({ at }) => at);
  changeManifest(objects, (manifest) => {
    Object.assign(manifest, counts);
    manifest.archive.receipts_sha256 = sha256(gzip);
    manifest.proof = proofOf(gzip);
    const seconds = sent.length === 0 ? 0 : (Date.parse(sent.at(-1) ?? '') - Date.parse(sent[0] ?? '')) / 1000;
    const rate = seconds > 0 ? Math.floor((sent.length / seconds) * 100 + 0.5) / 100 : 0;
    Object.assign(manifest.times, {
      ...{ first_upload: sent[0] ?? null, last_upload: sent.at(-1) ?? null, upload_seconds: seconds },
      ...{ records_per_second: rate, delivered_records: sent.length },
    });
  });
}

function changeManifest(objects: Map<string, Buffer>, change: (manifest: Manifest) => void): void {
  const manifest = manifestIn(objects);
  change(manifest);
  objects.set(newestOf(objects), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
}

/** Another list of changes of the second revision, named by its manifest. */
function forgeList(copy: Series, change: (text: string) => string, removed = 0, changed = 0): void {
  // They were compared with the manifest as it was.
  for (const id of ['traffic.3', 'traffic.4', 'traffic.5']) copy.delete(id);
  const objects = objectsOf(copy, 'traffic.2');
  const list = Buffer.from(change(objects.get('changes.csv')?.toString() ?? ''));
  objects.set('changes.csv', list);
  changeManifest(objects, (manifest) => {
    if (manifest.comparison) {
      manifest.comparison.changes_sha256 = sha256(list);
      manifest.comparison.changed_records += changed;
    }
    manifest.removed_records += removed;
  });
}

const withoutRow = (text: string, part: string): string =>
  text
    .split('\r\n')
    .filter((row) => !row.includes(part))
    .join('\r\n');

const rowWith = (text: string, part: string): string =>
  `${text.split('\r\n').find((row) => row.includes(part)) ?? ''}\r\n`;

/** With a row about the second record of the first revision, which is the first of the second one, as it was. */
function withSecond(text: string, change: 'removed' | 'changed'): string {
  const row = rowWith(text, 'changed,traffic.1,4,').replaceAll('""S4""', '""S2""');
  const identity = row.slice(row.indexOf('"['), row.indexOf(']"') + 2);
  return `${text}${change},traffic.1,2,${change === 'removed' ? '' : '1'},${identity},,,\r\n`;
}

describe('a series', () => {
  it('is valid if a person had all of a revision sent, superseding what the API had', async () => {
    const world = new RevisionWorld('supersedes');
    const run = () => world.run(() => ({ index: 0, isRepeated: false }));
    world.drop(1, rowsOf(12));
    await run();
    world.rules = { changedRecords: undefined, guard: 1 };
    world.drop(2, rowsOf(13).with(3, { spot: 'S4', client: 'Changed' }).slice(1));
    await run();
    world.rules = { changedRecords: 'supersedes', guard: 1 };
    await world.release('traffic.2', 'all');
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ uploaded_records: 12, removed_records: 1 });
    const files = ['traffic.1', 'traffic.2'];
    const { holds, isComplete, said } = await verdict(
      undefined,
      new Map(files.map((id) => [id, world.evidenceOf(id)])),
    );
    expect(holds, said).toBe(true);
    expect(isComplete, said).toBe(true);
    expect(said).toContain('each of 0 unchanged records');
  });

  it('is valid by two verifiers, with dead letters, damaged records and changes', async () => {
    const { holds, isComplete, said } = await verdict();
    expect(holds, said).toBe(true);
    expect(isComplete, said).toBe(true);
    expect(said).toContain('traffic.2: each row of the list of changes is right (2 changed, 1 new, 1 removed)');
    expect(said).toContain('traffic.2: each of 8 unchanged records was delivered with the same bytes before');
    expect(said).toContain('traffic.5: each row of the list of changes is right (1 changed, 0 new, 0 removed)');
    expect(said).toContain('traffic.3: every record of the earlier revision is unchanged, changed or removed');
  });

  it('is valid with a revision that went on without the one before, if its decision is about these two', async () => {
    const without = await makeWithout();
    const newest = manifestIn(objectsOf(without, 'traffic.2'));
    expect(newest).toMatchObject({
      state: 'completed',
      decisions: [{ kind: 'without', earlier_file_id: 'traffic.1' }],
    });
    const ended = manifestIn(objectsOf(without, 'traffic.1'));
    expect(ended).toMatchObject({ state: 'superseded', uploaded_records: 0, exhausted_records: 5, held_records: 7 });
    expect(await verdict(undefined, without)).toMatchObject({ holds: true, isComplete: true });
    const forged = (change: Partial<NonNullable<Manifest['decisions']>[number]>) => (copy: Series) =>
      changeManifest(objectsOf(copy, 'traffic.2'), ({ decisions }) => void Object.assign(decisions?.[0] ?? {}, change));
    for (const change of [{ newer_file_id: 'traffic.3' }, { earlier_file_id: 'traffic.2' }, { by: null }])
      expect(await verdict(forged(change), without)).toMatchObject({ holds: false });
  });

  it('is valid with a revision that went on without one that had found records unchanged', async () => {
    const world = new RevisionWorld('supersedes');
    const run = () => world.run(() => ({ index: 0, isRepeated: false }));
    world.drop(1, rowsOf(5));
    await run();
    world.drop(2, rowsOf(5).with(2, { spot: 'S3', client: 'Second' }));
    await world.handle(0, false);
    world.api.turn = () => {
      throw new KilledError('killed');
    };
    await world.handle(0, false);
    world.api.turn = () => undefined;
    world.takeMessages('traffic.2');
    world.drop(3, rowsOf(5).with(0, { spot: 'S1', client: 'Third' }).slice(0, 4));
    await world.handle(0, false);
    await world.goWithout('traffic.3', 'traffic.2');
    await run();
    const ids = ['traffic.1', 'traffic.2', 'traffic.3'];
    const of: Series = new Map(ids.map((id) => [id, world.evidenceOf(id)]));
    const counted = ['traffic.2', 'traffic.3'].map((id) => manifestIn(objectsOf(of, id)));
    expect(counted).toMatchObject([{ unchanged_records: 4 }, { unchanged_records: 2, removed_records: 1 }]);
    expect(await verdict(undefined, of)).toMatchObject({ holds: true, isComplete: true });
  });

  it('is valid with request ids that were decided when a held revision was released, and not changed then', async () => {
    const world = new RevisionWorld('doubles');
    const run = () => world.run(() => ({ index: 0, isRepeated: false }));
    const files = ['traffic.1', 'traffic.2', 'traffic.3', 'traffic.4'];
    for (const [index, client] of ['First', 'Second', 'Third', 'Second'].entries()) {
      world.drop(index + 1, rowsOf(12).with(0, { spot: 'S1', client }));
      await run();
    }
    for (const file of files.slice(1)) {
      await world.release(file, 'changes');
      await run();
    }
    const evidence = new Map(files.map((id) => [id, world.evidenceOf(id)]));
    const { holds, said } = await verdict(undefined, evidence);
    expect({ holds, said }).toMatchObject({ holds: true });
    // As if some of it had been sent before its request ids were others.
    const forged = await verdict((copy) => {
      const objects = objectsOf(copy, 'traffic.4');
      const first = JSON.parse(objects.get('manifest.json')?.toString() ?? '') as Manifest;
      const sent = Buffer.from(JSON.stringify({ ...first, held_records: 11, refused_records: 1 }));
      objects.set('manifest.json', sent);
      const newest = JSON.parse(objects.get('manifest.2.json')?.toString() ?? '') as Manifest;
      newest.previous_manifest_sha256 = sha256(sent);
      objects.set('manifest.2.json', Buffer.from(JSON.stringify(newest)));
    }, evidence);
    expect(forged.holds).toBe(false);
    expect(forged.said).toContain('name different request ids');
  });

  it('is valid with a record that one revision removes and the next one has again', async () => {
    const world = new RevisionWorld('supersedes');
    const run = () => world.run(() => ({ index: 0, isRepeated: false }));
    const again = rowsOf(13).with(4, { spot: 'S5', client: 'Five' });
    for (const [index, rows] of [rowsOf(12), rowsOf(12).toSpliced(2, 1), again, again.slice(1)].entries()) {
      world.drop(index + 1, rows);
      await run();
    }
    expect(world.manifestOf('traffic.3')?.compared_with.map(({ file_id }) => file_id)).toEqual([
      'traffic.2',
      'traffic.1',
    ]);
    const files = [1, 2, 3, 4].map((number) => `traffic.${number}`);
    const { holds, isComplete, said } = await verdict(
      undefined,
      new Map(files.map((id) => [id, world.evidenceOf(id)])),
    );
    expect([holds, isComplete], said).toEqual([true, true]);
    expect(said).toContain('traffic.3: each row of the list of changes is right (2 changed, 1 new, 0 removed)');
    expect(said).toContain('traffic.4: each row of the list of changes is right (0 changed, 0 new, 1 removed)');
  });

  it('is valid without a record that a person had corrected, of which only the old row is listed', async () => {
    const world = new RevisionWorld();
    const inOrder = () => ({ index: 0, isRepeated: false });
    world.api.turn = ({ payload }) =>
      payload['spot_id'] === 'S2' ? { kind: 'refused', status: 422, answer: 'no such spot' } : undefined;
    world.drop(1, rowsOf(5));
    await world.run(inOrder);
    await world.correct('traffic.1', 2, { spot: 'S22', client: 'Client 2' });
    await world.run(inOrder);
    world.api.turn = () => undefined;
    world.drop(2, rowsOf(6));
    await world.run(inOrder);
    const { holds, isComplete, said } = await verdict((copy) => {
      copy.clear();
      for (const id of ['traffic.1', 'traffic.2']) copy.set(id, world.evidenceOf(id));
    });
    expect([holds, isComplete], said).toEqual([true, true]);
    expect(said).toContain('traffic.2: each row of the list of changes is right (0 changed, 2 new, 1 removed)');
  });

  it('is copied from the archive whole, by its newest revision, and the copy is valid', async () => {
    const keyOf = (own: Map<string, Buffer>) => manifestIn(own).archive.manifest_key;
    const objects = new Map<string, Buffer>();
    for (const own of series.values()) {
      for (const [name, bytes] of own) objects.set(`${dirname(keyOf(own))}/${name}`, bytes);
    }
    const stack = {
      s3: {
        send: ({ input: { Key = '' } }: GetObjectCommand) => {
          const bytes = objects.get(Key);
          if (!bytes) return Promise.reject(Object.assign(new Error('no such key'), { name: 'NoSuchKey' }));
          return Promise.resolve({ Body: Readable.from([bytes]) });
        },
      } as unknown as S3Client,
      outputs: { archiveBucket: 'archive' },
      ledger: { getFile: async () => undefined },
    };
    const dir = join(root, 'copied');
    const manifestKey = keyOf(objectsOf(series, 'traffic.5'));
    const request = { manifestKey, dir, onProgress: () => undefined, signal: new AbortController().signal };
    await copySeries(stack, request);
    expect(readdirSync(dir)).toEqual(['traffic.1', 'traffic.2', 'traffic.3', 'traffic.4', 'traffic.5']);
    const { said, isComplete } = await verdictOf(verifySeries(dir, {}));
    expect(isComplete, said).toBe(true);
  });

  it('is incomplete if a revision is missing', async () => {
    const { holds, isComplete, said } = await verdict((copy) => copy.delete('traffic.1'));
    expect([holds, isComplete]).toEqual([true, false]);
    expect(said).toContain('the revision traffic.1, which it was compared with, is missing');
  });

  it('is invalid with another account of a revision, although that one is valid by itself', async () => {
    const { holds, said } = await verdict((copy) => copy.set('traffic.2', objectsOf(other, 'traffic.2')));
    expect(holds).toBe(false);
    expect(said).toContain('of traffic.2 is not the one that it was compared with');
  });

  it('is invalid with two folders of one file', async () => {
    expect(await verdict((copy) => copy.set('copy', objectsOf(copy, 'traffic.2')))).toMatchObject({ holds: false });
  });

  it('is invalid if a changed record is said to be unchanged, with everything else made to fit', async () => {
    const { holds, said } = await verdict((copy) => {
      const objects = objectsOf(copy, 'traffic.4');
      const { uploaded_records: uploaded, unchanged_records: unchanged } = manifestIn(objects);
      let isForged = false;
      const asUnchanged = (receipt: Receipt): Receipt => {
        if (isForged || receipt.outcome !== 'uploaded') return receipt;
        isForged = true;
        return { ...receipt, outcome: 'unchanged' };
      };
      forgeReceipts(objects, asUnchanged, { uploaded_records: uploaded - 1, unchanged_records: unchanged + 1 });
    });
    expect(holds).toBe(false);
    expect(said).toMatch(/is unchanged, and traffic.3 did not deliver its bytes/);
  });

  it.each<[string, (text: string) => string, number, RegExp, number?]>([
    [
      'lacks a removed record',
      (text) => withoutRow(text, 'removed,'),
      -1,
      /neither in this file nor listed as removed/,
    ],
    ['lacks a changed record', (text) => withoutRow(text, '""S8""'), 0, /1 changed records; the manifest says/],
    ['has another text', (text) => text.replace('Client 4', 'Client 5'), 0, /has another text/],
    ['has another identity', (text) => text.replace('[""S4""', '[""S5""'), 0, /has another identity/],
    [
      'has another record',
      (text) => text.replace('removed,traffic.1,1', 'removed,traffic.1,2'),
      0,
      /has another identity/,
    ],
    ['calls a changed record new', (text) => text.replace('changed,traffic.1,4,', 'new,,,'), 0, /is not new|says/],
    [
      'names another file',
      (text) => text.replace('removed,traffic.1', 'removed,traffic.9'),
      0,
      /names another earlier file/,
    ],
    ['calls an unchanged record removed', (text) => withSecond(text, 'removed'), 1, /is in this file/],
    ['calls an unchanged record changed', (text) => withSecond(text, 'changed'), 0, /is unchanged/, 1],
    ['has a removed record twice', (text) => text + rowWith(text, 'removed,'), 1, /has been listed before/],
    ['has a changed record twice', (text) => text + rowWith(text, '""S8""'), 0, /has been listed before/, 1],
    ['is no list', (text) => text.slice(0, -5), 0, /can't be read/],
  ])('is invalid if a list of changes %s', async (_, change, removed, expected, changed) => {
    const { holds, said } = await verdict((copy) => forgeList(copy, change, removed, changed));
    expect(holds).toBe(false);
    expect(said).toMatch(expected);
  });
});

describe('a series with a stopped revision', () => {
  let stopped: Series;
  const rows = rowsOf(12);
  beforeAll(async () => {
    const world = new RevisionWorld();
    world.drop(1, rows);
    await world.run(() => ({ index: 0, isRepeated: false }));
    // The second one sends S1 and S13 in its first batch, and is stopped before S12.
    const second = rows
      .with(0, { spot: 'S1', client: 'Second' })
      .with(11, { spot: 'S12', client: 'Second' })
      .toSpliced(5, 1)
      .toSpliced(1, 0, { spot: 'S13', client: 'Second' });
    world.drop(2, second);
    // The third one changes S1 back, has S12 as it was sent first, S6 again, and neither S9 nor S13.
    const third = rows.toSpliced(8, 1);
    await runUntilStopped(world, 1, () => world.drop(3, third));
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', uploaded_records: 2 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ uploaded_records: 1, unchanged_records: 10 });
    stopped = new Map(['traffic.1', 'traffic.2', 'traffic.3'].map((id) => [id, world.evidenceOf(id)]));
  });

  const listOf = (copy: Series, change: (text: string) => string, counts: (manifest: Manifest) => void) => {
    const objects = objectsOf(copy, 'traffic.3');
    const list = Buffer.from(change(objects.get('changes.csv')?.toString() ?? ''));
    objects.set('changes.csv', list);
    changeManifest(objects, (manifest) => {
      if (manifest.comparison) manifest.comparison.changes_sha256 = sha256(list);
      counts(manifest);
    });
  };

  it('is valid, and every record of both earlier revisions is accounted for', async () => {
    const { holds, isComplete, said } = await verdict(undefined, stopped);
    expect([holds, isComplete], said).toEqual([true, true]);
    expect(said).toContain('traffic.3: every record of the 2 earlier revisions is unchanged, changed or removed');
    expect(said).toContain('traffic.3: each of 10 unchanged records was delivered with the same bytes before');
  });

  it('is invalid if a record is said to be unchanged that the stopped one had changed, with everything made to fit', async () => {
    const { holds, said } = await verdict((copy) => {
      const forged = (receipt: Receipt): Receipt =>
        receipt.outcome === 'uploaded' ? { ...receipt, outcome: 'unchanged' } : receipt;
      forgeReceipts(objectsOf(copy, 'traffic.3'), forged, { uploaded_records: 0, unchanged_records: 11 });
      listOf(
        copy,
        (text) => withoutRow(text, '""S1""'),
        (manifest) => {
          if (manifest.comparison) manifest.comparison.changed_records--;
        },
      );
    }, stopped);
    expect(holds).toBe(false);
    expect(said).toContain('record 1 is unchanged, and traffic.2 did not deliver its bytes');
  });

  it.each(['traffic.1', 'traffic.2'])('is invalid if a removed record of %s is not listed', async (id) => {
    const { holds, said } = await verdict((copy) => {
      const removed = (text: string) => text.split('\r\n').filter((row) => row.startsWith(`removed,${id}`));
      expect(removed(objectsOf(copy, 'traffic.3').get('changes.csv')?.toString() ?? '')).toHaveLength(1);
      const change = (text: string) => removed(text).reduce((list, row) => list.replace(`${row}\r\n`, ''), text);
      listOf(copy, change, (manifest) => {
        manifest.removed_records--;
      });
    }, stopped);
    expect(holds).toBe(false);
    expect(said).toMatch(new RegExp(`of ${id} is neither in this file nor listed as removed`));
  });

  it('is valid without the list of the stopped one, and says what was not checked', async () => {
    const { holds, said } = await verdict((copy) => {
      copy.delete('traffic.3');
      copy.set('traffic.3', objectsOf(stopped, 'traffic.3'));
      objectsOf(copy, 'traffic.2').delete('changes.csv');
    }, stopped);
    expect(holds, said).toBe(true);
    expect(said).toContain('traffic.3: a stopped earlier revision has no whole list of changes');
  });

  it('is valid where the newest earlier revision was cancelled', async () => {
    const world = new RevisionWorld();
    world.drop(1, rows);
    await world.run(() => ({ index: 0, isRepeated: false }));
    const second = world.drop(2, [...rows.toSpliced(6, 1), { spot: 'S13', client: 'Second' }]);
    const batch = () => world.queue.findIndex(({ task }) => task.kind === 'batch');
    while (batch() < 0) await world.handle(0, false);
    await world.handle(batch(), false);
    await world.ledger.cancelFile(second, { by: 'ann', why: 'the wrong export' });
    await world.run(() => ({ index: 0, isRepeated: false }));
    world.drop(3, rows.toSpliced(6, 1));
    await world.run(() => ({ index: 0, isRepeated: false }));
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'quarantined' });
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed', removed_records: 1 });
    const ids = ['traffic.1', 'traffic.2', 'traffic.3'];
    const { holds, said } = await verdict(undefined, new Map(ids.map((id) => [id, world.evidenceOf(id)])));
    expect(holds, said).toBe(true);
  });

  it('is valid whatever the revisions change and whenever one stops another (8 seeds)', async () => {
    let stops = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const dice = new Dice(seed);
      const world = new RevisionWorld();
      const random = () =>
        rows
          .filter(() => dice.roll(6) > 0)
          .map((row) => (dice.roll(3) === 0 ? { ...row, client: dice.pick(['A', 'B']) } : row));
      world.drop(1, random());
      await world.run(() => ({ index: 0, isRepeated: false }));
      for (const number of [2, 4]) {
        world.drop(number, random());
        await runUntilStopped(world, dice.roll(4), () => world.drop(number + 1, random()));
      }
      const ids = [1, 2, 3, 4, 5].map((number) => `traffic.${number}`);
      stops += ids.filter((id) => world.manifestOf(id)?.state === 'superseded').length;
      const { holds, said } = await verdict(undefined, new Map(ids.map((id) => [id, world.evidenceOf(id)])));
      expect(holds, `seed ${seed}: ${said}`).toBe(true);
    }
    expect(stops).toBeGreaterThan(3);
  });
});

it('holds if a record in doubt was corrected to another identity: the API may have both', async () => {
  const corrected = await makeCorrected();
  expect([...objectsOf(corrected, 'traffic.1').keys()]).toContain('manifest.2.json');
  const list = objectsOf(corrected, 'traffic.2').get('changes.csv')?.toString();
  expect(list).toMatch(/changed,traffic\.1,3,3/);
  expect(await verdict(undefined, corrected)).toMatchObject({ holds: true, isComplete: true });
});
