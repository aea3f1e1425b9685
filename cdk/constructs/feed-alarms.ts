import { Duration } from 'aws-cdk-lib';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Alarms } from './alarms.ts';
import { feedMetric } from './alarms.ts';

/** SQS loses a message at the end of its retention: the alarm leaves so many days to do something about it. */
const daysBeforeLoss = 4;

/** What is wrong with a clock is made up for by the limiter, up to a point. Milliseconds. */
const badSkewMs = 1_000;

/** What can go wrong with a feed, by its own figures. */
export function addFeedAlarms(alarms: Alarms, settings: Settings, feed: FeedSettings): void {
  const { name } = feed;
  const own = (metric: string, statistic: 'Sum' | 'Maximum' | 'Minimum', period?: Duration) =>
    feedMetric(settings, name, metric, statistic, period);
  const run = Duration.minutes(Math.max(1, settings.reconciler.everyMinutes));
  const { retentionDays } = settings.queues;
  const rejectPercent = Math.round(feed.toleratedShare * 50);

  alarms.add({
    name: `${name}-dead-letters-growing`,
    section: 'dead-letters-growing',
    says: `New dead letters of ${name} in each of the last three quarters of an hour: this is no single bad record.`,
    metric: own('DeadLetteredRecords', 'Sum', Duration.minutes(15)),
    threshold: 1,
    periods: 3,
  });
  alarms.add({
    name: `${name}-breaker-open`,
    section: 'breaker-open',
    says: `The API of ${name} fails, throttles or refuses whatever it is sent: nothing is sent to it but a probe each minute. Records wait.`,
    metric: own('BreakerOpen', 'Sum'),
    threshold: 1,
    notifiesEnd: true,
  });
  alarms.add({
    name: `${name}-token-refused`,
    section: 'token-refused',
    says: `The API of ${name} answers 401 or 403, also after the secret was read anew. Records wait without end.`,
    metric: own('UnauthorisedAnswers', 'Sum'),
    threshold: 1,
  });
  alarms.add({
    name: `${name}-many-rejects`,
    section: 'many-rejects',
    says: `${rejectPercent}% and more of a file of ${name} are rejected: half of what would stop it.`,
    metric: own('RejectShare', 'Maximum', Duration.minutes(15)),
    threshold: rejectPercent,
  });
  alarms.add({
    name: `${name}-file-stopped`,
    section: 'file-stopped',
    says: `A file of ${name} was taken for a wrong one and stopped; what was not sent is held.`,
    metric: own('QuarantinedFiles', 'Sum'),
    threshold: 1,
  });
  alarms.add({
    name: `${name}-stalled-work`,
    section: 'stalled-work',
    says: `Work on a file of ${name} has stopped, and was asked for again more than once.`,
    metric: own('StalledFiles', 'Maximum', run),
    threshold: 1,
    periods: 2,
    of: 3,
  });
  alarms.add({
    name: `${name}-waits-for-aws`,
    section: 'waits-for-aws',
    says: `AWS fails or refuses calls of ${name}: its messages wait, and nothing of them is lost.`,
    // Each message comes back once in a quarter of an hour at the latest.
    metric: own('MessagesPutBack', 'Sum', Duration.minutes(15)),
    threshold: 1,
    periods: 2,
    of: 3,
    notifiesEnd: true,
  });
  alarms.add({
    name: `${name}-clock-skew`,
    section: 'clock-skew',
    says: `The clock of a consumer of ${name} was wrong by a second or more.`,
    metric: own('ClockSkew', 'Maximum'),
    threshold: badSkewMs,
  });
  alarms.add({
    name: `${name}-retention-near-its-end`,
    section: 'retention-near-its-end',
    says:
      `A message in a DLQ of ${name} was first sent ${retentionDays - daysBeforeLoss} days ago or longer; SQS drops it ` +
      `after ${retentionDays}.`,
    metric: own('OldestDeadLetterAge', 'Maximum', Duration.hours(1)),
    threshold: Duration.days(retentionDays - daysBeforeLoss).toSeconds(),
    // The reconciler tells the age with each run: one that is missing is no reason to think that it is over.
    silence: 'as-before',
  });
  if (feed.deadline === undefined) return;
  alarms.add({
    name: `${name}-deadline-at-risk`,
    section: 'deadline-at-risk',
    says: `At the rate that its API allows, a file of ${name} will be done after ${feed.deadline}.`,
    // One run of the reconciler in each, so that none goes by without a figure while files are open.
    metric: own('DeadlineMarginSeconds', 'Minimum', run),
    threshold: 0,
    isFloor: true,
    notifiesEnd: true,
  });
}
