import { beforeEach, describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import type { LetterMessage, LetterPorts } from '../../../lambdas/consumer/retry-letter.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import type { DeadRecord, FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { readingOf } from '../../../lambdas/core/account/reading.ts';
import { buriedLetterId } from '../../../lambdas/core/dead-letters/letter-of.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import { supersededBy } from '../../../lambdas/core/series/superseded-letter.ts';
import type { Letter } from '../../../lambdas/messages.ts';
import type { SinkAnswer } from '../../../lambdas/ports.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

let clock: SimulatedClock;
let world: ConsumerWorld;
let ports: LetterPorts;
let letter: Letter;
/** How often the letter was noted. */
let noted: number;

beforeEach(async () => {
  clock = new SimulatedClock();
  const fixture = fixtureOf([rowOf(1)]);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  world.api.fault = (_, nth) => (nth === 1 ? { kind: 'refused', status: 422, answer: 'no' } : undefined);
  await clock.run(deliverBatch(fixture.message, world.ports, deadline));
  [letter] = world.letters as [Letter];
  noted = 0;
  const adopt = world.ledger.adoptLetter.bind(world.ledger);
  world.ledger.adoptLetter = (...given) => (noted++, adopt(...given));
  ports = { ...world.ports, inTurn: (work) => work() };
});

const receive = (message: LetterMessage) => clock.run(handleLetter(letter, message, ports, deadline));
const first: LetterMessage = { id: 'm1', sentAt: 100, receives: 1 };

describe('a letter on its way to the DLQ', () => {
  it('is recorded at its first receive, read at those that follow, and returned each time', async () => {
    for (const receives of [1, 2, 3]) {
      expect(await receive({ ...first, receives })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    }
    expect(noted).toBe(1);
    expect(world.api.requests).toHaveLength(1);
  });

  it('is recorded at a later receive if the first was killed before', async () => {
    expect(await receive({ ...first, receives: 2 })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(await world.ledger.getDead(letter.file_id, letter.record)).toMatchObject({ messageId: 'm1' });
  });

  it('is retried when it is redriven, however often its message was received', async () => {
    await receive(first);
    expect(await receive({ ...first, sentAt: 200, receives: 4 })).toEqual({ kind: 'done' });
    expect(world.api.stored.size).toBe(1);
    expect(await world.ledger.getDead(letter.file_id, letter.record)).toMatchObject({ state: 'resolved' });
  });

  it('is surplus beside the letter that stands for the record, at every receive', async () => {
    await receive(first);
    // As of an attempt that was killed between this letter and its progress.
    const { letter_id: _id, ...unnoted } = letter;
    [letter] = (await world.ledger.noteLetters(letter.file_id, 'another', [unnoted])) as [Letter];
    for (const receives of [1, 2]) expect(await receive({ ...first, receives })).toEqual({ kind: 'done' });
    expect(world.api.requests).toHaveLength(1);
  });

  it('of a record that was uploaded meanwhile is done, recorded or not', async () => {
    await receive(first);
    await receive({ id: 'm2', sentAt: 200, receives: 1 });
    expect(await receive({ id: 'm2', sentAt: 200, receives: 2 })).toEqual({ kind: 'done' });
    expect(world.api.requests).toHaveLength(2);
  });
});

describe('a redriven letter of a file that is cancelled', () => {
  it('is returned to the DLQ without a request, as long as the file is not released', async () => {
    await receive(first);
    const file = world.ledger.files.get(letter.file_id) as FileAccount;
    const quarantine = {
      number: 1,
      at: 1,
      code: 'cancelled' as const,
      rejected: 0,
      seen: 1,
      message: 'Cancelled by ann',
    };
    Object.assign(file, { quarantine });
    const sent = world.api.requests.length;
    expect(await receive({ ...first, sentAt: 200 })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(sent);
    expect(await deadRecord()).toMatchObject({ state: 'dead', outcome: 'refused' });
    expect((await deadRecord()).history.at(-1)).toMatchObject({ reason: 'file_cancelled', status: null });
    Object.assign(file, { release: { at: 2, by: 'bob', why: 'right', stop: 1 } });
    expect(await receive({ ...first, sentAt: 300 })).toEqual({ kind: 'done' });
    expect(await deadRecord()).toMatchObject({ state: 'resolved', resolution: 'uploaded' });
  });

  it('is settled all the same if a newer revision has taken over: nothing can be released', async () => {
    await receive(first);
    await world.ledger.cancelFile(letter.file_id, { by: 'ann', why: 'wrong day' });
    Object.assign(world.ledger.files.get(letter.file_id) ?? {}, { supersededBy: { fileId: 'traffic.2', at: 1 } });
    expect(await receive({ ...first, sentAt: 200 })).toEqual({ kind: 'done' });
    expect(await world.ledger.getDead(letter.file_id, letter.record)).toMatchObject({
      state: 'resolved',
      resolution: 'handled',
      resolvedWhy: 'not sent: the file traffic.2 is a newer revision',
    });
    expect(world.api.requests).toHaveLength(1);
  });

  it('stays in doubt if it may have been sent before', async () => {
    await receive(first);
    // As of a record that was given up in an outage, before a request was made for it.
    Object.assign(world.ledger.dead.get(`${letter.file_id}#1`) ?? {}, { outcome: 'exhausted' });
    Object.assign(world.ledger.files.get(letter.file_id) ?? {}, { series: { id: 'traffic.s' } });
    const resolveDead = world.ledger.resolveDead.bind(world.ledger);
    world.ledger.resolveDead = () => Promise.reject(new Error('killed'));
    await expect(receive({ ...first, sentAt: 200 })).rejects.toThrow('killed');
    world.ledger.resolveDead = resolveDead;
    await world.ledger.cancelFile(letter.file_id, { by: 'ann', why: 'wrong day' });
    await receive({ ...first, sentAt: 200 });
    expect((await deadRecord()).history.at(-1)).toMatchObject({ outcome: 'exhausted', reason: 'file_cancelled' });
    await world.ledger.resolveDead(letter.file_id, 1, supersededBy('traffic.2'));
    const inDoubt = { outcome: 'exhausted', reason: 'superseded', requestId: letter.request_id };
    expect((await deadRecord()).history.at(-1)).toMatchObject(inDoubt);
  });

  it('that waits for its slot is not sent half a minute later', async () => {
    await receive(first);
    const sent = world.api.requests.length;
    world.limiter.item = { ...world.limiter.item, tat: clock.now() + 120_000 };
    const begunAt = clock.now();
    const who = { by: 'ann', why: 'the wrong export' };
    // A newer revision must know which tries may be stored.
    Object.assign(world.ledger.files.get(letter.file_id) ?? {}, { series: { id: 'traffic.s' } });
    void clock.sleep(20_000).then(() => {
      Object.assign(world.ledger.files.get(letter.file_id) as FileAccount, { closing: -1, state: 'split' });
      return world.ledger.cancelFile(letter.file_id, who);
    });
    expect(await receive({ ...first, sentAt: 200 })).toEqual({ kind: 'done' });
    expect(clock.now() - begunAt).toBeLessThanOrEqual(50_000);
    expect(world.sentBack).toMatchObject([{ letter: { letter_id: letter.letter_id } }]);
    expect(world.api.requests).toHaveLength(sent);
    expect((await deadRecord()).tries).toBeUndefined();
  });

  it('is noted as tried shortly before its request, and not if a person resolves it while it waits', async () => {
    await receive(first);
    const sent = world.api.requests.length;
    world.limiter.item = { ...world.limiter.item, tat: clock.now() + 120_000 };
    Object.assign(world.ledger.files.get(letter.file_id) ?? {}, { series: { id: 'traffic.s' } });
    void clock
      .sleep(20_000)
      .then(() => world.ledger.resolveDead(letter.file_id, 1, { kind: 'handled', by: 'ann', why: 'booked by phone' }));
    expect(await receive({ ...first, sentAt: 200 })).toEqual({ kind: 'done' });
    expect(world.api.requests).toHaveLength(sent);
    expect(await deadRecord()).toMatchObject({ state: 'resolved', resolution: 'handled' });
    expect((await deadRecord()).tries).toBeUndefined();
  });

  it('is retried if the file was stopped for its rejects: only a cancellation forbids sending', async () => {
    await receive(first);
    const quarantine = { number: 1, at: 1, rejected: 1, seen: 1, message: 'too many' };
    Object.assign(world.ledger.files.get(letter.file_id) as FileAccount, { quarantine });
    expect(await receive({ ...first, sentAt: 200 })).toEqual({ kind: 'done' });
  });
});

describe('a record of a revision', () => {
  const isRead = ({ dialect, limits }: FileAccount) => readingOf(dialect ?? fail(), limits, ports.feed);
  const fail = (): never => {
    throw new Error('It has no dialect.');
  };
  const none = { unchanged: 0, changed: 0, added: 1, removed: 0 };
  const base = {
    fileId: 'traffic.0',
    records: 1,
    manifest: 1,
    checksum: 'a'.repeat(64),
    receipts: { key: 'k', sha256: 's' },
  };

  async function redrive(is: Partial<Letter>, reading: (file: FileAccount) => string): Promise<void> {
    const file = world.ledger.files.get(letter.file_id) as FileAccount;
    Object.assign(file, {
      revision: { bases: [base], counts: none, supersedes: true, taken: true },
      reading: reading(file),
    });
    letter = { ...letter, ...is };
    await world.ledger.adoptLetter(letter, { id: 'm1', sentAt: 100 });
    await receive({ ...first, sentAt: 200 });
  }

  /** It has a letter without a request id: its consumers were killed, so it was not prepared. */
  const redriveBuried = (reading: (file: FileAccount) => string) =>
    redrive({ letter_id: buriedLetterId(letter.file_id, 1), request_id: null, attempts: 0 }, reading);

  it('is sent under the request id with which it was compared', async () => {
    await redrive({}, () => 'other rules');
    expect(await deadRecord()).toMatchObject({ state: 'resolved' });
  });

  it('is not sent if the rules have changed its identity since: with this one, it was not compared', async () => {
    await redrive({ request_id: 'b'.repeat(64) }, isRead);
    expect(world.api.stored.size).toBe(0);
    expect((await deadRecord()).history.at(-1)).toMatchObject({ reason: 'earlier_unknown' });
  });

  it('is sent by the rules by which it was compared, if it was buried', async () => {
    await redriveBuried(isRead);
    expect(await deadRecord()).toMatchObject({ state: 'resolved' });
  });

  it('is not sent if it was buried, and the rules have changed since: the splitter may not have known its identity', async () => {
    await redriveBuried(() => 'other rules');
    expect(world.api.stored.size).toBe(0);
    expect((await deadRecord()).history.at(-1)).toMatchObject({ reason: 'earlier_unknown' });
  });
});

const deadRecord = async () => (await world.ledger.getDead(letter.file_id, 1)) as DeadRecord;
const alteredOf = () => world.ledger.listAltered('traffic', 10);

describe('a letter that comes back altered', () => {
  beforeEach(() => receive(first));

  const other = JSON.stringify({ ...rowOf(1), Duration: '60' });
  it.each<[string, Partial<Letter>]>([
    ['payload and hash, so that it agrees with itself', { raw_payload: other, sha256: sha256Of(other) }],
    ['payload', { raw_payload: other }],
    ['payload, as base64', { raw_payload: Buffer.from(other).toString('base64'), raw_encoding: 'base64' }],
    ['hash', { sha256: 'f'.repeat(64) }],
    ['offset', { offset: 7 }],
    ['line', { line: 9 }],
    ['length', { length: 3 }],
    ['batch', { batch: 2 }],
    ['attempts: whether it may have been sent', { attempts: 0 }],
    ['request id', { request_id: 'a'.repeat(64) }],
    ['reason', { reason: 'source_gone' }],
    ['sentence', { error: 'it is all right' }],
    ['outcome', { outcome: 'rejected' }],
    ['API answer', { api_answer: 'yes' }],
    ['source', { source_file: 's3://elsewhere/x', source_version_id: 'v9' }],
    ['letter id', { letter_id: 'mine' }],
    ['feed', { feed: 'maintenance' }],
  ])('in its %s is not retried and changes no account', async (_, change) => {
    const [before, { requests }] = [await deadRecord(), world.api];
    letter = { ...letter, ...change };
    for (const receives of [1, 2, 3]) {
      expect(await receive({ id: 'm2', sentAt: 200, receives })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    }
    expect(requests).toHaveLength(1);
    const { history, historyVersion, ...after } = await deadRecord();
    expect(historyVersion).toBe(1);
    expect({ ...after, history: before.history }).toEqual(before);
    expect(history.slice(before.history.length)).toMatchObject([{ reason: 'altered', outcome: before.outcome }]);
    expect(world.finalize.filter(({ message }) => message.amend)).toEqual([]);
    expect(await alteredOf()).toMatchObject([{ fileId: letter.file_id, record: 1, messageId: 'm2' }]);
  });

  it.each<[string, Partial<Letter>]>([
    ['a record that never was dead', { record: 2 }],
    ['a record beyond the file', { record: 1_000_000 }],
    ['a file that nobody knows', { file_id: 'e'.repeat(24) }],
    ['another feed’s file', { file_id: `maintenance.${'e'.repeat(24)}` }],
  ])('as one about %s is not retried, and creates no dead record', async (_, change) => {
    letter = { ...letter, ...change };
    // With a key, as the splitter claims files.
    const file = world.ledger.files.get(letter.file_id);
    if (file) file.messageKey = '00'.repeat(32);
    expect(await receive({ id: 'm2', sentAt: 200, receives: 1 })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(await receive({ id: 'm3', sentAt: 300, receives: 1 })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(1);
    expect([...world.ledger.dead.values()].map(({ record }) => record)).toEqual([1]);
    expect(await alteredOf()).toHaveLength(1);
  });

  it('does not prevent the true letter from being retried', async () => {
    const genuine = letter;
    letter = { ...letter, raw_payload: other, sha256: sha256Of(other) };
    await receive({ id: 'm2', sentAt: 200, receives: 1 });
    letter = genuine;
    expect(await receive({ id: 'm3', sentAt: 300, receives: 1 })).toEqual({ kind: 'done' });
    expect([...world.api.stored.values()]).toMatchObject([{ duration_sec: 30 }]);
    expect(await deadRecord()).toMatchObject({
      state: 'resolved',
      resolution: 'uploaded',
      resolvedSaid: { status: 201 },
    });
  });

  it('leaves the history of a resolved record unchanged: manifests contain it', async () => {
    await receive({ id: 'm2', sentAt: 200, receives: 1 });
    const { history } = await deadRecord();
    letter = { ...letter, raw_payload: other, sha256: sha256Of(other) };
    await receive({ id: 'm3', sentAt: 300, receives: 1 });
    expect(await deadRecord()).toMatchObject({ state: 'resolved', history });
    expect(await alteredOf()).toHaveLength(1);
  });

  it('in many ways removes no attempt from the history', async () => {
    for (let nth = 0; nth < 60; nth++) {
      letter = { ...letter, error: `altered ${nth}` };
      await receive({ id: `a${nth}`, sentAt: 200 + nth, receives: 1 });
    }
    const { history } = await deadRecord();
    expect(history[0]).toMatchObject({ reason: 'http_422' });
    expect(history).toHaveLength(6);
  });
});

describe('a consumer that is killed between recording and sending a letter', () => {
  it('leaves a record of it without a letter, and the letter of the next attempt stands for the record', async () => {
    const fixture = fixtureOf([rowOf(7)]);
    await putSplitFile(world.ledger, fixture);
    world.api.fault = () => ({ kind: 'refused', status: 422, answer: 'no' });
    const sendLetters = world.ports.letters.sendLetters.bind(world.ports.letters);
    world.ports.letters.sendLetters = () => Promise.reject(new Error('killed'));
    await expect(clock.run(deliverBatch(fixture.message, world.ports, deadline))).rejects.toThrow('killed');
    world.ports.letters.sendLetters = sendLetters;
    await clock.run(deliverBatch(fixture.message, world.ports, deadline));
    letter = world.letters.at(-1) as Letter;
    await receive({ id: 'm7', sentAt: 100, receives: 1 });
    world.api.fault = () => undefined;
    expect(await receive({ id: 'm8', sentAt: 200, receives: 1 })).toEqual({ kind: 'done' });
    expect(await world.ledger.getDead(fixture.fileId, 1)).toMatchObject({ state: 'resolved' });
  });
});

describe('a redriven letter whose record the API', () => {
  const redriven: LetterMessage = { id: 'm2', sentAt: 200, receives: 1 };
  const history = async () => (await world.ledger.getDead(letter.file_id, letter.record))?.history ?? [];
  const hung: SinkAnswer = { kind: 'failed', status: null, reason: 'headers_timeout', ambiguous: true };
  beforeEach(() => receive(first));

  it('answers 409 "version conflict" is not a duplicate: it has failed again, with the answer', async () => {
    world.api.fault = () => ({ kind: 'refused', status: 409, answer: 'version conflict' });
    expect(await receive(redriven)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect((await history()).at(-1)).toMatchObject({ outcome: 'refused', reason: 'conflict', status: 409 });
    expect((await history()).at(-1)?.error).toContain('version conflict');
  });

  it('leaves without an answer is sent again when no try can be in progress any more', async () => {
    world.api.fault = () => hung;
    const end = await receive(redriven);
    const lastAt = world.api.requests.at(-1)?.at ?? 0;
    expect(end.kind).toBe('back');
    const afterSeconds = end.kind === 'back' ? end.visibleAfterSeconds : 0;
    expect(clock.now() + afterSeconds * 1000 - lastAt).toBeGreaterThan(30_000);
  });

  it('says is in progress is not resolved by that', async () => {
    world.api.fault = () => ({ kind: 'in-progress', status: 409 });
    expect(await receive(redriven)).toMatchObject({ kind: 'back' });
    expect((await history()).at(-1)).toMatchObject({ outcome: 'exhausted', reason: 'in_progress', status: 409 });
    world.api.fault = () => undefined;
    expect(await receive({ ...redriven, receives: 2 })).toEqual({ kind: 'done' });
    expect(world.api.stored.size).toBe(1);
  });
});
