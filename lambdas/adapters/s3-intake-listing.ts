import type { S3Client } from '@aws-sdk/client-s3';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { decoded } from './decode-key.ts';
import type { IntakeListing, IntakePage } from '../ports.ts';

/** The intake bucket's objects, 1,000 per page. */
export class S3IntakeListing implements IntakeListing {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async list(
    prefix: string,
    { delimiter, next }: { delimiter?: '/'; next?: string | undefined } = {},
  ): Promise<IntakePage> {
    const page = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        ...(delimiter ? { Delimiter: delimiter } : {}),
        ...(next === undefined ? {} : { ContinuationToken: next }),
        // XML can't represent every character of a key.
        EncodingType: 'url',
      }),
    );
    const decode = page.EncodingType === 'url' ? decoded : (key: string) => key;
    return {
      objects: (page.Contents ?? []).flatMap(({ Key, Size = 0, LastModified }) =>
        Key === undefined || !LastModified
          ? []
          : [{ key: decode(Key), sizeBytes: Size, modifiedAt: LastModified.getTime() }],
      ),
      prefixes: (page.CommonPrefixes ?? []).flatMap(({ Prefix }) => (Prefix === undefined ? [] : [decode(Prefix)])),
      ...(page.IsTruncated && page.NextContinuationToken !== undefined ? { next: page.NextContinuationToken } : {}),
    };
  }
}
