import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  DeleteStackCommand,
  DescribeStacksCommand,
  paginateListStackResources,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import type { S3Client } from '@aws-sdk/client-s3';
import { DeleteObjectsCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import type { Clock } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';

export interface DestroyPorts {
  cloudFormation: CloudFormationClient;
  s3: S3Client;
  clock: Clock;
  onProgress: (message: string) => void;
}

const pollEveryMs = 2_000;
/** A function in a VPC or a slow bucket may take minutes; longer than that something is wrong. */
const deletedWithinMs = 30 * 60_000;
/** S3 may deliver an access log at any time, even between emptying a bucket and deleting it. */
const maxRounds = 4;

/**
 * Deletes a stack with all of its data: meant for stacks that hold nothing of value. Nothing happens where there is none.
 * @throws CliError with what is left and why
 */
export async function destroyStack(stackName: string, ports: DestroyPorts): Promise<void> {
  const { cloudFormation, clock, onProgress } = ports;
  // By its id: a stack that is deleted can't be found by name, and must be seen to be gone.
  const stackId = (await findStack(cloudFormation, stackName))?.StackId;
  if (stackId === undefined) return;
  await cloudFormation
    .send(new UpdateTerminationProtectionCommand({ StackName: stackName, EnableTerminationProtection: false }))
    .catch(() => undefined);
  for (let round = 1; ; round++) {
    onProgress(`Emptying the buckets of ${stackName}`);
    for (const bucket of await bucketsOf(cloudFormation, stackId)) await emptyBucket(ports.s3, bucket);
    onProgress(`Deleting the stack ${stackName}`);
    await cloudFormation.send(new DeleteStackCommand({ StackName: stackId }));
    const giveUpAt = clock.now() + deletedWithinMs;
    for (;;) {
      const stack = await findStack(cloudFormation, stackId);
      if (stack === undefined || stack.StackStatus === 'DELETE_COMPLETE') return;
      if (stack.StackStatus === 'DELETE_FAILED') {
        if (round < maxRounds) break;
        throw new CliError(
          `The stack ${stackName} could not be deleted: ${stack.StackStatusReason ?? 'CloudFormation gives no reason'}. ` +
            `What is left costs storage; try \`aws cloudformation delete-stack --stack-name ${stackName}\`.`,
        );
      }
      if (clock.now() > giveUpAt) {
        throw new CliError(`The stack ${stackName} is still ${stack.StackStatus ?? 'there'} after 30 minutes.`);
      }
      await clock.sleep(pollEveryMs);
    }
  }
}

/** @returns undefined where there is none, or no longer */
async function findStack(client: CloudFormationClient, StackName: string) {
  try {
    return (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  } catch (error) {
    // CloudFormation has no error code of its own for it.
    if (error instanceof Error && /does not exist/i.test(error.message)) return undefined;
    throw error;
  }
}

async function bucketsOf(client: CloudFormationClient, StackName: string): Promise<string[]> {
  const buckets: string[] = [];
  for await (const page of paginateListStackResources({ client }, { StackName })) {
    for (const { ResourceType, ResourceStatus, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      if (ResourceType !== 'AWS::S3::Bucket' || ResourceStatus === 'DELETE_COMPLETE') continue;
      if (PhysicalResourceId) buckets.push(PhysicalResourceId);
    }
  }
  return buckets;
}

/** Every version and every delete marker. Nothing happens where the bucket is gone. */
async function emptyBucket(client: S3Client, Bucket: string): Promise<void> {
  try {
    for (;;) {
      // Always the first page: what it named is gone afterwards.
      const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
      const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length === 0) return;
      const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      const [fault] = Errors;
      if (fault) throw new CliError(`${fault.Key ?? ''} in ${Bucket} could not be deleted: ${fault.Message ?? ''}`);
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'NoSuchBucket') throw error;
  }
}
