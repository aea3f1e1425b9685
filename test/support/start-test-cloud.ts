import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { noEndpointVariants } from '../../localstack/aws-environment.ts';
import type { Certificate } from '../../localstack/certificates.ts';
import { deployStack } from '../../localstack/deploy.ts';
import { prepareEnforcement } from '../../localstack/enforcement.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { bringUpProxiedEndpoint } from '../../localstack/fault-proxy/proxied-endpoint.ts';

/** What every test on the local cloud is given. */
export interface TestCloud {
  /** For the SDK's clients: past the fault proxy. */
  client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  stackName: string;
  /** The stack's, by name. */
  outputs: Record<string, string>;
  api: { url: string; token: string; requests: number; windowSeconds: number };
  /** Stands between the functions and the endpoint; null where the endpoint is not one that was started here. */
  proxyUrl: string | null;
  /** Where the endpoint's log lies. */
  stateDir: string;
  /** Where IAM is evaluated for every call: what is trusted, and what was decided. Null elsewhere. */
  enforcement: { ca: string; decisionsFile: string; certificate: Certificate } | null;
}

declare module 'vitest' {
  interface ProvidedContext {
    cloud: TestCloud;
  }
}

export interface TestCloudOptions {
  /** In the names of what is started. */
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
  const stateDir = resolve(import.meta.dirname, '../../.sluice', `${name}-${process.pid}`);
  mkdirSync(stateDir, { recursive: true });
  const enforcement = enforceIam ? prepareEnforcement(stateDir) : undefined;
  const token = `test-token-${process.pid}`;
  const api = await startFakeAvstar({ token, ...limit, seed });
  const proxied = await bringUpProxiedEndpoint({
    stateDir,
    onProgress: () => undefined,
    lifetime: 'process',
    seed,
    enforcement,
  }).catch(async (error: unknown) => {
    await api.close();
    throw error;
  });
  const { endpoint, proxy } = proxied;
  const tearDown = async () => {
    await proxied.stop();
    await api.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  // An endpoint that was given may hold other stacks.
  const stackName = `sluice-${name}-${process.pid}`;
  try {
    const outputs = await deployStack({
      endpointUrl: endpoint.url,
      stackName,
      context: { stage },
      env: {
        ...process.env,
        SLUICE_FEEDS: 'traffic',
        SLUICE_TRAFFIC_API_URL: api.url,
        SLUICE_TRAFFIC_REQUESTS: String(limit.requests),
        SLUICE_TRAFFIC_WINDOW_SECONDS: String(limit.windowSeconds),
        ...settings,
      },
      outDir: join(stateDir, 'cdk.out'),
      onProgress: () => undefined,
      timeoutMs: 240_000,
      caFile: enforcement?.caFile,
    });
    const client = {
      endpoint: endpoint.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      ...noEndpointVariants,
    };
    const SecretId = outputs['TrafficTokenSecretArn'];
    await new SecretsManagerClient(client).send(new PutSecretValueCommand({ SecretId, SecretString: token }));
    const cloud = {
      client,
      stackName,
      outputs,
      api: { url: api.url, token, ...limit },
      proxyUrl: proxy?.url ?? null,
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
