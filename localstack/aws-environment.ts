import { LocalCloudError } from './local-cloud-error.ts';

/** The account of the stack on every local endpoint that we start. */
export const localAccount = '000000000000';
export const localRegion = 'us-east-1';

/** For clients of a local endpoint: the user's environment or profile may request variants that only AWS has. */
export const noEndpointVariants = { useFipsEndpoint: false, useDualstackEndpoint: false };

/**
 * The AWS environment for a local endpoint. The user's own credentials and region are used only if the endpoint is theirs
 * too (AWS_ENDPOINT_URL): an emulator reads the account from the key, and real keys don't belong in an emulator.
 */
export function localAwsEnvironment(endpointUrl: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const theirs = Boolean(env['AWS_ENDPOINT_URL']);
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: session } = theirs ? env : {};
  const region = (theirs ? (env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']) : undefined) ?? localRegion;
  const credentials = key && secret ? { key, secret } : { key: 'test', secret: 'test' };
  return {
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.key,
    AWS_SECRET_ACCESS_KEY: credentials.secret,
    ...(key && secret && session ? { AWS_SESSION_TOKEN: session } : {}),
    // No profile, file or instance role may override these.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_USE_FIPS_ENDPOINT: 'false',
    AWS_USE_DUALSTACK_ENDPOINT: 'false',
  };
}

/** Emulators treat a key of twelve digits as the account number. */
export function localAccountOf({ AWS_ACCESS_KEY_ID: key = '' }: Record<string, string>): string {
  return /^\d{12}$/.test(key) ? key : localAccount;
}

/** The variables that exclude the endpoint from proxying, since a proxy could not reach it: both spellings are read. */
export function withoutProxyFor(endpointUrl: string, env: NodeJS.ProcessEnv): { NO_PROXY: string; no_proxy: string } {
  const given = env['NO_PROXY'] ?? env['no_proxy'];
  const hosts = [given, new URL(endpointUrl).hostname].filter(Boolean).join(',');
  return { NO_PROXY: hosts, no_proxy: hosts };
}

/**
 * @returns undefined if the variable is not set
 * @throws LocalCloudError if it is not an http(s) URL
 */
export function givenEndpointOf(env: NodeJS.ProcessEnv): string | undefined {
  const text = env['AWS_ENDPOINT_URL'];
  if (!text) return undefined;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new LocalCloudError(
    `AWS_ENDPOINT_URL is '${text}', which is not an http(s) URL: correct it (http://127.0.0.1:4566), ` +
      'or unset it to have a local cloud started.',
  );
}
