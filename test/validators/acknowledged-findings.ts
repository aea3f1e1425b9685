export type Validator = 'cdk-nag' | 'cfn-lint' | 'checkov' | 'parliament';

/** A finding that stands, and why. docs/security.md has them as a table. */
export interface AcknowledgedFinding {
  by: Validator;
  rule: string;
  /** cdk-nag: constructs, by their path below the stack. The others: resources, by their logical ids. */
  where?: RegExp;
  /** If only some templates have it: their names in settings-matrix.ts. */
  template?: RegExp;
  /** What the validator says about it. */
  finding?: RegExp;
  why: string;
}

const functions = /(Splitter|Consumer|Function)\/Resource$/;
const functionIds = /(Splitter|Consumer|Function)[0-9A-F]{8}$/;
const networkInterfaces =
  'Lambda makes a function’s network interfaces under its role, which AWS documents for all resources. The function’s own code is denied it.';
const withoutCustomerKey = /^(?!keys-of-the-customer$)/;

/** What isn't here fails the build, and so does an entry that no longer finds anything. */
export const acknowledgedFindings: readonly AcknowledgedFinding[] = [
  {
    by: 'cdk-nag',
    rule: 'AwsSolutions-IAM5',
    where: /^[a-z-]+\/((Finalizer|Reconciler)\/FunctionRole|(main|express)\/ConsumerRole)\/DefaultPolicy\/Resource$/,
    finding: /^Resource::<WorkBucket\w+\.Arn>\/(receipts|payloads|closing)\/[a-z-]+\.\*$/,
    why: 'The feed’s own objects under one prefix of one bucket: receipts have a key for each batch and attempt, large payloads one for each letter, and a file that is being closed one for each part.',
  },
  {
    by: 'cdk-nag',
    rule: 'AwsSolutions-IAM5',
    where: /^[a-z-]+\/(Finalizer|Reconciler)\/FunctionRole\/DefaultPolicy\/Resource$/,
    finding: /^Resource::<ArchiveBucket\w+\.Arn>\/((reconciliation|quarantine|nights)\/)?[a-z-]+\/\*$/,
    why: 'The feed’s own folders of the archive: each file has one. The finalizer may add to them, the reconciler reads them and adds its lists; neither may delete.',
  },
  {
    by: 'cdk-nag',
    rule: 'AwsSolutions-IAM5',
    where: /^[a-z-]+\/(Finalizer\/FunctionRole|(main|express)\/SplitterRole)\/DefaultPolicy\/Resource$/,
    finding: /^Resource::<IntakeBucket\w+\.Arn>\/(express\/)?[a-z-]+\/\*$/,
    why: 'Objects under the lane’s own prefix of the intake bucket: the person or system that drops a file names it.',
  },
  {
    by: 'cdk-nag',
    rule: 'AwsSolutions-SMG4',
    where: /^[a-z-]+\/Token\/Secret\/Resource$/,
    why: 'The API’s owner issues the token: only they can rotate it. Consumers read a new one when the old one is refused.',
  },
  {
    by: 'cdk-nag',
    rule: 'Serverless-LambdaTracing',
    where: functions,
    why: 'A record’s correlation id is in log, receipts and ledger; X-Ray only samples, and its permission can’t be narrowed to a resource.',
  },
  {
    by: 'cdk-nag',
    rule: 'Serverless-LambdaDLQ',
    where: functions,
    why: 'Event source mappings invoke the functions, and their queues have DLQs; a schedule invokes the reconciler, and the next run repeats its work.',
  },
  {
    by: 'cdk-nag',
    rule: 'Serverless-LambdaEventSourceMappingDestination',
    where: /\/SqsEventSource:[^/]+\/Resource$/,
    why: 'Lambda accepts no failure destination for an SQS mapping; the queue’s redrive policy takes its place.',
  },
  {
    by: 'cdk-nag',
    rule: 'Serverless-SQSRedrivePolicy',
    where: /\/Dlq\/Resource$/,
    why: 'It is a dead-letter queue.',
  },
  {
    by: 'cdk-nag',
    rule: 'Serverless-EventBusDLQ',
    where: /^[a-z-]+\/Reconciler\/Schedule\/Resource$/,
    why: 'The next run makes up for a missed one.',
  },
  {
    by: 'cfn-lint',
    rule: 'W3005',
    finding: /Role\w+' dependency already enforced by a 'GetAtt'/,
    why: 'The CDK writes a dependency on a role beside the reference to it: redundant and harmless.',
  },
  {
    by: 'cfn-lint',
    rule: 'W3037',
    template: /^(local|drill)$/,
    finding: /^'(sendmessagebatch|changemessagevisibilitybatch)' is not one of/,
    why: 'MiniStack requires these actions when it evaluates IAM; AWS does not have them. Only stages of a local cloud grant them.',
  },
  {
    by: 'parliament',
    rule: 'UNKNOWN_ACTION',
    template: /^(local|drill)$/,
    finding: /sqs:(SendMessageBatch|ChangeMessageVisibilityBatch)$/,
    why: 'MiniStack requires these actions when it evaluates IAM; AWS does not have them. Only stages of a local cloud grant them.',
  },
  {
    by: 'parliament',
    rule: 'RESOURCE_STAR',
    where: /^SigningKey/,
    why: 'In a key’s own policy, `*` is the key.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_119',
    where: /Table/,
    template: withoutCustomerKey,
    why: 'DynamoDB encrypts with a key of its own. A customer’s key is a setting: SLUICE_KMS_KEY_ARN.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_26',
    where: /^DeskTopic/,
    template: withoutCustomerKey,
    why: 'The desk’s messages are sent by email. They contain counts and keys of files, but no record’s text. A customer’s key is a setting.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_27',
    where: /(Queue|Dlq)/,
    template: withoutCustomerKey,
    why: 'Queues are encrypted with SQS-managed keys, which this check does not know. A customer’s key is a setting.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_149',
    where: /TokenSecret/,
    template: withoutCustomerKey,
    why: 'Secrets Manager encrypts with a key of its own. A customer’s key is a setting.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_158',
    where: /Log/,
    template: withoutCustomerKey,
    why: 'CloudWatch Logs encrypts with a key of its own. A customer’s key is a setting.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_173',
    where: functionIds,
    why: 'Environments hold names, addresses and limits. The token is in Secrets Manager only.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_28',
    where: /Table/,
    template: /^(local|drill|staging|smoke)$/,
    why: 'Stages that do not retain their data have no backups of it.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_18',
    where: /^AccessLogsBucket/,
    why: 'Access logs are delivered to this bucket. Logging it would never end.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_21',
    where: /^(AccessLogs|Work)Bucket/,
    why: 'S3 writes each access log once. Receipts are written once under keys of their own, and their hashes are in the manifest.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_115',
    where: functionIds,
    why: 'Event source mappings limit the consumers. With reserved concurrency, messages beyond it would be received for nothing.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_116',
    where: functionIds,
    why: 'Event source mappings invoke the functions, and their queues have DLQs; a schedule invokes the reconciler, and the next run repeats its work.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_117',
    where: functionIds,
    why: 'Only consumers call anything outside AWS. A setting runs them in a VPC, for an API that allow-lists addresses.',
  },
  {
    by: 'checkov',
    rule: 'CKV_AWS_111',
    where: /ConsumerRoleDefaultPolicy/,
    template: /^static-egress$/,
    why: networkInterfaces,
  },
  {
    by: 'parliament',
    rule: 'RESOURCE_STAR',
    where: /ConsumerRoleDefaultPolicy/,
    template: /^static-egress$/,
    finding: /ec2:CreateNetworkInterface/,
    why: networkInterfaces,
  },
  {
    by: 'parliament',
    rule: 'UNKNOWN_CONDITION_FOR_ACTION',
    where: /ConsumerRoleDefaultPolicy/,
    template: /^static-egress$/,
    finding: /lambda:SourceFunctionArn for action ec2:/,
    why: 'Lambda sets this condition on every call of a function’s code, to any service.',
  },
];
