import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { requestIdOf } from '../../lambdas/core/records/identity.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import type { LogRow } from '../support/log-rows.ts';
import { RevisionWorld } from '../support/revision-world.ts';
import type { ReadRequest } from '../support/sink-request.ts';
import { readRequest } from '../support/sink-request.ts';

let world: RevisionWorld;
/** In the order in which they were made. */
let requests: ReadRequest[];
const noFault = (): undefined => undefined;

beforeEach(() => {
  world = new RevisionWorld('supersedes');
  requests = [];
  const deliver = world.api.deliver.bind(world.api);
  world.api.deliver = (request) => (requests.push(readRequest(request)), deliver(request));
});

const rowsOf = (count: number): LogRow[] =>
  Array.from({ length: count }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));
const run = () => world.run(() => ({ index: 0, isRepeated: false }));
const changed = (rows: LogRow[], spot: number, client: string): LogRow[] =>
  rows.with(spot - 1, { spot: `S${spot}`, client });
const scheduleOf = (rows: readonly LogRow[]) => Object.fromEntries(rows.map(({ spot, client }) => [spot, client]));
const idIn = (file: number, spot: string) =>
  requestIdOf([spot, '2026-01-05 06:00:00'], world.file(`traffic.${file}`).sha256 ?? '');
const namesOf = (spot: string) =>
  requests.filter(({ payload }) => payload['spot_id'] === spot).map(({ supersedes }) => supersedes?.[0]);

function receiptOf(file: number, record: number): Receipt | undefined {
  const key = world.manifestOf(`traffic.${file}`)?.archive.receipts_key ?? '';
  const lines = gunzipSync(world.archived.get(key) ?? Buffer.of())
    .toString()
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as Receipt).find((each) => each.record === record);
}

async function expectSchedule(rows: readonly LogRow[]): Promise<void> {
  await run();
  expect(world.api.doubled).toEqual([]);
  expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rows));
}

describe('a changed record of an API that supersedes entries', () => {
  it('names the request that the API has it under, however many revisions it was unchanged in', async () => {
    world.drop(1, rowsOf(12));
    world.drop(2, [...changed(rowsOf(12), 2, 'Second'), { spot: 'S13', client: 'New' }], 1000);
    const third = changed(changed(rowsOf(12), 2, 'Third'), 7, 'Third');
    world.drop(3, third, 2000);
    await run();
    world.api.remove('S13');
    await expectSchedule(third);
    expect(namesOf('S2')).toEqual([undefined, idIn(1, 'S2'), idIn(2, 'S2')]);
    expect(namesOf('S7')).toEqual([undefined, idIn(1, 'S7')]);
    expect(namesOf('S13')).toEqual([undefined]);
    const [first, second] = [1, 2].map((file) => world.file(`traffic.${file}`).sha256);
    expect(receiptOf(3, 1)).toMatchObject({ outcome: 'unchanged', earlier_checksums: [first] });
    expect(receiptOf(3, 1)).not.toHaveProperty('supersedes');
    expect(receiptOf(3, 2)).toMatchObject({ earlier_checksums: [second], supersedes: [idIn(2, 'S2')] });
    expect(receiptOf(2, 13)).not.toHaveProperty('earlier_checksums');
  });

  it('is not refused when it is tried again after the API has stored it', async () => {
    world.drop(1, rowsOf(3));
    await run();
    let lost = 0;
    world.api.turn = () => (lost++ < 2 ? 'store-and-fail' : undefined);
    const after = changed(rowsOf(3), 2, 'Changed');
    world.drop(2, after);
    await expectSchedule(after);
    expect(lost).toBeGreaterThan(0);
    expect(receiptOf(2, 2)).toMatchObject({ outcome: 'uploaded', confirmed_by: '409' });
  });

  it('is still superseding as a redriven letter', async () => {
    world.drop(1, rowsOf(3));
    await run();
    world.api.turn = () => ({ kind: 'refused', status: 422, answer: 'no contract' });
    const after = changed(rowsOf(3), 2, 'Changed');
    world.drop(2, after);
    await run();
    expect(world.dlq).toMatchObject([{ v: 3, earlier_checksums: [world.file('traffic.1').sha256] }]);
    world.api.turn = noFault;
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await expectSchedule(after);
    expect(namesOf('S2').slice(1)).toEqual([idIn(1, 'S2'), idIn(1, 'S2')]);
    expect(world.manifestOf('traffic.2')).toMatchObject({ reconciled: true, dead_lettered_records: 0 });
  });

  it('is still superseding when its batch was lost and is made again', async () => {
    world.drop(1, rowsOf(3));
    await run();
    const after = changed(rowsOf(3), 2, 'Changed');
    const id = world.drop(2, after);
    while (world.file('traffic.1') && world.ledger.files.get(id)?.state !== 'split') await world.handle(0, false);
    const lost = world.queue.findIndex(({ task }) => task.kind === 'batch');
    world.queue.splice(lost, 1);
    await run();
    expect(world.manifestOf(id)).toBeUndefined();
    world.queue.push({ task: { kind: 'reemit', fileId: id }, dueAt: world.clock.now() });
    await expectSchedule(after);
    expect(namesOf('S2')[1]).toBe(idIn(1, 'S2'));
  });
});

