import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { z } from 'zod';
import { localAccountOf, localAwsEnvironment, noEndpointVariants, withoutProxyFor } from './aws-environment.ts';
import { holdLock } from './hold-lock.ts';
import { LocalCloudError } from './local-cloud-error.ts';
import { endAbandonedCdk, runCdk } from './run-cdk.ts';
import { sizeOfFile, tailOfFile } from './tail-of-file.ts';

export interface DeployOptions {
  /** Null: AWS itself, with the credentials in `env`. It must have been bootstrapped. */
  endpointUrl: string | null;
  stackName: string;
  /** Overrides the command in cdk.json that runs the CDK app. */
  app?: string;
  /** CDK context in addition to `stack` (the stack's name) and `stage` (`local`). */
  context?: Record<string, string>;
  /** The environment from which the CDK app reads its settings (SLUICE_TRAFFIC_…); usually process.env. */
  env: NodeJS.ProcessEnv;
  /** Directory for the cloud assembly and the outputs: one per deployment, so that several don't collide. */
  outDir: string;
  onProgress: (message: string) => void;
  /** For bootstrap and deploy together. Otherwise a custom resource that fails to start would hang forever. */
  timeoutMs: number;
  /** Shown in part when the deployment fails. */
  endpointLog?: string;
  /** The directory of cdk.json; the repository by default. */
  appDir?: string;
  signal?: AbortSignal;
  /** PEM file with the certificate authority of an endpoint with TLS. */
  caFile?: string | undefined;
}

const repoRoot = resolve(import.meta.dirname, '..');
const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/**
 * Deploys the stack to AWS, or to a local endpoint, which is bootstrapped first if it isn't.
 * @returns the stack's outputs by name
 * @throws LocalCloudError with the last output of the CDK and the endpoint
 */
export function deployStack(options: DeployOptions): Promise<Record<string, string>> {
  const outDir = resolve(options.outDir);
  return holdLock(join(outDir, 'deploy.lock'), options.timeoutMs, () => deployAlone({ ...options, outDir }));
}

async function deployAlone(options: DeployOptions): Promise<Record<string, string>> {
  const { outDir, endpointUrl, stackName, env, onProgress, timeoutMs } = options;
  const giveUpAt = Date.now() + timeoutMs;
  const aws = endpointUrl === null ? null : localAwsEnvironment(endpointUrl, env);
  const recordPath = join(outDir, 'running-cdk.json');
  await endAbandonedCdk(recordPath);
  // Its locks count as held if a killed CLI stays a zombie (in a container without an init).
  rmSync(join(outDir, 'cdk.out'), { recursive: true, force: true });
  const log = options.endpointLog;
  const logStart = log ? sizeOfFile(log) : 0;
  const cdk = async (what: string, args: string[], cwd: string) => {
    const { fault, output } = await runCdk(args, {
      cwd,
      recordPath,
      env: {
        ...(aws && endpointUrl !== null ? { ...withoutAws(env), ...aws, ...withoutProxyFor(endpointUrl, env) } : env),
        ...(options.caFile ? { AWS_CA_BUNDLE: options.caFile } : {}),
      },
      timeoutMs: Math.max(1, giveUpAt - Date.now()),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    options.signal?.throwIfAborted();
    if (!fault) return;
    const said = log ? tailOfFile(log, 20, logStart) : '';
    throw new LocalCloudError(
      `The ${what} failed: ${fault}. The end of the CDK's output:\n${output}` +
        (said ? `\nWhat the endpoint said (${log ?? ''}):\n${said}` : ''),
    );
  };
  if (aws && !(await isBootstrapped(aws))) {
    onProgress('Bootstrapping the CDK');
    // From a directory without a cdk.json: the app is not needed for this, and would be run otherwise.
    try {
      await cdk('bootstrap', ['bootstrap', `aws://${localAccountOf(aws)}/${aws['AWS_REGION'] ?? ''}`], outDir);
    } catch (error) {
      // Another process may have been bootstrapping the same endpoint.
      if (!(await isBootstrapped(aws))) throw error;
    }
  }
  onProgress(`Deploying the stack ${stackName}`);
  const outputsFile = join(outDir, 'outputs.json');
  rmSync(outputsFile, { force: true });
  await cdk(`deployment of ${stackName}`, deployArgs(options, outDir, outputsFile), options.appDir ?? repoRoot);
  return outputsSchema.parse(JSON.parse(readFileSync(outputsFile, 'utf8')))[stackName] ?? {};
}

function deployArgs({ stackName, app, context = {} }: DeployOptions, outDir: string, outputsFile: string): string[] {
  const all = { stage: 'local', ...context, stack: stackName };
  return [
    ...['deploy', stackName, '--require-approval', 'never', '--outputs-file', outputsFile],
    ...['--output', join(outDir, 'cdk.out'), '--progress', 'events'],
    ...(app === undefined ? [] : ['--app', app]),
    // Without creating, awaiting and reading a change set, which would take as long again.
    ...['--method', 'direct'],
    ...Object.entries(all).flatMap(([name, value]) => ['--context', `${name}=${value}`]),
  ];
}

async function isBootstrapped(aws: Record<string, string>): Promise<boolean> {
  const client = makeClient(aws);
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'CDKToolkit' }));
    return Stacks?.some(({ StackStatus }) => /^(CREATE|UPDATE)_COMPLETE$/.test(StackStatus ?? '')) ?? false;
  } catch (error) {
    // "Stack with id CDKToolkit does not exist".
    if ((error as Error).name === 'ValidationError') return false;
    throw error;
  } finally {
    client.destroy();
  }
}

const makeClient = (aws: Record<string, string>): CloudFormationClient =>
  new CloudFormationClient({
    endpoint: aws['AWS_ENDPOINT_URL'] ?? '',
    region: aws['AWS_REGION'] ?? '',
    ...noEndpointVariants,
    credentials: { accessKeyId: aws['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: aws['AWS_SECRET_ACCESS_KEY'] ?? '' },
  });

/** The user's settings for AWS itself must not reach the CLI or the app it runs. */
function withoutAws(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(AWS_|CDK_DEFAULT_)/.test(name)));
}
