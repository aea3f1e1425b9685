import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CliError } from '../cli-error.ts';
import type { Target } from './choose-target.ts';
import { explainFault } from './explain-fault.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** Pages of CloudFormation's list that are read at most, of up to 100 stacks each. */
const maxPages = 10;
/** Time limit of the list: without it the message is complete enough. Milliseconds. */
const listTimeoutMs = 10_000;

/** @param here the stacks that were started on this machine */
export async function missingStack(
  { stackName, ...target }: Target,
  client: Pick<CloudFormationClient, 'send'>,
  here: readonly string[],
  cause?: unknown,
): Promise<CliError> {
  const place = target.kind === 'aws' ? 'in this AWS account and region' : `at ${target.endpointUrl}`;
  const there = await sluiceStacks(client).catch(() => undefined);
  const parts = [
    `There is no stack ${stackName} ${place}.`,
    there === undefined
      ? ''
      : `${there.length === 0 ? 'There is no other Sluice stack' : `Sluice stacks: ${there.join(', ')}`}.`,
    ...(target.kind === 'aws' ? [startedHere(here)] : []),
    target.kind === 'aws' ? 'Name one with --stack.' : `Name one with --stack, or deploy with \`${sluice} up\`.`,
  ];
  return new CliError(parts.filter((part) => part !== '').join(' '), { cause });
}

/** A stack that was not started here is looked for in AWS; if AWS cannot be asked, the name may be wrong. */
export function unreachableStack(stackName: string, here: readonly string[], cause: unknown): CliError {
  return new CliError(
    `No stack ${stackName} was started on this machine (${listOf(here)}), and AWS cannot be asked for it. ${explainFault(cause)}`,
    { cause },
  );
}

const startedHere = (here: readonly string[]): string => `Started on this machine: ${listOf(here)}.`;

const listOf = (names: readonly string[]): string => (names.length === 0 ? 'none' : [...names].sort().join(', '));

/** The names of the stacks with Sluice's outputs. */
async function sluiceStacks(client: Pick<CloudFormationClient, 'send'>): Promise<string[]> {
  const names: string[] = [];
  const abortSignal = AbortSignal.timeout(listTimeoutMs);
  let NextToken: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const answer = await client.send(new DescribeStacksCommand({ NextToken }), { abortSignal });
    for (const { StackName = '', Outputs = [], StackStatus } of answer.Stacks ?? []) {
      const isSluice = Outputs.some(({ OutputKey }) => OutputKey === 'LedgerTableName');
      if (isSluice && StackStatus !== 'DELETE_COMPLETE') names.push(StackName);
    }
    NextToken = answer.NextToken;
    if (NextToken === undefined) break;
  }
  return names.sort();
}
