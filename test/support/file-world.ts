import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import type { FinalizerPorts } from '../../lambdas/finalizer/finalizer-ports.ts';
import { sendNotices } from '../../lambdas/notices/send-notices.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import type { BatchMessage } from '../../lambdas/messages.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import { reemitBatches } from '../../lambdas/splitter/reemit-batches.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import { fixtureOf } from './feed-fixture.ts';
import type { ConsumerWorld } from './in-memory-ports.ts';
import { consumerWorld, silentLog } from './in-memory-ports.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SplitterWorld } from './splitter-world.ts';
import { noDeadline, splitterWorld } from './splitter-world.ts';
import { inMemoryArchive, partsInMemory } from './in-memory-archive.ts';

export const fileId = 'file-1';
export const perBatch = 100;
const limits = { maxBatchRecords: perBatch, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 };

export const rowOf = (row: number): string => `SP-${row},WABC,2026-01-05 06:00:00,30,Client`;

/** Splitter, consumer and finalizer over one ledger and one file, in memory. */
export class FileWorld {
  readonly clock = new SimulatedClock();
  readonly splitter: SplitterWorld;
  readonly consumer: ConsumerWorld;
  readonly archived = new Map<string, Buffer>();
  /** Messages to the desk. */
  readonly notified: string[] = [];

  constructor(lines: readonly string[], horizonRecords = 1e9) {
    const bytes = Buffer.from(['SpotID,StationCode,AirDateTime,Duration,ClientName', ...lines, ''].join('\n'));
    this.splitter = splitterWorld(this.clock, bytes, 16 * 1024);
    this.splitter.ports.horizon = { records: horizonRecords, recordsPerSecond: 100 };
    this.consumer = consumerWorld(this.clock, fixtureOf([]), { requests: 60_000, windowSeconds: 60 });
    // One ledger for all.
    Object.assign(this.consumer.ports, { ledger: this.splitter.ports.ledger });
  }

  get ledger(): SplitterWorld['ports']['ledger'] {
    return this.splitter.ports.ledger;
  }

  get file(): FileAccount | undefined {
    return this.ledger.files.get(fileId);
  }

  split(isNew = true, deadline: Deadline = noDeadline): Promise<void> {
    const create = { fileId, feed: 'traffic', lane: 'main', source: this.splitter.source, limits };
    return splitFile(fileId, isNew ? create : undefined, this.splitter.ports, deadline);
  }

  deliver(message: BatchMessage): Promise<void> {
    return this.clock.run(deliverBatch(message, this.consumer.ports, noDeadline));
  }

  readonly #desk = {
    notify: async (subject: string, text: string) => void this.notified.push(`${subject}\n${text}`),
  };

  get finalizerPorts(): FinalizerPorts {
    const { archived } = this;
    const notices = { ledger: this.ledger, desk: this.#desk, clock: this.clock, log: silentLog, stackName: 'station' };
    return {
      ledger: this.ledger,
      receipts: this.consumer.ports.receipts,
      archive: inMemoryArchive(archived),
      archiveBucket: 'archive',
      ...partsInMemory(archived),
      reported: () => undefined,
      feedDecisions: async () => [],
      finalize: this.consumer.ports.finalize,
      desk: this.#desk,
      // At once, instead of within a minute.
      mails: { askForMail: (feed) => sendNotices(feed, notices) },
      metrics: this.consumer.ports.metrics,
      events: { publish: async () => undefined },
      clock: this.clock,
      log: silentLog,
      version: '1.2.3',
    };
  }

  /** @returns the file's newest manifest after that */
  async finalize(amend = false, ports: Partial<FinalizerPorts> = {}): Promise<Manifest | undefined> {
    const message = { v: 1, kind: 'finalize', feed: 'traffic', fileId, amend } as const;
    await finalizeFile(message, { ...this.finalizerPorts, ...ports }, noDeadline);
    return this.manifest;
  }

  get manifest(): Manifest | undefined {
    const key = this.file?.manifest?.key;
    return key === undefined ? undefined : (JSON.parse(this.archived.get(key)?.toString() ?? 'null') as Manifest);
  }

  receiptsOf(manifest: Manifest | undefined): Receipt[] {
    const key = manifest?.archive.receipts_key;
    if (key == null) return [];
    const lines = gunzipSync(this.archived.get(key) ?? Buffer.alloc(0)).toString();
    return lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Receipt);
  }

  /** Each record is in the receipts or in a range that was not sent, and once. */
  expectCovered(manifest: Manifest | undefined, rows: number): void {
    const ranges = (manifest?.held_ranges ?? []).flatMap(({ first_record: first, last_record: last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    const records = [...this.receiptsOf(manifest).map(({ record }) => record), ...ranges].sort((a, b) => a - b);
    expect(records).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
    const sum = ['uploaded', 'duplicate', 'rejected', 'refused', 'exhausted', 'held'] as const;
    expect(sum.reduce((total, name) => total + (manifest?.[`${name}_records`] ?? 0), 0)).toBe(rows);
    expect(manifest).toMatchObject({ total_records: rows, reconciled: true });
  }

  async release(): Promise<void> {
    expect(await this.ledger.releaseQuarantine(fileId, 'ann', 'it is right')).toMatchObject({ state: 'split' });
    this.splitter.sent.length = 0;
    await this.reemit();
  }

  reemit(): Promise<void> {
    return reemitBatches({ v: 1, kind: 'reemit', feed: 'traffic', fileId }, this.splitter.ports, noDeadline);
  }
}
