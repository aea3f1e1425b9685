import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { backoffMs } from '../core/limiter/retry.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import type { Archive, ReceiptStore } from '../ports.ts';

/** Consecutive conflicts with other writes before a write fails. */
const maxConflicts = 5;

/** Receipts of open files, in the work bucket. */
export class S3ReceiptStore implements ReceiptStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async putReceipts(key: string, bytes: Buffer): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ContentType: 'application/gzip' }),
    );
  }

  async getReceipts(key: string): Promise<Buffer> {
    const answer = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
  }
}

/** The archive bucket. Nothing in it is ever overwritten. */
export class S3Archive implements Archive {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async copySource(source: SourceObject, key: string): Promise<{ key: string } | undefined> {
    if (await this.has(key)) return { key };
    try {
      await pastConflicts(() => this.#copyWhole(source, key));
      return { key };
    } catch (error) {
      const status = statusOf(error);
      // Either the source has changed, or another finalizer has copied it meanwhile.
      if (status === 412 && (await this.has(key))) return { key };
      // Deleted, or replaced in a bucket without versions: the manifest says that the source is missing.
      if (status === 404 || status === 412) return undefined;
      throw error;
    }
  }

  async #copyWhole(source: SourceObject, key: string): Promise<void> {
    await this.#client.send(
      new CopyObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        CopySource: copySourceOf(source),
        CopySourceIfMatch: source.etag,
        // The bucket policy refuses writes that could overwrite.
        IfNoneMatch: '*',
      }),
    );
  }

  async putStream(key: string, body: Readable, contentType: string): Promise<void> {
    try {
      await new Upload({
        client: this.#client,
        params: { Bucket: this.#bucket, Key: key, Body: body, ContentType: contentType, IfNoneMatch: '*' },
      }).done();
    } catch (error) {
      // Another finalizer was first, with the same bytes.
      if (statusOf(error) !== 412) throw error;
    }
  }

  async putOnce(key: string, body: string | Buffer, contentType: string): Promise<'stored' | 'exists'> {
    try {
      const command = { Bucket: this.#bucket, Key: key, Body: body, ContentType: contentType, IfNoneMatch: '*' };
      await pastConflicts(() => this.#client.send(new PutObjectCommand(command)));
      return 'stored';
    } catch (error) {
      if (statusOf(error) === 412) return 'exists';
      throw error;
    }
  }

  async getText(key: string): Promise<string | undefined> {
    try {
      const answer = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return await answer.Body?.transformToString();
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async getStream(key: string): Promise<Readable | undefined> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return Body instanceof Readable ? Body : undefined;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async has(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }
}

/**
 * S3 answers a conditional write with 409 `ConditionalRequestConflict` while another write to the key is in progress: that
 * does not say whether the object exists, and the SDK does not retry it. The next answer says which write was first. A
 * stream can't be sent twice: then the message waits (core/aws-fault.ts).
 */
export async function pastConflicts<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (statusOf(error) !== 409 || tries >= maxConflicts) throw error;
      const waitMs = backoffMs({ baseMs: 100, capMs: 2_000 }, tries, Math.random());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

export function copySourceOf(source: SourceObject): string {
  const path = [source.bucket, ...source.key.split('/')].map(encodeURIComponent).join('/');
  return source.versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(source.versionId)}`;
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
