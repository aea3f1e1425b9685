import type { StageNumbers } from './stage-numbers.ts';

export const prod: StageNumbers = {
  retainData: true,
  // An administrator can still take back a retention set by mistake; compliance mode allows no one to, and can't be undone.
  archiveLock: 'governance',
  // Anyone who can write the archive could make an unsigned account again. The key costs $1 a month, a signature $0.000015.
  signingKey: 'create',
  // The network costs more than everything else together: docs/deployment.md has the figures.
  egress: { kind: 'lambda' },
  localCloud: false,
  requireHttps: true,
  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  functionQuota: 1000,
  // Hashing and cutting are bound by the CPU: 1,769 MB is what gives a function one whole one.
  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
  // Three at once, so that without an express lane no more than ten functions are.
  splitter: {
    timeoutSeconds: 900,
    memoryMb: 1769,
    concurrency: 3,
    // Deflate ends at a ratio of 1,030; exports as repetitive as they are seldom reach 50.
    gzip: { maxContentBytes: 20e9, maxRatio: 200 },
  },
  horizonSeconds: 3600,
  consumer: { timeoutSeconds: 900 },
  // Streams; the memory is for a whole core, which unpacks and counts a file's receipts: half of it would take twice as long.
  finalizer: { timeoutSeconds: 900, memoryMb: 1769, concurrency: 2 },
  // Reads a page of the ledger at a time.
  reconciler: { timeoutSeconds: 300, memoryMb: 512, everyMinutes: 15, stalledAfterSeconds: 1800 },
  queues: {
    visibilityFactor: 2,
    retentionDays: 14,
    // A letter gets to the DLQ by being received so often; each receive takes a fraction of a second.
    maxReceives: { intake: 5, records: 5, letters: 3, finalize: 5 },
    // SQS bills 64 KiB pieces, so larger messages save nothing; smaller ones lose less when a consumer is killed.
    maxMessageBytes: 256 * 1024,
    // As base64 a string of 128,000 characters: V8 puts longer ones where making and freeing them takes three times as long.
    maxBatchBytes: 96_000,
  },
  // A replaced file is read to its end: at 600 a minute 10 million records take 12 days. The archive has a copy after.
  intakeVersionDays: 90,
  // A file's time, the 14 days that SQS keeps its letters, and room: the ledger forgets 60 days after the last event.
  workRetentionDays: 120,
  // As long as the functions' logs: a question about the one is mostly one about the other.
  accessLogDays: 365,
  logRetentionDays: 365,
  feeds: {},
};
