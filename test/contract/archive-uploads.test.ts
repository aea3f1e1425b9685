import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, inject, it } from 'vitest';
import { S3ArchiveUploads } from '../../lambdas/adapters/s3-archive-uploads.ts';
import { UploadGoneError } from '../../lambdas/core/errors.ts';
import type { ArchiveUploads } from '../../lambdas/ports.ts';
import { InMemoryUploads } from '../support/in-memory-archive.ts';

const least = 5 * 1024 ** 2;

interface Implementation {
  uploads: ArchiveUploads;
  get: (key: string) => Promise<Buffer | undefined>;
}

function inMemory(): Implementation {
  const archived = new Map<string, Buffer>();
  return { uploads: new InMemoryUploads(archived, least), get: async (key) => archived.get(key) };
}

function inS3(): Implementation {
  const s3 = new S3Client({ ...inject('cloud').client, forcePathStyle: true });
  const bucket = inject('cloud').outputs['ArchiveBucketName'] ?? '';
  return {
    uploads: new S3ArchiveUploads(s3, bucket),
    get: async (key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
  };
}

/** One suite for S3 and for what the tests of the finalizer use. */
describe.each([
  ['in memory', inMemory],
  ['in S3', inS3],
])('an object in parts %s', (_, create) => {
  const nameOf = () => `traffic/2026/01/05/traffic.${randomUUID()}/receipts.ndjson.gz`;
  const [large, small] = [randomBytes(least), randomBytes(1_000)];

  async function begun({ uploads }: Implementation) {
    const key = nameOf();
    const upload = { key, id: await uploads.begin(key, 'application/gzip') };
    await uploads.putPart(upload, 1, randomBytes(least));
    // The last bytes of a number count.
    const parts = [await uploads.putPart(upload, 1, large), await uploads.putPart(upload, 2, small)];
    return { key, upload, parts };
  }

  it('has the bytes of its parts, and exists when it is complete', async () => {
    const made = create();
    const { key, upload, parts } = await begun(made);
    expect(parts[1]?.sha256).toBe(createHash('sha256').update(small).digest('base64'));
    expect(await made.uploads.complete(upload, parts)).toBe('stored');
    expect((await made.get(key))?.equals(Buffer.concat([large, small]))).toBe(true);
  });

  it('is not overwritten by another upload', async () => {
    const made = create();
    const { key, upload, parts } = await begun(made);
    const other = { key, id: await made.uploads.begin(key, 'application/gzip') };
    const otherPart = await made.uploads.putPart(other, 1, small);
    await made.uploads.complete(upload, parts);
    expect(await made.uploads.complete(other, [otherPart])).toBe('exists');
    await made.uploads.abort(other);
    expect((await made.get(key))?.length).toBe(large.length + small.length);
  });

  it('is gone after it was aborted, and takes no part after it was completed', async () => {
    const { uploads } = create();
    const first = await begun({ uploads, get: async () => undefined });
    await uploads.complete(first.upload, first.parts);
    const second = await begun({ uploads, get: async () => undefined });
    await uploads.abort(second.upload);
    await uploads.abort(second.upload);
    for (const { upload } of [first, second]) {
      await expect(uploads.putPart(upload, 3, small)).rejects.toThrow(UploadGoneError);
    }
    // Completing twice may succeed: S3 repeats its answer for a while.
    await expect(uploads.complete(second.upload, second.parts)).rejects.toThrow(UploadGoneError);
  });

  it('is not made of other parts than those that are expected', async () => {
    const { uploads } = create();
    const { upload, parts } = await begun({ uploads, get: async () => undefined });
    await uploads.putPart(upload, 1, randomBytes(least));
    await expect(uploads.complete(upload, parts)).rejects.toThrow(UploadGoneError);
  });
});

describe('a source that is copied in parts in S3', () => {
  it('has the bytes of the source, and is given up if that has changed', async () => {
    const s3 = new S3Client({ ...inject('cloud').client, forcePathStyle: true });
    const bucket = inject('cloud').outputs['IntakeBucketName'] ?? '';
    const { uploads, get } = inS3();
    const bytes = randomBytes(least + 1_000);
    const from = { bucket, key: `other/${randomUUID()}` };
    const { ETag: etag = '' } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: from.key, Body: bytes }));
    const source = { ...from, etag, sizeBytes: bytes.length };
    const key = `traffic/2026/01/05/traffic.${randomUUID()}/source/large.csv`;
    const upload = { key, id: await uploads.begin(key, 'text/csv') };
    const parts = [
      await uploads.copyPart(upload, 1, source, { from: 0, last: least - 1 }),
      await uploads.copyPart(upload, 2, source, { from: least, last: bytes.length - 1 }),
    ].filter((part) => part !== undefined);
    expect(await uploads.complete(upload, parts)).toBe('stored');
    expect((await get(key))?.equals(bytes)).toBe(true);
    const gone = { ...source, key: `other/${randomUUID()}` };
    const other = { key: `${key}2`, id: await uploads.begin(`${key}2`, 'text/csv') };
    expect(await uploads.copyPart(other, 1, gone, { from: 0, last: 9 })).toBeUndefined();
    await uploads.abort(other);
  });
});
