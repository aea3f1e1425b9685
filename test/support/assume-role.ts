import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { callSigned } from './signed-call.ts';
import type { TestCloud } from './start-test-cloud.ts';

/** Tells a test's calls under a role from those of the role's function. */
export const testSession = 'a-test-of-denials';

/** What an SDK client is to be given to call as a role. */
export type ClientAs = Omit<TestCloud['client'], 'credentials'> & {
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
};

/** The roles' names in the deployed stack, by their logical ids. */
export async function rolesOf({ client, stackName }: TestCloud): Promise<Map<string, string>> {
  const cloudFormation = new CloudFormationClient(client);
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stackName }),
  );
  cloudFormation.destroy();
  return new Map(
    StackResources.filter(({ ResourceType }) => ResourceType === 'AWS::IAM::Role').map(
      ({ LogicalResourceId = '', PhysicalResourceId = '' }) => [LogicalResourceId, PhysicalResourceId],
    ),
  );
}

/** Makes a role with this policy alone, for the test's account, and assumes it. */
export async function assumeNewRole(cloud: TestCloud, roleName: string, policy: string): Promise<ClientAs> {
  const version = { Version: '2010-05-08', RoleName: roleName };
  await query(cloud.client, 'iam', { ...version, Action: 'CreateRole', AssumeRolePolicyDocument: trustPolicy });
  const named = { PolicyName: 'commands', PolicyDocument: policy };
  await query(cloud.client, 'iam', { ...version, Action: 'PutRolePolicy', ...named });
  return assumeRole(cloud, roleName);
}

const trustPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'lambda.amazonaws.com', AWS: 'arn:aws:iam::000000000000:root' },
    },
  ],
});

/** The role of a function trusts Lambda alone: on a local cloud, whose root may change that, it trusts the root too. */
export async function assumeRole({ client }: TestCloud, roleName: string): Promise<ClientAs> {
  await query(client, 'iam', {
    Action: 'UpdateAssumeRolePolicy',
    Version: '2010-05-08',
    RoleName: roleName,
    PolicyDocument: trustPolicy,
  });
  const answer = await query(client, 'sts', {
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: `arn:aws:iam::000000000000:role/${roleName}`,
    RoleSessionName: testSession,
  });
  const element = (name: string): string => {
    const [, value] = new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer) ?? [];
    if (value === undefined) throw new Error(`No ${name} in the answer of STS: ${answer}`);
    return value;
  };
  return {
    ...client,
    credentials: {
      accessKeyId: element('AccessKeyId'),
      secretAccessKey: element('SecretAccessKey'),
      sessionToken: element('SessionToken'),
    },
  };
}

function query(client: TestCloud['client'], service: string, form: Record<string, string>): Promise<string> {
  const contentType = 'application/x-www-form-urlencoded';
  const body = new URLSearchParams(form).toString();
  return callSigned(client, { service, method: 'POST', path: '/', body, contentType });
}
