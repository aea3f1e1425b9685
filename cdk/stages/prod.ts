import type { StageNumbers } from './stage-numbers.ts';

export const prod: StageNumbers = {
  retainData: true,
  // An administrator can still correct a retention that was set by mistake. In compliance mode no one can.
  archiveLock: 'governance',
  // Anyone who can write the archive could make an unsigned account again. The key costs $1 a month, a signature $0.000015.
  signingKey: 'create',
  // The network costs more than everything else together: docs/deployment.md has the figures.
  egress: { kind: 'lambda' },
  localCloud: false,
  requireHttps: true,
  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  functionQuota: 1000,
  // Hashing and cutting need CPU: with 1,769 MB a function has one whole vCPU.
  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
  // Three at once: without an express lane, a feed then runs ten functions at most.
  splitter: {
    timeoutSeconds: 900,
    memoryMb: 1769,
    concurrency: 3,
    // Deflate ends at a ratio of 1,030; exports as repetitive as they are seldom reach 50.
    gzip: { maxContentBytes: 20e9, maxRatio: 200 },
  },
  horizonSeconds: 3600,
  consumer: { timeoutSeconds: 900 },
  // It streams. The memory is for a whole vCPU, which decompresses and counts receipts: half of it would take twice as long.
  finalizer: { timeoutSeconds: 900, memoryMb: 1769, concurrency: 2 },
  // It reads the ledger page by page.
  reconciler: { timeoutSeconds: 300, memoryMb: 512, everyMinutes: 15, stalledAfterSeconds: 1800 },
  queues: {
    visibilityFactor: 2,
    retentionDays: 14,
    // A letter reaches the DLQ after this many receives, each of which takes a fraction of a second.
    maxReceives: { intake: 5, records: 5, letters: 3, finalize: 5 },
    // SQS bills 64 KiB pieces, so larger messages save nothing; smaller ones lose less when a consumer is killed.
    maxMessageBytes: 256 * 1024,
    // As base64 this nearly fills a message. With half of it or twice as much, a record takes some 5% more CPU time.
    maxBatchBytes: 192_000,
  },
  // A replaced file is read to its end: at 600 a minute 10 million records take 12 days. The archive has a copy after.
  intakeVersionDays: 90,
  // A file's time, the 14 days that SQS keeps its letters, and room: the ledger keeps items for 60 days after the last event.
  workRetentionDays: 120,
  // As long as the functions' logs, since questions usually concern both.
  accessLogDays: 365,
  logRetentionDays: 365,
  feeds: {},
};
