import { Command, InvalidArgumentError } from 'commander';
import { feeds } from '../../feeds/index.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import type { RunningStack } from '../stack/bring-up-stack.ts';
import { bringUpStack } from '../stack/bring-up-stack.ts';
import { defaultStackName } from '../stack/choose-target.ts';
import { variableName } from '../../feeds/variable-name.ts';
import { readFeedTokens, refuseUnknownVariables } from '../stack/feed-variables.ts';
import { StackOutputs } from '../stack/stack-outputs.ts';
import { requireCheckout, stateDirOf } from '../stack/state-dir.ts';
import { formatCountOf, formatDuration } from '../terminal/format.ts';
import { formatPairs } from '../terminal/table.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, jsonOption } from './command-options.ts';
import { sluice } from '../terminal/sluice-command.ts';

interface UpOptions extends GlobalOptions {
  port?: number;
  json?: boolean;
}

export function upCommand(terminal: Terminal): Command {
  return new Command('up')
    .description('Start the local cloud and deploy the stack to it. Run it again to deploy with other settings.')
    .option('--port <number>', 'the port the local cloud listens on (default: a free one)', parsePort)
    .addOption(jsonOption())
    .addHelpText('after', environmentHelp + examples('up', 'up --port 4566 --json', '--stack trial up'))
    .action(async (_options, command: Command) => up(command.optsWithGlobals<UpOptions>(), terminal));
}

async function up(options: UpOptions, terminal: Terminal): Promise<void> {
  requireCheckout('up');
  const { env } = process;
  refuseUnknownVariables(feeds, env);
  const tokens = readFeedTokens(feeds, env);
  const stackName = options.stack ?? defaultStackName;
  const stateDir = stateDirOf(env);
  const onProgress = (message: string): void => terminal.progress(message.replace(/[0-9]+/g, ''), message);
  const running = await interruptible(async (signal) => {
    try {
      return await bringUpStack({
        stackName,
        port: options.port,
        stateDir,
        endpointDir: stateDir,
        environmentAt: () => env,
        env,
        tokens,
        onProgress,
        signal,
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError('Interrupted: `up` continues from here, `down` removes what exists.', {
        cause: error,
      });
    }
  });
  terminal.endProgress();
  warnOfUnreachableApis(running, terminal);
  if (options.json) {
    const { url, kind } = running.endpoint;
    await terminal.printJson({ stack: stackName, endpoint_url: url, endpoint_kind: kind, outputs: running.outputs });
  } else await terminal.print(describe(stackName, running, terminal));
}

function describe(stackName: string, { endpoint, outputs }: RunningStack, { style }: Terminal): string {
  const stack = new StackOutputs(stackName, outputs);
  const apis = feeds.flatMap(({ name }): [string, string][] => {
    const api = stack.api(name);
    if (!api) return [];
    const what = api.url === null ? 'write' : 'request';
    const limit = `${formatCountOf(api.requests, what)} per ${formatDuration(api.windowSeconds)}`;
    const reach = `${formatCountOf(api.connections, 'connection')}, ${formatCountOf(api.consumers, 'consumer')}`;
    return [[`feed ${name}`, `${api.url ?? 'the record ledger'}, ${limit}, ${reach}`]];
  });
  const named = stackName === defaultStackName ? '' : ` --stack ${stackName}`;
  const command = `${sluice}${named}`;
  return [
    `${style('bold', `The stack ${stackName} is up at ${endpoint.url}`)}\n`,
    formatPairs(apis, '  '),
    '\nNext steps:\n',
    formatPairs(
      [
        [
          `${command} drop FILE --feed ${feeds.find(({ name }) => stack.api(name))?.name ?? 'FEED'} --wait`,
          'send a file through it',
        ],
        [`${command} watch`, 'files in progress, live; `ui` shows the same in a browser'],
        [`${command} status`, 'files in progress and done'],
        [`${sluice} down`, 'remove it again'],
      ],
      '  ',
    ),
  ].join('');
}

/** Functions in containers can't reach a server that listens on this machine's loopback address. */
function warnOfUnreachableApis({ endpoint }: RunningStack, terminal: Terminal): void {
  if (endpoint.kind !== 'docker') return;
  for (const { name } of feeds) {
    const url = process.env[variableName(name, 'apiUrl')];
    if (url === undefined || !['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)) continue;
    terminal.note(
      `${variableName(name, 'apiUrl')} is ${url}, which the functions cannot reach, because they run in containers: ` +
        `use host.docker.internal instead, and let the API listen on all addresses.`,
    );
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new InvalidArgumentError('It must be a number from 1 to 65535.');
}

const environmentHelp = `
Read from the environment, for each feed (here traffic):
  SLUICE_TRAFFIC_API_URL         base URL of the API; required
  SLUICE_TRAFFIC_API_TOKEN       its bearer token, stored in Secrets Manager; required
  SLUICE_TRAFFIC_REQUESTS        its limit: so many requests ...
  SLUICE_TRAFFIC_WINDOW_SECONDS  ... in any period of so many seconds
  SLUICE_TRAFFIC_PACED           off if the API has no limit; the two above are then the expected rate (default: on)
  SLUICE_TRAFFIC_CONNECTIONS     connections that it allows
  SLUICE_TRAFFIC_CONCURRENCY     consumers (default: as few as the rate needs)
  SLUICE_TRAFFIC_EXPRESS_LANE    on or off (default: on)
  SLUICE_TRAFFIC_PROXY_URL       HTTP proxy for requests to the API
  SLUICE_TRAFFIC_CA_FILE         PEM file of certificates to trust in addition to the usual ones
  SLUICE_TRAFFIC_LOG_RETENTION_DAYS  how many days its consumers' logs are kept
  SLUICE_TRAFFIC_SINK            http or ledger, if the feed supports both; the ledger needs no API
SLUICE_FEEDS=NAME,… deploys these feeds only. A feed's own options are in its file under feeds/.
AWS_ENDPOINT_URL, if set, is an endpoint that is already running; it is used as it is.
`;
