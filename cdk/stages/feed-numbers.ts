import { z } from 'zod';
import { controlRule } from '../../feeds/control-rule.ts';
import { seriesFault } from '../../feeds/series-pattern.ts';
import { logRetentionDays } from '../aws-quotas.ts';
import { parseDeadline } from '../deadline.ts';
import { expectedEntries, expectedFault, readExpected } from '../expected-files.ts';
import { calendarEntries, calendarZone } from '../limit-calendar.ts';

/** The environment variable of a feed's setting: `SLUICE_<FEED>_<NAME>`. */
interface FeedVariable {
  /** Completes the sentence "It must be …". */
  wanted: string;
  /** The variable's text as the stage's file would have the value. Without it, the text is the value. */
  read?: (text: string) => unknown;
  /** What exactly is wrong with the text, in a sentence. */
  faultOf?: (text: string) => string | undefined;
  /** In place of the setting's own, in the same spelling. */
  name?: string;
  /** The value may contain a password, or is too long: it is not shown. */
  isHidden?: true;
}

export const feedVariables = z.registry<FeedVariable>();

const url = () => z.url({ protocol: /^https?$/ });
const count = () => z.int().positive();

/** NaN, which no setting accepts, if the text is not a plain number. */
export function readNumber(text: string): number {
  return /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,3})?$/.test(text) ? Number(text) : NaN;
}

/** Undefined, which no such setting accepts, if the text is not JSON. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What the first wrong part must be. */
function controlFault(text: string): string | undefined {
  const { error } = controlRule.safeParse(readJson(text));
  const [issue] = error?.issues ?? [];
  return issue && `${issue.path.length === 0 ? 'It' : issue.path.join('.')}: ${issue.message}.`;
}

const onOrOff = {
  wanted: 'on or off',
  read: (text: string): unknown => ({ on: true, off: false })[text] ?? text,
};

const wantedDays = 'a number of days that CloudWatch Logs supports, such as 365, 731 or 1096';
/** How long CloudWatch Logs keeps a log. */
export const knownRetention = z.number().refine((days) => logRetentionDays.includes(days), `It must be ${wantedDays}`);
const wantedDeadline = 'a time of day and a time zone, such as 05:00 America/New_York';

/**
 * Every setting of a feed: a stage's file overrides the feed's declaration, and the environment overrides both.
 * A setting without a variable is not read from the environment.
 */
