import { Duration } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { removalPolicyOf } from '../removal-policy.ts';
import type { Settings } from '../settings.ts';
import { abortUploads, bucketDefaults } from './bucket-defaults.ts';

/** S3's server access logs of the other buckets: who read or wrote what, also from outside of the stack. */
export class AccessLogs extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { settings }: { settings: Settings }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      // S3 delivers access logs to no bucket that has a customer's key:
      // https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
      ...bucketDefaults(settings),
      // S3 delivers logs for hours after the last request, so an emptied bucket is soon filled again and can't be deleted. It
      // is retained: its contents expire, and its generated name blocks no other stack.
      removalPolicy: removalPolicyOf({ retainData: !settings.localCloud }),
      lifecycleRules: [abortUploads, { id: 'expire', expiration: Duration.days(settings.accessLogDays) }],
    });
  }

  /** The settings of a bucket that writes its log here, under a prefix of its own. */
  of(name: string): { serverAccessLogsBucket: IBucket; serverAccessLogsPrefix: string } {
    // The CDK's Bucket doesn't fit its own interface where optional properties are taken exactly.
    return { serverAccessLogsBucket: this.bucket as IBucket, serverAccessLogsPrefix: `${name}/` };
  }
}
