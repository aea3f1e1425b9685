import { Command, InvalidArgumentError } from 'commander';
import { newestNights } from '../nights/read-nights.ts';
import { summariseNight } from '../nights/summarise-night.ts';
import { formatNights } from '../show/nights.ts';
import { deployedFeeds, requireDeployed } from '../stack/deployed-feeds.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, feedOption, jsonOption } from './command-options.ts';

interface NightsOptions extends GlobalOptions {
  feed?: string;
  last: number;
  json?: boolean;
}

export function nightsCommand(terminal: Terminal): Command {
  return new Command('nights')
    .description(
      'List the nights of the night log, the newest first: files, records, and whether each deadline was met.',
    )
    .addOption(feedOption('only the nights of this feed'))
    .option('--last <number>', 'so many nights of each feed', parseNumber, 14)
    .addOption(jsonOption())
    .addHelpText('after', examples('nights', 'nights --last 30 --json | jq ".[] | select(.deadline.met == false)"'))
    .action(async (_options, command: Command) => {
      const { stack: name, feed, last, json } = command.optsWithGlobals<NightsOptions>();
      const stack = await openStack(name, process.env);
      const feeds = feed === undefined ? deployedFeeds(stack) : [requireDeployed(stack, feed)];
      const nights = (await Promise.all(feeds.map((each) => newestNights(each, last, stack, summariseNight)))).flat();
      nights.sort((a, b) => (a.to > b.to ? -1 : Number(a.to < b.to)) || b.number - a.number);
      if (json) return terminal.printJson(nights);
      if (nights.length > 0) return terminal.print(formatNights(nights));
      terminal.note(
        'No night has ended yet: an entry is written five minutes after a deadline (midnight UTC without one).',
      );
    });
}

export function parseNumber(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a number from 1 to 9999.');
  return Number(text);
}
