import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, expect, inject, it } from 'vitest';
import { S3DroppedObjects } from '../../lambdas/adapters/s3-dropped-objects.ts';
import { S3IntakeListing } from '../../lambdas/adapters/s3-intake-listing.ts';

let s3: S3Client;
let bucket: string;
/** Beside the prefixes that are announced. */
const prefix = `contract-${randomUUID()}/`;
const put = (name: string, body = name) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}${name}`, Body: body }));

beforeAll(() => {
  s3 = new S3Client({ ...inject('cloud').client, forcePathStyle: true });
  bucket = inject('cloud').outputs['IntakeBucketName'] ?? '';
});

it('lists each version of each object under the prefix, with the ids and ETags of its events', async () => {
  const name = 'a ü+%41&.csv';
  const [first, second] = [await put(name, 'one'), await put(name, 'second')];
  await put('b.csv');
  const { versions, deletedKeys, next } = await new S3DroppedObjects(s3, bucket).listVersions(prefix);
  expect(versions.slice(0, 2).map(({ source }) => source)).toEqual(
    [
      { put: second, sizeBytes: 6 },
      { put: first, sizeBytes: 3 },
    ].map(({ put: { VersionId: versionId, ETag: etag }, sizeBytes }) => ({
      ...{ bucket, key: `${prefix}${name}`, versionId, etag, sizeBytes },
    })),
  );
  expect(versions.map(({ source }) => source.key).slice(2)).toEqual([`${prefix}b.csv`]);
  for (const { modifiedAt } of versions) expect(Math.abs(modifiedAt - Date.now())).toBeLessThan(10 * 60_000);
  expect([deletedKeys, next]).toEqual([[], undefined]);
});

it('names the deleted keys, and continues from the given position', async () => {
  await put('gone.csv');
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${prefix}gone.csv` }));
  const dropped = new S3DroppedObjects(s3, bucket);
  expect((await dropped.listVersions(prefix)).deletedKeys).toEqual([`${prefix}gone.csv`]);
  await put('z.csv');
  const { versions } = await dropped.listVersions(prefix, { key: `${prefix}y`, versionId: '' });
  expect(versions.map(({ source }) => source.key)).toEqual([`${prefix}z.csv`]);
});

it('lists the objects in a folder and its subfolders, and everything below it without a delimiter', async () => {
  const place = `${prefix}strays/`;
  for (const name of ['a ü+%.csv', 'deep/b.csv', 'deep/er/c.csv']) await put(`strays/${name}`);
  const listing = new S3IntakeListing(s3, bucket);
  const { objects, prefixes, next } = await listing.list(place, { delimiter: '/' });
  expect([objects.map(({ key }) => key), prefixes, next]).toEqual([
    [`${place}a ü+%.csv`],
    [`${place}deep/`],
    undefined,
  ]);
  const below = await listing.list(`${place}deep/`);
  expect(below.objects.map(({ key }) => key)).toEqual([`${place}deep/b.csv`, `${place}deep/er/c.csv`]);
  expect(below.prefixes).toEqual([]);
  for (const { modifiedAt } of objects) expect(Math.abs(modifiedAt - Date.now())).toBeLessThan(10 * 60_000);
});
