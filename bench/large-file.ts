/**
 * `npm run bench:large-file`: closes a file of 600 million records by the real code, in invocations whose time is counted:
 * 1.2 million batches of 500, of which one receipt each is made and read. `-- --real` closes one of 20 million records with
 * all receipts instead, in this machine's own time, and shows CPU time and memory. `--evidence DIR` keeps its evidence
 * there, amends the account for one dead letter that was delivered since, and verifies it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { verifyFile } from '../cli/verify/verify-file.ts';
import { systemClock } from '../lambdas/adapters/system-clock.ts';
import { s3PartSizes } from '../lambdas/finalizer/part-sizes.ts';
import { limitYoungHeap } from '../lambdas/runtime/limit-young-heap.ts';
import { SyntheticAccount } from '../test/support/synthetic-account.ts';

const { values } = parseArgs({
  options: {
    real: { type: 'boolean', default: false },
    batches: { type: 'string' },
    evidence: { type: 'string' },
  },
});

/** What was measured, or what AWS does, in milliseconds. */
const cost = {
  /** CPU of counting a record (bench/whole/measure-finalizer.ts), and of a GET. */
  record: 0.03,
  get: 1,
  /** Of a Query's page of 1 MB: its call, and 2,500 items. */
  page: 50,
  itemsInPage: 2_500,
  /** Of storing a part and saving the state: the calls, and the bytes at 50 MB/s. */
  save: 300,
  byte: 1 / 50_000,
};
const invocationMs = 900_000;
const reserveMs = 20_000;

const batchRecords = 500;

/** Of a batch's receipts, as a consumer stores them; and of the one receipt that is made. */
const batchBytes = 55_000;
const receiptBytes = 350;

/** Every hundredth record is a dead letter. */
const deadRecord = 100;

async function simulate(batches: number): Promise<void> {
  let now = Date.UTC(2026, 0, 5);
  let began = now;
  let longestMs = 0;
  // One of a batch's receipts is made: the parts are smaller to the same extent.
  const share = receiptBytes / batchBytes;
  const account = new SyntheticAccount({
    ...{ batches, batchRecords: 1 },
    clock: { now: () => now, sleep: async () => undefined },
    partSizes: {
      ...s3PartSizes,
      receipts: (number) => s3PartSizes.receipts(number) * share,
      least: s3PartSizes.least * share,
    },
    deadline: () => {
      began = now;
      return {
        remainingMs: () => invocationMs - (now - began),
        isDrawingIn: () => invocationMs - (now - began) <= reserveMs,
      };
    },
    onListed: () => {
      now += cost.page / cost.itemsInPage;
    },
    onBatch: (batch) => {
      now += cost.get + batchRecords * cost.record;
      longestMs = Math.max(longestMs, now - began);
      if (batch % Math.ceil(batches / 20) === 0)
        show({ records: batch * batchRecords, invocations: account.invocations });
    },
    onPart: (bytes) => {
      now += cost.save + (bytes / share) * cost.byte;
      longestMs = Math.max(longestMs, now - began);
    },
  });
  const { reconciled, total_records: counted } = await account.close();
  const { invocations, parts } = account;
  show({ batches, reconciled, counted, invocations, parts, longestInvocationSeconds: Math.round(longestMs / 1000) });
}

async function measure(batches: number, evidence?: string): Promise<void> {
  const marks = [1e5, 3e5, 1e6, 2e6, 5e6, 1e7, 1.5e7, 2e7, 3e7];
  let next = 0;
  const began = Date.now();
  const account = new SyntheticAccount({
    ...{ batches, batchRecords, clock: systemClock, partSizes: s3PartSizes },
    ...(evidence === undefined ? {} : { evidence }),
    deadline: () => {
      const from = Date.now();
      return {
        remainingMs: () => invocationMs - (Date.now() - from),
        isDrawingIn: () => Date.now() - from >= invocationMs - reserveMs,
      };
    },
    onBatch: (batch) => {
      if (batch * batchRecords < (marks[next] ?? Infinity)) return;
      next++;
      show({ records: batch * batchRecords, seconds: (Date.now() - began) / 1000 });
    },
  });
  const { reconciled, total_records: records } = await account.close();
  const { invocations, parts } = account;
  const makingSeconds = Math.round(account.makingSeconds);
  show({ reconciled, records, invocations, parts, makingSeconds, seconds: (Date.now() - began) / 1000 });
  if (evidence === undefined) return;
  await amendOneLetter(account);
  // The newest manifest: earlier ones are checked with it.
  await verify(join(evidence, 'manifest.2.json'));
}

async function amendOneLetter(account: SyntheticAccount): Promise<void> {
  const began = Date.now();
  account.receiptsRead = 0;
  const { manifest_number: manifest, reconciled, resolved_records: resolved } = await account.amend(deadRecord);
  const { receiptsRead } = account;
  show({ manifest, reconciled, resolved, receiptsRead, seconds: (Date.now() - began) / 1000 });
}

/** Shows what could not be checked. @throws DoesNotHoldError */
async function verify(path: string): Promise<void> {
  const began = Date.now();
  const notChecked: string[] = [];
  for await (const { sentence, isSkipped } of verifyFile(path, {})) if (isSkipped) notChecked.push(sentence);
  show({ verified: path, notChecked, seconds: (Date.now() - began) / 1000 });
}

function show(figures: Record<string, unknown>): void {
  const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const [peakMb, cpuSeconds] = [Math.round((maxRSS * 1024) / 1e6), Math.round((userCPUTime + systemCPUTime) / 1e6)];
  process.stdout.write(`${JSON.stringify({ ...figures, cpuSeconds, rssMb, peakMb })}\n`);
}

limitYoungHeap();
await (values.real
  ? measure(Number(values.batches ?? 40_000), values.evidence)
  : simulate(Number(values.batches ?? 1_200_000)));
