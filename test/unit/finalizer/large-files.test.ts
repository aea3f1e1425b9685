import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { verifyFile } from '../../../cli/verify/verify-file.ts';
import { closingStateKey } from '../../../lambdas/core/account/archive-keys.ts';
import { gatherAtMostMs } from '../../../lambdas/core/account/amendment.ts';
import { ContradictionError } from '../../../lambdas/core/errors.ts';
import { finalizeFile } from '../../../lambdas/finalizer/finalize-file.ts';
import type { FinalizerPorts } from '../../../lambdas/finalizer/finalizer-ports.ts';
import type { Deadline } from '../../../lambdas/runtime/deadline.ts';
import { LargeFile, receiptsOfBatch, sourceBytes } from '../../support/large-file.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { noDeadline } from '../../support/splitter-world.ts';
import { SyntheticAccount } from '../../support/synthetic-account.ts';

const batches = Array.from({ length: 12 }, (_, nth) => nth + 1);
/** The time of an invocation is over as soon as something is saved. */
const atOnce: Deadline = { remainingMs: () => 900_000, isDrawingIn: () => true };

class Killed extends Error {}

/** @param at is called before and after each call; from the one at which it throws on, nothing of the process happens */
function dying(ports: FinalizerPorts, at: () => void): FinalizerPorts {
  let isDead = false;
  const step = () => {
    if (isDead) throw new Killed();
    try {
      at();
    } catch (error) {
      isDead = true;
      throw error;
    }
  };
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        // What only lists changes nothing.
        if (typeof method !== 'function' || ['listBatches', 'listDead'].includes(String(name))) return method;
        return async (...all: unknown[]): Promise<unknown> => {
          step();
          const answer = (await Reflect.apply(method, target, all)) as unknown;
          step();
          return answer;
        };
      },
    });
  const { ledger, archive, uploads, states, finalize, events } = ports;
  return {
    ...ports,
    ...{ ledger: wrap(ledger), archive: wrap(archive), uploads: wrap(uploads), states: wrap(states) },
    ...{ finalize: wrap(finalize), events: wrap(events) },
  };
}

/** Closes a file whose first finalizer is killed at that step. @returns whether there was such a step */
async function closeKilledAt(nth: number, file: LargeFile, deadline: Deadline): Promise<boolean> {
  let steps = 0;
  const at = () => {
    if (++steps === nth) throw new Killed();
  };
  for (let isKilled = false; ;) {
    const message = await file.receive();
    if (!message) return isKilled;
    try {
      await finalizeFile(message, isKilled ? file.ports : dying(file.ports, at), deadline);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      isKilled = true;
      // Its message is visible again after the function's time.
      file.send(message, 965);
    }
  }
}

async function closed(make: () => LargeFile = () => new LargeFile(batches)): Promise<LargeFile> {
  const file = make();
  await file.closeAll();
  return file;
}

describe('a file whose receipts fill several parts', () => {
  it('is closed by several invocations with the account that one would make', async () => {
    const inOnePart = new LargeFile(batches);
    await inOnePart.closeAll({
      ...inOnePart.ports,
      partSizes: { ...inOnePart.ports.partSizes, receipts: () => Infinity },
    });
    const file = new LargeFile(batches);
    expect(await file.closeAll(file.ports, atOnce)).toBeGreaterThan(4);
    expect(file.manifest).toMatchObject({ state: 'completed', reconciled: true, total_records: 48 });
    const receiptsOf = (each: LargeFile) => each.archived.get(each.manifest.archive.receipts_key ?? '');
    expect(receiptsOf(file)).toEqual(receiptsOf(inOnePart));
    expect(file.manifest).toMatchObject({
      ...inOnePart.manifest,
      // Other members, of the same lines; and another report, of another time.
      archive: { receipts_sha256: inOnePart.manifest.archive.receipts_sha256 },
      times: { first_upload: inOnePart.manifest.times.first_upload, delivered_records: 32 },
    });
    const deadLettersOf = (each: LargeFile) =>
      gunzipSync(each.archived.get(each.manifest.archive.dead_letters_key ?? '') ?? '').toString();
    expect(deadLettersOf(file)).toEqual(deadLettersOf(inOnePart));
    expect(file.uploads.open.size).toBe(0);
    expect(file.file).not.toHaveProperty('progressOfClosing');
    expect(file.file).not.toHaveProperty('leaseOwner');
  });

  it.each([
    ['in one invocation', noDeadline],
    ['in one invocation per part', atOnce],
  ])('has the same account wherever its finalizer is killed %s', async (_, deadline) => {
    const some = batches.slice(0, 8);
    const unkilled = (await closed(() => new LargeFile(some))).account;
    let kills = 0;
    for (let nth = 1; ; nth++) {
      const file = new LargeFile(some);
      if (!(await closeKilledAt(nth, file, deadline))) break;
      expect(file.account, `killed at step ${nth}`).toEqual(unkilled);
      expect(file.archived.get(file.manifest.archive.source_key ?? '')).toEqual(sourceBytes);
      // One that was begun and not yet noted has no parts; the bucket's lifecycle rule aborts it.
      for (const { parts } of file.uploads.open.values()) expect(parts.size).toBe(0);
      kills++;
    }
    expect(kills).toBeGreaterThan(100);
  });
});

