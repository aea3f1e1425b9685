import { createHash, createPublicKey, verify } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { flushAfterProbes } from '../../../lambdas/core/limiter/breaker.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import { amendAfterSeconds, gatherAtMostMs } from '../../../lambdas/core/account/amendment.ts';
import { ContradictionError } from '../../../lambdas/core/errors.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../../lambdas/core/account/manifest.ts';
import type { FinalizerPorts } from '../../../lambdas/finalizer/finalizer-ports.ts';
import { finalizeFile } from '../../../lambdas/finalizer/finalize-file.ts';
import { sendNotices } from '../../../lambdas/notices/send-notices.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import { inMemoryArchive, partsInMemory } from '../../support/in-memory-archive.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld, silentLog } from '../../support/in-memory-ports.ts';
import { localSigner } from '../../support/local-signer.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let world: ConsumerWorld;
let fixture: FeedFixture;
let ports: FinalizerPorts;
let archived: Map<string, Buffer>;
let told: { subject: string; text: string }[];
let events: { type: string; detail: Record<string, unknown> }[];

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = fixtureOf([rowOf(1), { ...rowOf(2), Duration: '30s' }, rowOf(3), rowOf(4), '{"broken']);
  world = consumerWorld(clock, fixture);
  world.api.fault = (request) =>
    request.payload['spot_id'] === 'SP-000003' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
  await putSplitFile(world.ledger, fixture);
  archived = new Map();
  events = [];
  told = [];
  ports = {
    ledger: world.ledger,
    receipts: world.ports.receipts,
    archive: inMemoryArchive(archived),
    ...partsInMemory(archived),
    archiveBucket: 'archive',
    reported: () => ({ sink: 'http', limit: { requests: 600, windowSeconds: 60 } }),
    feedDecisions: async () => [],
    finalize: world.ports.finalize,
    desk: { notify: async (subject, text) => void told.push({ subject, text }) },
    // At once, instead of within a minute.
    mails: { askForMail: (feed) => sendNotices(feed, { ...ports, stackName: 'station' }) },
    metrics: world.ports.metrics,
    events: { publish: async (type, detail) => void events.push({ type, detail }) },
    clock,
    log: silentLog,
    version: '1.2.3',
  };
});

const deliver = () => clock.run(deliverBatch(fixture.message, world.ports, deadline));
const finalize = async (amend = false) => {
  // Like the message that requests it.
  if (amend) await clock.advance(amendAfterSeconds * 1000);
  await finalizeNow(amend);
};
// Not on the simulated clock, which can't wait for zlib; nothing in it sleeps.
const finalizeNow = (amend = false) =>
  finalizeFile({ v: 1, kind: 'finalize', feed: 'traffic', fileId: fixture.fileId, amend }, ports, deadline);
const keyOf = (name: string) => `traffic/2026/01/05/${fixture.fileId}/${name}`;
const manifestNamed = (name: string): Manifest =>
  manifestSchema.parse(JSON.parse(archived.get(keyOf(name))?.toString() ?? 'null'));

describe('a file that was replaced while it was split', () => {
  const deliverAs = (batch: number) =>
    clock.run(deliverBatch({ ...fixture.message, batch, firstRecord: 5 * (batch - 1) + 1 }, world.ports, deadline));

  beforeEach(async () => {
    await deliverAs(1);
    // Its splitter was killed after it had sent a third batch, and before the checkpoint that contains it.
    Object.assign(world.ledger.files.get(fixture.fileId) as object, { state: 'superseded', totalBatches: 2 });
    await deliverAs(3);
  });

  it('waits for every batch in its checkpoint', async () => {
    await finalize();
    expect(archived.size).toBe(0);
  });

  it('has delivered and held records in one account, with a batch past its checkpoint', async () => {
    await deliverAs(2);
    await finalize();
    expect(manifestNamed('manifest.json')).toMatchObject({
      state: 'superseded',
      total_records: 15,
      uploaded_records: 2,
      rejected_records: 2,
      refused_records: 1,
      held_records: 10,
      reconciled: true,
    });
  });
});

