import { avionChunks } from '../../test/support/avion-export.ts';
import type { BenchStack } from '../delivery/bench-cloud.ts';
import { BenchCloud } from '../delivery/bench-cloud.ts';
import type { Cost } from '../whole/cost-of-a-million.ts';
import { costOfAMillion } from '../whole/cost-of-a-million.ts';
import { cpuGigabyteSeconds, gigabyteSecondsOf } from '../whole/measure-cost.ts';
import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';

interface CountedFile {
  counts: CallCounts;
  /** Of DynamoDB, by the sizes of the items that were written. */
  writeUnits: number;
  gigabyteSeconds: number;
  /** Dollars for a million records. */
  cost: Cost;
}

export interface UnchangedCost {
  records: number;
  requestsAMinute: number;
  sent: CountedFile;
  unchanged: CountedFile;
  unchangedOfSent: number;
}

const consumers = 2;

/**
 * CPU-seconds of a whole core per 100,000 records that the splitter compares and a consumer accounts for without a request:
 * rounded up from the comparison's figures in kept.json, and from bench:consumer ("unsent").
 */
const unchangedCoreSeconds = { comparison: 2.2, consumer: 2.5 };

/**
 * A file at an API's pace, and its revision with one more record: every call of the functions counted, for each file. Both
 * have no dead letters. The revision's consumers wait for no slots, so they are taken to cost their CPU alone.
 */
export async function measureCostOfUnchanged(records: number, requestsAMinute: number): Promise<UnchangedCost> {
  const cloud = await BenchCloud.start(true);
  try {
    const stack = await cloud.deploy(
      { ...{ requests: requestsAMinute, windowSeconds: 60, consumers, connections: 20 }, isLimited: true },
      { SLUICE_TRAFFIC_SERIES: '{log}_R{#}.jsonl', SLUICE_TRAFFIC_CHANGED_RECORDS: 'replaces' },
    );
    const seed = Math.floor(Date.now() / 1000);
    const bytes = Buffer.concat([...avionChunks({ rows: records, format: 'jsonl', seed }, () => undefined)]);
    const [row = ''] = bytes.toString('latin1', 0, 4096).split('\n');
    const added = Buffer.from(`${row.replace(/"SpotID":"[^"]*"/, '"SpotID":"NEW-1"')}\n`, 'latin1');
    const patienceMs = ((records / requestsAMinute) * 60 + 240) * 1000;
    const count = (name: string, body: Buffer, gigabyteSecondsOfIt: () => Promise<number>): Promise<Counted> =>
      countFile(cloud, stack, { name, body, patienceMs }, records, gigabyteSecondsOfIt);
    const limit = { requests: requestsAMinute, windowSeconds: 60 };
    const billed = async () => gigabyteSecondsOf((await cloud.billed('traffic-consumer')).seconds, records, limit);
    const sent = await count('log_R1.jsonl', bytes, billed);
    const extra = unchangedCoreSeconds.comparison + unchangedCoreSeconds.consumer;
    const revised = Buffer.concat([bytes, added]);
    const unchanged = await count('log_R2.jsonl', revised, () => Promise.resolve(cpuGigabyteSeconds(records, extra)));
    await stack.close();
    if (unchanged.unchangedRecords !== records) throw new Error('Records were sent again: nothing was measured.');
    const files = { sent: sent.file, unchanged: unchanged.file };
    const unchangedOfSent = files.unchanged.cost.total / files.sent.cost.total;
    return { records, requestsAMinute, ...files, unchangedOfSent };
  } finally {
    await cloud.stop();
  }
}

interface Counted {
  file: CountedFile;
  unchangedRecords: number;
}

async function countFile(
  cloud: BenchCloud,
  stack: BenchStack,
  { name, body, patienceMs }: { name: string; body: Buffer; patienceMs: number },
  records: number,
  gigabyteSecondsOfIt: () => Promise<number>,
): Promise<Counted> {
  cloud.takeCounts();
  cloud.takeWriteUnits();
  const { fileId } = await stack.drop(name, body);
  const { unchanged_records: unchangedRecords } = await stack.manifestOf(fileId, patienceMs, true);
  const counts = cloud.takeCounts();
  const writeUnits = cloud.takeWriteUnits();
  const batches = counts['dynamodb.TransactWriteItems']?.requests ?? 0;
  const gigabyteSeconds = await gigabyteSecondsOfIt();
  const usage = { counts, writeUnits, messages: batches, invocations: batches + 3, gigabyteSeconds };
  return { file: { counts, writeUnits, gigabyteSeconds, cost: costOfAMillion(usage, records) }, unchangedRecords };
}
