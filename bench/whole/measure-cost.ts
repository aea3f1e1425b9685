import { avionChunks } from '../../test/support/avion-export.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';
import { BenchCloud } from '../delivery/bench-cloud.ts';
import { consumerMemoryFor } from '../../cdk/consumer-memory.ts';
import type { Cost } from './cost-of-a-million.ts';
import { costOfAMillion } from './cost-of-a-million.ts';

export interface CostFigures {
  records: number;
  deadLetters: number;
  requestsAMinute: number;
  counts: CallCounts;
  /** Of DynamoDB, by the sizes of the items that were written. */
  writeUnits: number;
  gigabyteSeconds: number;
  /** Consumers that Lambda was billed for, on average, while records were sent. */
  functionsAwake: number;
  /** Dollars for a million records. */
  cost: Cost;
}

const consumers = 2;
/** Of the others, in the stage prod. */
const othersMemoryMb = 1769;

/** A file with one dead letter in a hundred at an API's pace, every call of the functions counted, and their time. */
export async function measureCost(records: number, requestsAMinute: number): Promise<CostFigures> {
  const cloud = await BenchCloud.start(true);
  try {
    const stack = await cloud.deploy({
      ...{ requests: requestsAMinute, windowSeconds: 60, consumers, connections: 20 },
      isLimited: true,
    });
    // The local stage's runs every minute, the stage prod's every 15: eleven times while a million is sent at this pace.
    await cloud.stopReconciler();
    const seed = Math.floor(Date.now() / 1000);
    const breakRows = (row: Buffer, n: number): Buffer => (n % 100 === 0 ? Buffer.from('{"SpotID": 1}\n') : row);
    let n = 0;
    const rows = [...avionChunks({ rows: records, format: 'jsonl', seed }, () => undefined)];
    const lines = Buffer.concat(rows).toString('latin1').trimEnd().split('\n');
    const body = Buffer.concat(lines.map((line) => breakRows(Buffer.from(`${line}\n`, 'latin1'), ++n)));
    cloud.takeCounts();
    cloud.takeWriteUnits();
    const { fileId } = await stack.drop(`cost-${records}.jsonl`, body);
    const manifest = await stack.manifestOf(fileId, ((records / requestsAMinute) * 60 + 240) * 1000, true);
    const counts = cloud.takeCounts();
    const writeUnits = cloud.takeWriteUnits();
    const { times, dead_lettered_records: dead } = manifest;
    const limit = { requests: requestsAMinute, windowSeconds: 60 };
    const { invocations, seconds } = await cloud.billed('traffic-consumer');
    const gigabyteSeconds = gigabyteSecondsOf(seconds, records, limit);
    // Each batch, and what was sent singly: batches that waited for their turn, and messages to the finalizer.
    const messages =
      (counts['dynamodb.TransactWriteItems']?.requests ?? 0) + (counts['sqs.SendMessage']?.requests ?? 0) + 3 * dead;
    const usage = { counts, writeUnits, messages, invocations: invocations + 3, gigabyteSeconds };
    await stack.close();
    return {
      records,
      deadLetters: dead,
      requestsAMinute,
      counts,
      writeUnits,
      gigabyteSeconds,
      functionsAwake: seconds / times.upload_seconds,
      cost: costOfAMillion(usage, records),
    };
  } finally {
    await cloud.stop();
  }
}

/** CPU-seconds of a whole core per 100,000 records, of splitter and finalizer: rounded up from bench:delivery. */
const coreSeconds = { splitter: 1.5, finalizer: 2.5 };

/** @param billedSeconds of its consumers, which mostly wait for slots */
export function gigabyteSecondsOf(billedSeconds: number, records: number, limit: RateLimit): number {
  // Memory determines the share of a core: half the memory for twice the time costs the same.
  return (billedSeconds * consumerMemoryFor(limit, consumers)) / 1024 + cpuGigabyteSeconds(records);
}

/** Of splitter and finalizer. @param extra CPU-seconds per 100,000 records for what else computes */
export function cpuGigabyteSeconds(records: number, extra = 0): number {
  return ((coreSeconds.splitter + coreSeconds.finalizer + extra) * (records / 100_000) * othersMemoryMb) / 1024;
}
