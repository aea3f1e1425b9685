import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { RedrivePorts } from '../../cli/dlq/redrive-letters.ts';
import type { DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { ReadDead } from '../../lambdas/dead-letters/read-dead-records.ts';
import { readDeadRecords } from '../../lambdas/dead-letters/read-dead-records.ts';
import type { Archive } from '../../lambdas/ports.ts';
import { fileAccount } from './file-account.ts';
import { rowOf } from './feed-fixture.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { SimulatedClock } from './simulated-clock.ts';

const at = Date.UTC(2026, 0, 5, 2);
const fileId = 'traffic.many-letters';
const error = 'AirDateTime: this station has no contract for the date; ask the traffic department which one is meant';

/** The dead letters of one closed file, made as they are read: there may be more of them than fit into memory. */
export class SyntheticLetters {
  readonly clock = new SimulatedClock();
  readonly #count: number;
  readonly #file: FileAccount;
  #isRedriven = false;

  constructor(count: number) {
    this.#count = count;
    this.#file = fileAccount({
      ...{ fileId, state: 'completed', createdAt: at, totalRecords: count, settledBatches: 2 },
      dialect: { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 },
      settled: { ...noCounts(), refused: count },
      manifest: { key: `traffic/2026/01/05/${fileId}/manifest.1.json`, number: 1 },
    });
  }

  /** What reading them takes: ledger, archive, and the number of letters there are. */
  get ports() {
    const file = this.#file;
    const dead = () => this.#dead();
    const ledger = {
      ...openMemoryLedger(this.clock),
      getFile: async () => file,
      listFiles: async (_feed: string, which: string) => (which === 'open' ? [] : [file]),
      async *eachFile(_feed: string, which: string) {
        if (which !== 'open') yield file;
      },
      async *listDead() {
        yield* dead();
      },
    };
    const archive: Pick<Archive, 'getStream'> = {
      getStream: async () => Readable.from(this.#pieces()).pipe(createGzip({ level: 1 })),
    };
    const receipts = { getReceipts: () => Promise.reject(new Error('the file is closed')) };
    const payloads = { putPayload: async () => undefined, getPayload: async () => undefined };
    const readDead: ReadDead = (one) => readDeadRecords(one, { ledger, archive, receipts });
    return { count: this.#count, ledger, archive, receipts, payloads, readDead };
  }

  /** Of a redrive that SQS does itself, of all letters, each of which the API now takes. */
  redrivePorts(): RedrivePorts {
    const { ledger, readDead } = this.ports;
    const count = async (url: string) => {
      const visible = url === 'dlq' && !this.#isRedriven ? this.#count : 0;
      return { visible, inFlight: 0, delayed: 0 };
    };
    const unused = (): Promise<never> => Promise.reject(new Error('SQS moves the letters itself'));
    return {
      ...{ ledger, readDead, clock: this.clock, random: () => 0, paths: [{ dlqUrl: 'dlq', queueUrl: 'letters' }] },
      terminal: { progress: () => undefined, note: () => undefined },
      queues: { count, receive: unused, send: unused, remove: unused, release: unused },
      lettersOf: () => ({ sendLetters: unused }),
      runTask: async () => {
        this.#isRedriven = true;
        return this.#count;
      },
    };
  }

  /** Of the archive's object. */
  *lines(): Generator<string> {
    for (let record = 1; record <= this.#count; record++) yield JSON.stringify(receiptOf(record));
  }

  *#pieces(): Generator<string> {
    let piece: string[] = [];
    for (const line of this.lines()) {
      piece.push(line);
      if (piece.length < 100) continue;
      yield `${piece.join('\n')}\n`;
      piece = [];
    }
    if (piece.length > 0) yield `${piece.join('\n')}\n`;
  }

  *#dead(): Generator<DeadRecord> {
    for (let record = 1; record <= this.#count; record++) {
      yield {
        ...{ fileId, record, letterId: `letter-${record}`, letterDigests: [sha256Of(`letter ${record}`)] },
        ...{ state: 'dead', outcome: 'refused', failedMessageSentAt: at, createdAt: at },
        history: [{ at, outcome: 'refused', reason: 'http_422', error, status: 422 }],
        ...{ messageId: `message-${record}`, messageSentAt: at },
        ...(this.#isRedriven ? { state: 'resolved', resolvedAt: at + 1, resolution: 'uploaded' } : {}),
      };
    }
  }
}

function receiptOf(record: number): Receipt {
  const row = JSON.stringify({ ...rowOf(record), Comment: `as agreed with the client, ${'x'.repeat(300)}` });
  return {
    ...{ record, line: record, offset: (record - 1) * row.length, length: row.length, sha256: sha256Of(row) },
    ...{ outcome: 'refused', request_id: sha256Of(`request ${record}`), status: 422, attempts: 1 },
    ...{ at: new Date(at).toISOString(), reason: 'http_422', error, field: 'AirDateTime' },
    ...{ api_answer: `{"message":"no contract","spot":${record}}`, raw_encoding: 'text', raw_payload: row },
  };
}
