import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DeployedStack } from './deployed-stack.ts';

export interface SluiceEnd {
  code: number | null;
  out: string;
  err: string;
}

const stateDir = mkdtempSync(join(tmpdir(), 'sluice-dlq-'));

/** A running command. */
export interface RunningSluice {
  child: ChildProcess;
  /** What it has said so far. */
  said: { out: string; err: string };
  end: Promise<SluiceEnd>;
}

/** The real command line, running against the tests' stack, until it exits or is stopped. */
export function startSluice(stack: DeployedStack, args: readonly string[]): RunningSluice {
  return start(stack, 'sluice.ts', ['--stack', stack.cloud.stackName, ...args]);
}

/** `npm run smoke:aws`, on the tests' cloud, with their API's token. */
export function startSmoke(stack: DeployedStack, args: readonly string[]): RunningSluice {
  return start(stack, 'smoke.ts', args, { SLUICE_TRAFFIC_API_TOKEN: stack.cloud.api.token });
}

function start(
  stack: DeployedStack,
  entry: string,
  args: readonly string[],
  more: Record<string, string> = {},
): RunningSluice {
  const { endpoint, region, credentials } = stack.cloud.client;
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../cli', entry), ...args], {
    env: {
      PATH: process.env['PATH'],
      SLUICE_STATE_DIR: stateDir,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...trustOf(stack),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  const end = new Promise<SluiceEnd>((settle) => child.once('close', (code) => settle({ code, ...said })));
  return { child, said, end };
}

/** Runs it to its end. `interruptAt`: output after which it gets a SIGINT. */
export function runSluice(stack: DeployedStack, args: readonly string[], interruptAt?: RegExp): Promise<SluiceEnd> {
  const { child, said, end } = startSluice(stack, args);
  let isInterrupted = false;
  child.stderr?.on('data', () => {
    if (isInterrupted || !interruptAt?.test(said.err)) return;
    isInterrupted = child.kill('SIGINT');
  });
  return end;
}

/** Where IAM is evaluated, the endpoint has a certificate of the tests' own authority. */
function trustOf({ cloud: { enforcement } }: DeployedStack): { NODE_EXTRA_CA_CERTS?: string } {
  if (!enforcement) return {};
  const path = join(stateDir, 'ca.pem');
  writeFileSync(path, enforcement.ca);
  return { NODE_EXTRA_CA_CERTS: path };
}
