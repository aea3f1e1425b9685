import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import type { Dialect } from '../../lambdas/core/records/dialect.ts';
import type { SurveyPorts } from '../../lambdas/reconciler/survey-dead.ts';
import { limits } from './feed-fixture.ts';

export interface DeadFile {
  fileId: string;
  dialect: Dialect;
  records: number;
  /** Of a record: its text in the file, and what differs from the usual receipt. */
  record: (record: number) => Partial<Receipt> & { raw_payload: string };
}

export const jsonLines: Dialect = { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 };

/** A feed's closed files with open dead letters, generated when they are read: any number. */
export function deadFeed(files: readonly DeadFile[]): SurveyPorts {
  const streamOf = ({ records, record }: DeadFile): Readable => {
    const lines = function* () {
      for (let number = 1; number <= records; number++) yield `${JSON.stringify(receiptOf(number, record(number)))}\n`;
    };
    return Readable.from(lines()).pipe(createGzip({ level: 1 }));
  };
  return {
    feedNamed: () => ({ columns: ['SpotID', 'Duration'] }),
    ledger: {
      async *eachFile(_, which) {
        if (which === 'dead') for (const file of files) yield accountOf(file, files.indexOf(file));
      },
      async *listDead() {
        // None of the letters was seen yet.
      },
      async *listBatches() {
        // The archive has all of them.
      },
    },
    archive: {
      getStream: async (key) => {
        const file = files.find(({ fileId }) => key.includes(fileId));
        return file && key.includes('dead-letters') ? streamOf(file) : undefined;
      },
    },
    payloads: { getPayload: async () => undefined },
    receipts: { getReceipts: () => Promise.reject(new Error('not closed')) },
  };
}

function accountOf({ fileId, dialect, records }: DeadFile, index: number): FileAccount {
  return {
    ...{ fileId, feed: 'traffic', lane: 'main', state: 'completed', limits, dialect, epoch: 1 },
    source: { bucket: 'in', key: `traffic/${fileId}.jsonl`, etag: '"e"', sizeBytes: 1 },
    ...{ createdAt: index, updatedAt: index, sha256: 'c'.repeat(64), settledBatches: 1 },
    settled: { ...noCounts(), rejected: records },
    manifest: { key: `traffic/${fileId}/manifest.json`, number: 1 },
  };
}

function receiptOf(record: number, { raw_payload: raw, ...more }: Partial<Receipt> & { raw_payload: string }): Receipt {
  return {
    ...{ record, line: record, offset: record * 100, length: Buffer.byteLength(raw), sha256: sha256Of(raw) },
    ...{ outcome: 'rejected', request_id: null, status: null, attempts: 0, at: '2026-01-05T04:00:00.000Z' },
    ...{ reason: 'blank', error: 'ClientName is blank', field: 'ClientName', raw_encoding: 'text', raw_payload: raw },
    ...more,
  };
}
