import { CliError } from '../cli-error.ts';
import { endpointTarget } from '../stack/choose-target.ts';
import { openTarget } from '../stack/open-stack.ts';

/** Interrupted demos in one endpoint that are passed over. */
const maxNames = 50;

/**
 * The name of a stack for the demo in an endpoint that isn't ours to clear: the first that is free, or whose files are
 * all done. Files that an interrupted demo left in progress would go to this one's API.
 */
export async function chooseDemoStack(
  { stackName, feed }: { stackName: string; feed: string },
  endpointUrl: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  for (let number = 1; number <= maxNames; number++) {
    const name = number === 1 ? stackName : `${stackName}-${number}`;
    try {
      const { ledger } = await openTarget(endpointTarget(name, endpointUrl, env));
      if ((await ledger.listFiles(feed, 'open', 1)).length === 0) return name;
    } catch (error) {
      if (error instanceof CliError) return name;
      throw error;
    }
  }
  throw new CliError(`${endpointUrl} has ${maxNames} interrupted demos; restart that endpoint.`);
}
