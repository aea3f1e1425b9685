import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MetricName, Metrics } from '../ports.ts';

/** In CloudWatch; the dimensions are `stack` and `feed`. */
const namespace = 'Sluice';

const units: Record<MetricName, (typeof MetricUnit)[keyof typeof MetricUnit]> = {
  ProcessedRecords: MetricUnit.Count,
  FailedRecords: MetricUnit.Count,
  RejectedRecords: MetricUnit.Count,
  DeadLetteredRecords: MetricUnit.Count,
  BatchDuration: MetricUnit.Milliseconds,
  RejectShare: MetricUnit.Percent,
  QuarantinedFiles: MetricUnit.Count,
  BreakerOpen: MetricUnit.Count,
  UnauthorisedAnswers: MetricUnit.Count,
  ClockSkew: MetricUnit.Milliseconds,
  StalledFiles: MetricUnit.Count,
  OpenDeadLetters: MetricUnit.Count,
  OldestDeadLetterAge: MetricUnit.Seconds,
  DeadlineMarginSeconds: MetricUnit.Seconds,
  MessagesPutBack: MetricUnit.Count,
};

/** As lines of the log that CloudWatch makes metrics of (EMF): no call, and nothing that can fail. */
export function createMetrics(dimensions: { stack: string; feed: string }): Metrics {
  const metrics = new EmfMetrics({ namespace });
  // A service of its own accord would be a third dimension, and the functions of a feed would have no sum.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
  return {
    add: (name, value) => void metrics.addMetric(name, units[name], value),
    flush: () => {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}
