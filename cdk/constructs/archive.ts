import { Duration } from 'aws-cdk-lib';
import { Bucket, ObjectLockRetention } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { AccessLogs } from './access-logs.ts';
import { abortUploads, bucketDefaults, encryptedBy } from './bucket-defaults.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** The evidence: source, receipts and manifests, each written once. */
export class Archive extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id);
    // One default a bucket: the feed with the longest retention sets it.
    const days = Math.max(...settings.feeds.map((feed) => feed.archiveRetentionDays));
    const retention = Duration.days(days);
    const lock =
      settings.archiveLock === 'compliance'
        ? ObjectLockRetention.compliance(retention)
        : ObjectLockRetention.governance(retention);
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(settings),
      ...encryptedBy(this, settings),
      ...accessLogs.of('archive'),
      versioned: true,
      lifecycleRules: [abortUploads],
      ...(settings.retainData ? { objectLockEnabled: true, objectLockDefaultRetention: lock } : {}),
    });
  }

  /** Lets a function read dead letters, and add lists of them. */
  grantList(grantee: SluiceFunction): void {
    grantee.may(['s3:GetObject'], this.bucket.arnForObjects('*'));
    grantee.may(['s3:PutObject', 's3:AbortMultipartUpload'], this.bucket.arnForObjects('reconciliation/*'));
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }

  /** Lets a function add to it and look at what is there. It may neither delete nor change a retention. */
  grantAdd(grantee: SluiceFunction): void {
    const objects = this.bucket.arnForObjects('*');
    // Tags come along with a copied source.
    grantee.may(['s3:GetObject', 's3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload'], objects);
    // Without it S3 says 403 where an object isn't there yet.
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }
}
