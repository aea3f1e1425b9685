import { Aws, Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { apiIdOf } from '../api-id.ts';
import { parseDeadline } from '../deadline.ts';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Archive } from './archive.ts';
import type { Desk } from './desk.ts';
import type { Finalizer } from './finalizer.ts';
import type { IntakeBucket } from './intake-bucket.ts';
import type { Lane } from './lane.ts';
import type { Ledger } from './ledger.ts';
import { ledgerKeys } from './ledger.ts';
import { SluiceFunction } from './sluice-function.ts';
import type { WorkBucket } from './work-bucket.ts';

/** The first feed's reconciler looks for objects in the whole bucket. */
export const looksForStrays = ({ name }: FeedSettings, { feeds }: Settings): boolean => feeds[0]?.name === name;

function lanePrefixesOf({ feeds }: Settings): string[] {
  return feeds.flatMap(({ lanes }) => lanes.map(({ keyPrefix }) => keyPrefix));
}

/** Deployed with the code: the environment (4 KB in total) has room for a few expected files only. */
export const expectedFile = 'expected.json';

export interface ReconcilerProps {
  settings: Settings;
  root: string;
  feed: FeedSettings;
  ledger: Ledger;
  intake: IntakeBucket;
  lanes: Lane[];
  work: WorkBucket;
  archive: Archive;
  finalizer: Finalizer;
  desk: Desk;
}

/** Picks up, on a schedule, what a crash left unfinished in a feed, and notifies the desk of what needs attention. */
export class Reconciler extends Construct {
  readonly function: SluiceFunction;

  constructor(scope: Construct, id: string, props: ReconcilerProps) {
    super(scope, id);
    const { settings, feed } = props;
    this.function = this.#createFunction(props);
    this.#grant(props);
    new Rule(this, 'Schedule', {
      description: `Runs the reconciler of ${feed.name} in ${settings.stackName}.`,
      schedule: Schedule.rate(Duration.minutes(settings.reconciler.everyMinutes)),
      // EventBridge starts a run once. Lambda repeats a failed one after one minute, and after two more: its default for
      // events, which the run at the deadline needs. That is safe: a lease allows one run at a time, and every step can be
      // repeated.
      targets: [new LambdaFunction(this.function, { retryAttempts: 0 })],
    });
    this.#runAtDeadline(feed);
  }

