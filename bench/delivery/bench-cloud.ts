import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DisableRuleCommand, EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { DynamoItemStore } from '../../lambdas/adapters/dynamo-item-store.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { atMost } from '../../lambdas/core/at-most.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { announcementOf } from '../../lambdas/intake-message.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import { deployStack } from '../../localstack/deploy.ts';
import type { Endpoint } from '../../localstack/endpoint.ts';
import { bringUpEndpoint } from '../../localstack/endpoint.ts';
import { bringUpProxiedEndpoint } from '../../localstack/fault-proxy/proxied-endpoint.ts';
import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';
import type { FaultProxy } from '../../localstack/fault-proxy/server.ts';
import { WriteUnitMeter } from '../../localstack/fault-proxy/write-units.ts';
import { readEndpointRecord } from '../../localstack/endpoint-record.ts';
import type { FakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { invokeFunction } from '../../test/support/invoke-function.ts';

const logEvents = z.object({ events: z.array(z.object({ message: z.string() })) });

/** Of one answer. */
const maxLogEvents = 10_000;

/** What the API allows, and who shares it. */
export interface Load {
  requests: number;
  windowSeconds: number;
  consumers: number;
  connections: number;
  /** Whether the API has a limit; otherwise the numbers only describe its expected load. */
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

  /** Counts the functions' calls to it; null if nothing counts. */
  readonly #counter: FaultProxy | null;
  readonly #meter: WriteUnitMeter | undefined;
  readonly #end: () => Promise<void>;

  private constructor(
    stateDir: string,
    endpoint: Endpoint,
    end: () => Promise<void>,
    counting: { counter: FaultProxy | null; meter?: WriteUnitMeter } = { counter: null },
  ) {
    this.#stateDir = stateDir;
    this.#endpoint = endpoint;
    this.#counter = counting.counter;
    this.#meter = counting.meter;
    this.#end = end;
  }

  /** @param isCounted adds a proxy in front, which takes time itself: not for measuring speeds */
  static async start(isCounted = false): Promise<BenchCloud> {
    const stateDir = resolve(import.meta.dirname, '../../.sluice', `bench-${process.pid}`);
    mkdirSync(stateDir, { recursive: true });
    const options = { stateDir, onProgress: () => undefined, lifetime: 'process' } as const;
    if (!isCounted) {
      const endpoint = await bringUpEndpoint(options);
      return new BenchCloud(stateDir, endpoint, () => endpoint.stop());
    }
    let url = '';
    const meter = new WriteUnitMeter(() => url);
    const proxied = await bringUpProxiedEndpoint({ ...options, meter: meter.before.bind(meter) });
    url = proxied.endpoint.url;
    return new BenchCloud(stateDir, proxied.endpoint, proxied.stop, { counter: proxied.proxy, meter });
  }

  /** Requests of the functions since it was last asked, by `service.Operation`. */
  takeCounts(): CallCounts {
    const counts = this.#counter?.counts() ?? {};
    this.#counter?.resetCounts();
    return counts;
  }

  /** DynamoDB's write units of the functions since it was last asked. */
  takeWriteUnits(): number {
    const units = this.#meter?.units ?? NaN;
    if (this.#meter) this.#meter.units = 0;
    return units;
  }

  /** What Lambda bills for a function of the newest stack: its invocations and their time, from the reports in its log. */
  async billed(name: string): Promise<{ invocations: number; seconds: number }> {
    const reported = await this.#logged(name, 'REPORT');
    const times = reported.flatMap((message) => /Billed Duration: ([0-9]+) ms/.exec(message)?.[1] ?? []);
    const seconds = times.reduce((sum, ms) => sum + Number(ms), 0) / 1000;
    return { invocations: times.length, seconds };
  }

  /** No run begins any more on a schedule: the local stage has one each minute, whatever there is to do. */
  async stopReconciler(): Promise<void> {
    const client = new EventBridgeClient(this.#client);
    const { Rules: rules = [] } = await client.send(new ListRulesCommand({}));
    for (const { Name } of rules) await client.send(new DisableRuleCommand({ Name }));
    client.destroy();
  }

  /** What functions of the newest stack have logged so far, in bytes. */
  async loggedBytes(names: readonly string[]): Promise<number> {
    const logs = await Promise.all(names.map((name) => this.#logged(name)));
    return logs.flat().reduce((sum, message) => sum + Buffer.byteLength(message), 0);
  }

  async #logged(name: string, filterPattern = ''): Promise<string[]> {
    const FunctionName = `${this.#stackName}-${name}`;
    const lambda = new LambdaClient(this.#client);
    const { LoggingConfig } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const logGroupName = LoggingConfig?.LogGroup ?? '';
    const answer = await fetch(this.#endpoint.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Logs_20140328.FilterLogEvents',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify({ logGroupName, filterPattern, limit: maxLogEvents }),
    });
    if (!answer.ok) throw new Error(`The log ${logGroupName} could not be read: ${await answer.text()}`);
    const { events } = logEvents.parse(await answer.json());
    if (events.length === maxLogEvents) throw new Error(`The log ${logGroupName} has more lines than one answer.`);
    return events.map(({ message }) => message);
  }

  /** The local cloud's process, if it was started here. */
  get pid(): number | undefined {
    return readEndpointRecord(this.#stateDir)?.process?.pid;
  }

  /** @param settings further ones, as the stack takes them from the environment */
  async deploy(load: Load, settings: Record<string, string> = {}): Promise<BenchStack> {
    const token = `bench-${process.pid}`;
    const { requests, windowSeconds, consumers, connections, isLimited } = load;
    const api = await startFakeAvstar({ token, ...(isLimited ? { requests, windowSeconds } : {}) });
    const outputs = await this.#deploy({
      SLUICE_FEEDS: 'traffic',
      SLUICE_TRAFFIC_API_URL: api.url,
      SLUICE_TRAFFIC_REQUESTS: String(requests),
      SLUICE_TRAFFIC_WINDOW_SECONDS: String(windowSeconds),
      SLUICE_TRAFFIC_PACED: isLimited ? 'on' : 'off',
      SLUICE_TRAFFIC_CONCURRENCY: String(consumers),
      SLUICE_TRAFFIC_CONNECTIONS: String(connections),
      // Its consumers would have connections for which there is nothing to do.
      SLUICE_TRAFFIC_EXPRESS_LANE: 'off',
      ...settings,
    });
    const secrets = new SecretsManagerClient(this.#client);
    await secrets.send(new PutSecretValueCommand({ SecretId: outputs['TrafficTokenSecretArn'], SecretString: token }));
    return new BenchStack(outputs, this.#client, api);
  }

  /** The feed of small files, into the record ledger. */
  async deployMaintenance(): Promise<SmallFilesStack> {
    const variables = { SLUICE_FEEDS: 'maintenance', SLUICE_MAINTENANCE_EXPRESS_LANE: 'off' };
    const outputs = await this.#deploy(variables);
    return new SmallFilesStack(outputs, this.#client, `sluice-bench-${this.#stacks}-maintenance-splitter`);
  }

  get #client(): ClientSettings {
    return {
      endpoint: this.#endpoint.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
  }

  get #stackName(): string {
    return `sluice-bench-${this.#stacks}`;
  }

  #deploy(variables: Record<string, string>): Promise<Record<string, string>> {
    this.#stacks++;
    const stackName = this.#stackName;
    return deployStack({
      endpointUrl: this.#endpoint.url,
      stackName,
      env: { ...process.env, ...variables },
      outDir: join(this.#stateDir, 'deploy', stackName),
      onProgress: () => undefined,
      timeoutMs: 10 * 60_000,
    });
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#stateDir, { recursive: true, force: true });
  }
}

interface ClientSettings {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export class BenchStack {
  readonly api: FakeAvstar;
  readonly #outputs: Record<string, string>;
  readonly #s3: S3Client;
  readonly #ledger: ReturnType<typeof openLedger>;

  constructor(outputs: Record<string, string>, client: ClientSettings, api: FakeAvstar) {
    this.api = api;
    this.#outputs = outputs;
    this.#s3 = new S3Client({ ...client, forcePathStyle: true });
    const store = new DynamoItemStore(new DynamoDBClient(client), outputs['LedgerTableName'] ?? '');
    this.#ledger = openLedger(store, systemClock);
  }

  async drop(name: string, body: Buffer): Promise<Dropped> {
    const bucket = this.#outputs['IntakeBucketName'] ?? '';
    const key = `traffic/${name}`;
    const atMs = Date.now();
    const put = await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    return { fileId: fileIdOf('traffic', { bucket, key, versionId: put.VersionId ?? '' }), atMs };
  }

  /** Waits for a file's manifest. @throws where its account does not add up, or it takes longer */
  async manifestOf(fileId: string, timeoutMs: number, mayHaveDeadLetters = false): Promise<Manifest> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const key = (await this.#ledger.getFile(fileId))?.manifest?.key;
      if (key !== undefined) return this.#readManifest(key, mayHaveDeadLetters);
      if (Date.now() > giveUpAt) throw new Error(`No manifest of ${fileId} within ${timeoutMs / 1000} s.`);
      await systemClock.sleep(250);
    }
  }

  async #readManifest(key: string, mayHaveDeadLetters: boolean): Promise<Manifest> {
    const bucket = this.#outputs['ArchiveBucketName'] ?? '';
    const object = await this.#s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const manifest = manifestSchema.parse(JSON.parse((await object.Body?.transformToString()) ?? ''));
    const { total_records, uploaded_records, reconciled } = manifest;
    if (!reconciled || (uploaded_records !== total_records && !mayHaveDeadLetters)) {
      throw new Error(`The account of ${manifest.source.key} does not hold: ${JSON.stringify(manifest)}`);
    }
    return manifest;
  }

  async close(): Promise<void> {
    this.#s3.destroy();
    await this.api.close();
  }
}

/** The maintenance feed's. */
export class SmallFilesStack {
  readonly #outputs: Record<string, string>;
  readonly #s3: S3Client;
  readonly #dynamo: DynamoDBClient;
  readonly #client: ClientSettings;
  readonly #splitter: string;

  constructor(outputs: Record<string, string>, client: ClientSettings, splitter: string) {
    this.#outputs = outputs;
    this.#client = client;
    this.#splitter = splitter;
    this.#s3 = new S3Client({ ...client, forcePathStyle: true });
    this.#dynamo = new DynamoDBClient(client);
  }

  async dropFile(key: string, body: Buffer): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: this.#outputs['IntakeBucketName'], Key: key, Body: body }));
  }

  /** Puts objects where none is announced, and hands all their announcements to one invocation, as AWS does in a burst. */
  async splitTogether(files: readonly { key: string; body: Buffer }[]): Promise<void> {
    const bucket = this.#outputs['IntakeBucketName'] ?? '';
    const Records = await atMost(16, files, async ({ key, body }) => {
      const put = await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
      const versionId = put.VersionId === undefined ? {} : { versionId: put.VersionId };
      const source = { bucket, key, etag: put.ETag ?? '', sizeBytes: body.length, ...versionId };
      return {
        ...{ messageId: key, receiptHandle: key, body: JSON.stringify(announcementOf(source)) },
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(Date.now()) },
      };
    });
    await invokeFunction(this.#client, this.#splitter, { Records });
  }

  /** Waits until so many records are stored. @returns when they were, in milliseconds since 1970 */
  async storedAll(records: number, timeoutMs: number): Promise<number> {
    const giveUpAt = Date.now() + timeoutMs;
    for (;;) {
      const stored = await this.#countStored();
      if (stored >= records) return Date.now();
      if (Date.now() > giveUpAt)
        throw new Error(`${stored} of ${records} records are stored after ${timeoutMs / 1000} s.`);
      await systemClock.sleep(2_000);
    }
  }

  async #countStored(): Promise<number> {
    let count = 0;
    let from: Record<string, AttributeValue> | undefined;
    do {
      const TableName = this.#outputs['RecordLedgerTableName'];
      const page = await this.#dynamo.send(
        new ScanCommand({ TableName, Select: 'COUNT', ...(from ? { ExclusiveStartKey: from } : {}) }),
      );
      count += page.Count ?? 0;
      from = page.LastEvaluatedKey;
    } while (from);
    return count;
  }

  async close(): Promise<void> {
    this.#s3.destroy();
    this.#dynamo.destroy();
  }
}