export const feedNumbers = z.strictObject({
  /** Base URL; without one it has to be given in the environment. */
  apiUrl: url().optional().register(feedVariables, { wanted: 'an http or https URL', isHidden: true }),
  /** Where its records go, in place of what it declares: to an API, or into the record ledger. */
  sink: z.enum(['http', 'ledger']).optional().register(feedVariables, { wanted: 'http or ledger' }),
  /** An HTTP proxy on the way to the API, without password. */
  proxyUrl: url().optional().register(feedVariables, { wanted: "an http or https URL: the proxy's", isHidden: true }),
  /** Path of a PEM file with certificates that are trusted in addition to the usual ones. */
  caFile: z.string().min(1).optional().register(feedVariables, { wanted: 'the path of a PEM file' }),
  /** Consumers of batches in the main lane; by default, as few as the rate needs. */
  consumers: count().optional().register(feedVariables, {
    name: 'concurrency',
    wanted: 'a whole number of consumers, 2 or more',
    read: readNumber,
  }),
  /** The feed's own options, by their names in its declaration; each has a variable of its own. */
  options: z.record(z.string(), z.string()).optional(),
  requests: count().register(feedVariables, {
    wanted: 'a whole number of requests per window, 1 or more',
    read: readNumber,
  }),
  windowSeconds: z
    .number()
    .positive()
    .register(feedVariables, { wanted: 'a number of seconds above 0', read: readNumber }),
  /** Whether the sink enforces the limit; otherwise it only says what to expect. By default, an API does. */
  paced: z.boolean().optional().register(feedVariables, onOrOff),
  /**
   * Times of day at which the API allows less, such as `{ from: '06:00', to: '18:00', days: ['mon', 'tue'], requests: 300 }`.
   * From `to` on an earlier or equal time it goes on past midnight; without `days`, every day; where two overlap, the lower.
   */
  limitCalendar: calendarEntries.optional(),
  /** The IANA name of the calendar's time zone; by default, the deadline's. */
  limitTimeZone: calendarZone.optional(),
  connections: count().register(feedVariables, {
    wanted: 'a whole number of connections, 1 or more',
    read: readNumber,
  }),
  /** Files under `express/<feed>/` have queues and functions of their own, and don't wait for those under `<feed>/`. */
  expressLane: z.boolean().register(feedVariables, onOrOff),
  /** When its files must be done: a time of day and a time zone, as `05:00 America/New_York`. */
  deadline: z
    .string()
    .refine((text) => parseDeadline(text) !== undefined, `It must be ${wantedDeadline}`)
    .optional()
    .register(feedVariables, { wanted: wantedDeadline }),
  /**
   * Files that should arrive each day, such as `{ name: 'WABC', key: 'WABC_{yyyyMMdd+1}*.csv', by: '02:00' }`: the key is
   * without the lane's prefix, and its dates count from the day of `by`; without `days`, every day; with `records`, at
   * least as many.
   */
  expected: expectedEntries.optional().register(feedVariables, {
    wanted: 'a JSON array of expected files, such as [{"name":"WABC","key":"WABC_{yyyyMMdd+1}*.csv","by":"02:00"}]',
    read: readExpected,
    faultOf: expectedFault,
    isHidden: true,
  }),
  /** Which files are revisions of each other: a pattern of their names, such as `{station}_{yyyyMMdd}_R{#}.csv`. */
  series: z
    .string()
    .superRefine((text, context) => {
      const fault = seriesFault(text);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault.replace(/\.$/, '') });
    })
    .optional()
    .register(feedVariables, {
      wanted: 'a pattern of file names, such as {station}_{yyyyMMdd}_R{#}.csv',
      faultOf: seriesFault,
    }),
  /**
   * What the API does with a record that it has and that is sent with other values, under another request id: `replaces`
   * its entry by a key of its own, or `supersedes` the entry of the request id in the header X-Supersedes-Request-ID. By
   * default, a person decides about a revision that has changed records.
   */
  changedRecords: z
    .enum(['replaces', 'supersedes'])
    .optional()
    .register(feedVariables, { wanted: 'replaces or supersedes' }),
  /** The share of an earlier revision's records that may be changed or removed before a person decides. */
  revisionGuard: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .register(feedVariables, { wanted: 'a share from 0 to 1, such as 0.3', read: readNumber }),
  /** The control file that each file must agree with before it is sent; see feeds/control-rule.ts. */
  control: controlRule.optional().register(feedVariables, {
    wanted: `a control file as JSON, such as {"suffix":".ctl","comes":"after","kind":"rows","waitMinutes":60}`,
    read: readJson,
    faultOf: controlFault,
  }),
  /** How long the archive keeps a feed's evidence from being deleted. */
  archiveRetentionDays: count(),
  /** How long the logs that audit a feed's records are kept. */
  logRetentionDays: knownRetention.optional().register(feedVariables, { wanted: wantedDays, read: readNumber }),
});

/** Those that a stage's file or the environment sets. */
export const givenNumbers = feedNumbers.partial();

export type FeedNumbers = z.infer<typeof feedNumbers>;
export type GivenNumbers = z.infer<typeof givenNumbers>;

/** A setting that has a variable. */
export const feedSetting = feedNumbers
  .omit({ options: true, archiveRetentionDays: true, limitCalendar: true, limitTimeZone: true })
  .keyof();
export type FeedSetting = z.infer<typeof feedSetting>;
