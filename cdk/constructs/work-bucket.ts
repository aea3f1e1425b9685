import { Duration } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { AccessLogs } from './access-logs.ts';
import { abortUploads, bucketDefaults, encryptedBy } from './bucket-defaults.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** Receipts of batches, until the finalizer gathers them, and again for every amended manifest. */
export class WorkBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(settings),
      ...encryptedBy(this, settings),
      ...accessLogs.of('work'),
      lifecycleRules: [abortUploads, { id: 'expire-receipts', expiration: Duration.days(settings.workRetentionDays) }],
    });
  }

  grantPutReceipts(grantee: SluiceFunction): void {
    grantee.may(['s3:PutObject'], this.bucket.arnForObjects('receipts/*'));
  }

  grantGetReceipts(grantee: SluiceFunction): void {
    grantee.may(['s3:GetObject'], this.bucket.arnForObjects('receipts/*'));
  }
}
