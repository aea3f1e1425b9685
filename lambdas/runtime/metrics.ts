import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { MetricName, Metrics } from '../ports.ts';
import { thinnedOut } from './thin-out.ts';

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
  UnsentFiles: MetricUnit.Count,
  BreakerOpen: MetricUnit.Count,
  UnauthorisedAnswers: MetricUnit.Count,
  ClockSkew: MetricUnit.Milliseconds,
  StalledFiles: MetricUnit.Count,
  OpenDeadLetters: MetricUnit.Count,
  OldestDeadLetterAge: MetricUnit.Seconds,
  DeadlineMarginSeconds: MetricUnit.Seconds,
  UnannouncedFiles: MetricUnit.Count,
  UnclaimedObjects: MetricUnit.Count,
  MissingFiles: MetricUnit.Count,
  OverdueControlFiles: MetricUnit.Count,
  ApiLatency: MetricUnit.Milliseconds,
  SlotWaitShare: MetricUnit.Percent,
  ConnectionsInUse: MetricUnit.Count,
  MessagesPutBack: MetricUnit.Count,
  MemoryUse: MetricUnit.Percent,
};

/**
 * EMF: a metric has at most 100 values per line. With the hundredth, Powertools writes the line, and the next metric would
 * begin another one.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const maxValues = 99;

/** Measured per request. Only their percentiles matter, not their number, so one line per invocation holds them. */
const measured: readonly MetricName[] = ['ApiLatency', 'ConnectionsInUse'];

/** Metrics as log lines that CloudWatch converts to metrics (EMF): no call, and nothing that can fail. */
export function createMetrics(dimensions: { stack: string; feed: string }): Metrics {
  const metrics = new EmfMetrics({ namespace });
  // The default `service` would be a third dimension, and the functions of a feed could not be summed.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
  const kept = new Map<MetricName, number[]>(measured.map((name) => [name, []]));
  return {
    add: (name, value) => {
      const values = kept.get(name);
      if (values) values.push(value);
      else metrics.addMetric(name, units[name], value);
    },
    flush: () => {
      for (const [name, values] of kept) {
        for (const value of thinnedOut(values.splice(0), maxValues)) metrics.addMetric(name, units[name], value);
      }
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}
