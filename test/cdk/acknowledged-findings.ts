/** A finding of a rule pack that stands, and why. docs/security.md has them as a table. */
export interface AcknowledgedFinding {
  rule: string;
  /** Constructs, by their path below the stack. */
  where: RegExp;
  /** What is found, where the rule tells; a wildcard in a policy. */
  finding?: RegExp;
  why: string;
}

const functions = /(Splitter|Consumer|Function)\/Resource$/;

/** Of the AWS Solutions and the Serverless pack, in stage `prod`. What isn't here fails the build, and so does what is here in vain. */
export const acknowledgedFindings: readonly AcknowledgedFinding[] = [
  {
    rule: 'AwsSolutions-IAM5',
    where: /^[a-z-]+\/((Finalizer|Reconciler)\/FunctionRole|(main|express)\/ConsumerRole)\/DefaultPolicy\/Resource$/,
    finding: /^Resource::<WorkBucket\w+\.Arn>\/receipts\/[a-z-]+\.\*$/,
    why: 'The feed’s own objects under one prefix of one bucket: receipts have a key for each batch and attempt.',
  },
  {
    rule: 'AwsSolutions-IAM5',
    where: /^[a-z-]+\/(Finalizer|Reconciler)\/FunctionRole\/DefaultPolicy\/Resource$/,
    finding: /^Resource::<ArchiveBucket\w+\.Arn>\/((reconciliation|quarantine)\/)?[a-z-]+\/\*$/,
    why: 'The feed’s own folders of the archive: each file has one. The finalizer may add to them, the reconciler reads them and adds its lists; neither may delete.',
  },
  {
    rule: 'AwsSolutions-IAM5',
    where: /^[a-z-]+\/(Finalizer\/FunctionRole|(main|express)\/SplitterRole)\/DefaultPolicy\/Resource$/,
    finding: /^Resource::<IntakeBucket\w+\.Arn>\/(express\/)?[a-z-]+\/\*$/,
    why: 'Objects under the lane’s own prefix of the intake bucket: whoever drops a file gives it its name.',
  },
  {
    rule: 'AwsSolutions-SMG4',
    where: /^[a-z-]+\/Token\/Secret\/Resource$/,
    why: 'The token is issued by the API’s owner: only they can rotate it. Consumers read a new one when the old one is refused.',
  },
  {
    rule: 'Serverless-LambdaTracing',
    where: functions,
    why: 'A record is followed by its correlation id through log, receipts and ledger; X-Ray samples, and its permission can’t be narrowed to a resource.',
  },
  {
    rule: 'Serverless-LambdaDLQ',
    where: functions,
    why: 'Functions are invoked by event source mappings, whose queues have DLQs of their own, and the reconciler by a schedule whose next run does its work.',
  },
  {
    rule: 'Serverless-LambdaEventSourceMappingDestination',
    where: /\/SqsEventSource:[^/]+\/Resource$/,
    why: 'Lambda takes no destination for failures of an SQS mapping: the queue’s redrive policy is it.',
  },
  {
    rule: 'Serverless-SQSRedrivePolicy',
    where: /\/Dlq\/Resource$/,
    why: 'It is a dead-letter queue.',
  },
  {
    rule: 'Serverless-EventBusDLQ',
    where: /^[a-z-]+\/Reconciler\/Schedule\/Resource$/,
    why: 'A run that didn’t happen is made up for by the next.',
  },
];
