import { defineConfig } from 'vitest/config';

/** Unit and stack tests need nothing; the others share one local cloud, which they bring up and take down themselves. */
const report = process.env['SLUICE_TEST_REPORT'];

/** IAM is evaluated; a function that is denied a call fails the file. */
const enforcing = {
  globalSetup: ['test/support/iam-setup.ts'],
  setupFiles: process.env['AWS_ENDPOINT_URL'] ? [] : ['test/support/expect-no-denials.ts'],
  testTimeout: 180_000,
  hookTimeout: 300_000,
  fileParallelism: false,
  // Only an endpoint that the tests start themselves is known to evaluate IAM. /$./ matches no test's name.
  ...(process.env['AWS_ENDPOINT_URL'] ? { testNamePattern: /$./ } : {}),
};

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/cdk/**/*.test.ts'],
          // Vitest keeps one of two cores free; and loading the AWS SDK and CDK anew for each file takes a third of the time.
          maxWorkers: 2,
          isolate: false,
          // A whole stack is synthesised and checked in some of the hooks: seconds alone, many more beside the other files.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'local-cloud',
          include: ['test/contract/**/*.test.ts', 'test/integration/**/*.test.ts'],
          globalSetup: ['test/support/local-cloud-setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Two cores: files one after the other, so that no test starves another's API of time.
          fileParallelism: false,
        },
      },
      {
        // The same on a local cloud that evaluates IAM for every call, in short: `npm run test:iam` has all of it.
        test: { name: 'least-privilege', include: ['test/iam/**/*.test.ts'], ...enforcing },
      },
      {
        test: {
          name: 'iam',
          include: ['test/iam/**/*.test.ts', 'test/integration/**/*.test.ts'],
          // Of the fake API alone; of a stack of its own; and with settings for which the suite's stack has no grants.
          exclude: [
            ...['fake-avstar', 'smoke', 'control-files'].map((name) => `test/integration/${name}.test.ts`),
            'test/iam/control-file.test.ts',
          ],
          ...enforcing,
        },
      },
      {
        // Minutes long, with functions that are killed and waited for: `npm run test:faults`, not part of `npm test`.
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/faults/faults-setup.ts'],
          testTimeout: 900_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
