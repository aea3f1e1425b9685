import * as z from 'zod';
import { feedDeadline } from '../core/deadlines/feed-deadline.ts';

/** What the stack tells each function. Parsed once at start: a wrong deploy fails at init, with the variable's name. */

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
  /** The stack's version of Sluice, told in manifests. */
  SLUICE_VERSION: z.string().min(1),
  LEDGER_TABLE: z.string().min(1),
  /** A dimension of metrics, and named in what the desk is told. */
  STACK_NAME: z.string().min(1),
};

/** Of functions that work off a queue. */
const worker = {
  /** Names the metrics, with the feed. */
  STACK_NAME: z.string().min(1),
  /**
   * How long messages wait for AWS (runtime/put-back.ts). A drill's are shorter. At first as long as a request to the API may
   * be in progress that was given up: the next try takes a 409 for the answer to it.
   */
  WAIT_TIMES: json(z.object({ firstSeconds: z.number().positive(), longestSeconds: z.number().positive() })).default({
    firstSeconds: 36,
    longestSeconds: 900,
  }),
};

const lane = {
  SLUICE_FEED: z.string().min(1),
  SLUICE_LANE: z.string().min(1),
  /** Of the deployment; the feed's declaration says what they are. */
  FEED_OPTIONS: json(z.record(z.string(), z.unknown())).default({}),
};

/** The cut's limits, from cdk/settings.ts. */
const cutLimits = z.object({
  maxBatchRecords: z.int().positive(),
  maxBatchBytes: z.int().positive(),
  maxRecordBytes: z.int().positive(),
});

/** What a gzip may hold, and how far a file is cut ahead of the API (cdk/splitter-limits.ts). */
const gzipLimits = z.object({
  maxContentBytes: z.number().positive(),
  maxRatio: z.number().positive(),
  roomMs: z.number().positive(),
});
const horizon = z.object({ records: z.int().positive(), recordsPerSecond: z.number().positive() });

/** What the sink's contract says, and this lane's share of it. */
const apiSettings = z.object({
  /** Names the shared limiter's item: every feed and lane with this id shares the limit. */
  id: z.string().min(1),
  /** Absent if records go into the record ledger. */
  url: z.url().optional(),
  requests: z.int().positive(),
  windowSeconds: z.number().positive(),
  /** Whether the sink holds us to these. */
  isPaced: z.boolean(),
  /** Connections one consumer of batches may hold. */
  connectionsPerConsumer: z.int().positive(),
  /** Connections one consumer of letters may hold. */
  connectionsPerLetterConsumer: z.int().positive(),
  /** The proxy on the way to the API. */
  proxyUrl: z.url().optional(),
  /** A file beside the function's code with certificates that are trusted beside the usual ones. */
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
  /** Where small files are bundled: of feeds that have such. */
  WORK_BUCKET: z.string().min(1).optional(),
});

const consumerEnvironment = z.object({
  ...common,
  ...worker,
  ...lane,
  RECORDS_QUEUE_URL: z.url(),
  LETTERS_QUEUE_URL: z.url(),
  /** Tells letters from batches by where an event came from. */
  LETTERS_QUEUE_ARN: z.string().min(1),
  FINALIZE_QUEUE_URL: z.url(),
  WORK_BUCKET: z.string().min(1),
  API: json(apiSettings),
  /** Of an API; or else the table of the record ledger. */
  TOKEN_SECRET_ARN: z.string().min(1).optional(),
  RECORD_LEDGER_TABLE: z.string().min(1).optional(),
});

const rateLimit = z.object({ requests: z.int().positive(), windowSeconds: z.number().positive() });

const finalizerEnvironment = z.object({
  ...common,
  ...worker,
  FINALIZE_QUEUE_URL: z.url(),
  WORK_BUCKET: z.string().min(1),
  ARCHIVE_BUCKET: z.string().min(1),
  /** SNS topic of the people who look after the feeds. */
  DESK_TOPIC_ARN: z.string().min(1),
  /** The function's feed: what reports show beside the account. */
  FEED: json(
    z.object({
      feed: z.string(),
      sink: z.enum(['http', 'ledger']),
      /** Absent if there is no limit. */
      limit: rateLimit.optional(),
      deadline: feedDeadline.optional(),
    }),
  ),
  /** What manifests are signed with; without it they are not. */
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
          /** Of the keys of its files, where they are swept. */
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
      limit: rateLimit.optional(),
      deadline: feedDeadline.optional(),
    }),
  ),
  /** Names of the other feeds that send to the same API: their files wait for the same limiter. */
  SHARING_FEEDS: json(z.array(z.string())),
  FINALIZE_DLQ_URL: z.url(),
  /** Absent if dropped files are not swept. */
  INTAKE_BUCKET: z.string().min(1).optional(),
  WORK_BUCKET: z.string().min(1),
  ARCHIVE_BUCKET: z.string().min(1),
  /** SNS topic of the people who look after the feeds. */
  DESK_TOPIC_ARN: z.string().min(1),
  /** The function's own time. */
  TIMEOUT_SECONDS: z.coerce.number().int().positive(),
  /** A file or batch that nobody has touched for this long is taken to be stalled. */
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
