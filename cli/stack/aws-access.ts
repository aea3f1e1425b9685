import { readFileSync } from 'node:fs';
import type { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { loadSharedConfigFiles } from '@smithy/core/config';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AgentConnectOpts } from 'agent-base';
import { Agent } from 'agent-base';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { CliError } from '../cli-error.ts';

/** The SDK's default is to wait forever; uploading a part over a slow line takes long. Milliseconds. */
export const httpTimeouts = { connectionTimeout: 5_000, socketTimeout: 60_000 };
const maxSockets = 64;

type Environment = NodeJS.ProcessEnv;

/**
 * Requests to AWS as `aws` and `cdk` make them: through HTTPS_PROXY, except for hosts in NO_PROXY, and trusting
 * AWS_CA_BUNDLE beside the usual authorities. If something else answers in place of AWS, the error says so.
 * @throws CliError where AWS_CA_BUNDLE cannot be read
 */
export class AwsRequestHandler extends NodeHttpHandler {
  constructor(env: Environment) {
    super({ ...httpTimeouts, httpsAgent: httpsAgentOf(env) });
  }

  override async handle(...parameters: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
    const answered = await super.handle(...parameters);
    const { statusCode, headers } = answered.response;
    refuseForeignAnswer(statusCode, headers, parameters[0].hostname);
    return answered;
  }
}

/** A login page of a proxy or a hotel also has status 200, but only answers of AWS have a request id. */
export function refuseForeignAnswer(status: number, headers: Record<string, string>, host: string): void {
  if (status === 407) {
    throw new CliError(
      'The proxy requires a user name and password (407): put them into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT.',
    );
  }
  const names = Object.keys(headers);
  const isFromAws = names.some((name) => /^x-amz/i.test(name));
  if (isFromAws || !/^text\/html\b/i.test(headers['content-type'] ?? '')) return;
  throw new CliError(
    `A web page answered for ${host} (status ${status}), not AWS. Is there a proxy or a login page in between? ` +
      'Set HTTPS_PROXY, or sign in to the network.',
  );
}

function httpsAgentOf(env: Environment): HttpsAgent {
  const ca = certificatesOf(env['AWS_CA_BUNDLE']);
  const options = { keepAlive: true, maxSockets, ...(ca ? { ca } : {}) };
  const direct = new HttpsAgent(options);
  // agent-base's agent has the interface of Node's agents, but is no subclass of them.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  return hasProxy(env) ? new ProxiedAgent(direct, options) : direct;
}

const hasProxy = (env: Environment): boolean =>
  ['https_proxy', 'all_proxy'].some((name) => Boolean(env[name] ?? env[name.toUpperCase()]));

/** Decides by each request's host, since NO_PROXY may name some of AWS's services (VPC endpoints). */
class ProxiedAgent extends Agent {
  readonly #direct: HttpsAgent;
  readonly #options: { keepAlive: boolean; maxSockets: number; ca?: string[] };
  readonly #byProxy = new Map<string, HttpAgent>();

  constructor(direct: HttpsAgent, options: { keepAlive: boolean; maxSockets: number; ca?: string[] }) {
    super(options);
    this.#direct = direct;
    this.#options = options;
  }

  connect(_request: unknown, { host, port }: AgentConnectOpts): HttpAgent {
    const proxy = getProxyForUrl(`https://${host}:${port}`);
    if (proxy === '') return this.#direct;
    const known = this.#byProxy.get(proxy);
    if (known) return known;
    const agent = new HttpsProxyAgent(proxy, this.#options);
    this.#byProxy.set(proxy, agent);
    return agent;
  }
}

function certificatesOf(bundle: string | undefined): string[] | undefined {
  if (!bundle) return undefined;
  try {
    return [...getCACertificates('default'), readFileSync(bundle, 'utf8')];
  } catch (error) {
    throw new CliError(`AWS_CA_BUNDLE names ${bundle}, which cannot be read.`, { cause: error });
  }
}

/** As `aws` has it; the SDK itself reads AWS_REGION and the profile only. */
export const awsRegionOf = (env: Environment): string | undefined =>
  env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined;

/** Whether S3 is somewhere else than in AWS, where names of buckets cannot be host names. */
export async function hasOwnS3Endpoint(env: Environment): Promise<boolean> {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true') return false;
  if (env['AWS_ENDPOINT_URL_S3']) return isElsewhere(env['AWS_ENDPOINT_URL_S3']);
  const { configFile } = await loadSharedConfigFiles();
  const profile = configFile[env['AWS_PROFILE'] || 'default'];
  const services = profile?.['services'];
  const ofS3 = services === undefined ? undefined : configFile[`services.${services}`]?.['s3.endpoint_url'];
  const endpoint = ofS3 ?? profile?.['endpoint_url'];
  return endpoint !== undefined && isElsewhere(endpoint);
}

const isElsewhere = (endpoint: string): boolean =>
  !(URL.canParse(endpoint) && /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname));
