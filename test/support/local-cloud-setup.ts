import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { TestProject } from 'vitest/node';
import { deployStack } from '../../localstack/deploy.ts';
import { bringUpEndpoint } from '../../localstack/endpoint.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';

/** What every test on the local cloud is given. */
export interface TestCloud {
  /** For the SDK's clients. */
  client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  /** The stack's, by name. */
  outputs: Record<string, string>;
  api: { url: string; token: string; requests: number; windowSeconds: number };
}

declare module 'vitest' {
  interface ProvidedContext {
    cloud: TestCloud;
  }
}

const limit = { requests: 4_000, windowSeconds: 10 };

/** One cloud, one stack and one fake API for all tests of a run: apart from any other run's. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = resolve(import.meta.dirname, '../../.sluice', `test-${process.pid}`);
  mkdirSync(stateDir, { recursive: true });
  const token = `test-token-${process.pid}`;
  const api = await startFakeAvstar({ token, ...limit });
  const endpoint = await bringUpEndpoint({ stateDir, onProgress: () => undefined, lifetime: 'process' });
  const tearDown = async () => {
    await endpoint.stop();
    await api.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    const outputs = await deployStack({
      endpointUrl: endpoint.url,
      // An endpoint that was given may hold other stacks.
      stackName: `sluice-test-${process.pid}`,
      env: {
        ...process.env,
        SLUICE_TRAFFIC_API_URL: api.url,
        SLUICE_TRAFFIC_REQUESTS: String(limit.requests),
        SLUICE_TRAFFIC_WINDOW_SECONDS: String(limit.windowSeconds),
      },
      outDir: join(stateDir, 'cdk.out'),
      onProgress: () => undefined,
      timeoutMs: 240_000,
    });
    const client = {
      endpoint: endpoint.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const SecretId = outputs['TrafficTokenSecretArn'];
    await new SecretsManagerClient(client).send(new PutSecretValueCommand({ SecretId, SecretString: token }));
    project.provide('cloud', { client, outputs, api: { url: api.url, token, ...limit } });
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}
