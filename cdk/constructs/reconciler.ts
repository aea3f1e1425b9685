import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { Lane } from './lane.ts';
import type { Ledger } from './ledger.ts';
import { SluiceFunction } from './sluice-function.ts';

export interface ReconcilerProps {
  settings: Settings;
  root: string;
  ledger: Ledger;
  lanes: Lane[];
  finalizeQueue: Queue;
}

/** Picks up, on a schedule, what a crash left unfinished. */
export class Reconciler extends Construct {
  readonly function: SluiceFunction;

  constructor(scope: Construct, id: string, { settings, root, ledger, lanes, finalizeQueue }: ReconcilerProps) {
    super(scope, id);
    const { timeoutSeconds, memoryMb, everyMinutes, stalledAfterSeconds } = settings.reconciler;
    this.function = new SluiceFunction(this, 'Function', {
      settings,
      root,
      folder: 'reconciler',
      functionName: `${settings.stackName}-reconciler`,
      description: 'Queues again what has stalled.',
      timeoutSeconds,
      memoryMb,
      queuesToItself: false,
      environment: {
        LEDGER_TABLE: ledger.table.tableName,
        FINALIZE_QUEUE_URL: finalizeQueue.queueUrl,
        STALLED_AFTER_SECONDS: String(stalledAfterSeconds),
        LANES: JSON.stringify(
          lanes.map((lane) => ({
            feed: lane.settings.feed,
            lane: lane.settings.name,
            intakeQueueUrl: lane.intake.queue.queueUrl,
            recordsQueueUrl: lane.records.queue.queueUrl,
          })),
        ),
      },
    });
    ledger.grant(this.function, 'BatchGetItem', 'Query', 'UpdateItem');
    ledger.grantList(this.function);
    this.function.maySendTo(finalizeQueue, ...lanes.map((lane) => lane.intake.queue));
    this.function.may(['sqs:GetQueueAttributes'], ...lanes.map((lane) => lane.records.queue.queueArn));
    new Rule(this, 'Schedule', {
      description: `Runs ${settings.stackName}'s reconciler.`,
      schedule: Schedule.rate(Duration.minutes(everyMinutes)),
      // A run that failed isn't tried again: the next one does its work.
      targets: [new LambdaFunction(this.function, { retryAttempts: 0 })],
    });
  }
}
