import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FileNotice } from '../../lambdas/core/notices/file-notice.ts';
import type { OutcomeCounts } from '../../lambdas/core/account/outcome.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import { figuresOf } from '../../lambdas/core/account/manifest.ts';
import { letterDigest } from '../../lambdas/core/authenticity.ts';
import type { Letter, UnnotedLetter } from '../../lambdas/messages.ts';
import { limits } from '../support/feed-fixture.ts';
import { dynamoStores } from '../support/implementations.ts';
import { InMemoryItemStore } from '../support/in-memory-item-store.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import { placeVersion } from '../../lambdas/core/account/schema-version.ts';
import { fileKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import { openingMs } from '../../lambdas/ledger/bundle-ledger.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import type { FileClose, ItemStore, Ledger, NewFile } from '../../lambdas/ports.ts';
import { repeating } from '../support/repeating-store.ts';
import { manifestOf } from '../support/report-facts.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

const stores: [name: string, create: () => ItemStore][] = [
  ['in memory', () => new InMemoryItemStore()],
  ...dynamoStores(),
];

/** One suite for the ledger over the real table and over the one in memory. */
describe.each(stores)('the ledger %s', (_, create) => {
  let clock: SimulatedClock;
  let store: ItemStore;
  let ledger: Ledger;
  let file: NewFile;
  const lease = 60_000;

  beforeEach(() => {
    clock = new SimulatedClock();
    store = create();
    ledger = openLedger(store, clock);
    const source = { bucket: 'b', key: 'traffic/log.csv', etag: '"e"', sizeBytes: 10 };
    file = { fileId: randomUUID(), feed: `feed-${randomUUID().slice(0, 8)}`, lane: 'main', source, limits };
  });

  const claim = (owner: string, isNew = true) => ledger.claimFile(file.fileId, isNew ? file : undefined, owner, lease);
  const place = (batch: number, attempt = 1) => ({ fileId: file.fileId, batch, attempt, records: 5, firstRecord: 1 });
  const settlement = (uploaded: number) => ({
    counts: { ...noCounts(), uploaded },
    receiptsKey: 'receipts/x',
    receiptsSha256: 'abc',
  });

  describe('a bundle of small files', () => {
    const member = (n: number) => ({ ...file.source, key: `${file.fileId}/${n}.json`, sequencer: String(n) });
    const bundleOf = (members: number) => ({
      ...file,
      fileId: randomUUID(),
      sha256: 'a'.repeat(64),
      dialect: { format: 'bundle' as const, encoding: 'utf-8' as const, bodyOffset: 0, bodyLine: 1 },
      bundle: { members },
    });
    const taken = { kind: 'taken' };

    it('gives each member its place, and then has an account that can be claimed', async () => {
      const members = Array.from({ length: 250 }, (_, n) => member(n));
      const bundle = bundleOf(members.length);
      expect(await ledger.takePlaces(bundle, members)).toEqual(members.map(() => taken));
      expect(await ledger.getFile(bundle.fileId)).toBeUndefined();
      expect(await ledger.openBundle(bundle)).toBe(true);
      expect(await ledger.claimFile(bundle.fileId, undefined, 'one', lease)).toMatchObject({
        kind: 'claimed',
        file: { epoch: 1, state: 'splitting', bundle: { members: 250 }, dialect: { format: 'bundle' } },
      });
      for (const source of [member(0), member(249)]) {
        const fileId = fileIdOf(file.feed, source);
        const claim = await ledger.claimFile(fileId, { ...file, fileId, source }, 'two', lease);
        expect(claim).toMatchObject({
          kind: 'finished',
          file: { state: 'bundled', bundleId: bundle.fileId, source },
        });
      }
      expect((await ledger.listFiles(file.feed, 'open', 10)).map(({ fileId }) => fileId)).toEqual([bundle.fileId]);
      expect(await ledger.listFiles(file.feed, 'closed', 10)).toEqual([]);
    });

    it('leaves files where they are that have an account', async () => {
      const [alone, bundled, free] = [member(1), member(2), member(3)];
      const id = fileIdOf(file.feed, alone);
      await ledger.claimFile(id, { ...file, fileId: id, source: alone }, 'one', lease);
      const first = bundleOf(1);
      await ledger.takePlaces(first, [bundled]);
      await ledger.openBundle(first);
      // However late: an open bundle is never given up.
      await clock.advance(24 * openingMs);
      expect(await ledger.takePlaces(bundleOf(3), [free, bundled, alone])).toEqual([
        taken,
        { kind: 'elsewhere', fileId: first.fileId },
        { kind: 'elsewhere', fileId: id },
      ]);
      expect(await ledger.getFile(id)).toMatchObject({ state: 'splitting', source: alone });
    });

    it('is given up if it is not opened in time, and then can’t be opened', async () => {
      const members = [member(1), member(2)];
      const [late, next] = [bundleOf(1), bundleOf(2)];
      await ledger.takePlaces(late, members.slice(0, 1));
      const untilMs = clock.now() + openingMs;
      expect(await ledger.takePlaces(next, members)).toEqual([{ kind: 'pending', untilMs }, taken]);
      await clock.advance(openingMs);
      expect(await ledger.takePlaces(next, members)).toEqual([taken, taken]);
      expect(await ledger.openBundle(late)).toBe(false);
      expect(await ledger.getFile(late.fileId)).toBeUndefined();
      expect(await ledger.claimFile(late.fileId, undefined, 'one', lease)).toEqual({ kind: 'unknown' });
      expect(await ledger.openBundle(next)).toBe(true);
      expect(await ledger.takePlaces(late, members)).toEqual(
        members.map(() => ({ kind: 'elsewhere', fileId: next.fileId })),
      );
    });

    it('is the same if answers are lost', async () => {
      const retried = openLedger(repeating(store), clock);
      const members = [member(1), member(2)];
      const [late, next] = [bundleOf(2), bundleOf(2)];
      expect(await retried.takePlaces(late, members)).toEqual([taken, taken]);
      await clock.advance(openingMs);
      expect(await retried.takePlaces(next, members)).toEqual([taken, taken]);
      expect(await retried.openBundle(next)).toBe(true);
      expect(await retried.openBundle(late)).toBe(false);
    });

    it('keeps its places from a version that takes every bundle for open', async () => {
      const [bundle, other] = [bundleOf(1), bundleOf(1)];
      await ledger.takePlaces(bundle, [member(1)]);
      await clock.advance(openingMs);
      await ledger.takePlaces(other, [member(1)]);
      const items = [fileIdOf(file.feed, member(1)), bundle.fileId].map((id) => store.read(fileKey(id)));
      for (const item of await Promise.all(items)) expect(item).toHaveProperty('v', placeVersion);
    });
  });

  describe('claiming a file', () => {
    it('creates it once: a second event finds it busy', async () => {
      expect(await claim('one')).toMatchObject({
        kind: 'claimed',
        file: { epoch: 1, state: 'splitting', settledBatches: 0 },
      });
      expect(await claim('two')).toEqual({ kind: 'busy', leaseUntil: clock.now() + lease });
    });

    it('takes it over when the lease has expired, with a higher epoch', async () => {
      await claim('one');
      await clock.advance(lease + 1);
      expect(await claim('two', false)).toMatchObject({ kind: 'claimed', file: { epoch: 2, leaseOwner: 'two' } });
    });

    it('reports a file that was never dropped as unknown', async () => {
      expect(await claim('one', false)).toEqual({ kind: 'unknown' });
    });

    it('allows a released one to be claimed at once', async () => {
      await claim('one');
      expect(await ledger.releaseFile(file.fileId, 1)).toBe(true);
      expect(await claim('two', false)).toMatchObject({ kind: 'claimed' });
    });

    it('allows one that is held back to be claimed from its time on, and only once', async () => {
      await claim('one');
      const until = clock.now() + 900_000;
      expect(await ledger.releaseFile(file.fileId, 1, until)).toBe(true);
      expect(await claim('two')).toEqual({ kind: 'held-back', until });
      await clock.advance(900_000);
      const claimed = await claim('three', false);
      expect(claimed).toMatchObject({ kind: 'claimed', file: { epoch: 2 } });
      expect(claimed).not.toHaveProperty('file.heldBackUntil');
      expect(await claim('four', false)).toMatchObject({ kind: 'busy' });
    });

    it('reports a split one as finished', async () => {
      await claim('one');
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      expect(await claim('two')).toMatchObject({ kind: 'finished', file: { state: 'split', totalRecords: 5 } });
    });
  });

  // The SDK repeats a write whose answer got lost, and the condition of the first no longer holds for the second.
  describe('a write that is repeated because its answer was lost', () => {
    it('claims the file once', async () => {
      await claim('one');
      expect(await claim('one')).toMatchObject({ kind: 'claimed', file: { epoch: 1 } });
      await clock.advance(lease + 1);
      await claim('two', false);
      expect(await claim('two', false)).toMatchObject({ kind: 'claimed', file: { epoch: 2 } });
    });

    it('splits or ends the file', async () => {
      await claim('one');
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      expect(await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, [])).toMatchObject({
        state: 'split',
        totalRecords: 5,
      });
      expect(await ledger.endFile(file.fileId, 1, { state: 'duplicate', of: 'x' })).toBeUndefined();
    });

    it('claims the batch and releases its lease', async () => {
      await ledger.claimBatch(place(1), 'one', lease);
      expect(await ledger.claimBatch(place(1), 'one', lease)).toMatchObject({
        kind: 'claimed',
        batch: { attempt: 1 },
      });
      expect(await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('half'), 0)).toBe(true);
      expect(await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('half'), 0)).toBe(true);
      await ledger.claimBatch(place(1, 2), 'two', lease);
      expect(await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('late'), 0)).toBe(false);
    });
  });

  it('processes a file to its end although the first answer to every write is lost', async () => {
    const retried = openLedger(repeating(store), clock);
    const bytes = { sha256: 'x', leaseUntil: clock.now() + lease };
    expect(await retried.claimFile(file.fileId, file, 'one', lease)).toMatchObject({ kind: 'claimed' });
    expect(await retried.saveSplitProgress(file.fileId, 1, bytes)).toMatchObject({ sha256: 'x', epoch: 1 });
    expect(await retried.claimChecksum(file.feed, 'x', file.fileId, 'csv')).toEqual({ kind: 'first' });
    expect(await retried.releaseFile(file.fileId, 1)).toBe(true);
    expect(await retried.claimFile(file.fileId, undefined, 'two', lease)).toMatchObject({ file: { epoch: 2 } });
    expect(await retried.finishSplit(file.fileId, 2, { records: 5, batches: 1 }, [])).toMatchObject({
      state: 'split',
    });
    expect(await retried.claimBatch(place(1), 'three', lease)).toMatchObject({ kind: 'claimed' });
    expect(await retried.saveProgress(file.fileId, 1, 'three', Buffer.from('half'), lease)).toBe(true);
    expect(await retried.settleBatch(file.fileId, 1, 'three', settlement(5))).toBe(true);
    expect(await ledger.getFile(file.fileId)).toMatchObject({ settledBatches: 1, settled: { uploaded: 5 } });
    // The repetition finds the manifest that it wrote itself, and is treated as another finalizer's.
    const manifest = { key: 'm1', number: 1 };
    await retried.closeFile(file.fileId, { state: 'completed', manifest, figures: [], openLetters: 0 });
    expect(await ledger.listFiles(file.feed, 'closed', 10)).toMatchObject([{ state: 'completed', manifest }]);
  });

  describe('stops and releases', () => {
    const who = { by: 'ann', why: 'wrong' };
    const wrong = { at: 1, rejected: 1, seen: 1, message: 'too many' };
    const closeAs = (state: 'quarantined' | 'completed', number: number, stops?: FileClose['stops']) =>
      ledger.closeFile(file.fileId, {
        ...{ state, manifest: { key: `m${number}`, number }, figures: [], openLetters: 0 },
        ...(stops ? { stops } : {}),
      });

    beforeEach(async () => {
      await claim('one');
    });

    it('are numbered, and each release answers the latest stop', async () => {
      await ledger.releaseFile(file.fileId, 1, clock.now() + 60_000);
      expect(await ledger.cancelFile(file.fileId, who)).toMatchObject({
        kind: 'cancelled',
        file: { quarantine: { number: 1, code: 'cancelled' }, decisions: [{ kind: 'cancel', stop: 1, ...who }] },
      });
      expect(await ledger.getFile(file.fileId)).not.toHaveProperty('heldBackUntil');
      await claim('two', false);
      await ledger.finishSplit(file.fileId, 2, { records: 5, batches: 1 }, []);
      // Closed with its stop only.
      expect(await closeAs('completed', 1)).toBe(false);
      expect(await closeAs('quarantined', 1, { stop: 1, released: 0 })).toBe(true);
      expect(await ledger.releaseQuarantine(file.fileId, 'bob', 'right')).toMatchObject({
        state: 'split',
        release: { stop: 1 },
        decisions: [{ kind: 'cancel' }, { kind: 'release', stop: 1, by: 'bob', why: 'right' }],
      });
      expect(await ledger.releaseQuarantine(file.fileId, 'bob', 'right')).toBeUndefined();
      expect(await ledger.cancelFile(file.fileId, who)).toMatchObject({ file: { quarantine: { number: 2 } } });
      expect(await closeAs('completed', 2, { stop: 1, released: 1 })).toBe(false);
      expect(await closeAs('quarantined', 2, { stop: 2, released: 1 })).toBe(true);
    });

    it('are no longer possible once the finalizer has begun to close the sent records', async () => {
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      expect(await ledger.beginClosing(file.fileId, { stop: 0, released: 0 })).toBe(true);
      expect(await ledger.beginClosing(file.fileId, { stop: 0, released: 0 })).toBe(true);
      expect(await ledger.cancelFile(file.fileId, who)).toMatchObject({
        kind: 'refused',
        obstacle: { kind: 'closing' },
      });
      expect(await ledger.quarantineFile(file.fileId, wrong)).toBe(false);
      expect(await closeAs('completed', 1)).toBe(true);
    });

    it('keep a finalizer from closing what it counted before', async () => {
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      expect(await ledger.quarantineFile(file.fileId, wrong)).toBe(true);
      expect(await ledger.quarantineFile(file.fileId, wrong)).toBe(false);
      expect(await ledger.beginClosing(file.fileId, { stop: 0, released: 0 })).toBe(false);
      expect(await ledger.cancelFile(file.fileId, who)).toMatchObject({ obstacle: { kind: 'stopped' } });
    });

    it('are applied once where their answers are lost', async () => {
      const retried = openLedger(repeating(store), clock);
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      expect(await retried.cancelFile(file.fileId, who)).toMatchObject({ kind: 'cancelled' });
      await closeAs('quarantined', 1, { stop: 1, released: 0 });
      expect(await retried.releaseQuarantine(file.fileId, 'bob', 'right')).toMatchObject({ state: 'split' });
      expect((await ledger.getFile(file.fileId))?.decisions).toHaveLength(2);
    });

    it('of an earlier version, which had one of each and no numbers, count as the first', async () => {
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      const set = { quarantine: wrong, release: { at: 2, by: 'bob', why: 'right' } };
      await store.update(fileKey(file.fileId), { set });
      expect(await ledger.cancelFile(file.fileId, who)).toMatchObject({
        kind: 'cancelled',
        file: {
          quarantine: { number: 2 },
          decisions: [
            { kind: 'release', by: 'bob' },
            { kind: 'cancel', stop: 2 },
          ],
        },
      });
      expect(await closeAs('quarantined', 1, { stop: 2, released: 1 })).toBe(true);
    });
  });

  describe('a change of a missing item', () => {
    it('of a file creates no file', async () => {
      const id = file.fileId;
      expect(await ledger.getFile(id)).toBeUndefined();
      expect(await ledger.saveSplitProgress(id, 1, { leaseUntil: 0 })).toBeUndefined();
      expect(await ledger.releaseFile(id, 1)).toBe(false);
      expect(await ledger.finishSplit(id, 1, { records: 0, batches: 0 }, [])).toBeUndefined();
      expect(await ledger.endFile(id, 1, { state: 'duplicate', of: 'x' })).toBeUndefined();
      const close = { state: 'completed', manifest: { key: 'm1', number: 1 }, figures: [], openLetters: 0 } as const;
      expect(await ledger.closeFile(id, close)).toBe(false);
      expect(await ledger.quarantineFile(id, { at: 1, rejected: 1, seen: 1, message: '' })).toBe(false);
      expect(await ledger.cancelFile(id, { by: 'ann', why: '' })).toEqual({ kind: 'unknown' });
      expect(await ledger.releaseQuarantine(id, 'ann', '')).toBeUndefined();
      expect(await ledger.beginClosing(id, { stop: 0, released: 0 })).toBe(false);
      expect(await ledger.requestAmendment(id, 1000)).toBe(false);
      await ledger.beginAmendment(id);
      await ledger.touchFile(id);
      expect(await ledger.getFile(id)).toBeUndefined();
    });

    it('of a batch creates no batch', async () => {
      expect(await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('x'), lease)).toBe(false);
      await ledger.releaseBatch(file.fileId, 1, 'one');
      await claim('one');
      expect(await ledger.settleBatch(file.fileId, 1, 'one', settlement(5))).toBe(false);
      expect(await Array.fromAsync(ledger.listBatches(file.fileId))).toEqual([]);
      expect(await ledger.getFile(file.fileId)).toMatchObject({ settledBatches: 0 });
    });

    it('of a dead record creates no dead record', async () => {
      const attempt = { at: 5, outcome: 'refused', reason: 'http_422', error: 'no', status: 422 } as const;
      await ledger.addFailure(file.fileId, 3, attempt, 300);
      expect(await ledger.noteSending(file.fileId, 3, 'r')).toBeUndefined();
      expect(await ledger.resolveDead(file.fileId, 3, { kind: 'uploaded', requestId: 'r' })).toBe(false);
      expect(await ledger.getDead(file.fileId, 3)).toBeUndefined();
      expect(await Array.fromAsync(ledger.listDead(file.fileId))).toEqual([]);
    });

    it('of the batch’s file leaves the batch open', async () => {
      await ledger.claimBatch(place(1), 'one', lease);
      expect(await ledger.settleBatch(file.fileId, 1, 'one', settlement(5))).toBe(false);
      expect(await Array.fromAsync(ledger.listBatches(file.fileId))).toMatchObject([{ state: 'open' }]);
    });
  });

  describe('an owner whose lease was taken over', () => {
    it('can not save, release, finish or end anything', async () => {
      await claim('one');
      await clock.advance(lease + 1);
      await claim('two');
      expect(
        await ledger.saveSplitProgress(file.fileId, 1, { sha256: 'x', leaseUntil: clock.now() + lease }),
      ).toBeUndefined();
      expect(await ledger.releaseFile(file.fileId, 1)).toBe(false);
      expect(await ledger.finishSplit(file.fileId, 1, { records: 0, batches: 0 }, [])).toBeUndefined();
      expect(await ledger.endFile(file.fileId, 1, { state: 'duplicate', of: 'x' })).toBeUndefined();
      expect((await ledger.getFile(file.fileId))?.sha256).toBeUndefined();
    });
  });

  it('returns a checkpoint as it was saved', async () => {
    await claim('one');
    const checkpoint = { offset: 123_456_789_012, line: 77, record: 66, batch: 5 };
    const dialect = {
      format: 'csv',
      encoding: 'utf-8',
      bodyOffset: 3,
      bodyLine: 2,
      delimiter: ';',
      lineBreak: 'lf',
      columns: ['a', ''],
    } as const;
    await ledger.saveSplitProgress(file.fileId, 1, {
      sha256: 'x',
      dialect,
      checkpoint,
      leaseUntil: clock.now() + lease,
    });
    expect(await ledger.getFile(file.fileId)).toMatchObject({
      sha256: 'x',
      dialect,
      checkpoint,
      source: file.source,
    });
  });

  describe('the same bytes twice', () => {
    const checksum = (fileId: string, reading = 'csv', feed = file.feed) =>
      ledger.claimChecksum(feed, 'sum', fileId, reading);
    const first = { kind: 'first' };
    const other = () => ({ ...file, fileId: randomUUID() });
    /** Settles a batch with these counts and closes the file. */
    const complete = async (counts: Partial<OutcomeCounts>) => {
      await ledger.claimBatch(place(1), 'one', lease);
      await ledger.settleBatch(file.fileId, 1, 'one', { ...settlement(0), counts: { ...noCounts(), ...counts } });
      const close = { state: 'completed', manifest: { key: 'm1', number: 1 }, figures: [], openLetters: 0 } as const;
      await ledger.closeFile(file.fileId, close);
    };

    it('belong to the file that came first, as long as it is in progress', async () => {
      await claim('one');
      expect(await checksum(file.fileId)).toEqual(first);
      expect(await checksum(file.fileId)).toEqual(first);
      expect(await checksum('other')).toEqual({ kind: 'duplicate', of: file.fileId });
      expect(await checksum('other', 'csv', `${file.feed}-2`)).toEqual(first);
      await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 1 }, []);
      expect(await checksum('other')).toEqual({ kind: 'duplicate', of: file.fileId });
    });

    it.each<Partial<OutcomeCounts>>([{ uploaded: 1, rejected: 4 }, { duplicate: 5 }])(
      'stay with it permanently if any record of it was accepted: %o',
      async (counts) => {
        await claim('one');
        await checksum(file.fileId);
        await complete(counts);
        expect(await checksum('other')).toEqual({ kind: 'duplicate', of: file.fileId });
      },
    );

    it('are taken over, once, from a file that completed with nothing accepted', async () => {
      await claim('one');
      await checksum(file.fileId);
      await complete({ rejected: 3, refused: 1, exhausted: 1 });
      const rivals = [other(), other()];
      for (const rival of rivals) await ledger.claimFile(rival.fileId, rival, 'two', lease);
      const claims = await Promise.all(rivals.map(({ fileId }) => checksum(fileId)));
      expect(claims.map(({ kind }) => kind).sort()).toEqual(['duplicate', 'first']);
      const winner = rivals[claims.findIndex(({ kind }) => kind === 'first')];
      expect(claims).toContainEqual({ kind: 'duplicate', of: winner?.fileId });
      expect(await checksum(winner?.fileId ?? '')).toEqual(first);
    });

    it('stay with a file that later had a record accepted', async () => {
      await claim('one');
      await checksum(file.fileId);
      await complete({ rejected: 5 });
      await ledger.requestAmendment(file.fileId, 1000);
      expect(await checksum('other')).toEqual({ kind: 'duplicate', of: file.fileId });
    });

    it('are another file when they are read in another way', async () => {
      await claim('one');
      await checksum(file.fileId, 'jsonl');
      const second = other();
      await ledger.claimFile(second.fileId, second, 'two', lease);
      expect(await checksum(second.fileId, 'csv')).toEqual(first);
      expect(await checksum('third', 'csv')).toEqual({ kind: 'duplicate', of: second.fileId });
      expect(await checksum('third', 'jsonl')).toEqual({ kind: 'duplicate', of: file.fileId });
    });

    it.each(['failed', 'superseded'] as const)('are taken over from a file that is %s', async (state) => {
      await claim('one');
      await checksum(file.fileId);
      const failure = { code: 'c', message: 'm' };
      const end = state === 'failed' ? { state, failure } : { state, failure, totals: { records: 1, batches: 1 } };
      await ledger.endFile(file.fileId, 1, end);
      expect(await checksum('other')).toEqual(first);
    });
  });

  describe('claiming a batch', () => {
    it('is for one consumer at a time', async () => {
      expect(await ledger.claimBatch(place(1), 'one', lease)).toMatchObject({
        kind: 'claimed',
        batch: { attempt: 1, state: 'open' },
      });
      expect(await ledger.claimBatch(place(1), 'two', lease)).toEqual({
        kind: 'busy',
        leaseUntil: clock.now() + lease,
      });
      expect(await ledger.claimBatch(place(2), 'two', lease)).toMatchObject({ kind: 'claimed' });
    });

    it('continues from the progress of an attempt that died', async () => {
      await ledger.claimBatch(place(1), 'one', lease);
      await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('half'), lease);
      await clock.advance(lease + 1);
      const taken = await ledger.claimBatch(place(1), 'two', lease);
      expect(taken.kind === 'claimed' && Buffer.from(taken.batch.progress ?? []).toString()).toBe('half');
    });

    it('is no longer possible for an attempt that a later one has superseded', async () => {
      await ledger.claimBatch(place(1, 2), 'two', lease);
      await ledger.saveProgress(file.fileId, 1, 'two', Buffer.from('x'), 0);
      expect(await ledger.claimBatch(place(1, 1), 'one', lease)).toEqual({ kind: 'stale' });
      expect(await ledger.claimBatch(place(1, 3), 'three', lease)).toMatchObject({ kind: 'claimed' });
    });

    it('allows only its owner to release a lease without saving progress', async () => {
      await claim('one');
      await ledger.claimBatch(place(1), 'one', lease);
      await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('half'), lease);
      await ledger.releaseBatch(file.fileId, 1, 'two');
      expect(await ledger.claimBatch(place(1), 'two', lease)).toMatchObject({ kind: 'busy' });
      await ledger.releaseBatch(file.fileId, 1, 'one');
      const claimed = await ledger.claimBatch(place(1), 'two', lease);
      expect(claimed).toMatchObject({ kind: 'claimed' });
      expect(claimed.kind === 'claimed' && Buffer.from(claimed.batch.progress ?? []).toString()).toBe('half');
    });

    it('counts consecutive claims that were never released: the evidence of kills', async () => {
      await claim('one');
      const unreleased = async () => (await ledger.getBatch(file.fileId, 1))?.unreleased;
      const claimAfterLease = async (owner: string) => {
        await clock.advance(lease + 1);
        await ledger.claimBatch(place(1), owner, lease);
        // The SDK's repetition of a call whose answer was lost is not a separate claim.
        await ledger.claimBatch(place(1), owner, lease);
      };
      expect(await ledger.getBatch(file.fileId, 1)).toBeUndefined();
      await claimAfterLease('one');
      await claimAfterLease('two');
      await ledger.saveProgress(file.fileId, 1, 'two', Buffer.from('half'), lease);
      expect(await unreleased()).toBe(2);
      await ledger.releaseBatch(file.fileId, 1, 'two', 'failed');
      await ledger.claimBatch(place(1), 'three', lease);
      expect(await unreleased()).toBe(3);
      await ledger.releaseBatch(file.fileId, 1, 'three');
      expect(await unreleased()).toBeUndefined();
      await claimAfterLease('four');
      await ledger.saveProgress(file.fileId, 1, 'four', Buffer.from('more'), 0);
      expect(await unreleased()).toBeUndefined();
      await claimAfterLease('five');
      await ledger.settleBatch(file.fileId, 1, 'five', settlement(5));
      expect(await unreleased()).toBeUndefined();
    });

    it('is finished once the batch is settled', async () => {
      await claim('one');
      await ledger.claimBatch(place(1), 'one', lease);
      expect(await ledger.settleBatch(file.fileId, 1, 'one', settlement(5))).toBe(true);
      const seen = await ledger.claimBatch(place(1), 'two', lease);
      expect(seen).toMatchObject({ kind: 'settled', batch: { receiptsKey: 'receipts/x', counts: { uploaded: 5 } } });
    });
  });

  it('allows only the lease’s owner to save and settle', async () => {
    await claim('one');
    await ledger.claimBatch(place(1), 'one', lease);
    await clock.advance(lease + 1);
    await ledger.claimBatch(place(1), 'two', lease);
    expect(await ledger.saveProgress(file.fileId, 1, 'one', Buffer.from('x'), lease)).toBe(false);
    expect(await ledger.settleBatch(file.fileId, 1, 'one', settlement(5))).toBe(false);
    expect(await ledger.settleBatch(file.fileId, 1, 'two', settlement(5))).toBe(true);
    expect(await ledger.settleBatch(file.fileId, 1, 'two', settlement(5))).toBe(false);
  });

  it('lists batches in order, beyond nine', async () => {
    for (const batch of [10, 2, 1, 11]) await ledger.claimBatch(place(batch), 'one', lease);
    const numbers: number[] = [];
    for await (const batch of ledger.listBatches(file.fileId)) numbers.push(batch.batch);
    expect(numbers).toEqual([1, 2, 10, 11]);
  });

  it('counts the final outcomes of a batch with held records, and counts the batch once', async () => {
    await claim('one');
    await ledger.claimBatch(place(1), 'one', lease);
    const first = { ...noCounts(), uploaded: 2, held: 3 };
    const progress = Buffer.from('the two');
    await ledger.settleBatch(file.fileId, 1, 'one', { ...settlement(0), counts: first, progress });
    expect(await ledger.claimBatch(place(1), 'two', lease)).toMatchObject({ kind: 'settled' });
    const again = await ledger.claimBatch(place(1, 2), 'two', lease);
    expect(again).toMatchObject({ kind: 'claimed', batch: { state: 'open', counts: first } });
    expect(again.kind === 'claimed' && Buffer.from(again.batch.progress ?? []).toString()).toBe('the two');
    expect(await ledger.settleBatch(file.fileId, 1, 'two', { ...settlement(5), replaces: first })).toBe(true);
    const batches = await Array.fromAsync(ledger.listBatches(file.fileId));
    expect(batches).toMatchObject([{ state: 'settled', counts: { uploaded: 5, held: 0 } }]);
    expect(batches[0]).not.toHaveProperty('progress');
    expect(await ledger.getFile(file.fileId)).toMatchObject({ settledBatches: 1, settled: { uploaded: 5, held: 0 } });
  });

  it('keeps the same sums for splitter and consumer, whichever writes last', async () => {
    await claim('one');
    await ledger.claimBatch(place(1), 'one', lease);
    const counts = { ...noCounts(), uploaded: 4, rejected: 1 };
    expect(await ledger.settleBatch(file.fileId, 1, 'one', { ...settlement(0), counts })).toBe(true);
    const split = await ledger.finishSplit(file.fileId, 1, { records: 5, batches: 2 }, []);
    expect(split).toMatchObject({ settledBatches: 1, totalBatches: 2, settled: { uploaded: 4, rejected: 1 } });
    await ledger.claimBatch(place(2), 'one', lease);
    await ledger.settleBatch(file.fileId, 2, 'one', settlement(5));
    expect(await ledger.getFile(file.fileId)).toMatchObject({ settledBatches: 2, settled: { uploaded: 9 } });
  });

  it('counts each of many batches that are settled at once exactly once', async () => {
    await claim('one');
    const batches = Array.from({ length: 12 }, (_, index) => index + 1);
    for (const batch of batches) await ledger.claimBatch(place(batch), 'one', lease);
    const settled = await Promise.all(
      batches.flatMap((batch) => [1, 2].map(() => ledger.settleBatch(file.fileId, batch, 'one', settlement(5)))),
    );
    expect(settled.filter(Boolean)).toHaveLength(12);
    expect(await ledger.getFile(file.fileId)).toMatchObject({ settledBatches: 12, settled: { uploaded: 60 } });
  });

  describe('closing a file', () => {
    const manifest = (number: number) => ({ key: `m${number}`, number });
    const close = (number: number, openLetters: number): FileClose => ({
      ...{ state: 'completed', manifest: manifest(number), figures: [], openLetters },
    });

    it('moves it from the open ones to the closed ones', async () => {
      await claim('one');
      expect((await ledger.listFiles(file.feed, 'open', 10)).map((each) => each.fileId)).toEqual([file.fileId]);
      await ledger.finishSplit(file.fileId, 1, { records: 0, batches: 0 }, []);
      expect(await Array.fromAsync(ledger.eachFileId(file.feed))).toEqual([file.fileId]);
      expect(await ledger.closeFile(file.fileId, close(1, 0))).toBe(true);
      expect(await ledger.listFiles(file.feed, 'open', 10)).toEqual([]);
      expect(await Array.fromAsync(ledger.eachFileId(file.feed))).toEqual([file.fileId]);
      const closedBefore = (createdAt: number) =>
        Array.fromAsync(
          ledger.eachFile(file.feed, 'closed', { order: 'newest', before: { ...file, createdAt } }),
          ({ fileId }) => fileId,
        );
      const { createdAt = 0 } = (await ledger.getFile(file.fileId)) ?? {};
      expect(await closedBefore(createdAt + 1)).toEqual([file.fileId]);
      expect(await closedBefore(createdAt)).toEqual([]);
      expect(await ledger.listFiles(file.feed, 'closed', 10)).toMatchObject([
        { state: 'completed', manifest: manifest(1) },
      ]);
    });

    it('separates files with open letters from the rest, until they have none', async () => {
      await claim('one');
      const dead = async () => {
        const listed = (await ledger.listFiles(file.feed, 'dead', 10)).map((each) => each.fileId);
        const each = await Array.fromAsync(ledger.eachFile(file.feed, 'dead'), ({ fileId }) => fileId);
        expect(each).toEqual(listed);
        return listed;
      };
      await ledger.closeFile(file.fileId, close(1, 2));
      expect(await dead()).toEqual([file.fileId]);
      expect(await ledger.listFiles(file.feed, 'closed', 10)).toHaveLength(1);
      expect(await ledger.listFiles(file.feed, 'open', 10)).toEqual([]);
      await ledger.closeFile(file.fileId, close(2, 0));
      expect(await dead()).toEqual([]);
      expect(await ledger.listFiles(file.feed, 'closed', 10)).toHaveLength(1);
    });

    it('happens once per manifest', async () => {
      await claim('one');
      expect(await ledger.closeFile(file.fileId, close(1, 1))).toBe(true);
      expect(await ledger.closeFile(file.fileId, close(1, 1))).toBe(false);
      expect(await ledger.closeFile(file.fileId, close(2, 1))).toBe(true);
    });

    it('keeps the figures of each manifest, and none of a manifest that came too late', async () => {
      await claim('one');
      const figures = (number: number, uploaded = 980) =>
        figuresOf(manifestOf({ manifest_number: number, uploaded_records: uploaded }), 'f'.repeat(64));
      expect(await ledger.getManifestFigures(file.fileId, 1)).toBeUndefined();
      await ledger.closeFile(file.fileId, { ...close(1, 1), figures: [figures(1)] });
      expect(await ledger.getManifestFigures(file.fileId, 1)).toEqual(figures(1));
      // The second was written for a state of the account that has changed since, and did not close the file.
      await ledger.closeFile(file.fileId, { ...close(3, 0), figures: [figures(2), figures(3)] });
      expect(await ledger.closeFile(file.fileId, { ...close(3, 0), figures: [figures(3, 0)] })).toBe(false);
      for (const number of [1, 2, 3]) {
        expect(await ledger.getManifestFigures(file.fileId, number)).toEqual(figures(number));
      }
    });
  });

  it('requests an amendment once, and again if it was never written', async () => {
    await claim('one');
    expect(await ledger.requestAmendment(file.fileId, 1000)).toBe(true);
    expect(await ledger.requestAmendment(file.fileId, 1000)).toBe(false);
    await clock.advance(2000);
    expect(await ledger.requestAmendment(file.fileId, 1000)).toBe(true);
    await ledger.beginAmendment(file.fileId);
    expect(await ledger.requestAmendment(file.fileId, 1000)).toBe(true);
  });

  it('reports which of many files it knows', async () => {
    await claim('one');
    const unknown = Array.from({ length: 250 }, (_, index) => `${file.feed}.unknown-${index}`);
    expect(await ledger.knownFileIds([...unknown, file.fileId])).toEqual(new Set([file.fileId]));
    expect(await ledger.knownFileIds([])).toEqual(new Set());
  });

  describe('the reconciler', () => {
    it('stores the position of each lane’s sweep', async () => {
      const feed = `swept-${file.fileId}`;
      expect(await ledger.getSweep(feed, 'main')).toBeUndefined();
      const state = {
        startedAt: 1_000,
        next: { key: 'traffic/ü a.csv', versionId: 'v1' },
        deletedKey: 'traffic/ü a.csv',
      };
      await ledger.saveSweep(feed, 'main', state);
      await ledger.saveSweep(feed, 'express', { startedAt: 2_000 });
      expect(await ledger.getSweep(feed, 'main')).toEqual(state);
      await ledger.saveSweep(feed, 'main', { startedAt: 3_000 });
      expect(await ledger.getSweep(feed, 'main')).toEqual({ startedAt: 3_000 });
      expect(await ledger.getSweep(feed, 'express')).toEqual({ startedAt: 2_000 });
    });

    it('runs once at a time per feed, until it is done or its lease has expired', async () => {
      const feed = `reconciled-${file.fileId}`;
      expect(await ledger.claimReconciler(feed, 'a', 60_000)).toBe(true);
      expect(await ledger.claimReconciler(feed, 'b', 60_000)).toBe(false);
      // A repetition of its own write.
      expect(await ledger.claimReconciler(feed, 'a', 60_000)).toBe(true);
      await ledger.releaseReconciler(feed, 'b');
      expect(await ledger.claimReconciler(feed, 'b', 60_000)).toBe(false);
      // Another feed's does not wait for it.
      expect(await ledger.claimReconciler(`other-${feed}`, 'b', 60_000)).toBe(true);
      await ledger.releaseReconciler(feed, 'a');
      expect(await ledger.claimReconciler(feed, 'b', 60_000)).toBe(true);
      await clock.advance(60_001);
      expect(await ledger.claimReconciler(feed, 'c', 60_000)).toBe(true);
      await ledger.releaseReconciler(feed, 'c');
    });

    it('stores the last notification of a desk', async () => {
      const feed = `desk-${file.fileId}`;
      expect(await ledger.getDeskState(feed)).toBeUndefined();
      const told = { fingerprint: 'x', openRecords: 3, csvKey: 'reconciliation/a.csv', at: 5 };
      await ledger.saveDeskState(feed, told);
      expect(await ledger.getDeskState(feed)).toEqual(told);
      await ledger.saveDeskState(feed, { ...told, openRecords: 0, csvKey: null });
      expect(await ledger.getDeskState(feed)).toEqual({ ...told, openRecords: 0, csvKey: null });
    });

    it('stores which missed deadlines were reported, separately from that', async () => {
      const feed = `desk-${file.fileId}`;
      expect(await ledger.getDeadlineNote(feed)).toBeUndefined();
      await ledger.saveDeadlineNote(feed, { told: [{ deadlineAt: 7, missingRecords: 3 }], at: 5 });
      expect(await ledger.getDeadlineNote(feed)).toEqual({ told: [{ deadlineAt: 7, missingRecords: 3 }], at: 5 });
      await ledger.saveDeadlineNote(feed, { told: [], at: 6 });
      expect(await ledger.getDeadlineNote(feed)).toEqual({ told: [], at: 6 });
      expect(await ledger.getDeskState(feed)).toBeUndefined();
    });

    const noticeAt = (at: number, more: Partial<FileNotice> = {}): FileNotice => ({
      ...{ kind: 'failed', feed: `desk-${file.fileId}`, fileId: 'f1', manifestNumber: 1, at, name: 'x.csv' },
      ...{ manifestUri: 's3://a/m', message: 'no', uploaded: 0, rejected: 0, held: 0, total: 0, ...more },
    });

    it('keeps how files ended until they are in a mail, each in exactly one', async () => {
      const { feed } = noticeAt(0);
      const now = clock.now();
      const [first, second] = [noticeAt(now - 1_000), noticeAt(now, { fileId: 'f2', code: 'gzip_damaged' })];
      for (const notice of [first, second, first]) await ledger.keepNotice(notice);
      expect(await ledger.pendingNotices(feed)).toEqual([first, second]);
      await ledger.closeNotices([first]);
      // By a finalizer that was killed before it closed the file.
      await ledger.keepNotice(first);
      expect(await ledger.pendingNotices(feed)).toEqual([second]);
      expect(await ledger.recentNotices(feed, now - 500)).toEqual([second]);
      expect(await ledger.recentNotices(feed, now - 1_000)).toMatchObject([{ fileId: 'f1' }, { fileId: 'f2' }]);
      expect(await ledger.pendingNotices(`${feed}-2`)).toEqual([]);
    });

    it('has one mail requested at a time', async () => {
      const feed = `desk-${file.fileId}`;
      expect(await ledger.getMailState(feed)).toEqual({});
      expect([await ledger.requestMail(feed, 25_000), await ledger.requestMail(feed, 25_000)]).toEqual([true, false]);
      await ledger.beginMail(feed);
      await ledger.endMail(feed);
      expect(await ledger.getMailState(feed)).toMatchObject({ streak: 1 });
      expect(await ledger.requestMail(feed, 50_000)).toBe(true);
      expect((await ledger.getMailState(feed)).dueAt).toBeGreaterThan(0);
    });
  });

  describe('a letter', () => {
    const letterOf = (id: string): Letter => ({
      v: 1,
      kind: 'letter',
      letter_id: id,
      timestamp: new Date(clock.now()).toISOString(),
      feed: file.feed,
      file_id: file.fileId,
      source_file: 's3://b/k',
      batch: 1,
      record: 3,
      line: 4,
      offset: 10,
      length: 5,
      sha256: 'x',
      outcome: 'rejected',
      reason: 'blank',
      error: 'is blank',
      field: 'SpotID',
      http_status: null,
      api_answer: null,
      request_id: null,
      attempts: 0,
      raw_encoding: 'text',
      raw_payload: 'a,b,c',
    });

    it('is adopted once; another one for the same record is surplus', async () => {
      expect(await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 })).toMatchObject({
        kind: 'adopted',
        dead: { state: 'dead', letterId: 'L1', failedMessageSentAt: 100 },
      });
      expect(await ledger.adoptLetter(letterOf('L1'), { id: 'm200', sentAt: 200 })).toMatchObject({
        kind: 'adopted',
        dead: { failedMessageSentAt: 100 },
      });
      expect(await ledger.adoptLetter(letterOf('L2'), { id: 'm100', sentAt: 100 })).toEqual({ kind: 'surplus' });
    });

    it('matches in every field the note that was written before it was sent', async () => {
      const count = 230;
      const unnoted = Array.from({ length: count }, (_, n): UnnotedLetter => ({ ...letterOf(''), record: n + 1 }));
      const noted = await ledger.noteLetters(file.fileId, 'owner-0', unnoted);
      expect(new Set(noted.map(({ letter_id }) => letter_id)).size).toBe(count);
      for (const place of [0, 99, 100, count - 1]) {
        const letter = noted[place] as Letter;
        expect(letter).toMatchObject({ record: place + 1 });
        expect(await ledger.isNoted(letter)).toBe(true);
        expect(await ledger.isNoted({ ...letter, raw_payload: 'x', sha256: 'y' })).toBe(false);
        expect(await ledger.isNoted({ ...letter, record: 7777 })).toBe(false);
        expect(await ledger.isNoted({ ...letter, file_id: randomUUID() })).toBe(false);
        expect(await ledger.isNoted({ ...letter, letter_id: noted[50]?.letter_id ?? '' })).toBe(false);
      }
      for (const id of ['L1', 'owner-0.', 'owner-0.9999', '.0', `${'x'.repeat(3_000)}.0`]) {
        expect(await ledger.isNoted(letterOf(id))).toBe(false);
      }
      expect(await Array.fromAsync(ledger.listDead(file.fileId))).toEqual([]);
    });

    it('may be recreated for the record that it stands for', async () => {
      await ledger.allowLetter(letterOf('L1'));
      expect(await ledger.getDead(file.fileId, 3)).toBeUndefined();
      const first = letterOf('L1');
      await ledger.adoptLetter(first, { id: 'm100', sentAt: 100 });
      const again = { ...first, attempts: 4 };
      for (const letter of [again, again, { ...again, letter_id: 'L2' }]) await ledger.allowLetter(letter);
      expect((await ledger.getDead(file.fileId, 3))?.letterDigests).toEqual([first, again].map(letterDigest));
    });

    it('of an earlier version has no digests, until all versions are declared unacceptable', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 }, null);
      expect(await ledger.getDead(file.fileId, 3)).not.toHaveProperty('letterDigests');
      await ledger.adoptLetter({ ...letterOf('L1'), record: 4 }, { id: 'm100', sentAt: 100 }, []);
      expect(await ledger.getDead(file.fileId, 4)).toMatchObject({ letterDigests: [] });
      await ledger.adoptLetter({ ...letterOf('L1'), record: 4 }, { id: 'm200', sentAt: 200 });
      expect(await ledger.getDead(file.fileId, 4)).toMatchObject({ letterDigests: [], messageId: 'm200' });
    });

    it('that came back altered is in the history once per message, and changes nothing else', async () => {
      await ledger.noteAltered(file.fileId, 3, { sha256: 'a', sentAt: 5 });
      expect(await ledger.getDead(file.fileId, 3)).toBeUndefined();
      const adopted = await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      const before = adopted.kind === 'adopted' ? adopted.dead : undefined;
      for (const sentAt of [200, 200, 300]) await ledger.noteAltered(file.fileId, 3, { sha256: 'a', sentAt });
      const after = await ledger.getDead(file.fileId, 3);
      const entry = { outcome: 'rejected', reason: 'altered', altered: { sha256: 'a', sentAt: 300 } };
      expect(after?.history).toMatchObject([{ reason: 'blank' }, entry]);
      expect(after?.historyVersion).toBe(2);
      expect({ ...after, history: before?.history, historyVersion: undefined }).toEqual(before);
      await ledger.resolveDead(file.fileId, 3, { kind: 'uploaded', requestId: 'r' });
      await ledger.noteAltered(file.fileId, 3, { sha256: 'b', sentAt: 400 });
      expect((await ledger.getDead(file.fileId, 3))?.history).toHaveLength(2);
    });

    it('that came back altered is kept until the desk has been notified of it, once', async () => {
      const altered = (sha256: string) => ({ sha256, fileId: 'f', record: 3, messageId: `m-${sha256}`, sentAt: 5 });
      for (const sha256 of ['a', 'b', 'a']) await ledger.keepAltered(file.feed, altered(sha256));
      await ledger.keepAltered(file.feed, { ...altered('b'), messageId: 'later' });
      const open = await ledger.listAltered(file.feed, 10);
      expect(open.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))).toEqual([altered('a'), altered('b')]);
      expect(await ledger.listAltered(file.feed, 1)).toHaveLength(1);
      expect(await ledger.listAltered(`${file.feed}-2`, 10)).toEqual([]);
      await ledger.closeAltered(file.feed, [altered('a')]);
      await ledger.keepAltered(file.feed, altered('a'));
      expect(await ledger.listAltered(file.feed, 10)).toEqual([altered('b')]);
    });

    it('has a history, and names the message that failed last', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      const attempt = { at: 5, outcome: 'refused', reason: 'http_422', error: 'no', status: 422 } as const;
      await ledger.addFailure(file.fileId, 3, attempt, undefined);
      await ledger.addFailure(file.fileId, 3, attempt, 300);
      const [dead] = await Array.fromAsync(ledger.listDead(file.fileId));
      expect(dead).toMatchObject({ outcome: 'refused', failedMessageSentAt: 300, state: 'dead' });
      expect(dead?.history.map((each) => each.reason)).toEqual(['blank', 'http_422', 'http_422']);
    });

    it('keeps the last 50 of its failures in its history', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      for (let at = 1; at <= 51; at++) {
        const attempt = { at, outcome: 'refused', reason: `r${at}`, error: 'no', status: 422 } as const;
        await ledger.addFailure(file.fileId, 3, attempt, undefined);
      }
      const history = (await ledger.getDead(file.fileId, 3))?.history ?? [];
      expect(history).toHaveLength(50);
      expect([history.at(0)?.reason, history.at(-1)?.reason]).toEqual(['r2', 'r51']);
    });

    it('loses no failure if two are noted at once', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      const failed = (status: number) =>
        ({ at: 5, outcome: 'refused', reason: `r${status}`, error: '', status }) as const;
      await Promise.all([
        ...[1, 2, 3].map((status) => ledger.addFailure(file.fileId, 3, failed(status), undefined)),
        ledger.noteAltered(file.fileId, 3, { sha256: 'd', sentAt: 1 }),
      ]);
      const history = (await ledger.getDead(file.fileId, 3))?.history ?? [];
      expect(history.map(({ reason }) => reason).sort()).toEqual(['altered', 'blank', 'r1', 'r2', 'r3']);
    });

    it('is resolved once', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      expect(await ledger.resolveDead(file.fileId, 3, { kind: 'uploaded', requestId: 'r' })).toBe(true);
      expect(await ledger.resolveDead(file.fileId, 3, { kind: 'uploaded', requestId: 'r' })).toBe(false);
      expect(await ledger.adoptLetter(letterOf('L1'), { id: 'm400', sentAt: 400 })).toMatchObject({
        dead: { state: 'resolved', resolution: 'uploaded', requestId: 'r' },
      });
    });

    it('is known by the message that was seen last', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      await ledger.adoptLetter(letterOf('L1'), { id: 'm200', sentAt: 200 });
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({ messageId: 'm200', messageSentAt: 200 });
      expect(await ledger.getDead(file.fileId, 4)).toBeUndefined();
    });

    it('records since when it may have been sent, and under which id; not once it is resolved', async () => {
      expect(await ledger.noteSending(file.fileId, 3, 'a')).toBeUndefined();
      expect(await ledger.getDead(file.fileId, 3)).toBeUndefined();
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      expect(await ledger.noteSending(file.fileId, 3, 'a')).toBe(1);
      const since = clock.now();
      await clock.advance(1_000);
      expect(await ledger.noteSending(file.fileId, 3, 'b')).toBe(2);
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({ sentSince: since, tries: 2, triedId: 'b' });
      // The second try only waited.
      await ledger.takeBackSending(file.fileId, 3, 2);
      await ledger.takeBackSending(file.fileId, 3, 2);
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({ sentSince: since, tries: 1 });
      await ledger.resolveDead(file.fileId, 3, { kind: 'handled', by: 'ann', why: 'booked by phone' });
      expect(await ledger.noteSending(file.fileId, 3, 'a')).toBeUndefined();
    });

    it('is settled manually, with who and why', async () => {
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      expect(await ledger.resolveDead(file.fileId, 3, { kind: 'handled', by: 'ann', why: 'booked by phone' })).toBe(
        true,
      );
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({
        state: 'resolved',
        resolution: 'handled',
        resolvedBy: 'ann',
        resolvedWhy: 'booked by phone',
      });
      expect(await ledger.resolveDead(file.fileId, 9, { kind: 'handled', by: 'ann', why: '' })).toBe(false);
    });

    it('records a correction before it is sent, and whether one was begun before', async () => {
      const correction = (id: string) => ({ id, by: 'ann', at: 1, row: { SpotID: 'A' }, changed: ['SpotID'] });
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c1'))).toBeUndefined();
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c1'))).toMatchObject({ repeated: false });
      // It waits for its turn.
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c1'))).toMatchObject({ repeated: false });
      expect(await ledger.noteCorrection(file.fileId, 3, { ...correction('c1'), requestId: 'r1' })).toBe(true);
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c1'))).toMatchObject({ repeated: true });
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c2'))).toMatchObject({
        repeated: false,
        dead: {
          correction: { id: 'c2', row: { SpotID: 'A' } },
          // What became of the one before is not known.
          history: [{}, { outcome: 'exhausted', reason: 'corrected_again', correctionId: 'c1', requestId: 'r1' }],
        },
      });
      expect(await ledger.noteCorrection(file.fileId, 3, { ...correction('c1'), requestId: 'r1' })).toBe(false);
      // The message of the first one arrives again: it does not replace the second one.
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c1'))).toMatchObject({
        repeated: true,
        dead: { correction: { id: 'c2' } },
      });
      const said = { status: 409, confirmedBy: '409', answer: 'seen before' } as const;
      const resolution = { kind: 'uploaded', requestId: 'r', correction: correction('c2'), answer: said } as const;
      expect(await ledger.resolveDead(file.fileId, 3, resolution)).toBe(true);
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({ resolvedCorrectionId: 'c2', resolvedSaid: said });
      expect(await ledger.beginCorrection(file.fileId, 3, correction('c2'))).toBeUndefined();
      expect(await ledger.noteCorrection(file.fileId, 3, correction('c2'))).toBe(false);
    });

    it('keeps the newest of its corrections that wait, whichever message comes again', async () => {
      const correction = (id: string) => ({ id, by: 'ann', at: 1, row: {}, changed: [] });
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      await ledger.beginCorrection(file.fileId, 3, correction('c1'));
      await ledger.beginCorrection(file.fileId, 3, correction('c2'));
      await ledger.beginCorrection(file.fileId, 3, correction('c1'));
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({
        correction: { id: 'c2' },
        history: [{}, { outcome: 'rejected', reason: 'corrected_again', correctionId: 'c1' }],
      });
    });

    it('names the correction that succeeded, and what is in doubt besides', async () => {
      const correction = (id: string) => ({ id, by: id, at: 1, row: { SpotID: id }, changed: [] });
      await ledger.adoptLetter(letterOf('L1'), { id: 'm100', sentAt: 100 });
      await ledger.noteSending(file.fileId, 3, 'r0');
      await ledger.beginCorrection(file.fileId, 3, correction('c1'));
      await ledger.noteCorrection(file.fileId, 3, { ...correction('c1'), requestId: 'r1' });
      await ledger.beginCorrection(file.fileId, 3, correction('c2'));
      await ledger.noteCorrection(file.fileId, 3, { ...correction('c2'), requestId: 'r2' });
      const first = { ...correction('c1'), requestId: 'r1' };
      await ledger.resolveDead(file.fileId, 3, { kind: 'uploaded', requestId: 'r1', correction: first });
      expect(await ledger.getDead(file.fileId, 3)).toMatchObject({
        resolvedCorrectionId: 'c1',
        correction: { id: 'c1', by: 'c1', row: { SpotID: 'c1' } },
        history: [
          {},
          { reason: 'corrected_again', correctionId: 'c1' },
          { outcome: 'exhausted', reason: 'resolved_meanwhile', requestId: 'r0' },
          { outcome: 'exhausted', reason: 'resolved_meanwhile', correctionId: 'c2', requestId: 'r2' },
        ],
      });
    });
  });
});
