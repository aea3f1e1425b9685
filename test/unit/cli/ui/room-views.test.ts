import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClosedPage } from '../../../../cli/ui/closed-page.ts';
import type { ImportPreview, RowCheck } from '../../../../cli/ui/correction-preview.ts';
import type { DeadPage } from '../../../../cli/ui/dead-page.ts';
import type { FilePage } from '../../../../cli/ui/file-page.ts';
import type { RecordPage } from '../../../../cli/ui/record-page.ts';
import type { RoomState } from '../../../../cli/ui/room-state.ts';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { earlierUnknown } from '../../../../lambdas/core/answers/refusal.ts';
import { fileAccount } from '../../../support/file-account.ts';
import type { RoomWorld } from '../../../support/open-room.ts';
import { askRoom, cookieOf, deadFileId, enterRoom, openRoom } from '../../../support/open-room.ts';
import { notAnInteger, refusedRow } from '../../../support/room-fixture.ts';
import { addNights, threeNights } from '../../../support/room-nights.ts';

let world: RoomWorld;
let cookie: string;
beforeEach(async () => {
  world = await openRoom();
  cookie = cookieOf(await enterRoom(world.origin, world.code));
});
afterEach(async () => {
  await world.jobs.stop();
  await world.room.close();
});

const get = (path: string) => askRoom(world.origin, path, { headers: { cookie } });
const read = async <T>(path: string): Promise<T> => JSON.parse((await get(path)).body) as T;
const optionsOf = async (id: string) => (await read<FilePage>(`/api/file?id=${id}`)).release;
const post = (path: string, wish: unknown) =>
  askRoom(world.origin, path, {
    method: 'POST',
    headers: { cookie, origin: world.origin, 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  });

describe('the list of dead letters', () => {
  it('is sent page by page, however many there are', async () => {
    const failed = Array.from({ length: 1_000 }, (_, n) => notAnInteger(n + 1));
    await world.fixture.addClosed({ fileId: 'traffic.many', createdAt: Date.UTC(2026, 0, 5) }, failed);
    const first = await read<DeadPage>('/api/dead?feed=traffic&file=traffic.many');
    expect(first).toMatchObject({ matching: 1_000, page: 1, pages: 20, is_partial: false });
    expect(first.outlook).toEqual([expect.stringMatching(/^1,000 are rejected: .* They fail again, unless/)]);
    expect(first.entries.map(({ record }) => record)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    const last = await read<DeadPage>('/api/dead?feed=traffic&file=traffic.many&page=20');
    expect(last.entries.map(({ record }) => record)).toEqual(Array.from({ length: 50 }, (_, n) => n + 951));
    const past = await read<DeadPage>('/api/dead?feed=traffic&file=traffic.many&page=21');
    expect(past.page).toBe(20);
    expect((await get('/api/dead?feed=traffic&file=traffic.many')).body.length).toBeLessThan(30_000);
  });

  it('has each letter with its explanation, its field and the API’s answer', async () => {
    const { entries } = await read<DeadPage>('/api/dead?feed=traffic');
    expect(entries[0]).toMatchObject({
      ...{ file_id: deadFileId, record: 4, outcome: 'rejected', reason: 'not_an_integer', field: 'Duration' },
      error: 'Duration must be a whole number of seconds',
      excerpt: 'SP-4,WABC,2026-01-05 06:00:00,30s,Client 4',
    });
    expect(entries.at(-1)).toMatchObject({
      record: 59,
      http_status: 422,
      api_answer: '{"error":"unknown station WXYZ"}',
    });
  });

  it.each([
    ['reason=http_422', [44, 49, 54, 59]],
    ['field=Duration', [4, 9, 14, 19, 24, 29, 34, 39]],
    ['field=-', [44, 49, 54, 59]],
    ['text=client+2', [24, 29]],
    ['text=WXYZ', [44, 49, 54, 59]],
    ['text=unknown+STATION', [44, 49, 54, 59]],
    ['text=r-49', [49]],
    ['text=59', [59]],
    ['file=traffic.other', []],
    ['reason=http_422&text=5', [54, 59, 44, 49]],
    ['reason=not_an_integer&field=-', []],
  ])('selects by %s', async (query, records) => {
    const found = await read<DeadPage>(`/api/dead?feed=traffic&${query}`);
    expect(found.entries.map(({ record }) => record)).toEqual([...records].sort((a, b) => a - b));
    expect(found.matching).toBe(records.length);
  });

  it('counts for each filter how many letters its values select under the other filters', async () => {
    const all = await read<DeadPage>('/api/dead?feed=traffic');
    expect(all.reasons).toEqual([
      { value: 'not_an_integer', name: 'not_an_integer', count: 8 },
      { value: 'http_422', name: 'http_422', count: 4 },
    ]);
    expect(all.files).toEqual([{ value: deadFileId, name: 'avion-2026-01-03.csv', count: 12 }]);
    const some = await read<DeadPage>('/api/dead?feed=traffic&field=-');
    expect(some.reasons).toEqual([{ value: 'http_422', name: 'http_422', count: 4 }]);
    expect(some.fields).toEqual([
      { value: 'Duration', name: 'Duration', count: 8 },
      { value: '-', name: '(no field)', count: 4 },
    ]);
  });

  it.each(['', '?feed=other', '?feed=traffic&more=1'])('refuses %j with an explanation', async (query) => {
    const { status, body } = await get(`/api/dead${query}`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).toMatch(/^\{"fault":".*\."\}$/);
  });
});

describe('an action on a selection', () => {
  it('applies to the letters that the list shows, and no other', async () => {
    await post('/api/redrive', { feed: 'traffic', field: 'Duration', text: 'client 2' });
    const [selection] = world.redriven;
    expect(selection?.records).toEqual(new Set([`${deadFileId}/24`, `${deadFileId}/29`]));
    expect(world.jobs.list()[0]?.what).toBe('2 dead letters: field Duration, with “client 2”');
    world.endRedrive('done');
    const csv = (await get('/api/export?feed=traffic&text=client+2')).body.trimEnd().split('\r\n');
    expect(csv.slice(1).map((line) => line.split(',')[0])).toEqual(['SP-24', 'SP-29']);
  });

  it('is left to the ledger if it is a feed, a file or a reason', async () => {
    await post('/api/redrive', { feed: 'traffic', file: deadFileId, reason: 'http_422' });
    expect(world.redriven).toEqual([{ feed: 'traffic', reason: 'http_422', fileId: deadFileId }]);
  });

  it('is refused if nothing matches any more', async () => {
    const { status, body } = await post('/api/redrive', { feed: 'traffic', text: 'nothing has this' });
    expect([status, body]).toEqual([409, '{"fault":"No dead letter matches any more: reload the list."}']);
    expect(world.redriven).toEqual([]);
  });
});

describe('a file’s page', () => {
  it('has its verdict, counts, history and documents', async () => {
    const page = await read<FilePage>(`/api/file?id=${deadFileId}`);
    expect(page.verdict).toEqual({ tone: 'warning', text: 'Done, with 12 dead letters' });
    expect(page.file).toMatchObject({ name: 'avion-2026-01-03.csv', rejected_records: 8, refused_records: 4 });
    expect(page.timeline.map(({ text }) => text)).toEqual([
      ...['Received: 1.2 MB.', 'First record accepted.', 'Last record accepted.', 'Account closed.'],
    ]);
    expect(page.documents.map(({ kind }) => kind)).toEqual(['report', 'manifest', 'receipts', 'dead-letters']);
    expect(page.release).toEqual({ held: null, without: null });
  });

  it('names who released it and why', async () => {
    const quarantine = { at: 1_000, rejected: 9, seen: 10, message: '9 of the first 10 records were rejected.' };
    const release = { at: 2_000, by: 'ann', why: 'the station asked for it' };
    await world.fixture.addClosed({ fileId: 'traffic.q', quarantine, release, createdAt: 0 });
    const { timeline } = await read<FilePage>('/api/file?id=traffic.q');
    expect(timeline.map(({ text, tone }) => `${tone}: ${text}`)).toEqual(
      expect.arrayContaining([
        'alarm: Stopped: 9 of the first 10 records were rejected.',
        'warning: Released by ann: the station asked for it',
      ]),
    );
  });

  it.each(['', '?id=', '?id=traffic.none', '?id=__proto__'])('%j is not found', async (query) => {
    expect((await get(`/api/file${query}`)).status).toBe(404);
  });

  it('says of a small file without an open bundle that it waits for one', async () => {
    const place = fileAccount({ fileId: 'traffic.small', state: 'bundled', bundleId: 'traffic.never-opened' });
    world.fixture.ledger.files.set(place.fileId, place);
    const { status, body } = await get('/api/file?id=traffic.small');
    expect(status).toBe(404);
    expect(body).toContain('traffic.small is a small file that is not in an open bundle yet');
  });
});

describe('a document', () => {
  const of = (kind: string, more = '') => get(`/api/document?file=${deadFileId}&kind=${kind}${more}`);

  it('is the archived bytes, as a download', async () => {
    const { status, headers, body } = await of('manifest');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="${deadFileId}.manifest.json"`,
      'x-content-type-options': 'nosniff',
    });
    expect(JSON.parse(body)).toMatchObject({ file_id: deadFileId });
    expect((await of('receipts')).headers['content-disposition']).toBe(
      `attachment; filename="${deadFileId}.receipts.ndjson.gz"`,
    );
  });

  it('is shown, if it is a report, in a sandbox without the room’s origin', async () => {
    const { status, headers, body } = await of('report', '&show=1');
    expect([status, body]).toEqual([200, expect.stringContaining('The report.')]);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/^sandbox allow-scripts; default-src 'none'; /);
    expect(policy).not.toMatch(/allow-same-origin|connect-src|'self'/);
    expect((await of('report')).headers['content-disposition']).toContain('attachment');
    // Anything else is saved, whatever the address says.
    expect((await of('manifest', '&show=1')).headers['content-disposition']).toContain('attachment');
  });

  it.each([
    [`file=${deadFileId}&kind=source`, 400],
    [`file=${deadFileId}&kind=../../manifest`, 400],
    [`file=${deadFileId}&kind=resolutions`, 404],
    [`file=${deadFileId}&kind=receipts&number=0`, 400],
    ['file=traffic.none&kind=manifest', 404],
  ])('%s is refused', async (query, status) => {
    expect((await get(`/api/document?${query}`)).status).toBe(status);
  });

  it('needs the session', async () => {
    const { status } = await askRoom(world.origin, `/api/document?file=${deadFileId}&kind=report`);
    expect(status).toBe(401);
  });
});

describe('the closed files', () => {
  beforeEach(async () => {
    for (let day = 1; day <= 60; day++) {
      const name = `log-${String(day).padStart(2, '0')}.csv`;
      const source = { bucket: 'intake', key: `traffic/${name}`, etag: '"e"', sizeBytes: 1 };
      const failed = day % 7 === 0 ? [refusedRow(day)] : [];
      await world.fixture.addClosed({ fileId: `traffic.d${day}`, source, createdAt: day * 86_400_000 }, failed);
    }
  });
  const names = ({ files }: ClosedPage): string[] => files.map(({ name }) => name);

  it('come in pages, the newest first, those with dead letters among the others', async () => {
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: ClosedPage = await read<ClosedPage>(`/api/files${next === '' ? '' : `?before=${next}`}`);
      expect(page.files.length).toBeLessThanOrEqual(25);
      seen.push(...names(page));
      next = page.next;
    }
    const days = Array.from({ length: 60 }, (_, n) => `log-${String(60 - n).padStart(2, '0')}.csv`);
    expect(seen).toEqual(['avion-2026-01-03.csv', ...days]);
  });

  it('are found by name, id and state', async () => {
    expect(names(await read<ClosedPage>('/api/files?text=LOG-1'))).toHaveLength(10);
    expect(names(await read<ClosedPage>('/api/files?text=traffic.d42'))).toEqual(['log-42.csv']);
    expect(names(await read<ClosedPage>('/api/files?state=failed'))).toEqual([]);
    expect((await get('/api/files?feed=other')).status).toBe(404);
    expect((await get('/api/files?before=x')).status).toBe(400);
  });
});

describe('a record’s page', () => {
  const recordOf = (record: number, file = deadFileId) => read<RecordPage>(`/api/record?file=${file}&record=${record}`);

  it('has its text, its fields, and why it failed; nothing was sent of an invalid one', async () => {
    const page = await recordOf(4);
    expect(page).toMatchObject({ kind: 'dead', sent: null, is_unreadable: false });
    expect(page.raw).toEqual({ text: 'SP-4,WABC,2026-01-05 06:00:00,30s,Client 4', note: '' });
    expect(page.fields?.map(({ name, value }) => `${name}=${value}`)).toEqual([
      ...['SpotID=SP-4', 'StationCode=WABC', 'AirDateTime=2026-01-05 06:00:00', 'Duration=30s', 'ClientName=Client 4'],
    ]);
    expect(page.fields?.filter((field) => field.is_at_fault).map(({ name }) => name)).toEqual(['Duration']);
  });

  it('has the request, as the consumer makes it, and the API’s answer', async () => {
    const { sent, record } = await recordOf(44);
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      ...{ spot_id: 'SP-44', station: 'WXYZ', airtime: '2026-01-05 06:00:00' },
      ...{ duration_sec: 30, advertiser: 'Client 44' },
    });
    expect(record.api_answer).toBe('{"error":"unknown station WXYZ"}');
  });

  it('shows the receipt of an accepted record', async () => {
    const page = await recordOf(2);
    expect(page).toMatchObject({ kind: 'ended', fields: null, raw: null });
    expect(page.record).toMatchObject({ outcome: 'uploaded', http_status: 201, request_id: 'r-2' });
  });

  it('is not found for a record that has no result', async () => {
    expect((await get(`/api/record?file=${deadFileId}&record=5`)).status).toBe(404);
    expect((await get(`/api/record?file=${deadFileId}&record=0`)).status).toBe(400);
    expect((await get('/api/record?file=traffic.none&record=4')).status).toBe(404);
  });
});

describe('a correction', () => {
  const row = (change: Record<string, string> = {}) => ({
    file: deadFileId,
    record: 4,
    cells: {
      ...{ SpotID: 'SP-4', StationCode: 'WABC', AirDateTime: '2026-01-05 06:00:00', Duration: '30s' },
      ...{ ClientName: 'Client 4', ...change },
    },
  });
  const correction = (change: Record<string, string>) => ({ ...row(change), why: ' no units ' });
  const check = async (wish: unknown) => JSON.parse((await post('/api/record/check', wish)).body) as RowCheck;

  it('is checked by the feed’s rules while it is typed', async () => {
    expect(await check(row())).toEqual({ changes: [], fault: null });
    expect(await check(row({ Duration: '30.5' }))).toEqual({
      changes: [{ column: 'Duration', before: '30s', after: '30.5' }],
      fault: 'Duration must be a whole number of seconds',
    });
    expect((await check(row({ Duration: '30', ClientName: '  ' }))).fault).toBe('ClientName is blank');
    expect(await check(row({ Duration: '30' }))).toMatchObject({ fault: null });
  });

  it('is sent in place of its record, in the name of the person who opened the room', async () => {
    const { status } = await post('/api/record/correct', correction({ Duration: '30' }));
    expect(status).toBe(202);
    await vi.waitUntil(() => world.fixture.sent.length === 1);
    expect(world.fixture.sent[0]).toMatchObject({
      ...{
        kind: 'correction',
        file_id: deadFileId,
        record: 4,
        by: 'the operator',
        why: 'no units',
        changed: ['Duration'],
      },
      row: { SpotID: 'SP-4', Duration: '30' },
    });
    expect(world.jobs.list()[0]).toMatchObject({ kind: 'correction', what: `record 4 of ${deadFileId}` });
  });

  it('is sent as a new record if a person says that the API has no earlier version of it, which only a record in doubt asks', async () => {
    const page = async () => JSON.parse((await get(`/api/record?file=${deadFileId}&record=4`)).body) as RecordPage;
    expect(await page()).toMatchObject({ may_be_new: false });
    await world.fixture.ledger.addFailure(deadFileId, 4, { ...earlierUnknown, at: 1 }, undefined);
    expect(await page()).toMatchObject({ may_be_new: true });
    await post('/api/record/correct', { ...correction({ Duration: '30' }), as_new: true });
    await vi.waitUntil(() => world.fixture.sent.length === 1);
    expect(world.fixture.sent[0]).toMatchObject({ kind: 'correction', record: 4, as_new: true });
  });

  it.each([
    [{}, 'Nothing was sent: the row is as it was.'],
    [{ Duration: 'x' }, 'Nothing was sent: it would be rejected again. Duration must be a whole number of seconds.'],
  ])('with the change %j is refused', async (change, fault) => {
    const { status, body } = await post('/api/record/correct', correction(change));
    expect([status, JSON.parse(body)]).toEqual([409, { fault }]);
    expect(world.fixture.sent).toEqual([]);
  });

  it('is refused without a reason', async () => {
    expect((await post('/api/record/correct', row({ Duration: '30' }))).status).toBe(400);
    const { status, body } = await post('/api/record/correct', { ...row({ Duration: '30' }), why: ' ' });
    expect([status, JSON.parse(body)]).toEqual([409, { fault: 'State with --why what was corrected.' }]);
    expect(world.fixture.sent).toEqual([]);
  });

  it('is refused for a record that is not a dead letter, or no longer one', async () => {
    expect((await post('/api/record/correct', { ...correction({ Duration: '30' }), record: 2 })).status).toBe(409);
    await world.fixture.ledger.resolveDead(deadFileId, 4, { kind: 'handled', by: 'ann', why: 'phoned' });
    expect((await post('/api/record/correct', correction({ Duration: '30' }))).body).toContain(
      'It is resolved already',
    );
    expect(world.fixture.sent).toEqual([]);
  });
});

describe('a manual resolution', () => {
  const resolve = (record: number, why: string) => post('/api/record/resolve', { file: deadFileId, record, why });

  it('is in the ledger with who and why', async () => {
    expect((await resolve(9, ' entered by phone ')).status).toBe(202);
    await vi.waitUntil(async () => (await world.fixture.ledger.getDead(deadFileId, 9))?.state === 'resolved');
    expect(await world.fixture.ledger.getDead(deadFileId, 9)).toMatchObject({
      ...{ resolution: 'handled', resolvedBy: 'the operator', resolvedWhy: 'entered by phone' },
    });
    expect((await resolve(9, 'again')).body).toContain('Record 9 is resolved already');
  });

  it('needs a reason', async () => {
    const { status, body } = await resolve(9, '  ');
    expect([status, body]).toEqual([409, expect.stringContaining('what was done about it')]);
    expect((await world.fixture.ledger.getDead(deadFileId, 9))?.state).toBe('dead');
  });
});

describe('an import', () => {
  const csvOf = async (change: (line: string) => string): Promise<string> =>
    (await get('/api/export?feed=traffic')).body.split('\r\n').map(change).join('\r\n');
  const importCsv = (body: string, type = 'text/csv') =>
    askRoom(world.origin, '/api/import', {
      method: 'POST',
      headers: { cookie, origin: world.origin, 'content-type': type },
      body,
    });

  it('shows what the CSV changes before anything is sent, and sends it after confirmation', async () => {
    const csv = await csvOf((line) => line.replace('00,30s,', '00,30,'));
    const preview = JSON.parse((await importCsv(csv)).body) as ImportPreview;
    expect(preview).toMatchObject({ changed: 8, files: 1, unchanged: 4, resolved: 0, faulty: 0 });
    expect(preview.columns).toEqual([
      { column: 'Duration', rows: 8, is_suspicious: false, before: '30s', after: '30' },
    ]);
    expect(world.fixture.sent).toEqual([]);
    const send = (why: string) => post('/api/import/send', { id: preview.id, why });
    expect((await send(' ')).body).toContain('what was corrected');
    expect((await send('no units')).status).toBe(202);
    await vi.waitUntil(() => world.fixture.sent.length === 8);
    expect(world.fixture.sent[0]).toMatchObject({ by: 'the operator', why: 'no units' });
    expect((await send('no units')).status).toBe(409);
  });

  it('lists the rows that would be rejected again', async () => {
    const csv = await csvOf((line) => line.replace('00,30s,Client 4,', '00,thirty,Client 4,'));
    expect(JSON.parse((await importCsv(csv)).body)).toMatchObject({
      ...{ changed: 1, faulty: 1 },
      faults: [{ line: 2, record: 4, fault: 'Duration must be a whole number of seconds' }],
    });
  });

  it('refuses other files, and what a form can send', async () => {
    expect(await importCsv('a,b\r\n1,2\r\n')).toMatchObject({
      status: 409,
      body: expect.stringContaining('The CSV has no columns sluice_file_id') as string,
    });
    for (const type of ['text/plain', 'application/json', 'multipart/form-data']) {
      expect((await importCsv('a', type)).status, type).toBe(415);
    }
    expect((await post('/api/import/send', { id: 'guessed', why: 'a test' })).status).toBe(409);
  });
});

describe('an action', () => {
  const openFile = () => {
    const file = fileAccount({ fileId: 'traffic.open', createdAt: Date.now() });
    world.fixture.ledger.files.set(file.fileId, file);
    return file.fileId;
  };

  it('cancels a file with a reason, and releases it again', async () => {
    const file = openFile();
    expect((await read<FilePage>(`/api/file?id=${file}`)).is_cancellable).toBe(true);
    const { status, body } = await post('/api/cancel', { file, why: 'last week’s log' });
    expect([status, body]).toEqual([200, expect.stringContaining('It is stopped')]);
    const page = await read<FilePage>(`/api/file?id=${file}`);
    expect(page.is_cancellable).toBe(false);
    expect(page.timeline.map(({ text }) => text)).toContain('Cancelled by the operator: last week’s log');
    await world.fixture.ledger.closeFile(file, {
      ...{ state: 'quarantined', manifest: { key: 'm', number: 1 }, figures: [], openLetters: 0 },
      stops: { stop: 1, released: 0 },
    });
    expect((await post('/api/release', { file, why: 'it was right' })).status).toBe(200);
    expect(world.fixture.intake.at(-1)).toMatchObject({ kind: 'reemit', fileId: file });
  });

  it('releases a held revision only with one of the answers that its page offers', async () => {
    const record = { earlier: { fileId: 'traffic.earlier', record: 1 }, identity: ['A'] };
    await world.fixture.addHeldRevision('traffic.held', [{ change: 'changed', record: 1, ...record }]);
    const { held } = (await read<FilePage>('/api/file?id=traffic.held')).release;
    expect(held?.why).toContain('it changes too much');
    expect(held?.choices.map(({ sends, sent }) => [sends, sent])).toEqual([
      ['changes', 'Its 1 changed record is sent.'],
      ['all', 'All 101 valid records are sent, also the 100 that the API has as they are.'],
    ]);
    const refused = await post('/api/release', { file: 'traffic.held', why: 'it is right' });
    expect([refused.status, refused.body]).toEqual([409, expect.stringContaining('--changes: Its 1 changed record')]);
    expect((await post('/api/release', { file: 'traffic.held', why: 'x', sends: 'some' })).status).toBe(400);
    expect(world.fixture.intake).toEqual([]);
    expect((await post('/api/release', { file: 'traffic.held', why: 'x', sends: 'changes' })).status).toBe(200);
    expect(await read<FilePage>('/api/file?id=traffic.held')).toMatchObject({ release: { held: null } });
  });

  it('lets a file go on without the earlier one that it waits for, and says what that means first', async () => {
    const { ledger } = world.fixture;
    const waitsFor = { fileId: 'traffic.earlier', since: 0 };
    ledger.files.set('traffic.earlier', fileAccount({ fileId: 'traffic.earlier', state: 'split' }));
    ledger.files.set('traffic.waiting', fileAccount({ fileId: 'traffic.waiting', state: 'splitting', waitsFor }));
    expect((await optionsOf('traffic.waiting')).without).toMatchObject({
      earlier: 'traffic.earlier',
      sent: expect.stringContaining('Nothing more of') as string,
    });
    expect((await optionsOf('traffic.earlier')).without).toBeNull();
    const wish = { file: 'traffic.waiting', without: 'traffic.earlier', why: 'it hangs' };
    expect((await post('/api/release', { ...wish, without: 'traffic.waiting' })).status).toBe(409);
    expect((await post('/api/release', { ...wish, why: ' ' })).status).toBe(409);
    expect((await post('/api/release', wish)).status).toBe(200);
    expect(world.fixture.intake).toMatchObject([
      { kind: 'reemit', fileId: 'traffic.earlier' },
      { kind: 'continue', fileId: 'traffic.waiting' },
    ]);
    const text = 'traffic.waiting goes on without traffic.earlier, decided by the operator: it hangs';
    for (const id of ['traffic.earlier', 'traffic.waiting']) {
      const page = await read<FilePage>(`/api/file?id=${id}`);
      expect(page.timeline.map((event) => event.text)).toContain(text);
      expect(page.release.without).toBeNull();
    }
  });

  describe('where an earlier revision is in progress, a held one', () => {
    const held = 'traffic.held';
    const earlier = 'traffic.earlier';
    const wish = { file: held, why: 'it is right', sends: 'changes' };
    beforeEach(async () => {
      await world.fixture.addHeldRevision(held, [{ change: 'new', record: 1, identity: ['A'] }]);
      world.fixture.ledger.files.set(earlier, fileAccount({ fileId: earlier, state: 'split' }));
      await world.fixture.putInSeries([earlier, held]);
    });

    it('may be released and go on without it, in one decision', async () => {
      expect(await optionsOf(held)).toMatchObject({
        held: { choices: [{ sends: 'changes' }, { sends: 'all' }] },
        without: { earlier, name: `Go on without ${earlier}` },
      });
      const { status, body } = await post('/api/release', { ...wish, without: earlier });
      expect([status, body]).toEqual([200, expect.stringContaining(`It goes on without ${earlier}`)]);
      const file = world.fixture.ledger.files.get(held);
      expect(file).toMatchObject({ state: 'split', release: { sends: 'changes', why: 'it is right' } });
      expect(file?.decisions).toMatchObject([{ kind: 'release' }, { kind: 'without', newer: held, earlier }]);
      expect(await optionsOf(held)).toEqual({ held: null, without: null });
    });

    it('may go on without it later, when it has been released and waits', async () => {
      expect((await post('/api/release', wish)).status).toBe(200);
      const file = world.fixture.ledger.files.get(held) as FileAccount;
      await world.fixture.ledger.noteWait(file, earlier);
      const { release, verdict } = await read<FilePage>(`/api/file?id=${held}`);
      expect(release).toMatchObject({ held: null, without: { earlier } });
      expect(verdict.text).toContain(`waits for the earlier revision ${earlier} since`);
      expect((await post('/api/release', { file: held, why: 'it hangs', without: earlier })).status).toBe(200);
      expect(world.fixture.ledger.files.get(earlier)?.abandonedFor).toMatchObject({ fileId: held });
      expect((await optionsOf(held)).without).toBeNull();
    });

    it('is not released if it does not wait for the one that is named', async () => {
      const other = await post('/api/release', { ...wish, without: deadFileId });
      expect([other.status, other.body]).toEqual([409, expect.stringContaining('is not an earlier revision of')]);
      const file = world.fixture.ledger.files.get(earlier) as FileAccount;
      Object.assign(file, { state: 'completed', manifest: { key: 'm', number: 1 } });
      expect((await optionsOf(held)).without).toBeNull();
      const closed = await post('/api/release', { ...wish, without: earlier });
      expect([closed.status, closed.body]).toEqual([409, expect.stringContaining('Release it without --without.')]);
      expect(world.fixture.intake).toEqual([]);
      expect(world.fixture.ledger.files.get(held)?.state).toBe('quarantined');
    });
  });

  it('pauses a feed, shows it with every poll, and resumes it', async () => {
    const controls = async () => (await read<RoomState>('/api/snapshot')).controls;
    expect(await controls()).toMatchObject([
      { feed: 'traffic', paused: null, limit: '600 requests in 60 s, as deployed' },
    ]);
    expect((await post('/api/pause', { feed: 'traffic', why: 'the API is down' })).body).toContain(
      'PAUSED by the operator',
    );
    expect((await controls())[0]?.paused).toMatch(/^PAUSED by the operator since .*, because the API is down$/);
    expect((await post('/api/pause', { feed: 'traffic', why: 'again' })).status).toBe(409);
    expect((await post('/api/resume', { feed: 'traffic', why: '' })).status).toBe(200);
    expect((await controls())[0]?.paused).toBeNull();
  });

  it('changes a limit within what is deployed, and resets it', async () => {
    const limit = (requests: number) => post('/api/limit', { feed: 'traffic', requests, why: 'they asked for it' });
    expect((await limit(60)).body).toContain('60 of 600 requests in 60 s, set by the operator');
    expect((await read<RoomState>('/api/snapshot')).controls[0]).toMatchObject({
      is_limit_set: true,
      requests: { now: 60 },
    });
    expect((await limit(601)).status).toBe(409);
    expect((await post('/api/limit/reset', { feed: 'traffic', why: '' })).body).toContain('as deployed');
  });

  it.each(['/api/cancel', '/api/release', '/api/pause', '/api/limit'])('%s needs a reason', async (path) => {
    const file = openFile();
    const wish = path.includes('limit')
      ? { feed: 'traffic', requests: 60 }
      : path === '/api/pause'
        ? { feed: 'traffic' }
        : { file };
    expect((await post(path, wish)).status).toBe(400);
    const { status, body } = await post(path, { ...wish, why: ' ' });
    expect([status, body]).toEqual([409, expect.stringMatching(/State .*why|reason/)]);
    expect(await world.fixture.limiter.listDecisions()).toEqual([]);
    expect((await read<FilePage>(`/api/file?id=${file}`)).is_cancellable).toBe(true);
  });

  it.each(['/api/cancel', '/api/pause', '/api/limit/reset', '/api/record/correct', '/api/import/send'])(
    '%s is available only to the page',
    async (path) => {
      const body = '{}';
      const type = { 'content-type': 'application/json' };
      const ask = (headers: Record<string, string>) => askRoom(world.origin, path, { method: 'POST', headers, body });
      expect((await ask({ ...type, origin: world.origin })).status).toBe(401);
      expect((await ask({ ...type, cookie, origin: 'http://evil.example' })).status).toBe(403);
      expect((await ask({ cookie, origin: world.origin, 'content-type': 'text/plain' })).status).toBe(415);
      expect((await askRoom(world.origin, path, { headers: { cookie } })).status).toBe(405);
    },
  );
});

describe('the list of nights', () => {
  it('names the feed whose log lacks an entry, and still shows the others', async () => {
    addNights(world.fixture, await threeNights());
    for (const key of world.fixture.archive.keys()) {
      if (/^nights\/traffic\/0*2\.json$/.test(key)) world.fixture.archive.delete(key);
    }
    const { nights, faults } = await read<{ nights: unknown[]; faults: string[] }>('/api/nights');
    expect(nights).toEqual([]);
    expect(faults).toEqual([expect.stringContaining('nights/traffic/')]);
  });
});
