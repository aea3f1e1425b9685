import { z } from 'zod';
import {
  accountLength,
  longestPartition,
  longestUrlSuffix,
  maxBucketNameLength,
  maxEnvironmentBytes,
  maxFunctionNameLength,
  maxInlinePolicyBytes,
  maxOutputs,
  maxQueueNameLength,
  maxRegionLength,
  maxResources,
  maxTemplateBytes,
} from './aws-quotas.ts';

/** What a template needs of one of AWS's quotas. */
export interface Measurement {
  /** What is measured, with the resource's name where there are several. */
  what: string;
  value: number;
  quota: number;
  /** How much of the quota Sluice uses at most: the rest is room for what a deploy adds and for tags. */
  limit: number;
  /** What to do about it, as the end of a sentence. */
  remedy: string;
}

const template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
  Outputs: z.record(z.string(), z.unknown()).default({}),
});
type Resources = z.infer<typeof template>['Resources'];

/** The number of characters that CloudFormation appends to the names that it makes. */
const generatedSuffix = 13;

/**
 * Measures a stack's template against AWS's quotas. What only a deploy knows is taken at its longest: account, region,
 * generated names.
 * @param json the template as CloudFormation gets it
 */
export function measureTemplate(json: unknown, stackName: string): Measurement[] {
  const { Resources, Outputs } = template.parse(json);
  const fewerFeeds = 'deploy fewer feeds in one stack (SLUICE_FEEDS), or without express lanes';
  const shorterNames = "shorten the stack's or the feed's name";
  const measured = (what: string, value: number, quota: number, remedy: string, share = 1): Measurement => ({
    ...{ what, value, quota, remedy },
    limit: Math.floor(quota * share),
  });
  const lengthOf = (value: unknown): number => lengthIn(value, Resources, stackName);
  const entries = Object.entries(Resources);
  const namesOf = (type: string, property: string, quota: number): Measurement[] =>
    entries
      .filter(([, { Type, Properties }]) => Type === type && Properties[property] !== undefined)
      .map(([id, { Properties }]) =>
        measured(`the name of ${id}`, lengthOf(Properties[property]), quota, shorterNames),
      );
  return [
    measured('resources of the stack', entries.length, maxResources, fewerFeeds, 0.98),
    measured('outputs of the stack', Object.keys(Outputs).length, maxOutputs, fewerFeeds, 0.95),
    // The CLI uploads it indented.
    measured(
      'bytes of the template',
      Buffer.byteLength(JSON.stringify(json, null, 1)),
      maxTemplateBytes,
      fewerFeeds,
      0.95,
    ),
    ...namesOf('AWS::Lambda::Function', 'FunctionName', maxFunctionNameLength),
    ...namesOf('AWS::SQS::Queue', 'QueueName', maxQueueNameLength),
    ...namesOf('AWS::S3::Bucket', 'BucketName', maxBucketNameLength),
    ...entries
      .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
      .map(([id, { Properties }]) =>
        measured(
          `bytes of the environment of ${id}`,
          environmentBytes(Properties, lengthOf),
          maxEnvironmentBytes,
          fewerFeeds,
          0.9,
        ),
      ),
    ...policyBytes(Resources, lengthOf).map(([role, bytes]) =>
      measured(`bytes of the policies of ${role}`, bytes, maxInlinePolicyBytes, fewerFeeds, 0.9),
    ),
  ];
}

/** A sentence for each measurement that goes past its limit. */
export function quotaExcesses(measurements: readonly Measurement[]): string[] {
  return measurements
    .filter(({ value, limit }) => value > limit)
    .map(
      ({ what, value, quota, limit, remedy }) =>
        `${what}: ${value}. AWS allows ${quota}${limit < quota ? `, and Sluice uses up to ${limit} of that` : ''}: ${remedy}.`,
    );
}

function environmentBytes({ Environment }: Record<string, unknown>, lengthOf: (value: unknown) => number): number {
  const { Variables } = z
    .object({ Variables: z.record(z.string(), z.unknown()) })
    .parse(Environment ?? { Variables: {} });
  // As JSON: a name, a value, and the characters around them.
  return Object.entries(Variables).reduce((sum, [name, value]) => sum + name.length + lengthOf(value) + 6, 2);
}

