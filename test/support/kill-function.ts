import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readEndpointRecord } from '../../localstack/endpoint-record.ts';
import type { ListedProcess, ProcessIdentity } from '../../localstack/process-identity.ts';
import { groupOf, isRunning } from '../../localstack/process-identity.ts';
import { waitFor } from './deployed-stack.ts';

/** Every endpoint that this checkout has started has its record in a directory of its own under here. */
const statesDir = resolve(import.meta.dirname, '../../.sluice');

/** MiniStack unpacks each copy of a function into `ministack-lambda-<function's name>-<random>`. */
const workerPath = /\/ministack-lambda-([^/]+)-[^-/]+\/_worker\.[a-z]+/;

/**
 * SIGKILLs the processes of a local cloud that run the functions whose names hold `functionNamePart`, as a crash of
 * their machine would: busy and idle ones. Resolves once they are gone.
 *
 * @param stackOrEndpoint the stack under test, or its endpoint's address: no other endpoint's process is touched
 * @returns how many there were
 * @throws if no MiniStack of this checkout runs at that address
 */
export async function killFunction(
  stackOrEndpoint: string | { cloud: { client: { endpoint: string } } },
  functionNamePart: string,
): Promise<number> {
  const url = typeof stackOrEndpoint === 'string' ? stackOrEndpoint : stackOrEndpoint.cloud.client.endpoint;
  const endpoint = processOf(url);
  const struck = functionProcesses(endpoint, functionNamePart);
  for (const { pid } of struck) kill(pid);
  await waitFor(`the end of ${functionNamePart}`, () =>
    Promise.resolve(struck.some(({ pid, startedAt }) => isRunning({ pid, startedAt })) ? undefined : true),
  );
  return struck.length;
}

function processOf(url: string): ProcessIdentity {
  const names = existsSync(statesDir) ? readdirSync(statesDir) : [];
  for (const name of names) {
    const record = readEndpointRecord(join(statesDir, name));
    if (record?.url === url && record.process && isRunning(record.process)) return record.process;
  }
  throw new Error(`No MiniStack that was started from ${statesDir} runs at ${url}: its functions can't be killed.`);
}

/** The endpoint leads a process group that its functions join, and nothing else does. */
function functionProcesses(endpoint: ProcessIdentity, functionNamePart: string): ListedProcess[] {
  return groupOf(endpoint).filter(({ commandLine }) => workerPath.exec(commandLine)?.[1]?.includes(functionNamePart));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has already ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
