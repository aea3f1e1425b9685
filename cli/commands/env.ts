import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { localAwsEnvironment, withoutProxyFor } from '../../localstack/aws-environment.ts';
import { CliError } from '../cli-error.ts';
import { chooseTarget } from '../stack/choose-target.ts';
import { readLocalStacks } from '../stack/local-stacks.ts';
import { stateDirOf } from '../stack/state-dir.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, jsonOption } from './command-options.ts';

interface EnvOptions extends GlobalOptions {
  shell?: keyof typeof syntaxes;
  json?: boolean;
}

/** How a shell sets and removes a variable. */
const syntaxes = {
  posix: {
    set: (name: string, value: string) => `export ${name}=${quoted(value)}`,
    unset: (name: string) => `unset ${name}`,
  },
  fish: {
    set: (name: string, value: string) => `set -gx ${name} ${quoted(value)}`,
    unset: (name: string) => `set -e ${name}`,
  },
} as const;

export function envCommand(terminal: Terminal): Command {
  return new Command('env')
    .description('Print the variables that point `aws` and SDKs at the local cloud, as commands for a shell.')
    .addOption(
      new Option('--shell <kind>', 'the syntax: posix for bash, zsh and sh (default: that of $SHELL)').choices(
        Object.keys(syntaxes),
      ),
    )
    .addOption(jsonOption())
    .addHelpText('after', helpText + examples('env', 'env --shell fish', 'env --json | jq -r .set.AWS_ENDPOINT_URL'))
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<EnvOptions>();
      const { set, unset } = variablesOf(options.stack, process.env);
      if (options.json) return terminal.printJson({ set, unset });
      const isFish = basename(process.env['SHELL'] ?? '') === 'fish';
      const syntax = syntaxes[options.shell ?? (isFish ? 'fish' : 'posix')];
      const lines = [
        ...unset.map(syntax.unset),
        ...Object.entries(set).map(([name, value]) => syntax.set(name, value)),
      ];
      await terminal.print(lines.map((line) => `${line}\n`).join(''));
    });
}

interface Variables {
  set: Record<string, string>;
  /** They would lead elsewhere, or make `aws` fail. */
  unset: string[];
}

/** @throws CliError if no local cloud is up, or the stack is in AWS */
export function variablesOf(stack: string | undefined, env: NodeJS.ProcessEnv): Variables {
  const target = chooseTarget({ stack, env, local: readLocalStacks(stateDirOf(env)) });
  if (target.kind === 'aws') {
    throw new CliError(
      `The stack ${target.stackName} is not in a local cloud: in AWS, \`aws\` needs no variables of Sluice.`,
    );
  }
  const set = {
    ...localAwsEnvironment(target.endpointUrl, env),
    ...(usesProxy(env) ? withoutProxyFor(target.endpointUrl, env) : {}),
  };
  const unset = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SESSION_TOKEN', ...Object.keys(env).filter(isOfService)];
  return { set, unset: unset.filter((name) => !(name in set)).sort() };
}

/** `AWS_ENDPOINT_URL_S3` takes precedence over AWS_ENDPOINT_URL, and this one disables both. */
const isOfService = (name: string): boolean =>
  name.startsWith('AWS_ENDPOINT_URL_') || name === 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS';

const usesProxy = (env: NodeJS.ProcessEnv): boolean =>
  Object.keys(env).some((name) => /^(https?|all)_proxy$/i.test(name));

/** In single quotes, which both kinds of shell take. */
function quoted(value: string): string {
  return /^[\w:/.,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

const helpText = `
eval "$(sluice env)" in a shell; then \`aws s3 ls\` shows the local cloud's buckets. fish: sluice env | source
Open another shell to get back to AWS: profiles and configuration files are not read any more in this one.
`;