describe('two finalizers of a large file', () => {
  it('make one account, and the one without the lease comes back later', async () => {
    const file = new LargeFile(batches);
    file.ask();
    const run = async () => {
      const message = await file.receive();
      if (message) await finalizeFile(message, file.ports, noDeadline);
    };
    await Promise.all([run(), run()]);
    await file.closeAll();
    expect(file.account).toEqual((await closed()).account);
    expect(file.uploads.open.size).toBe(0);
  });

  it('do not disturb each other if the first one wakes up after its lease, in the middle of a part', async () => {
    const file = new LargeFile(batches);
    let reads = 0;
    const ports = {
      ...file.ports,
      receipts: {
        ...file.ports.receipts,
        getReceipts: async (key: string) => {
          // The process is frozen while another one takes over, and closes the file.
          if (key.endsWith('/9') && ++reads === 1) {
            await file.clock.advance(61_000);
            file.ask();
            await file.closeAll();
          }
          return file.ports.receipts.getReceipts(key);
        },
      },
    };
    const message = await file.receive();
    if (message) await finalizeFile(message, ports, noDeadline);
    expect(reads).toBeGreaterThan(0);
    await file.closeAll();
    expect(file.account).toEqual((await closed()).account);
    expect(file.file?.manifest?.number).toBe(1);
  });

  it('renew the lease, so that a long part is not taken over', async () => {
    const file = new LargeFile(batches);
    let taken = 0;
    const ports = {
      ...file.ports,
      partSizes: { ...file.ports.partSizes, receipts: (nth: number) => (nth === 1 ? 1 : 4_000) },
    };
    const { ledger, receipts } = file.ports;
    ports.ledger = { ...ledger, takeClosing: (...all) => (taken++, ledger.takeClosing(...all)) };
    ports.receipts = {
      ...ports.receipts,
      getReceipts: async (key) => {
        await file.clock.advance(25_000);
        return receipts.getReceipts(key);
      },
    };
    const message = await file.receive();
    if (message) await finalizeFile(message, ports, noDeadline);
    expect(taken).toBe(1);
    expect(file.file?.leaseUntil).toBeUndefined();
    await file.closeAll();
    expect(file.account).toMatchObject({ reconciled: true });
  });
});

