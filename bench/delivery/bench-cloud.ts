import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { fileIdOf } from '../../lambdas/core/identity.ts';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/manifest.ts';
import { deployStack } from '../../localstack/deploy.ts';
import type { Endpoint } from '../../localstack/endpoint.ts';
import { bringUpEndpoint } from '../../localstack/endpoint.ts';
import { bringUpProxiedEndpoint } from '../../localstack/fault-proxy/proxied-endpoint.ts';
import type { FaultProxy } from '../../localstack/fault-proxy/server.ts';
import { readEndpointRecord } from '../../localstack/endpoint-record.ts';
import type { FakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';

/** What the API allows, and who shares it. */
export interface Load {
  requests: number;
  windowSeconds: number;
  consumers: number;
  connections: number;
  /** Whether the API has a limit at all; else the numbers only say what to expect of it. */
  isLimited: boolean;
}

export interface Dropped {
  fileId: string;
  atMs: number;
}

/** A stack of its own for each load, on one endpoint. */
export class BenchCloud {
  readonly #stateDir: string;
  readonly #endpoint: Endpoint;
  #stacks = 0;

  /** Counts what the functions ask of it; null where nothing does. */
  readonly #counter: FaultProxy | null;
  readonly #end: () => Promise<void>;

  private constructor(stateDir: string, endpoint: Endpoint, counter: FaultProxy | null, end: () => Promise<void>) {
    this.#stateDir = stateDir;
    this.#endpoint = endpoint;
    this.#counter = counter;
    this.#end = end;
  }

  /** @param isCounted puts a proxy before it, which takes time of its own: not for measuring speeds */
  static async start(isCounted = false): Promise<BenchCloud> {
    const stateDir = resolve(import.meta.dirname, '../../.sluice', `bench-${process.pid}`);
    mkdirSync(stateDir, { recursive: true });
    const options = { stateDir, onProgress: () => undefined, lifetime: 'process' } as const;
    if (!isCounted) {
      const endpoint = await bringUpEndpoint(options);
      return new BenchCloud(stateDir, endpoint, null, () => endpoint.stop());
    }
    const { endpoint, proxy, stop } = await bringUpProxiedEndpoint(options);
    return new BenchCloud(stateDir, endpoint, proxy, stop);
  }

  /** Requests of the functions since it was last asked, by `service.Operation`. */
  takeCounts(): Record<string, number> {
    const counts = Object.entries(this.#counter?.counts() ?? {}).map(
      ([name, { requests }]) => [name, requests] as const,
    );
    this.#counter?.resetCounts();
    return Object.fromEntries(counts);
  }

  /** The local cloud's process, where it is one of ours. */
  get pid(): number | undefined {
    return readEndpointRecord(this.#stateDir)?.process?.pid;
  }

  async deploy(load: Load): Promise<BenchStack> {
    const token = `bench-${process.pid}`;
    const { requests, windowSeconds, consumers, connections, isLimited } = load;
    const api = await startFakeAvstar({ token, ...(isLimited ? { requests, windowSeconds } : {}) });
    const stackName = `sluice-bench-${++this.#stacks}`;
    const outputs = await deployStack({
      endpointUrl: this.#endpoint.url,
      stackName,
      env: {
        ...process.env,
        SLUICE_FEEDS: 'traffic',
        SLUICE_TRAFFIC_API_URL: api.url,
        SLUICE_TRAFFIC_REQUESTS: String(requests),
        SLUICE_TRAFFIC_WINDOW_SECONDS: String(windowSeconds),
        SLUICE_TRAFFIC_PACED: isLimited ? 'on' : 'off',
        SLUICE_TRAFFIC_CONCURRENCY: String(consumers),
        SLUICE_TRAFFIC_CONNECTIONS: String(connections),
        // Its consumers would have connections for which there is nothing to do.
        SLUICE_TRAFFIC_EXPRESS_LANE: 'off',
      },
      outDir: join(this.#stateDir, 'deploy', stackName),
      onProgress: () => undefined,
      timeoutMs: 10 * 60_000,
    });
    const client = {
      endpoint: this.#endpoint.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const secrets = new SecretsManagerClient(client);
    await secrets.send(new PutSecretValueCommand({ SecretId: outputs['TrafficTokenSecretArn'], SecretString: token }));
    return new BenchStack(outputs, client, api);
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#stateDir, { recursive: true, force: true });
  }
}

export class BenchStack {
  readonly api: FakeAvstar;
  readonly #outputs: Record<string, string>;
  readonly #s3: S3Client;
  readonly #ledger: ReturnType<typeof createDynamoLedger>;

  constructor(
    outputs: Record<string, string>,
    client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } },
    api: FakeAvstar,
  ) {
    this.api = api;
    this.#outputs = outputs;
    this.#s3 = new S3Client({ ...client, forcePathStyle: true });
    this.#ledger = createDynamoLedger(new DynamoDBClient(client), outputs['LedgerTableName'] ?? '', systemClock);
  }

  async drop(name: string, body: Buffer): Promise<Dropped> {
    const bucket = this.#outputs['IntakeBucketName'] ?? '';
    const key = `traffic/${name}`;
    const atMs = Date.now();
    const put = await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    return { fileId: fileIdOf({ bucket, key, versionId: put.VersionId ?? '' }), atMs };
  }

  /** Waits for a file's manifest. @throws where its account does not add up, or it takes longer */
  async manifestOf(fileId: string, timeoutMs: number): Promise<Manifest> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const key = (await this.#ledger.getFile(fileId))?.manifest?.key;
      if (key !== undefined) return this.#readManifest(key);
      if (Date.now() > giveUpAt) throw new Error(`No manifest of ${fileId} within ${timeoutMs / 1000} s.`);
      await systemClock.sleep(250);
    }
  }

  async #readManifest(key: string): Promise<Manifest> {
    const bucket = this.#outputs['ArchiveBucketName'] ?? '';
    const object = await this.#s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const manifest = manifestSchema.parse(JSON.parse((await object.Body?.transformToString()) ?? ''));
    const { total_records, uploaded_records, reconciled } = manifest;
    if (!reconciled || uploaded_records !== total_records) {
      throw new Error(`The account of ${manifest.source.key} does not hold: ${JSON.stringify(manifest)}`);
    }
    return manifest;
  }

  async close(): Promise<void> {
    this.#s3.destroy();
    await this.api.close();
  }
}
