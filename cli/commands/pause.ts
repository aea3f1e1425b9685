import { Command } from 'commander';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { pauseFeed } from '../operate/pause-feed.ts';
import { whoDecides } from '../operate/who.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DecisionOptions } from './command-options.ts';
import { byOption, examples, feedArgument, jsonOption } from './command-options.ts';
import { showDecision } from './show-decision.ts';

export function pauseCommand(terminal: Terminal): Command {
  return new Command('pause')
    .description('Stop sending a feed: its records, letters and corrections wait, and nothing is lost.')
    .addArgument(feedArgument())
    .requiredOption('--why <text>', 'why it is stopped; stored for the auditor')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nSending stops within 30 seconds. Other feeds of the same API go on. `resume` ends the pause.\n' +
        examples("pause traffic --why 'the station sent the wrong day'"),
    )
    .action(async (feed: string, _options, command: Command) => {
      const options = command.optsWithGlobals<DecisionOptions>();
      const who = whoDecides(options, 'the reason to stop it');
      const stack = await openStack(options.stack, process.env);
      const result = await pauseFeed(feed, who, { ...stack, clock: systemClock });
      await showDecision(result, options, { stack, terminal });
    });
}
