import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { configureFunction } from './configure-function.ts';
import type { DeployedStack, Dropped } from './deployed-stack.ts';
import { waitFor } from './deployed-stack.ts';
import type { RelayEvent } from './endpoint-relay.ts';
import { EndpointRelay, relayPieceBytes } from './endpoint-relay.ts';
import { killFunction } from './kill-function.ts';

/** The stack's splitter, with little time, and with a relay between it and the endpoint. */
export class RelayedSplitter {
  readonly #stack: DeployedStack;
  readonly #name: string;
  readonly #relay: EndpointRelay;
  #restore: () => Promise<void> = () => Promise.resolve();

  constructor(stack: DeployedStack) {
    this.#stack = stack;
    this.#name = new URL(stack.output('TrafficIntakeQueueUrl')).pathname
      .replace(/^.*\//, '')
      .replace(/intake$/, 'splitter');
    this.#relay = new EndpointRelay(stack.cloud.client.endpoint, stack.cloud.enforcement?.certificate);
  }

  async start(timeoutSeconds: number): Promise<void> {
    const url = await this.#relay.start();
    await this.#awaitIdle();
    this.#restore = await configureFunction(this.#stack.cloud.client, this.#name, (before) => {
      const variables = Object.entries(before.Environment.Variables).map(([name, value]) => [
        name,
        name.endsWith('_QUEUE_URL') ? new URL(new URL(value).pathname, url).href : value,
      ]);
      const Variables = { ...(Object.fromEntries(variables) as Record<string, string>), AWS_ENDPOINT_URL: url };
      return { Timeout: timeoutSeconds, Environment: { Variables } };
    });
  }

  /** The stack is as it was before, without the messages of killed splitters that would come back in the next test. */
  async stop(): Promise<void> {
    this.#relay.onEvent = () => Promise.resolve();
    try {
      await this.#awaitIdle();
      await this.#stack.sqs.send(new PurgeQueueCommand({ QueueUrl: this.#stack.output('TrafficIntakeQueueUrl') }));
    } finally {
      await this.#restore();
      await this.#relay.stop();
    }
  }

  /** Drops a file under a new key. The splitter waits until `watch` has decided what happens to it. */
  async drop<T>({ bytes }: { bytes: Buffer }, watch: (file: Dropped) => T): Promise<{ dropped: Dropped; watched: T }> {
    const ready = Promise.withResolvers<void>();
    this.#relay.onEvent = async (event) => {
      await ready.promise;
      return this.#relay.onEvent(event);
    };
    const dropped = await this.#stack.drop(`traffic/${randomUUID()}.csv`, bytes);
    const watched = watch(dropped);
    ready.resolve();
    return { dropped, watched };
  }

  /** Tells of every event that is about this file. */
  watch(file: Dropped, tell: (event: RelayEvent) => Promise<void | 'lost'>): void {
    this.#relay.onEvent = async (event) => {
      const { path, body } = event.call;
      return path.includes(file.key) || body.includes(file.fileId) ? tell(event) : undefined;
    };
  }

  /** The file's bytes come no faster than this. */
  slowDown(file: Dropped, bytesPerSecond: number, tell: (event: RelayEvent) => void): void {
    this.watch(file, async (event) => {
      tell(event);
      if (event.when === 'piece') await delay((relayPieceBytes / bytesPerSecond) * 1000);
    });
  }

  /** Kills the splitter at the first of the file's events that is the one; resolves when it is dead. */
  killAt(file: Dropped, isTheOne: (event: RelayEvent) => boolean): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let isKilling = false;
    this.watch(file, async (event) => {
      if (isKilling || !isTheOne(event)) return undefined;
      isKilling = true;
      try {
        const killed = await killFunction(this.#stack, this.#name);
        // No invocation runs: the event belonged to a call that was in progress when an earlier one was killed.
        if (killed === 0) return undefined;
        this.#relay.onEvent = () => Promise.resolve();
        resolve(killed);
      } catch (error) {
        reject(error);
      } finally {
        isKilling = false;
      }
      return 'lost';
    });
    return promise;
  }

  /** Holds the file's first matching event until it is released; reports every event meanwhile and after. */
  holdAt(
    file: Dropped,
    isTheOne: (event: RelayEvent) => boolean,
    tell: (event: RelayEvent) => void = () => undefined,
  ): { held: Promise<void>; letGo: () => void } {
    const held = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    let isHeld = false;
    this.watch(file, async (event) => {
      tell(event);
      if (isHeld || !isTheOne(event)) return;
      isHeld = true;
      held.resolve();
      await gone.promise;
    });
    return { held: held.promise, letGo: gone.resolve };
  }

  /** What a minute and more would do to a killed splitter's file: its lease is over, its message comes back. */
  async letTimePass({ fileId }: Dropped): Promise<void> {
    await expireLease(this.#stack, fileId);
    await this.#stack.send(
      'TrafficIntakeQueueUrl',
      JSON.stringify({ v: 1, kind: 'continue', feed: 'traffic', fileId }),
    );
  }

  /** No invocation runs; messages of killed ones may be about to return. */
  async #awaitIdle(): Promise<void> {
    await waitFor('an idle splitter', async () => {
      const open = await this.#stack.ledger.listFiles('traffic', 'open', 100);
      return open.some(({ state }) => state === 'splitting') ? undefined : true;
    });
  }
}

/** The splitter that holds the file's lease has not been heard of for too long. @throws for a file without one */
export async function expireLease(stack: DeployedStack, fileId: string): Promise<void> {
  const client = new DynamoDBClient(stack.cloud.client);
  await client.send(
    new UpdateItemCommand({
      TableName: stack.output('LedgerTableName'),
      Key: { pk: { S: `FILE#${fileId}` }, sk: { S: 'FILE' } },
      UpdateExpression: 'SET leaseUntil = :past',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':past': { N: '1' } },
    }),
  );
  client.destroy();
}
