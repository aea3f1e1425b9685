import type { RegisteredFeed } from '../feeds/feed.ts';
import { variableName } from '../feeds/variable-name.ts';
import type { Environment } from './feed-environment.ts';
import { variablesOfFeed } from './feed-environment.ts';

/** Variables of the stack, of this machine and of the tests, beside those of the feeds. */
export const generalVariables = [
  ...['SLUICE_FEEDS', 'SLUICE_DESK_EMAIL', 'SLUICE_RUNBOOK_URL', 'SLUICE_FUNCTION_QUOTA'],
  ...['SLUICE_EGRESS', 'SLUICE_EGRESS_SUBNETS', 'SLUICE_EGRESS_SECURITY_GROUPS'],
  ...['SLUICE_ARCHIVE_LOCK', 'SLUICE_KMS_KEY_ARN', 'SLUICE_SIGNING_KEY'],
  ...['SLUICE_STATE_DIR', 'SLUICE_LOCAL_CLOUD', 'SLUICE_PYTHON', 'SLUICE_DEMO_API_HOST', 'SLUICE_ENDPOINT_LIFELINE'],
  ...['SLUICE_LOCALSTACK_IMAGE', 'SLUICE_LOCALSTACK_PORT', 'SLUICE_IAM_DECISIONS', 'SLUICE_TEST_REPORT'],
  ...['SLUICE_FAULT_SEED', 'SLUICE_DIFFERENTIAL_SEED', 'SLUICE_DIFFERENTIAL_CASES'],
] as const;

/** A name with more differences than this counts as another name. */
const farthest = 3;

/**
 * A sentence for each variable that begins with SLUICE_ and that nothing reads: a misspelt setting would be without effect,
 * and its default in force.
 * @param feeds all there are, deployed or not
 */
export function unknownVariables(
  feeds: readonly Pick<RegisteredFeed, 'name' | 'options'>[],
  environment: Environment,
): string[] {
  const known = [...generalVariables, ...feeds.flatMap(variablesOfFeed)];
  const unknown = Object.keys(environment).filter((name) => name.startsWith('SLUICE_') && !known.includes(name));
  return unknown.sort().map((name) => {
    const [nearest] = known
      .map((each) => ({ each, distance: isPartOf(name, each) ? 1 : distanceOf(name, each) }))
      .sort((a, b) => a.distance - b.distance);
    const isMeant = nearest !== undefined && nearest.distance <= farthest;
    const begins = feeds.map((feed) => variableName(feed.name, '')).join(', ');
    const advice = isMeant
      ? `Did you mean ${nearest.each}?`
      : `The settings of a feed begin with its name (${begins}); docs/settings.md has all.`;
    return `${name} is set, and nothing reads it. ${advice}`;
  });
}

/** A name that was cut short, or is longer than it should be. */
const isPartOf = (name: string, other: string): boolean => other.startsWith(`${name}_`) || name.startsWith(`${other}_`);

/** Levenshtein's distance: how many characters must be changed, added or removed. */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of Array.from(from).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
