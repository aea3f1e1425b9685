import { feeds } from '../../feeds/index.ts';
import { CliError } from '../cli-error.ts';
import type { OpenStack } from './open-stack.ts';

interface Deployed {
  outputs: Pick<OpenStack['outputs'], 'api'>;
  target: Pick<OpenStack['target'], 'stackName'>;
}

/** The feeds that the stack was deployed with, in the order of their declarations. */
export function deployedFeeds({ outputs }: Pick<Deployed, 'outputs'>): string[] {
  return feeds.map(({ name }) => name).filter((name) => outputs.api(name) !== undefined);
}

/** @throws CliError naming the feeds that can be chosen, if there is no such feed or the stack was deployed without it */
export function requireDeployed(stack: Deployed, name: string): string {
  const deployed = deployedFeeds(stack);
  if (deployed.includes(name)) return name;
  const { stackName } = stack.target;
  const list = deployed.length === 0 ? 'none' : deployed.join(', ');
  const isKnown = feeds.some((feed) => feed.name === name);
  throw new CliError(
    isKnown
      ? `The feed ${name} is not deployed in the stack ${stackName}, whose feeds are: ${list}. ` +
          `Add ${name} to SLUICE_FEEDS and deploy again, or choose another feed or --stack.`
      : `There is no feed '${name}'. Feeds of the stack ${stackName}: ${list}.`,
  );
}
