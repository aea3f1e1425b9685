import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { BatchAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import type { FinalizerPorts } from '../../lambdas/finalizer/finalizer-ports.ts';
import type { PartSizes } from '../../lambdas/finalizer/part-sizes.ts';
import type { FinalizeMessage } from '../../lambdas/messages.ts';
import type { Clock, StoredPart } from '../../lambdas/ports.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import { fileAccount } from './file-account.ts';
import { inMemoryArchive } from './in-memory-archive.ts';
import { silentLog, unheardNotices } from './in-memory-ports.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';

export interface SyntheticOptions {
  batches: number;
  batchRecords: number;
  partSizes: PartSizes;
  clock: Clock;
  /** Of each invocation. */
  deadline: () => Deadline;
  /** Called for each batch that is read, and for each part that is stored. */
  onBatch?: (batch: number) => void;
  onPart?: (bytes: number) => void;
}

/**
 * A file that is closed by the real code, and too large to exist: its batches and receipts are made when they are read, its
 * parts are only counted, and its dead letters, one in a hundred records, are on a disk.
 */
export class SyntheticAccount {
  readonly ledger: MemoryLedger;
  readonly archived = new Map<string, Buffer>();
  readonly #dir = mkdtempSync(join(tmpdir(), 'sluice-account-'));
  readonly #options: SyntheticOptions;
  readonly #messages: FinalizeMessage[] = [];
  readonly #states = new Map<string, Buffer>();
  /** Made for the ledger's item, and fetched soon afterwards. */
  readonly #receipts = new Map<string, Buffer>();
  readonly #fileId: string;
  #ids = 0;
  #isCounting = false;
  invocations = 0;
  parts = 0;
  /** CPU-seconds that making the receipts took. */
  makingSeconds = 0;

  constructor(options: SyntheticOptions) {
    this.#options = options;
    const { batches, batchRecords, clock } = options;
    const file = fileAccount({
      ...{ totalRecords: batches * batchRecords, totalBatches: batches, settledBatches: batches },
      sha256: '0'.repeat(64),
    });
    this.#fileId = file.fileId;
    this.ledger = { ...openMemoryLedger(clock), listBatches: (_, after = 0) => this.#batchesAfter(after) };
    this.ledger.files.set(file.fileId, file);
  }

  /** @returns the manifest */
  async close(): Promise<Manifest> {
    const message = { v: 1, kind: 'finalize', feed: 'traffic', fileId: this.#fileId, amend: false } as const;
    this.#messages.push(message);
    for (let next = this.#messages.shift(); next; next = this.#messages.shift()) {
      this.invocations++;
      await finalizeFile(next, this.#ports, this.#options.deadline());
    }
    rmSync(this.#dir, { recursive: true });
    const { manifest } = this.ledger.files.get(this.#fileId) ?? {};
    return JSON.parse(this.archived.get(manifest?.key ?? '')?.toString() ?? 'null') as Manifest;
  }

  async *#batchesAfter(after: number): AsyncGenerator<BatchAccount> {
    const { batches, batchRecords } = this.#options;
    for (let batch = after + 1; batch <= batches; batch++) {
      const firstRecord = (batch - 1) * batchRecords + 1;
      const dead = Math.floor((firstRecord + batchRecords - 1) / 100) - Math.floor((firstRecord - 1) / 100);
      const counts = { ...noCounts(), rejected: dead, uploaded: batchRecords - dead };
      const account = { fileId: this.#fileId, batch, attempt: 1, records: batchRecords, firstRecord, counts };
      const before = process.cpuUsage();
      const gzip = after === 0 && !this.#isCounting ? undefined : receiptsOf(firstRecord, batchRecords);
      const { user, system } = process.cpuUsage(before);
      this.makingSeconds += (user + system) / 1e6;
      if (gzip) this.#receipts.set(String(batch), gzip);
      const receiptsSha256 = gzip ? createHash('sha256').update(gzip).digest('hex') : '';
      yield { ...account, state: 'settled', receiptsKey: String(batch), receiptsSha256 };
    }
    // The first pass only asks whether every batch is settled.
    this.#isCounting = true;
  }

  get #ports(): FinalizerPorts {
    const { clock, partSizes, onBatch, onPart } = this.#options;
    const archive = inMemoryArchive(this.archived);
    const pathOf = (key: string) => join(this.#dir, encodeURIComponent(key));
    const isOnDisk = (key: string) => key.includes('dead-letters');
    const uploads = new Map<string, string>();
    const append = async (key: string, number: number, bytes: Buffer): Promise<StoredPart> => {
      onPart?.(bytes.length);
      this.parts++;
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      if (isOnDisk(key)) {
        const file = createWriteStream(pathOf(key), { flags: number === 1 ? 'w' : 'a' });
        file.end(bytes);
        await finished(file);
      }
      return { etag: sha256, sha256 };
    };
    return {
      ...{ ledger: this.ledger, clock, partSizes, log: silentLog, version: 'bench', archiveBucket: 'archive' },
      receipts: {
        putReceipts: async () => undefined,
        getReceipts: async (key) => {
          onBatch?.(Number(key));
          const bytes = this.#receipts.get(key) ?? Buffer.alloc(0);
          this.#receipts.delete(key);
          // As an answer would come: in a turn of its own of the event loop.
          await setImmediate();
          return bytes;
        },
      },
      archive: {
        ...archive,
        putStream: async (key, body) => {
          if (!isOnDisk(key)) return key.includes('receipts') ? finished(body.resume()) : archive.putStream(key, body);
          await append(key, 1, Buffer.concat(await body.toArray()));
        },
        getStream: async (key) => (isOnDisk(key) ? createReadStream(pathOf(key)) : archive.getStream(key)),
      },
      uploads: {
        begin: async (key) => (uploads.set(key, key), key),
        putPart: ({ key }, number, bytes) => append(key, number, bytes),
        copyPart: async () => undefined,
        complete: async () => 'stored',
        abort: async () => undefined,
        isMadeOf: async () => true,
      },
      states: {
        putPayload: async (key, bytes) => {
          // Of the states, the last is enough; the objects that they refer to are few.
          if (bytes[0] === 0x7b)
            for (const [old, before] of this.#states) if (before[0] === 0x7b) this.#states.delete(old);
          this.#states.set(key, bytes);
        },
        getPayload: async (key) => this.#states.get(key),
      },
      newId: () => `finalizer-${++this.#ids}`,
      finalize: { send: async (message) => void this.#messages.push(message) },
      desk: { notify: async () => undefined },
      ...unheardNotices,
      reported: () => ({ sink: 'http', limit: { requests: 6_000, windowSeconds: 60 } }),
      feedDecisions: async () => [],
      events: { publish: async () => undefined },
    };
  }
}

/** Every hundredth record of the file is a dead letter. */
function receiptsOf(firstRecord: number, records: number): Buffer {
  const lines: string[] = [];
  for (let record = firstRecord; record < firstRecord + records; record++) {
    const sha256 = (record * 2_654_435_761).toString(16).padStart(64, '0');
    const at = new Date(1.7e12 + record * 10).toISOString();
    const place = `{"record":${record},"line":${record + 1},"offset":${record * 60},"length":60,"sha256":"${sha256}"`;
    const end =
      record % 100 === 0
        ? `"outcome":"rejected","request_id":null,"status":null,"attempts":0,"at":"${at}","reason":"blank","field":"StationCode","error":"is blank","raw_payload":"SP-${record}"}`
        : `"outcome":"uploaded","request_id":"${sha256}","status":201,"attempts":1,"at":"${at}"}`;
    lines.push(`${place},${end}`);
  }
  return gzipSync(`${lines.join('\n')}\n`, { level: 1 });
}
