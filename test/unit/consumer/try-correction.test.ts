import { beforeEach, describe, expect, it } from 'vitest';
import { tryCorrection } from '../../../lambdas/consumer/try-correction.ts';
import { ContradictionError } from '../../../lambdas/core/errors.ts';
import type { DeadRecord } from '../../../lambdas/core/account/file-account.ts';
import { requestIdOf } from '../../../lambdas/core/records/identity.ts';
import { supersededBy } from '../../../lambdas/core/series/superseded-letter.ts';
import type { CorrectionMessage, Letter } from '../../../lambdas/messages.ts';
import type { SinkAnswer } from '../../../lambdas/ports.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let world: ConsumerWorld;
let fixture: FeedFixture;
let message: CorrectionMessage;

const who = { by: 'ann', why: 'the wrong export' };
const row = { ...rowOf(1), Duration: '30' };
const refused: SinkAnswer = { kind: 'refused', status: 422, answer: 'no such station' };
const failed: SinkAnswer = { kind: 'failed', status: 503, reason: 'http_503', ambiguous: true };

beforeEach(() => begin());

/** A record that was rejected, and a correction of it. @param fault how it failed, if differently */
async function begin(fault: Partial<Letter> = {}): Promise<void> {
  clock = new SimulatedClock();
  fixture = fixtureOf([{ ...row, Duration: '30s' }]);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  const { fileId, sha256 } = fixture;
  const letter = {
    file_id: fileId,
    record: 1,
    letter_id: 'l1',
    timestamp: '2026-01-05T02:00:00.000Z',
    request_id: null,
  };
  const why = { outcome: 'rejected', reason: 'not_an_integer', error: 'Duration must be …', http_status: null };
  await world.ledger.adoptLetter({ ...letter, ...why, ...fault } as Letter, { id: 'm1', sentAt: 1 });
  const tie = { feed: 'traffic', file_id: fileId, record: 1, sha256 };
  const who = { by: 'Ann', at: '2026-01-05T08:00:00.000Z', changed: ['Duration'], failures: 0 };
  message = { v: 1, kind: 'correction', correction_id: 'c1', ...tie, row, ...who };
}

const requestId = () => requestIdOf(['SP-000001', '2026-01-05 06:00:00'], fixture.sha256);

function deliver(correction = message, timeMs = 900_000): Promise<void> {
  const end = clock.now() + timeMs;
  const deadline = { remainingMs: () => end - clock.now(), isDrawingIn: () => end - clock.now() <= 20_000 };
  return clock.run(tryCorrection(correction, { ...world.ports, inTurn: (work) => work() }, deadline));
}

async function dead(): Promise<DeadRecord> {
  return (await world.ledger.getDead(fixture.fileId, 1)) as DeadRecord;
}
const lastOf = async () => (await dead()).history.at(-1);
const amendments = () => world.finalize.filter(({ message: { amend } }) => amend).length;

