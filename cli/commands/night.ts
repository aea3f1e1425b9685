import { Command } from 'commander';
import { isMissed } from '../../lambdas/core/nights/judge-expected.ts';
import { verdictOfNight } from '../../lambdas/core/nights/night-verdict.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-codes.ts';
import { findNight } from '../nights/read-nights.ts';
import { formatNight } from '../show/nights.ts';
import { deployedFeeds, requireDeployed } from '../stack/deployed-feeds.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, feedOption, jsonOption } from './command-options.ts';

interface NightOptions extends GlobalOptions {
  feed?: string;
  json?: boolean;
}

export function nightCommand(terminal: Terminal): Command {
  return new Command('night')
    .description('Show one night: whether everything expected is there and through, and what is not.')
    .argument('[night]', 'its number, or the date on which it ended (default: the newest)')
    .addOption(feedOption('needed if the stack has several feeds'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes: 0, or 2 if something that was expected is missing.\n' +
        examples('night', 'night 2026-11-29 --feed traffic', 'night 12 --feed traffic --json | jq .entry.sums'),
    )
    .action(async (wanted: string | undefined, _options, command: Command) => {
      const { stack: name, feed, json } = command.optsWithGlobals<NightOptions>();
      const stack = await openStack(name, process.env);
      const night = await findNight(oneFeed(stack, feed), wanted, stack);
      const { entry, sha256 } = night;
      if (json) await terminal.printJson({ hash: sha256, verdict: verdictOfNight(entry), entry });
      else await terminal.print(formatNight(night));
      process.exitCode = entry.expectations.some(isMissed) ? exitCodes.missingFiles : exitCodes.clean;
    });
}

/** @throws CliError if the stack has several feeds and none is named */
export function oneFeed(stack: OpenStack, feed: string | undefined): string {
  if (feed !== undefined) return requireDeployed(stack, feed);
  const feeds = deployedFeeds(stack);
  const [only] = feeds;
  if (only !== undefined && feeds.length === 1) return only;
  throw new CliError(`Name the feed with --feed: the stack has ${feeds.join(', ') || 'none'}.`);
}
