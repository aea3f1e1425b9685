import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { deployStack } from '../../localstack/deploy.ts';
import { CliError } from '../cli-error.ts';
import { redriveToEnd } from '../dlq/redrive-ports.ts';
import { followToEnd } from '../drop/follow-to-end.ts';
import { openSourceFile } from '../drop/open-source-file.ts';
import { putFile } from '../drop/put-file.ts';
import { InterruptedError } from '../interrupt.ts';
import type { Target } from '../stack/choose-target.ts';
import { cloudFormationClientFor, s3ClientFor, secretsClientFor } from '../stack/clients.ts';
import { destroyStack } from '../stack/destroy-stack.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { openTarget } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readAlarms } from './read-alarms.ts';
import type { SmokeFacts } from './smoke-plan.ts';
import { smokeApi, smokeFeeds, smokeRows } from './smoke-plan.ts';
import type { SmokeCheck } from './smoke-check.ts';
import { writeSmokeFiles } from './smoke-files.ts';
import { verifyEvidence } from './verify-evidence.ts';

export interface SmokeRun {
  stackName: string;
  target: Target;
  /** Undefined: one is deployed for the test. */
  apiUrl: string | undefined;
  /** For the cloud assembly, the files and the evidence. */
  dir: string;
  env: NodeJS.ProcessEnv;
  terminal: Terminal;
  signal: AbortSignal;
}

export interface SmokeEnd {
  checks: SmokeCheck[];
  facts: SmokeFacts;
}

/** Each of the two deployments; CloudFormation takes a few minutes. */
const deployWithinMs = 30 * 60_000;
/** Records that wait for an API that is never reached would wait for ever. */
const giveUpAfterMs = 45 * 60_000;

/**
 * Deploys, tries and deletes the stacks of a smoke test.
 * @throws InterruptedError; CliError with what is left where something could not be deleted
 */
export async function runSmoke(run: SmokeRun): Promise<SmokeEnd> {
  const startedAt = systemClock.now();
  const timeUp = AbortSignal.timeout(giveUpAfterMs);
  try {
    const end = await tryStack({ ...run, signal: AbortSignal.any([run.signal, timeUp]) });
    await tidyUp(run);
    end.facts.deployedSeconds = (systemClock.now() - startedAt) / 1000;
    return end;
  } catch (error) {
    run.terminal.note(run.signal.aborted ? 'Interrupted: cleaning up.' : 'It failed: cleaning up.');
    await tidyUp(run);
    if (timeUp.aborted) throw new CliError('The smoke test was not done after 45 minutes.', { cause: error });
    if (!run.signal.aborted) throw error;
    throw new InterruptedError('Interrupted; the smoke test has deleted its stacks.', { cause: error });
  }
}

/** Not interruptible by the first Ctrl-C: what stays costs money. */
async function tidyUp({ stackName, target, terminal, dir }: SmokeRun): Promise<void> {
  const ports = {
    cloudFormation: cloudFormationClientFor(target),
    s3: s3ClientFor(target, target.kind === 'endpoint'),
    clock: systemClock,
    onProgress: (message: string) => terminal.note(message),
  };
  const faults: string[] = [];
  // The API last: the functions of the stack may still be calling it.
  for (const name of [stackName, apiStackOf(stackName)]) {
    await destroyStack(name, ports).catch((error: unknown) => faults.push((error as Error).message));
  }
  if (faults.length > 0) throw new CliError(`${faults.join('\n')}\nThe cloud assembly is in ${dir}.`);
}

const apiStackOf = (stackName: string): string => `${stackName}-api`;

async function tryStack(run: SmokeRun): Promise<SmokeEnd> {
  const { terminal, target, signal, dir } = run;
  const stack = await deploy(run);
  const files = writeSmokeFiles(dir);
  const uploadFrom = systemClock.now();
  const traffic = await send(files.traffic, 'traffic', stack, run);
  const maintenance = await send(files.maintenance, 'maintenance', stack, run);
  const uploadSeconds = (systemClock.now() - uploadFrom) / 1000;
  const checks = [
    accountCheck('The spots', traffic, {
      uploaded: smokeRows.good,
      rejected: smokeRows.rejected,
      refused: smokeRows.refusedOnce,
    }),
    accountCheck('The maintenance records', maintenance, { uploaded: smokeRows.maintenance }),
  ];

  terminal.note('Redriving the dead letters');
  const { end, amendments } = await redriveToEnd(stack, { feed: 'traffic' }, terminal, signal);
  terminal.endProgress();
  signal.throwIfAborted();
  const { counts, moved, movedBy } = end;
  const failedAgain = [...counts.failed.values()].reduce((sum, count) => sum + count, 0);
  checks.push({
    sentence:
      movedBy === 'sqs'
        ? `SQS redrove ${moved} dead letters (StartMessageMoveTask); ${counts.resolved} were accepted, ${failedAgain} failed again`
        : `The endpoint has no StartMessageMoveTask: ${moved} dead letters were redriven without it; ${counts.resolved} were accepted, ${failedAgain} failed again`,
    holds:
      (movedBy === 'sqs' || target.kind === 'endpoint') &&
      counts.resolved === smokeRows.refusedOnce &&
      failedAgain === smokeRows.rejected,
  });
  const amended = amendments.flatMap((each) => (each.kind === 'amended' ? [each.manifest] : []));
  checks.push({
    sentence: `The amended account has ${amended[0]?.resolved_records ?? 0} resolved records, and its sum is exact`,
    holds: amended.length === 1 && amended[0]?.resolved_records === smokeRows.refusedOnce && amended[0].reconciled,
  });

  for (const manifest of [amended[0] ?? traffic, maintenance]) {
    checks.push(await verifyEvidence(manifest, stack, join(dir, 'evidence', manifest.feed), signal));
  }
  const alarms = await readAlarms(target, signal);
  checks.push({
    sentence: `${alarms.length} alarms are there; in alarm: ${
      alarms
        .filter(({ state }) => state === 'ALARM')
        .map(({ name }) => name)
        .join(', ') || 'none'
    }`,
    holds: alarms.length > 0,
  });
  const records = traffic.total_records + maintenance.total_records;
  const facts = { deployedSeconds: 0, uploadSeconds, records, deadLetters: moved, alarms: alarms.length };
  return { checks, facts };
}

