import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { CliError } from '../../cli-error.ts';
import { readDlqs } from '../../dlq/read-dlqs.ts';
import { countMessages } from '../../../lambdas/adapters/sqs-queue-access.ts';
import { formatDeadMessages } from '../../show/dlq-table.ts';
import { formatFigures } from '../../show/manifest-table.ts';
import { dynamoClientFor } from '../../stack/clients.ts';
import { readLocalStacks } from '../../stack/local-stacks.ts';
import type { OpenStack } from '../../stack/open-stack.ts';
import { openTarget } from '../../stack/open-stack.ts';
import { formatCount } from '../../terminal/format.ts';
import { formatCheck } from '../print-result.ts';
import type { MaintenanceEnd } from './check-maintenance.ts';
import { checkMaintenance } from './check-maintenance.ts';
import { demoFiles, urgentFile } from './demo-records.ts';
import { dropFiles } from './drop-files.ts';
import { readRecordLedger } from './read-record-ledger.ts';
import { awaitRecords, sumManifests } from './sum-manifests.ts';
import type { DemoRun, PlacedDemo } from '../with-own-cloud.ts';
import { bringUp, withoutSettingsOf, withOwnCloud } from '../with-own-cloud.ts';
import { sluice } from '../../terminal/sluice-command.ts';

const feed = 'maintenance';
const usualFiles = 2_000;
/** Longer than a slow machine takes; past that something is wrong. Milliseconds. */
const giveUpAfterMs = 30 * 60_000;

/** Thousands of small files, one of them urgent, through a local cloud of the demo's own. */
export async function runMaintenanceDemo(run: DemoRun): Promise<boolean> {
  const count = filesOf(process.argv);
  const place = { folder: 'demo-maintenance', stackName: 'sluice-demo-maintenance', feed, giveUpAfterMs };
  return withOwnCloud(run, place, (placed) => goThrough(placed, count));
}

async function goThrough(run: PlacedDemo, count: number): Promise<boolean> {
  const { terminal, stateDir, env, signal, stackName } = run;
  terminal.note(terminal.styleNote('bold', 'Starting the local cloud, with the record ledger'));
  const environmentAt = () => ({ ...withoutSettingsOf(feed, env), SLUICE_FEEDS: feed });
  const { endpoint, target } = await bringUp(run, environmentAt, []);
  const stack = await openTarget(target);
  const end = await sendThrough(count, stack, run);
  const client = dynamoClientFor(target);
  const stored = await readRecordLedger(client, stack.outputs.recordLedgerTable);
  client.destroy();
  const letters = await readDlqs(stack, feed, terminal, signal);
  const checks = checkMaintenance({ ...end, stored, letters: letters.length });

  const { style, columns } = terminal;
  await terminal.print(`\n${style('bold', `${formatCount(count + 1)} files of one record each`)}\n\n`);
  await terminal.print(formatFigures(sumManifests(end.manifests)));
  await terminal.print(`\n${style('bold', 'Checked')}\n\n${checks.map((check) => formatCheck(check, style)).join('')}`);
  await terminal.print(`\n${formatDeadMessages(letters, feed, terminal, columns)}`);
  await terminal.print(further(stateDir, stackName, endpoint.kind === 'given'));
  return checks.every((check) => check.holds || !check.required);
}

async function sendThrough(
  count: number,
  stack: OpenStack,
  { terminal, signal }: DemoRun,
): Promise<Omit<MaintenanceEnd, 'stored' | 'letters'>> {
  const runName = `MR-${Date.now().toString(36).toUpperCase()}`;
  const [files, urgent] = [demoFiles(count, runName), urgentFile(runName)];
  const bad = files.filter(({ fate }) => fate === 'rejected').length;
  terminal.note(
    terminal.styleNote(
      'bold',
      `Dropping ${formatCount(count)} files, ${formatCount(bad)} of them invalid, and one that is urgent`,
    ),
  );
  await dropFiles(files, `${feed}/${runName}/`, stack, terminal, signal);
  const droppedAtMs = Date.now();
  await dropFiles([urgent], `express/${feed}/${runName}/`, stack, terminal, signal);
  const manifests = [...(await awaitRecords(count + 1, feed, stack, terminal, signal)).values()];
  const doneAt = (lane: string) =>
    manifests.filter((manifest) => manifest.lane === lane).map(({ times }) => Date.parse(times.completed));
  const dead = sumManifests(manifests).dead_lettered_records;
  await awaitDlq(dead, stack, signal);
  return {
    files: [...files, urgent],
    manifests,
    urgent: { droppedAtMs, doneAtMs: doneAt('express')[0] ?? Infinity },
    othersDoneAtMs: doneAt('main'),
  };
}

const pollEveryMs = 500;

/** A letter reaches the DLQ a second or two after its file is done. */
async function awaitDlq(letters: number, { outputs, sqs }: OpenStack, signal: AbortSignal): Promise<void> {
  for (;;) {
    const counts = await Promise.all(outputs.dlqs(feed).letters.map(({ url }) => countMessages(sqs, url)));
    if (counts.reduce((sum, each) => sum + each, 0) >= letters) return;
    await systemClock.sleep(pollEveryMs, signal);
    signal.throwIfAborted();
  }
}

/** @throws CliError if `--files` is not a usable number */
function filesOf(argv: readonly string[]): number {
  const at = argv.indexOf('--files');
  if (at === -1) return usualFiles;
  const text = argv[at + 1] ?? '';
  if (/^[1-9][0-9]{1,5}$/.test(text)) return Number(text);
  throw new CliError(`--files is '${text}'; it must be a number from 10 to 999999.`);
}

function further(stateDir: string, stackName: string, given: boolean): string {
  const alone = Object.keys(readLocalStacks(stateDir)).length === 1;
  const command = `${sluice}${alone ? '' : ` --stack ${stackName}`}`;
  return [
    '\nMore\n\n',
    `  the files, newest first:\n    ${command} status --feed ${feed}\n`,
    `  the dead letters, raw:\n    ${command} dlq list --feed ${feed} --json\n`,
    given ? '' : `\nThe local cloud stays up; \`${sluice} down\` removes it.\n`,
  ].join('');
}
