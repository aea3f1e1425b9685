import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMetrics } from '../../../lambdas/runtime/metrics.ts';

const lines: string[] = [];
beforeEach(() => {
  lines.length = 0;
  // Variables that Lambda's runtime sets; a service is set for the log.
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'sluice-consumer');
  // Through the console, which a test can read; on a laptop, metrics would otherwise go nowhere.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('writes a feed’s figures as CloudWatch reads them: by stack and feed alone, and once', () => {
  const metrics = createMetrics({ stack: 'sluice-prod', feed: 'maintenance' });
  metrics.add('ProcessedRecords', 500);
  metrics.add('ProcessedRecords', 20);
  metrics.add('BatchDuration', 1_200);
  metrics.flush();
  metrics.flush();
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? '') as { _aws: { CloudWatchMetrics: unknown[] } };
  expect(line).toMatchObject({ stack: 'sluice-prod', feed: 'maintenance', ProcessedRecords: [500, 20] });
  expect(line._aws.CloudWatchMetrics).toEqual([
    {
      Namespace: 'Sluice',
      Dimensions: [['stack', 'feed']],
      Metrics: [
        { Name: 'ProcessedRecords', Unit: 'Count' },
        { Name: 'BatchDuration', Unit: 'Milliseconds' },
      ],
    },
  ]);
});

it('publishes the values of many requests in one line, up to 99 of each metric', () => {
  const metrics = createMetrics({ stack: 'sluice-prod', feed: 'traffic' });
  for (let request = 1; request <= 1_000; request++) {
    metrics.add('ApiLatency', request);
    metrics.add('ConnectionsInUse', 1 + (request % 4));
  }
  metrics.add('SlotWaitShare', 62.5);
  metrics.flush();
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? '') as { ApiLatency: number[]; _aws: { CloudWatchMetrics: unknown[] } };
  expect(line).toMatchObject({ ApiLatency: { length: 99 }, ConnectionsInUse: { length: 99 } });
  expect([line.ApiLatency.at(0), line.ApiLatency.at(-1)]).toEqual([1, 1_000]);
  expect(line._aws.CloudWatchMetrics).toMatchObject([
    {
      Metrics: [
        { Name: 'SlotWaitShare', Unit: 'Percent' },
        { Name: 'ApiLatency', Unit: 'Milliseconds' },
        { Name: 'ConnectionsInUse', Unit: 'Count' },
      ],
    },
  ]);
  // What was published is not published again.
  metrics.add('ApiLatency', 7);
  metrics.flush();
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ ApiLatency: 7 });
});

it('keeps the dimensions for later figures', () => {
  const metrics = createMetrics({ stack: 'sluice-prod', feed: 'maintenance' });
  for (const value of [1, 2]) {
    metrics.add('FailedRecords', value);
    metrics.flush();
  }
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { feed: 'maintenance', FailedRecords: 1 },
    { feed: 'maintenance', FailedRecords: 2 },
  ]);
});
