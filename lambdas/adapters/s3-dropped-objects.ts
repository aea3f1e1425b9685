import type { S3Client } from '@aws-sdk/client-s3';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { decoded } from './decode-key.ts';
import type { DroppedObjects, DroppedVersion, VersionCursor, VersionPage } from '../ports.ts';

/** The intake bucket's versions, 1,000 per page. */
export class S3DroppedObjects implements DroppedObjects {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async listVersions(keyPrefix: string, after?: VersionCursor): Promise<VersionPage> {
    const page = await this.#client.send(
      new ListObjectVersionsCommand({
        Bucket: this.#bucket,
        Prefix: keyPrefix,
        // XML can't represent every character of a key.
        EncodingType: 'url',
        ...(after ? { KeyMarker: after.key } : {}),
        // S3 refuses an empty one.
        ...(after && after.versionId !== '' ? { VersionIdMarker: after.versionId } : {}),
      }),
    );
    const decode = page.EncodingType === 'url' ? decoded : (key: string) => key;
    const versions = (page.Versions ?? []).flatMap(({ Key, VersionId, ETag, Size, LastModified }): DroppedVersion[] =>
      // `null`: uploaded before the bucket had versioning. Its event had no version, and the listing has no other name for
      // the upload.
      Key === undefined || VersionId === undefined || VersionId === 'null' || !LastModified
        ? []
        : [
            {
              source: {
                bucket: this.#bucket,
                key: decode(Key),
                versionId: VersionId,
                etag: ETag ?? '',
                sizeBytes: Size ?? -1,
              },
              modifiedAt: LastModified.getTime(),
            },
          ],
    );
    const deletedKeys = (page.DeleteMarkers ?? []).flatMap(({ Key, IsLatest }) =>
      IsLatest && Key !== undefined ? [decode(Key)] : [],
    );
    const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page;
    if (!IsTruncated || NextKeyMarker === undefined) return { versions, deletedKeys };
    return { versions, deletedKeys, next: { key: decode(NextKeyMarker), versionId: NextVersionIdMarker ?? '' } };
  }
}
