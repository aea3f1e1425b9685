import { Command } from 'commander';
import { checkoutVenvDir, tearDownEndpoint } from '../../localstack/endpoint.ts';
import { describeLeftovers } from '../../localstack/leftovers.ts';
import { CliError } from '../cli-error.ts';
import type { LocalStacks } from '../stack/local-stacks.ts';
import { forgetStack, readLocalStacks } from '../stack/local-stacks.ts';
import { stateDirOf } from '../stack/state-dir.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, jsonOption } from './command-options.ts';

interface DownOptions extends GlobalOptions {
  json?: boolean;
}

export function downCommand(terminal: Terminal): Command {
  return new Command('down')
    .description(
      'Remove the local cloud and everything in it, and print what is left (with --stack: only the cloud of that stack).',
    )
    .addOption(jsonOption())
    .addHelpText('after', examples('down', '--stack trial down'))
    .action(async (_options, command: Command) => down(command.optsWithGlobals<DownOptions>(), terminal));
}

async function down(options: DownOptions, terminal: Terminal): Promise<void> {
  const stateDir = stateDirOf(process.env);
  const stacks = readLocalStacks(stateDir);
  const asked = chosen(stacks, options.stack);
  // Several stacks may share a local cloud and disappear with it. The default stack's cloud is removed even if no deploy succeeded.
  const dirs = new Set(asked.filter(({ kind }) => kind !== 'given').map((stack) => stack.stateDir));
  if (options.stack === undefined) dirs.add(stateDir);
  for (const dir of dirs) {
    if (asked.length > 0) terminal.progress('down', 'stopping the local cloud');
    await tearDownEndpoint(dir);
  }
  terminal.endProgress();
  const gone = Object.entries(stacks).filter(([, stack]) => asked.includes(stack) || dirs.has(stack.stateDir));
  for (const [name, { kind, endpointUrl }] of gone) {
    forgetStack(stateDir, name);
    terminal.note(
      kind === 'given'
        ? `The endpoint ${endpointUrl} was running before, so it is left as it is, including the stack ${name}.`
        : `The stack ${name} and its cloud at ${endpointUrl} are gone.`,
    );
  }
  if (gone.length === 0) terminal.note('No stack was up.');
  const hadDocker = gone.some(([, { kind }]) => kind === 'docker');
  const left = describeLeftovers(dirs, checkoutVenvDir, hadDocker);
  for (const sentence of left) terminal.note(sentence);
  if (!options.json) return;
  const stopped = gone.map(([name, { kind, endpointUrl }]) => ({
    stack: name,
    endpoint_url: endpointUrl,
    /** False for a cloud that was not started here. */
    removed: kind !== 'given',
  }));
  await terminal.printJson({ stacks: stopped, left });
}

function chosen(stacks: LocalStacks, name: string | undefined): LocalStacks[string][] {
  if (name === undefined) return Object.values(stacks);
  const stack = stacks[name];
  if (!stack) {
    throw new CliError(
      `No stack ${name} was brought up here; \`down\` is for the local cloud only. Delete a stack in AWS with \`npx cdk destroy\`: ` +
        'docs/deployment.md says what that leaves.',
    );
  }
  return [stack];
}
