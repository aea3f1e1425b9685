import { givenEndpointOf, localAwsEnvironment } from '../../localstack/aws-environment.ts';
import { CliError } from '../cli-error.ts';
import type { LocalStacks } from './local-stacks.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** The default name of the stack that `up` creates. */
export const defaultStackName = 'sluice-local';

/** The cloud and the stack that a command uses. */
export type Target =
  | { kind: 'endpoint'; stackName: string; endpointUrl: string; region: string; credentials: Credentials }
  | { kind: 'aws'; stackName: string };

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface TargetWish {
  /** `--stack`. */
  stack: string | undefined;
  env: NodeJS.ProcessEnv;
  local: LocalStacks;
}

/**
 * `AWS_ENDPOINT_URL` decides if it is set. Otherwise a stack that `up` or the demo deployed here is local, and any other
 * named stack is looked for in AWS. AWS is never chosen without `--stack`: credentials that happen to be in the environment
 * are not enough.
 * @throws CliError if no stack is up
 * @throws LocalCloudError if AWS_ENDPOINT_URL is not a URL
 */
export function chooseTarget({ stack, env, local }: TargetWish): Target {
  const given = givenEndpointOf(env);
  if (given !== undefined) return endpointTarget(stack ?? defaultStackName, given, env);
  const stackName = stack ?? onlyNameOf(local) ?? defaultStackName;
  const known = local[stackName];
  if (known) return endpointTarget(stackName, known.endpointUrl, env);
  if (stack !== undefined) return { kind: 'aws', stackName };
  const others = Object.keys(local);
  throw new CliError(
    others.length === 0
      ? `No local cloud is up. Start one with \`${sluice} up\`, or name a stack in AWS with --stack NAME.`
      : `Several stacks are up here; name one of them with --stack: ${others.join(', ')}.`,
  );
}

/** The only stack that is up, whatever its name: after the demo, the demo's. */
function onlyNameOf(local: LocalStacks): string | undefined {
  const names = Object.keys(local);
  return names.length === 1 ? names[0] : undefined;
}

/** Uses the credentials and region with which the stack was deployed. */
export function endpointTarget(stackName: string, endpointUrl: string, env: NodeJS.ProcessEnv): Target {
  const aws = localAwsEnvironment(endpointUrl, env);
  const sessionToken = aws['AWS_SESSION_TOKEN'];
  return {
    kind: 'endpoint',
    stackName,
    endpointUrl,
    region: aws['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: aws['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: aws['AWS_SECRET_ACCESS_KEY'] ?? '',
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
  };
}
