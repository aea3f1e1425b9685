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

/** The real command line, at work on the tests' stack. `interruptAt`: where it has said so, it gets a SIGINT. */
export function runSluice(stack: DeployedStack, args: readonly string[], interruptAt?: RegExp): Promise<SluiceEnd> {
  const name = stack.output('FinalizerName').replace(/-finalizer$/, '');
  const { endpoint, region, credentials } = stack.cloud.client;
  const child = spawn(
    process.execPath,
    [resolve(import.meta.dirname, '../../cli/sluice.ts'), '--stack', name, ...args],
    {
      env: {
        PATH: process.env['PATH'],
        SLUICE_STATE_DIR: stateDir,
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        ...trustOf(stack),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const end = { out: '', err: '' };
  let isInterrupted = false;
  child.stdout.on('data', (text: Buffer) => (end.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => {
    end.err += text.toString();
    if (isInterrupted || !interruptAt?.test(end.err)) return;
    isInterrupted = child.kill('SIGINT');
  });
  return new Promise((settle) => child.once('close', (code) => settle({ code, ...end })));
}

/** Where IAM is evaluated, the endpoint has a certificate of the tests' own authority. */
function trustOf({ cloud: { enforcement } }: DeployedStack): { NODE_EXTRA_CA_CERTS?: string } {
  if (!enforcement) return {};
  const path = join(stateDir, 'ca.pem');
  writeFileSync(path, enforcement.ca);
  return { NODE_EXTRA_CA_CERTS: path };
}
