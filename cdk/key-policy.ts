/** A statement of a KMS key's own policy, as it is written there. */
export interface KeyPolicyStatement {
  Sid: string;
  Effect: 'Allow';
  Principal: { Service: string };
  Action: string[];
  Resource: '*';
  Condition?: Record<string, Record<string, string>>;
}

const use = { Effect: 'Allow', Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: '*' } as const;

/**
 * What a customer's key must allow AWS's own services: they have no role in the stack that could be given it. S3's calls
 * are allowed without conditions, since AWS does not document that they carry the bucket; the queues' policies name it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export function keyPolicyStatements({ account, region }: { account: string; region: string }): KeyPolicyStatement[] {
  return [
    {
      Sid: 'S3AnnouncesFilesToEncryptedQueues',
      ...use,
      Action: [...use.Action],
      Principal: { Service: 's3.amazonaws.com' },
    },
    {
      Sid: 'AlarmsReachTheEncryptedTopic',
      ...use,
      Action: [...use.Action],
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    },
    {
      Sid: 'LogGroupsAreEncrypted',
      ...use,
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:*:logs:${region}:${account}:log-group:*` } },
    },
  ];
}
