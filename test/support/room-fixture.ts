import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { RoomStack } from '../../cli/ui/room-stack.ts';
import { archiveKeysOf } from '../../lambdas/core/account/archive-keys.ts';
import type { DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { figuresOf } from '../../lambdas/core/account/manifest.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { ComparedRow } from '../../lambdas/core/series/comparison-csv.ts';
import { comparisonHeader, comparisonLine } from '../../lambdas/core/series/comparison-csv.ts';
import type { Dialect } from '../../lambdas/core/records/dialect.ts';
import type { ContinueMessage, CorrectionMessage, Letter, ReemitMessage } from '../../lambdas/messages.ts';
import type { Clock } from '../../lambdas/ports.ts';
import { fileAccount } from './file-account.ts';
import { InMemoryLimiterStore } from './in-memory-limiter-store.ts';
import { InMemoryQueues } from './in-memory-queues.ts';
import { liveOutputs } from './live-stack.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { manifestOf } from './report-facts.ts';

export const roomColumns = ['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName'];

export const csvDialect: Dialect = {
  ...{ format: 'csv', encoding: 'utf-8', bodyOffset: 0, bodyLine: 2, delimiter: ',', lineBreak: 'lf' },
  columns: roomColumns,
};

/** A failed record, by its row in the file and the reason. */
export type FailedRow = Partial<Receipt> & { record: number; raw_payload: string };

export const notAnInteger = (record: number): FailedRow => ({
  record,
  outcome: 'rejected',
  reason: 'not_an_integer',
  field: 'Duration',
  error: 'Duration must be a whole number of seconds',
  raw_payload: `SP-${record},WABC,2026-01-05 06:00:00,30s,Client ${record}`,
});

export const refusedRow = (record: number): FailedRow => ({
  record,
  outcome: 'refused',
  reason: 'http_422',
  error: 'the API answered 422',
  status: 422,
  attempts: 1,
  request_id: `r-${record}`,
  api_answer: '{"error":"unknown station WXYZ"}',
  raw_payload: `SP-${record},WXYZ,2026-01-05 06:00:00,30,Client ${record}`,
});

/** A deployed stack in memory: ledger, archive and queues, with the files that a test puts there. */
export class RoomFixture {
  readonly ledger: MemoryLedger;
  readonly archive = new Map<string, Buffer>();
  readonly queues: InMemoryQueues;
  /** Letters and corrections that were sent to the letters queues. */
  readonly sent: (Letter | CorrectionMessage)[] = [];
  /** Messages that were sent to intake queues. */
  readonly intake: (ContinueMessage | ReemitMessage)[] = [];
  readonly limiter = new InMemoryLimiterStore();
  readonly events: { type: string; detail: Record<string, unknown> }[] = [];
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.ledger = openMemoryLedger(clock);
    this.queues = new InMemoryQueues(clock);
  }

  stack(): Omit<RoomStack, 'redrive'> {
    return {
      ledger: this.ledger,
      outputs: liveOutputs(),
      archive: { getStream: async (key) => this.#streamOf(key) },
      receipts: { getReceipts: (key) => Promise.reject(new Error(`no receipts ${key}`)), putReceipts: unused },
      payloads: { getPayload: async () => undefined, putPayload: unused },
      queues: this.queues,
      finalize: { send: async () => undefined },
      intakeOf: () => ({ send: async (message) => void this.intake.push(message) }),
      limiterOf: () => this.limiter,
      events: { publish: async (type, detail) => void this.events.push({ type, detail }) },
      lettersOf: () => ({
        sendBack: async (message) => void this.sent.push(message),
        sendLetters: unused,
      }),
      readSummary: async (file) => {
        const figures = await this.ledger.getManifestFigures(file.fileId, file.manifest?.number ?? 0);
        if (!figures) throw new Error(`no figures of ${file.fileId}`);
        return figures;
      },
    };
  }

  /** A closed file whose failed records are open dead letters. */
  async addClosed(
    change: Partial<FileAccount> & { fileId: string },
    failed: readonly FailedRow[] = [],
    manifest: Partial<Manifest> = {},
  ): Promise<FileAccount> {
    const file = fileAccount({ dialect: csvDialect, sha256: 'c'.repeat(64), ...change });
    this.ledger.files.set(file.fileId, file);
    const keys = archiveKeysOf(file);
    const receipts = failed.map(receiptOf);
    this.archive.set(keys.deadLetters, gzipped(receipts));
    const all = Array.from({ length: 3 }, (_, n) => acceptedReceipt(n + 1));
    this.archive.set(keys.receipts, gzipped([...all, ...receipts].sort((a, b) => a.record - b.record)));
    const reportKey = keys.report(1, 'f'.repeat(64));
    this.archive.set(reportKey, Buffer.from('<!doctype html><title>Report</title><p>The report.'));
    const made = manifestOf({
      ...countsOf(file, failed),
      file_id: file.fileId,
      source: { bucket: file.source.bucket, key: file.source.key, version_id: null, etag: file.source.etag },
      archive: {
        ...{ bucket: 'archive', source_key: keys.source, receipts_key: keys.receipts, receipts_sha256: null },
        ...{ dead_letters_key: failed.length > 0 ? keys.deadLetters : null, dead_letters_sha256: null },
        ...{ resolutions_key: null, resolutions_sha256: null, report_key: reportKey, report_sha256: null },
        manifest_key: keys.manifest(1),
      },
      ...manifest,
    });
    this.archive.set(keys.manifest(1), Buffer.from(JSON.stringify(made)));
    for (const row of failed)
      this.ledger.dead.set(`${file.fileId}#${row.record}`, deadOf(file, row, this.#clock.now()));
    await this.ledger.closeFile(file.fileId, {
      state: made.state,
      manifest: { key: keys.manifest(1), number: 1 },
      figures: [figuresOf(made, 'e'.repeat(64))],
      openLetters: failed.length,
    });
    return file;
  }

  /** A revision that is compared: with these rows in its list. */
  addRevision(change: Partial<FileAccount> & { fileId: string }, rows: readonly ComparedRow[]): FileAccount {
    const list = Buffer.from([comparisonHeader, ...rows.map(comparisonLine)].join(''));
    const countOf = (kind: string) => rows.filter((row) => row.change === kind).length;
    const counts = { unchanged: 100, changed: countOf('changed'), added: countOf('new'), removed: countOf('removed') };
    const receipts = { key: 'earlier/receipts.ndjson.gz', sha256: 'a'.repeat(64) };
    const base = { fileId: 'traffic.earlier', manifest: 1, checksum: 'b'.repeat(64), records: 100, receipts };
    const comparison = { key: `traffic/2026/01/05/${change.fileId}/changes.csv`, sha256: sha256Of(list) };
    this.archive.set(comparison.key, list);
    const file = fileAccount({ dialect: csvDialect, revision: { bases: [base], counts, comparison }, ...change });
    this.ledger.files.set(file.fileId, file);
    return file;
  }

  /** The same, held because it changes too much: nothing of it was sent. */
  async addHeldRevision(fileId: string, rows: readonly ComparedRow[]): Promise<void> {
    const message = 'Compared with the file traffic.earlier: it changes too much. None of it was sent.';
    const quarantine = { number: 1, at: this.#clock.now(), code: 'revision_differs' as const, message };
    const file = this.addRevision(
      { fileId, state: 'split', totalRecords: 112, quarantine: { ...quarantine, rejected: 0, seen: 0 } },
      rows,
    );
    const key = archiveKeysOf(file).manifest(1);
    const none = { uploaded_records: 0, duplicate_records: 0, rejected_records: 0, refused_records: 0 };
    const made = manifestOf({
      ...{ file_id: fileId, state: 'quarantined', failure: { code: quarantine.code, message } },
      ...{ ...none, exhausted_records: 0, dead_lettered_records: 0, held_records: 112, total_records: 112 },
      archive: { ...manifestOf().archive, manifest_key: key },
    });
    this.archive.set(key, Buffer.from(JSON.stringify(made)));
    await this.ledger.closeFile(fileId, {
      ...{ state: 'quarantined', manifest: { key, number: 1 }, figures: [figuresOf(made, 'e'.repeat(64))] },
      ...{ openLetters: 0, stops: { stop: 1, released: 0 } },
    });
  }

  /** The files become revisions of one series, in this order. */
  async putInSeries(fileIds: readonly string[]): Promise<void> {
    const id = 'traffic.series';
    for (const fileId of fileIds) {
      const file = this.ledger.files.get(fileId);
      if (!file) throw new Error(`The ledger has no file ${fileId}.`);
      file.series = { id };
      await this.ledger.enterSeries(id, { fileId, sha256: fileId, key: 'log.csv', modifiedAt: this.#clock.now() });
    }
  }

  #streamOf(key: string): Readable | undefined {
    const bytes = this.archive.get(key);
    return bytes && Readable.from([bytes]);
  }
}

const unused = (): Promise<never> => Promise.reject(new Error('not used by the control room'));

const gzipped = (receipts: readonly Receipt[]): Buffer =>
  gzipSync(receipts.map((receipt) => `${JSON.stringify(receipt)}\n`).join(''));

function countsOf({ totalRecords = 0 }: FileAccount, failed: readonly FailedRow[]): Partial<Manifest> {
  const count = (outcome: string): number => failed.filter((row) => row.outcome === outcome).length;
  return {
    ...{ total_records: totalRecords, uploaded_records: totalRecords - failed.length, duplicate_records: 0 },
    ...{ rejected_records: count('rejected'), refused_records: count('refused') },
    ...{ exhausted_records: count('exhausted'), dead_lettered_records: failed.length },
  };
}

function acceptedReceipt(record: number): Receipt {
  return receiptOf({
    record,
    outcome: 'uploaded',
    request_id: `r-${record}`,
    status: 201,
    attempts: 1,
    raw_payload: '',
  });
}

export function receiptOf({ record, raw_payload: raw, ...more }: FailedRow): Receipt {
  const failed = more.outcome === 'uploaded' ? {} : { raw_encoding: 'text' as const, raw_payload: raw };
  return {
    ...{ record, line: record + 1, offset: record * 60, length: Buffer.byteLength(raw), sha256: sha256Of(raw) },
    ...{ outcome: 'rejected', request_id: null, status: null, attempts: 0, at: '2026-01-05T01:00:00.000Z' },
    ...failed,
    ...more,
  };
}

function deadOf(file: FileAccount, row: FailedRow, now: number): DeadRecord {
  const { outcome, reason = 'unknown', error = '', status } = receiptOf(row);
  const failure = outcome as DeadRecord['outcome'];
  return {
    ...{ fileId: file.fileId, record: row.record, letterId: `l${row.record}`, state: 'dead', outcome: failure },
    ...{ sha256: sha256Of(row.raw_payload), failedMessageSentAt: now, createdAt: now },
    history: [{ at: Date.parse('2026-01-05T01:00:00.000Z'), outcome: failure, reason, error, status }],
  };
}
