import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readDecisions } from '../../localstack/read-decisions.ts';
import { rolesOf } from './assume-role.ts';
import type { TestCloud } from './start-test-cloud.ts';

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const policy = z.object({
  Type: z.literal('AWS::IAM::Policy'),
  Properties: z.object({
    PolicyDocument: z.object({ Statement: z.array(z.object({ Action: oneOrMore })) }),
    Roles: z.array(z.object({ Ref: z.string() })),
  }),
});

/** What AWS does itself under a function's role, which MiniStack does without asking. */
const madeByAws = /^(logs:|sqs:(ReceiveMessage|DeleteMessage|GetQueueUrl)$)/;

/** `<role>: <action>` of the grants that no function has made use of so far: what to look at when permissions grow. */
export async function unusedGrants(cloud: TestCloud): Promise<string[]> {
  const { stateDir, stackName, enforcement } = cloud;
  const template = z
    .object({ Resources: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(stateDir, 'cdk.out/cdk.out', `${stackName}.template.json`), 'utf8')));
  const roles = await rolesOf(cloud);
  const used = new Set(
    readDecisions(enforcement?.decisionsFile ?? '')
      .filter(({ decision }) => decision === 'Allow')
      .map(({ caller, action }) => `${caller.split('/')[1] ?? ''} ${action}`),
  );
  return Object.values(template.Resources).flatMap((resource) => {
    const found = policy.safeParse(resource);
    if (!found.success) return [];
    const { PolicyDocument, Roles } = found.data.Properties;
    const actions = new Set(PolicyDocument.Statement.flatMap(({ Action }) => Action));
    return Roles.flatMap(({ Ref }) =>
      [...actions]
        .filter((action) => !madeByAws.test(action) && !used.has(`${roles.get(Ref) ?? ''} ${action}`))
        .map((action) => `${Ref}: ${action}`),
    );
  });
}
