import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { PayloadStore } from '../ports.ts';

/** Records in the work bucket, each under its file and hash (core/dead-letters/letter-of.ts). */
export class S3PayloadStore implements PayloadStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async putPayload(key: string, bytes: Buffer): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ContentType: 'application/octet-stream' }),
    );
  }

  async getPayload(key: string): Promise<Buffer | undefined> {
    try {
      const answer = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    } catch (error) {
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      // S3 answers 403 for a missing object if the caller may not list the bucket, and the functions may not:
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
      if (status === 404 || status === 403) return undefined;
      throw error;
    }
  }
}
