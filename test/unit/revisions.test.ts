import { beforeEach, describe, expect, it, vi } from 'vitest';
import { outrunFile } from '../../lambdas/core/account/quarantine.ts';
import { deadKey, fileKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import { noticeKindOf } from '../../lambdas/core/notices/file-notice.ts';
import { verdictOf } from '../../lambdas/core/report/verdict.ts';
import { finalizeMessageOf } from '../../lambdas/ask-finalizer.ts';
import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import type { LogRow } from '../support/log-rows.ts';
import { RevisionWorld } from '../support/revision-world.ts';
import { KilledError } from '../support/steps.ts';
import { runUntilStopped } from '../support/run-until-stopped.ts';

let world: RevisionWorld;
beforeEach(() => void (world = new RevisionWorld()));

const rowsOf = (count: number): LogRow[] =>
  Array.from({ length: count }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));
const noCounts = { unchanged: 0, changed: 0, added: 0, removed: 0 };
const inOrder = () => ({ index: 0, isRepeated: false });
const run = () => world.run(inOrder);
/** Something that happens once, when a file has been compared. */
const beforeTakingOver = (happen: () => Promise<void>): void => {
  const supersedeFile = world.ledgerOfFunctions.supersedeFile.bind(world.ledgerOfFunctions);
  world.ledgerOfFunctions.supersedeFile = async (fileId, by) => {
    world.ledgerOfFunctions.supersedeFile = supersedeFile;
    await happen();
    return supersedeFile(fileId, by);
  };
};
const scheduleOf = (rows: readonly LogRow[]) => Object.fromEntries(rows.map(({ spot, client }) => [spot, client]));

