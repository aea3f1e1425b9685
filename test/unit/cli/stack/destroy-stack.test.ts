import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import type { S3Client } from '@aws-sdk/client-s3';
import { DeleteObjectsCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { destroyStack } from '../../../../cli/stack/destroy-stack.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

/** As much of AWS as a stack with one bucket is deleted with. `lateObjects` arrive just before each deletion. */
class Aws {
  readonly lateObjects: number;
  readonly calls: string[] = [];
  isThere = true;
  status = 'CREATE_COMPLETE';
  objects = 2_500;
  #deletions = 0;

  constructor(lateObjects: number) {
    this.lateObjects = lateObjects;
  }

  // The SDK's paginator insists on an instance of the class.
  readonly cloudFormation = Object.assign(new CloudFormationClient({ region: 'us-east-1' }), {
    send: async (command: unknown) => this.#answer(command),
  });

  readonly s3 = {
    send: async (command: unknown) => {
      if (command instanceof ListObjectVersionsCommand) {
        const count = Math.min(1_000, this.objects);
        return { Versions: Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, VersionId: 'v' })) };
      }
      if (!(command instanceof DeleteObjectsCommand)) throw new Error('not a call that is needed here');
      this.objects -= command.input.Delete?.Objects?.length ?? 0;
      return {};
    },
  } as unknown as S3Client;

  #answer(command: unknown): unknown {
    if (command instanceof DescribeStacksCommand) {
      if (!this.isThere) throw new Error('Stack with id x does not exist');
      return { Stacks: [{ StackId: 'arn:x', StackStatus: this.status, StackStatusReason: 'a bucket is not empty' }] };
    }
    if (command instanceof UpdateTerminationProtectionCommand) {
      this.calls.push(`protection ${String(command.input.EnableTerminationProtection)}`);
      return {};
    }
    if (command instanceof ListStackResourcesCommand) {
      return {
        StackResourceSummaries: [
          { ResourceType: 'AWS::S3::Bucket', ResourceStatus: 'CREATE_COMPLETE', PhysicalResourceId: 'bucket' },
        ],
      };
    }
    if (!(command instanceof DeleteStackCommand)) throw new Error('not a call that is needed here');
    this.calls.push(`delete with ${this.objects} objects`);
    if (this.#deletions++ < this.lateObjects) this.objects = 1;
    this.status = this.objects > 0 ? 'DELETE_FAILED' : 'DELETE_COMPLETE';
    return {};
  }
}

function destroy(aws: Aws): Promise<void> {
  const clock = new SimulatedClock();
  const { cloudFormation, s3 } = aws;
  return clock.run(destroyStack('x', { cloudFormation, s3, clock, onProgress: () => undefined }));
}

it('removes the protection, empties every bucket and deletes the stack', async () => {
  const aws = new Aws(0);
  await destroy(aws);
  expect(aws.calls).toEqual(['protection false', 'delete with 0 objects']);
  expect(aws.status).toBe('DELETE_COMPLETE');
});

it('retries if an object was added meanwhile', async () => {
  const aws = new Aws(2);
  await destroy(aws);
  expect(aws.calls.slice(1)).toEqual(Array<string>(3).fill('delete with 0 objects'));
});

it('lists what remains if it cannot be deleted', async () => {
  await expect(destroy(new Aws(99))).rejects.toThrow(/could not be deleted: a bucket is not empty/);
});

it('does nothing if there is no stack', async () => {
  const aws = new Aws(0);
  aws.isThere = false;
  await destroy(aws);
  expect(aws.calls).toEqual([]);
});