describe('what a finalizer finds of an earlier one', () => {
  /** A file of which some parts are stored. */
  async function begun(): Promise<LargeFile> {
    const file = new LargeFile(batches);
    for (let invocation = 0; invocation < 3; invocation++) {
      const message = await file.receive();
      if (message) await finalizeFile(message, file.ports, atOnce);
    }
    expect(file.file?.progressOfClosing?.state).toBeDefined();
    return file;
  }
  const stateOf = (file: LargeFile) => closingStateKey(file.fileId, file.file?.progressOfClosing?.state ?? '');

  it.each<[string, (file: LargeFile) => void]>([
    ['of another version', (file) => plant(file, (state) => ({ ...state, v: 2 }))],
    ['that is gone', (file) => file.states.delete(stateOf(file))],
    ['whose bytes are others', (file) => file.states.set(stateOf(file), Buffer.from('{"v":1}'))],
    ['whose request ids are gone', (file) => lose(file, 'ids')],
    ['whose dead letters are gone', (file) => lose(file, 'rest')],
    ['of another account', (file) => Object.assign(file.file?.progressOfClosing ?? {}, { of: 'before a release' })],
  ])('is not continued if it is a state %s: all is counted again, and no upload remains', async (_, spoil) => {
    const file = await begun();
    const before = [...file.uploads.open.keys()];
    spoil(file);
    await file.closeAll();
    expect(file.account).toEqual((await closed()).account);
    for (const id of before) expect(file.uploads.open.has(id)).toBe(false);
    expect(file.uploads.open.size).toBe(0);
  });

  it('leaves no part behind wherever the one that begins again is killed', async () => {
    for (let nth = 1; ; nth++) {
      const file = await begun();
      file.states.delete(stateOf(file));
      if (!(await closeKilledAt(nth, file, noDeadline))) break;
      expect(file.manifest).toMatchObject({ state: 'completed', reconciled: true });
      for (const { parts } of file.uploads.open.values()) expect(parts.size, `killed at step ${nth}`).toBe(0);
    }
  });

  it('is counted again if its upload was aborted', async () => {
    const file = await begun();
    file.uploads.open.clear();
    await file.closeAll();
    expect(file.account).toEqual((await closed()).account);
  });

  it('is no account if other receipts are in its place', async () => {
    const file = new LargeFile(batches);
    const [key = ''] = [...(await closed()).archived.keys()].filter((each) => each.includes('receipts'));
    file.archived.set(key, Buffer.from('other'));
    await expect(file.closeAll()).rejects.toThrow(ContradictionError);
    expect(file.file?.manifest).toBeUndefined();
  });

  /** The ledger names a state of other content. */
  function plant(file: LargeFile, change: (state: Record<string, unknown>) => unknown): void {
    const state = JSON.parse(file.states.get(stateOf(file))?.toString() ?? '{}') as Record<string, unknown>;
    const bytes = Buffer.from(JSON.stringify(change(state)));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    file.states.set(closingStateKey(file.fileId, sha256), bytes);
    Object.assign(file.file?.progressOfClosing ?? {}, { state: sha256 });
  }

  function lose(file: LargeFile, name: 'ids' | 'rest'): void {
    const state = JSON.parse(file.states.get(stateOf(file))?.toString() ?? '{}') as Record<string, string>;
    expect(file.states.delete(closingStateKey(file.fileId, state[name] ?? ''))).toBe(true);
  }
});

describe('a large file that was stopped', () => {
  const stop = { at: 0, number: 1, rejected: 0, seen: 0, message: 'wrong' };
  const sent = [1, 2, 4, 5, 6, 9, 10, 11];
  const stopped = () => new LargeFile(sent, { quarantine: stop, totalRecords: 52, totalBatches: 13 });

  it('lists what was not sent, by whichever number of invocations', async () => {
    const file = stopped();
    await file.closeAll(file.ports, atOnce);
    expect(file.manifest).toMatchObject({
      ...{ state: 'quarantined', total_records: 52, held_records: 20, reconciled: true },
      held_ranges: [
        { first_record: 9, last_record: 12 },
        { first_record: 25, last_record: 32 },
        { first_record: 45, last_record: 52 },
      ],
    });
    expect(file.account).toEqual((await closed(stopped)).account);
  });

  it('is counted as a whole after its release', async () => {
    const file = stopped();
    await file.closeAll(file.ports, atOnce);
    await file.ledger.releaseQuarantine(file.fileId, 'me', 'it is right');
    for (const batch of [3, 7, 8, 12, 13]) file.settle(batch);
    file.ask();
    await file.closeAll(file.ports, atOnce);
    expect(file.manifest).toMatchObject({ state: 'completed', manifest_number: 2, held_records: 0, reconciled: true });
    expect(file.manifest.proof?.leaves).toBe(52);
  });

  it('is not closed while a batch is open, and continues when that has ended', async () => {
    const file = new LargeFile(batches);
    const message = await file.receive();
    if (message) await finalizeFile(message, file.ports, atOnce);
    const last = file.ledger.batches.get(`${file.fileId}#12`);
    Object.assign(last ?? {}, { state: 'open' });
    await file.closeAll(file.ports, atOnce);
    expect(file.file?.manifest).toBeUndefined();
    expect(file.file?.leaseUntil).toBeUndefined();
    Object.assign(last ?? {}, { state: 'settled' });
    file.ask();
    await file.closeAll();
    expect(file.account).toEqual((await closed()).account);
  });

  it('has the receipts of what was sent before it was replaced', async () => {
    const replaced = () => new LargeFile([1, 2, 3, 4, 5, 6], { state: 'superseded', totalBatches: 5 });
    const file = replaced();
    await file.closeAll(file.ports, atOnce);
    expect(file.manifest).toMatchObject({ state: 'superseded', total_records: 24, held_ranges: [], reconciled: true });
    expect(file.account).toEqual((await closed(replaced)).account);
  });
});

