import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stateDirOf } from '../../cli/stack/state-dir.ts';
import { copyTables, startSecondOpinion } from '../second-opinion/start-second-opinion.ts';
import { expectedInTests } from './expected-in-tests.ts';
import { startTestCloud } from './start-test-cloud.ts';

const notAsked = {
  found: { dynamoDb: { missing: 'not asked' }, sqs: { missing: 'not asked' } },
  stop: () => Promise.resolve(),
};

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = stateDirOf(process.env);
  const logDir = join(stateDir, `second-opinion-${process.pid}`);
  // The contract suites alone run on them.
  const isAsked = project.vitest.state.getPaths().some((path) => path.includes('/test/contract/'));
  // Both take seconds of waiting: at the same time.
  const [second, first] = await Promise.allSettled([
    isAsked ? startSecondOpinion(join(stateDir, 'second-opinion'), logDir) : notAsked,
    startTestCloud({
      name: 'test',
      limit: { requests: 4_000, windowSeconds: 10 },
      stage: 'local',
      settings: {
        SLUICE_FEEDS: 'traffic,maintenance,telemetry',
        SLUICE_TELEMETRY_EXPECTED: JSON.stringify(expectedInTests),
        SLUICE_TRAFFIC_SERIES: 'revisions/{log}_R{#}.csv',
        SLUICE_TRAFFIC_CHANGED_RECORDS: 'replaces',
      },
    }),
  ]);
  const tearDown = async () => {
    await Promise.all([
      second.status === 'fulfilled' ? second.value.stop() : undefined,
      first.status === 'fulfilled' ? first.value.tearDown() : undefined,
    ]);
    rmSync(logDir, { recursive: true, force: true });
  };
  try {
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    const { dynamoDb, sqs } = second.value.found;
    if ('endpoint' in dynamoDb) await copyTables(first.value.cloud, dynamoDb.endpoint);
    for (const [name, found] of [
      ['DynamoDB Local', dynamoDb],
      ['ElasticMQ', sqs],
    ] as const) {
      if (isAsked && 'missing' in found) console.log(`The contract suites are not run on ${name}: ${found.missing}.`);
    }
    project.provide('secondOpinion', { dynamoDb, sqs });
    project.provide('cloud', first.value.cloud);
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}