describe('a corrected row', () => {
  it('that is uploaded resolves the record under the original file’s checksum, and requests an amendment', async () => {
    await deliver();
    expect([...world.api.stored.keys()]).toEqual([requestId()]);
    const resolved = { state: 'resolved', resolution: 'uploaded', resolvedCorrectionId: 'c1', requestId: requestId() };
    expect(await dead()).toMatchObject({
      ...resolved,
      resolvedSaid: { status: 201 },
      correction: { id: 'c1', by: 'Ann', changed: ['Duration'], row },
    });
    expect(amendments()).toBe(1);
    expect(world.sentBack).toEqual([]);
  });

  it('delivered twice is sent once', async () => {
    await deliver();
    await deliver();
    expect(world.api.requests).toHaveLength(1);
    // The first may have died before it asked: asked again, and gathered with that.
    expect(amendments()).toBe(1);
  });

  it('that is still invalid costs no request, and leaves the record dead', async () => {
    await deliver({ ...message, row: { ...row, ClientName: ' ' } });
    expect(world.api.requests).toEqual([]);
    expect(await dead()).toMatchObject({ state: 'dead', outcome: 'rejected' });
    expect(await lastOf()).toMatchObject({ reason: 'blank', status: null, correctionId: 'c1' });
    expect(amendments()).toBe(0);
  });

  it('of a cancelled file is not sent, and leaves the record dead', async () => {
    const quarantine = { number: 1, at: 1, code: 'cancelled', rejected: 0, seen: 1, message: 'Cancelled by ann' };
    Object.assign(world.ledger.files.get(fixture.fileId) as object, { quarantine });
    await deliver();
    expect(world.api.requests).toEqual([]);
    expect(await dead()).toMatchObject({ state: 'dead', outcome: 'rejected' });
    expect(await lastOf()).toMatchObject({ reason: 'file_cancelled', correctionId: 'c1' });
  });

  it('whose file is cancelled while it waits for its turn is not sent', async () => {
    const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      await world.ledger.cancelFile(fixture.fileId, who);
      return work();
    };
    const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };
    await clock.run(tryCorrection(message, { ...world.ports, inTurn }, deadline));
    expect(world.api.requests).toEqual([]);
    expect(await lastOf()).toMatchObject({ reason: 'file_cancelled', correctionId: 'c1' });
  });

  it('whose file is cancelled while it waits for its slot is not sent half a minute later', async () => {
    world.limiter.item = { tat: clock.now() + 120_000 };
    const begunAt = clock.now();
    void clock.sleep(20_000).then(() => world.ledger.cancelFile(fixture.fileId, who));
    await deliver();
    expect(clock.now() - begunAt).toBeLessThanOrEqual(50_000);
    expect(world.api.requests).toEqual([]);
    expect(world.sentBack).toMatchObject([{ letter: { correction_id: 'c1', failures: 0 } }]);
    await deliver();
    expect(world.api.requests).toEqual([]);
    expect(await lastOf()).toMatchObject({ reason: 'file_cancelled', correctionId: 'c1' });
  });

  it('that was sent before its file was cancelled is sent to its end', async () => {
    world.api.fault = (_, nth) => (nth === 1 ? { ...failed } : undefined);
    void clock.sleep(100).then(() => world.ledger.cancelFile(fixture.fileId, who));
    await deliver();
    expect(await dead()).toMatchObject({ state: 'resolved' });
  });

  it('that the API refuses is not sent again, though its message comes twice', async () => {
    world.api.fault = () => refused;
    await deliver();
    expect(await lastOf()).toMatchObject({ outcome: 'refused', reason: 'http_422', status: 422, correctionId: 'c1' });
    await deliver();
    expect(world.api.requests).toHaveLength(1);
    expect((await dead()).history).toHaveLength(2);
  });

  it('may be corrected once more', async () => {
    world.api.fault = (_, nth) => (nth === 1 ? refused : undefined);
    await deliver();
    await deliver({ ...message, correction_id: 'c2', row: { ...row, StationCode: 'KTLA' } });
    expect(await dead()).toMatchObject({ state: 'resolved', resolvedCorrectionId: 'c2' });
    expect([...world.api.stored.values()]).toMatchObject([{ station: 'KTLA' }]);
  });

  it('keeps the send time that identifies a redriven letter', async () => {
    world.api.fault = () => refused;
    await deliver();
    expect(await dead()).toMatchObject({ failedMessageSentAt: 1, messageId: 'm1' });
  });
});