describe('a revision', () => {
  it('sends only what is new or changed, and reports what is missing', async () => {
    world.drop(1, rowsOf(40));
    await run();
    expect(world.api.requests).toBe(40);
    const after = [...rowsOf(40).slice(2), { spot: 'S41', client: 'New' }];
    after[5] = { spot: 'S8', client: 'Changed' };
    const id = world.drop(2, after);
    await run();
    expect(world.api.requests).toBe(42);
    expect(world.file(id).revision?.counts).toEqual({ unchanged: 37, changed: 1, added: 1, removed: 2 });
    expect(world.manifestOf(id)).toMatchObject({
      ...{ state: 'completed', reconciled: true, total_records: 39, unchanged_records: 37, uploaded_records: 2 },
    });
    for (const { spot, client } of after) expect(world.api.schedule.get(spot)).toBe(client);
  });

  it('is cut into fewer batches than another file, as most of it needs no request', async () => {
    const first = world.drop(1, rowsOf(40));
    await run();
    const id = world.drop(2, rowsOf(43).slice(1));
    await run();
    expect(world.manifestOf(id)).toMatchObject({ state: 'completed', unchanged_records: 39, uploaded_records: 3 });
    const batchesOf = (fileId: string) => world.ledger.batches.values().filter((batch) => batch.fileId === fileId);
    expect(batchesOf(first).map(({ records }) => records)).toEqual(Array.from({ length: 8 }, () => 5));
    expect(batchesOf(id).map(({ records }) => records)).toEqual([10, 10, 10, 10, 2]);
  });

  it('lists what it changes, with a removed record next to the one in its place, and nothing that a program runs', async () => {
    world.drop(1, rowsOf(5));
    await run();
    const after = [...rowsOf(5).slice(1, 3), { spot: 'S4', client: '=1+1' }, { spot: 'S51', client: 'Five' }];
    const id = world.drop(2, after);
    await run();
    const comparison = world.manifestOf(id)?.comparison;
    expect(comparison).toMatchObject({ new_records: 1, changed_records: 1 });
    const identity = (spot: string) => `"[""${spot}"",""2026-01-05 06:00:00""]"`;
    const row = (spot: string, client: string) => `"${spot},WABC,2026-01-05 06:00:00,30,${client}"`;
    expect(
      world.archived
        .get(comparison?.changes_key ?? '')
        ?.toString()
        .split('\r\n'),
    ).toEqual([
      '\uFEFFchange,earlier_file,earlier_record,record,identity,before,after,note',
      `removed,traffic.1,1,,${identity('S1')},${row('S1', 'Client 1')},,`,
      `changed,traffic.1,4,3,${identity('S4')},${row('S4', 'Client 4')},${row('S4', '\\=1+1')},`,
      `removed,traffic.1,5,,${identity('S5')},${row('S5', 'Client 5')},,`,
      `new,,,4,${identity('S51')},,${row('S51', 'Five')},`,
      '',
    ]);
    const report = world.archived.get(world.manifestOf(id)?.archive.report_key ?? '')?.toString();
    expect(report).toContain('1 changed, 1 new, 2 removed; 2 unchanged.');
    expect(report).toMatch(/<td>ClientName<\/td>\s*<td class="raw">Client 4<\/td>\s*<td class="raw">=1\+1<\/td>/);
  });

  it('sends rows with the same bytes again if the header gives them another meaning', async () => {
    world.drop(1, rowsOf(5));
    await run();
    const id = world.drop(2, rowsOf(5), 0, { columns: 'SpotID,ClientName,AirDateTime,Duration,StationCode' });
    await run();
    expect(world.file(id).revision?.counts).toEqual({ unchanged: 0, changed: 5, added: 0, removed: 0 });
    expect(world.api.schedule.get('S1')).toBe('WABC');
  });

  it('does not wait for the one before the last if that was amended after the last one was compared with it', async () => {
    const first = world.drop(1, rowsOf(10).with(4, { spot: 'S5', client: 'Five', isDamaged: true }));
    await run();
    const second = world.drop(2, rowsOf(9));
    await run();
    const before = world.file(first).manifest?.number ?? 0;
    await world.ledger.store.update(deadKey(first, 5), { set: { state: 'dead' } });
    await world.ledger.resolveDead(first, 5, { kind: 'uploaded', requestId: 'ab'.repeat(32) });
    world.queue.push({ task: { kind: 'finalize', message: finalizeMessageOf(world.file(first), true) }, dueAt: 0 });
    await run();
    expect(world.file(first).manifest?.number).toBe(before + 1);
    const third = world.drop(3, rowsOf(9).with(3, { spot: 'S4', client: 'Changed' }));
    await run();
    expect(world.manifestOf(third)).toMatchObject({ state: 'completed', unchanged_records: 8, uploaded_records: 1 });
    expect(world.manifestOf(third)?.compared_with).toMatchObject([
      { file_id: second, manifest_number: 1 },
      { file_id: first, manifest_number: before + 1 },
    ]);
  });

  it('undoes a revision: the API has what the first one had', async () => {
    const changed = rowsOf(10).with(3, { spot: 'S4', client: 'Changed' });
    world.drop(1, rowsOf(10));
    world.drop(2, changed, 10_000);
    // Other bytes: the same rows in another order.
    world.drop(3, rowsOf(10).toReversed(), 20_000);
    await run();
    expect(world.api.requests).toBe(12);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(10)));
    expect(world.manifestOf('traffic.3')).toMatchObject({ unchanged_records: 9, uploaded_records: 1 });
  });

  it('undoes a revision with the bytes of the first one, as often as needed', async () => {
    const a = rowsOf(10);
    const b = rowsOf(10).with(3, { spot: 'S4', client: 'Changed' });
    const c = rowsOf(11);
    for (const [index, rows] of [a, b, a, b, b, c, a].entries()) {
      const id = world.drop(index + 1, rows);
      await run();
      expect(Object.fromEntries(world.api.schedule), id).toMatchObject(scheduleOf(rows));
      const isSame = index === 4;
      expect(world.manifestOf(id)).toMatchObject(
        isSame
          ? { state: 'duplicate', duplicate_of: 'traffic.4' }
          : { state: 'completed', request_ids_have_file_id: [2, 3, 6].includes(index) },
      );
    }
    expect(world.api.requests).toBe(10 + 1 + 1 + 1 + 0 + 2 + 0);
  });

  it('is a duplicate if it has the bytes of the one that was sent before it, although another is held', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, rowsOf(10).with(3, { spot: 'S4', client: 'Changed' }));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'quarantined' });
    world.drop(3, rowsOf(10));
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'duplicate', duplicate_of: 'traffic.1' });
  });

  it('is no duplicate of one from which a file took over that was cancelled then: what had failed is sent', async () => {
    world.api.turn = ({ payload }) =>
      payload['spot_id'] === 'S3' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
    world.drop(1, rowsOf(10));
    await run();
    world.api.turn = () => undefined;
    world.drop(2, rowsOf(11));
    world.onHandled = () => {
      if (world.file('traffic.1').supersededBy === undefined) return;
      world.onHandled = () => undefined;
      world.askToCancel('traffic.2');
    };
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ failure: { code: 'cancelled' }, held_records: 11 });
    expect(world.manifestOf('traffic.1')).toMatchObject({ dead_lettered_records: 0, handled_records: 1 });
    world.drop(3, rowsOf(10));
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({
      ...{ state: 'completed', unchanged_records: 9, uploaded_records: 1, request_ids_have_file_id: true },
    });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(10)));
    // What the API has is not sent again.
    expect(world.api.requests).toBe(11);
    // Once more is a duplicate of that one.
    world.drop(4, rowsOf(10));
    await run();
    expect(world.manifestOf('traffic.4')).toMatchObject({ state: 'duplicate', duplicate_of: 'traffic.3' });
  });

  it('of one that was sent in two files with the same bytes is compared with the second of them', async () => {
    world = new RevisionWorld('doubles');
    const next = async (kind: string) =>
      world.handle(
        world.queue.findIndex(({ task }) => task.kind === kind),
        false,
      );
    world.drop(1, rowsOf(12));
    await next('drop');
    await next('batch');
    // A duplicate of the first, with the highest number so far.
    world.drop(3, rowsOf(12));
    await next('drop');
    await world.ledger.cancelFile('traffic.1', { by: 'ann', why: 'it may be wrong' });
    await run();
    expect(world.manifestOf('traffic.1')).toMatchObject({ uploaded_records: 5, held_records: 7 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ duplicate_of: 'traffic.1' });
    world.deploy();
    world.drop(2, rowsOf(12));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ uploaded_records: 7, duplicate_records: 5 });
    world.drop(4, rowsOf(13));
    await run();
    expect(world.manifestOf('traffic.4')).toMatchObject({ unchanged_records: 12, uploaded_records: 1 });
    expect(world.api.doubled).toEqual([]);
  });

  it('that is late is not sent after a newer one with the bytes of the first', async () => {
    world.drop(1, rowsOf(10));
    await run();
    world.drop(3, rowsOf(10));
    await run();
    world.drop(2, rowsOf(10).with(3, { spot: 'S4', client: 'Changed' }));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', failure: { code: 'older_revision' } });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(10)));
  });

  it('that is a repetition for the hundredth time does not make the series forget what was sent', async () => {
    world.drop(1, rowsOf(10));
    await run();
    for (let number = 2; number < 102; number++) world.drop(number, rowsOf(10));
    await run();
    world.drop(102, rowsOf(11));
    await run();
    expect(world.api.requests).toBe(11);
    expect(world.manifestOf('traffic.102')).toMatchObject({ unchanged_records: 10, uploaded_records: 1 });
  });

  it('is held, however many are held before it: the series does not forget what was sent', async () => {
    world = new RevisionWorld('doubles');
    const changed = (client: string) => rowsOf(10).with(3, { spot: 'S4', client });
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, changed('Second'));
    await run();
    const { store } = world.ledger;
    const held = world.file('traffic.2');
    for (let number = 3; number <= 50; number++) {
      const [fileId, sha256] = [`traffic.${number}`, `${number}`.repeat(32)];
      store.plant({ ...store.peek(fileKey(held.fileId)), fileId, sha256 }, fileKey(fileId));
      await world.ledger.enterSeries(held.series?.id ?? '', {
        fileId,
        sha256,
        key: fileId,
        modifiedAt: number,
        number,
      });
    }
    for (const number of [51, 52]) {
      world.drop(number, changed(`Client of ${number}`));
      await run();
      expect(world.manifestOf(`traffic.${number}`)).toMatchObject({ failure: { code: 'revision_differs' } });
    }
    expect(world.api.requests).toBe(10);
    // Those that come later do not know of it.
    expect(await world.release('traffic.2', 'all')).toMatchObject({ kind: 'refused' });
    expect(await world.release('traffic.52', 'all')).toMatchObject({ kind: 'released' });
  });

  it('that enters while fifty others are in progress makes the series forget none', async () => {
    world.drop(1, rowsOf(10));
    await run();
    const { store } = world.ledger;
    const sent = world.file('traffic.1');
    for (let number = 2; number <= 52; number++) {
      const [fileId, sha256] = [`traffic.${number}`, `${number}`.repeat(32)];
      store.plant({ ...store.peek(fileKey(sent.fileId)), fileId, sha256, state: 'splitting' }, fileKey(fileId));
      await world.ledger.enterSeries(sent.series?.id ?? '', {
        fileId,
        sha256,
        key: fileId,
        modifiedAt: number,
        number,
      });
    }
    const { earlier = [] } = (await world.ledger.findInSeries(sent.series?.id ?? '', 'traffic.52')) ?? {};
    expect(earlier.map(({ fileId }) => fileId)).toEqual(Array.from({ length: 51 }, (_, n) => `traffic.${n + 1}`));
  });

  it('waits for the one before, and is compared with its result', async () => {
    for (const [number, rows] of [rowsOf(30), rowsOf(31), rowsOf(32)].entries()) world.drop(number + 1, rows, number);
    await run();
    expect(world.api.requests).toBe(32);
    // The second one was stopped before anything of it was sent.
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', held_records: 31 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ unchanged_records: 30, uploaded_records: 2 });
    expect((await world.ledger.getFile('traffic.3'))?.waitsFor).toMatchObject({ fileId: 'traffic.2' });
  });

  it('sends a row that was rejected before, and settles its dead letter', async () => {
    world.drop(1, rowsOf(6).with(2, { spot: 'S3', client: 'Client 3', isDamaged: true }));
    await run();
    world.drop(2, rowsOf(6));
    await run();
    expect(world.api.requests).toBe(6);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(6)));
    expect(world.manifestOf('traffic.1')).toMatchObject({ dead_lettered_records: 0, handled_records: 1 });
    // A redrive of the old one's DLQ sends nothing obsolete.
    for (const letter of world.dlq) world.redrive(letter);
    await run();
    expect(world.api.requests).toBe(6);
  });

  it('resends a row that the last one had damaged, since the API may have it from the one before', async () => {
    world.drop(1, rowsOf(6));
    world.drop(2, rowsOf(6).with(2, { spot: 'S3', client: 'Client 3', isDamaged: true }), 1000);
    world.drop(3, rowsOf(7), 2000);
    await run();
    expect(world.api.requests).toBe(8);
    expect(world.file('traffic.3').revision?.counts).toMatchObject({ unchanged: 5, changed: 1, added: 1 });
    expect(world.file('traffic.3').revision?.bases.map(({ fileId }) => fileId)).toEqual(['traffic.2', 'traffic.1']);
    expect(world.manifestOf('traffic.3')).toMatchObject({ unchanged_records: 5, uploaded_records: 2 });
  });
});

