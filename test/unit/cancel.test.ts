import { beforeEach, describe, expect, it } from 'vitest';
import { cancelFile } from '../../cli/operate/cancel-file.ts';
import { releaseFile } from '../../cli/operate/release-file.ts';
import type { StopPorts } from '../../cli/operate/stop-ports.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { waitingPlaceText } from '../../lambdas/core/account/waiting-place.ts';
import type { Decision } from '../../lambdas/core/limiter/limit-policy.ts';
import type { FinalizeMessage } from '../../lambdas/messages.ts';
import { FileWorld, fileId, perBatch, rowOf } from '../support/file-world.ts';

const rows = 2_000;
const who = { by: 'ann', why: 'the wrong export' };
const lines = Array.from({ length: rows }, (_, index) => rowOf(index + 1));

let world: FileWorld;
let asked: FinalizeMessage[];

beforeEach(() => {
  world = new FileWorld(lines);
  asked = [];
});

function ports(): StopPorts {
  return {
    ledger: world.ledger,
    intakeOf: () => world.splitter.ports.intake,
    finalize: { send: async (message) => void asked.push(message) },
  };
}

const cancel = (why = who.why) => cancelFile(fileId, { ...who, why }, ports());
const release = () => releaseFile(fileId, { by: 'bob', why: 'it is right' }, ports());
const deliver = async (from: number, to: number) => {
  for (const message of world.splitter.sent.slice(from, to)) await world.deliver(message);
};