describe('a source that is larger than one copy', () => {
  it('is copied by several invocations', async () => {
    const file = new LargeFile([1]);
    expect(await file.closeAll(file.ports, atOnce)).toBeGreaterThan(1);
    expect(file.archived.get(file.manifest.archive.source_key ?? '')).toEqual(sourceBytes);
  });

  it('is missing in the manifest if it changes meanwhile', async () => {
    const file = new LargeFile([1]);
    const copyPart = file.uploads.copyPart.bind(file.uploads);
    file.uploads.copyPart = async (upload, number, ...all) =>
      number > 9 ? (undefined as never) : copyPart(upload, number, ...all);
    await file.closeAll(file.ports, atOnce);
    expect(file.manifest).toMatchObject({ archive: { source_key: null }, reconciled: true });
    expect(file.uploads.open.size).toBe(0);
  });
});

describe('an amendment', () => {
  /** A closed file, of which a letter is resolved. */
  async function resolved(): Promise<LargeFile> {
    const file = await closed();
    const { record, outcome } = receiptsOfBatch(3).find((each) => each.outcome === 'rejected') ?? {};
    file.ledger.dead.set(`${file.fileId}#${record}`, {
      ...{ fileId: file.fileId, record: record ?? 0, letterId: 'l', state: 'dead', outcome: outcome as 'rejected' },
      ...{ failedMessageSentAt: 0, history: [], createdAt: 0 },
    });
    await file.ledger.resolveDead(file.fileId, record ?? 0, { kind: 'uploaded', requestId: 'r'.repeat(64) });
    await file.ledger.requestAmendment(file.fileId, 0);
    await file.clock.advance(gatherAtMostMs);
    file.ask(true);
    return file;
  }

  it('reads the manifest before it, the dead letters and the ledger, and no receipts', async () => {
    const file = await resolved();
    const read: string[] = [];
    const { archive } = file.ports;
    const unread = () => Promise.reject(new Error('not read'));
    await file.closeAll({
      ...file.ports,
      receipts: { putReceipts: unread, getReceipts: unread },
      ledger: { ...file.ledger, listBatches: () => expect.fail('batches are listed') },
      archive: {
        ...file.ports.archive,
        copySource: unread,
        getText: (key) => (read.push(key), archive.getText(key)),
        getStream: (key) => (read.push(key), archive.getStream(key)),
      },
    });
    expect(read.map((key) => key.slice(key.lastIndexOf('/') + 1))).not.toContain('receipts.ndjson.gz');
    expect(file.manifest).toMatchObject({
      ...{ manifest_number: 2, uploaded_records: 33, rejected_records: 15, resolved_records: 1, reconciled: true },
      dead_lettered_records: 15,
    });
  });

  it('does not follow one that knows more, if its finalizer has read the ledger before', async () => {
    const file = await resolved();
    const other = receiptsOfBatch(5).find((each) => each.outcome === 'rejected')?.record ?? 0;
    file.ledger.dead.set(`${file.fileId}#${other}`, {
      ...{ fileId: file.fileId, record: other, letterId: 'l', state: 'dead', outcome: 'rejected' },
      ...{ failedMessageSentAt: 0, history: [], createdAt: 0 },
    });
    const message = await file.receive();
    let reads = 0;
    const slow = {
      ...file.ledger,
      async *listDead(fileId: string) {
        yield* file.ledger.listDead(fileId);
        if (++reads > 1) return;
        // While it has what it read, another letter is resolved, and another finalizer writes the next manifest.
        await file.ledger.resolveDead(fileId, other, { kind: 'uploaded', requestId: 's'.repeat(64) });
        file.ask(true);
        await file.closeAll();
        expect(file.manifest).toMatchObject({ manifest_number: 2, resolved_records: 2 });
      },
    };
    if (message) await finalizeFile(message, { ...file.ports, ledger: slow }, noDeadline);
    expect(file.manifest).toMatchObject({ manifest_number: 2, resolved_records: 2 });
    expect([...file.archived.keys()].filter((key) => key.includes('manifest.3'))).toEqual([]);
  });

  it('says the same if the ledger has kept nothing, and all receipts are counted again', async () => {
    const [file, recounted] = [await resolved(), await resolved()];
    await file.closeAll();
    await recounted.closeAll({
      ...recounted.ports,
      ledger: { ...recounted.ledger, getCounted: async () => undefined },
    });
    expect(recounted.manifest.manifest_number).toBe(2);
    expect(recounted.account).toEqual(file.account);
  });

  it('can be amended again, and after its batches have expired', async () => {
    const file = await resolved();
    await file.closeAll();
    file.ledger.batches.clear();
    const other = receiptsOfBatch(5).find((each) => each.outcome === 'rejected')?.record ?? 0;
    file.ledger.dead.set(`${file.fileId}#${other}`, {
      ...{ fileId: file.fileId, record: other, letterId: 'l', state: 'dead', outcome: 'rejected' },
      ...{ failedMessageSentAt: 0, history: [], createdAt: 0 },
    });
    await file.ledger.resolveDead(file.fileId, other, { kind: 'handled', by: 'me', why: 'by phone' });
    await file.clock.advance(gatherAtMostMs);
    file.ask(true);
    await file.closeAll();
    expect(file.manifest).toMatchObject({ manifest_number: 3, resolved_records: 1, handled_records: 1 });
  });

  it.each(['manifest.json', 'dead-letters.ndjson.gz'])('is refused if the archive has another %s', async (name) => {
    const file = await resolved();
    const [key = ''] = [...file.archived.keys()].filter((each) => each.endsWith(name));
    const bytes = file.archived.get(key) ?? Buffer.alloc(0);
    const other = name.endsWith('json') ? Buffer.concat([bytes, Buffer.from(' ')]) : gzipSync(gunzipSync(bytes));
    file.archived.set(key, other);
    await expect(file.closeAll()).rejects.toThrow(ContradictionError);
    expect(file.file?.manifest?.number).toBe(1);
  });
});

