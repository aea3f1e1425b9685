import { z } from 'zod';
import { givenNumbers, knownRetention } from './feed-numbers.ts';

const count = z.int().positive();

/** A function that consumes a queue. */
const worker = z.strictObject({
  timeoutSeconds: count,
  memoryMb: count,
  /** Copies that run at once: the event source mapping's `maximumConcurrency`. */
  concurrency: count,
});

/** Whether administrators may delete what the archive holds before its time. */
export const lockMode = z.enum(['governance', 'compliance']);
/** A policy can't name an alias. */
export const keyArn = z.string().regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[a-zA-Z0-9-]+$/);

/** None, one that the stack makes, or one that is there. */
export const signingKey = z.union([z.enum(['none', 'create']), keyArn]);

export const subnetId = z.string().regex(/^subnet-[0-9a-f]{8,17}$/);
export const securityGroupId = z.string().regex(/^sg-[0-9a-f]{8,17}$/);

/**
 * How consumers reach the APIs: from Lambda's own changing addresses; from fixed ones, through a network that the stack
 * makes; or through subnets of yours, whose NAT has the addresses.
 */
const egress = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('lambda') }),
  z.strictObject({ kind: z.literal('static') }),
  z.strictObject({
    kind: z.literal('subnets'),
    subnetIds: z.array(subnetId).min(1),
    securityGroupIds: z.array(securityGroupId).min(1),
  }),
]);
export type Egress = z.infer<typeof egress>;

/**
 * All that differs between stages: one file per stage beside this one, listed in index.ts. Environment variables override
 * it. No secrets: tokens are in Secrets Manager only.
 */
export const stageNumbers = z.strictObject({
  /** Keep buckets, tables and logs when the stack is deleted; Object Lock, deletion protection and backups on. */
  retainData: z.boolean(),
  /** Object Lock's mode, where data is retained. `SLUICE_ARCHIVE_LOCK` takes precedence. */
  archiveLock: lockMode,
  /** The key that data is encrypted with in place of the services' own; `SLUICE_KMS_KEY_ARN` takes precedence. */
  kmsKeyArn: keyArn.optional(),
  /** What manifests are signed with: an asymmetric key, ECC_NIST_P256; `SLUICE_SIGNING_KEY` takes precedence. */
  signingKey,
  /** How API consumers reach their APIs: fixed addresses if the APIs need them. `SLUICE_EGRESS` takes precedence. AWS only. */
  egress,
  /** For a local cloud rather than AWS: it asks for permissions of its own. */
  localCloud: z.boolean(),
  /** An API is reached over TLS only. */
  requireHttps: z.boolean(),
  /** Functions that the AWS account may run at once: Lambda's quota of concurrent executions, 10 in some new accounts. */
  functionQuota: count,
  splitter: worker.extend({
    /** Limits of compressed content: every restart inflates it up to the last checkpoint. */
    gzip: z.strictObject({
      maxContentBytes: count,
      /** The ratio of content to compressed bytes, after the first 32 MiB. */
      maxRatio: count,
    }),
  }),
  /** How far a file is cut ahead of the API, as the time that the API needs for it: SQS keeps a message for 14 days only. */
  horizonSeconds: count,
  /** Memory and concurrency follow from the API's rate (see settings.ts). */
  consumer: z.strictObject({ timeoutSeconds: count }),
  finalizer: worker,
  reconciler: z.strictObject({
    timeoutSeconds: count,
    memoryMb: count,
    everyMinutes: count,
    /** Work without any change for this long counts as stalled. */
    stalledAfterSeconds: count,
  }),
  queues: z.strictObject({
    /** A queue's visibility timeout, in times of its function's time. */
    visibilityFactor: count,
    retentionDays: count,
    /** Receives before a message goes to the DLQ. */
    maxReceives: z.strictObject({ intake: count, records: count, letters: count, finalize: count }),
    /** How long a message waits where AWS fails, at first and at most; without it 36 s and 15 minutes. */
    waitTimes: z.strictObject({ firstSeconds: count, longestSeconds: count.max(900) }).optional(),
    /** A batch's message on the records queue, in total. */
    maxMessageBytes: count,
    /** A batch's bytes of the file. */
    maxBatchBytes: count,
  }),
  /** Where docs/operations.md can be opened: alarms then link to their entries. `SLUICE_RUNBOOK_URL` takes precedence. */
  runbookUrl: z.url({ protocol: /^https$/ }).optional(),
  /** Replaced and deleted versions in the intake bucket. */
  intakeVersionDays: count,
  /** Receipts of unfinished files, and what the finalizer keeps of those that it closes. */
  workRetentionDays: count,
  /** Who read or wrote what in the buckets. */
  accessLogDays: count,
  logRetentionDays: knownRetention,
  /** The feeds that are deployed; without it all but the examples. `SLUICE_FEEDS` takes precedence. */
  deployedFeeds: z.array(z.string()).min(1).optional(),
  /** The address that is notified when something needs attention; `SLUICE_DESK_EMAIL` overrides it. */
  deskEmail: z.email().optional(),
  /** By the feed's name; what is not there is as the feed declares it. */
  feeds: z.record(z.string(), givenNumbers),
});
export type StageNumbers = z.infer<typeof stageNumbers>;
