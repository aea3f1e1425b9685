import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import { createHash } from 'node:crypto';
import { feedNamed } from '../../feeds/index.ts';
import { SourceChangedError } from '../../lambdas/core/errors.ts';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import type { CutLimits } from '../../lambdas/core/records/dialect.ts';
import { decodeBody } from '../../lambdas/core/records/slice-body.ts';
import type { BatchMessage, ContinueMessage, FinalizeMessage, ReemitMessage } from '../../lambdas/messages.ts';
import type { MetricName } from '../../lambdas/ports.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import type { SplitterPorts } from '../../lambdas/splitter/splitter-ports.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { silentLog } from './in-memory-ports.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface SplitterWorld {
  ports: SplitterPorts & { ledger: MemoryLedger };
  source: SourceObject;
  /** The object's bytes; replaced ones are found out. */
  object: { bytes: Buffer; etag: string };
  sent: BatchMessage[];
  intake: (ContinueMessage | ReemitMessage)[];
  /** Of each message to intake, in their order. */
  delaysSeconds: number[];
  finalize: FinalizeMessage[];
  metrics: MetricName[];
  /** Called before every write of a port; throws to kill the splitter. */
  onStep: (step: string) => void;
}

/** Everything a splitter works with, in memory, over one object. */
export function splitterWorld(clock: SimulatedClock, bytes: Buffer, chunkBytes = 1000): SplitterWorld {
  const ledger = openMemoryLedger(clock);
  const object = { bytes, etag: '"1"' };
  const source: SourceObject = { bucket: 'intake', key: 'traffic/log.csv', etag: '"1"', sizeBytes: bytes.length };
  let owners = 0;
  const world: Omit<SplitterWorld, 'ports'> = {
    source,
    object,
    sent: [],
    intake: [],
    delaysSeconds: [],
    finalize: [],
    metrics: [],
    onStep: () => undefined,
  };
  /** A port whose every call is a place to die, before it and after it. */
  const watched = <T extends object>(name: string, port: T): T =>
    new Proxy<T>(port, {
      get(target, method) {
        const value = Reflect.get(target, method) as unknown;
        if (typeof value !== 'function') return value;
        // Dying while reading a list is the same case as dying at a single read.
        if (/^(list|each)/.test(String(method))) return value.bind(target) as unknown;
        return async (...parameters: unknown[]) => {
          full.onStep(`before ${name}.${String(method)}`);
          const result: unknown = await (value as (...all: unknown[]) => unknown).apply(target, parameters);
          full.onStep(`after ${name}.${String(method)}`);
          return result;
        };
      },
    });
  const ports: SplitterWorld['ports'] = {
    feed: feedNamed('traffic'),
    gzip: { maxContentBytes: 1e9, maxRatio: 200, roomMs: 60_000 },
    plans: new LatestPlan(),
    horizon: { records: 1e9, recordsPerSecond: 1000 },
    ledger: watched('ledger', ledger),
    sources: {
      head: async () => ({ etag: object.etag, sizeBytes: object.bytes.length }),
      async *read(pinned, offset) {
        for (let at = offset; at < object.bytes.length; at += chunkBytes) {
          if (object.etag !== pinned.etag) throw new SourceChangedError('replaced');
          full.onStep(`before read ${at}`);
          yield object.bytes.subarray(at, at + chunkBytes);
        }
      },
    },
    batches: watched('batches', {
      sendBatches: async (messages: BatchMessage[]) => void world.sent.push(...messages),
      sendSuccessor: () => Promise.reject(new Error('a splitter sends no successors')),
    }),
    intake: watched('intake', {
      send: async (message, delaySeconds) => {
        world.intake.push(message);
        world.delaysSeconds.push(delaySeconds);
      },
    }),
    finalize: watched('finalize', { send: async (message) => void world.finalize.push(message) }),
    clock,
    log: silentLog,
    metrics: { add: (name) => void world.metrics.push(name) },
    newOwner: () => `owner-${++owners}`,
    newMessageKey: () => '0f'.repeat(32),
  };
  const full: SplitterWorld = Object.assign(world, { ports });
  return full;
}

/** All the time there is. */
export const noDeadline: Deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

export const smallLimits: CutLimits = { maxBatchRecords: 7, maxBatchBytes: 600, maxRecordBytes: 300 };

/** The batches as consumers get them: two equal copies count once. @throws if copies differ */
export function distinctBatches(sent: BatchMessage[]): BatchMessage[] {
  const batches = new Map<number, BatchMessage>();
  for (const message of sent) {
    const before = batches.get(message.batch);
    if (before && JSON.stringify(before) !== JSON.stringify(message)) {
      throw new Error(`Batch ${message.batch} was sent twice, and differs.`);
    }
    batches.set(message.batch, message);
  }
  return [...batches.values()].sort((a, b) => a.batch - b.batch);
}

/** Whether the batches cover the file: numbered without a gap, each at its stated position. */
export function coverage(batches: BatchMessage[], file: Buffer): { records: number; batches: number } {
  let records = 0;
  batches.forEach((message, index) => {
    if (message.batch !== index + 1) throw new Error(`Batch ${index + 1} is missing.`);
    if (message.firstRecord !== records + 1) throw new Error(`Batch ${message.batch} begins with the wrong record.`);
    if (message.kind === 'slice') {
      const bytes = decodeBody(message);
      if (!file.subarray(message.offset, message.offset + bytes.length).equals(bytes)) {
        throw new Error(`Batch ${message.batch} is not what stands at its place.`);
      }
    }
    records += message.records;
  });
  return { records, batches: batches.length };
}

export const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
