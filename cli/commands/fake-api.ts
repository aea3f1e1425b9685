import { once } from 'node:events';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { variableName } from '../../feeds/variable-name.ts';
import type { FaultsInput } from '../../localstack/fake-avstar/faults.ts';
import { faultsSchema } from '../../localstack/fake-avstar/faults.ts';
import type { FakeAvstarOptions } from '../../localstack/fake-avstar/options.ts';
import type { FakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { CliError } from '../cli-error.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';

import type { Terminal } from '../terminal/terminal.ts';
import { examples } from './command-options.ts';

interface FakeApiOptions {
  token: string;
  port: number;
  host: string;
  requests?: number;
  windowSeconds: number;
  refuse: string[];
  retryAfter: 'seconds' | 'date';
  replaces?: boolean;
  faults: FaultsInput;
  seed: number;
  json?: boolean;
}

/** The feed whose API is played. */
const feed = 'traffic';

export function fakeApiCommand(terminal: Terminal): Command {
  return new Command('fake-api')
    .description(
      'Run a fake scheduling API on this machine, with a rate limit and faults on demand, to try Sluice with.',
    )
    .addOption(
      new Option('--token <token>', 'the bearer token that it accepts').env('FAKE_AVSTAR_TOKEN').default('fake'),
    )
    .option('--port <number>', 'the port it listens on; 0: a free one', wholeNumber(0, 65_535), 4580)
    .option('--host <address>', 'the address it listens on; 0.0.0.0 for functions in containers', '127.0.0.1')
    .option('--requests <number>', 'the requests that it allows in any window (default: no limit)', wholeNumber(1))
    .option('--window-seconds <number>', "the window's length", wholeNumber(1), 60)
    .option('--refuse <spot-id...>', 'answer 422 to these spots, in addition to ids that begin with REFUSE', [])
    .addOption(
      new Option('--retry-after <form>', 'how its Retry-After is written')
        .choices(['seconds', 'date'])
        .default('seconds'),
    )
    .option('--replaces', 'an entry for the same spot and airtime replaces the one before')
    .option('--faults <json>', 'faults from the start, as for POST /faults', parseFaults, {})
    .option('--seed <number>', 'repeats the random choices of another run', wholeNumber(0), 1)
    .addOption(new Option('--json', 'print its URL, token and process id as one JSON document'))
    .addHelpText('after', helpText + examples('fake-api', ...exampleLines))
    .action(async (options: FakeApiOptions) => interruptible((signal) => serve(options, terminal, signal)));
}

async function serve(options: FakeApiOptions, terminal: Terminal, signal: AbortSignal): Promise<never> {
  const { token, requests, windowSeconds, json: isJson } = options;
  const fake = await start(options);
  if (isJson) await terminal.printJson({ url: fake.url, token, pid: process.pid });
  else {
    const limit = requests === undefined ? 'no limit' : `${requests} requests in any ${windowSeconds} s`;
    terminal.note(`The fake API listens at ${fake.url}, with ${limit}. Ctrl-C ends it. In another shell:`);
    await terminal.print(
      `export ${variableName(feed, 'apiUrl')}=${fake.url} ${variableName(feed, 'apiToken')}='${token}'\n`,
    );
  }
  if (!signal.aborted) await once(signal, 'abort');
  await fake.close();
  throw new InterruptedError('The fake API has ended; what it stored is gone.');
}

/** @throws CliError if the port is taken */
async function start({ windowSeconds, retryAfter, requests, ...options }: FakeApiOptions): Promise<FakeAvstar> {
  const wish: FakeAvstarOptions = { ...options, windowSeconds, retryAfterAs: retryAfter };
  try {
    return await startFakeAvstar(requests === undefined ? wish : { ...wish, requests });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CliError(`Port ${options.port} of ${options.host} is in use: name another one with --port.`, {
      cause: error,
    });
  }
}

function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^[0-9]{1,16}$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(
      most === Number.MAX_SAFE_INTEGER
        ? `It must be a number of ${least} or more.`
        : `It must be a number from ${least} to ${most}.`,
    );
  };
}

function parseFaults(text: string): FaultsInput {
  try {
    return faultsSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new InvalidArgumentError(`It must be a JSON object of faults. ${why}`);
  }
}

const exampleLines = [
  'fake-api --requests 600 --window-seconds 60 --refuse SP-000012',
  `fake-api --port 0 --faults '{"errorRate":0.01,"latencyMs":[20,80]}' --json`,
];

const helpText = `
It plays the API of the feed ${feed}. POST /faults on it changes its faults while it runs, GET /stats, GET /entries and GET /schedule show
what it got: localstack/README.md has all of it.
`;
