import { Duration } from 'aws-cdk-lib';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Alarms } from './alarms.ts';
import { feedMetric } from './alarms.ts';
import type { Lane } from './lane.ts';
import { aged, errorsOf, sumOf, throttlesOf, visible } from './metrics-of.ts';

/** SQS loses a message at the end of its retention: the alarm leaves so many days to do something about it. */
const daysBeforeLoss = 4;

/** An announcement or a letter that waits longer than this does so for a reason. Seconds. */
const plannedWaitSeconds = 3600;

/** Below this many records a share says nothing. */
const fewestRecords = 100;

/** What is wrong with a clock is made up for by the limiter, up to a point. Milliseconds. */
const badSkewMs = 1_000;

/** What can go wrong with a feed, as its people are told of it. */
export function addFeedAlarms(alarms: Alarms, settings: Settings, feed: FeedSettings, lanes: readonly Lane[]): void {
  const { name } = feed;
  const own = (metric: string, statistic: 'Sum' | 'Maximum' | 'Minimum', period?: Duration) =>
    feedMetric(settings, name, metric, statistic, period);
  const run = Duration.minutes(Math.max(1, settings.reconciler.everyMinutes));
  const retentionDays = settings.queues.retentionDays;
  const letters = sumOf(lanes.map(({ letters: { dlq } }) => visible(dlq)));

  alarms.add({
    name: 'dead-letters',
    feed: name,
    says: `Records of ${name} need somebody: their letters are in the DLQ.`,
    metric: letters,
    threshold: 1,
    tellsEnd: true,
  });
  alarms.add({
    name: 'dead-letters-growing',
    feed: name,
    says: `The DLQ of ${name} has grown in each of the last three quarters of an hour: this is no single bad file.`,
    metric: new MathExpression({
      expression: 'DIFF(letters)',
      usingMetrics: { letters: sumOf(lanes.map(({ letters: { dlq } }) => visible(dlq, Duration.minutes(15)))) },
      period: Duration.minutes(15),
    }),
    threshold: 1,
    periods: 3,
  });
  alarms.add({
    name: 'work-given-up',
    feed: name,
    says:
      `A file's announcement or a batch of ${name} was received as often as SQS allows and lies in a DLQ: ` +
      `whatever took it failed each time.`,
    metric: sumOf(lanes.flatMap(({ intake, records }) => [visible(intake.dlq), visible(records.dlq)])),
    threshold: 1,
  });
  alarms.add({
    name: 'work-waits-too-long',
    feed: name,
    says:
      `The oldest message of ${name} has waited longer than planned: ${2 * settings.horizonSeconds} s for a batch, ` +
      `${plannedWaitSeconds} s for a file or a letter.`,
    metric: lateQueues(settings, lanes),
    threshold: 1,
    periods: 3,
  });
  alarms.add({
    name: 'breaker-open',
    feed: name,
    says: `The API of ${name} fails or throttles: nothing is sent to it but a probe each minute. Records wait.`,
    metric: own('BreakerOpen', 'Sum'),
    threshold: 1,
    tellsEnd: true,
  });
  alarms.add({
    name: 'token-refused',
    feed: name,
    says: `The API of ${name} answers 401 or 403, also after the secret was read anew. Records wait without end.`,
    metric: own('UnauthorisedAnswers', 'Sum'),
    threshold: 1,
  });
  alarms.add({
    name: 'many-rejects',
    feed: name,
    says: `In a quarter of an hour ${percent(feed.toleratedShare / 2)} of the records of ${name} or more were rejected.`,
    metric: new MathExpression({
      expression: `IF(processed >= ${fewestRecords}, rejected / processed, 0)`,
      usingMetrics: {
        processed: own('ProcessedRecords', 'Sum', Duration.minutes(15)),
        rejected: own('RejectedRecords', 'Sum', Duration.minutes(15)),
      },
      period: Duration.minutes(15),
    }),
    threshold: feed.toleratedShare / 2,
  });
  alarms.add({
    name: 'file-stopped',
    feed: name,
    says: `A file of ${name} was taken for a wrong one and stopped; what was not sent is held.`,
    metric: own('QuarantinedFiles', 'Sum'),
    threshold: 1,
  });
  alarms.add({
    name: 'stalled-work',
    feed: name,
    says: `Work on a file of ${name} has stopped, and was asked for again more than once.`,
    metric: own('StalledFiles', 'Maximum', run),
    threshold: 1,
    periods: 2,
    of: 3,
  });
  alarms.add({
    name: 'function-errors',
    feed: name,
    says: `The splitter or the consumer of ${name} failed, or was killed, in two of the last three periods of five minutes.`,
    metric: errorsOf(lanes.flatMap(({ splitter, consumer }) => [splitter, consumer])),
    threshold: 1,
    periods: 2,
    of: 3,
  });
  alarms.add({
    name: 'throttled',
    feed: name,
    says: `Lambda has no room for the functions of ${name}: the account runs as many as it may.`,
    metric: throttlesOf(lanes.flatMap(({ splitter, consumer }) => [splitter, consumer])),
    threshold: 10,
    periods: 3,
  });
  alarms.add({
    name: 'clock-skew',
    feed: name,
    says: `The clock of a consumer of ${name} was wrong by a second or more.`,
    metric: own('ClockSkew', 'Maximum'),
    threshold: badSkewMs,
  });
  alarms.add({
    name: 'retention-near-its-end',
    feed: name,
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
    name: 'deadline-at-risk',
    feed: name,
    says: `At the rate that its API allows, a file of ${name} will be done after ${feed.deadline}.`,
    // One run of the reconciler in each, so that none goes by without a figure while files are open.
    metric: own('DeadlineMarginSeconds', 'Minimum', run),
    threshold: 0,
    isFloor: true,
    tellsEnd: true,
  });
}

/** Queues whose oldest message has waited longer than planned. */
function lateQueues({ horizonSeconds }: Settings, lanes: readonly Lane[]): IMetric {
  const waits = lanes.flatMap(({ intake, records, letters }) => [
    { queue: records.queue, seconds: 2 * horizonSeconds },
    { queue: intake.queue, seconds: plannedWaitSeconds },
    { queue: letters.queue, seconds: plannedWaitSeconds },
  ]);
  return new MathExpression({
    expression: waits.map(({ seconds }, n) => `IF(FILL(age${n}, 0) >= ${seconds}, 1, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(waits.map(({ queue }, n) => [`age${n}`, aged(queue)])),
    period: Duration.minutes(5),
  });
}

const percent = (share: number): string => `${Math.round(share * 100)}%`;
