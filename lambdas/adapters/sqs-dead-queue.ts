import type { SQSClient } from '@aws-sdk/client-sqs';
import { GetQueueAttributesCommand, ListMessageMoveTasksCommand } from '@aws-sdk/client-sqs';
import type { Clock, DeadQueue, QueuedMessage } from '../ports.ts';
import { countMessages, SqsQueueAccess } from './sqs-queue-access.ts';
import { eachQueued } from './walk-queue.ts';

export class SqsDeadQueue implements DeadQueue {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #clock: Clock;

  constructor(client: SQSClient, url: string, clock: Clock) {
    this.#client = client;
    this.#url = url;
    this.#clock = clock;
  }

  messages(): Promise<number> {
    return countMessages(this.#client, this.#url);
  }

  async isBeingRedriven(): Promise<boolean> {
    try {
      const { Attributes } = await this.#client.send(
        new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ['QueueArn'] }),
      );
      const { Results = [] } = await this.#client.send(
        new ListMessageMoveTasksCommand({ SourceArn: Attributes?.QueueArn, MaxResults: 1 }),
      );
      return Results.some(({ Status }) => Status === 'RUNNING' || Status === 'CANCELLING');
    } catch (error) {
      // A local cloud without this operation has no redrive tasks.
      if (error instanceof Error && /InvalidAction|UnknownOperation|NotImplemented/.test(error.name)) return false;
      throw error;
    }
  }

  async read(look: (message: QueuedMessage) => Promise<void>, signal = new AbortController().signal): Promise<void> {
    const ports = { queues: new SqsQueueAccess(this.#client), clock: this.#clock, random: Math.random };
    await eachQueued(this.#url, ports, look, signal);
  }
}
