import type { Settings } from './settings.ts';

/** Resources that the constructs make, at the most: test/cdk/measure-template.test.ts holds these against the templates. */
const ofStack = 19;
const ofFeed = 33;
const ofLane = 28;

/** CloudFormation resources of a stack with everything that is optional: known before the CDK makes them. */
export function resourcesOf({ feeds }: Pick<Settings, 'feeds'>): number {
  return ofStack + feeds.reduce((sum, { lanes }) => sum + ofFeed + lanes.length * ofLane, 0);
}
