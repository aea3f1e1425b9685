import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { Ledger } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import type { Target } from './choose-target.ts';
import { chooseTarget } from './choose-target.ts';
import { cloudFormationClientFor, dynamoClientFor, s3ClientFor, sqsClientFor } from './clients.ts';
import { readLocalStacks } from './local-stacks.ts';
import { StackOutputs } from './stack-outputs.ts';
import { stateDirOf } from './state-dir.ts';

/** A deployed stack, as the commands work with it. */
export interface OpenStack {
  target: Target;
  outputs: StackOutputs;
  ledger: Ledger;
  s3: S3Client;
  sqs: SQSClient;
  /** Another client, for what must go on when the first is destroyed. */
  newS3: () => S3Client;
}

/** @throws CliError where there is no such stack, or nothing answers */
export async function openStack(stackName: string | undefined, env: NodeJS.ProcessEnv): Promise<OpenStack> {
  const target = chooseTarget({ stack: stackName, env, local: readLocalStacks(stateDirOf(env)) });
  return openTarget(target);
}

export async function openTarget(target: Target): Promise<OpenStack> {
  const outputs = new StackOutputs(target.stackName, await readOutputs(target));
  return {
    target,
    outputs,
    ledger: createDynamoLedger(dynamoClientFor(target), outputs.ledgerTable, systemClock),
    s3: s3ClientFor(target),
    sqs: sqsClientFor(target),
    newS3: () => s3ClientFor(target),
  };
}

async function readOutputs(target: Target): Promise<Record<string, string>> {
  try {
    const answer = await cloudFormationClientFor(target).send(
      new DescribeStacksCommand({ StackName: target.stackName }),
    );
    const stack = answer.Stacks?.[0];
    if (!stack || stack.StackStatus === 'DELETE_COMPLETE') throw noStack(target);
    const outputs = (stack.Outputs ?? []).map((output) => [output.OutputKey ?? '', output.OutputValue ?? ''] as const);
    return Object.fromEntries(outputs);
  } catch (error) {
    // CloudFormation has no error code of its own for it.
    if (error instanceof Error && /does not exist/i.test(error.message)) throw noStack(target, error);
    throw error;
  }
}

function noStack(target: Target, cause?: unknown): CliError {
  const message =
    target.kind === 'aws'
      ? `There is no stack ${target.stackName} in this AWS account and region, nor was one of that name brought up here.`
      : `There is no stack ${target.stackName} at ${target.endpointUrl}. Deploy it with \`npm run -s sluice -- up\`.`;
  return new CliError(message, { cause });
}