describe('a revision that a person must decide about', () => {
  it('is held if the feed does not declare how its API handles changed records, and a release sends the changes', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, rowsOf(10).with(0, { spot: 'S1', client: 'Changed' }));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({
      state: 'quarantined',
      failure: { code: 'revision_differs' },
    });
    expect(world.api.requests).toBe(10);
    // Without saying what is sent, nothing is.
    const refused = await world.release('traffic.2');
    expect(refused).toMatchObject({ kind: 'refused' });
    expect(JSON.stringify(refused)).toMatch(
      /--changes: Its 1 changed record is sent\..*--all: All 10 valid records are sent/,
    );
    expect(await world.release('traffic.2', 'changes')).toMatchObject({ kind: 'released' });
    await run();
    expect(world.api.requests).toBe(11);
    expect(world.manifestOf('traffic.2')).toMatchObject({
      state: 'completed',
      unchanged_records: 9,
      uploaded_records: 1,
    });
  });

  it.each([
    ['has only a header', undefined],
    ['is blank', ''],
  ])('is a log that %s now', async (_, header) => {
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, [], 0, header === undefined ? {} : { columns: header });
    await run();
    const emptied = world.manifestOf('traffic.2');
    expect(emptied).toMatchObject({ state: 'quarantined', failure: { code: 'revision_differs' }, removed_records: 10 });
    expect(emptied?.warnings.map(({ code }) => code)).toEqual(header === undefined ? [] : ['empty_file']);
    // A wrong export takes nothing over: the next one is compared with the first.
    world.drop(3, rowsOf(11));
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed', unchanged_records: 10 });
  });

  it('is not asked about a first file that is blank', async () => {
    world.drop(1, [], 0, { columns: '' });
    await run();
    expect(world.manifestOf('traffic.1')).toMatchObject({
      ...{ state: 'completed', total_records: 0, warnings: [{ code: 'empty_file' }] },
    });
    world.drop(2, rowsOf(3));
    await run();
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(3)));
  });

  it('is an emptied log; after its release a person has removed the records, so a full one is not unchanged', async () => {
    world.drop(1, rowsOf(10));
    await run();
    const emptied = world.drop(2, []);
    await run();
    expect(world.manifestOf(emptied)).toMatchObject({ state: 'quarantined', failure: { code: 'revision_differs' } });
    await world.release(emptied, 'changes');
    await run();
    const closed = world.manifestOf(emptied);
    expect(closed).toMatchObject({ state: 'completed', total_records: 0, removed_records: 10 });
    expect(closed && noticeKindOf(closed)).toBe('removed-records');
    const verdict = closed && verdictOf(closed, 'the API', undefined);
    expect(verdict?.kind).toBe('attention');
    expect(verdict?.sentence).toContain('no records any more. 10 were removed from the log');
    for (const { spot } of rowsOf(10)) world.api.remove(spot);
    const full = world.drop(3, rowsOf(11));
    await run();
    expect(world.manifestOf(full)).toMatchObject({ unchanged_records: 0, failure: { code: 'revision_unknown' } });
    await world.release(full, 'all');
    await run();
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(11)));
  });

  it('is sent whole with --all, and the account says who decided that', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, rowsOf(10).with(0, { spot: 'S1', client: 'Changed' }));
    await run();
    expect(await world.release('traffic.2', 'all')).toMatchObject({ kind: 'released' });
    await run();
    expect(world.api.requests).toBe(20);
    expect(world.manifestOf('traffic.2')).toMatchObject({
      ...{ state: 'completed', uploaded_records: 10, unchanged_records: 0, compared_with: [] },
      decisions: [{ kind: 'release', stop: 1, by: 'ann', why: 'it is right', sends: 'all' }],
    });
    // The next one is compared with it.
    world.drop(3, rowsOf(11).with(0, { spot: 'S1', client: 'Changed' }));
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({ unchanged_records: 10, uploaded_records: 1 });
  });

  it('is sent whole with --all, and does not block the next one if the one before is amended meanwhile', async () => {
    const first = world.drop(1, rowsOf(10).with(4, { spot: 'S5', client: 'Five', isDamaged: true }));
    await run();
    await world.ledger.resolveDead(first, 5, { kind: 'handled', by: 'ann', why: 'entered by hand' });
    // Nothing in common, so that a person decides.
    const held = world.drop(2, [
      { spot: 'S20', client: 'Other' },
      { spot: 'S21', client: 'Damaged', isDamaged: true },
    ]);
    await run();
    expect(world.manifestOf(held)).toMatchObject({ state: 'quarantined' });
    const supersedeFile = world.ledgerOfFunctions.supersedeFile.bind(world.ledgerOfFunctions);
    world.ledgerOfFunctions.supersedeFile = async (fileId, by) => {
      world.ledgerOfFunctions.supersedeFile = supersedeFile;
      world.queue.push({ task: { kind: 'finalize', message: finalizeMessageOf(world.file(first), true) }, dueAt: 0 });
      await world.handle(world.queue.length - 1, false);
      return supersedeFile(fileId, by);
    };
    await world.release(held, 'all');
    await run();
    expect(world.file(first).manifest?.number).toBe(2);
    expect(world.manifestOf(held)).toMatchObject({ state: 'completed' });
    const next = world.drop(3, [{ spot: 'S20', client: 'Other' }, ...rowsOf(3)]);
    await run();
    expect(world.manifestOf(next)).toMatchObject({ reconciled: true });
  });

  it('that is released after a newer one was sent ends as superseded', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(10));
    await run();
    // It comes first and is held; then the older one, which is held as well.
    world.drop(3, rowsOf(11).with(0, { spot: 'S1', client: 'Third' }));
    await run();
    world.drop(2, rowsOf(10).with(0, { spot: 'S1', client: 'Second' }));
    await run();
    await world.release('traffic.3', 'changes');
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed' });
    const { requests } = world.api;
    await world.release('traffic.2', 'changes');
    await run();
    expect(world.api.requests).toBe(requests);
    expect(world.manifestOf('traffic.2')).toMatchObject({
      ...{ state: 'superseded', failure: { code: 'newer_revision' }, held_records: 10, reconciled: true },
    });
  });

  it('of which a dead letter was settled is amended although the splitter was killed before it asked for that', async () => {
    world.api.turn = ({ payload }) =>
      payload['spot_id'] === 'S3' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
    world.drop(1, rowsOf(10));
    await run();
    world.api.turn = () => undefined;
    const { ledgerOfFunctions: ledger } = world;
    const requestAmendment = ledger.requestAmendment.bind(ledger);
    ledger.requestAmendment = async () => {
      ledger.requestAmendment = requestAmendment;
      throw new KilledError('killed');
    };
    const id = world.drop(2, rowsOf(11));
    await run();
    expect(world.manifestOf('traffic.1')).toMatchObject({ dead_lettered_records: 0, handled_records: 1 });
    expect(world.manifestOf(id)).toMatchObject({ state: 'completed', unchanged_records: 9, uploaded_records: 2 });
  });

  it('that a newer one stops while it is found to be a duplicate ends as a duplicate', async () => {
    world.drop(1, rowsOf(10));
    await run();
    const { ledgerOfFunctions: ledger } = world;
    const enterSeries = ledger.enterSeries.bind(ledger);
    ledger.enterSeries = async (...entry) => {
      const earlier = await enterSeries(...entry);
      await ledger.stopRevision('traffic.2', outrunFile('traffic.3', world.clock.now()), 'traffic.3');
      return earlier;
    };
    world.drop(2, rowsOf(10));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'duplicate', duplicate_of: 'traffic.1' });
  });

  it.each([
    ['compared, which is compared again', 11],
    ['found to be a duplicate, which it is not then', 10],
  ])('may be released and sent while the next one is %s', async (_, rows) => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, rowsOf(10).with(0, { spot: 'S1', client: 'Changed' }));
    await run();
    beforeTakingOver(async () => {
      await world.release('traffic.2', 'changes');
      await run();
    });
    world.drop(3, rowsOf(rows));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', uploaded_records: 1 });
    // What it changes back is a person's decision.
    expect(world.manifestOf('traffic.3')).toMatchObject({ failure: { code: 'revision_differs' }, held_records: rows });
  });

  it('may be released, and cancelled after it took over, while the next one is found to be a duplicate', async () => {
    world = new RevisionWorld('doubles');
    world.api.turn = ({ payload }) =>
      payload['spot_id'] === 'S1' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
    world.drop(1, rowsOf(10));
    await run();
    world.api.turn = () => undefined;
    world.drop(2, rowsOf(10).with(3, { spot: 'S4', client: 'Changed' }));
    await run();
    beforeTakingOver(async () => {
      await world.release('traffic.2', 'changes');
      world.onHandled = () => {
        if (!world.file('traffic.2').revision?.taken) return;
        world.onHandled = () => undefined;
        world.queue.unshift({ task: { kind: 'cancel', fileId: 'traffic.2' }, dueAt: 0 });
      };
      await run();
      expect(world.manifestOf('traffic.2')).toMatchObject({ failure: { code: 'cancelled' }, uploaded_records: 0 });
    });
    world.drop(3, rowsOf(10));
    await run();
    // The dead letter of the first one was settled for the second, so what had failed is sent with the third.
    expect(world.manifestOf('traffic.3')).toMatchObject({
      state: 'completed',
      unchanged_records: 9,
      uploaded_records: 1,
    });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(10)));
  });

  describe('with the bytes of one that is held as well', () => {
    const named = (client: string) => rowsOf(10).with(0, { spot: 'S1', client });
    const scheduled = () => world.api.schedule.get('S1');
    const releaseIn = async (...files: string[]) => {
      for (const file of files) {
        expect(await world.release(file, 'changes'), file).toMatchObject({ kind: 'released' });
        await run();
      }
    };
    beforeEach(async () => {
      world = new RevisionWorld('doubles');
      for (const [index, client] of ['First', 'Second', 'Third', 'Second'].entries()) {
        world.drop(index + 1, named(client));
        await run();
      }
    });

    it('changes it back if all are released in order: it gets request ids of its own', async () => {
      await releaseIn('traffic.2', 'traffic.3', 'traffic.4');
      expect(scheduled()).toBe('Second');
      expect(world.manifestOf('traffic.4')).toMatchObject({
        ...{ state: 'completed', unchanged_records: 9, uploaded_records: 1, request_ids_have_file_id: true },
      });
    });

    it('is sent before that one, which can not be released then', async () => {
      await releaseIn('traffic.4');
      expect(await world.release('traffic.2', 'changes')).toMatchObject({ kind: 'refused' });
      expect(scheduled()).toBe('Second');
      expect(world.manifestOf('traffic.4')).toMatchObject({ uploaded_records: 1, request_ids_have_file_id: false });
    });

    it('sends under its request ids what it had not sent, and the next one knows that', async () => {
      await releaseIn('traffic.2', 'traffic.4');
      expect(world.file('traffic.4').series).toMatchObject({ sameBytes: 'traffic.2' });
      expect(world.manifestOf('traffic.4')).toMatchObject({ duplicate_records: 1, request_ids_have_file_id: false });
    });

    it('is compared again if another one is released and sent while it is compared', async () => {
      await releaseIn('traffic.2');
      beforeTakingOver(() => releaseIn('traffic.3'));
      await releaseIn('traffic.4');
      expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed' });
      expect(scheduled()).toBe('Second');
    });

    it('keeps its request ids if its batches are lost after it was released, and made again', async () => {
      await releaseIn('traffic.2', 'traffic.3');
      expect(await world.release('traffic.4', 'changes')).toMatchObject({ kind: 'released' });
      await world.handle(0, false);
      const { revision, idsHaveFileId } = world.file('traffic.4');
      expect({ taken: revision?.taken, idsHaveFileId }).toEqual({ taken: true, idsHaveFileId: true });
      world.queue.splice(0);
      const decided = { revision: revision ?? { bases: [], counts: noCounts }, reading: 'other', series: { id: 'x' } };
      expect(await world.ledger.takeSeries('traffic.4', decided)).toBe(false);
      world.askToMakeAgain('traffic.4');
      await run();
      expect(world.manifestOf('traffic.4')).toMatchObject({ uploaded_records: 1, request_ids_have_file_id: true });
      expect(scheduled()).toBe('Second');
    });
  });

  it('can not be released once a newer one was sent', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(10));
    await run();
    world.drop(2, rowsOf(10).with(0, { spot: 'S1', client: 'Changed' }));
    await run();
    world.drop(3, rowsOf(11));
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({
      state: 'completed',
      unchanged_records: 10,
      uploaded_records: 1,
    });
    expect(await world.release('traffic.2', 'changes')).toMatchObject({ kind: 'refused' });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(11)));
  });
});

