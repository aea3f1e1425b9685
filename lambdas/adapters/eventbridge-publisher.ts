import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { AwsFaultError } from '../core/errors.ts';
import type { EventPublisher } from '../ports.ts';

/** Events on the account's default bus, with `sluice` as their source. */
export class EventBridgePublisher implements EventPublisher {
  readonly #client: EventBridgeClient;

  constructor(client: EventBridgeClient) {
    this.#client = client;
  }

  async publish(type: string, detail: Record<string, unknown>): Promise<void> {
    const answer = await this.#client.send(
      new PutEventsCommand({ Entries: [{ Source: 'sluice', DetailType: type, Detail: JSON.stringify(detail) }] }),
    );
    const failure = answer.Entries?.find((entry) => entry.ErrorCode !== undefined);
    if (!failure) return;
    const { ErrorCode: code = '', ErrorMessage: why } = failure;
    throw new AwsFaultError(code, `EventBridge did not accept '${type}': ${code}: ${why}`);
  }
}
