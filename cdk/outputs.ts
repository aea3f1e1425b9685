import type { Stack } from 'aws-cdk-lib';
import { CfnOutput } from 'aws-cdk-lib';
import { apiIdOf } from './api-id.ts';
import type { Archive } from './constructs/archive.ts';
import type { Desk } from './constructs/desk.ts';
import type { FeedPipeline } from './constructs/feed-pipeline.ts';
import type { IntakeBucket } from './constructs/intake-bucket.ts';
import type { Lane } from './constructs/lane.ts';
import type { Ledger } from './constructs/ledger.ts';
import type { RecordLedger } from './constructs/record-ledger.ts';
import type { StaticEgress } from './constructs/static-egress.ts';
import type { WorkBucket } from './constructs/work-bucket.ts';
import { parseDeadline } from './deadline.ts';

export interface StackParts {
  ledger: Ledger;
  intake: IntakeBucket;
  work: WorkBucket;
  archive: Archive;
  recordLedger: RecordLedger | undefined;
  pipelines: readonly FeedPipeline[];
  desk: Desk;
  staticEgress: StaticEgress | undefined;
}

/** The names and addresses that the command line reads from a deployed stack: a contract between the two. */
export function writeOutputs(stack: Stack, parts: StackParts): void {
  const outputs: Record<string, string> = {
    IntakeBucketName: parts.intake.bucket.bucketName,
    WorkBucketName: parts.work.bucket.bucketName,
    ArchiveBucketName: parts.archive.bucket.bucketName,
    LedgerTableName: parts.ledger.table.tableName,
    DeskTopicArn: parts.desk.topic.topicArn,
  };
  if (parts.recordLedger) outputs['RecordLedgerTableName'] = parts.recordLedger.table.tableName;
  if (parts.staticEgress) outputs['EgressAddresses'] = parts.staticEgress.addresses.join(',');
  for (const { feed, token, lanes, finalizer, reconciler } of parts.pipelines) {
    const prefix = capitalised(feed.name);
    const { url, requests, windowSeconds, connections, consumers, isPaced, calendar } = feed.api;
    const limits = { requests, windowSeconds, connections, consumers, isPaced, calendar };
    if (token) outputs[`${prefix}TokenSecretArn`] = token.arn;
    const deadline = feed.deadline === undefined ? undefined : parseDeadline(feed.deadline);
    outputs[`${prefix}Api`] = JSON.stringify({
      id: apiIdOf(feed),
      url: url ?? null,
      ...limits,
      deadline,
    });
    Object.assign(outputs, {
      [`${prefix}FinalizeQueueUrl`]: finalizer.queue.queueUrl,
      [`${prefix}FinalizeDlqUrl`]: finalizer.dlq.queueUrl,
      [`${prefix}FinalizerName`]: finalizer.function.functionName,
      [`${prefix}ReconcilerName`]: reconciler.function.functionName,
    });
    for (const lane of lanes) Object.assign(outputs, laneOutputs(lane, laneName(lane)));
  }
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}

function laneOutputs(lane: Lane, name: string): Record<string, string> {
  return {
    [`${name}IntakeQueueUrl`]: lane.intake.queue.queueUrl,
    [`${name}IntakeDlqUrl`]: lane.intake.dlq.queueUrl,
    [`${name}RecordsQueueUrl`]: lane.records.queue.queueUrl,
    [`${name}RecordsDlqUrl`]: lane.records.dlq.queueUrl,
    [`${name}LettersQueueUrl`]: lane.letters.queue.queueUrl,
    [`${name}DlqUrl`]: lane.letters.dlq.queueUrl,
    [`${name}SplitterName`]: lane.splitter.functionName,
    [`${name}ConsumerName`]: lane.consumer.functionName,
  };
}

/** `Traffic` for the main lane; others carry their own name too: `TrafficExpress`. */
function laneName({ settings }: Lane): string {
  return capitalised(settings.feed) + (settings.name === 'main' ? '' : capitalised(settings.name));
}

function capitalised(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