describe('a revision of one that is in progress', () => {
  const runWith = (sentBatches: number, drop: () => void) => runUntilStopped(world, sentBatches, drop);

  const changed = rowsOf(40).with(0, { spot: 'S1', client: 'Changed' }).with(39, { spot: 'S40', client: 'Changed' });

  it('stops it: nothing obsolete is sent, and what was sent is not sent again', async () => {
    world.drop(1, rowsOf(40));
    await runWith(3, () => world.drop(2, changed));
    expect(world.manifestOf('traffic.1')).toMatchObject({
      ...{ state: 'superseded', failure: { code: 'newer_revision' }, total_records: 40, reconciled: true },
      ...{ uploaded_records: 15, held_records: 25 },
    });
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', unchanged_records: 14 });
    expect(world.api.requests).toBe(15 + 26);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
    expect(await world.release('traffic.1')).toMatchObject({ kind: 'refused' });
  });

  it.each(['waits', 'is judged'])('is judged again by one that is released while it %s', async (when) => {
    world = new RevisionWorld('replaces', { pattern: 'log_*.csv' });
    const handle = (kind: string) =>
      world.handle(
        world.queue.findIndex(({ task }) => task.kind === kind),
        false,
      );
    // Nothing shows which of these is newer.
    world.drop(1, rowsOf(40));
    world.drop(
      2,
      rowsOf(40).map(({ client }, n) => ({ spot: `X${n}`, client })),
    );
    for (const kind of ['drop', 'drop', 'finalize']) await handle(kind);
    expect(world.manifestOf('traffic.2')).toMatchObject({ failure: { code: 'revision_order' } });
    world.drop(3, changed, 1000);
    const { ledgerOfFunctions: ledger } = world;
    const save = ledger.saveSplitProgress.bind(ledger);
    const release = () => world.release('traffic.2', 'all');
    if (when === 'is judged') {
      ledger.saveSplitProgress = async (...given) => {
        const saved = await save(...given);
        if (given[2].guard) await release();
        return saved;
      };
    }
    await handle('drop');
    ledger.saveSplitProgress = save;
    expect(world.file('traffic.3')).toMatchObject({ guard: 'passed', waitsFor: { fileId: 'traffic.1' } });
    if (when === 'waits') await release();
    await run();
    // It is stopped only by one that was judged by the newest.
    const held = when === 'waits' ? 40 : 0;
    expect(world.manifestOf('traffic.1')).toMatchObject({ held_records: held, uploaded_records: 40 - held });
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', uploaded_records: 40 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ failure: { code: 'revision_differs' }, held_records: 40 });
  });

  it('knows of what the stopped one did not send that the API has it as before', async () => {
    world.drop(1, rowsOf(40));
    await run();
    world.drop(2, changed.toSpliced(10, 1));
    const third = rowsOf(40).with(0, { spot: 'S1', client: 'Changed' }).toSpliced(10, 1);
    await runWith(2, () => world.drop(3, third));
    // Two batches of ten were dealt with.
    const counts = { unchanged_records: 19, uploaded_records: 1, held_records: 19, total_records: 39 };
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', ...counts });
    expect(world.file('traffic.3').revision?.counts).toEqual({ unchanged: 39, changed: 0, added: 0, removed: 1 });
    expect(world.api.requests).toBe(41);
  });

  it('knows what was sent under the same request ids, before the feed’s rules changed', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(40));
    await run();
    world.deploy();
    // The same bytes, read by other rules: its requests have the same ids.
    world.drop(2, rowsOf(40));
    await runWith(2, () => world.drop(3, rowsOf(41)));
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', duplicate_records: 10 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ unchanged_records: 40, uploaded_records: 1 });
    expect(world.api.doubled).toEqual([]);
  });

  it('is stopped if the feed’s rules change while it is sent, and goes on with --changes', async () => {
    world.drop(1, rowsOf(40));
    await run();
    world.drop(2, changed);
    // Its batches are lost, and made again after the deploy.
    world.onHandled = () => {
      const isTaken = world.ledger.files.get('traffic.2')?.state === 'split';
      if (!isTaken || world.queue.every(({ task }) => task.kind !== 'batch')) return;
      world.onHandled = () => undefined;
      world.queue.splice(0);
      world.deploy();
      world.askToMakeAgain('traffic.2');
    };
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'quarantined', failure: { code: 'rules_changed' } });
    expect(await world.release('traffic.2')).toMatchObject({ kind: 'refused' });
    expect(await world.release('traffic.2', 'changes')).toMatchObject({ kind: 'released' });
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', unchanged_records: 38 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
  });

  it('is stopped again by each further change of the rules, and goes on when a person has answered that', async () => {
    world.drop(1, rowsOf(40));
    await run();
    world.drop(2, changed);
    let deploys = 0;
    // Each time, its batches are lost, and made again after the deploy.
    world.onHandled = () => {
      const isTaken = world.ledger.files.get('traffic.2')?.state === 'split';
      if (deploys === 2 || !isTaken || world.queue.every(({ task }) => task.kind !== 'batch')) return;
      deploys++;
      world.queue.splice(0);
      world.deploy();
      world.askToMakeAgain('traffic.2');
    };
    const failureAfter = async () => (await run(), world.manifestOf('traffic.2')?.failure);
    const first = await failureAfter();
    expect(first).toMatchObject({ code: 'rules_changed' });
    await world.release('traffic.2', 'changes');
    const second = await failureAfter();
    expect(second).toMatchObject({ code: 'rules_changed' });
    expect(deploys).toBe(2);
    expect(await world.release('traffic.2', 'changes')).toMatchObject({ kind: 'released' });
    expect(await failureAfter()).toBeNull();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', unchanged_records: 38 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
  });

  it('knows that what a stopped one no longer had was not removed by hand, even if all of it was delivered', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(20));
    await run();
    world.drop(2, rowsOf(20).slice(1));
    await runWith(4, () => world.drop(3, rowsOf(21)));
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', unchanged_records: 19 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ unchanged_records: 20, uploaded_records: 1 });
    expect(world.api.doubled).toEqual([]);
  });

  it.each([
    ['the first one', [rowsOf(40), changed], 2],
    ['a change back', [rowsOf(40), changed, rowsOf(40), changed.slice(1)], 4],
  ])('sends the rest of %s, which two newer ones stop that are not sent', async (_, before, number) => {
    for (const [index, rows] of before.slice(0, -2).entries()) {
      world.drop(index + 1, rows);
      await run();
    }
    const splittersFirst = (due: number) => {
      const isBatch = (index: number) => world.queue[index]?.task.kind === 'batch';
      const index = Array.from({ length: due }, (__, n) => n).find((n) => !isBatch(n)) ?? 0;
      return { index, isRepeated: false };
    };
    const [stopped = [], unsent = []] = before.slice(-2);
    world.drop(number - 1, stopped);
    await world.handle(0, false);
    // A consumer that is killed has begun a batch, so that the file is in progress for a while after its stop.
    world.onStep = ({ call, when }) => {
      if (call === 'update' && when === 'after') throw new KilledError('killed');
    };
    await world.handle(
      world.queue.findIndex(({ task }) => task.kind === 'batch'),
      false,
    );
    world.onStep = () => undefined;
    world.drop(number, unsent);
    await world.handle(
      world.queue.findIndex(({ task }) => task.kind === 'drop'),
      false,
    );
    world.drop(number + 1, stopped);
    await world.run(splittersFirst);
    expect(world.manifestOf(`traffic.${number}`)).toMatchObject({ state: 'superseded', uploaded_records: 0 });
    expect(world.manifestOf(`traffic.${number + 1}`)).toMatchObject({ state: 'completed' });
    expect(Object.fromEntries(world.api.schedule)).toMatchObject(scheduleOf(stopped));
  });

  it('does not stop it if a person must decide about the newer one', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(40));
    await runWith(1, () => world.drop(2, changed));
    expect(world.manifestOf('traffic.1')).toMatchObject({ state: 'completed', uploaded_records: 40 });
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'quarantined', held_records: 40 });
  });

  it('does not stop it if the same bytes are other records under its header, so that it would be held itself', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(40));
    const columns = 'SpotID,ClientName,AirDateTime,Duration,StationCode';
    await runWith(1, () => world.drop(2, rowsOf(40), 0, { columns }));
    expect(world.manifestOf('traffic.1')).toMatchObject({ state: 'completed', uploaded_records: 40 });
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'quarantined', held_records: 40 });
  });

  it('does not stop one that a person had sent whole where the API keeps both: it would be held for the rest', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(40));
    await run();
    world.drop(2, changed);
    await run();
    world.api.turn = ({ payload }) => {
      const spot = String(payload['spot_id']);
      // A person has removed what the released file is to bring again.
      if (world.api.schedule.has(spot)) world.api.remove(spot);
      return undefined;
    };
    await world.release('traffic.2', 'all');
    // It is cut again.
    await world.handle(0, false);
    await runWith(2, () => world.drop(3, [...changed, { spot: 'S41', client: 'New' }]));
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', uploaded_records: 40 });
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed', unchanged_records: 40 });
    expect(world.api.doubled).toEqual([]);
  });

  it('counts and lists a removed record once, of which the stopped one had another version', async () => {
    world.drop(1, rowsOf(40));
    await run();
    world.drop(2, changed);
    await runWith(1, () => world.drop(3, rowsOf(40).slice(1)));
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'superseded', uploaded_records: 1 });
    const third = world.manifestOf('traffic.3');
    expect(third).toMatchObject({ state: 'completed', removed_records: 1 });
    const list = world.archived.get(third?.comparison?.changes_key ?? '')?.toString() ?? '';
    expect(list.split('\r\n').filter((row) => row.startsWith('removed,'))).toHaveLength(1);
  });

  it('tries no dead letter of it from then on', async () => {
    world.drop(1, rowsOf(40).with(0, { spot: 'S1', client: 'Client 1', isDamaged: true }));
    await runWith(2, () => {
      world.drop(2, changed);
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
    });
    expect(world.manifestOf('traffic.1')).toMatchObject({ state: 'superseded', dead_lettered_records: 0 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
  });
});

