import { z } from 'zod';
import { parseDeadline } from './deadline.ts';
import { seriesFault } from '../feeds/series-pattern.ts';
import type { RegisteredFeed } from '../feeds/feed.ts';
import { knownRetention } from './stages/stage-numbers.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A count, as text. */
export const whole = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/)
  .transform(Number);
const seconds = z
  .string()
  .regex(/^[0-9]{1,6}(\.[0-9]{1,3})?$/)
  .transform(Number)
  .refine((value) => value > 0);

/** What the environment can say about a feed: `SLUICE_<FEED>_<name>`. */
const variables = {
  SINK: { schema: z.enum(['http', 'ledger']), wanted: 'http or ledger' },
  API_URL: { schema: z.url({ protocol: /^https?$/ }), wanted: 'an http or https URL' },
  REQUESTS: { schema: whole, wanted: 'a whole number of requests per window, 1 or more' },
  PACED: {
    schema: z.enum(['on', 'off']).transform((value) => value === 'on'),
    wanted: 'on or off',
  },
  WINDOW_SECONDS: { schema: seconds, wanted: 'a number of seconds above 0' },
  CONNECTIONS: { schema: whole, wanted: 'a whole number of connections, 1 or more' },
  CONCURRENCY: { schema: whole, wanted: 'a whole number of consumers, 2 or more' },
  EXPRESS_LANE: {
    schema: z.enum(['on', 'off']).transform((value) => value === 'on'),
    wanted: 'on or off',
  },
  PROXY_URL: { schema: z.url({ protocol: /^https?$/ }), wanted: "an http or https URL: the proxy's" },
  DEADLINE: {
    schema: z.string().refine((text) => parseDeadline(text) !== undefined),
    wanted: 'a time of day and a time zone, such as 05:00 America/New_York',
  },
  SERIES: {
    schema: z.string().refine((text) => seriesFault(text) === undefined),
    wanted: 'a pattern of file names, such as {station}_{yyyyMMdd}_R{#}.csv',
    faultOf: seriesFault,
  },
  LOG_RETENTION_DAYS: {
    schema: z.string().transform(Number).pipe(knownRetention),
    wanted: 'a number of days that CloudWatch Logs supports, such as 365, 731 or 1096',
  },
  CA_FILE: { schema: z.string(), wanted: 'the path of a PEM file' },
} as const;

/** Their values may contain a password, so they are not shown. */
const untold: readonly string[] = ['API_URL', 'PROXY_URL'];

type VariableName = keyof typeof variables;
export type FeedOverrides = { [Name in VariableName]?: z.output<(typeof variables)[Name]['schema']> };

/** What exactly is wrong, in a sentence, if the variable knows more than what it wants. */
function moreAbout(name: VariableName, text: string): string {
  const variable = variables[name];
  return 'faultOf' in variable ? ` ${variable.faultOf(text) ?? ''}` : '';
}

/** `SLUICE_TRAFFIC_API_URL` for the feed `traffic`. */
export function variableName(feed: string, name: VariableName): string {
  return variableOf(feed, name);
}

const variableOf = (feed: string, name: string): string => `SLUICE_${feed.toUpperCase().replaceAll('-', '_')}_${name}`;

/**
 * The feed's own options: `SLUICE_MAINTENANCE_UNKNOWN_FORM_TYPES` for `unknownFormTypes`.
 * @param ofStage what the stage's file has of them; the environment takes precedence
 */
export function readFeedOptions(
  { name: feed, options }: Pick<RegisteredFeed, 'name' | 'options'>,
  environment: Environment,
  ofStage: Readonly<Record<string, string>> = {},
): { given: Record<string, string>; faults: string[] } {
  const given: Record<string, string> = {};
  const unknown = Object.keys(ofStage).filter((option) => !(option in options.shape));
  const faults = unknown.map(
    (option) => `The stage's file has feeds.${feed}.options.${option}; the feed has no such option.`,
  );
  for (const [option, schema] of Object.entries(options.shape)) {
    const name = option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    const variable = variableOf(feed, name);
    if (name in variables || name === 'API_TOKEN') {
      faults.push(`The feed '${feed}' can't have an option '${option}': ${variable} is a setting of every feed.`);
      continue;
    }
    const ofEnvironment = environment[variable]?.trim() ?? '';
    const text = ofEnvironment || (ofStage[option] ?? '');
    if (text === '') continue;
    const result = z.safeParse(schema, text);
    const source = ofEnvironment === '' ? `feeds.${feed}.options.${option} in the stage's file` : variable;
    if (result.success) given[option] = text;
    else faults.push(`${source} is '${text}'; it must be ${result.error.issues[0]?.message ?? 'something else'}.`);
  }
  return { given, faults };
}

/** Reads a feed's variables; an empty one counts as not given. What can't be read becomes a fault. */
export function readFeedEnvironment(
  feed: string,
  environment: Environment,
): { overrides: FeedOverrides; faults: string[] } {
  const read: Partial<Record<VariableName, string | number | boolean>> = {};
  const faults: string[] = [];
  for (const name of Object.keys(variables) as VariableName[]) {
    const variable = variableName(feed, name);
    const text = environment[variable]?.trim() ?? '';
    if (text === '') continue;
    const result = variables[name].schema.safeParse(text);
    if (result.success) read[name] = result.data;
    else {
      const what = untold.includes(name) ? '' : `is '${text}'; it `;
      faults.push(`${variable} ${what}must be ${variables[name].wanted}.${moreAbout(name, text)}`);
    }
  }
  return { overrides: read as FeedOverrides, faults };
}
