import { callSigned } from './signed-call.ts';
import type { TestCloud } from './start-test-cloud.ts';

/** Runs a function of the local cloud, as a schedule does, and waits for its end. @throws if it fails */
export async function invokeFunction(client: TestCloud['client'], name: string, event: unknown = {}): Promise<void> {
  const path = `/2015-03-31/functions/${name}/invocations`;
  const body = JSON.stringify(event);
  const text = await callSigned(client, {
    service: 'lambda',
    method: 'POST',
    path,
    body,
    contentType: 'application/json',
  });
  // A function that failed is answered with 200 and its error.
  if (text.includes('"errorType"')) throw new Error(`${name}: ${text}`);
}