describe('a revision without a record that a person had corrected', () => {
  it('lists it without the identity that the API does not have', async () => {
    world.api.turn = ({ payload }) =>
      payload['spot_id'] === 'S2' ? { kind: 'refused', status: 422, answer: 'no such spot' } : undefined;
    const first = world.drop(1, rowsOf(5));
    await run();
    await world.correct(first, 2, { spot: 'S22', client: 'Client 2' });
    await run();
    expect(world.manifestOf(first)).toMatchObject({ dead_lettered_records: 0 });
    world.api.turn = () => undefined;
    // It has the spot again, and not the corrected one.
    const second = world.drop(2, rowsOf(6));
    await run();
    const list = world.archived.get(world.manifestOf(second)?.comparison?.changes_key ?? '')?.toString() ?? '';
    const removed = list.split('\r\n').filter((row) => row.startsWith('removed,'));
    expect(removed).toEqual([
      'removed,traffic.1,2,,,"S2,WABC,2026-01-05 06:00:00,30,Client 2",,' +
        'a person corrected it: the API has the corrected row in its place',
    ]);
  });
});

describe('a revision of one that was not sent', () => {
  const damagedRows = rowsOf(6).map((row): LogRow => ({ ...row, isDamaged: true }));

  it('settles what failed of it, and a redrive sends nothing', async () => {
    world.drop(1, damagedRows);
    await run();
    world.drop(2, rowsOf(6));
    await run();
    expect(world.manifestOf('traffic.1')).toMatchObject({ dead_lettered_records: 0, handled_records: 6 });
    expect(world.file('traffic.1').supersededBy).toMatchObject({ fileId: 'traffic.2' });
  });

  it('takes over from one that a person has cancelled before it was sent: that can not be released', async () => {
    const first = world.drop(1, rowsOf(6));
    world.onStep = () => {
      if (!world.ledger.files.get(first)) return;
      world.onStep = () => undefined;
      void world.ledger.cancelFile(first, { by: 'ann', why: 'the wrong export' });
    };
    await run();
    expect(world.manifestOf(first)).toMatchObject({ state: 'quarantined', held_records: 6 });
    world.drop(2, rowsOf(7));
    await run();
    expect(await world.release(first)).toMatchObject({ kind: 'refused' });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(7)));
  });

  it('also reports what one that was cancelled no longer had, as that one reports nothing', async () => {
    world.drop(1, rowsOf(20));
    await run();
    const without = rowsOf(20).filter(({ spot }) => spot !== 'S7');
    const second = world.drop(2, [...without, { spot: 'S21', client: 'New' }]);
    const batch = () => world.queue.findIndex(({ task }) => task.kind === 'batch');
    while (batch() < 0) await world.handle(0, false);
    await world.handle(batch(), false);
    await world.ledger.cancelFile(second, { by: 'ann', why: 'the wrong export' });
    await run();
    expect(world.manifestOf(second)).toMatchObject({ state: 'quarantined', unchanged_records: 10, held_records: 10 });
    const third = world.drop(3, [...without, { spot: 'S22', client: 'New' }]);
    await run();
    expect(world.manifestOf(third)).toMatchObject({ state: 'completed', unchanged_records: 19, removed_records: 1 });
  });

  it('waits more than a day for it, and is sent all the same', async () => {
    world.drop(1, damagedRows);
    const deliver = world.api.turn;
    await run();
    world.api.turn = deliver;
    const day = 25 * 3600_000;
    world.drop(2, rowsOf(6));
    await world.clock.advance(day);
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', uploaded_records: 6 });
  });
});

