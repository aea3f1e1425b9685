import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Endpoint } from '../../localstack/endpoint.ts';
import { tearDownEndpoint } from '../../localstack/endpoint.ts';
import type { FakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { startFakeAvstar } from '../../localstack/fake-avstar/server.ts';
import { findGivenEndpoint } from '../../localstack/given-endpoint.ts';
import { CliError } from '../cli-error.ts';
import { readDlqs } from '../dlq/read-dlqs.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import { openSourceFile } from '../drop/open-source-file.ts';
import { putFile } from '../drop/put-file.ts';
import { InterruptedError } from '../interrupt.ts';
import { bringUpStack } from '../stack/bring-up-stack.ts';
import { endpointTarget } from '../stack/choose-target.ts';
import { forgetStack, readLocalStacks } from '../stack/local-stacks.ts';
import { openTarget } from '../stack/open-stack.ts';
import { formatBytes, formatCount, formatCountOf, formatRate } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { checkDemo } from './check-demo.ts';
import { chooseDemoStack } from './choose-demo-stack.ts';
import { demo } from './demo-settings.ts';
import { tellResult } from './tell-result.ts';
import type { DemoExport } from './write-demo-export.ts';
import { writeDemoExport } from './write-demo-export.ts';

export interface DemoRun {
  terminal: Terminal;
  stateDir: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

interface Api {
  fake: FakeAvstar;
  token: string;
}

/**
 * The whole way of a file, for real, in a local cloud of the demo's own: `sluice up` may have another beside it, with
 * work under way that must not go to the demo's API.
 * @returns whether everything holds that has to
 */
export async function runDemo(run: DemoRun): Promise<boolean> {
  const demoDir = join(run.stateDir, 'demo');
  const given = await findGivenEndpoint(run.env);
  const stackName = given === null ? demo.stackName : await chooseDemoStack(given, run.env);
  // What an interrupted demo left would be sent to this one's API.
  if (given === null) await tearDownEndpoint(demoDir);
  const api: Partial<Api> = {};
  const timeUp = AbortSignal.timeout(demo.giveUpAfterMs);
  try {
    return await goThrough({ ...run, signal: AbortSignal.any([run.signal, timeUp]) }, demoDir, stackName, api);
  } catch (error) {
    if (timeUp.aborted && !run.signal.aborted) throw tooLong(demoDir, error);
    if (!run.signal.aborted) throw error;
    run.terminal.progress('down', 'stopping the local cloud');
    if (given === null) await tearDownEndpoint(demoDir);
    forgetStack(run.stateDir, stackName);
    throw new InterruptedError('Interrupted; the demo has cleaned up after itself.', { cause: error });
  } finally {
    await api.fake?.close();
  }
}

async function goThrough(run: DemoRun, demoDir: string, stackName: string, api: Partial<Api>): Promise<boolean> {
  const { terminal, stateDir, env, signal } = run;
  const step = (text: string): void => terminal.note(terminal.styleNote('bold', text));

  const { requests, windowSeconds } = demo.api;
  const pace = `${formatCount(requests)} requests in any ${windowSeconds} s, ${formatRate(requests / windowSeconds)}`;
  step(`Bringing up the local cloud, and a fake Avstar API that takes ${pace}`);
  const token = randomUUID();
  const startApi = async (endpoint: Endpoint): Promise<NodeJS.ProcessEnv> => {
    const reach = reachOf(endpoint, env);
    api.fake = await startFakeAvstar({ host: reach.listenOn, token, ...demo.api });
    return { ...env, ...settingsOf(`http://${reach.name}:${api.fake.port}`) };
  };
  const tokens = [{ feed: demo.feed, token }];
  const onProgress = (message: string): void => terminal.progress(message.replace(/[0-9]+/g, ''), `  ${message}`);
  const place = { stackName, stateDir, endpointDir: demoDir, port: undefined };
  const { endpoint } = await bringUpStack({ ...place, environmentAt: startApi, env, tokens, onProgress, signal });
  terminal.note(`  the stack ${stackName} is deployed at ${endpoint.url}`);

  const exported = await writeDemoExport(demoDir, Date.now());
  step(`Writing an Avion export of ${formatCount(demo.rows)} rows, ${formatCount(exported.broken)} of them broken`);
  terminal.note(`  ${exported.path}, ${formatBytes(exported.bytes)}`);

  step('Dropping it into the intake bucket');
  const stack = await openTarget(endpointTarget(stackName, endpoint.url, env));
  const manifest = await sendThrough(exported, stack, terminal, signal);

  const letters = (await readDlqs(stack, demo.feed, terminal, signal)).filter(
    (message) => message.file_id === manifest.file_id,
  );
  const { fake } = api as Api;
  const lettersOf = letters.map((letter) => letter.record ?? 0);
  const checks = checkDemo({ exported, manifest, entries: fake.entries(), stats: fake.stats(), lettersOf });
  const alone = !env['AWS_ENDPOINT_URL'] && Object.keys(readLocalStacks(stateDir)).length === 1;
  await tellResult({ manifest, checks, letters, stackName, alone, given: endpoint.kind === 'given' }, terminal);
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

/** Functions in containers know this machine by another name, and come from elsewhere. */
function reachOf(endpoint: Endpoint, env: NodeJS.ProcessEnv): { name: string; listenOn: string } {
  const name = env['SLUICE_DEMO_API_HOST'] || (endpoint.kind === 'docker' ? 'host.docker.internal' : '127.0.0.1');
  return { name, listenOn: name === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0' };
}

function settingsOf(apiUrl: string): Record<string, string> {
  return {
    SLUICE_FEEDS: demo.feed,
    SLUICE_TRAFFIC_API_URL: apiUrl,
    SLUICE_TRAFFIC_REQUESTS: String(demo.api.requests),
    SLUICE_TRAFFIC_WINDOW_SECONDS: String(demo.api.windowSeconds),
    SLUICE_TRAFFIC_CONNECTIONS: String(demo.api.connections),
    // What is set for another stack is not for this one.
    SLUICE_TRAFFIC_PACED: '',
    SLUICE_TRAFFIC_CONCURRENCY: '',
    SLUICE_TRAFFIC_EXPRESS_LANE: '',
    SLUICE_FUNCTION_QUOTA: '',
    SLUICE_TRAFFIC_PROXY_URL: '',
    SLUICE_TRAFFIC_CA_FILE: '',
  };
}

function tooLong(demoDir: string, cause: unknown): CliError {
  return new CliError(
    `The demo is not done after ${formatCountOf(demo.giveUpAfterMs / 60_000, 'minute')}; what the local cloud said is in ${join(demoDir, 'endpoint.log')}.`,
    { cause },
  );
}