async function deploy(run: SmokeRun): Promise<OpenStack> {
  const { stackName, target, dir, env, terminal, signal } = run;
  const endpointUrl = target.kind === 'endpoint' ? target.endpointUrl : null;
  const common = {
    endpointUrl,
    onProgress: (message: string) => terminal.note(message),
    timeoutMs: deployWithinMs,
    signal,
  };
  const token = run.apiUrl === undefined ? randomUUID() : (env['SLUICE_TRAFFIC_API_TOKEN'] ?? '');
  if (token === '') throw new CliError('SLUICE_TRAFFIC_API_TOKEN is not set: the API at --api-url needs a token.');
  let { apiUrl } = run;
  if (apiUrl === undefined) {
    const apiStack = apiStackOf(stackName);
    const outputs = await deployStack({
      ...common,
      stackName: apiStack,
      app: 'node --import ./cli/require-node.mjs cdk/smoke/app.ts',
      context: { authorization: createHash('sha256').update(`Bearer ${token}`).digest('hex') },
      env,
      outDir: join(dir, 'api'),
    });
    apiUrl = outputs['ApiUrl'] ?? '';
  }
  // Settings that were meant for another stack must not get into this one.
  const own = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^SLUICE_(?!STATE_DIR|FUNCTION_QUOTA)/.test(name)),
  );
  await deployStack({
    ...common,
    stackName,
    context: { stage: endpointUrl === null ? 'smoke' : 'local' },
    env: {
      ...own,
      SLUICE_FEEDS: smokeFeeds.join(','),
      SLUICE_TRAFFIC_API_URL: apiUrl.replace(/\/$/, ''),
      SLUICE_TRAFFIC_REQUESTS: String(smokeApi.requests),
      SLUICE_TRAFFIC_WINDOW_SECONDS: String(smokeApi.windowSeconds),
      SLUICE_TRAFFIC_CONNECTIONS: String(smokeApi.connections),
      // Half the functions, so that it fits a new account's quotas sooner.
      ...Object.fromEntries(smokeFeeds.map((feed) => [`SLUICE_${feed.toUpperCase()}_EXPRESS_LANE`, 'off'])),
    },
    outDir: join(dir, 'stack'),
  });
  const stack = await openTarget(target);
  const secrets = secretsClientFor(target);
  await secrets.send(
    new PutSecretValueCommand({ SecretId: stack.outputs.tokenSecretArn('traffic'), SecretString: token }),
  );
  secrets.destroy();
  return stack;
}

async function send(path: string, feed: string, stack: OpenStack, { terminal, signal }: SmokeRun): Promise<Manifest> {
  const file = await openSourceFile(path);
  const dropped = await putFile(file, { feed, express: false }, stack, terminal, signal).finally(() =>
    file.handle.close(),
  );
  const { manifest } = await followToEnd(dropped, stack, terminal, signal);
  return manifest;
}

function accountCheck(
  what: string,
  manifest: Manifest,
  expected: Partial<Record<(typeof outcomes)[number], number>>,
): SmokeCheck {
  const wrong = outcomes.filter((outcome) => manifest[`${outcome}_records`] !== (expected[outcome] ?? 0));
  const counts = outcomes
    .filter((outcome) => manifest[`${outcome}_records`] > 0)
    .map((outcome) => `${manifest[`${outcome}_records`]} ${outcome}`);
  return {
    sentence: `${what}: ${manifest.total_records} = ${counts.join(' + ')}${wrong.length > 0 ? '; expected others' : ''}`,
    holds: wrong.length === 0 && manifest.reconciled,
  };
}
