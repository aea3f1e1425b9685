import { givenEndpointOf } from './aws-environment.ts';
import { checkHealth } from './endpoint-health.ts';
import { LocalCloudError } from './local-cloud-error.ts';

/**
 * The endpoint in AWS_ENDPOINT_URL, after a check that it answers; null if none is given. `localhost` becomes 127.0.0.1 if
 * the endpoint answers there too: the CDK CLI would put a bucket's name before a host name, and few resolvers know
 * `bucket.localhost`.
 * @throws LocalCloudError if it is not a URL, or nothing answers
 */
export async function findGivenEndpoint(env: NodeJS.ProcessEnv): Promise<string | null> {
  const text = givenEndpointOf(env);
  if (text === undefined) return null;
  const url = new URL(text);
  if (url.hostname === 'localhost') {
    const byNumber = new URL(text);
    byNumber.hostname = '127.0.0.1';
    if (answered(await checkHealth(byNumber.href))) return withoutSlash(byNumber);
  }
  const fault = await checkHealth(url.href);
  if (answered(fault)) return withoutSlash(url);
  throw new LocalCloudError(
    `Nothing answers at AWS_ENDPOINT_URL ${text} (${fault ?? ''}): start that endpoint, or unset the variable to have a local cloud started.`,
  );
}

/** Any HTTP status counts: not every endpoint has the health path. */
const answered = (fault: string | null): boolean => fault === null || fault.startsWith('HTTP ');

const withoutSlash = (url: URL): string => url.href.replace(/\/$/, '');
