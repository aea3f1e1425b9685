import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoItemStore } from '../../lambdas/adapters/dynamo-item-store.ts';
import { EventBridgePublisher } from '../../lambdas/adapters/eventbridge-publisher.ts';
import { S3Archive, S3ReceiptStore } from '../../lambdas/adapters/s3-archive.ts';
import { S3PayloadStore } from '../../lambdas/adapters/s3-payload-store.ts';
import { SqsFinalizeQueue, SqsIntakeQueue, SqsLetterQueue } from '../../lambdas/adapters/sqs-queues.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { limiterStore } from '../../lambdas/ledger/limiter-store.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import type {
  Archive,
  EventPublisher,
  FinalizeQueue,
  IntakeQueue,
  Ledger,
  LetterQueue,
  LimiterStore,
  PayloadStore,
  ReceiptStore,
} from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import { hasOwnS3Endpoint } from './aws-access.ts';
import type { Target } from './choose-target.ts';
import { chooseTarget } from './choose-target.ts';
import {
  cloudFormationClientFor,
  dynamoClientFor,
  eventBridgeClientFor,
  s3ClientFor,
  sqsClientFor,
} from './clients.ts';
import { readLocalStacks } from './local-stacks.ts';
import { missingStack, unreachableStack } from './missing-stack.ts';
import { StackOutputs } from './stack-outputs.ts';
import { stateDirOf } from './state-dir.ts';

/** A deployed stack as the commands use it. */
export interface OpenStack {
  target: Target;
  outputs: StackOutputs;
  /** The outputs' present values, which another deployment may have changed. */
  readOutputs: () => Promise<Record<string, string>>;
  ledger: Ledger;
  /** An API's limiter, by its id. */
  limiterOf: (api: string) => LimiterStore;
  s3: S3Client;
  sqs: SQSClient;
  /** A second client, for calls after the first one is destroyed. */
  newS3: () => S3Client;
  archive: Archive;
  receipts: ReceiptStore;
  payloads: PayloadStore;
  events: EventPublisher;
  /** The finalize queue of each message's feed. */
  finalize: FinalizeQueue;
  /** The intake queue of a file's lane. */
  intakeOf: (file: { feed: string; lane: string }) => IntakeQueue;
  /** The letters queue of a file's lane. */
  lettersOf: (file: { feed: string; lane: string }) => LetterQueue;
}

/** Time limit of the first call with its retries, to detect an endpoint that accepts and never answers. Milliseconds. */
const answerTimeoutMs = 20_000;

/** @throws CliError if there is no such stack, or no answer */
export async function openStack(stackName: string | undefined, env: NodeJS.ProcessEnv): Promise<OpenStack> {
  const target = chooseTarget({ stack: stackName, env, local: readLocalStacks(stateDirOf(env)) });
  return openTarget(target);
}

export async function openTarget(target: Target): Promise<OpenStack> {
  const client = cloudFormationClientFor(target);
  const outputs = new StackOutputs(target.stackName, await readOutputs(target, client));
  const pathStyle = target.kind === 'endpoint' || (await hasOwnS3Endpoint(process.env));
  const newS3 = () => s3ClientFor(target, pathStyle);
  const [s3, sqs] = [newS3(), sqsClientFor(target)];
  const store = new DynamoItemStore(dynamoClientFor(target), outputs.ledgerTable);
  return {
    target,
    outputs,
    readOutputs: () => readOutputs(target, client),
    ledger: openLedger(store, systemClock),
    limiterOf: (api) => limiterStore(store, api),
    s3,
    sqs,
    newS3,
    archive: new S3Archive(s3, outputs.archiveBucket),
    receipts: new S3ReceiptStore(s3, outputs.workBucket),
    payloads: new S3PayloadStore(s3, outputs.workBucket),
    events: new EventBridgePublisher(eventBridgeClientFor(target)),
    finalize: {
      send: (message, delaySeconds) =>
        new SqsFinalizeQueue(sqs, outputs.finalizeQueueUrl(message.feed), systemClock).send(message, delaySeconds),
    },
    intakeOf: ({ feed, lane }) => new SqsIntakeQueue(sqs, outputs.intakeQueueUrl(feed, lane), systemClock),
    lettersOf: ({ feed, lane }) => new SqsLetterQueue(sqs, outputs.lettersQueueUrl(feed, lane), systemClock),
  };
}

async function readOutputs(target: Target, client: CloudFormationClient): Promise<Record<string, string>> {
  try {
    const answer = await client.send(new DescribeStacksCommand({ StackName: target.stackName }), {
      abortSignal: AbortSignal.timeout(answerTimeoutMs),
    });
    const stack = answer.Stacks?.[0];
    if (!stack || stack.StackStatus === 'DELETE_COMPLETE') throw await missingStack(target, client, startedHere());
    const outputs = (stack.Outputs ?? []).map((output) => [output.OutputKey ?? '', output.OutputValue ?? ''] as const);
    return Object.fromEntries(outputs);
  } catch (error) {
    // CloudFormation has no specific error code for it.
    if (error instanceof Error && /does not exist/i.test(error.message)) {
      throw await missingStack(target, client, startedHere(), error);
    }
    if (target.kind === 'aws' && isAboutCredentials(error)) {
      throw unreachableStack(target.stackName, startedHere(), error);
    }
    if (error instanceof Error && error.name === 'AbortError') throw noAnswer(target, error);
    throw error;
  }
}

function noAnswer(target: Target, cause: Error): CliError {
  const where = target.kind === 'aws' ? 'AWS' : target.endpointUrl;
  return new CliError(`${where} has not answered within ${answerTimeoutMs / 1000} s.`, { cause });
}

const startedHere = (): string[] => Object.keys(readLocalStacks(stateDirOf(process.env)));

/** Without credentials or a region, AWS cannot be asked whether there is such a stack. */
const isAboutCredentials = (error: unknown): boolean =>
  error instanceof Error &&
  (/^(CredentialsProviderError|TokenProviderError)$/.test(error.name) || /region is missing/i.test(error.message));
