import { gunzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Message } from '@aws-sdk/client-sqs';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { inject } from 'vitest';
import { DynamoItemStore } from '../../lambdas/adapters/dynamo-item-store.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import type { Letter } from '../../lambdas/messages.ts';
import { letter as letterSchema } from '../../lambdas/messages.ts';
import type { FaultsInput } from '../../localstack/fake-avstar/faults.ts';
import type { ScheduledSpot } from '../../localstack/fake-avstar/schedule.ts';
import type { FakeAvstarStats } from '../../localstack/fake-avstar/traffic-count.ts';
import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';
import type { ProxyFaultsInput } from '../../localstack/fault-proxy/proxy-faults.ts';
import type { Ledger } from '../../lambdas/ports.ts';

/** A spot as the fake API holds it. */
export interface StoredSpot {
  requestId: string;
  spot: Record<string, unknown>;
}

export interface DeadLetter {
  letter: Letter;
  message: Message;
}

export interface Dropped {
  fileId: string;
  key: string;
  versionId: string;
  etag: string;
  sizeBytes: number;
}

/** The deployed stack as a test sees it: through S3, SQS, the ledger and the API's own log. */
export class DeployedStack {
  readonly cloud = inject('cloud');
  readonly s3 = new S3Client({ ...this.cloud.client, forcePathStyle: true });
  readonly sqs = new SQSClient(this.cloud.client);
  readonly ledger: Ledger = openLedger(
    new DynamoItemStore(new DynamoDBClient(this.cloud.client), this.output('LedgerTableName')),
    systemClock,
  );

  output(name: string): string {
    const value = this.cloud.outputs[name];
    if (value === undefined) throw new Error(`The stack has no output ${name}.`);
    return value;
  }

  async drop(key: string, body: string | Buffer): Promise<Dropped> {
    const bucket = this.output('IntakeBucketName');
    const put = await this.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    const versionId = put.VersionId ?? '';
    const [etag, sizeBytes] = [put.ETag ?? '', Buffer.byteLength(body)];
    return { fileId: fileIdOf(feedOfKey(key), { bucket, key, versionId }), key, versionId, etag, sizeBytes };
  }

  /** Waits until the file has a manifest of that number, and reads it from the archive. */
  async manifestOf(fileId: string, number = 1, timeoutMs?: number): Promise<Manifest> {
    const look = async () => {
      const place = await this.ledger.getFile(fileId);
      // A small file's account is that of the bundle it went in.
      const seen = place?.bundleId === undefined ? place : await this.ledger.getFile(place.bundleId);
      return (seen?.manifest?.number ?? 0) >= number ? seen : undefined;
    };
    const file = await waitFor(`manifest ${number} of ${fileId}`, look, timeoutMs);
    return manifestSchema.parse(JSON.parse((await this.archived(file.manifest?.key ?? '')).toString()));
  }

  async archived(key: string): Promise<Buffer> {
    const answer = await this.s3.send(new GetObjectCommand({ Bucket: this.output('ArchiveBucketName'), Key: key }));
    return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
  }

