import { Duration } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { AccessLogs } from './access-logs.ts';
import { abortUploads, bucketDefaults, encryptedBy } from './bucket-defaults.ts';
import type { SluiceFunction } from './sluice-function.ts';

/**
 * Receipts of batches, until the finalizer has gathered them; what it needs to continue with a large file; bundles of small
 * files, until they are archived; and records that are too long for their dead letters.
 */
export class WorkBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(settings),
      ...encryptedBy(this, settings),
      ...accessLogs.of('work'),
      lifecycleRules: [abortUploads, { id: 'expire', expiration: Duration.days(settings.workRetentionDays) }],
    });
  }

  /** Lets it store the feed's records that are too long for their dead letters, and read them. */
  grantPayloads(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:PutObject', 's3:GetObject'], this.bucket.arnForObjects(`payloads/${feed}.*`));
  }

  grantPutReceipts(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:PutObject'], this.#receiptsOf(feed));
  }

  /** Lets it store bundles of small files, and read them. */
  grantBundles(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:PutObject', 's3:GetObject'], this.bucket.arnForObjects(`bundles/${feed}/*`));
  }

  /** Lets it copy them, with the tags that a copy brings along. */
  grantCopyBundles(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:GetObject', 's3:GetObjectTagging'], this.bucket.arnForObjects(`bundles/${feed}/*`));
  }

  /** Lets it keep what it needs to continue with a file that is being closed. */
  grantClosing(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:PutObject', 's3:GetObject'], this.bucket.arnForObjects(`closing/${feed}.*`));
  }

  grantGetReceipts(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:GetObject'], this.#receiptsOf(feed));
  }

  /** By the file's id, which begins with the feed's name. */
  #receiptsOf(feed: string): string {
    return this.bucket.arnForObjects(`receipts/${feed}.*`);
  }
}