it('an amendment of a large file reads no receipts, and the evidence of both manifests verifies', async () => {
  const evidence = mkdtempSync(join(tmpdir(), 'sluice-evidence-'));
  try {
    const clock = new SimulatedClock(Date.UTC(2026, 0, 5));
    const account = new SyntheticAccount({
      ...{ batches: 40, batchRecords: 50, clock, evidence, deadline: () => atOnce },
      partSizes: { receipts: () => 20_000, least: 200, wholeCopy: Infinity, copy: () => Infinity },
    });
    await account.close();
    expect(account.parts).toBeGreaterThan(3);
    const notChecked = async (name: string) => {
      const sentences: string[] = [];
      for await (const { sentence, isSkipped } of verifyFile(join(evidence, name), {}))
        if (isSkipped) sentences.push(sentence);
      return sentences;
    };
    expect(await notChecked('manifest.json')).toEqual([]);
    await clock.advance(gatherAtMostMs);
    account.ledger.listBatches = () => expect.fail('batches are listed');
    account.receiptsRead = 0;
    expect(await account.amend(300)).toMatchObject({
      ...{ manifest_number: 2, reconciled: true, total_records: 2_000 },
      ...{ uploaded_records: 1_981, rejected_records: 19, resolved_records: 1 },
    });
    expect(account.receiptsRead).toBe(0);
    expect(await notChecked('manifest.2.json')).toEqual([]);
  } finally {
    rmSync(evidence, { recursive: true });
  }
});

it('a file of thousands of batches is closed by hundreds of invocations, each of them bounded', async () => {
  let [now, began, longestMs] = [0, 0, 0];
  const account = new SyntheticAccount({
    ...{ batches: 4_000, batchRecords: 1 },
    clock: { now: () => now, sleep: async () => undefined },
    partSizes: { receipts: () => 4_000, least: 500, wholeCopy: Infinity, copy: () => Infinity },
    deadline: () => {
      began = now;
      return { remainingMs: () => 900 - (now - began), isDrawingIn: () => now - began > 850 };
    },
    onBatch: () => {
      now += 10;
      longestMs = Math.max(longestMs, now - began);
    },
  });
  expect(await account.close()).toMatchObject({ reconciled: true, total_records: 4_000, rejected_records: 40 });
  expect(account.invocations).toBeGreaterThan(60);
  expect(longestMs).toBeLessThanOrEqual(900);
});
