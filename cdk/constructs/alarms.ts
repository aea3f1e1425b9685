import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { Desk } from './desk.ts';

/** An alarm on a metric: something is wrong once the metric is at `threshold` or above. */
export interface Watched {
  /** In the alarm's name, after the stack's. */
  name: string;
  /** The anchor of its heading in the runbook. */
  section: string;
  /** What has happened, in a sentence or two. */
  says: string;
  /** A single metric: local clouds have no alarms on expressions. */
  metric: Metric;
  threshold: number;
  /** Something is wrong below the threshold instead. */
  isFloor?: boolean;
  /** How many of the last `of` periods must be wrong. Default: 1 of 1. */
  periods?: number;
  of?: number;
  /** What missing data means. Default: `fine`. */
  silence?: 'fine' | 'wrong' | 'as-before';
  /** The desk is notified of its end, too. */
  notifiesEnd?: boolean;
}

const silences = {
  fine: TreatMissingData.NOT_BREACHING,
  wrong: TreatMissingData.BREACHING,
  'as-before': TreatMissingData.IGNORE,
};

/** The alarms of a stack: each notifies the desk, and names its entry in the runbook. */
export class Alarms extends Construct {
  readonly #settings: Settings;
  readonly #action: SnsAction;

  constructor(scope: Construct, id: string, { settings, desk }: { settings: Settings; desk: Desk }) {
    super(scope, id);
    this.#settings = settings;
    this.#action = new SnsAction(desk.topic);
  }

  add(watched: Watched): void {
    const { name, section, says, metric, threshold, isFloor, periods = 1, of = periods, silence = 'fine' } = watched;
    const { stackName, runbookUrl } = this.#settings;
    const { LESS_THAN_THRESHOLD, GREATER_THAN_OR_EQUAL_TO_THRESHOLD } = ComparisonOperator;
    const alarm = new Alarm(this, name, {
      alarmName: `${stackName}-${name}`,
      alarmDescription: `${says} What to do: ${runbookEntry(runbookUrl, section)}`,
      metric,
      threshold,
      comparisonOperator: isFloor ? LESS_THAN_THRESHOLD : GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: of,
      datapointsToAlarm: periods,
      treatMissingData: silences[silence],
    });
    alarm.addAlarmAction(this.#action);
    if (watched.notifiesEnd) alarm.addOkAction(this.#action);
  }
}

export type MetricStatistic = 'Sum' | 'Maximum' | 'Minimum' | 'Average' | `p${number}`;

/** How a mail refers to the runbook: by a link or, if its address is not set, by the document's name. */
export const runbookName = "docs/operations.md in Sluice's repository";

function runbookEntry(runbookUrl: string | undefined, section: string): string {
  if (runbookUrl !== undefined) return `${runbookUrl}#${section}`;
  const heading = section.charAt(0).toUpperCase() + section.slice(1).replaceAll('-', ' ');
  return `"${heading}" in ${runbookName}`;
}

/** One of Sluice's own metrics: see lambdas/runtime/metrics.ts. */
export function feedMetric(
  { stackName }: Pick<Settings, 'stackName'>,
  feed: string,
  metricName: string,
  statistic: MetricStatistic,
  period: Duration = Duration.minutes(5),
): Metric {
  return new Metric({
    namespace: 'Sluice',
    metricName,
    dimensionsMap: { stack: stackName, feed },
    statistic,
    period,
  });
}
