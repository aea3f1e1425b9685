import { z } from 'zod';

/** A policy in a template, with the names and ARNs that a deploy would give in place of CloudFormation's functions. */
export interface TemplatePolicy {
  /** The resource that has it. */
  where: string;
  policy: unknown;
}

export const region = 'us-east-1';
export const account = '123456789012';
const pseudoParameters: Record<string, string> = {
  'AWS::Region': region,
  'AWS::AccountId': account,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
type Resources = z.infer<typeof template>['Resources'];

const inlinePolicies = z.array(z.object({ PolicyDocument: z.unknown() }));
const reference = z.strictObject({ Ref: z.string() });
const attribute = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });
const join = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

/** Every policy of a template: of roles, queues, topics, buckets, keys. Parliament does not check who may assume a role. */
export function templatePolicies(json: unknown): TemplatePolicy[] {
  const { Resources } = template.parse(json);
  return Object.entries(Resources).flatMap(([where, { Properties }]) => {
    const { PolicyDocument, KeyPolicy, Policies } = Properties;
    const inline = inlinePolicies.parse(Policies ?? []).map((each) => each.PolicyDocument);
    return [PolicyDocument, KeyPolicy, ...inline]
      .filter((policy) => policy !== undefined)
      .map((policy) => ({ where, policy: resolve(policy, Resources) }));
  });
}

function resolve(value: unknown, resources: Resources): unknown {
  const asRef = reference.safeParse(value);
  if (asRef.success) return pseudoParameters[asRef.data.Ref] ?? arnOf(asRef.data.Ref, resources);
  const asAttribute = attribute.safeParse(value);
  if (asAttribute.success) return arnOf(asAttribute.data['Fn::GetAtt'][0], resources);
  const asJoin = join.safeParse(value);
  if (asJoin.success) {
    const [separator, parts] = asJoin.data['Fn::Join'];
    return parts.map((part) => z.string().parse(resolve(part, resources))).join(separator);
  }
  if (Array.isArray(value)) return value.map((each: unknown) => resolve(each, resources));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolve(each, resources)]));
}

/** ARNs of what policies name, by type. @throws Error for a type that is not here yet */
function arnOf(id: string, resources: Resources): string {
  const name = id.toLowerCase();
  const type = resources[id]?.Type ?? 'unknown';
  const endings: Record<string, string> = {
    'AWS::S3::Bucket': `s3:::${name}`,
    'AWS::SQS::Queue': `sqs:${region}:${account}:${name}`,
    'AWS::SNS::Topic': `sns:${region}:${account}:${name}`,
    'AWS::DynamoDB::Table': `dynamodb:${region}:${account}:table/${name}`,
    'AWS::Lambda::Function': `lambda:${region}:${account}:function:${name}`,
    'AWS::Logs::LogGroup': `logs:${region}:${account}:log-group:${name}:*`,
    'AWS::SecretsManager::Secret': `secretsmanager:${region}:${account}:secret:${name}-AbCdEf`,
    'AWS::KMS::Key': `kms:${region}:${account}:key/12345678-1234-1234-1234-123456789012`,
    'AWS::IAM::Role': `iam::${account}:role/${name}`,
  };
  const ending = endings[type];
  if (ending === undefined) throw new Error(`A policy names ${id} of type ${type}; add its ARN here.`);
  return `arn:aws:${ending}`;
}