  async receiptsOf(manifest: Manifest): Promise<Receipt[]> {
    const text = gunzipSync(await this.archived(manifest.archive.receipts_key ?? '')).toString();
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Receipt);
  }

  readonly #dead = new Map<string, DeadLetter[]>();

  /** Takes that many letters of a file out of the DLQ, and any more there are: what the operator would find there. */
  async takeDeadLetters(fileId: string, count: number, dlq = 'TrafficDlqUrl'): Promise<DeadLetter[]> {
    // Those that were in the hands of a function that was killed come back when its time is over, and a minute more.
    const look = async () => {
      await this.#receiveDeadLetters(dlq, 1);
      return (this.#dead.get(fileId) ?? []).length >= count ? true : undefined;
    };
    await waitFor(`${count} dead letters of ${fileId}`, look, 240_000);
    // One more would be one too many: give it the chance to show.
    while ((await this.#receiveDeadLetters(dlq, 1)) > 0);
    const taken = this.#dead.get(fileId) ?? [];
    this.#dead.delete(fileId);
    return taken;
  }

  /** Takes a handful out, whichever file they are of: another test asks for the others. */
  async #receiveDeadLetters(dlq: string, waitSeconds: number): Promise<number> {
    const QueueUrl = this.output(dlq);
    const answer = await this.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['All'],
      }),
    );
    const messages = answer.Messages ?? [];
    for (const message of messages) {
      const letter = letterSchema.parse(JSON.parse(message.Body ?? ''));
      this.#dead.set(letter.file_id, [...(this.#dead.get(letter.file_id) ?? []), { letter, message }]);
      await this.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    }
    return messages.length;
  }

  /** @returns the message's id */
  async send(queue: string, body: string): Promise<string | undefined> {
    const { MessageId: id } = await this.sqs.send(
      new SendMessageCommand({ QueueUrl: this.output(queue), MessageBody: body }),
    );
    return id;
  }

  /** Messages in a queue, visible or not. */
  async depth(queue: string): Promise<number> {
    const answer = await this.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.output(queue), AttributeNames: ['All'] }),
    );
    const counts = ['', 'NotVisible', 'Delayed'].map((kind) => `ApproximateNumberOfMessages${kind}` as const);
    return counts.reduce((sum, name) => sum + Number((answer.Attributes as Record<string, string>)[name] ?? 0), 0);
  }

  /** What the API holds of the spots whose id begins so. */
  async stored(prefix: string): Promise<StoredSpot[]> {
    const text = await (await fetch(`${this.cloud.api.url}/entries`)).text();
    const entries = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return entries
      .map(({ request_id, ...spot }) => ({ requestId: String(request_id), spot }))
      .filter(({ spot }) => String(spot['spot_id']).startsWith(prefix));
  }

  /** The same by spot and airtime: every entry of it, in order of arrival. */
  async schedule(prefix: string): Promise<ScheduledSpot[]> {
    const all = (await (await fetch(`${this.cloud.api.url}/schedule`)).json()) as ScheduledSpot[];
    return all.filter(({ spot_id: id }) => id.startsWith(prefix));
  }

  /** Puts these faults in place of those before; see localstack/fake-avstar/faults.ts. */
  async setFaults(faults: FaultsInput): Promise<void> {
    const answer = await fetch(`${this.cloud.api.url}/faults`, { method: 'POST', body: JSON.stringify(faults) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** The same between the functions and AWS; see localstack/fault-proxy/proxy-faults.ts. */
  async setAwsFaults(faults: ProxyFaultsInput): Promise<void> {
    if (this.cloud.proxyUrl === null) throw new Error('No fault proxy stands before an endpoint that was given.');
    const answer = await fetch(`${this.cloud.proxyUrl}/_fault-proxy/faults`, {
      method: 'POST',
      body: JSON.stringify(faults),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async awsCalls(): Promise<CallCounts> {
    return (await (await fetch(`${this.cloud.proxyUrl ?? ''}/_fault-proxy/counts`)).json()) as CallCounts;
  }

  async apiStats(): Promise<FakeAvstarStats> {
    return (await (await fetch(`${this.cloud.api.url}/stats`)).json()) as FakeAvstarStats;
  }

  async throttles(): Promise<number> {
    return (await this.apiStats()).byStatus['429'] ?? 0;
  }
}

/** Polls until there is an answer. @throws if there is none within the time */
export async function waitFor<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 120_000): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > giveUpAt) throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}.`);
    await systemClock.sleep(200);
  }
}

/** `traffic/…` and `express/traffic/…` are both of the feed `traffic`. */
function feedOfKey(key: string): string {
  const [first = '', second = ''] = key.split('/');
  return first === 'express' ? second : first;
}
