import { join } from 'node:path';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { tearDownEndpoint } from '../../../localstack/endpoint.ts';
import { findGivenEndpoint } from '../../../localstack/given-endpoint.ts';
import { CliError } from '../../cli-error.ts';
import { readDlqs } from '../../dlq/read-dlqs.ts';
import { countMessages } from '../../../lambdas/adapters/read-queue.ts';
import { InterruptedError } from '../../interrupt.ts';
import { formatDeadMessages } from '../../show/dlq-table.ts';
import { formatFigures } from '../../show/manifest-table.ts';
import { bringUpStack } from '../../stack/bring-up-stack.ts';
import { endpointTarget } from '../../stack/choose-target.ts';
import { dynamoClientFor } from '../../stack/clients.ts';
import { forgetStack, readLocalStacks } from '../../stack/local-stacks.ts';
import type { OpenStack } from '../../stack/open-stack.ts';
import { openTarget } from '../../stack/open-stack.ts';
import { formatCount, formatDuration } from '../../terminal/format.ts';
import type { DemoRun } from '../run-demo.ts';
import { formatCheck } from '../tell-result.ts';
import type { MaintenanceEnd } from './check-maintenance.ts';
import { checkMaintenance } from './check-maintenance.ts';
import { demoFiles, urgentFile } from './demo-records.ts';
import { dropFiles } from './drop-files.ts';
import { readRecordLedger } from './read-record-ledger.ts';
import { awaitRecords, sumManifests } from './sum-manifests.ts';

const feed = 'maintenance';
const stackName = 'sluice-demo-maintenance';
const usualFiles = 2_000;
/** Longer than a slow machine takes; past that something is wrong. Milliseconds. */
const giveUpAfterMs = 30 * 60_000;

/** Thousands of small files, an urgent one among them, through a local cloud of the demo's own. */
export async function runMaintenanceDemo(run: DemoRun): Promise<boolean> {
  const count = filesOf(process.argv);
  const demoDir = join(run.stateDir, 'demo-maintenance');
  const given = await findGivenEndpoint(run.env);
  if (given === null) await tearDownEndpoint(demoDir);
  const timeUp = AbortSignal.timeout(giveUpAfterMs);
  try {
    return await goThrough({ ...run, signal: AbortSignal.any([run.signal, timeUp]) }, demoDir, count);
  } catch (error) {
    if (timeUp.aborted && !run.signal.aborted) {
      throw new CliError(
        `The demo is not done after ${formatDuration(giveUpAfterMs / 1000)}; what the local cloud said is in ` +
          `${join(demoDir, 'endpoint.log')}.`,
        { cause: error },
      );
    }
    if (!run.signal.aborted) throw error;
    run.terminal.progress('down', 'stopping the local cloud');
    if (given === null) await tearDownEndpoint(demoDir);
    forgetStack(run.stateDir, stackName);
    throw new InterruptedError('Interrupted; the demo has cleaned up after itself.', { cause: error });
  }
}

async function goThrough(run: DemoRun, demoDir: string, count: number): Promise<boolean> {
  const { terminal, stateDir, env, signal } = run;
  const step = (text: string): void => terminal.note(terminal.styleNote('bold', text));
  step('Bringing up the local cloud, with the record ledger');
  const onProgress = (message: string): void => terminal.progress(message.replace(/[0-9]+/g, ''), `  ${message}`);
  const { endpoint } = await bringUpStack({
    stackName,
    stateDir,
    endpointDir: demoDir,
    port: undefined,
    // What is set for another stack is not for this one.
    environmentAt: () => ({ ...withoutSettings(env), SLUICE_FEEDS: feed }),
    env,
    tokens: [],
    onProgress,
    signal,
  });
  terminal.note(`  the stack ${stackName} is deployed at ${endpoint.url}`);
  const target = endpointTarget(stackName, endpoint.url, env);
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
  await terminal.print(further(stateDir, endpoint.kind === 'given'));
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
      `Dropping ${formatCount(count)} files, ${formatCount(bad)} of them bad, and one that is urgent`,
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

const lookEveryMs = 500;

/** A letter is in the DLQ a second or two after its file is done. */
async function awaitDlq(letters: number, { outputs, sqs }: OpenStack, signal: AbortSignal): Promise<void> {
  for (;;) {
    const counts = await Promise.all(outputs.dlqs(feed).letters.map(({ url }) => countMessages(sqs, url)));
    if (counts.reduce((sum, each) => sum + each, 0) >= letters) return;
    await systemClock.sleep(lookEveryMs, signal);
    signal.throwIfAborted();
  }
}

/** @throws CliError where `--files` is no number that makes sense */
function filesOf(argv: readonly string[]): number {
  const at = argv.indexOf('--files');
  if (at === -1) return usualFiles;
  const text = argv[at + 1] ?? '';
  if (/^[1-9][0-9]{1,5}$/.test(text)) return Number(text);
  throw new CliError(`--files is '${text}'; it must be a number from 10 to 999999.`);
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^SLUICE_(MAINTENANCE_|FUNCTION_QUOTA)/.test(name)),
  );
}

function further(stateDir: string, given: boolean): string {
  const alone = Object.keys(readLocalStacks(stateDir)).length === 1;
  const sluice = `npm run -s sluice --${alone ? '' : ` --stack ${stackName}`}`;
  return [
    '\nTo look further\n\n',
    `  the files, newest first:\n    ${sluice} status --feed ${feed}\n`,
    `  the dead letters, raw:\n    ${sluice} dlq list --feed ${feed} --json\n`,
    given ? '' : '\nThe local cloud stays up; `npm run -s sluice -- down` takes it away.\n',
  ].join('');
}