describe('a revision that a person cancels', () => {
  const who = { by: 'ann', why: 'the wrong export' };
  const cancel = (fileId: string) => world.ledger.cancelFile(fileId, who);
  const damaged = rowsOf(6).with(2, { spot: 'S3', client: 'Client 3', isDamaged: true });

  /** As soon as its splitter has it, before it has entered the series. */
  async function dropCancelled(number: number, rows: readonly LogRow[]): Promise<string> {
    const id = world.drop(number, rows);
    world.onStep = () => {
      if (!world.ledger.files.get(id)) return;
      world.onStep = () => undefined;
      void cancel(id);
    };
    await run();
    return id;
  }

  it('takes nothing over from the one before, until it is released', async () => {
    world.drop(1, damaged);
    await run();
    const id = await dropCancelled(2, rowsOf(7));
    expect(world.manifestOf(id)).toMatchObject({
      state: 'quarantined',
      held_records: 7,
      failure: { code: 'cancelled' },
    });
    expect(world.file('traffic.1').supersededBy).toBeUndefined();
    expect(world.manifestOf('traffic.1')).toMatchObject({ dead_lettered_records: 1, handled_records: 0 });
    expect(await world.release(id)).toMatchObject({ kind: 'released' });
    await run();
    expect(world.api.requests).toBe(7);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(7)));
    expect(world.manifestOf(id)).toMatchObject({ state: 'completed', unchanged_records: 5, uploaded_records: 2 });
    expect(world.manifestOf('traffic.1')).toMatchObject({ dead_lettered_records: 0, handled_records: 1 });
  });

  it.each(['replaces', 'supersedes'] as const)(
    'is closed although its batch was lost and the feed’s rules have changed, where the API %s a changed record',
    async (api) => {
      world = new RevisionWorld(api);
      world.drop(1, rowsOf(6));
      await run();
      const changed = rowsOf(6).with(1, { spot: 'S2', client: 'Changed' });
      const id = world.drop(2, changed);
      await world.handle(0, false);
      world.api.turn = () => {
        throw new KilledError('killed');
      };
      await world.handle(0, false);
      world.api.turn = () => undefined;
      world.takeMessages(id);
      await cancel(id);
      world.deploy();
      await world.clock.advance(60 * 60_000);
      world.askToMakeAgain(id);
      await run();
      expect(world.manifestOf(id)).toMatchObject({ state: 'quarantined', failure: { code: 'cancelled' } });
      expect(await world.release(id)).toMatchObject({ kind: 'released' });
    },
  );

  it('and can’t be compared is reported as such before it is released, and then takes over', async () => {
    world.drop(1, rowsOf(6));
    await run();
    world.ledgerOfFunctions.getManifestFigures = () => Promise.resolve(undefined);
    const id = await dropCancelled(2, rowsOf(7));
    const failure = world.manifestOf(id)?.failure;
    expect(failure?.code).toBe('cancelled');
    expect(failure?.message).toMatch(/the wrong export\. This file is a newer revision of the file traffic\.1/);
    expect(await world.release(id, 'all')).toMatchObject({ kind: 'released' });
    await run();
    expect(world.file('traffic.1').supersededBy).toMatchObject({ fileId: id });
  });

  it('after it was held and released takes over with the next release', async () => {
    world.drop(1, rowsOf(6));
    await run();
    world.ledgerOfFunctions.getManifestFigures = () => Promise.resolve(undefined);
    const id = world.drop(2, rowsOf(7));
    await run();
    expect(world.manifestOf(id)?.failure?.code).toBe('revision_unknown');
    expect(await world.release(id, 'changes')).toMatchObject({ kind: 'refused' });
    await world.release(id, 'all');
    expect(await cancel(id)).toMatchObject({ kind: 'cancelled' });
    await run();
    expect(world.api.requests).toBe(6);
    await world.release(id, 'all');
    await run();
    expect(world.api.requests).toBe(13);
    expect(world.file('traffic.1').supersededBy).toMatchObject({ fileId: id });
  });
});

