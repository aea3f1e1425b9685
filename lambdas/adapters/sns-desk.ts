import type { SNSClient } from '@aws-sdk/client-sns';
import { PublishCommand } from '@aws-sdk/client-sns';
import type { Desk } from '../ports.ts';

/** SNS: a subject has up to 100 ASCII characters, none of them a control character; a message has up to 256 KiB. */
const maxSubject = 100;
const maxTextBytes = 250_000;

export class SnsDesk implements Desk {
  readonly #client: SNSClient;
  readonly #topicArn: string;

  constructor(client: SNSClient, topicArn: string) {
    this.#client = client;
    this.#topicArn = topicArn;
  }

  async notify(subject: string, text: string): Promise<void> {
    await this.#client.send(
      new PublishCommand({
        TopicArn: this.#topicArn,
        Subject: subject.replace(/[^\x20-\x7e]/g, '?').slice(0, maxSubject),
        Message: cut(text),
      }),
    );
  }
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length <= maxTextBytes ? text : `${bytes.subarray(0, maxTextBytes).toString()}\n…`;
}