describe('a file whose batches are settled', () => {
  beforeEach(deliver);

  it('gets a manifest whose sum is exact', async () => {
    await finalize();
    expect(manifestNamed('manifest.json')).toMatchObject({
      state: 'completed',
      total_records: 5,
      valid_records: 3,
      uploaded_records: 2,
      rejected_records: 2,
      refused_records: 1,
      dead_lettered_records: 3,
      resolved_records: 0,
      reconciled: true,
      checksum: createHash('sha256').update(fixture.message.body).digest('hex'),
      tool_version: '1.2.3',
      errors: [
        {
          record: 2,
          line: 2,
          field: 'Duration',
          reason: 'not_an_integer',
          raw_value: JSON.stringify({ ...rowOf(2), Duration: '30s' }),
        },
        { record: 3, status: 422, reason: 'http_422' },
        { record: 5, reason: 'not_json', field: null },
      ],
      errors_truncated: false,
    });
    expect(world.ledger.files.get(fixture.fileId)).toMatchObject({ state: 'completed', manifest: { number: 1 } });
    expect(events.map((event) => event.type)).toEqual(['file completed']);
  });

  it('names its report by the SHA-256 of the bytes that are stored', async () => {
    await finalize();
    const { archive } = manifestNamed('manifest.json');
    const page = archived.get(archive.report_key ?? '') ?? '';
    expect(page.toString()).toContain('<!doctype html>');
    expect(createHash('sha256').update(page).digest('hex')).toBe(archive.report_sha256);
  });

  it('has no report in its manifest if the report could not be drawn', async () => {
    ports.reported = () => ({
      sink: 'http',
      limit: { requests: NaN, windowSeconds: NaN },
      deadline: { hour: 5, minute: 0, timeZone: 'nowhere' },
    });
    await finalize();
    expect(manifestNamed('manifest.json').archive).toMatchObject({ report_key: null, report_sha256: null });
  });

  it('counts its open dead letters by reason', async () => {
    await finalize();
    expect(manifestNamed('manifest.json').errors_by_reason).toEqual([
      { outcome: 'rejected', reason: 'not_an_integer', records: 1 },
      { outcome: 'refused', reason: 'http_422', records: 1 },
      { outcome: 'rejected', reason: 'not_json', records: 1 },
    ]);
  });

  it.each(['report', 'manifest'])('is closed by the next finalizer if one was killed after its %s', async (last) => {
    const { archive: whole } = ports;
    const putOnce: typeof whole.putOnce = async (key, body, type) => {
      const answer = await whole.putOnce(key, body, type);
      if (key.includes(`/${last}`)) throw new Error('killed');
      return answer;
    };
    ports.archive = { ...whole, putOnce };
    await expect(finalizeNow()).rejects.toThrow('killed');
    ports.archive = whole;
    await clock.advance(60_000);
    await finalizeNow();
    expect([...archived.keys()].filter((key) => /manifest[.0-9]*json$/.test(key))).toEqual([keyOf('manifest.json')]);
    const { archive } = manifestNamed('manifest.json');
    const page = archived.get(archive.report_key ?? '') ?? '';
    expect(createHash('sha256').update(page).digest('hex')).toBe(archive.report_sha256);
  });

  it.each(['receipts.ndjson.gz', 'resolutions'])(
    'is not closed over another object in the place of its %s',
    async (name) => {
      for (const letter of world.letters) await world.ledger.adoptLetter(letter, { id: letter.letter_id, sentAt: 0 });
      await world.ledger.resolveDead(fixture.fileId, 2, { kind: 'handled', by: 'me', why: 'by phone' });
      const has = async (key: string) => {
        if (key.includes(name) && !archived.has(key)) archived.set(key, Buffer.from('other'));
        return archived.has(key);
      };
      ports.archive = { ...ports.archive, has };
      await expect(finalizeNow()).rejects.toThrow(ContradictionError);
      expect(archived.has(keyOf('manifest.json'))).toBe(false);
    },
  );

  it('gets no signature on a manifest with other content, whichever finalizer wrote it', async () => {
    await finalize();
    const planted = { ...manifestNamed('manifest.json'), uploaded_records: 5, rejected_records: 0, refused_records: 0 };
    const signer = localSigner();
    archived.clear();
    archived.set(keyOf('manifest.json'), Buffer.from(JSON.stringify(planted)));
    Object.assign(world.ledger.files.get(fixture.fileId) as object, { state: 'split', manifest: undefined });
    ports.signer = signer;
    await finalizeNow();
    expect(archived.has(keyOf('manifest.json.sig'))).toBe(false);
    expect(archived.has(keyOf('manifest.2.json.sig'))).toBe(true);
    expect(manifestNamed('manifest.2.json')).toMatchObject({
      uploaded_records: 2,
      previous_manifest_sha256: createHash('sha256').update(JSON.stringify(planted)).digest('hex'),
    });
  });

  it('gets its receipts beside it, one line per record', async () => {
    await finalize();
    const lines = gunzipSync(archived.get(keyOf('receipts.ndjson.gz')) as Buffer)
      .toString()
      .trim()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { record: number }).record)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is finalized once, however often that is requested', async () => {
    await finalize();
    await clock.advance(1000);
    await finalize();
    // Receipts, dead letters, manifest, report.
    expect([...archived.keys()]).toHaveLength(4);
    expect(events).toHaveLength(1);
  });

  it.each(['copySource', 'putStream', 'putOnce'] as const)(
    'is finalized by the next message when the first finalizer dies after %s',
    async (method) => {
      const { archive } = ports;
      ports.archive = {
        ...archive,
        [method]: async (...parameters: never[]) => {
          await (archive[method] as (...all: never[]) => Promise<unknown>)(...parameters);
          throw new Error('killed');
        },
      };
      await expect(finalize()).rejects.toThrow('killed');
      expect(world.ledger.files.get(fixture.fileId)?.manifest).toBeUndefined();
      ports.archive = archive;
      await finalize();
      expect(manifestNamed('manifest.json')).toMatchObject({ manifest_number: 1, reconciled: true });
      expect(archived.has(keyOf('manifest.2.json'))).toBe(false);
      expect(world.ledger.files.get(fixture.fileId)?.manifest?.number).toBe(1);
    },
  );

  describe('with a key to sign with', () => {
    const writes = 6;
    beforeEach(() => {
      ports.signer = localSigner();
    });

    it('has a signature beside its manifest', async () => {
      await finalize();
      const { signature } = manifestNamed('manifest.json');
      expect(signature).toMatchObject({ signature_key: keyOf('manifest.json.sig') });
      expect([...archived.keys()].filter((key) => /sig$|pem$/.test(key))).toHaveLength(2);
      // Receipts, dead letters, key, manifest, signature, report.
      expect(archived.size).toBe(writes);
    });

    it.each(Array.from({ length: writes }, (_, n) => n + 1))(
      'is signed by the next message when the first dies after write %i, even if the key has changed',
      async (nth) => {
        const { archive } = ports;
        const putStream: typeof archive.putStream = (...all) => archive.putStream(...all);
        const putOnce: typeof archive.putOnce = (...all) => archive.putOnce(...all);
        let written = 0;
        const dying = <T extends unknown[], R>(write: (...parameters: T) => Promise<R>) => {
          return async (...parameters: T): Promise<R> => {
            const result = await write(...parameters);
            if (++written === nth) throw new Error('killed');
            return result;
          };
        };
        ports.archive = { ...archive, putStream: dying(putStream), putOnce: dying(putOnce) };
        await expect(finalize()).rejects.toThrow('killed');
        ports.archive = archive;
        ports.signer = localSigner();
        await finalize();
        const { key = '' } = world.ledger.files.get(fixture.fileId)?.manifest ?? {};
        const { signature } = manifestSchema.parse(JSON.parse(archived.get(key)?.toString() ?? 'null'));
        const publicKey = createPublicKey(archived.get(signature?.public_key_key ?? '') as Buffer);
        const bytes = archived.get(signature?.signature_key ?? '') as Buffer;
        expect(verify('sha256', archived.get(key) as Buffer, publicKey, bytes)).toBe(true);
        expect(events).toHaveLength(1);
      },
    );

    it('is not closed while the key can’t be used', async () => {
      ports.signer = { ...localSigner(), sign: async () => Promise.reject(new Error('AccessDenied')) };
      await expect(finalize()).rejects.toThrow('AccessDenied');
      expect(world.ledger.files.get(fixture.fileId)?.manifest).toBeUndefined();
    });
  });

  it('is not finalized over receipts that were tampered with', async () => {
    for (const [key, bytes] of world.receipts) world.receipts.set(key, Buffer.concat([bytes, Buffer.from('x')]));
    await expect(finalize()).rejects.toThrow(ContradictionError);
    expect(archived.has(keyOf('manifest.json'))).toBe(false);
  });
});

