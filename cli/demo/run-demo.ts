import { randomUUID } from 'node:crypto';
import type { Endpoint } from '../../localstack/endpoint.ts';
import type { FakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { reachOf } from '../../localstack/reach.ts';
import { readDlqs } from '../dlq/read-dlqs.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import { openSourceFile } from '../drop/open-source-file.ts';
import { putFile } from '../drop/put-file.ts';
import { readLocalStacks } from '../stack/local-stacks.ts';
import { openTarget } from '../stack/open-stack.ts';
import { formatBytes, formatCount, formatRate } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { checkDemo } from './check-demo.ts';
import { demo } from './demo-settings.ts';
import { printResult } from './print-result.ts';
import type { DemoExport } from './write-demo-export.ts';
import { writeDemoExport } from './write-demo-export.ts';
import type { DemoRun, PlacedDemo } from './with-own-cloud.ts';
import { bringUp, withoutSettingsOf, withOwnCloud } from './with-own-cloud.ts';

interface Api {
  fake: FakeAvstar;
  token: string;
}

/**
 * A file's whole way, for real: an export is written, dropped and sent, and the outcome is compared with the API's store.
 * @returns whether every required check holds
 */
export async function runDemo(run: DemoRun): Promise<boolean> {
  const api: Partial<Api> = {};
  try {
    return await withOwnCloud(run, demo, (placed) => goThrough(placed, api));
  } finally {
    await api.fake?.close();
  }
}

async function goThrough(run: PlacedDemo, api: Partial<Api>): Promise<boolean> {
  const { terminal, stateDir, env, signal, demoDir, stackName } = run;
  const step = (text: string): void => terminal.note(terminal.styleNote('bold', text));

  const { requests, windowSeconds } = demo.api;
  const pace = `${formatCount(requests)} requests in any ${windowSeconds} s, ${formatRate(requests / windowSeconds)}`;
  step(`Starting the local cloud, and a fake Avstar API that accepts ${pace}`);
  const token = randomUUID();
  const startApi = async (endpoint: Endpoint): Promise<NodeJS.ProcessEnv> => {
    const reach = reachOf(endpoint, env);
    api.fake = await startFakeAvstar({ host: reach.listenOn, token, ...demo.api });
    return { ...withoutSettingsOf(demo.feed, env), ...settingsOf(`http://${reach.name}:${api.fake.port}`) };
  };
  const { endpoint, target } = await bringUp(run, startApi, [{ feed: demo.feed, token }]);

  const exported = await writeDemoExport(demoDir, Date.now());
  step(`Writing an Avion export of ${formatCount(demo.rows)} rows, ${formatCount(exported.broken)} of them invalid`);
  terminal.note(`  ${exported.path}, ${formatBytes(exported.bytes)}`);

  step('Dropping it into the intake bucket');
  const stack = await openTarget(target);
  const manifest = await sendThrough(exported, stack, terminal, signal);

  const letters = (await readDlqs(stack, demo.feed, terminal, signal)).filter(
    (message) => message.file_id === manifest.file_id,
  );
  const { fake } = api as Api;
  const lettersOf = letters.map((letter) => letter.record ?? 0);
  const checks = checkDemo({ exported, manifest, entries: fake.entries(), stats: fake.stats(), lettersOf });
  const alone = !env['AWS_ENDPOINT_URL'] && Object.keys(readLocalStacks(stateDir)).length === 1;
  await printResult({ manifest, checks, letters, stackName, alone, given: endpoint.kind === 'given' }, terminal);
  return checks.every((check) => check.holds || !check.required);
}

async function sendThrough(
  exported: DemoExport,
  stack: Awaited<ReturnType<typeof openTarget>>,
  terminal: Terminal,
  signal: AbortSignal,
) {
  const file = await openSourceFile(exported.path);
  const dropped = await putFile(file, { feed: demo.feed, express: false }, stack, terminal, signal).finally(() =>
    file.handle.close(),
  );
  const { manifest } = await followToEnd(dropped, stack, terminal, signal);
  return manifest;
}

function settingsOf(apiUrl: string): Record<string, string> {
  return {
    SLUICE_FEEDS: demo.feed,
    SLUICE_TRAFFIC_API_URL: apiUrl,
    SLUICE_TRAFFIC_REQUESTS: String(demo.api.requests),
    SLUICE_TRAFFIC_WINDOW_SECONDS: String(demo.api.windowSeconds),
    SLUICE_TRAFFIC_CONNECTIONS: String(demo.api.connections),
  };
}
