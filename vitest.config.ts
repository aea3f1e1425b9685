import { defineConfig } from 'vitest/config';

/** Unit and stack tests need nothing; the others share one local cloud, which they bring up and take down themselves. */
const report = process.env['SLUICE_TEST_REPORT'];

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/cdk/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'local-cloud',
          include: ['test/contract/**/*.test.ts', 'test/integration/**/*.test.ts'],
          globalSetup: ['test/support/local-cloud-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          // Two cores: files one after the other, so that no test starves another's API of time.
          fileParallelism: false,
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