it('a file is not finalized before its last batch is settled', async () => {
  await finalize();
  expect(archived.size).toBe(0);
});

describe('the figures in the ledger', () => {
  const figures = (number: number) => world.ledger.getManifestFigures(fixture.fileId, number);
  const sha256Of = (name: string) =>
    createHash('sha256')
      .update(archived.get(keyOf(name)) ?? '')
      .digest('hex');

  beforeEach(deliver);

  it('are those of the manifest in the archive, without its lists of records', async () => {
    await finalize();
    const { errors, errors_by_reason, held_ranges, ...summary } = manifestNamed('manifest.json');
    expect([errors.length, errors_by_reason.length, held_ranges.length]).toEqual([3, 3, 0]);
    expect(await figures(1)).toEqual({ ...summary, manifest_sha256: sha256Of('manifest.json') });
  });

  it('are stored with the end of the file, also if the finalizer was killed after the manifest', async () => {
    const closeFile = world.ledger.closeFile.bind(world.ledger);
    world.ledger.closeFile = async () => Promise.reject(new Error('killed'));
    await expect(finalize()).rejects.toThrow('killed');
    expect(await figures(1)).toBeUndefined();
    world.ledger.closeFile = closeFile;
    await finalize();
    expect(await figures(1)).toMatchObject({ total_records: 5, manifest_sha256: sha256Of('manifest.json') });
  });

  it('are also kept for a manifest that did not close the file', async () => {
    await finalize();
    const written = archived.get(keyOf('manifest.json'))?.toString() ?? '';
    archived.set(
      keyOf('manifest.json'),
      Buffer.from(written.replace('"uploaded_records": 2', '"uploaded_records": 1')),
    );
    Object.assign(world.ledger.files.get(fixture.fileId) as object, { state: 'split', manifest: undefined });
    await finalize();
    expect(world.ledger.files.get(fixture.fileId)?.manifest).toMatchObject({ number: 2 });
    expect(await figures(1)).toMatchObject({ uploaded_records: 1, manifest_sha256: sha256Of('manifest.json') });
    expect(await figures(2)).toMatchObject({ uploaded_records: 2, manifest_sha256: sha256Of('manifest.2.json') });
  });
});