const policy = z.object({
  PolicyDocument: z.unknown(),
  Roles: z.array(z.object({ Ref: z.string() })),
});

/** All inline policies of a role together. */
function policyBytes(resources: Resources, lengthOf: (value: unknown) => number): [role: string, bytes: number][] {
  const sums = new Map<string, number>();
  for (const { Type, Properties } of Object.values(resources)) {
    if (Type !== 'AWS::IAM::Policy') continue;
    const { PolicyDocument, Roles } = policy.parse(Properties);
    for (const { Ref } of Roles) sums.set(Ref, (sums.get(Ref) ?? 0) + lengthOf(PolicyDocument));
  }
  return [...sums];
}

const reference = z.strictObject({ Ref: z.string() });
const attribute = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });
const join = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

const pseudoParameters: Record<string, number> = {
  'AWS::Region': maxRegionLength,
  'AWS::AccountId': accountLength,
  'AWS::Partition': longestPartition.length,
  'AWS::URLSuffix': longestUrlSuffix.length,
};

/** The length of a value once CloudFormation has made it, as JSON text where it is an object. UTF-8 bytes. */
function lengthIn(value: unknown, resources: Resources, stackName: string): number {
  const lengthOf = (each: unknown): number => lengthIn(each, resources, stackName);
  if (typeof value === 'string') return Buffer.byteLength(value);
  const asRef = reference.safeParse(value);
  if (asRef.success) {
    const { Ref } = asRef.data;
    const type = resources[Ref]?.Type;
    const name = pseudoParameters[Ref] ?? nameLength(Ref, resources, lengthOf, stackName);
    if (type === 'AWS::SQS::Queue')
      return 'https://sqs../'.length + maxRegionLength + longestUrlSuffix.length + accountLength + 1 + name;
    // A topic's and a secret's reference is its ARN, a secret's with six characters more.
    return type === 'AWS::SNS::Topic' || type === 'AWS::SecretsManager::Secret' ? arnLength + name + 7 : name;
  }
  const asAttribute = attribute.safeParse(value);
  // An ARN, or a reference of about that length.
  if (asAttribute.success)
    return arnLength + nameLength(asAttribute.data['Fn::GetAtt'][0], resources, lengthOf, stackName);
  const asJoin = join.safeParse(value);
  if (asJoin.success) {
    const [separator, parts] = asJoin.data['Fn::Join'];
    return parts.reduce<number>((sum, part) => sum + lengthOf(part), separator.length * Math.max(0, parts.length - 1));
  }
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + quoted(each, lengthOf) + 1, 1);
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).reduce((sum, [name, each]) => sum + name.length + 3 + quoted(each, lengthOf) + 1, 1);
  }
  return JSON.stringify(value).length;
}

/** Text within JSON has quotes, and so does a value that becomes text. */
function quoted(value: unknown, lengthOf: (value: unknown) => number): number {
  const isText =
    typeof value === 'string' || [reference, attribute, join].some((each) => each.safeParse(value).success);
  return lengthOf(value) + (isText ? 2 : 0);
}

/** `arn:<partition>:<service>:<region>:<account>:<kind>/` with the longest service of these: cloudformation's kin don't matter. */
const arnLength =
  'arn:::::'.length +
  longestPartition.length +
  'secretsmanager'.length +
  maxRegionLength +
  accountLength +
  'secret:'.length;

const nameProperties = ['FunctionName', 'QueueName', 'BucketName', 'TopicName', 'Name', 'TableName', 'RoleName'];

function nameLength(id: string, resources: Resources, lengthOf: (value: unknown) => number, stackName: string): number {
  const { Type = '', Properties = {} } = resources[id] ?? {};
  const given = nameProperties.map((property) => Properties[property]).find((name) => name !== undefined);
  if (given !== undefined) return lengthOf(given);
  const generated = stackName.length + 1 + id.length + generatedSuffix;
  return Type === 'AWS::S3::Bucket' ? Math.min(maxBucketNameLength, generated) : generated;
}