describe('a file that is cancelled', () => {
  it('before it is read is split to its end, and none of it is queued', async () => {
    world.splitter.onStep = (step) => {
      if (step === 'before ledger.saveSplitProgress') throw new Error('killed');
    };
    await world.split().catch(() => undefined);
    world.splitter.onStep = () => undefined;
    expect(await cancel()).toMatchObject({ kind: 'cancelled', repeated: false });
    expect(world.splitter.intake).toEqual([{ v: 1, kind: 'continue', feed: 'traffic', fileId }]);
    await world.split(false);
    expect(world.splitter.sent).toEqual([]);
    const manifest = await world.finalize();
    expect(manifest).toMatchObject({ state: 'quarantined', held_records: rows, failure: { code: 'cancelled' } });
    world.expectCovered(manifest, rows);
  });

  it('while its splitter reads it for the first time is not queued', async () => {
    world.splitter.onStep = (step) => {
      if (step !== 'before ledger.saveSplitProgress') return;
      world.splitter.onStep = () => undefined;
      void cancel();
    };
    await world.split();
    expect(world.splitter.sent).toEqual([]);
    expect(await world.finalize()).toMatchObject({ state: 'quarantined', held_records: rows });
  });

  it('while its splitter is held back is split on at once', async () => {
    world = new FileWorld(lines, 500);
    await world.split();
    expect(world.file?.heldBackUntil).toBeGreaterThan(world.clock.now());
    const sent = world.splitter.sent.length;
    await cancel();
    expect(world.splitter.intake.at(-1)).toEqual({ v: 1, kind: 'continue', feed: 'traffic', fileId });
    await world.split(false);
    expect(world.splitter.sent).toHaveLength(sent);
    const manifest = await world.finalize();
    expect(manifest).toMatchObject({ state: 'quarantined', held_records: rows, uploaded_records: 0 });
    world.expectCovered(manifest, rows);
  });

  it('has its other records held, and names who stopped it, when and why', async () => {
    await world.split();
    await deliver(0, 5);
    await cancel();
    expect(asked).toEqual([{ v: 1, kind: 'finalize', feed: 'traffic', fileId, amend: false }]);
    const manifest = await world.finalize();
    expect(manifest).toMatchObject({
      state: 'quarantined',
      uploaded_records: 5 * perBatch,
      held_records: rows - 5 * perBatch,
      failure: {
        code: 'cancelled',
        message: expect.stringMatching(/^Cancelled by ann at .+Z: the wrong export$/) as string,
      },
    });
    world.expectCovered(manifest, rows);
    expect(world.notified[0]).toContain('the wrong export');
  });

  it('has the same account when batches arrive after it was closed', async () => {
    await world.split();
    await deliver(0, 5);
    await cancel();
    const before = await world.finalize();
    await deliver(5, 12);
    expect(world.consumer.api.requests).toHaveLength(5 * perBatch);
    const receipts = world.archived.get(before?.archive.receipts_key ?? '');
    await world.ledger.requestAmendment(fileId, 0);
    await world.clock.advance(60_000);
    expect(await world.finalize(true)).toEqual(before);
    expect(world.archived.get(before?.archive.receipts_key ?? '')).toBe(receipts);
  });

  it('is released, cancelled and released again: each closing has its manifest, in one folder', async () => {
    await world.split();
    await deliver(0, 5);
    await cancel();
    const first = await world.finalize();
    expect(await release()).toMatchObject({ kind: 'released', records: rows - 5 * perBatch });
    world.splitter.sent.length = 0;
    await world.reemit();
    await deliver(0, 4);
    expect(await cancel('still wrong')).toMatchObject({ kind: 'cancelled' });
    const second = await world.finalize();
    expect(second).toMatchObject({ manifest_number: 2, state: 'quarantined', uploaded_records: 9 * perBatch });
    expect(second?.failure?.message).toContain('still wrong');
    world.expectCovered(second, rows);
    expect(await release()).toMatchObject({ kind: 'released' });
    world.splitter.sent.length = 0;
    await world.reemit();
    await deliver(0, 20);
    const third = await world.finalize();
    expect(third).toMatchObject({ manifest_number: 3, state: 'completed', uploaded_records: rows, failure: null });
    world.expectCovered(third, rows);
    expect(world.consumer.api.stored.size).toBe(rows);
    expect(world.consumer.api.requests).toHaveLength(rows);
    const folder = first?.archive.manifest_key.replace(/manifest\.json$/, '') ?? '';
    const keys = [first, second, third].map((each) => each?.archive.receipts_key);
    expect(new Set(keys).size).toBe(3);
    for (const key of world.archived.keys()) expect(key.startsWith(folder)).toBe(true);
    expect(world.file?.decisions).toMatchObject([
      { kind: 'cancel', stop: 1, by: 'ann', why: 'the wrong export' },
      { kind: 'release', stop: 1, by: 'bob', why: 'it is right' },
      { kind: 'cancel', stop: 2, by: 'ann', why: 'still wrong' },
      { kind: 'release', stop: 2, by: 'bob', why: 'it is right' },
    ]);
  });

  it('and released with nothing held is closed, although no consumer has anything to do', async () => {
    await world.split();
    await deliver(0, 20);
    const counted = world.file as object;
    // As if every record had ended just when it was stopped.
    Object.assign(counted, {
      quarantine: { number: 1, at: 1, code: 'cancelled', rejected: 0, seen: rows, message: 'x' },
    });
    expect(await world.finalize()).toMatchObject({ state: 'quarantined', held_records: 0, uploaded_records: rows });
    expect(await release()).toMatchObject({ kind: 'released', records: 0 });
    await world.reemit();
    expect(world.splitter.finalize.at(-1)).toMatchObject({ kind: 'finalize', fileId });
    expect(await world.finalize()).toMatchObject({ state: 'completed', uploaded_records: rows });
  });

  it('can be cancelled again by the command that was killed, and by no other', async () => {
    await world.split();
    await cancel();
    expect(await cancel()).toMatchObject({ kind: 'cancelled', repeated: true });
    expect(asked).toHaveLength(2);
    expect(await cancel('another reason')).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('stopped already') as string,
    });
    expect(world.file?.decisions).toHaveLength(1);
  });

  it('is released only after its manifest is written', async () => {
    await world.split();
    await cancel();
    expect(await release()).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('after its manifest') as string,
    });
  });
});

