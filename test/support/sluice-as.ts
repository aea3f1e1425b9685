import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { createProgram } from '../../cli/main.ts';
import { explainFault } from '../../cli/stack/explain-fault.ts';
import { Terminal } from '../../cli/terminal/terminal.ts';
import type { ClientAs } from './assume-role.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'sluice-as-'));

/** The command line in this process, calling AWS with a role's credentials. @param stackName the stack to use */
export async function sluiceAs(
  { endpoint, region, credentials }: ClientAs,
  stackName: string,
  args: readonly string[],
) {
  const variables = {
    SLUICE_STATE_DIR: stateDir,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const exitCode = process.exitCode;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  let fault: string | undefined;
  process.exitCode = undefined;
  try {
    await createProgram(new Terminal(stdout, stderr)).parseAsync(['node', 'sluice', '--stack', stackName, ...args]);
  } catch (error) {
    fault = explainFault(error);
  }
  const code = process.exitCode;
  process.exitCode = exitCode;
  vi.unstubAllEnvs();
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { code: fault === undefined ? (code ?? 0) : 1, out, err, fault };
}
