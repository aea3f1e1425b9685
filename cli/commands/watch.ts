import { Command } from 'commander';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { exitCodes } from '../exit-codes.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import { SnapshotPoller } from '../live/snapshot-poller.ts';
import { openReader } from '../live/open-reader.ts';
import { viewOf } from '../live/views.ts';
import { StackWatch } from '../live/stack-watch.ts';
import { followStack } from '../stack/current-stack.ts';
import { requireDeployed } from '../stack/deployed-feeds.ts';
import { explainFault } from '../stack/explain-fault.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalOptions } from './command-options.ts';
import { examples, feedOption } from './command-options.ts';

interface WatchOptions extends GlobalOptions {
  feed?: string;
  once?: boolean;
  json?: boolean;
}

const pollEveryMs = 1_000;

export function watchCommand(terminal: Terminal): Command {
  return new Command('watch')
    .description('Watch the files in progress, live: progress, rate, breaker, dead letters, projected end.')
    .addOption(feedOption('only this feed'))
    .option('--once', 'print the state once and exit')
    .option('--json', 'print one JSON object per line and poll on stdout, and nothing else there')
    .addHelpText(
      'after',
      '\nCtrl-C ends the display, not the work.\n' +
        examples('watch', 'watch --feed traffic --once', 'watch --json | jq .headlines'),
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<WatchOptions>();
      process.exitCode = await interruptible((signal) => watch(options, terminal, signal));
    });
}

async function watch(options: WatchOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const current = await followStack(options.stack, process.env, systemClock);
  const only = options.feed === undefined ? undefined : requireDeployed(await current.get(), options.feed);
  const reader = new StackWatch(current, (stack, settingsTrouble) => openReader(stack, only, { settingsTrouble }));
  const view = viewOf({ terminal, isJson: options.json ?? false, isOnce: options.once ?? false, env: process.env });
  if (options.once) {
    await view.show({ snapshot: await reader.look(), unanswered: null });
    return exitCodes.clean;
  }
  const poller = new SnapshotPoller(() => reader.look(), explainFault, systemClock);
  const end = aborted(signal);
  try {
    while (!signal.aborted && !terminal.outputClosed) {
      const startedAt = systemClock.now();
      const sight = await Promise.race([poller.latest(0), end]);
      if (sight === undefined) break;
      await view.show(sight);
      // With thousands of files a snapshot takes long: at most half of the time is spent on reading them.
      await systemClock.sleep(Math.max(pollEveryMs, systemClock.now() - startedAt), signal);
    }
  } finally {
    view.close();
  }
  if (!signal.aborted) return exitCodes.clean;
  throw new InterruptedError('No longer watching; the work continues without this command.');
}

/** A read may take as long as the network's timeouts; Ctrl-C does not wait for it. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
