import { join } from 'node:path';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { deployStack } from '../../localstack/deploy.ts';
import type { Endpoint } from '../../localstack/endpoint.ts';
import { bringUpEndpoint } from '../../localstack/endpoint.ts';
import { endpointTarget } from './choose-target.ts';
import { secretsClientFor } from './clients.ts';
import type { FeedToken } from './feed-variables.ts';
import { withoutTokens } from './feed-variables.ts';
import { rememberStack } from './local-stacks.ts';
import { StackOutputs } from './stack-outputs.ts';

export interface BringUpRequest {
  stackName: string;
  port: number | undefined;
  /** Where the list of local stacks is kept. */
  stateDir: string;
  /** The folder of the endpoint's files: each endpoint has its own. */
  endpointDir: string;
  /** The endpoint's choice and the feeds' settings are read from it. Given the endpoint, because an API's address may depend on it. */
  environmentAt: (endpoint: Endpoint) => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>;
  env: NodeJS.ProcessEnv;
  tokens: readonly FeedToken[];
  onProgress: (message: string) => void;
  signal: AbortSignal;
}

export interface RunningStack {
  endpoint: Endpoint;
  outputs: Record<string, string>;
}

/** Bootstrap and deploy take 15 s, and many times that on a busy machine. Milliseconds. */
const deployTimeoutMs = 10 * 60_000;

/** Starts a local cloud if there is none, and deploys a stack to it, or updates the stack. */
export async function bringUpStack(request: BringUpRequest): Promise<RunningStack> {
  const { stackName, port, stateDir, endpointDir, env, onProgress, signal } = request;
  const endpoint = await bringUpEndpoint({ port, stateDir: endpointDir, onProgress, signal, env });
  // Before the deployment, so that `down` finds what an interrupted deployment left.
  rememberStack(stateDir, stackName, { endpointUrl: endpoint.url, stateDir: endpointDir, kind: endpoint.kind });
  const outputs = await deployStack({
    endpointUrl: endpoint.url,
    stackName,
    env: withoutTokens(await request.environmentAt(endpoint)),
    outDir: join(endpointDir, 'deploy', stackName),
    onProgress,
    timeoutMs: deployTimeoutMs,
    signal,
  });
  await putTokens(stackName, endpoint.url, outputs, request);
  return { endpoint, outputs };
}

/** Writes the tokens directly to Secrets Manager: a template or a file would expose them. */
async function putTokens(
  stackName: string,
  endpointUrl: string,
  outputs: Record<string, string>,
  { env, tokens }: BringUpRequest,
): Promise<void> {
  const stack = new StackOutputs(stackName, outputs);
  const client = secretsClientFor(endpointTarget(stackName, endpointUrl, env));
  for (const { feed, token } of tokens) {
    await client.send(new PutSecretValueCommand({ SecretId: stack.tokenSecretArn(feed), SecretString: token }));
  }
  client.destroy();
}
