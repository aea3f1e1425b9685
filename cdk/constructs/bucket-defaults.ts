import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { BlockPublicAccess, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Settings } from '../settings.ts';

/** What all buckets have in common. */
export function bucketDefaults(settings: Settings) {
  return {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    // Without autoDeleteObjects, a custom resource that local clouds skip: there the whole endpoint is thrown away.
    removalPolicy: settings.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  };
}

/** Parts of uploads that were never finished are paid for and seen by nobody. */
export const abortUploads: LifecycleRule = {
  id: 'abort-unfinished-uploads',
  abortIncompleteMultipartUploadAfter: Duration.days(7),
};
