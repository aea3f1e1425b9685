/** A message in our hands, until its visibility ends. */
export interface ReceivedMessage {
  messageId: string;
  receiptHandle: string;
  body: string;
  /** The group it was sent with, where it has one (fair queues). */
  groupId?: string;
}

/** What a queue holds, as SQS counts it: approximately. */
export interface QueueCounts {
  visible: number;
  /** In somebody's hands. */
  inFlight: number;
  delayed: number;
}

/** Queues as somebody who carries messages from one to another needs them. */
export interface QueueAccess {
  count(url: string): Promise<QueueCounts>;
  /** Up to ten; none of them is seen by others for so long. */
  receive(url: string, holdSeconds: number): Promise<ReceivedMessage[]>;
  /**
   * Sends all of them with the bodies they have. Gives the ids of the new messages, in the same order; undefined for
   * one that SQS has not taken.
   */
  send(url: string, messages: readonly Pick<ReceivedMessage, 'body' | 'groupId'>[]): Promise<(string | undefined)[]>;
  /** What is not deleted for a hiccup becomes visible again. */
  remove(url: string, messages: readonly ReceivedMessage[]): Promise<void>;
  /** Visible again at once. */
  release(url: string, messages: readonly ReceivedMessage[]): Promise<void>;
}

export const totalOf = ({ visible, inFlight, delayed }: QueueCounts): number => visible + inFlight + delayed;
