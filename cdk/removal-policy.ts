import { RemovalPolicy } from 'aws-cdk-lib';
import type { Settings } from './settings.ts';

/**
 * What becomes of something that holds data when the stack goes. A first deploy that fails takes away what it made, also
 * where data is kept: buckets that stayed would have the names that the next try needs.
 */
export function removalPolicyOf({ retainData }: Pick<Settings, 'retainData'>): RemovalPolicy {
  return retainData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
