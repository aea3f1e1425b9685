import { RemovalPolicy } from 'aws-cdk-lib';
import type { Settings } from './settings.ts';

/**
 * What happens to a resource with data when the stack is deleted. A first deploy that fails removes everything that it
 * made, even in a stage that retains its data: the next try needs the names of its buckets.
 */
export function removalPolicyOf({ retainData }: Pick<Settings, 'retainData'>): RemovalPolicy {
  return retainData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
