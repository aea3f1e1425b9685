import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { BatchAccount, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import type { FinalizerPorts } from '../../lambdas/finalizer/finalizer-ports.ts';
import type { FinalizeMessage } from '../../lambdas/messages.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import { fileAccount } from './file-account.ts';
import { inMemoryArchive, InMemoryUploads, partsInMemory } from './in-memory-archive.ts';
import { silentLog, unheardNotices } from './in-memory-ports.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { noDeadline } from './splitter-world.ts';

export const batchRecords = 4;
/** More than is copied in one request. */
export const sourceBytes = Buffer.alloc(2_000, 'row\n');

/** Every third one failed. */
export function receiptsOfBatch(batch: number, records = batchRecords): Receipt[] {
  return Array.from({ length: records }, (_, place): Receipt => {
    const record = (batch - 1) * records + place + 1;
    const sha256 = createHash('sha256').update(String(record)).digest('hex');
    const base = {
      ...{ record, line: record + 1, offset: record * 60, length: 60, sha256 },
      at: new Date(Date.UTC(2026, 0, 5, 2) + record * 40).toISOString(),
    };
    if (record % 3 !== 0) return { ...base, outcome: 'uploaded', request_id: sha256, status: 201, attempts: 1 };
    const failure = { reason: 'blank', field: 'StationCode', error: 'is blank', raw_payload: `"${sha256}"` };
    return { ...base, ...failure, outcome: 'rejected', request_id: null, status: null, attempts: 0 };
  });
}

export const gzipOf = (receipts: readonly Receipt[]): Buffer =>
  gzipSync(`${receipts.map((each) => JSON.stringify(each)).join('\n')}\n`, { level: 1 });

/** The item of a batch that has ended. */
export function settledBatch(fileId: string, batch: number, receipts: readonly Receipt[], gzip: Buffer): BatchAccount {
  const counts = noCounts();
  for (const { outcome } of receipts) counts[outcome]++;
  return {
    ...{ fileId, batch, attempt: 1, state: 'settled', records: receipts.length, counts },
    ...{ firstRecord: receipts[0]?.record ?? 1, receiptsKey: `receipts/${batch}` },
    receiptsSha256: createHash('sha256').update(gzip).digest('hex'),
  };
}

/** A file whose batches are settled, and whose receipts fill several parts of the archive's object. */
export class LargeFile {
  readonly clock = new SimulatedClock();
  readonly ledger: MemoryLedger = openMemoryLedger(this.clock);
  readonly archived = new Map<string, Buffer>();
  readonly receipts = new Map<string, Buffer>();
  readonly states = new Map<string, Buffer>();
  readonly uploads = new InMemoryUploads(this.archived, 50);
  readonly messages: { message: FinalizeMessage; atMs: number }[] = [];
  readonly fileId: string;
  #owners = 0;

  /** @param batches in which each record has a receipt */
  constructor(batches: readonly number[], change: Partial<FileAccount> = {}) {
    const last = Math.max(0, ...batches);
    const file = fileAccount({
      source: { bucket: 'intake', key: 'traffic/large.csv', etag: '"e"', sizeBytes: sourceBytes.length },
      ...{ totalRecords: last * batchRecords, totalBatches: last, settledBatches: last, sha256: '0'.repeat(64) },
      ...change,
    });
    this.fileId = file.fileId;
    this.uploads.source = sourceBytes;
    this.ledger.files.set(file.fileId, file);
    for (const batch of batches) this.settle(batch);
    this.ask();
  }

  settle(batch: number, receipts = receiptsOfBatch(batch)): void {
    const gzip = gzipOf(receipts);
    const account = settledBatch(this.fileId, batch, receipts, gzip);
    this.receipts.set(account.receiptsKey ?? '', gzip);
    this.ledger.batches.set(`${this.fileId}#${batch}`, account);
  }

  ask(amend = false): void {
    const { feed = '' } = this.file ?? {};
    this.send({ v: 1, kind: 'finalize', feed, fileId: this.fileId, amend }, 0);
  }

  send(message: FinalizeMessage, delaySeconds: number): void {
    this.messages.push({ message, atMs: this.clock.now() + delaySeconds * 1000 });
  }

  /** The next message, when it becomes visible. */
  async receive(): Promise<FinalizeMessage | undefined> {
    this.messages.sort((a, b) => a.atMs - b.atMs);
    const next = this.messages.shift();
    if (next) await this.clock.advance(Math.max(0, next.atMs - this.clock.now()));
    return next?.message;
  }

  /** Runs invocations until no message is left. @returns their number */
  async closeAll(ports = this.ports, deadline: Deadline = noDeadline): Promise<number> {
    for (let invocations = 0; ; invocations++) {
      const message = await this.receive();
      if (!message) return invocations;
      await finalizeFile(message, ports, deadline);
    }
  }

  get file(): FileAccount | undefined {
    return this.ledger.files.get(this.fileId);
  }

  get ports(): FinalizerPorts {
    return {
      ...partsInMemory(),
      ledger: this.ledger,
      receipts: {
        putReceipts: async () => undefined,
        getReceipts: async (key) => this.receipts.get(key) ?? Buffer.alloc(0),
      },
      archive: inMemoryArchive(this.archived),
      archiveBucket: 'archive',
      uploads: this.uploads,
      partSizes: { receipts: () => 1_200, least: 600, wholeCopy: 1_000, copy: () => 150 },
      states: {
        putPayload: async (key, bytes) => void this.states.set(key, bytes),
        getPayload: async (key) => this.states.get(key),
      },
      newId: () => `finalizer-${++this.#owners}`,
      finalize: { send: async (message, delaySeconds) => this.send(message, delaySeconds) },
      desk: { notify: async () => undefined },
      ...unheardNotices,
      events: { publish: async () => undefined },
      reported: () => undefined,
      feedDecisions: async () => [],
      clock: this.clock,
      log: silentLog,
      version: '1.2.3',
    };
  }

  get manifest(): Manifest {
    return JSON.parse(this.archived.get(this.file?.manifest?.key ?? '')?.toString() ?? 'null') as Manifest;
  }

  /** What the account says, whenever and by how many invocations it was made: the manifest and the objects it names. */
  get account(): unknown {
    const { manifest } = this;
    const { receipts_key: receipts, dead_letters_key: dead, resolutions_key: resolutions } = manifest.archive;
    const bytesOf = (key: string | null) => (key === null ? null : this.archived.get(key)?.toString('base64'));
    return {
      ...manifest,
      ...{ archive: { ...manifest.archive, report_key: '', report_sha256: '' }, previous_manifest_sha256: '' },
      times: { ...manifest.times, completed: '', duration_seconds: 0 },
      objects: [receipts, dead, resolutions].map(bytesOf),
    };
  }
}