describe('where the API may have one of several versions', () => {
  const outage = () => ({ kind: 'failed' as const, status: 503, reason: 'http_503', ambiguous: true });

  it.each([
    ['stored', 'store-and-fail' as const],
    ['not stored', outage()],
  ])('a record whose last request was %s in doubt replaces what is there', async (_, turn) => {
    world.drop(1, rowsOf(3));
    await run();
    world.api.turn = ({ payload }) => (payload['spot_id'] === 'S2' ? turn : undefined);
    if (turn === 'store-and-fail') {
      // Each of its answers is lost, also those that would confirm it.
      const deliver = world.api.deliver.bind(world.api);
      world.api.deliver = (request) => {
        const answer = deliver(request);
        return readRequest(request).payload['spot_id'] === 'S2' && answer.kind === 'duplicate' ? outage() : answer;
      };
    }
    world.drop(2, changed(rowsOf(3), 2, 'In doubt'));
    await run();
    expect(receiptOf(2, 2)).toMatchObject({ outcome: 'exhausted' });
    const inDoubt = turn === 'store-and-fail' ? 'In doubt' : 'Client 2';
    expect(world.api.schedule.get('S2')).toBe(inDoubt);
    world.api.turn = noFault;
    requests = [];
    const after = changed(rowsOf(3), 2, 'Third');
    world.drop(3, after);
    await expectSchedule(after);
    const both = [idIn(2, 'S2'), idIn(1, 'S2')];
    expect(namesOf('S2')).toEqual(turn === 'store-and-fail' ? both.slice(0, 1) : both);
    expect(receiptOf(3, 2)).toMatchObject({ outcome: 'uploaded', supersedes: both });
  });

  it('a record that only an older revision has replaces it, or is new if a person has removed it', async () => {
    world.drop(1, rowsOf(4));
    await run();
    const damaged = rowsOf(4).map((row): LogRow => (row.spot === 'S1' ? row : { ...row, isDamaged: true }));
    world.drop(2, damaged.slice(0, 3));
    await run();
    world.api.remove('S4');
    requests = [];
    world.drop(3, rowsOf(5));
    await expectSchedule(rowsOf(5));
    expect(namesOf('S3')).toEqual([idIn(1, 'S3')]);
    expect(namesOf('S4')).toEqual([idIn(1, 'S4'), null]);
    expect(world.file('traffic.3').revision?.counts).toMatchObject({ unchanged: 1, changed: 3 });
  });
});

