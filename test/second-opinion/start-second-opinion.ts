import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { choosePort } from '../../localstack/probe-machine.ts';
import { tailOfFile } from '../../localstack/tail-of-file.ts';
import type { TestCloud } from '../support/start-test-cloud.ts';
import { NotFetchedError, fetchDynamoDbLocal, fetchElasticMq } from './fetch-programs.ts';
import type { BoundProcess } from './run-bound.ts';
import { runBound } from './run-bound.ts';

/** Its endpoint, or why there is none. */
export type Implementation = { endpoint: string } | { missing: string };

/** Implementations of AWS's services by others than the local cloud's makers: the contract suites run on each. */
export interface SecondOpinion {
  /** AWS's own DynamoDB Local. Its tables are those of the deployed stack, empty. */
  dynamoDb: Implementation;
  /** ElasticMQ, which has SQS's own redrive. */
  sqs: Implementation;
}

declare module 'vitest' {
  interface ProvidedContext {
    secondOpinion: SecondOpinion;
  }
}

/** Seconds on an idle machine; a cold disk and busy cores take many times that. */
const startedWithinMs = 120_000;
/** A test server of little memory that starts soon. */
const jvmFlags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];

interface Program {
  name: string;
  fetch: (dir: string, env: NodeJS.ProcessEnv) => Promise<string>;
  /** Relative to the program's folder. */
  args: (port: number) => string[];
}

const dynamoDbLocal: Program = {
  name: 'DynamoDB Local',
  fetch: fetchDynamoDbLocal,
  args: (port) => ['-jar', 'DynamoDBLocal.jar', '-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)],
};

const elasticMq: Program = {
  name: 'ElasticMQ',
  fetch: fetchElasticMq,
  args: (port) => [
    ...['-Dnode-address.host=127.0.0.1', `-Dnode-address.port=${port}`],
    ...['-Drest-sqs.bind-hostname=127.0.0.1', `-Drest-sqs.bind-port=${port}`, '-Drest-stats.enabled=false'],
    ...['-cp', '*', 'org.elasticmq.server.Main'],
  ],
};

/**
 * Starts the programs available here; missing ones are reported and skipped.
 * @param dir where the programs are kept, once for all runs
 * @param logDir of this run
 */
export async function startSecondOpinion(
  dir: string,
  logDir: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ found: SecondOpinion; stop: () => Promise<void> }> {
  const running: BoundProcess[] = [];
  const stop = async () => {
    await Promise.all(running.map((each) => each.stop()));
  };
  mkdirSync(logDir, { recursive: true });
  try {
    const java = await findJava(env);
    const start = (program: Program) =>
      java === null ? tryStart(program, { dir, logDir, env, running }) : { missing: java };
    const [dynamoDb, sqs] = await Promise.all([start(dynamoDbLocal), start(elasticMq)]);
    return { found: { dynamoDb, sqs }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The oldest Java that both run on. */
const leastJava = 17;

/** @returns null if Java is suitable, otherwise the reason */
async function findJava(env: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    // `openjdk version "17.0.15" …`, on stderr.
    const { stdout, stderr } = await promisify(execFile)('java', ['-version'], { timeout: 60_000, env });
    const version = /version "(\d+)/.exec(stdout + stderr)?.[1];
    return Number(version) >= leastJava ? null : `Java ${leastJava} is needed, and this is ${version ?? 'another'}`;
  } catch {
    return `Java ${leastJava} is not installed`;
  }
}

async function tryStart(
  program: Program,
  { dir, logDir, env, running }: { dir: string; logDir: string; env: NodeJS.ProcessEnv; running: BoundProcess[] },
): Promise<Implementation> {
  let folder: string;
  try {
    folder = await program.fetch(dir, env);
  } catch (error) {
    if (error instanceof NotFetchedError) return { missing: error.message };
    throw error;
  }
  const log = join(logDir, `${program.name.replace(' ', '-')}.log`);
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(undefined);
    const endpoint = `http://127.0.0.1:${port}`;
    const bound = runBound('java', [...jvmFlags, ...program.args(port)], { cwd: folder, log });
    if (await answersAt(endpoint, bound)) {
      running.push(bound);
      return { endpoint };
    }
    await bound.stop();
    // Another program may have taken the free port between its choice and its use.
    if (attempt === 2) throw new Error(`${program.name} did not start. The end of ${log}:\n${tailOfFile(log, 15)}`);
  }
}

/** Any answer will do, but not one that another program gives while ours is gone. */
async function answersAt(endpoint: string, bound: BoundProcess): Promise<boolean> {
  const giveUpAt = Date.now() + startedWithinMs;
  while (Date.now() < giveUpAt && bound.ended() === null) {
    try {
      await (await fetch(endpoint, { signal: AbortSignal.timeout(3_000) })).body?.cancel();
      return bound.ended() === null;
    } catch {
      await delay(100);
    }
  }
  return false;
}

/** The stack's tables, as they were deployed: keys and indexes have one source. */
export async function copyTables(cloud: TestCloud, endpoint: string): Promise<void> {
  const from = new DynamoDBClient(cloud.client);
  const to = new DynamoDBClient({ ...cloud.client, endpoint });
  for (const output of ['LedgerTableName', 'RecordLedgerTableName']) {
    const { Table } = await from.send(new DescribeTableCommand({ TableName: cloud.outputs[output] }));
    const { TableName, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = Table ?? {};
    const indexes = GlobalSecondaryIndexes?.map(({ IndexName, KeySchema: keys, Projection }) => ({
      ...{ IndexName, KeySchema: keys },
      Projection,
    }));
    await to.send(
      new CreateTableCommand({
        ...{ TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' },
        ...(indexes && indexes.length > 0 ? { GlobalSecondaryIndexes: indexes } : {}),
      }),
    );
  }
  from.destroy();
  to.destroy();
}
