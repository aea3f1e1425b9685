import { Duration } from 'aws-cdk-lib';
import type { BucketProps, LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { BlockPublicAccess, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { removalPolicyOf } from '../removal-policy.ts';
import { customerKey } from '../customer-key.ts';
import type { Settings } from '../settings.ts';

/** What all buckets have in common. */
export function bucketDefaults(settings: Settings) {
  return {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    // Without autoDeleteObjects: it is a custom resource, which local clouds skip. Their data goes with the endpoint.
    removalPolicy: removalPolicyOf(settings),
  };
}

/** The customer's key, if there is one. A bucket key makes S3 call KMS occasionally instead of for each object. */
export function encryptedBy(
  scope: Construct,
  settings: Settings,
): Pick<BucketProps, 'encryption' | 'encryptionKey' | 'bucketKeyEnabled'> {
  const encryptionKey = customerKey(scope, settings);
  return encryptionKey ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true } : {};
}

/** Parts of uploads that were never finished cost money and are invisible. */
export const abortUploads: LifecycleRule = {
  id: 'abort-unfinished-uploads',
  abortIncompleteMultipartUploadAfter: Duration.days(7),
};
