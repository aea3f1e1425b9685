import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { givenEndpointOf } from '../../localstack/aws-environment.ts';
import { findGivenEndpoint } from '../../localstack/given-endpoint.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import type { Target } from '../stack/choose-target.ts';
import { endpointTarget } from '../stack/choose-target.ts';
import { explainFault } from '../stack/explain-fault.ts';
import { stateDirOf } from '../stack/state-dir.ts';
import { Terminal } from '../terminal/terminal.ts';
import { findAccount } from './find-account.ts';
import { runSmoke } from './run-smoke.ts';
import { costSentence, planOf } from './smoke-plan.ts';

const usage = `npm run smoke:aws -- [--yes] [--api-url URL]

Deploys a stack of its own to AWS, tries it from end to end, and deletes it. Without --yes it says what it would do.

  --yes          do it
  --api-url URL  an API for the traffic feed, in place of one that is deployed for the test; its token is read from
                 SLUICE_TRAFFIC_API_TOKEN. It must refuse (422) the spots whose ids begin with ONCE-REFUSED- once each
                 and accept them after that.
`;

/** Runs `npm run smoke:aws`. */
export async function main(args: string[]): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr);
  try {
    process.exitCode = await interruptible((signal) => smoke(args, terminal, signal));
  } catch (error) {
    terminal.endProgress();
    const isInterrupted = error instanceof InterruptedError;
    terminal.note(isInterrupted ? error.message : `${terminal.styleNote('red', 'smoke:')} ${explainFault(error)}`);
    process.exitCode = isInterrupted ? exitCodes.interrupted : exitCodes.failed;
  }
}

async function smoke(args: string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { yes: { type: 'boolean' }, 'api-url': { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    await terminal.print(usage);
    return exitCodes.clean;
  }
  const { env } = process;
  const stackName = `sluice-smoke-${randomUUID().slice(0, 8)}`;
  const endpoint = givenEndpointOf(env) === undefined ? null : await findGivenEndpoint(env);
  const target: Target = endpoint === null ? { kind: 'aws', stackName } : endpointTarget(stackName, endpoint, env);
  if (endpoint !== null && values['api-url'] === undefined) {
    throw new CliError('The URLs of functions exist on AWS alone: with AWS_ENDPOINT_URL, give an API with --api-url.');
  }
  const account = await findAccount(target);
  await terminal.print(planOf({ stackName, account, endpoint, apiUrl: values['api-url'] }));
  if (!values.yes) {
    await terminal.print('\nNothing was done. Run it again with --yes.\n');
    return exitCodes.clean;
  }
  const dir = join(stateDirOf(env), stackName);
  mkdirSync(dir, { recursive: true });
  try {
    const { checks, facts } = await runSmoke({
      stackName,
      target,
      apiUrl: values['api-url'],
      dir,
      env,
      terminal,
      signal,
    });
    for (const { sentence, holds } of checks) {
      const sign = holds ? terminal.style('green', 'yes') : terminal.style('red', 'NO ');
      await terminal.print(`  ${sign}  ${sentence}\n`);
    }
    await terminal.print(`\n${costSentence(facts)}\n`);
    return checks.every(({ holds }) => holds) ? exitCodes.clean : exitCodes.failed;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
