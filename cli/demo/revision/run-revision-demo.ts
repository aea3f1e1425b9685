import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { reachOf } from '../../../localstack/reach.ts';
import type { FakeAvstar } from '../../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../../localstack/fake-avstar/server.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import type { ListedChange } from '../../../lambdas/core/series/read-comparison.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { verdictOf } from '../../../lambdas/core/report/verdict.ts';
import { findChanges } from '../../archive/find-changes.ts';
import { followToEnd } from '../../drop/follow-to-end.ts';
import { openSourceFile } from '../../drop/open-source-file.ts';
import { putFile } from '../../drop/put-file.ts';
import { formatChange } from '../../show/format-change.ts';
import { formatFigures } from '../../show/manifest-table.ts';
import { readLocalStacks } from '../../stack/local-stacks.ts';
import type { OpenStack } from '../../stack/open-stack.ts';
import { openTarget } from '../../stack/open-stack.ts';
import { formatCount, formatDuration, formatRate } from '../../terminal/format.ts';
import { sluice } from '../../terminal/sluice-command.ts';
import { formatCheck } from '../print-result.ts';
import type { DemoRun, PlacedDemo } from '../with-own-cloud.ts';
import { bringUp, withoutSettingsOf, withOwnCloud } from '../with-own-cloud.ts';
import { checkRevision } from './check-revision.ts';
import type { ExportedLog } from './log-rows.ts';
import { writeLogOfDay } from './log-rows.ts';

const feed = 'traffic';
const place = { folder: 'demo-revision', stackName: 'sluice-demo-revision', feed, giveUpAfterMs: 10 * 60_000 };
/** 300 a second, which two cores do with ease. */
const limit = { requests: 18_000, windowSeconds: 60 };

/** A station's day, and its second export: only what changed is sent, and the API's schedule is compared with it. */
export async function runRevisionDemo(run: DemoRun): Promise<boolean> {
  let api: FakeAvstar | undefined;
  try {
    return await withOwnCloud(run, place, (placed) => goThrough(placed, (started) => (api = started)));
  } finally {
    await api?.close();
  }
}

async function goThrough(run: PlacedDemo, onStart: (api: FakeAvstar) => FakeAvstar): Promise<boolean> {
  const { terminal, env, demoDir } = run;
  const step = (text: string): void => terminal.note(terminal.styleNote('bold', text));
  const pace = formatRate(limit.requests / limit.windowSeconds);
  step(
    `Starting the local cloud, and a fake Avstar API that replaces the entry of a spot that is sent again (${pace})`,
  );
  const token = randomUUID();
  const api: { started?: FakeAvstar } = {};
  const { endpoint, target } = await bringUp(
    run,
    async (at) => {
      const reach = reachOf(at, env);
      api.started = onStart(await startFakeAvstar({ host: reach.listenOn, token, replaces: true, ...limit }));
      return { ...withoutSettingsOf(feed, env), ...settingsOf(`http://${reach.name}:${api.started.port}`) };
    },
    [{ feed, token }],
  );
  const stack = await openTarget(target);
  const startedAt = Date.now();
  await mkdir(demoDir, { recursive: true });
  const now = new Date().toISOString();
  const date = now.slice(0, 10);
  const log = await writeLogOfDay(demoDir, `WABC-${now.slice(11, 19).replaceAll(':', '')}`, date);

  step(`First export: the log of ${date}, ${formatCount(log.day.rows)} spots, one of them with a damaged row`);
  const day = await send(log.day, stack, run);
  terminal.note(`  ${verdictOf(day.manifest, 'the API', undefined).sentence}`);

  const before = api.started?.stats().requests ?? 0;
  step('Second export: the same log was unlocked, changed, and exported again');
  terminal.note(
    `  ${log.changed} spots changed, 3 were removed, 1 was moved to another time, and the damaged row was fixed. A spot ` +
      'that was moved is a new entry at its new time, and its old entry is to be removed.',
  );
  const { manifest, file } = await send(log.revision, stack, run);

  const changes: ListedChange[] = [];
  for await (const change of (await findChanges(file, stack.archive)) ?? []) changes.push(change);
  const listed = changes.flatMap(({ change, identity }) =>
    change === 'removed' && identity ? [identity.join(' ')] : [],
  );
  const requests = (api.started?.stats().requests ?? 0) - before;
  const schedule = api.started?.schedule() ?? [];
  const checks = checkRevision({ log, manifest, schedule, requests, listed });
  const { style } = terminal;
  await terminal.print(`\n${style('bold', verdictOf(manifest, 'the API', undefined).sentence)}\n\n`);
  await terminal.print(formatFigures(manifest));
  await terminal.print(`\n${style('bold', 'What changed')}\n\n`);
  for (const change of changes) await terminal.print(formatChange(change, file.dialect, terminal));
  await terminal.print(`\n${style('bold', 'Checked')}\n\n${checks.map((check) => formatCheck(check, style)).join('')}`);
  await terminal.print(further(manifest, run, endpoint.kind === 'given'));
  terminal.note(`Done in ${formatDuration((Date.now() - startedAt) / 1000)} with the cloud up.`);
  return checks.every((check) => check.holds || !check.required);
}

async function send(
  log: ExportedLog,
  stack: OpenStack,
  { terminal, signal }: DemoRun,
): Promise<{ manifest: Manifest; file: FileAccount }> {
  const source = await openSourceFile(log.path);
  const dropped = await putFile(source, { feed, express: false }, stack, terminal, signal).finally(() =>
    source.handle.close(),
  );
  const { manifest } = await followToEnd(dropped, stack, terminal, signal);
  const file = await stack.ledger.getFile(manifest.file_id);
  if (!file) throw new Error(`The ledger has no file ${manifest.file_id}.`);
  return { manifest, file };
}

function settingsOf(apiUrl: string): Record<string, string> {
  return {
    SLUICE_FEEDS: feed,
    SLUICE_TRAFFIC_API_URL: apiUrl,
    SLUICE_TRAFFIC_REQUESTS: String(limit.requests),
    SLUICE_TRAFFIC_WINDOW_SECONDS: String(limit.windowSeconds),
    SLUICE_TRAFFIC_SERIES: '{station}_{yyyyMMdd}_R{#}.csv',
    SLUICE_TRAFFIC_CHANGED_RECORDS: 'replaces',
  };
}

function further({ file_id: id }: Manifest, { stateDir, stackName }: PlacedDemo, given: boolean): string {
  const alone = Object.keys(readLocalStacks(stateDir)).length === 1;
  const command = `${sluice}${alone ? '' : ` --stack ${stackName}`}`;
  return [
    '\nMore\n\n',
    `  what is to be removed from the schedule, for a spreadsheet:\n    ${command} changes ${id} --only removed --csv\n`,
    `  the report, as a page:\n    ${command} report ${id}\n`,
    `  both exports' evidence, copied and verified:\n    ${command} evidence ${id} --series --out revisions\n`,
    given ? '' : `\nThe local cloud stays up; \`${sluice} down\` removes it.\n`,
  ].join('');
}
