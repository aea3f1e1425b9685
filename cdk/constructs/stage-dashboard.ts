import { Duration } from 'aws-cdk-lib';
import type { IMetric, IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import {
  Dashboard,
  GraphWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  PeriodOverride,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { FeedSettings, Settings } from '../settings.ts';
import type { MetricStatistic } from './alarms.ts';
import { feedMetric, runbookName } from './alarms.ts';
import type { FeedPipeline } from './feed-pipeline.ts';
import type { Lane } from './lane.ts';
import type { Ledger } from './ledger.ts';
import { visible } from './metrics-of.ts';

export interface StageDashboardProps {
  settings: Settings;
  pipelines: readonly FeedPipeline[];
  ledger: Ledger;
}

const minute = Duration.minutes(1);
const usual = Duration.minutes(5);
const half = 12;

/** What came in, what went out and what waits: one row per feed, and one for what drives the cost. */
export class StageDashboard extends Construct {
  constructor(scope: Construct, id: string, props: StageDashboardProps) {
    super(scope, id);
    const { settings, pipelines } = props;
    const dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: settings.stackName,
      defaultInterval: Duration.hours(12),
      periodOverride: PeriodOverride.INHERIT,
    });
    dashboard.addWidgets(
      new TextWidget({
        markdown: `**${settings.stackName}**: what to do about each alarm: ${settings.runbookUrl ?? runbookName}`,
        width: 24,
        height: 1,
      }),
    );
    for (const pipeline of pipelines) {
      for (const row of feedRows(settings, pipeline)) dashboard.addWidgets(...row);
    }
    dashboard.addWidgets(...costRow(props));
  }
}

function feedRows(settings: Settings, { feed, lanes, reconciler }: FeedPipeline): IWidget[][] {
  const { name } = feed;
  const own = (metric: string, statistic: MetricStatistic, period = usual) =>
    feedMetric(settings, name, metric, statistic, period);
  const byLane = (metric: (lane: Lane) => IMetric): IMetric[] => lanes.map(metric);
  return [
    [new TextWidget({ markdown: `## ${name}`, width: 24, height: 1 })],
    [
      graph(`${name}: files and records received`, [
        ...byLane(({ intake, settings: { name: lane } }) =>
          intake.queue.metricNumberOfMessagesSent({ statistic: 'Sum', period: usual, label: `announcements, ${lane}` }),
        ),
        ...byLane(({ records, settings: { name: lane } }) =>
          records.queue.metricNumberOfMessagesSent({ statistic: 'Sum', period: usual, label: `batches, ${lane}` }),
        ),
      ]),
      graph(`${name}: finished records`, [
        own('ProcessedRecords', 'Sum').with({ label: 'all' }),
        own('RejectedRecords', 'Sum').with({ label: 'rejected' }),
        own('FailedRecords', 'Sum').with({ label: 'refused, exhausted' }),
      ]),
    ],
    [
      graph(`${name}: use of the limit, percent`, [limitUse(settings, feed)]),
      graph(
        `${name}: waiting`,
        [
          ...byLane(({ records, settings: { name: lane } }) =>
            visible(records.queue).with({ label: `batches, ${lane}` }),
          ),
          ...byLane(({ intake, settings: { name: lane } }) => visible(intake.queue).with({ label: `files, ${lane}` })),
        ],
        [
          ...byLane(({ records, settings: { name: lane } }) =>
            records.queue.metricApproximateAgeOfOldestMessage({
              statistic: 'Maximum',
              period: usual,
              label: `oldest batch, s, ${lane}`,
            }),
          ),
        ],
      ),
    ],
    [
      graph(
        `${name}: latency of the ${feed.api.url === undefined ? 'record ledger' : 'API'}, ms`,
        (['p50', 'p95', 'p99', 'Maximum'] as const).map((each) => own('ApiLatency', each).with({ label: each })),
      ),
      graph(
        `${name}: time spent waiting for a send time, percent; connections in use`,
        [own('SlotWaitShare', 'Average').with({ label: 'waiting, percent' })],
        [
          own('ConnectionsInUse', 'p50').with({ label: 'connections of a consumer, p50' }),
          own('ConnectionsInUse', 'Maximum').with({ label: 'connections of a consumer, most' }),
        ],
      ),
    ],
    [
      graph(`${name}: dead letters`, [
        own('OpenDeadLetters', 'Maximum').with({ label: 'open, by the ledger' }),
        ...byLane(({ letters, settings: { name: lane } }) =>
          visible(letters.dlq).with({ label: `in the DLQ, ${lane}` }),
        ),
      ]),
      new LogQueryWidget({
        title: `${name}: dead letters by reason`,
        view: LogQueryVisualizationType.PIE,
        logGroupNames: [...lanes.map(({ consumer }) => consumer), reconciler.function].map(
          ({ logGroup }) => logGroup.logGroupName,
        ),
        queryLines: ['filter message = "records failed"', 'stats sum(count) as letters by reason', 'sort letters desc'],
        width: half,
        height: 6,
      }),
    ],
    ...(feed.deadline === undefined
      ? []
      : [[graph(`${name}: seconds to spare before ${feed.deadline}`, [own('DeadlineMarginSeconds', 'Minimum')])]]),
  ];
}

/** Finished requests compared with the API's limit, without retries. */
function limitUse(settings: Settings, { name, api }: FeedSettings): IMetric {
  const aMinute = (api.requests / api.windowSeconds) * 60;
  return new MathExpression({
    expression: `100 * (processed - rejected) / ${aMinute}`,
    usingMetrics: {
      processed: feedMetric(settings, name, 'ProcessedRecords', 'Sum', minute),
      rejected: feedMetric(settings, name, 'RejectedRecords', 'Sum', minute),
    },
    label: 'accepted or refused',
    period: minute,
  });
}

function costRow({ pipelines, ledger }: StageDashboardProps): IWidget[] {
  const functions: Function[] = pipelines.flatMap(({ lanes, finalizer }) => [
    ...lanes.flatMap(({ splitter, consumer }) => [splitter, consumer]),
    finalizer.function,
  ]);
  const capacity = (metricName: string) => ledger.table.metric(metricName, { statistic: 'Sum', period: usual });
  const queues = pipelines.flatMap(({ lanes }) =>
    lanes.flatMap(({ records, letters }) => [records.queue, letters.queue]),
  );
  return [
    graph(
      'Cost: time of the functions, ms',
      functions.map((each) => each.metricDuration({ statistic: 'Sum', period: usual })),
    ),
    graph(
      'Cost: the ledger’s units, and messages',
      [
        capacity('ConsumedWriteCapacityUnits').with({ label: 'write units' }),
        capacity('ConsumedReadCapacityUnits').with({ label: 'read units' }),
      ],
      queues.map((queue) => queue.metricNumberOfMessagesReceived({ statistic: 'Sum', period: usual })),
    ),
  ];
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: half, height: 6 });
}
