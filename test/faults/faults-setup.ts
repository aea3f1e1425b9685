import { randomInt } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { startTestCloud } from '../support/start-test-cloud.ts';

declare module 'vitest' {
  interface ProvidedContext {
    faultSeed: number;
  }
}

/** A cloud whose functions have short timeouts, so that messages of killed ones return soon; four consumers with 15 connections. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const seed = Number(process.env['SLUICE_FAULT_SEED'] ?? randomInt(2 ** 31));
  console.log(`SLUICE_FAULT_SEED=${seed}`);
  const { cloud, tearDown } = await startTestCloud({
    name: 'faults',
    limit: { requests: 6_000, windowSeconds: 10 },
    stage: 'drill',
    settings: { SLUICE_TRAFFIC_CONNECTIONS: '62', SLUICE_TRAFFIC_CONCURRENCY: '4' },
    seed,
  });
  project.provide('cloud', cloud);
  project.provide('faultSeed', seed);
  return tearDown;
}
