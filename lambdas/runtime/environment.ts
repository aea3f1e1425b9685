import * as z from 'zod';
import { controlRule } from '../../feeds/control-rule.ts';
import { parseSeriesPattern } from '../../feeds/series-pattern.ts';
import { feedDeadline } from '../core/deadlines/feed-deadline.ts';
import { limitCalendar } from '../core/limiter/limit-calendar.ts';

/**
 * The variables that the stack sets for each function. Parsed once at start: a wrong deploy fails at init, with the
 * variable's name.
 */

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

const common = {
  /** The stack's version of Sluice, written to manifests. */
  SLUICE_VERSION: z.string().min(1),
  LEDGER_TABLE: z.string().min(1),
  /** A dimension of metrics, also used in the desk's messages. */
  STACK_NAME: z.string().min(1),
};

/** For functions that consume a queue. */
const worker = {
  /** A dimension of the metrics, with the feed. */
  STACK_NAME: z.string().min(1),
  /**
   * How long messages wait for AWS (runtime/put-back.ts). Shorter in drills. The first wait is as long as an abandoned
   * request to the API may still be in progress: the next try treats a 409 as the answer to that request.
   */
  WAIT_TIMES: json(z.object({ firstSeconds: z.number().positive(), longestSeconds: z.number().positive() })).default({
    firstSeconds: 36,
    longestSeconds: 900,
  }),
};

const lane = {
  SLUICE_FEED: z.string().min(1),
  SLUICE_LANE: z.string().min(1),
  /** Options of the deployment, as the feed's declaration defines them. */
  FEED_OPTIONS: json(z.record(z.string(), z.unknown())).default({}),
};

/** Limits of cutting, from cdk/settings.ts. */
const cutLimits = z.object({
  maxBatchRecords: z.int().positive(),
  maxBatchBytes: z.int().positive(),
  maxRecordBytes: z.int().positive(),
});

/** How much a gzip may contain, and how far a file is cut ahead of the API (cdk/splitter-limits.ts). */
const gzipLimits = z.object({
  maxContentBytes: z.number().positive(),
  maxRatio: z.number().positive(),
  roomMs: z.number().positive(),
});
const rateLimit = z.object({ requests: z.int().positive(), windowSeconds: z.number().positive() });
const horizon = z.object({
  records: z.int().positive(),
  recordsPerSecond: z.number().positive(),
  limit: rateLimit.optional(),
});

/** Which of the lane's files are revisions of each other (splitter/enter-series.ts). */
const seriesSettings = z.object({
  pattern: z.string().transform(parseSeriesPattern),
  isConfigured: z.boolean(),
  setting: z.string(),
  keyPrefix: z.string(),
  rules: z.object({ changedRecords: z.enum(['replaces', 'supersedes']).optional(), guard: z.number().min(0).max(1) }),
});

/** The control file that the lane's files must agree with (splitter/compare-control.ts). */
const controlSettings = controlRule.extend({ keyPrefix: z.string().min(1) });

/** The sink's contract, and this lane's share of it. */
const apiSettings = z.object({
  /** Names the shared limiter's item: every feed and lane with this id shares the limit. */
  id: z.string().min(1),
  /** Absent if records go into the record ledger. */
  url: z.url().optional(),
  requests: z.int().positive(),
  windowSeconds: z.number().positive(),
  /** Whether the sink enforces these limits. */
  isPaced: z.boolean(),
  /** When it allows less; absent if it never does. */
  calendar: limitCalendar.optional(),
  /** The most connections of one consumer of batches. */
  connectionsPerConsumer: z.int().positive(),
  /** The most connections of one consumer of letters. */
  connectionsPerLetterConsumer: z.int().positive(),
  /** The proxy on the way to the API. */
  proxyUrl: z.url().optional(),
  /** A file next to the function's code, with certificates to trust in addition to the usual ones. */
  caFile: z.string().optional(),
});

const splitterEnvironment = z.object({
  ...common,
  ...worker,
  ...lane,
  INTAKE_QUEUE_URL: z.url(),
  RECORDS_QUEUE_URL: z.url(),
  FINALIZE_QUEUE_URL: z.url(),
  CUT_LIMITS: json(cutLimits),
  GZIP_LIMITS: json(gzipLimits),
  HORIZON: json(horizon),
  /** Absent for a feed whose sink recognises a record that comes again. */
  SERIES: json(seriesSettings).optional(),
  /** Absent for a feed whose files have no control files. */
  CONTROL: json(controlSettings).optional(),
  /** Bucket with the evidence of earlier revisions, and for lists of differences. Set for a series or control files. */
  ARCHIVE_BUCKET: z.string().min(1).optional(),
  /** Bucket for bundles of small files, for feeds that have them. */
  WORK_BUCKET: z.string().min(1).optional(),
});