describe('a revision of a large file', () => {
  const more = (count: number): LogRow[] => [
    ...rowsOf(60),
    ...Array.from({ length: count }, (_, n) => ({ spot: `N${n + 1}`, client: 'New' })),
  ];
  /** How often its splitter has stopped because the queue holds enough of it. */
  async function holdsOf(rows: readonly LogRow[]): Promise<number> {
    const held = vi.spyOn(world.ledgerOfFunctions, 'releaseFile');
    world.drop(2, rows);
    await run();
    const { calls } = held.mock;
    return calls.filter(([fileId]) => fileId === 'traffic.2').length;
  }

  beforeEach(async () => {
    world.drop(1, rowsOf(60));
    await run();
    world.limitQueue(10);
  });

  it('is sent without waiting for the API as far as the API has it', async () => {
    expect(await holdsOf(more(5))).toBe(0);
    expect(world.manifestOf('traffic.2')).toMatchObject({ unchanged_records: 60, uploaded_records: 5 });
  });

  it('waits for the API where it is new', async () => {
    expect(await holdsOf(more(40))).toBeGreaterThan(0);
    expect(world.manifestOf('traffic.2')).toMatchObject({ unchanged_records: 60, uploaded_records: 40 });
  });

  it.each([
    ['once, if the same process continues it', new LatestPlan(), 0],
    ['again by another process', undefined, 1],
  ])('is compared %s', async (_, plans, again) => {
    world.plans = plans;
    const before = world.evidenceReads;
    expect(await holdsOf(more(40))).toBe(1);
    // Each plan reads the receipts. The list of changes, which is made once, reads more.
    expect(world.evidenceReads - before).toBe(3 + again);
    expect(world.manifestOf('traffic.2')).toMatchObject({ unchanged_records: 60, uploaded_records: 40 });
  });
});
