import { Duration } from 'aws-cdk-lib';
import type { Settings } from '../settings.ts';
import type { Alarms } from './alarms.ts';
import type { FeedPipeline } from './feed-pipeline.ts';
import { aged, errorsOf, visible } from './metrics-of.ts';

/** While letters are being redriven, the finalizer sends its message again, for up to a quarter of an hour. Seconds. */
const longestGathering = 3600;

/** What can go wrong with a feed's finalizer and reconciler. */
export function addPipelineAlarms(
  alarms: Alarms,
  settings: Settings,
  { feed: { name }, finalizer, reconciler }: Pick<FeedPipeline, 'feed' | 'finalizer' | 'reconciler'>,
): void {
  alarms.add({
    name: `${name}-account-not-closed`,
    section: 'account-not-closed',
    says: `A file of ${name} whose records are all accounted for could not be finalized: its message is in the DLQ.`,
    metric: visible(finalizer.dlq),
    threshold: 1,
  });
  alarms.add({
    name: `${name}-finalizer-waits`,
    section: 'finalizer-waits',
    says: `The finalizer of ${name} is behind: a message has waited for it for an hour.`,
    metric: aged(finalizer.queue),
    threshold: longestGathering,
    periods: 3,
  });
  alarms.add({
    name: `${name}-finalizer-errors`,
    section: 'finalizer-errors',
    says: `The finalizer of ${name} failed, or was killed, in two of the last three periods of five minutes.`,
    metric: errorsOf(finalizer.function),
    threshold: 1,
    periods: 2,
    of: 3,
  });
  alarms.add({
    name: `${name}-reconciler-errors`,
    section: 'reconciler-errors',
    says: `The reconciler of ${name} failed twice in a row: stalled work may wait, and the desk may not be notified.`,
    metric: reconciler.function.metricErrors({
      statistic: 'Sum',
      period: Duration.minutes(settings.reconciler.everyMinutes),
    }),
    threshold: 1,
    periods: 2,
  });
  alarms.add({
    name: `${name}-reconciler-silent`,
    section: 'reconciler-silent',
    says: `The reconciler of ${name} did not run for an hour: alarms that use its metrics are not reliable now.`,
    metric: reconciler.function.metricInvocations({ statistic: 'Sum', period: Duration.hours(1) }),
    threshold: 1,
    isFloor: true,
    silence: 'wrong',
  });
}