it('a duplicate gets a manifest of its own, with no records', async () => {
  const file = world.ledger.files.get(fixture.fileId);
  Object.assign(file as object, { state: 'duplicate', duplicateOf: 'earlier', totalRecords: 0, totalBatches: 0 });
  await finalize();
  expect(manifestNamed('manifest.json')).toMatchObject({
    state: 'duplicate',
    duplicate_of: 'earlier',
    total_records: 0,
    reconciled: true,
    archive: { receipts_key: null },
  });
});

describe('a file in a series', () => {
  const finalizeAs = async (change: object) => {
    const file = world.ledger.files.get(fixture.fileId);
    Object.assign(file as object, change);
    await finalize();
  };

  it('that was sent although its key was dropped before is reported to the desk, once', async () => {
    const message = 'The file a was dropped under the same key before. Set SLUICE_TRAFFIC_SERIES to hold such a file.';
    await deliver();
    await finalizeAs({ warnings: [{ code: 'key_dropped_again', message }] });
    expect(manifestNamed('manifest.json').warnings).toEqual([{ code: 'key_dropped_again', message }]);
    expect(told).toHaveLength(1);
    expect(told[0]?.subject).toContain('dropped again with other bytes, and all of it was sent');
    expect(told[0]?.text).toContain('Set SLUICE_TRAFFIC_SERIES');
    await finalize(true);
    expect(told).toHaveLength(1);
  });

  it('that came after a newer one is reported, with nothing sent', async () => {
    const failure = { code: 'older_revision', message: 'A newer revision of the same series, the file b, came first.' };
    await finalizeAs({ state: 'superseded', failure, totalRecords: 0, totalBatches: 0 });
    expect(manifestNamed('manifest.json')).toMatchObject({ state: 'superseded', total_records: 0, reconciled: true });
    expect(told[0]?.subject).toContain('a newer revision came first');
  });

  it('that is held is reported with what a release would do', async () => {
    const quarantine = {
      at: 1,
      code: 'revision_unknown',
      rejected: 0,
      seen: 0,
      message: 'It is a newer revision of a.',
    };
    await finalizeAs({ quarantine, sentBatches: 0 });
    expect(events[0]?.detail).toMatchObject({ state: 'quarantined', held_records: 5 });
    expect(told[0]?.text).toContain('Every record is sent, also those that the API has.');
  });
});

