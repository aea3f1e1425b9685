import { join } from 'node:path';
import type { Endpoint } from '../../localstack/endpoint.ts';
import { tearDownEndpoint } from '../../localstack/endpoint.ts';
import { findGivenEndpoint } from '../../localstack/given-endpoint.ts';
import { CliError } from '../cli-error.ts';
import { InterruptedError } from '../interrupt.ts';
import { bringUpStack } from '../stack/bring-up-stack.ts';
import type { Target } from '../stack/choose-target.ts';
import { endpointTarget } from '../stack/choose-target.ts';
import { forgetStack } from '../stack/local-stacks.ts';
import { formatDuration } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { chooseDemoStack } from './choose-demo-stack.ts';

export interface DemoRun {
  terminal: Terminal;
  stateDir: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

export interface DemoPlace {
  /** Folder in the state directory, for the local cloud's files. */
  folder: string;
  stackName: string;
  feed: string;
  /** Longer than a slow machine takes; past that something is wrong. Milliseconds. */
  giveUpAfterMs: number;
}

/** A demo with its place: what `bringUp` needs. */
export interface PlacedDemo extends DemoRun {
  demoDir: string;
  stackName: string;
}

/**
 * Runs a demo in a local cloud of its own: `sluice up` may have another beside it, with work in progress that must not go to
 * the demo's API. Cleans up when it is interrupted.
 * @throws CliError when the time is up
 * @throws InterruptedError
 */
export async function withOwnCloud<T>(
  run: DemoRun,
  { folder, stackName: wanted, feed, giveUpAfterMs }: DemoPlace,
  work: (demo: PlacedDemo) => Promise<T>,
): Promise<T> {
  const demoDir = join(run.stateDir, folder);
  const given = await findGivenEndpoint(run.env);
  const stackName = given === null ? wanted : await chooseDemoStack({ stackName: wanted, feed }, given, run.env);
  // What an interrupted demo left would be sent to this one's API.
  if (given === null) await tearDownEndpoint(demoDir);
  const timeUp = AbortSignal.timeout(giveUpAfterMs);
  try {
    return await work({ ...run, signal: AbortSignal.any([run.signal, timeUp]), demoDir, stackName });
  } catch (error) {
    if (timeUp.aborted && !run.signal.aborted) throw tooLong(demoDir, giveUpAfterMs, error);
    if (!run.signal.aborted) throw error;
    run.terminal.progress('down', 'stopping the local cloud');
    if (given === null) await tearDownEndpoint(demoDir);
    forgetStack(run.stateDir, stackName);
    throw new InterruptedError('Interrupted; the demo has cleaned up after itself.', { cause: error });
  }
}

/** Deploys the demo's stack and says where it is. */
export async function bringUp(
  { terminal, stateDir, env, signal, demoDir, stackName }: PlacedDemo,
  environmentAt: (endpoint: Endpoint) => Promise<NodeJS.ProcessEnv> | NodeJS.ProcessEnv,
  tokens: { feed: string; token: string }[],
): Promise<{ endpoint: Endpoint; target: Target }> {
  const onProgress = (message: string): void => terminal.progress(message.replace(/[0-9]+/g, ''), `  ${message}`);
  const place = { stackName, stateDir, endpointDir: demoDir, port: undefined };
  const { endpoint } = await bringUpStack({ ...place, environmentAt, env, tokens, onProgress, signal });
  terminal.note(`  the stack ${stackName} is deployed at ${endpoint.url}`);
  return { endpoint, target: endpointTarget(stackName, endpoint.url, env) };
}

/** The environment without settings of a feed that were meant for another stack. */
export function withoutSettingsOf(feed: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = new RegExp(`^SLUICE_(${feed.toUpperCase()}_|FUNCTION_QUOTA)`);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
}

function tooLong(demoDir: string, giveUpAfterMs: number, cause: unknown): CliError {
  const duration = formatDuration(giveUpAfterMs / 1000);
  const log = join(demoDir, 'endpoint.log');
  return new CliError(`The demo was not done after ${duration}; the local cloud's output is in ${log}.`, { cause });
}