describe('a 409', () => {
  it('to a row that was never sent before is a conflict: what the API holds is unknown', async () => {
    world.api.stored.set(requestId(), { advertiser: 'somebody else' });
    await deliver();
    expect(await dead()).toMatchObject({ state: 'dead' });
    expect(await lastOf()).toMatchObject({ outcome: 'refused', reason: 'conflict', status: 409, correctionId: 'c1' });
    expect(amendments()).toBe(0);
  });

  it('to a row whose consumer was killed after the API accepted it is its own: resolved, with one entry', async () => {
    const resolveDead = world.ledger.resolveDead.bind(world.ledger);
    world.ledger.resolveDead = () => Promise.reject(new Error('killed'));
    await expect(deliver()).rejects.toThrow('killed');
    world.ledger.resolveDead = resolveDead;
    await deliver();
    expect(world.api.requests).toHaveLength(2);
    expect(world.api.stored.size).toBe(1);
    expect(await dead()).toMatchObject({ state: 'resolved', resolvedCorrectionId: 'c1' });
    expect(amendments()).toBe(1);
  });

  it('that may have been sent stays in doubt if its file is cancelled before it comes again', async () => {
    const resolveDead = world.ledger.resolveDead.bind(world.ledger);
    world.ledger.resolveDead = () => Promise.reject(new Error('killed'));
    await expect(deliver()).rejects.toThrow('killed');
    world.ledger.resolveDead = resolveDead;
    await world.ledger.cancelFile(fixture.fileId, who);
    await deliver();
    expect(await lastOf()).toMatchObject({ reason: 'file_cancelled', correctionId: 'c1' });
    await world.ledger.resolveDead(fixture.fileId, 1, supersededBy('traffic.2'));
    const inDoubt = { outcome: 'exhausted', reason: 'superseded', correctionId: 'c1', requestId: requestId() };
    expect(await lastOf()).toMatchObject(inDoubt);
  });

  it('to a row whose own try ended unknown is its own, too', async () => {
    world.api.fault = (_, nth) => (nth === 1 ? 'store-and-fail' : undefined);
    await deliver();
    // The second came while the first may still have been in progress.
    expect(world.api.requests).toHaveLength(3);
    expect(await dead()).toMatchObject({ state: 'resolved', resolvedCorrectionId: 'c1' });
  });

  it('"in progress" makes the row wait and be sent again', async () => {
    world.api.fault = () => ({ kind: 'in-progress', status: 409, retryAfterMs: 50_000 });
    await deliver();
    expect(await dead()).toMatchObject({ state: 'dead' });
    expect(world.sentBack).toMatchObject([{ letter: { failures: 1 } }]);
    expect(world.sentBack[0]?.delaySeconds).toBeGreaterThan(30);
  });

  it('is a conflict if the original record may have been stored under the same id', async () => {
    const id = requestId();
    await begin({ outcome: 'exhausted', reason: 'timed_out', request_id: id });
    world.api.stored.set(id, { advertiser: 'as it was' });
    world.api.fault = (_, nth) => (nth === 1 ? failed : undefined);
    await deliver();
    expect(await dead()).toMatchObject({ state: 'dead' });
    expect(await lastOf()).toMatchObject({ reason: 'conflict', status: 409 });
  });

  it('is its own if the original record had another id', async () => {
    await begin({ outcome: 'exhausted', reason: 'timed_out', request_id: 'another' });
    world.api.fault = (_, nth) => (nth === 1 ? 'store-and-fail' : undefined);
    await deliver();
    expect(await dead()).toMatchObject({ state: 'resolved' });
  });
});

describe('an API that fails', () => {
  it('gets the row again after a while, three times in all; then the row has failed, and the record’s letter remains', async () => {
    world.api.fault = () => failed;
    await deliver();
    for (const failures of [1, 2]) {
      const back = world.sentBack.shift();
      expect(back?.letter).toEqual({ ...message, failures });
      expect(back?.delaySeconds).toBeGreaterThanOrEqual(10);
      expect(await dead()).toMatchObject({ state: 'dead', outcome: 'rejected' });
      await clock.advance((back?.delaySeconds ?? 0) * 1000);
      await deliver(back?.letter as CorrectionMessage);
    }
    expect(world.sentBack).toEqual([]);
    expect(await lastOf()).toMatchObject({ outcome: 'exhausted', reason: 'http_503', status: 503, correctionId: 'c1' });
  });

  it('but stored the row: the next delivery notices, and resolves', async () => {
    world.api.fault = () => 'store-and-fail';
    await deliver();
    const [back] = world.sentBack;
    expect(back?.letter).toEqual({ ...message, failures: 1 });
    world.api.fault = () => undefined;
    await deliver(back?.letter as CorrectionMessage);
    expect(world.api.stored.size).toBe(1);
    expect(await dead()).toMatchObject({ state: 'resolved', resolvedCorrectionId: 'c1' });
  });
});

describe('a row that waits has not failed', () => {
  it('and is returned until the breaker may close, if it is open', async () => {
    await clock.run(world.ports.limiter.openBreaker('outage'));
    await deliver();
    expect(world.api.requests).toEqual([]);
    expect(world.sentBack).toMatchObject([{ letter: message }]);
    expect(world.sentBack[0]?.delaySeconds).toBeGreaterThan(30);
    expect((await dead()).history).toHaveLength(1);
  });

  it('and is returned at once if the function’s time is up', async () => {
    await deliver(message, 20_000);
    expect(world.api.requests).toEqual([]);
    expect(world.sentBack).toMatchObject([{ letter: message, delaySeconds: 1 }]);
  });
});

describe('a row whose record can not be corrected', () => {
  it('because it was resolved meanwhile is not sent; the amendment is requested again', async () => {
    await world.ledger.resolveDead(fixture.fileId, 1, { kind: 'handled', by: 'Bob', why: 'by telephone' });
    await deliver();
    expect(world.api.requests).toEqual([]);
    expect(await dead()).toMatchObject({ resolution: 'handled', resolvedBy: 'Bob' });
    expect(amendments()).toBe(1);
  });

  it('because the ledger does not know its file is treated like a message that can not be processed', async () => {
    await expect(deliver({ ...message, file_id: 'another' })).rejects.toThrow(ContradictionError);
  });
});
