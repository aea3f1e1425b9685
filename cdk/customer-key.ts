import { Aws, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';

const id = 'CustomerKey';

/** The key that data is encrypted with in place of the services' own; one construct per stack. */
export function customerKey(scope: Construct, { kmsKeyArn }: Pick<Settings, 'kmsKeyArn'>): IKey | undefined {
  if (kmsKeyArn === undefined) return undefined;
  const stack = Stack.of(scope);
  return (stack.node.tryFindChild(id) as Key | undefined) ?? Key.fromKeyArn(stack, id, kmsKeyArn);
}

/** How a table is encrypted: by that key where there is one. */
export function tableEncryption(scope: Construct, settings: Pick<Settings, 'kmsKeyArn'>) {
  const key = customerKey(scope, settings);
  return key
    ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }
    : { encryption: TableEncryption.DEFAULT };
}

/**
 * The KMS actions that a call needs on the key of its resource. A multipart upload decrypts what it has sent:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 * A sender of messages too: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 * Callers of a table: https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
 */
const needs: readonly { calls: RegExp; of: string; keyActions: readonly string[] }[] = [
  { calls: /^s3:GetObject(Version)?$/, of: 's3', keyActions: ['Decrypt'] },
  { calls: /^s3:PutObject$/, of: 's3', keyActions: ['Decrypt', 'GenerateDataKey'] },
  { calls: /^sqs:ReceiveMessage$/, of: 'sqs', keyActions: ['Decrypt'] },
  { calls: /^sqs:SendMessage$/, of: 'sqs', keyActions: ['Decrypt', 'GenerateDataKey'] },
  { calls: /^sns:Publish$/, of: 'sns', keyActions: ['Decrypt', 'GenerateDataKey'] },
  { calls: /^secretsmanager:GetSecretValue$/, of: 'secretsmanager', keyActions: ['Decrypt'] },
  { calls: /^dynamodb:(Batch)?(Get|Query|Scan)/, of: 'dynamodb', keyActions: ['Decrypt', 'DescribeKey'] },
  {
    calls: /^dynamodb:(Batch)?(Put|Update|Delete|Write)/,
    of: 'dynamodb',
    keyActions: [
      ...['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'],
      ...['ReEncryptFrom', 'ReEncryptTo'],
    ],
  },
];

/** Allows the use of the key for these calls, only through the service that is called. */
export function keyStatements(kmsKeyArn: string, actions: readonly string[]): PolicyStatement[] {
  return needs
    .filter(({ calls }) => actions.some((action) => calls.test(action)))
    .map(
      ({ of, keyActions }) =>
        new PolicyStatement({
          actions: keyActions.map((action) => `kms:${action}`),
          resources: [kmsKeyArn],
          conditions: { StringEquals: { 'kms:ViaService': `${of}.${Aws.REGION}.${Aws.URL_SUFFIX}` } },
        }),
    );
}
