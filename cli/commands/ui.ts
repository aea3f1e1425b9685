import { Command, InvalidArgumentError, Option } from 'commander';
import { once } from 'node:events';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { withSummaries } from '../archive/read-summary.ts';
import { redriveToEnd } from '../dlq/redrive-ports.ts';
import type { Selection } from '../dlq/select-dead.ts';
import { SqsQueueAccess } from '../../lambdas/adapters/sqs-queue-access.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import { sharedApis } from '../live/describe-api.ts';
import { SnapshotPoller } from '../live/snapshot-poller.ts';
import { openReader } from '../live/open-reader.ts';
import { StackWatch } from '../live/stack-watch.ts';
import { formatRedrive } from '../show/redrive-result.ts';
import type { CurrentStack } from '../stack/current-stack.ts';
import { followStack } from '../stack/current-stack.ts';
import { deployedFeeds } from '../stack/deployed-feeds.ts';
import { explainFault } from '../stack/explain-fault.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openControlRoom } from '../ui/control-room.ts';
import { Jobs } from '../ui/jobs.ts';
import { LimiterSamples, sampleEveryMs } from '../ui/limiter-samples.ts';
import type { RoomPorts } from '../ui/room-ports.ts';
import type { JobTerminal, RoomStack } from '../ui/room-stack.ts';
import type { GlobalOptions } from './command-options.ts';
import { whoIs } from '../operate/who.ts';
import { examples } from './command-options.ts';

interface UiOptions extends GlobalOptions {
  port?: number;
  by?: string;
  json?: boolean;
}

/** Pages that poll within this time share one snapshot. */
const pollEveryMs = 1_000;

export function uiCommand(terminal: Terminal): Command {
  return new Command('ui')
    .description(
      'Serve the control room on this machine: pages for the stack, each file, each record and the dead letters.',
    )
    .option('--port <number>', 'the port it listens on (default: a free one)', parsePort)
    .option('--by <who>', 'who acts in it (default: your user name on this machine)')
    .addOption(new Option('--json', 'print the link as one JSON document'))
    .addHelpText(
      'after',
      '\nThe link works once, in a browser on this machine, for ten minutes. When it is opened again, a new one is printed here. ' +
        'Anyone who opens it can act. Ctrl-C closes the page; functions and redriven letters continue.\n' +
        examples('ui', 'ui --port 8080', 'ui --json | jq -r .link'),
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<UiOptions>();
      await interruptible((signal) => serve(options, terminal, signal));
    });
}

async function serve(options: UiOptions, terminal: Terminal, signal: AbortSignal): Promise<never> {
  const by = whoIs(options.by);
  const current = await followStack(options.stack, process.env, systemClock);
  const { target } = await current.get();
  const jobs = new Jobs(explainFault, systemClock);
  const samples = new LimiterSamples();
  const onStaleLink = (link: string) => terminal.note(`That link was used or is too old. A new one: ${link}`);
  const room = await openControlRoom(options.port ?? 0, { ...portsOf(current), by, jobs, samples, onStaleLink });
  const sampling = sampleLimiters(current, samples, signal);
  const { stackName } = target;
  if (options.json) await terminal.printJson({ stack: stackName, link: room.link });
  else await terminal.print(`The control room of ${stackName}: ${room.link}\n`);
  terminal.note('Open this link in a browser on this machine. It works once. Ctrl-C ends the control room.');
  if (!signal.aborted) await once(signal, 'abort');
  await room.close();
  await sampling;
  const stopped = await jobs.stop();
  const more = stopped === 0 ? '' : ' What was sent is tried without it; letters that were not moved stay in the DLQ.';
  throw new InterruptedError(`The control room is closed; the work continues without it.${more}`);
}

function portsOf(current: CurrentStack): Omit<RoomPorts, 'by' | 'jobs' | 'samples' | 'onStaleLink'> {
  const reader = new StackWatch(current, (stack, settingsTrouble) => openReader(stack, undefined, { settingsTrouble }));
  const poller = new SnapshotPoller(() => reader.look(), explainFault, systemClock);
  return {
    sight: () => poller.latest(pollEveryMs),
    stack: async () => roomStackOf(await current.get()),
    feeds: async () => deployedFeeds(await current.get()),
    explain: explainFault,
    clock: systemClock,
  };
}

/** Until the signal fires, also while no one looks: an API's pauses are recorded nowhere else. */
async function sampleLimiters(current: CurrentStack, samples: LimiterSamples, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const stack = await current.get();
      for (const { id } of sharedApis(deployedFeeds(stack), (feed) => stack.outputs.api(feed)))
        samples.note(id, await stack.limiterOf(id).read(), systemClock.now());
    } catch {
      // The page says that the state cannot be read; the history has a gap.
    }
    await systemClock.sleep(sampleEveryMs, signal);
  }
}

function roomStackOf(stack: OpenStack): RoomStack {
  return {
    ...withSummaries(stack),
    queues: new SqsQueueAccess(stack.sqs),
    redrive: (selection, terminal, signal) => redrive(stack, selection, terminal, signal),
  };
}

/** What `dlq redrive` does, reported to the page instead of the terminal. */
async function redrive(
  stack: OpenStack,
  selection: Selection,
  terminal: JobTerminal,
  signal: AbortSignal,
): Promise<string> {
  const { end, amendments } = await redriveToEnd(stack, selection, terminal, signal);
  return formatRedrive(end, amendments, selection.feed).trim();
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new InvalidArgumentError('It must be a number from 1 to 65535.');
}
