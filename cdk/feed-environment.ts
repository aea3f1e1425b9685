import { z } from 'zod';
import type { RegisteredFeed } from '../feeds/feed.ts';
import * as variables from '../feeds/variable-name.ts';
import type { FeedSetting, GivenNumbers } from './stages/feed-numbers.ts';
import { feedNumbers, feedVariables, givenNumbers } from './stages/feed-numbers.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `SLUICE_TRAFFIC_API_URL` for the feed `traffic` and its `apiUrl`. */
export function variableName(feed: string, setting: FeedSetting): string {
  return variables.variableName(feed, feedVariables.get(feedNumbers.shape[setting])?.name ?? setting);
}

/** By their names, and the API's token. */
const ofEveryFeed: ReadonlySet<string> = new Set([
  'API_TOKEN',
  ...Object.entries(feedNumbers.shape).flatMap(([setting, schema]) => {
    const variable = feedVariables.get(schema);
    return variable ? [variables.upperSnake(variable.name ?? setting)] : [];
  }),
]);

/** The names of all variables that are read for a feed. */
export function variablesOfFeed({ name, options }: Pick<RegisteredFeed, 'name' | 'options'>): string[] {
  return [...ofEveryFeed, ...Object.keys(options.shape).map(variables.upperSnake)].map(
    (variable) => `${variables.variableName(name, '')}${variable}`,
  );
}

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
    const variable = variables.variableName(feed, option);
    if (ofEveryFeed.has(variables.upperSnake(option))) {
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
export function readFeedEnvironment(feed: string, environment: Environment): { given: GivenNumbers; faults: string[] } {
  const read: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [setting, schema] of Object.entries(feedNumbers.shape)) {
    const variable = feedVariables.get(schema);
    if (!variable) continue;
    const name = variables.variableName(feed, variable.name ?? setting);
    const text = environment[name]?.trim() ?? '';
    if (text === '') continue;
    const value = variable.read ? variable.read(text) : text;
    if (z.safeParse(schema, value).success) read[setting] = value;
    else {
      const found = variable.isHidden ? '' : `is '${text}'; it `;
      const more = variable.faultOf?.(text);
      faults.push(`${name} ${found}must be ${variable.wanted}.${more === undefined ? '' : ` ${more}`}`);
    }
  }
  return { given: givenNumbers.parse(read), faults };
}
