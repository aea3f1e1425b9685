import { MetricUnit, Metrics as EmfMetrics } from '@aws-lambda-powertools/metrics';
import type { Metrics } from '../ports.ts';

/**
 * Metrics as lines of the log (CloudWatch's embedded metric format): they cost no call. Namespace `Sluice`, by stack and
 * feed.
 */
export function createMetrics(service: string, stack: string): Metrics {
  return {
    put(feed, values) {
      const metrics = new EmfMetrics({ namespace: 'Sluice', serviceName: service });
      metrics.addDimensions({ stack, feed });
      for (const [name, { unit, value }] of Object.entries(values)) {
        metrics.addMetric(name, unit === 'Count' ? MetricUnit.Count : MetricUnit.Seconds, value);
      }
      metrics.publishStoredMetrics();
    },
  };
}
