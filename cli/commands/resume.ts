import { Command } from 'commander';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { resumeFeed } from '../operate/pause-feed.ts';
import { whoUndoes } from '../operate/who.ts';
import { openStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DecisionOptions } from './command-options.ts';
import { byOption, examples, feedArgument, jsonOption } from './command-options.ts';
import { showDecision } from './show-decision.ts';

export function resumeCommand(terminal: Terminal): Command {
  return new Command('resume')
    .description('Resume sending a paused feed.')
    .addArgument(feedArgument())
    .option('--why <text>', 'why it may go on; stored for the auditor')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nSending begins again after at most a quarter of the pause, 30 seconds to 15 minutes.\n' +
        examples("resume traffic --why 'the right day is here'"),
    )
    .action(async (feed: string, _options, command: Command) => {
      const options = command.optsWithGlobals<Partial<DecisionOptions>>();
      const who = whoUndoes(options);
      const stack = await openStack(options.stack, process.env);
      const result = await resumeFeed(feed, who, { ...stack, clock: systemClock });
      await showDecision(result, options, { stack, terminal });
    });
}