describe('the decisions in a manifest', () => {
  const at = (iso: string) => Date.parse(iso);
  const made: Decision[] = [
    { kind: 'pause', feed: 'traffic', at: at('2025-12-01T00:00:00Z'), policy: 1, by: 'zoe', why: 'long ago' },
    { kind: 'resume', feed: 'traffic', at: at('2025-12-02T00:00:00Z'), policy: 2, by: 'zoe' },
    {
      ...{ kind: 'limit', feed: 'other', at: at('2025-12-03T00:00:00Z'), policy: 3, by: 'zoe', why: 'slow' },
      from: 9,
      to: 3,
    },
  ];

  it('are those about the file, its records, and the limits that were in force', async () => {
    const feedDecisions = async () => made;
    await world.split();
    await deliver(0, 5);
    await cancel();
    const manifest = await world.finalize(false, { feedDecisions });
    expect(manifest?.decisions).toEqual([
      { kind: 'limit', at: '2025-12-03T00:00:00.000Z', by: 'zoe', why: 'slow', from: 9, to: 3 },
      { kind: 'cancel', at: expect.any(String) as string, by: 'ann', why: 'the wrong export', stop: 1 },
    ]);
  });

  it('of an amendment have those about records, and none of the feed that came later', async () => {
    world = new FileWorld([...lines.slice(0, 3), 'no row', 'no row', 'no row']);
    await world.split();
    for (const message of world.splitter.sent) await world.deliver(message);
    expect((await world.finalize())?.decisions).toBeUndefined();
    for (const letter of world.consumer.letters) await world.ledger.adoptLetter(letter, { id: 'm', sentAt: 1 });
    await world.ledger.resolveDead(fileId, 4, { kind: 'handled', by: 'bob', why: 'sent by hand' });
    await world.ledger.resolveDead(fileId, 5, { kind: 'handled', by: 'bob', why: 'sent by hand' });
    const correction = { id: 'c1', by: 'zoe', why: 'typo', at: at('2026-01-06T00:00:00Z'), row: {}, changed: [] };
    await world.ledger.beginCorrection(fileId, 6, correction);
    await world.ledger.resolveDead(fileId, 6, { kind: 'uploaded', requestId: 'r', correction });
    await world.ledger.requestAmendment(fileId, 0);
    await world.clock.advance(60_000);
    const amended = await world.finalize(true, { feedDecisions: async () => made });
    expect(amended?.decisions).toHaveLength(2);
    expect(amended?.decisions).toEqual(
      expect.arrayContaining([
        { kind: 'resolve', at: expect.any(String) as string, by: 'bob', why: 'sent by hand', records: 2 },
        { kind: 'correct', at: '2026-01-06T00:00:00.000Z', by: 'zoe', why: 'typo', records: 1 },
      ]),
    );
  });
});

describe('a batch that is being sent while its file is cancelled', () => {
  /** Twenty requests of five connections, each of ten seconds: 200 seconds. */
  beforeEach(async () => {
    await world.split();
    world.consumer.api.latencyMs = 10_000;
  });

  it('sends nothing half a minute later: the rest is held at once', async () => {
    const begunAt = world.clock.now();
    void world.clock.sleep(20_000).then(() => cancel());
    await deliver(0, 1);
    const { requests, stored } = world.consumer.api;
    const lastMs = Math.max(...requests.map(({ at }) => at)) - begunAt;
    expect(lastMs).toBeGreaterThan(15_000);
    expect(lastMs).toBeLessThan(50_000);
    const manifest = await world.finalize();
    expect(manifest).toMatchObject({ uploaded_records: stored.size, held_records: rows - stored.size });
    expect(stored.size).toBeLessThan(perBatch);
    expect(world.receiptsOf(manifest).filter(({ outcome }) => outcome === 'held')).toHaveLength(perBatch - stored.size);
    world.expectCovered(manifest, rows);
  });

  it('leaves open a record whose answer is unknown, and does not report it as not sent', async () => {
    world.consumer.api.fault = (_, nth) => (nth === 3 ? 'store-and-fail' : undefined);
    void world.clock.sleep(1_000).then(() => cancel());
    await deliver(0, 1);
    expect(await world.finalize()).toBeUndefined();
    const [successor] = world.consumer.successors;
    if (!successor) throw new Error('the batch has no successor');
    await world.clock.advance(successor.delaySeconds * 1000);
    await world.deliver(successor.message);
    const { stored, requests } = world.consumer.api;
    // The one in doubt is asked about, and nothing else is sent.
    expect(requests).toHaveLength(stored.size + 1);
    const manifest = await world.finalize();
    expect(manifest).toMatchObject({ uploaded_records: stored.size, duplicate_records: 0, state: 'quarantined' });
    world.expectCovered(manifest, rows);
  });

  it('is recreated alone if its successor is lost, and the account is then closed', async () => {
    world.consumer.api.fault = (_, nth) => (nth === 3 ? 'store-and-fail' : undefined);
    void world.clock.sleep(1_000).then(() => cancel());
    await deliver(0, 1);
    expect(await world.finalize()).toBeUndefined();
    world.splitter.sent.length = 0;
    await world.clock.advance(120_000);
    await world.reemit();
    expect(world.splitter.sent).toMatchObject([{ batch: 1, attempt: 2 }]);
    await deliver(0, 1);
    const manifest = await world.finalize();
    expect(manifest).toMatchObject({ uploaded_records: world.consumer.api.stored.size, state: 'quarantined' });
    world.expectCovered(manifest, rows);
  });

  it('continues if the ledger can not be read for a while', async () => {
    const { ledger } = world;
    const getFile = ledger.getFile.bind(ledger);
    let looks = 0;
    Object.assign(world.consumer.ports, {
      ledger: {
        ...ledger,
        // The first two reads are of the claim.
        getFile: async (id: string) => {
          if (++looks > 2 && looks < 5) throw new Error('no answer');
          return getFile(id);
        },
      },
    });
    await deliver(0, 1);
    expect(looks).toBeGreaterThan(4);
    expect(world.consumer.api.stored.size).toBe(perBatch);
  });
});