describe('a letter', () => {
  const send = (record: number, sentAt: number) => {
    const letter = world.letters.find((each) => each.record === record);
    if (!letter) throw new Error(`no letter for record ${record}`);
    return clock.run(
      handleLetter(
        letter,
        { id: `m${sentAt}`, sentAt, receives: 1 },
        { ...world.ports, inTurn: (work) => work() },
        deadline,
      ),
    );
  };

  beforeEach(async () => {
    await deliver();
    await finalize();
    for (const record of [2, 3, 5]) await send(record, 1_000);
  });

  it('that is fresh only passes through, at each of its receives', async () => {
    const requests = world.api.requests.length;
    expect(await send(3, 1_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(await send(3, 1_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(requests);
  });

  it('that is redriven and uploaded amends the account; the first manifest stays unchanged', async () => {
    const first = archived.get(keyOf('manifest.json'));
    world.api.fault = () => undefined;
    expect(await send(3, 2_000)).toEqual({ kind: 'done' });
    expect(world.finalize.at(-1)).toMatchObject({ message: { amend: true } });
    await finalize(true);
    expect(manifestNamed('manifest.2.json')).toMatchObject({
      manifest_number: 2,
      uploaded_records: 3,
      refused_records: 0,
      rejected_records: 2,
      dead_lettered_records: 2,
      resolved_records: 1,
      total_records: 5,
      reconciled: true,
      // A record that was accepted later is not part of the first delivery's rate.
      times: { delivered_records: 2 },
    });
    expect(archived.get(keyOf('manifest.json'))).toBe(first);
    expect(world.ledger.files.get(fixture.fileId)?.manifest).toMatchObject({ number: 2 });
  });

  it('that is redriven after it was resolved is acknowledged', async () => {
    world.api.fault = () => undefined;
    await send(3, 2_000);
    const requests = world.api.requests.length;
    expect(await send(3, 3_000)).toEqual({ kind: 'done' });
    expect(world.api.requests).toHaveLength(requests);
  });

  it('that is refused again costs one request per redrive, and returns to the DLQ', async () => {
    const requests = world.api.requests.length;
    for (let receive = 0; receive < 3; receive++) {
      expect(await send(3, 2_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    }
    expect(world.api.requests).toHaveLength(requests + 1);
    expect(world.ledger.dead.get(`${fixture.fileId}#3`)?.history).toHaveLength(2);
  });

  it('that still fails validation costs no request', async () => {
    const requests = world.api.requests.length;
    expect(await send(2, 2_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(requests);
  });

  it('that meets an open breaker waits as a message of its own', async () => {
    await world.ports.limiter.openBreaker('outage');
    expect(await send(3, 2_000)).toEqual({ kind: 'done' });
    expect(world.sentBack).toMatchObject([{ letter: { record: 3 } }]);
    expect(world.sentBack[0]?.delaySeconds).toBeGreaterThan(50);
  });

  it('that makes the last failed probe gives up no batch', async () => {
    await world.ports.limiter.openBreaker('outage');
    Object.assign(world.limiter.item, { failedProbes: flushAfterProbes - 1, openUntil: 0 });
    world.api.fault = () => ({ kind: 'failed', status: 503, reason: 'http_503', ambiguous: false });
    expect(await send(3, 2_000)).toEqual({ kind: 'done' });
    expect(world.limiter.item.failedProbes).toBe(flushAfterProbes);
    expect(await world.ports.limiter.takeFlush(flushAfterProbes)).toBe(true);
  });

  it('that was resolved by a consumer that then died still amends the account', async () => {
    await world.ledger.resolveDead(fixture.fileId, 3, { kind: 'uploaded', requestId: 'r' });
    expect(await send(3, 2_000)).toEqual({ kind: 'done' });
    expect(world.finalize.at(-1)).toMatchObject({ message: { amend: true } });
    await finalize(true);
    expect(manifestNamed('manifest.2.json')).toMatchObject({
      resolved_records: 1,
      uploaded_records: 3,
      reconciled: true,
    });
    await finalize(true);
    expect(archived.has(keyOf('manifest.3.json'))).toBe(false);
  });

  it('that was stored by a consumer that died before it could record that counts as uploaded', async () => {
    world.api.fault = () => undefined;
    const { ledger } = world.ports;
    const letter = world.letters.find((each) => each.record === 3);
    if (!letter) throw new Error('There is no letter.');
    letter.attempts = 0;
    await ledger.allowLetter(letter);
    const resolveDead = ledger.resolveDead.bind(ledger);
    ledger.resolveDead = () => Promise.reject(new Error('killed'));
    await expect(send(3, 2_000)).rejects.toThrow('killed');
    ledger.resolveDead = resolveDead;
    expect(await send(3, 2_000)).toEqual({ kind: 'done' });
    expect(world.ledger.dead.get(`${fixture.fileId}#3`)).toMatchObject({ state: 'resolved', resolution: 'uploaded' });
  });

  it('whose payload was changed is not evidence, and is not sent', async () => {
    const letter = world.letters.find((each) => each.record === 3);
    if (letter) letter.raw_payload = letter.raw_payload.replace('SP-000003', 'SP-000009');
    const requests = world.api.requests.length;
    expect(await send(3, 2_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(requests);
    expect(world.ledger.dead.get(`${fixture.fileId}#3`)?.history.at(-1)?.reason).toBe('altered');
  });

  it('that is one of many resolved in a row is gathered into few manifests', async () => {
    world.api.fault = () => undefined;
    await send(3, 2_000);
    for (let waited = 0; waited < gatherAtMostMs - 10_000; waited += 10_000) {
      await clock.advance(10_000);
      await world.ledger.requestAmendment(fixture.fileId, gatherAtMostMs * 2);
      const asked = world.finalize.length;
      await finalizeNow(true);
      expect(world.finalize).toHaveLength(asked + 1);
      expect(world.finalize.at(-1)?.delaySeconds).toBeGreaterThan(0);
    }
    expect(archived.has(keyOf('manifest.2.json'))).toBe(false);
    await clock.advance(10_000);
    await finalizeNow(true);
    expect(manifestNamed('manifest.2.json')).toMatchObject({ resolved_records: 1, reconciled: true });
  });

  it('that was settled manually keeps its outcome and is no longer open; who and why are beside the manifest', async () => {
    await world.ledger.resolveDead(fixture.fileId, 5, { kind: 'handled', by: 'ann', why: 'booked by phone' });
    await finalize(true);
    const manifest = manifestNamed('manifest.2.json');
    expect(manifest).toMatchObject({
      rejected_records: 2,
      dead_lettered_records: 2,
      handled_records: 1,
      resolved_records: 0,
      reconciled: true,
    });
    const lines =
      archived
        .get(manifest.archive.resolutions_key ?? '')
        ?.toString()
        .trim()
        .split('\n') ?? [];
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { record: 5, resolution: 'handled', by: 'ann', why: 'booked by phone', history: [{ outcome: 'rejected' }] },
    ]);
  });

  it('that was uploaded has the API’s answer beside the manifest', async () => {
    const said = { status: 409, confirmedBy: '409', answer: 'seen before' } as const;
    await world.ledger.resolveDead(fixture.fileId, 3, { kind: 'uploaded', requestId: 'r', answer: said });
    await finalize(true);
    const key = manifestNamed('manifest.2.json').archive.resolutions_key ?? '';
    expect(JSON.parse(archived.get(key)?.toString() ?? '')).toMatchObject({
      record: 3,
      status: 409,
      confirmed_by: '409',
      api_answer: 'seen before',
    });
  });

  it('is archived as it first failed, whatever happens to it later', async () => {
    const { dead_letters_key: key } = manifestNamed('manifest.json').archive;
    const lines = gunzipSync(archived.get(key ?? '') as Buffer)
      .toString()
      .trim()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { record: number }).record)).toEqual([2, 3, 5]);
  });

  it('amendments are gathered: many resolved letters request one', async () => {
    world.api.fault = () => undefined;
    const before = world.finalize.length;
    await send(3, 2_000);
    await world.ledger.resolveDead(fixture.fileId, 2, { kind: 'uploaded', requestId: null });
    await send(3, 2_000);
    expect(world.finalize).toHaveLength(before + 1);
  });
});
