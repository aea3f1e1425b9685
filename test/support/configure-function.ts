import { z } from 'zod';
import { waitFor } from './deployed-stack.ts';
import { callSigned } from './signed-call.ts';
import type { TestCloud } from './start-test-cloud.ts';

/** What a deployed function can be given in place of what the stack says. */
export interface FunctionConfiguration {
  Timeout: number;
  Environment: { Variables: Record<string, string> };
}

const configuration = z.object({
  Timeout: z.number(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
  State: z.string(),
  LastUpdateStatus: z.string(),
});

/**
 * Changes a function of the local cloud for a while: sooner done than a second stack is deployed, and what a test
 * then sees is the suite's own stack. For idle functions: busy ones are killed.
 * @returns a function that restores the previous environment
 */
export async function configureFunction(
  client: TestCloud['client'],
  name: string,
  change: (before: FunctionConfiguration) => FunctionConfiguration,
): Promise<() => Promise<void>> {
  const ask = async (method: 'GET' | 'PUT', wanted?: FunctionConfiguration) => {
    const path = `/2015-03-31/functions/${name}/configuration`;
    const body = wanted ? JSON.stringify(wanted) : '';
    const text = await callSigned(client, { service: 'lambda', method, path, body, contentType: 'application/json' });
    return configuration.parse(JSON.parse(text));
  };
  const { Timeout, Environment } = await ask('GET');
  const put = async (wanted: FunctionConfiguration): Promise<void> => {
    await ask('PUT', wanted);
    await waitFor(`the change of ${name}`, async () => {
      const { State, LastUpdateStatus } = await ask('GET');
      return State === 'Active' && LastUpdateStatus === 'Successful' ? true : undefined;
    });
  };
  await put(change({ Timeout, Environment }));
  return () => put({ Timeout, Environment });
}
