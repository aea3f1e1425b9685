import type { TestProject } from 'vitest/node';
import { startTestCloud } from './start-test-cloud.ts';

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { cloud, tearDown } = await startTestCloud({
    name: 'test',
    limit: { requests: 4_000, windowSeconds: 10 },
    stage: 'local',
    settings: { SLUICE_FEEDS: 'traffic,maintenance,telemetry' },
  });
  project.provide('cloud', cloud);
  return tearDown;
}
