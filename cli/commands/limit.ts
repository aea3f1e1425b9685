import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { CliError } from '../cli-error.ts';
import { resetLimit, setLimit } from '../operate/change-limit.ts';
import { readLimit } from '../operate/feed-limit.ts';
import { whoDecides, whoUndoes } from '../operate/who.ts';
import { describeFeedLimit, formatFeedLimit } from '../show/feed-limit.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DecisionOptions } from './command-options.ts';
import { byOption, examples, feedArgument, jsonOption } from './command-options.ts';
import { showDecision } from './show-decision.ts';

interface LimitOptions extends Omit<DecisionOptions, 'why'> {
  requests?: number;
  until?: string;
  reset?: boolean;
  why?: string;
}

export function limitCommand(terminal: Terminal): Command {
  return new Command('limit')
    .description("Show a feed's limit and where it comes from, or change it, up to the deployed limit.")
    .addArgument(feedArgument())
    .option('--requests <number>', "allow this many requests in the API's window", parseRequests)
    .option('--until <time>', 'until then, such as 06:00 (default: until it is reset)')
    .option('--reset', "end a person's limit: the calendar or the deployed limit applies again")
    .option('--why <text>', 'why it is changed; stored for the auditor')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nA change applies within 5 seconds, to every feed that shares the API.\n' +
        examples(
          'limit traffic',
          "limit traffic --requests 300 --until 06:00 --why 'their migration runs until then'",
          "limit traffic --reset --why 'their migration is done'",
        ),
    )
    .action(async (feed: string, _options, command: Command) => {
      await changeLimit(feed, command.optsWithGlobals<LimitOptions>(), terminal);
    });
}

async function changeLimit(feed: string, options: LimitOptions, terminal: Terminal): Promise<void> {
  const { requests, until, reset, why } = options;
  if (reset && requests !== undefined) throw new CliError('State either --requests or --reset.');
  if (requests === undefined && until !== undefined)
    throw new CliError('State with --requests what applies until then.');
  if (requests === undefined && !reset && why !== undefined) throw new CliError('State --requests or --reset.');
  const given = options.by === undefined ? {} : { by: options.by };
  const who = requests === undefined ? undefined : whoDecides({ ...given, why: why ?? '' }, 'the reason to change it');
  const undoes = reset ? whoUndoes({ ...given, ...(why === undefined ? {} : { why }) }) : undefined;
  const stack = await openStack(options.stack, process.env);
  const ports = { ...stack, clock: systemClock };
  if (requests !== undefined && who) {
    return showDecision(await setLimit(feed, { requests, until }, who, ports), options, { stack, terminal });
  }
  if (undoes) return showDecision(await resetLimit(feed, undoes, ports), options, { stack, terminal });
  const known = await readLimit(feed, ports);
  if (known.kind === 'refused') throw new CliError(known.why);
  if (options.json) await terminal.printJson(describeFeedLimit(known.state));
  else await terminal.print(formatFeedLimit(known.state, systemClock.now()));
}

function parseRequests(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(
    'It must be a whole number of requests, 1 or more. To stop a feed: sluice pause FEED.',
  );
}
