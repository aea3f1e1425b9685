import type { DeployedStack } from './deployed-stack.ts';

/** Requests with an id that the fake API had already: the API's log shows each spot once, however often it was sent. */
export async function duplicatesSeen(stack: DeployedStack): Promise<number> {
  const answer = await fetch(`${stack.cloud.api.url}/stats`);
  return ((await answer.json()) as { duplicates: number }).duplicates;
}
