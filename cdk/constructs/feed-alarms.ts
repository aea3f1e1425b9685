import { Duration } from 'aws-cdk-lib';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Alarms } from './alarms.ts';
import { feedMetric } from './alarms.ts';
import { looksForStrays } from './reconciler.ts';

/** SQS deletes a message at the end of its retention: the alarm fires this many days before. */
const daysBeforeLoss = 4;

/** The limiter corrects a wrong clock; from this skew on, someone should know. Milliseconds. */
const badSkewMs = 1_000;

/** Above what a consumer reaches at full pace (docs/cost-and-scale.md), and in time before Lambda kills it. */
const memoryPercent = 90;

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
    says: `New dead letters of ${name} in each of the last three 15-minute periods: the cause is not a single record.`,
    metric: own('DeadLetteredRecords', 'Sum', Duration.minutes(15)),
    threshold: 1,
    periods: 3,
  });
  alarms.add({
    name: `${name}-breaker-open`,
    section: 'breaker-open',
    says: `The API of ${name} fails, throttles or refuses every record: only one probe a minute is sent. Records wait.`,
    metric: own('BreakerOpen', 'Sum'),
    threshold: 1,
    notifiesEnd: true,
  });
  alarms.add({
    name: `${name}-token-refused`,
    section: 'token-refused',
    says: `The API of ${name} answers 401 or 403, also after the secret was read again, or the secret cannot be used. Records wait until the token is valid.`,
    metric: own('UnauthorisedAnswers', 'Sum'),
    threshold: 1,
  });
  alarms.add({
    name: `${name}-many-rejects`,
    section: 'many-rejects',
    says: `At least ${rejectPercent}% of a file of ${name} are rejected: half of the share that stops a file.`,
    metric: own('RejectShare', 'Maximum', Duration.minutes(15)),
    threshold: rejectPercent,
  });
  alarms.add({
    name: `${name}-file-stopped`,
    section: 'file-stopped',
    says: `A file of ${name} was stopped as a wrong file; records that were not sent are held.`,
    metric: own('QuarantinedFiles', 'Sum'),
    threshold: 1,
  });
  alarms.add({
    name: `${name}-file-not-sent`,
    section: 'file-not-sent',
    says: `A file of ${name} failed or has no records: nothing of it was sent.`,
    metric: own('UnsentFiles', 'Sum', Duration.minutes(1)),
    threshold: 1,
  });
  alarms.add({
    name: `${name}-stalled-work`,
    section: 'stalled-work',
    says: `Work on a file of ${name} has stalled, and was queued again more than once.`,
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
      `A message in a DLQ of ${name} was first sent at least ${retentionDays - daysBeforeLoss} days ago; SQS deletes it ` +
      `after ${retentionDays}.`,
    metric: own('OldestDeadLetterAge', 'Maximum', Duration.hours(1)),
    threshold: Duration.days(retentionDays - daysBeforeLoss).toSeconds(),
    // The reconciler reports the age with each run. A missing value does not mean that the message is gone.
    silence: 'as-before',
  });
  alarms.add({
    name: `${name}-memory`,
    section: 'memory',
    says: `A function of ${name} has used ${memoryPercent}% or more of its memory. Out of memory, it is killed and starts again.`,
    metric: own('MemoryUse', 'Maximum'),
    threshold: memoryPercent,
  });
  if (looksForStrays(feed, settings)) {
    alarms.add({
      name: 'objects-not-taken',
      section: 'objects-not-taken',
      says: 'Objects were dropped into the intake bucket under a prefix that no feed takes: nothing happens to them.',
      metric: own('UnclaimedObjects', 'Sum', Duration.minutes(15)),
      threshold: 1,
    });
  }
  if (!feed.smallFiles) {
    alarms.add({
      name: `${name}-files-not-announced`,
      section: 'files-not-announced',
      says: `S3 did not announce files that were dropped for ${name}; the hourly sweep did.`,
      metric: own('UnannouncedFiles', 'Sum', Duration.minutes(15)),
      threshold: 1,
    });
  }
  if (feed.expected.length > 0) {
    alarms.add({
      name: `${name}-file-missing`,
      section: 'a-file-is-missing',
      says: `An expected file of ${name} is not here by its time, or has too few records.`,
      metric: own('MissingFiles', 'Maximum', run),
      threshold: 1,
      notifiesEnd: true,
    });
  }
  if (feed.control) {
    alarms.add({
      name: `${name}-control-file-missing`,
      section: 'a-control-file-is-missing',
      says: `A file of ${name} has waited ${feed.control.waitMinutes} minutes for its control file: nothing of it is sent.`,
      metric: own('OverdueControlFiles', 'Maximum', run),
      threshold: 1,
      notifiesEnd: true,
    });
  }
  if (feed.deadline === undefined) return;
  alarms.add({
    name: `${name}-deadline-at-risk`,
    section: 'deadline-at-risk',
    says: `At the current rate, a file of ${name} will be done after ${feed.deadline}.`,
    // One run of the reconciler in each, so that each has a figure while files are open.
    metric: own('DeadlineMarginSeconds', 'Minimum', run),
    threshold: 0,
    isFloor: true,
    notifiesEnd: true,
  });
}
