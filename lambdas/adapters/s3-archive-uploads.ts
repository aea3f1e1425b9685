import { createHash } from 'node:crypto';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { SourceObject } from '../core/account/file-account.ts';
import { UploadGoneError } from '../core/errors.ts';
import type { ArchiveUploads, StoredPart } from '../ports.ts';
import { copySourceOf, pastConflicts, statusOf } from './s3-archive.ts';

type Upload = Parameters<ArchiveUploads['abort']>[0];

/** The upload was aborted or completed, or a part was replaced since by other bytes. */
const goneNames = ['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder'];

/** Multipart uploads to the archive bucket. S3 checks each part's SHA-256, and keeps that of all of them. */
export class S3ArchiveUploads implements ArchiveUploads {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async begin(key: string, contentType: string): Promise<string> {
    const { UploadId: id } = await this.#client.send(
      new CreateMultipartUploadCommand({
        ...{ Bucket: this.#bucket, Key: key, ContentType: contentType },
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    if (id === undefined) throw new Error(`S3 began no upload of ${key}.`);
    return id;
  }

  async putPart(upload: Upload, number: number, bytes: Buffer): Promise<StoredPart> {
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    const { ETag: etag = '' } = await orGone(() =>
      this.#client.send(
        new UploadPartCommand({ ...this.#placeOf(upload), PartNumber: number, Body: bytes, ChecksumSHA256: sha256 }),
      ),
    );
    return { etag, sha256 };
  }

  async copyPart(
    upload: Upload,
    number: number,
    source: SourceObject,
    { from, last }: { from: number; last: number },
  ): Promise<StoredPart | undefined> {
    try {
      const { CopyPartResult: part } = await orGone(() =>
        this.#client.send(
          new UploadPartCopyCommand({
            ...this.#placeOf(upload),
            PartNumber: number,
            CopySource: copySourceOf(source),
            CopySourceIfMatch: source.etag,
            CopySourceRange: `bytes=${from}-${last}`,
          }),
        ),
      );
      return { etag: part?.ETag ?? '', sha256: part?.ChecksumSHA256 ?? '' };
    } catch (error) {
      // Deleted, or replaced in a bucket without versions.
      if (statusOf(error) === 404 || statusOf(error) === 412) return undefined;
      throw error;
    }
  }

  async complete(upload: Upload, parts: readonly StoredPart[]): Promise<'stored' | 'exists'> {
    const Parts = parts.map(({ etag, sha256 }, nth): CompletedPart => ({
      ...{ ETag: etag, PartNumber: nth + 1 },
      ...(sha256 === '' ? {} : { ChecksumSHA256: sha256 }),
    }));
    const command = new CompleteMultipartUploadCommand({
      ...this.#placeOf(upload),
      MultipartUpload: { Parts },
      // The bucket policy refuses writes that could overwrite.
      IfNoneMatch: '*',
    });
    try {
      await orGone(() => pastConflicts(() => this.#client.send(command)));
      return 'stored';
    } catch (error) {
      if (statusOf(error) === 412) return 'exists';
      throw error;
    }
  }

  async abort(upload: Upload): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand(this.#placeOf(upload)));
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
  async isMadeOf(key: string, parts: readonly Pick<StoredPart, 'sha256'>[]): Promise<boolean> {
    const { ChecksumSHA256: found } = await this.#client.send(
      new HeadObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }),
    );
    const all = createHash('sha256');
    for (const { sha256 } of parts) all.update(sha256, 'base64');
    return found === `${all.digest('base64')}-${parts.length}`;
  }

  #placeOf({ key, id }: Upload) {
    return { Bucket: this.#bucket, Key: key, UploadId: id };
  }
}

async function orGone<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error) || !goneNames.includes(error.name)) throw error;
    throw new UploadGoneError(`S3 answered ${error.name}.`, { cause: error });
  }
}
