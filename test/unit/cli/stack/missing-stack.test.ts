import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { endpointTarget } from '../../../../cli/stack/choose-target.ts';
import { requireDeployed } from '../../../../cli/stack/deployed-feeds.ts';
import { missingStack, unreachableStack } from '../../../../cli/stack/missing-stack.ts';
import { liveOutputs } from '../../../support/live-stack.ts';

/** CloudFormation with a page of stacks for each request. */
function cloudOf(...pages: Record<string, string[]>[]) {
  let asked = 0;
  const send = async () => {
    const page = pages[asked++] ?? {};
    const Stacks = Object.entries(page).map(([StackName, outputs]) => ({
      StackName,
      StackStatus: 'CREATE_COMPLETE',
      Outputs: outputs.map((OutputKey) => ({ OutputKey })),
    }));
    return { Stacks, NextToken: asked < pages.length ? `${asked}` : undefined };
  };
  return { send } as unknown as CloudFormationClient;
}

const local = endpointTarget('sluice-tset', 'http://127.0.0.1:4566', {});
const sluice = ['LedgerTableName', 'TrafficApi'];

describe('a stack that does not exist', () => {
  it('is refused with a list of the Sluice stacks that exist', async () => {
    const cloud = cloudOf({ 'sluice-test': sluice, CDKToolkit: ['BucketName'] }, { 'sluice-demo': sluice });
    expect((await missingStack(local, cloud, [])).message).toBe(
      'There is no stack sluice-tset at http://127.0.0.1:4566. Sluice stacks: sluice-demo, sluice-test. ' +
        'Name one with --stack, or deploy with `npx sluice up`.',
    );
  });

  it('is refused in AWS with a list that includes those that were started on this machine', async () => {
    const target = { kind: 'aws' as const, stackName: 'sluice-prd' };
    expect((await missingStack(target, cloudOf({ 'sluice-prod': sluice }), ['sluice-local'])).message).toBe(
      'There is no stack sluice-prd in this AWS account and region. Sluice stacks: sluice-prod. ' +
        'Started on this machine: sluice-local. Name one with --stack.',
    );
  });

  it('is refused without a list if the list may not be read', async () => {
    const send = () => Promise.reject(new Error('AccessDenied'));
    const { message } = await missingStack(local, { send }, []);
    expect(message).toMatch(/^There is no stack sluice-tset at http:\/\/127\.0\.0\.1:4566\. Name one with --stack/);
  });

  it('may be a misspelt local one if there are no credentials for AWS', () => {
    const cause = Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
    expect(unreachableStack('sluice-lcal', ['sluice-local'], cause).message).toMatch(
      /^No stack sluice-lcal was started on this machine \(sluice-local\), and AWS cannot be asked for it\. There are no AWS credentials/,
    );
  });
});

describe('a feed that is not deployed', () => {
  const stack = { outputs: liveOutputs(), target: { stackName: 'sluice-test' } };

  it('is refused with a list of the feeds that are deployed', () => {
    expect(requireDeployed(stack, 'traffic')).toBe('traffic');
    expect(() => requireDeployed(stack, 'maintenance')).toThrow(
      'The feed maintenance is not deployed in the stack sluice-test, whose feeds are: traffic.',
    );
    expect(() => requireDeployed(stack, 'trafic')).toThrow(
      "There is no feed 'trafic'. Feeds of the stack sluice-test: traffic.",
    );
  });
});