const consumerEnvironment = z.object({
  ...common,
  ...worker,
  ...lane,
  RECORDS_QUEUE_URL: z.url(),
  LETTERS_QUEUE_URL: z.url(),
  /** Distinguishes letters from batches by the event's source. */
  LETTERS_QUEUE_ARN: z.string().min(1),
  FINALIZE_QUEUE_URL: z.url(),
  WORK_BUCKET: z.string().min(1),
  API: json(apiSettings),
  /** Set for an API; otherwise the record ledger's table is set. */
  TOKEN_SECRET_ARN: z.string().min(1).optional(),
  RECORD_LEDGER_TABLE: z.string().min(1).optional(),
});

const finalizerEnvironment = z.object({
  ...common,
  ...worker,
  FINALIZE_QUEUE_URL: z.url(),
  WORK_BUCKET: z.string().min(1),
  ARCHIVE_BUCKET: z.string().min(1),
  /** Intake queues by lane. Set for a feed with a series: a file that waits for an earlier revision is woken. */
  INTAKE_QUEUES: json(z.record(z.string(), z.url())).optional(),
  /** SNS topic of the feeds' desk. */
  DESK_TOPIC_ARN: z.string().min(1),
  /** The function's feed: what reports show in addition to the account. */
  FEED: json(
    z.object({
      feed: z.string(),
      /** As in `API`. */
      api: z.string().min(1),
      sink: z.enum(['http', 'ledger']),
      /** Absent if there is no limit. */
      limit: rateLimit.optional(),
      deadline: feedDeadline.optional(),
    }),
  ),
  /** Key for signing manifests; without it they are not signed. */
  SIGNING_KEY_ARN: z.string().min(1).optional(),
});

const reconcilerEnvironment = z.object({
  ...common,
  FINALIZE_QUEUE_URL: z.url(),
  /** Every lane of the feed. */
  LANES: json(
    z
      .array(
        z.object({
          lane: z.string(),
          intakeQueueUrl: z.url(),
          recordsQueueUrl: z.url(),
          intakeDlqUrl: z.url(),
          recordsDlqUrl: z.url(),
          lettersDlqUrl: z.url(),
          /** Prefix of its files' keys, if they are swept. */
          keyPrefix: z.string().min(1).optional(),
        }),
      )
      .min(1),
  ),
  /** The function's feed: what a projection of its files needs. */
  FEED: json(
    z.object({
      feed: z.string(),
      /** As in `API`. */
      api: z.string().min(1),
      /** Absent if records go into the record ledger. */
      limit: rateLimit.extend({ isPaced: z.boolean().optional(), calendar: limitCalendar.optional() }).optional(),
      deadline: feedDeadline.optional(),
    }),
  ),
  /** A file next to the function's code, with the feed's files that should arrive each day. */
  EXPECTED_FILE: z.string().min(1).optional(),
  /** Names of the other feeds that send to the same API: their files wait for the same limiter. */
  SHARING_FEEDS: json(z.array(z.string())),
  FINALIZE_DLQ_URL: z.url(),
  /** For one feed of the stack: the intake bucket, and the prefixes of every lane of every feed. */
  STRAYS: json(z.object({ bucket: z.string().min(1), lanePrefixes: z.array(z.string().min(1)).min(1) })).optional(),
  /** Absent for a feed whose files have no control files. */
  CONTROL: json(controlRule).optional(),
  /** Absent if dropped files are not swept. */
  INTAKE_BUCKET: z.string().min(1).optional(),
  WORK_BUCKET: z.string().min(1),
  ARCHIVE_BUCKET: z.string().min(1),
  /** SNS topic of the feeds' desk. */
  DESK_TOPIC_ARN: z.string().min(1),
  /** The function's own timeout. */
  TIMEOUT_SECONDS: z.coerce.number().int().positive(),
  /** A file or batch untouched for this long counts as stalled. */
  STALLED_AFTER_SECONDS: z.coerce.number().int().positive(),
});

type Variables = Record<string, string | undefined>;

function read<T extends z.ZodType>(schema: T, variables: Variables): z.infer<T> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The function's environment is wrong: ${faults.join('; ')}`);
}

export const readSplitterEnvironment = (variables: Variables) => read(splitterEnvironment, variables);
export const readConsumerEnvironment = (variables: Variables) => read(consumerEnvironment, variables);
export const readFinalizerEnvironment = (variables: Variables) => read(finalizerEnvironment, variables);
export const readReconcilerEnvironment = (variables: Variables) => read(reconcilerEnvironment, variables);