describe('what a person must decide', () => {
  it('is a record that the API should have and does not: nothing is stored, and the letter says why', async () => {
    world.drop(1, rowsOf(3));
    await run();
    world.api.remove('S2');
    world.drop(2, changed(rowsOf(3), 2, 'Changed'));
    await run();
    expect(world.api.schedule.has('S2')).toBe(false);
    expect(world.dlq).toMatchObject([{ outcome: 'refused', reason: 'superseded_missing', http_status: 412 }]);
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await run();
    expect(world.dlq).toHaveLength(1);
    expect(world.manifestOf('traffic.2')).toMatchObject({ reconciled: true, dead_lettered_records: 1 });
  });

  it('is a record that was resolved by hand: it is not scheduled beside what the person has entered', async () => {
    world.api.turn = ({ payload }) =>
      payload['spot_id'] === 'S2' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
    world.drop(1, rowsOf(3));
    await run();
    await world.ledger.resolveDead('traffic.1', 2, { kind: 'handled', by: 'ann', why: 'entered in the schedule' });
    world.queue.push({
      task: {
        kind: 'finalize',
        message: { v: 1, kind: 'finalize', feed: 'traffic', fileId: 'traffic.1', amend: true },
      },
      dueAt: world.clock.now(),
    });
    await run();
    world.api.turn = noFault;
    world.drop(2, changed(rowsOf(3), 2, 'Changed'));
    await run();
    expect(world.api.schedule.has('S2')).toBe(false);
    expect(receiptOf(2, 2)).toMatchObject({ outcome: 'refused', reason: 'superseded_missing' });
  });

  it('is a rejected row: what it supersedes is not known, so its correction is not sent', async () => {
    world.drop(1, rowsOf(3));
    await run();
    world.drop(2, changed(rowsOf(3), 1, 'Changed').with(1, { spot: 'S2', client: 'x', isDamaged: true }));
    await run();
    requests = [];
    await world.correct('traffic.2', 2, { spot: 'S2', client: 'Corrected' });
    await run();
    expect(requests).toEqual([]);
    const dead = await world.ledger.getDead('traffic.2', 2);
    expect(dead).toMatchObject({ state: 'dead', history: [{}, { outcome: 'refused', reason: 'earlier_unknown' }] });
  });

  it('is not a refused row that is corrected: it supersedes what the record would have', async () => {
    world.drop(1, rowsOf(3));
    await run();
    world.api.turn = ({ payload }) =>
      payload['advertiser'] === 'Wrong' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
    world.drop(2, changed(rowsOf(3), 2, 'Wrong'));
    await run();
    await world.correct('traffic.2', 2, { spot: 'S2', client: 'Right' });
    await expectSchedule(changed(rowsOf(3), 2, 'Right'));
    // And the next revision supersedes the corrected row.
    const after = changed(rowsOf(3), 2, 'Third');
    world.drop(3, after);
    await expectSchedule(after);
    expect(namesOf('S2')).toEqual([undefined, idIn(1, 'S2'), idIn(1, 'S2'), idIn(2, 'S2')]);
  });
});

describe('a revision of which a person has all records sent', () => {
  /** No earlier record is the same: it is held. */
  const differing = (rows: LogRow[]): LogRow[] => rows.map((row) => ({ ...row, client: `${row.client} again` }));

  async function dropHeld(number: number, rows: LogRow[]): Promise<string> {
    world.rules = { changedRecords: 'supersedes', guard: 0.1 };
    const id = world.drop(number, rows);
    await run();
    expect(world.manifestOf(id)?.failure?.code).toBe('revision_differs');
    requests = [];
    return id;
  }

  it('supersedes what the API has of each, also of those that are unchanged', async () => {
    world.drop(1, rowsOf(120));
    await run();
    const after = [...differing(rowsOf(119)).slice(0, 60), ...rowsOf(119).slice(60), { spot: 'S121', client: 'New' }];
    const id = await dropHeld(2, after);
    world.api.remove('S120');
    expect(await world.release(id, 'all')).toMatchObject({ kind: 'released' });
    await expectSchedule(after);
    expect(requests).toHaveLength(120);
    expect([namesOf('S1'), namesOf('S100'), namesOf('S121')]).toEqual([
      [idIn(1, 'S1')],
      [idIn(1, 'S100')],
      [undefined],
    ]);
    expect(world.manifestOf(id)).toMatchObject({
      ...{ state: 'completed', uploaded_records: 120, unchanged_records: 0, removed_records: 1 },
      ...{ compared_with: [{ file_id: 'traffic.1' }], comparison: { new_records: 1, changed_records: 60 } },
    });
    // The next one is compared with it alone.
    const third = changed(after, 100, 'Third');
    world.drop(3, third);
    await expectSchedule(third);
    expect(namesOf('S100')).toEqual([idIn(1, 'S100'), idIn(2, 'S100')]);
  });

  it('does so in batches that were lost and are made again', async () => {
    world.drop(1, rowsOf(120));
    await run();
    const after = [...differing(rowsOf(60)), ...rowsOf(120).slice(60)];
    const id = await dropHeld(2, after);
    await world.release(id, 'all');
    while (world.queue.every(({ task }) => task.kind !== 'batch')) await world.handle(0, false);
    world.queue.splice(0);
    world.askToMakeAgain(id);
    await expectSchedule(after);
    expect(namesOf('S100')).toEqual([idIn(1, 'S100')]);
  });

  it('is held again if it can’t be compared any more, and then sent as new records', async () => {
    world.drop(1, rowsOf(120));
    await run();
    const id = await dropHeld(2, differing(rowsOf(120)));
    world.ledgerOfFunctions.getManifestFigures = () => Promise.resolve(undefined);
    await world.release(id, 'all');
    await run();
    expect(world.manifestOf(id)?.failure?.code).toBe('revision_unknown');
    expect(requests).toEqual([]);
    await world.release(id, 'all');
    await run();
    expect(requests).toHaveLength(120);
    expect(requests.every(({ supersedes }) => supersedes === undefined)).toBe(true);
  });
});
