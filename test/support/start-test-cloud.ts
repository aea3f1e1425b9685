import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { destroyStack } from '../../cli/stack/destroy-stack.ts';
import { stateDirOf } from '../../cli/stack/state-dir.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { localAwsEnvironment, noEndpointVariants } from '../../localstack/aws-environment.ts';
import type { Certificate } from '../../localstack/certificates.ts';
import { deployStack } from '../../localstack/deploy.ts';
import { prepareEnforcement } from '../../localstack/enforcement.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { bringUpProxiedEndpoint } from '../../localstack/fault-proxy/proxied-endpoint.ts';
import { reachOf } from '../../localstack/reach.ts';
import type { Need } from './lacks.ts';

/** What every test on the local cloud is given. */
export interface TestCloud {
  /** For the SDK's clients: past the fault proxy. */
  client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  stackName: string;
  /** The stack's, by name. */
  outputs: Record<string, string>;
  api: { url: string; token: string; requests: number; windowSeconds: number };
  /** A proxy between the functions and the endpoint; null if the endpoint was not started here. */
  proxyUrl: string | null;
  /** What an endpoint that was given, or runs functions in containers, cannot do for a test. */
  lacking: Need[];
  /** Where the endpoint's log lies. */
  stateDir: string;
  /** If IAM is evaluated for every call: the trusted principals, and the decisions. Otherwise null. */
  enforcement: { ca: string; decisionsFile: string; certificate: Certificate } | null;
}

declare module 'vitest' {
  interface ProvidedContext {
    cloud: TestCloud;
  }
}

export interface TestCloudOptions {
  /** Part of the names of everything that is started. */
  name: string;
  limit: { requests: number; windowSeconds: number };
  stage: 'local' | 'drill';
  /** Further settings of the stack, as it takes them from the environment. */
  settings?: Record<string, string>;
  /** Of the dice of the fake API and of the fault proxy. */
  seed?: number;
  /** Evaluate IAM for every call, each function under its own role; needs MiniStack. */
  enforceIam?: boolean;
}

/** One cloud, one stack and one fake API for all tests of a run: apart from any other run's. */
export async function startTestCloud(
  options: TestCloudOptions,
): Promise<{ cloud: TestCloud; tearDown: () => Promise<void> }> {
  const { name, limit, stage, settings = {}, seed = 1, enforceIam = false } = options;
  const stateDir = join(stateDirOf(process.env), `${name}-${process.pid}`);
  mkdirSync(stateDir, { recursive: true });
  const enforcement = enforceIam ? prepareEnforcement(stateDir) : undefined;
  const token = `test-token-${process.pid}`;
  const proxied = await bringUpProxiedEndpoint({
    stateDir,
    onProgress: () => undefined,
    lifetime: 'process',
    seed,
    enforcement,
  });
  const { endpoint, proxy } = proxied;
  const reach = reachOf(endpoint, process.env);
  const api = await startFakeAvstar({ host: reach.listenOn, token, ...limit, seed });
  const apiUrl = `http://127.0.0.1:${api.port}`;
  const client = clientOf(endpoint.url);
  // An endpoint that was given may hold other stacks.
  const stackName = `sluice-${name}-${process.pid}`;
  const tearDown = async () => {
    if (endpoint.kind === 'given') await destroyTestStack(stackName, client);
    await proxied.stop();
    await api.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    const outputs = await deployStack({
      endpointUrl: endpoint.url,
      stackName,
      context: { stage },
      env: {
        ...process.env,
        SLUICE_FEEDS: 'traffic',
        SLUICE_TRAFFIC_API_URL: `http://${reach.name}:${api.port}`,
        SLUICE_TRAFFIC_REQUESTS: String(limit.requests),
        SLUICE_TRAFFIC_WINDOW_SECONDS: String(limit.windowSeconds),
        ...settings,
      },
      outDir: join(stateDir, 'cdk.out'),
      onProgress: () => undefined,
      timeoutMs: 240_000,
      caFile: enforcement?.caFile,
    });
    const SecretId = outputs['TrafficTokenSecretArn'];
    await new SecretsManagerClient(client).send(new PutSecretValueCommand({ SecretId, SecretString: token }));
    const cloud = {
      client,
      stackName,
      outputs,
      api: { url: apiUrl, token, ...limit },
      proxyUrl: proxy?.url ?? null,
      lacking: [
        ...(endpoint.kind === 'ministack' ? [] : (['killing'] as const)),
        ...(reach.name === '127.0.0.1' ? [] : (['loopback'] as const)),
      ],
      stateDir,
      enforcement: enforcement
        ? {
            ca: enforcement.ca,
            decisionsFile: enforcement.decisionsFile,
            certificate: enforcement.certificateFor('127.0.0.1'),
          }
        : null,
    };
    return { cloud, tearDown };
  } catch (error) {
    await tearDown();
    throw error;
  }
}

/** With the credentials and the region that the stack is deployed with. */
function clientOf(endpointUrl: string): TestCloud['client'] {
  const aws = localAwsEnvironment(endpointUrl, process.env);
  return {
    endpoint: endpointUrl,
    region: aws['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: aws['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: aws['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    ...noEndpointVariants,
  };
}

/** From an endpoint that lives on. */
async function destroyTestStack(stackName: string, client: TestCloud['client']): Promise<void> {
  const ports = {
    cloudFormation: new CloudFormationClient(client),
    s3: new S3Client({ ...client, forcePathStyle: true }),
    clock: systemClock,
    onProgress: () => undefined,
  };
  await destroyStack(stackName, ports).catch((error: unknown) => {
    console.log(`The stack ${stackName} is left at ${client.endpoint}: ${(error as Error).message}`);
  });
}