describe('a cancel is refused, with the reason,', () => {
  const refusal = async () => ((await cancel()) as { why?: string }).why;

  it('of a file that does not exist', async () => {
    expect(await refusal()).toBe('There is no file file-1.');
  });

  it('of a completed file', async () => {
    await world.split();
    await deliver(0, 20);
    await world.finalize();
    expect(await refusal()).toContain('every record of it has been processed');
    expect(world.file).not.toHaveProperty('quarantine');
  });

  it('while the finalizer writes the manifest of records that all have their outcome', async () => {
    await world.split();
    await deliver(0, 20);
    let why: string | undefined;
    const archive = world.finalizerPorts.archive;
    const manifest = await world.finalize(false, {
      archive: {
        ...archive,
        copySource: async (source, key) => {
          why = await refusal();
          return archive.copySource(source, key);
        },
      },
    });
    expect(why).toContain('its manifest is being written');
    expect(manifest).toMatchObject({ state: 'completed', uploaded_records: rows });
  });

  it('of a small file in a bundle', async () => {
    await world.split();
    const file = world.file as FileAccount;
    world.ledger.files.set('bundle-1', { ...file, fileId: 'bundle-1' });
    Object.assign(file, { state: 'bundled', bundleId: 'bundle-1' });
    expect(await refusal()).toContain('bundle bundle-1');
    world.ledger.files.delete('bundle-1');
    expect(await refusal()).toBe(waitingPlaceText(file));
  });

  it.each(['failed', 'duplicate', 'superseded', 'quarantined'] as const)('of a file that is %s', async (state) => {
    await world.split();
    Object.assign(world.file as object, { state });
    expect(await refusal()).toMatch(/can't be cancelled: it /);
  });

  it('of an older revision, with the reason, and a release is refused with the same', async () => {
    await world.split();
    const message =
      'A newer revision of the same series, the file traffic.2, came first. Nothing of this file was sent.';
    Object.assign(world.file as object, { state: 'superseded', failure: { code: 'older_revision', message } });
    expect(await refusal()).toBe(
      `${fileId} can't be cancelled: it is superseded; nothing more of it is sent. ${message}`,
    );
    const end = await release();
    expect(end).toEqual({ kind: 'refused', why: `${fileId} can't be released: it is superseded. ${message}` });
  });
});

describe('a finalizer that was running while the file was stopped and released', () => {
  it('closes nothing with its old counts', async () => {
    await world.split();
    await deliver(0, 5);
    await cancel();
    await world.finalize();
    // An amendment that has read the file before the release, and writes after it.
    await world.ledger.requestAmendment(fileId, 0);
    await world.clock.advance(60_000);
    const { archive } = world.finalizerPorts;
    await world.finalize(true, {
      archive: {
        ...archive,
        copySource: async (source, key) => {
          if (world.file?.state === 'quarantined') await release();
          return archive.copySource(source, key);
        },
        getText: async (key) => (key.endsWith('manifest.json') ? undefined : archive.getText(key)),
      },
    });
    expect(world.file).toMatchObject({ state: 'split', release: { stop: 1 } });
  });
});
