import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/consumer-ports.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { FailureRun } from '../../lambdas/core/limiter/breaker.ts';
import { SendRate } from '../../lambdas/core/limiter/send-rate.ts';
import { KnownFiles } from '../../lambdas/consumer/known-files.ts';
import type { BatchMessage } from '../../lambdas/messages.ts';
import type { Sink } from '../../lambdas/ports.ts';
import { cutFile } from '../../lambdas/splitter/cut-file.ts';
import { avionChunks } from '../../test/support/avion-export.ts';
import type { MemoryLedger } from '../../test/support/memory-ledger.ts';
import { InMemoryLimiterStore } from '../../test/support/in-memory-limiter-store.ts';
import { silentLog } from '../../test/support/in-memory-ports.ts';
import type { SplitterCase } from '../splitter-cases.ts';
import { claimed, dialectOf, feed, from, portsInMemory, wholeInvocation } from '../splitter-in-memory.ts';

/** A split file: its batches, and the ledger that knows of it. */
export interface SplitExport {
  messages: BatchMessage[];
  ledger: MemoryLedger;
}

/** No two with the same rows, whose request ids the API would know. */
export async function splitExport(rows: number, seed: number): Promise<SplitExport> {
  const bytes = Buffer.concat([...avionChunks({ rows, format: 'jsonl', seed }, () => undefined)]);
  return splitBytes(bytes, String(seed).padStart(64, '0'));
}

/** JSON Lines, cut into batches. */
export async function splitBytes(bytes: Buffer, sha256: string): Promise<SplitExport> {
  const one: SplitterCase = { name: 'jsonl', format: 'jsonl' };
  const messages: BatchMessage[] = [];
  const ports = portsInMemory(
    (offset) => from([bytes], offset),
    (some) => void messages.push(...some),
  );
  const file = await claimed(one, bytes.length, ports);
  const settled = { sha256, dialect: dialectOf(one, bytes.subarray(0, 1024 * 1024)) };
  const end = await cutFile({ ...file, ...settled }, undefined, ports, wholeInvocation);
  if (end.kind !== 'cut') throw new Error('There was time enough.');
  const { ledger } = ports;
  Object.assign(ledger.files.get(file.fileId) ?? {}, settled);
  return { messages, ledger };
}

/** Two batches at a time, as two consumers have them; all but the sink takes no time. */
export async function deliverAll(
  { messages, ledger }: SplitExport,
  sink: Sink,
  connections: number,
  onReceipts: (key: string, stored: Buffer) => void = () => undefined,
): Promise<void> {
  const ports = consumerPorts(ledger, sink, connections / 2);
  ports.receipts.putReceipts = async (key, stored) => onReceipts(key, stored);
  for (let from = 0; from < messages.length; from += 2) {
    await Promise.all(messages.slice(from, from + 2).map((message) => deliverBatch(message, ports, wholeInvocation)));
  }
}

export function consumerPorts(ledger: MemoryLedger, sink: Sink, connections: number): ConsumerPorts {
  const limit = { requests: 1_000, windowSeconds: 1 };
  const nothing = async () => undefined;
  let ids = 0;
  const newId = () => `id-${++ids}`;
  return {
    ...{ feed, api: 'api', limit, connections, ledger, sink, newId },
    limiter: new SharedLimiter({
      store: new InMemoryLimiterStore(),
      clock: systemClock,
      limit: { ...limit, isPaced: false },
      feed: feed.name,
      newId,
      random: Math.random,
      correctionMs: () => 0,
    }),
    tokens: { token: async () => 'bench', refresh: async () => 'bench' },
    events: { publish: nothing },
    batches: {
      sendBatches: nothing,
      sendSuccessor: () =>
        Promise.reject(new Error('The API failed on a record: the figures would be of something else.')),
    },
    letters: { sendLetters: nothing, sendBack: nothing },
    finalize: { send: nothing },
    payloads: { putPayload: nothing, getPayload: async () => undefined },
    receipts: { putReceipts: nothing, getReceipts: async () => Buffer.alloc(0) },
    clock: systemClock,
    log: silentLog,
    metrics: { add: () => undefined, flush: () => undefined },
    run: new FailureRun(),
    rate: new SendRate(),
    files: new KnownFiles(),
    random: Math.random,
  };
}
