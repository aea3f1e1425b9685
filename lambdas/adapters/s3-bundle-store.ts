import type { S3Client } from '@aws-sdk/client-s3';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { SourceObject } from '../core/account/file-account.ts';
import type { BundleStore } from '../ports.ts';

/** Bundles in the work bucket, under the feed's prefix. */
export class S3BundleStore implements BundleStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #feed: string;

  constructor(client: S3Client, bucket: string, feed: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#feed = feed;
  }

  placeOf(name: string): Pick<SourceObject, 'bucket' | 'key'> {
    return { bucket: this.#bucket, key: `bundles/${this.#feed}/${name}.bundle` };
  }

  async putBundle(name: string, bytes: Buffer): Promise<SourceObject> {
    const place = this.placeOf(name);
    const stored = await this.#client.send(
      new PutObjectCommand({
        Bucket: place.bucket,
        Key: place.key,
        Body: bytes,
        ContentType: 'application/octet-stream',
      }),
    );
    return { ...place, etag: stored.ETag ?? '', sizeBytes: bytes.length };
  }
}
