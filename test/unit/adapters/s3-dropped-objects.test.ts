import type { ListObjectVersionsOutput, S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { S3DroppedObjects } from '../../../lambdas/adapters/s3-dropped-objects.ts';

const LastModified = new Date('2026-01-05T02:00:00Z');

function bucketOf(page: ListObjectVersionsOutput) {
  const asked: unknown[] = [];
  const send = async ({ input }: { input: unknown }) => (asked.push(input), page);
  return { asked, dropped: new S3DroppedObjects({ send } as unknown as S3Client, 'intake') };
}

it('decodes keys as S3 encodes them, so that any character may be in them', async () => {
  const key = 'traffic/a b+%\u0007ü.csv';
  const Key = 'traffic/a+b%2B%25%07%C3%BC.csv';
  const { asked, dropped } = bucketOf({
    EncodingType: 'url',
    Versions: [{ Key, VersionId: 'v1', ETag: '"e"', Size: 3, LastModified }],
    DeleteMarkers: [{ Key, VersionId: 'v2', IsLatest: true }],
    ...{ IsTruncated: true, NextKeyMarker: Key, NextVersionIdMarker: 'v1' },
  });
  expect(await dropped.listVersions('traffic/')).toEqual({
    versions: [
      {
        source: { bucket: 'intake', key, versionId: 'v1', etag: '"e"', sizeBytes: 3 },
        modifiedAt: LastModified.getTime(),
      },
    ],
    deletedKeys: [key],
    next: { key, versionId: 'v1' },
  });
  await dropped.listVersions('traffic/', { key, versionId: 'v1' });
  // It would refuse an empty marker.
  await dropped.listVersions('traffic/', { key, versionId: '' });
  expect(asked.slice(1)).toMatchObject([{ KeyMarker: key, VersionIdMarker: 'v1' }, { KeyMarker: key }]);
  expect(asked[2]).not.toHaveProperty('VersionIdMarker');
});

it('omits objects without a version, and keys whose delete marker has a version above it', async () => {
  const { dropped } = bucketOf({
    Versions: [{ Key: 'traffic/old.csv', VersionId: 'null', ETag: '"e"', Size: 3, LastModified }],
    DeleteMarkers: [{ Key: 'traffic/back.csv', VersionId: 'v1', IsLatest: false }],
  });
  expect(await dropped.listVersions('traffic/')).toEqual({ versions: [], deletedKeys: [] });
});
