import { createHash, hash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { crc32, gzipSync } from 'node:zlib';
import { archiveKeysOf } from '../../lambdas/core/account/archive-keys.ts';
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
  /** Called for each batch that is listed, for each that is read, and for each part that is stored. */
  onListed?: () => void;
  onBatch?: (batch: number) => void;
  onPart?: (bytes: number) => void;
  /** A folder that gets the evidence, as `sluice evidence` would copy it; by default only the dead letters are stored. */
  evidence?: string;
}

/**
 * A file that is closed by the real code, and too large to exist: its batches and receipts are made when they are read, its
 * parts are only counted, and its dead letters, one in a hundred records, are on a disk.
 */
export class SyntheticAccount {
  readonly ledger: MemoryLedger;
  readonly archived = new Map<string, Buffer>();
  readonly #dir: string;
  readonly #folder: string;
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
  /** Objects with receipts that were fetched: those of batches, and the archive's. */
  receiptsRead = 0;
  /** CPU-seconds that making the receipts took. */
  makingSeconds = 0;

  constructor(options: SyntheticOptions) {
    this.#options = options;
    const { batches, batchRecords, clock, evidence } = options;
    const records = batches * batchRecords;
    const source = { bucket: 'intake', key: 'traffic/large.jsonl', etag: '"e"', sizeBytes: records * rowBytes };
    const file = fileAccount({
      ...{ source, totalRecords: records, totalBatches: batches, settledBatches: batches, sha256: '0'.repeat(64) },
      dialect: { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1, rules: 2 },
    });
    this.#dir = evidence ?? mkdtempSync(join(tmpdir(), 'sluice-account-'));
    const keys = archiveKeysOf(file);
    this.#folder = keys.folder;
    this.#fileId = file.fileId;
    this.ledger = { ...openMemoryLedger(clock), listBatches: (_, after = 0) => this.#batchesAfter(after) };
    this.ledger.files.set(file.fileId, file);
  }

  /** @returns the manifest */
  async close(): Promise<Manifest> {
    const { evidence, batches, batchRecords } = this.#options;
    const file = this.ledger.files.get(this.#fileId);
    if (evidence !== undefined && file)
      file.sha256 = await writeRows(this.#pathOf(archiveKeysOf(file).source), batches * batchRecords);
    return this.#finalize(false);
  }

  /** After the account is closed: notes that a dead letter's record was delivered. @returns the next manifest */
  async amend(record: number): Promise<Manifest> {
    const fileId = this.#fileId;
    this.ledger.dead.set(`${fileId}#${record}`, {
      ...{ fileId, record, letterId: 'l', state: 'dead', outcome: 'rejected' },
      ...{ failedMessageSentAt: 0, history: [], createdAt: 0 },
    });
    await this.ledger.resolveDead(fileId, record, { kind: 'uploaded', requestId: '0'.repeat(64) });
    return this.#finalize(true);
  }

  async #finalize(amend: boolean): Promise<Manifest> {
    this.#messages.push({ v: 1, kind: 'finalize', feed: 'traffic', fileId: this.#fileId, amend });
    for (let next = this.#messages.shift(); next; next = this.#messages.shift()) {
      this.invocations++;
      await finalizeFile(next, this.#ports, this.#options.deadline());
    }
    if (this.#options.evidence === undefined) rmSync(this.#dir, { recursive: true });
    else for (const [key, bytes] of this.archived) writeFileSync(this.#pathOf(key), bytes);
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
      this.#options.onListed?.();
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

  #pathOf(key: string): string {
    const path = join(this.#dir, key.slice(this.#folder.length + 1));
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  get #ports(): FinalizerPorts {
    const { clock, partSizes, onBatch, onPart } = this.#options;
    const archive = inMemoryArchive(this.archived);
    const pathOf = (key: string) => this.#pathOf(key);
    const isOnDisk = (key: string) =>
      key.includes('dead-letters') || (this.#options.evidence !== undefined && key.includes('receipts'));
    const uploads = new Map<string, string>();
    const append = async (key: string, number: number, bytes: Buffer): Promise<StoredPart> => {
      onPart?.(bytes.length);
      this.parts++;
      const sha256 = createHash('sha256').update(bytes).digest('base64');
      if (isOnDisk(key)) appendFileSync(pathOf(key), bytes, { flag: number === 1 ? 'w' : 'a' });
      return { etag: sha256, sha256 };
    };
    return {
      ...{ ledger: this.ledger, clock, partSizes, log: silentLog, version: 'bench', archiveBucket: 'archive' },
      receipts: {
        putReceipts: async () => undefined,
        getReceipts: async (key) => {
          this.receiptsRead++;
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
        getStream: async (key) => {
          if (key.includes('receipts')) this.receiptsRead++;
          return existsSync(pathOf(key)) ? createReadStream(pathOf(key)) : archive.getStream(key);
        },
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
          // Only the last state is read again, and what it refers to by its SHA-256.
          if (bytes[0] === 0x7b)
            for (const old of this.#states.keys())
              if (!bytes.includes(old.slice(old.lastIndexOf('/') + 1))) this.#states.delete(old);
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

/** A line of the file, with its line feed. */
const rowBytes = 60;
const rowOf = (record: number): string =>
  `{"SpotID":"SP-${String(record).padStart(12, '0')}","StationCode":"ABCDEFGHIJKLMN"}`;

/** @returns the file's SHA-256 */
async function writeRows(path: string, records: number): Promise<string> {
  const sha256 = createHash('sha256');
  const file = openSync(path, 'w');
  const rowsAtOnce = 10_000;
  for (let first = 1; first <= records; first += rowsAtOnce) {
    const rows = Array.from({ length: Math.min(rowsAtOnce, records - first + 1) }, (_, nth) => rowOf(first + nth));
    const bytes = Buffer.from(`${rows.join('\n')}\n`);
    writeSync(file, bytes);
    sha256.update(bytes);
    await setImmediate();
  }
  closeSync(file);
  return sha256.digest('hex');
}

/** Every hundredth record of the file is a dead letter. */
function receiptsOf(firstRecord: number, records: number): Buffer {
  const lines: string[] = [];
  for (let record = firstRecord; record < firstRecord + records; record++) {
    const row = rowOf(record);
    const sha256 = hash('sha256', row, 'hex');
    const at = new Date(1.7e12 + record * 10).toISOString();
    const offset = (record - 1) * rowBytes;
    const place = `{"record":${record},"line":${record},"offset":${offset},"length":${rowBytes - 1},"sha256":"${sha256}"`;
    const end =
      record % 100 === 0
        ? `"outcome":"rejected","request_id":null,"status":null,"attempts":0,"at":"${at}","reason":"blank","field":"StationCode","error":"is blank","raw_encoding":"text","raw_payload":${JSON.stringify(row)}}`
        : `"outcome":"uploaded","request_id":"${sha256}","status":201,"attempts":1,"at":"${at}"}`;
    lines.push(`${place},${end}`);
  }
  const text = Buffer.from(`${lines.join('\n')}\n`);
  return records === 1 ? storedGzip(text) : gzipSync(text, { level: 1 });
}

/** A gzip that is not compressed: to compress millions of single lines would take longer than to count them. */
function storedGzip(text: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 0, 0, 0, 0]);
  head.writeUInt16LE(text.length, 11);
  head.writeUInt16LE(text.length ^ 0xffff, 13);
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(text));
  tail.writeUInt32LE(text.length, 4);
  return Buffer.concat([head, text, tail]);
}
