import type { Settings } from './settings.ts';

/** Resources that the constructs make, at the most: test/cdk/measure-template.test.ts holds these against the templates. */
const ofStack = 19;
const ofFeed = 38;
const ofLane = 28;
const ofStaticEgress = 31;

/** CloudFormation resources of a stack with everything that is optional: known before the CDK makes them. */
export function resourcesOf({ feeds, egress }: Pick<Settings, 'feeds' | 'egress'>): number {
  const shared = ofStack + (egress.kind === 'static' ? ofStaticEgress : 0);
  return shared + feeds.reduce((sum, { lanes }) => sum + ofFeed + lanes.length * ofLane, 0);
}
