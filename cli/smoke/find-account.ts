import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CliError } from '../cli-error.ts';
import type { Target } from '../stack/choose-target.ts';
import { cloudFormationClientFor } from '../stack/clients.ts';

export interface Account {
  id: string;
  region: string;
}

const bootstrapStack = 'CDKToolkit';

/**
 * Which account and region the credentials lead to, by the CDK's bootstrap stack, which must be there.
 * @returns null for a local endpoint that has not been bootstrapped: a deployment does that there
 * @throws CliError where AWS has not been bootstrapped
 */
export async function findAccount(target: Target): Promise<Account | null> {
  const client = cloudFormationClientFor(target);
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: bootstrapStack }));
    // arn:aws:cloudformation:<region>:<account>:stack/…
    const [, , , region = '', id = ''] = (Stacks?.[0]?.StackId ?? '').split(':');
    return { id, region };
  } catch (error) {
    if (!(error instanceof Error) || !/does not exist/i.test(error.message)) throw error;
    if (target.kind === 'endpoint') return null;
    throw new CliError('The CDK is not bootstrapped in this AWS account and region: run `npx cdk bootstrap` first.', {
      cause: error,
    });
  } finally {
    client.destroy();
  }
}
