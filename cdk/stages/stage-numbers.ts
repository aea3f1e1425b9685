import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { parseDeadline } from '../deadline.ts';
import { seriesFault } from '../../feeds/series-pattern.ts';

const count = z.int().positive();

const knownDays: readonly unknown[] = Object.values(RetentionDays);
export const knownRetention = z
  .number()
  .refine(
    (days) => knownDays.includes(days),
    'CloudWatch Logs supports only certain numbers of days, such as 365, 731 or 1096',
  );

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

/** What a stage says in place of a feed's declaration. The environment goes before both (see feed-environment.ts). */
export const feedNumbers = z.strictObject({
  /** Base URL; without one it has to be given in the environment. */
  apiUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Where its records go, in place of what it declares: to an API, or into the record ledger. */
  sink: z.enum(['http', 'ledger']).optional(),
  /** An HTTP proxy on the way to the API, without password. */
  proxyUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Path of a PEM file with certificates that are trusted beside the usual ones. */
  caFile: z.string().min(1).optional(),
  /** Consumers of batches in the main lane; without it as few as the rate needs. */
  consumers: count.optional(),
  /** The feed's own options, by their names in its declaration. */
  options: z.record(z.string(), z.string()).optional(),
  requests: count,
  windowSeconds: z.number().positive(),
  /** Whether the sink holds us to that; else it only says what to expect of it. Without it: an API does, a table doesn't. */
  paced: z.boolean().optional(),
  connections: count,
  /** Files under `express/<feed>/` have queues and functions of their own, and don't wait for those under `<feed>/`. */
  expressLane: z.boolean(),
  /** By when its files must be through: a time of day and a time zone, as `05:00 America/New_York`. */
  deadline: z
    .string()
    .refine(
      (text) => parseDeadline(text) !== undefined,
      'It must be a time of day and a time zone, such as 05:00 America/New_York',
    )
    .optional(),
  /** Which files are revisions of each other: a pattern of their names, such as `{station}_{yyyyMMdd}_R{#}.csv`. */
  series: z
    .string()
    .superRefine((text, context) => {
      const fault = seriesFault(text);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault.replace(/\.$/, '') });
    })
    .optional(),
  /** How long the archive keeps a feed's evidence from being deleted. */
  archiveRetentionDays: count,
  /** How long the consumers' logs of a feed are kept. */
  logRetentionDays: knownRetention.optional(),
});

/**
 * All that differs between stages: one file a stage beside this one, which index.ts lists. Variables of the environment go
 * before it. No secrets: tokens are in Secrets Manager only.
 */
export const stageNumbers = z.strictObject({
  /** Keep buckets, table and logs when the stack goes; Object Lock, deletion protection and backups on. */
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
  /** Functions the account lets run at once: Lambda's quota of concurrent executions. A new account's may be 10. */
  functionQuota: count,
  splitter: worker.extend({
    /** What a gzip may hold: its content is inflated up to the last checkpoint by every restart. */
    gzip: z.strictObject({
      maxContentBytes: count,
      /** Content to compressed bytes, past the first 32 MiB. */
      maxRatio: count,
    }),
  }),
  /** A file is cut ahead of the API by what that takes in this time: SQS keeps a message no longer than 14 days. */
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
  /** Receipts of unfinished files. The finalizer reads them again for every amended manifest. */
  workRetentionDays: count,
  /** Who read or wrote what in the buckets. */
  accessLogDays: count,
  logRetentionDays: z.enum(RetentionDays),
  /** The feeds that are deployed; without it all but the examples. `SLUICE_FEEDS` takes precedence. */
  deployedFeeds: z.array(z.string()).min(1).optional(),
  /** The address that is notified when something needs attention; `SLUICE_DESK_EMAIL` overrides it. */
  deskEmail: z.email().optional(),
  /** By the feed's name; what is not there is as the feed declares it. */
  feeds: z.record(z.string(), feedNumbers.partial()),
});
export type StageNumbers = z.infer<typeof stageNumbers>;
export type FeedNumbers = z.infer<typeof feedNumbers>;
