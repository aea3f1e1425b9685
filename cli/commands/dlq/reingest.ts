import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { feedNamed } from '../../../feeds/index.ts';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { withSummaries } from '../../archive/read-summary.ts';
import { CliError } from '../../cli-error.ts';
import { readWholeDeadOf } from '../../dlq/read-dead-of.ts';
import { SqsQueueAccess } from '../../../lambdas/adapters/sqs-queue-access.ts';
import { exitCodes } from '../../exit-codes.ts';
import { InterruptedError, interruptible } from '../../interrupt.ts';
import { claimsOf, tyingColumns } from '../../reingest/claims.ts';
import type { EndedCorrection } from '../../reingest/follow-corrections.ts';
import { parseCsv } from '../../reingest/parse-csv.ts';
import type { CorrectionPlan } from '../../reingest/plan-corrections.ts';
import { planCorrections } from '../../reingest/plan-corrections.ts';
import { isSettled, reingestToEnd } from '../../reingest/reingest-to-end.ts';
import { describeReingest, formatEnds, formatPlan } from '../../show/reingest-result.ts';
import { requireDeployed } from '../../stack/deployed-feeds.ts';
import { openStack } from '../../stack/open-stack.ts';
import { confirm } from '../../terminal/confirm.ts';
import { formatCount, formatCountOf } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { GlobalOptions } from '../command-options.ts';
import { byOption, examples, feedOption, jsonOption, requireFeed } from '../command-options.ts';
import { whoDecides } from '../../operate/who.ts';

interface ReingestOptions extends GlobalOptions {
  feed?: string;
  by?: string;
  why?: string;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
  asNew?: true;
}

export function reingestCommand(terminal: Terminal): Command {
  return new Command('reingest')
    .description('Send the corrected rows of a reconciliation CSV, each in place of its record.')
    .argument('<csv>', 'the CSV of `dlq export` or the reconciler, as saved by the spreadsheet')
    .addOption(feedOption('refuse rows of files of another feed'))
    .option('--why <text>', 'what was corrected; stored for the auditor, and required except with --dry-run')
    .addOption(byOption())
    .option('--dry-run', 'show the changes, and send nothing')
    .option(
      '--as-new',
      'of a revision: the API has no earlier version of these rows, so each is sent as a new record; look it up there first',
    )
    .option('--yes', 'send without asking for confirmation; required without a terminal')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      exitCodesHelp +
        examples(
          'dlq reingest dead.csv --dry-run',
          "dlq reingest dead.csv --why 'durations without units'",
          "dlq reingest dead.csv --why 'durations without units' --by ann --yes --json",
        ),
    )
    .action(async (path: string, _options, command: Command) => {
      const options = command.optsWithGlobals<ReingestOptions>();
      process.exitCode = await interruptible((signal) => reingest(path, options, terminal, signal));
    });
}

async function reingest(
  path: string,
  options: ReingestOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const feed = options.feed === undefined ? undefined : requireFeed(options.feed);
  const who = options.dryRun ? undefined : whoDecides({ ...options, why: options.why ?? '' }, 'what was corrected');
  const claims = claimsOf(parseCsv(await readCsv(path), tyingColumns));
  const stack = await openStack(options.stack, process.env);
  if (feed !== undefined) requireDeployed(stack, feed);
  const planPorts = { ledger: stack.ledger, readDead: readWholeDeadOf(stack), feedNamed };
  const plan = await planCorrections(claims, feed, planPorts, options.asNew);
  const isAsked = !options.dryRun && !options.yes;
  terminal[isAsked ? 'alert' : 'note'](formatPlan(plan).trimEnd());
  if (!who || plan.corrections.length === 0) {
    if (options.json) await terminal.printJson(describeReingest(plan, [], []));
    return exitCodes.clean;
  }
  await requireConsent(plan, options, signal);
  const ports = { ...withSummaries(stack), queues: new SqsQueueAccess(stack.sqs), clock: systemClock, terminal };
  const { ended, amendments } = await reingestToEnd(plan.corrections, who, ports, signal);
  terminal.endProgress();
  if (signal.aborted) throw new InterruptedError(interruptedSentence(ended, path));
  if (options.json) await terminal.printJson(describeReingest(plan, ended, amendments));
  else await terminal.print(`\n${formatEnds(ended, amendments)}`);
  return ended.every(isSettled) ? exitCodes.clean : exitCodes.deadLetters;
}

async function readCsv(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CliError(`${path}: no such file.`, { cause: error });
    if (code === 'EISDIR') throw new CliError(`${path} is a folder.`, { cause: error });
    throw error;
  }
}

/** @throws CliError without a terminal to ask on, InterruptedError if the answer is no */
async function requireConsent({ corrections }: CorrectionPlan, { yes }: ReingestOptions, signal: AbortSignal) {
  if (yes) return;
  const what = formatCountOf(corrections.length, 'corrected row');
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CliError(`Nothing was sent: without a terminal, confirm with --yes that ${what} should be sent.`);
  }
  if (!(await confirm(`Send ${what}?`, signal))) throw new InterruptedError('Nothing was sent.');
}

function interruptedSentence(ended: readonly EndedCorrection[], path: string): string {
  const waiting = ended.filter(({ end }) => end.kind === 'waiting').length;
  return (
    `Interrupted: ${formatCountOf(ended.length, 'corrected row')} had been sent, ${formatCount(waiting)} of them are waiting to be ` +
    `tried. This continues without this command. Reingest ${path} again to see their results and to send the others: ` +
    'accepted rows are not sent twice.'
  );
}

const exitCodesHelp = `
Exit codes: 0 every corrected row was accepted; 2 some need attention or are waiting; 1 refused: nothing was sent;
130 interrupted, or not confirmed.
`;
