import { relative } from 'node:path';
import type { TestProject } from 'vitest/node';
import { expectedInTests } from './expected-in-tests.ts';
import { startTestCloud } from './start-test-cloud.ts';
import { unusedGrants } from './unused-grants.ts';

const control = { suffix: '.ctl', comes: 'after', kind: 'rows', waitMinutes: 30 };

/** The local cloud of the integration tests, but with IAM evaluated for every call. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  if (process.env['AWS_ENDPOINT_URL']) {
    // vitest.config.ts has the tests skipped.
    const paths = (await project.globTestFiles()).testFiles.map((path) => relative(project.config.root, path));
    console.log(`Skipped, because whether AWS_ENDPOINT_URL evaluates IAM is not known: ${paths.join(', ')}`);
    return () => Promise.resolve();
  }
  const { cloud, tearDown } = await startTestCloud({
    name: project.name,
    limit: { requests: 4_000, windowSeconds: 10 },
    stage: 'local',
    settings: {
      SLUICE_FEEDS: 'traffic,maintenance,telemetry',
      SLUICE_TELEMETRY_EXPECTED: JSON.stringify(expectedInTests),
      SLUICE_TRAFFIC_SERIES: 'revisions/{log}_R{#}.csv',
      SLUICE_TRAFFIC_CHANGED_RECORDS: 'replaces',
      // Other tests of the long run drop files without a control file.
      ...(project.name === 'least-privilege' ? { SLUICE_TELEMETRY_CONTROL: JSON.stringify(control) } : {}),
    },
    enforceIam: true,
  });
  project.provide('cloud', cloud);
  return async () => {
    // After a part of the tests it would say nothing.
    if (project.name === 'iam') {
      console.log(['Granted, and not asked for by any test:', ...(await unusedGrants(cloud))].join('\n  '));
    }
    await tearDown();
  };
}
