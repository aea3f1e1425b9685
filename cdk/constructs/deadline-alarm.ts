import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Desk } from './desk.ts';

export interface DeadlineAlarmProps {
  settings: Settings;
  feed: FeedSettings;
  desk: Desk;
}

/** Goes off when a file is projected to be done after its feed's deadline: hours before it is missed. */
export class DeadlineAlarm extends Construct {
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, { settings, feed, desk }: DeadlineAlarmProps) {
    super(scope, id);
    this.alarm = new Alarm(this, 'Alarm', {
      alarmName: `${settings.stackName}-${feed.name}-deadline-at-risk`,
      alarmDescription:
        `At the rate that its API allows, a file of ${feed.name} will be done after ${feed.deadline}. ` +
        `'sluice --stack ${settings.stackName} status' says which one and how late; the message to the desk says what ` +
        `would help. See docs/operations.md#deadline-at-risk.`,
      metric: new Metric({
        namespace: 'Sluice',
        metricName: 'DeadlineMarginSeconds',
        dimensionsMap: { stack: settings.stackName, feed: feed.name },
        statistic: 'Minimum',
        // One run of the reconciler in each, so that none goes by without a figure while files are open.
        period: Duration.minutes(settings.reconciler.everyMinutes),
      }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      // No file is open.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.alarm.addAlarmAction(new SnsAction(desk.topic));
    this.alarm.addOkAction(new SnsAction(desk.topic));
  }
}
