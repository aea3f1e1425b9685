/**
 * What each command calls in AWS, in one place: docs/iam/ is written from it. `STACK`, `REGION` and `ACCOUNT` stand for an
 * installation's values.
 */

const here = 'REGION:ACCOUNT';
const ledger = [`arn:aws:dynamodb:${here}:table/STACK-Ledger*`];
const queues = `arn:aws:sqs:${here}:STACK-*`;

interface Group {
  actions: readonly string[];
  resources: readonly string[];
}

/** Calls that commands have in common. */
const groups = {
  FindStack: {
    actions: ['cloudformation:DescribeStacks'],
    resources: [`arn:aws:cloudformation:${here}:stack/STACK/*`],
  },
  ReadLedger: {
    actions: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'],
    resources: [...ledger, ...ledger.map((table) => `${table}/index/*`)],
  },
  ReadRecords: { actions: ['dynamodb:Scan'], resources: [`arn:aws:dynamodb:${here}:table/STACK-RecordLedger*`] },
  ReadArchive: { actions: ['s3:GetObject', 's3:ListBucket'], resources: bucketOf('archive') },
  ReadWork: { actions: ['s3:GetObject'], resources: bucketOf('work') },
  CountMessages: { actions: ['sqs:GetQueueAttributes'], resources: [queues] },
  ReadDlqs: { actions: ['sqs:ChangeMessageVisibility', 'sqs:ReceiveMessage'], resources: [queues] },
  // AWS has no resource for the mappings' list.
  ReadMappings: { actions: ['lambda:ListEventSourceMappings'], resources: ['*'] },
  ReadConcurrency: {
    actions: ['lambda:GetFunctionConcurrency'],
    resources: [`arn:aws:lambda:${here}:function:STACK-*`],
  },
  WriteLedger: { actions: ['dynamodb:UpdateItem'], resources: ledger },
  SendMessages: { actions: ['sqs:SendMessage'], resources: [queues] },
  MoveLetters: {
    actions: ['sqs:DeleteMessage', 'sqs:ListMessageMoveTasks', 'sqs:StartMessageMoveTask'],
    resources: [queues],
  },
  PublishEvents: { actions: ['events:PutEvents'], resources: [`arn:aws:events:${here}:event-bus/default`] },
  DropFiles: {
    actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
    resources: ['arn:aws:s3:::STACK-intake-*/*'],
  },
} satisfies Record<string, Group>;
export type PermissionGroup = keyof typeof groups;

function bucketOf(name: string): string[] {
  return [`arn:aws:s3:::STACK-${name}*`];
}

const file: PermissionGroup[] = ['FindStack', 'ReadLedger', 'ReadArchive'];
const screen: PermissionGroup[] = [...file, 'CountMessages', 'ReadMappings', 'ReadConcurrency'];
const letters: PermissionGroup[] = [...file, 'ReadWork', 'CountMessages', 'ReadDlqs'];
const decide: PermissionGroup[] = [...screen, 'WriteLedger', 'SendMessages'];

/** By command; those that call nothing in AWS, or deploy the stack, are left out. */
export const commandPermissions: Record<string, readonly PermissionGroup[]> = {
  ...{ status: screen, watch: screen },
  ...{ manifest: file, report: file, receipts: file, changes: file, prove: file, evidence: file },
  ...{ nights: file, night: file },
  records: [...file, 'ReadRecords'],
  ...{ 'dlq list': letters, 'dlq show': letters, 'dlq export': letters },
  drop: [...screen, 'DropFiles'],
  ...{ cancel: decide, release: decide },
  ...{ limit: [...decide, 'PublishEvents'], pause: [...decide, 'PublishEvents'], resume: [...decide, 'PublishEvents'] },
  'dlq redrive': [...letters, 'SendMessages', 'MoveLetters'],
  'dlq reingest': [...letters, 'WriteLedger', 'SendMessages', 'MoveLetters'],
  'dlq resolve': [...letters, 'WriteLedger', 'SendMessages', 'MoveLetters', 'PublishEvents'],
};

export const readingCommands = [
  ...[
    'status',
    'watch',
    'manifest',
    'report',
    'receipts',
    'changes',
    'prove',
    'evidence',
    'records',
    'nights',
    'night',
  ],
  ...['dlq list', 'dlq show', 'dlq export'],
];

/** A policy document with what these commands call, and nothing else. */
export function policyOf(commands: readonly string[]): string {
  const names = new Set(commands.flatMap((command) => commandPermissions[command] ?? []));
  const statements = Object.entries<Group>(groups)
    .filter(([name]) => names.has(name as PermissionGroup))
    .map(([Sid, { actions, resources }]) => ({ Sid, Effect: 'Allow', Action: actions, Resource: resources }));
  return `${JSON.stringify({ Version: '2012-10-17', Statement: statements }, null, 2)}\n`;
}

/** By file name in docs/iam/. */
export function rolePolicies(): Map<string, string> {
  return new Map([
    ['reader.json', policyOf(readingCommands)],
    ['operator.json', policyOf(Object.keys(commandPermissions))],
  ]);
}
