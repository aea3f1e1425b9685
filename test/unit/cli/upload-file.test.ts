import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSourceFile } from '../../../cli/drop/open-source-file.ts';
import { partBytesFor, uploadFile } from '../../../cli/drop/upload-file.ts';
import { InterruptedError } from '../../../cli/interrupt.ts';

const mebibyte = 1024 ** 2;

/** A bucket that keeps one object, and the parts of uploads that were neither completed nor aborted. */
class Bucket {
  object: Buffer | undefined;
  readonly uploads = new Map<string, Map<number, Buffer>>();
  onPart: (number: number) => Promise<void> = () => Promise.resolve();

  get client(): S3Client {
    const send = async (command: unknown, options?: { abortSignal?: AbortSignal }) => this.#answer(command, options);
    return { send } as unknown as S3Client;
  }

  async #answer(command: unknown, options?: { abortSignal?: AbortSignal }): Promise<unknown> {
    if (command instanceof PutObjectCommand) {
      this.object = command.input.Body as Buffer;
      return { ETag: '"put"', VersionId: 'v1' };
    }
    if (command instanceof CreateMultipartUploadCommand) {
      this.uploads.set('u1', new Map());
      return { UploadId: 'u1' };
    }
    if (command instanceof UploadPartCommand) {
      const { PartNumber = 0, Body } = command.input;
      await this.onPart(PartNumber);
      options?.abortSignal?.throwIfAborted();
      this.#partsOf().set(PartNumber, Body as Buffer);
      return { ETag: `"${PartNumber}"`, ChecksumCRC32: 'c' };
    }
    if (command instanceof CompleteMultipartUploadCommand) {
      const parts = command.input.MultipartUpload?.Parts ?? [];
      this.object = Buffer.concat(parts.map(({ PartNumber = 0 }) => this.#partsOf().get(PartNumber) as Buffer));
      this.uploads.clear();
      return { ETag: '"done"', VersionId: 'v2' };
    }
    if (command instanceof AbortMultipartUploadCommand) return void this.uploads.delete('u1');
    if (command instanceof ListPartsCommand) return { Parts: [...this.#partsOf()] };
    throw new Error('not a call that an upload should make');
  }

  #partsOf(): Map<number, Buffer> {
    const parts = this.uploads.get('u1');
    if (!parts) throw Object.assign(new Error('no such upload'), { name: 'NoSuchUpload' });
    return parts;
  }
}

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'sluice-drop-'))));
afterAll(() => rm(dir, { recursive: true, force: true }));

async function upload(bytes: Buffer, bucket: Bucket, stop = new AbortController(), path = join(dir, 'file')) {
  await writeFile(path, bytes);
  const file = await openSourceFile(path);
  const request = { client: bucket.client, bucket: 'b', key: 'traffic/file', file, signal: stop.signal };
  return uploadFile({ ...request, onProgress: () => undefined }).finally(() => file.handle.close());
}

const large = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const bytesOf = (size: number) => Buffer.alloc(size, large);

test('a small file, and an empty one, is uploaded in one piece', async () => {
  for (const size of [0, 5]) {
    const bucket = new Bucket();
    expect(await upload(bytesOf(size), bucket)).toEqual({ etag: '"put"', versionId: 'v1' });
    expect(bucket.object).toEqual(bytesOf(size));
  }
});

test('a large file is uploaded in parts and has the same bytes', async () => {
  const bucket = new Bucket();
  const bytes = bytesOf(50 * mebibyte + 17);
  // Parts that overtake each other.
  bucket.onPart = (number) => new Promise((resolve) => setTimeout(resolve, number % 3));
  expect(await upload(bytes, bucket)).toEqual({ etag: '"done"', versionId: 'v2' });
  expect(bucket.object?.equals(bytes)).toBe(true);
});

test('an interruption leaves neither object nor parts', async () => {
  const bucket = new Bucket();
  const stop = new AbortController();
  bucket.onPart = (number) => {
    if (number === 3) stop.abort();
    return Promise.resolve();
  };
  await expect(upload(bytesOf(50 * mebibyte), bucket, stop)).rejects.toThrow(InterruptedError);
  expect(bucket.object).toBeUndefined();
  expect(bucket.uploads.size).toBe(0);
});

test('a part that fails ends the upload, and leaves no parts', async () => {
  const bucket = new Bucket();
  bucket.onPart = (number) => (number === 2 ? Promise.reject(new Error('slow down')) : Promise.resolve());
  await expect(upload(bytesOf(50 * mebibyte), bucket)).rejects.toThrow('slow down');
  expect(bucket.uploads.size).toBe(0);
});

test('a file that is still being written is not dropped', async () => {
  const bucket = new Bucket();
  const path = join(dir, 'growing');
  bucket.onPart = (number) => (number === 1 ? appendFile(path, 'more') : Promise.resolve());
  await expect(upload(bytesOf(20 * mebibyte), bucket, new AbortController(), path)).rejects.toThrow(
    /changed while it was uploaded/,
  );
  expect(bucket.object).toBeUndefined();
  expect(bucket.uploads.size).toBe(0);
});

test('parts are at most 10,000, whatever the size', () => {
  expect(partBytesFor(1)).toBe(8 * mebibyte);
  for (const size of [80e9, 5e12, 48e12]) {
    expect(Math.ceil(size / partBytesFor(size))).toBeLessThanOrEqual(10_000);
    expect(partBytesFor(size)).toBeLessThanOrEqual(5 * 1024 ** 3);
  }
});