  #createFunction(props: ReconcilerProps): SluiceFunction {
    const { settings, root, feed, ledger, intake, lanes, work, archive, finalizer, desk } = props;
    const { timeoutSeconds, memoryMb, stalledAfterSeconds } = settings.reconciler;
    return new SluiceFunction(this, 'Function', {
      settings,
      root,
      folder: 'reconciler',
      functionName: `${settings.stackName}-${feed.name}-reconciler`,
      description: `Checks the deadline of ${feed.name}, queues stalled work again, and notifies the desk.`,
      timeoutSeconds,
      memoryMb,
      queuesToItself: false,
      files: feed.expected.length === 0 ? {} : { [expectedFile]: JSON.stringify(feed.expected) },
      // It audits the records of the batches that it buries.
      logRetentionDays: feed.logRetentionDays,
      environment: {
        LEDGER_TABLE: ledger.table.tableName,
        FINALIZE_QUEUE_URL: finalizer.queue.queueUrl,
        FINALIZE_DLQ_URL: finalizer.dlq.queueUrl,
        // The ledger knows small files by their bundles only, so a listing can't show which of them are missing.
        ...(feed.control ? { CONTROL: JSON.stringify(feed.control) } : {}),
        ...(feed.smallFiles ? {} : { INTAKE_BUCKET: intake.bucket.bucketName }),
        ...(looksForStrays(feed, settings)
          ? { STRAYS: JSON.stringify({ bucket: intake.bucket.bucketName, lanePrefixes: lanePrefixesOf(settings) }) }
          : {}),
        WORK_BUCKET: work.bucket.bucketName,
        ARCHIVE_BUCKET: archive.bucket.bucketName,
        DESK_TOPIC_ARN: desk.topic.topicArn,
        TIMEOUT_SECONDS: String(timeoutSeconds),
        STALLED_AFTER_SECONDS: String(stalledAfterSeconds),
        FEED: JSON.stringify(projectedFeed(feed)),
        ...(feed.expected.length === 0 ? {} : { EXPECTED_FILE: expectedFile }),
        SHARING_FEEDS: JSON.stringify(namesSharingApi(feed, settings)),
        LANES: JSON.stringify(
          lanes.map((lane) => ({
            lane: lane.settings.name,
            intakeQueueUrl: lane.intake.queue.queueUrl,
            recordsQueueUrl: lane.records.queue.queueUrl,
            intakeDlqUrl: lane.intake.dlq.queueUrl,
            recordsDlqUrl: lane.records.dlq.queueUrl,
            lettersDlqUrl: lane.letters.dlq.queueUrl,
            ...(feed.smallFiles ? {} : { keyPrefix: lane.settings.keyPrefix }),
          })),
        ),
      },
    });
  }

  #grant({ settings, feed, ledger, intake, lanes, work, archive, finalizer, desk }: ReconcilerProps): void {
    const { name } = feed;
    const own = [
      ledgerKeys.files(name),
      ledgerKeys.altered(name),
      ...(feed.control ? [ledgerKeys.controls(name)] : []),
    ];
    ledger.grant(this.function, own, 'GetItem', 'Query', 'UpdateItem');
    ledger.grant(this.function, [ledgerKeys.desk(name)], 'GetItem', 'PutItem', 'Query', 'UpdateItem');
    ledger.grant(this.function, [ledgerKeys.reconciler(name)], 'UpdateItem');
    ledger.grant(this.function, [ledgerKeys.limiter(apiIdOf(feed))], 'GetItem');
    ledger.grantList(this.function, [name, ...namesSharingApi(feed, settings)]);
    work.grantGetReceipts(this.function, name);
    work.grantPutReceipts(this.function, name);
    work.grantPayloads(this.function, name);
    archive.grantList(this.function, name);
    desk.grantTell(this.function);
    this.function.maySendTo(finalizer.queue, ...lanes.map((lane) => lane.intake.queue));
    const dlqs = [
      finalizer.dlq,
      ...lanes.flatMap(({ intake, records, letters }) => [intake.dlq, records.dlq, letters.dlq]),
    ];
    this.function.may(['sqs:GetQueueAttributes'], ...lanes.map((lane) => lane.records.queue.queueArn));
    this.function.mayLookInto(...dlqs);
    if (looksForStrays(feed, settings)) intake.grantListStrays(this.function, lanePrefixesOf(settings));
    if (feed.smallFiles) return;
    const keyPrefixes = lanes.map((lane) => lane.settings.keyPrefix);
    intake.grantListVersions(this.function, keyPrefixes);
    this.function.may(['sqs:GetQueueAttributes'], ...lanes.map((lane) => lane.intake.queue.queueArn));
  }

  /** By the local time of the feed's people. */
  #runAtDeadline({ name, deadline: text }: FeedSettings): void {
    const deadline = text === undefined ? undefined : parseDeadline(text);
    if (!deadline) return;
    const { hour, minute, timeZone } = deadline;
    // Not by the CDK's own target: it would let the schedule invoke every version of the function.
    const role = new Role(this, 'DeadlineRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
      description: `Runs the reconciler at the deadline of ${name}.`,
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.function.functionArn] }),
    );
    const schedule = new CfnSchedule(this, 'Deadline', {
      description: `Notifies the desk of ${name} at ${text} of everything still open.`,
      scheduleExpression: `cron(${minute} ${hour} * * ? *)`,
      scheduleExpressionTimezone: timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.function.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({ kind: 'deadline', feed: name }),
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: Duration.hours(1).toSeconds() },
      },
    });
    schedule.node.addDependency(role);
  }
}

/** What a projection of the feed's files needs. */
function projectedFeed(feed: FeedSettings) {
  const { name, api, deadline } = feed;
  const { url, requests, windowSeconds, isPaced, calendar } = api;
  const limit = url === undefined ? {} : { limit: { requests, windowSeconds, isPaced, calendar } };
  return {
    feed: name,
    api: apiIdOf(feed),
    ...limit,
    ...(deadline === undefined ? {} : { deadline: parseDeadline(deadline) }),
  };
}

/** Feeds that share the API's limit: their files wait in the same line. A projection needs only their names. */
function namesSharingApi(feed: FeedSettings, { feeds }: Settings): string[] {
  return feeds.filter((other) => other.name !== feed.name && apiIdOf(other) === apiIdOf(feed)).map(({ name }) => name);
}
