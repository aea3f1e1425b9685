import { z } from 'zod';
import { waitFor } from './deployed-stack.ts';

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

/** A local cloud routes by the service in the signature's scope, and checks no signature. */
const authorization =
  'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=, Signature=';

/**
 * Changes a function of the local cloud for a while: sooner done than a second stack is deployed, and what a test
 * then sees is the suite's own stack. For functions that are idle: those at work are ended.
 * @returns puts back what was before
 */
export async function configureFunction(
  endpoint: string,
  name: string,
  change: (before: FunctionConfiguration) => FunctionConfiguration,
): Promise<() => Promise<void>> {
  const url = `${endpoint}/2015-03-31/functions/${name}/configuration`;
  const { Timeout, Environment } = await ask(url);
  const put = async (wanted: FunctionConfiguration): Promise<void> => {
    await ask(url, { method: 'PUT', body: JSON.stringify(wanted) });
    await waitFor(`the change of ${name}`, async () => {
      const { State, LastUpdateStatus } = await ask(url);
      return State === 'Active' && LastUpdateStatus === 'Successful' ? true : undefined;
    });
  };
  await put(change({ Timeout, Environment }));
  return () => put({ Timeout, Environment });
}

async function ask(url: string, init: RequestInit = {}): Promise<z.infer<typeof configuration>> {
  const answer = await fetch(url, { ...init, headers: { authorization, 'content-type': 'application/json' } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${url}: HTTP ${answer.status} ${text}`);
  return configuration.parse(JSON.parse(text));
}
